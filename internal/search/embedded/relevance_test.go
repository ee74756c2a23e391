package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

// TestRelevance also holds docs/search.md to the figures it prints.
func TestRelevance(t *testing.T) {
	e, err := Open(t.Context(), filepath.Join(t.TempDir(), "search.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	table := searchtest.Table(searchtest.Relevance(t, e))
	page, err := os.ReadFile("../../../docs/search.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), table) {
		t.Errorf("docs/search.md has other figures; these are the ones of now:\n%s", table)
	}
}
