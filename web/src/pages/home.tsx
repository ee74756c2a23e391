// Home: what changed, what was viewed, what is one's own, and the size of the catalog.
import { Link } from "@tanstack/react-router";
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, query } from "../api";
import { host } from "../host";
import { recent, useTitle } from "../hooks";
import { kindOf, pageOf } from "../kinds";
import { nameOf } from "../parts/chips";
import { useAnnouncements } from "../parts/announcements";
import { Icon, KindIcon } from "../parts/icons";
import { CopyButton, Empty, Failed, Loading } from "../parts/states";
import { aboutOf } from "./about";
import { exactly, kindName, kindsName, number, t, when } from "../text";

interface Hit { _source: { id: string; entityType: string; name: string; displayName?: string; fullyQualifiedName: string; updatedAt?: number; updatedBy?: string; version?: number; deleted?: boolean } }

const latest = (q: string, signal: AbortSignal) => api(`/search/query${query({ q, index: "dataAsset", from: 0, size: 12, sort_field: "updatedAt", sort_order: "desc", track_total_hits: true })}`, { signal });

function Line({ hit }: { hit: Hit["_source"] }) {
  const about = { type: kindName(hit.entityType), who: hit.updatedBy ?? "" };
  const act = hit.deleted ? t("home.deleted", about) : (hit.version ?? 0.1) <= 0.1 ? t("home.created", about) : t("home.updated", about);
  return <li><Link className="line-link" to={pageOf(hit.entityType, hit.fullyQualifiedName)}><KindIcon type={hit.entityType} /><span><b>{nameOf(hit)}</b> <span className="muted sm">{act}</span></span><time className="muted sm push" dateTime={new Date(hit.updatedAt ?? 0).toISOString()} title={exactly(hit.updatedAt)}>{when(hit.updatedAt)}</time></Link></li>;
}

export default function Home() {
  const { me } = host();
  useTitle(t("home.title"));
  const changes = useQuery({ queryKey: ["search", "home", "changes"], queryFn: ({ signal }) => latest("*", signal) });
  const names = [me.name, ...(me.teams ?? []).map((team) => team.name)].map((name) => `owners.name:"${name.replaceAll('"', '\\"')}"`).join(" OR ");
  const owned = useQuery({ queryKey: ["search", "home", "owned"], queryFn: ({ signal }) => latest(names, signal) });
  const counts = useQuery({ queryKey: ["search", "home", "counts"], queryFn: ({ signal }) => api(`/search/query${query({ q: "*", index: "all", from: 0, size: 0, track_total_hits: true })}`, { signal }) });
  const tasks = useQuery({ queryKey: ["feed", "tasks", me.id], queryFn: ({ signal }) => api(`/feed${query({ type: "Task", userId: me.id, filterType: "ASSIGNED_TO", taskStatus: "Open", limit: 10 })}`, { signal }) });
  const kinds: { key: string; doc_count: number }[] = (counts.data?.aggregations?.["sterms#entityType"]?.buckets ?? []).filter((one: any) => kindOf(one.key).asset);
  const announced = useAnnouncements();
  const viewed = recent();
  const empty = changes.data && changes.data.hits.total.value === 0;
  return (
    <>
      <h1 className="vh">{t("home.title")}</h1>
      {empty && <FirstRun />}
      {announced.data?.map((one) => {
        const about = aboutOf(one.about);
        return <p key={one.id} className="note warn"><Icon name="warn" /><span><Link to={pageOf(about.type, about.fqn)}>{about.fqn}</Link>: {one.message}</span></p>;
      })}
      <div className="two">
        <section><h2>{t("home.changes")}</h2>
          {changes.error ? <Failed error={changes.error} again={() => void changes.refetch()} /> : !changes.data ? <Loading /> : <ul className="lines">{changes.data.hits.hits.map((hit: Hit) => <Line key={hit._source.id} hit={hit._source} />)}</ul>}
          {empty && <p className="muted">{t("home.nochanges")}</p>}
          {kinds.length > 0 && <><h2 className="later">{t("home.size")}</h2><ul className="sizes">{kinds.map((one) => <li key={one.key}><Link className="who" to="/explore" search={{ type: one.key } as never}><KindIcon type={one.key} /><b className="num">{number(one.doc_count)}</b> {kindsName(one.key, one.doc_count)}</Link></li>)}</ul></>}
        </section>
        <aside className="side" aria-label={t("home.recent")}>
          <section className="sec"><h2>{t("home.recent")}</h2>{viewed.length === 0 ? <p className="muted sm">{t("home.norecent")}</p> : <ul className="lines">{viewed.slice(0, 8).map((one) => <li key={one.type + one.fqn}><Link className="line-link" to={pageOf(one.type, one.fqn)}><KindIcon type={one.type} /><span>{one.name}</span></Link></li>)}</ul>}</section>
          <section className="sec"><h2>{t("home.tasks")}</h2>{tasks.data?.data?.length ? <ul className="lines">{tasks.data.data.map((one: any) => <li key={one.id}>{one.task?.type} <span className="muted sm">{one.entityRef?.fullyQualifiedName ?? one.about}</span></li>)}</ul> : <p className="muted sm">{t("home.notasks")}</p>}</section>
          <section className="sec"><h2>{t("home.owned")}</h2>{owned.error ? <Failed error={owned.error} /> : !owned.data ? <Loading rows={2} /> : owned.data.hits.hits.length === 0 ? <p className="muted sm">{t("home.noowned")}</p> : <ul className="lines">{owned.data.hits.hits.map(({ _source: one }: Hit) => <li key={one.id}><Link className="line-link" to={pageOf(one.entityType, one.fullyQualifiedName)}><KindIcon type={one.entityType} /><span>{nameOf(one)}</span></Link></li>)}</ul>}</section>
        </aside>
      </div>
    </>
  );
}

/** How to bring in the first source, ready to copy. */
function FirstRun() {
  const { me } = host();
  const make = useMutation({
    mutationFn: async () => {
      const bot = await api("/bots/name/ingestion-bot");
      const made = await api(`/users/generateToken/${bot.botUser.id}`, { method: "PUT", body: { JWTTokenExpiry: "90" } });
      return made.JWTToken as string;
    },
  });
  if (!me.isAdmin) return <Empty title={t("first.others")} />;
  const yaml = `source:
  type: postgres
  serviceName: shop
  serviceConnection:
    config:
      type: Postgres
      hostPort: localhost:5432
      username: reader
      authType: {password: PASSWORD}
      database: shop
  sourceConfig:
    config: {type: DatabaseMetadata}
sink: {type: metadata-rest, config: {}}
workflowConfig:
  openMetadataServerConfig:
    hostPort: ${location.origin}/api
    authProvider: openmetadata
    securityConfig: {jwtToken: ${make.data ?? "TOKEN"}}
`;
  return (
    <section className="panel first"><header><h2>{t("first.title")}</h2></header>
      <ol className="pad stack-4">
        <li><h3>{t("first.connect")}</h3><pre className="sql" tabIndex={0}>pip install &quot;openmetadata-ingestion[postgres]~=1.12.0&quot;</pre></li>
        <li><h3>{t("first.config")}</h3><div className="row"><button type="button" className="b s" disabled={make.isPending} onClick={() => make.mutate()}><Icon name="key" />{t("first.token")}</button><CopyButton text={yaml} label={t("state.copy")} /><span className="sm soft" role="status">{make.data ? t("first.tokenMade") : make.error?.message ?? ""}</span></div><pre className="sql" tabIndex={0}>{yaml}</pre></li>
        <li><h3>{t("first.run")}</h3><pre className="sql" tabIndex={0}>metadata ingest -c shop.yaml</pre></li>
      </ol>
    </section>
  );
}
