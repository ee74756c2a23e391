package search

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// maxFailures is how many entities that could not be indexed are remembered.
const maxFailures = 1000

// Failure is an entity that is not in the index as it is.
type Failure struct {
	ID     entity.ID
	Reason string
	At     time.Time
}

// failures are the entities that could not be indexed and have not been since.
type failures struct {
	mu   sync.Mutex
	byID map[entity.ID]Failure
}

func (f *failures) add(id entity.ID, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.byID[id]; !known && len(f.byID) >= maxFailures {
		return
	}
	if f.byID == nil {
		f.byID = map[entity.ID]Failure{}
	}
	f.byID[id] = Failure{ID: id, Reason: entity.Shorten(err.Error(), 500), At: time.Now()}
}

// remove forgets entities that are indexed now, or gone.
func (f *failures) remove(ids []entity.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.byID) == 0 {
		return
	}
	for _, id := range ids {
		delete(f.byID, id)
	}
}

// take makes the failures those of another indexer, which works no more.
func (f *failures) take(other *failures) {
	other.mu.Lock()
	byID := other.byID
	other.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byID = byID
}

func (f *failures) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byID = nil
}

// Failures lists the entities that could not be indexed and have not been since,
// the newest first.
func (x *Indexer) Failures() []Failure {
	x.failed.mu.Lock()
	defer x.failed.mu.Unlock()
	list := make([]Failure, 0, len(x.failed.byID))
	for _, f := range x.failed.byID {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b Failure) int {
		return cmp.Or(b.At.Compare(a.At), slices.Compare(a.ID[:], b.ID[:]))
	})
	return list
}

// Reindex makes the documents of some entities anew; what is gone leaves the index.
func (x *Indexer) Reindex(ctx context.Context, ids []entity.ID) error {
	if x.Rebuilding().Running {
		return entity.Conflict("the whole index is being rebuilt; these entities are among it")
	}
	x.working.Lock()
	defer x.working.Unlock()
	for chunk := range slices.Chunk(ids, rebuildPage) {
		if err := x.write(ctx, chunk, x.Position()); err != nil {
			if len(chunk) > 1 || ctx.Err() != nil || isOut(err) {
				return err
			}
			x.skip(ctx, chunk[0], err)
		}
	}
	return nil
}

// Progress is how far a rebuild is.
type Progress struct {
	Running     bool
	Done, Total int
	Began       time.Time
	Ended       time.Time // of the last one; zero if there was none
}

// Rebuilding tells how far the rebuild is that runs, or how the last one went.
func (x *Indexer) Rebuilding() Progress {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.progress
}

// report keeps the progress of a rebuild.
func (x *Indexer) report(change func(*Progress)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	change(&x.progress)
}

// Drop removes all documents of an index from the engine.
func (x *Indexer) Drop(ctx context.Context, index string) error {
	x.working.Lock()
	defer x.working.Unlock()
	for {
		found, err := x.index.Search(ctx, Request{Indexes: []string{index}, Sort: []Sort{{Field: "_id"}}, Size: rebuildPage, NoSource: true})
		if err != nil || len(found.Hits) == 0 {
			return err
		}
		batch := Batch{Position: x.Position()}
		for _, hit := range found.Hits {
			batch.Deletes = append(batch.Deletes, hit.ID)
		}
		if err := x.index.Apply(ctx, batch); err != nil {
			return err
		}
	}
}

// Behind tells how many events are not searchable yet.
func (x *Indexer) Behind(ctx context.Context) (events uint64, err error) {
	last, err := x.lastSeq(ctx)
	if position := x.Position(); err == nil && position < last {
		events = last - position
	}
	return events, err
}
