// Package sight stands between engine and search index: it asks the index for what
// callers may see, turns a policy.Filter into a query, lists the entities that pass
// one for the engine, and gives the indexer what to index.
//
// The package may import engine, policy, search, store and entity.
package sight

import (
	"context"
	"fmt"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Query is the filter as a query for search.Request.Visible.
func Query(f policy.Filter) search.Query {
	switch f.Kind {
	case policy.FilterAll:
		return search.MatchAll{}
	case policy.FilterHas:
		return search.Facts{Any: f.Facts}
	case policy.FilterNot:
		return search.Bool{MustNot: []search.Query{Query(f.Operands[0])}}
	case policy.FilterAnd:
		return search.Bool{Filter: queries(f.Operands)}
	case policy.FilterOr:
		return search.Bool{Should: queries(f.Operands), MinShould: 1}
	}
	return search.MatchNone{}
}

func queries(filters []policy.Filter) []search.Query {
	out := make([]search.Query, len(filters))
	for i, f := range filters {
		out[i] = Query(f)
	}
	return out
}

// ByIndex joins the filters of several indexes, one each: a document is visible
// when the filter of its own index says so. The names are those of the indexes
// that show anything; the query is nil when all of these show everything.
func ByIndex(indexes []string, filters []policy.Filter) (names []string, visible search.Query) {
	open := search.Terms{Field: "_index"}
	var clauses []search.Query
	groups := map[string]int{} // by the filter's text: many types share one
	for i, index := range indexes {
		f := filters[i]
		if f.Kind == policy.FilterNone {
			continue
		}
		names = append(names, index)
		if f.Kind == policy.FilterAll {
			open.Values = append(open.Values, index)
			continue
		}
		text := f.String()
		at, known := groups[text]
		if !known {
			at = len(clauses)
			groups[text] = at
			clauses = append(clauses, search.Bool{Filter: []search.Query{search.Terms{Field: "_index"}, Query(f)}})
		}
		clauses[at] = withIndex(clauses[at], index)
	}
	if len(clauses) == 0 {
		return names, nil
	}
	if len(open.Values) > 0 {
		clauses = append(clauses, open)
	}
	return names, search.Bool{Should: clauses, MinShould: 1}
}

// withIndex adds an index to a clause that ByIndex made.
func withIndex(clause search.Query, index string) search.Query {
	b, ok := clause.(search.Bool)
	if !ok {
		return clause
	}
	if of, ok := b.Filter[0].(search.Terms); ok {
		of.Values = append(of.Values, index)
		b.Filter[0] = of
	}
	return b
}

// Indexer is what lists ask of the indexer.
type Indexer interface {
	CatchUp(ctx context.Context, delay time.Duration) (exact bool, err error)
}

// Finder implements engine.Finder with the search index.
type Finder struct {
	index   search.Index
	indexer Indexer
	catalog *search.Catalog
	delay   time.Duration
}

// NewFinder makes a finder. delay is how long a list waits at most until the
// index has caught up with what was written before.
func NewFinder(index search.Index, indexer Indexer, catalog *search.Catalog, delay time.Duration) *Finder {
	return &Finder{index: index, indexer: indexer, catalog: catalog, delay: delay}
}

// Find implements engine.Finder.
func (f *Finder) Find(ctx context.Context, req engine.FindRequest) (engine.Found, error) {
	name, ok := f.catalog.IndexOf(req.Type)
	if !ok {
		return engine.Found{}, entity.Internal(fmt.Errorf("there is no index of %s", req.Type))
	}
	if _, err := f.indexer.CatchUp(ctx, f.delay); err != nil {
		return engine.Found{}, err
	}
	query := search.Request{
		Indexes: []string{name}, Visible: visible(req), Deleted: deleted(req.Include), Size: req.Limit, NoSource: true,
		Sort: []search.Sort{{Field: "fullyQualifiedName", Desc: req.Before != nil}}, After: req.After,
	}
	if req.Before != nil {
		query.After = req.Before
	}
	for member, value := range req.Members {
		query.Filter = and(query.Filter, search.Term{Field: member, Value: value})
	}
	result, err := f.index.Search(ctx, query)
	if err != nil {
		return engine.Found{}, err
	}
	found := engine.Found{Total: result.Total, Items: make([]engine.FoundItem, len(result.Hits))}
	for i, hit := range result.Hits {
		at := i
		if req.Before != nil {
			at = len(result.Hits) - 1 - i
		}
		found.Items[at] = engine.FoundItem{ID: hit.ID, Key: keyOf(hit)}
	}
	return found, nil
}

func visible(req engine.FindRequest) search.Query {
	all := search.Bool{Filter: []search.Query{Query(req.Sight)}}
	for _, fact := range req.Facts {
		all.Filter = append(all.Filter, search.Facts{Any: []string{fact}})
	}
	return all
}

func and(a, b search.Query) search.Query {
	if a == nil {
		return b
	}
	return search.Bool{Filter: []search.Query{a, b}}
}

func deleted(include store.Include) *bool {
	if include == store.All {
		return nil
	}
	only := include == store.Deleted
	return &only
}

// keyOf is where the page after a hit begins: its name and its id.
func keyOf(hit search.Hit) []string {
	key := make([]string, len(hit.Sort))
	for i, value := range hit.Sort {
		key[i] = fmt.Sprint(value)
	}
	return key
}
