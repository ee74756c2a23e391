package storetest

import (
	"context"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func testEvents(t *testing.T, s store.Store) {
	full := store.Event{
		ID: entity.NewID(), Type: entity.EventUpdated, EntityType: "table", EntityID: entity.NewID(), EntityFQN: "a.b",
		Version: 13, PreviousVersion: 12, At: 77, User: "ann", Bot: "helper", Change: []byte(`{"c":1}`), Doc: []byte(`{"d":1}`),
	}
	bare := store.Event{ID: entity.NewID(), Type: entity.EventDeleted, EntityID: entity.NewID()}
	var inside uint64
	update(t, s, func(ctx context.Context, tx store.Tx) (err error) {
		if last, err := tx.LastSeq(ctx); last != 0 || err != nil {
			t.Errorf("LastSeq of an empty outbox: %d, %v", last, err)
		}
		if err := tx.AppendEvent(ctx, full, bare); err != nil {
			return err
		}
		inside, err = tx.LastSeq(ctx)
		return err
	})
	view(t, s, func(ctx context.Context, r store.Reader) error {
		events, err := r.Events(ctx, store.EventQuery{})
		if err != nil {
			return err
		}
		equal(t, "two events", len(events), 2)
		if events[0].Seq == 0 || events[1].Seq <= events[0].Seq {
			t.Fatalf("sequence numbers %d, %d do not increase", events[0].Seq, events[1].Seq)
		}
		full.Seq, bare.Seq = events[0].Seq, events[1].Seq
		equal(t, "contents", events, []store.Event{full, bare})
		last, err := r.LastSeq(ctx)
		equal(t, "last", last, bare.Seq)
		equal(t, "last, as the transaction saw it", inside, bare.Seq)
		return err
	})
}

func testEventFilters(t *testing.T, s store.Store) {
	one, two := entity.NewID(), entity.NewID()
	// The clock was set back between the third and the fourth.
	for _, e := range []store.Event{
		{User: "1", Type: entity.EventCreated, EntityType: "table", EntityID: one, At: 100},
		{User: "2", Type: entity.EventUpdated, EntityType: "table", EntityID: one, At: 200},
		{User: "3", Type: entity.EventCreated, EntityType: "topic", EntityID: two, At: 300},
		{User: "4", Type: entity.EventUpdated, EntityType: "topic", EntityID: two, At: 150},
		{User: "5", Type: entity.EventDeleted, EntityType: "table", EntityID: one, At: 310},
	} {
		e.ID = entity.NewID()
		update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.AppendEvent(ctx, e) })
	}
	var all []store.Event
	view(t, s, func(ctx context.Context, r store.Reader) (err error) {
		all, err = r.Events(ctx, store.EventQuery{})
		return err
	})
	tests := []struct {
		what string
		q    store.EventQuery
		want string
	}{
		{"all", store.EventQuery{}, "12345"},
		{"limit", store.EventQuery{Limit: 2}, "12"},
		{"after", store.EventQuery{After: all[1].Seq}, "345"},
		{"after, limit", store.EventQuery{After: all[1].Seq, Limit: 1}, "3"},
		{"after the last", store.EventQuery{After: all[4].Seq}, ""},
		{"before", store.EventQuery{Before: all[2].Seq}, "12"},
		{"newest first", store.EventQuery{Newest: true, Limit: 3}, "543"},
		{"newest first, before", store.EventQuery{Newest: true, Before: all[3].Seq, Limit: 2}, "32"},
		{"to", store.EventQuery{To: 200}, "124"},
		{"since and to, newest first", store.EventQuery{Since: 150, To: 300, Newest: true}, "432"},
		{"since", store.EventQuery{Since: 200}, "235"},
		{"since, clock set back", store.EventQuery{Since: 150}, "2345"},
		{"since the future", store.EventQuery{Since: 1000}, ""},
		{"since, after", store.EventQuery{Since: 150, After: all[2].Seq}, "45"},
		{"entity", store.EventQuery{EntityID: two}, "34"},
		{"entity, since", store.EventQuery{EntityID: one, Since: 200}, "25"},
		{"entity, after", store.EventQuery{EntityID: one, After: all[0].Seq, Limit: 1}, "2"},
		{"any entity type", store.EventQuery{Types: map[string][]string{entity.EventCreated: {"*"}}}, "13"},
		{"one entity type", store.EventQuery{Types: map[string][]string{entity.EventCreated: {"topic"}}}, "3"},
		{"several", store.EventQuery{Types: map[string][]string{
			entity.EventCreated: {"topic", "table"}, entity.EventDeleted: {"*"}, entity.EventUpdated: {"user"},
		}}, "135"},
		{"no types", store.EventQuery{Types: map[string][]string{}}, ""},
		{"types of an entity", store.EventQuery{EntityID: one, Types: map[string][]string{entity.EventUpdated: {"*"}}}, "2"},
	}
	for _, test := range tests {
		view(t, s, func(ctx context.Context, r store.Reader) error {
			events, err := r.Events(ctx, test.q)
			got := ""
			for _, e := range events {
				got += e.User
			}
			equal(t, test.what, got, test.want)
			return err
		})
	}
}
