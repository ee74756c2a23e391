// Package timeseries keeps what happens to an entity over time beside it: one
// record a point, newest first when read, and no more than a bound.
//
// The package may import entity and store.
package timeseries

import (
	"context"
	"fmt"
	"strconv"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Series is one kind of points.
type Series struct {
	Kind string
	// Keep is how many points of one owner stay; older ones go when a tenth
	// more have gathered, so that not every write has to tidy up.
	Keep int
}

// Key is the key of the one point an owner has at a time. Keys order as times do.
func Key(at int64) string { return fmt.Sprintf("%015d", max(at, 0)) }

// Put adds or overwrites a point.
func (s Series) Put(ctx context.Context, tx store.Tx, owner entity.ID, at int64, key string, doc []byte) error {
	err := tx.PutRecord(ctx, store.Record{Kind: s.Kind, Owner: owner.String(), Key: key, At: at, Doc: doc})
	if err != nil || s.Keep == 0 {
		return err
	}
	_, err = s.Trim(ctx, tx, owner)
	return err
}

// Trim removes the oldest points if there are too many, and returns the time
// before which they are gone, 0 when none went.
func (s Series) Trim(ctx context.Context, tx store.Tx, owner entity.ID) (int64, error) {
	all := store.RecordQuery{Kind: s.Kind, Owner: owner.String()}
	n, err := tx.CountRecords(ctx, all)
	if err != nil || n <= s.Keep+s.Keep/10 {
		return 0, err
	}
	oldest := all
	oldest.Order, oldest.Offset, oldest.Limit = store.NewestFirst, s.Keep, 1
	first, err := tx.Records(ctx, oldest)
	if err != nil || len(first) == 0 {
		return 0, err
	}
	all.To = first[0].At
	_, err = tx.DeleteRecords(ctx, all)
	return first[0].At, err
}

// Query selects points of an owner.
type Query struct {
	From, To int64  // both included; 0 leaves the end open
	After    string // cursor of an earlier page
	Limit    int
}

// Page is some points, newest first.
type Page struct {
	Points []store.Record
	Total  int
	After  string // cursor of the page with older points, "" at the end
}

// Page reads points. A cursor that no page gave out is a KindBadRequest.
func (s Series) Page(ctx context.Context, r store.Reader, owner entity.ID, q Query) (Page, error) {
	offset, err := Offset(q.After)
	if err != nil {
		return Page{}, err
	}
	rq := store.RecordQuery{Kind: s.Kind, Owner: owner.String(), From: q.From, To: q.To, Order: store.NewestFirst}
	var p Page
	if p.Total, err = r.CountRecords(ctx, rq); err != nil || q.Limit == 0 {
		return p, err
	}
	rq.Limit, rq.Offset = q.Limit, offset
	if p.Points, err = r.Records(ctx, rq); err != nil {
		return p, err
	}
	if end := offset + len(p.Points); end < p.Total && len(p.Points) > 0 {
		p.After = strconv.Itoa(end)
	}
	return p, nil
}

// maxOffset keeps cursors within reason.
const maxOffset = 10_000_000

// Offset reads a cursor.
func Offset(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(cursor)
	if err != nil || n < 0 || n > maxOffset {
		return 0, entity.BadRequest("%q is not a cursor that this server gave out", entity.Shorten(cursor, 60))
	}
	return n, nil
}

// Latest returns the newest point of an owner. The error is a KindNotFound when
// there is none.
func (s Series) Latest(ctx context.Context, r store.Reader, owner entity.ID) (store.Record, error) {
	found, err := r.Records(ctx, store.RecordQuery{Kind: s.Kind, Owner: owner.String(), Order: store.NewestFirst, Limit: 1})
	if err == nil && len(found) == 0 {
		err = entity.NotFound(s.Kind, owner.String())
	}
	if err != nil {
		return store.Record{}, err
	}
	return found[0], nil
}

// Find returns the record of a kind with a key, whoever owns it. It is meant for
// keys that are identifiers. The error is a KindNotFound when there is none.
func Find(ctx context.Context, r store.Reader, kind, key string) (store.Record, error) {
	if key == "" {
		return store.Record{}, entity.NotFound(kind, key)
	}
	// Keys greater than all but the last character of this one begin at it or
	// just before it.
	found, err := r.Records(ctx, store.RecordQuery{Kind: kind, Any: true, After: key[:len(key)-1], Limit: 300})
	if err != nil {
		return store.Record{}, err
	}
	for _, rec := range found {
		if rec.Key == key {
			return rec, nil
		}
	}
	return store.Record{}, entity.NotFound(kind, entity.Shorten(key, 100))
}

// Scan visits records of a kind of any owner, newest first, until visit answers
// false or limit were read. look, which may be nil, is called with each batch
// before its records are visited.
func Scan(ctx context.Context, r store.Reader, q store.RecordQuery, limit int, look func([]store.Record) error, visit func(store.Record) bool) error {
	const chunk = 500
	q.Order, q.Offset = store.NewestFirst, 0
	for read := 0; read < limit; read += chunk {
		q.Limit, q.Offset = min(chunk, limit-read), read
		found, err := r.Records(ctx, q)
		if err == nil && look != nil {
			err = look(found)
		}
		if err != nil {
			return err
		}
		for _, rec := range found {
			if !visit(rec) {
				return nil
			}
		}
		if len(found) < q.Limit {
			return nil
		}
	}
	return nil
}
