package api

import (
	"encoding/csv"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/lineage"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func ref(typ, id string) map[string]any { return map[string]any{"id": id, "type": typ} }

// link puts an edge between two tables.
func (h *harness) link(from, to string, details map[string]any) {
	h.t.Helper()
	h.linkAs(h.admin, from, to, details).want(200)
}

func (h *harness) linkAs(who caller, from, to string, details map[string]any) answer {
	h.t.Helper()
	edge := map[string]any{"fromEntity": ref("table", from), "toEntity": ref("table", to)}
	if details != nil {
		edge["lineageDetails"] = details
	}
	return h.as(who, http.MethodPut, "/lineage", map[string]any{"edge": edge})
}

func columnLineage(to string, from ...string) map[string]any {
	return map[string]any{"columnsLineage": []any{map[string]any{"fromColumns": from, "toColumn": to}}}
}

// graphAnswer is a lineage graph as clients read it.
type graphAnswer struct {
	Entity entity.Ref   `json:"entity"`
	Nodes  []entity.Ref `json:"nodes"`
	Up     []graphEdge  `json:"upstreamEdges"`
	Down   []graphEdge  `json:"downstreamEdges"`
}

type graphEdge struct {
	From    string          `json:"fromEntity"`
	To      string          `json:"toEntity"`
	Details lineage.Details `json:"lineageDetails"`
}

func (h *harness) graph(path string) graphAnswer {
	h.t.Helper()
	var g graphAnswer
	h.do("GET", "/lineage/table/"+path, nil, 200).into(&g)
	return g
}

func names(refs []entity.Ref) []string {
	out := []string{}
	for _, r := range refs {
		out = append(out, r.Name)
	}
	return out
}

func TestLineageGraph(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b, c := h.table(s, "a", "id"), h.table(s, "b", "id"), h.table(s, "c", "id")
	d := h.table(s, "d", "id")
	h.link(a, b, columnLineage(s+".b.id", s+".a.id"))
	h.link(b, c, nil)
	h.link(c, d, map[string]any{"source": "QueryLineage", "sqlQuery": "insert into d select * from c"})

	g := h.graph("name/" + s + ".c?upstreamDepth=2&downstreamDepth=1")
	if g.Entity.Name != "c" || g.Entity.Href == "" || len(g.Down) != 1 || g.Down[0].Details.SQLQuery == "" {
		t.Errorf("graph = %+v", g)
	}
	if diff := cmp.Diff([]string{"b", "a", "d"}, names(g.Nodes)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if len(g.Up) != 2 || g.Up[0].From != b || g.Up[0].To != c || g.Up[1].From != a || g.Up[1].To != b {
		t.Errorf("upstream edges = %+v", g.Up)
	}
	if got := g.Up[1].Details.ColumnsLineage; len(got) != 1 || got[0].ToColumn != s+".b.id" {
		t.Errorf("columns = %+v", got)
	}
}

func TestLineageDepth(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b, c := h.table(s, "a", "id"), h.table(s, "b", "id"), h.table(s, "c", "id")
	h.link(a, b, nil)
	h.link(b, c, nil)
	if g := h.graph(c); len(g.Nodes) != 1 { // one level each way when nobody says
		t.Errorf("nodes = %v", names(g.Nodes))
	}
	if g := h.graph(c + "?upstreamDepth=0&downstreamDepth=0"); len(g.Nodes) != 0 || g.Up == nil || g.Down == nil {
		t.Errorf("graph without depth = %+v", g)
	}
}

func TestLineageGraphRefuses(t *testing.T) {
	h := newHarness(t)
	c := h.table(h.schema(), "c", "id")
	h.do("GET", "/lineage/table/"+c+"?upstreamDepth=11", nil, 400)
	h.do("GET", "/lineage/nonsense/"+c, nil, 400)
	h.do("GET", "/lineage/table/"+uuid.NewString(), nil, 404)
}

func TestLineageOfACircle(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b := h.table(s, "a", "id"), h.table(s, "b", "id")
	h.link(a, b, nil)
	h.link(b, a, nil)
	h.link(a, a, nil)
	g := h.graph(a + "?upstreamDepth=10&downstreamDepth=10")
	if diff := cmp.Diff([]string{"b"}, names(g.Nodes)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if len(g.Up) != 3 || len(g.Down) != 3 {
		t.Errorf("%d up, %d down; want each edge once a direction", len(g.Up), len(g.Down))
	}
}

func TestLineageEdgeLife(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b := h.table(s, "a", "id", "x"), h.table(s, "b", "id", "y")
	edge := "/lineage/getLineageEdge/" + a + "/" + b
	ends := "/lineage/table/" + a + "/table/" + b
	h.do("GET", edge, nil, 404)
	h.do("PATCH", ends, `[{"op":"add","path":"/sqlQuery","value":"x"}]`, 404)

	h.link(a, b, nil)
	read := func() lineage.Details {
		t.Helper()
		var out struct {
			Edge lineage.Details `json:"edge"`
		}
		h.do("GET", edge, nil, 200).into(&out)
		return out.Edge
	}
	first := read()
	if first.Source != "Manual" || first.CreatedBy != "admin" || first.CreatedAt == 0 {
		t.Errorf("edge = %+v", first)
	}
	h.do("PATCH", ends, []any{map[string]any{"op": "add", "path": "/columnsLineage/0", "value": map[string]any{
		"fromColumns": []string{s + ".a.id"}, "toColumn": s + ".b.id",
	}}}, 200)
	h.do("PATCH", ends, `[{"op":"add","path":"/sqlQuery","value":"select 1"}]`, 200)
	want := first
	want.ColumnsLineage = []lineage.ColumnLineage{{FromColumns: []string{s + ".a.id"}, ToColumn: s + ".b.id"}}
	want.SQLQuery = "select 1"
	got := read()
	want.UpdatedAt = got.UpdatedAt
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("edge after the patches (-want +got):\n%s", diff)
	}
	h.link(a, b, nil) // says nothing about details
	if diff := cmp.Diff(got, read()); diff != "" {
		t.Errorf("a request without details changed the edge (-want +got):\n%s", diff)
	}
	h.do("PATCH", ends, `[{"op":"replace","path":"/source","value":"Nonsense"}]`, 400)
	h.do("PATCH", ends, `[{"op":"add","path":"/columnsLineage/0","value":{"toColumn":"`+s+`.b.nope"}}]`, 400)

	h.do("DELETE", ends, nil, 200)
	gone := h.do("DELETE", ends, nil, 404)
	if got := string(gone.member("message")); got != `"Lineage edge not found"` {
		t.Errorf("message = %s", got)
	}
	h.do("GET", edge, nil, 404)
	h.link(a, b, nil)
	h.do("DELETE", "/lineage/table/name/"+s+".a/table/name/"+s+".b", nil, 200)
	h.do("GET", edge, nil, 404)
}

func TestLineageRefuses(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b := h.table(s, "a", "id"), h.table(s, "b", "id")
	gone := h.table(s, "gone", "id")
	h.do("DELETE", "/tables/"+gone, nil, 200)
	nobody := uuid.NewString()
	for name, tc := range map[string]struct {
		from, to string
		details  map[string]any
		want     int
	}{
		"unknown upstream":            {nobody, b, nil, 404},
		"unknown downstream":          {a, nobody, nil, 404},
		"deleted end":                 {a, gone, nil, 404},
		"column of another table":     {a, b, columnLineage(s+".b.id", s+".b.id"), 400},
		"column that is not there":    {a, b, columnLineage(s+".b.nope", s+".a.id"), 400},
		"unknown source":              {a, b, map[string]any{"source": "Guess"}, 400},
		"pipeline that is not there":  {a, b, map[string]any{"pipeline": ref("pipeline", nobody)}, 404},
		"pipeline that is a table":    {a, b, map[string]any{"pipeline": ref("pipeline", a)}, 404},
		"details that are not object": {a, b, map[string]any{"columnsLineage": "x"}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.linkAs(h.admin, tc.from, tc.to, tc.details)
			if got.status != tc.want {
				t.Errorf("status %d, want %d: %s", got.status, tc.want, got.body)
			}
		})
	}
	if got := h.linkAs(h.nobody, a, b, nil); got.status != 403 {
		t.Errorf("somebody without the right got %d", got.status)
	}
	if g := h.graph(a); len(g.Nodes) != 0 {
		t.Errorf("a refused edge was kept: %v", names(g.Nodes))
	}
}

func TestLineageBySource(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b, c := h.table(s, "a", "id"), h.table(s, "b", "id"), h.table(s, "c", "id")
	h.link(a, b, map[string]any{"source": "ViewLineage"})
	h.link(b, c, map[string]any{"source": "QueryLineage"})
	h.do("DELETE", "/lineage/table/"+b+"/type/QueryLineage", nil, 200)
	if diff := cmp.Diff([]string{"a"}, names(h.graph(b).Nodes)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

func TestLineageNamesThePipeline(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b := h.table(s, "a", "id"), h.table(s, "b", "id")
	h.do("PUT", "/services/pipelineServices", map[string]any{"name": "flow", "serviceType": "Airflow"}, 201)
	p := h.do("PUT", "/pipelines", map[string]any{"name": "load", "service": "flow"}, 201).id()
	h.link(a, b, map[string]any{"pipeline": ref("pipeline", p)})
	g := h.graph(b)
	if got := g.Up[0].Details.Pipeline; got == nil || got.FullyQualifiedName != "flow.load" {
		t.Fatalf("pipeline = %+v", got)
	}
	h.do("DELETE", "/pipelines/"+p+"?hardDelete=true", nil, 200)
	if got := h.graph(b).Up[0].Details.Pipeline; got != nil {
		t.Errorf("pipeline that is gone = %+v", got)
	}
}

func TestLineageIsAnnouncedOnBothEnds(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b := h.table(s, "a", "id"), h.table(s, "b", "id")
	ctx := t.Context()
	var before uint64
	check(t, h.store.View(ctx, func(r store.Reader) (err error) { before, err = r.LastSeq(ctx); return err }))
	h.link(a, b, nil)
	h.link(a, b, map[string]any{"source": "Manual"}) // says what is there
	h.do("DELETE", "/lineage/table/"+a+"/table/"+b, nil, 200)
	var got []string
	check(t, h.store.View(ctx, func(r store.Reader) error {
		events, err := r.Events(ctx, store.EventQuery{After: before})
		got = nil
		for _, ev := range events {
			var change entity.ChangeDescription
			check(t, json.Unmarshal(ev.Change, &change))
			for _, c := range change.FieldsAdded {
				got = append(got, ev.EntityFQN+" +"+c.Name)
			}
			for _, c := range change.FieldsDeleted {
				got = append(got, ev.EntityFQN+" -"+c.Name)
			}
		}
		return err
	}))
	want := []string{s + ".a +downstreamEdges", s + ".b +upstreamEdges", s + ".a -downstreamEdges", s + ".b -upstreamEdges"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestSearchLineage(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b, c := h.table(s, "a", "id"), h.table(s, "b", "id"), h.table(s, "c", "id")
	h.link(a, b, columnLineage(s+".b.id", s+".a.id"))
	h.link(b, c, nil)
	var got lineage.SearchResult
	h.do("GET", "/lineage/getLineage?fqn="+s+".b&type=table&upstreamDepth=1&downstreamDepth=1", nil, 200).into(&got)
	if len(got.Nodes) != 3 || len(got.UpstreamEdges) != 1 || len(got.DownstreamEdges) != 1 {
		t.Fatalf("result = %+v", got)
	}
	node := got.Nodes[s+".b"]
	if want := (lineage.NodePaging{EntityUpstreamCount: 1, EntityDownstreamCount: 1}); node.Paging != want || node.NodeDepth != 0 {
		t.Errorf("node = %+v", node)
	}
	if !strings.Contains(string(node.Entity), `"entityType":"table"`) || !strings.Contains(string(node.Entity), `"columns"`) {
		t.Errorf("entity = %s", node.Entity)
	}
	edge := got.UpstreamEdges[s+".a--->"+s+".b"]
	if edge.FromEntity.FQN != s+".a" || len(edge.Columns) != 1 {
		t.Errorf("edge = %+v", edge)
	}
	var down lineage.SearchResult
	h.do("GET", "/lineage/getLineage/Downstream?fqn="+s+".a&downstreamDepth=2&fields=description", nil, 200).into(&down)
	if len(down.Nodes) != 3 || strings.Contains(string(down.Nodes[s+".c"].Entity), "columns") {
		t.Errorf("downstream = %+v", down)
	}
	h.do("GET", "/lineage/getLineage/Sideways?fqn="+s+".a", nil, 400)
	h.do("GET", "/lineage/getLineage?fqn="+s+".a&downstreamDepth=2&columnFilter=frob:x", nil, 400)
	var none struct {
		Nodes map[string]any `json:"nodes"`
	}
	h.do("GET", "/lineage/getLineage?fqn="+s+".a&downstreamDepth=2&columnFilter=columnName:nothing", nil, 200).into(&none)
	if len(none.Nodes) != 1 {
		t.Errorf("a filter that no column fits leaves %d nodes, want the root", len(none.Nodes))
	}
	h.do("GET", "/lineage/getLineage", nil, 400)
	h.do("GET", "/lineage/getLineage?fqn=nope", nil, 404)
}

func TestSearchLineageWithoutDeleted(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b, c := h.table(s, "a", "id"), h.table(s, "b", "id"), h.table(s, "c", "id")
	h.link(a, b, nil)
	h.link(b, c, nil)
	h.do("DELETE", "/tables/"+c, nil, 200)
	var down lineage.SearchResult
	h.do("GET", "/lineage/getLineage/Downstream?fqn="+s+".a&downstreamDepth=2", nil, 200).into(&down)
	if len(down.Nodes) != 2 || len(down.DownstreamEdges) != 1 {
		t.Errorf("a deleted table is shown: %+v", down)
	}
	h.do("GET", "/lineage/getLineage/Downstream?fqn="+s+".a&downstreamDepth=2&includeDeleted=true", nil, 200).into(&down)
	if len(down.Nodes) != 3 {
		t.Errorf("deleted ones were asked for: %+v", down)
	}
	var info lineage.PageInfo
	h.do("GET", "/lineage/getPaginationInfo?fqn="+s+".b&type=table&upstreamDepth=3&downstreamDepth=3", nil, 200).into(&info)
	if info.TotalUpstreamEntities != 2 || info.TotalDownstreamEntities != 1 || info.MaxUpstreamDepth != 1 {
		t.Errorf("info = %+v", info)
	}
}

func TestExportLineage(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b := h.table(s, "a", "id"), h.table(s, "b", "id")
	h.do("PUT", "/services/pipelineServices", map[string]any{"name": "flow", "serviceType": "Airflow"}, 201)
	p := h.do("PUT", "/pipelines", map[string]any{"name": "load", "displayName": "Load", "service": "flow"}, 201).id()
	details := columnLineage(s+".b.id", s+".a.id")
	details["pipeline"] = ref("pipeline", p)
	h.link(a, b, details)
	got := h.do("GET", "/lineage/export?fqn="+s+".b&type=table&upstreamDepth=1&downstreamDepth=1", nil, 200)
	lines, err := csv.NewReader(strings.NewReader(string(got.body))).ReadAll()
	check(t, err)
	if len(lines) != 3 || lines[1][0] != s+".a" || lines[1][1] != "shop" || lines[2][10] != s+".a.id" || lines[2][11] != s+".b.id" {
		t.Errorf("lines = %q", lines)
	}
	if diff := cmp.Diff([]string{"flow.load", "Load", "pipeline", "", "", "", "flow", "Airflow"}, lines[1][12:]); diff != "" {
		t.Errorf("columns of the pipeline (-want +got):\n%s", diff)
	}
}

// TestLineageStatements proves that a level costs the same however wide it is.
func TestLineageStatements(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	service := lineage.New(h.engine)
	count := func(width int) int64 {
		t.Helper()
		root := h.table(s, fmt.Sprintf("root%d", width), "id")
		for i := range width {
			leaf := h.table(s, fmt.Sprintf("leaf%d_%d", width, i), "id")
			h.link(leaf, root, nil)
			h.link(root, h.table(s, fmt.Sprintf("out%d_%d", width, i), "id"), nil)
		}
		end := lineage.End{Type: "table", Selector: engine.ByFQN(s + fmt.Sprintf(".root%d", width))}
		// The least of several: a cache stays cold when something else commits just then.
		least := int64(math.MaxInt64)
		for range 5 {
			ctx, statements := store.WithStatements(t.Context())
			g, err := service.Graph(ctx, entity.System(), end, 2, 2, "")
			check(t, err)
			if len(g.Nodes) != 2*width {
				t.Fatalf("%d nodes, want %d", len(g.Nodes), 2*width)
			}
			least = min(least, statements.Count())
		}
		return least
	}
	few, many := count(2), count(30)
	if few != many || few == 0 {
		t.Errorf("%d statements for 2 neighbours each way, %d for 30", few, many)
	}
}
