package searchtest

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// shadow proves that an index can be made anew while another answers, if the engine says that it can.
func shadow(t *testing.T, open Open) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "search.db")
	index := open(t, path)
	apply(t, index, search.Batch{Upserts: catalog(), Position: 7})
	engine, ok := index.(search.Replaceable)
	if !ok {
		if err := index.Close(); err != nil {
			t.Error(err)
		}
		return
	}
	is := func(when string, index search.Index, documents int, position uint64) {
		t.Helper()
		n, err := index.Count(ctx)
		if err != nil {
			t.Fatal(err)
		}
		found := find(t, index, search.Request{Query: search.Exists{Field: "name"}}).Total
		at, err := index.Position(ctx)
		if err != nil || n != documents || found != documents || at != position {
			t.Errorf("%s: %d documents, %d found, position %d, %v; want %d and %d", when, n, found, at, err, documents, position)
		}
	}
	shadowOf := func(documents int) search.Shadow {
		t.Helper()
		s, err := engine.Shadow(ctx)
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, search.Batch{Upserts: catalog()[:documents], Position: uint64(documents)})
		return s
	}
	left := shadowOf(1)
	is("beside a shadow", index, 6, 7)
	is("the shadow", left, 1, 1)
	given := shadowOf(2) // what was left before is gone
	is("beside another shadow", index, 6, 7)
	is("the other shadow", given, 2, 2)
	if err := given.Close(); err != nil {
		t.Error(err)
	}
	is("after a shadow was given up", index, 6, 7)
	for round := 3; round < 5; round++ {
		s := shadowOf(round)
		apply(t, index, search.Batch{Upserts: catalog(), Position: 8})
		if err := s.Replace(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		is("replaced", index, round, uint64(round))
		apply(t, index, search.Batch{Upserts: catalog(), Position: uint64(round) + 1})
		is("and written", index, 6, uint64(round)+1)
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
	index = open(t, path)
	is("opened again", index, 6, 5)
	if err := index.Close(); err != nil {
		t.Error(err)
	}
}
