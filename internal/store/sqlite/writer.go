package sqlite

import (
	"context"
	"errors"

	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

// writing is the one connection that writes, as a groupcommit.Writer uses it.
type writing struct{ *conn }

var _ groupcommit.Connection = writing{}

func (w writing) run(sql string) error {
	_, err := w.exec(sql)
	return err
}

// State implements groupcommit.Connection.
func (w writing) State() (s groupcommit.State, err error) {
	found := false
	err = w.query(context.Background(), func(r row) error {
		s = groupcommit.State{Generation: r.integer(0), LastSeq: uint64(r.integer(1)), LastHigh: r.integer(2)}
		found = true
		return nil
	}, "SELECT generation, last_seq, last_high FROM state")
	if err == nil && !found {
		err = errors.New("the table state has lost its row")
	}
	return s, err
}

// Begin implements groupcommit.Connection.
func (w writing) Begin() (groupcommit.State, error) {
	if err := w.run("BEGIN IMMEDIATE"); err != nil {
		return groupcommit.State{}, err
	}
	return w.State()
}

// Savepoint implements groupcommit.Connection.
func (w writing) Savepoint() error { return w.run("SAVEPOINT job") }

// Release implements groupcommit.Connection.
func (w writing) Release() error { return w.run("RELEASE job") }

// RollbackTo implements groupcommit.Connection.
func (w writing) RollbackTo() error {
	if err := w.run("ROLLBACK TO job"); err != nil {
		return err
	}
	return w.Release()
}

// Save implements groupcommit.Connection.
func (w writing) Save(s groupcommit.State) error {
	_, err := w.exec("UPDATE state SET generation = ?, last_seq = ?, last_high = ?", s.Generation, int64(s.LastSeq), s.LastHigh)
	return err
}

// Commit implements groupcommit.Connection.
func (w writing) Commit() error { return w.run("COMMIT") }

// Rollback implements groupcommit.Connection. It fails if SQLite has rolled back by
// itself, which is as good.
func (w writing) Rollback() { _ = w.run("ROLLBACK") }

// NewTx implements groupcommit.Connection.
func (w writing) NewTx(start groupcommit.Start) groupcommit.Tx { return newTx(w.conn, start) }

// Translate implements groupcommit.Connection.
func (w writing) Translate(err error) error { return translate(err) }

// Raw implements groupcommit.Connection.
func (w writing) Raw(err error) bool { return isRaw(err) }
