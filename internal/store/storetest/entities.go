package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func testEntities(t *testing.T, s store.Store) {
	row := newRow("table", "svc.db.orders")
	row.Parent = entity.NewID()
	row.Deleted = true
	insert(t, s, row)
	view(t, s, func(ctx context.Context, r store.Reader) error {
		got, err := r.Entity(ctx, row.ID)
		if err != nil {
			return err
		}
		equal(t, "by id", got, row)
		got, err = r.EntityByFQN(ctx, store.Key{Type: "table", FQN: "svc.db.orders"})
		if err != nil {
			return err
		}
		equal(t, "by name", got, row)
		_, err = r.Entity(ctx, entity.NewID())
		wantKind(t, "unknown id", err, entity.KindNotFound)
		_, err = r.EntityByFQN(ctx, store.Key{Type: "view", FQN: "svc.db.orders"})
		wantKind(t, "other type", err, entity.KindNotFound)
		_, err = r.EntityByFQN(ctx, store.Key{Type: "table", FQN: "SVC.db.orders"})
		wantKind(t, "other case", err, entity.KindNotFound)
		return nil
	})
	big := newRow("table", "svc.db.big")
	big.Doc = []byte(`{"text":"` + strings.Repeat("long ", 400_000) + `"}`)
	insert(t, s, big)
	view(t, s, func(ctx context.Context, r store.Reader) error {
		got, err := r.Entity(ctx, big.ID)
		equal(t, "a big document survives", string(got.Doc) == string(big.Doc), true)
		return err
	})
}

func testInsertConflicts(t *testing.T, s store.Store) {
	row := newRow("table", "a.b")
	insert(t, s, row)
	sameID := newRow("table", "a.c")
	sameID.ID = row.ID
	sameName := newRow("table", "a.b")
	otherType := newRow("topic", "a.b")
	ctx := context.Background()
	for what, bad := range map[string]store.Row{"same id": sameID, "same name": sameName} {
		err := s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, bad) })
		wantKind(t, what, err, entity.KindConflict)
		var e *entity.Error
		if ok := asEntityError(err, &e); !ok || strings.Contains(strings.ToLower(e.Message), "constraint") {
			t.Fatalf("%s: the message %q is not fit for clients", what, err)
		}
	}
	insert(t, s, otherType)
	equal(t, "only the first", list(t, s, store.ListQuery{Type: "table", Limit: 10}), []string{"a.b"})
	equal(t, "counted once", count(t, s, store.ListQuery{Type: "table"}), 1)
}

func testReplace(t *testing.T, s store.Store) {
	a, b := newRow("table", "a"), newRow("table", "b")
	insert(t, s, a, b)
	a.Name, a.FQN, a.Version, a.UpdatedAt = "new", "z", 12, 99
	a.Deleted, a.Parent, a.Doc = true, b.ID, []byte(`{"new":true}`)
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.Replace(ctx, a) })
	view(t, s, func(ctx context.Context, r store.Reader) error {
		got, err := r.Entity(ctx, a.ID)
		equal(t, "replaced", got, a)
		return err
	})
	ctx := context.Background()
	clash := a
	clash.FQN = "b"
	wantKind(t, "taken name", s.Update(ctx, func(tx store.Tx) error { return tx.Replace(ctx, clash) }), entity.KindConflict)
	missing := newRow("table", "nowhere")
	wantKind(t, "missing row", s.Update(ctx, func(tx store.Tx) error { return tx.Replace(ctx, missing) }), entity.KindNotFound)
	equal(t, "live", list(t, s, store.ListQuery{Type: "table", Limit: 9}), []string{"b"})
	equal(t, "deleted", list(t, s, store.ListQuery{Type: "table", Limit: 9, Include: store.Deleted}), []string{"z"})
	// A name that was given up is free again.
	insert(t, s, newRow("table", "a"))
}

func testDelete(t *testing.T, s store.Store) {
	gone, stays := newRow("table", "gone"), newRow("table", "stays")
	insert(t, s, gone, stays)
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, row := range []store.Row{gone, stays} {
			if err := tx.AddVersion(ctx, row.ID, 1, []byte(`1`)); err != nil {
				return err
			}
			if err := tx.PutRecord(ctx, store.Record{Kind: "profile", Owner: row.ID.String(), Key: "k", Doc: []byte(`1`)}); err != nil {
				return err
			}
		}
		if err := tx.AppendEvent(ctx, store.Event{ID: entity.NewID(), Type: entity.EventCreated, EntityID: gone.ID}); err != nil {
			return err
		}
		return tx.Relate(ctx,
			store.Relation{From: gone.ID, To: stays.ID, Kind: "out"},
			store.Relation{From: stays.ID, To: gone.ID, Kind: "in"},
			store.Relation{From: stays.ID, To: stays.ID, Kind: "self"})
	})
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		return tx.Delete(ctx, []entity.ID{gone.ID, entity.NewID(), gone.ID})
	})
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.Delete(ctx, nil) })
	view(t, s, func(ctx context.Context, r store.Reader) error {
		_, err := r.Entity(ctx, gone.ID)
		wantKind(t, "entity", err, entity.KindNotFound)
		versions, err := r.Versions(ctx, gone.ID)
		equal(t, "versions", versions, [][]byte(nil))
		_, recordErr := r.Record(ctx, "profile", gone.ID.String(), "k")
		wantKind(t, "record", recordErr, entity.KindNotFound)
		relations, _ := r.RelationsFrom(ctx, ids(gone, stays))
		equal(t, "relations", relations, []store.Relation{{From: stays.ID, To: stays.ID, Kind: "self"}})
		reverse, _ := r.RelationsTo(ctx, ids(gone, stays))
		equal(t, "relations to", reverse, relations)
		events, _ := r.Events(ctx, store.EventQuery{})
		equal(t, "events stay", len(events), 1)
		kept, _ := r.Versions(ctx, stays.ID)
		equal(t, "the other's versions", len(kept), 1)
		_, keptErr := r.Record(ctx, "profile", stays.ID.String(), "k")
		equal(t, "the other's record", keptErr, nil)
		return err
	})
	equal(t, "count", count(t, s, store.ListQuery{Type: "table"}), 1)
}

func testBatch(t *testing.T, s store.Store) {
	var rows []store.Row
	var keys []store.Key
	for i := range 1203 {
		row := newRow([]string{"table", "topic"}[i%2], fmt.Sprintf("svc.%04d", i))
		rows = append(rows, row)
		keys = append(keys, store.Key{Type: row.Type, FQN: row.FQN})
	}
	insert(t, s, rows...)
	view(t, s, func(ctx context.Context, r store.Reader) error {
		for _, n := range []int{0, 1, 2, 500, 501, 1203} {
			some := append(ids(rows[:n]...), entity.NewID())
			some = append(some, ids(rows[:n]...)...)
			got, err := r.Entities(ctx, some)
			if err != nil {
				return err
			}
			equal(t, fmt.Sprintf("%d by id", n), sorted(names(got)), names(rows[:n]))
			some2 := append(slices.Clone(keys[:n]), store.Key{Type: "table", FQN: "nowhere"})
			some2 = append(some2, keys[:n]...)
			got, err = r.EntitiesByFQN(ctx, some2)
			if err != nil {
				return err
			}
			equal(t, fmt.Sprintf("%d by name", n), sorted(names(got)), names(rows[:n]))
		}
		got, err := r.EntitiesByFQN(ctx, []store.Key{{Type: "topic", FQN: "svc.0000"}})
		equal(t, "the name of another type", got, []store.Row(nil))
		return err
	})
}

func testNames(t *testing.T, s store.Store) {
	var rows []store.Row
	for _, fqn := range []string{
		`svc."a.b"`, `svc."say ""hi"""`, `svc.back\slash`, "svc.new\nline\ttab", "svc.ünïcödé", "svc.表", "svc.😀",
		"svc.%like_", "svc.'quote'", "svc.[1]{2}", "svc. space ", "svc.\x01\x7f", `svc.\u0041`,
	} {
		rows = append(rows, newRow("table", fqn))
	}
	insert(t, s, rows...)
	want := sorted(names(rows))
	view(t, s, func(ctx context.Context, r store.Reader) error {
		for _, row := range rows {
			key := store.Key{Type: "table", FQN: row.FQN}
			got, err := r.EntityByFQN(ctx, key)
			if err != nil {
				return fmt.Errorf("%q: %w", row.FQN, err)
			}
			equal(t, "one", got, row)
			batch, err := r.EntitiesByFQN(ctx, []store.Key{key, {Type: "table", FQN: row.FQN + "x"}})
			if err != nil {
				return err
			}
			equal(t, "batch of "+row.FQN, batch, []store.Row{row})
		}
		return nil
	})
	equal(t, "byte order", list(t, s, store.ListQuery{Type: "table", Under: "svc", Limit: 99}), want)
}

func testTree(t *testing.T, s store.Store) {
	root, other := newRow("schema", "r"), newRow("schema", "other")
	var rows []store.Row
	below := func(parent store.Row, typ, name string) store.Row {
		row := newRow(typ, parent.FQN+"."+name)
		row.Parent = parent.ID
		rows = append(rows, row)
		return row
	}
	b := below(root, "table", "b")
	a := below(root, "table", "a")
	v := below(root, "view", "c")
	a.Deleted = true
	rows[1] = a
	ba := below(b, "column", "x")
	bb := below(b, "column", "y")
	deep := below(ba, "column", "z")
	foreign := below(other, "table", "t")
	insert(t, s, append(rows, root, other)...)
	view(t, s, func(ctx context.Context, r store.Reader) error {
		got, err := r.Descendants(ctx, root.ID)
		if err != nil {
			return err
		}
		equal(t, "descendants", sortIDs(got), sortIDs(ids(a, b, v, ba, bb, deep)))
		if slices.Index(got, b.ID) > slices.Index(got, ba.ID) || slices.Index(got, ba.ID) > slices.Index(got, deep.ID) {
			t.Fatalf("children come before their parents: %v", got)
		}
		leaf, err := r.Descendants(ctx, deep.ID)
		equal(t, "a leaf's descendants", leaf, []entity.ID(nil))
		if err != nil {
			return err
		}
		return checkChildren(ctx, t, r, root, other, []store.Row{a, b, v, foreign})
	})
	equal(t, "by parent", list(t, s, store.ListQuery{Type: "table", Parent: root.ID, Limit: 9, Include: store.All}), []string{"r.a", "r.b"})
	equal(t, "live by parent", list(t, s, store.ListQuery{Type: "table", Parent: root.ID, Limit: 9}), []string{"r.b"})
	equal(t, "any type by parent", list(t, s, store.ListQuery{Parent: root.ID, Limit: 9}), []string{"r.b", "r.c"})
	equal(t, "count by parent", count(t, s, store.ListQuery{Type: "column", Parent: b.ID}), 2)
}

func checkChildren(ctx context.Context, t *testing.T, r store.Reader, root, other store.Row, rows []store.Row) error {
	child := func(row store.Row) store.Child {
		return store.Child{Parent: row.Parent, ID: row.ID, Deleted: row.Deleted}
	}
	want := []store.Child{child(rows[0]), child(rows[1]), child(rows[2])}
	at := len(want)
	if slices.Equal(sortIDs(ids(root, other)), ids(other, root)) {
		at = 0
	}
	want = slices.Insert(want, at, child(rows[3]))
	got, err := r.Children(ctx, append(ids(root, other, root), entity.NewID()), "", 100)
	if err != nil {
		return err
	}
	equal(t, "children", got, want)
	got, err = r.Children(ctx, ids(root, other), "", 2)
	equal(t, "limited children", got, want[:2])
	if err != nil {
		return err
	}
	got, err = r.Children(ctx, ids(root), "view", 100)
	equal(t, "children of a type", got, []store.Child{child(rows[2])})
	return err
}

func testVersions(t *testing.T, s store.Store) {
	id, other := entity.NewID(), entity.NewID()
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, v := range []entity.Version{1, 12, 2, 101} {
			if err := tx.AddVersion(ctx, id, v, []byte(v.String())); err != nil {
				return err
			}
		}
		return tx.AddVersion(ctx, other, 3, []byte("other"))
	})
	view(t, s, func(ctx context.Context, r store.Reader) error {
		docs, err := r.Versions(ctx, id)
		if err != nil {
			return err
		}
		equal(t, "newest first", docs, [][]byte{[]byte("10.1"), []byte("1.2"), []byte("0.2"), []byte("0.1")})
		doc, err := r.Version(ctx, id, 12)
		if err != nil {
			return err
		}
		equal(t, "one version", string(doc), "1.2")
		states, err := r.States(ctx, []store.StateKey{{ID: id, Version: 2}, {ID: other, Version: 3}, {ID: id, Version: 7}, {ID: id, Version: 2}})
		if err != nil {
			return err
		}
		equal(t, "states by key", states, map[store.StateKey][]byte{{ID: id, Version: 2}: []byte("0.2"), {ID: other, Version: 3}: []byte("other")})
		none, err := r.States(ctx, nil)
		if err != nil {
			return err
		}
		equal(t, "no states", len(none), 0)
		_, missing := r.Version(ctx, id, 3)
		wantKind(t, "missing version", missing, entity.KindNotFound)
		return err
	})
}
