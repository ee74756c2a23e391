package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// openQuiet opens a store whose writer touches its connection only for Update,
// so that the test may use it in between.
func openQuiet(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"), Options{Watch: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func addTable(ctx context.Context, s *Store, fqn string, size int) error {
	return s.Update(ctx, func(tx store.Tx) error {
		return tx.Insert(ctx, store.Row{ID: entity.NewID(), Type: "table", FQN: fqn, Doc: bytes.Repeat([]byte("x"), size)})
	})
}

func tables(t *testing.T, s *Store) (n int) {
	t.Helper()
	ctx := context.Background()
	err := s.View(ctx, func(r store.Reader) (err error) {
		n, err = r.Count(ctx, store.ListQuery{Type: "table"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFull makes the database refuse to grow in the middle of a transaction,
// which rolls all of it back, whatever the function makes of the error.
func TestFull(t *testing.T) {
	s := openQuiet(t)
	ctx := context.Background()
	if err := addTable(ctx, s, "before", 10); err != nil {
		t.Fatal(err)
	}
	if err := s.written.script(ctx, "PRAGMA max_page_count = 60"); err != nil {
		t.Fatal(err)
	}
	if err := addTable(ctx, s, "big", 1<<20); entity.KindOf(err) != entity.KindUnavailable {
		t.Fatalf("Update answers %v, want KindUnavailable", err)
	}
	err := s.Update(ctx, func(tx store.Tx) error {
		big := store.Row{ID: entity.NewID(), Type: "table", FQN: "ignored", Doc: make([]byte, 1<<20)}
		if tx.Insert(ctx, big) == nil {
			t.Error("the database has grown")
		}
		big.ID, big.FQN, big.Doc = entity.NewID(), "alone", nil
		if tx.Insert(ctx, big) == nil {
			t.Error("a statement runs after the transaction has ended")
		}
		return nil
	})
	if entity.KindOf(err) != entity.KindUnavailable {
		t.Fatalf("Update answers %v although a statement failed, want KindUnavailable", err)
	}
	if n := tables(t, s); n != 1 {
		t.Fatalf("%d tables, want 1", n)
	}
	// Some of those that share a commit fail; nobody is told the wrong outcome.
	var wait sync.WaitGroup
	var lock sync.Mutex
	done := 0
	for i := range 40 {
		wait.Go(func() {
			size := 10
			if i%5 == 0 {
				size = 1 << 20
			}
			if err := addTable(ctx, s, fmt.Sprint("t", i), size); err == nil {
				lock.Lock()
				defer lock.Unlock()
				done++
			}
		})
	}
	wait.Wait()
	if n := tables(t, s); n != 1+done {
		t.Fatalf("%d tables, but %d were acknowledged", n, 1+done)
	}
	if err := s.written.script(ctx, "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := addTable(ctx, s, "after", 1<<20); err != nil {
		t.Fatal(err)
	}
}

// TestFailedCommit lets the commit itself fail, by a foreign key that is
// checked only then: everybody in the batch gets an error, the next works.
func TestFailedCommit(t *testing.T) {
	s := openQuiet(t)
	ctx := context.Background()
	err := s.written.script(ctx, `CREATE TABLE broken (x REFERENCES entity (id) DEFERRABLE INITIALLY DEFERRED)`)
	if err != nil {
		t.Fatal(err)
	}
	if n := tables(t, s); n != 0 {
		t.Fatalf("%d tables, want none", n)
	}
	err = s.Update(ctx, func(tx store.Tx) error {
		e := store.Row{ID: entity.NewID(), Type: "table", FQN: "a"}
		if err := tx.Insert(ctx, e); err != nil {
			return err
		}
		return s.written.script(ctx, "INSERT INTO broken (x) VALUES (x'00')")
	})
	if entity.KindOf(err) != entity.KindInternal || err == nil {
		t.Fatalf("Update answers %v, want KindInternal", err)
	}
	if n := tables(t, s); n != 0 {
		t.Fatalf("%d tables, want none", n)
	}
	if err := addTable(ctx, s, "b", 1); err != nil {
		t.Fatal(err)
	}
	if n := tables(t, s); n != 1 {
		t.Fatalf("%d tables, want 1", n)
	}
}

// TestSharedCommit queues transactions behind one that is held up and expects
// them to share few commits.
func TestSharedCommit(t *testing.T) {
	s := openQuiet(t)
	ctx := context.Background()
	commits := 0
	s.OnCommit(func(store.Commit) { commits++ })
	inside, release := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		err := s.Update(ctx, func(store.Tx) error {
			close(inside)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-inside
	const waiting = 40
	started := make(chan struct{}, waiting)
	for i := range waiting {
		wait.Go(func() {
			started <- struct{}{}
			if err := addTable(ctx, s, fmt.Sprint(i), 10); err != nil {
				t.Error(err)
			}
		})
	}
	for range waiting {
		<-started
	}
	close(release)
	wait.Wait()
	if n := tables(t, s); n != waiting {
		t.Fatalf("%d tables, want %d", n, waiting)
	}
	if commits > waiting/2 {
		t.Errorf("%d transactions needed %d commits", waiting, commits)
	}
}

// TestHookPanic has the data committed and the callers answered nevertheless.
func TestHookPanic(t *testing.T) {
	s := openQuiet(t)
	s.OnCommit(func(store.Commit) { panic(errors.New("the test's own panic")) })
	called := 0
	s.OnCommit(func(store.Commit) { called++ })
	for i := range 2 {
		if err := addTable(t.Context(), s, fmt.Sprint(i), 10); err != nil {
			t.Fatal(err)
		}
	}
	if called != 2 {
		t.Fatalf("the other hook was called %d times, want 2", called)
	}
}

// TestPlans checks that lists follow an index in order and never sort rows. A member
// with an index of its own is the exception: few rows have the same value, and without
// the index every sign-in by address would walk through all users.
func TestPlans(t *testing.T) {
	s := openQuiet(t)
	ctx := context.Background()
	parent := entity.NewID()
	const byName = "SEARCH e USING INDEX entity_"
	tests := map[string]struct {
		query store.ListQuery
		plan  []string // what its lines begin with
	}{
		"type":    {store.ListQuery{Type: "table"}, []string{byName}},
		"all":     {store.ListQuery{Type: "table", Include: store.All}, []string{byName}},
		"deleted": {store.ListQuery{Type: "table", Include: store.Deleted, After: "a"}, []string{byName}},
		"under":   {store.ListQuery{Type: "table", Under: "a", Before: "b"}, []string{byName}},
		"parent":  {store.ListQuery{Type: "table", Parent: parent}, []string{byName}},
		"address": {
			store.ListQuery{Type: "user", Include: store.All, Members: map[string]string{"email": "ann@example.com"}},
			[]string{"SEARCH e USING INDEX entity_user_email (<expr>=?)", "USE TEMP B-TREE FOR ORDER BY"},
		},
	}
	for what, test := range tests {
		err := s.View(ctx, func(r store.Reader) error {
			reader, ok := r.(*reader)
			if !ok {
				return errors.New("not our reader")
			}
			sel, err := reader.selection(ctx, test.query)
			if err != nil {
				return err
			}
			return reader.query(ctx, func(row row) error {
				if plan := row.text(3); !slices.ContainsFunc(test.plan, func(line string) bool { return strings.HasPrefix(plan, line) }) {
					t.Errorf("%s: the plan has %q", what, plan)
				}
				return nil
			}, "EXPLAIN QUERY PLAN SELECT "+entityColumns+" FROM "+string(sel.sql)+" ORDER BY e.fqn", sel.args...)
		})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// TestRecordPlans checks that no look at records walks through those of others: there
// may be a hundred thousand sessions, and each sign-in removes what is over.
func TestRecordPlans(t *testing.T) {
	s := openQuiet(t)
	ctx := context.Background()
	tests := []struct {
		start, order string
		query        store.RecordQuery
		plan         string
	}{
		{"SELECT doc", " ORDER BY key, owner", store.RecordQuery{Kind: "k", Owner: "o"}, "record_key (kind=? AND owner=?)"},
		{"SELECT doc", " ORDER BY key, owner", store.RecordQuery{Kind: "k", Any: true, After: "a"}, "record_any_key (kind=? AND key>?)"},
		{"SELECT doc", " ORDER BY at, key, owner", store.RecordQuery{Kind: "k", Owner: "o", Order: store.OldestFirst}, "record_owner_at (owner=? AND kind=?)"},
		{"SELECT doc", " ORDER BY at, key, owner", store.RecordQuery{Kind: "k", Any: true, Order: store.OldestFirst, From: 1}, "record_at (kind=? AND at>?)"},
		{"SELECT count(*)", "", store.RecordQuery{Kind: "k", Owner: "o"}, "record_owner_at (owner=? AND kind=?)"},
		{"DELETE", "", store.RecordQuery{Kind: "k", Owner: "o", To: 1}, "record_owner_at (owner=? AND kind=? AND at<?)"},
		{"DELETE", "", store.RecordQuery{Kind: "k", Any: true, To: 1}, "record_at (kind=? AND at<?)"},
	}
	for _, test := range tests {
		err := s.View(ctx, func(r store.Reader) error {
			reader, ok := r.(*reader)
			if !ok {
				return errors.New("not our reader")
			}
			w, from := recordCondition(test.query), " FROM record"
			if test.order != "" {
				index, _ := recordOrder(test.query)
				from += " INDEXED BY " + index
			}
			return reader.query(ctx, func(row row) error {
				plan := row.text(3)
				if !strings.HasPrefix(plan, "SEARCH record USING ") || !strings.HasSuffix(plan, test.plan) {
					t.Errorf("%s of %+v: the plan has %q, not %q", test.start, test.query, plan, test.plan)
				}
				return nil
			}, "EXPLAIN QUERY PLAN "+test.start+from+string(w.sql)+test.order, w.args...)
		})
		if err != nil {
			t.Fatalf("%+v: %v", test.query, err)
		}
	}
}
