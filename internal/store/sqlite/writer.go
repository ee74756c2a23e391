package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// A batch ends when either is reached; the rest is the next batch. Nobody
// waits for a batch to fill.
const (
	batchJobs = 64
	batchTime = 8 * time.Millisecond
)

var errAborted = errors.New("the function of a write transaction did not return")

// job is one call of Update. The writer grants it a turn; its function then
// runs on the goroutine that called Update, so that a panic stays with its
// caller, and the outcome goes back through ran.
type job struct {
	turn    chan *tx
	ran     chan error
	result  chan error
	claimed atomic.Bool // by the writer to run it, or by the caller to give up
}

// writer owns the one connection that writes. Waiting jobs share a commit, so
// that the sync of the log, by far the dearest part, is paid once for all.
type writer struct {
	c       *conn
	counts  *counts
	jobs    chan *job
	closing <-chan struct{}
	stopped chan struct{}
	log     *slog.Logger

	hookLock sync.Mutex
	hooks    []func(store.Commit)

	state state
}

// state is the content of the table of that name.
type state struct {
	generation int64
	lastSeq    uint64
	lastHigh   int64
}

func startWriter(c *conn, counts *counts, closing <-chan struct{}, opts Options) (*writer, error) {
	w := &writer{
		c: c, counts: counts, closing: closing, log: opts.Log,
		jobs: make(chan *job), stopped: make(chan struct{}),
	}
	state, err := w.readState()
	if err != nil {
		return nil, err
	}
	w.state = state
	counts.reset(state.generation)
	go w.run(opts.Watch)
	return w, nil
}

func (w *writer) readState() (s state, err error) {
	found := false
	err = w.c.query(context.Background(), func(r row) error {
		s = state{generation: r.integer(0), lastSeq: uint64(r.integer(1)), lastHigh: r.integer(2)}
		found = true
		return nil
	}, "SELECT generation, last_seq, last_high FROM state")
	if err == nil && !found {
		err = errors.New("the table state has lost its row")
	}
	return s, err
}

func (w *writer) onCommit(fn func(store.Commit)) {
	w.hookLock.Lock()
	defer w.hookLock.Unlock()
	w.hooks = append(w.hooks, fn)
}

// update queues fn and waits for its outcome.
func (w *writer) update(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-w.closing:
		return store.ErrClosed
	default:
	}
	j := &job{turn: make(chan *tx, 1), ran: make(chan error, 1), result: make(chan error, 1)}
	select {
	case w.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closing:
		return store.ErrClosed
	}
	select {
	case t := <-j.turn:
		return j.run(t, fn)
	case err := <-j.result:
		return err
	case <-ctx.Done():
		if j.claimed.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	}
	// The writer was quicker than the cancellation.
	select {
	case t := <-j.turn:
		return j.run(t, fn)
	case err := <-j.result:
		return err
	}
}

// run calls fn and waits for the commit. The deferred send also happens when fn
// panics or ends its goroutine: the writer must not wait for ever.
func (j *job) run(t *tx, fn func(store.Tx) error) error {
	err := func() error {
		outcome := errAborted
		defer func() {
			t.ended = true
			j.ran <- outcome
		}()
		outcome = fn(t)
		if outcome == nil {
			outcome = t.failed
		}
		return outcome
	}()
	if err != nil {
		// The writer waits until somebody has read its word on the job.
		if said := <-j.result; said != nil {
			err = said
		}
		return public(err)
	}
	return <-j.result
}

func (w *writer) run(watch time.Duration) {
	defer close(w.stopped)
	ticker := time.NewTicker(watch)
	defer ticker.Stop()
	for {
		select {
		case j := <-w.jobs:
			w.batch(j)
		case <-ticker.C:
			w.watch()
		case <-w.closing:
			return
		}
	}
}

// watch notices what other processes wrote while this one did not.
func (w *writer) watch() {
	seen, err := w.readState()
	if err != nil {
		w.log.Warn("cannot look for other processes' writes", "error", err)
		return
	}
	w.adopt(seen)
}

// adopt takes over the state found in the database. When another process has
// moved it on, every cache is stale.
func (w *writer) adopt(seen state) {
	foreign := seen.generation != w.state.generation
	w.state = seen
	if foreign {
		w.counts.reset(seen.generation)
		w.notify(store.Commit{All: true, LastSeq: seen.lastSeq})
	}
}

// batch runs jobs, beginning with first, in one transaction.
func (w *writer) batch(first *job) {
	deadline := time.Now().Add(batchTime)
	b := &batch{w: w}
	next := first
	for n := 1; ; n++ {
		if next.claimed.CompareAndSwap(false, true) {
			b.do(next)
		}
		if n == batchJobs || time.Now().After(deadline) {
			break
		}
		select {
		case next = <-w.jobs:
			continue
		default:
		}
		break
	}
	b.finish()
}

// batch is one transaction of the database and the jobs that took part.
type batch struct {
	w       *writer
	open    bool
	before  state
	state   state    // as the jobs so far leave it
	changes []change // of the jobs so far
	touched []entity.ID
	types   map[string]bool
	dirty   bool
	jobs    []*job // succeeded, to be answered after the commit
}

func (b *batch) begin() error {
	if _, err := b.w.c.exec("BEGIN IMMEDIATE"); err != nil {
		return translate(err)
	}
	seen, err := b.w.readState()
	if err != nil {
		b.rollback()
		return translate(err)
	}
	b.w.adopt(seen)
	b.open, b.before, b.state = true, seen, seen
	return nil
}

func (b *batch) rollback() {
	// Fails if SQLite has rolled back by itself, which is as good.
	_, _ = b.w.c.exec("ROLLBACK")
	b.open = false
}

// do runs one job. The first of a batch needs no savepoint: when it fails,
// the whole transaction can go.
func (b *batch) do(j *job) {
	if !b.open {
		if err := b.begin(); err != nil {
			j.result <- err
			return
		}
	}
	nested := len(b.jobs) > 0
	if nested {
		if _, err := b.w.c.exec("SAVEPOINT job"); err != nil {
			j.result <- translate(err)
			b.abandon(err)
			return
		}
	}
	t := newTx(b)
	j.turn <- t
	err := <-j.ran
	t.ended = true
	if err != nil {
		b.undo(nested, t)
		j.result <- err
		return
	}
	if nested {
		if _, err := b.w.c.exec("RELEASE job"); err != nil {
			j.result <- translate(err)
			b.abandon(err)
			return
		}
	}
	b.state = t.state
	b.changes = append(b.changes, t.changes...)
	b.touched = append(b.touched, t.touched...)
	for _, typ := range t.types {
		if b.types == nil {
			b.types = map[string]bool{}
		}
		b.types[typ] = true
	}
	b.dirty = b.dirty || t.dirty
	b.jobs = append(b.jobs, j)
}

// undo takes back what one job did and keeps the others.
func (b *batch) undo(nested bool, t *tx) {
	switch {
	case !nested:
		b.rollback()
	case t.failed != nil:
		// SQLite may have rolled the transaction back, the savepoint with it.
		b.abandon(t.failed)
	default:
		if _, err := b.w.c.exec("ROLLBACK TO job"); err != nil {
			b.abandon(err)
			return
		}
		if _, err := b.w.c.exec("RELEASE job"); err != nil {
			b.abandon(err)
		}
	}
}

// abandon rolls everything back; the jobs that had succeeded have not.
func (b *batch) abandon(cause error) {
	b.rollback()
	b.answer(translate(cause))
	*b = batch{w: b.w}
}

func (b *batch) answer(err error) {
	for _, j := range b.jobs {
		j.result <- err
	}
}

// finish commits and answers everybody.
func (b *batch) finish() {
	if !b.open {
		return
	}
	if !b.dirty {
		b.rollback()
		b.answer(nil)
		return
	}
	b.state.generation++
	if _, err := b.w.c.exec("UPDATE state SET generation = ?, last_seq = ?, last_high = ?",
		b.state.generation, int64(b.state.lastSeq), b.state.lastHigh); err != nil {
		b.abandon(err)
		return
	}
	b.w.counts.announce(b.state.generation, b.changes)
	if _, err := b.w.c.exec("COMMIT"); err != nil {
		b.w.counts.withdraw()
		b.abandon(err)
		return
	}
	b.w.counts.settle()
	b.w.state = b.state
	commit := store.Commit{Entities: unique(b.touched), Types: slices.Sorted(maps.Keys(b.types))}
	if b.state.lastSeq != b.before.lastSeq {
		commit.LastSeq = b.state.lastSeq
	}
	b.w.notify(commit)
	b.answer(nil)
}

// notify calls the hooks. The data is committed, so a panic in one must
// neither fail the callers nor end the writer.
func (w *writer) notify(commit store.Commit) {
	w.hookLock.Lock()
	hooks := w.hooks
	w.hookLock.Unlock()
	for _, hook := range hooks {
		func() {
			defer func() {
				if v := recover(); v != nil {
					w.log.Error("a commit hook panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				}
			}()
			hook(commit)
		}()
	}
}
