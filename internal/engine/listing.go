package engine

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// listing is one list in the making.
type listing struct {
	e             *Engine
	by            entity.Principal
	t             *registry.Type
	req           ListRequest
	query         store.ListQuery
	after, before string // cursors, decoded
	ops           []policy.Operation
	sight         policy.Filter
	view          View
}

// page reads the page where it can be read best: everything of a type is the
// store's business; what depends on the entity is found by its facts, or by
// reading all that the query selects.
func (l *listing) page(ctx context.Context) (Page, error) {
	if l.sight.Kind == policy.FilterAll {
		return l.stored(ctx)
	}
	facts, ok := l.e.shapeOf(l.t).findable(l.query)
	if ok && l.e.finder != nil {
		return l.found(ctx, facts)
	}
	return l.read(ctx)
}

// stored is a page of everything there is.
func (l *listing) stored(ctx context.Context) (Page, error) {
	page := Page{Items: []*entity.Entity{}}
	q := l.query
	q.After, q.Before = plainCursor(l.after), plainCursor(l.before)
	generation := l.e.refs.started()
	err := l.e.store.View(ctx, func(r store.Reader) error {
		var err error
		if page.Total, err = r.Count(ctx, q); err != nil || l.req.Limit == 0 {
			return err
		}
		q.Limit = l.req.Limit + 1
		rows, err := r.List(ctx, q)
		if err != nil {
			return err
		}
		page.Items, err = l.e.hydrate(ctx, r, l.e.newLookup(r, generation, true), l.t, page.cut(rows, l.req), l.view)
		return err
	})
	return page, err
}

// read goes through all that the query selects and counts what the caller sees.
// It holds one page and one batch at a time.
func (l *listing) read(ctx context.Context) (Page, error) {
	page := Page{Items: []*entity.Entity{}}
	after, before := plainCursor(l.after), plainCursor(l.before)
	generation := l.e.refs.started()
	err := l.e.store.View(ctx, func(r store.Reader) error {
		look := l.e.newLookup(r, generation, true)
		var rows []store.Row
		q := l.query
		q.Limit = batchSize
		for {
			batch, err := r.List(ctx, q)
			if err != nil {
				return err
			}
			seen, err := l.e.seen(ctx, r, look, l.by, batch, l.ops...)
			if err != nil {
				return err
			}
			page.Total += len(seen)
			rows = l.keep(rows, seen, after, before)
			if len(batch) < batchSize {
				break
			}
			q.After = batch[len(batch)-1].FQN
		}
		if l.req.Limit == 0 {
			return nil
		}
		var err error
		page.Items, err = l.e.hydrate(ctx, r, look, l.t, page.cut(rows, l.req), l.view)
		return err
	})
	return page, err
}

// keep adds the rows of the page, and one more that tells whether there is a
// further page: the first ones after a cursor, or the last ones before one.
func (l *listing) keep(rows, seen []store.Row, after, before string) []store.Row {
	for _, row := range seen {
		switch {
		case row.FQN <= after, before != "" && row.FQN >= before, before == "" && len(rows) > l.req.Limit:
			continue
		}
		rows = append(rows, row)
	}
	if before != "" && len(rows) > l.req.Limit+1 {
		rows = slices.Clone(rows[len(rows)-l.req.Limit-1:])
	}
	return rows
}

// found is a page of what the finder knows, looked at again in the store: what
// the caller may not see any more is left out.
func (l *listing) found(ctx context.Context, facts []string) (Page, error) {
	req := FindRequest{
		Type: l.t.Name, Sight: l.sight, Facts: facts, Members: l.query.Members, Include: l.query.Include,
		After: foundKey(l.after), Before: foundKey(l.before),
	}
	if l.req.Limit > 0 {
		req.Limit = l.req.Limit + 1
	}
	got, err := l.e.finder.Find(ctx, req)
	if err != nil {
		return Page{}, err
	}
	page := Page{Items: []*entity.Entity{}, Total: got.Total}
	items := page.cutFound(got.Items, l.req)
	if len(items) == 0 {
		return page, nil
	}
	ids, place := make([]entity.ID, len(items)), make(map[entity.ID]int, len(items))
	for i, item := range items {
		ids[i], place[item.ID] = item.ID, i
	}
	generation := l.e.refs.started()
	err = l.e.store.View(ctx, func(r store.Reader) error {
		look := l.e.newLookup(r, generation, true)
		rows, err := r.Entities(ctx, ids)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(row store.Row) bool { return row.Type != l.t.Name || !l.includes(row) })
		if rows, err = l.e.seen(ctx, r, look, l.by, rows, l.ops...); err != nil {
			return err
		}
		slices.SortFunc(rows, func(a, b store.Row) int { return place[a.ID] - place[b.ID] })
		page.Items, err = l.e.hydrate(ctx, r, look, l.t, rows, l.view)
		return err
	})
	return page, err
}

func (l *listing) includes(row store.Row) bool {
	switch l.query.Include {
	case store.NonDeleted:
		return !row.Deleted
	case store.Deleted:
		return row.Deleted
	}
	return true
}

// cutFound is cut for a page that a finder found.
func (p *Page) cutFound(items []FoundItem, req ListRequest) []FoundItem {
	more := len(items) > req.Limit
	if req.Limit == 0 || len(items) == 0 {
		return nil
	}
	if req.Before != "" {
		if more {
			items = items[1:]
			p.Before = foundCursor(items[0].Key)
		}
		p.After = foundCursor(items[len(items)-1].Key)
		return items
	}
	if more {
		items = items[:req.Limit]
		p.After = foundCursor(items[len(items)-1].Key)
	}
	if req.After != "" {
		p.Before = foundCursor(items[0].Key)
	}
	return items
}
