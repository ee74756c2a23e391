package search_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// exchanged is an index that can be made anew beside itself.
type exchanged struct {
	mu    sync.RWMutex
	now   search.Index
	fresh func() search.Index
	given int // shadows that were given up
}

func (e *exchanged) current() search.Index {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.now
}

func (e *exchanged) Apply(ctx context.Context, batch search.Batch) error {
	return e.current().Apply(ctx, batch)
}
func (e *exchanged) Position(ctx context.Context) (uint64, error) { return e.current().Position(ctx) }
func (e *exchanged) Search(ctx context.Context, req search.Request) (search.Result, error) {
	return e.current().Search(ctx, req)
}
func (e *exchanged) Reset(ctx context.Context) error         { return e.current().Reset(ctx) }
func (e *exchanged) Count(ctx context.Context) (int, error)  { return e.current().Count(ctx) }
func (e *exchanged) Size(ctx context.Context) (int64, error) { return e.current().Size(ctx) }
func (e *exchanged) Close() error                            { return e.current().Close() }

func (e *exchanged) Shadow(context.Context) (search.Shadow, error) {
	return &inTheMaking{Index: e.fresh(), of: e}, nil
}

type inTheMaking struct {
	search.Index
	of *exchanged
}

func (s *inTheMaking) Replace(context.Context) error {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	old := s.of.now
	s.of.now, s.Index = s.Index, nil
	return old.Close()
}

func (s *inTheMaking) Close() error {
	if s.Index == nil {
		return nil
	}
	s.of.given++
	return s.Index.Close()
}

// An index that is made anew answers all the time, follows what is written meanwhile, and what was deleted meanwhile does
// not come back.
func TestRebuildBesideTheIndex(t *testing.T) {
	dir, made := t.TempDir(), 0
	fresh := func() search.Index {
		made++
		return openIndex(t, filepath.Join(dir, fmt.Sprint(made)))
	}
	index := &exchanged{now: fresh(), fresh: fresh}
	c := newCatalog()
	victim, _ := c.put("victim")
	for i := range 1200 {
		_, _ = c.put(fmt.Sprintf("table_%04d", i))
	}
	x, stop := start(t, index, c)
	last := uint64(1201)
	waitFor(t, x, last)
	pages := 0
	err := x.Rebuild(t.Context(), func(done, all int) {
		pages++
		if got := total(t, index, "table_0007"); got != 1 {
			t.Errorf("after %d of %d, a table is found %d times", done, all, got)
		}
		if !x.Rebuilding().Running {
			t.Error("nobody says that the index is rebuilt")
		}
		_, seq := c.put(fmt.Sprint("meanwhile_", pages))
		if pages == 2 {
			seq = c.remove(victim)
		}
		waitFor(t, x, seq)
		last = seq
		if got := total(t, index, fmt.Sprint("meanwhile_", pages)); got != 1 {
			t.Errorf("what was written during the rebuild is found %d times", got)
		}
	})
	if err != nil || pages < 3 || made != 2 {
		t.Fatalf("%d pages, %d indexes, %v", pages, made, err)
	}
	if got := x.Position(); got != last {
		t.Errorf("position %d after the exchange, want %d", got, last)
	}
	if total(t, index, "victim") != 0 || total(t, index, "meanwhile_1") != 1 || total(t, index, "table_1199") != 1 {
		t.Error("the new index is not what the catalog is")
	}
	_, seq := c.put("afterwards")
	waitFor(t, x, seq)
	if total(t, index, "afterwards") != 1 {
		t.Error("what was written after the exchange is not found")
	}

	ctx, cancel := context.WithCancel(t.Context())
	if err := x.Rebuild(ctx, func(int, int) { cancel() }); err == nil || index.given != 1 {
		t.Errorf("a rebuild that was cut off gave %v, and %d indexes were given up", err, index.given)
	}
	if total(t, index, "afterwards") != 1 || x.Rebuilding().Running {
		t.Error("a rebuild that was cut off has changed what is found")
	}
	stop()
	if err := index.Close(); err != nil {
		t.Error(err)
	}
}
