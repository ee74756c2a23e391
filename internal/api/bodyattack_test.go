package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// maxGrowth is how much more a hostile body may make the server keep.
const maxGrowth = 64 << 20

// growth runs work and returns by how many bytes the live heap was larger meanwhile, at
// most: what is live is what a collection leaves, and it is collected all the time.
func growth(work func()) int64 {
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := live()
	most := before
	done, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, live())
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	work()
	close(done)
	<-finished
	return most - before
}

// wire is a connection on which a request is written by hand.
type wire struct {
	net.Conn
	answers chan answer // the answer, once it is there; closed without one when the server hangs up
}

// open connects and writes the head of a request for a caller.
func (h *harness) open(t *testing.T, who caller, method, path, media string, more ...string) *wire {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	check(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	head := []string{method + " /api/v1" + path + " HTTP/1.1", "Host: x", "Content-Type: " + media}
	if who.token != "" {
		head = append(head, "Authorization: Bearer "+who.token)
	}
	_, err = io.WriteString(conn, strings.Join(append(head, more...), "\r\n")+"\r\n\r\n")
	check(t, err)
	w := &wire{Conn: conn, answers: make(chan answer, 1)}
	go func() {
		defer close(w.answers)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			return
		}
		if resp.Close {
			resp.Header.Set("Connection", "close")
		}
		w.answers <- answer{status: resp.StatusCode, header: resp.Header, body: raw}
	}()
	return w
}

// answer waits for the answer.
func (w *wire) answer(t *testing.T, what string) answer {
	t.Helper()
	got, ok := <-w.answers
	if !ok {
		t.Fatalf("%s: the server hung up without an answer", what)
	}
	got.t, got.what = t, what
	return got
}

// flood writes a piece again and again until there is an answer, and returns that and
// how many bytes were taken.
func (w *wire) flood(t *testing.T, what string, piece []byte, most int64) (answer, int64) {
	t.Helper()
	taken := make(chan int64, 1)
	go func() {
		var sent int64
		for sent < most {
			n, err := w.Write(piece)
			sent += int64(n)
			if err != nil {
				break
			}
		}
		taken <- sent
	}()
	got := w.answer(t, what)
	_ = w.Close() // the server would linger
	return got, <-taken
}

// TestT70EndlessBodies: a body is read as far as its limit, and no more than that is
// kept, whether its length is told or not.
func TestT70EndlessBodies(t *testing.T) {
	h := newHarness(t)
	h.populate()
	x := h.attacked()
	piece := bytes.Repeat([]byte(`{"name":"x","n":[`), 4<<10)
	chunk := append(fmt.Appendf(nil, "%x\r\n", len(piece)), append(piece, '\r', '\n')...)
	const slack = 48 << 20 // what the buffers of a connection hold, and what is read while it is closed
	for _, test := range []struct {
		who                 caller
		method, path, media string
		limit               int64
	}{
		{h.admin, "POST", "/tables", "application/json", 32 << 20},
		{h.nobody, "PUT", "/tables/bulk", "application/json", 32 << 20},
		{h.nobody, "PATCH", "/tables/name/shop.db.public.zz", patchTypes, 32 << 20},
		{h.nobody, "PUT", "/tables/name/shop.db.public.zz/import", "text/plain", 32 << 20},
		{h.nobody, "POST", "/feed", "application/json", 1 << 20},
		{caller{}, "POST", "/users/login", "application/json", smallBody},
		{caller{}, "POST", "/users/signup", "application/json", smallBody},
		{caller{}, "POST", "/users/password/reset", "application/json", smallBody},
	} {
		what := test.method + " " + test.path
		grown := growth(func() {
			told := h.open(t, test.who, test.method, test.path, test.media, "Content-Length: 104857600")
			got, sent := told.flood(t, what+" of 100 MB", piece, 100<<20)
			x.refused(got, 413)
			if sent > slack {
				t.Errorf("%s: %d bytes were taken of a body that was told to be too large", what, sent)
			}
			endless := h.open(t, test.who, test.method, test.path, test.media, "Transfer-Encoding: chunked")
			got, sent = endless.flood(t, what+" without end", chunk, 1<<30)
			x.refused(got, 413)
			if sent > test.limit+slack {
				t.Errorf("%s: %d bytes were taken of a body without end", what, sent)
			}
		})
		if grown > maxGrowth {
			t.Errorf("%s: endless bodies made the heap grow by %d MiB", what, grown>>20)
		}
	}
	x.over()
}

// TestT70PackedBodies: bodies are not unpacked, but for logs, which are no further than
// their limit.
func TestT70PackedBodies(t *testing.T) {
	h := newHarness(t)
	h.ingestion()
	bot := h.bot()
	x := h.attacked()
	var member bytes.Buffer
	packer := gzip.NewWriter(&member)
	_, err := packer.Write(make([]byte, 16<<20))
	check(t, err)
	check(t, packer.Close())
	bomb := bytes.Repeat(member.Bytes(), 64) // 1 GiB unpacked: what follows each other belongs together
	grown := growth(func() {
		for _, coding := range []string{"gzip", "x-gzip", "deflate", "br", "zstd", "gzip, identity", "nonsense"} {
			for _, path := range []string{"/glossaries", "/users/login"} {
				packed := h.open(t, h.admin, "POST", path, "application/json", "Content-Encoding: "+coding, fmt.Sprintf("Content-Length: %d", len(bomb)))
				_, _ = packed.Write(bomb) // the server need not read it
				x.refused(packed.answer(t, coding+" for "+path), 415)
			}
		}
		plain := h.open(t, h.admin, "POST", "/glossaries", "application/json", fmt.Sprintf("Content-Length: %d", len(bomb)))
		_, _ = plain.Write(bomb)
		x.refused(plain.answer(t, "gzip as JSON"), 400)
		logs := fmt.Sprintf(`{"logs":%q,"timestamp":1,"compressed":true,"lineCount":1}`, base64.StdEncoding.EncodeToString(bomb))
		x.refused(h.as(bot, "POST", ingestions+"/logs/shop.nightly/run-1", logs), 413)
	})
	if grown > maxGrowth {
		t.Errorf("packed bodies made the heap grow by %d MiB", grown>>20)
	}
	x.over()
}

// drip sends a byte now and then until the connection is closed.
func (w *wire) drip(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for range tick.C {
		if _, err := w.Write([]byte(" ")); err != nil {
			return
		}
	}
}

// TestT70SlowBodiesHoldUpNobody: a body that comes in byte by byte is given up in time.
// Until then it takes no place from other requests, and one of a stranger none from the
// bodies of users.
func TestT70SlowBodiesHoldUpNobody(t *testing.T) {
	h := newHarness(t)
	x := h.attacked()
	h.api.slots, h.api.strangers = make(chan struct{}, 1), make(chan struct{}, 1)
	h.api.limits.StrangerTime = 500 * time.Millisecond
	login := h.open(t, caller{}, "POST", "/users/login", "application/json", "Content-Length: 1000")
	go login.drip(20 * time.Millisecond)
	for len(h.api.strangers) == 0 { // it is waited for
		runtime.Gosched()
	}
	// One request is worked on at a time, and it is none of these that wait.
	h.as(h.admin, "GET", "/system/version", nil).want(200)
	x.refused(h.as(h.admin, "POST", "/glossaries", `{`), 400)
	x.refused(login.answer(t, "a slow sign-in"), 408)
	h.api.limits.Timeout = 500 * time.Millisecond
	for _, test := range []struct{ method, path, media, coding string }{
		{"POST", "/tables", "application/json", "Content-Length: 1000"}, {"PATCH", "/users/" + h.admin.id.String(), patchTypes, "Content-Length: 1000"},
		{"PUT", "/users/import?team=Organization", "text/plain", "Content-Length: 1000"}, {"PUT", "/tables/bulk", "application/json", "Transfer-Encoding: chunked"},
	} {
		slow := h.open(t, h.admin, test.method, test.path, test.media, test.coding)
		if got := x.refused(slow.answer(t, "a slow "+test.method+" "+test.path), 408); got.header.Get("Connection") != "close" {
			t.Errorf("after %s the connection goes on: %v", got.what, got.header)
		}
	}
	if len(h.api.slots)+len(h.api.strangers)+len(h.api.arrivals) != 0 {
		t.Errorf("places are taken by nobody: %d, %d, %d", len(h.api.slots), len(h.api.strangers), len(h.api.arrivals))
	}
	h.api.limits.Timeout = time.Minute
	h.as(h.admin, "POST", "/glossaries", `{"name":"after","description":"all"}`).want(201)
	x.before = h.contents()
	x.over()
}

// TestT70HostileJSON: every route that takes JSON refuses what is nested without end, a
// number without end, or half a character; many members are refused before they are kept.
func TestT70HostileJSON(t *testing.T) {
	h := newHarness(t)
	table := h.table(h.schema(), "t", "id")
	h.do("PUT", "/system/settings", `{"config_type":"openLineageSettings","config_value":{"enabled":true}}`, 200)
	x := h.attacked()
	// Of each kind, a route gets one.
	hostile := [][]string{{
		strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000),
		`{"name":"x","description":"d","extension":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`,
	}, {
		`{"name":"x","description":"d","extension":{"a":` + strings.Repeat("9", 100_000) + `}}`,
		`{"name":"x","description":"d","config_type":"x","config_value":{"a":1e400},"extension":{"a":-1e999999999}}`,
	}, {
		`{"name":"x\ud800","description":"\udc00d","config_type":"x","config_value":{"a":"\ud83d"}}`,
		"{\"name\":\"x\xff\",\"description\":\"\xed\xa0\x80\",\"config_type\":\"x\",\"config_value\":{\"a\":\"\xc0\xaf\"}}",
		`["\ud800"]`,
	}}
	// These do something without a body, or say in another way what is wrong.
	others := []string{"POST /api/v1/system/security/validate", "POST /api/v1/search/vector/query", "POST /api/v1/docStore/resetEmailTemplate",
		"POST /api/v1/auth/logout", "POST /api/v1/services/ingestionPipelines/bulk/deploy", "POST /api/v1/services/ingestionPipelines/logs/{fqn}/{runId}/close"}
	tried := 0
	for _, r := range h.api.Routes() {
		if r.Method == http.MethodGet || r.Method == http.MethodDelete || strings.HasPrefix(r.Accepts, "text/") || strings.Contains(r.Accepts, "form-urlencoded") || strings.Contains(r.Accepts, "yaml") {
			continue
		}
		path := routeParam.ReplaceAllString(r.Path, "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6")
		if !strings.HasPrefix(path, "/api/v1/") || slices.Contains(others, r.Method+" "+r.Path) {
			continue
		}
		tried++
		for _, kind := range hostile {
			x.refused(h.as(h.admin, r.Method, strings.TrimPrefix(path, "/api/v1"), kind[tried%len(kind)]), 400, 401, 403, 404, 413)
		}
	}
	if tried < 500 {
		t.Errorf("only %d routes take bodies: are some missing?", tried)
	}
	var members strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&members, `,"k%d":0`, i)
	}
	keys := "{" + members.String()[1:] + "}"
	for what, test := range map[string]struct{ method, path, body string }{
		"an entity": {"POST", "/glossaries", keys}, "an extension": {"POST", "/glossaries", `{"name":"x","description":"d","extension":` + keys + `}`},
		"a setting": {"PUT", "/system/settings", `{"config_type":"x","config_value":` + keys + `}`}, "rows": {"PUT", "/tables/bulk", "[" + keys + "]"},
		"a patch": {"PATCH", "/tables/" + table, `[{"op":"add","path":"/extension","value":` + keys + `}]`}, "lineage": {"PUT", "/lineage", keys},
		"a long list": {"PUT", "/tables/bulk", "[" + strings.Repeat("{},", 5_000_000) + "{}]"}, "a sign-in": {"POST", "/users/login", keys},
		"samples": {"PUT", "/tables/" + table + "/sampleData", `{"columns":["id"],"rows":[` + strings.Repeat("[],", 2_000_000) + "[]]}"},
	} {
		grown := growth(func() { x.refused(h.as(h.admin, test.method, test.path, test.body), 400, 413) })
		if grown > maxGrowth {
			t.Errorf("%s with a million members made the heap grow by %d MiB", what, grown>>20)
		}
	}
	x.over()
}
