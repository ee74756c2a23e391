//go:build opensearch

package opensearch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

// TestRelevance also holds docs/search.md to the figures it prints.
func TestRelevance(t *testing.T) {
	index := open(t, filepath.Join(t.TempDir(), "search.db"))
	t.Cleanup(func() { _ = index.Close() })
	table := searchtest.Table(searchtest.Relevance(t, index))
	page, err := os.ReadFile("../../../docs/search.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), table) {
		t.Errorf("docs/search.md has other figures; these are the ones of now:\n%s", table)
	}
}
