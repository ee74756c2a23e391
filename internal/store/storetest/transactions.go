package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

var errTest = errors.New("the test's own error")

// everything writes one of each; fqn must be new.
func everything(ctx context.Context, tx store.Tx, fqn string) error {
	row := newRow("table", fqn)
	return errors.Join(
		tx.Insert(ctx, row),
		tx.AddVersion(ctx, row.ID, 1, []byte(`1`)),
		tx.Relate(ctx, store.Relation{From: row.ID, To: row.ID, Kind: "self"}),
		tx.PutRecord(ctx, store.Record{Kind: "k", Key: fqn}),
		tx.AppendEvent(ctx, store.Event{ID: entity.NewID(), Type: entity.EventCreated, EntityID: row.ID}),
	)
}

// wantEverything checks that exactly n calls of everything have happened.
func wantEverything(t failer, s store.Store, n int) {
	t.Helper()
	view(t, s, func(ctx context.Context, r store.Reader) error {
		tables, err1 := r.Count(ctx, store.ListQuery{Type: "table"})
		page, err2 := r.List(ctx, store.ListQuery{Type: "table", Limit: 10_000})
		records, err3 := r.CountRecords(ctx, store.RecordQuery{Kind: "k"})
		events, err4 := r.Events(ctx, store.EventQuery{Limit: 10_000})
		relations, err5 := r.RelationsFrom(ctx, ids(page...))
		equal(t, "tables, rows, records, events, relations",
			[]int{tables, len(page), records, len(events), len(relations)}, []int{n, n, n, n, n})
		return errors.Join(err1, err2, err3, err4, err5)
	})
}

func testRollback(t *testing.T, s store.Store) {
	ctx := context.Background()
	wantEverything(t, s, 0)
	err := s.Update(ctx, func(tx store.Tx) error {
		if err := everything(ctx, tx, "a"); err != nil {
			return err
		}
		return errTest
	})
	if !errors.Is(err, errTest) {
		t.Fatalf("Update answers %v, want the function's error", err)
	}
	wantEverything(t, s, 0)
	update(t, s, func(ctx context.Context, tx store.Tx) error { return everything(ctx, tx, "a") })
	wantEverything(t, s, 1)
	if err := s.View(ctx, func(store.Reader) error { return errTest }); !errors.Is(err, errTest) {
		t.Fatalf("View answers %v, want the function's error", err)
	}
}

func testOwnWrites(t *testing.T, s store.Store) {
	insert(t, s, newRow("table", "s.old"))
	equal(t, "before", count(t, s, store.ListQuery{Type: "table", Under: "s"}), 1)
	row := newRow("table", "s.new")
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if err := tx.Insert(ctx, row); err != nil {
			return err
		}
		got, err := tx.EntityByFQN(ctx, store.Key{Type: "table", FQN: "s.new"})
		equal(t, "own row", got, row)
		if err != nil {
			return err
		}
		for _, under := range []string{"", "s"} {
			n, err := tx.Count(ctx, store.ListQuery{Type: "table", Under: under})
			equal(t, "own count", n, 2)
			if err != nil {
				return err
			}
		}
		page, err := tx.List(ctx, store.ListQuery{Type: "table", Limit: 5})
		equal(t, "own list", names(page), []string{"s.new", "s.old"})
		if err != nil {
			return err
		}
		return tx.Delete(ctx, []entity.ID{row.ID})
	})
	equal(t, "after", count(t, s, store.ListQuery{Type: "table"}), 1)
}

func testSnapshot(t *testing.T, s store.Store) {
	insert(t, s, newRow("table", "a"))
	view(t, s, func(ctx context.Context, r store.Reader) error {
		if _, err := r.List(ctx, store.ListQuery{Type: "table", Limit: 5}); err != nil {
			return err
		}
		done := make(chan error)
		go func() {
			done <- s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, newRow("table", "b")) })
		}()
		if err := <-done; err != nil {
			return err
		}
		page, err := r.List(ctx, store.ListQuery{Type: "table", Limit: 5})
		equal(t, "the old snapshot", names(page), []string{"a"})
		n, countErr := r.Count(ctx, store.ListQuery{Type: "table"})
		equal(t, "the old snapshot's count", n, 1)
		return errors.Join(err, countErr)
	})
	equal(t, "a new snapshot", count(t, s, store.ListQuery{Type: "table"}), 2)
}

// testCountSnapshots lets a snapshot grow older, commit by commit, beyond what
// a backend may remember of the past.
func testCountSnapshots(t *testing.T, s store.Store) {
	insert(t, s, newRow("table", "s.first"))
	q := store.ListQuery{Type: "table", Under: "s"}
	equal(t, "start", count(t, s, q), 1)
	view(t, s, func(ctx context.Context, r store.Reader) error {
		for i := range 150 {
			n, err := r.Count(ctx, q)
			if err != nil {
				return err
			}
			equal(t, fmt.Sprintf("after %d commits", i), n, 1)
			done := make(chan error)
			go func() {
				done <- s.Update(ctx, func(tx store.Tx) error {
					return tx.Insert(ctx, newRow("table", fmt.Sprintf("s.%d", i)))
				})
			}()
			if err := <-done; err != nil {
				return err
			}
		}
		return nil
	})
	equal(t, "end", count(t, s, q), 151)
}

func testPanic(t *testing.T, s store.Store) {
	ctx := context.Background()
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(ctx, func(tx store.Tx) error {
			if err := everything(ctx, tx, "a"); err != nil {
				t.Error(err)
			}
			panic("the test's own panic")
		})
	}()
	func() {
		defer func() { _ = recover() }()
		_ = s.View(ctx, func(store.Reader) error { panic("the test's own panic") })
	}()
	wantEverything(t, s, 0)
	update(t, s, func(ctx context.Context, tx store.Tx) error { return everything(ctx, tx, "a") })
	wantEverything(t, s, 1)
}

// testGoexit is what a failing assertion inside a transaction does.
func testGoexit(t *testing.T, s store.Store) {
	ctx := context.Background()
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = s.Update(ctx, func(tx store.Tx) error {
			if err := everything(ctx, tx, "a"); err != nil {
				t.Error(err)
			}
			runtime.Goexit()
			return nil
		})
	})
	wait.Wait()
	wantEverything(t, s, 0)
	update(t, s, func(ctx context.Context, tx store.Tx) error { return everything(ctx, tx, "a") })
	wantEverything(t, s, 1)
}

func testConcurrentUpdates(t *testing.T, s store.Store) {
	const workers, each = 16, 20
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			ctx := context.Background()
			for i := range each {
				err := s.Update(ctx, func(tx store.Tx) error {
					// Read, then write: lost updates would show in the sum.
					record, err := tx.Record(ctx, "sum", "", "sum")
					if err != nil && entity.KindOf(err) != entity.KindNotFound {
						return err
					}
					record.Kind, record.Key, record.At = "sum", "sum", record.At+1
					if err := tx.PutRecord(ctx, record); err != nil {
						return err
					}
					return everything(ctx, tx, fmt.Sprintf("s.%d.%d", w, i))
				})
				if err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	wait.Wait()
	wantEverything(t, s, workers*each)
	view(t, s, func(ctx context.Context, r store.Reader) error {
		record, err := r.Record(ctx, "sum", "", "sum")
		equal(t, "the sum", record.At, int64(workers*each))
		return err
	})
}

// testConcurrentFailures mixes transactions that fail, in several ways, with
// ones that succeed and may share their commit.
func testConcurrentFailures(t *testing.T, s store.Store) {
	const workers, each = 12, 20
	insert(t, s, newRow("topic", "taken"))
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := range each {
				runMixed(t, s, fmt.Sprintf("s.%d.%d", w, i), (w+i)%4)
			}
		})
	}
	wait.Wait()
	wantEverything(t, s, workers*each/4)
}

func runMixed(t *testing.T, s store.Store, fqn string, mode int) {
	ctx := context.Background()
	defer func() {
		if v := recover(); v != nil && mode != 2 {
			t.Errorf("panic: %v", v)
		}
	}()
	err := s.Update(ctx, func(tx store.Tx) error {
		if err := everything(ctx, tx, fqn); err != nil {
			return err
		}
		switch mode {
		case 1:
			return errTest
		case 2:
			panic("the test's own panic")
		case 3:
			return tx.Insert(ctx, newRow("topic", "taken"))
		}
		return nil
	})
	switch mode {
	case 0:
		if err != nil {
			t.Errorf("Update: %v", err)
		}
	case 1:
		if !errors.Is(err, errTest) {
			t.Errorf("Update answers %v, want the function's error", err)
		}
	case 3:
		if entity.KindOf(err) != entity.KindConflict {
			t.Errorf("Update answers %v, want a conflict", err)
		}
	}
}
