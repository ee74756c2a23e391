package embedded

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

// assets fills an index with documents made from their numbers.
func assets(t *testing.T, n int, source func(i int) string) *Engine {
	t.Helper()
	e := openAt(t, filepath.Join(t.TempDir(), "search.db"))
	batch := search.Batch{Position: 1}
	for i := range n {
		batch.Upserts = append(batch.Upserts, asset(i, source(i)))
	}
	apply(t, e, batch)
	return e
}

// Following search_after shows every match once and in order, whatever the sort.
func TestSearchAfterToTheEnd(t *testing.T) {
	const n = 230
	e := assets(t, n, func(i int) string {
		name := fmt.Sprintf(`"name":"t %03d, x","updatedAt":%d`, (i*7)%50, 1000+i%9)
		if i == 77 { // too long to sort by, but there
			name += `,"displayName":"` + strings.Repeat("x", search.MaxExact+1) + `"`
		} else if i%4 != 0 {
			name += fmt.Sprintf(`,"displayName":"d%d"`, i%60)
		}
		if i%5 != 0 {
			name += fmt.Sprintf(`,"tableType":"T%d"`, i%3)
		}
		return "{" + name + "}"
	})
	for _, sorts := range [][]search.Sort{
		{{Field: "_id"}},
		{{Field: "_id", Desc: true}},
		{{Field: "name.keyword"}},
		{{Field: "displayName"}},
		{{Field: "displayName.keyword", Desc: true}},
		{{Field: "tableType"}, {Field: "updatedAt", Desc: true}},
		{{Field: "updatedAt", Desc: true}, {Field: "tableType", Desc: true}, {Field: "_id", Desc: true}},
		{{Field: "nowhere"}, {Field: "name"}},
	} {
		t.Run(fmt.Sprint(sorts), func(t *testing.T) {
			whole := ids(find(t, e, search.Request{Size: n, Sort: sorts}))
			var paged []entity.ID
			req := search.Request{Size: 17, Sort: sorts}
			for {
				hits := find(t, e, req).Hits
				if len(hits) == 0 {
					break
				}
				req.After = nil
				for _, value := range hits[len(hits)-1].Sort {
					text := "null"
					if value != nil {
						text = fmt.Sprint(value)
					}
					req.After = append(req.After, text)
				}
				for _, hit := range hits {
					paged = append(paged, hit.ID)
				}
				if len(paged) > n {
					t.Fatal("pages without end")
				}
			}
			if diff := gocmp.Diff(whole, paged); diff != "" || len(paged) != n {
				t.Errorf("%d documents, want %d (-one page +many):\n%s", len(paged), n, diff)
			}
		})
	}
	for after, sorts := range map[string][]search.Sort{
		"a value for each sort field": {{Field: "name"}, {Field: "updatedAt"}},
		"a number for _score":         {{Field: "_score"}},
	} {
		_, err := e.Search(t.Context(), search.Request{Size: 1, Sort: sorts, After: []string{"x"}})
		if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), after) {
			t.Errorf("%v, want a bad request that asks for %s", err, after)
		}
	}
}

func TestAggregationsWithinFilters(t *testing.T) {
	e := assets(t, 12, func(i int) string {
		at := time.Date(2024, time.Month(i+1), 15, 0, 0, 0, 0, time.UTC).UnixMilli()
		return fmt.Sprintf(`{"name":"n%d","tableType":"%s","owners":[{"name":"o%d"}],"updatedAt":%d,"description":"x"}`, i, []string{"View", "Regular"}[i%2], i%3, at)
	})
	views := search.Term{Field: "tableType", Value: "view"}
	histogram := func(unit string) search.Aggregation {
		return search.Aggregation{Kind: search.AggDateHistogram, Field: "updatedAt", Every: search.Interval{Unit: unit}}
	}
	a := find(t, e, search.Request{Filter: views, Aggregations: map[string]search.Aggregation{
		"some": {Kind: search.AggFilters, Filters: map[string]search.Query{
			"b": search.Term{Field: "owners.name", Value: "o1"}, "a": search.MatchAll{}, "c": search.Term{Field: "tableType", Value: "Regular"},
		}, Sub: map[string]search.Aggregation{"names": {Kind: search.AggCardinality, Field: "name"}}},
		"owners": {Field: "owners.name", ByKey: true, Asc: true, Include: "o[02]"},
		"few":    {Field: "owners.name", ByKey: true, Size: 1},
		"index":  {Field: "_index"},
		"weeks":  histogram("week"), "months": histogram("month"), "quarters": histogram("quarter"), "years": histogram("year"),
		"mean": {Kind: search.AggAvg, Field: "updatedAt"},
	}}).Aggregations
	shown := func(name string) string {
		var parts []string
		for _, bucket := range a[name].Buckets {
			key := fmt.Sprint(bucket.Key)
			if at, ok := bucket.Key.(int64); ok {
				key = time.UnixMilli(at).UTC().Format("01-02")
			}
			parts = append(parts, fmt.Sprintf("%s=%d", key, bucket.Count))
		}
		return strings.Join(parts, " ")
	}
	for name, want := range map[string]string{
		"some": "a=6 b=2 c=0", "owners": "o0=2 o2=2", "few": "o2=2", "index": "table_search_index=6",
		"weeks":    "01-15=1 03-11=1 05-13=1 07-15=1 09-09=1 11-11=1",
		"months":   "01-01=1 03-01=1 05-01=1 07-01=1 09-01=1 11-01=1",
		"quarters": "01-01=2 04-01=1 07-01=2 10-01=1", "years": "01-01=6",
	} {
		if got := shown(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if a["few"].Other != 4 || *a["some"].Buckets[1].Sub["names"].Value != 2 || a["mean"].Value == nil {
		t.Errorf("other %d, some %+v, mean %v", a["few"].Other, a["some"].Buckets, a["mean"].Value)
	}
	_, err := e.Search(t.Context(), search.Request{Aggregations: map[string]search.Aggregation{"x": {Field: "description"}}})
	if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), "description") {
		t.Errorf("text in buckets: %v", err)
	}
}

// Patterns and words with typos find what reading every document finds.
func TestPatternsAndTypos(t *testing.T) {
	sources := []string{
		`{"name":"customer","fullyQualifiedName":"pg.shop.public.customer","displayName":"İstanbul Kunden"}`,
		`{"name":"Customers_2","fullyQualifiedName":"pg.shop.Public.Customers_2","description":"costumer data"}`,
		`{"name":"orders","fullyQualifiedName":"my.shop.public.orders","tags":[{"tagFQN":"PII.Customer"}]}`,
		`{"name":"a?b","fullyQualifiedName":"my.shop.\"a?b\"","columns":[{"name":"customer_id","description":"the key"}]}`,
		`{"name":"a*b","fullyQualifiedName":"my.shop.\"a*b\"","schemaDefinition":"select customer from x"}`,
	}
	e := assets(t, len(sources), func(i int) string { return sources[i] })
	fqn := func(pattern string) search.Query {
		return search.Wildcard{Field: "fullyQualifiedName", Pattern: pattern}
	}
	typo := func(text string, edits search.Fuzziness) search.Query {
		return search.Match{Field: "name", Text: text, Fuzziness: edits}
	}
	for name, c := range map[string]struct {
		query search.Query
		want  []int
	}{
		"fqn, end":              {fqn("*.PUBLIC.customer"), []int{0}},
		"fqn, both ends":        {fqn("pg.*.customer*"), []int{0, 1}},
		"fqn, middle":           {fqn("*.public.*"), []int{0, 1, 2}},
		"fqn, one character":    {fqn("m?.shop.*"), []int{2, 3, 4}},
		"fqn, escaped question": {fqn(`*."a\?b"`), []int{3}},
		"fqn, escaped star":     {fqn(`my.shop."a\*b"`), []int{4}},
		"fqn, wrong end":        {fqn("*.custome"), nil},
		"any field":             {search.Wildcard{Pattern: "*ustomer"}, []int{0, 1, 2, 3, 4}},
		"any field, regexp":     {search.Regexp{Pattern: "co.*er"}, []int{1}},
		"prefix of no field":    {search.Prefix{Field: "nope", Value: "a"}, nil},
		"beyond ASCII":          {search.Wildcard{Field: "displayName", Pattern: "İSTAN*"}, []int{0}},
		"not indexed":           {search.Wildcard{Field: "schemaDefinition", Pattern: "custom*"}, []int{4}},
		"one edit":              {typo("custmer", 1), []int{0, 1}},
		"auto, two edits":       {typo("costumer", search.FuzzyAuto), []int{0, 1}},
		"auto, too far":         {typo("kustomer", search.FuzzyAuto), nil},
		"auto, short words":     {typo("xb", search.FuzzyAuto), nil},
		"no edits":              {typo("custmer", 0), nil},
		"anywhere":              {search.MultiMatch{Text: "costumers", Fuzziness: 1}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			matcher, err := search.NewMatcher(c.query)
			if err != nil {
				t.Fatal(err)
			}
			var read []entity.ID
			for i, source := range sources {
				fields, err := search.ReadFields(searchtest.ID(i), []byte(source))
				if err != nil {
					t.Fatal(err)
				}
				if matcher.Match(fields) {
					read = append(read, searchtest.ID(i))
				}
			}
			var want []entity.ID
			for _, i := range c.want {
				want = append(want, searchtest.ID(i))
			}
			got := ids(find(t, e, search.Request{Query: c.query, Size: 10}))
			slices.SortFunc(got, func(a, b entity.ID) int { return cmp.Compare(a[15], b[15]) })
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(read, got); diff != "" {
				t.Errorf("(-read +indexed):\n%s", diff)
			}
		})
	}
}

// TestT71PatternsThatCostTooMuch: a query whose patterns would work through more than is
// allowed is told to be too broad, wherever the patterns stand.
func TestT71PatternsThatCostTooMuch(t *testing.T) {
	engine := assets(t, 40, func(i int) string {
		long := fmt.Sprintf("%d%s", i, strings.Repeat("ab", 1400))
		return fmt.Sprintf(`{"name":%q,"displayName":%q,"sourceUrl":%q,"description":"word"}`, long, long, long)
	})
	// Each could cost more than a thousand steps a byte, but gives up at the first.
	costly, glob := "[xy]"+strings.Repeat("z", 1000), "?"+strings.Repeat("z", 2000)+"*"
	many := search.Bool{MinShould: 1}
	for range search.MaxPatterns - 1 {
		many.Should = append(many.Should, search.Regexp{Field: "name.keyword", Pattern: costly})
	}
	wild := search.Bool{MinShould: 1}
	for range search.MaxPatterns - 1 {
		wild.Should = append(wild.Should, search.Wildcard{Field: "displayName.keyword", Pattern: glob})
	}
	aggs := map[string]search.Aggregation{}
	for i := range search.MaxAggregations {
		aggs[fmt.Sprint(i)] = search.Aggregation{Kind: search.AggTerms, Field: "name.keyword", Include: costly}
	}
	for what, req := range map[string]search.Request{"expressions": {Query: many}, "wildcards": {Filter: wild}, "facets": {Aggregations: aggs}, "excluded": {Query: search.Bool{MustNot: []search.Query{many}}}} {
		if _, err := engine.Search(t.Context(), req); err == nil || !strings.Contains(err.Error(), "looks at too many values") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, q := range map[string]search.Query{
		"one expression": search.Regexp{Field: "name.keyword", Pattern: costly}, "one wildcard": search.Wildcard{Field: "name.keyword", Pattern: "*a*b*c"},
	} {
		if result, err := engine.Search(t.Context(), search.Request{Query: q, Size: 1}); err != nil || result.Total != 0 {
			t.Errorf("%s: %d, %v", what, result.Total, err)
		}
	}
}
