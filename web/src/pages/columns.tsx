// The columns of a table, or the fields of what is like one: a tree of which only what is
// near the window is drawn, with descriptions and tags edited in place.
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import type { Operation } from "../api";
import { type Column, type Entity } from "../data";
import { setMember } from "../member";
import { EditableText } from "../parts/edit";
import { Icon } from "../parts/icons";
import { TagsEdit } from "../parts/labels";
import { Empty } from "../parts/states";
import type { TagLabel } from "../parts/chips";
import { t } from "../text";
import { rowsOf } from "./rows";

function countOf(columns: Column[]): number {
  return columns.reduce((sum, column) => sum + 1 + countOf(column.children ?? []), 0);
}

export function Columns({ entity, columns, pointer, patch, canDescribe, canTag }: { entity: Entity; columns: Column[]; pointer: string; patch: (patch: Operation[]) => Promise<unknown>; canDescribe: boolean; canTag: boolean }) {
  const { column: linked } = useSearch({ strict: false }) as { column?: string };
  const navigate = useNavigate();
  const [filter, setFilter] = useState("");
  const [closed, setClosed] = useState<Set<string>>(new Set());
  const [active, setActive] = useState(0);
  const [editing, setEditing] = useState("");
  const grid = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsOf(columns, pointer, closed, filter), [columns, pointer, closed, filter]);
  const total = useMemo(() => countOf(columns), [columns]);
  const virtual = useWindowVirtualizer({ count: rows.length, estimateSize: () => 40, overscan: 12, scrollMargin: grid.current?.offsetTop ?? 0, getItemKey: (i) => rows[i]!.path });
  const focus = (to: number) => {
    const at = Math.max(0, Math.min(rows.length - 1, to));
    setActive(at);
    virtual.scrollToIndex(at, { align: "auto" });
    requestAnimationFrame(() => grid.current?.querySelector<HTMLElement>(`[aria-rowindex="${at + 2}"]`)?.focus({ preventScroll: true }));
  };
  useEffect(() => {
    if (!linked) return;
    const at = rows.findIndex((row) => row.path === linked);
    if (at >= 0) { setActive(at); virtual.scrollToIndex(at, { align: "center" }); }
  // The link is followed once, not at each change of the rows.
  }, [linked]); // eslint-disable-line
  const toggle = (path: string) => { const next = new Set(closed); if (!next.delete(path)) next.add(path); setClosed(next); };
  const parents = useMemo(() => rowsOf(columns, pointer, new Set(), "").filter((row) => row.column.children?.length).map((row) => row.path), [columns, pointer]);
  const key = (event: KeyboardEvent) => {
    if ((event.target as HTMLElement).closest("textarea, input, dialog")) return;
    const row = rows[active];
    if (!row) return;
    const opened = row.column.children?.length && !closed.has(row.path);
    const steps: Record<string, () => void> = {
      ArrowDown: () => focus(active + 1), ArrowUp: () => focus(active - 1), j: () => focus(active + 1), k: () => focus(active - 1), Home: () => focus(0), End: () => focus(rows.length - 1), PageDown: () => focus(active + 15), PageUp: () => focus(active - 15),
      ArrowRight: () => { if (row.column.children?.length) { if (opened) focus(active + 1); else toggle(row.path); } },
      ArrowLeft: () => { if (opened) toggle(row.path); else if (row.parent) focus(rows.findIndex((one) => one.path === row.parent)); },
      "*": () => setClosed(new Set()), e: () => { if (canDescribe) setEditing(row.path); }, F2: () => { if (canDescribe) setEditing(row.path); },
    };
    const act = steps[event.key];
    if (!act || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  };
  if (columns.length === 0) return <Empty title={t("columns.empty")} />;
  return (
    <div className="fit">
      <div className="row wrap tools-line">
        <div className="search"><Icon name="search" /><input type="text" aria-label={t("columns.filter", { count: total })} placeholder={t("columns.filter", { count: total })} value={filter} onChange={(event) => { setFilter(event.target.value); setActive(0); }} onKeyDown={(event) => { if (event.key === "Escape") setFilter(""); if (event.key === "ArrowDown") { event.preventDefault(); focus(0); } }} /></div>
        <span className="vh" role="status">{filter ? `${rows.length} / ${total}` : ""}</span>
        {parents.length > 0 && <button type="button" className="b g push" onClick={() => setClosed(closed.size > 0 ? new Set() : new Set(parents))}>{closed.size > 0 ? t("columns.expand") : t("columns.collapse")}</button>}
      </div>
      {rows.length === 0 ? <Empty title={t("columns.none")}><p className="acts"><button type="button" className="b" onClick={() => setFilter("")}>{t("columns.clear")}</button></p></Empty> : (
        <div className="grid panel" role="treegrid" aria-label={t("columns.tree", { name: entity.name })} aria-rowcount={rows.length + 1} onKeyDown={key}>
          <div role="row" className="hdr" aria-rowindex={1}>{(["columns.name", "columns.type", "columns.description", "columns.tags"] as const).map((word) => <div key={word} role="columnheader">{t(word)}</div>)}</div>
          <div ref={grid} role="rowgroup" className="virtual" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const row = rows[item.index]!;
              const { column } = row;
              const open = column.children?.length ? filter !== "" || !closed.has(row.path) : undefined;
              return (
                <div key={item.key} data-index={item.index} ref={virtual.measureElement} role="row" aria-rowindex={item.index + 2} aria-level={row.depth + 1} aria-posinset={row.position} aria-setsize={row.size} aria-expanded={open} tabIndex={item.index === active ? 0 : -1}
                  className={`${editing === row.path ? "edit" : ""} ${linked === row.path ? "linked" : ""} d${Math.min(row.depth, 5)}`} style={{ transform: `translateY(${item.start - virtual.options.scrollMargin}px)` }} onFocus={() => setActive(item.index)}>
                  <div role="rowheader">
                    {open !== undefined ? <button type="button" className="tw" tabIndex={-1} aria-label={t(open ? "columns.toggleClose" : "columns.toggleOpen", { name: column.name })} onClick={() => toggle(row.path)}><Icon name={open ? "down" : "right"} small /></button> : <span className="tw" />}
                    <code title={column.displayName}>{column.name}</code>
                    {column.constraint === "PRIMARY_KEY" && <span className="chip"><Icon name="key" />{t("columns.key")}</span>}
                    <button type="button" className="ib s on-hover" tabIndex={-1} aria-label={t("columns.link", { name: column.name })} onClick={() => { void navigate({ to: ".", search: { column: row.path } as never, replace: true }); void navigator.clipboard.writeText(`${location.origin}${location.pathname}?column=${encodeURIComponent(row.path)}`).catch(() => undefined); }}><Icon name="link" small /></button>
                  </div>
                  <div role="gridcell"><code className="soft">{column.dataTypeDisplay ?? column.dataType?.toLowerCase()}</code></div>
                  <div role="gridcell" onDoubleClick={() => { if (canDescribe) setEditing(row.path); }}>
                    <EditableText id={`${entity.id}${row.pointer}`} label={t("edit.descriptionOf", { name: column.name })} text={column.description ?? ""} empty={t("asset.nodescription")} editable={canDescribe} editing={editing === row.path}
                      onDone={() => { setEditing(""); focus(item.index); }} save={(text) => patch(guarded(column, row.pointer, setMember(entity, `${row.pointer}/description`, text)))} />
                  </div>
                  <div role="gridcell"><TagsEdit small name={column.name} tags={column.tags ?? []} editable={canTag} index="all" save={(tags: TagLabel[]) => patch(guarded(column, row.pointer, [{ op: column.tags ? "replace" : "add", path: `${row.pointer}/tags`, value: tags }]))} /></div>
                </div>
              );
            })}
          </div>
        </div>
      )}
    </div>
  );
}

/** A place in a list may be another column's by now: the patch is made only if it is not. */
function guarded(column: Column, pointer: string, patch: Operation[]): Operation[] {
  return patch.length > 0 ? [{ op: "test", path: `${pointer}/name`, value: column.name }, ...patch] : patch;
}
