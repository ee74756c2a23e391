package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver, to look at files as another program

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

func row(fqn string) store.Row {
	return store.Row{ID: entity.NewID(), Type: "table", Name: fqn, FQN: fqn, Version: 1, Doc: []byte(`{}`)}
}

func insert(t testing.TB, s *sqlite.Store, rows ...store.Row) {
	t.Helper()
	ctx := context.Background()
	err := s.Update(ctx, func(tx store.Tx) error {
		for _, row := range rows {
			if err := tx.Insert(ctx, row); err != nil {
				return err
			}
			event := store.Event{ID: entity.NewID(), Type: entity.EventCreated, EntityID: row.ID, At: 5}
			if err := tx.AppendEvent(ctx, event); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func count(t testing.TB, s *sqlite.Store) int {
	t.Helper()
	n := 0
	ctx := context.Background()
	err := s.View(ctx, func(r store.Reader) (err error) {
		n, err = r.Count(ctx, store.ListQuery{Type: "table"})
		return err
	})
	if err != nil {
		t.Fatalf("Count: %v", err)
	}
	return n
}

func execute(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing is left to be lost
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func TestPermissions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "inner")
	s := open(t, filepath.Join(dir, "catalog.db"))
	insert(t, s, row("a"))
	for name, want := range map[string]os.FileMode{"": 0o700, "catalog.db": 0o600, "catalog.db-wal": 0o600, "catalog.db-shm": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %o, want %o", name, got, want)
		}
	}
}

func TestUnusualPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a?b=c&d#e%20f g.db")
	s := open(t, path)
	insert(t, s, row("a"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Fatalf("the database is not where it was asked for: %v", err)
	}
	if n := count(t, open(t, path)); n != 1 {
		t.Fatalf("%d rows after reopening, want 1", n)
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	for i := 1; i <= 3; i++ {
		s := open(t, path)
		insert(t, s, row(fmt.Sprint(i)))
		if n := count(t, s); n != i {
			t.Fatalf("%d rows, want %d", n, i)
		}
		ctx := context.Background()
		err := s.View(ctx, func(r store.Reader) error {
			last, err := r.LastSeq(ctx)
			if last != uint64(i) {
				t.Errorf("LastSeq is %d, want %d", last, i)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("Close left a log behind: %v", err)
		}
	}
}

// TestUncleanClose opens copies of the files of a store that is still open,
// which is what a killed process leaves, with and without a torn last write.
func TestUncleanClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	s := open(t, path)
	for i := range 20 {
		insert(t, s, row(fmt.Sprint("a", i)))
	}
	for _, cut := range []int64{0, 1, 100, 5000} {
		t.Run(fmt.Sprintf("%d bytes lost", cut), func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "catalog.db")
			copyFile(t, path, to)
			size := copyFile(t, path+"-wal", to+"-wal")
			if err := os.Truncate(to+"-wal", size-cut); err != nil {
				t.Fatal(err)
			}
			crashed := open(t, to)
			n := count(t, crashed)
			if cut == 0 && n != 20 || n > 20 || n < 18 {
				t.Fatalf("%d rows after the crash", n)
			}
			insert(t, crashed, row("after"))
			if got := count(t, crashed); got != n+1 {
				t.Fatalf("%d rows after one more, want %d", got, n+1)
			}
			if err := crashed.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite", to)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close() //nolint:errcheck // only read
			var verdict string
			if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
				t.Fatalf("integrity check: %q, %v", verdict, err)
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) int64 {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRefusedFiles(t *testing.T) {
	write := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		what string
		make func(*testing.T, string)
		want error
		says string
	}{
		{"a text", write(strings.Repeat("this is no database\n", 500)), sqlite.ErrNotDatabase, "not a Catalpa database"},
		{"a short text", write("hi"), sqlite.ErrNotDatabase, "not a Catalpa database"},
		{"only a header", write("SQLite format 3\x00" + strings.Repeat("\xff", 4096)), sqlite.ErrNotDatabase, "not a Catalpa database"},
		{"another program's", func(t *testing.T, path string) { execute(t, path, "CREATE TABLE t (x)") }, sqlite.ErrNotDatabase, "another program"},
		{"another application's id", func(t *testing.T, path string) { execute(t, path, "PRAGMA application_id = 7") }, sqlite.ErrNotDatabase, "another program"},
		{"a newer schema", func(t *testing.T, path string) {
			if err := open(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			execute(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
		}, sqlite.ErrNewerSchema, "install the newer version"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "catalog.db")
			test.make(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err == nil {
				t.Fatal(errors.Join(errors.New("opened"), s.Close()))
			}
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("Open answers %q", err)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Fatalf("the refused file was changed (%v)", err)
			}
		})
	}
}

func TestUnwritableDirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "catalog.db")
	if os.Geteuid() == 0 {
		// Root may write anywhere; a file in the directory's place refuses it too.
		dir = filepath.Join(dir, "file")
		if err := os.WriteFile(dir, nil, 0o400); err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(dir, "catalog.db")
	} else if err := os.Chmod(dir, 0o500); err != nil { //nolint:gosec // the bit is what lets a directory be entered
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err == nil {
		t.Fatal(errors.Join(errors.New("opened"), s.Close()))
	}
	if !strings.Contains(err.Error(), "database") {
		t.Fatalf("Open answers %q, which does not say what it was doing", err)
	}
}

// TestMigrateOld opens a file that the first migration made, with data.
func TestMigrateOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	copyFile(t, filepath.Join("testdata", "schema-1.db"), path)
	s := open(t, path)
	ctx := context.Background()
	err := s.View(ctx, func(r store.Reader) error {
		rows, err := r.List(ctx, store.ListQuery{Type: "table", Under: "svc", Limit: 10})
		if err != nil {
			return err
		}
		if len(rows) != 2 || rows[0].FQN != "svc.a" || string(rows[1].Doc) != `{"name":"b"}` {
			t.Errorf("rows %v", rows)
		}
		versions, err := r.Versions(ctx, rows[0].ID)
		if err != nil || len(versions) != 1 {
			t.Errorf("versions %v, %v", versions, err)
		}
		relations, err := r.RelationsFrom(ctx, []entity.ID{rows[0].ID})
		if err != nil || len(relations) != 1 || relations[0].To != rows[1].ID {
			t.Errorf("relations %v, %v", relations, err)
		}
		record, err := r.Record(ctx, "setting", "", "theme")
		if err != nil || string(record.Doc) != `{"dark":true}` {
			t.Errorf("record %v, %v", record, err)
		}
		last, err := r.LastSeq(ctx)
		if last != 2 {
			t.Errorf("LastSeq is %d, want 2", last)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, s, row("svc.c"))
	if n := count(t, s); n != 3 {
		t.Fatalf("%d rows, want 3", n)
	}
}

// TestOtherProcess has a second store on the same file, as another process
// would: the first must notice, with writes of its own and without.
func TestOtherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	here, err := sqlite.Open(t.Context(), path, sqlite.Options{Watch: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close() //nolint:errcheck // Close is tested elsewhere
	told := make(chan store.Commit, 100)
	here.OnCommit(func(c store.Commit) {
		if c.All {
			told <- c
		}
	})
	there := open(t, path)
	insert(t, here, row("here"))
	if n := count(t, here); n != 1 {
		t.Fatalf("%d rows, want 1", n)
	}
	insert(t, there, row("there"))
	if n := count(t, here); n != 2 {
		t.Fatalf("%d rows at once after the other's write, want 2", n)
	}
	select {
	case c := <-told:
		if c.Entities != nil || c.LastSeq != 2 {
			t.Fatalf("told %+v", c)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the other's write was not noticed")
	}
	for i := range 10 {
		insert(t, there, row(fmt.Sprint("there", i)))
		insert(t, here, row(fmt.Sprint("here", i)))
		if a, b := count(t, here), count(t, there); a != 4+2*i || b != a {
			t.Fatalf("counts %d and %d, want %d", a, b, 4+2*i)
		}
	}
}

// TestConcurrentOpen lets several processes create the same database.
func TestConcurrentOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	results := make(chan error)
	const openers = 4
	for i := range openers {
		go func() {
			s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
			if err == nil {
				ctx := context.Background()
				err = s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, row(fmt.Sprint(i))) })
				err = errors.Join(err, s.Close())
			}
			results <- err
		}()
	}
	for range openers {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := count(t, open(t, path)); n != openers {
		t.Fatalf("%d rows, want %d", n, openers)
	}
}

// TestBusy holds the write lock from outside for longer than the time-out.
func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // Close is tested elsewhere
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing is left to be lost
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	write := func() error { return s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, row("a")) }) }
	if err := write(); entity.KindOf(err) != entity.KindUnavailable {
		t.Fatalf("Update answers %v, want KindUnavailable", err)
	}
	if n := count(t, s); n != 0 {
		t.Fatalf("%d rows, want none", n)
	}
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := write(); err != nil {
		t.Fatalf("Update after the lock is gone: %v", err)
	}
	if n := s.Failures(); n != 1 {
		t.Errorf("%d failures are counted, want the one", n)
	}
}
