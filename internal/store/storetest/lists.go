package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func asEntityError(err error, target **entity.Error) bool { return errors.As(err, target) }

func sorted(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return texts
}

func testListCursors(t *testing.T, s store.Store) {
	all := []string{"a", "a.b", "a.b.c", "a/b", "a0", "b", "ba", "bb", "é"}
	for _, i := range []int{4, 0, 8, 2, 6, 1, 3, 5, 7} {
		insert(t, s, newRow("table", all[i]))
	}
	insert(t, s, newRow("topic", "aa"))
	tests := []struct {
		what string
		q    store.ListQuery
		want []string
	}{
		{"all", store.ListQuery{Limit: 100}, all},
		{"exactly all", store.ListQuery{Limit: 9}, all},
		{"none", store.ListQuery{Limit: 0}, nil},
		{"first page", store.ListQuery{Limit: 2}, all[:2]},
		{"after a name", store.ListQuery{Limit: 2, After: "a.b"}, all[2:4]},
		{"after a name that is missing", store.ListQuery{Limit: 2, After: "a.a"}, all[1:3]},
		{"after the last", store.ListQuery{Limit: 2, After: "é"}, nil},
		{"before", store.ListQuery{Limit: 2, Before: "b"}, all[3:5]},
		{"before, short page", store.ListQuery{Limit: 5, Before: "a.b.c"}, all[:2]},
		{"before the first", store.ListQuery{Limit: 5, Before: "a"}, nil},
		{"between", store.ListQuery{Limit: 9, After: "a", Before: "a0"}, all[1:4]},
		{"between, the end of it", store.ListQuery{Limit: 2, After: "a", Before: "a0"}, all[2:4]},
		{"under", store.ListQuery{Limit: 9, Under: "a"}, all[1:3]},
		{"under, after", store.ListQuery{Limit: 9, Under: "a", After: "a.b"}, all[2:3]},
		{"under, after outside", store.ListQuery{Limit: 9, Under: "a", After: "a0"}, nil},
		{"under, before", store.ListQuery{Limit: 9, Under: "a", Before: "a.b.c"}, all[1:2]},
		{"under, before outside", store.ListQuery{Limit: 9, Under: "a", Before: "zzz"}, all[1:3]},
		{"under a leaf", store.ListQuery{Limit: 9, Under: "bb"}, nil},
	}
	for _, test := range tests {
		test.q.Type = "table"
		for _, include := range []store.Include{store.NonDeleted, store.All} {
			test.q.Include = include
			equal(t, test.what, list(t, s, test.q), test.want)
		}
	}
	for size := 1; size <= 4; size++ {
		var forth, back []string
		for page := list(t, s, store.ListQuery{Type: "table", Limit: size}); len(page) > 0; {
			forth = append(forth, page...)
			page = list(t, s, store.ListQuery{Type: "table", Limit: size, After: page[len(page)-1]})
		}
		equal(t, "paging forth", forth, all)
		for page := list(t, s, store.ListQuery{Type: "table", Limit: size, Before: "\U0010ffff"}); len(page) > 0; {
			back = append(slices.Clone(page), back...)
			page = list(t, s, store.ListQuery{Type: "table", Limit: size, Before: page[0]})
		}
		equal(t, "paging back", back, all)
	}
}

func testListFilters(t *testing.T, s store.Store) {
	owner := newRow("user", "ann")
	rows := []store.Row{owner}
	for i := range 10 {
		row := newRow("table", fmt.Sprintf("s.%d", i))
		row.Deleted = i%3 == 0
		rows = append(rows, row)
	}
	insert(t, s, rows...)
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, i := range []int{1, 2, 3, 4} { // s.0 to s.3
			r := store.Relation{From: owner.ID, To: rows[i].ID, Kind: "owns", FromType: "user", ToType: "table"}
			if err := tx.Relate(ctx, r); err != nil {
				return err
			}
		}
		return tx.Relate(ctx, store.Relation{From: owner.ID, To: rows[9].ID, Kind: "follows"})
	})
	owned := &store.RelationFilter{From: owner.ID, Kind: "owns"}
	some := append(ids(rows[3], rows[5], rows[10], owner), entity.NewID(), rows[3].ID)
	tests := []struct {
		what string
		q    store.ListQuery
		want []string
	}{
		{"live", store.ListQuery{}, []string{"s.1", "s.2", "s.4", "s.5", "s.7", "s.8"}},
		{"deleted", store.ListQuery{Include: store.Deleted}, []string{"s.0", "s.3", "s.6", "s.9"}},
		{"owned", store.ListQuery{RelatedFrom: owned}, []string{"s.1", "s.2"}},
		{"owned, all", store.ListQuery{RelatedFrom: owned, Include: store.All}, []string{"s.0", "s.1", "s.2", "s.3"}},
		{"owned, deleted", store.ListQuery{RelatedFrom: owned, Include: store.Deleted}, []string{"s.0", "s.3"}},
		{"owned by nobody", store.ListQuery{RelatedFrom: &store.RelationFilter{From: entity.NewID(), Kind: "owns"}}, nil},
		{"ids", store.ListQuery{IDs: some}, []string{"s.2", "s.4"}},
		{"ids, all", store.ListQuery{IDs: some, Include: store.All}, []string{"s.2", "s.4", "s.9"}},
		{"no ids", store.ListQuery{IDs: []entity.ID{}}, nil},
		{"ids and owned", store.ListQuery{IDs: some, RelatedFrom: owned}, []string{"s.2"}},
		{"under and owned", store.ListQuery{Under: "s", RelatedFrom: owned}, []string{"s.1", "s.2"}},
		{"under another and ids", store.ListQuery{Under: "t", IDs: some}, nil},
	}
	for _, test := range tests {
		test.q.Type, test.q.Limit = "table", 100
		equal(t, test.what, list(t, s, test.q), test.want)
		equal(t, test.what+", counted", count(t, s, test.q), len(test.want))
		if n := len(test.want); n > 1 {
			limited := test.q
			limited.Limit, limited.Before = 1, test.want[n-1]
			equal(t, test.what+", before", list(t, s, limited), test.want[n-2:n-1])
			limited.After, limited.Before = test.want[0], ""
			equal(t, test.what+", after", list(t, s, limited), test.want[1:2])
		}
	}
	equal(t, "any type", list(t, s, store.ListQuery{IDs: some, Limit: 9}), []string{"ann", "s.2", "s.4"})
}

func testListManyRelations(t *testing.T, s store.Store) {
	tag := newRow("tag", "t")
	rows := make([]store.Row, 2600)
	var want []string
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		want = nil
		for i := range rows {
			rows[i] = newRow("table", fmt.Sprintf("s.%05d", i))
			if err := tx.Insert(ctx, rows[i]); err != nil {
				return err
			}
			if i%13 == 0 {
				continue
			}
			want = append(want, rows[i].FQN)
			if err := tx.Relate(ctx, store.Relation{From: tag.ID, To: rows[i].ID, Kind: "tags"}); err != nil {
				return err
			}
		}
		return nil
	})
	q := store.ListQuery{Type: "table", Limit: 1000, RelatedFrom: &store.RelationFilter{From: tag.ID, Kind: "tags"}}
	equal(t, "count", count(t, s, q), len(want))
	var got []string
	for page := list(t, s, q); len(page) > 0; page = list(t, s, q) {
		got = append(got, page...)
		q.After = page[len(page)-1]
	}
	equal(t, "pages", got, want)
}

func testCount(t *testing.T, s store.Store) {
	rows := []store.Row{newRow("table", "s"), newRow("table", "s.a"), newRow("table", "s.a.b"), newRow("table", "s/a"), newRow("topic", "s.a")}
	check := func(what string, typ, under string, live, deleted int) {
		t.Helper()
		for include, want := range map[store.Include]int{store.NonDeleted: live, store.Deleted: deleted, store.All: live + deleted} {
			q := store.ListQuery{Type: typ, Under: under, Include: include, After: "zz", Limit: 1}
			equal(t, what, count(t, s, q), want)
		}
	}
	check("empty", "table", "", 0, 0)
	insert(t, s, rows...)
	check("all", "table", "", 4, 0)
	check("under", "table", "s", 2, 0)
	check("deeper", "table", "s.a", 1, 0)
	check("other type", "topic", "s", 1, 0)
	rows[2].Deleted = true
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.Replace(ctx, rows[2]) })
	check("soft-deleted", "table", "", 3, 1)
	check("soft-deleted, under", "table", "s.a", 0, 1)
	rows[1].FQN = "t.a"
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.Replace(ctx, rows[1]) })
	check("renamed, old place", "table", "s", 0, 1)
	check("renamed, new place", "table", "t", 1, 0)
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.Delete(ctx, ids(rows[1], rows[2])) })
	check("deleted", "table", "", 2, 0)
	check("deleted, under", "table", "s", 0, 0)
	equal(t, "any type", count(t, s, store.ListQuery{}), 3)
}

// testListMembers checks the restriction to values of top-level members.
func testListMembers(t *testing.T, s store.Store) {
	ctx := t.Context()
	docs := map[string]string{
		"ann": `{"email":"ann@example.com","isBot":false}`, "bot": `{"email":"bot@example.com","isBot":true}`, "eve": `{"isBot":false}`,
	}
	err := s.Update(ctx, func(tx store.Tx) error {
		for name, doc := range docs {
			row := store.Row{ID: entity.NewID(), Type: "user", Name: name, FQN: name, Version: 1, Doc: []byte(doc)}
			if err := tx.Insert(ctx, row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		members map[string]string
		want    []string
	}{
		{map[string]string{"isBot": "false"}, []string{"ann", "eve"}},
		{map[string]string{"isBot": "true"}, []string{"bot"}},
		{map[string]string{"email": "ann@example.com", "isBot": "false"}, []string{"ann"}},
		{map[string]string{"email": "nobody@example.com"}, nil},
	} {
		err := s.View(ctx, func(r store.Reader) error {
			q := store.ListQuery{Type: "user", Members: c.members, Limit: 10}
			rows, err := r.List(ctx, q)
			if err != nil {
				return err
			}
			var got []string
			for _, row := range rows {
				got = append(got, row.Name)
			}
			equal(t, fmt.Sprintf("List with members %v", c.members), got, c.want)
			n, err := r.Count(ctx, q)
			equal(t, fmt.Sprintf("Count with members %v", c.members), n, len(c.want))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
