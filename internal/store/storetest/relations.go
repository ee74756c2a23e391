package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func testRelations(t *testing.T, s store.Store) {
	n := sortIDs([]entity.ID{entity.NewID(), entity.NewID(), entity.NewID()})
	first := store.Relation{From: n[0], To: n[1], FromType: "user", ToType: "table", Kind: "owns", Doc: []byte(`{"a":1}`)}
	second := store.Relation{From: n[0], To: n[2], FromType: "user", ToType: "topic", Kind: "owns"}
	third := store.Relation{From: n[1], To: n[2], FromType: "table", ToType: "topic", Kind: "feeds"}
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.Relate(ctx, third, second, first) })
	changed := first
	changed.Doc, changed.ToType = []byte(`{"a":2}`), "view"
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.Relate(ctx, changed) })
	view(t, s, func(ctx context.Context, r store.Reader) error {
		got, err := r.RelationsFrom(ctx, []entity.ID{n[1], n[0], n[0]})
		equal(t, "from", got, []store.Relation{changed, second, third})
		if err != nil {
			return err
		}
		got, err = r.RelationsTo(ctx, n[2:])
		equal(t, "to one", got, []store.Relation{second, third})
		if err != nil {
			return err
		}
		counts, err := r.CountFrom(ctx, n, "owns")
		equal(t, "counts", [3]int{counts[n[0]], counts[n[1]], counts[n[2]]}, [3]int{2, 0, 0})
		none, noneErr := r.RelationsFrom(ctx, nil)
		equal(t, "from nowhere", none, []store.Relation(nil))
		equal(t, "from nowhere", noneErr, nil)
		return err
	})
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		return tx.Unrelate(ctx, first, store.Relation{From: n[2], To: n[0], Kind: "owns"})
	})
	view(t, s, func(ctx context.Context, r store.Reader) error {
		got, err := r.RelationsFrom(ctx, n)
		equal(t, "after Unrelate", got, []store.Relation{second, third})
		return err
	})
}

// testRelationsOf reads all relations of a kind in pages: of one that has an index of
// its own, and of any other.
func testRelationsOf(t *testing.T, s store.Store) {
	for _, kind := range []string{"upstream", "feeds"} {
		ids := sortIDs([]entity.ID{entity.NewID(), entity.NewID(), entity.NewID()})
		var all []store.Relation
		for _, from := range ids {
			for _, to := range ids {
				all = append(all, store.Relation{From: from, To: to, FromType: "table", ToType: "topic", Kind: kind, Doc: []byte(`{"a":1}`)})
			}
		}
		other := store.Relation{From: ids[0], To: ids[1], FromType: "table", ToType: "topic", Kind: kind + "s"}
		update(t, s, func(ctx context.Context, tx store.Tx) error {
			return tx.Relate(ctx, append(slices.Clone(all), other)...)
		})
		view(t, s, func(ctx context.Context, r store.Reader) error {
			var got []store.Relation
			after := store.Relation{}
			for {
				page, err := r.RelationsOf(ctx, kind, after, 2)
				if err != nil {
					return err
				}
				if len(page) > 2 {
					t.Fatalf("%d relations on a page of 2", len(page))
				}
				if len(page) == 0 {
					break
				}
				got, after = append(got, page...), page[len(page)-1]
			}
			equal(t, kind, got, all)
			return nil
		})
	}
}

func testRelationKinds(t *testing.T, s store.Store) {
	from := make([]entity.ID, 700)
	to := entity.NewID()
	var all []store.Relation
	for i := range from {
		from[i] = entity.NewID()
		for _, kind := range []string{"a", "b", "c"} {
			all = append(all, store.Relation{From: from[i], To: to, Kind: kind})
		}
	}
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.Relate(ctx, all...) })
	order := sortIDs(from)
	want := func(kinds ...string) []store.Relation {
		var list []store.Relation
		for _, id := range order {
			for _, kind := range []string{"a", "b", "c"} {
				if len(kinds) == 0 || slices.Contains(kinds, kind) {
					list = append(list, store.Relation{From: id, To: to, Kind: kind})
				}
			}
		}
		return list
	}
	for _, kinds := range [][]string{nil, {"b"}, {"c", "a"}, {"a", "nothing"}, {"nothing"}} {
		view(t, s, func(ctx context.Context, r store.Reader) error {
			got, err := r.RelationsFrom(ctx, from, kinds...)
			if err != nil {
				return err
			}
			equal(t, "from", got, want(kinds...))
			got, err = r.RelationsTo(ctx, []entity.ID{to, entity.NewID()}, kinds...)
			equal(t, "to", got, want(kinds...))
			return err
		})
	}
	view(t, s, func(ctx context.Context, r store.Reader) error {
		counts, err := r.CountFrom(ctx, from, "b")
		equal(t, "counted", len(counts), len(from))
		equal(t, "each once", counts[from[600]], 1)
		return err
	})
}
