//go:build opensearch

package opensearch_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

// TestTwoServersOnOneIndex: of two that follow the same log, the one that has read less neither takes anything back nor
// leaves a gap, whatever the other did: it is told to begin again where the index is.
func TestTwoServersOnOneIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search.db")
	one, other := open(t, path), open(t, path)
	t.Cleanup(func() { _, _ = one.Close(), other.Close() })
	named := func(name string) search.Batch {
		return search.Batch{Upserts: []search.Document{{ID: searchtest.ID(1), Index: "table_search_index", Source: fmt.Appendf(nil, `{"name":%q}`, name)}}}
	}
	write := func(index search.Index, name string, position uint64) error {
		batch := named(name)
		batch.Position = position
		return index.Apply(t.Context(), batch)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(name string, position uint64) {
		t.Helper()
		found, err := one.Search(t.Context(), search.Request{Query: search.Term{Field: "name", Value: name}})
		at, failed := other.Position(t.Context())
		if err != nil || failed != nil || found.Total != 1 || at != position {
			t.Errorf("%q is found %d times at position %d, want once at %d: %v, %v", name, found.Total, at, position, err, failed)
		}
	}
	behind := func(what string, err error) {
		t.Helper()
		if entity.KindOf(err) != entity.KindConflict {
			t.Errorf("%s: %v, want to be told to begin again", what, err)
		}
	}
	must(write(one, "first", 5))
	_, err := other.Position(t.Context())
	must(err)
	must(write(other, "second", 9))
	behind("late, with what was true before", write(one, "old", 7))
	is("second", 9)
	if at, err := one.Position(t.Context()); at != 9 || err != nil {
		t.Fatalf("position %d, %v", at, err)
	}
	must(write(one, "third", 12))

	// The index is exchanged by one that has read less than the other.
	s, err := other.Shadow(t.Context())
	must(err)
	must(write(s, "anew", 10))
	must(s.Replace(t.Context()))
	must(s.Close())
	behind("further on, with an index of before the exchange", write(one, "later", 15))
	is("later", 10)
	if at, err := one.Position(t.Context()); at != 10 || err != nil {
		t.Fatalf("position %d, %v", at, err)
	}
	must(write(one, "last", 15))
	is("last", 15)
	must(other.Reset(t.Context()))
	behind("an index that was emptied", write(one, "gone", 16))
}

// TestRebuildGoesOnWhereItWasCutOff: what another process has filled, up to its mark, is gone on with; what has none, or
// came to its end, is made again.
func TestRebuildGoesOnWhereItWasCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search.db")
	live, g := open(t, path), searchtest.NewGenerator(1)
	t.Cleanup(func() { _ = live.Close() })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(live.Apply(t.Context(), search.Batch{Upserts: g.Documents(3, 1), Position: 9}))
	begun := func(documents int, mark string, position uint64) {
		t.Helper()
		s, err := live.Shadow(t.Context())
		must(err)
		must(s.Apply(t.Context(), search.Batch{Upserts: g.Documents(documents, 1)}))
		if mark != "" {
			must(live.Beside().Mark(t.Context(), mark))
		}
		if position > 0 {
			must(s.Apply(t.Context(), search.Batch{Position: position}))
		}
	}
	after := func(what string, unfinished bool, documents int, mark string) {
		t.Helper()
		next := open(t, path) // another process
		defer next.Close()    //nolint:errcheck // nothing is written
		left, err := next.Unfinished(t.Context())
		must(err)
		s, err := next.Shadow(t.Context())
		must(err)
		n, err := s.Count(t.Context())
		must(err)
		marked, err := next.Beside().Marked(t.Context())
		must(err)
		if left != unfinished || n != documents || marked != mark {
			t.Errorf("%s: unfinished %t with %d documents and the mark %q; want %t, %d and %q", what, left, n, marked, unfinished, documents, mark)
		}
		must(s.Close())
	}
	after("nothing begun", false, 0, "")
	begun(5, "", 0)
	after("no mark", false, 0, "")
	begun(5, `{"after":"x"}`, 0)
	after("a mark", true, 5, `{"after":"x"}`)
	begun(5, `{"after":"x"}`, 7)
	after("come to its end", false, 0, "")
	if n, err := live.Count(t.Context()); n != 3 || err != nil {
		t.Errorf("the index that answers has %d documents, %v", n, err)
	}
}
