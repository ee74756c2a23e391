package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// related reads rows of the relation table.
func (r *reader) related(ctx context.Context, into []store.Relation, sql string, args ...any) ([]store.Relation, error) {
	err := r.query(ctx, func(rows pgx.Rows) error {
		var rel store.Relation
		var from, to pgtype.UUID
		err := rows.Scan(&from, &rel.Kind, &to, &rel.FromType, &rel.ToType, &rel.Doc)
		rel.From, rel.To = from.Bytes, to.Bytes
		into = append(into, rel)
		return err
	}, "SELECT from_id, kind, to_id, from_type, to_type, doc FROM relation"+sql, args...)
	return into, err
}

// RelationsFrom implements store.Reader.
func (r *reader) RelationsFrom(ctx context.Context, ids []entity.ID, kinds ...string) ([]store.Relation, error) {
	return r.relations(ctx, "from_id", ids, kinds)
}

// RelationsTo implements store.Reader.
func (r *reader) RelationsTo(ctx context.Context, ids []entity.ID, kinds ...string) ([]store.Relation, error) {
	return r.relations(ctx, "to_id", ids, kinds)
}

func (r *reader) relations(ctx context.Context, column string, ids []entity.ID, kinds []string) (found []store.Relation, err error) {
	for part := range slices.Chunk(store.Unique(ids), chunk) {
		var q statement
		q.add(" WHERE "+column+" = ANY(?)", uuidsOf(part))
		if len(kinds) > 0 {
			q.add(" AND kind = ANY(?)", kinds)
		}
		if found, err = r.related(ctx, found, string(q.sql), q.args...); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, store.CompareRelations)
	return found, nil
}

// lineage is the kind of relation that the index relation_lineage is about.
const lineage = "upstream"

// RelationsOf implements store.Reader. The kind of lineage stands in the statement
// itself, so that PostgreSQL sees that the index has all of them.
func (r *reader) RelationsOf(ctx context.Context, kind string, after store.Relation, limit int) ([]store.Relation, error) {
	var q statement
	if kind == lineage {
		q.add(" WHERE kind = 'upstream'")
	} else {
		q.add(" WHERE kind = ?", kind)
	}
	q.add(" AND (from_id, to_id) > (?, ?) ORDER BY from_id, to_id LIMIT ?", uuidOf(after.From), uuidOf(after.To), limit)
	return r.related(ctx, nil, string(q.sql), q.args...)
}

// CountFrom implements store.Reader.
func (r *reader) CountFrom(ctx context.Context, ids []entity.ID, kind string) (map[entity.ID]int, error) {
	counts := make(map[entity.ID]int, len(ids))
	for part := range slices.Chunk(store.Unique(ids), chunk) {
		err := r.query(ctx, func(rows pgx.Rows) error {
			var id pgtype.UUID
			n := 0
			err := rows.Scan(&id, &n)
			counts[id.Bytes] = n
			return err
		}, "SELECT from_id, count(*) FROM relation WHERE from_id = ANY($1) AND kind = $2 GROUP BY from_id", uuidsOf(part), kind)
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// Relate implements store.Tx.
func (t *tx) Relate(ctx context.Context, relations ...store.Relation) error {
	rows := make([][]any, len(relations))
	for i, r := range relations {
		rows[i] = []any{uuidOf(r.From), r.Kind, uuidOf(r.To), r.FromType, r.ToType, nullable(r.Doc)}
		t.Touch(r.From, r.To)
	}
	return t.insertAll(ctx, `INSERT INTO relation (from_id, kind, to_id, from_type, to_type, doc)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (from_id, kind, to_id) DO UPDATE
		SET from_type = excluded.from_type, to_type = excluded.to_type, doc = excluded.doc`, rows)
}

// Unrelate implements store.Tx.
func (t *tx) Unrelate(ctx context.Context, relations ...store.Relation) error {
	for _, r := range relations {
		n, err := t.write(ctx, "DELETE FROM relation WHERE from_id = $1 AND kind = $2 AND to_id = $3",
			uuidOf(r.From), r.Kind, uuidOf(r.To))
		if err != nil {
			return err
		}
		if n > 0 {
			t.Touch(r.From, r.To)
		}
	}
	return nil
}
