package api

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	docCall  = regexp.MustCompile("\\b(GET|POST|PUT|PATCH|DELETE) (/[^\\s`?\"')|]+)")
	docParam = regexp.MustCompile(`\{[^}]*\}`)
)

// TestDocsNameServedRoutes: each call that a page of the documentation names is served.
func TestDocsNameServedRoutes(t *testing.T) {
	routes := newHarness(t).api.Routes()
	served := func(method, path string) bool {
		return slices.ContainsFunc(routes, func(r Route) bool { return r.Method == method && isOf(r.Path, path) })
	}
	var pages []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		check(t, err)
		pages = append(pages, found...)
	}
	named := 0
	for _, page := range pages {
		if filepath.Base(page) == "compatibility.md" {
			continue // written from the routes, and lists also what is not served
		}
		text, err := os.ReadFile(page)
		check(t, err)
		for _, match := range docCall.FindAllStringSubmatch(docParam.ReplaceAllString(string(text), "{}"), -1) {
			path := strings.TrimRight(match[2], ".,;:")
			named++
			if !served(match[1], path) && !served(match[1], "/api/v1"+path) {
				t.Errorf("%s names %s %s, which is not served", filepath.Base(page), match[1], path)
			}
		}
	}
	if named < 40 {
		t.Errorf("only %d calls were found", named)
	}
}

// isOf tells whether a path is of a route: its parameters stand for anything.
func isOf(route, path string) bool {
	want, got := strings.Split(route, "/"), strings.Split(path, "/")
	return len(want) == len(got) && !slices.ContainsFunc(want, func(segment string) bool {
		given := got[0]
		got = got[1:]
		return segment != given && !strings.HasPrefix(segment, "{")
	})
}
