package groupcommit

import (
	"maps"
	"slices"
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

// batch runs jobs, beginning with first, in one transaction.
func (w *Writer) batch(first *job) {
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
	w       *Writer
	open    bool
	before  State
	state   State    // as the jobs so far leave it
	changes []Change // of the jobs so far
	touched []entity.ID
	types   map[string]bool
	dirty   bool
	jobs    []*job // succeeded, to be answered after the commit
}

func (b *batch) begin() error {
	seen, err := b.w.c.Begin()
	if err != nil {
		b.w.failures.Add(1)
		b.rollback()
		return b.w.c.Translate(err)
	}
	b.w.adopt(seen)
	b.open, b.before, b.state = true, seen, seen
	return nil
}

func (b *batch) rollback() {
	b.w.c.Rollback()
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
		if err := b.w.c.Savepoint(); err != nil {
			j.result <- b.w.c.Translate(err)
			b.abandon(err)
			return
		}
	}
	t := b.w.c.NewTx(Start{
		State: b.state, Generation: b.before.Generation, Earlier: b.changes, Counts: b.w.counts,
	})
	j.turn <- t
	err := <-j.ran
	t.End()
	if err != nil {
		b.undo(nested, t)
		j.result <- err
		return
	}
	if nested {
		if err := b.w.c.Release(); err != nil {
			j.result <- b.w.c.Translate(err)
			b.abandon(err)
			return
		}
	}
	noted := t.Noted()
	b.state = noted.State
	b.changes = append(b.changes, noted.Changes...)
	b.touched = append(b.touched, noted.Touched...)
	for _, typ := range noted.Types {
		if b.types == nil {
			b.types = map[string]bool{}
		}
		b.types[typ] = true
	}
	b.dirty = b.dirty || noted.Dirty
	b.jobs = append(b.jobs, j)
}

// undo takes back what one job did and keeps the others.
func (b *batch) undo(nested bool, t Tx) {
	switch {
	case !nested:
		if t.Failed() != nil {
			b.w.failures.Add(1)
		}
		b.rollback()
	case t.Lost():
		// The database may have rolled the transaction back, the savepoint with it.
		b.abandon(t.Failed())
	default:
		if err := b.w.c.RollbackTo(); err != nil {
			b.abandon(err)
		}
	}
}

// abandon rolls everything back; the jobs that had succeeded have not.
func (b *batch) abandon(cause error) {
	b.w.failures.Add(1)
	b.rollback()
	b.answer(b.w.c.Translate(cause))
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
	b.state.Generation++
	if err := b.w.c.Save(b.state); err != nil {
		b.abandon(err)
		return
	}
	b.w.counts.announce(b.state.Generation, b.changes)
	if err := b.w.c.Commit(); err != nil {
		b.w.counts.withdraw()
		b.abandon(err)
		return
	}
	b.w.counts.settle()
	b.w.state = b.state
	commit := store.Commit{Entities: store.Unique(b.touched), Types: slices.Sorted(maps.Keys(b.types)), Updates: len(b.jobs)}
	if b.state.LastSeq != b.before.LastSeq {
		commit.LastSeq = b.state.LastSeq
	}
	b.w.notify(commit)
	b.answer(nil)
}
