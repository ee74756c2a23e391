package search_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

// TestColumnsAgreeWithTheirDocuments compares what random queries find among columns
// with reading the document of every column.
func TestColumnsAgreeWithTheirDocuments(t *testing.T) {
	index := openIndex(t, filepath.Join(t.TempDir(), "search.db"))
	t.Cleanup(func() { _ = index.Close() })
	g := searchtest.NewGenerator(7)
	check(t, index.Apply(context.Background(), search.Batch{Upserts: g.Documents(150, 8), Position: 1}))
	find := func(q search.Query) search.Result {
		t.Helper()
		result, err := search.FindColumns(search.Request{
			Indexes: []string{"column_search_index"}, Query: q, Size: search.MaxWindow, Sort: []search.Sort{{Field: "_id"}},
			Aggregations: map[string]search.Aggregation{"types": {Kind: search.AggTerms, Field: "dataType"}},
		}, func(req search.Request) (search.Result, error) { return index.Search(context.Background(), req) })
		if err != nil {
			t.Fatalf("%#v: %v", q, err)
		}
		return result
	}
	all := find(nil)
	if all.Total != 150*8 || all.AtLeast {
		t.Fatalf("there are %d columns (more: %t), want all %d", all.Total, all.AtLeast, 150*8)
	}
	fields := make([]*search.Fields, len(all.Hits))
	for i, hit := range all.Hits {
		var err error
		if fields[i], err = search.ReadFields(hit.ID, hit.Source); err != nil {
			t.Fatal(err)
		}
	}
	queries := []search.Query{
		search.Term{Field: "name.keyword", Value: "ORDER_00"}, search.Terms{Field: "dataType", Values: []string{"bigint", "DATE"}},
		search.Prefix{Field: "fullyQualifiedName", Value: "svc_1.Sales"}, search.IDs{Values: []string{all.Hits[3].ID.String(), all.Hits[700].ID.String()}},
		search.Term{Field: "fullyQualifiedName", Value: fields[5].Values("fullyQualifiedName")[0].Text},
		search.Term{Field: "table.name.keyword", Value: fields[9].Values("table.name")[0].Text},
	}
	for range 150 {
		queries = append(queries, g.Query(2))
	}
	matched := 0
	for _, q := range queries {
		matcher, err := search.NewMatcher(q)
		check(t, err)
		var want, got []entity.ID
		counts := map[string]int{}
		for i, hit := range all.Hits {
			if matcher.Match(fields[i]) {
				want = append(want, hit.ID)
				counts[fields[i].Values("dataType")[0].Text]++
			}
		}
		result := find(q)
		for _, hit := range result.Hits {
			got = append(got, hit.ID)
		}
		if !slices.Equal(got, want) || result.Total != len(want) {
			t.Fatalf("%#v: found %d columns (total %d), reading them finds %d", q, len(got), result.Total, len(want))
		}
		for _, bucket := range result.Aggregations["types"].Buckets {
			key, _ := bucket.Key.(string)
			if counts[key] != bucket.Count {
				t.Fatalf("%#v: the facet counts %d of %s, reading finds %d", q, bucket.Count, key, counts[key])
			}
		}
		matched += len(want)
	}
	if matched == 0 {
		t.Fatal("no query matched anything: the comparison proves nothing")
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
