package groupcommit

import (
	"context"
	"errors"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

var errEnded = errors.New("a reader or transaction was used after its function returned")

// Guard is what has to hold before each statement of a reader or a transaction. Backends
// embed one in both.
type Guard struct {
	ended  bool
	failed error
}

// Ready answers an error if no further statement may run, and counts the one that may.
func (g *Guard) Ready(ctx context.Context) error {
	if g.ended {
		return entity.Internal(errEnded)
	}
	if g.failed != nil {
		return g.failed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	store.StatementsOf(ctx).Add()
	return nil
}

// End makes later calls fail: the function that had the reader has returned.
func (g *Guard) End() { g.ended = true }

// Fail keeps a failure after which nothing can go on, and returns it: later statements
// answer it again.
func (g *Guard) Fail(err error) error {
	g.failed = err
	return err
}

// Failed returns what Fail was given, nil if nothing.
func (g *Guard) Failed() error { return g.failed }

// Snapshot finds exact counts as one reader, or transaction, sees the catalog.
type Snapshot struct {
	Counts     *Counts
	Generation int64 // 0 means not yet read
	// Uncommitted is set in a write transaction: what it has changed so far.
	Uncommitted func(CounterKey) Counter
}

// Counter finds a counter; generation and read ask the database, each only if need be.
func (s *Snapshot) Counter(key CounterKey, generation func() (int64, error), read func() (Counter, error)) (Counter, error) {
	if s.Generation == 0 {
		var err error
		if s.Generation, err = generation(); err != nil {
			return Counter{}, err
		}
	}
	var own Counter
	if s.Uncommitted != nil {
		own = s.Uncommitted(key)
	}
	return s.Counts.Find(key, s.Generation, own, read)
}

// Snapshot is how the job sees the catalog whose own changes are noted in n.
func (s Start) Snapshot(n *Notes) Snapshot {
	return Snapshot{Counts: s.Counts, Generation: s.Generation, Uncommitted: func(key CounterKey) Counter {
		return Difference(key, s.Earlier, n.Changes)
	}}
}
