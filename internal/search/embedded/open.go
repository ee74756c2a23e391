package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

const (
	// formatVersion changes when files written before cannot be read any more, or
	// lack facts that filters ask for;
	// such a file is emptied, and the indexer fills it again.
	formatVersion = 5
	readers       = 4
)

const tables = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fields (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS numbers (id BLOB PRIMARY KEY, doc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (doc INTEGER PRIMARY KEY, id BLOB NOT NULL, idx TEXT NOT NULL, source BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS postings (term BLOB PRIMARY KEY, label TEXT, docs BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ids (chunk INTEGER PRIMARY KEY, ids BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tail (doc INTEGER PRIMARY KEY, id BLOB NOT NULL, terms BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dead (doc INTEGER PRIMARY KEY);
`

// Engine implements search.Index.
type Engine struct {
	path    string
	db      *sql.DB
	writer  *sql.Conn
	free    chan *reader
	writing sync.Mutex   // one batch at a time
	mu      sync.RWMutex // guards state, and orders commits against snapshots
	state   state
	cache   *setCache
	sweep   []byte // where the removal of dead numbers goes on
	stmts   writerStmts
}

// state is what of the index lives in memory.
type state struct {
	position uint64
	next     uint32 // number of the next document
	live     *roaring.Bitmap
	tail     *tail
	ids      []entity.ID // by number
	fields   map[string]uint16
	merges   uint64 // how often the tail was merged
}

var _ search.Index = (*Engine)(nil)

// Open opens the index file, creating it when it is not there. An index in an
// older format is emptied.
func Open(ctx context.Context, path string) (*Engine, error) {
	e := &Engine{path: path, free: make(chan *reader, readers)}
	if err := e.connect(ctx); err != nil {
		return nil, fmt.Errorf("open search index: %w", err)
	}
	return e, nil
}

// connect opens the file at the engine's path. Nobody may use the engine meanwhile.
func (e *Engine) connect(ctx context.Context) error {
	// The journal mode comes first: it cannot change inside a transaction.
	query := url.Values{"_pragma": {
		"journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(10000)", "cache_size(-8000)", "temp_store(MEMORY)",
	}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: e.path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return err
	}
	e.db, e.sweep = db, nil
	if err := e.open(ctx); err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

func (e *Engine) open(ctx context.Context) (err error) {
	e.cache = newSetCache()
	e.db.SetMaxOpenConns(readers + 1)
	e.db.SetMaxIdleConns(readers + 1)
	if e.writer, err = e.db.Conn(ctx); err != nil {
		return err
	}
	if err := e.prepareFile(ctx); err != nil {
		return err
	}
	if err := e.stmts.prepare(ctx, e.writer); err != nil {
		return err
	}
	for range readers {
		r, err := newReader(ctx, e.db)
		if err != nil {
			return err
		}
		e.free <- r
	}
	e.state, err = loadState(ctx, e.writer)
	return err
}

func (e *Engine) prepareFile(ctx context.Context) error {
	var version int
	if err := e.writer.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version == formatVersion {
		return nil
	}
	if version != 0 {
		for _, table := range []string{"meta", "fields", "numbers", "documents", "postings", "ids", "tail", "dead"} {
			if _, err := e.writer.ExecContext(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
				return err
			}
		}
	}
	_, err := e.writer.ExecContext(ctx, tables+fmt.Sprintf("PRAGMA user_version = %d", formatVersion))
	return err
}

// Close merges a long tail, so that the next start is quick, moves the log into the
// file, and closes it once running searches have ended.
func (e *Engine) Close() error {
	e.writing.Lock()
	defer e.writing.Unlock()
	var errs []error
	if e.state.tail != nil && e.state.tail.docs > mergeAtClose {
		errs = append(errs, e.transact(context.Background(), func(*change) error { return nil }, true))
	}
	for range cap(e.free) {
		r := <-e.free
		errs = append(errs, r.conn.Close())
	}
	_, err := e.writer.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	return errors.Join(append(errs, err, e.writer.Close(), e.db.Close())...)
}

// Position returns the outbox position of the last batch.
func (e *Engine) Position(context.Context) (uint64, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.state.position, nil
}

// Count returns the number of documents.
func (e *Engine) Count(context.Context) (int, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return int(e.state.live.GetCardinality()), nil
}

// Size returns how many bytes the file takes, its log left out.
func (e *Engine) Size(ctx context.Context) (int64, error) {
	s, err := e.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	defer s.release()
	s.unlock()
	var pages, size int64
	if err := s.conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		return 0, err
	}
	err = s.conn.QueryRowContext(ctx, "PRAGMA page_size").Scan(&size)
	return pages * size, err
}
