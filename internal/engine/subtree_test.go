package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// forest makes a service with two schemas and so many tables in each; trees of three
// and more are worked on in steps.
func forest(t *testing.T, tables int) (*bed, *entity.Entity) {
	t.Helper()
	b := tableBed(t)
	b.e.TakeStepsFrom(3)
	t.Cleanup(func() { _ = b.e.Close(context.Background()) })
	service := b.create("databaseService", `{"name":"wood","serviceType":"Mysql"}`)
	b.create("database", `{"name":"db","service":"wood"}`)
	for _, schema := range []string{"a", "b"} {
		b.create("databaseSchema", `{"name":"`+schema+`","database":"wood.db"}`)
		for i := range tables {
			b.create("table", fmt.Sprintf(`{"name":"t%d","databaseSchema":"wood.db.%s","columns":[]}`, i, schema))
		}
	}
	return b, service
}

// count returns how many entities of the forest are there, and not deleted.
func (b *bed) count(t *testing.T) (all, live int) {
	t.Helper()
	err := b.e.Store().View(t.Context(), func(r store.Reader) error {
		for _, typ := range []string{"databaseService", "database", "databaseSchema", "table"} {
			rows, err := r.List(t.Context(), store.ListQuery{Type: typ, Include: store.All, Limit: 10_000})
			if err != nil {
				return err
			}
			for _, row := range rows {
				if row.FQN == "wood" || entity.Under(row.FQN, "wood") {
					if all++; !row.Deleted {
						live++
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, live
}

func (b *bed) wantCount(t *testing.T, all, live int) {
	t.Helper()
	if a, l := b.count(t); a != all || l != live {
		t.Errorf("%d entities, %d of them not deleted; want %d and %d", a, l, all, live)
	}
	err := b.e.Store().View(t.Context(), func(r store.Reader) error {
		records, err := r.Records(t.Context(), store.RecordQuery{Kind: "subtree"})
		if err == nil && len(records) > 0 {
			t.Errorf("%d records of what was decided stay", len(records))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLargeTreesGoAndComeBack(t *testing.T) {
	b, service := forest(t, 120)
	const all = 1 + 1 + 2 + 240
	ctx, admin, typ := t.Context(), entity.System(), b.typ("databaseService")
	var mu sync.Mutex
	done, total := 0, 0
	tell := func(d, n int) {
		mu.Lock()
		defer mu.Unlock()
		done, total = d, n
	}
	result, err := b.e.Delete(ctx, admin, typ, engine.ByID(service.ID), engine.DeleteOptions{Recursive: true, Progress: tell}, engine.View{})
	if err != nil || result.Entity.Deleted == nil || !*result.Entity.Deleted {
		t.Fatalf("soft delete: %+v, %v", result, err)
	}
	if done != all-1 || total != all-1 {
		t.Errorf("progress ends at %d of %d", done, total)
	}
	b.wantCount(t, all, 0)
	if _, err := b.e.Restore(ctx, admin, typ, service.ID, engine.View{}); err != nil {
		t.Fatal(err)
	}
	b.wantCount(t, all, all)
	if result, err = b.e.Delete(ctx, admin, typ, engine.ByID(service.ID), engine.DeleteOptions{Recursive: true, Hard: true}, engine.View{}); err != nil || result.Entity.Name != "wood" {
		t.Fatalf("hard delete: %+v, %v", result, err)
	}
	b.wantCount(t, 0, 0)
	events := map[string]int{}
	err = b.e.Store().View(ctx, func(r store.Reader) error {
		list, err := r.Events(ctx, store.EventQuery{Limit: 10_000})
		for _, ev := range list {
			if ev.EntityFQN == "wood" || entity.Under(ev.EntityFQN, "wood") {
				events[ev.Type]++
			}
		}
		return err
	})
	if err != nil || events[entity.EventSoftDeleted] != all || events[entity.EventRestored] != all || events[entity.EventDeleted] != all {
		t.Errorf("events = %v, want %d of each; %v", events, all, err)
	}
}

// TestLargeTreesAfterACrash: what was decided is done by the next process.
func TestLargeTreesAfterACrash(t *testing.T) {
	for _, hard := range []bool{false, true} {
		b, service := forest(t, 60)
		if err := b.e.Close(t.Context()); err != nil { // no step is taken any more
			t.Fatal(err)
		}
		opts := engine.DeleteOptions{Recursive: true, Hard: hard}
		if _, err := b.e.Delete(t.Context(), entity.System(), b.typ("databaseService"), engine.ByID(service.ID), opts, engine.View{}); err == nil {
			t.Fatal("a deletion that was stopped says it is done")
		}
		next := b.fresh()
		if err := next.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		next.Wait()
		if hard {
			b.wantCount(t, 0, 0)
		} else {
			b.wantCount(t, 1+1+2+120, 0)
		}
	}
}

// TestNothingCrossesALargeTree: what is decided about a tree is not mixed with another
// decision about a part of it, or about what it is part of.
func TestNothingCrossesALargeTree(t *testing.T) {
	b, service := forest(t, 2)
	ctx, admin := t.Context(), entity.System()
	database, table := b.get(admin, "database", "wood.db", ""), b.get(admin, "table", "wood.db.a.t0", "")
	if err := b.e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	opts := engine.DeleteOptions{Recursive: true, Hard: true}
	_, err := b.e.Delete(ctx, admin, b.typ("database"), engine.ByID(database.ID), opts, engine.View{})
	if err == nil {
		t.Fatal("a deletion that was stopped says it is done")
	}
	for name, sel := range map[string]entity.ID{"databaseService": service.ID, "database": database.ID, "table": table.ID} {
		_, err = b.e.Delete(ctx, admin, b.typ(name), engine.ByID(sel), opts, engine.View{})
		wantKind(t, err, entity.KindConflict, "is being deleted")
	}
	other := b.create("databaseService", `{"name":"meadow","serviceType":"Mysql"}`)
	if _, err = b.e.Delete(ctx, admin, b.typ("databaseService"), engine.ByID(other.ID), opts, engine.View{}); err != nil {
		t.Errorf("what has nothing to do with it: %v", err)
	}
}
