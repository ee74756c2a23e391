//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/postgres"
	"github.com/catalpa-metadata/catalpa/internal/store/postgres/postgrestest"
	"github.com/catalpa-metadata/catalpa/internal/store/storetest"
)

const password = "keeps-the-catalog"

func open(t testing.TB, source string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(context.Background(), source, postgres.Options{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	server := postgrestest.Start(t, password)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, server.NewDatabase(t)) })
}

// TestLongNames stores names and keys that are longer than an entry of an index.
func TestLongNames(t *testing.T) {
	server := postgrestest.Start(t, password)
	s := open(t, server.NewDatabase(t))
	ctx := t.Context()
	long := strings.Repeat("ü", 3072)
	rows := []store.Row{
		{ID: entity.NewID(), Type: "table", FQN: long + "b", Doc: []byte("{}")},
		{ID: entity.NewID(), Type: "table", FQN: long + "a", Doc: []byte("{}")},
		{ID: entity.NewID(), Type: "table", FQN: long, Doc: []byte("{}")},
	}
	err := s.Update(ctx, func(tx store.Tx) error {
		for _, row := range rows {
			if err := tx.Insert(ctx, row); err != nil {
				return err
			}
			if err := tx.PutRecord(ctx, store.Record{Kind: "k", Key: row.FQN, Doc: []byte("1")}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(ctx, func(r store.Reader) error {
		after := ""
		for _, want := range []string{long, long + "a", long + "b"} {
			page, err := r.List(ctx, store.ListQuery{Type: "table", After: after, Limit: 1})
			if err != nil {
				return err
			}
			if len(page) != 1 || page[0].FQN != want {
				t.Fatalf("%d rows follow %q, want the one that ends with %q", len(page), last(after), last(want))
			}
			records, err := r.Records(ctx, store.RecordQuery{Kind: "k", After: after, Limit: 1})
			if err != nil {
				return err
			}
			if len(records) != 1 || records[0].Key != want {
				t.Fatalf("%d records follow %q, want the one that ends with %q", len(records), last(after), last(want))
			}
			after = want
		}
		_, err := r.EntityByFQN(ctx, store.Key{Type: "table", FQN: long + "a"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(ctx, func(tx store.Tx) error {
		return tx.Insert(ctx, store.Row{ID: entity.NewID(), Type: "table", FQN: long, Doc: []byte("{}")})
	})
	if entity.KindOf(err) != entity.KindConflict {
		t.Errorf("the same long name again: %v, want a conflict", err)
	}
}

func last(s string) string { return s[max(0, len(s)-3):] }

// TestUnfitDatabases are refused with words that help, and without the password.
func TestUnfitDatabases(t *testing.T) {
	server := postgrestest.Start(t, password)
	server.Exec(t, "postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
	newer := server.NewDatabase(t)
	if err := open(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, newer[strings.LastIndex(newer, "/")+1:], "INSERT INTO catalpa_schema (version_id, is_applied) VALUES (9999, true)")
	foreign := server.NewDatabase(t)
	server.Exec(t, foreign[strings.LastIndex(foreign, "/")+1:], "CREATE TABLE table_entity (id int)")
	for _, c := range []struct {
		what, source, says string
		is                 error
	}{
		{"another encoding", server.URL("latin"), "LATIN1", postgres.ErrUnfit},
		{"another program's", foreign, "such as table_entity", postgres.ErrUnfit},
		{"a newer schema", newer, "install the newer version", postgres.ErrNewerSchema},
		{"no such database", server.URL("absent"), "database absent", nil},
		{"nobody listens", strings.Replace(server.URL("postgres"), server.Port, "1", 1), "127.0.0.1:1", nil},
		{"no address", "postgres://postgres:" + password + "@[::1/x", "cannot be read", nil},
	} {
		s, err := postgres.Open(t.Context(), c.source, postgres.Options{})
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: the database is opened", c.what)
			continue
		}
		if !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want it to say %q", c.what, err, c.says)
		}
		if strings.Contains(err.Error(), password) {
			t.Errorf("%s: the error names the password: %v", c.what, err)
		}
	}
}

// TestServerCrash kills the database under a writer and a reader: both say that it
// does not answer, and go on as soon as it does.
func TestServerCrash(t *testing.T) {
	server := postgrestest.Start(t, password, "synchronous_commit=on")
	s := open(t, server.NewDatabase(t))
	ctx := t.Context()
	insert := func(name string) error {
		return s.Update(ctx, func(tx store.Tx) error {
			return tx.Insert(ctx, store.Row{ID: entity.NewID(), Type: "table", FQN: name, Doc: []byte("{}")})
		})
	}
	count := func() (n int, err error) {
		err = s.View(ctx, func(r store.Reader) (err error) {
			n, err = r.Count(ctx, store.ListQuery{Type: "table"})
			return err
		})
		return n, err
	}
	if err := insert("before"); err != nil {
		t.Fatal(err)
	}
	server.Crash(t)
	if err := insert("meanwhile"); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("a write without a database: %v, want KindUnavailable", err)
	}
	if _, err := count(); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("a read without a database: %v, want KindUnavailable", err)
	}
	server.Run(t)
	if err := insert("again"); err != nil {
		t.Errorf("a write after the crash: %v", err)
	}
	// A restart between two calls is not noticed at all.
	server.Crash(t)
	server.Run(t)
	if err := insert("after"); err != nil {
		t.Errorf("a write after the crash: %v", err)
	}
	if n, err := count(); n != 3 || err != nil {
		t.Errorf("%d tables after the crash (%v), want the three that were acknowledged", n, err)
	}
}
