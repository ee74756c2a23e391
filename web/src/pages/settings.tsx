// Settings: who may do what, where data comes from, and how this server does.
import { useState, type ReactNode } from "react";
import { Link, useLocation, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, query } from "../api";
import { useEntity, useList, type Entity } from "../data";
import { host } from "../host";
import { useLate, useTitle } from "../hooks";
import { kindOf, kinds, pageOf } from "../kinds";
import { initials, nameOf, Status, type Ref } from "../parts/chips";
import { Icon, KindIcon } from "../parts/icons";
import { Markdown } from "../parts/markdown";
import { Dialog } from "../parts/overlay";
import { Picker } from "../parts/pick";
import { CopyButton, Empty, Failed, Loading } from "../parts/states";
import { PageHead } from "../shell";
import { exactly, kindName, t } from "../text";

const groups: { name: "settings.access" | "settings.data" | "settings.system"; pages: { to: string; name: Parameters<typeof t>[0]; admin?: boolean }[] }[] = [
  { name: "settings.access", pages: [{ to: "/settings/members/users", name: "settings.people" }, { to: "/settings/members/teams", name: "settings.teams" }, { to: "/settings/access/roles", name: "settings.roles" }, { to: "/settings/access/policies", name: "settings.policies" }, { to: "/settings/why", name: "settings.why" }, { to: "/settings/bots", name: "settings.bots" }] },
  { name: "settings.data", pages: [{ to: "/settings/services", name: "settings.services" }] },
  { name: "settings.system", pages: [{ to: "/settings/audit-logs", name: "settings.audit" }, { to: "/settings/om-health", name: "settings.health" }] },
];

function Pages() {
  const { pathname } = useLocation();
  return (
    <>
      {groups.map((group) => <div key={group.name}><h2>{t(group.name)}</h2>{group.pages.map((page) => <Link key={page.to} to={page.to} aria-current={pathname.startsWith(page.to) ? "page" : undefined}>{t(page.name)}</Link>)}
        {group.name === "settings.access" && host().me.isAdmin && <a href="/settings/sign-in" onClick={(event) => { event.preventDefault(); host().signOnSettings(); }}>{t("settings.signOn")}</a>}</div>)}
    </>
  );
}

function Frame({ title, lead, tools, children }: { title: string; lead?: string; tools?: ReactNode; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  useTitle(title);
  return (
    <div className="set">
      <nav aria-label={t("settings.nav")}><Pages /></nav>
      <div className="body">
        <button type="button" className="b jump" onClick={() => setOpen(true)}><Icon name="menu" />{t("settings.title")}</button>
        {open && <Dialog title={t("settings.title")} onClose={() => setOpen(false)}><nav className="drawer" aria-label={t("settings.nav")} onClick={() => setOpen(false)}><Pages /></nav></Dialog>}
        <PageHead title={title} {...(lead ? { lead } : {})}>{tools}</PageHead>
        {children}
      </div>
    </div>
  );
}

export function Overview() {
  return <Frame title={t("settings.title")} lead={t("settings.lead")}><div className="cards wide-cards">{groups.flatMap((group) => group.pages.map((page) => <Link key={page.to} className="card" to={page.to}>{t(page.name)}</Link>))}</div></Frame>;
}

export function People() {
  const { q } = useSearch({ strict: false }) as { q?: string };
  const navigate = useNavigate();
  const [text, setText] = useState(q ?? "");
  const late = useLate(text, 150);
  const { data, error, refetch } = useQuery({ queryKey: ["search", "people", late], queryFn: ({ signal }) => api(`/search/query${query({ q: late ? `${late}*` : "*", index: "user_search_index", from: 0, size: 100, sort_field: late ? undefined : "name.keyword", sort_order: late ? undefined : "asc", track_total_hits: true })}`, { signal }) });
  const hits: { _source: Entity }[] = (data?.hits.hits ?? []).filter((hit: any) => !hit._source.isBot);
  return (
    <Frame title={t("settings.people")} tools={host().me.isAdmin ? <AddPerson /> : undefined}>
      <div className="search"><Icon name="search" /><input type="text" aria-label={t("people.find")} placeholder={t("people.find")} value={text} onChange={(event) => { setText(event.target.value); void navigate({ to: ".", search: { q: event.target.value || undefined } as never, replace: true }); }} /></div>
      {error ? <Failed error={error} again={() => void refetch()} /> : !data ? <Loading /> : hits.length === 0 ? <Empty title={t("people.none")} /> : (
        <table className="table panel"><thead><tr><th scope="col">{t("people.name")}</th><th scope="col">{t("people.email")}</th><th scope="col">{t("people.teams")}</th></tr></thead>
          <tbody>{hits.map(({ _source: one }) => <tr key={one.id}><th scope="row"><Link className="who" to={pageOf("user", one.fullyQualifiedName ?? one.name)}><span className="av" aria-hidden="true">{initials(nameOf(one))}</span>{nameOf(one)}</Link>{one.isAdmin && <span className="chip">{t("people.admin")}</span>}</th><td>{one.email}</td><td>{(one.teams ?? []).map(nameOf).join(", ")}</td></tr>)}</tbody></table>
      )}
    </Frame>
  );
}

function AddPerson() {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [form, setForm] = useState({ name: "", email: "", displayName: "" });
  const make = useMutation({ mutationFn: () => api("/users", { body: Object.fromEntries(Object.entries(form).filter(([, value]) => value)) }), onSuccess: () => { setOpen(false); setForm({ name: "", email: "", displayName: "" }); void client.invalidateQueries({ queryKey: ["search", "people"] }); } });
  const field = (name: keyof typeof form, label: string, required = true) => <label className="field"><span className="lab">{label}</span><input className="in" value={form[name]} required={required} type={name === "email" ? "email" : "text"} onChange={(event) => setForm({ ...form, [name]: event.target.value })} /></label>;
  return (
    <>
      <button type="button" className="b p" onClick={() => setOpen(true)}>{t("people.add")}</button>
      {open && <Dialog title={t("people.add")} onClose={() => setOpen(false)}><form className="stack-4" onSubmit={(event) => { event.preventDefault(); make.mutate(); }}>{field("name", t("people.name"))}{field("email", t("people.email"))}{field("displayName", t("people.display"), false)}
        {make.error && <p className="c-bad sm" role="alert">{make.error.message}</p>}<div className="row"><button type="submit" className="b p" disabled={make.isPending}>{t("people.add")}</button><button type="button" className="b g" onClick={() => setOpen(false)}>{t("dialog.cancel")}</button></div></form></Dialog>}
    </>
  );
}

export function Person() {
  const { fqn } = useParams({ strict: false }) as { fqn: string };
  const { data: person, error } = useEntity(kindOf("user"), fqn);
  const owns = useQuery({ queryKey: ["search", "owns", fqn], enabled: !!person, queryFn: ({ signal }) => api(`/search/query${query({ q: `owners.name:"${person!.name}"`, index: "dataAsset", from: 0, size: 50 })}`, { signal }) });
  if (error) return <Failed error={error} type="user" name={fqn} />;
  if (!person) return <Loading />;
  const refs = (list: Ref[] | undefined, type: string) => (list?.length ? list.map((one) => <Link key={one.id} className="chip" to={pageOf(type, one.fullyQualifiedName ?? one.name)}>{nameOf(one)}</Link>) : <span className="muted">{t("asset.none")}</span>);
  return (
    <Frame title={nameOf(person)} lead={person.email} tools={<Link className="b" to="/settings/why" search={{ user: person.name } as never}>{t("settings.why")}</Link>}>
      <dl className="facts plain">{person.isAdmin && <div><dt>{t("settings.access")}</dt><dd>{t("people.admin")}</dd></div>}<div><dt>{t("people.teams")}</dt><dd>{refs(person.teams, "team")}</dd></div><div><dt>{t("people.roles")}</dt><dd>{[...(person.roles ?? []), ...(person.inheritedRoles ?? [])].map((one: Ref) => <span key={one.id} className="chip">{nameOf(one)}</span>)}</dd></div></dl>
      {person.description && <Markdown text={person.description} />}
      <h2 className="later">{t("tab.assets")}</h2>
      {!owns.data ? <Loading rows={2} /> : owns.data.hits.hits.length === 0 ? <p className="muted">{t("govern.noassets")}</p> : <ul className="lines">{owns.data.hits.hits.map(({ _source: one }: any) => <li key={one.id}><Link className="line-link" to={pageOf(one.entityType, one.fullyQualifiedName)}><KindIcon type={one.entityType} /><span><b>{nameOf(one)}</b> <span className="muted sm">{kindName(one.entityType)} · {one.fullyQualifiedName}</span></span></Link></li>)}</ul>}
    </Frame>
  );
}

export function Teams() {
  const { fqn } = useParams({ strict: false }) as { fqn?: string };
  const list = useList("teams", { limit: 1000, fields: "parents,userCount" });
  const { data: team } = useEntity(kindOf("team"), fqn ?? "", !!fqn);
  const branch = (parent: string | undefined): ReactNode => {
    const own = (list.data?.data ?? []).filter((one) => (one.parents?.[0]?.name as string | undefined) === parent);
    return own.length === 0 ? null : <ul>{own.map((one) => <li key={one.id}><Link to={pageOf("team", one.fullyQualifiedName)} aria-current={one.fullyQualifiedName === fqn ? "page" : undefined}>{nameOf(one)} <span className="muted num">{one.userCount ?? 0}</span></Link>{branch(one.name)}</li>)}</ul>;
  };
  return (
    <Frame title={t("settings.teams")}>
      {list.error ? <Failed error={list.error} /> : !list.data ? <Loading /> : <div className="govern"><nav className="tree" aria-label={t("settings.teams")}>{branch(undefined)}</nav>
        <section>{team && <article className="stack-4"><h2>{nameOf(team)}</h2>{team.description && <Markdown text={team.description} />}<dl className="facts plain"><div><dt>{t("people.roles")}</dt><dd>{(team.defaultRoles ?? []).map((one: Ref) => <span key={one.id} className="chip">{nameOf(one)}</span>)}</dd></div><div><dt>{t("settings.policies")}</dt><dd>{(team.policies ?? []).map((one: Ref) => <Link key={one.id} className="chip" to={`/settings/access/policies/${encodeURIComponent(one.fullyQualifiedName ?? one.name ?? "")}`}>{nameOf(one)}</Link>)}</dd></div></dl>
          <h3>{t("settings.people")}</h3><ul className="lines">{(team.users ?? []).map((one: Ref) => <li key={one.id}><Link className="who" to={pageOf("user", one.fullyQualifiedName ?? one.name)}><span className="av" aria-hidden="true">{initials(nameOf(one))}</span>{nameOf(one)}</Link></li>)}</ul></article>}</section></div>}
    </Frame>
  );
}

export function Roles() {
  const { data, error } = useList("roles", { limit: 200, fields: "policies,teams,users" });
  return (
    <Frame title={t("settings.roles")}>
      {error ? <Failed error={error} /> : !data ? <Loading /> : <table className="table panel"><thead><tr><th scope="col">{t("people.name")}</th><th scope="col">{t("roles.policies")}</th><th scope="col">{t("roles.who")}</th></tr></thead>
        <tbody>{data.data.map((one) => <tr key={one.id}><th scope="row">{nameOf(one)}<p className="soft sm">{one.description}</p></th><td>{(one.policies ?? []).map((policy: Ref) => <Link key={policy.id} className="chip" to={`/settings/access/policies/${encodeURIComponent(policy.fullyQualifiedName ?? policy.name ?? "")}`}>{nameOf(policy)}</Link>)}</td><td>{[...(one.teams ?? []), ...(one.users ?? [])].map(nameOf).join(", ") || <span className="muted">{t("asset.none")}</span>}</td></tr>)}</tbody></table>}
    </Frame>
  );
}

interface Rule { name: string; description?: string; effect: string; operations: string[]; resources: string[]; condition?: string }

/** A rule as people say it. */
function RuleLine({ rule }: { rule: Rule }) {
  const list = (all: string[], word: (one: string) => string) => (all.some((one) => one.toLowerCase() === "all") ? t("policy.everything") : all.map(word).join(", "));
  return <div className="rule"><Status state={rule.effect === "deny" ? "bad" : "ok"}>{t(rule.effect === "deny" ? "policy.deny" : "policy.allow")}</Status> <span>{t("policy.sentence", { operations: list(rule.operations, (one) => one.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()), resources: list(rule.resources, kindName) })}</span>{rule.condition && <> <span className="soft">{t("policy.when")}</span> <code>{rule.condition}</code></>}<p className="muted sm">{rule.name}</p></div>;
}

export function Policies() {
  const { fqn } = useParams({ strict: false }) as { fqn?: string };
  const list = useList("policies", { limit: 200, fields: "roles,teams" });
  const chosen = list.data?.data.find((one) => one.fullyQualifiedName === fqn || one.name === fqn) ?? list.data?.data[0];
  return (
    <Frame title={t("settings.policies")}>
      {list.error ? <Failed error={list.error} /> : !list.data || !chosen ? <Loading /> : (
        <div className="govern"><nav className="tree" aria-label={t("settings.policies")}><ul>{list.data.data.map((one) => <li key={one.id}><Link to={`/settings/access/policies/${encodeURIComponent(one.fullyQualifiedName)}`} aria-current={one === chosen ? "page" : undefined}>{nameOf(one)}</Link></li>)}</ul></nav>
          <section><article className="stack-4"><h2>{nameOf(chosen)}</h2>{chosen.description && <p className="soft">{chosen.description}</p>}<div className="panel">{(chosen.rules as Rule[]).map((rule) => <RuleLine key={rule.name} rule={rule} />)}</div>{host().me.isAdmin && <AddRule policy={chosen} />}</article></section></div>
      )}
    </Frame>
  );
}

/** A new rule. The condition is checked by the server as it is typed. */
function AddRule({ policy }: { policy: Entity }) {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [rule, setRule] = useState<Rule>({ name: "", effect: "allow", operations: ["ViewAll"], resources: ["All"], condition: "" });
  const condition = useLate(rule.condition ?? "", 300);
  const resources = useQuery({ queryKey: ["resources"], staleTime: Infinity, queryFn: ({ signal }) => api(`/policies/resources`, { signal }) });
  const descriptors: { name: string; operations: string[] }[] = resources.data?.data ?? [];
  const check = useQuery({ queryKey: ["condition", condition], enabled: condition !== "", retry: false, queryFn: ({ signal }) => api(`/policies/validation/condition/${encodeURIComponent(condition)}`, { signal }).then(() => "") .catch((error) => String(error.message)) });
  const save = useMutation({ mutationFn: () => api(`/policies/${policy.id}`, { patch: [{ op: "add", path: "/rules/-", value: { ...rule, ...(rule.condition ? {} : { condition: undefined }) } }] }), onSuccess: () => { setOpen(false); void client.invalidateQueries({ queryKey: ["list", "policies"] }); } });
  const operations = [...new Set(descriptors.filter((one) => rule.resources.includes("All") || rule.resources.includes(one.name)).flatMap((one) => one.operations))].sort();
  return (
    <>
      <button type="button" className="b" onClick={() => setOpen(true)}><Icon name="plus" />{t("policy.add")}</button>
      {open && <Dialog title={t("policy.add")} onClose={() => setOpen(false)} wide><form className="stack-4" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
        <label className="field"><span className="lab">{t("policy.ruleName")}</span><input className="in" required value={rule.name} onChange={(event) => setRule({ ...rule, name: event.target.value })} /></label>
        <div className="two-up"><label className="field"><span className="lab">{t("policy.effect")}</span><select className="in" value={rule.effect} onChange={(event) => setRule({ ...rule, effect: event.target.value })}><option value="allow">{t("policy.allow")}</option><option value="deny">{t("policy.deny")}</option></select></label>
          <label className="field"><span className="lab">{t("policy.resources")}</span><select className="in" multiple size={5} value={rule.resources} onChange={(event) => setRule({ ...rule, resources: [...event.target.selectedOptions].map((one) => one.value) })}>{["All", ...descriptors.map((one) => one.name).filter((one) => one !== "all").sort()].map((one) => <option key={one}>{one}</option>)}</select></label></div>
        <label className="field"><span className="lab">{t("policy.operations")}</span><select className="in" multiple size={6} value={rule.operations} onChange={(event) => setRule({ ...rule, operations: [...event.target.selectedOptions].map((one) => one.value) })}>{["All", ...operations.filter((one) => one !== "All")].map((one) => <option key={one}>{one}</option>)}</select></label>
        <label className="field"><span className="lab">{t("policy.condition")}</span><input className="in mono" value={rule.condition} placeholder="isOwner()" onChange={(event) => setRule({ ...rule, condition: event.target.value })} /><span className={check.data ? "c-bad sm" : "c-ok sm"} role="status">{condition === "" ? "" : check.data === "" ? t("policy.valid") : check.data}</span></label>
        {save.error && <p className="c-bad sm" role="alert">{save.error.message}</p>}
        <div className="row"><button type="submit" className="b p" disabled={save.isPending}>{t("edit.save")}</button><button type="button" className="b g" onClick={() => setOpen(false)}>{t("dialog.cancel")}</button></div>
      </form></Dialog>}
    </>
  );
}

/** Why somebody may do something, or may not: every rule that spoke, in the server's order. */
export function Why() {
  const view = useSearch({ strict: false }) as { user?: string; resource?: string; name?: string; operation?: string };
  const navigate = useNavigate();
  const change = (next: Record<string, string | undefined>) => void navigate({ to: ".", search: ((old: object) => Object.fromEntries(Object.entries({ ...old, ...next }).filter(([, value]) => value))) as never, replace: true });
  const resource = view.resource ?? "table";
  const operation = view.operation ?? "EditDescription";
  const user = view.user ?? host().me.name;
  const [picking, setPicking] = useState<"" | "user" | "asset">("");
  const target = useQuery({ queryKey: ["why", "target", resource, view.name], enabled: !!view.name, queryFn: ({ signal }) => api<Entity>(`/${kindOf(resource).plural}/name/${encodeURIComponent(view.name!)}`, { signal }) });
  const { data, error } = useQuery({ queryKey: ["why", user, resource, operation, target.data?.id], enabled: !view.name || !!target.data, retry: false, queryFn: ({ signal }) => api(`/permissions/debug/evaluate${query({ user, resource, operation, resourceId: target.data?.id })}`, { signal }) });
  const operations = ["ViewAll", "ViewBasic", "ViewSampleData", "ViewQueries", "EditAll", "EditDescription", "EditTags", "EditOwners", "EditTier", "EditGlossaryTerms", "EditLineage", "Create", "Delete"];
  const steps: any[] = data?.evaluationSteps ?? [];
  return (
    <Frame title={t("why.title")} lead={t("why.lead")}>
      <div className="ask"><button type="button" className="pick" onClick={() => setPicking("user")}><Icon name="user" small /><span>{user}</span></button> {t("why.operation")}
        <select className="in fit-in" aria-label={t("policy.operations")} value={operation} onChange={(event) => change({ operation: event.target.value })}>{operations.map((one) => <option key={one}>{one}</option>)}</select>
        <button type="button" className="pick" onClick={() => setPicking("asset")}><KindIcon type={resource} /><span>{view.name ?? kindName(resource)}</span></button>
        {!view.name && <select className="in fit-in" aria-label={t("why.resource")} value={resource} onChange={(event) => change({ resource: event.target.value })}>{kinds.filter((one) => one.asset).map((one) => <option key={one.type} value={one.type}>{kindName(one.type)}</option>)}</select>}</div>
      {picking === "user" && <Dialog title={t("why.person")} onClose={() => setPicking("")}><Picker index="user_search_index" label={t("people.find")} placeholder={t("people.find")} onPick={(found) => { change({ user: found.name }); setPicking(""); }} /></Dialog>}
      {picking === "asset" && <Dialog title={t("why.resource")} onClose={() => setPicking("")}><Picker index="dataAsset" label={t("search.label")} placeholder={t("search.placeholder")} onPick={(found) => { change({ resource: found.entityType, name: found.fullyQualifiedName }); setPicking(""); }} /></Dialog>}
      {error ? <Failed error={error} /> : !data ? <Loading /> : (
        <>
          <div className="panel verdict"><Icon name={data.allowed ? "pass" : "fail"} className={data.allowed ? "c-ok" : "c-bad"} /><div><h2>{data.allowed ? t("why.allow") : t(data.finalDecision === "DENY" ? "why.deny" : "why.notAllow")}</h2><p className="soft">{steps.find((one) => one.deciding) ? t("why.because", { rule: steps.find((one) => one.deciding).rule, policy: nameOf(steps.find((one) => one.deciding).policy) }) : t(data.allowed ? "why.admin" : "why.none")}</p></div></div>
          <ol className="why panel">{steps.map((step) => <li key={step.stepNumber} className={step.deciding && step.effect === "DENY" ? "hit-rule" : ""}><div><b>{step.rule}</b> <span className="soft">{nameOf(step.policy)}{step.role && `, ${nameOf(step.role)}`}, {step.source}</span></div><Status state={step.matched ? (step.effect === "DENY" ? "bad" : "ok") : "none"}>{t(step.effect === "DENY" ? "policy.deny" : "policy.allow")}</Status><div className="soft">{step.matchReason}</div></li>)}</ol>
        </>
      )}
    </Frame>
  );
}

export function Bots() {
  const { data, error } = useList("bots", { limit: 200 });
  return <Frame title={t("settings.bots")}>{error ? <Failed error={error} /> : !data ? <Loading /> : data.data.length === 0 ? <Empty title={t("bots.none")} /> : <table className="table panel"><thead><tr><th scope="col">{t("people.name")}</th><th scope="col">{t("bots.token")}</th><th scope="col"><span className="vh">{t("asset.more")}</span></th></tr></thead><tbody>{data.data.map((one) => <Bot key={one.id} bot={one} />)}</tbody></table>}</Frame>;
}

function Bot({ bot }: { bot: Entity }) {
  const client = useQueryClient();
  const admin = host().me.isAdmin ?? false;
  const key = ["mechanism", bot.botUser?.id];
  const { data } = useQuery({ queryKey: key, enabled: admin && !!bot.botUser, queryFn: ({ signal }) => api(`/users/auth-mechanism/${bot.botUser.id}`, { signal }).catch(() => null) });
  const [open, setOpen] = useState<"" | "make" | "revoke">("");
  const [life, setLife] = useState("90");
  const make = useMutation({ mutationFn: () => api(`/users/generateToken/${bot.botUser.id}`, { method: "PUT", body: { JWTTokenExpiry: life } }), onSettled: () => client.invalidateQueries({ queryKey: key }) });
  const revoke = useMutation({ mutationFn: () => api("/users/revokeToken", { method: "PUT", body: { id: bot.botUser.id } }), onSuccess: () => setOpen(""), onSettled: () => client.invalidateQueries({ queryKey: key }) });
  const config = data?.config;
  const ends: number | undefined = config?.JWTTokenExpiresAt;
  const close = () => { setOpen(""); make.reset(); };
  return (
    <tr><th scope="row"><KindIcon type="user" /> {nameOf(bot)}<p className="soft sm">{bot.description}</p></th>
      <td>{!admin ? <span className="muted">{t("asset.none")}</span> : config ? ends ? <Status state={ends - Date.now() < 7 * 86_400_000 ? "warn" : "ok"}>{t("bots.expires", { when: exactly(ends) })}</Status> : <Status state="ok">{t("bots.never")}</Status> : <Status state="none">{t("bots.notoken")}</Status>}</td>
      <td className="q">{admin && <div className="row"><button type="button" className="b s" onClick={() => setOpen("make")}>{t("bots.make")}</button>{config && <button type="button" className="b s danger" onClick={() => setOpen("revoke")}>{t("bots.revoke")}</button>}</div>}
        {open === "make" && <Dialog title={`${t("bots.make")}: ${nameOf(bot)}`} onClose={close}>
          {make.data ? <div className="stack-4"><p>{t("bots.made")}</p><div className="copy"><input className="in mono" readOnly aria-label={t("bots.token")} value={make.data.JWTToken} onFocus={(event) => event.target.select()} /><CopyButton text={make.data.JWTToken} label={t("bots.copy")} /></div><button type="button" className="b p" onClick={close}>{t("bots.done")}</button></div>
            : <form className="stack-4" onSubmit={(event) => { event.preventDefault(); make.mutate(); }}><label className="field"><span className="lab">{t("bots.life")}</span><select className="in" value={life} onChange={(event) => setLife(event.target.value)}>{["7", "30", "60", "90"].map((days) => <option key={days} value={days}>{t("bots.days", { count: Number(days) })}</option>)}<option value="Unlimited">{t("bots.unlimited")}</option></select></label>{make.error && <p className="c-bad sm" role="alert">{make.error.message}</p>}<button type="submit" className="b p" disabled={make.isPending}>{t("bots.make")}</button></form>}
        </Dialog>}
        {open === "revoke" && <Dialog title={t("bots.revokeTitle", { name: nameOf(bot) })} onClose={close}><p>{t("bots.revokeHelp")}</p>{revoke.error && <p className="c-bad sm" role="alert">{revoke.error.message}</p>}<div className="row acts"><button type="button" className="b danger" disabled={revoke.isPending} onClick={() => revoke.mutate()}>{t("bots.revoke")}</button><button type="button" className="b g" onClick={close}>{t("dialog.cancel")}</button></div></Dialog>}
      </td></tr>
  );
}

const serviceKinds = kinds.filter((one) => one.path?.startsWith("service/"));

export function Services() {
  const { data, error } = useQuery({ queryKey: ["services"], queryFn: async ({ signal }) => (await Promise.all(serviceKinds.map((kind) => api<{ data: Entity[] }>(`/${kind.plural}${query({ limit: 200 })}`, { signal }).then((page) => page.data.map((one) => ({ ...one, kind })))))).flat() });
  return <Frame title={t("settings.services")}>{error ? <Failed error={error} /> : !data ? <Loading /> : data.length === 0 ? <Empty title={t("services.none")} /> : <table className="table panel"><thead><tr><th scope="col">{t("people.name")}</th><th scope="col">{t("services.kind")}</th><th scope="col">{t("services.product")}</th><th scope="col">{t("columns.description")}</th></tr></thead><tbody>{data.map((one) => <tr key={one.id}><th scope="row"><Link className="who" to={pageOf(one.kind.type, one.fullyQualifiedName)}><KindIcon type={one.kind.type} />{nameOf(one)}</Link></th><td>{kindName(one.kind.type)}</td><td>{(one as Entity).serviceType}</td><td>{one.description && <Markdown text={one.description} inline />}</td></tr>)}</tbody></table>}</Frame>;
}

export function Audit() {
  const { after } = useSearch({ strict: false }) as { after?: string };
  const navigate = useNavigate();
  const { data, error } = useQuery({ queryKey: ["audit", after], queryFn: ({ signal }) => api(`/audit/logs${query({ limit: 50, after })}`, { signal }) });
  return (
    <Frame title={t("settings.audit")}>
      {error ? <Failed error={error} /> : !data ? <Loading /> : data.data.length === 0 ? <Empty title={t("audit.none")} /> : (
        <>
          <table className="table panel"><thead><tr><th scope="col">{t("audit.when")}</th><th scope="col">{t("audit.who")}</th><th scope="col">{t("audit.what")}</th><th scope="col">{t("audit.on")}</th></tr></thead><tbody>{data.data.map((one: any) => <tr key={one.id}><th scope="row" className="num">{exactly(one.eventTs)}</th><td>{one.userName}</td><td>{String(one.eventType).replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()}</td><td>{one.entityType && <span className="muted">{kindName(one.entityType)}</span>} {one.entityFQN}</td></tr>)}</tbody></table>
          {data.paging.after && <button type="button" className="b later" onClick={() => void navigate({ to: ".", search: { after: data.paging.after } as never })}>{t("audit.older")}</button>}
        </>
      )}
    </Frame>
  );
}

/** How far the comparison of index and catalog is, and what it found. */
interface Comparison { running: boolean; done: number; total: number; missing: number; different: number; extra: number }

export function Health() {
  const client = useQueryClient();
  const { data, error } = useQuery({ queryKey: ["health"], refetchInterval: 10_000, queryFn: ({ signal }) => api<Record<string, { description: string; passed: boolean; message: string }>>("/system/status", { signal }) });
  const check = useQuery<Comparison>({ queryKey: ["health", "check"], refetchInterval: (query) => (query.state.data?.running ? 1000 : false), enabled: host().me.isAdmin ?? false, queryFn: ({ signal }) => api("/search/check", { signal }) });
  const compare = useMutation({ mutationFn: () => api(`/search/check${query({ repair: true })}`, { method: "POST" }), onSettled: () => client.invalidateQueries({ queryKey: ["health"] }) });
  const reindex = useMutation({ mutationFn: () => api("/apps/trigger/SearchIndexingApplication", { method: "POST", body: {} }) });
  const list = Object.entries(data ?? {}).filter(([, one]) => typeof one?.passed === "boolean");
  const wrong = list.filter(([, one]) => !one.passed).length;
  const drift = (check.data?.missing ?? 0) + (check.data?.different ?? 0) + (check.data?.extra ?? 0);
  return (
    <Frame title={error ? t("settings.health") : data ? (wrong === 0 ? t("health.well") : t("health.attention", { count: wrong })) : t("settings.health")} lead={`${t("health.version")} ${host().version}`}>
      {error ? <Failed error={error} /> : !data ? <Loading /> : <table className="table panel"><thead><tr><th scope="col">{t("health.check")}</th><th scope="col">{t("health.state")}</th></tr></thead><tbody>{list.map(([name, one]) => <tr key={name}><th scope="row">{one.description}</th><td><Status state={one.passed ? "ok" : "bad"}>{one.message}</Status></td></tr>)}
        {check.data && <tr><th scope="row">{t("health.search")}</th><td>{check.data.running ? <progress max={check.data.total || 1} value={check.data.done} aria-label={t("health.search")} /> : <Status state={drift === 0 ? "ok" : "warn"}>{t(drift === 0 ? "health.inStep" : "health.outOfStep")}</Status>}</td></tr>}</tbody></table>}
      {host().me.isAdmin && <div className="row wrap later"><button type="button" className="b" disabled={compare.isPending || check.data?.running} onClick={() => compare.mutate()}>{t("health.checkNow")}</button><button type="button" className="b" disabled={reindex.isPending} onClick={() => reindex.mutate()}>{t("health.reindex")}</button><span className="sm soft" role="status">{reindex.isSuccess ? t("health.reindexing") : reindex.error?.message ?? compare.error?.message ?? ""}</span></div>}
    </Frame>
  );
}

