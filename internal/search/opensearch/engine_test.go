//go:build opensearch

package opensearch_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/opensearch"
	"github.com/catalpa-metadata/catalpa/internal/search/opensearch/ostest"
	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

// node is the one that all tests but those of outages share.
var node *ostest.Server //nolint:gochecknoglobals // started once: a start takes seconds

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	home, err := os.MkdirTemp("", "opensearch")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(home)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if node, err = ostest.New(home); err == nil {
		err = node.Start(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer node.Stop()
	return m.Run()
}

// open opens an index that goes by the path.
func open(t testing.TB, path string) *opensearch.Engine {
	t.Helper()
	digest := sha256.Sum256([]byte(path))
	engine, err := opensearch.Open(opensearch.Options{Addresses: []string{node.Address}, Index: "test-" + hex.EncodeToString(digest[:8])})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestConformance(t *testing.T) {
	searchtest.Run(t, func(t testing.TB, path string) search.Index { return open(t, path) })
}
