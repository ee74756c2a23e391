package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// laggingIndexer is behind, and may be in trouble.
type laggingIndexer struct {
	Indexer
	behind  uint64
	trouble error
	err     error // of the store
}

func (x laggingIndexer) Behind(context.Context) (uint64, error) { return x.behind, x.err }
func (x laggingIndexer) Trouble() error                         { return x.trouble }

// probe asks without a token.
func (h *harness) probe(path string) (status int, body string) {
	h.t.Helper()
	got := h.browse(h.t, http.MethodGet, path, nil)
	return got.status, string(got.body)
}

func TestReadyIsWhoCanServe(t *testing.T) {
	h := newHarness(t)
	real := h.api.indexer
	out := &entity.Error{Kind: entity.KindUnavailable, Message: "the search server does not answer"}
	for name, tc := range map[string]struct {
		indexer laggingIndexer
		status  int
		says    string
	}{
		"in step":                     {laggingIndexer{}, 200, `"ready"`},
		"a little behind":             {laggingIndexer{behind: hopelesslyBehind}, 200, `"ready"`},
		"far behind":                  {laggingIndexer{behind: hopelesslyBehind + 1}, 503, "far behind"},
		"far behind and stuck":        {laggingIndexer{behind: hopelesslyBehind + 1, trouble: errors.New("disk full")}, 503, "far behind"},
		"the search server is down":   {laggingIndexer{behind: hopelesslyBehind + 1, trouble: out}, 200, `"ready"`},
		"the store cannot be read on": {laggingIndexer{err: errors.New("secret words")}, 503, "the store does not answer"},
	} {
		tc.indexer.Indexer = real
		h.api.indexer = tc.indexer
		if status, body := h.probe("/readyz"); status != tc.status || !strings.Contains(body, tc.says) || strings.Contains(body, "secret") {
			t.Errorf("%s: /readyz answers %d %s, want %d and %q", name, status, body, tc.status, tc.says)
		}
		if status, body := h.probe("/healthz"); status != 200 || !strings.Contains(body, `"live"`) {
			t.Errorf("%s: /healthz answers %d %s", name, status, body)
		}
	}
}

func TestDrainingIsNotReadyAndEndsWatchedLogs(t *testing.T) {
	h := newHarness(t)
	h.ingestion()
	bot := h.bot()
	const logs = ingestions + "/logs/shop.nightly"
	h.as(bot, "POST", logs+"/run-1", batch(t, "one", false)).want(200)
	next, _, _ := h.watchLog(h.admin, logs+"/stream/run-1", "")
	if got := next(); !strings.Contains(got, "data: one") {
		t.Fatalf("the stream begins with %q", got)
	}
	h.api.Drain()
	h.api.Drain() // a second signal changes nothing
	if got := next(); got != "" {
		t.Errorf("a watched log goes on with %q although the server drains", got)
	}
	if status, body := h.probe("/readyz"); status != 503 || !strings.Contains(body, "about to stop") {
		t.Errorf("/readyz answers %d %s while the server drains", status, body)
	}
	if status, _ := h.probe("/healthz"); status != 200 {
		t.Errorf("/healthz answers %d while the server drains", status)
	}
	h.as(h.admin, "GET", logs+"/run-1", nil).want(200) // what is asked is still answered
}

func TestAliveWithoutAFreePlace(t *testing.T) {
	h := newHarness(t)
	for range cap(h.api.slots) {
		h.api.slots <- struct{}{}
	}
	if status, _ := h.probe("/healthz"); status != 200 {
		t.Errorf("/healthz answers %d while all places are taken; a restart would make it worse", status)
	}
}
