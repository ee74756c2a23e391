// The rows of a tree of columns.
import type { Column } from "../data";

export interface Row { column: Column; depth: number; pointer: string; path: string; position: number; size: number; parent: string }

/** The rows that are shown: what is below a closed row is not. A filter keeps the ancestors of what it finds. */
export function rowsOf(columns: Column[], pointer: string, closed: Set<string>, filter: string): Row[] {
  const wanted = filter.trim().toLowerCase();
  const hits = (column: Column): boolean => wanted === "" || [column.name, column.displayName, column.description, ...(column.tags ?? []).map((tag) => tag.tagFQN)].some((text) => text?.toLowerCase().includes(wanted)) || (column.children ?? []).some(hits);
  const out: Row[] = [];
  const walk = (list: Column[], at: string, depth: number, parent: string) => {
    list.forEach((column, i) => {
      if (!hits(column)) return;
      const path = parent ? `${parent}.${column.name}` : column.name;
      out.push({ column, depth, pointer: `${at}/${i}`, path, position: i + 1, size: list.length, parent });
      if (column.children?.length && (wanted !== "" || !closed.has(path))) walk(column.children, `${at}/${i}/children`, depth + 1, path);
    });
  };
  walk(columns, pointer, 0, "");
  return out;
}
