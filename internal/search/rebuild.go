package search

import (
	"context"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// tellEvery is how often the log says how far a rebuild is.
const tellEvery = 10 * time.Second

// Rebuild empties the index and fills it from the catalog, page by page. The
// position is set at the very end, to what it was at the beginning, so that
// changes meanwhile are caught up with, and a rebuild that was cut off starts
// again. progress, which may be nil, is called after each page.
func (x *Indexer) Rebuild(ctx context.Context, progress func(done, total int)) error {
	x.working.Lock()
	defer x.working.Unlock()
	start, total, err := x.extent(ctx)
	if err != nil {
		return err
	}
	if err := x.index.Reset(ctx); err != nil {
		return err
	}
	x.advance(0)
	x.inexact.Store(false)
	x.failed.clear()
	x.report(func(p *Progress) { *p = Progress{Running: true, Total: total, Began: time.Now()} })
	defer x.report(func(p *Progress) { p.Running, p.Ended = false, time.Now() })
	done, told := 0, time.Now()
	for _, typ := range x.types {
		for after := ""; ; {
			ids, last, err := x.idsAfter(ctx, typ, after)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				break
			}
			if err := x.write(ctx, ids, 0); err != nil {
				if len(ids) > 1 || ctx.Err() != nil || isOut(err) {
					return err
				}
				x.skip(ctx, ids[0], err)
			}
			done += len(ids)
			x.report(func(p *Progress) { p.Done, p.Total = done, max(total, done) })
			if time.Since(told) > tellEvery {
				told = time.Now()
				x.log.InfoContext(ctx, "building the search index", "done", done, "of", max(total, done))
			}
			if progress != nil {
				progress(done, max(total, done))
			}
			after = last
		}
	}
	if err := x.index.Apply(ctx, Batch{Position: start}); err != nil {
		return err
	}
	x.advance(start)
	x.Wake()
	return nil
}

// extent returns the newest event and the number of entities.
func (x *Indexer) extent(ctx context.Context) (seq uint64, total int, err error) {
	err = x.outbox.View(ctx, func(r store.Reader) error {
		if seq, err = r.LastSeq(ctx); err != nil {
			return err
		}
		for _, typ := range x.types {
			n, err := r.Count(ctx, store.ListQuery{Type: typ, Include: store.All})
			if err != nil {
				return err
			}
			total += n
		}
		return nil
	})
	return seq, total, err
}

// idsAfter returns a page of one type's ids and the name it ends with.
func (x *Indexer) idsAfter(ctx context.Context, typ, after string) (ids []entity.ID, last string, err error) {
	err = x.outbox.View(ctx, func(r store.Reader) error {
		rows, err := r.List(ctx, store.ListQuery{Type: typ, Include: store.All, After: after, Limit: rebuildPage})
		if err != nil {
			return err
		}
		for _, row := range rows {
			ids = append(ids, row.ID)
			last = row.FQN
		}
		return nil
	})
	return ids, last, err
}
