package embedded

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// maxScan is how many entries of the dictionary one query may read.
const maxScan = 400_000

var errTooBroad = entity.BadRequest("the query looks at too many values; begin patterns with more text, or narrow the query")

// reader is a connection for searches with its statements.
type reader struct {
	conn                               *sql.Conn
	posting, ascending, descend, label *sql.Stmt
	source                             *sql.Stmt
}

func newReader(ctx context.Context, db *sql.DB) (*reader, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	r := &reader{conn: conn}
	for target, query := range map[**sql.Stmt]string{
		&r.posting:   "SELECT docs FROM postings WHERE term = ?",
		&r.label:     "SELECT label FROM postings WHERE term = ?",
		&r.ascending: "SELECT term, docs FROM postings WHERE term >= ? AND term < ? ORDER BY term",
		&r.descend:   "SELECT term, docs FROM postings WHERE term >= ? AND term < ? ORDER BY term DESC",
		&r.source:    "SELECT idx, source FROM documents WHERE doc = ?",
	} {
		if *target, err = conn.PrepareContext(ctx, query); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return r, nil
}

// snapshot is one consistent view of file and memory. While locked, the memory
// side may be read; the file side stays until release.
type snapshot struct {
	*reader
	ctx      context.Context
	e        *Engine
	state    *state
	locked   bool
	scanned  int // dictionary entries read
	verified int // documents read to decide
	effort   int // spent on patterns
}

func (e *Engine) snapshot(ctx context.Context) (*snapshot, error) {
	var r *reader
	select {
	case r = <-e.free:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	e.mu.RLock()
	s := &snapshot{reader: r, ctx: ctx, e: e, state: &e.state, locked: true}
	var position []byte
	_, err := r.conn.ExecContext(ctx, "BEGIN")
	if err == nil { // the first read fixes what the transaction sees
		err = r.conn.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'position'").Scan(&position)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		s.release()
		return nil, err
	}
	return s, nil
}

// unlock lets writers go on; only the file may be read from here on.
func (s *snapshot) unlock() {
	if s.locked {
		s.locked = false
		s.e.mu.RUnlock()
	}
}

func (s *snapshot) release() {
	s.unlock()
	// A failed BEGIN leaves nothing to roll back, which is no error to report.
	_, _ = s.conn.ExecContext(context.WithoutCancel(s.ctx), "ROLLBACK")
	s.e.free <- s.reader
}

// set returns the documents that have the term, dead ones perhaps among them.
// Callers must not change it.
func (s *snapshot) set(field uint16, key string) (*roaring.Bitmap, error) {
	term := termKey(field, key)
	stored, cached := s.e.cache.get(string(term))
	if !cached {
		stored = roaring.New()
		var blob []byte
		err := s.posting.QueryRowContext(s.ctx, term).Scan(&blob)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if err := addPosting(stored, blob); err != nil {
			return nil, err
		}
		s.e.cache.add(string(term), stored)
	}
	if p := s.state.tail.terms[field][key]; p != nil {
		stored = stored.Clone()
		stored.Or(roaring.BitmapOf(p.docs...))
	}
	return stored, nil
}

// visitor is called with a key and a way to get its set, which then belongs to
// it. It tells whether it wants more.
type visitor = func(key string, set func() (*roaring.Bitmap, error)) (bool, error)

// scan visits the terms of a field within a span of keys in the order of keys,
// until visit says to stop.
func (s *snapshot) scan(field uint16, span search.Span, desc bool, visit visitor) error {
	if span.From >= span.To {
		return nil
	}
	stmt := s.ascending
	if desc {
		stmt = s.descend
	}
	m := merger{snapshot: s, field: field, desc: desc, visit: visit, pending: s.state.tail.keys(field, span, desc)}
	rows, err := stmt.QueryContext(s.ctx, termKey(field, span.From), termKey(field, span.To))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // read to its end or given up: nothing is lost
	for rows.Next() {
		if s.scanned++; s.scanned > maxScan {
			return errTooBroad
		}
		var raw, blob sql.RawBytes
		if err := rows.Scan(&raw, &blob); err != nil {
			return err
		}
		_, key := splitTermKey(raw)
		if more, err := m.stored(key, blob); err != nil || !more {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	_, err = m.tailWhile(func(string) bool { return true })
	return err
}

// merger visits the terms of the file and of the tail as one ordered list.
type merger struct {
	*snapshot
	field   uint16
	desc    bool
	visit   visitor
	pending []string // keys of the tail that are still to come
}

func (m *merger) addTail(key string, set *roaring.Bitmap) {
	set.AddMany(m.state.tail.terms[m.field][key].docs)
}

// tailWhile visits the next keys of the tail as long as they meet the condition.
func (m *merger) tailWhile(condition func(key string) bool) (more bool, err error) {
	for len(m.pending) > 0 && condition(m.pending[0]) {
		key := m.pending[0]
		m.pending = m.pending[1:]
		more, err := m.visit(key, func() (*roaring.Bitmap, error) {
			set := roaring.New()
			m.addTail(key, set)
			return set, nil
		})
		if err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

func (m *merger) stored(key string, blob []byte) (more bool, err error) {
	more, err = m.tailWhile(func(next string) bool { return next != key && (next < key) != m.desc })
	if err != nil || !more {
		return false, err
	}
	both := len(m.pending) > 0 && m.pending[0] == key
	if both {
		m.pending = m.pending[1:]
	}
	return m.visit(key, func() (*roaring.Bitmap, error) {
		set := roaring.New()
		err := addPosting(set, blob)
		if both {
			m.addTail(key, set)
		}
		return set, err
	})
}

// labelOf returns a value as it was written when it was first seen.
func (s *snapshot) labelOf(field uint16, key string) (any, error) {
	if key == "" || search.ValueKind(key[0]) != search.String {
		return search.KeyValue(key), nil
	}
	var label sql.NullString
	err := s.label.QueryRowContext(s.ctx, termKey(field, key)).Scan(&label)
	switch {
	case err == nil && label.Valid:
		return label.String, nil
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return nil, err
	}
	if err != nil {
		if p := s.state.tail.terms[field][key]; p != nil && p.label != "" {
			return p.label, nil
		}
	}
	return strings.Clone(key[1:]), nil
}

// load reads a document; found is false when it is gone.
func (s *snapshot) load(doc uint32) (index string, source jsontext.Value, found bool, err error) {
	var blob sql.RawBytes
	rows, err := s.source.QueryContext(s.ctx, doc)
	if err != nil {
		return "", nil, false, err
	}
	if rows.Next() {
		found = true
		if err = rows.Scan(&index, &blob); err == nil {
			source, err = unpack(blob)
		}
	}
	return index, source, found, errors.Join(err, rows.Err(), rows.Close())
}
