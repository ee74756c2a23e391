package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

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

func newTx(c *pgx.Conn, start groupcommit.Start) *tx {
	t := &tx{Notes: groupcommit.Notes{State: start.State}}
	t.reader = reader{session: session{c: c}, Snapshot: start.Snapshot(&t.Notes)}
	return t
}

// Lost implements groupcommit.Tx. A statement that fails can be undone with its job,
// as long as there is a connection.
func (t *tx) Lost() bool { return t.Failed() != nil && t.c.IsClosed() }

func (t *tx) write(ctx context.Context, sql string, args ...any) (int64, error) {
	n, err := t.exec(ctx, sql, args...)
	t.Dirty = t.Dirty || n > 0
	return n, err
}

// insertAll runs a statement for each of the rows, sent together.
func (t *tx) insertAll(ctx context.Context, sql string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	if len(rows) == 1 {
		_, err := t.write(ctx, sql, rows[0]...)
		return err
	}
	for part := range slices.Chunk(rows, chunk) {
		if err := t.Ready(ctx); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, row := range part {
			batch.Queue(sql, row...)
		}
		if err := t.c.SendBatch(context.WithoutCancel(ctx), batch).Close(); err != nil {
			return t.fail(err)
		}
		t.Dirty = true
	}
	return nil
}

// Insert implements store.Tx.
func (t *tx) Insert(ctx context.Context, e store.Row) error {
	_, err := t.write(ctx, `INSERT INTO entity (id, type, name, fqn, fqn_hash, parent, deleted, version, updated_at, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		uuidOf(e.ID), e.Type, e.Name, e.FQN, hash(e.FQN), parentOf(e.Parent), e.Deleted, int64(e.Version), e.UpdatedAt, document(e.Doc))
	if err != nil {
		return t.taken(e, err)
	}
	t.Inserted(e)
	return nil
}

// taken names what is in the way of a row; other errors stay as they are.
func (t *tx) taken(e store.Row, err error) error {
	if code(err) != uniqueViolation {
		return err
	}
	return t.Fail(store.Taken(e, err))
}

// Replace implements store.Tx.
func (t *tx) Replace(ctx context.Context, e store.Row) error {
	var was *groupcommit.Change
	err := t.query(ctx, func(rows pgx.Rows) error {
		was = &groupcommit.Change{}
		return rows.Scan(&was.Type, &was.FQN, &was.Deleted)
	}, "SELECT type, fqn, deleted FROM entity WHERE id = $1", uuidOf(e.ID))
	if err != nil {
		return err
	}
	if was == nil {
		return entity.NotFound(e.Type, e.ID.String())
	}
	_, err = t.write(ctx, `UPDATE entity SET type = $2, name = $3, fqn = $4, fqn_hash = $5, parent = $6, deleted = $7,
		version = $8, updated_at = $9, doc = $10 WHERE id = $1`,
		uuidOf(e.ID), e.Type, e.Name, e.FQN, hash(e.FQN), parentOf(e.Parent), e.Deleted, int64(e.Version), e.UpdatedAt, document(e.Doc))
	if err != nil {
		return t.taken(e, err)
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
	list := uuidsOf(ids)
	err := t.query(ctx, func(rows pgx.Rows) error {
		var id pgtype.UUID
		var typ, fqn string
		var deleted bool
		err := rows.Scan(&id, &typ, &fqn, &deleted)
		t.Note(typ, fqn, deleted, -1)
		t.Touch(id.Bytes)
		t.Wrote(typ)
		t.Dirty = true
		return err
	}, "DELETE FROM entity WHERE id = ANY($1) RETURNING id, type, fqn, deleted", list)
	if err != nil {
		return err
	}
	if _, err := t.write(ctx, "DELETE FROM entity_version WHERE entity = ANY($1)", list); err != nil {
		return err
	}
	for _, end := range []string{"from_id", "to_id"} {
		err := t.query(ctx, func(rows pgx.Rows) error {
			var from, to pgtype.UUID
			err := rows.Scan(&from, &to)
			t.Touch(from.Bytes, to.Bytes)
			t.Dirty = true
			return err
		}, "DELETE FROM relation WHERE "+end+" = ANY($1) RETURNING from_id, to_id", list)
		if err != nil {
			return err
		}
	}
	owners := make([]string, len(ids))
	for i, id := range ids {
		owners[i] = id.String()
	}
	_, err = t.write(ctx, "DELETE FROM record WHERE owner = ANY($1)", owners)
	return err
}

// AddVersion implements store.Tx. A version kept before is overwritten.
func (t *tx) AddVersion(ctx context.Context, id entity.ID, v entity.Version, doc []byte) error {
	_, err := t.write(ctx, `INSERT INTO entity_version (entity, version, doc) VALUES ($1, $2, $3)
		ON CONFLICT (entity, version) DO UPDATE SET doc = excluded.doc`, uuidOf(id), int64(v), document(doc))
	return err
}
