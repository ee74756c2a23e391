package sqlite

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// tx implements store.Tx for one job of a batch. It notes what it changes, for
// the counters and the commit hooks; the batch takes that over if it succeeds.
type tx struct {
	reader
	state   state
	changes []change
	touched []entity.ID
	types   []string // of rows written; few, each once
	dirty   bool
}

var _ store.Tx = (*tx)(nil)

func newTx(b *batch) *tx {
	t := &tx{state: b.state}
	t.reader = reader{
		session: session{c: b.w.c}, counts: b.w.counts, generation: b.before.generation,
		uncommitted: func(key counterKey) counter {
			return difference(b.changes, key).plus(difference(t.changes, key))
		},
	}
	return t
}

func (t *tx) write(ctx context.Context, sql string, args ...any) (int64, error) {
	n, err := t.exec(ctx, sql, args...)
	t.dirty = t.dirty || n > 0
	return n, err
}

func (t *tx) note(typ, fqn string, deleted bool, by int) {
	t.changes = append(t.changes, change{typ, fqn, deleted, by})
}

// wrote notes that a row of a type was written.
func (t *tx) wrote(typ string) {
	if !slices.Contains(t.types, typ) {
		t.types = append(t.types, typ)
	}
}

func parentOf(e store.Row) any {
	if e.Parent == entity.NilID {
		return nil
	}
	return e.Parent[:]
}

func integerOf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Insert implements store.Tx.
func (t *tx) Insert(ctx context.Context, e store.Row) error {
	_, err := t.write(ctx, `INSERT INTO entity (id, type, name, fqn, parent, deleted, version, updated_at, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.ID[:], e.Type, e.Name, e.FQN, parentOf(e), integerOf(e.Deleted),
		int64(e.Version), e.UpdatedAt, document(e.Doc))
	if isConstraint(err) {
		return taken(e, err)
	}
	if err != nil {
		return err
	}
	t.note(e.Type, e.FQN, e.Deleted, 1)
	t.touched = append(t.touched, e.ID)
	t.wrote(e.Type)
	return nil
}

func taken(e store.Row, cause error) error {
	conflict := entity.Conflict("%s %s already exists", e.Type, entity.Shorten(e.FQN, 300))
	conflict.Cause = cause
	return conflict
}

// Replace implements store.Tx.
func (t *tx) Replace(ctx context.Context, e store.Row) error {
	var was *change
	err := t.query(ctx, func(r row) error {
		was = &change{typ: r.text(0), fqn: r.text(1), deleted: r.integer(2) != 0}
		return nil
	}, "SELECT type, fqn, deleted FROM entity WHERE id = ?", e.ID[:])
	if err != nil {
		return err
	}
	if was == nil {
		return entity.NotFound(e.Type, e.ID.String())
	}
	_, err = t.write(ctx, `UPDATE entity SET type = ?, name = ?, fqn = ?, parent = ?, deleted = ?, version = ?,
		updated_at = ?, doc = ? WHERE id = ?`,
		e.Type, e.Name, e.FQN, parentOf(e), integerOf(e.Deleted), int64(e.Version),
		e.UpdatedAt, document(e.Doc), e.ID[:])
	if isConstraint(err) {
		return taken(e, err)
	}
	if err != nil {
		return err
	}
	if was.typ != e.Type || was.fqn != e.FQN || was.deleted != e.Deleted {
		t.note(was.typ, was.fqn, was.deleted, -1)
		t.note(e.Type, e.FQN, e.Deleted, 1)
	}
	t.touched = append(t.touched, e.ID)
	t.wrote(e.Type)
	return nil
}

// Delete implements store.Tx.
func (t *tx) Delete(ctx context.Context, ids []entity.ID) error {
	for part := range slices.Chunk(unique(ids), chunk) {
		if err := t.deleteSome(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) deleteSome(ctx context.Context, ids []entity.ID) error {
	list := idList(ids)
	var found []entity.ID
	err := t.query(ctx, func(r row) error {
		found = append(found, r.id(0))
		typ := r.text(1)
		t.note(typ, r.text(2), r.integer(3) != 0, -1)
		t.wrote(typ)
		return nil
	}, "SELECT id, type, fqn, deleted FROM entity WHERE id IN (SELECT unhex(value) FROM json_each(?))", list)
	if err != nil {
		return err
	}
	t.touched = append(t.touched, found...)
	owners := make([]string, len(ids))
	for i, id := range ids {
		owners[i] = id.String()
	}
	for _, sql := range []string{
		"DELETE FROM entity WHERE id IN (SELECT unhex(value) FROM json_each(?))",
		"DELETE FROM entity_version WHERE entity IN (SELECT unhex(value) FROM json_each(?))",
	} {
		if _, err := t.write(ctx, sql, list); err != nil {
			return err
		}
	}
	for _, sql := range []string{
		"DELETE FROM relation WHERE from_id IN (SELECT unhex(value) FROM json_each(?)) RETURNING from_id, to_id",
		"DELETE FROM relation WHERE to_id IN (SELECT unhex(value) FROM json_each(?)) RETURNING from_id, to_id",
	} {
		err := t.query(ctx, func(r row) error {
			t.touched = append(t.touched, r.id(0), r.id(1))
			t.dirty = true
			return nil
		}, sql, list)
		if err != nil {
			return err
		}
	}
	_, err = t.write(ctx, "DELETE FROM record WHERE owner IN (SELECT value FROM json_each(?))",
		stringList(owners))
	return err
}

// AddVersion implements store.Tx. A version kept before is overwritten.
func (t *tx) AddVersion(ctx context.Context, id entity.ID, v entity.Version, doc []byte) error {
	_, err := t.write(ctx, `INSERT INTO entity_version (entity, version, doc) VALUES (?, ?, ?)
		ON CONFLICT (entity, version) DO UPDATE SET doc = excluded.doc`, id[:], int64(v), document(doc))
	return err
}
