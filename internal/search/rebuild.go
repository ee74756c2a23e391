package search

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// tellEvery is how often the log says how far a rebuild is.
const tellEvery = 10 * time.Second

// Rebuild fills the index anew from the catalog. Where the engine can, that happens beside the index that answers, which
// is followed meanwhile and then exchanged; an index that has nothing to answer with is filled as it is. progress, which
// may be nil, is called after each page.
func (x *Indexer) Rebuild(ctx context.Context, progress func(done, total int)) error {
	replaceable, ok := x.index.(Replaceable)
	if !ok {
		return x.refill(ctx, progress)
	}
	if position, err := x.index.Position(ctx); err != nil {
		return err
	} else if position == 0 {
		return x.refill(ctx, progress)
	}
	return x.rebuildBeside(ctx, replaceable, progress)
}

// rebuildBeside fills a shadow by an indexer of its own, lets it catch up, and exchanges the two while nothing is
// written: whatever was true in the old index when it was last searched is true in the new one.
func (x *Indexer) rebuildBeside(ctx context.Context, replaceable Replaceable, progress func(done, total int)) error {
	x.rebuilding.Lock()
	defer x.rebuilding.Unlock()
	shadow, err := replaceable.Shadow(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err := shadow.Close(); err != nil {
			x.log.WarnContext(ctx, "an index that was given up may have been left behind", "error", err)
		}
	}()
	x.report(func(p *Progress) { *p = Progress{Running: true, Began: time.Now()} })
	defer x.report(func(p *Progress) { p.Running, p.Ended = false, time.Now() })
	y := NewIndexer(shadow, x.outbox, x.source, x.types, x.log)
	err = y.refill(ctx, func(done, total int) {
		x.report(func(p *Progress) { p.Done, p.Total = done, total })
		if progress != nil {
			progress(done, total)
		}
	})
	if err != nil {
		return err
	}
	if err := y.stepAll(ctx); err != nil {
		return err
	}
	x.working.Lock()
	defer x.working.Unlock()
	if err := y.stepAll(ctx); err != nil { // what was written since; nothing is while we work
		return err
	}
	if err := shadow.Replace(ctx); err != nil {
		return err
	}
	x.inexact.Store(y.inexact.Load())
	x.skipped.Add(y.skipped.Load())
	x.failed.take(&y.failed)
	x.advance(y.Position())
	x.Wake()
	return nil
}

// stepAll indexes events until there are no more.
func (x *Indexer) stepAll(ctx context.Context) error {
	for {
		before := x.Position()
		if _, err := x.step(ctx); err != nil {
			return err
		}
		if x.Position() == before {
			return nil
		}
	}
}

// resume goes on with a rebuild beside the index that an earlier process was cut off at.
func (x *Indexer) resume(ctx context.Context) {
	r, ok := x.index.(Resumable)
	if !ok {
		return
	}
	unfinished, err := r.Unfinished(ctx)
	if err == nil && unfinished {
		err = x.Rebuild(ctx, nil)
	}
	if err != nil && ctx.Err() == nil {
		x.log.WarnContext(ctx, "a rebuild of the search index that was cut off is not gone on with", "error", err)
	}
}

// mark is how far a refill is: the position at its beginning, which the index gets at its
// end, and the last entity of which the index has the document.
type mark struct {
	Start uint64 `json:"start"`
	Type  string `json:"type"`
	After string `json:"after"`
	Done  int    `json:"done"`
	// Inexact tells that something was left out.
	Inexact bool `json:"inexact,omitzero"`
}

// marked returns how far an earlier process has filled the index; nil for not at all, or
// when its types are not those of today, or its events not those up to last.
func (x *Indexer) marked(ctx context.Context, last uint64) *mark {
	r, ok := x.index.(Resumable)
	if !ok {
		return nil
	}
	text, err := r.Marked(ctx)
	if err != nil || text == "" {
		return nil
	}
	m := new(mark)
	if err := json.Unmarshal([]byte(text), m); err != nil || m.Start == 0 || m.Start > last || !slices.Contains(x.types, m.Type) {
		return nil
	}
	return m
}

func (x *Indexer) remember(ctx context.Context, m mark) error {
	r, ok := x.index.(Resumable)
	if !ok {
		return nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return r.Mark(ctx, string(text))
}

// refill fills the index from the catalog, page by page: from the beginning, after it was
// emptied, or from where an earlier process was cut off. The position is set at the very
// end, to what it was at the beginning, so that changes meanwhile are caught up with.
func (x *Indexer) refill(ctx context.Context, progress func(done, total int)) error {
	x.working.Lock()
	defer x.working.Unlock()
	at, total, err := x.beginning(ctx)
	if err != nil {
		return err
	}
	x.advance(0)
	x.inexact.Store(at.Inexact)
	x.failed.clear()
	x.report(func(p *Progress) { *p = Progress{Running: true, Total: total, Began: time.Now()} })
	defer x.report(func(p *Progress) { p.Running, p.Ended = false, time.Now() })
	told := time.Now()
	for more := true; more; {
		if more, err = x.refillPage(ctx, at); err != nil {
			return err
		}
		done, all := at.Done, max(total, at.Done)
		x.report(func(p *Progress) { p.Done, p.Total = done, all })
		if time.Since(told) > tellEvery {
			told = time.Now()
			x.log.InfoContext(ctx, "building the search index", "done", done, "of", all)
		}
		if progress != nil {
			progress(done, all)
		}
	}
	if err := x.index.Apply(ctx, Batch{Position: at.Start}); err != nil {
		return err
	}
	x.advance(at.Start)
	x.Wake()
	return nil
}

// beginning returns where a refill begins, and how many entities there are in all. Where
// it does not go on with an earlier one, it empties the index.
func (x *Indexer) beginning(ctx context.Context) (at *mark, total int, err error) {
	start, total, err := x.extent(ctx)
	if err != nil {
		return nil, 0, err
	}
	if at = x.marked(ctx, start); at != nil {
		x.log.InfoContext(ctx, "going on with a search index that was not finished", "done", at.Done, "of", max(total, at.Done))
		return at, total, nil
	}
	return &mark{Start: start}, total, x.index.Reset(ctx)
}

// refillPage writes the next page, moves the mark behind it, and tells whether there was
// one.
func (x *Indexer) refillPage(ctx context.Context, at *mark) (more bool, err error) {
	for i := max(slices.Index(x.types, at.Type), 0); i < len(x.types); i++ {
		after := ""
		if x.types[i] == at.Type {
			after = at.After
		}
		ids, last, err := x.idsAfter(ctx, x.types[i], after)
		if err != nil {
			return false, err
		}
		if len(ids) == 0 {
			continue
		}
		if err := x.write(ctx, ids, 0); err != nil {
			if len(ids) > 1 || ctx.Err() != nil || isOut(err) {
				return false, err
			}
			x.skip(ctx, ids[0], err)
		}
		at.Type, at.After, at.Done, at.Inexact = x.types[i], last, at.Done+len(ids), x.inexact.Load()
		return true, x.remember(ctx, *at)
	}
	return false, nil
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
