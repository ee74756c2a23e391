package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// draft is a transaction on paper: it reads through to what lies below and keeps
// what is written to itself. What was written can be copied into a transaction
// or dropped, so that one write of many may fail alone and a dry run sees
// exactly what a real one would.
//
// Rows, relations from or to an entity, and versions are seen as written; lists,
// counts, records and events are those from before.
type draft struct {
	store.Reader
	rows  map[entity.ID]store.Row
	names map[store.Key]entity.ID
	from  map[entity.ID][]edge
	to    map[entity.ID][]edge
	log   []func(context.Context, store.Tx) error
	// forget: nothing will be copied, so the log is not kept.
	forget bool
}

// edge is a relation that was written, or taken away.
type edge struct {
	store.Relation
	gone bool
}

func newDraft(below store.Reader) *draft {
	return &draft{
		Reader: below, rows: map[entity.ID]store.Row{}, names: map[store.Key]entity.ID{},
		from: map[entity.ID][]edge{}, to: map[entity.ID][]edge{},
	}
}

// uncommitted marks readers that show what may never be committed: nothing read
// from them may go into a cache that outlives them.
type uncommitted interface{ uncommitted() }

func (d *draft) uncommitted() {}

// copyTo repeats the writes in a transaction, in their order.
func (d *draft) copyTo(ctx context.Context, tx store.Tx) error {
	for _, op := range d.log {
		if err := op(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// Entity returns the row with the id.
func (d *draft) Entity(ctx context.Context, id entity.ID) (store.Row, error) {
	if row, ok := d.rows[id]; ok {
		return row, nil
	}
	return d.Reader.Entity(ctx, id)
}

// EntityByFQN returns the row with the type and name.
func (d *draft) EntityByFQN(ctx context.Context, key store.Key) (store.Row, error) {
	if id, ok := d.names[key]; ok {
		return d.rows[id], nil
	}
	row, err := d.Reader.EntityByFQN(ctx, key)
	if err != nil {
		return row, err
	}
	if _, renamed := d.rows[row.ID]; renamed {
		return store.Row{}, entity.NotFound(key.Type, key.FQN)
	}
	return row, nil
}

// Entities returns the rows with these ids.
func (d *draft) Entities(ctx context.Context, ids []entity.ID) ([]store.Row, error) {
	var out []store.Row
	var below []entity.ID
	for _, id := range ids {
		if row, ok := d.rows[id]; ok {
			out = append(out, row)
		} else {
			below = append(below, id)
		}
	}
	if len(below) == 0 {
		return out, nil
	}
	rows, err := d.Reader.Entities(ctx, below)
	return append(out, rows...), err
}

// EntitiesByFQN returns the rows with these names.
func (d *draft) EntitiesByFQN(ctx context.Context, keys []store.Key) ([]store.Row, error) {
	var out []store.Row
	var below []store.Key
	for _, key := range keys {
		if id, ok := d.names[key]; ok {
			out = append(out, d.rows[id])
		} else {
			below = append(below, key)
		}
	}
	if len(below) == 0 {
		return out, nil
	}
	rows, err := d.Reader.EntitiesByFQN(ctx, below)
	for _, row := range rows {
		if _, renamed := d.rows[row.ID]; !renamed {
			out = append(out, row)
		}
	}
	return out, err
}

// RelationsFrom returns the relations that start at the ids.
func (d *draft) RelationsFrom(ctx context.Context, ids []entity.ID, kinds ...string) ([]store.Relation, error) {
	below, err := d.Reader.RelationsFrom(ctx, ids, kinds...)
	if err != nil {
		return nil, err
	}
	return overlay(below, d.from, ids, kinds), nil
}

// RelationsTo returns the relations that end at the ids.
func (d *draft) RelationsTo(ctx context.Context, ids []entity.ID, kinds ...string) ([]store.Relation, error) {
	below, err := d.Reader.RelationsTo(ctx, ids, kinds...)
	if err != nil {
		return nil, err
	}
	return overlay(below, d.to, ids, kinds), nil
}

// overlay puts what was written over what lies below.
func overlay(below []store.Relation, written map[entity.ID][]edge, ids []entity.ID, kinds []string) []store.Relation {
	if len(written) == 0 {
		return below
	}
	type identity struct {
		from, to entity.ID
		kind     string
	}
	all := make(map[identity]store.Relation, len(below))
	for _, rel := range below {
		all[identity{rel.From, rel.To, rel.Kind}] = rel
	}
	for _, id := range ids {
		for _, e := range written[id] {
			switch key := (identity{e.From, e.To, e.Kind}); {
			case len(kinds) > 0 && !slices.Contains(kinds, e.Kind):
			case e.gone:
				delete(all, key)
			default:
				all[key] = e.Relation
			}
		}
	}
	out := make([]store.Relation, 0, len(all))
	for _, rel := range all {
		out = append(out, rel)
	}
	slices.SortFunc(out, func(a, b store.Relation) int {
		return cmp.Or(slices.Compare(a.From[:], b.From[:]), cmp.Compare(a.Kind, b.Kind), slices.Compare(a.To[:], b.To[:]))
	})
	return out
}

// Insert adds a row.
func (d *draft) Insert(ctx context.Context, row store.Row) error {
	_, err := d.EntityByFQN(ctx, store.Key{Type: row.Type, FQN: row.FQN})
	if err == nil {
		return entity.Conflict("Entity already exists")
	}
	if entity.KindOf(err) != entity.KindNotFound {
		return err
	}
	d.keep(row)
	d.then(func(ctx context.Context, tx store.Tx) error { return tx.Insert(ctx, row) })
	return nil
}

// Replace overwrites the row with the same id.
func (d *draft) Replace(ctx context.Context, row store.Row) error {
	old, err := d.Entity(ctx, row.ID)
	if err != nil {
		return err
	}
	if old.FQN != row.FQN {
		if _, err := d.EntityByFQN(ctx, store.Key{Type: row.Type, FQN: row.FQN}); err == nil {
			return entity.Conflict("Entity already exists")
		} else if entity.KindOf(err) != entity.KindNotFound {
			return err
		}
		delete(d.names, store.Key{Type: old.Type, FQN: old.FQN})
	}
	d.keep(row)
	d.then(func(ctx context.Context, tx store.Tx) error { return tx.Replace(ctx, row) })
	return nil
}

func (d *draft) keep(row store.Row) {
	d.rows[row.ID] = row
	d.names[store.Key{Type: row.Type, FQN: row.FQN}] = row.ID
}

func (d *draft) then(op func(context.Context, store.Tx) error) {
	if !d.forget {
		d.log = append(d.log, op)
	}
}

// Delete is no part of what a draft is for.
func (d *draft) Delete(context.Context, []entity.ID) error {
	return entity.BadRequest("nothing can be deleted together with other writes")
}

// AddVersion keeps an earlier state of an entity.
func (d *draft) AddVersion(_ context.Context, id entity.ID, v entity.Version, doc []byte) error {
	d.then(func(ctx context.Context, tx store.Tx) error { return tx.AddVersion(ctx, id, v, doc) })
	return nil
}

// Relate adds or overwrites relations.
func (d *draft) Relate(_ context.Context, relations ...store.Relation) error {
	d.edges(relations, false)
	d.then(func(ctx context.Context, tx store.Tx) error { return tx.Relate(ctx, relations...) })
	return nil
}

// Unrelate removes relations.
func (d *draft) Unrelate(_ context.Context, relations ...store.Relation) error {
	d.edges(relations, true)
	d.then(func(ctx context.Context, tx store.Tx) error { return tx.Unrelate(ctx, relations...) })
	return nil
}

func (d *draft) edges(relations []store.Relation, gone bool) {
	for _, rel := range relations {
		e := edge{Relation: rel, gone: gone}
		d.from[rel.From] = append(d.from[rel.From], e)
		d.to[rel.To] = append(d.to[rel.To], e)
	}
}

// PutRecord adds or overwrites records.
func (d *draft) PutRecord(_ context.Context, records ...store.Record) error {
	d.then(func(ctx context.Context, tx store.Tx) error { return tx.PutRecord(ctx, records...) })
	return nil
}

// DeleteRecord removes a record and tells whether it was there.
func (d *draft) DeleteRecord(ctx context.Context, kind, owner, key string) (bool, error) {
	_, err := d.Record(ctx, kind, owner, key)
	if err != nil && entity.KindOf(err) != entity.KindNotFound {
		return false, err
	}
	d.then(func(ctx context.Context, tx store.Tx) error {
		_, err := tx.DeleteRecord(ctx, kind, owner, key)
		return err
	})
	return err == nil, nil
}

// DeleteRecords removes the records that q selects.
func (d *draft) DeleteRecords(ctx context.Context, q store.RecordQuery) (int, error) {
	n, err := d.CountRecords(ctx, q)
	if err != nil {
		return 0, err
	}
	d.then(func(ctx context.Context, tx store.Tx) error {
		_, err := tx.DeleteRecords(ctx, q)
		return err
	})
	return n, nil
}

// AppendEvent writes entries of the outbox.
func (d *draft) AppendEvent(_ context.Context, events ...store.Event) error {
	d.then(func(ctx context.Context, tx store.Tx) error { return tx.AppendEvent(ctx, events...) })
	return nil
}
