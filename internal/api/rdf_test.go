package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/rdf"
)

// surroundings returns the names of the nodes and "from label to" of the edges.
func surroundings(a answer) (names map[string]string, edges map[string]bool) {
	var g rdf.Neighbourhood
	a.into(&g)
	names, byID, edges := map[string]string{}, map[string]string{}, map[string]bool{}
	for _, n := range g.Nodes {
		names[n.Name], byID[n.ID] = n.Type, n.Name
	}
	for _, e := range g.Edges {
		edges[byID[e.From]+" "+e.Label+" "+byID[e.To]] = true
	}
	return names, edges
}

func TestEntityAsRDF(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	owner := h.consumer("owner")
	h.do("PATCH", "/tables/"+table, `[{"op":"add","path":"/owners","value":[{"id":"`+owner.id.String()+`","type":"user"}]}]`, 200)
	for format, media := range map[string]string{"": rdf.JSONLD, "turtle": rdf.Turtle, "rdfxml": rdf.XML, "ntriples": rdf.NTriples} {
		got := h.as(owner, "GET", "/rdf/entity/table/"+table+"?format="+format, nil).want(200)
		if got.header.Get("Content-Type") != media {
			t.Errorf("format %q is answered as %s, want %s", format, got.header.Get("Content-Type"), media)
		}
		for _, part := range []string{"https://open-metadata.org/entity/table/" + table, "https://open-metadata.org/entity/user/" + owner.id.String(), "customers", "email"} {
			if !strings.Contains(string(got.body), part) {
				t.Errorf("format %q lacks %s:\n%s", format, part, got.body)
			}
		}
	}
	h.do("GET", "/rdf/entity/table/"+table+"?format=n3", nil, 400)
	h.do("GET", "/rdf/entity/nothing/"+table, nil, 404)
	h.do("GET", "/rdf/entity/table/xyz", nil, 400)
	h.do("GET", "/rdf/entity/topic/"+table, nil, 404)
	h.forbid(owner, "ViewBasic")
	h.as(owner, "GET", "/rdf/entity/table/"+table, nil).want(403)
	h.as(owner, "GET", "/rdf/graph/explore?entityType=table&entityId="+table, nil).want(403)
	h.as(owner, "GET", "/rdf/inference/lineage/"+table+"?entityType=table", nil).want(403)
}

func TestGraphAroundAnEntity(t *testing.T) {
	h := newHarness(t)
	schema := h.schema()
	a, b := h.table(schema, "a", "x"), h.table(schema, "b", "x")
	h.table(schema, "c", "x")
	h.do("PUT", "/lineage", `{"edge":{"fromEntity":{"id":"`+a+`","type":"table"},"toEntity":{"id":"`+b+`","type":"table"}}}`, 200)
	reader := h.consumer("reader")
	h.do("PATCH", "/tables/"+a, `[{"op":"add","path":"/owners","value":[{"id":"`+reader.id.String()+`","type":"user"}]},`+
		`{"op":"add","path":"/tags/0","value":{"tagFQN":"Tier.Tier1","source":"Classification","labelType":"Manual","state":"Confirmed"}}]`, 200)

	names, edges := surroundings(h.as(reader, "GET", "/rdf/graph/explore?entityType=table&entityId="+a+"&depth=1", nil).want(200))
	if names["a"] != "table" || names["b"] != "table" || names["reader"] != "user" || names["c"] != "" {
		t.Errorf("one step from a there are %v", names)
	}
	for _, edge := range []string{"a Upstream b", "a Has Owner reader", "a Has Tag Tier1"} {
		if !edges[edge] {
			t.Errorf("the edge %q is missing among %v", edge, edges)
		}
	}
	schemaID := h.do("GET", "/databaseSchemas/name/"+schema, nil, 200).id()
	names, _ = surroundings(h.as(reader, "GET", "/rdf/graph/explore?entityType=databaseSchema&entityId="+schemaID, nil).want(200))
	if names["a"] == "" || names["c"] == "" || names["Tier1"] == "" || names["reader"] == "" {
		t.Errorf("two steps from the schema there are %v", names)
	}
	tag := h.do("GET", "/tags/name/Tier.Tier1", nil, 200).id()
	_, edges = surroundings(h.as(reader, "GET", "/rdf/graph/explore?entityType=tag&depth=1&entityId="+tag, nil).want(200))
	if !edges["a Has Tag Tier1"] || !edges["Tier Contains Tier1"] {
		t.Errorf("around the tag there are %v", edges)
	}

	lineage := h.as(reader, "GET", "/rdf/inference/lineage/"+b+"?entityType=table&direction=upstream", nil).want(200)
	lineage.shows("results.bindings.0.name.value", "a", "results.bindings.0.distance.value", "1", "results.bindings.0.relationship.value", "upstream")
	h.as(reader, "GET", "/rdf/inference/lineage/"+b+"?entityType=table&direction=downstream", nil).want(200).lacks("distance\":{")

	h.do("DELETE", "/tables/"+b, nil, 200)
	names, _ = surroundings(h.do("GET", "/rdf/graph/explore?entityType=table&entityId="+a, nil, 200))
	if names["b"] != "" {
		t.Error("a table that is deleted is in the graph")
	}
	for _, bad := range []string{"", "entityType=table&entityId=1", "entityType=x&entityId=" + a, "entityType=table&entityId=" + a + "&depth=6", "entityType=table&entityId=" + b} {
		h.do("GET", "/rdf/graph/explore?"+bad, nil, 400, 404)
	}
	h.do("GET", "/rdf/inference/lineage/"+a+"?entityType=table&direction=sideways", nil, 400)
	h.do("GET", "/rdf/inference/lineage/"+a, nil, 400)
}

// What the caller may not see is no node, though what it is related to is one.
func TestGraphHidesWhatIsHidden(t *testing.T) {
	h := newHarness(t)
	schema := h.schema()
	a, b := h.table(schema, "a", "x"), h.table(schema, "b", "x")
	h.do("PUT", "/lineage", `{"edge":{"fromEntity":{"id":"`+a+`","type":"table"},"toEntity":{"id":"`+b+`","type":"table"}}}`, 200)
	reader := h.consumer("reader")
	h.do("PATCH", "/tables/"+b, `[{"op":"add","path":"/tags/0","value":{"tagFQN":"Tier.Tier2","source":"Classification","labelType":"Manual","state":"Confirmed"}}]`, 200)
	policy := h.do("POST", "/policies", `{"name":"Hide","rules":[{"name":"deny","resources":["table"],"operations":["All"],"effect":"deny","condition":"matchAnyTag('Tier.Tier2')"}]}`, 201).id()
	h.do("POST", "/teams", `{"name":"Blind","teamType":"Group","policies":["`+policy+`"],"users":["`+reader.id.String()+`"]}`, 201)
	for _, path := range []string{"/rdf/graph/explore?entityType=table&entityId=" + a, "/rdf/inference/lineage/" + a + "?entityType=table"} {
		if got := h.do("GET", path, nil, 200); !strings.Contains(string(got.body), b) {
			t.Errorf("the administrator does not see the table: %s", got.body)
		}
		h.as(reader, "GET", path, nil).want(200).lacks(b)
	}
}

func TestNoStoreOfTriples(t *testing.T) {
	h := newHarness(t)
	h.do("GET", "/rdf/status", nil, 200).shows("enabled", "false")
	for _, path := range []string{"/rdf/sparql?query=ASK%7B%7D", "/rdf/search/semantic?q=x", "/rdf/search/similar/table/" + h.customers(), "/rdf/search/recommendations/" + h.nobody.id.String()} {
		h.do("GET", path, nil, http.StatusServiceUnavailable).shows("message", "RDF repository is not enabled")
	}
	for _, path := range []string{"/rdf/sparql", "/rdf/sparql/update"} {
		h.do("POST", path, `{"no":"query"}`, http.StatusBadRequest)
		h.do("POST", path, `{"query":"CLEAR ALL"}`, http.StatusServiceUnavailable).shows("message", "RDF repository is not enabled")
	}
	for _, path := range []string{"/rdf/sql/query", "/rdf/sql/translate"} {
		h.do("POST", path, `{"query":"select 1"}`, http.StatusBadRequest)
		h.do("POST", path, `"select 1"`, http.StatusServiceUnavailable).shows("message", "RDF support is not enabled")
	}
}
