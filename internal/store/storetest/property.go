package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// model is what the store should hold of one type.
type model map[entity.ID]store.Row

func (m model) taken(row store.Row) bool {
	for id, other := range m {
		if id != row.ID && other.FQN == row.FQN {
			return true
		}
	}
	return false
}

func (m model) list(q store.ListQuery) []string {
	var fqns []string
	for _, row := range m {
		if q.Include != store.All && row.Deleted != (q.Include == store.Deleted) {
			continue
		}
		if q.Under != "" && (!strings.HasPrefix(row.FQN, q.Under+".") || row.FQN == q.Under+".") {
			continue
		}
		if row.FQN > q.After && (q.Before == "" || row.FQN < q.Before) {
			fqns = append(fqns, row.FQN)
		}
	}
	slices.Sort(fqns)
	if len(fqns) <= q.Limit {
		return fqns
	}
	if q.Before != "" {
		return fqns[len(fqns)-q.Limit:]
	}
	return fqns[:q.Limit]
}

func (m model) sortedIDs() []entity.ID { return sortIDs(slices.Collect(maps.Keys(m))) }

func drawName(t *rapid.T, label string) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", `"x.y"`, "a0", "a/", "é"}), 1, 4).Draw(t, label)
	return strings.Join(parts, ".")
}

// step changes the store and the model alike, and checks that they agree on
// what is an error. It tells whether the transaction must end.
func step(ctx context.Context, t *rapid.T, tx store.Tx, m model, typ string) error {
	known := m.sortedIDs()
	kind := rapid.SampledFrom([]string{"insert", "insert", "replace", "delete"}).Draw(t, "operation")
	if len(known) == 0 {
		kind = "insert"
	}
	switch kind {
	case "insert":
		row := newRow(typ, drawName(t, "name"))
		row.Deleted = rapid.Bool().Draw(t, "deleted")
		taken := m.taken(row)
		err := tx.Insert(ctx, row)
		if taken != (entity.KindOf(err) == entity.KindConflict && err != nil) {
			t.Fatalf("Insert of %q answers %v, taken: %t", row.FQN, err, taken)
		}
		if err == nil {
			m[row.ID] = row
		}
		return err
	case "replace":
		row := m[rapid.SampledFrom(known).Draw(t, "entity")]
		row.FQN = rapid.SampledFrom([]string{row.FQN, drawName(t, "new name")}).Draw(t, "rename")
		row.Deleted = rapid.Bool().Draw(t, "deleted")
		taken := m.taken(row)
		err := tx.Replace(ctx, row)
		if taken != (err != nil) {
			t.Fatalf("Replace with %q answers %v, taken: %t", row.FQN, err, taken)
		}
		if err == nil {
			m[row.ID] = row
		}
		return err
	}
	gone := rapid.SliceOfN(rapid.SampledFrom(known), 1, 3).Draw(t, "gone")
	for _, id := range gone {
		delete(m, id)
	}
	return tx.Delete(ctx, gone)
}

func agree(ctx context.Context, t *rapid.T, r store.Reader, m model, typ string) {
	t.Helper()
	q := store.ListQuery{
		Type: typ, Include: rapid.SampledFrom([]store.Include{store.NonDeleted, store.Deleted, store.All}).Draw(t, "include"),
		Limit: rapid.IntRange(1, 8).Draw(t, "limit"),
	}
	for _, field := range []*string{&q.Under, &q.After, &q.Before} {
		if rapid.Bool().Draw(t, "restricted") {
			*field = drawName(t, "by")
		}
	}
	page, err := r.List(ctx, q)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	equal(t, fmt.Sprintf("List of %+v", q), names(page), m.list(q))
	n, err := r.Count(ctx, q)
	if err != nil {
		t.Fatalf("Count: %v", err)
	}
	q.After, q.Before, q.Limit = "", "", 1<<30
	equal(t, fmt.Sprintf("Count of %+v", q), n, len(m.list(q)))
}

// testRandomOperations compares the store with a model, inside transactions
// and after them, whether they succeed or are rolled back.
func testRandomOperations(t *testing.T, s store.Store) {
	ctx := context.Background()
	var runs atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		typ := fmt.Sprintf("type%d", runs.Add(1))
		m := model{}
		for range rapid.IntRange(1, 8).Draw(t, "transactions") {
			trial := maps.Clone(m)
			fails := rapid.IntRange(0, 3).Draw(t, "fails") == 0
			err := s.Update(ctx, func(tx store.Tx) error {
				for range rapid.IntRange(1, 5).Draw(t, "operations") {
					if err := step(ctx, t, tx, trial, typ); err != nil {
						return err
					}
					agree(ctx, t, tx, trial, typ)
				}
				if fails {
					return errTest
				}
				return nil
			})
			switch {
			case err == nil:
				m = trial
			case !errors.Is(err, errTest) && entity.KindOf(err) != entity.KindConflict:
				t.Fatalf("Update: %v", err)
			}
			view(t, s, func(ctx context.Context, r store.Reader) error {
				agree(ctx, t, r, m, typ)
				return nil
			})
		}
	})
}

// testConcurrentCounts counts while others write; each snapshot's count must
// be the length of the same snapshot's list.
func testConcurrentCounts(t *testing.T, s store.Store) {
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for w := range 4 {
		writers.Go(func() { writeSome(t, s, w) })
	}
	for w := range 4 {
		readers.Go(func() {
			q := store.ListQuery{Type: "table", Under: []string{"", "s", "s.1", "s.2"}[w], Limit: 10_000, Include: store.Include(w % 3)}
			for {
				view(t, s, func(ctx context.Context, r store.Reader) error {
					n, err := r.Count(ctx, q)
					if err != nil {
						return err
					}
					page, err := r.List(ctx, q)
					if n != len(page) {
						t.Errorf("Count says %d, List finds %d", n, len(page))
					}
					return err
				})
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

func writeSome(t *testing.T, s store.Store, w int) {
	ctx := context.Background()
	for i := range 60 {
		row := newRow("table", fmt.Sprintf("s.%d.%d", w, i))
		err := s.Update(ctx, func(tx store.Tx) error {
			if err := tx.Insert(ctx, row); err != nil {
				return err
			}
			if _, err := tx.Count(ctx, store.ListQuery{Type: "table", Under: "s"}); err != nil {
				return err
			}
			switch i % 4 {
			case 1:
				return errTest
			case 2:
				row.Deleted = true
				return tx.Replace(ctx, row)
			case 3:
				return tx.Delete(ctx, ids(row))
			}
			return nil
		})
		if err != nil && !errors.Is(err, errTest) {
			t.Errorf("Update: %v", err)
		}
	}
}
