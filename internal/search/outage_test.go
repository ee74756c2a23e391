package search_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// outside is an index on another machine, which may be out of reach.
type outside struct {
	search.Index
	out   atomic.Bool
	tries atomic.Int32 // while out of reach
}

func (o *outside) reach() error {
	if !o.out.Load() {
		return nil
	}
	o.tries.Add(1)
	return &entity.Error{Kind: entity.KindUnavailable, Message: "the search server does not answer", Cause: errors.New("connection refused")}
}

func (o *outside) Position(ctx context.Context) (uint64, error) {
	if err := o.reach(); err != nil {
		return 0, err
	}
	return o.Index.Position(ctx)
}

func (o *outside) Apply(ctx context.Context, batch search.Batch) error {
	if err := o.reach(); err != nil {
		return err
	}
	return o.Index.Apply(ctx, batch)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// While the index is out of reach, nothing is given up and nobody is held up; when it is back, it catches up by itself,
// whatever has become of it.
func TestIndexOutOfReach(t *testing.T) {
	for name, meanwhile := range map[string]func(t *testing.T, index search.Index){
		"as it was": func(*testing.T, search.Index) {},
		"emptied": func(t *testing.T, index search.Index) {
			if err := index.Reset(t.Context()); err != nil {
				t.Error(err)
			}
		},
		"of another store": func(t *testing.T, index search.Index) {
			if err := index.Apply(t.Context(), search.Batch{Position: 5000}); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index := &outside{Index: openIndex(t, filepath.Join(t.TempDir(), "search.db"))}
			index.out.Store(true)
			c := newCatalog()
			_, _ = c.put("before")
			x, stop := start(t, index, c)
			defer func() {
				stop()
				if err := index.Close(); err != nil {
					t.Error(err)
				}
			}()
			eventually(t, "the index is asked though it is out of reach", func() bool { return index.tries.Load() > 1 })
			index.out.Store(false)
			eventually(t, "the first entity is found", func() bool { return total(t, index, "before") == 1 })

			index.out.Store(true)
			for range 3 {
				_, _ = c.put("meanwhile")
			}
			_, seq := c.put("last")
			x.Wake()
			tries := index.tries.Load()
			eventually(t, "the index was tried more often than a bad entity is", func() bool { return index.tries.Load() > tries+5 })
			if err := x.Trouble(); entity.KindOf(err) != entity.KindUnavailable {
				t.Errorf("the trouble is %v", err)
			}
			begin := time.Now()
			if exact, err := x.CatchUp(t.Context(), time.Minute); exact || err != nil {
				t.Errorf("caught up: %t, %v", exact, err)
			}
			x.Pace(seq + 100_000)
			if waited := time.Since(begin); waited > 30*time.Second {
				t.Errorf("searches and writes waited %s for an index that nobody can reach", waited)
			}
			meanwhile(t, index.Index)
			index.out.Store(false)
			eventually(t, "all are found", func() bool {
				return total(t, index, "meanwhile") == 3 && total(t, index, "last") == 1 && total(t, index, "before") == 1 && x.Position() == seq
			})
			if x.Skipped() > 0 || len(x.Failures()) > 0 {
				t.Errorf("%d entities were given up: %v", x.Skipped(), x.Failures())
			}
			if err := x.Trouble(); err != nil {
				t.Errorf("after the outage the trouble is %v", err)
			}
		})
	}
}

// taken is an index whose position somebody else has moved, some times.
type taken struct {
	search.Index
	times atomic.Int32
}

func (i *taken) Apply(ctx context.Context, batch search.Batch) error {
	if i.times.Add(-1) >= 0 {
		return entity.Conflict("another server writes the search index")
	}
	return i.Index.Apply(ctx, batch)
}

// Who is not alone begins again with the position of the index, and gives nothing up.
func TestIndexThatOthersWrite(t *testing.T) {
	index := &taken{Index: openIndex(t, filepath.Join(t.TempDir(), "search.db"))}
	c := newCatalog()
	_, seq := c.put("before")
	x, stop := start(t, index, c)
	waitFor(t, x, seq)
	index.times.Store(3)
	_, _ = c.put("first")
	_, seq = c.put("second")
	waitFor(t, x, seq)
	if total(t, index, "first") != 1 || total(t, index, "second") != 1 || x.Skipped() > 0 || index.times.Load() >= 0 {
		t.Errorf("what was written beside another server is not found; %d entities were given up", x.Skipped())
	}
	stop()
	if err := index.Close(); err != nil {
		t.Error(err)
	}
}
