package sqlite

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const relationColumns = "r.from_id, r.kind, r.to_id, r.from_type, r.to_type, r.doc"

func scanRelation(r row) store.Relation {
	return store.Relation{
		From: r.id(0), Kind: r.text(1), To: r.id(2), FromType: r.text(3), ToType: r.text(4), Doc: r.blob(5),
	}
}

// RelationsFrom implements store.Reader.
func (r *reader) RelationsFrom(ctx context.Context, ids []entity.ID, kinds ...string) ([]store.Relation, error) {
	return r.relations(ctx, "r.from_id", "", ids, kinds)
}

// RelationsTo implements store.Reader.
func (r *reader) RelationsTo(ctx context.Context, ids []entity.ID, kinds ...string) ([]store.Relation, error) {
	return r.relations(ctx, "r.to_id", " INDEXED BY relation_to", ids, kinds)
}

// relations has one shape of statement for one id and one for many; either
// starts at the ids.
func (r *reader) relations(ctx context.Context, column, index string, ids []entity.ID, kinds []string) ([]store.Relation, error) {
	var found []store.Relation
	for part := range slices.Chunk(store.Unique(ids), chunk) {
		var q rowArgs
		q.add("SELECT " + relationColumns + " FROM relation r" + index + " WHERE " + column)
		if len(part) == 1 {
			q.add(" = ?", part[0][:])
		} else {
			q.add(" IN (SELECT unhex(value) FROM json_each(?))", idList(part))
		}
		switch len(kinds) {
		case 0:
		case 1:
			q.add(" AND r.kind = ?", kinds[0])
		default:
			q.add(" AND r.kind IN (SELECT value FROM json_each(?))", stringList(kinds))
		}
		err := r.query(ctx, func(row row) error {
			found = append(found, scanRelation(row))
			return nil
		}, string(q.sql), q.args...)
		if err != nil {
			return nil, err
		}
	}
	// Sorting here is cheaper than SQLite's sorter and spans the chunks.
	slices.SortFunc(found, store.CompareRelations)
	return found, nil
}

// lineage is the kind of relation that the index relation_lineage is about.
const lineage = "upstream"

// RelationsOf implements store.Reader. The kind of lineage stands in the statement
// itself, so that SQLite sees that the index has all of them.
func (r *reader) RelationsOf(ctx context.Context, kind string, after store.Relation, limit int) ([]store.Relation, error) {
	var q rowArgs
	if kind == lineage {
		q.add("SELECT " + relationColumns + " FROM relation r INDEXED BY relation_lineage WHERE r.kind = 'upstream'")
	} else {
		q.add("SELECT "+relationColumns+" FROM relation r WHERE r.kind = ?", kind)
	}
	q.add(" AND (r.from_id, r.to_id) > (?, ?) ORDER BY r.from_id, r.to_id LIMIT ?", after.From[:], after.To[:], int64(limit))
	var found []store.Relation
	err := r.query(ctx, func(row row) error {
		found = append(found, scanRelation(row))
		return nil
	}, string(q.sql), q.args...)
	return found, err
}

// CountFrom implements store.Reader.
func (r *reader) CountFrom(ctx context.Context, ids []entity.ID, kind string) (map[entity.ID]int, error) {
	counts := make(map[entity.ID]int, len(ids))
	for part := range slices.Chunk(store.Unique(ids), chunk) {
		err := r.query(ctx, func(row row) error {
			counts[row.id(0)] = int(row.integer(1))
			return nil
		}, `SELECT from_id, count(*) FROM relation
			WHERE from_id IN (SELECT unhex(value) FROM json_each(?)) AND kind = ? GROUP BY from_id`, idList(part), kind)
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// Relate implements store.Tx.
func (t *tx) Relate(ctx context.Context, relations ...store.Relation) error {
	for _, r := range relations {
		_, err := t.write(ctx, `INSERT INTO relation (from_id, kind, to_id, from_type, to_type, doc)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (from_id, kind, to_id) DO UPDATE
			SET from_type = excluded.from_type, to_type = excluded.to_type, doc = excluded.doc`,
			r.From[:], r.Kind, r.To[:], r.FromType, r.ToType, nullable(r.Doc))
		if err != nil {
			return err
		}
		t.Touch(r.From, r.To)
	}
	return nil
}

// Unrelate implements store.Tx.
func (t *tx) Unrelate(ctx context.Context, relations ...store.Relation) error {
	for _, r := range relations {
		n, err := t.write(ctx, "DELETE FROM relation WHERE from_id = ? AND kind = ? AND to_id = ?",
			r.From[:], r.Kind, r.To[:])
		if err != nil {
			return err
		}
		if n > 0 {
			t.Touch(r.From, r.To)
		}
	}
	return nil
}
