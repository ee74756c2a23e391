package search

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Outbox is what the indexer reads of the store: events after a position, and
// the list of entities for a rebuild.
type Outbox interface {
	View(ctx context.Context, fn func(store.Reader) error) error
}

// Loaded is an entity with its references and tags filled in, and the facts that
// callers' sights ask for.
type Loaded struct {
	Type   string
	Entity *entity.Entity
	Facts  []string
}

// Source loads entities for indexing; ids that are gone are left out. The
// engine implements it.
type Source interface {
	Load(ctx context.Context, ids []entity.ID) ([]Loaded, error)
	// Reach tells what an event changes beyond its entity.
	Reach(event store.Event) Reach
}

const (
	// batchEvents is how many events become one batch.
	batchEvents = 500
	// rebuildPage is how many entities a rebuild holds at a time.
	rebuildPage = 500
	// pollEvery is how long the indexer trusts its wake-ups.
	pollEvery = 5 * time.Second
	// gatherFor is how long after a batch the next one waits for more events, so
	// that many small writes share the cost of a batch. Nobody who searches waits
	// for it.
	gatherFor = 20 * time.Millisecond
	// maxBehind is how many events the index may lag behind before writers are
	// slowed down, and paceFor how long one commit is held up at most: an index
	// that cannot be written must not stop the writers.
	maxBehind = 500
	paceFor   = 25 * time.Millisecond
	// maxAttempts is how often a failing batch is tried before its entities are
	// given up.
	maxAttempts = 5
)

// Indexer keeps an index in step with the outbox of change events. Its position
// is stored in the index, with the documents, so that a crash only means
// catching up.
type Indexer struct {
	index   Index
	outbox  Outbox
	source  Source
	catalog *Catalog
	types   []string
	log     *slog.Logger

	wake       chan struct{}
	urgent     chan struct{} // somebody waits for the next batch
	working    sync.Mutex    // one batch, or filling in place, at a time
	rebuilding sync.Mutex    // one rebuild beside the index at a time
	skipped    atomic.Uint64
	inexact    atomic.Bool // something was given up; until the next rebuild
	failed     failures
	outage     outage

	mu       sync.Mutex
	position uint64
	progress Progress // of rebuilds
	check    checking
	moved    chan struct{} // closed when position changes
	attempts int
}

// NewIndexer makes an indexer for the entity types. Run has to be called for it
// to do anything.
func NewIndexer(index Index, outbox Outbox, source Source, types []string, log *slog.Logger) *Indexer {
	return &Indexer{
		index: index, outbox: outbox, source: source, catalog: NewCatalog(types), types: types, log: log,
		wake: make(chan struct{}, 1), urgent: make(chan struct{}, 1), moved: make(chan struct{}),
	}
}

// Wake tells the indexer that there are new events. It never blocks.
func (x *Indexer) Wake() { signal(x.wake) }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Skipped returns how many entities could not be indexed since the start.
func (x *Indexer) Skipped() uint64 { return x.skipped.Load() }

// Position returns the sequence number up to which events are searchable.
func (x *Indexer) Position() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.position
}

// Run follows the outbox until the context ends. After a failure it begins again with the position that the index has,
// which may have been emptied or replaced meanwhile. An index without a position is rebuilt first: it is new, or its last
// rebuild did not come to its end. So is one that has seen more than the store knows: it belongs to another store, or to
// one that was restored from a copy.
func (x *Indexer) Run(ctx context.Context) error {
	var resumed sync.WaitGroup
	defer resumed.Wait()
	resumed.Go(func() { x.resume(ctx) })
	for ctx.Err() == nil {
		if err := x.follow(ctx); err != nil {
			x.pause(ctx, err)
		}
	}
	return ctx.Err()
}

// follow follows the outbox until something fails.
func (x *Indexer) follow(ctx context.Context) error {
	position, err := x.index.Position(ctx)
	if err != nil {
		return err
	}
	last, err := x.lastSeq(ctx)
	if err != nil {
		return err
	}
	x.advance(position)
	if position > last {
		x.log.WarnContext(ctx, "the search index has seen changes that the store does not know; it is built anew", "position", position, "last", last)
	}
	if position == 0 || position > last {
		if err := x.refill(ctx, nil); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		more, err := x.step(ctx)
		if err != nil {
			return err
		}
		x.succeeded(ctx)
		checking, err := x.checkPage(ctx)
		if err != nil {
			return err
		}
		if !more && !checking {
			x.idle(ctx)
		}
	}
	return nil
}

// idle waits for events and, right after a batch, for more of them.
func (x *Indexer) idle(ctx context.Context) {
	gathered := time.NewTimer(gatherFor)
	defer gathered.Stop()
	poll := time.NewTimer(pollEvery)
	defer poll.Stop()
	select {
	case <-ctx.Done():
		return
	case <-x.wake:
	case <-poll.C:
	}
	select {
	case <-ctx.Done():
	case <-gathered.C:
	case <-x.urgent:
	}
}

func (x *Indexer) advance(position uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.position == position {
		return
	}
	x.position = position
	close(x.moved)
	x.moved = make(chan struct{})
}

// WaitFor returns when the event with the sequence number is searchable, or with
// the context's error when that takes longer than the caller has.
func (x *Indexer) WaitFor(ctx context.Context, seq uint64) error {
	for {
		x.mu.Lock()
		position, moved := x.position, x.moved
		x.mu.Unlock()
		if position >= seq {
			return nil
		}
		signal(x.urgent)
		x.Wake()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

// CatchUp waits until all writes that were acknowledged before are searchable, or
// the delay has passed: a somewhat old answer is better than none. exact tells
// that the index holds all of them as they are; otherwise what is found may have
// changed since. The error is that of the store or of the context.
func (x *Indexer) CatchUp(ctx context.Context, delay time.Duration) (exact bool, err error) {
	last, err := x.lastSeq(ctx)
	if err != nil {
		return false, err
	}
	if x.Position() >= last {
		return !x.inexact.Load(), nil
	}
	if isOut(x.Trouble()) {
		return false, nil // waiting would not help
	}
	waiting, cancel := context.WithTimeout(ctx, delay)
	defer cancel()
	if err := x.WaitFor(waiting, last); err != nil {
		return false, ctx.Err()
	}
	return !x.inexact.Load(), nil
}

// lastSeq is the sequence number of the newest event.
func (x *Indexer) lastSeq(ctx context.Context) (last uint64, err error) {
	err = x.outbox.View(ctx, func(r store.Reader) error {
		last, err = r.LastSeq(ctx)
		return err
	})
	return last, err
}

// Pace holds the caller up for a moment when the index is far behind the event
// with the sequence number. Called at each commit it keeps writers from running
// away from the index, so that searches are up to date within a second.
func (x *Indexer) Pace(seq uint64) {
	x.mu.Lock()
	position, moved := x.position, x.moved
	x.mu.Unlock()
	if position == 0 || seq <= position+maxBehind { // at 0 it is being built, which takes its time
		return
	}
	if isOut(x.Trouble()) {
		return // nobody knows for how long; writes go on
	}
	signal(x.urgent)
	timer := time.NewTimer(paceFor)
	defer timer.Stop()
	select {
	case <-moved:
	case <-timer.C:
	}
}

// step indexes the next events and tells whether there may be more.
func (x *Indexer) step(ctx context.Context) (more bool, err error) {
	x.working.Lock()
	defer x.working.Unlock()
	position := x.Position()
	var events []store.Event
	err = x.outbox.View(ctx, func(r store.Reader) error {
		events, err = r.Events(ctx, store.EventQuery{After: position, Limit: batchEvents})
		return err
	})
	if err != nil || len(events) == 0 {
		return false, err
	}
	ids := changed(events)
	last := events[len(events)-1].Seq
	// What others inherit is never given up: it may decide who sees them.
	if err := x.spread(ctx, events); err != nil {
		x.attempts++
		return true, err
	}
	if err := x.write(ctx, ids, last); err != nil {
		if isOut(err) {
			return true, err
		}
		if x.attempts++; x.attempts < maxAttempts || ctx.Err() != nil {
			return true, err
		}
		if _, failed := x.writeEach(ctx, ids, position); failed != nil && (len(ids) > 1 || isOut(failed)) {
			return true, failed
		}
		if err := x.index.Apply(ctx, Batch{Position: last}); err != nil {
			return true, err
		}
	}
	x.attempts = 0
	x.advance(last)
	return len(events) == batchEvents, nil
}

// changed lists the entities that events are about, each once. Threads are not searched.
func changed(events []store.Event) []entity.ID {
	seen := make(map[entity.ID]bool, len(events))
	ids := make([]entity.ID, 0, len(events))
	for _, event := range events {
		if event.EntityID != entity.NilID && event.EntityType != entity.TypeThread && !seen[event.EntityID] {
			seen[event.EntityID] = true
			ids = append(ids, event.EntityID)
		}
	}
	return ids
}

// write loads the entities and applies them as one batch. When that fails, each
// is tried alone, so that a bad one does not hold up the others.
func (x *Indexer) write(ctx context.Context, ids []entity.ID, position uint64) error {
	batch, err := x.batch(ctx, ids)
	if err == nil {
		batch.Position = position
		err = x.index.Apply(ctx, batch)
	}
	if err == nil || len(ids) <= 1 || ctx.Err() != nil || isOut(err) {
		return err
	}
	written, failed := x.writeEach(ctx, ids, x.Position())
	if written == 0 {
		return errors.Join(err, failed) // the store or the index fails, not a document
	}
	return x.index.Apply(ctx, Batch{Position: position})
}

// writeEach applies the entities one by one without moving on. Those that fail
// are counted and logged when others succeed.
func (x *Indexer) writeEach(ctx context.Context, ids []entity.ID, position uint64) (written int, err error) {
	failures := map[entity.ID]error{}
	for _, id := range ids {
		batch, err := x.batch(ctx, []entity.ID{id})
		if err == nil {
			batch.Position = position
			err = x.index.Apply(ctx, batch)
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if isOut(err) {
			return 0, err
		}
		if err != nil {
			failures[id] = err
			continue
		}
		written++
	}
	if written == 0 && len(ids) > 1 {
		for _, err := range failures {
			return 0, err
		}
	}
	for id, err := range failures {
		x.skip(ctx, id, err)
		if err := x.index.Apply(ctx, Batch{Deletes: []entity.ID{id}, Position: position}); err != nil {
			return written, err
		}
	}
	return written, nil
}

func (x *Indexer) skip(ctx context.Context, id entity.ID, err error) {
	x.skipped.Add(1)
	x.inexact.Store(true)
	x.failed.add(id, err)
	x.log.WarnContext(ctx, "entity left out of the search index", "entity", id.String(), "error", err)
}

// batch turns entities into documents; those that are gone become deletes.
func (x *Indexer) batch(ctx context.Context, ids []entity.ID) (Batch, error) {
	if len(ids) == 0 {
		return Batch{}, nil
	}
	loaded, err := x.source.Load(ctx, ids)
	if err != nil {
		return Batch{}, err
	}
	var batch Batch
	var indexed []entity.ID // as they are, unless the batch cannot be applied
	there := make(map[entity.ID]bool, len(loaded))
	for _, l := range loaded {
		there[l.Entity.ID] = true
		doc, ok, err := x.catalog.Document(l)
		switch {
		case err != nil:
			x.skip(ctx, l.Entity.ID, err)
			batch.Deletes = append(batch.Deletes, l.Entity.ID) // rather nothing than what is not so any more
		case ok:
			batch.Upserts = append(batch.Upserts, doc)
			indexed = append(indexed, doc.ID)
		}
	}
	for _, id := range ids {
		if !there[id] {
			batch.Deletes = append(batch.Deletes, id)
			indexed = append(indexed, id)
		}
	}
	x.failed.remove(indexed)
	return batch, nil
}
