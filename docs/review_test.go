package docs

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the names of tests into docs/security/review.md")

const reviewPage = "docs/security/review.md"

var (
	testFunc  = regexp.MustCompile(`^func (Test(?:([TFL])([0-9]{2})(?:To[TFL]?([0-9]{2})|[TFL]([0-9]{2}))?)?[A-Za-z0-9_]*)\(`)
	caseName  = regexp.MustCompile(`"([TFL][0-9]{2})[ ":]`)
	benchmark = regexp.MustCompile(`^// (Benchmark[A-Za-z0-9_]*) is ([TFL][0-9]{2})\b`)
	faultID   = regexp.MustCompile(`ID: +"(T[0-9]{2})"`)
	proofRow  = regexp.MustCompile(`(?m)^\| ([TFL][0-9]{2}) \| ([^|]+) \| ([^|\n]*) \|$`)
)

// proofs finds the tests of every row by their names, and by those of their cases.
func proofs(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string]map[string]bool{}
	add := func(id, test string) {
		if found[id] == nil {
			found[id] = map[string]bool{}
		}
		found[id][test] = true
	}
	var faults []string
	callers := map[string]bool{}
	sources(t, func(name, text string) {
		if strings.Contains(name, "node_modules/") {
			return
		}
		if !strings.HasSuffix(name, "_test.go") {
			if strings.Contains(name, "/authtest/") {
				for _, match := range faultID.FindAllStringSubmatch(text, -1) {
					faults = append(faults, match[1])
				}
			}
			return
		}
		current := ""
		for line := range strings.Lines(text) {
			if match := testFunc.FindStringSubmatch(line); match != nil {
				current = path.Dir(name) + " " + match[1]
				for _, id := range ids(match[2], match[3], match[4], match[5]) {
					add(id, current)
				}
			}
			if match := benchmark.FindStringSubmatch(line); match != nil {
				add(match[2], path.Dir(name)+" "+match[1])
			}
			if current == "" {
				continue
			}
			if match := caseName.FindStringSubmatch(line); match != nil && !strings.Contains(name, "/authtest/") {
				add(match[1], current)
			}
			if strings.Contains(line, "range authtest.TokenFaults()") {
				callers[current] = true
			}
		}
	}, "internal", "cmd", "acceptance", "conformance", "crash", "bench", "signontest")
	for caller := range callers {
		for _, id := range faults {
			add(id, caller)
		}
	}
	sorted := map[string][]string{}
	for id, tests := range found {
		sorted[id] = slices.Sorted(maps.Keys(tests))
	}
	return sorted
}

// ids are those that the name of a test speaks of: T07, T02ToT04, T21T23.
func ids(kind, first, last, second string) []string {
	if kind == "" {
		return nil
	}
	found := []string{kind + first}
	if second != "" {
		found = append(found, kind+second)
	}
	from, _ := strconv.Atoi(first)
	to, _ := strconv.Atoi(last) // 0 if there is none
	for n := from + 1; n <= to; n++ {
		found = append(found, fmt.Sprintf("%s%02d", kind, n))
	}
	return found
}

// cell names tests as the table does: by folder, in code.
func cell(tests []string) string {
	byFolder := map[string][]string{}
	for _, test := range tests {
		folder, name, _ := strings.Cut(test, " ")
		byFolder[folder] = append(byFolder[folder], "`"+name+"`")
	}
	parts := make([]string, 0, len(byFolder))
	for _, folder := range slices.Sorted(maps.Keys(byFolder)) {
		parts = append(parts, strings.TrimPrefix(folder, "internal/")+": "+strings.Join(byFolder[folder], ", "))
	}
	return strings.Join(parts, "; ")
}

// TestReviewNamesTheProofs: the table of proofs has every row, each test it names
// exists, and it calls nothing open that is proved, nor the other way round.
func TestReviewNamesTheProofs(t *testing.T) {
	text, found := pages(t)[reviewPage], proofs(t)
	if *update {
		text = proofRow.ReplaceAllStringFunc(text, func(line string) string {
			match := proofRow.FindStringSubmatch(line)
			if tests := found[match[1]]; len(tests) > 0 {
				match[3] = cell(tests)
			} else if !strings.HasPrefix(match[3], "open:") {
				match[3] = "open: no test yet"
			}
			return fmt.Sprintf("| %s | %s | %s |", match[1], match[2], match[3])
		})
		if err := os.WriteFile(filepath.Join(root, reviewPage), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rows := map[string]string{}
	for _, match := range proofRow.FindAllStringSubmatch(text, -1) {
		if _, twice := rows[match[1]]; twice {
			t.Errorf("%s has two rows", match[1])
		}
		rows[match[1]] = match[3]
	}
	for kind, last := range map[string]int{"T": 72, "F": 14, "L": 6} {
		for n := range last {
			id := fmt.Sprintf("%s%02d", kind, n+1)
			told, listed := rows[id]
			switch open := strings.HasPrefix(told, "open:"); {
			case !listed:
				t.Errorf("%s does not list %s", reviewPage, id)
			case open && len(found[id]) > 0:
				t.Errorf("%s calls %s open, but it is proved by %s; run go test ./docs -run Review -update", reviewPage, id, cell(found[id]))
			case !open && len(found[id]) == 0:
				t.Errorf("%s says that %s is proved, but no test has its name", reviewPage, id)
			case !open:
				checkNamed(t, id, told, found[id])
			}
		}
	}
}

// checkNamed: what is named exists. A test that came later may be missing.
func checkNamed(t *testing.T, id, told string, found []string) {
	t.Helper()
	named := regexp.MustCompile("`([A-Za-z0-9_]+)`").FindAllStringSubmatch(told, -1)
	if len(named) == 0 {
		t.Errorf("the row of %s names no test", id)
	}
	for _, match := range named {
		if !slices.ContainsFunc(found, func(test string) bool { return strings.HasSuffix(test, " "+match[1]) }) {
			t.Errorf("the row of %s names %s, which is no test of it; run go test ./docs -run Review -update", id, match[1])
		}
	}
}

// TestReviewListsThePublicRoutes: the list is the one that the API's test holds.
func TestReviewListsThePublicRoutes(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "internal", "api", "closed_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(raw), "var reviewedPublic = []string{")
	list, _, _ = strings.Cut(list, "\n}\n")
	served := map[string]bool{}
	for _, match := range regexp.MustCompile(`"([A-Z]+ /[^"]*)"`).FindAllStringSubmatch(list, -1) {
		served[match[1]] = true
	}
	if len(served) < 20 {
		t.Fatalf("only %d public routes were found", len(served))
	}
	told := map[string]bool{}
	_, section, _ := strings.Cut(pages(t)[reviewPage], "\n## What answers without a credential\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, match := range regexp.MustCompile("`([A-Z]+ /[^`]*)`").FindAllStringSubmatch(section, -1) {
		told[match[1]] = true
		if !served[match[1]] {
			t.Errorf("%s lists %s, which is not public", reviewPage, match[1])
		}
	}
	for route := range served {
		if !told[route] {
			t.Errorf("%s does not list the public route %s", reviewPage, route)
		}
	}
}
