package embedded_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/embedded"
	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

func open(t testing.TB, path string) *embedded.Engine {
	t.Helper()
	engine, err := embedded.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func fill(t testing.TB, engine *embedded.Engine, docs []search.Document, batch int) {
	t.Helper()
	for start := 0; start < len(docs); start += batch {
		end := min(start+batch, len(docs))
		if err := engine.Apply(context.Background(), search.Batch{Upserts: docs[start:end], Position: uint64(end)}); err != nil {
			t.Fatal(err)
		}
	}
}

// The index gives the answers that reading all documents gives, with documents
// in the tail, in merged postings, replaced and removed.
func TestAgainstReadingEveryDocument(t *testing.T) {
	g := searchtest.NewGenerator(7)
	docs := g.Documents(10_000, 3)
	engine := open(t, filepath.Join(t.TempDir(), "search.db"))
	defer func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	fill(t, engine, docs, 450)
	again := searchtest.NewGenerator(8).Documents(700, 3)
	fill(t, engine, again, 50)
	copy(docs, again)
	removed := search.Batch{Position: 1}
	for _, doc := range docs[9_800:] {
		removed.Deletes = append(removed.Deletes, doc.ID)
	}
	if err := engine.Apply(context.Background(), removed); err != nil {
		t.Fatal(err)
	}
	docs = docs[:9_800]
	searchtest.Compare(t, engine, docs, g, 100)
}

func BenchmarkEngine(b *testing.B) {
	engine := open(b, filepath.Join(b.TempDir(), "search.db"))
	docs := searchtest.NewGenerator(3).Documents(20_000, 20)
	begin := time.Now()
	fill(b, engine, docs, 500)
	b.ReportMetric(float64(time.Since(begin).Microseconds())/float64(len(docs)), "µs/doc-bulk")
	b.Run("index one", func(b *testing.B) {
		for i := range b.N {
			fill(b, engine, docs[i%len(docs):i%len(docs)+1], 1)
		}
	})
	deleted := false
	requests := map[string]search.Request{
		"word":        {Query: search.MultiMatch{Text: "customer"}, Size: 10, Deleted: &deleted},
		"two words":   {Query: search.MultiMatch{Text: "customer invoice", Operator: search.And, Prefix: true}, Size: 10, Deleted: &deleted},
		"fqn suffix":  {Query: search.Wildcard{Field: "fullyQualifiedName", Pattern: "*.sales.public_order." + "*_77"}, Size: 10},
		"facets":      {Query: search.MultiMatch{Text: "order"}, Size: 10, Aggregations: map[string]search.Aggregation{"a": {Kind: search.AggTerms, Field: "tableType"}, "b": {Kind: search.AggTerms, Field: "serviceType"}, "c": {Kind: search.AggTerms, Field: "tags.tagFQN"}}},
		"sorted page": {Sort: []search.Sort{{Field: "fullyQualifiedName", Desc: true}}, Size: 100, After: []string{"svc_2.sales.public_order.order", searchtest.ID(5).String()}},
		"view filter": {Filter: search.Bool{Must: []search.Query{search.Term{Field: "service.name.keyword", Value: "svc_1"}, search.Terms{Field: "tableType", Values: []string{"View"}}}}, Sort: []search.Sort{{Field: "fullyQualifiedName"}}, Size: 100},
		"typo":        {Query: search.MultiMatch{Text: "custmer", Fuzziness: search.FuzzyAuto}, Size: 10},
	}
	for name, req := range requests {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				if _, err := engine.Search(context.Background(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	if err := engine.Close(); err != nil {
		b.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	searchtest.Run(t, func(t testing.TB, path string) search.Index { return open(t, path) })
}

// A search sees a batch whole or not at all, while others write and the tail is
// merged.
func TestSearchesSeeWholeBatches(t *testing.T) {
	engine := open(t, filepath.Join(t.TempDir(), "search.db"))
	g := searchtest.NewGenerator(5)
	const batch, batches = 100, 8
	written := make(chan error, 1)
	go func() {
		for n := range batches {
			docs := make([]search.Document, batch)
			for i := range docs {
				docs[i] = g.Document(n*batch+i, 1)
			}
			if err := engine.Apply(context.Background(), search.Batch{Upserts: docs, Position: uint64(n)}); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for total := 0; total < batch*batches; {
				result, err := engine.Search(context.Background(), search.Request{Query: search.Exists{Field: "name"}, Size: 5})
				if err != nil || result.Total%batch != 0 || result.Total < total {
					t.Errorf("total %d after %d, %v", result.Total, total, err)
					return
				}
				total = result.Total
			}
		})
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	group.Wait()
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
}
