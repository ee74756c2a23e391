package engine

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// ChangeEvent is an entry of the change feed as clients see it.
type ChangeEvent struct {
	Seq                      uint64                    `json:"-"` // place in the feed
	ID                       entity.ID                 `json:"id"`
	EventType                string                    `json:"eventType"`
	EntityType               string                    `json:"entityType"`
	EntityID                 entity.ID                 `json:"entityId"`
	EntityFullyQualifiedName string                    `json:"entityFullyQualifiedName,omitzero"`
	PreviousVersion          entity.Version            `json:"previousVersion,omitzero"`
	CurrentVersion           entity.Version            `json:"currentVersion,omitzero"`
	UserName                 string                    `json:"userName,omitzero"`
	ImpersonatedBy           string                    `json:"impersonatedBy,omitzero"`
	Timestamp                int64                     `json:"timestamp"`
	ChangeDescription        *entity.ChangeDescription `json:"changeDescription,omitzero"`
	Entity                   jsontext.Value            `json:"entity,omitzero"` // the state, as a JSON string
}

// Changes returns entries of the change feed, oldest first, each with the state
// the entity had: of entities of which the caller may see everything. Those that
// are gone are shown to who sees all of their type. Secrets are masked for
// everybody.
func (e *Engine) Changes(ctx context.Context, by entity.Principal, q store.EventQuery, base string) ([]ChangeEvent, error) {
	return e.changes(ctx, by, base, func(r store.Reader) ([]store.Event, error) { return r.Events(ctx, q) })
}

// ChangesOf is Changes of events that were read before.
func (e *Engine) ChangesOf(ctx context.Context, by entity.Principal, events []store.Event, base string) ([]ChangeEvent, error) {
	return e.changes(ctx, by, base, func(store.Reader) ([]store.Event, error) { return slices.Clone(events), nil })
}

// scanPage is how many events SearchChanges reads at once.
const scanPage = 1000

// SearchChanges returns those entries of the change feed that match, in the order of the
// query, until there are as many as it wants. What Changes says of the caller's rights
// holds here, too.
func (e *Engine) SearchChanges(ctx context.Context, by entity.Principal, q store.EventQuery, match func(store.Event) bool, base string) ([]ChangeEvent, error) {
	wanted := q.Limit
	q.Limit = scanPage
	return e.changes(ctx, by, base, func(r store.Reader) ([]store.Event, error) {
		var found []store.Event
		for {
			events, err := r.Events(ctx, q)
			if err != nil {
				return nil, err
			}
			for _, ev := range events {
				if !match(ev) {
					continue
				}
				if found = append(found, ev); len(found) == wanted {
					return found, nil
				}
			}
			if len(events) < scanPage {
				return found, nil
			}
			if last := events[len(events)-1].Seq; q.Newest {
				q.Before = last
			} else {
				q.After = last
			}
		}
	})
}

// changes makes entries of the feed of the events that find returns.
func (e *Engine) changes(ctx context.Context, by entity.Principal, base string, find func(store.Reader) ([]store.Event, error)) ([]ChangeEvent, error) {
	var out []ChangeEvent
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		events, err := find(r)
		if err != nil {
			return err
		}
		if events, err = e.seenEvents(ctx, r, by, events); err != nil {
			return err
		}
		out = make([]ChangeEvent, len(events))
		states, err := e.statesAt(ctx, r, generation, events, base)
		if err != nil {
			return err
		}
		for i, ev := range events {
			out[i] = ChangeEvent{
				Seq: ev.Seq, ID: ev.ID, EventType: ev.Type, EntityType: ev.EntityType, EntityID: ev.EntityID, EntityFullyQualifiedName: ev.EntityFQN,
				PreviousVersion: ev.PreviousVersion, CurrentVersion: ev.Version, UserName: ev.User, ImpersonatedBy: ev.Bot, Timestamp: ev.At, Entity: states[i],
			}
			if len(ev.Change) > 0 {
				out[i].ChangeDescription = new(entity.ChangeDescription)
				if err := json.Unmarshal(ev.Change, out[i].ChangeDescription); err != nil {
					return entity.Internal(err)
				}
			}
		}
		return nil
	})
	return out, err
}

// seenEvents keeps the events of entities of which the caller may see everything.
func (e *Engine) seenEvents(ctx context.Context, r store.Reader, by entity.Principal, events []store.Event) ([]store.Event, error) {
	whole := map[string]bool{} // types of which the caller sees all
	var some []entity.Ref
	subjects := make(map[entity.ID]entity.Ref, len(events))
	for _, ev := range events {
		subject, err := subjectOf(ev)
		if err != nil {
			return nil, err
		}
		subjects[ev.ID] = subject
		all, known := whole[subject.Type]
		if !known {
			f, err := e.sightIn(ctx, r, by, subject.Type, policy.ViewAll)
			if err != nil {
				return nil, err
			}
			all = f.Kind == policy.FilterAll
			whole[subject.Type] = all
		}
		if !all {
			some = append(some, subject)
		}
	}
	v := e.Viewer(by, policy.ViewAll)
	if err := v.Look(ctx, r, some...); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(events, func(ev store.Event) bool {
		subject := subjects[ev.ID]
		return !whole[subject.Type] && !v.Sees(subject.ID)
	}), nil
}

// subjectOf is what decides who sees an event: the entity, or what a thread is about.
func subjectOf(ev store.Event) (entity.Ref, error) {
	if ev.EntityType != entity.TypeThread {
		return entity.Ref{ID: ev.EntityID, Type: ev.EntityType}, nil
	}
	var thread struct {
		About entity.Ref `json:"entityRef"`
	}
	if err := json.Unmarshal(ev.Doc, &thread); err != nil {
		return entity.Ref{}, entity.Internal(err)
	}
	return thread.About.Bare(), nil
}

// threadAt returns the thread of an event as clients see it.
func threadAt(ev store.Event, base string) (jsontext.Value, error) {
	var thread map[string]jsontext.Value
	if err := json.Unmarshal(ev.Doc, &thread); err != nil {
		return nil, entity.Internal(err)
	}
	if base != "" {
		thread["href"] = quoted(base + "/v1/feed/" + ev.EntityID.String())
	}
	raw, err := json.Marshal(thread, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return quoted(string(raw)), nil
}

// statesAt returns the states the entities had at the events, as JSON strings;
// nil where it is not known any more. Current states come in one batch.
func (e *Engine) statesAt(ctx context.Context, r store.Reader, generation uint64, events []store.Event, base string) ([]jsontext.Value, error) {
	rows, err := rowsAt(ctx, r, events)
	if err != nil {
		return nil, err
	}
	byType := map[string][]int{}
	for i, ev := range events {
		if rows[i].Doc != nil {
			byType[ev.EntityType] = append(byType[ev.EntityType], i)
		}
	}
	out := make([]jsontext.Value, len(events))
	for _, i := range byType[entity.TypeThread] {
		if out[i], err = threadAt(events[i], base); err != nil {
			return nil, err
		}
	}
	for typ, places := range byType {
		s := e.shapes[typ]
		if s == nil {
			continue
		}
		some := make([]store.Row, len(places))
		for j, i := range places {
			some[j] = rows[i]
			if events[i].Doc != nil { // it is gone, and no row says what it was below
				if some[j].Parent, err = s.parentIn(events[i].Doc); err != nil {
					return nil, err
				}
			}
		}
		ents, err := e.hydrate(ctx, r, e.newLookup(r, generation, true), s.t, some, View{whole: true, Include: store.All, Base: base})
		if err != nil {
			return nil, err
		}
		for j, i := range places {
			raw, err := Encode(ents[j])
			if err != nil {
				return nil, entity.Internal(err)
			}
			out[i] = quoted(string(raw))
		}
	}
	return out, nil
}

// parentIn returns the parent that a stored document names.
func (s *shape) parentIn(doc []byte) (entity.ID, error) {
	if len(s.t.Parents) == 0 {
		return entity.NilID, nil
	}
	ent, err := decodeDoc(doc)
	if err != nil {
		return entity.NilID, err
	}
	for _, p := range s.t.Parents {
		refs, err := refsOf(ent.Rest[p.Field])
		if err != nil {
			return entity.NilID, entity.Internal(err)
		}
		if len(refs) > 0 {
			return refs[0].ID, nil
		}
	}
	return entity.NilID, nil
}

// rowsAt returns the rows of the entities as they were at the events; Doc is nil
// where that state is not known any more. It takes two statements for every 500
// events.
func rowsAt(ctx context.Context, r store.Reader, events []store.Event) ([]store.Row, error) {
	current, err := currentRows(ctx, r, events)
	if err != nil {
		return nil, err
	}
	rows := make([]store.Row, len(events))
	var earlier []store.StateKey
	for i, ev := range events {
		row, ok := current[ev.EntityID]
		switch {
		case ev.Doc != nil:
			rows[i] = store.Row{ID: ev.EntityID, Type: ev.EntityType, FQN: ev.EntityFQN, Doc: ev.Doc}
		case ok && row.Version == ev.Version:
			rows[i] = row
		case ok:
			row.Doc = nil
			rows[i] = row
			earlier = append(earlier, store.StateKey{ID: ev.EntityID, Version: ev.Version})
		}
	}
	states, err := r.States(ctx, earlier)
	if err != nil {
		return nil, err
	}
	for i, ev := range events {
		if rows[i].Doc == nil {
			rows[i].Doc = states[store.StateKey{ID: ev.EntityID, Version: ev.Version}]
		}
	}
	return rows, nil
}

// currentRows reads the rows of all entities in the events that still exist.
func currentRows(ctx context.Context, r store.Reader, events []store.Event) (map[entity.ID]store.Row, error) {
	ids := make([]entity.ID, 0, len(events))
	for _, ev := range events {
		if ev.Doc == nil {
			ids = append(ids, ev.EntityID)
		}
	}
	rows, err := r.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	current := make(map[entity.ID]store.Row, len(rows))
	for _, row := range rows {
		current[row.ID] = row
	}
	return current, nil
}
