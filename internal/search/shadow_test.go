package search_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// exchanged is an index that can be made anew beside itself.
type exchanged struct {
	mu    sync.RWMutex
	now   search.Index
	fresh func() search.Index
	given int // shadows that were given up
}

func (e *exchanged) current() search.Index {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.now
}

func (e *exchanged) Apply(ctx context.Context, batch search.Batch) error {
	return e.current().Apply(ctx, batch)
}
func (e *exchanged) Position(ctx context.Context) (uint64, error) { return e.current().Position(ctx) }
func (e *exchanged) Search(ctx context.Context, req search.Request) (search.Result, error) {
	return e.current().Search(ctx, req)
}
func (e *exchanged) Reset(ctx context.Context) error         { return e.current().Reset(ctx) }
func (e *exchanged) Count(ctx context.Context) (int, error)  { return e.current().Count(ctx) }
func (e *exchanged) Size(ctx context.Context) (int64, error) { return e.current().Size(ctx) }
func (e *exchanged) Close() error                            { return e.current().Close() }

func (e *exchanged) Shadow(context.Context) (search.Shadow, error) {
	return &inTheMaking{Index: e.fresh(), of: e}, nil
}

type inTheMaking struct {
	search.Index
	of *exchanged
}

func (s *inTheMaking) Replace(context.Context) error {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	old := s.of.now
	s.of.now, s.Index = s.Index, nil
	return old.Close()
}

func (s *inTheMaking) Close() error {
	if s.Index == nil {
		return nil
	}
	s.of.given++
	return s.Index.Close()
}

// An index that is made anew answers all the time, follows what is written meanwhile, and what was deleted meanwhile does
// not come back.
func TestRebuildBesideTheIndex(t *testing.T) {
	dir, made := t.TempDir(), 0
	fresh := func() search.Index {
		made++
		return openIndex(t, filepath.Join(dir, fmt.Sprint(made)))
	}
	index := &exchanged{now: fresh(), fresh: fresh}
	c := newCatalog()
	victim, _ := c.put("victim")
	for i := range 1200 {
		_, _ = c.put(fmt.Sprintf("table_%04d", i))
	}
	x, stop := start(t, index, c)
	last := uint64(1201)
	waitFor(t, x, last)
	pages := 0
	err := x.Rebuild(t.Context(), func(done, all int) {
		pages++
		if got := total(t, index, "table_0007"); got != 1 {
			t.Errorf("after %d of %d, a table is found %d times", done, all, got)
		}
		if !x.Rebuilding().Running {
			t.Error("nobody says that the index is rebuilt")
		}
		_, seq := c.put(fmt.Sprint("meanwhile_", pages))
		if pages == 2 {
			seq = c.remove(victim)
		}
		waitFor(t, x, seq)
		last = seq
		if got := total(t, index, fmt.Sprint("meanwhile_", pages)); got != 1 {
			t.Errorf("what was written during the rebuild is found %d times", got)
		}
	})
	if err != nil || pages < 3 || made != 2 {
		t.Fatalf("%d pages, %d indexes, %v", pages, made, err)
	}
	if got := x.Position(); got != last {
		t.Errorf("position %d after the exchange, want %d", got, last)
	}
	if total(t, index, "victim") != 0 || total(t, index, "meanwhile_1") != 1 || total(t, index, "table_1199") != 1 {
		t.Error("the new index is not what the catalog is")
	}
	_, seq := c.put("afterwards")
	waitFor(t, x, seq)
	if total(t, index, "afterwards") != 1 {
		t.Error("what was written after the exchange is not found")
	}

	ctx, cancel := context.WithCancel(t.Context())
	if err := x.Rebuild(ctx, func(int, int) { cancel() }); err == nil || index.given != 1 {
		t.Errorf("a rebuild that was cut off gave %v, and %d indexes were given up", err, index.given)
	}
	if total(t, index, "afterwards") != 1 || x.Rebuilding().Running {
		t.Error("a rebuild that was cut off has changed what is found")
	}
	stop()
	if err := index.Close(); err != nil {
		t.Error(err)
	}
}

// A process that is killed while it makes the index anew leaves what it has made. The next
// one goes on with it beside the index that answers.
func TestRebuildGoesOnAfterACrash(t *testing.T) {
	dir, crashed := t.TempDir(), t.TempDir()
	index := openIndex(t, filepath.Join(dir, "search.db"))
	c := newCatalog()
	for i := range 2200 {
		_, _ = c.put(fmt.Sprintf("table_%04d", i))
	}
	x, stop := start(t, index, c)
	waitFor(t, x, 2200)
	ctx, cancel := context.WithCancel(t.Context())
	err := x.Rebuild(ctx, func(done, _ int) {
		if done == 1000 { // as a kill would find the files
			copyFiles(t, dir, crashed)
			cancel()
		}
	})
	if err == nil {
		t.Fatal("the rebuild was not cut off")
	}
	stop()
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}

	_, seq := c.put("table_while_nobody_listens")
	var log lines
	index = openIndex(t, filepath.Join(crashed, "search.db"))
	if got := total(t, index, "table_0007"); got != 1 {
		t.Errorf("after the crash, a table is found %d times", got)
	}
	x = search.NewIndexer(index, c, c, []string{"table"}, slog.New(slog.NewTextHandler(&log, nil)))
	stop = run(t, x)
	eventually(t, "the rebuild ends", func() bool { return !x.Rebuilding().Ended.IsZero() })
	if text := log.String(); !strings.Contains(text, "going on with a search index that was not finished\" done=1000 of=2201") {
		t.Errorf("it was not gone on with, the log says:\n%s", text)
	}
	waitFor(t, x, seq)
	for name, want := range map[string]int{"table_0007": 1, "table_2199": 1, "table_while_nobody_listens": 1} {
		if got := total(t, index, name); got != want {
			t.Errorf("%s is found %d times, want %d", name, got, want)
		}
	}
	if n, err := index.Count(t.Context()); n != 2201 || err != nil {
		t.Errorf("the index has %d documents (%v), want 2201", n, err)
	}
	stop()
	if err := index.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(crashed, "*.new*")); len(left) > 0 {
		t.Errorf("files are left behind: %v", left)
	}
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
