package opensearch

import (
	"cmp"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

func drawValue(t *rapid.T) search.Value {
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return search.Value{Kind: search.Boolean, Text: rapid.SampledFrom([]string{"true", "false"}).Draw(t, "flag")}
	case 1:
		return search.Value{Kind: search.Number, Number: rapid.Float64().Draw(t, "number")}
	}
	return search.Value{Kind: search.String, Text: rapid.String().Draw(t, "text")}
}

// Terms order as values do, and tell the value again: ranges and sorts rely on the first, facets on the second.
func TestTermsOrderAsValuesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawValue(t).Key(), drawValue(t).Key()
		if cmp.Compare(a, b) != cmp.Compare(text(a), text(b)) {
			t.Errorf("%q and %q become %q and %q, in another order", a, b, text(a), text(b))
		}
		if back := key(text(a)); back != a {
			t.Errorf("%q became %q and then %q", a, text(a), back)
		}
	})
}

// No two paths share a field, and no path is one to the cluster.
func TestEscapeKeepsPathsApart(t *testing.T) {
	seen := map[string]string{}
	for _, path := range []string{"a.b", "a/b", "a%2Fb", "a%b", "A.b", "a_b", "ä", "extension.x y", "", strings.Repeat("x.", 200), strings.Repeat("x.", 200) + "y"} {
		field := escape(path)
		if strings.ContainsAny(field, ".*, ") || len(field) > longestPath {
			t.Errorf("%q becomes the field %q", path, field)
		}
		if other, taken := seen[field]; taken {
			t.Errorf("%q and %q both become %q", path, other, field)
		}
		seen[field] = path
	}
}

// What is written for the cluster matches what was meant: its expressions are read here by Go, which takes them in
// the same way as far as they are used.
func TestExpressionsMeanTheSame(t *testing.T) {
	texts := []string{"", "orders", "old_orders", "a.b", "a?b", "a*b", "k\n", "straße", "ſtra", "pii.customer", "x{2}", `back\slash`, "abab"}
	check := func(what, expr string, accept func(string) bool) {
		re, err := regexp.Compile("(?s)^(?:" + strings.ReplaceAll(expr, nothing, "[^\\x00-\\x{10FFFF}]") + ")$")
		if err != nil {
			t.Fatalf("%s became %s: %v", what, expr, err)
		}
		for _, text := range texts {
			if re.MatchString(text) != accept(text) {
				t.Errorf("%s became %s, which says %t of %q", what, expr, re.MatchString(text), text)
			}
		}
	}
	for _, pattern := range []string{"(old_)?orders", "^orders$", "PII\\..*", "a[.?]b", "[^a]*", "(ab){2}", "(ab){1,}", "K.", "stra(ss|ß)e", "x\\{2\\}", "a|b|", "", "[[:alpha:]]+", "(?i:Orders)", "o+?.*"} {
		expr, err := regular(pattern)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		compiled, err := search.CompileRegexp(pattern)
		if err != nil {
			t.Fatal(err)
		}
		check(pattern, expr, compiled.MatchString)
	}
	for _, pattern := range []string{"*orders", "OLD_*", "a.b", `a\?b`, `a\*b`, "a?b", "**", "s*", `back\\*`, "", "x{2}"} {
		compiled, err := search.CompileWildcard(pattern)
		if err != nil {
			t.Fatal(err)
		}
		expr, err := glob(pattern, false)
		if err != nil {
			t.Fatal(err)
		}
		check(pattern, expr, compiled.MatchString)
		backward, err := glob(pattern, true)
		if err != nil {
			t.Fatal(err)
		}
		check(pattern+", read from its end", backward, func(text string) bool { return compiled.MatchString(backwards(text)) })
	}
	for _, pattern := range []string{`\bword`, "a^b", "(", "a{1001}"} {
		if expr, err := regular(pattern); err == nil {
			t.Errorf("%s became %s, want a refusal", pattern, expr)
		}
	}
}
