import dagre from "@dagrejs/dagre";
import { size, type Arc, type Box, type Placed } from "./layout";

addEventListener("message", ({ data }: MessageEvent<{ id: number; boxes: Box[]; arcs: Arc[] }>) => {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 24, ranksep: 96 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const box of data.boxes) graph.setNode(box.id, { width: size.width, height: size.height + box.rows * size.row });
  for (const arc of data.arcs) graph.setEdge(arc.from, arc.to);
  dagre.layout(graph);
  const placed: Placed = {};
  for (const box of data.boxes) {
    const node = graph.node(box.id);
    placed[box.id] = { x: node.x - size.width / 2, y: node.y - node.height / 2 };
  }
  postMessage({ id: data.id, placed });
});
