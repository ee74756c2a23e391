// Package storetest holds the suite that every backend of package store must
// pass. It may import store and entity only.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Run runs the suite. open returns a new, empty store that the test may close;
// open itself closes it, at the latest, when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, store.Store)
	}{
		{"entities", testEntities},
		{"insert conflicts", testInsertConflicts},
		{"replace", testReplace},
		{"delete", testDelete},
		{"batch look-ups", testBatch},
		{"unusual names", testNames},
		{"tree", testTree},
		{"versions", testVersions},
		{"list order and cursors", testListCursors},
		{"list filters", testListFilters},
		{"list by many relations", testListManyRelations},
		{"list by members", testListMembers},
		{"count", testCount},
		{"relations", testRelations},
		{"relation kinds", testRelationKinds},
		{"relations of a kind", testRelationsOf},
		{"records", testRecords},
		{"record queries", testRecordQueries},
		{"record pages", testRecordPages},
		{"delete records", testDeleteRecords},
		{"events", testEvents},
		{"event filters", testEventFilters},
		{"rollback", testRollback},
		{"own writes", testOwnWrites},
		{"snapshot", testSnapshot},
		{"counts in old snapshots", testCountSnapshots},
		{"panic", testPanic},
		{"ended goroutine", testGoexit},
		{"concurrent updates", testConcurrentUpdates},
		{"concurrent failures", testConcurrentFailures},
		{"cancelled", testCancelled},
		{"cancelled while waiting", testCancelledWaiting},
		{"commit hooks", testHooks},
		{"commit hooks name relation and record ends", testHookEnds},
		{"closed", testClosed},
		{"kept handles", testKeptHandles},
		{"statements", testStatements},
		{"random operations", testRandomOperations},
		{"counts under concurrency", testConcurrentCounts},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// failer is what testing.T and rapid.T share.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func update(t failer, s store.Store, fn func(context.Context, store.Tx) error) {
	t.Helper()
	ctx := context.Background()
	if err := s.Update(ctx, func(tx store.Tx) error { return fn(ctx, tx) }); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func view(t failer, s store.Store, fn func(context.Context, store.Reader) error) {
	t.Helper()
	ctx := context.Background()
	if err := s.View(ctx, func(r store.Reader) error { return fn(ctx, r) }); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// newRow makes a row whose members all differ from their zero values.
func newRow(typ, fqn string) store.Row {
	id := entity.NewID()
	return store.Row{
		ID: id, Type: typ, Name: "name of " + fqn, FQN: fqn, Version: entity.FirstVersion,
		UpdatedAt: 1_700_000_000_000, Doc: fmt.Appendf(nil, `{"id":%q}`, id),
	}
}

func insert(t failer, s store.Store, rows ...store.Row) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, row := range rows {
			if err := tx.Insert(ctx, row); err != nil {
				return err
			}
		}
		return nil
	})
}

func list(t failer, s store.Store, q store.ListQuery) []string {
	t.Helper()
	var rows []store.Row
	view(t, s, func(ctx context.Context, r store.Reader) (err error) {
		rows, err = r.List(ctx, q)
		return err
	})
	return names(rows)
}

func count(t failer, s store.Store, q store.ListQuery) int {
	t.Helper()
	n := 0
	view(t, s, func(ctx context.Context, r store.Reader) (err error) {
		n, err = r.Count(ctx, q)
		return err
	})
	return n
}

func names(rows []store.Row) []string {
	fqns := make([]string, len(rows))
	for i, row := range rows {
		fqns[i] = row.FQN
	}
	return fqns
}

func ids(rows ...store.Row) []entity.ID {
	list := make([]entity.ID, len(rows))
	for i, row := range rows {
		list[i] = row.ID
	}
	return list
}

func sortIDs(list []entity.ID) []entity.ID {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b entity.ID) int { return bytes.Compare(a[:], b[:]) })
	return list
}

// equal compares; nil and empty slices are the same to callers of a store.
func equal(t failer, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func wantKind(t failer, what string, err error, kind entity.Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: no error, want kind %d", what, kind)
	}
	if got := entity.KindOf(err); got != kind {
		t.Fatalf("%s: kind %d (%v), want %d", what, got, err, kind)
	}
}
