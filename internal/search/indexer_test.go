package search_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/embedded"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// catalog is a store and an engine in memory, as far as the indexer sees them.
type catalog struct {
	store.Reader
	mu       sync.Mutex
	entities map[entity.ID]*entity.Entity
	events   []store.Event
	bad      map[entity.ID]bool // cannot be loaded
	down     int                // so many loads fail as a whole
	largest  int                // most entities loaded at once
}

func newCatalog() *catalog {
	return &catalog{entities: map[entity.ID]*entity.Entity{}, bad: map[entity.ID]bool{}}
}

func (c *catalog) View(_ context.Context, fn func(store.Reader) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fn(c)
}

func (c *catalog) Events(_ context.Context, q store.EventQuery) ([]store.Event, error) {
	first, _ := slices.BinarySearchFunc(c.events, q.After+1, func(e store.Event, seq uint64) int { return cmp.Compare(e.Seq, seq) })
	return slices.Clone(c.events[first:min(first+q.Limit, len(c.events))]), nil
}

func (c *catalog) LastSeq(context.Context) (uint64, error) { return uint64(len(c.events)), nil }

func (c *catalog) Count(context.Context, store.ListQuery) (int, error) { return len(c.entities), nil }

func (c *catalog) List(_ context.Context, q store.ListQuery) ([]store.Row, error) {
	var rows []store.Row
	for id, e := range c.entities {
		if e.FullyQualifiedName > q.After {
			rows = append(rows, store.Row{ID: id, FQN: e.FullyQualifiedName})
		}
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return cmp.Compare(a.FQN, b.FQN) })
	return rows[:min(q.Limit, len(rows))], nil
}

// Reach has no event change more than its entity; the engine knows of others.
func (c *catalog) Reach(store.Event) search.Reach { return search.Reach{} }

func (c *catalog) Load(_ context.Context, ids []entity.ID) ([]search.Loaded, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.largest = max(c.largest, len(ids))
	if c.down > 0 {
		c.down--
		return nil, errors.New("the store is down")
	}
	var loaded []search.Loaded
	for _, id := range ids {
		if c.bad[id] {
			return nil, errors.New("this entity is damaged")
		}
		if e := c.entities[id]; e != nil {
			loaded = append(loaded, search.Loaded{Type: "table", Entity: e})
		}
	}
	return loaded, nil
}

func (c *catalog) event(id entity.ID) uint64 {
	c.events = append(c.events, store.Event{Seq: uint64(len(c.events)) + 1, EntityID: id})
	return uint64(len(c.events))
}

func (c *catalog) put(name string) (entity.ID, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := entity.NewID()
	c.entities[id] = &entity.Entity{ID: id, Name: name, FullyQualifiedName: "s." + name}
	return id, c.event(id)
}

func (c *catalog) remove(id entity.ID) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entities, id)
	return c.event(id)
}

func openIndex(t *testing.T, path string) search.Index {
	t.Helper()
	index, err := embedded.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// start runs an indexer until stop is called.
func start(t *testing.T, index search.Index, c *catalog) (x *search.Indexer, stop func()) {
	t.Helper()
	x = search.NewIndexer(index, c, c, []string{"table"}, slog.New(slog.DiscardHandler))
	return x, run(t, x)
}

// run runs an indexer until stop is called.
func run(t *testing.T, x *search.Indexer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the indexer ended with %v", err)
		}
	}
}

func waitFor(t *testing.T, x *search.Indexer, seq uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := x.WaitFor(ctx, seq); err != nil {
		t.Fatalf("event %d did not become searchable: %v", seq, err)
	}
}

func total(t *testing.T, index search.Index, name string) int {
	t.Helper()
	result, err := index.Search(context.Background(), search.Request{Query: search.Term{Field: "name", Value: name}})
	if err != nil {
		t.Fatal(err)
	}
	return result.Total
}

func TestIndexerFollowsAndGoesOnAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search.db")
	c := newCatalog()
	index := openIndex(t, path)
	x, stop := start(t, index, c)
	first, _ := c.put("first")
	_, seq := c.put("second")
	waitFor(t, x, seq)
	if total(t, index, "first") != 1 || total(t, index, "second") != 1 {
		t.Error("an event is behind the position, but not searchable")
	}
	stop()
	_, _ = c.put("third")
	seq = c.remove(first)
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}

	index = openIndex(t, path)
	position, err := index.Position(context.Background())
	if err != nil || position != 2 {
		t.Errorf("position %d, %v; want 2", position, err)
	}
	x, stop = start(t, index, c)
	waitFor(t, x, seq)
	if total(t, index, "first") != 0 || total(t, index, "third") != 1 {
		t.Error("the indexer did not catch up")
	}
	stop()
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestABadEntityDoesNotHoldUpTheOthers(t *testing.T) {
	c := newCatalog()
	index := openIndex(t, filepath.Join(t.TempDir(), "search.db"))
	x, stop := start(t, index, c)
	_, seq := c.put("zero")
	waitFor(t, x, seq)
	c.mu.Lock()
	bad := entity.NewID()
	c.bad[bad] = true
	for _, name := range []string{"before", "after"} {
		id := entity.NewID()
		c.entities[id] = &entity.Entity{ID: id, Name: name, FullyQualifiedName: name}
		c.event(id)
		seq = c.event(bad)
	}
	c.mu.Unlock()
	waitFor(t, x, seq)
	stop()
	if total(t, index, "before") != 1 || total(t, index, "after") != 1 || x.Skipped() == 0 {
		t.Errorf("before %d, after %d, skipped %d", total(t, index, "before"), total(t, index, "after"), x.Skipped())
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnOutageLosesNothing(t *testing.T) {
	c := newCatalog()
	index := openIndex(t, filepath.Join(t.TempDir(), "search.db"))
	x, stop := start(t, index, c)
	_, seq := c.put("zero")
	waitFor(t, x, seq)
	c.mu.Lock()
	c.down = 6
	c.mu.Unlock()
	_, _ = c.put("one")
	_, seq = c.put("two")
	waitFor(t, x, seq)
	stop()
	if total(t, index, "one") != 1 || total(t, index, "two") != 1 || x.Skipped() != 0 {
		t.Errorf("one %d, two %d, skipped %d", total(t, index, "one"), total(t, index, "two"), x.Skipped())
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRebuild(t *testing.T) {
	c := newCatalog()
	for _, word := range []string{"a", "b", "c"} {
		for n := range 600 {
			_, _ = c.put(fmt.Sprint(word, n))
		}
	}
	c.mu.Lock()
	c.events = c.events[:5] // older events are gone: only a rebuild finds all
	c.mu.Unlock()
	index := openIndex(t, filepath.Join(t.TempDir(), "search.db"))
	x := search.NewIndexer(index, c, c, []string{"table"}, slog.New(slog.DiscardHandler))
	var steps []int
	if err := x.Rebuild(context.Background(), func(done, _ int) { steps = append(steps, done) }); err != nil {
		t.Fatal(err)
	}
	n, err := index.Count(context.Background())
	if err != nil || n != 1800 || x.Position() != 5 {
		t.Errorf("%d documents, position %d, %v", n, x.Position(), err)
	}
	if len(steps) < 3 || steps[len(steps)-1] != 1800 || c.largest > 500 {
		t.Errorf("progress %v, at most %d at once", steps, c.largest)
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWaitForGivesUp(t *testing.T) {
	c := newCatalog()
	x := search.NewIndexer(nil, c, c, nil, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := x.WaitFor(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
