package api

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// indexed puts entities into the index as the indexer would; paths are those of
// the API.
func (h *harness) indexed(typ string, paths ...string) {
	h.t.Helper()
	batch := search.Batch{Position: h.lastSeq()}
	for _, path := range paths {
		var ent entity.Entity
		check(h.t, json.Unmarshal(h.do("GET", path+"?include=all", nil, 200).body, &ent))
		loaded, err := h.engine.Load(h.t.Context(), []entity.ID{ent.ID})
		check(h.t, err)
		if len(loaded) != 1 || loaded[0].Type != typ {
			h.t.Fatalf("%s is not one %s", path, typ)
		}
		doc, ok, err := h.api.catalog.Document(search.Loaded(loaded[0]))
		check(h.t, err)
		if !ok {
			h.t.Fatalf("a %s is not searched", typ)
		}
		batch.Upserts = append(batch.Upserts, doc)
	}
	check(h.t, h.api.index.Apply(h.t.Context(), batch))
}

// library makes two tables and a topic that can be searched, one table deleted.
func (h *harness) library() (books, readers, events string) {
	h.t.Helper()
	s := h.schema()
	books, readers = h.table(s, "books", "isbn"), h.table(s, "readers", "id")
	h.do("POST", "/services/messagingServices", `{"name":"bus","serviceType":"Kafka"}`, 201)
	events = h.do("POST", "/topics", `{"name":"books","service":"bus","partitions":1}`, 201).id()
	h.do("DELETE", "/tables/"+readers, nil, 200)
	h.indexed("table", "/tables/"+books, "/tables/"+readers)
	h.indexed("topic", "/topics/"+events)
	return books, readers, events
}

func TestSearchFindsWhatWasAskedFor(t *testing.T) {
	h := newHarness(t)
	books, readers, events := h.library()
	for _, test := range []struct{ query, total, first string }{
		{"q=books&index=table", "1", books},
		{"q=books&index=topic", "1", events},
		{"q=books&index=topic_search_index", "1", events},
		{"q=books", "1", books}, // tables are what is searched unless told otherwise
		{"q=readers&index=table", "0", ""},
		{"q=readers&index=table&deleted=true", "1", readers},
		{"q=name:books&index=table", "1", books},
		{"q=nothing&index=table", "0", ""},
		{"q=*&index=table&from=1", "1", ""},
	} {
		got := h.as(h.nobody, "GET", "/search/query?"+test.query, nil).want(200)
		got.shows("hits.total.value", test.total, "hits.hits.0._id", test.first)
	}
	h.as(h.nobody, "GET", "/search/fieldQuery?fieldName=name&fieldValue=books&index=topic", nil).want(200).shows("hits.hits.0._id", events)
	h.as(h.nobody, "GET", "/search/get/table/doc/"+books, nil).want(200).shows("fullyQualifiedName", "shop.db.public.books", "entityType", "table")
	h.as(h.nobody, "GET", "/search/get/topic/doc/"+books, nil).want(404)
	h.as(h.nobody, "GET", "/search/query?q=books&index=table&fetch_source=false", nil).want(200).shows("hits.hits.0._source.name", "")
}

func TestSearchErrorsSayWhatIsWrong(t *testing.T) {
	h := newHarness(t)
	for _, test := range []struct {
		path   string
		status int
		says   string
	}{
		{"/search/query?q=a&index=teapot", 400, "teapot"},
		{"/search/query?q=a&size=-1", 400, "size has to be a number that is not negative"},
		{"/search/query?q=a&from=x", 400, "from has to be a number"},
		{"/search/query?q=a&deleted=perhaps", 400, "deleted has to be true or false"},
		{"/search/query?q=" + url.QueryEscape(`{"query":`), 400, ""},
		{"/search/query?query_filter=" + url.QueryEscape(`{"query":{"script":{}}}`), 400, "script"},
		{"/search/query?query_filter=" + url.QueryEscape(strings.Repeat(`{"query":{"bool":{"must":[`, 40)), 400, ""},
		{"/search/get/table/doc/nonsense", 400, "nonsense"},
		{"/search/get/teapot/doc/" + h.admin.id.String(), 400, "teapot"},
		{"/search/get/table/doc/" + h.admin.id.String(), 404, h.admin.id.String()},
	} {
		got := h.as(h.admin, "GET", test.path, nil)
		if got.status != test.status || !strings.Contains(got.at("message"), test.says) {
			t.Errorf("%s answers %d %q, want %d and something of %q", test.path, got.status, got.at("message"), test.status, test.says)
		}
	}
	for _, body := range []string{`{`, `[]`, `{"index":"teapot","fieldName":"name.keyword"}`} {
		h.do("POST", "/search/aggregate", body, 400)
	}
	h.do("POST", "/search/aggregate", `{"index":"`+strings.Repeat("a", 1<<20)+`"}`, 413)
}

func TestSearchShowsNoTypeThatIsForbidden(t *testing.T) {
	h := newHarness(t)
	books, _, _ := h.library()
	eve := h.user(h.api.auth, "eve", false)
	denied := h.do("POST", "/policies", `{"name":"NoTables","rules":[{"name":"deny","resources":["table"],"operations":["ViewAll"],"effect":"deny"}]}`, 201).id()
	team := h.do("POST", "/teams", `{"name":"Outside","teamType":"Group","policies":["`+denied+`"],"users":["`+eve.id.String()+`"]}`, 201).id()
	h.do("PATCH", "/users/"+eve.id.String(), `[{"op":"add","path":"/teams","value":[{"id":"`+team+`","type":"team"}]}]`, 200)

	h.as(eve, "GET", "/search/query?q=books&index=table", nil).want(200).shows("hits.total.value", "0").lacks(books)
	h.as(eve, "GET", "/search/query?q=books&index=table,topic", nil).want(200).shows("hits.total.value", "1").lacks(books)
	h.as(eve, "GET", "/search/query?q=books&index=all", nil).want(200).lacks(books)
	h.as(eve, "GET", "/search/get/table/doc/"+books, nil).want(404).lacks("isbn")
	h.as(eve, "GET", "/search/suggest?q=boo&index=table", nil).want(200).lacks(books)
	for _, path := range []string{"/search/aggregate?index=table&field=name.keyword", "/search/fieldQuery?fieldName=name&fieldValue=books&index=table"} {
		h.as(h.nobody, "GET", path, nil).want(200)
		h.as(eve, "GET", path, nil).want(200).lacks("books\"")
	}
}

func TestSuggestionsAndAggregations(t *testing.T) {
	h := newHarness(t)
	books, _, _ := h.library()
	if got := h.as(h.nobody, "GET", "/search/suggest?q=boo&index=table", nil).want(200); !strings.Contains(string(got.body), books) {
		t.Errorf("boo does not suggest books: %s", got.body)
	}
	h.as(h.nobody, "GET", "/search/suggest?q=zzz&index=table", nil).want(200).lacks(books)
	for _, got := range []answer{
		h.as(h.nobody, "GET", "/search/aggregate?index=table&field=entityType", nil).want(200),
		h.as(h.nobody, "POST", "/search/aggregate", `{"index":"table","fieldName":"entityType","size":10,"query":"*"}`).want(200),
	} {
		got.shows("aggregations.sterms#entityType.buckets.0.key", "table", "aggregations.sterms#entityType.buckets.0.doc_count", "1")
	}
}
