package notify

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// How many events of a subscription the logs keep; older ones go when a tenth more
// have gathered.
const (
	keepSent   = 1000
	keepFailed = 1000
	// maxChange is the longest description of a change that the logs keep.
	maxChange = 16 << 10
)

// The sources of failures, by the names of the API: the receiver, or this server.
const (
	SourceReceiver = "SUBSCRIBER"
	SourceServer   = "PUBLISHER"
)

// Entry is what became of an event.
type Entry struct {
	Event        store.Event `json:"-"`
	Subscription entity.ID   `json:"-"`
	At           int64       `json:"-"`
	Destination  entity.ID   `json:"destination"`
	Failed       bool        `json:"-"`
	Reason       string      `json:"reason,omitzero"`
	Source       string      `json:"source,omitzero"`
	Code         int         `json:"code,omitzero"`
}

// stored is an entry as it is kept: the event without its state, which is read from
// the catalog again, with the eyes of whoever asks.
type stored struct {
	Entry
	Seq        uint64         `json:"seq"`
	ID         entity.ID      `json:"id"`
	Type       string         `json:"type"`
	EntityType string         `json:"entityType"`
	EntityID   entity.ID      `json:"entityId"`
	FQN        string         `json:"fqn"`
	Version    entity.Version `json:"version"`
	Previous   entity.Version `json:"previous"`
	Happened   int64          `json:"happened"`
	User       string         `json:"user,omitzero"`
	Bot        string         `json:"bot,omitzero"`
	Change     jsontext.Value `json:"change,omitzero"`
}

// note writes an entry down.
func note(ctx context.Context, tx store.Tx, e Entry) error {
	ev := e.Event
	doc := stored{
		Entry: e, Seq: ev.Seq, ID: ev.ID, Type: ev.Type, EntityType: ev.EntityType, EntityID: ev.EntityID, FQN: ev.EntityFQN, Version: ev.Version,
		Previous: ev.PreviousVersion, Happened: ev.At, User: ev.User, Bot: ev.Bot,
	}
	if len(ev.Change) <= maxChange {
		doc.Change = ev.Change
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return entity.Internal(err)
	}
	rec := store.Record{Kind: sentKind, Owner: e.Subscription.String(), Key: fmt.Sprintf("%020d", ev.Seq), At: e.At, Doc: raw}
	keep := keepSent
	if e.Failed {
		rec.Kind, rec.Key, keep = failedKind, rec.Key+"/"+e.Destination.String(), keepFailed
	}
	if err := tx.PutRecord(ctx, rec); err != nil || ev.Seq%16 != 0 { // not every event has to tidy up
		return err
	}
	return trim(ctx, tx, rec.Kind, rec.Owner, keep)
}

// trim removes the oldest entries of a log that got too long.
func trim(ctx context.Context, tx store.Tx, kind, owner string, keep int) error {
	all := store.RecordQuery{Kind: kind, Owner: owner}
	n, err := tx.CountRecords(ctx, all)
	if err != nil || n <= keep+keep/10 {
		return err
	}
	oldest := all
	oldest.Order, oldest.Offset, oldest.Limit = store.NewestFirst, keep, 1
	first, err := tx.Records(ctx, oldest)
	if err != nil || len(first) == 0 {
		return err
	}
	all.To = first[0].At
	_, err = tx.DeleteRecords(ctx, all)
	return err
}

func kindOf(failed bool) string {
	if failed {
		return failedKind
	}
	return sentKind
}

// Log asks for entries, the newest first.
type Log struct {
	Subscription entity.ID // NilID for those of all
	Failed       bool
	Source       string // only failures with this source; "" for all
	Limit        int
	Offset       int
}

// Find returns the entries of a log.
func (q Log) Find(ctx context.Context, r store.Reader) ([]Entry, error) {
	query := q.query()
	query.Order, query.Limit, query.Offset = store.NewestFirst, q.Limit, q.Offset
	if q.Limit == 0 {
		return nil, nil
	}
	if q.Source != "" { // few failures have another source than asked for
		query.Limit, query.Offset = 2*keepFailed, 0
	}
	records, err := r.Records(ctx, query)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, 0, len(records))
	for _, rec := range records {
		e, err := entryOf(rec)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	if q.Source != "" {
		out = slices.DeleteFunc(out, func(e Entry) bool { return e.Source != q.Source })
		out = out[min(q.Offset, len(out)):min(q.Offset+q.Limit, len(out))]
	}
	return out, nil
}

// Count counts all entries of a log.
func (q Log) Count(ctx context.Context, r store.Reader) (int, error) {
	return r.CountRecords(ctx, q.query())
}

func (q Log) query() store.RecordQuery {
	query := store.RecordQuery{Kind: kindOf(q.Failed), Any: q.Subscription == entity.NilID}
	if !query.Any {
		query.Owner = q.Subscription.String()
	}
	return query
}

func entryOf(rec store.Record) (Entry, error) {
	var doc stored
	err := json.Unmarshal(rec.Doc, &doc)
	if err != nil {
		return Entry{}, entity.Internal(err)
	}
	e := doc.Entry
	if e.Subscription, err = entity.ParseID(rec.Owner); err != nil {
		return Entry{}, entity.Internal(err)
	}
	e.At, e.Failed = rec.At, rec.Kind == failedKind
	e.Event = store.Event{
		Seq: doc.Seq, ID: doc.ID, Type: doc.Type, EntityType: doc.EntityType, EntityID: doc.EntityID, EntityFQN: doc.FQN, Version: doc.Version,
		PreviousVersion: doc.Previous, At: doc.Happened, User: doc.User, Bot: doc.Bot, Change: doc.Change,
	}
	return e, nil
}
