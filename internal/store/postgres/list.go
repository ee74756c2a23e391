package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

// prefix is as much of a name as the indexes hold; see the migration.
const prefix = "left(e.fqn, 500)"

// names adds the condition that names lie in an open interval: first by what the
// indexes hold of them, then exactly. An empty bound is none.
func (b *statement) names(low, high string) {
	if low != "" {
		b.add(" AND "+prefix+" >= left(?::text, 500) AND e.fqn > ?", low, low)
	}
	if high != "" {
		b.add(" AND "+prefix+" <= left(?::text, 500) AND e.fqn < ?", high, high)
	}
}

// selection is the FROM and WHERE of a list.
func selection(q store.ListQuery) statement {
	var s statement
	s.add(" FROM entity e WHERE true")
	switch {
	case q.Type == "user" && q.Members["email"] != "": // so that the partial index is seen to fit
		s.add(" AND e.type = 'user'")
	case q.Type != "":
		s.add(" AND e.type = ?", q.Type)
	}
	switch q.Include {
	case store.NonDeleted:
		s.add(" AND e.deleted = false")
	case store.Deleted:
		s.add(" AND e.deleted = true")
	}
	s.names(q.Names())
	if q.Parent != entity.NilID {
		s.add(" AND e.parent = ?", uuidOf(q.Parent))
	}
	if q.IDs != nil {
		s.add(" AND e.id = ANY(?)", uuidsOf(q.IDs))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Members)) {
		if name == "email" {
			s.add(" AND catalpa_member(e.doc, 'email') = ?", q.Members[name])
			continue
		}
		s.add(" AND catalpa_member(e.doc, ?) = ?", name, q.Members[name])
	}
	if f := q.RelatedFrom; f != nil {
		s.add(" AND EXISTS (SELECT 1 FROM relation r WHERE r.from_id = ? AND r.kind = ? AND r.to_id = e.id)", uuidOf(f.From), f.Kind)
	}
	return s
}

// List implements store.Reader.
func (r *reader) List(ctx context.Context, q store.ListQuery) ([]store.Row, error) {
	if q.Limit <= 0 || q.IDs != nil && len(q.IDs) == 0 {
		return nil, ctx.Err()
	}
	s := selection(q)
	direction := ""
	if q.Before != "" {
		direction = " DESC"
	}
	s.add(" ORDER BY " + prefix + direction + ", e.fqn" + direction)
	if q.Type == "" {
		s.add(", e.type" + direction)
	}
	s.add(" LIMIT ?", q.Limit)
	page, err := r.entities(ctx, make([]store.Row, 0, min(q.Limit, 1000)), string(s.sql), s.args...)
	if err != nil {
		return nil, err
	}
	if q.Before != "" {
		slices.Reverse(page)
	}
	return page, nil
}

// Count implements store.Reader.
func (r *reader) Count(ctx context.Context, q store.ListQuery) (int, error) {
	if q.IDs != nil && len(q.IDs) == 0 {
		return 0, ctx.Err()
	}
	if q.Countable() {
		c, err := r.counter(ctx, groupcommit.CounterKey{Type: q.Type, Under: q.Under})
		return c.Of(q.Include), err
	}
	q.After, q.Before = "", ""
	s := selection(q)
	n := 0
	err := r.query(ctx, func(rows pgx.Rows) error { return rows.Scan(&n) }, "SELECT count(*)"+string(s.sql), s.args...)
	return n, err
}

// counter finds the counter of this snapshot, plus what this transaction has
// not committed yet.
func (r *reader) counter(ctx context.Context, key groupcommit.CounterKey) (groupcommit.Counter, error) {
	generation := func() (n int64, err error) {
		err = r.query(ctx, func(rows pgx.Rows) error { return rows.Scan(&n) }, "SELECT generation FROM state")
		return n, err
	}
	return r.Snapshot.Counter(key, generation, func() (groupcommit.Counter, error) { return r.countEntities(ctx, key) })
}

func (r *reader) countEntities(ctx context.Context, key groupcommit.CounterKey) (c groupcommit.Counter, err error) {
	var s statement
	s.add("SELECT count(*) FILTER (WHERE NOT e.deleted), count(*) FILTER (WHERE e.deleted) FROM entity e WHERE e.type = ?", key.Type)
	s.names(store.ListQuery{Under: key.Under}.Names())
	err = r.query(ctx, func(rows pgx.Rows) error { return rows.Scan(&c.Live, &c.Deleted) }, string(s.sql), s.args...)
	return c, err
}
