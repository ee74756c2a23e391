package searchtest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Compare asks the index random queries and checks each answer against reading
// every document: the ids in order, the total, and the counts of a facet.
func Compare(t *testing.T, index search.Index, docs []search.Document, g *Generator, queries int) {
	t.Helper()
	fields := make([]*search.Fields, len(docs))
	for i, doc := range docs {
		var err error
		if fields[i], err = search.ReadFields(doc.ID, doc.Source); err != nil {
			t.Fatal(err)
		}
	}
	matched := 0
	for range queries {
		q := g.Query(2)
		matcher, err := search.NewMatcher(q)
		if err != nil {
			t.Fatal(err)
		}
		var want []entity.ID
		facet := map[string]int{}
		for i, doc := range docs {
			if matcher.Match(fields[i]) {
				want = append(want, doc.ID)
				for _, v := range fields[i].Values("tableType") {
					facet[v.Text]++
				}
			}
		}
		matched += len(want)
		compareOne(t, index, q, want, facet)
	}
	if matched == 0 {
		t.Fatal("no query matched anything: the comparison proves nothing")
	}
}

func compareOne(t *testing.T, index search.Index, q search.Query, want []entity.ID, facet map[string]int) {
	t.Helper()
	slices.SortFunc(want, func(a, b entity.ID) int { return slices.Compare(a[:], b[:]) })
	result, err := index.Search(context.Background(), search.Request{
		Query: q, Size: search.MaxWindow, Sort: []search.Sort{{Field: "_id"}}, NoSource: true,
		Aggregations: map[string]search.Aggregation{"types": {Kind: search.AggTerms, Field: "tableType"}},
	})
	if err != nil {
		t.Fatalf("%#v: %v", q, err)
	}
	got := make([]entity.ID, len(result.Hits))
	for i, hit := range result.Hits {
		got[i] = hit.ID
	}
	if result.Total != len(want) || !slices.Equal(got, want[:min(len(want), search.MaxWindow)]) {
		t.Fatalf("%#v: found %d documents (total %d), reading finds %d", q, len(got), result.Total, len(want))
	}
	counts := map[string]int{}
	for _, bucket := range result.Aggregations["types"].Buckets {
		if key, ok := bucket.Key.(string); ok {
			counts[key] = bucket.Count
		}
	}
	if diff := cmp.Diff(facet, counts); diff != "" {
		t.Fatalf("%#v: facet (-reading +index):\n%s", q, diff)
	}
}
