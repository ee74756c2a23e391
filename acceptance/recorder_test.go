//go:build acceptance

package acceptance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// recorder stands between a client and the server and keeps what passes, so that
// a test can say which requests a run made, and a failure can show them. With
// ACCEPTANCE_LOG set, everything is written to a file a test in that directory.
type recorder struct {
	url       string
	mu        sync.Mutex
	exchanges []exchange
	first     func(*http.Request) // runs before a request goes on; nil for nothing
	listed    string              // the page with calls that may be answered with 501; "" for none
}

// exchange is one request and its answer.
type exchange struct {
	method, path, query string
	request             []byte
	status              int
	response            []byte
}

func (e exchange) String() string {
	target := e.path
	if e.query != "" {
		target += "?" + e.query
	}
	return fmt.Sprintf("%s %s\n  > %s\n  < %d %s", e.method, target, clip(e.request), e.status, clip(e.response))
}

func clip(body []byte) string {
	const limit = 1500
	if len(body) > limit {
		return string(body[:limit]) + fmt.Sprintf("... (%d bytes)", len(body))
	}
	return string(body)
}

func startRecorder(t *testing.T, target string) *recorder {
	t.Helper()
	backend, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(backend)
			p.Out.Host = p.In.Host
			p.Out.Header.Del("Accept-Encoding") // keep what is recorded readable
		},
		Transport: recordingTransport{rec, http.DefaultTransport.(*http.Transport).Clone()},
	}
	front := httptest.NewServer(proxy)
	rec.url = front.URL
	t.Cleanup(func() {
		front.Close()
		rec.report(t)
	})
	return rec
}

// recordingTransport copies both bodies on their way.
type recordingTransport struct {
	rec  *recorder
	next *http.Transport
}

func (r recordingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	e := exchange{method: request.Method, path: request.URL.EscapedPath(), query: request.URL.RawQuery}
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		request.Body.Close()
		e.request = body
		request.Body = io.NopCloser(bytes.NewReader(body))
	}
	r.rec.mu.Lock()
	first := r.rec.first
	r.rec.mu.Unlock()
	if first != nil {
		first(request)
	}
	response, err := r.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	e.status, e.response = response.StatusCode, body
	r.rec.mu.Lock()
	r.rec.exchanges = append(r.rec.exchanges, e)
	r.rec.mu.Unlock()
	return response, nil
}

// ahead has a function called before each request from now on goes to the server.
func (r *recorder) ahead(do func(*http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.first = do
}

// allowListed lets calls be answered with 501 that the page on compatibility lists.
func (r *recorder) allowListed() {
	page, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		page = []byte(err.Error())
	}
	r.listed = string(page)
}

// failed tells whether an answer is a fault of the server.
func (r *recorder) failed(e exchange) bool {
	call := "- `" + e.method + " " + strings.TrimPrefix(e.path, "/api") + "`\n"
	return e.status >= 500 && !(e.status == http.StatusNotImplemented && strings.Contains(r.listed, call))
}

// since returns what passed after the first n exchanges.
func (r *recorder) since(n int) []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]exchange(nil), r.exchanges[n:]...)
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.exchanges)
}

// matching returns the exchanges of one method whose path fits the pattern.
func matching(exchanges []exchange, method, pattern string) []exchange {
	re := regexp.MustCompile("^/api/v1" + pattern + "$")
	var found []exchange
	for _, e := range exchanges {
		if e.method == method && re.MatchString(e.path) {
			found = append(found, e)
		}
	}
	return found
}

// writes lists the requests that may change something, as "METHOD path".
func writes(exchanges []exchange) []string {
	var found []string
	for _, e := range exchanges {
		if e.method != http.MethodGet && e.method != http.MethodHead {
			found = append(found, e.method+" "+e.path)
		}
	}
	return found
}

// report fails the test for answers with a 5xx, shows what was refused when the
// test failed, and writes everything down if asked to.
func (r *recorder) report(t *testing.T) {
	all := r.since(0)
	for _, text := range distinct(all, r.failed) {
		t.Errorf("the server failed:\n%s", text)
	}
	if t.Failed() {
		refused := distinct(all, func(e exchange) bool {
			return e.status >= 400 && e.status < 500 && e.status != http.StatusNotFound
		})
		t.Logf("%d exchanges; refused:\n%s", len(all), strings.Join(refused, "\n"))
	}
	dir := os.Getenv("ACCEPTANCE_LOG")
	if dir == "" {
		return
	}
	var text strings.Builder
	for _, e := range all {
		fmt.Fprintln(&text, e)
	}
	name := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "_")+".http")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Error(err)
	}
}

// distinct describes the exchanges that match, the first of each path and status,
// with the number of them.
func distinct(all []exchange, match func(exchange) bool) []string {
	var order []string
	first, count := map[string]exchange{}, map[string]int{}
	for _, e := range all {
		key := fmt.Sprint(e.method, e.path, e.status)
		if !match(e) {
			continue
		}
		if count[key]++; count[key] == 1 {
			order = append(order, key)
			first[key] = e
		}
	}
	var found []string
	for _, key := range order {
		found = append(found, fmt.Sprintf("%d x %s", count[key], first[key]))
	}
	return found
}
