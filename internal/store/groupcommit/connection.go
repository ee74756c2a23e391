package groupcommit

import (
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// State is the one row that every commit rewrites. Generation counts commits,
// whichever process made them; LastHigh is the greatest time of an event so far.
type State struct {
	Generation int64
	LastSeq    uint64
	LastHigh   int64
}

// Connection is a backend's way to write: one transaction at a time, called by one
// goroutine at a time. Errors are the database's own; Translate makes them fit for
// clients.
type Connection interface {
	// State reads the state outside of a transaction.
	State() (State, error)
	// Begin starts a transaction and reads the state in it. Until it ends, no other
	// process writes.
	Begin() (State, error)
	// Savepoint starts a part of the transaction that can be undone alone.
	Savepoint() error
	// Release ends the part and keeps it, RollbackTo ends it and undoes it.
	Release() error
	RollbackTo() error
	// Save writes the state.
	Save(State) error
	// Commit makes the transaction durable. After an error it has not happened, as
	// far as can be known, and Rollback follows.
	Commit() error
	// Rollback ends the transaction, whatever has become of it.
	Rollback()
	// NewTx returns the transaction as one job sees it.
	NewTx(Start) Tx
	// Translate gives an error of the database a message that is fit for clients.
	Translate(error) error
	// Raw tells whether an error is one of the database.
	Raw(error) bool
}

// Start is what a job finds: the state that earlier jobs of its transaction left,
// the generation of the last commit, and what they changed since.
type Start struct {
	State      State
	Generation int64
	Earlier    []Change
	Counts     *Counts
}

// Tx is a backend's transaction for one job.
type Tx interface {
	store.Tx
	// Noted returns what the job changed.
	Noted() *Notes
	// End makes later calls fail: the function that had the transaction has returned.
	End()
	// Failed returns the failure of a statement after which the job cannot go on;
	// whatever it makes of it, it has failed.
	Failed() error
	// Lost tells whether that may have ended the database's transaction, with the work
	// of the jobs before.
	Lost() bool
}

// Notes are what a job changes, for the counters and the commit hooks. Backends
// embed them in their Tx.
type Notes struct {
	State   State
	Changes []Change
	Touched []entity.ID
	Types   []string // of rows written; few, each once
	Dirty   bool     // whether anything was written
}

// Noted returns the notes themselves.
func (n *Notes) Noted() *Notes { return n }

// Note adds an entity that comes (by +1) or goes (by -1).
func (n *Notes) Note(typ, fqn string, deleted bool, by int) {
	n.Changes = append(n.Changes, Change{Type: typ, FQN: fqn, Deleted: deleted, By: by})
}

// Inserted notes a row that is new.
func (n *Notes) Inserted(row store.Row) {
	n.Note(row.Type, row.FQN, row.Deleted, 1)
	n.Touch(row.ID)
	n.Wrote(row.Type)
}

// Replaced notes a row that was overwritten.
func (n *Notes) Replaced(was Change, row store.Row) {
	if was.Type != row.Type || was.FQN != row.FQN || was.Deleted != row.Deleted {
		n.Note(was.Type, was.FQN, was.Deleted, -1)
		n.Note(row.Type, row.FQN, row.Deleted, 1)
	}
	n.Touch(row.ID)
	n.Wrote(row.Type)
}

// Touch adds entities that commit hooks are told of.
func (n *Notes) Touch(ids ...entity.ID) { n.Touched = append(n.Touched, ids...) }

// TouchOwner adds the entity that owns a record, if an entity does.
func (n *Notes) TouchOwner(owner string) {
	if len(owner) != 36 {
		return
	}
	if id, err := entity.ParseID(owner); err == nil {
		n.Touch(id)
	}
}

// Wrote adds the type of a row that was written.
func (n *Notes) Wrote(typ string) {
	if !slices.Contains(n.Types, typ) {
		n.Types = append(n.Types, typ)
	}
}
