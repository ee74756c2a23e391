package sqlite

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

// tx implements store.Tx for one job of a batch.
type tx struct {
	reader
	groupcommit.Notes
}

var _ groupcommit.Tx = (*tx)(nil)

func newTx(c *conn, start groupcommit.Start) *tx {
	t := &tx{Notes: groupcommit.Notes{State: start.State}}
	t.reader = reader{session: session{c: c}, Snapshot: start.Snapshot(&t.Notes)}
	return t
}

// Lost implements groupcommit.Tx.
func (t *tx) Lost() bool { return t.Failed() != nil }

func (t *tx) write(ctx context.Context, sql string, args ...any) (int64, error) {
	n, err := t.exec(ctx, sql, args...)
	t.Dirty = t.Dirty || n > 0
	return n, err
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
		return store.Taken(e, err)
	}
	if err != nil {
		return err
	}
	t.Inserted(e)
	return nil
}

// Replace implements store.Tx.
func (t *tx) Replace(ctx context.Context, e store.Row) error {
	var was *groupcommit.Change
	err := t.query(ctx, func(r row) error {
		was = &groupcommit.Change{Type: r.text(0), FQN: r.text(1), Deleted: r.integer(2) != 0}
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
		return store.Taken(e, err)
	}
	if err != nil {
		return err
	}
	t.Replaced(*was, e)
	return nil
}

// Delete implements store.Tx.
func (t *tx) Delete(ctx context.Context, ids []entity.ID) error {
	for part := range slices.Chunk(store.Unique(ids), chunk) {
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
		t.Note(typ, r.text(2), r.integer(3) != 0, -1)
		t.Wrote(typ)
		return nil
	}, "SELECT id, type, fqn, deleted FROM entity WHERE id IN (SELECT unhex(value) FROM json_each(?))", list)
	if err != nil {
		return err
	}
	t.Touch(found...)
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
			t.Touch(r.id(0), r.id(1))
			t.Dirty = true
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
