package searchtest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Open opens the index at a path, creating it when it is not there.
type Open func(t testing.TB, path string) search.Index

// Run proves that an engine keeps the contract of search.Index.
func Run(t *testing.T, open Open) {
	t.Run("Queries", func(t *testing.T) { queries(t, open) })
	t.Run("QueryTexts", func(t *testing.T) { queryTexts(t, open) })
	t.Run("Ranking", func(t *testing.T) { ranking(t, open) })
	t.Run("Paging", func(t *testing.T) { paging(t, open) })
	t.Run("Aggregations", func(t *testing.T) { aggregations(t, open) })
	t.Run("Changes", func(t *testing.T) { changes(t, open) })
	t.Run("Reopen", func(t *testing.T) { reopen(t, open) })
	t.Run("Limits", func(t *testing.T) { limits(t, open) })
	t.Run("Visible", func(t *testing.T) { visible(t, open) })
	t.Run("Shadow", func(t *testing.T) { shadow(t, open) })
}

func table(n int, source string) search.Document {
	return search.Document{ID: ID(n), Index: "table_search_index", Source: []byte(source)}
}

// catalog is the small set of documents the cases are about.
func catalog() []search.Document {
	docs := []search.Document{
		table(1, `{"name":"orders","displayName":"Purchases","fullyQualifiedName":"pg.shop.public.orders","tableType":"Regular","service":{"name":"pg"},"serviceType":"Postgres","updatedAt":1000,"columnNames":["id","customer_id"],"columns":[{"name":"id"},{"name":"customer_id","description":"who bought"}],"tags":[{"tagFQN":"PII.Sensitive"}],"owners":[{"name":"Sales"}],"sourceUrl":"http://x/1"}`),
		table(2, `{"name":"CustomerOrders","fullyQualifiedName":"pg.shop.public.CustomerOrders","tableType":"View","service":{"name":"pg"},"serviceType":"Postgres","updatedAt":2000,"schemaDefinition":"SELECT * FROM orders","description":"Café sales by customer","processedLineage":true}`),
		table(3, `{"name":"a.b","fullyQualifiedName":"my.\"a.b\"","tableType":"View","service":{"name":"My"},"serviceType":"Mysql","updatedAt":3000,"description":"orders of orders"}`),
		table(4, `{"name":"old_orders","fullyQualifiedName":"pg.shop.public.old_orders","tableType":"Regular","service":{"name":"pg"},"serviceType":"Postgres","updatedAt":4000,"deleted":true}`),
		{ID: ID(5), Index: "team_search_index", Source: []byte(`{"name":"Data Engineering","displayName":"Engineers","fullyQualifiedName":"Data Engineering","isBot":false,"teamType":"Group"}`)},
		{ID: ID(6), Index: "user_search_index", Source: []byte(`{"name":"ann","email":"Ann@Example.com","fullyQualifiedName":"ann","isBot":false}`)},
	}
	docs[3].Deleted = true
	return docs
}

func load(t *testing.T, open Open, docs []search.Document) search.Index {
	t.Helper()
	index := open(t, filepath.Join(t.TempDir(), "search.db"))
	t.Cleanup(func() {
		if err := index.Close(); err != nil {
			t.Error(err)
		}
	})
	apply(t, index, search.Batch{Upserts: docs, Position: 1})
	return index
}

func apply(t *testing.T, index search.Index, batch search.Batch) {
	t.Helper()
	if err := index.Apply(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, index search.Index, req search.Request) search.Result {
	t.Helper()
	result, err := index.Search(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// numbers returns which of the documents were found, in order.
func numbers(result search.Result) []int {
	found := make([]int, 0, len(result.Hits))
	for _, hit := range result.Hits {
		for n := range 2000 {
			if ID(n) == hit.ID {
				found = append(found, n)
			}
		}
	}
	return found
}

func text(s string) *string { return &s }

func queries(t *testing.T, open Open) {
	index := load(t, open, catalog())
	all := []int{1, 2, 3, 4, 5, 6}
	for name, c := range map[string]struct {
		query search.Query
		want  []int
	}{
		"everything":        {search.MatchAll{}, all},
		"no query":          {nil, all},
		"nothing":           {search.MatchNone{}, nil},
		"term, other case":  {search.Term{Field: "tableType", Value: "VIEW"}, []int{2, 3}},
		"term, keyword":     {search.Term{Field: "service.name.keyword", Value: "my"}, []int{3}},
		"term, boolean":     {search.Term{Field: "processedLineage", Value: "true"}, []int{2}},
		"term, number":      {search.Term{Field: "updatedAt", Value: "3000"}, []int{3}},
		"term, whole name":  {search.Term{Field: "name", Value: "orders"}, []int{1}},
		"term, not indexed": {search.Term{Field: "schemaDefinition.keyword", Value: "select * from ORDERS"}, []int{2}},
		"term, no field":    {search.Term{Field: "nope", Value: "x"}, nil},
		"terms":             {search.Terms{Field: "serviceType", Values: []string{"mysql", "Oracle"}}, []int{3}},
		"exists":            {search.Exists{Field: "schemaDefinition"}, []int{2}},
		"exists, object":    {search.Exists{Field: "owners"}, []int{1}},
		"ids":               {search.IDs{Values: []string{ID(3).String(), "nonsense"}}, []int{3}},
		"range of numbers":  {search.Range{Field: "updatedAt", GT: text("1000"), LTE: text("3000")}, []int{2, 3}},
		"range of text":     {search.Range{Field: "serviceType", GTE: text("n")}, []int{1, 2, 4}},
		"prefix":            {search.Prefix{Field: "fullyQualifiedName", Value: "PG.shop"}, []int{1, 2, 4}},
		"glob at the front": {search.Wildcard{Field: "fullyQualifiedName", Pattern: "*.shop.public.orders"}, []int{1}},
		"glob, quoted name": {search.Wildcard{Field: "fullyQualifiedName", Pattern: `*."a.b"`}, []int{3}},
		"regexp":            {search.Regexp{Field: "name", Pattern: "(old_)?orders"}, []int{1, 2, 4}},
		"words of camel":    {search.Match{Field: "name", Text: "customer"}, []int{2}},
		"undivided run":     {search.Match{Field: "name", Text: "customerorders"}, []int{2}},
		"all words":         {search.Match{Field: "description", Text: "cafe customer", Operator: search.And}, []int{2}},
		"any word":          {search.Match{Field: "description", Text: "cafe orders"}, []int{2, 3}},
		"typo":              {search.Match{Field: "name", Text: "ordres", Fuzziness: search.FuzzyAuto}, []int{1, 2, 4}},
		"phrase":            {search.MatchPhrase{Field: "description", Text: "sales by"}, []int{2}},
		"phrase, order":     {search.MatchPhrase{Field: "description", Text: "by sales"}, nil},
		"across fields":     {search.MultiMatch{Text: "purchases customer", Operator: search.And}, []int{1}},
		"column words":      {search.Match{Field: "columns.name", Text: "customer"}, []int{1}},
		"nested":            {search.Nested{Path: "columns", Query: search.Term{Field: "columns.name", Value: "customer_id"}}, []int{1}},
		"not":               {search.Bool{MustNot: []search.Query{search.Exists{Field: "tableType"}}}, []int{5, 6}},
		"two of three": {search.Bool{MinShould: 2, Should: []search.Query{
			search.Term{Field: "tableType", Value: "View"}, search.Term{Field: "serviceType", Value: "Postgres"}, search.Exists{Field: "deleted"},
		}}, []int{2, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			result := find(t, index, search.Request{Query: c.query, Size: 100})
			got := numbers(result)
			slices.Sort(got)
			if !slices.Equal(got, c.want) || result.Total != len(c.want) {
				t.Errorf("found %v, total %d; want %v", got, result.Total, c.want)
			}
		})
	}
}

func queryTexts(t *testing.T, open Open) {
	index := load(t, open, catalog())
	for name, c := range map[string]struct {
		text string
		want []int
	}{
		"owner by name":     {"Data AND Engineering AND isBot:false", []int{5}},
		"nobody's name":     {"Nobody AND isBot:false", nil},
		"owner by mail":     {"email.keyword:ann@example.com", []int{6}},
		"fqn in quotes":     {`fullyQualifiedName:"pg.shop.public.orders"`, []int{1}},
		"fqn typed":         {"pg.shop.public.orders", []int{1, 2, 4}},
		"without":           {"orders -purchases", []int{2, 3, 4}},
		"unbalanced quote":  {`"orders AND`, []int{1, 2, 3, 4}},
		"field with quotes": {`tags.tagFQN:"PII.Sensitive"`, []int{1}},
		"beginning":         {"purch", []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := search.ParseQueryString(c.text, search.QueryStringOptions{Operator: search.And, Prefix: true})
			if err != nil {
				t.Fatal(err)
			}
			got := numbers(find(t, index, search.Request{Query: q, Size: 100}))
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s found %v, want %v", c.text, got, c.want)
			}
		})
	}
}

func ranking(t *testing.T, open Open) {
	docs := []search.Document{
		table(10, `{"name":"t1","fullyQualifiedName":"s.t1","description":"customer customer"}`),
		table(11, `{"name":"t2","fullyQualifiedName":"s.t2","columns":[{"name":"customer"}]}`),
		table(12, `{"name":"t3","fullyQualifiedName":"s.t3","displayName":"The customer list"}`),
		table(13, `{"name":"customer_history","fullyQualifiedName":"s.customer_history"}`),
		table(14, `{"name":"customer","fullyQualifiedName":"s.customer"}`),
	}
	index := load(t, open, docs)
	q, err := search.ParseQueryString("customer", search.QueryStringOptions{Operator: search.And})
	if err != nil {
		t.Fatal(err)
	}
	result := find(t, index, search.Request{Query: q, Size: 10, Highlight: true})
	if diff := cmp.Diff([]int{14, 13, 12, 11, 10}, numbers(result)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if result.MaxScore != result.Hits[0].Score || result.Hits[0].Highlight["name"] == nil {
		t.Errorf("best hit: %+v, max score %g", result.Hits[0], result.MaxScore)
	}
}

func paging(t *testing.T, open Open) {
	g := NewGenerator(21)
	docs := g.Documents(1200, 2)
	index := load(t, open, docs)
	for _, c := range []struct {
		sort  search.Sort
		query search.Query
	}{
		{search.Sort{Field: "fullyQualifiedName", Desc: true}, search.Term{Field: "tableType", Value: "View"}},
		{search.Sort{Field: "fullyQualifiedName"}, nil},
		{search.Sort{Field: "updatedAt", Desc: true}, nil},
		{search.Sort{Field: "displayName.keyword"}, nil},
		{search.Sort{Field: "tags.tagFQN"}, nil},
		{search.Sort{Field: "tags.tagFQN", Desc: true}, search.IDs{Values: []string{ID(1).String(), ID(2).String(), ID(3).String()}}},
		{search.Sort{Field: "_score", Desc: true}, search.MultiMatch{Text: "order customer"}},
	} {
		t.Run(fmt.Sprint(c.sort), func(t *testing.T) {
			total := find(t, index, search.Request{Query: c.query}).Total
			seen := map[entity.ID]bool{}
			req := search.Request{Query: c.query, Size: 100, Sort: []search.Sort{c.sort}}
			for pages := 0; pages < 20; pages++ {
				result := find(t, index, req)
				if len(result.Hits) == 0 {
					break
				}
				req.After = nil
				for _, hit := range result.Hits {
					if seen[hit.ID] {
						t.Fatalf("%v came twice", hit.ID)
					}
					seen[hit.ID] = true
				}
				for _, value := range result.Hits[len(result.Hits)-1].Sort {
					req.After = append(req.After, sortText(value))
				}
			}
			if len(seen) != total || total == 0 {
				t.Errorf("%d documents on all pages, want %d", len(seen), total)
			}
		})
	}
}

func sortText(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case float64:
		return fmt.Sprintf("%v", value)
	}
	return fmt.Sprint(value)
}

func aggregations(t *testing.T, open Open) {
	index := load(t, open, catalog())
	day := int64(24 * time.Hour / time.Millisecond)
	result := find(t, index, search.Request{PostFilter: search.Term{Field: "tableType", Value: "View"}, Size: 10, Aggregations: map[string]search.Aggregation{
		"types": {Kind: search.AggTerms, Field: "tableType", Size: 1, Sub: map[string]search.Aggregation{"newest": {Kind: search.AggMax, Field: "updatedAt"}}},
		"kinds": {Kind: search.AggCardinality, Field: "serviceType"},
		"sum":   {Kind: search.AggSum, Field: "updatedAt"},
		"none":  {Kind: search.AggMin, Field: "nope"},
		"days":  {Kind: search.AggDateHistogram, Field: "updatedAt", Every: search.Interval{Unit: "ms", Width: day}},
		"views": {Kind: search.AggFilter, Filter: search.Term{Field: "tableType", Value: "View"}},
		"top":   {Kind: search.AggTopHits, Size: 1, Sort: []search.Sort{{Field: "updatedAt", Desc: true}}},
	}})
	a := result.Aggregations
	if result.Total != 2 || a["views"].DocCount != 2 || a["top"].Total != 6 || a["top"].Hits[0].ID != ID(4) {
		t.Errorf("total %d, views %d, top %+v", result.Total, a["views"].DocCount, a["top"])
	}
	if b := a["types"].Buckets; len(b) != 1 || b[0].Key != "View" && b[0].Key != "Regular" || b[0].Count != 2 || a["types"].Other != 2 || b[0].Sub["newest"].Value == nil {
		t.Errorf("types: %+v", a["types"])
	}
	checkMetrics(t, a)
}

func checkMetrics(t *testing.T, a map[string]search.AggregationResult) {
	t.Helper()
	if *a["kinds"].Value != 2 || *a["sum"].Value != 10_000 || a["none"].Value != nil {
		t.Errorf("metrics: %+v %+v %+v", a["kinds"], a["sum"], a["none"])
	}
	if b := a["days"].Buckets; len(b) != 1 || b[0].Key != int64(0) || b[0].Count != 4 {
		t.Errorf("days: %+v", b)
	}
}

func changes(t *testing.T, open Open) {
	index := load(t, open, catalog())
	yes, no := true, false
	if got := numbers(find(t, index, search.Request{Deleted: &yes, Size: 10})); !slices.Equal(got, []int{4}) {
		t.Errorf("deleted: %v", got)
	}
	if got := find(t, index, search.Request{Deleted: &no, Indexes: []string{"table_search_index"}}).Total; got != 3 {
		t.Errorf("%d tables that are not deleted, want 3", got)
	}
	apply(t, index, search.Batch{
		Upserts: []search.Document{table(1, `{"name":"renamed","fullyQualifiedName":"pg.shop.public.renamed"}`)},
		Deletes: []entity.ID{ID(2), ID(99)}, Position: 7,
	})
	if got := find(t, index, search.Request{Query: search.Term{Field: "name", Value: "orders"}}).Total; got != 0 {
		t.Error("the old name is still found")
	}
	if got := numbers(find(t, index, search.Request{Query: search.Term{Field: "name", Value: "renamed"}, Size: 5})); !slices.Equal(got, []int{1}) {
		t.Errorf("the new name finds %v", got)
	}
	if n, err := index.Count(context.Background()); err != nil || n != 5 {
		t.Errorf("%d documents, %v; want 5", n, err)
	}
	if err := index.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	position, err := index.Position(context.Background())
	if err != nil || position != 0 || find(t, index, search.Request{}).Total != 0 {
		t.Errorf("after a reset: position %d, %v", position, err)
	}
}

func reopen(t *testing.T, open Open) {
	path := filepath.Join(t.TempDir(), "search.db")
	index := open(t, path)
	apply(t, index, search.Batch{Upserts: catalog(), Position: 41})
	apply(t, index, search.Batch{Deletes: []entity.ID{ID(1)}, Position: 42})
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
	index = open(t, path)
	defer func() {
		if err := index.Close(); err != nil {
			t.Error(err)
		}
	}()
	position, err := index.Position(context.Background())
	if err != nil || position != 42 {
		t.Errorf("position %d, %v; want 42", position, err)
	}
	got := numbers(find(t, index, search.Request{Query: search.Match{Field: "name", Text: "orders"}, Size: 10}))
	slices.Sort(got)
	if !slices.Equal(got, []int{2, 4}) {
		t.Errorf("found %v after opening again", got)
	}
}

func limits(t *testing.T, open Open) {
	index := load(t, open, catalog())
	deep := search.Query(search.MatchAll{})
	for range search.MaxDepth + 2 {
		deep = search.Bool{Must: []search.Query{deep}}
	}
	for name, req := range map[string]search.Request{
		"window":      {From: search.MaxWindow, Size: 1},
		"negative":    {From: -1},
		"depth":       {Query: deep},
		"terms":       {Query: search.Terms{Field: "name", Values: make([]string, search.MaxTerms+1)}},
		"bad regexp":  {Query: search.Regexp{Field: "name", Pattern: "("}},
		"after alone": {After: []string{"x"}},
		"facet size":  {Aggregations: map[string]search.Aggregation{"a": {Field: "name", Size: search.MaxBuckets + 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := index.Search(context.Background(), req); entity.KindOf(err) != entity.KindBadRequest {
				t.Errorf("got %v, want a bad request", err)
			}
		})
	}
}
