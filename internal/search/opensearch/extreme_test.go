//go:build opensearch

package opensearch_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// extremes are requests at, or just below, what search.CheckRequest takes.
func extremes() map[string]search.Request {
	var words strings.Builder
	for i := range search.MaxWords {
		fmt.Fprintf(&words, "word%c%c ", 'a'+i/26, 'a'+i%26)
	}
	long := words.String()
	text := func(s string) *string { return &s }
	deep := search.Query(search.Term{Field: "name", Value: "orders"})
	for i := range search.MaxDepth {
		switch i % 3 {
		case 0:
			deep = search.Bool{Must: []search.Query{deep}, MustNot: []search.Query{search.MatchNone{}}}
		case 1:
			deep = search.Bool{Should: []search.Query{deep, search.MatchNone{}}}
		default:
			deep = search.Nested{Path: "columns", Query: deep}
		}
	}
	var clauses []search.Query
	for i := range search.MaxClauses - 10 {
		clauses = append(clauses, search.Match{Field: "description", Text: fmt.Sprint("word ", i), Operator: search.And})
	}
	var fields []search.FieldBoost
	for i := range 400 {
		fields = append(fields, search.FieldBoost{Field: fmt.Sprintf("extension.p%d", i)})
	}
	values := make([]string, search.MaxTerms)
	for i := range values {
		values[i] = fmt.Sprint(i)
	}
	var fuzzy []search.Query
	for i := range search.MaxPatterns {
		fuzzy = append(fuzzy, search.Match{Field: "description", Text: fmt.Sprintf("abcdefgh%c", 'a'+i%26), Fuzziness: search.FuzzyAuto})
	}
	aggs := map[string]search.Aggregation{}
	for i := range search.MaxAggregations {
		aggs[fmt.Sprint("[a] > ", i)] = search.Aggregation{Field: fmt.Sprintf("extension.p%d", i), Size: search.MaxBuckets}
	}
	nested := map[string]search.Aggregation{}
	for range search.MaxAggDepth {
		nested = map[string]search.Aggregation{"a": {Field: "tableType", Size: search.MaxBuckets, Sub: nested}}
	}
	var sorts []search.Sort
	for i := range 8 {
		sorts = append(sorts, search.Sort{Field: fmt.Sprintf("extension.p%d", i), Desc: i%2 == 0})
	}
	facts := make([]string, 5000)
	for i := range facts {
		facts[i] = fmt.Sprint("owner=", i)
	}
	return map[string]search.Request{
		"deep": {Query: deep}, "all clauses": {Query: search.Bool{Should: clauses}}, "all clauses wanted": {Query: search.Bool{Must: clauses}},
		"many words": {Query: search.MultiMatch{Text: long}}, "many words wanted": {Query: search.MultiMatch{Text: long, Operator: search.And}},
		"many fields": {Query: search.MultiMatch{Text: long, Fields: fields}}, "phrase": {Query: search.MultiMatch{Text: long, Phrase: true}},
		"phrase in fields": {Query: search.MultiMatch{Text: long, Phrase: true, Fields: fields[:50]}},
		"values":           {Query: search.Terms{Field: "name", Values: values}}, "ids": {Query: search.IDs{Values: values}}, "typing errors": {Query: search.Bool{Should: fuzzy}},
		"long value": {Query: search.Term{Field: "sourceUrl", Value: strings.Repeat("x", 100_000)}}, "long bounds": {Query: search.Range{Field: "name", GTE: text(strings.Repeat("x", 50_000)), LT: text(strings.Repeat("y", 50_000))}},
		"long prefix": {Query: search.Prefix{Field: "name", Value: strings.Repeat("x", 4000)}}, "long path": {Query: search.Exists{Field: strings.Repeat("x.", 20_000)}},
		"no text": {Query: search.Match{Field: "name", Text: "..."}}, "broken text": {Query: search.Match{Field: "name", Text: "a\xff\x00b"}}, "broken value": {Query: search.Term{Field: "a\xff\x00*\"", Value: "\xed\xa0\x80"}},
		"broken glob": {Query: search.Wildcard{Field: "name", Pattern: "a\xff*\x00?\\"}}, "class": {Query: search.Regexp{Field: "name", Pattern: `[^\x{D800}-\x{DFFF}"#&~<>@]*["#&~<>@]?`}},
		"no class": {Query: search.Regexp{Field: "name", Pattern: `[^\x00-\x{10FFFF}]`}}, "nothing repeated": {Query: search.Regexp{Field: "name", Pattern: `(){0,3}x{0}`}},
		"facets": {Aggregations: aggs}, "facets in facets": {Aggregations: nested}, "no filters": {Aggregations: map[string]search.Aggregation{"a": {Kind: search.AggFilters}}},
		"milliseconds": {Aggregations: map[string]search.Aggregation{"a": {Kind: search.AggDateHistogram, Field: "updatedAt", Every: search.Interval{Unit: "ms"}}}},
		"odd include":  {Aggregations: map[string]search.Aggregation{"a": {Field: "name", Include: `.*"#[^a].*`}}},
		"sorts":        {Sort: sorts}, "sorted by what is not there": {Sort: []search.Sort{{Field: "a b.*"}}, After: []string{"null"}}, "far": {From: search.MaxWindow - 1},
		"after numbers": {Sort: []search.Sort{{Field: "updatedAt"}}, After: []string{"1e308"}}, "after text": {Sort: []search.Sort{{Field: "name"}}, After: []string{strings.Repeat("é", 10_000)}},
		"after score": {Query: search.MultiMatch{Text: "orders"}, Sort: []search.Sort{{Field: "_score", Desc: true}}, After: []string{"-1e300"}},
		"facts":       {Visible: search.Facts{Any: facts}}, "minimum beyond": {Query: search.Bool{Should: clauses[:2], MinShould: 3}},
		"lifted by all": {Query: search.MultiMatch{Text: "orders"}, Ranking: lifting()},
	}
}

// lifting is a ranking with every modifier, on numbers below and above zero.
func lifting() *search.Ranking {
	r := search.DefaultRanking()
	for _, modifier := range []string{"", "none", "log", "log1p", "log2p", "ln", "ln1p", "ln2p", "square", "sqrt", "reciprocal"} {
		r.Values = append(r.Values, search.ValueBoost{Field: "totalVotes", Factor: 1000, Modifier: modifier, Low: -1e9, High: 1e9},
			search.ValueBoost{Field: "extension.number", Factor: 1000, Modifier: modifier, Low: -1e9, High: 1e9})
	}
	own := *r
	own.Terms = append(own.Terms, search.TermBoost{Field: "deleted", Value: "true", Percent: 100})
	r.ByIndex = map[string]search.Ranking{"a": own}
	return r
}

// TestExtremesAreAnswered: no request that is within the limits breaks, whatever the cluster thinks of it: it is answered,
// or called too broad.
func TestExtremesAreAnswered(t *testing.T) {
	index := open(t, filepath.Join(t.TempDir(), "search.db"))
	t.Cleanup(func() { _ = index.Close() })
	batch := search.Batch{Position: 1}
	for i, number := range []string{"-5", "0", "1", "0.5", "1e300", "-1e300", "12", "1000000", "-0"} {
		source := fmt.Sprintf(`{"name":"orders_%d","updatedAt":%d,"deleted":false,"totalVotes":%s,"extension":{"number":%s,"p1":"x\u0000y","p2":["a","A",true,3]},"description":"orders \ud83d\ude00 é"}`, i, i, number, number)
		batch.Upserts = append(batch.Upserts, search.Document{ID: entity.NewID(), Index: []string{"a", "b"}[i%2], Source: []byte(source)})
	}
	if err := index.Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	answered := 0
	for name, req := range extremes() {
		req.Size = 1
		if _, err := index.Search(t.Context(), req); err == nil {
			answered++
		} else if entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
	if answered < 25 {
		t.Errorf("only %d requests were answered", answered)
	}
}
