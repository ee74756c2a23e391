//go:build acceptance

package acceptance

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// elasticsearch is an Elasticsearch with an index and a template.
func elasticsearch() map[string]any {
	type object = map[string]any
	mappings := object{"properties": object{
		"title": object{"type": "text"}, "pages": object{"type": "integer"},
		"author": object{"properties": object{"name": object{"type": "keyword"}}},
	}}
	return object{
		"GET /":       object{"name": "node", "cluster_name": "shop", "version": object{"number": "8.9.0", "build_flavor": "default"}, "tagline": "You Know, for Search"},
		"GET /_alias": object{"books": object{"aliases": object{}}},
		"GET /books":  object{"books": object{"aliases": object{}, "mappings": mappings, "settings": object{"index": object{"number_of_shards": "1"}}}},
		"GET /_index_template": object{"index_templates": []object{{"name": "logs", "index_template": object{
			"index_patterns": []string{"logs-*"}, "_meta": object{"description": "What machines say"},
			"template": object{"mappings": object{"properties": object{"line": object{"type": "match_only_text"}}}, "settings": object{}},
		}}}},
		"GET /books/_search": object{
			"took": 1, "timed_out": false, "_shards": object{"total": 1, "successful": 1, "failed": 0},
			"hits": object{"total": object{"value": 1, "relation": "eq"}, "hits": []object{{"_index": "books", "_id": "1", "_source": object{"title": "Größe & Maß"}}}},
		},
	}
}

// TestElasticsearch ingests an index with its fields and some of its documents,
// and a template.
func TestElasticsearch(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	answers := elasticsearch()
	answers["POST /books/_search"] = answers["GET /books/_search"]
	source := startFake(t, answers)
	source.header = map[string]string{"X-Elastic-Product": "Elasticsearch"}
	ingest := func(samples bool) workflow {
		t.Helper()
		return c.metadata(t, "ingest", "elasticsearch.yaml", map[string]any{"Source": source.url, "Samples": samples})
	}

	c.assertKnown(t, ingest(false), "search", "searchIndexes", "service", "books", "logs")
	type field struct {
		Name, DataType string
		Children       []field
	}
	var books struct {
		ID        string
		IndexType string
		Fields    []field
	}
	bot.get("/searchIndexes/name/search.books?fields=*", &books)
	want := []field{{"author", "OBJECT", []field{{"name", "KEYWORD", nil}}}, {"pages", "INTEGER", nil}, {"title", "TEXT", nil}}
	if diff := cmp.Diff(want, books.Fields); diff != "" || books.IndexType != "Index" {
		t.Errorf("the index became %+v\n%s", books, diff)
	}
	var template struct{ IndexType, Description string }
	bot.get("/searchIndexes/name/search.logs", &template)
	if template.IndexType != "IndexTemplate" || template.Description != "What machines say" {
		t.Errorf("the template became %+v", template)
	}

	kept := c.curate(t, "searchIndexes", "search.books")
	before := bot.state("search", "searchIndexes")
	ingest(true) // the client takes documents of what is known already
	if got := changed(before, bot.state("search", "searchIndexes")); len(got) != 0 {
		t.Errorf("a run with nothing new changed %v", got)
	}
	kept()
	var sampled struct {
		SampleData struct{ Messages []string }
	}
	bot.get("/searchIndexes/"+books.ID+"/sampleData", &sampled)
	if got := sampled.SampleData.Messages; len(got) != 1 || !strings.Contains(got[0], "Größe & Maß") {
		t.Errorf("its documents became %q", got)
	}
}
