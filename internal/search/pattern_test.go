package search

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestT71PatternsHaveASize: expressions that repetitions blow up are refused before they
// are compiled, ordinary ones are taken, and none backtracks.
func TestT71PatternsHaveASize(t *testing.T) {
	text := strings.Repeat("a", MaxExact)
	for _, pattern := range []string{
		`(a+)+$`, `(a*)*$`, `(a|a)*$`, `(a|aa)+$`, `(.*a){20}b`, `(a?){40}a{40}b`, `^(([a-z])+.)+[A-Z]([a-z])+$`, `(x+x+)+y`, `([a-zA-Z]+)*!`, `(.*)*(.*)*(.*)*[0-9]`, `.*.*.*.*.*.*=.*`,
		`(orders|customers)_[0-9]{4}`, `.*\.public\..*`, strings.Repeat("a?", 500), strings.Repeat("(a|b)", 200), `[\x{0}-\x{10FFFF}]{0,900}`, strings.Repeat("x", MaxPattern),
	} {
		re, err := CompileRegexp(pattern)
		if err != nil {
			t.Errorf("%.60s is refused: %v", pattern, err)
			continue
		}
		re.MatchString(text + "!") // with backtracking this would take longer than the universe lasts
		if effort := re.Effort(text); effort < len(text) || effort > MaxProgram*(len(text)+1) {
			t.Errorf("%.60s over %d bytes costs %d", pattern, len(text), effort)
		}
	}
	for _, pattern := range []string{
		`.{1000}{2}`, `((a{100}){100}){100}`, `(a{1,100}){100}`, strings.Repeat(`.{0,999}`, 120), strings.Repeat(`\pL{1000}`, 100), `((.{30}){30}){30}`, `(` + strings.Repeat("x", 500) + `){9}`,
		strings.Repeat("(", 1100), strings.Repeat("(", 500) + strings.Repeat(")", 500) + "(", `(?P<n>`, `a**`, `(?<=a)b`, `(a)\1`, `(?=a)`, "a\x00[", strings.Repeat("a", 10_000), `(a+)+$` + strings.Repeat("b", 10_000),
	} {
		if _, err := CompileRegexp(pattern); entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%.60s: %v, want a bad request", pattern, err)
		}
	}
	glob, err := CompileWildcard(strings.Repeat("*a", 2000) + "b")
	if err != nil {
		t.Fatal(err)
	}
	if glob.MatchString(text) || glob.Effort(text) < 2000*len(text) {
		t.Errorf("two thousand stars cost %d", glob.Effort(text))
	}
}

// TestT71EffortHasAnEnd: once the patterns of a query have cost all that they may,
// nothing is compared with them any more.
func TestT71EffortHasAnEnd(t *testing.T) {
	fields, err := ReadFields(entity.NewID(), jsontext.Value(`{"name":"`+strings.Repeat("a", 3000)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMatcher(Regexp{Field: "name.keyword", Pattern: "a*|[xy]" + strings.Repeat("z", 1000)})
	if err != nil {
		t.Fatal(err)
	}
	matched := 0
	for m.Match(fields) {
		if matched++; matched > MaxEffort/3000 {
			t.Fatalf("after %d values the effort is %d and goes on", matched, m.Effort())
		}
	}
	if matched == 0 || m.Effort() <= MaxEffort {
		t.Errorf("it ended after %d values and an effort of %d", matched, m.Effort())
	}
}
