package lineage

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of one walk.
const (
	MaxDepth = 10
	MaxNodes = 10_000
)

// viewer tells what the caller may see; engine.Viewer is one.
type viewer interface {
	Look(ctx context.Context, r store.Reader, refs ...entity.Ref) error
	Sees(id entity.ID) bool
}

// graph is the part of the lineage around one entity that a walk has found, as far
// as the caller may see it: a walk ends at what is hidden.
type graph struct {
	viewer     viewer
	root       entity.ID
	nodes      []entity.ID // in the order found, the root not among them
	upstream   []store.Relation
	downstream []store.Relation
	above      map[entity.ID]int // how far upstream a node is
	below      map[entity.ID]int // how far downstream
}

func newGraph(v viewer, root entity.ID) *graph {
	return &graph{viewer: v, root: root, above: map[entity.ID]int{}, below: map[entity.ID]int{}}
}

// depth is how far a node is from the root: below 0 upstream.
func (g *graph) depth(id entity.ID) int {
	if up := g.above[id]; up > 0 {
		return -up
	}
	return g.below[id]
}

// walk follows the edges from the root in both directions: one statement a
// level. Edges to entities beyond MaxNodes are left out, and those to entities that
// the viewer does not see.
func walk(ctx context.Context, r store.Reader, v viewer, root entity.ID, up, down int) (*graph, error) {
	g := newGraph(v, root)
	var err error
	if g.upstream, err = g.follow(ctx, r, up, g.above, r.RelationsTo, source); err != nil {
		return nil, err
	}
	g.downstream, err = g.follow(ctx, r, down, g.below, r.RelationsFrom, target)
	return g, err
}

// source and target are the ends of an edge.
func source(rel store.Relation) entity.Ref { return entity.Ref{ID: rel.From, Type: rel.FromType} }
func target(rel store.Relation) entity.Ref { return entity.Ref{ID: rel.To, Type: rel.ToType} }

// farEnds lists an end of each edge.
func farEnds(relations []store.Relation, far func(store.Relation) entity.Ref) []entity.Ref {
	out := make([]entity.Ref, len(relations))
	for i, rel := range relations {
		out[i] = far(rel)
	}
	return out
}

// reader is RelationsFrom or RelationsTo.
type reader func(ctx context.Context, ids []entity.ID, kinds ...string) ([]store.Relation, error)

// follow walks one way, notes how far the nodes are and returns the edges.
func (g *graph) follow(ctx context.Context, r store.Reader, levels int, distance map[entity.ID]int, read reader, end func(store.Relation) entity.Ref) ([]store.Relation, error) {
	var edges []store.Relation
	frontier := []entity.ID{g.root}
	for level := 1; level <= levels && len(frontier) > 0; level++ {
		relations, err := read(ctx, frontier, Relation)
		if err == nil {
			err = g.viewer.Look(ctx, r, farEnds(relations, end)...)
		}
		if err != nil {
			return nil, err
		}
		var next []entity.ID
		for _, rel := range relations {
			far := end(rel).ID
			if far == g.root {
				edges = append(edges, rel)
				continue
			}
			if !g.viewer.Sees(far) || !g.note(far) {
				continue
			}
			edges = append(edges, rel)
			if distance[far] == 0 {
				distance[far] = level
				next = append(next, far)
			}
		}
		frontier = next
	}
	return edges, nil
}

// note adds a node unless it is known or the graph is full, and tells whether
// the graph has it now.
func (g *graph) note(id entity.ID) bool {
	if g.depth(id) != 0 {
		return true
	}
	if len(g.nodes) >= MaxNodes {
		return false
	}
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
	g.keepEdges(func(rel store.Relation) bool { return kept(rel.From) && kept(rel.To) })
}

// keepEdges leaves only the edges that ok accepts.
func (g *graph) keepEdges(ok func(store.Relation) bool) {
	for _, list := range []*[]store.Relation{&g.upstream, &g.downstream} {
		*list = slices.DeleteFunc(*list, func(rel store.Relation) bool { return !ok(rel) })
	}
}
