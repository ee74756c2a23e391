package sqlite

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// TestReadOnly: a database that turned read-only still answers reads, and says
// so to those that write; the next write after that works.
func TestReadOnly(t *testing.T) {
	s := openQuiet(t)
	ctx := context.Background()
	if err := addTable(ctx, s, "before", 10); err != nil {
		t.Fatal(err)
	}
	if err := s.written.script(ctx, "PRAGMA query_only = ON"); err != nil {
		t.Fatal(err)
	}
	err := addTable(ctx, s, "refused", 10)
	var public *entity.Error
	if !errors.As(err, &public) || public.Kind != entity.KindUnavailable || !strings.Contains(public.Message, "only be read") {
		t.Fatalf("Update answers %v", err)
	}
	if n := tables(t, s); n != 1 {
		t.Fatalf("%d tables, want 1", n)
	}
	if err := s.written.script(ctx, "PRAGMA query_only = OFF"); err != nil {
		t.Fatal(err)
	}
	if err := addTable(ctx, s, "after", 10); err != nil {
		t.Fatal(err)
	}
}

// TestErrorsOfCallersStay: what a transaction's function returns is not dressed
// up, and takes its writes back.
func TestErrorsOfCallersStay(t *testing.T) {
	s := openQuiet(t)
	ctx := context.Background()
	own := errors.New("changed my mind")
	err := s.Update(ctx, func(tx store.Tx) error {
		if err := tx.Insert(ctx, store.Row{ID: entity.NewID(), Type: "table", FQN: "a"}); err != nil {
			return err
		}
		return own
	})
	if err != own { //nolint:errorlint // the very value
		t.Errorf("Update answers %v", err)
	}
	if err := s.View(ctx, func(store.Reader) error { return own }); err != own { //nolint:errorlint // the very value
		t.Errorf("View answers %v", err)
	}
	if n := tables(t, s); n != 0 {
		t.Errorf("%d tables, want none", n)
	}
}
