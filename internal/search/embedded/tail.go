package embedded

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

const (
	// mergeAt is the number of documents at which the tail is merged: larger
	// makes indexing cheaper and a start after a crash slower.
	mergeAt = 2048
	// mergeAtClose is the tail a start is willing to read.
	mergeAtClose = 256
	idChunk      = 4096
)

// tail holds the postings of the documents that are not merged yet.
type tail struct {
	docs  int
	terms map[uint16]map[string]*tailPosting
}

type tailPosting struct {
	label string
	docs  []uint32 // ascending
}

func newTail() *tail { return &tail{terms: map[uint16]map[string]*tailPosting{}} }

func (t *tail) add(doc uint32, terms []term) {
	t.docs++
	for _, term := range terms {
		byKey := t.terms[term.field]
		if byKey == nil {
			byKey = map[string]*tailPosting{}
			t.terms[term.field] = byKey
		}
		p := byKey[term.key]
		if p == nil {
			p = &tailPosting{label: term.label}
			byKey[term.key] = p
		}
		p.docs = append(p.docs, doc)
	}
}

// keys returns the keys of a field within the span, in order.
func (t *tail) keys(field uint16, span search.Span, desc bool) []string {
	var keys []string
	for key := range t.terms[field] {
		if span.Contains(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	if desc {
		slices.Reverse(keys)
	}
	return keys
}

// appendTerms writes the row that rebuilds a document's part of the tail.
func appendTerms(row []byte, terms []term) []byte {
	for _, t := range terms {
		row = binary.AppendUvarint(row, uint64(t.field))
		row = appendText(row, t.key)
		row = appendText(row, t.label)
	}
	return row
}

func appendText(row []byte, text string) []byte {
	return append(binary.AppendUvarint(row, uint64(len(text))), text...)
}

var errDamaged = errors.New("damaged row in the search index")

func readTerms(row []byte) ([]term, error) {
	var terms []term
	for len(row) > 0 {
		field, n := binary.Uvarint(row)
		if n <= 0 || field > 1<<16-1 {
			return nil, errDamaged
		}
		key, rest, err := readText(row[n:])
		if err != nil {
			return nil, err
		}
		label, rest, err := readText(rest)
		if err != nil {
			return nil, err
		}
		terms = append(terms, term{field: uint16(field), key: key, label: label})
		row = rest
	}
	return terms, nil
}

func readText(row []byte) (text string, rest []byte, err error) {
	length, n := binary.Uvarint(row)
	if n <= 0 || length > uint64(len(row)-n) {
		return "", nil, errDamaged
	}
	end := n + int(length)
	return string(row[n:end]), row[end:], nil
}

// loadState reads what lives in memory: small blobs and the rows of the tail.
func loadState(ctx context.Context, conn *sql.Conn) (state, error) {
	s := state{live: roaring.New(), tail: newTail(), fields: map[string]uint16{}}
	err := errors.Join(
		eachRow(ctx, conn, "SELECT key, value FROM meta", func(rows *sql.Rows) error { return s.scanMeta(rows) }),
		eachRow(ctx, conn, "SELECT path, id FROM fields", func(rows *sql.Rows) error {
			var path string
			var id uint16
			if err := rows.Scan(&path, &id); err != nil {
				return err
			}
			s.fields[path] = id
			return nil
		}),
		eachRow(ctx, conn, "SELECT ids FROM ids ORDER BY chunk", func(rows *sql.Rows) error {
			var chunk sql.RawBytes
			if err := rows.Scan(&chunk); err != nil {
				return err
			}
			for ; len(chunk) >= 16; chunk = chunk[16:] {
				s.ids = append(s.ids, entity.ID(chunk[:16]))
			}
			return nil
		}),
		eachRow(ctx, conn, "SELECT doc, id, terms FROM tail ORDER BY doc", func(rows *sql.Rows) error { return s.scanTail(rows) }),
		eachRow(ctx, conn, "SELECT doc FROM dead", func(rows *sql.Rows) error {
			var doc uint32
			err := rows.Scan(&doc)
			s.live.Remove(doc)
			s.next = max(s.next, doc+1)
			return err
		}),
	)
	return s, err
}

func eachRow(ctx context.Context, conn *sql.Conn, query string, scan func(*sql.Rows) error) error {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := scan(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (s *state) scanMeta(rows *sql.Rows) error {
	var key string
	var value []byte
	if err := rows.Scan(&key, &value); err != nil {
		return err
	}
	switch key {
	case "position":
		if len(value) != 8 {
			return errDamaged
		}
		s.position = binary.BigEndian.Uint64(value)
	case "next":
		if len(value) != 8 {
			return errDamaged
		}
		s.next = max(s.next, uint32(binary.BigEndian.Uint64(value)))
	case "live":
		if err := s.live.UnmarshalBinary(value); err != nil {
			return fmt.Errorf("set of live documents: %w", err)
		}
	}
	return nil
}

func (s *state) scanTail(rows *sql.Rows) error {
	var doc uint32
	var id, row []byte
	if err := rows.Scan(&doc, &id, &row); err != nil {
		return err
	}
	terms, err := readTerms(row)
	if err != nil || len(id) != 16 {
		return errors.Join(errDamaged, err)
	}
	s.tail.add(doc, terms)
	s.live.Add(doc)
	s.setID(doc, entity.ID(id))
	s.next = max(s.next, doc+1)
	return nil
}

func (s *state) setID(doc uint32, id entity.ID) {
	for uint32(len(s.ids)) <= doc {
		s.ids = append(s.ids, entity.NilID)
	}
	s.ids[doc] = id
}
