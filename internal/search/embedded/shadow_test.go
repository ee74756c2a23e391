package embedded_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

// TestSearchesGoOnWhileTheIndexIsReplaced: whoever searches meanwhile finds the old index
// or the new one, never a part and never an error.
func TestSearchesGoOnWhileTheIndexIsReplaced(t *testing.T) {
	ctx := context.Background()
	docs := searchtest.NewGenerator(9).Documents(600, 2)
	dir := t.TempDir()
	engine := open(t, filepath.Join(dir, "search.db"))
	fill(t, engine, docs[:200], 200)
	stop := make(chan struct{})
	var searching sync.WaitGroup
	for range 8 {
		searching.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := engine.Search(ctx, search.Request{Query: search.Exists{Field: "name"}, Size: 3})
				if err != nil {
					t.Errorf("a search meanwhile: %v", err)
					return
				}
				if got.Total != 200 && got.Total != 600 {
					t.Errorf("a search meanwhile finds %d documents, want 200 or 600", got.Total)
					return
				}
			}
		})
	}
	for round := range 6 {
		size := 600 - 400*(round%2)
		s, err := engine.Shadow(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(ctx, search.Batch{Upserts: docs[:size], Position: 5}); err != nil {
			t.Fatal(err)
		}
		if err := s.Replace(ctx); err != nil {
			t.Fatal(err)
		}
		if n, err := engine.Count(ctx); n != size || err != nil {
			t.Fatalf("%d documents after the exchange (%v), want %d", n, err, size)
		}
	}
	close(stop)
	searching.Wait()
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new*")); len(left) > 0 {
		t.Errorf("files are left behind: %v", left)
	}
}
