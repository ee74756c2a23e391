package server

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// watchedServer starts a server with metrics and returns where they are.
func watchedServer(t *testing.T, env map[string]string) (c *tester, operations string) {
	t.Helper()
	all := map[string]string{"CATALPA_INITIAL_ADMIN_PASSWORD": adminPassword, "CATALPA_OPERATIONS_ADDRESS": "127.0.0.1:0"}
	for name, value := range env {
		all[name] = value
	}
	c = startLoudWith(t, all)
	match := regexp.MustCompile(`address=http://(\S+)/metrics`).FindStringSubmatch(c.s.out.String())
	if match == nil {
		t.Fatalf("the log does not say where the metrics are:\n%s", c.s.out)
	}
	return c, "http://" + match[1]
}

// look asks the listener of operations, under a name if one is given.
func look(t *testing.T, url, host string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func TestMetricsTellWhatHappened(t *testing.T) {
	c, operations := watchedServer(t, nil)
	var signedIn tokens
	c.want(http.StatusOK, "", http.MethodPost, "/users/login", login(adminPassword)).read(t, &signedIn)
	c.want(http.StatusUnauthorized, "", http.MethodPost, "/users/login", login("Wrong-Guess-77"))
	c.want(http.StatusUnauthorized, "", http.MethodGet, "/tables", nil)
	c.want(http.StatusNotFound, signedIn.Access, http.MethodGet, "/tables/name/somebody.chose.this.name", nil)
	c.want(http.StatusCreated, signedIn.Access, http.MethodPost, "/domains", `{"name":"A word of the catalog","domainType":"Aggregate","description":""}`)
	status, got := look(t, operations+"/metrics", "")
	if status != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", status, got)
	}
	for _, line := range []string{
		`catalpa_sign_ins_total{way="password"} 1`,
		`catalpa_refusals_total{code="SEC-LOGIN-FAILED",what="sign-in"} 1`,
		`catalpa_refusals_total{code="SEC-TOK-MISSING",what="token"} 1`,
		`catalpa_http_requests_total{method="GET",route="/api/v1/tables/name/{fqn}",status="404"} 1`,
		`catalpa_http_requests_total{method="POST",route="/api/v1/domains",status="201"} 1`,
		`catalpa_http_request_duration_seconds_count{method="POST",route="/api/v1/domains"} 1`,
		`catalpa_http_answers_total{class="4xx"} 3`,
		`catalpa_source_up{source="index"} 1`, `catalpa_source_up{source="delivery"} 1`,
		`catalpa_jobs{state="waiting"} 0`, `catalpa_draining 0`, `catalpa_index_check_differences{kind="missing"} 0`,
		`catalpa_delivery_destinations{state="on"} 0`, `catalpa_build_info{version="test"} 1`, `catalpa_store_failures_total 0`,
	} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("the metrics lack the line %s", line)
		}
	}
	for _, pattern := range []string{`(?m)^catalpa_store_commits_total [1-9]`, `(?m)^catalpa_store_commit_updates_count [1-9]`, `(?m)^catalpa_index_position [0-9]`, `(?m)^go_goroutines `, `(?m)^process_resident_memory_bytes `} {
		if !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("no line of the metrics is like %s", pattern)
		}
	}
	for _, word := range []string{"admin@", "chose", "word of the catalog", signedIn.Access, "127.0.0.1"} {
		if strings.Contains(got, word) {
			t.Errorf("the metrics hold %q", word)
		}
	}
	documented(t, got)
	if status, _ := look(t, operations+"/debug/pprof/cmdline", ""); status != http.StatusNotFound {
		t.Errorf("profiles answer %d although they are not switched on", status)
	}
	if status, _ := look(t, c.s.url+"/metrics", ""); status != http.StatusNotFound {
		t.Errorf("the API's own listener answers %d to /metrics", status)
	}
}

// documented compares the names of the metrics with those that the page has.
func documented(t *testing.T, got string) {
	t.Helper()
	served := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (catalpa_\w+) `).FindAllStringSubmatch(got, -1) {
		served[match[1]] = true
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, match := range regexp.MustCompile("`(catalpa_\\w+)`").FindAllStringSubmatch(string(page), -1) {
		told[match[1]] = true
	}
	if d := cmp.Diff(sorted(served), sorted(told)); d != "" {
		t.Errorf("metrics (-served +in docs/operations.md):\n%s", d)
	}
}

func sorted(set map[string]bool) []string {
	var out []string
	for name := range set {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func TestProfilesAreForThisMachine(t *testing.T) {
	_, operations := watchedServer(t, map[string]string{"CATALPA_OPERATIONS_PPROF": "true"})
	if status, body := look(t, operations+"/debug/pprof/heap?debug=1", ""); status != http.StatusOK || !strings.Contains(body, "heap profile") {
		t.Errorf("the profile of the heap answers %d", status)
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(operations, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"localhost:" + port: 200, "[::1]:" + port: 200, "evil.example:" + port: http.StatusMisdirectedRequest, "evil.example": http.StatusMisdirectedRequest} {
		for _, path := range []string{"/metrics", "/debug/pprof/cmdline"} {
			if status, _ := look(t, operations+path, host); status != want {
				t.Errorf("%s under the name %s answers %d, want %d: a page whose name leads here could read it", path, host, status, want)
			}
		}
	}
}

func TestAnAddressInUseStopsTheStart(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := settings(t, filepath.Join(t.TempDir(), "data"))
	cfg.Operations.Address = taken.Addr().String()
	out := new(output)
	err = Run(t.Context(), cfg, Options{Stdout: out, Stderr: out, Version: "test"})
	if err == nil || !strings.Contains(err.Error(), "listening for operations on "+cfg.Operations.Address) {
		t.Errorf("the server ended with %v, want to be told that the address is taken", err)
	}
}
