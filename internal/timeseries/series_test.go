package timeseries_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

func open(t *testing.T) store.Store {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "catalpa.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func update(t testing.TB, db store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := db.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func times(points []store.Record) []int64 {
	var out []int64
	for _, p := range points {
		out = append(out, p.At)
	}
	return out
}

func TestPagesReadNewestFirst(t *testing.T) {
	db, ctx := open(t), t.Context()
	owner, other := entity.NewID(), entity.NewID()
	s := timeseries.Series{Kind: "point"}
	update(t, db, func(tx store.Tx) error {
		for i := int64(1); i <= 7; i++ {
			if err := s.Put(ctx, tx, owner, i*10, timeseries.Key(i*10), []byte(`{}`)); err != nil {
				return err
			}
		}
		return s.Put(ctx, tx, other, 35, timeseries.Key(35), []byte(`{}`))
	})
	tests := []struct {
		name  string
		query timeseries.Query
		want  []int64
		total int
		after string
	}{
		{"all", timeseries.Query{Limit: 10}, []int64{70, 60, 50, 40, 30, 20, 10}, 7, ""},
		{"first page", timeseries.Query{Limit: 3}, []int64{70, 60, 50}, 7, "3"},
		{"last page", timeseries.Query{Limit: 3, After: "6"}, []int64{10}, 7, ""},
		{"between", timeseries.Query{Limit: 9, From: 20, To: 40}, []int64{40, 30, 20}, 3, ""},
		{"count alone", timeseries.Query{}, nil, 7, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := db.View(ctx, func(r store.Reader) error {
				page, err := s.Page(ctx, r, owner, test.query)
				if err != nil {
					return err
				}
				if diff := cmp.Diff(test.want, times(page.Points)); diff != "" || page.Total != test.total || page.After != test.after {
					t.Errorf("total %d, after %q, points %s", page.Total, page.After, diff)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestBadCursors(t *testing.T) {
	for _, cursor := range []string{"x", "-1", "99999999999", "1.5"} {
		if _, err := timeseries.Offset(cursor); entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}

func TestOldPointsGo(t *testing.T) {
	db, ctx := open(t), t.Context()
	owner := entity.NewID()
	s := timeseries.Series{Kind: "point", Keep: 20}
	for i := int64(1); i <= 100; i++ {
		update(t, db, func(tx store.Tx) error { return s.Put(ctx, tx, owner, i, timeseries.Key(i), []byte(`{}`)) })
	}
	err := db.View(ctx, func(r store.Reader) error {
		page, err := s.Page(ctx, r, owner, timeseries.Query{Limit: 100})
		if err != nil {
			return err
		}
		if page.Total < 20 || page.Total > 22 || page.Points[0].At != 100 {
			t.Errorf("%d points stay, the newest of %d", page.Total, page.Points[0].At)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLatestOfNone(t *testing.T) {
	db, ctx := open(t), t.Context()
	err := db.View(ctx, func(r store.Reader) error {
		_, err := timeseries.Series{Kind: "point"}.Latest(ctx, r, entity.NewID())
		return err
	})
	if entity.KindOf(err) != entity.KindNotFound {
		t.Fatal(err)
	}
}

func TestFindByKeyAlone(t *testing.T) {
	db, ctx := open(t), t.Context()
	keys := make([]string, 400)
	update(t, db, func(tx store.Tx) error {
		for i := range keys {
			keys[i] = entity.NewID().String()
			if err := tx.PutRecord(ctx, store.Record{Kind: "thing", Owner: entity.NewID().String(), Key: keys[i], Doc: []byte(`{}`)}); err != nil {
				return err
			}
		}
		return nil
	})
	rapid.Check(t, func(rt *rapid.T) {
		key := rapid.SampledFrom(keys).Draw(rt, "key")
		err := db.View(ctx, func(r store.Reader) error {
			rec, err := timeseries.Find(ctx, r, "thing", key)
			if err == nil && rec.Key != key {
				err = fmt.Errorf("found %s", rec.Key)
			}
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
	err := db.View(ctx, func(r store.Reader) error {
		_, err := timeseries.Find(ctx, r, "thing", entity.NewID().String())
		return err
	})
	if entity.KindOf(err) != entity.KindNotFound {
		t.Fatal(err)
	}
}

func TestScanStopsAndEnds(t *testing.T) {
	db, ctx := open(t), t.Context()
	update(t, db, func(tx store.Tx) error {
		for i := range int64(1200) {
			if err := tx.PutRecord(ctx, store.Record{Kind: "thing", Owner: "o", Key: timeseries.Key(i), At: i, Doc: []byte(`{}`)}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, test := range []struct{ limit, stopAfter, want int }{{5000, 5000, 1200}, {700, 5000, 700}, {5000, 3, 3}} {
		var seen []int64
		err := db.View(ctx, func(r store.Reader) error {
			return timeseries.Scan(ctx, r, store.RecordQuery{Kind: "thing", Any: true}, test.limit, nil, func(rec store.Record) bool {
				seen = append(seen, rec.At)
				return len(seen) < test.stopAfter
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) != test.want || seen[0] != 1199 || !slices.IsSortedFunc(seen, func(a, b int64) int { return int(b - a) }) {
			t.Errorf("limit %d, stop %d: saw %d", test.limit, test.stopAfter, len(seen))
		}
	}
}
