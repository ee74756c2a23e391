// The graph of lineage around an asset, and the same as a list.
import { useEffect, useMemo, useState } from "react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Background, Handle, Position, ReactFlow, ReactFlowProvider, useReactFlow, type Edge, type Node, type NodeProps } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { api, query } from "../api";
import { useRights } from "../data";
import { kindOf, pageOf } from "../kinds";
import { nameOf, Owner } from "../parts/chips";
import { Icon, KindIcon } from "../parts/icons";
import { Dialog } from "../parts/overlay";
import { Picker } from "../parts/pick";
import { Empty, Failed, Loading } from "../parts/states";
import { kindName, t } from "../text";
import { flowOf, reach, type Answer, type Flow, type Thing } from "./flow";
import { arrange, size, type Placed } from "./layout";

type Data = { thing: Thing; focus: boolean; columns: string[]; up: number; down: number; chosen: boolean };

function Box({ data }: NodeProps<Node<Data>>) {
  const { thing } = data;
  const type = thing.entityType ?? thing.type;
  return (
    <div className={`lin-node ${data.focus ? "focus" : ""} ${data.chosen ? "on" : ""}`}>
      <Handle type="target" position={Position.Left} isConnectable={false} /><Handle type="source" position={Position.Right} isConnectable={false} />
      <div className="row"><KindIcon type={type} /><b title={thing.fullyQualifiedName}>{nameOf(thing)}</b></div>
      <div className="muted xs">{[thing.service?.displayName ?? thing.service?.name, kindName(type)].filter(Boolean).join(", ")}</div>
      {data.columns.map((column) => <code key={column} className="lin-col">{column}</code>)}
    </div>
  );
}

const nodeTypes = { thing: Box };

export default function Graph(props: { type: string; fqn: string }) {
  return <ReactFlowProvider><Lineage {...props} /></ReactFlowProvider>;
}

function Lineage({ type, fqn }: { type: string; fqn: string }) {
  const view = useSearch({ strict: false }) as { depth?: number | string; as?: string; columns?: string };
  const navigate = useNavigate();
  const depth = Math.max(1, Math.min(3, Number(view.depth ?? 1)));
  const asList = view.as === "list" || (view.as !== "graph" && matchMedia("(max-width: 767px)").matches);
  const columns = Boolean(view.columns);
  const change = (next: Record<string, unknown>) => void navigate({ to: ".", search: ((old: object) => Object.fromEntries(Object.entries({ ...old, ...next }).filter(([, value]) => value))) as never, replace: true });
  const { data, error, refetch } = useQuery({ queryKey: ["lineage", type, fqn, depth], queryFn: ({ signal }) => api<Answer>(`/lineage/getLineage${query({ fqn, type, upstreamDepth: depth, downstreamDepth: depth, includeDeleted: false, size: 500 })}`, { signal }) });
  const flow = useMemo(() => (data ? flowOf(data, fqn) : undefined), [data, fqn]);
  if (error) return <Failed error={error} again={() => void refetch()} type={type} name={fqn} />;
  if (!flow) return <Loading rows={6} />;
  if (flow.links.length === 0) return <Empty title={t("lineage.none")} help={t("lineage.noneHelp")} />;
  return (
    <section className="lineage" aria-label={t("lineage.title")}>
      <div className="row wrap tools-line">
        <div className="seg" role="group" aria-label={t("lineage.title")}>{(["graph", "list"] as const).map((one) => <button key={one} type="button" className="b" aria-pressed={asList === (one === "list")} onClick={() => change({ as: one })}>{t(`lineage.${one}`)}</button>)}</div>
        <label className="row sm">{t("lineage.depth")}<select className="in" value={depth} onChange={(event) => change({ depth: Number(event.target.value) })}>{[1, 2, 3].map((one) => <option key={one}>{one}</option>)}</select></label>
        {!asList && <button type="button" className="b" aria-pressed={columns} onClick={() => change({ columns: columns ? undefined : 1 })}>{t("lineage.columns")}</button>}
      </div>
      {asList ? <List flow={flow} /> : <Canvas flow={flow} fqn={fqn} columns={columns} />}
    </section>
  );
}

const shown = 8;

function Canvas({ flow, fqn, columns }: { flow: Flow; fqn: string; columns: boolean }) {
  const [placed, setPlaced] = useState<Placed>();
  const [chosen, setChosen] = useState<string>();
  const [adding, setAdding] = useState(false);
  const client = useQueryClient();
  const drawn = () => { setAdding(false); void client.invalidateQueries({ queryKey: ["lineage"] }); };
  const draw = useMutation({ mutationFn: ({ from, to }: { from: Thing; to: { id: string; type: string } }) => api("/lineage", { method: "PUT", body: { edge: { fromEntity: { id: from.id, type: from.entityType }, toEntity: to } } }), onSuccess: drawn });
  const cut = useMutation({ mutationFn: ({ from, to }: { from: Thing; to: Thing }) => api(`/lineage/${from.entityType}/${from.id}/${to.entityType}/${to.id}`, { method: "DELETE" }), onSuccess: drawn });
  const { fitView, zoomIn, zoomOut } = useReactFlow();
  const columnsOf = useMemo(() => {
    const used = new Map<string, Set<string>>();
    if (columns) for (const link of flow.links) for (const [from, to] of link.columns) for (const [id, name] of [[link.from, from], [link.to, to]] as const) used.set(id, (used.get(id) ?? new Set()).add(name.split(".").at(-1) ?? name));
    return new Map([...used].map(([id, names]) => [id, names.size > shown ? [...[...names].slice(0, shown), t("lineage.more", { count: names.size - shown })] : [...names]]));
  }, [flow, columns]);
  useEffect(() => {
    let current = true;
    void arrange([...flow.things.keys()].map((id) => ({ id, rows: columnsOf.get(id)?.length ?? 0 })), flow.links).then((result) => { if (current) { setPlaced(result); requestAnimationFrame(() => void fitView({ maxZoom: 1, padding: 0.1 })); } });
    return () => { current = false; };
  }, [flow, columnsOf, fitView]);
  const path = useMemo(() => (chosen ? reach(flow, chosen) : new Set<string>()), [flow, chosen]);
  const count = (id: string, end: "from" | "to") => flow.links.filter((link) => link[end] === id).length;
  const nodes: Node<Data>[] = [...flow.things].map(([id, { thing }]) => {
    const [up, down] = [count(id, "to"), count(id, "from")];
    return {
      id, type: "thing", position: placed?.[id] ?? { x: 0, y: 0 }, width: size.width, height: size.height + (columnsOf.get(id)?.length ?? 0) * size.row, draggable: false, connectable: false, selectable: true, focusable: true,
      ariaLabel: t("lineage.node", { name: nameOf(thing), type: kindName(thing.entityType ?? thing.type), up, down }), data: { thing, focus: thing.fullyQualifiedName === fqn, columns: columnsOf.get(id) ?? [], up, down, chosen: path.has(id) },
    };
  });
  const edges: Edge[] = flow.links.map((link) => ({ id: `${link.from}-${link.to}`, source: link.from, target: link.to, focusable: false, className: path.has(link.from) && path.has(link.to) ? "on" : "", markerEnd: { type: "arrowclosed" as never, width: 16, height: 16 } }));
  const thing = chosen ? flow.things.get(chosen)?.thing : undefined;
  const may = useRights(kindOf(thing?.entityType), thing?.fullyQualifiedName ?? "");
  if (!placed) return <Loading rows={6} />;
  return (
    <div className="lin-canvas panel">
      <ReactFlow nodes={nodes} edges={edges} nodeTypes={nodeTypes} minZoom={0.1} maxZoom={2} nodesDraggable={false} nodesConnectable={false} onlyRenderVisibleElements proOptions={{ hideAttribution: true }} onNodeClick={(_, node) => setChosen(node.id)} onPaneClick={() => setChosen(undefined)}
        onSelectionChange={({ nodes: picked }) => { if (picked[0]) setChosen(picked[0].id); }}><Background gap={20} /></ReactFlow>
      <div className="zoom" role="group" aria-label={t("lineage.fit")}><button type="button" className="ib" aria-label={t("lineage.in")} onClick={() => void zoomIn()}><Icon name="plus" /></button><button type="button" className="ib" aria-label={t("lineage.out")} onClick={() => void zoomOut()}><Icon name="minus" /></button><button type="button" className="b g s" onClick={() => void fitView({ maxZoom: 1, padding: 0.1 })}>{t("lineage.fit")}</button></div>
      {thing && adding && <Dialog title={t("lineage.addTitle", { name: nameOf(thing) })} onClose={() => setAdding(false)}>
        <Picker index="dataAsset" label={t("search.label")} placeholder={t("search.placeholder")} filter={(found) => kindOf(found.entityType).asset && found.id !== thing.id} onPick={(found) => draw.mutate({ from: thing, to: { id: found.id, type: found.entityType } })} />
        {draw.error && <p className="c-bad sm" role="alert">{t("edit.failed", { message: draw.error.message })}</p>}
      </Dialog>}
      {thing && (
        <aside className="lin-side" aria-label={nameOf(thing)}><div className="row"><KindIcon type={thing.entityType} /><h2>{nameOf(thing)}</h2><button type="button" className="ib s push" aria-label={t("dialog.close")} onClick={() => setChosen(undefined)}><Icon name="close" small /></button></div><p className="path">{thing.fullyQualifiedName}</p>
          {thing.owners?.map((owner) => <Owner key={owner.id} owner={owner} />)}
          <div className="row acts"><Link className="b p s" to={pageOf(thing.entityType, thing.fullyQualifiedName)}>{t("lineage.open")}</Link><Link className="b s" to={`/lineage/${thing.entityType}/${encodeURIComponent(thing.fullyQualifiedName)}`}>{t("lineage.focus")}</Link></div>
          {may("EditLineage") && <>
            <button type="button" className="b s" onClick={() => setAdding(true)}><Icon name="plus" />{t("lineage.add")}</button>
            {flow.links.filter((link) => link.from === thing.id || link.to === thing.id).map((link) => {
              const other = flow.things.get(link.from === thing.id ? link.to : link.from)!.thing;
              return <button key={other.id} type="button" className="b g s danger" onClick={() => cut.mutate({ from: flow.things.get(link.from)!.thing, to: flow.things.get(link.to)!.thing })}>{t(link.from === thing.id ? "lineage.remove" : "lineage.removeFrom", { name: nameOf(other) })}</button>;
            })}
            {cut.error && <p className="c-bad sm" role="alert">{t("edit.failed", { message: cut.error.message })}</p>}
          </>}
        </aside>
      )}
    </div>
  );
}

function List({ flow }: { flow: Flow }) {
  const steps = [...flow.things.values()].filter((one) => one.depth !== 0).sort((a, b) => a.depth - b.depth || nameOf(a.thing).localeCompare(nameOf(b.thing)));
  const depths = [...new Set(steps.map((one) => one.depth))];
  return (
    <div className="hop panel pad">{depths.map((depth) => (
      <section key={depth}><h2>{t(depth < 0 ? "lineage.upstream" : "lineage.downstream")}, {t("lineage.step", { n: Math.abs(depth) })}</h2><ul>{steps.filter((one) => one.depth === depth).map(({ thing }) => <li key={thing.id}><KindIcon type={thing.entityType} /><Link to={pageOf(thing.entityType, thing.fullyQualifiedName)}>{nameOf(thing)}</Link><span className="muted sm">{kindName(thing.entityType)} · {thing.fullyQualifiedName}</span></li>)}</ul></section>
    ))}</div>
  );
}

