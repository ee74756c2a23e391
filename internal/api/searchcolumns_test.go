package api

import (
	"net/url"
	"strings"
	"testing"
)

// shelves makes tables with columns that tell them apart.
func (h *harness) shelves() (books, secret string) {
	h.t.Helper()
	s := h.schema()
	books = h.do("PUT", "/tables", `{"name":"books","databaseSchema":"`+s+`","columns":[
		{"name":"isbn","dataType":"STRING","description":"the number on the back","tags":[{"tagFQN":"PII.None","source":"Classification","labelType":"Manual","state":"Confirmed"}]},
		{"name":"customer_id","displayName":"Buyer","dataType":"BIGINT"},
		{"name":"address","dataType":"STRUCT","dataTypeDisplay":"struct<zip:int>","children":[{"name":"zip","dataType":"INT","description":"of the house"}]}]}`, 201).id()
	secret = h.table(s, "patients", "customer_id", "diagnosis")
	return books, secret
}

func TestColumnsAreFoundOnTheirOwn(t *testing.T) {
	h := newHarness(t)
	h.shelves()
	h.indexing()
	find := func(query string) answer {
		return h.as(h.nobody, "GET", "/search/query?index=tableColumn&"+query, nil).want(200)
	}
	find("q=isbn").shows("hits.total.value", "1", "hits.total.relation", "eq", "hits.hits.0._index", "column_search_index",
		"hits.hits.0._source.fullyQualifiedName", "shop.db.public.books.isbn", "hits.hits.0._source.entityType", "tableColumn",
		"hits.hits.0._source.table.name", "books", "hits.hits.0._source.tags.0.tagFQN", "PII.None", "hits.hits.0._source.service.name", "shop",
		"hits.hits.0.highlight.name.0", `<span class="text-highlighter">isbn</span>`)
	find("q=zip").shows("hits.hits.0._source.fullyQualifiedName", "shop.db.public.books.address.zip")
	find("q=buyer").shows("hits.hits.0._source.name", "customer_id", "hits.total.value", "1")
	find("q=customer").shows("hits.total.value", "2")
	find("q=name:customer_id%20AND%20table.name:patients").shows("hits.total.value", "1", "hits.hits.0._source.table.name", "patients")
	find("q=tags.tagFQN:PII.None").shows("hits.total.value", "1")
	find("q=books&sort_field=name.keyword&sort_order=asc").shows("hits.hits.0._source.name", "address", "hits.hits.1._source.name", "customer_id")
	find("q=&size=1&from=5").shows("hits.total.value", "6").shows("hits.hits.1", "")
	find("q=&query_filter="+url.QueryEscape(`{"query":{"term":{"dataType":"INT"}}}`)).shows("hits.total.value", "3")
	find("q=&post_filter="+url.QueryEscape(`{"query":{"term":{"name.keyword":"zip"}}}`)).shows("hits.total.value", "1",
		"aggregations.sterms#serviceType.buckets.0.doc_count", "6")

	// Pages go on where the one before ended.
	seen := map[string]bool{}
	after := ""
	for range 7 {
		got := find("q=&size=1&sort_field=name.keyword&sort_order=desc" + after)
		if got.at("hits.hits.0") == "" {
			break
		}
		seen[got.at("hits.hits.0._id")] = true
		after = "&search_after=" + url.QueryEscape(got.at("hits.hits.0.sort.0")) + "&search_after=" + got.at("hits.hits.0.sort.1")
	}
	if len(seen) != 6 {
		t.Errorf("pages of one show %d of 6 columns", len(seen))
	}

	one := find("q=zip")
	h.as(h.nobody, "GET", "/search/get/column_search_index/doc/"+one.at("hits.hits.0._id"), nil).want(200).shows("name", "zip")
	h.as(h.nobody, "GET", "/search/get/column_search_index/doc/"+h.admin.id.String(), nil).want(404)
	if got := h.as(h.nobody, "GET", "/search/suggest?q=cust&index=column_search_index", nil).want(200); strings.Count(string(got.body), `"customer_id"`) < 2 {
		t.Errorf("cust suggests no columns: %s", got.body)
	}
	h.as(h.nobody, "GET", "/search/aggregate?index=column_search_index&field=dataType", nil).want(200).shows("aggregations.sterms#dataType.buckets.0.doc_count", "3")
	h.as(h.nobody, "GET", "/search/fieldQuery?index=column_search_index&fieldName=fullyQualifiedName&fieldValue=*.isbn", nil).want(200).shows("hits.total.value", "1")
	h.as(h.nobody, "GET", "/search/entityTypeCounts?index=tableColumn&q=customer", nil).want(200).shows("aggregations.sterms#entityType.buckets.0.doc_count", "2")
	for _, query := range []string{"index=tableColumn,table&q=a", "index=tableColumn&q=a&search_after=x&sort_field=name", "index=tableColumn&size=10001"} {
		h.as(h.nobody, "GET", "/search/query?"+query, nil).want(400)
	}
}

// TestColumnsShowWhatTheirTableMay has columns follow the rights to their table, and
// its life.
func TestColumnsShowWhatTheirTableMay(t *testing.T) {
	h := newHarness(t)
	ann := h.person("ann")
	h.rightsOf(ann, "Careful", `{"name":"noPII","effect":"deny","resources":["table"],"operations":["ViewBasic","ViewAll"],"condition":"matchAnyTag('PII.Sensitive')"}`)
	books, secret := h.shelves()
	h.do("PATCH", "/tables/"+secret, `[{"op":"add","path":"/tags","value":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]`, 200)
	h.indexing()
	for _, path := range []string{
		"/search/query?index=tableColumn&q=customer", "/search/suggest?index=tableColumn&q=customer", "/search/aggregate?index=tableColumn&field=table.name.keyword",
		"/search/fieldQuery?index=tableColumn&fieldName=name&fieldValue=customer_id",
	} {
		if got := h.do("GET", path, nil, 200); !strings.Contains(string(got.body), "patients") {
			t.Errorf("%s shows nothing to an administrator, so that nothing can be hidden: %s", path, got.body)
		}
		h.as(ann, "GET", path, nil).want(200).lacks("patients").lacks("diagnosis")
	}
	hidden := h.do("GET", "/search/query?index=tableColumn&q=diagnosis", nil, 200).at("hits.hits.0._id")
	h.as(ann, "GET", "/search/get/tableColumn/doc/"+hidden, nil).want(404)

	h.do("DELETE", "/tables/"+books, nil, 200)
	h.indexing()
	h.do("GET", "/search/query?index=tableColumn&q=isbn", nil, 200).shows("hits.total.value", "0")
	h.do("GET", "/search/query?index=tableColumn&q=isbn&deleted=true", nil, 200).shows("hits.total.value", "1")
}
