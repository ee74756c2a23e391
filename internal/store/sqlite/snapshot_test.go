package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// TestSnapshotIsOneMoment copies while writers insert pairs: a copy has both of a pair or
// none, and all that was acknowledged before.
func TestSnapshotIsOneMoment(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "catalog.db")
	s := open(t, path)
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	started := make(chan struct{})
	writing.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			name := "pair" + strings.Repeat("x", i)
			one, two := row(name), row(name+"-2")
			err := s.Update(context.Background(), func(tx store.Tx) error {
				return errors.Join(tx.Insert(context.Background(), one), tx.Insert(context.Background(), two))
			})
			if err != nil {
				t.Errorf("a write beside a snapshot: %v", err)
				return
			}
			if i == 20 {
				close(started)
			}
			if i == 500 { // enough, and names have a bound
				return
			}
		}
	})
	<-started
	before := count(t, s)
	for i := range 3 {
		into := filepath.Join(dir, "copy"+strings.Repeat("i", i))
		if err := sqlite.Snapshot(t.Context(), path, into); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(into)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy: %v, %v", info, err)
		}
		copied := open(t, into)
		if n := count(t, copied); n%2 != 0 || n < before {
			t.Errorf("the copy has %d rows, want pairs, and at least the %d of before", n, before)
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
	stop()
	writing.Wait()
}

func TestSnapshotRefusesWhatIsNoCatalog(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.db")
	if err := sqlite.Snapshot(t.Context(), missing, filepath.Join(dir, "one")); err == nil {
		t.Error("a database that is not there can be copied")
	}
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking at a database made one: %v", err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database at all ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Snapshot(t.Context(), text, filepath.Join(dir, "two")); !errors.Is(err, sqlite.ErrNotDatabase) {
		t.Errorf("copying a text ends with %v", err)
	}
	if err := sqlite.Snapshot(t.Context(), text, text); !errors.Is(err, os.ErrExist) {
		t.Errorf("copying over a file ends with %v", err)
	}
}

func TestVerifyFindsWhatCannotBeUsed(t *testing.T) {
	if err := sqlite.Verify(t.Context(), damagedDatabase(t, func(size int) int { return size / 2 })); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged database: %v", err)
	}
	path := filepath.Join(t.TempDir(), "catalog.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Verify(t.Context(), path); err != nil {
		t.Errorf("a good database: %v", err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Verify(t.Context(), path); !errors.Is(err, sqlite.ErrNewerSchema) {
		t.Errorf("a database of a newer version: %v", err)
	}
}
