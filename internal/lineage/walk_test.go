package lineage

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// drawn is a graph in memory that answers as a store would.
type drawn struct {
	store.Reader
	edges []store.Relation
	asked int
}

func (d *drawn) RelationsFrom(_ context.Context, ids []entity.ID, _ ...string) ([]store.Relation, error) {
	return d.match(ids, func(r store.Relation) entity.ID { return r.From })
}

func (d *drawn) RelationsTo(_ context.Context, ids []entity.ID, _ ...string) ([]store.Relation, error) {
	return d.match(ids, func(r store.Relation) entity.ID { return r.To })
}

func (d *drawn) match(ids []entity.ID, end func(store.Relation) entity.ID) ([]store.Relation, error) {
	d.asked++
	wanted := map[entity.ID]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	var out []store.Relation
	for _, edge := range d.edges {
		if wanted[end(edge)] {
			out = append(out, edge)
		}
	}
	return out, nil
}

// distances finds the entities within reach by the definition: again and again
// over all edges, until nothing gets nearer.
func distances(edges []store.Relation, root entity.ID, limit int, against bool) map[entity.ID]int {
	near := map[entity.ID]int{root: 0}
	for changed := true; changed; {
		changed = false
		for _, e := range edges {
			a, b := e.From, e.To
			if against {
				a, b = b, a
			}
			from, ok := near[a]
			if !ok || from+1 > limit {
				continue
			}
			if to, known := near[b]; !known || from+1 < to {
				near[b] = from + 1
				changed = true
			}
		}
	}
	return near
}

func TestWalkFindsWhatIsInReach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := make([]entity.ID, rapid.IntRange(1, 8).Draw(t, "nodes"))
		for i := range ids {
			ids[i] = entity.NewID()
		}
		d := &drawn{}
		seen := map[[2]int]bool{}
		for range rapid.IntRange(0, 20).Draw(t, "edges") {
			a, b := rapid.IntRange(0, len(ids)-1).Draw(t, "from"), rapid.IntRange(0, len(ids)-1).Draw(t, "to")
			if !seen[[2]int{a, b}] {
				seen[[2]int{a, b}] = true
				d.edges = append(d.edges, store.Relation{From: ids[a], To: ids[b], Kind: Relation})
			}
		}
		up, down := rapid.IntRange(0, 4).Draw(t, "up"), rapid.IntRange(0, 4).Draw(t, "down")
		blind := blindTo{}
		for _, id := range ids[1:] {
			if rapid.IntRange(0, 4).Draw(t, "hidden") == 0 {
				blind[id] = true
			}
		}
		g, err := walk(t.Context(), d, blind, ids[0], up, down)
		if err != nil {
			t.Fatal(err)
		}
		if d.asked > up+down {
			t.Fatalf("%d statements for %d levels", d.asked, up+down)
		}
		d.edges = slices.DeleteFunc(d.edges, func(e store.Relation) bool { return blind[e.From] || blind[e.To] }) // a walk ends at what is hidden
		above, below := distances(d.edges, ids[0], up, true), distances(d.edges, ids[0], down, false)
		found := map[entity.ID]bool{}
		for _, id := range g.all() {
			if found[id] {
				t.Fatalf("%s was found twice", id)
			}
			found[id] = true
		}
		for _, id := range ids {
			_, a := above[id]
			_, b := below[id]
			if found[id] != (a || b) {
				t.Fatalf("found %v, in reach %v", found[id], a || b)
			}
		}
		checkEdges(t, "upstream", d.edges, g.upstream, func(e store.Relation) bool { n, ok := above[e.To]; return ok && n < up })
		checkEdges(t, "downstream", d.edges, g.downstream, func(e store.Relation) bool { n, ok := below[e.From]; return ok && n < down })
	})
}

// checkEdges compares the edges found with those that ought to be.
func checkEdges(t *rapid.T, what string, all, got []store.Relation, want func(store.Relation) bool) {
	have := map[[2]entity.ID]int{}
	for _, e := range got {
		have[[2]entity.ID{e.From, e.To}]++
	}
	for _, e := range all {
		expected := 0
		if want(e) {
			expected = 1
		}
		if n := have[[2]entity.ID{e.From, e.To}]; n != expected {
			t.Fatalf("%s edge was found %d times, want %d", what, n, expected)
		}
	}
}

// blindTo is a viewer that sees all but some.
type blindTo map[entity.ID]bool

func (blindTo) Look(context.Context, store.Reader, ...entity.Ref) error { return nil }
func (b blindTo) Sees(id entity.ID) bool                                { return !b[id] }

func TestWalkIsBounded(t *testing.T) {
	root := entity.NewID()
	d := &drawn{}
	for range MaxNodes + 50 {
		d.edges = append(d.edges, store.Relation{From: root, To: entity.NewID(), Kind: Relation})
	}
	g, err := walk(t.Context(), d, blindTo{}, root, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.nodes) != MaxNodes || len(g.downstream) != MaxNodes {
		t.Errorf("%d nodes, %d edges; want %d of each", len(g.nodes), len(g.downstream), MaxNodes)
	}
}

func TestKeepLeavesTheEdgesBetweenKeptNodes(t *testing.T) {
	a, b, c := entity.NewID(), entity.NewID(), entity.NewID()
	d := &drawn{edges: []store.Relation{{From: a, To: b}, {From: b, To: c}}}
	g, err := walk(t.Context(), d, blindTo{}, a, 0, 5)
	if err != nil {
		t.Fatal(err)
	}
	g.keep(func(id entity.ID) bool { return id != c })
	if len(g.nodes) != 1 || g.nodes[0] != b || len(g.downstream) != 1 {
		t.Errorf("nodes %v, edges %v", g.nodes, g.downstream)
	}
}
