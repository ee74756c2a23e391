package api

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/lineage"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// nodesOf lists the nodes of a result with their depths, by the last part of the name.
func nodesOf(got lineage.SearchResult) map[string]int {
	out := map[string]int{}
	for fqn, node := range got.Nodes {
		out[fqn[strings.LastIndexByte(fqn, '.')+1:]] = node.NodeDepth
	}
	return out
}

// chain makes the tables t0 to tn, each made from the one before.
func (h *harness) chain(n int) string {
	h.t.Helper()
	schema := h.schema()
	var ids []string
	for i := range n + 1 {
		ids = append(ids, h.table(schema, fmt.Sprintf("t%d", i), "id"))
		if i > 0 {
			h.link(ids[i-1], ids[i], nil)
		}
	}
	return schema
}

func TestImpact(t *testing.T) {
	h := newHarness(t)
	s := h.chain(4)
	for name, tc := range map[string]struct {
		query    string
		nodes    map[string]int
		up, down int
	}{
		"the entity alone":         {"fqn=%s.t2&direction=Downstream&nodeDepth=0", map[string]int{"t2": 0}, 0, 0},
		"downstream":               {"fqn=%s.t2&direction=Downstream&nodeDepth=2&entityType=table", map[string]int{"t2": 0, "t3": 1, "t4": 2}, 0, 2},
		"upstream":                 {"fqn=%s.t2&direction=Upstream&nodeDepth=-1", map[string]int{"t2": 0, "t1": -1}, 1, 0},
		"no further than maxDepth": {"fqn=%s.t0&direction=Downstream&nodeDepth=4&maxDepth=1", map[string]int{"t0": 0, "t1": 1}, 0, 1},
		"a page":                   {"fqn=%s.t0&direction=Downstream&nodeDepth=4&from=2&size=2", map[string]int{"t0": 0, "t2": 2, "t3": 3}, 0, 2},
		"a page behind the end":    {"fqn=%s.t0&direction=Downstream&nodeDepth=4&from=20&size=2", map[string]int{"t0": 0}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var got lineage.SearchResult
			h.do("GET", "/lineage/getLineageByEntityCount?"+fmt.Sprintf(tc.query, s), nil, 200).into(&got)
			if diff := cmp.Diff(tc.nodes, nodesOf(got)); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
			if len(got.UpstreamEdges) != tc.up || len(got.DownstreamEdges) != tc.down {
				t.Errorf("%d edges up, %d down, want %d and %d", len(got.UpstreamEdges), len(got.DownstreamEdges), tc.up, tc.down)
			}
		})
	}
	for name, query := range map[string]string{
		"no name":          "direction=Upstream&nodeDepth=1",
		"no direction":     "fqn=" + s + ".t0&nodeDepth=1",
		"no depth":         "fqn=" + s + ".t0&direction=Upstream",
		"too far":          "fqn=" + s + ".t0&direction=Upstream&nodeDepth=11",
		"a page too large": "fqn=" + s + ".t0&direction=Upstream&nodeDepth=1&size=1001",
		"no query":         "fqn=" + s + ".t0&direction=Upstream&nodeDepth=1&query_filter=nonsense",
	} {
		t.Run(name, func(t *testing.T) { h.do("GET", "/lineage/getLineageByEntityCount?"+query, nil, 400) })
	}
	h.do("GET", "/lineage/getLineageByEntityCount?fqn=nope&direction=Upstream&nodeDepth=1", nil, 404)
}

// TestLineageOfWhatFitsAQuery: what does not fit is left out, but for what lies between
// the root and what does.
func TestLineageOfWhatFitsAQuery(t *testing.T) {
	h := newHarness(t)
	s := h.chain(3)
	filter := url.QueryEscape(`{"query":{"bool":{"must":[{"term":{"name.keyword":"t2"}}]}}}`)
	get := func(path string) lineage.SearchResult {
		t.Helper()
		var got lineage.SearchResult
		h.do("GET", "/lineage/"+path+"&query_filter="+filter, nil, 200).into(&got)
		return got
	}
	got := get("getLineage?downstreamDepth=3&upstreamDepth=0&fqn=" + s + ".t0")
	if diff := cmp.Diff(map[string]int{"t0": 0, "t1": 1, "t2": 2}, nodesOf(got)); diff != "" || len(got.DownstreamEdges) != 2 {
		t.Errorf("nodes with their paths (-want +got):\n%s; %d edges", diff, len(got.DownstreamEdges))
	}
	got = get("getLineage?preservePaths=false&downstreamDepth=3&upstreamDepth=3&fqn=" + s + ".t3")
	if diff := cmp.Diff(map[string]int{"t3": 0, "t2": -1}, nodesOf(got)); diff != "" || len(got.UpstreamEdges) != 1 {
		t.Errorf("nodes (-want +got):\n%s; %d edges", diff, len(got.UpstreamEdges))
	}
	got = get("getLineageByEntityCount?direction=Downstream&nodeDepth=3&fqn=" + s + ".t0")
	if diff := cmp.Diff(map[string]int{"t0": 0, "t1": 1, "t2": 2}, nodesOf(got)); diff != "" {
		t.Errorf("impact (-want +got):\n%s", diff)
	}
}

func TestFailingLineage(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	source, broken, root := h.table(s, "source", "id"), h.table(s, "broken", "id"), h.table(s, "root", "id")
	h.link(source, broken, nil)
	h.link(broken, root, nil)
	test := h.do("POST", "/dataQuality/testCases", map[string]any{
		"name": "ids", "entityLink": "<#E::table::" + s + ".broken::columns::id>", "testDefinition": "columnValuesToBeNotNull",
	}, 201)
	var made struct {
		FQN string `json:"fullyQualifiedName"`
	}
	test.into(&made)
	type failing struct {
		Nodes []map[string]any     `json:"nodes"`
		Edges []lineage.SearchEdge `json:"edges"`
	}
	look := func(who caller, query string) failing {
		t.Helper()
		var got failing
		h.as(who, "GET", "/lineage/getDataQualityLineage?fqn="+s+".root"+query, nil).want(200).into(&got)
		return got
	}
	if got := look(h.admin, "&upstreamDepth=2"); len(got.Nodes) != 0 || len(got.Edges) != 0 || got.Nodes == nil || got.Edges == nil {
		t.Errorf("before a test has failed: %+v", got)
	}
	h.result(made.FQN, 1700000000000, "Failed")
	got := look(h.admin, "&upstreamDepth=2")
	if len(got.Nodes) != 1 || got.Nodes[0]["name"] != "broken" || len(got.Edges) != 1 || got.Edges[0].DocUniqueID != s+".broken--->"+s+".root" {
		t.Errorf("failing = %+v", got)
	}
	if got := look(h.admin, "&upstreamDepth=0"); len(got.Nodes) != 0 {
		t.Errorf("beyond the depth: %+v", got)
	}
	blind := h.person("blind")
	h.rightsOf(blind, "blind", `{"name":"no","effect":"deny","operations":["ViewTests"],"resources":["All"]}`)
	if got := look(blind, "&upstreamDepth=2"); len(got.Nodes) != 0 {
		t.Errorf("somebody who may not see tests sees %+v", got)
	}
	h.result(made.FQN, 1700000001000, "Success")
	if got := look(h.admin, "&upstreamDepth=2"); len(got.Nodes) != 0 {
		t.Errorf("after the test has passed: %+v", got)
	}
}

func TestPlatformLineage(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b := h.table(s, "a", "id"), h.table(s, "b", "id")
	h.do("POST", "/services/databaseServices", map[string]any{"name": "lake", "serviceType": "Mysql"}, 201)
	h.do("POST", "/databases", map[string]any{"name": "db", "service": "lake"}, 201)
	h.do("POST", "/databaseSchemas", map[string]any{"name": "s", "database": "lake.db"}, 201)
	c := h.table("lake.db.s", "c", "id")
	for name, assets := range map[string][]string{"sales": {a, b}, "finance": {c}} {
		domain := h.do("POST", "/domains", map[string]any{"name": name, "domainType": "Aggregate", "description": "d"}, 201).id()
		for _, id := range assets {
			h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/domains","value":[{"id":"`+domain+`","type":"domain"}]}]`, 200)
		}
	}
	h.link(a, b, nil)
	h.link(a, c, nil)
	h.link(b, c, nil)
	look := func(who caller, query string) lineage.SearchResult {
		t.Helper()
		var got lineage.SearchResult
		h.as(who, "GET", "/lineage/getPlatformLineage?"+query, nil).want(200).into(&got)
		return got
	}
	for view, want := range map[string]struct{ from, to string }{"service": {"shop", "lake"}, "domain": {"sales", "finance"}} {
		got := look(h.admin, "view="+view)
		edge, ok := got.UpstreamEdges[want.from+"--->"+want.to]
		if !ok || len(got.UpstreamEdges) != 1 || edge.AssetEdges != 2 || edge.FromEntity.FQN != want.from {
			t.Errorf("%s: edges = %+v", view, got.UpstreamEdges)
		}
		if node := got.Nodes[want.to]; node.Paging.EntityUpstreamCount != 1 || node.Entity == nil {
			t.Errorf("%s: node = %+v", view, node)
		}
	}
	if got := look(h.admin, "view=dataProduct"); len(got.Nodes) != 0 || got.UpstreamEdges == nil {
		t.Errorf("there are no data products, but %+v", got)
	}
	filter := url.QueryEscape(`{"query":{"term":{"name.keyword":"shop"}}}`)
	if got := look(h.admin, "view=service&query_filter="+filter); len(got.Nodes) != 1 || len(got.UpstreamEdges) != 0 {
		t.Errorf("only shop was asked for: %v", slices.Collect(maps.Keys(got.Nodes)))
	}
	blind := h.person("blind")
	h.rightsOf(blind, "blind", `{"name":"no","effect":"deny","operations":["All"],"resources":["table"]}`)
	if got := look(blind, "view=service"); len(got.Nodes) == 0 || len(got.UpstreamEdges) != 0 {
		t.Errorf("somebody who sees no tables sees what flows between services: %+v", got.UpstreamEdges)
	}
	h.do("GET", "/lineage/getPlatformLineage?view=planet", nil, 400)
	h.do("GET", "/lineage/getPlatformLineage", nil, 400)
}

// TestOneHopInALargeGraph: what one node is asked for costs as much as its neighbours
// are, however large the graph around it is.
func TestOneHopInALargeGraph(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	typ, _ := h.engine.Registry().ByName("table")
	const nodes, fan = 10_000, 4
	for from := 0; from < nodes; from += 2500 {
		bodies := make([][]byte, 2500)
		for i := range bodies {
			bodies[i] = fmt.Appendf(nil, `{"name":"n%05d","databaseSchema":%q,"columns":[]}`, from+i, s)
		}
		_, err := h.engine.Ensure(t.Context(), typ, bodies, false)
		check(t, err)
	}
	check(t, h.store.Update(t.Context(), func(tx store.Tx) error {
		rows, err := tx.List(t.Context(), store.ListQuery{Type: "table", Limit: nodes})
		if err != nil {
			return err
		}
		details, err := json.Marshal(map[string]any{"source": "Manual"})
		if err != nil {
			return err
		}
		var edges []store.Relation
		for i := 1; i < len(rows); i++ {
			edges = append(edges, store.Relation{From: rows[(i-1)/fan].ID, To: rows[i].ID, FromType: "table", ToType: "table", Kind: lineage.Relation, Doc: details})
		}
		return tx.Relate(t.Context(), edges...)
	}))
	var got lineage.SearchResult
	service := lineage.New(h.engine)
	count := func(up, down int) int64 {
		t.Helper()
		ctx, statements := store.WithStatements(t.Context())
		var err error
		got, err = service.Search(ctx, entity.System(), lineage.SearchRequest{FQN: s + ".n00100", Type: "table", Up: up, Down: down})
		check(t, err)
		return statements.Count()
	}
	count(1, 1) // fills caches
	if n := count(1, 1); len(got.Nodes) != 2+fan || n > 40 {
		t.Errorf("one hop shows %d nodes and takes %d statements", len(got.Nodes), n)
	}
	var whole lineage.PageInfo
	h.do("GET", "/lineage/getPaginationInfo?type=table&downstreamDepth=10&upstreamDepth=0&fqn="+s+".n00000", nil, 200).into(&whole)
	if whole.TotalDownstreamEntities != nodes {
		t.Errorf("%d entities below the first, want %d", whole.TotalDownstreamEntities, nodes)
	}
}
