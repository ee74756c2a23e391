// Explore: everything that is found, narrowed by facets, with a preview beside it.
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { api, ApiError, query } from "../api";
import { useEntity, type Column } from "../data";
import { useTitle } from "../hooks";
import { cell } from "./cell";
import { kindOf, pageOf, partsOf, unquoted } from "../kinds";
import { Domain, isTier, nameOf, Owner, TagChips, TierChip, type Ref, type TagLabel } from "../parts/chips";
import { Icon, KindIcon } from "../parts/icons";
import { Menu } from "../parts/overlay";
import { Markdown } from "../parts/markdown";
import { Empty, Failed, Loading } from "../parts/states";
import { capital, kindName, number, t } from "../text";

/** The facets, by the field that is counted; each is a parameter of the address. */
const facets = [
  ["type", "entityType"], ["service", "service.displayName.keyword"], ["database", "database.displayName.keyword"], ["schema", "databaseSchema.displayName.keyword"], ["owner", "owners.displayName.keyword"], ["domain", "domains.displayName.keyword"],
  ["tag", "tags.tagFQN"], ["tier", "tier.tagFQN"], ["certification", "certification.tagLabel.tagFQN"],
] as const;

const pageSize = 30;
const maxResults = 10_000;

interface Hit { _id: string; _source: { id: string; entityType: string; name: string; displayName?: string; fullyQualifiedName: string; description?: string; owners?: Ref[]; domains?: Ref[]; tags?: TagLabel[]; tier?: TagLabel; deleted?: boolean; columns?: Column[] }; highlight?: Record<string, string[]> }
interface Found { hits: { total: { value: number }; hits: Hit[] }; took: number; aggregations?: Record<string, { buckets: { key: string; doc_count: number }[] }> }
interface View { search?: string; sort?: string; preview?: string; [facet: string]: string | undefined }

const listOf = (value: string | undefined): string[] => (value ? String(value).split("|") : []);

/** The filter of all facets but one, whose own counts must not depend on it. */
function filterOf(view: View, except?: string): string | undefined {
  const must = facets.filter(([name]) => name !== except && view[name]).map(([name, field]) => ({ terms: { [field]: listOf(view[name]) } }));
  return must.length > 0 ? JSON.stringify({ query: { bool: { must } } }) : undefined;
}

const sorts: Record<string, { sort_field?: string; sort_order?: string }> = {
  best: {}, name: { sort_field: "name.keyword", sort_order: "asc" }, updated: { sort_field: "updatedAt", sort_order: "desc" }, used: { sort_field: "usageSummary.weeklyStats.count", sort_order: "desc" },
};

const searchIndex = "dataAsset";

export default function Explore() {
  const view = useSearch({ strict: false }) as View;
  const navigate = useNavigate();
  useTitle(view.search ? `${view.search}, ${t("explore.title")}` : t("explore.title"));
  const change = (next: Partial<View>) => void navigate({ to: ".", search: ((old: View) => Object.fromEntries(Object.entries({ ...old, ...next }).filter(([, value]) => value))) as never, replace: "preview" in next });
  const filter = filterOf(view);
  const sort = sorts[view.sort ?? "best"] ?? {};
  const results = useInfiniteQuery({
    queryKey: ["search", view.search ?? "", filter ?? "", view.sort ?? ""], initialPageParam: 0, placeholderData: keepPreviousData,
    queryFn: ({ pageParam, signal }) => api<Found>(`/search/query${query({ q: view.search ?? "", index: searchIndex, from: pageParam, size: pageSize, query_filter: filter, track_total_hits: true, ...sort })}`, { signal }),
    getNextPageParam: (last, all) => { const seen = all.length * pageSize; return seen < Math.min(last.hits.total.value, maxResults) ? seen : undefined; },
  });
  const first = results.data?.pages[0];
  const hits = useMemo(() => results.data?.pages.flatMap((page) => page.hits.hits) ?? [], [results.data]);
  const total = first?.hits.total.value ?? 0;
  const chosen = facets.flatMap(([name]) => listOf(view[name]).map((value) => ({ name, value })));
  const current = hits.find((hit) => hit._source.fullyQualifiedName === view.preview);
  return (
    <div className={`ex ${current ? "" : "no-peek"}`}>
      <Facets view={view} found={first} change={change} />
      <section className="hits" aria-label={t("explore.results")} aria-busy={results.isFetching}>
        <div className="bar">
          <h1 aria-live="polite">{first ? t("explore.count", { count: total }) : t("explore.title")}</h1>{first && <span className="muted sm num">{t("explore.took", { ms: first.took })}</span>}
          <div className="row push">
            <Export view={view} filter={filter} />
            <Menu className="b" label={`${t("explore.sort")}: ${t(`explore.sort.${view.sort ?? "best"}` as "explore.sort.best")}`} button={<><Icon name="sort" />{t(`explore.sort.${view.sort ?? "best"}` as "explore.sort.best")}</>} choices={Object.keys(sorts).map((name) => ({ name: t(`explore.sort.${name}` as "explore.sort.best"), chosen: (view.sort ?? "best") === name, act: () => change({ sort: name === "best" ? undefined : name }) }))} />
          </div>
        </div>
        <Builder view={view} change={change} />
        <div className="on">
          {chosen.map(({ name, value }) => <button key={name + value} type="button" className="pill" aria-label={t("explore.remove", { name: value })} onClick={() => change({ [name]: listOf(view[name]).filter((one) => one !== value).join("|") })}>{wordOf(name, value)}<Icon name="close" /></button>)}
          {chosen.length > 0 && <button type="button" className="b g s" onClick={() => change(Object.fromEntries(facets.map(([name]) => [name, undefined])))}>{t("explore.clear")}</button>}
        </div>
        {results.error ? (results.error instanceof ApiError && results.error.status === 400 ? <div className="pad-5"><Empty title={t("explore.syntax", { message: results.error.message })} help={results.error.hint} /></div> : <div className="pad-5"><Failed error={results.error} again={() => void results.refetch()} /></div>)
          : results.isPending ? <div className="pad-5"><Loading rows={6} /></div>
          : hits.length === 0 ? <div className="pad-5"><Empty title={t("explore.none")} help={t("explore.noneHelp")}>{chosen.length > 0 && <p className="acts"><Link className="b" to="/explore" search={{ search: view.search } as never}>{t("explore.all")}</Link></p>}</Empty></div>
          : <Results hits={hits} current={view.preview} choose={(fqn) => change({ preview: fqn })} more={() => { if (results.hasNextPage && !results.isFetchingNextPage) void results.fetchNextPage(); }} />}
      </section>
      {current && <Preview hit={current} close={() => change({ preview: undefined })} />}
    </div>
  );
}

const wordOf = (facet: string, value: string): string => (facet === "type" ? capital(kindName(value)) : facet === "tier" ? value.replace(/^Tier\.Tier(\d)/, `${t("asset.tier")} $1`) : facet === "tag" || facet === "certification" ? partsOf(value).map(unquoted).join(". ") : value);

/** The facets. The counts of one obey all the others, so that they add up. */
function Facets({ view, found, change }: { view: View; found: Found | undefined; change: (next: Partial<View>) => void }) {
  const [sheet, setSheet] = useState(false);
  return (
    <aside className={`facets ${sheet ? "open" : ""}`} aria-label={t("explore.facets")}>
      <div className="sheet"><button type="button" className="b" aria-expanded={sheet} onClick={() => setSheet(!sheet)}><Icon name="filter" />{t("explore.facets")}</button></div>
      {facets.map(([name, field]) => <Facet key={name} name={name} field={field} view={view} found={found} change={change} />)}
    </aside>
  );
}

function Facet({ name, field, view, found, change }: { name: string; field: string; view: View; found: Found | undefined; change: (next: Partial<View>) => void }) {
  const [all, setAll] = useState(false);
  const chosen = listOf(view[name]);
  const own = useQuery({ // the counts of the answer leave out what this facet itself hides
    queryKey: ["search", "facet", name, view.search ?? "", filterOf(view, name) ?? ""], enabled: chosen.length > 0, placeholderData: keepPreviousData,
    queryFn: ({ signal }) => api<Found>(`/search/query${query({ q: view.search ?? "", index: searchIndex, from: 0, size: 0, query_filter: filterOf(view, name) })}`, { signal }),
  });
  const from = chosen.length > 0 ? own.data : found;
  const buckets = from?.aggregations?.[`sterms#${field}`]?.buckets ?? [];
  const list = [...buckets, ...chosen.filter((value) => !buckets.some((one) => one.key === value)).map((key) => ({ key, doc_count: 0 }))];
  if (list.length === 0) return null;
  const shown = all ? list : list.filter((one, i) => i < 8 || chosen.includes(one.key));
  return (
    <details className="facet" open={["type", "service", "domain", "tier", "owner"].includes(name) || chosen.length > 0}>
      <summary>{t(`facet.${field}` as "facet.entityType")}<Icon name="down" /></summary>
      <div role="group" aria-label={t(`facet.${field}` as "facet.entityType")}>
        {shown.map(({ key, doc_count }) => (
          <label key={key}><input type="checkbox" checked={chosen.includes(key)} onChange={(event) => change({ [name]: (event.target.checked ? [...chosen, key] : chosen.filter((one) => one !== key)).join("|"), preview: undefined })} /><span title={key}>{wordOf(name, key)}</span><span className="n">{number(doc_count)}</span></label>
        ))}
        {list.length > shown.length && <button type="button" className="b g s" onClick={() => setAll(true)}>{t("explore.more", { count: list.length })}</button>}
      </div>
    </details>
  );
}

/** Conditions that people put together, which become the text that they could have typed. */
function Builder({ view, change }: { view: View; change: (next: Partial<View>) => void }) {
  const [field, setField] = useState("name");
  const [value, setValue] = useState("");
  const fields = ["name", "description", "columns.name", "owners.name", "tags.tagFQN", "service.name", "database.name", "databaseSchema.name"];
  const add = () => {
    if (!value.trim()) return;
    const escaped = /^[\w.*-]+$/.test(value.trim()) ? value.trim() : `"${value.trim().replace(/(["\\])/g, "\\$1")}"`;
    change({ search: [view.search, `${field}:${escaped}`].filter(Boolean).join(" AND "), preview: undefined });
    setValue("");
  };
  return (
    <details className="builder"><summary className="sm">{t("explore.builder")}</summary>
      <form className="row wrap" onSubmit={(event) => { event.preventDefault(); add(); }}>
        <label><span className="vh">{t("explore.field")}</span><select className="in" value={field} onChange={(event) => setField(event.target.value)}>{fields.map((one) => <option key={one}>{one}</option>)}</select></label>
        <label><span className="vh">{t("explore.value")}</span><input className="in" value={value} placeholder={t("explore.value")} onChange={(event) => setValue(event.target.value)} /></label>
        <button type="submit" className="b">{t("explore.add")}</button>
      </form>
    </details>
  );
}

/** The list: only what is near the window is drawn. ↓ and ↑ move, and the preview follows. */
function Results({ hits, current, choose, more }: { hits: Hit[]; current: string | undefined; choose: (fqn: string) => void; more: () => void }) {
  const list = useRef<HTMLDivElement>(null);
  const virtual = useWindowVirtualizer({ count: hits.length, estimateSize: () => 124, overscan: 8, scrollMargin: list.current?.offsetTop ?? 0, getItemKey: (i) => hits[i]!._id });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => { if (last >= hits.length - 10) more(); }, [last, hits.length, more]);
  const key = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const at = hits.findIndex((hit) => hit._source.fullyQualifiedName === current);
    const to = Math.max(0, Math.min(hits.length - 1, at + step));
    choose(hits[to]!._source.fullyQualifiedName);
    virtual.scrollToIndex(to, { align: "auto" });
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-index="${to}"] h2 a`)?.focus({ preventScroll: true }));
  };
  return (
    <div ref={list} onKeyDown={key} className="virtual" style={{ height: virtual.getTotalSize() }}>
      {items.map((item) => {
        const hit = hits[item.index]!;
        return (
          <article key={item.key} data-index={item.index} ref={virtual.measureElement} className="hit" aria-current={hit._source.fullyQualifiedName === current ? "true" : undefined} style={{ transform: `translateY(${item.start - virtual.options.scrollMargin}px)` }}
            onClick={(event) => { if (!(event.target as HTMLElement).closest("a, button")) choose(hit._source.fullyQualifiedName); }}>
            <HitBody hit={hit} />
          </article>
        );
      })}
    </div>
  );
}

/** The server marks what matched by one element of its own; all else is text. */
export function Marked({ text }: { text: string }) {
  return <>{text.split(/(<span class="text-highlighter">.*?<\/span>)/s).map((part, i) => {
    const inside = /^<span class="text-highlighter">(.*)<\/span>$/s.exec(part);
    return inside ? <mark key={i}>{inside[1]}</mark> : part;
  })}</>;
}

const nameFields = ["name", "displayName", "name.keyword", "displayName.keyword", "name.ngram", "displayName.ngram", "description", "fullyQualifiedName"];

function HitBody({ hit }: { hit: Hit }) {
  const source = hit._source;
  const marked = hit.highlight ?? {};
  const name = marked.displayName?.[0] ?? (source.displayName ? source.displayName : marked.name?.[0] ?? source.name);
  const path = partsOf(source.fullyQualifiedName).slice(0, -1).map(unquoted).join(".");
  const tier = source.tier ?? source.tags?.find(isTier);
  const matched = Object.entries(marked).find(([field]) => !nameFields.some((one) => field === one));
  const description = marked.description?.join(" … ") ?? source.description;
  return (
    <>
      <span className="tile"><KindIcon type={source.entityType} /></span>
      <div>
        <h2><Link className="quiet" to={pageOf(source.entityType, source.fullyQualifiedName)}><Marked text={name} /></Link> <span className="kind">{capital(kindName(source.entityType))}</span></h2>
        {path && <div className="path" title={source.fullyQualifiedName}>{path}</div>}
        {description && <p><Marked text={description.slice(0, 400)} /></p>}
        <div className="meta">
          {source.owners?.slice(0, 2).map((owner) => <Owner key={owner.id} owner={owner} plain />)}
          {tier && <TierChip fqn={tier.tagFQN} />}
          {source.deleted && <span className="st c-bad"><Icon name="trash" />{t("explore.deleted")}</span>}
          {matched && <span className="muted">{t("explore.matched", { where: named(matched[0]) })} <code><Marked text={matched[1][0] ?? ""} /></code></span>}
        </div>
      </div>
    </>
  );
}

const named = (field: string): string => field.replace(/\.(keyword|ngram|name)$/, "").replace(/s\.name$/, "");

function Preview({ hit, close }: { hit: Hit; close: () => void }) {
  const { entityType, fullyQualifiedName } = hit._source;
  const { data: entity, error } = useEntity(kindOf(entityType), fullyQualifiedName);
  const name = nameOf(hit._source);
  const tier = entity?.tags?.find(isTier);
  return (
    <aside className="peek" aria-label={t("explore.preview", { name })}>
      <div className="row"><span className="tile"><KindIcon type={entityType} /></span><div><h2>{name}</h2><p className="sm muted">{kindName(entityType)}</p></div><button type="button" className="ib push" aria-label={t("explore.close")} onClick={close}><Icon name="close" /></button></div>
      <div className="row acts"><Link className="b p" to={pageOf(entityType, fullyQualifiedName)}>{t("explore.open")}</Link>{kindOf(entityType).asset && <Link className="b" to={`/lineage/${entityType}/${encodeURIComponent(fullyQualifiedName)}`}><Icon name="lineage" />{t("nav.lineage")}</Link>}</div>
      {error ? <Failed error={error} /> : !entity ? <Loading /> : (
        <>
          <dl className="pairs sec">
            {entity.owners && entity.owners.length > 0 && <div><dt>{t("asset.owners")}</dt><dd>{entity.owners.map((owner) => <Owner key={owner.id} owner={owner} />)}</dd></div>}
            {entity.domains && entity.domains.length > 0 && <div><dt>{t("asset.domain")}</dt><dd>{entity.domains.map((domain) => <Domain key={domain.id} domain={domain} />)}</dd></div>}
            {tier && <div><dt>{t("asset.tier")}</dt><dd><TierChip fqn={tier.tagFQN} /></dd></div>}
            <div><dt>{t("asset.tags")}</dt><dd className="row wrap">{entity.tags?.some((tag) => !isTier(tag)) ? <TagChips tags={entity.tags.filter((tag) => !isTier(tag))} limit={6} /> : t("asset.none")}</dd></div>
          </dl>
          {entity.description && <div className="sec"><h3>{t("asset.description")}</h3><Markdown text={entity.description} /></div>}
          {entity.columns && entity.columns.length > 0 && <div className="sec"><h3>{t("tab.columns")} <span className="muted">{entity.columns.length}</span></h3><ul className="collist">{entity.columns.slice(0, 8).map((column) => <li key={column.name}><code>{column.name}</code><code className="muted">{column.dataTypeDisplay ?? column.dataType?.toLowerCase()}</code></li>)}</ul></div>}
        </>
      )}
    </aside>
  );
}

/** How many results an export holds at most: the best ones. */
const exported = 1000;

/** The export of what is found, as a file. */
function Export({ view, filter }: { view: View; filter: string | undefined }) {
  const [busy, setBusy] = useState(false);
  const [word, setWord] = useState("");
  const save = async () => {
    setBusy(true);
    try {
      const rows: Hit[] = [];
      for (let from = 0; from < exported; from += 200) {
        const found = await api<Found>(`/search/query${query({ q: view.search ?? "", index: searchIndex, from, size: 200, query_filter: filter })}`);
        rows.push(...found.hits.hits);
        if (found.hits.hits.length < 200) break;
      }
      const text = [["type", "name", "fullyQualifiedName", "description", "owners", "domains", "tags"], ...rows.map(({ _source: one }) => [one.entityType, nameOf(one), one.fullyQualifiedName, one.description ?? "", (one.owners ?? []).map(nameOf).join("; "), (one.domains ?? []).map(nameOf).join("; "), (one.tags ?? []).map((tag) => tag.tagFQN).join("; ")])].map((cells) => cells.map(cell).join(",")).join("\r\n");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      link.download = "catalpa.csv";
      link.click();
      URL.revokeObjectURL(link.href);
      setWord(t("explore.csvReady"));
    } catch (error) {
      setWord(error instanceof Error ? error.message : "");
    } finally {
      setBusy(false);
    }
  };
  return <><button type="button" className="b g" disabled={busy} onClick={() => void save()}><Icon name="download" />{t("explore.csv")}</button><span className="sm muted" role="status">{word}</span></>;
}
