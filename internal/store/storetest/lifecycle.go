package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func testCancelled(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.Update(ctx, func(store.Tx) error {
		t.Error("a cancelled Update ran its function")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Update answers %v, want context.Canceled", err)
	}
	err = s.View(ctx, func(store.Reader) error {
		t.Error("a cancelled View ran its function")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("View answers %v, want context.Canceled", err)
	}
	// Cancelled half-way, the next statement answers so and all is undone.
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	err = s.Update(ctx, func(tx store.Tx) error {
		if err := everything(ctx, tx, "a"); err != nil {
			return err
		}
		cancel()
		return tx.Insert(ctx, newRow("table", "b"))
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Update answers %v, want context.Canceled", err)
	}
	wantEverything(t, s, 0)
	update(t, s, func(ctx context.Context, tx store.Tx) error { return everything(ctx, tx, "a") })
	wantEverything(t, s, 1)
}

func testCancelledWaiting(t *testing.T, s store.Store) {
	inside, release := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		err := s.Update(context.Background(), func(store.Tx) error {
			close(inside)
			<-release
			return nil
		})
		if err != nil {
			t.Errorf("Update: %v", err)
		}
	})
	<-inside
	ctx, cancel := context.WithCancel(context.Background())
	answered := make(chan error)
	go func() {
		answered <- s.Update(ctx, func(store.Tx) error {
			t.Error("a transaction that was cancelled while it waited has run")
			return nil
		})
	}()
	cancel()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("Update answers %v, want context.Canceled", err)
	}
	close(release)
	wait.Wait()
}

// recorder collects commits; hooks may run on any goroutine.
type recorder struct {
	mu      sync.Mutex
	commits []store.Commit
}

func (r *recorder) add(c store.Commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits = append(r.commits, c)
}

func (r *recorder) take() []store.Commit {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.commits
	r.commits = nil
	return taken
}

func testHooks(t *testing.T, s store.Store) {
	var first, second recorder
	s.OnCommit(first.add)
	s.OnCommit(second.add)
	a, b := newRow("table", "a"), newRow("table", "b")
	insert(t, s, a, b)
	commits := first.take()
	equal(t, "both hooks", second.take(), commits)
	equal(t, "one commit", len(commits), 1)
	equal(t, "inserted", sortIDs(commits[0].Entities), sortIDs(ids(a, b)))
	equal(t, "no events, not all", []any{commits[0].LastSeq, commits[0].All}, []any{uint64(0), false})
	equal(t, "types", commits[0].Types, []string{"table"})
	equal(t, "updates that shared it", commits[0].Updates, 1)

	ctx := context.Background()
	_ = s.Update(ctx, func(tx store.Tx) error {
		_ = tx.Insert(ctx, newRow("table", "c"))
		return errTest
	})
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.Entity(ctx, a.ID)
		return err
	})
	equal(t, "rolled back, or only read", first.take(), []store.Commit(nil))

	update(t, s, func(ctx context.Context, tx store.Tx) error {
		return errors.Join(tx.Replace(ctx, a), tx.Replace(ctx, a), tx.Delete(ctx, ids(a)),
			tx.AppendEvent(ctx, store.Event{ID: entity.NewID(), Type: entity.EventDeleted, EntityID: a.ID}))
	})
	commits = first.take()
	equal(t, "one commit", len(commits), 1)
	equal(t, "without duplicates", commits[0].Entities, ids(a))
	view(t, s, func(ctx context.Context, r store.Reader) error {
		last, err := r.LastSeq(ctx)
		equal(t, "LastSeq", commits[0].LastSeq, last)
		return err
	})
	var wait sync.WaitGroup
	for w := range 8 {
		wait.Go(func() {
			for i := range 10 {
				row := newRow("table", fmt.Sprintf("s.%d.%d", w, i))
				insert(t, s, row)
				first.mu.Lock()
				told := slices.ContainsFunc(first.commits, func(c store.Commit) bool { return slices.Contains(c.Entities, row.ID) })
				first.mu.Unlock()
				if !told {
					t.Errorf("Update returned before the hook was told of its commit")
				}
			}
		})
	}
	wait.Wait()
}

func testHookEnds(t *testing.T, s store.Store) {
	var hook recorder
	s.OnCommit(hook.add)
	n := sortIDs([]entity.ID{entity.NewID(), entity.NewID(), entity.NewID()})
	row, other := newRow("table", "a"), newRow("team", "b")
	insert(t, s, row, other)
	relation := store.Relation{From: n[0], To: n[1], Kind: "owns"}
	owned := store.Record{Kind: "k", Owner: n[2].String(), Key: "x"}
	tests := []struct {
		what  string
		run   func(context.Context, store.Tx) error
		want  []entity.ID
		types []string
	}{
		{"relate", func(ctx context.Context, tx store.Tx) error { return tx.Relate(ctx, relation) }, n[:2], nil},
		{"unrelate", func(ctx context.Context, tx store.Tx) error { return tx.Unrelate(ctx, relation) }, n[:2], nil},
		{"put", func(ctx context.Context, tx store.Tx) error { return tx.PutRecord(ctx, owned) }, n[2:], nil},
		{"delete record", func(ctx context.Context, tx store.Tx) error {
			_, err := tx.DeleteRecord(ctx, "k", owned.Owner, "x")
			return err
		}, n[2:], nil},
		{"put the server's", func(ctx context.Context, tx store.Tx) error {
			return tx.PutRecord(ctx, store.Record{Kind: "k", Key: "x"})
		}, nil, nil},
		{"put again", func(ctx context.Context, tx store.Tx) error { return tx.PutRecord(ctx, owned) }, n[2:], nil},
		{"delete records", func(ctx context.Context, tx store.Tx) error {
			_, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: "k", Any: true})
			return err
		}, n[2:], nil},
		{"relate an entity", func(ctx context.Context, tx store.Tx) error {
			return tx.Relate(ctx, store.Relation{From: n[0], To: row.ID, Kind: "owns"})
		}, []entity.ID{n[0], row.ID}, nil},
		{"delete it", func(ctx context.Context, tx store.Tx) error { return tx.Delete(ctx, ids(row)) }, []entity.ID{n[0], row.ID}, []string{"table"}},
		{"replace both", func(ctx context.Context, tx store.Tx) error {
			return errors.Join(tx.Insert(ctx, row), tx.Replace(ctx, other), tx.Replace(ctx, row))
		}, ids(row, other), []string{"table", "team"}},
	}
	for _, test := range tests {
		hook.take()
		update(t, s, test.run)
		commits := hook.take()
		equal(t, test.what+": commits", len(commits), 1)
		equal(t, test.what, sortIDs(commits[0].Entities), sortIDs(test.want))
		equal(t, test.what+": types", commits[0].Types, test.types)
	}
}

func testClosed(t *testing.T, s store.Store) {
	insert(t, s, newRow("table", "a"))
	// Transactions that run while the store closes either happen or are told.
	var wait sync.WaitGroup
	for w := range 8 {
		wait.Go(func() {
			ctx := context.Background()
			for i := range 20 {
				err := s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, newRow("table", fmt.Sprintf("%d.%d", w, i))) })
				if err != nil && !errors.Is(err, store.ErrClosed) {
					t.Errorf("Update answers %v", err)
				}
				err = s.View(ctx, func(r store.Reader) error {
					_, err := r.Count(ctx, store.ListQuery{Type: "table"})
					return err
				})
				if err != nil && !errors.Is(err, store.ErrClosed) {
					t.Errorf("View answers %v", err)
				}
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wait.Wait()
	ctx := context.Background()
	if err := s.Update(ctx, func(store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Update answers %v, want ErrClosed", err)
	}
	if err := s.View(ctx, func(store.Reader) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("View answers %v, want ErrClosed", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func testKeptHandles(t *testing.T, s store.Store) {
	var reader store.Reader
	var writer store.Tx
	view(t, s, func(_ context.Context, r store.Reader) error { reader = r; return nil })
	update(t, s, func(_ context.Context, tx store.Tx) error { writer = tx; return nil })
	ctx := context.Background()
	if _, err := reader.LastSeq(ctx); err == nil {
		t.Error("a Reader works after its View")
	}
	if err := writer.Insert(ctx, newRow("table", "a")); err == nil {
		t.Error("a Tx works after its Update")
	}
	equal(t, "nothing written", count(t, s, store.ListQuery{Type: "table"}), 0)
}

// testStatements checks that look-ups of many cost as much as of one.
func testStatements(t *testing.T, s store.Store) {
	rows := make([]store.Row, 500)
	keys := make([]store.Key, len(rows))
	for i := range rows {
		rows[i] = newRow("table", fmt.Sprintf("s.%d", i))
		keys[i] = store.Key{Type: "table", FQN: rows[i].FQN}
	}
	insert(t, s, rows...)
	all := ids(rows...)
	tests := map[string]func(context.Context, store.Reader, int) error{
		"Entities": func(ctx context.Context, r store.Reader, n int) error { _, err := r.Entities(ctx, all[:n]); return err },
		"EntitiesByFQN": func(ctx context.Context, r store.Reader, n int) error {
			_, err := r.EntitiesByFQN(ctx, keys[:n])
			return err
		},
		"RelationsFrom": func(ctx context.Context, r store.Reader, n int) error {
			_, err := r.RelationsFrom(ctx, all[:n], "a", "b")
			return err
		},
		"RelationsTo": func(ctx context.Context, r store.Reader, n int) error {
			_, err := r.RelationsTo(ctx, all[:n])
			return err
		},
		"CountFrom": func(ctx context.Context, r store.Reader, n int) error {
			_, err := r.CountFrom(ctx, all[:n], "a")
			return err
		},
		"Children": func(ctx context.Context, r store.Reader, n int) error {
			_, err := r.Children(ctx, all[:n], "", 10)
			return err
		},
		"List": func(ctx context.Context, r store.Reader, n int) error {
			_, err := r.List(ctx, store.ListQuery{Type: "table", Limit: n})
			return err
		},
	}
	for what, run := range tests {
		for _, n := range []int{1, 500} {
			ctx, statements := store.WithStatements(context.Background())
			if err := s.View(ctx, func(r store.Reader) error { return run(ctx, r, n) }); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			equal(t, fmt.Sprintf("statements of %s for %d", what, n), statements.Count(), int64(1))
		}
	}
}
