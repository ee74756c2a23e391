// Package search finds entities. It declares Index, which embedded and remote
// engines implement and searchtest proves; the query tree (Query) that the
// Elasticsearch-DSL and query-string readers produce; the builder that turns an
// entity into a document; and the indexer that follows the outbox.
//
// The package may import entity, registry and store; backends import
// search and entity.
package search

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Index is a search engine. It is safe for concurrent use.
type Index interface {
	// Apply writes the batch and its position in one step: after a crash, both are
	// there or neither; or, where there are no transactions, a part of the batch, which
	// is then applied again, but never the position without all of the batch.
	Apply(ctx context.Context, batch Batch) error
	// Position returns the outbox position of the last batch, 0 when empty.
	Position(ctx context.Context) (uint64, error)
	// Search answers a request. A query beyond the limits is an error of
	// entity.KindBadRequest.
	Search(ctx context.Context, req Request) (Result, error)
	// Reset empties the index and sets its position to 0.
	Reset(ctx context.Context) error
	// Count returns the number of documents.
	Count(ctx context.Context) (int, error)
	// Size returns how many bytes the index takes on disk.
	Size(ctx context.Context) (int64, error)
	Close() error
}

// Replaceable is an Index that can be made anew beside the one that answers.
type Replaceable interface {
	// Shadow returns an empty index that nobody searches yet. What an earlier one has left is removed.
	Shadow(ctx context.Context) (Shadow, error)
}

// Shadow is an index in the making. Closing it gives it up, unless it has replaced the other.
type Shadow interface {
	Index
	// Replace puts it, with its position, in the place of the index that it was made for, in one step.
	Replace(ctx context.Context) error
}

// Resumable is an Index that remembers how far it has been filled, so that a rebuild
// that was cut off goes on where it was.
type Resumable interface {
	// Mark keeps a text until the index gets a position, or is reset.
	Mark(ctx context.Context, mark string) error
	// Marked returns the text, "" if there is none.
	Marked(ctx context.Context) (string, error)
	// Unfinished tells whether an earlier process has left a shadow with a mark. Shadow
	// then returns that one as it is.
	Unfinished(ctx context.Context) (bool, error)
}

// Document is one entity in the index.
type Document struct {
	ID      entity.ID
	Index   string         // e.g. "table_search_index"
	Deleted bool           // soft-deleted; found only when asked for
	Source  jsontext.Value // what hits show as _source; all searchable fields are taken from it
	// Facts are for Facts queries alone: they decide who sees the document, and
	// nobody sees them.
	Facts []string
}

// Batch is applied as a whole.
type Batch struct {
	Upserts  []Document
	Deletes  []entity.ID
	Position uint64
}

// Request is one search.
type Request struct {
	Indexes      []string // index names after aliases were resolved; empty means all
	Query        Query    // nil matches everything
	Filter       Query    // restricts without scoring; nil does not restrict
	Visible      Query    // restricts to what the caller may see; of Bool, Facts, MatchAll and MatchNone, and Term on _index
	PostFilter   Query    // restricts hits but not aggregations
	Deleted      *bool    // nil: both
	From         int
	Size         int
	Sort         []Sort   // empty: by score; ties are broken by id
	After        []string // search_after: the sort values of the last hit of the page before
	NoSource     bool     // hits need no Source
	Aggregations map[string]Aggregation
	Highlight    bool
	Ranking      *Ranking // nil: DefaultRanking
}

// Sort is one sort key.
type Sort struct {
	Field string // "_score", "_id" or a field path such as "fullyQualifiedName" or "updatedAt"
	Desc  bool
}

// Result is the answer to a Request.
type Result struct {
	Total        int
	AtLeast      bool // there are more than Total: not all was looked at
	MaxScore     float64
	Hits         []Hit
	Aggregations map[string]AggregationResult
}

// Hit is one found document.
type Hit struct {
	ID        entity.ID
	Index     string
	Score     float64
	Source    jsontext.Value
	Sort      []any // values for search_after
	Highlight map[string][]string
}
