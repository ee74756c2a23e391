//go:build opensearch

// Package enginetest gives the tests of other packages the search engine that they run with: the embedded one or, with
// the build tag opensearch, one at a node of OpenSearch that is started for them.
//
// The package may import search and its engines.
package enginetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/opensearch"
	"github.com/catalpa-metadata/catalpa/internal/search/opensearch/ostest"
)

// node is the one that all tests of a process share: a start takes seconds.
//
//nolint:gochecknoglobals // see above
var node struct {
	once   sync.Once
	home   string
	server *ostest.Server
	err    error
}

func start() {
	if node.home, node.err = os.MkdirTemp("", "opensearch"); node.err != nil {
		return
	}
	if node.server, node.err = ostest.New(node.home); node.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	node.err = node.server.Start(ctx)
}

// Patience is how long a search of a test waits until the index has caught up. A node that was just started, on a machine
// with much else to do, takes its time to learn of new fields.
const Patience = 20 * time.Second

// Open opens an empty index that belongs to a folder.
func Open(ctx context.Context, dir string) (search.Index, error) {
	if node.once.Do(start); node.err != nil {
		return nil, node.err
	}
	digest := sha256.Sum256([]byte(dir))
	engine, err := opensearch.Open(opensearch.Options{Addresses: []string{node.server.Address}, Index: "test-" + hex.EncodeToString(digest[:8])})
	if err != nil {
		return nil, err
	}
	return removed{engine}, engine.Reset(ctx)
}

// removed is an index that nobody needs after its test.
type removed struct{ *opensearch.Engine }

// Close removes the index: a node has no room for those of hundreds of tests.
func (r removed) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(r.Remove(ctx), r.Engine.Close())
}

// End ends what Open has started for all tests. TestMain calls it at the end.
func End() {
	if node.server != nil {
		node.server.Stop()
	}
	_ = os.RemoveAll(node.home)
}
