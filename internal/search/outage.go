package search

import (
	"context"
	"sync"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// tellOutageEvery is how often the log repeats that the index cannot be written.
const tellOutageEvery = time.Minute

// outage is a time in which the index cannot be written: it has begun with the first failure and lasts until something
// succeeds.
type outage struct {
	mu     sync.Mutex
	err    error
	since  time.Time
	told   time.Time
	pauses int
}

// isOut tells failures of the index, or of the store, from those of single documents. Nothing is given up for them: what
// is not written now is written when they are over.
func isOut(err error) bool { return entity.KindOf(err) == entity.KindUnavailable || isBehind(err) }

// isBehind tells that another server has moved the position of the index.
func isBehind(err error) bool { return entity.KindOf(err) == entity.KindConflict }

// begin notes a failure. It returns how long to wait until the next attempt, and whether the log has to be told.
func (o *outage) begin(err error) (pause time.Duration, tell bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.err == nil {
		o.since = now
	}
	tell = o.err == nil || now.Sub(o.told) >= tellOutageEvery
	if tell {
		o.told = now
	}
	o.err = err
	pause = 50 * time.Millisecond << min(o.pauses, 5)
	o.pauses++
	return pause, tell
}

// end notes that something succeeded, and tells how long nothing did.
func (o *outage) end() (lasted time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		lasted = time.Since(o.since)
	}
	o.err, o.pauses = nil, 0
	return lasted
}

// Trouble is what keeps the index from being written at the moment, nil if nothing does.
func (x *Indexer) Trouble() error {
	x.outage.mu.Lock()
	defer x.outage.mu.Unlock()
	return x.outage.err
}

// pause waits after a failure, longer after each.
func (x *Indexer) pause(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	pause, tell := x.outage.begin(err)
	if tell && !isBehind(err) {
		x.log.ErrorContext(ctx, "search index cannot be updated; trying again", "error", err)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// succeeded ends an outage.
func (x *Indexer) succeeded(ctx context.Context) {
	if lasted := x.outage.end(); lasted > 0 {
		x.log.InfoContext(ctx, "search index is updated again", "outage", lasted.Round(time.Millisecond))
	}
}
