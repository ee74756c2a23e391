package notify

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Kinds of the records. States and logs belong to the subscription and go with it.
const (
	stateKind  = "alertState"  // by destination
	sentKind   = "alertSent"   // by event
	failedKind = "alertFailed" // by event and destination
	beginKind  = "alertBegin"  // where the feed stood when alerts were first worked on
	leaseKind  = "alertLease"  // which process sends
)

// The states of a destination, by the names of the API.
const (
	StatusActive   = "active"
	StatusFailed   = "failed"
	StatusAwaiting = "awaitingRetry"
	StatusDisabled = "disabled"
)

// State is where a destination stands.
type State struct {
	Start    uint64 `json:"start"`          // the feed's place before the first event
	Position uint64 `json:"position"`       // all events up to here are done with
	Epoch    int    `json:"epoch,omitzero"` // counts how often somebody moved the position

	Status      string `json:"status"`
	Attempts    int    `json:"attempts,omitzero"`    // at the event that is next
	Failures    int    `json:"failures,omitzero"`    // since the last success
	NextAttempt int64  `json:"nextAttempt,omitzero"` // milliseconds since 1970
	Due         int64  `json:"due,omitzero"`         // when the schedule lets the next events go

	LastSuccess int64  `json:"lastSuccess,omitzero"`
	LastFailure int64  `json:"lastFailure,omitzero"`
	LastCode    int    `json:"lastCode,omitzero"`
	LastReason  string `json:"lastReason,omitzero"`
	At          int64  `json:"at,omitzero"` // of the last change

	Sent   int `json:"sent,omitzero"`
	Failed int `json:"failed,omitzero"`
}

// Status is a state in the shape of the API.
type Status struct {
	Status               string `json:"status"`
	LastSuccessfulAt     int64  `json:"lastSuccessfulAt,omitzero"`
	LastFailedAt         int64  `json:"lastFailedAt,omitzero"`
	LastFailedStatusCode int    `json:"lastFailedStatusCode,omitzero"`
	LastFailedReason     string `json:"lastFailedReason,omitzero"`
	NextAttempt          int64  `json:"nextAttempt,omitzero"`
	Timestamp            int64  `json:"timestamp,omitzero"`
}

// Show is the state of a destination as clients see it.
func (s State) Show(a *alert.Alert, d *alert.Destination) Status {
	out := Status{
		Status: s.Status, LastSuccessfulAt: s.LastSuccess, LastFailedAt: s.LastFailure, LastFailedStatusCode: s.LastCode,
		LastFailedReason: s.LastReason, Timestamp: s.At,
	}
	switch {
	case !a.Enabled || !d.On():
		out.Status = StatusDisabled
	case s.Status == "":
		out.Status = StatusActive
	case s.Status == StatusAwaiting:
		out.NextAttempt = s.NextAttempt
	}
	return out
}

// readState returns the state of a destination; one that was never worked on begins
// with the event that made the subscription.
func readState(ctx context.Context, r store.Reader, subscription, destination entity.ID) (State, error) {
	var s State
	rec, err := r.Record(ctx, stateKind, subscription.String(), destination.String())
	if err == nil {
		if err := json.Unmarshal(rec.Doc, &s); err != nil {
			return s, entity.Internal(err)
		}
		return s, nil
	}
	if entity.KindOf(err) != entity.KindNotFound {
		return s, err
	}
	s.Start, err = begin(ctx, r, subscription)
	s.Position = s.Start
	return s, err
}

// begin is where a subscription begins: at its making, but not before this server
// could send anything.
func begin(ctx context.Context, r store.Reader, subscription entity.ID) (uint64, error) {
	var first uint64
	rec, err := r.Record(ctx, beginKind, "", "")
	switch {
	case err == nil:
		if err := json.Unmarshal(rec.Doc, &first); err != nil {
			return 0, entity.Internal(err)
		}
	case entity.KindOf(err) != entity.KindNotFound:
		return 0, err
	}
	made, err := r.Events(ctx, store.EventQuery{
		EntityID: subscription, Types: map[string][]string{entity.EventCreated: {"*"}}, Limit: 1,
	})
	if err != nil || len(made) == 0 {
		return first, err
	}
	return max(first, made[0].Seq), nil
}

// noteBegin writes down where the feed stands when alerts are worked on for the first
// time: a subscription from before is not told about all that was.
func noteBegin(ctx context.Context, st store.Store) error {
	known := false
	err := st.View(ctx, func(r store.Reader) error {
		_, err := r.Record(ctx, beginKind, "", "")
		known = err == nil
		if entity.KindOf(err) == entity.KindNotFound {
			return nil
		}
		return err
	})
	if err != nil || known {
		return err
	}
	return st.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.Record(ctx, beginKind, "", ""); err == nil {
			return nil
		}
		last, err := tx.LastSeq(ctx)
		if err != nil {
			return err
		}
		return tx.PutRecord(ctx, store.Record{Kind: beginKind, Doc: fmt.Append(nil, last)})
	})
}

func writeState(ctx context.Context, tx store.Tx, subscription, destination entity.ID, s State) error {
	doc, err := json.Marshal(s)
	if err != nil {
		return entity.Internal(err)
	}
	return tx.PutRecord(ctx, store.Record{Kind: stateKind, Owner: subscription.String(), Key: destination.String(), At: s.At, Doc: doc})
}

// States returns the states of all destinations that something is sent to.
func States(ctx context.Context, r store.Reader, a *alert.Alert) (map[entity.ID]State, error) {
	out := map[entity.ID]State{}
	records, err := r.Records(ctx, store.RecordQuery{Kind: stateKind, Owner: a.ID.String()})
	if err != nil {
		return nil, err
	}
	for _, rec := range records {
		id, err := entity.ParseID(rec.Key)
		if err != nil {
			continue
		}
		var s State
		if err := json.Unmarshal(rec.Doc, &s); err != nil {
			return nil, entity.Internal(err)
		}
		out[id] = s
	}
	start, known := uint64(0), false
	for i := range a.Destinations {
		d := &a.Destinations[i]
		if _, ok := out[d.ID]; ok || !d.Sends() {
			continue
		}
		if !known {
			if start, err = begin(ctx, r, a.ID); err != nil {
				return nil, err
			}
			known = true
		}
		out[d.ID] = State{Start: start, Position: start}
	}
	return out, nil
}

// Offset is how far a subscription is, as clients see it.
type Offset struct {
	Starting  uint64 `json:"startingOffset"`
	Current   uint64 `json:"currentOffset"`
	Timestamp int64  `json:"timestamp"`
}

// OffsetOf is the place of the destination that is farthest behind.
func OffsetOf(a *alert.Alert, states map[entity.ID]State, latest uint64) Offset {
	out := Offset{Starting: latest, Current: latest}
	for i := range a.Destinations {
		s, ok := states[a.Destinations[i].ID]
		if !ok || !a.Destinations[i].Sends() {
			continue
		}
		out.Starting, out.Current, out.Timestamp = min(out.Starting, s.Start), min(out.Current, s.Position), max(out.Timestamp, s.At)
	}
	return out
}

// Move puts all destinations of a subscription to a place in the feed: back to send
// events again, or forward to leave them out. It runs in the caller's transaction.
func Move(ctx context.Context, tx store.Tx, a *alert.Alert, to uint64, at int64) (Offset, error) {
	states, err := States(ctx, tx, a)
	if err != nil {
		return Offset{}, err
	}
	for i := range a.Destinations {
		d := &a.Destinations[i]
		if !d.Sends() {
			continue
		}
		s := states[d.ID]
		s.Position, s.Start, s.Attempts, s.Failures, s.NextAttempt, s.At = to, to, 0, 0, 0, at
		s.Status = StatusActive
		s.Epoch++
		if err := writeState(ctx, tx, a.ID, d.ID, s); err != nil {
			return Offset{}, err
		}
	}
	return Offset{Starting: to, Current: to, Timestamp: at}, nil
}
