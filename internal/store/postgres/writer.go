package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

// patience bounds each of the store's own steps, beyond the server's own limits: a
// server that does not answer at all must not hold up the writer for ever.
const patience = time.Minute

// writing is the one connection that writes, as a groupcommit.Writer uses it. It is
// taken from its pool for each transaction, which replaces a connection that is lost.
type writing struct {
	pool *pgxpool.Pool
	held *pgxpool.Conn
}

var _ groupcommit.Connection = (*writing)(nil)

var (
	errReleased     = errors.New("the connection that writes is not held")
	errNotCommitted = errors.New("the database has rolled the transaction back instead")
)

const selectState = "SELECT generation, last_seq, last_high FROM state"

// State implements groupcommit.Connection.
func (w *writing) State() (groupcommit.State, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var s groupcommit.State
	err := w.pool.QueryRow(ctx, selectState).Scan(&s.Generation, &s.LastSeq, &s.LastHigh)
	return s, err
}

// Begin implements groupcommit.Connection. The lock on the state is that on writing.
func (w *writing) Begin() (groupcommit.State, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var s groupcommit.State
	c, err := begin(ctx, w.pool, "BEGIN")
	if err != nil {
		return s, err
	}
	w.held = c
	err = c.QueryRow(ctx, selectState+" FOR UPDATE").Scan(&s.Generation, &s.LastSeq, &s.LastHigh)
	return s, err
}

func (w *writing) run(sql string, args ...any) error {
	if w.held == nil {
		return errReleased
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := w.held.Exec(ctx, sql, args...)
	return err
}

// release gives the connection back. One in a transaction, or broken, is closed by
// the pool.
func (w *writing) release() {
	if w.held != nil {
		w.held.Release()
		w.held = nil
	}
}

// Savepoint implements groupcommit.Connection.
func (w *writing) Savepoint() error { return w.run("SAVEPOINT job") }

// Release implements groupcommit.Connection.
func (w *writing) Release() error { return w.run("RELEASE job") }

// RollbackTo implements groupcommit.Connection.
func (w *writing) RollbackTo() error {
	if err := w.run("ROLLBACK TO job"); err != nil {
		return err
	}
	return w.Release()
}

// Save implements groupcommit.Connection.
func (w *writing) Save(s groupcommit.State) error {
	return w.run("UPDATE state SET generation = $1, last_seq = $2, last_high = $3", s.Generation, int64(s.LastSeq), s.LastHigh)
}

// Commit implements groupcommit.Connection.
func (w *writing) Commit() error {
	if w.held == nil {
		return errReleased
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tag, err := w.held.Exec(ctx, "COMMIT")
	if err != nil {
		return err
	}
	if tag.String() != "COMMIT" { // which is how a transaction that has failed is ended
		return errNotCommitted
	}
	w.release()
	return nil
}

// Rollback implements groupcommit.Connection.
func (w *writing) Rollback() {
	_ = w.run("ROLLBACK") // a connection that cannot is closed by the pool, which ends the transaction too
	w.release()
}

// NewTx implements groupcommit.Connection.
func (w *writing) NewTx(start groupcommit.Start) groupcommit.Tx { return newTx(w.held.Conn(), start) }

// Translate implements groupcommit.Connection.
func (w *writing) Translate(err error) error { return translate(err) }

// Raw implements groupcommit.Connection.
func (w *writing) Raw(err error) bool { return isRaw(err) }
