package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

// session is a connection within a transaction, as Reader and Tx use it. After a
// statement that has failed, PostgreSQL takes no further one in the transaction, or the
// part of it.
type session struct {
	groupcommit.Guard
	c *pgx.Conn
}

// The driver sees a context that does not end: it would close the connection, with
// the transaction of everybody who shares the commit. The server bounds how long a
// statement may take; cancellation is checked before each and between rows.

// query calls fn at each row of the result, which may only scan it.
func (s *session) query(ctx context.Context, fn func(pgx.Rows) error, sql string, args ...any) error {
	if err := s.Ready(ctx); err != nil {
		return err
	}
	rows, err := s.c.Query(context.WithoutCancel(ctx), sql, args...)
	if err != nil {
		return s.fail(err)
	}
	defer rows.Close()
	for n := 1; rows.Next(); n++ {
		if n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fn(rows); err != nil {
			return s.fail(err)
		}
	}
	if err := rows.Err(); err != nil {
		return s.fail(err)
	}
	return nil
}

func (s *session) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if err := s.Ready(ctx); err != nil {
		return 0, err
	}
	tag, err := s.c.Exec(context.WithoutCancel(ctx), sql, args...)
	if err != nil {
		return 0, s.fail(err)
	}
	return tag.RowsAffected(), nil
}

// fail keeps what has gone wrong: later statements answer it again.
func (s *session) fail(err error) error {
	if code(err) != uniqueViolation { // which callers name
		err = translate(err)
	}
	return s.Fail(err)
}

// statement helps dynamic queries grow their text and arguments in step: each
// question mark of a part becomes the next argument.
type statement struct {
	sql  []byte
	args []any
}

func (b *statement) add(sql string, args ...any) {
	for i := range len(sql) {
		if sql[i] != '?' {
			b.sql = append(b.sql, sql[i])
			continue
		}
		b.args = append(b.args, args[0])
		args = args[1:]
		b.sql = append(b.sql, '$')
		b.sql = strconv.AppendInt(b.sql, int64(len(b.args)), 10)
	}
}

func uuidOf(id entity.ID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

func uuidsOf(ids []entity.ID) []pgtype.UUID {
	list := make([]pgtype.UUID, len(ids))
	for i, id := range ids {
		list[i] = uuidOf(id)
	}
	return list
}

// parentOf is NULL at the root.
func parentOf(id entity.ID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: id != entity.NilID} }

// hash makes a key that fits into an index out of texts of any length: the first half
// of a SHA-256 over the texts, each with its length.
func hash(texts ...string) pgtype.UUID {
	h := sha256.New()
	var length [8]byte
	for _, text := range texts {
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		h.Write(length[:])
		h.Write([]byte(text))
	}
	id := pgtype.UUID{Valid: true}
	copy(id.Bytes[:], h.Sum(nil))
	return id
}

// nullable gives NULL for no bytes.
func nullable(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// document never gives NULL.
func document(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
