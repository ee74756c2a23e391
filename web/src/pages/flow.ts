// Lineage as a graph: things, their distances, and the links between them.
import type { Ref } from "../parts/chips";

export interface Thing { id: string; entityType?: string; type?: string; name: string; displayName?: string; fullyQualifiedName: string; owners?: Ref[]; columns?: { name: string; fullyQualifiedName?: string }[]; service?: Ref; [member: string]: any }
interface Link2 { fromEntity: { id: string; fullyQualifiedName?: string; type?: string }; toEntity: { id: string; fullyQualifiedName?: string; type?: string }; columns?: { fromColumns?: string[]; toColumn?: string }[]; sqlQuery?: string; pipeline?: Ref }
export interface Answer { nodes?: Record<string, { entity: Thing; nodeDepth?: number; paging?: unknown }>; upstreamEdges?: Record<string, Link2>; downstreamEdges?: Record<string, Link2> }

interface Step { thing: Thing; depth: number }
export interface Flow { things: Map<string, Step>; links: { from: string; to: string; columns: [string, string][] }[] }

/** Takes the server's answer apart: things by id with their distance, up negative, and the links between them. */
export function flowOf(answer: Answer, fqn: string): Flow {
  const things = new Map<string, Step>();
  for (const node of Object.values(answer.nodes ?? {})) if (node.entity?.id) things.set(node.entity.id, { thing: node.entity, depth: node.nodeDepth ?? 0 });
  const links = [...Object.values(answer.upstreamEdges ?? {}), ...Object.values(answer.downstreamEdges ?? {})]
    .filter((edge) => things.has(edge.fromEntity.id) && things.has(edge.toEntity.id))
    .map((edge) => ({ from: edge.fromEntity.id, to: edge.toEntity.id, columns: (edge.columns ?? []).flatMap((one) => (one.fromColumns ?? []).map((from) => [from, one.toColumn ?? ""] as [string, string])) }));
  const seen = new Set<string>();
  const unique = links.filter((link) => { const key = `${link.from} ${link.to}`; if (seen.has(key)) return false; seen.add(key); return true; });
  const root = [...things.values()].find((one) => one.thing.fullyQualifiedName === fqn)?.thing.id;
  if (root) for (const [sign, from, to] of [[-1, "to", "from"], [1, "from", "to"]] as const) { // distances, by the links themselves
    let ring = [root];
    const known = new Set(ring);
    for (let depth = 1; ring.length > 0; depth++) {
      ring = unique.filter((link) => ring.includes(link[from]) && !known.has(link[to])).map((link) => link[to]);
      for (const id of ring) { known.add(id); const step = things.get(id); if (step) step.depth = sign * depth; }
    }
    things.get(root)!.depth = 0;
  }
  return { things, links: unique };
}

/** What lies upstream and downstream of a thing, itself included. */
export function reach(flow: Flow, id: string): Set<string> {
  const all = new Set([id]);
  for (const [from, to] of [["from", "to"], ["to", "from"]] as const) {
    const known = new Set([id]);
    for (let ring = [id]; ring.length > 0;) {
      ring = flow.links.filter((link) => ring.includes(link[from]) && !known.has(link[to])).map((link) => link[to]);
      for (const one of ring) { known.add(one); all.add(one); }
    }
  }
  return all;
}
