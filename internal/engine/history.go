package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// HistoryRequest selects the states that entities of a type took in a period.
type HistoryRequest struct {
	From, To int64  // milliseconds since 1970, both included
	After    uint64 // cursor of the page before; 0 begins
	Limit    int
	View     View
}

// maxScanned bounds how many events one page of history looks at.
const maxScanned = 20_000

// History returns the states of a type's entities in the order they came to be,
// and the cursor of the next page, 0 at the end.
func (e *Engine) History(ctx context.Context, by entity.Principal, t *registry.Type, req HistoryRequest) ([]*entity.Entity, uint64, error) {
	sight, err := e.Sight(ctx, by, t.Name, policy.ViewAll)
	if err != nil {
		return nil, 0, err
	}
	if sight.Kind == policy.FilterNone {
		return nil, 0, e.Authorize(ctx, by, t.Name, policy.ViewAll)
	}
	var ents []*entity.Entity
	var next uint64
	generation := e.refs.started()
	err = e.store.View(ctx, func(r store.Reader) error {
		events, after, err := versionEvents(ctx, r, t, req)
		if err != nil {
			return err
		}
		next = after
		if events, err = e.seenEvents(ctx, r, by, events); err != nil {
			return err
		}
		states, err := rowsAt(ctx, r, events)
		if err != nil {
			return err
		}
		known := states[:0]
		for _, row := range states {
			if row.Doc != nil {
				known = append(known, row)
			}
		}
		v := req.View
		v.whole, v.Include, v.reveal = true, store.All, false
		ents, err = e.hydrate(ctx, r, e.newLookup(r, generation, true), t, known, v)
		return err
	})
	return ents, next, err
}

// versionEvents reads the events of a page that made a version.
func versionEvents(ctx context.Context, r store.Reader, t *registry.Type, req HistoryRequest) (page []store.Event, next uint64, err error) {
	q := store.EventQuery{After: req.After, Since: req.From, Limit: batchSize, Types: map[string][]string{}}
	for _, typ := range []string{entity.EventCreated, entity.EventUpdated, entity.EventSoftDeleted, entity.EventRestored} {
		q.Types[typ] = []string{t.Name}
	}
	for scanned := 0; scanned < maxScanned; scanned += batchSize {
		events, err := r.Events(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		for _, ev := range events {
			switch {
			case ev.At > req.To:
				return page, 0, nil
			case ev.Type != entity.EventCreated && ev.Version == ev.PreviousVersion:
				continue // something beside the document: followers, samples
			case len(page) == req.Limit:
				return page, q.After, nil
			}
			page = append(page, ev)
			q.After = ev.Seq
		}
		if len(events) < batchSize {
			return page, 0, nil
		}
		q.After = events[len(events)-1].Seq
	}
	return page, q.After, nil
}
