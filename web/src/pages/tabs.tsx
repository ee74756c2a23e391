// The parts of an asset beside its columns.
import { lazy, Suspense, useState } from "react";
import { Link } from "@tanstack/react-router";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, query } from "../api";
import { useList, type Entity } from "../data";
import { host } from "../host";
import { kindOf, pageOf, type Kind } from "../kinds";
import { nameOf, type Ref } from "../parts/chips";
import { KindIcon } from "../parts/icons";
import { Markdown } from "../parts/markdown";
import { CopyButton, Empty, Failed, Loading } from "../parts/states";
import { exactly, kindName, number, t, when } from "../text";
import { Tests } from "./quality";

const Graph = lazy(() => import("./graph"));

interface Parts { kind: Kind; entity: Entity }

/** What is in a container of things, page by page. */
export function Children({ kind, entity }: Parts) {
  const own: Entity[] | undefined = kind.type === "dashboard" ? entity.charts : kind.type === "pipeline" ? entity.tasks?.map((task: any) => ({ ...task, id: task.name })) : undefined;
  const below = belowOf(kind, entity);
  const list = useQuery({
    queryKey: ["children", kind.type, entity.id], enabled: !own,
    queryFn: async ({ signal }) => {
      if (kind.type === "dataProduct") return (await api(`/search/query${query({ q: `dataProducts.fullyQualifiedName:"${entity.fullyQualifiedName.replaceAll('"', '\\"')}"`, index: "dataAsset", from: 0, size: 100 })}`, { signal })).hits.hits.map((hit: any) => ({ ...hit._source, type: hit._source.entityType })) as Entity[];
      if (kind.type === "container") return (entity.children ?? []) as Entity[];
      const all = await Promise.all(below.map((one) => api<{ data: Entity[] }>(`/${one.kind.plural}${query({ [one.parameter]: entity.fullyQualifiedName, limit: 200 })}`, { signal }).then((page) => page.data.map((entry) => ({ ...entry, type: one.kind.type })))));
      return all.flat();
    },
  });
  const rows: Entity[] | undefined = own ?? list.data;
  if (list.error) return <Failed error={list.error} again={() => void list.refetch()} />;
  if (!rows) return <Loading />;
  if (rows.length === 0) return <Empty title={t("children.none")} />;
  return (
    <table className="table panel"><thead><tr><th scope="col">{t("children.name")}</th><th scope="col">{t("children.type")}</th><th scope="col">{t("children.description")}</th></tr></thead>
      <tbody>{rows.map((row) => <tr key={row.id}><th scope="row">{row.type && kind.type !== "pipeline" ? <Link className="who" to={pageOf(row.type, row.fullyQualifiedName)}><KindIcon type={row.type} /><code>{nameOf(row)}</code></Link> : <code>{nameOf(row)}</code>}</th><td>{row.type ? kindName(row.type) : row.taskType}</td><td>{row.description ? <Markdown text={row.description} inline /> : <span className="muted">{t("asset.nodescription")}</span>}</td></tr>)}</tbody>
    </table>
  );
}

/** The collections of what is below a type, with the parameter that narrows them. */
function belowOf(kind: Kind, _entity: Entity): { kind: Kind; parameter: string }[] {
  const of = (type: string, parameter: string) => ({ kind: kindOf(type), parameter });
  switch (kind.type) {
    case "database": return [of("databaseSchema", "database")];
    case "databaseSchema": return [of("table", "databaseSchema"), of("storedProcedure", "databaseSchema")];
    case "apiCollection": return [of("apiEndpoint", "apiCollection")];
    case "databaseService": return [of("database", "service")];
    case "messagingService": return [of("topic", "service")];
    case "dashboardService": return [of("dashboard", "service"), of("dashboardDataModel", "service")];
    case "pipelineService": return [of("pipeline", "service")];
    case "mlmodelService": return [of("mlmodel", "service")];
    case "storageService": return [of("container", "service")];
    case "searchService": return [of("searchIndex", "service")];
    case "apiService": return [of("apiCollection", "service")];
  }
  return [];
}

export function Sample({ kind, entity }: Parts) {
  const { data, error, refetch } = useQuery({ queryKey: ["sample", entity.id], queryFn: ({ signal }) => api(`/${kind.plural}/${entity.id}/sampleData`, { signal }) });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  const sample = data.sampleData;
  if (!sample?.rows?.length) return <Empty title={t("sample.none")} help={t("sample.noneHelp")} />;
  return (
    <div className="scroll panel" tabIndex={0} role="region" aria-label={t("tab.sample")}>
      <table className="table mono"><thead><tr>{sample.columns.map((name: string) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>{sample.rows.slice(0, 50).map((row: unknown[], i: number) => <tr key={i}>{row.map((value, j) => <td key={j}>{value === null ? <span className="muted">null</span> : typeof value === "object" ? JSON.stringify(value) : String(value)}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

export function Queries({ entity }: Parts) {
  const { data, error, refetch } = useList("queries", { entityId: entity.id, limit: 50, fields: "users,votes" });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  if (data.data.length === 0) return <Empty title={t("queries.none")} help={t("queries.noneHelp")} />;
  return <ul className="stack-4">{data.data.map((one) => <li key={one.id} className="panel"><header><Link to={pageOf("query", one.fullyQualifiedName)}>{nameOf(one)}</Link><span className="muted sm">{one.duration ? `${number(one.duration)} s` : ""} {t("queries.by", { who: one.updatedBy ?? "" })}, {when(one.queryDate ?? one.updatedAt)}</span><span className="push"><CopyButton text={one.query} label={t("state.copy")} /></span></header><pre className="sql" tabIndex={0}>{one.query}</pre></li>)}</ul>;
}

export function Definition({ entity }: Parts) {
  const text: string = entity.schemaDefinition ?? entity.query ?? entity.storedProcedureCode?.code ?? entity.metricExpression?.code ?? "";
  if (!text) return <Empty title={t("children.none")} />;
  return <div className="panel"><header><CopyButton text={text} label={t("state.copy")} /></header><pre className="sql" tabIndex={0}>{text}</pre></div>;
}

export function Profile({ entity }: Parts) {
  const fqn = encodeURIComponent(entity.fullyQualifiedName);
  const { data, error, refetch } = useQuery({ queryKey: ["profile", entity.id], queryFn: ({ signal }) => api(`/tables/${fqn}/tableProfile/latest`, { signal }) });
  const history = useQuery({ queryKey: ["profile", "history", entity.id], queryFn: ({ signal }) => api(`/tables/${fqn}/tableProfile${query({ startTs: Date.now() - 90 * 86_400_000, endTs: Date.now() })}`, { signal }) });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  const profile = data.profile;
  if (!profile) return <Empty title={t("profile.none")} help={t("profile.noneHelp")} />;
  const points: { x: number; y: number }[] = (history.data?.data ?? []).filter((one: any) => one.rowCount !== undefined).map((one: any) => ({ x: one.timestamp, y: one.rowCount })).sort((a: any, b: any) => a.x - b.x);
  const cell = (value: unknown) => (value === undefined || value === null ? <span className="muted">{t("asset.none")}</span> : typeof value === "number" ? number(value) : String(value));
  return (
    <>
      <dl className="facts plain"><div><dt>{t("profile.rows")}</dt><dd className="num">{cell(profile.rowCount)}</dd></div><div><dt>{t("profile.columns")}</dt><dd className="num">{cell(profile.columnCount)}</dd></div><div><dt>{t("profile.taken", { when: when(profile.timestamp) })}</dt><dd>{exactly(profile.timestamp)}</dd></div></dl>
      {points.length > 1 && <Line title={t("profile.history")} points={points} />}
      <div className="scroll panel" tabIndex={0} role="region" aria-label={t("tab.profile")}><table className="table"><thead><tr><th scope="col">{t("columns.name")}</th>{(["profile.nulls", "profile.distinct", "profile.min", "profile.max", "profile.mean"] as const).map((word) => <th key={word} scope="col" className="q">{t(word)}</th>)}</tr></thead>
        <tbody>{(data.columns ?? []).filter((column: any) => column.profile).map((column: any) => <tr key={column.name}><th scope="row"><code>{column.name}</code></th><td className="q num">{cell(column.profile.nullProportion !== undefined ? `${number(column.profile.nullProportion * 100)} %` : column.profile.nullCount)}</td><td className="q num">{cell(column.profile.distinctCount ?? column.profile.uniqueCount)}</td><td className="q num">{cell(column.profile.min)}</td><td className="q num">{cell(column.profile.max)}</td><td className="q num">{cell(column.profile.mean)}</td></tr>)}</tbody>
      </table></div>
    </>
  );
}

/** One line over time, drawn by hand, with its table beside it. */
export function Line({ title, points }: { title: string; points: { x: number; y: number }[] }) {
  const [table, setTable] = useState(false);
  const [low, high] = [Math.min(...points.map((p) => p.y)), Math.max(...points.map((p) => p.y))];
  const [from, to] = [points[0]!.x, points.at(-1)!.x];
  const at = (p: { x: number; y: number }) => [((p.x - from) / (to - from || 1)) * 600, 90 - ((p.y - low) / (high - low || 1)) * 80] as const;
  const path = points.map((p, i) => `${i ? "L" : "M"}${at(p).map((n) => n.toFixed(1)).join(" ")}`).join("");
  return (
    <figure className="line-chart"><figcaption className="row"><h3>{title}</h3><button type="button" className="b g s push" aria-pressed={table} onClick={() => setTable(!table)}>{t("profile.table")}</button></figcaption>
      <svg viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-label={`${title}: ${number(points[0]!.y)} – ${number(points.at(-1)!.y)}`}><path className="area" d={`${path}L600 100L0 100Z`} /><path className="stroke" d={path} vectorEffect="non-scaling-stroke" /></svg>
      <p className="row muted xs num"><span>{when(from)}: {number(points[0]!.y)}</span><span className="push">{when(to)}: {number(points.at(-1)!.y)}</span></p>
      {table && <table className="table"><tbody>{points.map((p) => <tr key={p.x}><th scope="row">{exactly(p.x)}</th><td className="q num">{number(p.y)}</td></tr>)}</tbody></table>}
    </figure>
  );
}

export function Quality({ entity }: Parts) {
  const { data, error, refetch } = useList("dataQuality/testCases", { entityFQN: entity.fullyQualifiedName, includeAllTests: "true", limit: 200, fields: "testCaseResult,incidentId,testDefinition" });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  if (data.data.length === 0) return <Empty title={t("quality.none")} help={t("quality.noneHelp")} />;
  return <Tests tests={data.data} />;
}

export function Lineage({ kind, entity }: Parts) {
  return <Suspense fallback={<Loading />}><Graph type={kind.type} fqn={entity.fullyQualifiedName} /></Suspense>;
}

export function Properties({ entity }: Parts) {
  const entries = Object.entries(entity.extension ?? {});
  if (entries.length === 0) return <Empty title={t("properties.none")} help={t("properties.noneHelp")} />;
  const word = (value: unknown): string => (Array.isArray(value) ? value.map(word).join(", ") : value !== null && typeof value === "object" ? nameOf(value as Ref) || JSON.stringify(value) : String(value));
  return <table className="table panel"><thead><tr><th scope="col">{t("properties.name")}</th><th scope="col">{t("properties.value")}</th></tr></thead><tbody>{entries.map(([name, value]) => <tr key={name}><th scope="row"><code>{name}</code></th><td>{word(value)}</td></tr>)}</tbody></table>;
}

/** Conversations and tasks about an asset, and a field to begin one. */
export function Activity({ kind, entity }: Parts) {
  const client = useQueryClient();
  const [text, setText] = useState("");
  const link = `<#E::${kind.type}::${entity.fullyQualifiedName}>`;
  const key = ["feed", link];
  const { data, error, refetch } = useQuery({ queryKey: key, queryFn: ({ signal }) => api(`/feed${query({ entityLink: link, limit: 50 })}`, { signal }) });
  const send = useMutation({ mutationFn: () => api("/feed", { body: { from: host().me.name, message: text, about: link, type: "Conversation" } }), onSuccess: () => { setText(""); void client.invalidateQueries({ queryKey: key }); } });
  const resolve = useMutation({ mutationFn: ({ id, act, task }: { id: number; act: "resolve" | "close"; task: any }) => api(`/feed/tasks/${id}/${act}`, { method: "PUT", body: act === "resolve" ? { newValue: task.suggestion ?? "" } : { comment: "-" } }), onSettled: () => { void client.invalidateQueries({ queryKey: key }); void client.invalidateQueries({ queryKey: ["entity"] }); } });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  const threads: any[] = [...data.data].sort((a, b) => Number(b.task?.status === "Open") - Number(a.task?.status === "Open"));
  return (
    <div className="stack-4">
      <form className="stack" onSubmit={(event) => { event.preventDefault(); if (text.trim()) send.mutate(); }}>
        <label className="field"><span className="lab">{t("activity.write")}</span><textarea className="in" rows={3} value={text} maxLength={10_000} onChange={(event) => setText(event.target.value)} onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && text.trim()) send.mutate(); }} /></label>
        {send.error && <p className="c-bad sm" role="alert">{t("edit.failed", { message: send.error.message })}</p>}
        <button type="submit" className="b" disabled={send.isPending}>{t("activity.send")}</button>
      </form>
      {threads.length === 0 && <Empty title={t("activity.none")} help={t("activity.noneHelp", { name: nameOf(entity) })} />}
      {threads.map((thread) => (
        <article key={thread.id} className="panel"><header><b>{thread.task ? t("activity.task", { id: thread.task.id }) : thread.createdBy}</b>{thread.task && <span className="chip">{thread.task.type} · {thread.task.status}</span>}<time className="muted sm push" dateTime={new Date(thread.threadTs).toISOString()} title={exactly(thread.threadTs)}>{when(thread.threadTs)}</time></header>
          <div className="pad stack"><Markdown text={thread.message} />{thread.task?.suggestion && <pre className="sql">{thread.task.suggestion}</pre>}
            {(thread.posts ?? []).map((post: any) => <div key={post.id} className="post"><b className="sm">{post.from}</b> <Markdown text={post.message} /></div>)}
            {thread.task?.status === "Open" && <div className="row"><button type="button" className="b s" onClick={() => resolve.mutate({ id: thread.task.id, act: "resolve", task: thread.task })}>{t("task.accept")}</button><button type="button" className="b g s" onClick={() => resolve.mutate({ id: thread.task.id, act: "close", task: thread.task })}>{t("task.reject")}</button></div>}
            {resolve.error && <p className="c-bad sm" role="alert">{resolve.error.message}</p>}
          </div>
        </article>
      ))}
    </div>
  );
}

/** The ingestion pipelines of a service. */
export function Ingestion({ entity }: Parts) {
  const { data, error, refetch } = useList("services/ingestionPipelines", { service: entity.fullyQualifiedName, limit: 100, fields: "pipelineStatuses" });
  const [logs, setLogs] = useState<Entity>();
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  if (data.data.length === 0) return <Empty title={t("ingestion.none")} />;
  return (
    <>
      <table className="table panel"><thead><tr><th scope="col">{t("children.name")}</th><th scope="col">{t("ingestion.type")}</th><th scope="col">{t("ingestion.schedule")}</th><th scope="col">{t("ingestion.last")}</th><th scope="col"><span className="vh">{t("ingestion.logs")}</span></th></tr></thead>
        <tbody>{data.data.map((one) => <tr key={one.id}><th scope="row">{nameOf(one)}</th><td>{one.pipelineType}</td><td><code>{one.airflowConfig?.scheduleInterval ?? t("asset.none")}</code></td><td>{one.pipelineStatuses?.pipelineState ?? t("ingestion.never")} {when(one.pipelineStatuses?.timestamp)}</td><td><button type="button" className="b s" onClick={() => setLogs(one)}>{t("ingestion.logs")}</button></td></tr>)}</tbody></table>
      {logs && <Logs pipeline={logs} />}
    </>
  );
}

function Logs({ pipeline }: { pipeline: Entity }) {
  const { data, error } = useQuery({ queryKey: ["logs", pipeline.id], retry: false, queryFn: ({ signal }) => api(`/services/ingestionPipelines/logs/${pipeline.id}/last`, { signal }) });
  if (error) return <Failed error={error} />;
  if (!data) return <Loading />;
  const text: string = typeof data === "string" ? data : Object.entries(data).filter(([name]) => /task|logs/.test(name)).map(([, value]) => String(value)).join("\n");
  return text ? <pre className="sql log" role="log" tabIndex={0} aria-label={t("ingestion.logs")}>{text}</pre> : <Empty title={t("ingestion.nologs")} />;
}

