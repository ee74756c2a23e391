// Package store says what Catalpa needs from a database: transactions over
// entities, their versions, relations, records (small JSON documents and time
// series that belong to something) and the outbox of change events.
//
// Implementations live below this package and are interchangeable; the suite in
// storetest runs against each. The package may import entity only.
package store

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Store is the transactional home of everything Catalpa keeps. It is safe for
// concurrent use.
type Store interface {
	// View runs fn on one consistent snapshot. fn must not keep the Reader.
	View(ctx context.Context, fn func(Reader) error) error

	// Update runs fn in a write transaction: all of it becomes durable before
	// Update returns nil, or none of it. Writes are serialised; concurrent
	// calls may share one commit, so fn must be quick, must not call the Store
	// again, and may run more than once. After the commit, the hooks given to
	// OnCommit have been called.
	Update(ctx context.Context, fn func(Tx) error) error

	// OnCommit registers a function that is called after each transaction that
	// changed something, before its Update returns. Register at start only.
	OnCommit(fn func(Commit))

	// Close ends all work and closes the files. Later calls answer ErrClosed.
	Close() error
}

// Commit tells caches and the indexer what a transaction touched.
type Commit struct {
	// Entities that were written or deleted, are at an end of a relation that
	// was, or own (by their id) a record that was; without duplicates. All is
	// set instead when another process changed the database.
	Entities []entity.ID
	// Types are those of the rows that were inserted, replaced or deleted, each
	// once: an entity that is only at the end of a relation adds none.
	Types   []string
	All     bool
	LastSeq uint64 // sequence number of the last event written, 0 if none
	Updates int    // how many calls of Update shared it; 0 if All
}

// Row is the stored form of an entity.
type Row struct {
	ID        entity.ID
	Type      string
	Name      string
	FQN       string
	Parent    entity.ID // NilID at the root
	Deleted   bool
	Version   entity.Version
	UpdatedAt int64 // milliseconds since 1970
	Doc       []byte
}

// Key names an entity by type and fully qualified name.
type Key struct{ Type, FQN string }

// StateKey names an earlier state of an entity.
type StateKey struct {
	ID      entity.ID
	Version entity.Version
}

// Include says which rows a query sees.
type Include int

// The values of Include.
const (
	NonDeleted Include = iota
	Deleted
	All
)

// Child is an entity directly below a parent.
type Child struct {
	Parent, ID entity.ID
	Deleted    bool
}

// ListQuery selects a page of one type's rows, ordered by FQN in byte order.
// The zero value of a field does not restrict.
type ListQuery struct {
	Type    string
	Include Include
	Under   string    // only entities below this FQN, at any depth
	Parent  entity.ID // only direct children of this entity
	After   string    // only FQNs greater than this
	Before  string    // only FQNs less than this; the page is the one that ends here, in ascending order
	Limit   int       // rows at most; 0 means none
	// RelatedFrom restricts to entities that Relation{From, Kind, To: entity}
	// reaches; used for filters such as owner, domain or tag.
	RelatedFrom *RelationFilter
	// IDs restricts to these entities.
	IDs []entity.ID
	// Members restricts to documents whose top-level members have these values,
	// compared as text ("true", "Group"). It reads documents: meant for types of
	// which there are few, such as users and test definitions.
	Members map[string]string
}

// RelationFilter names the near end of a relation.
type RelationFilter struct {
	From entity.ID
	Kind string
}

// Relation is a directed, typed edge between two entities. (From, Kind, To) is
// its identity; Doc is optional JSON of the edge itself, e.g. lineage details.
type Relation struct {
	From, To         entity.ID
	FromType, ToType string
	Kind             string
	Doc              []byte
}

// Record is a small JSON document: a setting, sample data, one profile at one
// time, a token. (Kind, Owner, Key) is its identity.
type Record struct {
	Kind  string
	Owner string // what it belongs to: an entity's id, or "" for the server itself
	Key   string // unique among its kind and owner
	At    int64  // milliseconds since 1970: the time the record speaks of, or was written
	Doc   []byte
}

// RecordQuery selects records of one kind.
type RecordQuery struct {
	Kind   string
	Owner  string // "" with AnyOwner unset means the server's own
	Any    bool   // any owner
	From   int64  // At >= From, when not 0
	To     int64  // At <= To, when not 0
	After  string // Key greater than this (only for Order KeyAscending)
	Order  Order
	Limit  int // at most this many; 0 means 1000
	Offset int
}

// Order of records.
type Order int

// The orders of records; ties are broken by key.
const (
	KeyAscending Order = iota
	NewestFirst
	OldestFirst
)

// Event is one entry of the outbox. The entity's state at the event is found by
// EntityID and Version (the current row or a version); Doc is set only when that
// state is gone, i.e. after a hard delete.
type Event struct {
	Seq             uint64 // increasing in commit order, without gaps being promised
	ID              entity.ID
	Type            string // entityCreated, entityUpdated, ...
	EntityType      string
	EntityID        entity.ID
	EntityFQN       string
	Version         entity.Version
	PreviousVersion entity.Version
	At              int64
	User            string
	Bot             string // that acted on behalf of User, "" for nobody
	Change          []byte // JSON of entity.ChangeDescription, or nil
	Doc             []byte
}

// EventQuery selects events in the order of Seq.
type EventQuery struct {
	After  uint64 // Seq greater than this
	Before uint64 // Seq less than this, when not 0
	Newest bool   // the newest first
	Since  int64  // At >= Since, when not 0
	To     int64  // At <= To, when not 0
	// Types maps an event type to the entity types wanted ("*" for all); nil
	// means everything.
	Types map[string][]string
	// EntityID restricts to one entity, when not NilID.
	EntityID entity.ID
	Limit    int // at most this many; 0 means 1000
}

// Reader reads within one snapshot. Look-ups of one thing answer an error of
// entity.KindNotFound when there is none; batch look-ups leave it out.
type Reader interface {
	// Entity returns the row with the id, whatever its type and deleted or not.
	Entity(ctx context.Context, id entity.ID) (Row, error)
	// EntityByFQN returns the row with the type and name, deleted or not.
	EntityByFQN(ctx context.Context, key Key) (Row, error)
	// Entities returns the rows with these ids, in no particular order, in a
	// number of statements that does not depend on their number (for up to 500
	// ids; larger sets are read in chunks).
	Entities(ctx context.Context, ids []entity.ID) ([]Row, error)
	// EntitiesByFQN does the same by name.
	EntitiesByFQN(ctx context.Context, keys []Key) ([]Row, error)
	// List returns one page.
	List(ctx context.Context, q ListQuery) ([]Row, error)
	// Count returns how many rows List would find over all pages (After, Before
	// and Limit are ignored), in time that does not grow with the number for
	// queries by type, Include and Under alone.
	Count(ctx context.Context, q ListQuery) (int, error)
	// Descendants returns the ids of everything below the entity by Parent, at
	// any depth, parents before children, deleted or not.
	Descendants(ctx context.Context, id entity.ID) ([]entity.ID, error)

	// Children returns what lies directly below the parents, of one type or of
	// any when typ is "", soft-deleted ones included, in the order of parent and
	// FQN; at most limit per call.
	Children(ctx context.Context, parents []entity.ID, typ string, limit int) ([]Child, error)

	// Versions returns the earlier states of an entity, newest first. The
	// current state is not among them.
	Versions(ctx context.Context, id entity.ID) ([][]byte, error)
	// Version returns one earlier state.
	Version(ctx context.Context, id entity.ID, v entity.Version) ([]byte, error)

	// States returns the earlier states that the keys name, in one statement (for
	// up to 500 keys). Those that do not exist are left out.
	States(ctx context.Context, keys []StateKey) (map[StateKey][]byte, error)

	// RelationsFrom returns the relations that start at any of the ids, of any
	// of the kinds (all kinds if none is given), ordered by From, Kind, To.
	RelationsFrom(ctx context.Context, ids []entity.ID, kinds ...string) ([]Relation, error)
	// RelationsTo does the same for those that end there.
	RelationsTo(ctx context.Context, ids []entity.ID, kinds ...string) ([]Relation, error)
	// RelationsOf returns the relations of a kind, ordered by From and To, that come
	// after one; the zero value is before all. At most limit are returned.
	RelationsOf(ctx context.Context, kind string, after Relation, limit int) ([]Relation, error)
	// CountFrom counts the relations of a kind that start at each id.
	CountFrom(ctx context.Context, ids []entity.ID, kind string) (map[entity.ID]int, error)

	// Record returns one record.
	Record(ctx context.Context, kind, owner, key string) (Record, error)
	// Records returns records of one kind.
	Records(ctx context.Context, q RecordQuery) ([]Record, error)
	// RecordsOf returns the records of a kind with this key of all the owners,
	// in one statement (for up to 500 owners).
	RecordsOf(ctx context.Context, kind, key string, owners []string) ([]Record, error)
	// CountRecords counts what Records would find without Limit and Offset.
	CountRecords(ctx context.Context, q RecordQuery) (int, error)

	// Events returns entries of the outbox.
	Events(ctx context.Context, q EventQuery) ([]Event, error)
	// LastSeq returns the sequence number of the newest event, 0 if none.
	LastSeq(ctx context.Context) (uint64, error)
}

// Tx reads its own writes and writes. Every method may answer an error that ends
// the transaction; the caller returns it.
type Tx interface {
	Reader

	// Insert adds a row. An existing id, or an existing type and FQN, is an
	// error of entity.KindConflict.
	Insert(ctx context.Context, row Row) error
	// Replace overwrites the row with the same id. A taken type and FQN is an
	// error of entity.KindConflict, a missing row of entity.KindNotFound.
	Replace(ctx context.Context, row Row) error
	// Delete removes the rows, their versions, the relations at either end, and
	// the records they own. Events stay.
	Delete(ctx context.Context, ids []entity.ID) error
	// AddVersion keeps an earlier state of an entity.
	AddVersion(ctx context.Context, id entity.ID, v entity.Version, doc []byte) error

	// Relate adds or overwrites relations.
	Relate(ctx context.Context, relations ...Relation) error
	// Unrelate removes relations; those that do not exist are no error.
	Unrelate(ctx context.Context, relations ...Relation) error

	// PutRecord adds or overwrites records.
	PutRecord(ctx context.Context, records ...Record) error
	// DeleteRecord removes a record and tells whether it was there.
	DeleteRecord(ctx context.Context, kind, owner, key string) (bool, error)
	// DeleteRecords removes the records that q selects (Limit and Offset are
	// ignored) and returns their number.
	DeleteRecords(ctx context.Context, q RecordQuery) (int, error)

	// AppendEvent writes entries of the outbox; Seq is assigned here.
	AppendEvent(ctx context.Context, events ...Event) error
}
