package lineage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestDiamond: what is reached two ways is one node, counted once, and has all
// its edges; those that lead back to the root end a walk.
func TestDiamond(t *testing.T) {
	b := newBed(t)
	b.schema()
	top, left, right, bottom := b.table("top"), b.table("left"), b.table("right"), b.table("bottom")
	for _, e := range [][2]entity.ID{{top, left}, {top, right}, {left, bottom}, {right, bottom}, {bottom, top}} {
		b.link(e[0], e[1], nil)
	}
	got, err := b.s.Search(t.Context(), b.by, SearchRequest{Type: "table", FQN: "shop.db.s.top", Down: MaxDepth})
	if err != nil {
		t.Fatal(err)
	}
	depth := map[string]int{}
	for name, node := range got.Nodes {
		depth[strings.TrimPrefix(name, "shop.db.s.")] = node.NodeDepth
	}
	if diff := cmp.Diff(map[string]int{"top": 0, "left": 1, "right": 1, "bottom": 2}, depth); diff != "" {
		t.Errorf("depths (-want +got):\n%s", diff)
	}
	if len(got.DownstreamEdges) != 5 || len(got.UpstreamEdges) != 0 {
		t.Errorf("%d edges down, %d up", len(got.DownstreamEdges), len(got.UpstreamEdges))
	}
	if p := got.Nodes["shop.db.s.bottom"].Paging; p != (NodePaging{EntityUpstreamCount: 2, EntityDownstreamCount: 1}) {
		t.Errorf("neighbours of the bottom: %+v", p)
	}
	info, err := b.s.Count(t.Context(), b.by, SearchRequest{FQN: "shop.db.s.top", Up: 1, Down: MaxDepth})
	if err != nil {
		t.Fatal(err)
	}
	want := PageInfo{
		TotalDownstreamEntities: 4, MaxDownstreamDepth: 2, DownstreamDepthInfo: []DepthInfo{{0, 1}, {1, 2}, {2, 1}},
		TotalUpstreamEntities: 2, MaxUpstreamDepth: 1, UpstreamDepthInfo: []DepthInfo{{0, 1}, {1, 1}},
	}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestAWalkEndsAtItsDepth(t *testing.T) {
	b := newBed(t)
	b.schema()
	var chain []entity.ID
	for i := range 6 {
		chain = append(chain, b.table(fmt.Sprintf("t%d", i)))
		if i > 0 {
			b.link(chain[i-1], chain[i], nil)
		}
	}
	for _, tc := range []struct {
		up, down int
		want     []string
	}{
		{0, 0, []string{}},
		{1, 0, []string{"t1"}},
		{0, 2, []string{"t3", "t4"}},
		{2, 1, []string{"t0", "t1", "t3"}},
		{MaxDepth, MaxDepth, []string{"t0", "t1", "t3", "t4", "t5"}},
	} {
		g, err := b.s.Graph(t.Context(), b.by, tableEnd(chain[2]), tc.up, tc.down, "")
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, n := range g.Nodes {
			names = append(names, n.Name)
		}
		slices.Sort(names)
		if diff := cmp.Diff(tc.want, names); diff != "" || g.Entity.Name != "t2" {
			t.Errorf("%d up, %d down from %s (-want +got):\n%s", tc.up, tc.down, g.Entity.Name, diff)
		}
	}
}

// TestANameWithoutAType means what lineage is mostly about.
func TestANameWithoutAType(t *testing.T) {
	b := newBed(t)
	b.make("pipelineService", "x", `{"name":"x","serviceType":"Airflow"}`)
	b.make("dashboardService", "x", `{"name":"x","serviceType":"Superset"}`)
	b.make("messagingService", "x", `{"name":"x","serviceType":"Kafka"}`)
	for _, tc := range []struct{ typ, request string }{
		{"chart", `{"name":"y","service":"x"}`},
		{"pipeline", `{"name":"y","service":"x"}`},
		{"dashboard", `{"name":"y","service":"x"}`},
		{"topic", `{"name":"y","service":"x","partitions":1}`},
	} {
		b.make(tc.typ, "x.y", tc.request) // each goes before those made so far
		got, err := b.s.Search(t.Context(), b.by, SearchRequest{FQN: "x.y"})
		if err != nil {
			t.Fatal(err)
		}
		if shown := string(got.Nodes["x.y"].Entity); !strings.Contains(shown, `"entityType":"`+tc.typ+`"`) {
			t.Errorf("the name means %s, want the %s", shown, tc.typ)
		}
	}
	_, err := b.s.Search(t.Context(), b.by, SearchRequest{FQN: "x.z"})
	wantError(t, err, entity.KindNotFound, "x.z")
}

func TestFieldsRestrictTheNodes(t *testing.T) {
	b := newBed(t)
	b.schema()
	b.make("table", "shop.db.s.a", `{"name":"a","databaseSchema":"shop.db.s","description":"orders","columns":[{"name":"id","dataType":"INT"}]}`)
	got, err := b.s.Search(t.Context(), b.by, SearchRequest{FQN: "shop.db.s.a", Fields: []string{"description"}})
	if err != nil {
		t.Fatal(err)
	}
	shown := string(got.Nodes["shop.db.s.a"].Entity)
	if !strings.Contains(shown, `"description":"orders"`) || !strings.Contains(shown, `"fullyQualifiedName":"shop.db.s.a"`) || strings.Contains(shown, `"columns"`) {
		t.Errorf("the node shows %s", shown)
	}
}

// TestWhatIsGoneIsNotDrawn: a deleted root is not found, and what is removed for
// good takes its edges along.
func TestWhatIsGoneIsNotDrawn(t *testing.T) {
	b := newBed(t)
	b.schema()
	first, middle, last := b.table("a"), b.table("b"), b.table("c")
	b.link(first, middle, nil)
	b.link(middle, last, nil)
	b.delete("table", middle, false)
	_, err := b.s.Graph(t.Context(), b.by, tableEnd(middle), 1, 1, "")
	wantError(t, err, entity.KindNotFound, middle.String())
	search := func(deleted bool) SearchResult {
		got, err := b.s.Search(t.Context(), b.by, SearchRequest{FQN: "shop.db.s.a", Down: 2, IncludeDeleted: deleted})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := search(true); len(got.Nodes) != 3 || len(got.DownstreamEdges) != 2 {
		t.Errorf("with deleted ones there are %v", slices.Sorted(maps.Keys(got.Nodes)))
	}
	if got := search(false); len(got.DownstreamEdges) != 0 || got.Nodes["shop.db.s.b"].Entity != nil {
		t.Errorf("without deleted ones there are %v", slices.Sorted(maps.Keys(got.Nodes)))
	}
	b.delete("table", middle, true)
	if got := search(true); len(got.Nodes) != 1 || len(got.DownstreamEdges) != 0 {
		t.Errorf("after a removal there are %v", slices.Sorted(maps.Keys(got.Nodes)))
	}
}

func TestExportWritesALineForEachColumn(t *testing.T) {
	b := newBed(t)
	b.schema()
	ada := b.make("user", "ada", `{"name":"ada","email":"ada@example.com"}`)
	b.make("pipelineService", "flow", `{"name":"flow","serviceType":"Airflow"}`)
	pipeline := b.make("pipeline", "flow.load", `{"name":"load","service":"flow"}`)
	from := b.table("a", `{"name":"id","dataType":"INT"}`, `{"name":"x, y","dataType":"INT"}`)
	to := b.make("table", "shop.db.s.b", `{"name":"b","databaseSchema":"shop.db.s","columns":[{"name":"id","dataType":"INT"}],"owners":[{"id":"`+ada.String()+`","type":"user"}]}`)
	b.link(from, to, map[string]any{
		"pipeline":       entity.Ref{ID: pipeline, Type: "pipeline"},
		"columnsLineage": []any{map[string]any{"fromColumns": []string{"shop.db.s.a.id", "shop.db.s.a.x, y"}, "toColumn": "shop.db.s.b.id"}},
	})
	lines, err := b.s.Export(t.Context(), b.by, SearchRequest{FQN: "shop.db.s.b", Up: 1})
	if err != nil {
		t.Fatal(err)
	}
	line := func(fromColumn, toColumn string) []string {
		return []string{"shop.db.s.a", "shop", "Mysql", "", "", "shop.db.s.b", "shop", "Mysql", "ada", "", fromColumn, toColumn, "flow.load", "", "pipeline", "", "", "", "flow", "Airflow"}
	}
	want := [][]string{exportHeader(), line("", ""), line("shop.db.s.a.id", "shop.db.s.b.id"), line("shop.db.s.a.x, y", "shop.db.s.b.id")}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
