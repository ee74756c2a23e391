package api

import "net/http"

// rdfTries are the calls of RDF.
func rdfTries() map[string][]rightsTry {
	const triples = "503: there is no store of triples"
	linked := both(with("table"), func(s *scene) {
		s.t.Helper()
		s.admin("PUT", "/lineage", `{"edge":{"fromEntity":{"id":"$id","type":"table"},"toEntity":{"id":"$table","type":"table"}}}`, http.StatusOK)
	})
	table := map[string]string{"entityType": "table", "id": "$table", "entityId": "$id", "userId": "$table"}
	return map[string][]rightsTry{
		"GET /rdf/status":                           {{}},
		"GET /rdf/entity/{entityType}/{id}":         {{before: with("table"), params: table}},
		"GET /rdf/graph/explore":                    {{before: with("table"), query: "entityType=table&entityId=$table"}},
		"GET /rdf/inference/lineage/{entityId}":     {{before: linked, query: "entityType=table", params: table}},
		"GET /rdf/search/recommendations/{userId}":  {{before: with("table"), params: table, why: triples}},
		"GET /rdf/search/semantic":                  {{query: "q=a", why: triples}},
		"GET /rdf/search/similar/{entityType}/{id}": {{before: with("table"), params: table, why: triples}},
		"GET /rdf/sparql":                           {{query: "query=ASK%7B%7D", why: triples}},
		"POST /rdf/sparql":                          {{body: `{"query":"ASK{}"}`, why: triples}},
		"POST /rdf/sparql/update":                   {{body: `{"query":"CLEAR ALL"}`, why: triples}},
		"POST /rdf/sql/query":                       {{body: `"select 1"`, why: triples}},
		"POST /rdf/sql/translate":                   {{body: `"select 1"`, why: triples}},
	}
}
