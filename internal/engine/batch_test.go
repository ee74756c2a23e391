package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// describe returns an edit that sets the description, and the name of what is new.
func describe(b *bed, name, text string) func(*entity.Entity, bool) error {
	return func(ent *entity.Entity, created bool) error {
		if created {
			ent.Name = name
			ent.Rest["service"] = []byte(refJSON(b.get(b.admin, "databaseService", "svc", "").ID, "databaseService"))
		}
		ent.Description = text
		return nil
	}
}

// run saves databases in one batch and returns what happened to each, an error
// by what clients may read of it.
func (b *bed) run(by entity.Principal, rehearse bool, writes ...[2]string) []string {
	b.t.Helper()
	do := b.e.Together
	if rehearse {
		do = b.e.Rehearse
	}
	var got []string
	err := do(b.t.Context(), by, func(batch *engine.Batch) error {
		got = nil
		for _, w := range writes {
			event, err := batch.Save(b.t.Context(), b.typ("database"), "svc."+w[0], describe(b, w[0], w[1]))
			if err != nil {
				event = engine.Public(err)
			}
			got = append(got, event)
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func TestABatchIsManyWrites(t *testing.T) {
	b := tableBed(t)
	writes := [][2]string{{"db", "first"}, {"new", "made"}, {"new", "changed"}, {"db", "first"}, {"", "nameless"}, {"other", ""}}
	check := func(what string, got []string) {
		t.Helper()
		if len(got) != len(writes) || got[4] == "" {
			t.Fatalf("%s: %q", what, got)
		}
		got[4] = "" // says why in words of the schema
		want := []string{"entityUpdated", "entityCreated", "entityUpdated", "entityNoChange", "", "entityCreated"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	before := b.events()
	check("rehearsal", b.run(b.admin, true, writes...))
	if after := b.events(); after != before {
		t.Errorf("a rehearsal left %d events", after-before)
	}
	if db := b.get(b.admin, "database", "svc.db", ""); db.Description != "" || db.Version != entity.FirstVersion {
		t.Errorf("a rehearsal left %s", asJSON(t, db))
	}
	_, err := b.e.Get(t.Context(), b.admin, b.typ("database"), engine.ByFQN("svc.new"), engine.View{Include: store.All})
	wantKind(t, err, entity.KindNotFound, "svc.new")

	check("batch", b.run(b.admin, false, writes...))
	if got := b.get(b.admin, "database", "svc.new", ""); got.Description != "changed" || got.Version.String() != "0.2" {
		t.Errorf("the batch left %s", asJSON(t, got))
	}
	if after := b.events(); after-before != 4 {
		t.Errorf("the batch made %d events, want one for each write that worked", after-before)
	}
}

// events counts the change feed.
func (b *bed) events() int {
	b.t.Helper()
	events, err := b.e.Changes(b.t.Context(), entity.System(), store.EventQuery{Limit: 1000, Types: map[string][]string{"entityCreated": {"database"}, "entityUpdated": {"database"}}}, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return len(events)
}

func TestABatchNeedsTheRightsOfEachWrite(t *testing.T) {
	b := tableBed(t)
	b.create("database", `{"name":"gone","service":"svc"}`)
	b.remove("database", b.get(b.admin, "database", "svc.gone", "").ID, false)
	for _, rehearse := range []bool{true, false} {
		got := b.run(b.plain, rehearse, [2]string{"new", "x"}, [2]string{"db", "x"}, [2]string{"gone", "x"})
		want := []string{
			"Principal: CatalogPrincipal{name='plain'} operations [Create] not allowed", "entityUpdated", "database instance for svc.gone not found",
		}
		got[0], _, _ = strings.Cut(got[0], ". ")
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("rehearsed %v (-want +got):\n%s", rehearse, d)
		}
	}
}

func TestABatchFindsWhatIsThere(t *testing.T) {
	b := tableBed(t)
	b.create("database", `{"name":"gone","service":"svc"}`)
	b.remove("database", b.get(b.admin, "database", "svc.gone", "").ID, false)
	err := b.e.Together(t.Context(), b.admin, func(batch *engine.Batch) error {
		refs, err := batch.Find(t.Context(), store.Key{Type: "database", FQN: "svc.gone"}, store.Key{Type: "user", FQN: "PLAIN"},
			store.Key{Type: "database", FQN: "svc.none"}, store.Key{Type: "nonsense", FQN: "x"}, store.Key{Type: "database", FQN: "svc.db"})
		if err != nil {
			return err
		}
		if d := cmp.Diff([]string{"db", "plain"}, namesOf(refs)); d != "" {
			t.Errorf("found (-want +got):\n%s", d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a failed batch function did is undone as a whole.
func TestABatchThatFailsLeavesNothing(t *testing.T) {
	b := tableBed(t)
	err := b.e.Together(t.Context(), b.admin, func(batch *engine.Batch) error {
		if _, err := batch.Save(t.Context(), b.typ("database"), "svc.db", describe(b, "db", "lost")); err != nil {
			return err
		}
		return entity.BadRequest("enough")
	})
	wantKind(t, err, entity.KindBadRequest, "enough")
	if db := b.get(b.admin, "database", "svc.db", ""); db.Description != "" {
		t.Errorf("the batch left %q", db.Description)
	}
}
