package lineage

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of one walk.
const (
	MaxDepth = 10
	MaxNodes = 10_000
)

// graph is the part of the lineage around one entity that a walk has found.
type graph struct {
	root       entity.ID
	depth      map[entity.ID]int // distance from the root; the root's is 0
	nodes      []entity.ID       // in the order found, the root not among them
	upstream   []store.Relation
	downstream []store.Relation
	byDepth    [2][]int // nodes found at each depth, upstream and downstream
}

func newGraph(root entity.ID) *graph { return &graph{root: root, depth: map[entity.ID]int{root: 0}} }

// walk follows the edges from the root in both directions: one statement a
// level. Edges to entities beyond MaxNodes are left out.
func walk(ctx context.Context, r store.Reader, root entity.ID, up, down int) (*graph, error) {
	g := newGraph(root)
	var err error
	if g.upstream, g.byDepth[0], err = g.follow(ctx, up, r.RelationsTo, func(rel store.Relation) (near, far entity.ID) { return rel.To, rel.From }); err != nil {
		return nil, err
	}
	g.downstream, g.byDepth[1], err = g.follow(ctx, down, r.RelationsFrom, func(rel store.Relation) (near, far entity.ID) { return rel.From, rel.To })
	return g, err
}

// reader is RelationsFrom or RelationsTo.
type reader func(ctx context.Context, ids []entity.ID, kinds ...string) ([]store.Relation, error)

func (g *graph) follow(ctx context.Context, levels int, read reader, ends func(store.Relation) (near, far entity.ID)) ([]store.Relation, []int, error) {
	var edges []store.Relation
	var counts []int
	visited := map[entity.ID]bool{g.root: true}
	frontier := []entity.ID{g.root}
	for level := 1; level <= levels && len(frontier) > 0; level++ {
		relations, err := read(ctx, frontier, Relation)
		if err != nil {
			return nil, nil, err
		}
		var next []entity.ID
		for _, rel := range relations {
			_, far := ends(rel)
			if !g.note(far, level) {
				continue
			}
			edges = append(edges, rel)
			if !visited[far] {
				visited[far] = true
				next = append(next, far)
			}
		}
		if len(next) > 0 {
			counts = append(counts, len(next))
		}
		frontier = next
	}
	return edges, counts, nil
}

// note adds a node unless it is known or the graph is full, and tells whether
// the graph has it now.
func (g *graph) note(id entity.ID, level int) bool {
	if _, ok := g.depth[id]; ok {
		return true
	}
	if len(g.nodes) >= MaxNodes {
		return false
	}
	g.depth[id] = level
	g.nodes = append(g.nodes, id)
	return true
}

// all returns the root and all nodes.
func (g *graph) all() []entity.ID { return append([]entity.ID{g.root}, g.nodes...) }

// edges returns the edges of both directions, each once: one in a circle is
// found both ways.
func (g *graph) edges() []store.Relation {
	seen := map[[2]entity.ID]bool{}
	out := make([]store.Relation, 0, len(g.upstream)+len(g.downstream))
	for _, list := range [][]store.Relation{g.upstream, g.downstream} {
		for _, rel := range list {
			key := [2]entity.ID{rel.From, rel.To}
			if !seen[key] {
				seen[key] = true
				out = append(out, rel)
			}
		}
	}
	return out
}

// keep leaves only the nodes that ok accepts, and the edges between them.
func (g *graph) keep(ok func(entity.ID) bool) {
	kept := func(id entity.ID) bool { return id == g.root || ok(id) }
	nodes := g.nodes[:0]
	for _, id := range g.nodes {
		if kept(id) {
			nodes = append(nodes, id)
		}
	}
	g.nodes = nodes
	for _, list := range []*[]store.Relation{&g.upstream, &g.downstream} {
		edges := (*list)[:0]
		for _, rel := range *list {
			if kept(rel.From) && kept(rel.To) {
				edges = append(edges, rel)
			}
		}
		*list = edges
	}
}
