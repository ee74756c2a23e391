package api

import (
	_ "embed"
	"strings"
)

// contractRoutes lists every method and path of the wire contract, one a line, so that
// what is not built says so instead of looking unknown. The rest of a line says what
// goes in and out, for the OpenAPI document; openapi.Parse has its form.
//
//go:embed contract_routes.txt
var contractRoutes string

// ContractRoutes returns the methods and paths of the wire contract.
func ContractRoutes() []Route {
	var out []Route
	for line := range strings.Lines(contractRoutes) {
		if words := strings.Fields(line); len(words) > 1 {
			out = append(out, Route{Method: words[0], Path: "/api" + words[1]})
		}
	}
	return out
}

// missingRoutes returns the keys of contract routes that the table does not have.
func missingRoutes(t *routes) map[string]bool {
	missing := map[string]bool{}
	for _, r := range ContractRoutes() {
		if !t.has(r.Method, r.Path) {
			missing[r.Method+" "+r.Path] = true
		}
	}
	return missing
}

// matchMissing returns the key of the missing route that the request names.
func (c *call) matchMissing(path string) string {
	for key := range c.missing {
		method, pattern, _ := strings.Cut(key, " ")
		if method == c.r.Method && pathMatches(pattern, path) {
			return key
		}
	}
	return ""
}
