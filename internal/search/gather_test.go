package search_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// countingIndex counts the batches it gets and keeps nothing else.
type countingIndex struct {
	search.Index
	position atomic.Uint64
	batches  atomic.Int64
}

func (i *countingIndex) Position(context.Context) (uint64, error) { return i.position.Load(), nil }

func (i *countingIndex) Apply(_ context.Context, batch search.Batch) error {
	i.position.Store(batch.Position)
	i.batches.Add(1)
	return nil
}

func TestEventsGatherAndSearchesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCatalog()
		index := &countingIndex{}
		_, first := c.put("first")
		index.position.Store(first) // nothing to rebuild
		x := search.NewIndexer(index, c, c, []string{"table"}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- x.Run(ctx) }()

		const writes = 100
		var last uint64
		tick := time.NewTicker(time.Millisecond)
		for range writes {
			<-tick.C
			_, last = c.put("more")
			x.Wake()
		}
		tick.Stop()
		if n := index.batches.Load(); n == 0 || n > writes/10 {
			t.Errorf("%d writes in %d batches, want them to gather", writes, n)
		}
		waitFor(t, x, last)
		before := time.Now()
		_, last = c.put("urgent")
		x.Wake()
		waitFor(t, x, last)
		if waited := time.Since(before); waited > 0 {
			t.Errorf("a search waited %v for events to gather", waited)
		}
		_, last = c.put("alone")
		x.Wake()
		time.AfterFunc(time.Second, func() {
			if x.Position() != last {
				t.Errorf("position %d a second after event %d", x.Position(), last)
			}
			cancel()
		})
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestWritersKeepPaceWithTheIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCatalog()
		index := &countingIndex{}
		_, first := c.put("first")
		index.position.Store(first)
		x := search.NewIndexer(index, c, c, []string{"table"}, slog.New(slog.DiscardHandler))
		held := func(seq uint64) time.Duration {
			begun := time.Now()
			x.Pace(seq)
			return time.Since(begun)
		}
		if d := held(1_000_000); d != 0 {
			t.Errorf("held up for %v before the index is built", d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- x.Run(ctx) }()
		waitFor(t, x, first)
		if d := held(first + 100); d != 0 {
			t.Errorf("held up for %v by an index that keeps up", d)
		}
		if d := held(first + 10_000); d <= 0 || d > 100*time.Millisecond {
			t.Errorf("held up for %v by an index that does not move, want a moment", d)
		}
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
