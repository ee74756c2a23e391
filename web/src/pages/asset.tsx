// The page of an asset: one layout for all types, with the parts that the type has.
import { useEffect, useState } from "react";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, query, type Operation } from "../api";
import { entityKey, useEntity, usePatch, useRights, type Entity } from "../data";
import { setMember } from "../member";
import { host } from "../host";
import { noteRecent, useTitle } from "../hooks";
import { kindOf, pageOf, partsOf, serviceKind, unquoted, type Kind } from "../kinds";
import { Domain, isTerm, isTier, nameOf, Owner, TierChip, type Ref, type TagLabel } from "../parts/chips";
import { Announce, Announcements } from "../parts/announcements";
import { EditableText } from "../parts/edit";
import { Icon, KindIcon } from "../parts/icons";
import { RefsEdit, TagsEdit } from "../parts/labels";
import { Dialog, Menu } from "../parts/overlay";
import { CopyButton, Failed, Loading } from "../parts/states";
import { exactly, kindName, number, t, when } from "../text";
import { Columns } from "./columns";
import { Activity, Children, Definition, Ingestion, Lineage, Profile, Properties, Quality, Queries, Sample } from "./tabs";

type TabName = "columns" | "fields" | "children" | "tasks" | "charts" | "sample" | "queries" | "profile" | "quality" | "lineage" | "activity" | "properties" | "definition" | "assets" | "ingestion";

interface Tab { name: TabName; count?: number }

/** The parts of an asset, by what its type has. */
function tabsOf(kind: Kind, entity: Entity): Tab[] {
  const counted = (name: TabName, list: unknown): Tab => ({ name, ...(Array.isArray(list) ? { count: list.length } : {}) });
  const first: Tab[] = (() => {
    switch (kind.type) {
      case "table": return [counted("columns", entity.columns), { name: "sample" }, { name: "queries" }, { name: "profile" }, { name: "quality" }];
      case "topic": return [counted("fields", entity.messageSchema?.schemaFields)];
      case "searchIndex": return [counted("fields", entity.fields)];
      case "dashboardDataModel": return [counted("columns", entity.columns)];
      case "worksheet": return [counted("columns", entity.columns)];
      case "container": return [...(entity.dataModel?.columns ? [counted("columns", entity.dataModel.columns)] : []), { name: "children" }];
      case "pipeline": return [counted("tasks", entity.tasks)];
      case "dashboard": return [counted("charts", entity.charts)];
      case "storedProcedure": case "query": case "metric": return [{ name: "definition" }];
      case "database": case "databaseSchema": case "apiCollection": return [{ name: "children" }];
      case "dataProduct": return [{ name: "assets" }];
      default: return kind.path?.startsWith("service/") ? [{ name: "children" }, { name: "ingestion" }] : [];
    }
  })();
  const view = entity.schemaDefinition ? [{ name: "definition" as const }] : [];
  return [...first, ...view, ...(kind.asset && kind.type !== "dataProduct" ? [{ name: "lineage" as const }] : []), { name: "activity" }, ...(kind.asset ? [{ name: "properties" as const }] : [])];
}

export default function Asset() {
  const params = useParams({ strict: false }) as { fqn: string; tab?: string; category?: string };
  const type = params.category ? "" : location.pathname.split("/")[1]!;
  const kind = params.category ? serviceKind(params.category) : kindOf(type);
  const fqn = params.fqn;
  const { data: entity, error, refetch } = useEntity(kind, fqn);
  useEffect(() => { if (entity) noteRecent({ type: kind.type, fqn: entity.fullyQualifiedName, name: nameOf(entity) }); }, [entity?.id]); // eslint-disable-line
  if (error) return <Failed error={error} again={() => void refetch()} type={kind.type} name={fqn} />;
  if (!entity) return <Loading rows={8} />;
  return <Shown kind={kind} entity={entity} tab={params.tab} />;
}

function Shown({ kind, entity, tab }: { kind: Kind; entity: Entity; tab: string | undefined }) {
  const tabs = tabsOf(kind, entity);
  const current = tabs.find((one) => one.name === tab) ?? tabs[0]!;
  const name = nameOf(entity);
  const base = pageOf(kind.type, entity.fullyQualifiedName);
  const navigate = useNavigate();
  useTitle(`${name}, ${t(`tab.${current.name}`)}`);
  const may = useRights(kind, entity.fullyQualifiedName);
  const change = usePatch(kind, entity.fullyQualifiedName);
  const patch = async (operations: Operation[], shown?: (entity: Entity) => Entity) => {
    if (operations.length > 0) await change.mutateAsync({ id: entity.id, patch: operations, ...(shown ? { shown } : {}) });
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.key !== "[" && event.key !== "]") || (event.target as HTMLElement).closest?.("input, textarea, dialog")) return;
      const at = tabs.indexOf(current) + (event.key === "]" ? 1 : -1);
      const to = tabs[(at + tabs.length) % tabs.length];
      if (to) void navigate({ to: `${base}/${to.name}` });
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });
  const parts = { kind, entity };
  const columns = () => {
    const [list, pointer] = kind.type === "container" ? [entity.dataModel?.columns, "/dataModel/columns"] : kind.type === "topic" ? [entity.messageSchema?.schemaFields, "/messageSchema/schemaFields"] : kind.type === "searchIndex" ? [entity.fields, "/fields"] : [entity.columns, "/columns"];
    return <Columns entity={entity} columns={list ?? []} pointer={pointer} patch={(operations) => patch(operations)} canDescribe={may("EditDescription") && !entity.deleted} canTag={may("EditTags") && !entity.deleted} />;
  };
  const body: Record<TabName, () => React.ReactNode> = {
    columns, fields: columns, children: () => <Children {...parts} />, assets: () => <Children {...parts} />, tasks: () => <Children {...parts} />, charts: () => <Children {...parts} />, sample: () => <Sample {...parts} />, queries: () => <Queries {...parts} />, profile: () => <Profile {...parts} />,
    quality: () => <Quality {...parts} />, lineage: () => <Lineage {...parts} />, activity: () => <Activity {...parts} />, properties: () => <Properties {...parts} />, definition: () => <Definition {...parts} />, ingestion: () => <Ingestion {...parts} />,
  };
  return (
    <>
      <Head kind={kind} entity={entity} patch={patch} may={may} />
      <nav className="tabs" aria-label={t("asset.tabs", { name })}>
        {tabs.map((one) => <Link key={one.name} to={`${base}/${one.name}`} aria-current={one === current ? "page" : undefined}>{t(`tab.${one.name}`)}{one.count !== undefined && <span className="n">{number(one.count)}</span>}</Link>)}
      </nav>
      <div className="two">
        <div>{body[current.name]()}</div>
        <Side kind={kind} entity={entity} patch={patch} may={may} />
      </div>
    </>
  );
}

type Patch = (patch: Operation[], shown?: (entity: Entity) => Entity) => Promise<unknown>;

function Crumbs({ kind, entity }: { kind: Kind; entity: Entity }) {
  const parts = partsOf(entity.fullyQualifiedName).slice(0, -1);
  const above: (Ref | undefined)[] = [entity.service, entity.database, entity.databaseSchema, entity.apiCollection].filter(Boolean);
  if (parts.length === 0) return null;
  return (
    <nav aria-label={t("asset.path")}><ol className="crumbs">{parts.map((part, i) => {
      const fqn = parts.slice(0, i + 1).join(".");
      const ref = above.find((one) => one?.fullyQualifiedName === fqn);
      return <li key={fqn}>{i > 0 && <Icon name="right" />}{ref ? <Link to={pageOf(ref.type, fqn)}>{unquoted(part)}</Link> : <span>{unquoted(part)}</span>}</li>;
    })}<li className="vh">{kindName(kind.type)}</li></ol></nav>
  );
}

function Head({ kind, entity, patch, may }: { kind: Kind; entity: Entity; patch: Patch; may: (operation: string) => boolean }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [editing, setEditing] = useState<"" | "owners" | "domain" | "tier" | "delete" | "announce">("");
  const [word, setWord] = useState("");
  const { me } = host();
  const following = entity.followers?.some((one) => one.id === me.id) ?? false;
  const refresh = () => client.invalidateQueries({ queryKey: entityKey(kind, entity.fullyQualifiedName) });
  const follow = useMutation({ mutationFn: () => (following ? api(`/${kind.plural}/${entity.id}/followers/${me.id}`, { method: "DELETE" }) : api(`/${kind.plural}/${entity.id}/followers`, { method: "PUT", body: me.id })), onSettled: refresh });
  const vote = useMutation({ mutationFn: (kindOfVote: string) => api(`/${kind.plural}/${entity.id}/vote`, { method: "PUT", body: { updatedVoteType: kindOfVote } }), onSettled: refresh });
  const restore = useMutation({ mutationFn: () => api(`/${kind.plural}/restore`, { method: "PUT", body: { id: entity.id } }), onSettled: refresh });
  const mine = (voters: Ref[] | undefined) => voters?.some((one) => one.id === me.id) ?? false;
  const tier = entity.tags?.find(isTier);
  const link = `<#E::${kind.type}::${entity.fullyQualifiedName}>`;
  const can = (operation: string) => !entity.deleted && may(operation);
  const fact = (title: string, inside: React.ReactNode, edit?: "owners" | "domain" | "tier", operation = "EditAll") => (
    <div><dt>{title}</dt><dd>{inside ?? <span className="muted">{t("asset.none")}<span className="vh">{t("asset.noneLong")}</span></span>}{edit && can(operation) && <button type="button" className="ib s" aria-label={t("asset.edit", { what: title })} onClick={() => setEditing(edit)}><Icon name="pencil" small /></button>}</dd></div>
  );
  const setTier = (tags: TagLabel[]) => patch([{ op: entity.tags ? "replace" : "add", path: "/tags", value: [...(entity.tags ?? []).filter((tag) => !isTier(tag)), ...tags] }]);
  return (
    <header className="head">
      <Crumbs kind={kind} entity={entity} />
      <div className="title">
        <span className="tile"><KindIcon type={kind.type} /></span><h1>{nameOf(entity)}</h1><CopyButton icon text={entity.fullyQualifiedName} label={t("asset.copy")} />
        <div className="acts row push">
          {entity.votes && <><button type="button" className="ib" aria-pressed={mine(entity.votes.upVoters)} aria-label={`${t("asset.upvote")}, ${entity.votes.upVotes ?? 0}`} onClick={() => vote.mutate(mine(entity.votes?.upVoters) ? "unVoted" : "votedUp")}><Icon name="upvote" /></button><button type="button" className="ib" aria-pressed={mine(entity.votes.downVoters)} aria-label={`${t("asset.downvote")}, ${entity.votes.downVotes ?? 0}`} onClick={() => vote.mutate(mine(entity.votes?.downVoters) ? "unVoted" : "votedDown")}><Icon name="downvote" /></button></>}
          {entity.followers && <button type="button" className="b" aria-pressed={following} onClick={() => follow.mutate()}><Icon name="star" /><span className="lbl">{following ? t("asset.following") : t("asset.follow")}</span> <span className="num">{entity.followers.length}</span></button>}
          <button type="button" className="b" onClick={() => void navigator.clipboard.writeText(location.href).then(() => setWord(t("asset.shared")), () => undefined)}><Icon name="share" /><span className="lbl">{t("asset.share")}</span></button>
          <Menu label={t("asset.more")} button={<Icon name="dots" />} choices={[
            { name: t("asset.history"), icon: "history", act: () => void navigate({ to: `/${kind.path ?? kind.type}/${encodeURIComponent(entity.fullyQualifiedName)}/versions/${entity.version}` }) },
            ...(kind.asset && !entity.deleted ? [{ name: t("announce.title"), icon: "warn" as const, act: () => setEditing("announce") }] : []),
            ...(can("Delete") ? [{ name: t("asset.delete"), icon: "trash" as const, danger: true, act: () => setEditing("delete") }] : []),
          ]} />
          <span className="vh" role="status">{word}</span>
        </div>
      </div>
      {entity.deleted && <p className="note warn"><Icon name="trash" /><span className="row wrap">{t("asset.deleted", { who: entity.updatedBy ?? "", when: when(entity.updatedAt) })}{may("Delete") && <button type="button" className="b s" onClick={() => restore.mutate()}>{t("asset.restore")}</button>}</span></p>}
      <dl className="facts">
        {entity.owners !== undefined && fact(t("asset.owners"), entity.owners.length > 0 ? entity.owners.map((owner) => <Owner key={owner.id} owner={owner} />) : undefined, "owners", "EditOwners")}
        {entity.domains !== undefined && fact(t("asset.domain"), entity.domains.length > 0 ? entity.domains.map((domain) => <Domain key={domain.id} domain={domain} />) : undefined, "domain", "EditDomains")}
        {kind.asset && fact(t("asset.tier"), tier ? <TierChip fqn={tier.tagFQN} /> : undefined, "tier", "EditTier")}
        {entity.certification?.tagLabel && fact(t("asset.certification"), <span className="who"><Icon name="rosette" small />{partsOf(entity.certification.tagLabel.tagFQN).at(-1)}</span>)}
        {entity.usageSummary && fact(t("tab.queries"), number(entity.usageSummary.weeklyStats?.count ?? 0))}
        {fact(t("asset.version"), <Link to={`/${kind.path ?? kind.type}/${encodeURIComponent(entity.fullyQualifiedName)}/versions/${entity.version}`} title={exactly(entity.updatedAt)}>{entity.version.toFixed(1)}</Link>)}
      </dl>
      <Announcements link={link} />
      {editing === "announce" && <Announce link={link} onClose={() => setEditing("")} />}
      {editing === "owners" && <RefsEdit title={t("edit.ownersOf", { name: nameOf(entity) })} index="all" placeholder={t("edit.findOwner")} refs={entity.owners ?? []} onClose={() => setEditing("")} save={(refs) => patch([{ op: "add", path: "/owners", value: refs.map(({ id, type }) => ({ id, type })) }])} />}
      {editing === "domain" && <RefsEdit title={t("edit.domainOf", { name: nameOf(entity) })} index="domain_search_index" placeholder={t("edit.findDomain")} refs={(entity.domains ?? []).filter((one) => !one.inherited)} single onClose={() => setEditing("")} save={(refs) => patch([{ op: "add", path: "/domains", value: refs.map(({ id, type }) => ({ id, type })) }])} />}
      {editing === "tier" && <TierDialog current={tier?.tagFQN} onClose={() => setEditing("")} save={setTier} />}
      {editing === "delete" && <DeleteDialog kind={kind} entity={entity} onClose={() => setEditing("")} />}
    </header>
  );
}

function TierDialog({ current, save, onClose }: { current: string | undefined; save: (tags: TagLabel[]) => Promise<unknown>; onClose: () => void }) {
  const tiers = [1, 2, 3, 4, 5].map((n) => `Tier.Tier${n}`);
  const [error, setError] = useState("");
  const pick = (fqn?: string) => void save(fqn ? [{ tagFQN: fqn, source: "Classification", labelType: "Manual", state: "Confirmed" }] : []).then(onClose, (failure) => setError(t("edit.failed", { message: failure.message })));
  return (
    <Dialog title={t("asset.tier")} onClose={onClose}>
      <div className="stack">{tiers.map((fqn) => <button key={fqn} type="button" className="b" aria-pressed={fqn === current} onClick={() => pick(fqn)}><TierChip fqn={fqn} /></button>)}<button type="button" className="b g" onClick={() => pick()}>{t("asset.noneLong")}</button></div>
      {error && <p className="c-bad sm" role="alert">{error}</p>}
    </Dialog>
  );
}

function DeleteDialog({ kind, entity, onClose }: { kind: Kind; entity: Entity; onClose: () => void }) {
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const remove = useMutation({
    mutationFn: () => api(`/${kind.plural}/${entity.id}${query({ recursive: true, hardDelete: false })}`, { method: "DELETE" }),
    onSuccess: () => { void client.invalidateQueries(); onClose(); },
  });
  return (
    <Dialog title={t("asset.deleteTitle", { name: entity.name })} onClose={onClose}>
      <p>{t("asset.deleteHelp")}</p>
      <label className="field"><span className="lab">{t("asset.deleteConfirm")}</span><input className="in mono" value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" /></label>
      {remove.error && <p className="c-bad sm" role="alert">{remove.error.message}</p>}
      <div className="row acts"><button type="button" className="b danger" disabled={typed !== entity.name || remove.isPending} onClick={() => remove.mutate()}>{`${t("asset.delete")} ${kindName(kind.type)}`}</button><button type="button" className="b g" onClick={onClose}>{t("dialog.cancel")}</button></div>
    </Dialog>
  );
}

function Side({ kind, entity, patch, may }: { kind: Kind; entity: Entity; patch: Patch; may: (operation: string) => boolean }) {
  const name = nameOf(entity);
  const tags = entity.tags ?? [];
  const can = (operation: string) => !entity.deleted && may(operation);
  const setTags = (mine: (tag: TagLabel) => boolean) => (list: TagLabel[]) => {
    const value = [...tags.filter((tag) => !mine(tag)), ...list];
    return patch([{ op: entity.tags ? "replace" : "add", path: "/tags", value }], (old) => ({ ...old, tags: value }));
  };
  const plain = (tag: TagLabel) => !isTier(tag) && !isTerm(tag);
  return (
    <aside className="side" aria-label={t("tab.overview")}>
      <section className="sec"><h2>{t("asset.description")}</h2>
        <EditableText id={`${entity.id}/description`} label={t("edit.descriptionOf", { name })} text={entity.description ?? ""} empty={t("asset.nodescription")} editable={can("EditDescription")} save={(text) => patch(setMember(entity, "/description", text), (old) => ({ ...old, description: text }))} />
        {entity.updatedBy && <p className="src"><Icon name={/bot$/.test(entity.updatedBy) ? "plug" : "user"} small />{t("source.by", { who: entity.updatedBy, when: when(entity.updatedAt) })}</p>}
      </section>
      {entity.tags && <section className="sec"><h2>{t("asset.tags")}</h2><TagsEdit name={name} tags={tags.filter(plain)} editable={can("EditTags")} save={setTags(plain)} index="tag_search_index" /></section>}
      {entity.tags && kind.type !== "dataProduct" && <section className="sec"><h2>{t("asset.terms")}</h2><TagsEdit name={name} tags={tags.filter(isTerm)} editable={can("EditGlossaryTerms") || can("EditTags")} save={setTags(isTerm)} index="glossary_term_search_index" /></section>}
      {entity.dataProducts && entity.dataProducts.length > 0 && <section className="sec"><h2>{t("asset.products")}</h2><ul>{entity.dataProducts.map((one) => <li key={one.id}><Link className="who quiet" to={pageOf("dataProduct", one.fullyQualifiedName)}><Icon name="package" small />{nameOf(one)}</Link></li>)}</ul></section>}
    </aside>
  );
}

