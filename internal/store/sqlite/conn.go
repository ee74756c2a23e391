package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

// maxStatements bounds the prepared statements of one connection.
const maxStatements = 128

// conn is one connection with its prepared statements. It speaks to the driver
// without database/sql, which would lock, convert and reflect on each call.
// Only one goroutine uses it at a time.
type conn struct {
	raw   driver.Conn
	stmts *simplelru.LRU[string, driver.Stmt]
}

func newConn(ctx context.Context, connector driver.Connector) (*conn, error) {
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	// Evicted statements are idle: results are read to their end before the
	// next statement starts.
	stmts, err := simplelru.NewLRU(maxStatements, func(_ string, s driver.Stmt) { _ = s.Close() })
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return &conn{raw: raw, stmts: stmts}, nil
}

func (c *conn) close() error {
	c.stmts.Purge()
	return c.raw.Close()
}

// script runs SQL that is not worth preparing and has no parameters.
func (c *conn) script(ctx context.Context, sql string) error {
	execer, ok := c.raw.(driver.ExecerContext)
	if !ok {
		return errors.New("the driver cannot run statements directly")
	}
	_, err := execer.ExecContext(ctx, sql, nil)
	return err
}

func (c *conn) prepare(sql string) (driver.Stmt, error) {
	if s, ok := c.stmts.Get(sql); ok {
		return s, nil
	}
	s, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, err
	}
	c.stmts.Add(sql, s)
	return s, nil
}

// The driver sees context.Background: watching a context costs it a goroutine
// a statement, and an interrupted connection is lost with all it has prepared.
// Statements are short; cancellation is checked before each and between rows.

// exec runs a statement without counting it, for the store's own bookkeeping.
func (c *conn) exec(sql string, args ...any) (int64, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	runner, ok := s.(driver.StmtExecContext)
	if !ok {
		return 0, errors.New("the driver cannot run prepared statements")
	}
	result, err := runner.ExecContext(context.Background(), named(args))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query hands each row of the result to fn, which must not keep it.
func (c *conn) query(ctx context.Context, fn func(row) error, sql string, args ...any) (err error) {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	runner, ok := s.(driver.StmtQueryContext)
	if !ok {
		return errors.New("the driver cannot run prepared queries")
	}
	rows, err := runner.QueryContext(context.Background(), named(args))
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	values := make(row, len(rows.Columns()))
	for n := 1; ; n++ {
		if err := rows.Next(values); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fn(values); err != nil {
			return err
		}
	}
}

func named(args []any) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return values
}

// row is one row of a result. Columns have the types the schema gives them
// (the tables are STRICT), so a mismatch is a defect and reads as zero.
type row []driver.Value

func (r row) text(i int) string {
	v, _ := r[i].(string)
	return v
}

func (r row) integer(i int) int64 {
	v, _ := r[i].(int64)
	return v
}

func (r row) blob(i int) []byte {
	v, _ := r[i].([]byte)
	return v
}

func (r row) id(i int) entity.ID {
	var id entity.ID
	copy(id[:], r.blob(i))
	return id
}

// nullable gives NULL for no bytes.
func nullable(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// document never gives NULL.
func document(b []byte) any {
	if b == nil {
		return []byte{}
	}
	return b
}

// session is a connection within a transaction, as Reader and Tx use it.
type session struct {
	groupcommit.Guard
	c *conn
}

func (s *session) query(ctx context.Context, fn func(row) error, sql string, args ...any) error {
	if err := s.Ready(ctx); err != nil {
		return err
	}
	return s.settle(s.c.query(ctx, fn, sql, args...))
}

func (s *session) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if err := s.Ready(ctx); err != nil {
		return 0, err
	}
	n, err := s.c.exec(sql, args...)
	return n, s.settle(err)
}

// settle translates an error. Whatever is neither a constraint nor a
// cancellation sticks: SQLite may have rolled everything back, and later
// statements would commit on their own.
func (s *session) settle(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || isConstraint(err) {
		return err
	}
	return s.Fail(translate(err))
}

// rowArgs helps dynamic queries grow their text and arguments in step.
type rowArgs struct {
	sql  []byte
	args []any
}

func (b *rowArgs) add(sql string, args ...any) {
	b.sql = fmt.Append(b.sql, sql)
	b.args = append(b.args, args...)
}
