package search

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestDateMath(t *testing.T) {
	now := time.Date(2024, 2, 29, 13, 14, 15, 16_000_000, time.UTC) // a Thursday
	for text, want := range map[string]time.Time{
		"now":           now,
		"now/y":         time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		"now/M":         time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC),
		"now/w":         time.Date(2024, 2, 26, 0, 0, 0, 0, time.UTC),
		"now/d":         time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		"now/h":         time.Date(2024, 2, 29, 13, 0, 0, 0, time.UTC),
		"now/H":         time.Date(2024, 2, 29, 13, 0, 0, 0, time.UTC),
		"now/m":         time.Date(2024, 2, 29, 13, 14, 0, 0, time.UTC),
		"now/s":         time.Date(2024, 2, 29, 13, 14, 15, 0, time.UTC),
		"now-1w":        now.AddDate(0, 0, -7),
		"now+2M":        time.Date(2024, 4, 29, 13, 14, 15, 16_000_000, time.UTC),
		"now-4y":        time.Date(2020, 2, 29, 13, 14, 15, 16_000_000, time.UTC),
		"now-90m":       now.Add(-90 * time.Minute),
		"now+36h":       now.Add(36 * time.Hour),
		"now-30s":       now.Add(-30 * time.Second),
		"now-1d/d":      time.Date(2024, 2, 28, 0, 0, 0, 0, time.UTC),
		"now/M-1d":      time.Date(2024, 1, 31, 0, 0, 0, 0, time.UTC),
		"now-3d/w+1h/h": time.Date(2024, 2, 26, 1, 0, 0, 0, time.UTC),
	} {
		// The caller's zone does not move the day.
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("east", 12*3600), time.FixedZone("west", -11*3600)} {
			q, err := ParseDSL([]byte(`{"range":{"updatedAt":{"gte":"`+text+`"}}}`), now.In(zone))
			if diff := cmp.Diff(Query(Range{Field: "updatedAt", GTE: ptr(strconv.FormatInt(want.UnixMilli(), 10))}), q); err != nil || diff != "" {
				t.Errorf("%s in %v: %v (-want +got):\n%s", text, zone, err, diff)
			}
		}
	}
	for _, text := range []string{"now-", "now-7", "now-d", "now/", "now/x", "now*1d", "now-1x", "now-1000001d", "now-99999999999999999999d", "now 1d", "now--1d"} {
		_, err := ParseDSL([]byte(`{"range":{"updatedAt":{"lt":"`+text+`"}}}`), now)
		if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), "range.updatedAt.lt") {
			t.Errorf("%s: %v, want a bad request that says where", text, err)
		}
	}
}

// Rounding never goes forward, less than a unit back, and again to the same.
func TestRoundingProperties(t *testing.T) {
	longest := map[byte]time.Duration{
		'y': 366 * 24 * time.Hour, 'M': 31 * 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second,
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(-4e12, 8e12).Draw(t, "at")).UTC()
		unit := rapid.SampledFrom([]byte("yMwdhms")).Draw(t, "unit")
		rounded, ok := roundDown(at, unit)
		if !ok || rounded.After(at) || at.Sub(rounded) >= longest[unit] {
			t.Fatalf("%v to %c is %v", at, unit, rounded)
		}
		if again, _ := roundDown(rounded, unit); !again.Equal(rounded) {
			t.Fatalf("%v to %c is %v", rounded, unit, again)
		}
		if next, _ := addUnits(rounded, 1, unit); !next.After(at) {
			t.Fatalf("%v is not within the %c that begins at %v", at, unit, rounded)
		}
	})
}

func TestParseDSLClauses(t *testing.T) {
	for document, want := range map[string]Query{
		`{"constant_score":{"filter":{"term":{"a":"b"}}}}`: Bool{Filter: []Query{Term{Field: "a", Value: "b"}}},
		`{"match_none":{}}`:                                                              MatchNone{},
		`{"fuzzy":{"name":"ordr"}}`:                                                      Match{Field: "name", Text: "ordr", Operator: And, Fuzziness: FuzzyAuto},
		`{"fuzzy":{"name":{"value":"ordr","fuzziness":0}}}`:                              Match{Field: "name", Text: "ordr", Operator: And},
		`{"match":{"name":{"query":"x","fuzziness":"auto:3,6","operator":"OR"}}}`:        Match{Field: "name", Text: "x", Fuzziness: FuzzyAuto},
		`{"match_bool_prefix":{"name":"cust ord"}}`:                                      Match{Field: "name", Text: "cust ord", Prefix: true},
		`{"match_phrase_prefix":{"name":"cust ord"}}`:                                    MatchPhrase{Field: "name", Text: "cust ord", Prefix: true},
		`{"match_phrase":{"name":{"query":"a b","slop":2}}}`:                             MatchPhrase{Field: "name", Text: "a b"},
		`{"regexp":{"name":{"value":"a.*","flags":"ALL"}}}`:                              Regexp{Field: "name", Pattern: "a.*"},
		`{"range":{"updatedAt":{"gt":1,"lte":2,"format":"epoch_millis"}}}`:               Range{Field: "updatedAt", GT: ptr("1"), LTE: ptr("2")},
		`{"terms":{"a":["x",true,2.5],"boost":2}}`:                                       Terms{Field: "a", Values: []string{"x", "true", "2.5"}},
		`{"multi_match":{"query":"x y","fields":["*"],"type":"cross_fields"}}`:           MultiMatch{Text: "x y"},
		`{"multi_match":{"query":"x","fields":["name^2.5"],"type":"bool_prefix"}}`:       MultiMatch{Text: "x", Fields: []FieldBoost{{Field: "name", Boost: 2.5}}, Prefix: true},
		`{"multi_match":{"query":"x","type":"phrase","operator":"And"}}`:                 MultiMatch{Text: "x", Phrase: true, Operator: And},
		`{"query_string":{"query":"x","default_field":"name"}}`:                          QueryString{Text: "x", Query: MultiMatch{Fields: []FieldBoost{{Field: "name"}}, Text: "x", Operator: And}},
		`{"simple_query_string":{"query":"x","default_field":"*"}}`:                      QueryString{Text: "x", Query: word("x")},
		`{"bool":{"should":{"match_all":{}},"minimum_should_match":0}}`:                  Bool{Should: []Query{MatchAll{}}, MinShould: -1},
		`{"bool":{"filter":{},"must_not":{"ids":{"values":[]}}}}`:                        Bool{MustNot: []Query{IDs{Values: []string{}}}},
		`{"bool":{"should":[{"match_all":{}}],"minimum_should_match":"-75%"}}`:           Bool{Should: []Query{MatchAll{}}, MinShould: 1},
		`{"term":{"name":{"value":"A \u00e9 \"q\"","case_insensitive":true}}}`:           Term{Field: "name", Value: `A é "q"`},
		`{"nested":{"path":"tags","query":{"exists":{"field":"x"}},"boost":1}}`:          Nested{Path: "tags", Query: Exists{Field: "x"}},
		`{"query_string":{"query":"a~","fuzziness":1,"default_operator":"OR"}}`:          QueryString{Text: "a~", Query: MultiMatch{Text: "a", Operator: And, Fuzziness: 1}},
		`{"query_string":{"query":"/a.b/","fields":["name","displayName"]}}`:             QueryString{Text: "/a.b/", Query: Bool{MinShould: 1, Should: []Query{Regexp{Field: "name", Pattern: "a.b"}, Regexp{Field: "displayName", Pattern: "a.b"}}}},
		`{"query_string":{"query":"\"a b\"~2 updatedAt:{1 TO 5] updatedAt:<=9"}}`:        QueryString{Text: `"a b"~2 updatedAt:{1 TO 5] updatedAt:<=9`, Query: Bool{Should: []Query{MultiMatch{Text: "a b", Operator: And, Phrase: true}, Range{Field: "updatedAt", GT: ptr("1"), LTE: ptr("5")}, Range{Field: "updatedAt", LTE: ptr("9")}}, MinShould: 1}},
		`{"bool":{"should":[{"match_all":{}},{"match_none":{}}],"boost":2,"_name":"n"}}`: Bool{Should: []Query{MatchAll{}, MatchNone{}}},
	} {
		got, err := ParseDSL([]byte(document), time.Time{})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", document, err, diff)
		}
	}
}

// A refusal says where in the document the trouble is, so that it can be mended.
func TestParseDSLSaysWhere(t *testing.T) {
	many := `["` + strings.Repeat(`x","`, MaxTerms) + `x"]`
	for document, where := range map[string]string{
		`{"constant_score":{}}`:                                     "constant_score needs a filter",
		`{"nested":{"path":"a"}}`:                                   "nested needs a query",
		`{"nested":{"path":"a","inner_hits":{}}}`:                   "nested.inner_hits",
		`{"exists":{}}`:                                             "exists.field",
		`{"ids":{"values":"x"}}`:                                    "ids.values",
		`{"terms":{"a":["x",{}]}}`:                                  "terms.a[1]",
		`{"terms":{"a":["x"],"b":["y"]}}`:                           "exactly one field",
		`{"terms":{"a":` + many + `}}`:                              fmt.Sprint(MaxTerms),
		`{"range":{"a":{"above":1}}}`:                               "range.a.above",
		`{"range":{"a":{"gt":[]}}}`:                                 "range.a.gt",
		`{"match":{"a":{"operator":"and"}}}`:                        "match needs a value",
		`{"match":{"a":{"query":"x","operator":"xor"}}}`:            "match.a.operator",
		`{"match":{"a":{"query":"x","operator":[]}}}`:               "match.a.operator",
		`{"match":{"a":{"query":"x","fuzziness":3}}}`:               "match.a.fuzziness",
		`{"match":{"a":{"query":"x","cutoff":3}}}`:                  "match.a.cutoff",
		`{"match":{"a":{"query":null}}}`:                            "match.a.query",
		`{"multi_match":{"fields":["a"]}}`:                          "multi_match needs a query",
		`{"multi_match":{"query":"x","fields":["a^-1"]}}`:           "a^-1",
		`{"multi_match":{"query":"x","fields":["a^NaN"]}}`:          "a^NaN",
		`{"multi_match":{"query":"x","fields":["tags.*"]}}`:         "tags.*",
		`{"multi_match":{"query":"x","fields":"a"}}`:                "multi_match.fields",
		`{"multi_match":{"query":"x","type":"fastest"}}`:            "multi_match.type",
		`{"query_string":{"fields":[]}}`:                            "query_string needs a query",
		`{"query_string":{"query":"x","speed":1}}`:                  "query_string.speed",
		`{"query_string":{"query":"name:/(/"}}`:                     "regular expression",
		`{"bool":{"should":[],"minimum_should_match":"most"}}`:      "bool.minimum_should_match",
		`{"bool":{"must":"x"}}`:                                     "bool.must",
		`{"bool":{"must":[7]}}`:                                     "bool.must[0]",
		`{"term":{"a":"` + strings.Repeat("x", 4*MaxText+1) + `"}}`: fmt.Sprint(MaxText),
		`{"term":{"a":"` + strings.Repeat("x", MaxFilter) + `"}}`:   fmt.Sprint(MaxFilter),
		`{"bool":{"must":[` + strings.Repeat(`{"match_all":{}},`, MaxClauses) + `{"match_all":{}}]}}`: fmt.Sprint(MaxClauses),
	} {
		_, err := ParseDSL([]byte(document), time.Time{})
		if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), where) {
			t.Errorf("%.80s: %v, want a bad request that names %q", document, err, where)
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("%.80s: an error of %d bytes", document, len(err.Error()))
		}
	}
}

func TestParseAggregationOptions(t *testing.T) {
	for document, want := range map[string]Aggregation{
		`{"terms":{"field":"a","include":"x.*","order":[{"_count":"asc"},{"_key":"asc"}]},"meta":{}}`: {Kind: AggTerms, Field: "a", Include: "x.*", Asc: true},
		`{"terms":{"field":"a","order":{"_term":"desc"},"missing":"x"}}`:                              {Kind: AggTerms, Field: "a", ByKey: true},
		`{"cardinality":{"field":"a","precision_threshold":5}}`:                                       {Kind: AggCardinality, Field: "a"},
		`{"min":{"field":"a"}}`:       {Kind: AggMin, Field: "a"},
		`{"max":{"field":"a"}}`:       {Kind: AggMax, Field: "a"},
		`{"avg":{"field":"a"}}`:       {Kind: AggAvg, Field: "a"},
		`{"sum":{"field":"a"}}`:       {Kind: AggSum, Field: "a"},
		`{"filter":{"term":{"a":1}}}`: {Kind: AggFilter, Filter: Term{Field: "a", Value: "1"}},
		`{"nested":{"path":"tags"},"aggregations":{"n":{"max":{"field":"b"}}}}`: {Kind: AggNested, Sub: map[string]Aggregation{"n": {Kind: AggMax, Field: "b"}}},
		`{"date_histogram":{"field":"a","calendar_interval":"1w"}}`:             {Kind: AggDateHistogram, Field: "a", Every: Interval{Unit: "week"}},
		`{"date_histogram":{"field":"a","calendar_interval":"month"}}`:          {Kind: AggDateHistogram, Field: "a", Every: Interval{Unit: "month"}},
		`{"date_histogram":{"field":"a","calendar_interval":"1q"}}`:             {Kind: AggDateHistogram, Field: "a", Every: Interval{Unit: "quarter"}},
		`{"date_histogram":{"field":"a","calendar_interval":"year"}}`:           {Kind: AggDateHistogram, Field: "a", Every: Interval{Unit: "year"}},
		`{"date_histogram":{"field":"a","fixed_interval":"12h"}}`:               {Kind: AggDateHistogram, Field: "a", Every: Interval{Unit: "ms", Width: 43_200_000}},
		`{"date_histogram":{"field":"a","interval":"minute"}}`:                  {Kind: AggDateHistogram, Field: "a", Every: Interval{Unit: "ms", Width: 60_000}},
		`{"top_hits":{"_source":false,"sort":"_score"}}`:                        {Kind: AggTopHits, Source: SourceFilter{None: true}, Sort: []Sort{{Field: "_score", Desc: true}}},
		`{"top_hits":{"_source":true,"sort":["name",{"b":"DESC"}]}}`:            {Kind: AggTopHits, Sort: []Sort{{Field: "name"}, {Field: "b", Desc: true}}},
		`{"top_hits":{"_source":"name"}}`:                                       {Kind: AggTopHits, Source: SourceFilter{Include: []string{"name"}}},
		`{"top_hits":{"_source":{"includes":["a"],"excludes":["a.b"]}}}`:        {Kind: AggTopHits, Source: SourceFilter{Include: []string{"a"}, Exclude: []string{"a.b"}}},
	} {
		got, err := ParseAggregations([]byte(`{"x":`+document+`}`), time.Time{})
		if diff := cmp.Diff(map[string]Aggregation{"x": want}, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", document, err, diff)
		}
	}
}

func TestParseAggregationsSaysWhere(t *testing.T) {
	deep := `{"max":{"field":"a"}}`
	for range MaxAggDepth {
		deep = `{"nested":{"path":"a"},"aggs":{"x":` + deep + `}}`
	}
	for document, where := range map[string]string{
		`{}`:                                    "exactly one kind",
		`{"terms":{"field":"a"},"max":{}}`:      "exactly one kind",
		`7`:                                     "aggs.x",
		`{"terms":{}}`:                          "needs a field",
		`{"terms":{"field":"a","script":"b"}}`:  "aggs.x.terms.script",
		`{"terms":{"field":"a","size":10001}}`:  "aggs.x.terms.size",
		`{"terms":{"field":"a","size":-1}}`:     "aggs.x.terms.size",
		`{"terms":{"field":"a","size":[]}}`:     "aggs.x.terms.size",
		`{"terms":{"field":"a","include":"("}}`: "regular expression",
		`{"terms":{"field":"a","order":[]}}`:    "aggs.x.terms.order",
		`{"terms":{"field":"a","order":{"max_updated":"asc"}}}`: "_count or _key",
		`{"date_histogram":{"field":"a"}}`:                      "needs an interval",
		`{"date_histogram":{"field":"a","interval":"0d"}}`:      "0d",
		`{"date_histogram":{"field":"a","interval":"d"}}`:       `"d"`,
		`{"date_histogram":{"field":"a","interval":"9 days"}}`:  "9 days",
		`{"date_histogram":{"field":"a","interval":{}}}`:        "aggs.x.date_histogram.interval",
		`{"filter":{"nope":{}}}`:                                "aggs.x.filter.nope",
		`{"filters":{}}`:                                        "aggs.x.filters.filters",
		`{"filters":{"filters":{"a":{"nope":{}}}}}`:             "nope",
		`{"top_hits":{"sort":[{"a":{}}]}}`:                      "aggs.x.top_hits.sort.a",
		`{"top_hits":{"_source":7}}`:                            "aggs.x.top_hits._source",
		`{"top_hits":{"_source":{"includes":"a"}}}`:             "aggs.x.top_hits._source.includes",
		`{"top_hits":{"_source":{"excludes":[[]]}}}`:            "aggs.x.top_hits._source.excludes[0]",
		deep: "nested at most",
	} {
		_, err := ParseAggregations([]byte(`{"x":`+document+`}`), time.Time{})
		if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), where) {
			t.Errorf("%.80s: %v, want a bad request that names %q", document, err, where)
		}
	}
}
