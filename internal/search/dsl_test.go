package search

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestParseDSL(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	day := "1699913600000"
	for document, want := range map[string]Query{
		``:                          nil,
		`{}`:                        nil,
		`{"match_all":{}}`:          MatchAll{},
		`{"query":{"bool":{}}}`:     Bool{},
		`{"term":{"deleted":true}}`: Term{Field: "deleted", Value: "true"},
		`{"query":{"bool":{"must":[{"term":{"service.name.keyword":{"value":"pg"}}},{"bool":{"should":{"term":{"tableType":"View"}}}}],"must_not":[{"exists":{"field":"x"}}]}}}`: Bool{
			Must: []Query{
				Term{Field: "service.name.keyword", Value: "pg"},
				Bool{Should: []Query{Term{Field: "tableType", Value: "View"}}},
			},
			MustNot: []Query{Exists{Field: "x"}},
		},
		`{"query":{"query_string":{"query":"Ann AND isBot:false","fields":["name","displayName^2"],"default_operator":"AND","fuzziness":"AUTO"}}}`: QueryString{
			Text: "Ann AND isBot:false",
			Query: Bool{Must: []Query{
				MultiMatch{Fields: []FieldBoost{{Field: "name"}, {Field: "displayName", Boost: 2}}, Text: "Ann", Operator: And},
				Match{Field: "isBot", Text: "false", Operator: And},
			}},
		},
		`{"terms":{"tags.tagFQN":["a",1]}}`:                                     Terms{Field: "tags.tagFQN", Values: []string{"a", "1"}},
		`{"match":{"name":{"query":"a b","operator":"and","fuzziness":1}}}`:     Match{Field: "name", Text: "a b", Operator: And, Fuzziness: 1},
		`{"range":{"updatedAt":{"gte":"now-1d","lt":5,"to":null}}}`:             Range{Field: "updatedAt", GTE: &day, LT: ptr("5")},
		`{"nested":{"path":"columns","query":{"prefix":{"columns.name":"a"}}}}`: Nested{Path: "columns", Query: Prefix{Field: "columns.name", Value: "a"}},
		`{"bool":{"should":[{"match_all":{}},{"match_all":{}}],"minimum_should_match":"-1"}}`: Bool{
			Should: []Query{MatchAll{}, MatchAll{}}, MinShould: 1,
		},
		`{"multi_match":{"query":"x","type":"phrase_prefix"}}`: MultiMatch{Text: "x", Phrase: true, Prefix: true},
		`{"ids":{"values":["1"]}}`:                             IDs{Values: []string{"1"}},
		`{"wildcard":{"name":{"value":"a*"}}}`:                 Wildcard{Field: "name", Pattern: "a*"},
	} {
		t.Run(document, func(t *testing.T) {
			got, err := ParseDSL([]byte(document), now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func ptr(s string) *string { return &s }

func TestParseDSLRefuses(t *testing.T) {
	for document, where := range map[string]string{
		`{"script":{"script":"x"}}`:                             "script",
		`{"bool":{"must":[{"term":{"a":{}}}]}}`:                 "bool.must[0].term.a",
		`{"bool":{"must":[{"match_all":{}},{"geo_shape":{}}]}}`: "bool.must[1].geo_shape",
		`{"bool":{"filters":[]}}`:                               "bool.filters",
		`{"regexp":{"a":"("}}`:                                  "regexp.a",
		`{"term":{"a":1,"b":2}}`:                                "term",
		`{"range":{"a":{"gte":"now-xd"}}}`:                      "range.a.gte",
		`[1]`:                                                   "object",
		`{"term":`:                                              "valid JSON",
		strings.Repeat(`{"bool":{"must":`, 40) + `{"match_all":{}}` + strings.Repeat(`}}`, 40): "nested",
		strings.Repeat(`[`, 5000): "nested",
	} {
		_, err := ParseDSL([]byte(document), time.Time{})
		if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), where) {
			t.Errorf("%.80s: %v, want a bad request that names %q", document, err, where)
		}
	}
}

func FuzzParseDSL(f *testing.F) {
	f.Add([]byte(`{"query":{"bool":{"must":[{"term":{"a":"b"}}],"minimum_should_match":"50%"}}}`))
	f.Add([]byte(`{"range":{"a":{"gte":"now-1d/d"}}}`))
	f.Add([]byte(`{"query_string":{"query":"a AND (b OR \"c\"","fields":["x^2"]}}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		q, err := ParseDSL(document, time.UnixMilli(0))
		if err != nil && entity.KindOf(err) != entity.KindBadRequest {
			t.Fatalf("%v is no bad request", err)
		}
		usable(t, q, err)
	})
}

// usable checks that a query that was read can be evaluated, or is refused by
// the limits.
func usable(t *testing.T, q Query, err error) {
	t.Helper()
	if err != nil || CheckRequest(Request{Query: q}) != nil {
		return
	}
	matcher, err := NewMatcher(q)
	if err != nil {
		t.Fatalf("%#v: %v", q, err)
	}
	fields, err := ReadFields(entity.NilID, []byte(`{"name":"a b","n":1,"list":["x",{"y":true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	matcher.Match(fields)
}

func TestParseAggregations(t *testing.T) {
	got, err := ParseAggregations([]byte(`{
		"types":{"terms":{"field":"tableType","size":5,"order":{"_key":"asc"}},"aggs":{"top":{"top_hits":{"size":1,"_source":["name"],"sort":[{"updatedAt":{"order":"desc"}}]}}}},
		"days":{"date_histogram":{"field":"updatedAt","calendar_interval":"day"}},
		"some":{"filters":{"filters":{"a":{"match_all":{}}}}}}`), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Aggregation{
		"types": {Kind: AggTerms, Field: "tableType", Size: 5, ByKey: true, Asc: true, Sub: map[string]Aggregation{
			"top": {Kind: AggTopHits, Size: 1, Source: SourceFilter{Include: []string{"name"}}, Sort: []Sort{{Field: "updatedAt", Desc: true}}},
		}},
		"days": {Kind: AggDateHistogram, Field: "updatedAt", Every: Interval{Unit: "ms", Width: 86_400_000}},
		"some": {Kind: AggFilters, Filters: map[string]Query{"a": MatchAll{}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := ParseAggregations([]byte(`{"a":{"scripted_metric":{}}}`), time.Time{}); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("an unknown aggregation: %v", err)
	}
}
