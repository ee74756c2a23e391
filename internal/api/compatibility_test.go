package api

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/compatibility.md anew")

const compatibilityPage = "../../docs/compatibility.md"

// TestCompatibilityPage keeps the page in step with the table of routes.
func TestCompatibilityPage(t *testing.T) {
	h := newHarness(t)
	want := compatibility(h.api)
	if *update {
		check(t, os.WriteFile(compatibilityPage, want, 0o644))
	}
	got, err := os.ReadFile(compatibilityPage)
	check(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/compatibility.md is out of step; run: go test ./internal/api -run TestCompatibilityPage -update\n(-want +got):\n%.3000s", diff)
	}
}

// compatibility writes the page: one line a group of routes, then what is missing.
func compatibility(a *API) []byte {
	served, missing := map[string][]string{}, map[string][]string{}
	total, have := 0, 0
	for _, r := range ContractRoutes() {
		total++
		group := groupOf(r.Path)
		line := r.Method + " " + strings.TrimPrefix(r.Path, "/api")
		if a.routes.has(r.Method, r.Path) {
			have++
			served[group] = append(served[group], line)
		} else {
			missing[group] = append(missing[group], line)
		}
	}
	groups := map[string]bool{}
	for group := range served {
		groups[group] = true
	}
	for group := range missing {
		groups[group] = true
	}
	names := make([]string, 0, len(groups))
	for group := range groups {
		names = append(names, group)
	}
	slices.Sort(names)

	var b bytes.Buffer
	b.WriteString("# Compatibility: which calls of the OpenMetadata 1.12 API are answered\n\n")
	b.WriteString("This page is written from the table of routes by a test, so it cannot promise more than the server does.\n")
	b.WriteString("A call that is not built answers `501` with a message that says so; nothing answers `200` and forgets.\n")
	b.WriteString("What goes in and comes out of those that are built is in the OpenAPI document at `/openapi.json`, which wants a token like the API itself.\n\n")
	fmt.Fprintf(&b, "Of %d calls of the API, %d are answered.\n\n| Group | Answered | Missing |\n|---|---:|---:|\n", total, have)
	for _, name := range names {
		fmt.Fprintf(&b, "| `%s` | %d | %d |\n", name, len(served[name]), len(missing[name]))
	}
	b.WriteString("\n## Catalpa's own\n\nCalls that are not among those this page compares with. Where a call answers with a `jobId`, OpenMetadata tells through\n")
	b.WriteString("a websocket what became of it; here `GET /v1/jobs/{jobId}` tells it, to whoever began it and to administrators: `QUEUED`, `IN_PROGRESS`, `COMPLETED` or `FAILED`,\n")
	b.WriteString("and `/result` answers what the call that waits would have answered. Jobs are known for an hour after their end,\nalso to servers that share data and after a restart; results are with the server that ran them, until it stops. What a server has left\nunfinished is shown as `FAILED` by the next one, but for deletions, which it goes on with.\n\n")
	for _, line := range own(a) {
		fmt.Fprintf(&b, "- `%s`\n", line)
	}
	b.WriteString("\n## RDF\n\n`GET /v1/rdf/entity/{entityType}/{id}` gives an entity as JSON-LD, Turtle, RDF/XML or N-Triples, with all that a reader of the entity sees;\n")
	b.WriteString("`/v1/rdf/graph/explore` and `/v1/rdf/inference/lineage/{entityId}` are answered from the catalog too, as far as the caller may see it: at most 500 nodes,\n")
	b.WriteString("five steps, and of what refers to the entity the first hundred of each kind. There is no store of triples: SPARQL, SQL over it and its searches answer `503`\n")
	b.WriteString("as OpenMetadata does where RDF is not enabled, and `/v1/rdf/status` says `{\"enabled\": false}`.\n")
	b.WriteString("\n## Missing\n")
	for _, name := range names {
		if len(missing[name]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n", name)
		slices.Sort(missing[name])
		for _, line := range missing[name] {
			fmt.Fprintf(&b, "- `%s`\n", line)
		}
	}
	return b.Bytes()
}

// own lists the calls below /v1 that the contract does not have.
func own(a *API) []string {
	known := map[string]bool{}
	for _, r := range ContractRoutes() {
		known[routeKey(r.Method, r.Path)] = true
	}
	var lines []string
	for _, r := range a.Routes() {
		if path, ok := strings.CutPrefix(r.Path, "/api/v1/"); ok && !known[routeKey(r.Method, r.Path)] {
			lines = append(lines, r.Method+" /v1/"+path)
		}
	}
	return lines
}

// groupOf names the part of the API a path belongs to: /v1/tables/{id} is in
// /v1/tables, /v1/services/x/{id} in /v1/services/x.
func groupOf(path string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/api/"), "/")
	n := 2
	if len(segments) > 2 && slices.Contains([]string{"services", "dataQuality", "analytics", "governance", "drives", "system", "metadata", "apps", "automations", "events", "dashboard"}, segments[1]) && !strings.HasPrefix(segments[2], "{") {
		n = 3
	}
	return "/" + strings.Join(segments[:min(n, len(segments))], "/")
}

// What is missing must not be taken for an entity whose id is a word.
func TestWhatIsNotBuiltSaysSo(t *testing.T) {
	h := newHarness(t)
	missing := missingRoutes(h.api.routes)
	for key := range missing {
		method, path, _ := strings.Cut(key, " ")
		if strings.Contains(path, "{") {
			continue
		}
		if got := h.as(h.admin, method, strings.TrimPrefix(path, "/api/v1"), nil); got.status != 501 {
			t.Errorf("%s answers %d: %s", key, got.status, got.body)
		}
	}
}
