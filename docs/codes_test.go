package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

var (
	code    = regexp.MustCompile(`SEC(?:-[A-Z0-9]+)+`)
	defined = regexp.MustCompile(`Code[A-Za-z]* += "(SEC(?:-[A-Z0-9]+)+)"`)
	row     = regexp.MustCompile("(?m)^\\| `(SEC(?:-[A-Z0-9]+)+)` \\|([^|]*)\\|([^|]*)\\|([^|\n]*)\\|$")
)

const codesPage = "docs/security/troubleshooting.md"

// knownCodes are all codes that the product can show: those of refusals, and those
// that settings and diagnosis define.
func knownCodes(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, c := range auth.Codes() {
		known[c] = true
	}
	sources(t, func(name, text string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, match := range defined.FindAllStringSubmatch(text, -1) {
			known[match[1]] = true
		}
	}, "internal")
	return known
}

// TestEveryCodeIsExplained: each code has one row with symptom, cause and remedy.
func TestEveryCodeIsExplained(t *testing.T) {
	explained := map[string]bool{}
	for _, match := range row.FindAllStringSubmatch(pages(t)[codesPage], -1) {
		if explained[match[1]] {
			t.Errorf("%s has two rows", match[1])
		}
		explained[match[1]] = true
		for i, what := range []string{"symptom", "cause", "remedy"} {
			if strings.TrimSpace(match[i+2]) == "" {
				t.Errorf("%s has no %s", match[1], what)
			}
		}
	}
	known := knownCodes(t)
	if len(known) < 60 {
		t.Fatalf("only %d codes were found in the product", len(known))
	}
	for c := range known {
		if !explained[c] {
			t.Errorf("%s does not explain %s", codesPage, c)
		}
	}
}

// TestNoCodeIsInvented: pages name codes that exist. A code that ends in ... or * stands
// for several.
func TestNoCodeIsInvented(t *testing.T) {
	known := knownCodes(t)
	for name, text := range pages(t) {
		for _, at := range code.FindAllStringIndex(text, -1) {
			c, rest := text[at[0]:at[1]], text[at[1]:]
			if !known[c] && !strings.HasPrefix(rest, "-...") && !strings.HasPrefix(rest, "-*") {
				t.Errorf("%s names %s, which does not exist", name, c)
			}
		}
	}
}
