//go:build acceptance

package acceptance

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// metabase is a Metabase with two dashboards of three questions, two of which
// read tables of the database shop.
func metabase() map[string]any {
	type object = map[string]any
	card := func(id int, name, display string, query object) object {
		return object{"id": id, "name": name, "display": display, "description": name + " over time", "database_id": 2, "dataset_query": query}
	}
	byQuery := card(21, "Orders", "line", object{"type": "native", "native": object{"query": "select day, orders from sales.orders"}})
	byTable := card(22, "Customers", "bar", object{"type": "query"})
	byTable["table_id"] = 7
	written := card(23, "A note", "scalar", object{"type": "native", "native": object{"query": ""}})
	board := func(id int, name string, cards ...object) object {
		var placed []object
		for _, c := range cards {
			placed = append(placed, object{"card": object{"id": c["id"]}})
		}
		return object{"id": id, "name": name, "description": "What the shop looks at", "creator_id": 5, "collection_id": 3, "dashcards": placed}
	}
	return map[string]any{
		"POST /api/session/":  object{"id": "a-session"},
		"GET /api/collection": []object{{"id": 3, "name": "Shop"}},
		"GET /api/collection/3/items?models=dashboard": object{"data": []object{
			{"id": 11, "name": "Sales", "collection_id": 3}, {"id": 12, "name": "People", "collection_id": 3},
		}},
		"GET /api/card":         []object{byQuery, byTable, written},
		"GET /api/dashboard/11": board(11, "Sales", byQuery, written),
		"GET /api/dashboard/12": board(12, "People", byTable),
		"GET /api/user/5":       object{"id": 5, "email": "ada@example.com"},
		"GET /api/database/2":   object{"details": object{"db": "shop"}},
		"GET /api/table/7":      object{"id": 7, "name": "customers", "schema": "sales", "db": object{"details": object{"db": "shop"}}},
	}
}

// TestMetabase ingests dashboards and charts with their lineage to tables that
// another source brought.
func TestMetabase(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	bot.send(http.MethodPut, "/users", map[string]any{"name": "ada", "email": "ada@example.com"}, nil, http.StatusCreated)
	shopTables(bot, "warehouse", "shop", "orders", "customers")
	source := startFake(t, metabase())
	ingest := func() workflow {
		t.Helper()
		return c.metadata(t, "ingest", "metabase.yaml", map[string]any{"Source": source.url})
	}

	first := ingest()
	c.assertKnown(t, first, "bi", "dashboards", "service", "11", "12")
	c.assertKnown(t, first, "bi", "charts", "service", "21", "22", "23")
	var board struct {
		DisplayName, Project, SourceURL, ServiceType string
		Charts, Owners                               []reference
	}
	bot.get("/dashboards/name/bi.11?fields=*", &board)
	if board.DisplayName != "Sales" || board.Project != "Shop" || board.ServiceType != "Metabase" || board.SourceURL != source.url+"/dashboard/11-sales" {
		t.Errorf("the dashboard became %+v", board)
	}
	var charts []string
	for _, chart := range board.Charts {
		charts = append(charts, chart.FullyQualifiedName)
	}
	if !slices.Equal(charts, []string{"bi.21", "bi.23"}) || len(board.Owners) != 1 || board.Owners[0].Name != "ada" {
		t.Errorf("its charts are %v, its owners %+v", charts, board.Owners)
	}
	lineage := func() map[edge]string {
		t.Helper()
		found := bot.lineage("warehouse.shop.sales.orders", 1)
		maps.Copy(found, bot.lineage("warehouse.shop.sales.customers", 1))
		return found
	}
	wantLineage := map[edge]string{
		{"warehouse.shop.sales.orders", "bi.11"}:    "DashboardLineage",
		{"warehouse.shop.sales.customers", "bi.12"}: "DashboardLineage",
	}
	if diff := cmp.Diff(wantLineage, lineage(), cmp.AllowUnexported(edge{})); diff != "" {
		t.Errorf("lineage (-want +got):\n%s", diff)
	}

	// Again, with nothing new but what people wrote.
	boardKept, chartKept := c.curate(t, "dashboards", "bi.12"), c.curate(t, "charts", "bi.22")
	before := bot.state("bi", "dashboards", "charts")
	ingest()
	if got := changed(before, bot.state("bi", "dashboards", "charts")); len(got) != 0 {
		t.Errorf("a run with nothing new changed %v", got)
	}

	// A dashboard goes away.
	source.set("GET /api/collection/3/items?models=dashboard", map[string]any{"data": []map[string]any{{"id": 12, "name": "People", "collection_id": 3}}})
	source.set("GET /api/card", []any{metabase()["GET /api/card"].([]map[string]any)[1]})
	ingest()
	if got := bot.entity("dashboards", "bi.11"); !got.Deleted {
		t.Errorf("the dashboard that went away became %+v", got)
	}
	boardKept()
	chartKept()

	// It comes back as itself.
	id := bot.entity("dashboards", "bi.11").ID
	for request, answer := range metabase() {
		source.set(request, answer)
	}
	ingest()
	if got := bot.entity("dashboards", "bi.11"); got.Deleted || got.ID != id {
		t.Errorf("the dashboard that came back became %+v, want %s", got, id)
	}
	if diff := cmp.Diff(wantLineage, lineage(), cmp.AllowUnexported(edge{})); diff != "" {
		t.Errorf("lineage at the end (-want +got):\n%s", diff)
	}
}
