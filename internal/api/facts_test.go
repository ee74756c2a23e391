package api

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const factsPage = "../../docs/adr/0003-facts-settled.md"

// settledRoute is a line of the page about a route: method, path, what was found, where,
// what is served.
var settledRoute = regexp.MustCompile("(?m)^\\| (GET|POST|PUT|PATCH|DELETE) \\| `([^`]+)` \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|$")

// TestDocsOfSettledFacts keeps the page about settled facts true about routes: what it
// says is served is, what it says is no route is not listed as one that is missing, and
// each line says one of the two or that the route is to be built.
func TestDocsOfSettledFacts(t *testing.T) {
	text, err := os.ReadFile(factsPage)
	check(t, err)
	table := newHarness(t).api.routes
	listed := ContractRoutes()
	lines := settledRoute.FindAllStringSubmatch(string(text), -1)
	for _, line := range lines {
		method, path, catalpa := line[1], "/api"+line[2], line[5]
		known := slices.ContainsFunc(listed, func(r Route) bool { return r.Method == method && r.Path == path })
		switch {
		case strings.HasPrefix(catalpa, "no such route"):
			if known || table.has(method, path) {
				t.Errorf("%s says that %s %s is no route, but it is in the list of the API or served", factsPage, method, path)
			}
		case !known:
			t.Errorf("%s settles %s %s, which is not in contract_routes.txt", factsPage, method, path)
		case strings.Contains(catalpa, "once built"):
		case strings.HasPrefix(catalpa, "as found") || strings.HasPrefix(catalpa, "differs: "):
			if !table.has(method, path) {
				t.Errorf("%s says what %s %s serves, but nothing does", factsPage, method, path)
			}
		default:
			t.Errorf("%s: %s %s must say \"as found\", \"differs: \" and how, or \"no such route\", not %q", factsPage, method, path, catalpa)
		}
	}
	if rows := strings.Count(string(text), "| `/v1/"); len(lines) != rows || rows < 80 {
		t.Errorf("%d of %d lines about routes could be read", len(lines), rows)
	}
}
