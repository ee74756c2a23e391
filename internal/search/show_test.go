package search

import (
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestHighlightMarksWhatWasSearchedAlone(t *testing.T) {
	const start, end = `<span class="text-highlighter">`, `</span>`
	const source = `{"name":"customer_orders","displayName":"Purchases & <b>orders</b>","description":"Orders of a Café","owners":[{"name":"orders"}]}`
	for name, c := range map[string]struct {
		query Query
		want  map[string][]string
	}{
		"word, other case and accent": {MultiMatch{Text: "CAFE"}, map[string][]string{"description": {"Orders of a " + start + "Café" + end}}},
		"markup is escaped": {Match{Field: "displayName", Text: "orders"}, map[string][]string{
			"name":        {"customer_" + start + "orders" + end},
			"displayName": {"Purchases &amp; &lt;b&gt;" + start + "orders" + end + "&lt;/b&gt;"},
			"description": {start + "Orders" + end + " of a Café"},
		}},
		"beginning":       {QueryString{Query: MultiMatch{Text: "purch", Prefix: true}}, map[string][]string{"displayName": {start + "Purchases" + end + " &amp; &lt;b&gt;orders&lt;/b&gt;"}}},
		"not a beginning": {MatchPhrase{Text: "purch"}, nil},
		"inside others": {Nested{Query: Bool{Should: []Query{Match{Text: "nothing"}, Match{Text: "customer"}}}}, map[string][]string{
			"name": {start + "customer" + end + "_orders"},
		}},
		"excluded words": {Bool{MustNot: []Query{Match{Text: "orders"}}, Filter: []Query{Match{Text: "orders"}}}, nil},
		"no text":        {Term{Field: "name", Value: "orders"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, NewHighlighter(c.query).Mark([]byte(source))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := NewHighlighter(Match{Text: "a"}).Mark([]byte(`{"name":"a"`)); got != nil {
		t.Errorf("damaged source: %v", got)
	}
}

// Without its marks a highlighted text is the text, escaped for HTML: nothing of
// it can become markup.
func TestHighlightKeepsTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text") + rapid.SampledFrom([]string{"", " order", "<order>", "注order"}).Draw(t, "end")
		marked, found := NewHighlighter(Match{Text: "order", Prefix: true}).mark(text)
		if strings.HasSuffix(text, " order") && !found {
			t.Fatalf("nothing marked in %q", text)
		}
		bare := strings.NewReplacer(markStart, "", markEnd, "").Replace(marked)
		if strings.ContainsAny(bare, `<>"'`) || html.UnescapeString(bare) != text {
			t.Fatalf("%q became %q", text, marked)
		}
	})
	long := strings.Repeat("é", maxHighlighted) + " order"
	if marked, found := NewHighlighter(Match{Text: "order"}).mark(long); found || len(marked) > maxHighlighted {
		t.Errorf("%d bytes were looked at, found %t", len(marked), found)
	}
}

// leaves lists the scalars of a source by path.
func leaves(t *rapid.T, source []byte) []string {
	var list []string
	err := WalkFields(source, func(path string, v Value) {
		if v.Kind != Present {
			list = append(list, path+"="+v.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A projection shows the scalars at or below an included path that are not at or
// below an excluded one, and no others.
func TestProjectionShowsWhatIsAskedFor(t *testing.T) {
	const source = `{"a":1,"ab":{"c":"x","d":[{"e":3,"f":{"c":4}},{"e":5}]},"c":{"ab":{"c":true}},"d":["p","q"],"e":[{"a":{"c":6}},7]}`
	path := rapid.StringMatching(`(a|ab|c|d|e|\*|a\*)(\.(ab|c|d|e|f|\*)){0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		f := SourceFilter{Include: rapid.SliceOfN(path, 0, 2).Draw(t, "include"), Exclude: rapid.SliceOfN(path, 0, 2).Draw(t, "exclude")}
		got, err := f.Apply([]byte(source))
		if err != nil {
			t.Fatal(err)
		}
		covers := func(patterns []string, path string) bool {
			for i := range len(path) + 1 {
				if (i == len(path) || path[i] == '.') && slices.ContainsFunc(patterns, func(p string) bool { return globMatch(p, path[:i]) }) {
					return true
				}
			}
			return false
		}
		want := slices.DeleteFunc(leaves(t, []byte(source)), func(leaf string) bool {
			path, _, _ := strings.Cut(leaf, "=")
			return len(f.Include) > 0 && !covers(f.Include, path) || covers(f.Exclude, path)
		})
		if diff := cmp.Diff(want, leaves(t, got)); diff != "" && len(want)+len(leaves(t, got)) > 0 {
			t.Fatalf("%+v shows %s (-want +got):\n%s", f, got, diff)
		}
	})
	for _, damaged := range []string{`{"a":`, `{"a":{"b":1}`, `[{"a"}]`} {
		if _, err := (SourceFilter{Include: []string{"a"}}).Apply([]byte(damaged)); err == nil {
			t.Errorf("%s was shown", damaged)
		}
	}
}

func TestRenderAggregations(t *testing.T) {
	value := 2.5
	id := entity.NewID()
	result := Result{Aggregations: map[string]AggregationResult{
		"flag":  {Kind: AggTerms, Other: 3, Buckets: []Bucket{{Key: true, Count: 2}, {Key: false, Count: 1}}},
		"num":   {Kind: AggTerms, Buckets: []Bucket{{Key: 1.5, Count: 1, Sub: map[string]AggregationResult{"m": {Kind: AggMax, Value: &value}}}}},
		"days":  {Kind: AggDateHistogram, Buckets: []Bucket{{Key: int64(86_400_000), Count: 4}}},
		"some":  {Kind: AggFilters, Buckets: []Bucket{{Key: "x", Count: 5}}},
		"one":   {Kind: AggFilter, DocCount: 6},
		"parts": {Kind: AggNested, DocCount: 7, Sub: map[string]AggregationResult{"n": {Kind: AggCardinality, Value: &value}}},
		"none":  {Kind: AggMin},
		"top":   {Kind: AggTopHits, Total: 9, Hits: []Hit{{ID: id, Index: "i", Score: 1, Source: []byte(`{"name":"a"}`)}}},
	}}
	raw, err := RenderQuery(Call{}, result, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Aggregations map[string]any `json:"aggregations"`
		Hits         struct {
			Hits []any `json:"hits"`
		} `json:"hits"`
	}
	if err := json.Unmarshal(raw, &got); err != nil || got.Hits.Hits == nil {
		t.Fatalf("%v: %s", err, raw)
	}
	type m = map[string]any
	want := m{
		"lterms#flag": m{"doc_count_error_upper_bound": 0.0, "sum_other_doc_count": 3.0, "buckets": []any{
			m{"key": 1.0, "key_as_string": "true", "doc_count": 2.0}, m{"key": 0.0, "key_as_string": "false", "doc_count": 1.0},
		}},
		"dterms#num":          m{"doc_count_error_upper_bound": 0.0, "sum_other_doc_count": 0.0, "buckets": []any{m{"key": 1.5, "doc_count": 1.0, "max#m": m{"value": 2.5}}}},
		"date_histogram#days": m{"buckets": []any{m{"key": 86_400_000.0, "key_as_string": "1970-01-02T00:00:00.000Z", "doc_count": 4.0}}},
		"filters#some":        m{"buckets": m{"x": m{"doc_count": 5.0}}},
		"filter#one":          m{"doc_count": 6.0},
		"nested#parts":        m{"doc_count": 7.0, "cardinality#n": m{"value": 2.5}},
		"min#none":            m{"value": nil},
		"top_hits#top": m{"hits": m{"total": m{"value": 9.0, "relation": "eq"}, "max_score": 1.0, "hits": []any{
			m{"_index": "i", "_type": "_doc", "_id": id.String(), "_score": 1.0, "_source": m{"name": "a"}},
		}}},
	}
	if diff := cmp.Diff(want, got.Aggregations); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSearchAfterForms(t *testing.T) {
	for query, want := range map[string][]string{
		"":                                     nil,
		"search_after=":                        nil,
		"search_after=a,b":                     {"a", "b"},
		"search_after=a,b&search_after=c":      {"a,b", "c"},
		`search_after=["a,b",17e2,true,null]`:  {"a,b", "1700", "true", "null"},
		`search_after=[0.30000000000000004]`:   {"0.30000000000000004"},
		`search_after=[broken`:                 {"[broken"},
		"search_after=1700000000000.000,x%2Cy": {"1700000000000.000", "x", "y"},
	} {
		call, err := catalogForTest().QueryCall(values(t, query), time.Time{})
		if diff := cmp.Diff(want, call.Request.After); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", query, err, diff)
		}
		if (len(want) > 0) != (call.Request.Sort != nil) || (len(want) == 0) != (call.Request.Aggregations != nil) {
			t.Errorf("%s: sort %v, %d facets", query, call.Request.Sort, len(call.Request.Aggregations))
		}
	}
}

func TestSuggestions(t *testing.T) {
	begins := func(fields ...string) MultiMatch {
		q := MultiMatch{Text: "ord", Operator: And, Prefix: true}
		for _, field := range fields {
			q.Fields = append(q.Fields, FieldBoost{Field: field})
		}
		return q
	}
	for query, want := range map[string]Query{
		"q=%20":                        MatchNone{},
		"q=ord&field=column_suggest":   begins("columnNames"),
		"q=ord&field=service_suggest":  Prefix{Field: "service.name", Value: "ord"},
		"q=ord&field=schema_suggest":   Prefix{Field: "databaseSchema.name", Value: "ord"},
		"q=ord&field=database_suggest": Prefix{Field: "database.name", Value: "ord"},
		"q=%20ord%20":                  QueryString{Text: "ord", Query: begins()},
	} {
		call, err := catalogForTest().SuggestCall(values(t, query))
		if diff := cmp.Diff(want, call.Request.Query); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", query, err, diff)
		}
	}
}

func TestAggregateAndSourceCalls(t *testing.T) {
	c := catalogForTest()
	no := false
	call, err := c.AggregateCall(values(t, `index=table&field=owners.name&value=a.*&size=0&sourceFields=name,%20id&q={"match_all":{}}`), time.Time{})
	want := Request{Indexes: []string{"table_search_index"}, Query: MatchAll{}, Deleted: &no, Aggregations: map[string]Aggregation{"owners.name": {
		Kind: AggTerms, Field: "owners.name", Size: 1, Include: "a.*",
		Sub: map[string]Aggregation{"top": {Kind: AggTopHits, Size: 1, Source: SourceFilter{Include: []string{"name", "id"}}}},
	}}}
	if diff := cmp.Diff(want, call.Request); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	call, err = c.AggregateBody([]byte(`{"fieldName":"a","fieldValue":"(.*","topHits":{"sortField":"updatedAt","sortOrder":"DESC"}}`), time.Time{})
	if a := call.Request.Aggregations["a"]; err != nil || a.Include != `.*\(\.\*.*` || !cmp.Equal(a.Sub["top"].Sort, []Sort{{Field: "updatedAt", Desc: true}}) {
		t.Errorf("%+v, %v", a, err)
	}
	call, err = c.SourceURLCall(values(t, "sourceUrl=http%3A%2F%2Fx%2F%3Fa%3D*&size=3"))
	if diff := cmp.Diff(Request{Filter: Term{Field: "sourceUrl", Value: "http://x/?a=*"}, Deleted: &no, Size: 3}, call.Request); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	long := strings.Repeat("x", 4*MaxText+1)
	_, noField := c.AggregateCall(url.Values{}, time.Time{})
	_, noURL := c.SourceURLCall(url.Values{})
	_, longText := c.SuggestCall(url.Values{"q": {long}})
	_, longValue := c.FieldCall(url.Values{"fieldName": {"a"}, "fieldValue": {long}})
	_, badQuery := c.AggregateCall(url.Values{"field": {"a"}, "q": {"{"}}, time.Time{})
	for part, err := range map[string]error{"field is missing": noField, "sourceUrl": noURL, "query text": longText, "fieldValue": longValue, "JSON": badQuery} {
		if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), part) {
			t.Errorf("%v, want a bad request about %q", err, part)
		}
	}
}
