package api

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/sight"
)

// indexing has a real indexer, which has indexed everything.
func (h *harness) indexing() *search.Indexer {
	h.t.Helper()
	var types []string
	for _, t := range h.engine.Registry().All() {
		types = append(types, t.Name)
	}
	x := search.NewIndexer(h.api.index, h.store, sight.Source{Engine: h.engine}, types, slog.New(slog.DiscardHandler))
	check(h.t, x.Rebuild(h.t.Context(), nil))
	h.api.indexer = x
	return x
}

func TestSentencesAreSearchedForTheirWordsAndSaySo(t *testing.T) {
	h := newHarness(t)
	books, _, _ := h.library()
	if got := h.as(h.nobody, "GET", "/system/search/nlq", nil).want(200); strings.TrimSpace(string(got.body)) != "false" {
		t.Errorf("a language model is promised: %s", got.body)
	}
	for _, q := range []string{"which tables have books in them?", "books", "name:books OR nothing of the kind", `{"query":{"match_all":{}}}`} {
		got := h.as(h.nobody, "GET", "/search/nlq/query?index=table&q="+url.QueryEscape(q), nil).want(200)
		got.shows("hits.hits.0._id", books)
		if warning := got.header.Get("Warning"); !strings.Contains(warning, "no language model") {
			t.Errorf("%q is answered as if it had been understood: %q", q, warning)
		}
	}
	h.as(h.nobody, "GET", "/search/nlq/query?index=table&q="+url.QueryEscape("and of the"), nil).want(200).shows("hits.total.value", "0")
	h.as(h.nobody, "GET", "/search/nlq/query?index=table&q=", nil).want(200).shows("hits.total.value", "1")
	for _, body := range []string{`{`, `[]`, `{}`, `{"query":" "}`, `{"query":7}`} {
		h.as(h.nobody, "POST", "/search/vector/query", body).want(400)
	}
	for _, call := range [][2]string{{"POST", "/search/vector/query"}, {"GET", "/search/vector/fingerprint?parentId=" + books}} {
		var body any
		if call[0] == "POST" {
			body = `{"query":"books"}`
		}
		if got := h.as(h.nobody, call[0], call[1], body).want(501); !strings.Contains(got.at("message"), "no vector search") {
			t.Errorf("%s does not say what is missing: %s", call[1], got.body)
		}
	}
}

func TestEntityTypesAreCounted(t *testing.T) {
	h := newHarness(t)
	h.library()
	const key = "aggregations.sterms#entityType.buckets."
	got := h.as(h.nobody, "GET", "/search/entityTypeCounts?q=books", nil).want(200)
	got.shows("hits.total.value", "2", key+"0.doc_count", "1", key+"1.doc_count", "1").lacks(`"_source"`)
	h.as(h.nobody, "GET", "/search/entityTypeCounts?q=books&index=topic&size=5", nil).want(200).shows("hits.total.value", "1", key+"0.key", "topic")
	h.as(h.nobody, "GET", "/search/entityTypeCounts?q=readers&deleted=true", nil).want(200).shows("hits.total.value", "1")
	filter := url.QueryEscape(`{"query":{"term":{"entityType":"topic"}}}`)
	for _, name := range []string{"query_filter", "post_filter"} {
		h.as(h.nobody, "GET", "/search/entityTypeCounts?q=books&"+name+"="+filter, nil).want(200).shows("hits.total.value", "1", key+"0.key", "topic", key+"1.key", "")
	}
	h.as(h.nobody, "GET", "/search/entityTypeCounts?index=teapot", nil).want(400)
}

func TestFoundTermsShowWhatIsAboveThem(t *testing.T) {
	h := newHarness(t)
	h.do("POST", "/glossaries", `{"name":"Sales","displayName":"Sales","description":"words"}`, 201)
	h.do("POST", "/glossaryTerms", `{"name":"Customer","glossary":"Sales","description":"who buys"}`, 201)
	h.do("POST", "/glossaryTerms", `{"name":"Churn","glossary":"Sales","parent":"Sales.Customer","description":"who leaves"}`, 201)
	h.do("POST", "/glossaryTerms", `{"name":"Refund","glossary":"Sales","description":"money back"}`, 201)
	h.indexing()
	got := h.as(h.nobody, "GET", "/search/query?q=churn&index=glossary_term_search_index&getHierarchy=true", nil).want(200)
	got.shows("0.fullyQualifiedName", "Sales", "0.children.0.name", "Customer", "0.children.0.children.0.name", "Churn").lacks("Refund")
	if got := h.as(h.nobody, "GET", "/search/query?q=zzz&index=glossary_term_search_index&getHierarchy=true", nil).want(200); string(got.body) != "[]" {
		t.Errorf("nothing is found, and answered with %s", got.body)
	}
	for _, index := range []string{"table", "all"} {
		if got := h.as(h.nobody, "GET", "/search/query?q=a&getHierarchy=true&index="+index, nil).want(400); !strings.Contains(got.at("message"), "glossary_term_search_index") {
			t.Errorf("%s: the refusal does not name what has a hierarchy: %s", index, got.body)
		}
	}
	h.as(h.nobody, "GET", "/search/query?q=a&getHierarchy=maybe", nil).want(400)
}

func TestTheIndexIsCountedAndMended(t *testing.T) {
	h := newHarness(t)
	books := h.table(h.schema(), "books", "isbn")
	x := h.indexing()
	got := h.do("GET", "/search/stats", nil, 200)
	got.shows("clusterHealth", "GREEN", "indexes.0.primaryShards", "1", "isSearchIndexingRunning", "false", "orphanIndexes", "[]", "missingIndexes", "[]")
	if got.at("totalSizeInBytes") == "0" || got.at("totalDocuments") == "0" {
		t.Errorf("the index is empty in its statistics: %s", got.body)
	}

	// Documents of a type that is no more.
	var id entity.ID
	id[0] = 7
	check(t, h.api.index.Apply(t.Context(), search.Batch{Position: x.Position(), Upserts: []search.Document{{ID: id, Index: "teapot_search_index", Source: []byte(`{"name":"teapot"}`)}}}))
	h.do("GET", "/search/stats", nil, 200).shows("orphanIndexes.0.name", "teapot_search_index")
	h.do("DELETE", "/search/stats/orphan", nil, 200).shows("deletedCount", "1", "deletedIndexes.0", "teapot_search_index")
	h.do("DELETE", "/search/stats/orphan", nil, 200).shows("deletedCount", "0")
	h.do("GET", "/search/stats", nil, 200).shows("orphanIndexes", "[]")

	// A document that is lost comes back, and one too many goes.
	bookID, err := entity.ParseID(books)
	check(t, err)
	check(t, h.api.index.Apply(t.Context(), search.Batch{Position: x.Position(), Deletes: []entity.ID{bookID}, Upserts: []search.Document{{ID: id, Index: "table_search_index", Source: []byte(`{"name":"ghost"}`)}}}))
	h.do("POST", "/search/reindexEntities?recreate=true&timeoutMinutes=5", `[{"id":"`+books+`","type":"table"},{"id":"`+id.String()+`","type":"table"}]`, 200).
		shows("requested", "2", "indexed", "1", "removed", "1", "failed", "[]")
	h.as(h.nobody, "GET", "/search/get/table/doc/"+books, nil).want(200)
	h.as(h.nobody, "GET", "/search/get/table/doc/"+id.String(), nil).want(404)
}

func TestCallsAboutTheIndexRefuse(t *testing.T) {
	h := newHarness(t)
	h.indexing()
	for _, body := range []string{
		`{}`, `[]`, `[1]`, `[{"type":"table"}]`, `[{"id":"x","type":"table"}]`, `[{"id":"` + h.admin.id.String() + `","type":"teapot"}]`,
		"[" + strings.Repeat(`{},`, maxReindexed) + `{}]`,
	} {
		h.do("POST", "/search/reindexEntities", body, 400)
	}
	h.do("POST", "/search/reindexEntities?timeoutMinutes=0", `[{"id":"`+h.admin.id.String()+`","type":"user"}]`, 400)
	for _, query := range []string{"limit=1001", "offset=-1", "entityType=teapot", "limit=x"} {
		h.do("GET", "/search/reindex/failures?"+query, nil, 400)
	}
	h.do("GET", "/search/reindex/failures", nil, 200).shows("total", "0", "data", "[]", "limit", "50")
}

// brokenIndexer cannot index some entities.
type brokenIndexer struct {
	*search.Indexer
	failed []search.Failure
}

func (b brokenIndexer) Failures() []search.Failure { return b.failed }

func TestFailuresOfTheIndexAreListed(t *testing.T) {
	h := newHarness(t)
	books := h.table(h.schema(), "books", "isbn")
	bookID, err := entity.ParseID(books)
	check(t, err)
	h.api.indexer = brokenIndexer{Indexer: h.indexing(), failed: []search.Failure{
		{ID: bookID, Reason: errors.New("the document is damaged").Error()}, {ID: h.admin.id, Reason: "so is this"},
	}}
	h.do("GET", "/search/reindex/failures?entityType=table", nil, 200).
		shows("total", "1", "data.0.entityId", books, "data.0.entityFqn", "shop.db.public.books", "data.0.errorMessage", "the document is damaged")
	h.do("GET", "/search/reindex/failures?offset=1&limit=1", nil, 200).shows("total", "2", "data.0.entityType", "user", "data.1", "")
	h.do("GET", "/search/stats", nil, 200).shows("clusterHealth", "YELLOW")
	h.do("POST", "/search/reindexEntities", `[{"id":"`+books+`"}]`, 200).shows("indexed", "0", "failed.0", books)
}

// TestTheIndexIsComparedWithTheStore spoils an index in every way and has it mended.
func TestTheIndexIsComparedWithTheStore(t *testing.T) {
	h := newHarness(t)
	books, readers := h.table(h.schema(), "books", "isbn"), h.table("shop.db.public", "readers", "id")
	x := h.indexing()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the indexer ended with %v", err)
		}
	})
	check(t, x.WaitFor(t.Context(), h.lastSeq()))
	var extra entity.ID
	extra[0] = 7
	booksID, err := entity.ParseID(books)
	check(t, err)
	readersID, err := entity.ParseID(readers)
	check(t, err)
	check(t, h.api.index.Apply(t.Context(), search.Batch{Position: x.Position(), Deletes: []entity.ID{booksID}, Upserts: []search.Document{
		{ID: extra, Index: "table_search_index", Source: []byte(`{"name":"ghost"}`)}, {ID: readersID, Index: "table_search_index", Source: []byte(`{"name":"old"}`)},
	}}))

	run := func(query string) answer {
		t.Helper()
		h.do("POST", "/search/check"+query, nil, 202)
		for x.Checked().Running {
			check(t, t.Context().Err())
			runtime.Gosched()
		}
		return h.do("GET", "/search/check", nil, 200)
	}
	h.do("GET", "/search/check", nil, 200).shows("running", "false", "done", "0")
	run("").shows("missing", "1", "different", "1", "extra", "1", "repaired", "0")
	run("?repair=true").shows("missing", "1", "different", "1", "extra", "1", "repaired", "3")
	run("").shows("missing", "0", "different", "0", "extra", "0", "repaired", "0", "examples", "[]")
	h.as(h.nobody, "GET", "/search/get/table/doc/"+books, nil).want(200)
	h.as(h.nobody, "GET", "/search/get/table/doc/"+readers, nil).want(200).shows("name", "readers")
	h.do("POST", "/search/check?repair=perhaps", nil, 400)
}
