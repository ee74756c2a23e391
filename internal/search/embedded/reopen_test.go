package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/searchtest"
)

func openAt(t *testing.T, path string) *Engine {
	t.Helper()
	e, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func apply(t *testing.T, e *Engine, batch search.Batch) {
	t.Helper()
	if err := e.Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, e *Engine, req search.Request) search.Result {
	t.Helper()
	result, err := e.Search(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// asset makes the n-th table of a test.
func asset(n int, source string) search.Document {
	return search.Document{ID: searchtest.ID(n), Index: "table_search_index", Source: []byte(source)}
}

func ids(result search.Result) []entity.ID {
	var list []entity.ID
	for _, hit := range result.Hits {
		list = append(list, hit.ID)
	}
	return list
}

// crashed opens the index as a crash would leave it: what the files hold now,
// without the engine having been closed.
func crashed(t *testing.T, path string) *Engine {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "search.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return openAt(t, copied)
}

// After a crash the index holds every batch that was applied: documents in the
// tail and in postings, replaced and removed ones.
func TestCrashLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search.db")
	e := openAt(t, path)
	g := searchtest.NewGenerator(11)
	docs := g.Documents(mergeAt+300, 1)
	apply(t, e, search.Batch{Upserts: docs[:mergeAt], Position: 1})
	apply(t, e, search.Batch{Upserts: docs[mergeAt:], Position: 2}) // merges the first
	again := searchtest.NewGenerator(12)
	replaced := search.Batch{Position: 3}
	for _, n := range []int{0, 7, mergeAt + 1} { // of postings and of the tail
		docs[n] = again.Document(n, 1)
		replaced.Upserts = append(replaced.Upserts, docs[n])
	}
	apply(t, e, replaced)
	gone := []int{mergeAt + 2, 3, 1}
	removed := search.Batch{Position: 4}
	for _, n := range gone {
		removed.Deletes = append(removed.Deletes, docs[n].ID)
		docs = slices.Delete(docs, n, n+1)
	}
	apply(t, e, removed)
	if e.state.merges == 0 || e.state.tail.docs == 0 {
		t.Fatalf("%d merges, %d documents in the tail: want both", e.state.merges, e.state.tail.docs)
	}

	after := crashed(t, path)
	position, err := after.Position(t.Context())
	count, countErr := after.Count(t.Context())
	if err != nil || countErr != nil || position != 4 || count != len(docs) {
		t.Errorf("position %d, %d documents, want 4 and %d; %v, %v", position, count, len(docs), err, countErr)
	}
	searchtest.Compare(t, after, docs, g, 25)

	// Numbers of removed documents are not used again.
	back := asset(1, `{"name":"back","fullyQualifiedName":"a.back"}`)
	apply(t, after, search.Batch{Upserts: []search.Document{back}, Position: 5})
	if diff := cmp.Diff([]entity.ID{back.ID}, ids(find(t, after, search.Request{Query: search.Term{Field: "name", Value: "back"}, Size: 5}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A batch that fails leaves nothing of itself behind.
func TestFailedBatchChangesNothing(t *testing.T) {
	e := openAt(t, filepath.Join(t.TempDir(), "search.db"))
	apply(t, e, search.Batch{Upserts: []search.Document{asset(1, `{"name":"a"}`)}, Position: 1})
	bad := search.Batch{Deletes: []entity.ID{searchtest.ID(1)}, Upserts: []search.Document{asset(2, `{"name":"b","fresh":1}`), asset(3, `{"name":`)}, Position: 2}
	if err := e.Apply(t.Context(), bad); err == nil {
		t.Fatal("a damaged document was indexed")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Apply(ended, search.Batch{Position: 9}); err == nil {
		t.Error("a batch was applied after its context had ended")
	}
	if _, err := e.Search(ended, search.Request{}); err == nil {
		t.Error("a search went on after its context had ended")
	}
	position, err := e.Position(t.Context())
	if got := ids(find(t, e, search.Request{Size: 5})); err != nil || position != 1 || !slices.Equal(got, []entity.ID{searchtest.ID(1)}) {
		t.Errorf("position %d, documents %v, %v", position, got, err)
	}
	apply(t, e, search.Batch{Upserts: bad.Upserts[:1], Position: 2})
	if total := find(t, e, search.Request{Query: search.Exists{Field: "fresh"}}).Total; total != 1 {
		t.Errorf("%d documents have the field that the failed batch was the first to show, want 1", total)
	}
}

// Within one batch the last word on a document counts.
func TestOneBatchTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search.db")
	e := openAt(t, path)
	apply(t, e, search.Batch{Upserts: []search.Document{asset(1, `{"name":"old"}`)}, Position: 1})
	apply(t, e, search.Batch{Deletes: []entity.ID{searchtest.ID(1)}, Upserts: []search.Document{asset(1, `{"name":"first"}`), asset(1, `{"name":"last"}`)}, Position: 2})
	for name, index := range map[string]*Engine{"open": e, "crashed": crashed(t, path)} {
		for word, want := range map[string]int{"old": 0, "first": 0, "last": 1} {
			if got := find(t, index, search.Request{Query: search.MultiMatch{Text: word}}).Total; got != want {
				t.Errorf("%s: %d documents named %s, want %d", name, got, word, want)
			}
		}
		if n, err := index.Count(t.Context()); n != 1 || err != nil {
			t.Errorf("%s: %d documents, %v", name, n, err)
		}
	}
}

func TestFileOfAnotherFormatIsRebuilt(t *testing.T) {
	for _, version := range []int{1, formatVersion + 1} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "search.db")
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = db.Exec(fmt.Sprintf(`CREATE TABLE meta (other TEXT); INSERT INTO meta VALUES ('x'); CREATE TABLE postings (other TEXT);
				PRAGMA user_version = %d`, version))
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			e := openAt(t, path)
			position, err := e.Position(t.Context())
			if err != nil || position != 0 || find(t, e, search.Request{}).Total != 0 {
				t.Errorf("position %d, %v: want an empty index that the indexer fills", position, err)
			}
			apply(t, e, search.Batch{Upserts: []search.Document{asset(1, `{"name":"a"}`)}, Position: 3})
			if got := find(t, crashed(t, path), search.Request{Query: search.Term{Field: "name", Value: "a"}}).Total; got != 1 {
				t.Errorf("%d documents found after opening again, want 1", got)
			}
		})
	}
}

func TestOpenRefusesWhatIsNoIndex(t *testing.T) {
	damage := map[string]func(t *testing.T, path string){
		"no database": func(t *testing.T, path string) {
			if err := os.WriteFile(path, slices.Repeat([]byte("not a database "), 500), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"no folder": func(t *testing.T, path string) {
			if err := os.Remove(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, statement := range map[string]string{
		"short position": "UPDATE meta SET value = x'01' WHERE key = 'position'",
		"broken row":     "UPDATE tail SET terms = x'ff'",
		"short id":       "UPDATE tail SET id = x'01'",
	} {
		damage[name] = func(t *testing.T, path string) {
			e, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			apply(t, e, search.Batch{Upserts: []search.Document{asset(1, `{"name":"a"}`)}, Position: 1})
			if _, err := e.writer.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, spoil := range damage {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "inner", "search.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			spoil(t, path)
			if e, err := Open(t.Context(), path); err == nil {
				t.Errorf("opened; closing: %v", e.Close())
			}
		})
	}
}

// TestBatchesGivenUp: whenever the context ends, a batch is in the index or it is not,
// and the next one finds no transaction that was left open.
func TestBatchesGivenUp(t *testing.T) {
	e := openAt(t, filepath.Join(t.TempDir(), "search.db"))
	for n := range 400 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*2*time.Microsecond)
		err := e.Apply(ctx, search.Batch{Upserts: []search.Document{asset(1, `{"name":"orders"}`)}, Position: uint64(n + 1)})
		cancel()
		position, _ := e.Position(t.Context())
		if (position == uint64(n+1)) != (err == nil) {
			t.Fatalf("batch %d is answered %v, and the index is at %d", n+1, err, position)
		}
		var rows int
		if err := e.writer.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&rows, new(int), new(int)); err != nil {
			t.Fatalf("batch %d left its transaction open: %v", n+1, err)
		}
	}
	apply(t, e, search.Batch{Position: 1000})
}
