package sqlite

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const recordColumns = "kind, owner, key, at, doc"

// defaultLimit applies where a query leaves Limit at zero.
const defaultLimit = 1000

func scanRecord(r row) store.Record {
	return store.Record{Kind: r.text(0), Owner: r.text(1), Key: r.text(2), At: r.integer(3), Doc: r.blob(4)}
}

// Record implements store.Reader.
func (r *reader) Record(ctx context.Context, kind, owner, key string) (store.Record, error) {
	var found *store.Record
	err := r.query(ctx, func(row row) error {
		rec := scanRecord(row)
		found = &rec
		return nil
	}, "SELECT "+recordColumns+" FROM record WHERE kind = ? AND owner = ? AND key = ?", kind, owner, key)
	if err != nil {
		return store.Record{}, err
	}
	if found == nil {
		return store.Record{}, entity.NotFound(kind, key)
	}
	return *found, nil
}

// recordCondition writes the WHERE of a query.
func recordCondition(q store.RecordQuery) rowArgs {
	var w rowArgs
	w.add(" WHERE kind = ?", q.Kind)
	if !q.Any {
		w.add(" AND owner = ?", q.Owner)
	}
	if q.From != 0 {
		w.add(" AND at >= ?", q.From)
	}
	if q.To != 0 {
		w.add(" AND at <= ?", q.To)
	}
	if q.After != "" && q.Order == store.KeyAscending {
		w.add(" AND key > ?", q.After)
	}
	return w
}

// recordOrder pins the index that has the order wanted. Equal keys of several
// owners, and equal times, come in a fixed order too.
func recordOrder(q store.RecordQuery) (index, order string) {
	byTime := q.Order != store.KeyAscending
	switch {
	case byTime && q.Any:
		index = "record_at"
	case byTime:
		index = "record_owner_at"
	case q.Any:
		index = "record_any_key"
	default:
		index = "record_key"
	}
	switch q.Order {
	case store.NewestFirst:
		// Ties ascend by key, against the index: SQLite sorts only within ties.
		return index, " ORDER BY at DESC, key, owner"
	case store.OldestFirst:
		return index, " ORDER BY at, key, owner"
	}
	return index, " ORDER BY key, owner"
}

// Records implements store.Reader.
func (r *reader) Records(ctx context.Context, q store.RecordQuery) ([]store.Record, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	w := recordCondition(q)
	index, order := recordOrder(q)
	var found []store.Record
	err := r.query(ctx, func(row row) error {
		found = append(found, scanRecord(row))
		return nil
	}, "SELECT "+recordColumns+" FROM record INDEXED BY "+index+string(w.sql)+order+" LIMIT ? OFFSET ?",
		append(w.args, int64(limit), int64(max(q.Offset, 0)))...)
	return found, err
}

// RecordsOf implements store.Reader.
func (r *reader) RecordsOf(ctx context.Context, kind, key string, owners []string) ([]store.Record, error) {
	var found []store.Record
	for part := range slices.Chunk(store.Unique(owners), chunk) {
		err := r.query(ctx, func(row row) error {
			found = append(found, scanRecord(row))
			return nil
		}, "SELECT "+recordColumns+` FROM record INDEXED BY record_key
			WHERE kind = ? AND key = ? AND owner IN (SELECT value FROM json_each(?))`, kind, key, stringList(part))
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// CountRecords implements store.Reader.
func (r *reader) CountRecords(ctx context.Context, q store.RecordQuery) (int, error) {
	n := 0
	w := recordCondition(q)
	err := r.query(ctx, func(row row) error {
		n = int(row.integer(0))
		return nil
	}, "SELECT count(*) FROM record"+string(w.sql), w.args...)
	return n, err
}

// PutRecord implements store.Tx.
func (t *tx) PutRecord(ctx context.Context, records ...store.Record) error {
	for _, r := range records {
		_, err := t.write(ctx, `INSERT INTO record (kind, owner, key, at, doc) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (kind, owner, key) DO UPDATE SET at = excluded.at, doc = excluded.doc`,
			r.Kind, r.Owner, r.Key, r.At, document(r.Doc))
		if err != nil {
			return err
		}
		t.TouchOwner(r.Owner)
	}
	return nil
}

// DeleteRecord implements store.Tx.
func (t *tx) DeleteRecord(ctx context.Context, kind, owner, key string) (bool, error) {
	n, err := t.write(ctx, "DELETE FROM record WHERE kind = ? AND owner = ? AND key = ?", kind, owner, key)
	if n > 0 && err == nil {
		t.TouchOwner(owner)
	}
	return n > 0, err
}

// DeleteRecords implements store.Tx.
func (t *tx) DeleteRecords(ctx context.Context, q store.RecordQuery) (int, error) {
	w := recordCondition(q)
	n, last := 0, ""
	err := t.query(ctx, func(row row) error {
		n++
		t.Dirty = true
		// Neighbours mostly have the same owner.
		if owner := row.text(0); owner != last {
			t.TouchOwner(owner)
			last = owner
		}
		return nil
	}, "DELETE FROM record"+string(w.sql)+" RETURNING owner", w.args...)
	return n, err
}
