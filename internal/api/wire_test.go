package api

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// send sends a request to a path as it is written, with headers.
func (h *harness) send(method, path, body string, header map[string]string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url, strings.NewReader(body))
	check(h.t, err)
	req.URL.Opaque = path // as it is: neither cleaned nor escaped again
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	check(h.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	check(h.t, err)
	return answer{t: h.t, what: method + " " + path, status: resp.StatusCode, header: resp.Header, body: raw}
}

func (h *harness) bearer() map[string]string {
	return map[string]string{"Authorization": "Bearer " + h.admin.token}
}

// TestEveryAnswerIsSafe looks at the header of answers of all kinds.
func TestEveryAnswerIsSafe(t *testing.T) {
	h := newHarness(t)
	ids := map[string]bool{}
	for _, test := range []struct {
		method, path string
		header       map[string]string
		status       int
	}{
		{"GET", "/api/v1/system/version", nil, 200},
		{"GET", "/api/v1/tables", h.bearer(), 200},
		{"HEAD", "/api/v1/tables", h.bearer(), 200},
		{"OPTIONS", "/api/v1/tables", h.bearer(), 200},
		{"GET", "/api/v1/tables", nil, 401},
		{"GET", "/api/v1/tables/nonsense", h.bearer(), 400},
		{"GET", "/api/v1/nothing", h.bearer(), 404},
		{"GET", "/nothing", nil, 404},
		{"DELETE", "/api/v1/system/version", h.bearer(), 405},
		{"POST", "/api/v1/tables", h.bearer(), 400},
		{"GET", "/api/v1//tables", nil, 400},
	} {
		got := h.send(test.method, test.path, "", test.header).want(test.status)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
		} {
			if value := got.header.Get(name); value != want {
				t.Errorf("%s: %s is %q, want %q", got.what, name, value, want)
			}
		}
		id := got.header.Get("X-Request-Id")
		if len(id) != 16 || ids[id] {
			t.Errorf("%s has the request id %q, of %d before", got.what, id, len(ids))
		}
		ids[id] = true
		if test.status >= 400 && test.method != http.MethodHead {
			got.shows("requestId", id, "code", strconv.Itoa(test.status))
			if got.header.Get("Content-Type") != "application/json" || got.at("message") == "" || got.at("errorType") == "" {
				t.Errorf("%s answers %s: %s", got.what, got.header.Get("Content-Type"), got.body)
			}
		}
		if want := test.status == 401; (got.header.Get("WWW-Authenticate") != "") != want {
			t.Errorf("%s answers %d with WWW-Authenticate %q", got.what, test.status, got.header.Get("WWW-Authenticate"))
		}
	}
}

func TestMethodsThatAPathDoesNotHave(t *testing.T) {
	h := newHarness(t)
	for _, test := range []struct{ method, path, allow string }{
		{"PATCH", "/api/v1/tables", "GET, POST, PUT, HEAD, OPTIONS"},
		{"DELETE", "/api/v1/tables", "GET, POST, PUT, HEAD, OPTIONS"},
		{"POST", "/api/v1/system/health", "GET, HEAD, OPTIONS"},
	} {
		got := h.send(test.method, test.path, "", h.bearer())
		options := h.send("OPTIONS", test.path, "", h.bearer()).want(200)
		if len(options.body) != 0 {
			t.Errorf("OPTIONS %s answers with %s", test.path, options.body)
		}
		got.want(405).shows("errorType", "METHOD_NOT_ALLOWED")
		for _, a := range []answer{got, options} {
			if a.header.Get("Allow") != test.allow {
				t.Errorf("%s allows %q, want %q", a.what, a.header.Get("Allow"), test.allow)
			}
		}
	}
	h.send("OPTIONS", "/api/v1/nothing", "", h.bearer()).want(404)
	h.send("OPTIONS", "/api/v1/tables", "", nil).want(401) // what there is is nobody's business
	h.send("TRACE", "/api/v1/tables", "", h.bearer()).want(405)
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	h := newHarness(t)
	id := h.table(h.schema(), "a", "id")
	for _, path := range []string{"/api/v1/tables/" + id, "/api/v1/tables", "/api/v1/system/version", "/api/v1/tables/name/shop.db.public.none"} {
		get, head := h.send("GET", path, "", h.bearer()), h.send("HEAD", path, "", h.bearer())
		if get.status != head.status || len(head.body) != 0 {
			t.Errorf("HEAD %s answers %d and %d bytes, GET %d", path, head.status, len(head.body), get.status)
		}
		for _, name := range []string{"Content-Type", "ETag"} {
			if a, b := get.header.Get(name), head.header.Get(name); a != b {
				t.Errorf("%s: %s of GET is %q, of HEAD %q", path, name, a, b)
			}
		}
	}
}

func TestTargetsThatCouldBeReadInTwoWays(t *testing.T) {
	h := newHarness(t)
	for path, status := range map[string]int{
		"/api/v1/tables/../users":                              400,
		"/api/v1/tables/%2e%2e/users":                          400,
		"/api/v1/tables/./x":                                   400,
		"/api/v1/tables/name/a%00b":                            400,
		"/api/v1/tables/name/a;b":                              400,
		"/api/v1/tables/name/%ff":                              400,
		"/api/v1//users":                                       400,
		"/api/v1/tables?fields=%zz":                            400,
		"/api/v1/tables?service=%00":                           400,
		"/api/v1/tables?service=%ff":                           400,
		"/api/v1/tables?%ff=x":                                 400,
		"/api/v1/tables?service=" + strings.Repeat("x", 17000): 400,
		"/api/v1/tables/name/a%2Fb":                            404, // a slash inside a name
		"/api/v1/tables/name/a%3Bb":                            404,
		"/api/v1/tables/name/a%252Fb":                          404, // the name a%2Fb
		"/api/v1/tables/":                                      404,
	} {
		if got := h.send("GET", path, "", h.bearer()); got.status != status {
			t.Errorf("%.60s answers %d, want %d: %s", path, got.status, status, got.body)
		}
	}
}

func TestBodiesThatAreNotTaken(t *testing.T) {
	h := newHarness(t)
	id := h.table(h.schema(), "a", "id")
	for _, test := range []struct {
		method, path, media, body string
		status                    int
	}{
		{"POST", "/tables", "text/plain", `{}`, 415},
		{"POST", "/tables", "application/xml", `<a/>`, 415},
		{"POST", "/tables", "nonsense;;", `{}`, 415},
		{"POST", "/tables", "application/json", ``, 400},
		{"POST", "/tables", "application/json; charset=utf-8", `{"name":"b","databaseSchema":"shop.db.public","columns":[]}`, 201},
		{"POST", "/tables", "application/json", `null`, 400},
		{"POST", "/tables", "application/json", `{"name":"b","name":"c"}`, 400},
		{"PATCH", "/tables/" + id, "application/json", `[]`, 415},
		{"PATCH", "/tables/" + id, "", `[]`, 415},
		{"PATCH", "/tables/" + id, "application/json-patch+json", `[]`, 200},
		{"POST", "/users/login", "application/json", `{"email":"` + strings.Repeat("x", smallBody) + `"}`, 413},
	} {
		header := h.bearer()
		if test.media != "" {
			header["Content-Type"] = test.media
		}
		if got := h.send(test.method, "/api/v1"+test.path, test.body, header); got.status != test.status {
			t.Errorf("%s %s as %q answers %d, want %d: %s", test.method, test.path, test.media, got.status, test.status, got.body)
		}
	}
}
