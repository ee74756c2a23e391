// Governance: glossaries and terms, classifications and tags, domains.
import { useState, type ReactNode } from "react";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, query } from "../api";
import { useEntity, useList, usePatch, useRights, type Entity } from "../data";
import { setMember } from "../member";
import { useTitle } from "../hooks";
import { kindOf, pageOf, type Kind } from "../kinds";
import { nameOf, Owner, type Ref } from "../parts/chips";
import { EditableText } from "../parts/edit";
import { Icon, KindIcon } from "../parts/icons";
import { Markdown } from "../parts/markdown";
import { Dialog } from "../parts/overlay";
import { Empty, Failed, Loading } from "../parts/states";
import { PageHead } from "../shell";
import { kindName, t } from "../text";

type Area = "glossaries" | "classifications" | "domains";

function Areas({ current }: { current: Area }) {
  const list: [Area, string][] = [["glossaries", "/glossary"], ["classifications", "/tags"], ["domains", "/domain"]];
  return <nav className="tabs" aria-label={t("govern.title")}>{list.map(([name, to]) => <Link key={name} to={to} aria-current={name === current ? "page" : undefined}>{t(`govern.${name}`)}</Link>)}</nav>;
}

/** A tree at the left, what is chosen at the right. */
function Frame({ area, tree, children }: { area: Area; tree: ReactNode; children: ReactNode }) {
  return <><PageHead title={t("govern.title")} lead={t("govern.lead")} /><Areas current={area} /><div className="govern"><nav className="tree" aria-label={t(`govern.${area}`)}>{tree}</nav><section>{children}</section></div></>;
}

function Add({ label, plural, fixed, onDone }: { label: string; plural: string; fixed: Record<string, unknown>; onDone: (made: Entity) => void }) {
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const client = useQueryClient();
  const make = useMutation({ mutationFn: () => api<Entity>(`/${plural}`, { body: { ...fixed, name, description } }), onSuccess: (made) => { void client.invalidateQueries({ queryKey: ["list"] }); setOpen(false); setName(""); onDone(made); } });
  return (
    <>
      <button type="button" className="b s" onClick={() => setOpen(true)}><Icon name="plus" />{label}</button>
      {open && <Dialog title={label} onClose={() => setOpen(false)}><form className="stack-4" onSubmit={(event) => { event.preventDefault(); make.mutate(); }}>
        <label className="field"><span className="lab">{t("govern.name")}</span><input className="in" value={name} required maxLength={128} onChange={(event) => setName(event.target.value)} autoFocus /></label>
        <label className="field"><span className="lab">{t("asset.description")}</span><textarea className="in" rows={3} required value={description} onChange={(event) => setDescription(event.target.value)} /></label>
        {make.error && <p className="c-bad sm" role="alert">{t("edit.failed", { message: make.error.message })}</p>}
        <div className="row"><button type="submit" className="b p" disabled={make.isPending}>{t("govern.create")}</button><button type="button" className="b g" onClick={() => setOpen(false)}>{t("dialog.cancel")}</button></div>
      </form></Dialog>}
    </>
  );
}

/** The name and the text of a governed thing, edited in place. */
function Described({ kind, entity, children }: { kind: Kind; entity: Entity; children?: ReactNode }) {
  const change = usePatch(kind, entity.fullyQualifiedName);
  const may = useRights(kind, entity.fullyQualifiedName);
  return (
    <article className="stack-4">
      <header className="row wrap"><span className="tile"><KindIcon type={kind.type} /></span><h2>{nameOf(entity)}</h2>{entity.entityStatus && entity.entityStatus !== "Unprocessed" && <span className="chip">{entity.entityStatus}</span>}</header>
      <EditableText id={`${entity.id}/description`} label={t("edit.descriptionOf", { name: nameOf(entity) })} text={entity.description ?? ""} empty={t("asset.nodescription")} editable={may("EditDescription") && !entity.deleted} save={(text) => change.mutateAsync({ id: entity.id, patch: setMember(entity, "/description", text), shown: (old) => ({ ...old, description: text }) })} />
      <dl className="facts plain">
        {entity.owners && entity.owners.length > 0 && <div><dt>{t("asset.owners")}</dt><dd>{entity.owners.map((one) => <Owner key={one.id} owner={one} />)}</dd></div>}
        {entity.reviewers?.length > 0 && <div><dt>{t("govern.reviewers")}</dt><dd>{entity.reviewers.map((one: Ref) => <Owner key={one.id} owner={one} />)}</dd></div>}
        {entity.experts?.length > 0 && <div><dt>{t("govern.experts")}</dt><dd>{entity.experts.map((one: Ref) => <Owner key={one.id} owner={one} />)}</dd></div>}
        {entity.synonyms?.length > 0 && <div><dt>{t("govern.synonyms")}</dt><dd>{entity.synonyms.join(", ")}</dd></div>}
        {entity.relatedTerms?.length > 0 && <div><dt>{t("govern.related")}</dt><dd>{entity.relatedTerms.map((one: any) => { const term: Ref = one.term ?? one; return <Link key={term.id} to={pageOf("glossaryTerm", term.fullyQualifiedName)}>{nameOf(term)}</Link>; })}</dd></div>}
        {entity.usageCount !== undefined && <div><dt>{t("tab.assets")}</dt><dd>{t("govern.usage", { count: entity.usageCount })}</dd></div>}
      </dl>
      {children}
    </article>
  );
}

/** The assets that carry a tag or term, or are in a domain. */
function Assets({ field, fqn }: { field: string; fqn: string }) {
  const { data, error } = useQuery({ queryKey: ["search", field, fqn], queryFn: ({ signal }) => api(`/search/query${query({ q: `${field}:"${fqn.replaceAll('"', '\\"')}"`, index: "dataAsset", from: 0, size: 50, track_total_hits: true })}`, { signal }) });
  if (error) return <Failed error={error} />;
  if (!data) return <Loading />;
  const hits: { _source: Entity & { entityType: string } }[] = data.hits.hits;
  return <section><h3>{t("tab.assets")} <span className="muted num">{data.hits.total.value}</span></h3>{hits.length === 0 ? <p className="muted">{t("govern.noassets")}</p> : <ul className="lines">{hits.map(({ _source: one }) => <li key={one.id}><Link className="line-link" to={pageOf(one.entityType, one.fullyQualifiedName)}><KindIcon type={one.entityType} /><span><b>{nameOf(one)}</b> <span className="muted sm">{kindName(one.entityType)} · {one.fullyQualifiedName}</span></span></Link></li>)}</ul>}</section>;
}

export function Glossaries() {
  const { fqn } = useParams({ strict: false }) as { fqn?: string };
  const navigate = useNavigate();
  const list = useList("glossaries", { limit: 100 });
  const chosen = fqn ?? list.data?.data[0]?.fullyQualifiedName ?? "";
  const isGlossary = list.data?.data.some((one) => one.fullyQualifiedName === chosen) ?? false;
  const kind = kindOf(isGlossary ? "glossary" : "glossaryTerm");
  const { data: entity, error } = useEntity(kind, chosen, !!list.data && chosen !== "");
  const glossary = isGlossary ? chosen : entity?.glossary?.fullyQualifiedName;
  const terms = useQuery({ queryKey: ["list", "terms", glossary], enabled: !!glossary, queryFn: ({ signal }) => api<{ data: Entity[] }>(`/glossaryTerms${query({ glossary: list.data?.data.find((one) => one.fullyQualifiedName === glossary)?.id, limit: 1000, fields: "parent" })}`, { signal }).then((page) => page.data) });
  useTitle(entity ? `${nameOf(entity)}, ${t("govern.glossaries")}` : t("govern.glossaries"));
  const make = useRights(kindOf("glossary"), list.data?.data[0]?.fullyQualifiedName ?? "");
  const tree = (
    <>
      <Add label={t("govern.addGlossary")} plural="glossaries" fixed={{}} onDone={(made) => void navigate({ to: pageOf("glossary", made.fullyQualifiedName) })} />
      {!list.data ? <Loading /> : <ul>{list.data.data.map((one) => <li key={one.id}><Link to={pageOf("glossary", one.fullyQualifiedName)} aria-current={one.fullyQualifiedName === chosen ? "page" : undefined}>{nameOf(one)}</Link>{one.fullyQualifiedName === glossary && <Terms terms={terms.data ?? []} parent={undefined} chosen={chosen} />}</li>)}</ul>}
    </>
  );
  return (
    <Frame area="glossaries" tree={tree}>
      {list.error ?? error ? <Failed error={list.error ?? error} type={kind.type} name={chosen} /> : list.data?.data.length === 0 ? <Empty title={t("govern.noglossaries")} help={t("govern.noTermsHelp")} /> : !entity ? <Loading /> : (
        <Described kind={kind} entity={entity}>
          {(make("Create") || make("EditAll")) && <div className="row"><Add label={t("govern.addTerm")} plural="glossaryTerms" fixed={{ glossary, ...(isGlossary ? {} : { parent: entity.fullyQualifiedName }) }} onDone={(made) => void navigate({ to: pageOf("glossaryTerm", made.fullyQualifiedName) })} /></div>}
          {isGlossary ? (terms.data?.length === 0 ? <Empty title={t("govern.noterms")} help={t("govern.noTermsHelp")} /> : <ul className="lines">{(terms.data ?? []).filter((one) => !one.parent).map((one) => <li key={one.id}><Link className="line-link" to={pageOf("glossaryTerm", one.fullyQualifiedName)}><KindIcon type="glossaryTerm" /><span><b>{nameOf(one)}</b> {one.description && <span className="soft sm">{one.description}</span>}</span></Link></li>)}</ul>) : <Assets field="tags.tagFQN" fqn={entity.fullyQualifiedName} />}
        </Described>
      )}
    </Frame>
  );
}

function Terms({ terms, parent, chosen }: { terms: Entity[]; parent: string | undefined; chosen: string }) {
  const own = terms.filter((one) => one.parent?.fullyQualifiedName === parent);
  if (own.length === 0) return null;
  return <ul>{own.map((one) => <li key={one.id}><Link to={pageOf("glossaryTerm", one.fullyQualifiedName)} aria-current={one.fullyQualifiedName === chosen ? "page" : undefined}>{nameOf(one)}</Link><Terms terms={terms} parent={one.fullyQualifiedName} chosen={chosen} /></li>)}</ul>;
}

export function Classifications() {
  const { fqn } = useParams({ strict: false }) as { fqn?: string };
  const navigate = useNavigate();
  const list = useList("classifications", { limit: 100 });
  const single = location.pathname.startsWith("/tag/");
  const chosen = fqn ?? list.data?.data[0]?.fullyQualifiedName ?? "";
  const kind = kindOf(single ? "tag" : "classification");
  const { data: entity, error } = useEntity(kind, chosen, chosen !== "");
  const classification = single ? entity?.classification?.fullyQualifiedName : chosen;
  const tags = useList("tags", { parent: classification, limit: 500, fields: "usageCount" }, !!classification);
  useTitle(entity ? `${nameOf(entity)}, ${t("govern.classifications")}` : t("govern.classifications"));
  const tree = (
    <>
      <Add label={t("govern.addClassification")} plural="classifications" fixed={{}} onDone={(made) => void navigate({ to: pageOf("classification", made.fullyQualifiedName) })} />
      {!list.data ? <Loading /> : <ul>{list.data.data.map((one) => <li key={one.id}><Link to={pageOf("classification", one.fullyQualifiedName)} aria-current={one.fullyQualifiedName === classification ? "page" : undefined}>{nameOf(one)}</Link></li>)}</ul>}
    </>
  );
  return (
    <Frame area="classifications" tree={tree}>
      {list.error ?? error ? <Failed error={list.error ?? error} type={kind.type} name={chosen} /> : !entity ? <Loading /> : (
        <Described kind={kind} entity={entity}>
          {single ? <Assets field="tags.tagFQN" fqn={entity.fullyQualifiedName} /> : (
            <>
              {entity.provider !== "system" && <div className="row"><Add label={t("govern.addTag")} plural="tags" fixed={{ classification: entity.name }} onDone={(made) => void navigate({ to: pageOf("tag", made.fullyQualifiedName) })} /></div>}
              <table className="table panel"><thead><tr><th scope="col">{t("govern.name")}</th><th scope="col">{t("columns.description")}</th><th scope="col" className="q">{t("tab.assets")}</th></tr></thead><tbody>{(tags.data?.data ?? []).map((one) => <tr key={one.id}><th scope="row"><Link to={pageOf("tag", one.fullyQualifiedName)}>{nameOf(one)}</Link></th><td>{one.description && <Markdown text={one.description} inline />}</td><td className="q num">{one.usageCount ?? 0}</td></tr>)}</tbody></table>
            </>
          )}
        </Described>
      )}
    </Frame>
  );
}

export function Domains() {
  const { fqn } = useParams({ strict: false }) as { fqn?: string };
  const navigate = useNavigate();
  const list = useList("domains", { limit: 1000, fields: "parent" });
  const chosen = fqn ?? list.data?.data[0]?.fullyQualifiedName ?? "";
  const kind = kindOf("domain");
  const { data: entity, error } = useEntity(kind, chosen, chosen !== "");
  const products = useList("dataProducts", { domain: chosen, limit: 100 }, chosen !== "");
  useTitle(entity ? `${nameOf(entity)}, ${t("govern.domains")}` : t("govern.domains"));
  const below = (parent: string | undefined): ReactNode => {
    const own = (list.data?.data ?? []).filter((one) => one.parent?.fullyQualifiedName === parent);
    return own.length === 0 ? null : <ul>{own.map((one) => <li key={one.id}><Link to={pageOf("domain", one.fullyQualifiedName)} aria-current={one.fullyQualifiedName === chosen ? "page" : undefined}>{nameOf(one)}</Link>{below(one.fullyQualifiedName)}</li>)}</ul>;
  };
  return (
    <Frame area="domains" tree={<><Add label={t("govern.addDomain")} plural="domains" fixed={{ domainType: "Aggregate" }} onDone={(made) => void navigate({ to: pageOf("domain", made.fullyQualifiedName) })} />{!list.data ? <Loading /> : below(undefined)}</>}>
      {list.error ?? error ? <Failed error={list.error ?? error} type="domain" name={chosen} /> : list.data?.data.length === 0 ? <Empty title={t("govern.nodomains")} /> : !entity ? <Loading /> : (
        <Described kind={kind} entity={entity}>
          {products.data && products.data.data.length > 0 && <section><h3>{t("asset.products")}</h3><ul className="lines">{products.data.data.map((one) => <li key={one.id}><Link className="line-link" to={pageOf("dataProduct", one.fullyQualifiedName)}><KindIcon type="dataProduct" /><span><b>{nameOf(one)}</b> <span className="soft sm">{one.description}</span></span></Link></li>)}</ul></section>}
          <Assets field="domains.fullyQualifiedName" fqn={entity.fullyQualifiedName} />
        </Described>
      )}
    </Frame>
  );
}
