//go:build !opensearch

// Package enginetest gives the tests of other packages the search engine that they run with: the embedded one or, with
// the build tag opensearch, one at a node of OpenSearch that is started for them.
//
// The package may import search and its engines.
package enginetest

import (
	"context"
	"path/filepath"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/embedded"
)

// Patience is how long a search of a test waits until the index has caught up.
const Patience = time.Second

// Open opens an empty index that belongs to a folder.
func Open(ctx context.Context, dir string) (search.Index, error) {
	return embedded.Open(ctx, filepath.Join(dir, "search.db"))
}

// End ends what Open has started for all tests. TestMain calls it at the end.
func End() {}
