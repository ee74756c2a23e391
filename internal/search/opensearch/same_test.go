//go:build opensearch

package opensearch_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/embedded"
	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

// TestSameAnswersAsEmbedded asks both engines the same questions; CATALPA_QUESTIONS says how many.
func TestSameAnswersAsEmbedded(t *testing.T) {
	questions := 2000
	if text := os.Getenv("CATALPA_QUESTIONS"); text != "" {
		var err error
		if questions, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	g := searchtest.NewGenerator(2026)
	docs := g.WithFacts(g.Documents(1500, 3))
	path := filepath.Join(t.TempDir(), "search.db")
	here, err := embedded.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	there := open(t, path)
	for _, index := range []search.Index{here, there} {
		t.Cleanup(func() {
			if err := index.Close(); err != nil {
				t.Error(err)
			}
		})
		for chunk := range slices.Chunk(docs, 500) {
			if err := index.Apply(t.Context(), search.Batch{Upserts: chunk, Position: 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	searchtest.Same(t, here, there, g, questions)
	searchtest.Compare(t, there, docs, g, questions/10)
}
