//go:build acceptance

package acceptance

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fake plays a source that clients read over HTTP: it knows the answers to the
// requests that its API would be asked, and fails the test for any other.
type fake struct {
	url    string
	header map[string]string // of every answer

	mu      sync.Mutex
	answers map[string]any
	strange []string
}

// answerer makes the answer to a request from what came with it.
type answerer func(r *http.Request, body []byte) any

// raw is an answer that is not JSON.
type raw struct {
	status      int
	contentType string
	body        []byte
}

// startFake serves answers by "METHOD /path?query", or without the query. An
// answer is raw, an answerer, or a value that is sent as JSON.
func startFake(t *testing.T, answers map[string]any) *fake {
	t.Helper()
	f := &fake{answers: answers}
	server := httptest.NewServer(f)
	f.url = server.URL
	t.Cleanup(func() {
		server.Close()
		slices.Sort(f.strange)
		if strange := slices.Compact(f.strange); len(strange) > 0 {
			t.Errorf("the source was asked what it does not know:\n%s", strings.Join(strange, "\n"))
		}
	})
	return f
}

// set changes an answer, as a source changes.
func (f *fake) set(request string, answer any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[request] = answer
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	answer, known := f.answers[r.Method+" "+r.URL.RequestURI()]
	if !known {
		answer, known = f.answers[r.Method+" "+r.URL.Path]
	}
	if !known {
		f.strange = append(f.strange, r.Method+" "+r.URL.RequestURI())
	}
	f.mu.Unlock()
	if !known {
		http.NotFound(w, r)
		return
	}
	if made, ok := answer.(answerer); ok {
		answer = made(r, body)
	}
	sent, ok := answer.(raw)
	if !ok {
		encoded, err := json.Marshal(answer)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		sent = raw{http.StatusOK, "application/json", encoded}
	}
	for name, value := range f.header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", sent.contentType)
	w.WriteHeader(sent.status)
	w.Write(sent.body) //nolint:errcheck // the client sees what it misses
}
