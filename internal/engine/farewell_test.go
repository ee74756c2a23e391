package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// TestFarewell: whoever is deleted is said farewell to in the same transaction, also
// by way of a bot; nobody is when something else changes.
func TestFarewell(t *testing.T) {
	b := newBed(t)
	var said []entity.ID
	var fails error
	b.e.UseFarewell(func(_ context.Context, tx store.Tx, by entity.Principal, user entity.ID) error {
		if tx == nil || by.Name != b.admin.Name {
			t.Errorf("said by %q, transaction %v", by.Name, tx)
		}
		said = append(said, user)
		return fails
	})
	heard := func(what string, want ...entity.ID) {
		t.Helper()
		if len(said) != len(want) || len(want) == 1 && said[0] != want[0] {
			t.Errorf("%s: said to %v, want %v", what, said, want)
		}
		said = nil
	}
	remove := func(typ string, id entity.ID, hard bool) error {
		_, err := b.e.Delete(t.Context(), b.admin, b.typ(typ), engine.ByID(id), engine.DeleteOptions{Hard: hard}, engine.View{})
		return err
	}
	first := b.create("user", `{"name":"first","email":"first@example.com","isBot":true}`)
	second := b.create("user", `{"name":"second","email":"second@example.com","isBot":true}`)
	bot := b.create("bot", `{"name":"robot","botUser":"first"}`)
	b.mustPut(b.admin, "bot", `{"name":"robot","botUser":"first","description":"the same user"}`)
	heard("made and described")
	b.mustPut(b.admin, "bot", `{"name":"robot","botUser":"second","description":"another user"}`)
	heard("another user", first.ID)

	fails = errors.New("disk full")
	if err := remove("bot", bot.ID, false); !errors.Is(err, fails) {
		t.Errorf("a deletion whose farewell fails ends with %v", err)
	}
	heard("not deleted", second.ID)
	fails = nil
	if err := remove("bot", bot.ID, false); err != nil {
		t.Fatalf("what could not be deleted is gone: %v", err)
	}
	heard("the bot is deleted", second.ID)
	if _, err := b.e.Restore(t.Context(), b.admin, b.typ("bot"), bot.ID, engine.View{}); err != nil {
		t.Fatal(err)
	}
	heard("restored")
	for _, step := range []struct {
		typ  string
		id   entity.ID
		hard bool
		want entity.ID
	}{
		{"bot", bot.ID, true, second.ID}, {"user", second.ID, false, second.ID}, {"user", second.ID, true, second.ID}, {"user", first.ID, true, first.ID},
	} {
		if err := remove(step.typ, step.id, step.hard); err != nil {
			t.Fatal(err)
		}
		heard(step.typ+" deleted", step.want)
	}
}
