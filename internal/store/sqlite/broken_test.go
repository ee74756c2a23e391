package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// damagedDatabase makes a database and overwrites part of it, as a failing disk
// does: everything behind the first bytes, by the share to keep.
func damagedDatabase(t *testing.T, keep func(size int) int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "catalog.db")
	s := open(t, path)
	for i := range 200 {
		one := row("table" + strings.Repeat("x", i))
		one.Doc = []byte(`"` + strings.Repeat("d", 2000) + `"`)
		insert(t, s, one)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := keep(len(content))
	copy(content[kept:], strings.Repeat("\xee", len(content)-kept))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDamagedSchemaIsRefused: the operator is told which file is broken.
func TestDamagedSchemaIsRefused(t *testing.T) {
	path := damagedDatabase(t, func(int) int { return 8192 })
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err == nil {
		t.Fatal(errors.Join(errors.New("opened"), s.Close()))
	}
	if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("Open answers %q", err)
	}
}

// TestDamagedRows: a client whose request meets the broken part learns nothing
// of files and queries, and nothing panics.
func TestDamagedRows(t *testing.T) {
	path := damagedDatabase(t, func(size int) int { return size / 2 })
	ctx := t.Context()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the file is lost anyway
	err = s.View(ctx, func(r store.Reader) error {
		_, err := r.List(ctx, store.ListQuery{Type: "table", Limit: 1000})
		return err
	})
	var public *entity.Error
	if !errors.As(err, &public) || public.Kind != entity.KindInternal {
		t.Fatalf("View answers %v, want KindInternal", err)
	}
	for _, private := range []string{path, "SELECT", "malformed", "SQL"} {
		if strings.Contains(public.Message, private) {
			t.Errorf("the message %q tells of %s", public.Message, private)
		}
	}
}

func TestOpenNamesWhatIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken.db")
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), taken, sqlite.Options{})
	if err == nil {
		t.Fatal(errors.Join(errors.New("a directory was opened"), s.Close()))
	}
	if !strings.Contains(err.Error(), taken) {
		t.Errorf("Open answers %q, which does not name the path", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("a failed Open left %v, %v", files, err)
	}
}

func TestOpenGivesUpWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), sqlite.Options{})
	if err == nil {
		t.Fatal(errors.Join(errors.New("opened"), s.Close()))
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Open answers %v", err)
	}
}

// TestOptionsBelowZero: senseless options mean the defaults.
func TestOptionsBelowZero(t *testing.T) {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"),
		sqlite.Options{Readers: -1, BusyTimeout: -time.Second, Watch: -time.Second})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, s, row("a"))
	// Views nest as far as there are readers; the default allows more than one.
	err = s.View(t.Context(), func(store.Reader) error {
		if n := count(t, s); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
		return nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestNoReaderFree: who waits for the only reader gives up with its caller, and
// is told when the store closes.
func TestNoReaderFree(t *testing.T) {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"), sqlite.Options{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	never := func(store.Reader) error { return errors.New("two views share a connection") }
	closed := make(chan error, 1)
	err = s.View(t.Context(), func(store.Reader) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s.View(ctx, never); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("View answers %v, want the deadline", err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- s.View(context.WithoutCancel(t.Context()), never) }()
		go func() { closed <- s.Close() }()
		if err := <-waiting; !errors.Is(err, store.ErrClosed) {
			t.Errorf("View answers %v, want ErrClosed", err)
		}
		return nil
	})
	if err := errors.Join(err, <-closed); err != nil {
		t.Fatal(err)
	}
}

func TestClosedStore(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "catalog.db"))
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
	view := s.View(t.Context(), func(store.Reader) error { return nil })
	update := s.Update(t.Context(), func(store.Tx) error { return nil })
	if !errors.Is(view, store.ErrClosed) || !errors.Is(update, store.ErrClosed) {
		t.Errorf("View answers %v, Update %v", view, update)
	}
}

// TestCancelledWriteIsNotDone holds the writer up, and gives up waiting for it.
func TestCancelledWriteIsNotDone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "catalog.db"))
	err := s.Update(t.Context(), func(tx store.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		second := s.Update(ctx, func(store.Tx) error {
			t.Error("a write runs whose caller has gone")
			return nil
		})
		if !errors.Is(second, context.DeadlineExceeded) {
			t.Errorf("Update answers %v", second)
		}
		return tx.Insert(t.Context(), row("a"))
	})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, s, row("b"))
	if n := count(t, s); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Update(gone, func(store.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update answers %v", err)
	}
}
