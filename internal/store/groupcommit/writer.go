package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

var errAborted = errors.New("the function of a write transaction did not return")

// job is one call of Update. The writer grants it a turn; its function then
// runs on the goroutine that called Update, so that a panic stays with its
// caller, and the outcome goes back through ran.
type job struct {
	turn    chan Tx
	ran     chan error
	result  chan error
	claimed atomic.Bool // by the writer to run it, or by the caller to give up
}

// Writer owns the connection that writes. Waiting jobs share a commit, so that what
// makes it durable, by far the dearest part, is paid once for all.
type Writer struct {
	c       Connection
	counts  *Counts
	jobs    chan *job
	closing <-chan struct{}
	stopped chan struct{}
	log     *slog.Logger

	hookLock sync.Mutex
	hooks    []func(store.Commit)

	state    State
	failures atomic.Uint64
}

// StartWriter begins to write. The writer ends when closing is closed; watch is how often
// it looks for other processes' writes while there are none of its own.
func StartWriter(c Connection, closing <-chan struct{}, watch time.Duration, log *slog.Logger) (*Writer, error) {
	state, err := c.State()
	if err != nil {
		return nil, err
	}
	w := &Writer{
		c: c, counts: newCounts(), closing: closing, log: log, state: state,
		jobs: make(chan *job), stopped: make(chan struct{}),
	}
	w.counts.reset(state.Generation)
	go w.run(watch)
	return w, nil
}

// Counts are the counts of entities that the writer keeps exact.
func (w *Writer) Counts() *Counts { return w.counts }

// Stopped is closed when the writer has ended.
func (w *Writer) Stopped() <-chan struct{} { return w.stopped }

// Failures counts the transactions that the database did not take.
func (w *Writer) Failures() uint64 { return w.failures.Load() }

// OnCommit registers a function that is called after each commit that changed
// something; see store.Store.
func (w *Writer) OnCommit(fn func(store.Commit)) {
	w.hookLock.Lock()
	defer w.hookLock.Unlock()
	w.hooks = append(w.hooks, fn)
}

// Update queues fn and waits for its outcome; see store.Store. Errors of the database
// that fn passes on are translated, its own stay as they are.
func (w *Writer) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-w.closing:
		return store.ErrClosed
	default:
	}
	j := &job{turn: make(chan Tx, 1), ran: make(chan error, 1), result: make(chan error, 1)}
	select {
	case w.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closing:
		return store.ErrClosed
	}
	select {
	case t := <-j.turn:
		return w.public(j.run(t, fn))
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
		return w.public(j.run(t, fn))
	case err := <-j.result:
		return err
	}
}

// public translates an error of the database that a transaction's function has
// passed on; its own errors stay as they are.
func (w *Writer) public(err error) error {
	var known *entity.Error
	if err == nil || errors.As(err, &known) || !w.c.Raw(err) {
		return err
	}
	return w.c.Translate(err)
}

// run calls fn and waits for the commit. The deferred send also happens when fn
// panics or ends its goroutine: the writer must not wait for ever.
func (j *job) run(t Tx, fn func(store.Tx) error) error {
	err := func() error {
		outcome := errAborted
		defer func() {
			t.End()
			j.ran <- outcome
		}()
		outcome = fn(t)
		if outcome == nil {
			outcome = t.Failed()
		}
		return outcome
	}()
	if err != nil {
		// The writer waits until somebody has read its word on the job.
		if said := <-j.result; said != nil {
			err = said
		}
		return err
	}
	return <-j.result
}

func (w *Writer) run(watch time.Duration) {
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
func (w *Writer) watch() {
	seen, err := w.c.State()
	if err != nil {
		w.log.Warn("cannot look for other processes' writes", "error", err)
		return
	}
	w.adopt(seen)
}

// adopt takes over the state found in the database. When another process has
// moved it on, every cache is stale.
func (w *Writer) adopt(seen State) {
	foreign := seen.Generation != w.state.Generation
	w.state = seen
	if foreign {
		w.counts.reset(seen.Generation)
		w.notify(store.Commit{All: true, LastSeq: seen.LastSeq})
	}
}

// notify calls the hooks. The data is committed, so a panic in one must
// neither fail the callers nor end the writer.
func (w *Writer) notify(commit store.Commit) {
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
