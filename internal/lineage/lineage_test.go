package lineage

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// columns returns details that derive one column from others.
func columns(to string, from ...string) map[string]any {
	return map[string]any{"columnsLineage": []any{map[string]any{"fromColumns": from, "toColumn": to}}}
}

func TestColumnsBelongToTheirEnds(t *testing.T) {
	b := newBed(t)
	b.schema()
	from := b.table("a", `{"name":"id","dataType":"INT"}`, `{"name":"a.b","dataType":"INT"}`,
		`{"name":"place","dataType":"STRUCT","children":[{"name":"town","dataType":"STRING"}]}`)
	to := b.table("b", `{"name":"id","dataType":"INT"}`)
	many := func(n int) []string { return slices.Repeat([]string{"shop.db.s.a.id"}, n) }
	for name, tc := range map[string]struct {
		details map[string]any
		want    []ColumnLineage
		refused string
	}{
		"a column":                   {columns("shop.db.s.b.id", "shop.db.s.a.id"), []ColumnLineage{{FromColumns: []string{"shop.db.s.a.id"}, ToColumn: "shop.db.s.b.id"}}, ""},
		"a name with a dot":          {columns("shop.db.s.b.id", `shop.db.s.a."a.b"`), []ColumnLineage{{FromColumns: []string{`shop.db.s.a."a.b"`}, ToColumn: "shop.db.s.b.id"}}, ""},
		"quotes that are not needed": {columns(`shop.db.s.b."id"`, `"shop".db.s.a.id`), []ColumnLineage{{FromColumns: []string{"shop.db.s.a.id"}, ToColumn: "shop.db.s.b.id"}}, ""},
		"a part of a structure":      {columns("shop.db.s.b.id", "shop.db.s.a.place.town"), []ColumnLineage{{FromColumns: []string{"shop.db.s.a.place.town"}, ToColumn: "shop.db.s.b.id"}}, ""},
		"the whole table":            {columns("shop.db.s.b.id", "shop.db.s.a"), []ColumnLineage{{FromColumns: []string{"shop.db.s.a"}, ToColumn: "shop.db.s.b.id"}}, ""},
		"as many as allowed":         {columns("shop.db.s.b.id", many(maxFromColumns)...), []ColumnLineage{{FromColumns: many(maxFromColumns), ToColumn: "shop.db.s.b.id"}}, ""},
		"no columns":                 {map[string]any{"columnsLineage": []any{}}, nil, ""},
		"the dot without quotes":     {columns("shop.db.s.b.id", "shop.db.s.a.a.b"), nil, "Invalid column name shop.db.s.a.a.b: table shop.db.s.a has no such column"},
		"a bare name":                {columns("shop.db.s.b.id", "id"), nil, "Invalid column name id: table shop.db.s.a"},
		"the ends exchanged":         {columns("shop.db.s.a.id", "shop.db.s.a.id"), nil, "Invalid column name shop.db.s.a.id: table shop.db.s.b"},
		"too many":                   {columns("shop.db.s.b.id", many(maxFromColumns+1)...), nil, "a column comes from at most 1000 columns"},
	} {
		t.Run(name, func(t *testing.T) {
			err := b.putTables(from, to, tc.details)
			if tc.refused != "" {
				wantError(t, err, entity.KindBadRequest, tc.refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, b.edge(from, to).ColumnsLineage); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
		})
	}
}

// TestChartsAreColumnsOfTheirDashboard: only the charts that the dashboard shows.
func TestChartsAreColumnsOfTheirDashboard(t *testing.T) {
	b := newBed(t)
	b.schema()
	from := b.table("a")
	b.make("dashboardService", "bi", `{"name":"bi","serviceType":"Superset"}`)
	b.make("chart", "bi.shown", `{"name":"shown","service":"bi"}`)
	b.make("chart", "bi.other", `{"name":"other","service":"bi"}`)
	board := b.make("dashboard", "bi.board", `{"name":"board","service":"bi","charts":["bi.shown"]}`)
	put := func(chart string) error {
		return b.putEdge(entity.Ref{ID: from, Type: "table"}, entity.Ref{ID: board, Type: "dashboard"}, columns(chart, "shop.db.s.a.id"))
	}
	if err := put("bi.shown"); err != nil {
		t.Error(err)
	}
	wantError(t, put("bi.other"), entity.KindBadRequest, "dashboard bi.board has no such column")
}

func TestWhatMayMoveData(t *testing.T) {
	b := newBed(t)
	b.schema()
	from, to := b.table("a"), b.table("b")
	b.make("pipelineService", "flow", `{"name":"flow","serviceType":"Airflow"}`)
	pipeline := b.make("pipeline", "flow.load", `{"name":"load","service":"flow"}`)
	procedure := b.make("storedProcedure", "shop.db.s.fill", `{"name":"fill","databaseSchema":"shop.db.s","storedProcedureCode":{"language":"SQL","code":"select 1"}}`)
	gone := b.make("pipeline", "flow.old", `{"name":"old","service":"flow"}`)
	b.delete("pipeline", gone, false)
	for name, tc := range map[string]struct {
		ref  entity.Ref
		want string // FQN; "" when refused
	}{
		"a pipeline":                   {entity.Ref{ID: pipeline, Type: "pipeline"}, "flow.load"},
		"a stored procedure":           {entity.Ref{ID: procedure, Type: "storedProcedure"}, "shop.db.s.fill"},
		"a pipeline that is deleted":   {entity.Ref{ID: gone, Type: "pipeline"}, ""},
		"a pipeline that never was":    {entity.Ref{ID: entity.NewID(), Type: "pipeline"}, ""},
		"a table that moves something": {entity.Ref{ID: from, Type: "table"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := b.putTables(from, to, map[string]any{"pipeline": tc.ref})
			if tc.want == "" {
				wantError(t, err, entity.KindNotFound, tc.ref.Type+" instance for "+tc.ref.ID.String()+" not found")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := b.edge(from, to).Pipeline; got == nil || got.FullyQualifiedName != tc.want {
				t.Errorf("moved by %+v, want %s", got, tc.want)
			}
		})
	}
}

// TestAnEdgeKeepsItsOrigin: who wrote an edge first stays, who last changed it is
// noted, and saying what is stored changes nothing.
func TestAnEdgeKeepsItsOrigin(t *testing.T) {
	b := newBed(t)
	b.schema()
	from, to := b.table("a"), b.table("b")
	b.link(from, to, map[string]any{"sqlQuery": "select 1", "source": "QueryLineage", "createdBy": "forged", "createdAt": 1})
	first := b.edge(from, to)
	if first.CreatedBy != "admin" || first.CreatedAt == 1 {
		t.Errorf("the request says who wrote the edge: %+v", first)
	}
	b.by.Name = "somebody"
	b.link(from, to, map[string]any{"sqlQuery": "select 1", "source": "QueryLineage"})
	if diff := cmp.Diff(first, b.edge(from, to)); diff != "" {
		t.Errorf("saying it again changed (-want +got):\n%s", diff)
	}
	b.link(from, to, map[string]any{"sqlQuery": "select 2"})
	second := b.edge(from, to)
	want := Details{
		SQLQuery: "select 2", Source: "Manual", CreatedAt: first.CreatedAt, CreatedBy: "admin",
		UpdatedAt: second.UpdatedAt, UpdatedBy: "somebody",
	}
	if diff := cmp.Diff(want, second); diff != "" || second.UpdatedAt <= first.UpdatedAt {
		t.Errorf("the changed edge, updated at %d after %d (-want +got):\n%s", second.UpdatedAt, first.UpdatedAt, diff)
	}
	if _, err := b.s.Edge(t.Context(), b.by, to, from); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("the edge is there the other way round: %v", err)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	b := newBed(t)
	b.schema()
	from, to := b.table("a"), b.table("b")
	b.link(from, to, nil)
	before := b.edge(from, to)
	id := from.String()
	for name, tc := range map[string]struct {
		call    func() error
		kind    entity.Kind
		message string
	}{
		"not JSON": {func() error { return b.s.Put(t.Context(), b.by, []byte(`{"edge":`)) }, entity.KindBadRequest, ""},
		"no edge":  {func() error { return b.s.Put(t.Context(), b.by, []byte(`{}`)) }, entity.KindBadRequest, "edge"},
		"unknown type": {func() error {
			return b.putEdge(entity.Ref{ID: from, Type: "spaceship"}, entity.Ref{ID: to, Type: "table"}, nil)
		}, entity.KindBadRequest, `there is no entity type "spaceship"`},
		"another type": {func() error {
			return b.putEdge(entity.Ref{ID: from, Type: "topic"}, entity.Ref{ID: to, Type: "table"}, nil)
		}, entity.KindNotFound, "topic instance for " + id + " not found"},
		"no such patch": {func() error {
			_, err := b.s.Patch(t.Context(), b.by, tableEnd(from), tableEnd(to), []byte(`[{"op":"dance"}]`))
			return err
		}, entity.KindBadRequest, ""},
		"patched nowhere": {func() error {
			_, err := b.s.Patch(t.Context(), b.by, tableEnd(from), tableEnd(to), []byte(`[{"op":"remove","path":"/nope"}]`))
			return err
		}, entity.KindBadRequest, ""},
		"patched to text": {func() error {
			_, err := b.s.Patch(t.Context(), b.by, tableEnd(from), tableEnd(to), []byte(`[{"op":"add","path":"/sqlQuery","value":7}]`))
			return err
		}, entity.KindBadRequest, "sqlQuery"},
		"no such edge":    {func() error { return b.s.Delete(t.Context(), b.by, tableEnd(to), tableEnd(from)) }, entity.KindNotFound, "Lineage edge not found"},
		"graph of a type": {func() error { _, err := b.s.Graph(t.Context(), b.by, byID("spaceship", from), 1, 1, ""); return err }, entity.KindBadRequest, `there is no entity type "spaceship"`},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tc.call(), tc.kind, tc.message) })
	}
	if diff := cmp.Diff(before, b.edge(from, to)); diff != "" {
		t.Errorf("a refused request changed the edge (-want +got):\n%s", diff)
	}
}

func TestStrangersSeeAndChangeNothing(t *testing.T) {
	b := newBed(t)
	b.schema()
	from, to := b.table("a"), b.table("b")
	b.link(from, to, map[string]any{"sqlQuery": "select 1"})
	stranger := b.make("user", "stranger", `{"name":"stranger","email":"stranger@example.com"}`)
	who := entity.Principal{UserID: stranger, Name: "stranger", TokenType: "OM_USER"}
	for name, call := range map[string]func() error{
		"put": func() error { c := *b; c.by = who; return c.putTables(from, to, map[string]any{"sqlQuery": "x"}) },
		"patch": func() error {
			_, err := b.s.Patch(t.Context(), who, tableEnd(from), tableEnd(to), []byte(`[]`))
			return err
		},
		"delete":        func() error { return b.s.Delete(t.Context(), who, tableEnd(from), tableEnd(to)) },
		"delete source": func() error { return b.s.DeleteSource(t.Context(), who, tableEnd(from), manual) },
		"edge":          func() error { _, err := b.s.Edge(t.Context(), who, from, to); return err },
		"graph":         func() error { _, err := b.s.Graph(t.Context(), who, tableEnd(from), 1, 1, ""); return err },
		"search": func() error {
			_, err := b.s.Search(t.Context(), who, SearchRequest{FQN: "shop.db.s.a", Down: 1})
			return err
		},
		"export": func() error {
			_, err := b.s.Export(t.Context(), who, SearchRequest{FQN: "shop.db.s.a", Down: 1})
			return err
		},
		"count": func() error {
			_, err := b.s.Count(t.Context(), who, SearchRequest{FQN: "shop.db.s.a", Down: 1})
			return err
		},
	} {
		if err := call(); entity.KindOf(err) != entity.KindForbidden || strings.Contains(engine.Public(err), "select 1") {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if got := b.edge(from, to).SQLQuery; got != "select 1" {
		t.Errorf("the query is %q now", got)
	}
}

// TestEdgesFollowTheCalls runs puts and deletes in any order and compares what is
// left with a list of edges.
func TestEdgesFollowTheCalls(t *testing.T) {
	b := newBed(t)
	b.schema()
	tables := []entity.ID{b.table("a"), b.table("b"), b.table("c"), b.table("d")}
	index := rapid.IntRange(0, len(tables)-1)
	source := rapid.SampledFrom([]string{"Manual", "QueryLineage", "ViewLineage"})
	model := map[[2]entity.ID]string{}
	rapid.Check(t, func(t *rapid.T) {
		for k := range model { // of the run before
			if err := b.s.Delete(b.Context(), b.by, tableEnd(k[0]), tableEnd(k[1])); err != nil {
				t.Fatal(err)
			}
		}
		clear(model)
		for range rapid.IntRange(1, 8).Draw(t, "calls") {
			from, to, by := tables[index.Draw(t, "from")], tables[index.Draw(t, "to")], source.Draw(t, "source")
			key := [2]entity.ID{from, to}
			switch rapid.IntRange(0, 3).Draw(t, "call") {
			case 0, 1:
				if err := b.putTables(from, to, map[string]any{"source": by}); err != nil {
					t.Fatal(err)
				}
				model[key] = by
			case 2:
				err := b.s.Delete(b.Context(), b.by, tableEnd(from), tableEnd(to))
				if _, was := model[key]; was != (err == nil) || !was && entity.KindOf(err) != entity.KindNotFound {
					t.Fatalf("deleting an edge that was there (%t): %v", was, err)
				}
				delete(model, key)
			case 3:
				if err := b.s.DeleteSource(b.Context(), b.by, tableEnd(from), by); err != nil {
					t.Fatal(err)
				}
				for k, s := range model {
					if s == by && (k[0] == from || k[1] == from) {
						delete(model, k)
					}
				}
			}
		}
		for _, from := range tables {
			g, err := b.s.Graph(b.Context(), b.by, tableEnd(from), 0, 1, "")
			if err != nil {
				t.Fatal(err)
			}
			got := map[entity.ID]string{}
			for _, e := range g.DownstreamEdges {
				got[e.ToEntity] = e.Details.Source
			}
			want := map[entity.ID]string{}
			for k, s := range model {
				if k[0] == from {
					want[k[1]] = s
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || len(g.DownstreamEdges) != len(want) {
				t.Fatalf("edges from %s (-want +got):\n%s", from, diff)
			}
		}
	})
}
