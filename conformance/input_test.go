package conformance

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// inputChecks send what no client should, and want to be told so.
func inputChecks() map[string]func(*testing.T, *maker) {
	return map[string]func(*testing.T, *maker){
		"bodies":          badBodies,
		"tables":          badTables,
		"names":           oddNames,
		"paths":           badPaths,
		"methods":         methods,
		"media types":     mediaTypes,
		"query strings":   badQueries,
		"large bodies":    largeBodies,
		"broken requests": brokenRequests,
	}
}

// refusedAs4xx wants an answer between 400 and 499 in the shape of errors.
func refusedAs4xx(t *testing.T, what string, a *answer) {
	t.Helper()
	if a.status < 400 || a.status > 499 {
		t.Errorf("%s: %s: status %d: %s", what, a.what, a.status, shorten(a.body))
		return
	}
	a.problem(t)
	for _, leak := range []string{"goroutine", "sqlite", "SELECT ", ".go:", "panic", "json: ", "*engine.", "jsontext"} {
		if strings.Contains(string(a.body), leak) {
			t.Errorf("%s: the message tells of our insides: %s", what, shorten(a.body))
		}
	}
}

func badBodies(t *testing.T, m *maker) {
	deep := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for what, body := range map[string]string{
		"empty": "", "blank": "  \n", "null": "null", "a list": "[]", "a string": `"x"`, "a number": "1", "nothing in it": "{}",
		"cut off": `{"name":"in`, "trailing text": `{"name":"input_b"} x`, "two documents": `{"name":"input_b"}{"name":"input_c"}`,
		"single quotes": `{'name':'x'}`, "comment": `{"name":"input_b"/**/}`, "trailing comma": `{"name":"input_b",}`, "NaN": `{"name":NaN}`,
		"repeated member": `{"name":"input_b","name":"input_c"}`, "repeated escaped": `{"name":"input_b","n\u0061me":"input_c"}`,
		"invalid UTF-8": "{\"name\":\"input_\xff\"}", "overlong UTF-8": "{\"name\":\"input_\xc0\x80\"}", "half surrogate": `{"name":"input_\ud800"}`,
		"NUL": `{"name":"input_\u0000b"}`, "raw NUL": "{\"name\":\"input_\x00b\"}", "NUL in a text": `{"name":"input_b","description":"a\u0000b"}`,
		"BOM": "\ufeff{\"name\":\"input_b\"}", "deep lists": `{"name":"input_b","extension":` + deep("[", "1", "]", 20_000) + "}",
		"deep objects": `{"name":"input_b","extension":` + deep(`{"a":`, "1", "}", 20_000) + "}", "only brackets": strings.Repeat("[", 200_000),
		"unknown member": `{"name":"input_b","frobnicate":1}`, "wrong type of name": `{"name":5}`, "name is null": `{"name":null}`,
		"name is empty": `{"name":""}`, "name is long": `{"name":"` + strings.Repeat("n", 10_000) + `"}`, "newline in name": `{"name":"input_\nb"}`,
		"colons in name": `{"name":"input::b"}`, "wrong type of text": `{"name":"input_b","description":{}}`, "tags no list": `{"name":"input_b","tags":{}}`,
		"unknown owner": `{"name":"input_b","owners":[{"id":"00000000-0000-4000-8000-00000000ffff","type":"user"}]}`,
		"owner's id":    `{"name":"input_b","owners":[{"id":"abc","type":"user"}]}`, "owner's type": `{"name":"input_b","owners":[{"id":"00000000-0000-4000-8000-00000000ffff","type":"metric"}]}`,
		"unknown domain": `{"name":"input_b","domains":["no such"]}`, "bad enum": `{"name":"input_b","metricType":"FROB"}`,
		"huge number": `{"name":"input_b","metricType":` + strings.Repeat("9", 400) + `}`,
		"unknown tag": `{"name":"input_b","tags":[{"tagFQN":"No.Such","source":"Classification","labelType":"Manual","state":"Confirmed"}]}`,
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			refusedAs4xx(t, what, m.c.send(t, method, "/api/v1/metrics", body))
			if got := m.c.get(t, "/api/v1/metrics/name/input_b"); got.status != http.StatusNotFound {
				t.Fatalf("%s: %s wrote something: %d", what, method, got.status)
			}
		}
		refusedAs4xx(t, what, m.c.send(t, http.MethodPut, "/api/v1/metrics/restore", body))
		if !strings.HasPrefix(body, "[") {
			refusedAs4xx(t, what, m.c.send(t, http.MethodPut, "/api/v1/metrics/bulk", body))
		}
	}
	for what, parts := range map[string][]string{
		`{}`: {"[name must not be null]"}, `{"name":""}`: {"name size must be between 1 and 256"},
		`{"name":"a\nb"}`: {"name must match"}, `{"name":"x","frobnicate":1}`: {`Unrecognized field "frobnicate"`},
		`{"name":"x","metricType":"FROB"}`: {"metricType", "FROB"}, `null`: {}, ``: {"no body"},
	} {
		m.c.send(t, http.MethodPost, "/api/v1/metrics", what).refused(t, http.StatusBadRequest, parts...)
	}
}

func badTables(t *testing.T, m *maker) {
	typ := m.typ(t, "table")
	request := m.request(t, typ, m.prefix+"_bad")
	column := func(members string) string { return `[{"name":"a",` + members + `}]` }
	columns := map[string]string{
		"no dataType": `[{"name":"a"}]`, "unknown dataType": column(`"dataType":"FROB"`), "no name": `[{"dataType":"INT"}]`,
		"repeated":     `[{"name":"a","dataType":"INT"},{"name":"a","dataType":"INT"}]`,
		"null columns": "null", "null column": "[null]", "object": "{}", "text": `"a"`, "numbers": "[1]",
		"VARCHAR without length": column(`"dataType":"VARCHAR"`), "ARRAY without items": column(`"dataType":"ARRAY"`),
		"STRUCT without children": column(`"dataType":"STRUCT"`), "unknown member": column(`"dataType":"INT","frob":1`),
		"text as length": column(`"dataType":"INT","dataLength":"x"`), "bad constraint": column(`"dataType":"INT","constraint":"FROB"`),
		"deep children": `[` + strings.Repeat(`{"name":"a","dataType":"STRUCT","children":[`, 300) + `{"name":"z","dataType":"INT"}` + strings.Repeat(`]}`, 300) + `]`,
		"long name":     `[{"name":"` + strings.Repeat("c", 10_000) + `","dataType":"INT"}]`, "empty name": `[{"name":"","dataType":"INT"}]`,
	}
	for what, list := range columns {
		body := fmt.Sprintf(`{"name":%q,"databaseSchema":%q,"columns":%s}`, request["name"], request["databaseSchema"], list)
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			refusedAs4xx(t, what, m.c.send(t, method, "/api/v1/tables", body))
		}
	}
	for what, rest := range map[string]string{
		"missing schema": `"databaseSchema":"no.such.schema"`, "schema as object": `"databaseSchema":{"id":"x"}`, "schema of one part": `"databaseSchema":"x"`,
		"broken schema name": `"databaseSchema":"a.\"b"`, "no schema": `"description":"x"`, "constraint on no column": fmt.Sprintf(`"databaseSchema":%q,"tableConstraints":[{"constraintType":"UNIQUE","columns":["zz"]}]`, request["databaseSchema"]),
	} {
		refusedAs4xx(t, what, m.c.send(t, http.MethodPost, "/api/v1/tables", fmt.Sprintf(`{"name":%q,"columns":[],%s}`, request["name"], rest)))
	}
	name := request["databaseSchema"].(string) + "." + request["name"].(string)
	m.c.get(t, "/api/v1/tables/name/"+url.PathEscape(name)+"?include=all").refused(t, http.StatusNotFound)
	m.c.send(t, http.MethodPost, "/api/v1/tables", fmt.Sprintf(`{"name":"x","databaseSchema":%q,"columns":[{"name":"a","dataType":"INT"},{"name":"a","dataType":"INT"}]}`, request["databaseSchema"])).
		refused(t, http.StatusBadRequest, "Column name a is repeated")
}

// oddNames are names that are allowed, and have to be found again.
func oddNames(t *testing.T, m *maker) {
	for _, name := range []string{
		"input.dotted", `input"quoted"`, `input".both"`, "input/slash", "input space", "input%percent", "input%2Fescaped", "input;semi", "input\\back",
		"inputü日本🙂", "input'single", "input<angle>", "input?query", "input#hash", "input+plus", "input&and", "input:colon", strings.Repeat("ü", 256),
	} {
		created := m.c.send(t, http.MethodPost, "/api/v1/metrics", map[string]any{"name": name}).want(t, http.StatusCreated).object(t)
		fqn, _ := created["fullyQualifiedName"].(string)
		if created["name"] != name || fqn == "" {
			t.Errorf("%q became %v, %q", name, created["name"], fqn)
		}
		got := m.c.get(t, "/api/v1/metrics/name/"+url.PathEscape(fqn)).want(t, http.StatusOK).object(t)
		if got["id"] != created["id"] {
			t.Errorf("%q is not found by %q", name, fqn)
		}
		m.c.send(t, http.MethodPatch, "/api/v1/metrics/name/"+url.PathEscape(fqn), []any{op("add", "/description", "x")}).want(t, http.StatusOK)
		m.c.send(t, http.MethodDelete, "/api/v1/metrics/name/"+url.PathEscape(fqn)+"?hardDelete=true", nil).want(t, http.StatusOK)
	}
}

func badPaths(t *testing.T, m *maker) {
	for path, status := range map[string]int{
		"/api/v1/metrics/no-uuid": 400, "/api/v1/metrics/%00": 400, "/api/v1/metrics/name/%00": 400, "/api/v1/metrics/name/%ff": 400, "/api/v1/metrics/name/a%zz": 400,
		"/api/v1//metrics": 400, "/api/v1/metrics/../users": 400, "/api/v1/metrics/%2e%2e/users": 400, "/api/v1/metrics;x=1": 400, "/api/v1/metrics/.": 400,
		"/api/v1/metrics/name/..": 400, "/api/v1/metrics/name/%252e%252e": 404, "/api/v1/metrics/name/a%252Fb": 404, "/api/v1/metrics/name/": 404,
		"/api/v1/nothing": 404, "/api/v2/metrics": 404, "/api/v1": 404, "/api/": 404, "/api/v1/metrics/": 404, "/nothing-at-all.html": 404,
		"/api/v1/metrics/name/" + strings.Repeat("n", 20_000):   400,
		"/api/v1/metrics/name/" + strings.Repeat("%C3%BC", 400): 404,
		"/api/v1/metrics/name/%22open":                          404,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.c.base, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = strings.TrimPrefix(m.c.base, "http:") + path // sent as it is
		req.Header.Set("Authorization", "Bearer "+m.c.token)
		got := m.c.do(t, req)
		got.what = "GET " + path[:min(len(path), 80)]
		// A server in front of the handlers may cut a bad request short on its own.
		if (got.status == http.StatusBadRequest || got.status == http.StatusRequestHeaderFieldsTooLarge) && got.header.Get("X-Request-Id") == "" {
			continue
		}
		got.refused(t, status)
	}
}

func methods(t *testing.T, m *maker) {
	id := "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6"
	for _, c := range []struct{ method, path string }{
		{http.MethodDelete, "/api/v1/metrics"}, {http.MethodPatch, "/api/v1/metrics"}, {http.MethodPost, "/api/v1/metrics/" + id}, {http.MethodPost, "/api/v1/system/version"},
		{http.MethodTrace, "/api/v1/metrics"}, {"FROB", "/api/v1/metrics"}, {http.MethodConnect, "/api/v1/metrics"}, {http.MethodPost, "/api/v1/metrics/name/x"},
	} {
		got := m.c.send(t, c.method, c.path, `{}`)
		if got.status != http.StatusMethodNotAllowed && got.status != http.StatusNotFound && got.status != http.StatusNotImplemented && got.status != http.StatusBadRequest {
			t.Errorf("%s: status %d", got.what, got.status)
		}
		if got.status == http.StatusMethodNotAllowed {
			got.problem(t)
			if got.header.Get("Allow") == "" {
				t.Errorf("%s: 405 without Allow", got.what)
			}
		}
	}
	got := m.c.send(t, http.MethodOptions, "/api/v1/metrics", nil).want(t, http.StatusOK)
	for _, method := range []string{"GET", "POST", "PUT"} {
		if !strings.Contains(got.header.Get("Allow"), method) {
			t.Errorf("OPTIONS allows %q", got.header.Get("Allow"))
		}
	}
	for _, path := range []string{"/api/v1/metrics", "/api/v1/system/version"} {
		head := m.c.send(t, http.MethodHead, path, nil).want(t, http.StatusOK)
		if len(head.body) != 0 || head.header.Get("Content-Type") != "application/json" {
			t.Errorf("HEAD %s: %d bytes of %q", path, len(head.body), head.header.Get("Content-Type"))
		}
	}
}

func mediaTypes(t *testing.T, m *maker) {
	for media, status := range map[string]int{
		"text/plain": 415, "application/xml": 415, "application/json-patch+json": 415, "multipart/form-data; boundary=x": 415, "nonsense": 415, "application/json/": 415,
		"application/x-www-form-urlencoded": 415,
	} {
		m.c.send(t, http.MethodPost, "/api/v1/metrics", `{"name":"input_media"}`, "Content-Type", media).refused(t, status)
	}
	m.c.get(t, "/api/v1/metrics/name/input_media").refused(t, http.StatusNotFound)
	for i, media := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
		m.c.send(t, http.MethodPost, "/api/v1/metrics", fmt.Sprintf(`{"name":"input_media_%d"}`, i), "Content-Type", media).want(t, http.StatusCreated)
	}
	for _, accept := range []string{"*/*", "application/json", "text/html,*/*;q=0.1"} {
		m.c.send(t, http.MethodGet, "/api/v1/metrics/name/input_media_0", nil, "Accept", accept).want(t, http.StatusOK)
	}
}

func badQueries(t *testing.T, m *maker) {
	for query, status := range map[string]int{
		"limit=abc": 400, "limit=-1": 400, "limit=1e3": 400, "limit=99999999999999999999": 400, "fields=bogus": 400, "fields=" + strings.Repeat("owners,", 1000): 400,
		"include=bogus": 400, "after=!!!": 400, "after=" + strings.Repeat("YQ", 7_000): 400, "after=YQ&before=YQ": 400, "x=%zz": 400, "x=%00": 400, "x=%ff": 400,
	} {
		m.c.get(t, "/api/v1/metrics?"+query).refused(t, status)
	}
	for _, query := range []string{"", "unknown=1", "offset=0", "fields=", "fields=owners%2Ctags", "fields=owners,%20tags", "limit=5&limit=6", "domain=no.such"} {
		m.c.get(t, "/api/v1/metrics?"+query).want(t, http.StatusOK)
	}
	for _, query := range []string{"hardDelete=maybe", "recursive=2"} {
		m.c.send(t, http.MethodDelete, "/api/v1/metrics/6dd7029b-4e5f-467f-9ea0-c88c4935b1a6?"+query, nil).refused(t, http.StatusBadRequest)
	}
}

// filler is a body that grows while it is sent.
type filler struct {
	head string
	left int
}

func (f *filler) Read(p []byte) (int, error) {
	if f.head != "" {
		n := copy(p, f.head)
		f.head = f.head[n:]
		return n, nil
	}
	if f.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), f.left)
	for i := range n {
		p[i] = 'a'
	}
	f.left -= n
	return n, nil
}

// largeBodies sends more than the server takes, at once and in pieces.
func largeBodies(t *testing.T, m *maker) {
	const size = 50 << 20
	for _, path := range []string{"/api/v1/metrics", "/api/v1/users/login", "/api/v1/metrics/bulk"} {
		for _, length := range []int64{size, -1} {
			method := http.MethodPost
			if strings.HasSuffix(path, "bulk") {
				method = http.MethodPut
			}
			req, err := http.NewRequestWithContext(t.Context(), method, m.c.base+path, &filler{head: `{"name":"input_large","description":"`, left: size - 37})
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = length
			req.Header.Set("Authorization", "Bearer "+m.c.token)
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Expect", "100-continue") // so that the answer is seen before the body is sent
			resp, err := m.c.http.Do(req)
			if err != nil {
				continue // the server closed the connection under the flood
			}
			if resp.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s of 50 MB: status %d", path, resp.StatusCode)
			}
			resp.Body.Close()
		}
	}
	m.c.get(t, "/api/v1/metrics/name/input_large").refused(t, http.StatusNotFound)
}

// brokenRequests writes to the socket what no HTTP client would.
func brokenRequests(t *testing.T, m *maker) {
	address := strings.TrimPrefix(m.c.base, "http://")
	for what, text := range map[string]string{
		"no HTTP":              "hello\r\n\r\n",
		"no host":              "GET /api/v1/metrics HTTP/1.1\r\n\r\n",
		"two lengths":          "POST /api/v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"length and chunks":    "POST /api/v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"bad chunk":            "POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"space in target":      "GET /api/v1/met rics HTTP/1.1\r\nHost: x\r\n\r\n",
		"control in target":    "GET /api/v1/\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
		"header of 2 MB":       "GET /api/v1/metrics HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("a", 2<<20) + "\r\n\r\n",
		"body that ends early": "POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"email\":",
	} {
		status := exchange(t, address, text)
		// No answer at all, a closed connection, is a fair answer to these.
		if status != "" && !strings.HasPrefix(status, "HTTP/1.1 4") && !strings.HasPrefix(status, "HTTP/1.0 4") {
			t.Errorf("%s: %s", what, status)
		}
	}
	m.c.get(t, "/api/v1/system/version").want(t, http.StatusOK)
}

// exchange sends text, ends the sending side, and returns the status line.
func exchange(t *testing.T, address, text string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return "" // the server has closed already
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // a server that has closed already cannot be told
	}
	got, _ := io.ReadAll(io.LimitReader(conn, 4096))
	line, _, _ := strings.Cut(string(got), "\r\n")
	return line
}
