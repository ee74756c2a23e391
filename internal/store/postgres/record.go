package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const recordColumns = "kind, owner, key, at, doc"

// recordPrefix is as much of a key as the indexes hold; see the migration.
const recordPrefix = "left(key, 300)"

// defaultLimit applies where a query leaves Limit at zero.
const defaultLimit = 1000

// records reads rows of the record table.
func (r *reader) records(ctx context.Context, into []store.Record, sql string, args ...any) ([]store.Record, error) {
	err := r.query(ctx, func(rows pgx.Rows) error {
		var rec store.Record
		err := rows.Scan(&rec.Kind, &rec.Owner, &rec.Key, &rec.At, &rec.Doc)
		into = append(into, rec)
		return err
	}, "SELECT "+recordColumns+" FROM record"+sql, args...)
	return into, err
}

// Record implements store.Reader.
func (r *reader) Record(ctx context.Context, kind, owner, key string) (store.Record, error) {
	found, err := r.records(ctx, nil, " WHERE hash = $1", hash(kind, owner, key))
	if err != nil {
		return store.Record{}, err
	}
	if len(found) == 0 {
		return store.Record{}, entity.NotFound(kind, key)
	}
	return found[0], nil
}

// recordCondition writes the WHERE of a query.
func recordCondition(q store.RecordQuery) statement {
	var w statement
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
		w.add(" AND "+recordPrefix+" >= left(?::text, 300) AND key > ?", q.After, q.After)
	}
	return w
}

// recordOrder puts equal keys of several owners, and equal times, into a fixed order
// too.
func recordOrder(order store.Order) string {
	switch order {
	case store.NewestFirst:
		return " ORDER BY at DESC, key, owner"
	case store.OldestFirst:
		return " ORDER BY at, key, owner"
	}
	return " ORDER BY " + recordPrefix + ", key, owner"
}

// Records implements store.Reader.
func (r *reader) Records(ctx context.Context, q store.RecordQuery) ([]store.Record, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	w := recordCondition(q)
	w.add(recordOrder(q.Order)+" LIMIT ? OFFSET ?", limit, max(q.Offset, 0))
	return r.records(ctx, nil, string(w.sql), w.args...)
}

// RecordsOf implements store.Reader.
func (r *reader) RecordsOf(ctx context.Context, kind, key string, owners []string) (found []store.Record, err error) {
	for part := range slices.Chunk(store.Unique(owners), chunk) {
		hashes := make([]any, 0, len(part))
		for _, owner := range part {
			hashes = append(hashes, hash(kind, owner, key))
		}
		if found, err = r.records(ctx, found, " WHERE hash = ANY($1)", hashes); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// CountRecords implements store.Reader.
func (r *reader) CountRecords(ctx context.Context, q store.RecordQuery) (int, error) {
	n := 0
	w := recordCondition(q)
	err := r.query(ctx, func(rows pgx.Rows) error { return rows.Scan(&n) }, "SELECT count(*) FROM record"+string(w.sql), w.args...)
	return n, err
}

// PutRecord implements store.Tx.
func (t *tx) PutRecord(ctx context.Context, records ...store.Record) error {
	rows := make([][]any, len(records))
	for i, r := range records {
		rows[i] = []any{hash(r.Kind, r.Owner, r.Key), r.Kind, r.Owner, r.Key, r.At, document(r.Doc)}
		t.TouchOwner(r.Owner)
	}
	return t.insertAll(ctx, `INSERT INTO record (hash, kind, owner, key, at, doc) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (hash) DO UPDATE SET at = excluded.at, doc = excluded.doc`, rows)
}

// DeleteRecord implements store.Tx.
func (t *tx) DeleteRecord(ctx context.Context, kind, owner, key string) (bool, error) {
	n, err := t.write(ctx, "DELETE FROM record WHERE hash = $1", hash(kind, owner, key))
	if n > 0 && err == nil {
		t.TouchOwner(owner)
	}
	return n > 0, err
}

// DeleteRecords implements store.Tx.
func (t *tx) DeleteRecords(ctx context.Context, q store.RecordQuery) (int, error) {
	w := recordCondition(q)
	n, last := 0, ""
	err := t.query(ctx, func(rows pgx.Rows) error {
		var owner string
		if err := rows.Scan(&owner); err != nil {
			return err
		}
		n++
		t.Dirty = true
		// Neighbours mostly have the same owner.
		if owner != last {
			t.TouchOwner(owner)
			last = owner
		}
		return nil
	}, "DELETE FROM record"+string(w.sql)+" RETURNING owner", w.args...)
	return n, err
}
