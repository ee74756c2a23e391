package engine_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// TestWhatTheServerAmendsMakesNoVersion sets, changes and removes members.
func TestWhatTheServerAmendsMakesNoVersion(t *testing.T) {
	b := tableBed(t)
	id := b.create("table", tableRequest("orders", "", idColumn)).ID
	for _, step := range []struct {
		name     string
		set      map[string]jsontext.Value
		want     string
		announce bool
	}{
		{"set", map[string]jsontext.Value{"retentionPeriod": jsontext.Value(`"P1D"`)}, `"P1D"`, true},
		{"the same", map[string]jsontext.Value{"retentionPeriod": jsontext.Value(`"P1D"`)}, `"P1D"`, false},
		{"another", map[string]jsontext.Value{"retentionPeriod": jsontext.Value(`"P2D"`)}, `"P2D"`, true},
		{"none", map[string]jsontext.Value{"retentionPeriod": nil}, "", true},
		{"none again", map[string]jsontext.Value{"retentionPeriod": nil}, "", false},
	} {
		before := b.feedOf(id)
		err := b.store.Update(t.Context(), func(tx store.Tx) error {
			row, err := b.e.Row(t.Context(), tx, b.typ("table"), engine.ByID(id))
			if err != nil {
				return err
			}
			return b.e.Amend(t.Context(), tx, b.bot, row, step.set)
		})
		if err != nil {
			t.Fatal(err)
		}
		got := b.get(b.plain, "table", "svc.db.sales.orders", "")
		if string(got.Rest["retentionPeriod"]) != step.want || got.Version != entity.FirstVersion {
			t.Errorf("%s: %s at version %s", step.name, got.Rest["retentionPeriod"], got.Version)
		}
		if announced := b.feedOf(id) > before; announced != step.announce {
			t.Errorf("%s: announced %v, want %v", step.name, announced, step.announce)
		}
	}
}

// feedOf counts the entries of the change feed about an entity.
func (b *bed) feedOf(id entity.ID) int {
	b.t.Helper()
	events, err := b.e.Changes(b.t.Context(), entity.System(), store.EventQuery{EntityID: id}, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return len(events)
}

// TestEditsOfSpecialCalls: an edit is refused without the right, for what is
// deleted, and when what it leaves is no such entity; then nothing is kept.
func TestEditsOfSpecialCalls(t *testing.T) {
	b := tableBed(t)
	typ, id := b.typ("table"), b.create("table", tableRequest("orders", "", idColumn)).ID
	retain := func(value string) func(store.Tx, *entity.Entity) error {
		return func(_ store.Tx, ent *entity.Entity) error {
			ent.Rest["retentionPeriod"] = jsontext.Value(value)
			return nil
		}
	}
	edit := func(by entity.Principal, sel engine.Selector, change func(store.Tx, *entity.Entity) error) (engine.Result, error) {
		return b.e.Edit(t.Context(), by, typ, sel, []policy.Operation{policy.EditAll}, engine.View{}, change)
	}
	_, err := edit(b.plain, engine.ByID(id), retain(`"P1D"`))
	wantKind(t, err, entity.KindForbidden, "[EditAll]")
	_, err = edit(b.admin, engine.ByFQN("svc.db.sales.none"), retain(`"P1D"`))
	wantKind(t, err, entity.KindNotFound, "table instance for svc.db.sales.none not found")
	_, err = edit(b.admin, engine.ByID(id), func(_ store.Tx, ent *entity.Entity) error {
		ent.Description = "lost"
		return entity.BadRequest("on second thoughts")
	})
	wantKind(t, err, entity.KindBadRequest, "on second thoughts")
	if now := b.get(b.plain, "table", "svc.db.sales.orders", ""); now.Description != "" || now.Version != entity.FirstVersion {
		t.Errorf("a refused edit left %s", asJSON(t, now))
	}
	made, err := edit(b.admin, engine.ByID(id), retain(`"P1D"`))
	if err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, "an edit", made, outcome{Event: "entityUpdated", Version: "0.2", Added: []string{`retentionPeriod to "P1D"`}})
	again, err := edit(b.admin, engine.ByID(id), retain(`"P1D"`))
	if err != nil || again.Event != entity.EventNoChange {
		t.Errorf("the same edit made %s, %v", again.Event, err)
	}
	b.remove("table", id, false)
	_, err = edit(b.admin, engine.ByID(id), retain(`"P2D"`))
	wantKind(t, err, entity.KindNotFound, "table instance for "+id.String()+" not found")
}

// TestHistoryOfAPeriod: pages of states hold what made versions, of the type and
// period asked for, and are for those who may see everything.
func TestHistoryOfAPeriod(t *testing.T) {
	b := tableBed(t)
	id := b.create("table", tableRequest("orders", `"description":"one",`, idColumn)).ID
	if _, err := b.e.Follow(t.Context(), b.plain, b.typ("table"), id, b.plain.UserID); err != nil {
		t.Fatal(err)
	}
	second := b.mustPatch(b.admin, "table", id, `[{"op":"replace","path":"/description","value":"two"}]`).Entity
	third := b.mustPatch(b.admin, "table", id, `[{"op":"replace","path":"/description","value":"three"}]`).Entity
	read := func(from, to int64, limit int) (got []string) {
		t.Helper()
		req := engine.HistoryRequest{From: from, To: to, Limit: limit}
		for pages := 0; pages == 0 || req.After != 0; pages++ {
			ents, next, err := b.e.History(t.Context(), b.admin, b.typ("table"), req)
			if err != nil || len(ents) > limit || pages > 5 {
				t.Fatalf("page %d has %d states, %v", pages, len(ents), err)
			}
			for _, ent := range ents {
				got = append(got, ent.Description)
			}
			req.After = next
		}
		return got
	}
	const always = int64(1) << 60
	for _, tc := range []struct {
		name     string
		from, to int64
		limit    int
		want     string
	}{
		{"everything", 0, always, 10, "one two three"},
		{"page by page", 0, always, 1, "one two three"},
		{"both ends count", second.UpdatedAt, third.UpdatedAt, 2, "two three"},
		{"the second alone", second.UpdatedAt, third.UpdatedAt - 1, 2, "two"},
		{"later", third.UpdatedAt + 10, always, 2, ""},
	} {
		if got := strings.Join(read(tc.from, tc.to, tc.limit), " "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	b.remove("table", id, true)
	if got := strings.Join(read(0, always, 10), " "); got != "" {
		t.Errorf("of what went for good there is still %q", got)
	}
}
