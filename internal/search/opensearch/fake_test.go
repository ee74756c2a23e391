package opensearch

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// cluster answers as a test tells it, where a real one would not at the right moment.
type cluster struct {
	mu     sync.Mutex
	calls  []string // method and path
	bodies []string
	answer func(method, path, body string) (int, string) // status 0: as a cluster with an index does
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	c.calls = append(c.calls, r.Method+" "+r.URL.Path)
	c.bodies = append(c.bodies, string(raw))
	status, text := c.answer(r.Method, r.URL.Path, string(raw))
	if status == 0 {
		status, text = http.StatusOK, `{}`
		switch r.Method + " " + r.URL.Path {
		case "GET /catalpa/_doc/position":
			status, text = http.StatusNotFound, `{"_index":"catalpa-1","_id":"position","found":false}`
		case "GET /catalpa":
			text = `{"catalpa-1":{"aliases":{"catalpa":{}},"mappings":{"_meta":{"format":1}}}}`
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// called tells how often a call was made.
func (c *cluster) called(call string) (times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.calls {
		if one == call {
			times++
		}
	}
	return times
}

func fake(t *testing.T, answer func(method, path, body string) (int, string)) (*Engine, *cluster) {
	t.Helper()
	c := &cluster{answer: answer}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	e, err := Open(Options{Addresses: []string{server.URL}, Username: "catalpa", Password: "s3cret", BulkBytes: 2000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, c
}

func documents(n int) (docs []search.Document) {
	for range n {
		docs = append(docs, search.Document{ID: entity.NewID(), Index: "table_search_index", Source: []byte(`{"name":"orders","description":"` + strings.Repeat("word ", 60) + `"}`)})
	}
	return docs
}

// TestBusyClusterGetsDocumentsAgain: what a cluster has no room for is sent again, and only that; the position moves
// after all of it is there.
func TestBusyClusterGetsDocumentsAgain(t *testing.T) {
	docs, refusals := documents(3), 0
	e, c := fake(t, func(_, path, body string) (int, string) {
		if path != "/catalpa/_bulk" || refusals == 2 {
			return 0, ""
		}
		refusals++
		if refusals == 1 {
			return http.StatusTooManyRequests, `{"error":{"type":"es_rejected_execution_exception","reason":"full"}}`
		}
		lines := strings.Count(body, "\n") / 2
		items := strings.Repeat(`{"index":{"status":201}},`, lines-1) + `{"index":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"full"}}}`
		return http.StatusOK, `{"errors":true,"items":[` + items + `]}`
	})
	if err := e.Apply(t.Context(), search.Batch{Upserts: docs, Position: 7}); err != nil {
		t.Fatal(err)
	}
	// The bulks are bounded by bytes: several for three documents, and two again.
	if bulks := c.called("POST /catalpa/_bulk"); bulks < 4 {
		t.Errorf("%d bulk requests, want each that was refused again", bulks)
	}
	for i, call := range c.calls {
		if call == "PUT /catalpa/_doc/position" && (i != len(c.calls)-1 || c.calls[i-2] != "POST /catalpa/_refresh" || c.bodies[i] != `{"position":7}`) {
			t.Errorf("the position was written out of turn: %v", c.calls)
		}
	}
	if c.called("PUT /catalpa/_doc/position") != 1 {
		t.Errorf("calls: %v", c.calls)
	}
}

// TestPositionNeverRunsAhead: whatever fails on the way of a batch, its position is not written.
func TestPositionNeverRunsAhead(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		status int
		text   string
		kind   entity.Kind
		says   string
	}{
		"a document":   {"/catalpa/_bulk", http.StatusOK, `{"errors":true,"items":[{"index":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"bad"}}}]}`, entity.KindInternal, "mapper_parsing_exception"},
		"index gone":   {"/catalpa/_bulk", http.StatusOK, `{"errors":true,"items":[{"index":{"status":404,"error":{"type":"index_not_found_exception","reason":"no"}}}]}`, entity.KindUnavailable, ""},
		"broken":       {"/catalpa/_bulk", http.StatusInternalServerError, `oops`, entity.KindUnavailable, "oops"},
		"refresh":      {"/catalpa/_refresh", http.StatusServiceUnavailable, `{}`, entity.KindUnavailable, ""},
		"credentials":  {"/catalpa/_bulk", http.StatusUnauthorized, `Unauthorized`, entity.KindUnavailable, "credentials"},
		"other number": {"/catalpa/_bulk", http.StatusOK, `{"errors":true,"items":[]}`, entity.KindInternal, ""},
		"no JSON":      {"/catalpa/_bulk", http.StatusOK, `<html>`, entity.KindInternal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, calls := fake(t, func(_, path, _ string) (int, string) {
				if path == c.path {
					return c.status, c.text
				}
				return 0, ""
			})
			err := e.Apply(t.Context(), search.Batch{Upserts: documents(1), Position: 7})
			if err == nil || entity.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v, want one of kind %v that says %q", err, c.kind, c.says)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells the password: %v", err)
			}
			if calls.called("PUT /catalpa/_doc/position") > 0 {
				t.Error("the position was written all the same")
			}
		})
	}
}

// TestRefusedSearches: what a cluster says becomes an error fit for a client.
func TestRefusedSearches(t *testing.T) {
	for text, want := range map[string]entity.Kind{
		`{"error":{"root_cause":[{"type":"query_shard_exception","reason":"input automaton is too large: 1001"}]},"status":400}`:                entity.KindBadRequest,
		`{"error":{"root_cause":[{"type":"too_many_clauses","reason":"maxClauseCount is set to 1024"}]},"status":400}`:                          entity.KindBadRequest,
		`{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"Determinizing automaton would be too complex"}]},"status":400}`: entity.KindBadRequest,
		`{"error":{"root_cause":[{"type":"parsing_exception","reason":"secret detail"}]},"status":400}`:                                         entity.KindInternal,
	} {
		e, _ := fake(t, func(_, path, _ string) (int, string) {
			if path == "/catalpa/_search" {
				return http.StatusBadRequest, text
			}
			return 0, ""
		})
		_, err := e.Search(t.Context(), search.Request{Query: search.Term{Field: "name", Value: "x"}})
		if e := entity.AsError(err); e == nil || e.Kind != want || strings.Contains(e.Message, "secret") {
			t.Errorf("%s became %v, want kind %v", text, err, want)
		}
	}
}

// TestIndexesOfOthersAreLeftAlone: an index that goes by the name of the alias is not ours.
func TestIndexesOfOthersAreLeftAlone(t *testing.T) {
	e, c := fake(t, func(method, path, _ string) (int, string) {
		if method == http.MethodGet && path == "/catalpa" {
			return http.StatusOK, `{"catalpa":{"aliases":{},"mappings":{}}}`
		}
		return 0, ""
	})
	for _, err := range []error{e.Apply(t.Context(), search.Batch{Upserts: documents(1), Position: 1}), e.Reset(t.Context())} {
		if entity.KindOf(err) != entity.KindUnavailable || !strings.Contains(err.Error(), "not this server's") {
			t.Errorf("the error is %v", err)
		}
	}
	if len(c.calls) != 2 {
		t.Errorf("it was touched: %v", c.calls)
	}
}

// TestIndexOfAnotherFormatIsReplaced: an index that an older version wrote gives way to an empty one.
func TestIndexOfAnotherFormatIsReplaced(t *testing.T) {
	replaced := false
	e, c := fake(t, func(method, path, body string) (int, string) {
		switch {
		case method == http.MethodGet && path == "/catalpa" && !replaced:
			return http.StatusOK, `{"catalpa-1":{"aliases":{"catalpa":{}},"mappings":{"_meta":{"format":0}}}}`
		case path == "/_aliases":
			replaced = strings.Contains(body, `"remove_index":{"index":"catalpa-1"}`) && strings.Contains(body, `"add"`)
		case path == "/catalpa/_doc/position":
			return http.StatusNotFound, `{"_index":"catalpa-2","found":false}`
		}
		return 0, ""
	})
	if at, err := e.Position(t.Context()); err != nil || at != 0 || !replaced {
		t.Errorf("position %d, %v; calls %v", at, err, c.calls)
	}
}

// TestFieldsWithoutEnd: custom properties without end do not make fields without end, and new fields come with one call.
func TestFieldsWithoutEnd(t *testing.T) {
	e, c := fake(t, func(string, string, string) (int, string) { return 0, "" })
	var source strings.Builder
	source.WriteString(`{"extension":{"x":1`)
	for i := range maxPaths + 500 {
		fmt.Fprintf(&source, `,"p%d":"V"`, i)
	}
	source.WriteString(`}}`)
	docs := []search.Document{{ID: entity.NewID(), Index: "a", Source: []byte(source.String())}, {ID: entity.NewID(), Index: "a", Source: []byte(source.String())}}
	for range 2 {
		if err := e.Apply(t.Context(), search.Batch{Upserts: docs}); err != nil {
			t.Fatal(err)
		}
	}
	if c.called("PUT /catalpa/_mapping") != 1 {
		t.Errorf("the mapping was changed %d times, want once", c.called("PUT /catalpa/_mapping"))
	}
	for i, call := range c.calls {
		if fields := strings.Count(c.bodies[i], `"type"`); call == "PUT /catalpa/_mapping" && (fields < maxPaths || fields > maxFields-100) {
			t.Errorf("%d fields, want between %d and %d", fields, maxPaths, maxFields-100)
		}
	}
}
