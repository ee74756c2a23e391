package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keyedTable makes a table with a foreign key to the column id of others.
func (h *harness) keyedTable(schema, name string, refers ...string) {
	h.t.Helper()
	columns, keys := []string{`{"name":"id","dataType":"INT"}`}, []string{}
	for _, to := range refers {
		columns = append(columns, fmt.Sprintf(`{"name":"%s_id","dataType":"INT"}`, to))
		keys = append(keys, fmt.Sprintf(`{"constraintType":"FOREIGN_KEY","columns":["%s_id"],"referredColumns":["%s.%s.id"],"relationshipType":"MANY_TO_ONE"}`, to, schema, to))
	}
	h.do("POST", "/tables", fmt.Sprintf(`{"name":%q,"databaseSchema":%q,"columns":[%s],"tableConstraints":[%s]}`,
		name, schema, strings.Join(columns, ","), strings.Join(keys, ",")), 201)
}

// lastNames are the last parts of names, in order.
func lastNames(all map[string]keyNode) []string {
	out := []string{}
	for fqn := range maps.Keys(all) {
		out = append(out, fqn[strings.LastIndexByte(fqn, '.')+1:])
	}
	slices.Sort(out)
	return out
}

func TestForeignKeys(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	h.keyedTable(s, "country")
	h.keyedTable(s, "city", "country")
	h.keyedTable(s, "person", "city")
	h.keyedTable(s, "orders", "person", "city")
	h.searchable()
	look := func(path string) keyGraph {
		t.Helper()
		var got keyGraph
		h.do("GET", path, nil, 200).into(&got)
		return got
	}
	for name, tc := range map[string]struct {
		query    string
		nodes    []string
		up, down int
	}{
		"both ways":   {"?fqn=%s.person&upstreamDepth=1&downstreamDepth=1", []string{"city", "orders", "person"}, 1, 1},
		"further up":  {"/Upstream?fqn=%s.orders&upstreamDepth=2", []string{"city", "country", "orders", "person"}, 4, 0},
		"only down":   {"/Downstream?fqn=%s.country", []string{"city", "country", "orders", "person"}, 0, 4},
		"nothing":     {"?fqn=%s.person&upstreamDepth=0&downstreamDepth=0", []string{"person"}, 0, 0},
		"first page":  {"/Downstream?fqn=%s.country&size=2", []string{"city", "country"}, 0, 1},
		"later pages": {"/Downstream?fqn=%s.country&from=2", []string{"country", "orders", "person"}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := look("/tables/entityRelationship" + fmt.Sprintf(tc.query, s))
			if diff := cmp.Diff(tc.nodes, lastNames(got.Nodes)); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
			if len(got.Upstream) != tc.up || len(got.Downstream) != tc.down {
				t.Errorf("%d edges up, %d down, want %d and %d", len(got.Upstream), len(got.Downstream), tc.up, tc.down)
			}
		})
	}
	got := look("/tables/entityRelationship?fqn=" + s + ".person&upstreamDepth=1&downstreamDepth=1")
	for _, e := range got.Upstream {
		want := keyEdge{DocID: e.Entity.ID.String() + "-" + e.Related.ID.String(), Type: "MANY_TO_ONE", Entity: e.Entity, Related: e.Related,
			Columns: []keyColumns{{Column: s + ".city.id", Related: s + ".person.city_id", Type: "MANY_TO_ONE"}}}
		if diff := cmp.Diff(want, e); diff != "" || e.Entity.FQN != s+".city" || e.Related.FQN != s+".person" {
			t.Errorf("edge (-want +got):\n%s", diff)
		}
	}
	if p := got.Nodes[s+".person"].Paging; p.EntityUpstreamCount != 1 || p.EntityDownstreamCount != 1 {
		t.Errorf("neighbours = %+v", p)
	}
	h.do("GET", "/tables/entityRelationship", nil, 400)
	h.do("GET", "/tables/entityRelationship?fqn="+s+".nope", nil, 404)
	h.do("GET", "/tables/entityRelationship/Sideways?fqn="+s+".person", nil, 400)
	h.do("GET", "/tables/entityRelationship?fqn="+s+".person&upstreamDepth=11", nil, 400)
}

func TestForeignKeysOfASchema(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	h.keyedTable(s, "city")
	h.keyedTable(s, "person", "city")
	h.keyedTable(s, "orders", "person")
	h.searchable()
	look := func(who caller, query string) keyPage {
		t.Helper()
		var got keyPage
		h.as(who, "GET", "/databaseSchemas/entityRelationship?fqn="+s+query, nil).want(200).into(&got)
		return got
	}
	whole := look(h.admin, "")
	if len(whole.Data.Nodes) != 3 || len(whole.Data.Upstream) != 2 || len(whole.Data.Downstream) != 2 || whole.Paging.Total != 3 {
		t.Errorf("whole = %+v", whole)
	}
	up, down := 0, 0
	for offset := range 3 {
		page := look(h.admin, fmt.Sprintf("&limit=1&offset=%d", offset))
		if len(page.Data.Nodes) != 1 || page.Paging.Total != 3 {
			t.Errorf("page %d = %+v", offset, page)
		}
		up, down = up+len(page.Data.Upstream), down+len(page.Data.Downstream)
	}
	if up != 2 || down != 2 {
		t.Errorf("the pages together have %d edges up and %d down", up, down)
	}
	blind := h.person("blind")
	h.rightsOf(blind, "blind", `{"name":"no","effect":"deny","operations":["All"],"resources":["table"]}`)
	if got := look(blind, ""); len(got.Data.Nodes) != 0 || len(got.Data.Upstream) != 0 || got.Paging.Total != 0 {
		t.Errorf("somebody who sees no tables sees %+v", got)
	}
	h.do("GET", "/databaseSchemas/entityRelationship", nil, 400)
	h.do("GET", "/databaseSchemas/entityRelationship?fqn=shop.nope.s", nil, 404)
	h.do("GET", "/databaseSchemas/entityRelationship?fqn="+s+"&query_filter=nonsense", nil, 400)
}
