//go:build !race

package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dlclark/regexp2"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// document asks for the OpenAPI document as the administrator.
func document(t *testing.T, h *harness) *openapi3.T {
	t.Helper()
	got := unfollowed(t, "GET /openapi.json", h.ask(t, "/openapi.json", h.admin.token))
	if got.status != http.StatusOK {
		t.Fatalf("GET /openapi.json answers %d: %.300s", got.status, got.body)
	}
	doc, err := openapi3.NewLoader().LoadFromData(got.body)
	check(t, err)
	return doc
}

// ask is a request for something outside /api.
func (h *harness) ask(t *testing.T, path, token string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+path, http.NoBody)
	check(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

// lookAhead compiles patterns as the API has them, for the checker of the document.
func lookAhead(expr string) (openapi3.RegexMatcher, error) {
	re, err := regexp2.Compile(expr, regexp2.ECMAScript|regexp2.Unicode)
	return matcher{re}, err
}

type matcher struct{ re *regexp2.Regexp }

// MatchString tells whether the pattern matches.
func (m matcher) MatchString(text string) bool {
	ok, err := m.re.MatchString(text)
	return ok && err == nil
}

// TestOpenAPIDocument holds the document against the rules of OpenAPI 3.1, and against
// the table of routes: what is answered is in it, and nothing else is.
func TestOpenAPIDocument(t *testing.T) {
	h := newHarness(t)
	doc := document(t, h)
	err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater(),
		openapi3.EnableMultiError(), openapi3.SetRegexCompiler(lookAhead))
	if err != nil {
		t.Errorf("the document breaks the rules of OpenAPI: %.3000s", err)
	}
	described := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		if item.Servers == nil {
			path = "/api" + path
		}
		for method, op := range item.Operations() {
			described[routeKey(method, path)] = true
			if len(op.Tags) != 1 || op.OperationID == "" {
				t.Errorf("%s %s has no tag or no id", method, path)
			}
		}
	}
	for _, r := range h.api.Routes() {
		if !described[routeKey(r.Method, r.Path)] {
			t.Errorf("%s %s is answered and not in the document", r.Method, r.Path)
		}
		delete(described, routeKey(r.Method, r.Path))
	}
	for key := range described {
		t.Errorf("%s is in the document and not answered", key)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(ownRoutes) {
		if words := strings.Fields(line); len(words) > 1 {
			lines[routeKey(words[0], words[1])] = true
		}
	}
	for _, r := range ContractRoutes() {
		lines[routeKey(r.Method, r.Path)] = true
	}
	for _, r := range h.api.Routes() {
		if r.of == nil && !lines[routeKey(r.Method, r.Path)] {
			t.Errorf("no line of own_routes.txt describes %s %s", r.Method, r.Path)
		}
	}
	for _, typ := range h.api.engine.Registry().All() {
		if typ.Create != "" && doc.Paths.Find(typ.Collection) == nil {
			t.Errorf("the collection of %s is not in the document", typ.Name)
		}
	}
	for _, name := range []string{"Table", "CreateTableRequest", "TablePage", "Column", "EntityReference", "Problem", "Paging", "User", "ChangeEvent"} {
		if doc.Components.Schemas[name] == nil {
			t.Errorf("the schema %s has no name in the document", name)
		}
	}
}

// TestOpenAPIIsSent asks for the document as different clients do.
func TestOpenAPIIsSent(t *testing.T) {
	h := newHarness(t)
	ask := func(token string, headers ...string) answer {
		req := h.ask(t, "/swagger.json", token)
		req.Header.Set("Accept-Encoding", "identity")
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		return unfollowed(t, "GET /swagger.json", req)
	}
	if got := ask(""); got.status != http.StatusUnauthorized {
		t.Errorf("a stranger gets %d", got.status)
	}
	plain, packed := ask(h.admin.token), ask(h.admin.token, "Accept-Encoding", "br, gzip")
	if packed.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("not packed: %v", packed.header)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed.body))
	check(t, err)
	unpacked, err := io.ReadAll(r)
	check(t, err)
	etag := plain.header.Get("ETag")
	if !bytes.Equal(plain.body, unpacked) || etag != packed.header.Get("ETag") {
		t.Error("the packed document is another one")
	}
	if got := ask(h.admin.token, "If-None-Match", `"x", `+etag); got.status != http.StatusNotModified {
		t.Errorf("who has the document gets %d", got.status)
	}
	if got := ask(h.admin.token, "If-None-Match", `"x"`, "Accept-Encoding", "gzip;q=0"); got.status != http.StatusOK || got.header.Get("Content-Encoding") != "" {
		t.Errorf("who has another and takes no gzip gets %d %v", got.status, got.header)
	}
	other, err := newHarness(t).api.describe()
	check(t, err)
	if diff := cmp.Diff(etag, other.etag); diff != "" {
		t.Errorf("another server of this version has another document: %s", diff)
	}
}
