package searchtest

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// visible proves that what a caller may see restricts hits, totals and facets
// alike, that facts are compared byte by byte, and that nobody gets to see them.
func visible(t *testing.T, open Open) {
	long := "tag=" + strings.Repeat("x", search.MaxExact)
	docs := catalog()
	for n, facts := range map[int][]string{1: {"owner", "owner=ann", "tag=A.b"}, 2: {"owner", "owner=Ann"}, 3: {"tag=A.b", long}, 6: {"id=quagga"}} {
		docs[n-1].Facts = facts
	}
	path := filepath.Join(t.TempDir(), "search.db")
	index := open(t, path)
	apply(t, index, search.Batch{Upserts: docs, Position: 1})
	has := func(facts ...string) search.Query { return search.Facts{Any: facts} }
	cases := map[string]struct {
		visible search.Query
		want    []int
	}{
		"no restriction":  {nil, []int{1, 2, 3, 4, 5, 6}},
		"all":             {search.MatchAll{}, []int{1, 2, 3, 4, 5, 6}},
		"none":            {search.MatchNone{}, nil},
		"one fact":        {has("owner=ann"), []int{1}},
		"case tells":      {has("owner=Ann"), []int{2}},
		"any of them":     {has("owner=ann", "tag=A.b", "nothing"), []int{1, 3}},
		"none of them":    {has("nothing"), nil},
		"no fact given":   {has(), nil},
		"not a beginning": {has("owner="), nil},
		"long":            {has(long), []int{3}},
		"without":         {search.Bool{MustNot: []search.Query{has("owner")}}, []int{3, 4, 5, 6}},
		"both":            {search.Bool{Filter: []search.Query{has("owner"), has("tag=A.b")}}, []int{1}},
		"by index": {search.Bool{MinShould: 1, Should: []search.Query{
			search.Bool{Filter: []search.Query{search.Terms{Field: "_index", Values: []string{"table_search_index"}}, has("owner")}},
			search.Terms{Field: "_index", Values: []string{"user_search_index"}},
		}}, []int{1, 2, 6}},
	}
	proof := func(t *testing.T, index search.Index) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				result := find(t, index, search.Request{Visible: c.visible, Size: 100, Aggregations: map[string]search.Aggregation{
					"types": {Kind: search.AggTerms, Field: "tableType"},
				}})
				got := numbers(result)
				slices.Sort(got)
				if !slices.Equal(got, c.want) || result.Total != len(c.want) {
					t.Errorf("found %v, total %d; want %v", got, result.Total, c.want)
				}
				tables := 0
				for _, n := range c.want {
					if n <= 4 {
						tables++
					}
				}
				counted := 0
				for _, bucket := range result.Aggregations["types"].Buckets {
					counted += bucket.Count
				}
				if counted != tables {
					t.Errorf("the facet counts %d, of %v", counted, c.want)
				}
			})
		}
		for _, q := range []search.Query{
			search.Match{Field: "owner", Text: "ann"}, search.MultiMatch{Text: "quagga"}, search.Term{Field: "facts", Value: "owner=ann"},
			search.Exists{Field: "facts"}, search.Wildcard{Pattern: "*owner=*"},
		} {
			if result := find(t, index, search.Request{Query: q, Size: 10}); result.Total != 0 {
				t.Errorf("%#v finds facts", q)
			}
		}
	}
	t.Run("written", func(t *testing.T) { proof(t, index) })
	docs[0].Facts, docs[1].Facts = []string{"owner", "owner=Ann"}, []string{"owner", "owner=ann", "tag=A.b"}
	docs[0].ID, docs[1].ID = docs[1].ID, docs[0].ID // the same cases hold for the exchanged documents
	apply(t, index, search.Batch{Upserts: docs[:2], Position: 2})
	t.Run("rewritten", func(t *testing.T) { proof(t, index) })
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
	index = open(t, path)
	t.Cleanup(func() {
		if err := index.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("reopened", func(t *testing.T) { proof(t, index) })
	if _, err := index.Search(context.Background(), search.Request{Visible: has(strings.Repeat("x", 100_000)), Size: 1}); err != nil {
		t.Errorf("a fact that nothing has is an error: %v", err)
	}
}
