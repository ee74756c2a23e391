// Where the boxes of a graph go: worked out in a worker, so that the page stays quick.
export const size = { width: 184, height: 54, row: 26 };

export type Placed = Record<string, { x: number; y: number }>;
export interface Box { id: string; rows: number }
export interface Arc { from: string; to: string }

let worker: Worker | undefined;
let asked = 0;
const waiting = new Map<number, (placed: Placed) => void>();

/** Places boxes from left to right by their links. */
export function arrange(boxes: Box[], arcs: Arc[]): Promise<Placed> {
  worker ??= new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<{ id: number; placed: Placed }>) => { waiting.get(data.id)?.(data.placed); waiting.delete(data.id); };
  const id = ++asked;
  return new Promise((done) => {
    waiting.set(id, done);
    worker!.postMessage({ id, boxes, arcs: arcs.map(({ from, to }) => ({ from, to })) });
  });
}
