package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestParseCondition(t *testing.T) {
	for _, test := range []struct{ text, canonical string }{
		{"isOwner()", "isOwner()"},
		{"  isOwner ( ) ", "isOwner()"},
		{"!isOwner()", "!isOwner()"},
		{"not isOwner()", "!isOwner()"},
		{"NOT isOwner() AND noOwner()", "!isOwner() && noOwner()"},
		{"!!isOwner()", "isOwner()"},
		{"isOwner() == true", "isOwner()"},
		{"isOwner() == false", "!isOwner()"},
		{"!isOwner() == FALSE", "isOwner()"},
		{"(isOwner())", "isOwner()"},
		{"isOwner() || noOwner() && hasDomain()", "isOwner() || noOwner() && hasDomain()"},
		{"(isOwner() or noOwner()) and hasDomain()", "(isOwner() || noOwner()) && hasDomain()"},
		{"isOwner() || (noOwner() || hasDomain())", "isOwner() || noOwner() || hasDomain()"},
		{"!(isOwner() || noOwner())", "!(isOwner() || noOwner())"},
		{"(isOwner() || noOwner()) == false", "!(isOwner() || noOwner())"},
		{"matchAnyTag('PII.Sensitive','Tier.Tier1')", "matchAnyTag('PII.Sensitive', 'Tier.Tier1')"},
		{`matchAnyTag("PII.Sensitive")`, "matchAnyTag('PII.Sensitive')"},
		{`inAnyTeam('Bob''s')`, "inAnyTeam('Bob''s')"},
		{`inAnyTeam("Bob's")`, "inAnyTeam('Bob''s')"},
		{`inAnyTeam("say ""hi""")`, `inAnyTeam('say "hi"')`},
		{"hasAnyRole('Größe')", "hasAnyRole('Größe')"},
		{"isOwner()\n\t||\r\nisReviewer()", "isOwner() || isReviewer()"},
	} {
		c, err := ParseCondition(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		if got := c.String(); got != test.canonical {
			t.Errorf("%q reads as %q, expected %q", test.text, got, test.canonical)
		}
	}
}

func TestParseConditionRefuses(t *testing.T) {
	for _, test := range []struct{ text, says string }{
		{"", "empty"},
		{"   ", "empty"},
		{"foo()", "position 1: foo is not a function"},
		{"isowner()", "did you mean isOwner?"},
		{"isOwner() && foo()", "position 14: foo is not"},
		{"isOwner", "position 1: a function needs parentheses"},
		{"!noOwner", "position 2: a function needs parentheses"},
		{"isOwner(", "position 9: the condition ends"},
		{"isOwner('x')", "position 1: isOwner takes no arguments"},
		{"hasAnyRole()", "position 1: hasAnyRole needs at least one name of a role"},
		{"hasAnyRole('a',)", `position 16: ")" stands where a name in quotes`},
		{"hasAnyRole('a' 'b')", "a comma or a closing parenthesis"},
		{"hasAnyRole('')", "position 12: a name must not be empty"},
		{"hasAnyRole('a", "position 12: the quote that opens here is never closed"},
		{"hasAnyRole(a)", "a name in quotes"},
		{"hasAnyRole({'a'})", `position 12: '{' has no meaning`},
		{"(isOwner()", "a closing parenthesis"},
		{"isOwner())", "position 10"},
		{"isOwner() isOwner()", "position 11"},
		{"isOwner() &&", "the condition ends"},
		{"&& isOwner()", "position 1"},
		{"isOwner() & noOwner()", "position 11: '&' has no meaning"},
		{"isOwner() != true", "position 11: '!' has no meaning"},
		{"isOwner() = true", "position 11: '=' has no meaning"},
		{"isOwner() == 'true'", "true or false"},
		{"isOwner() == noOwner()", "true or false"},
		{"isOwner() == true == true", "position 19"},
		{"true", "a function"},
		{"T(java.lang.Runtime).getRuntime()", "position 1: T is not a function"},
		{"@bean.x()", "'@' has no meaning"},
		{"#root", "'#' has no meaning"},
		{"${7*7}", "'$' has no meaning"},
		{"{{.Name}}", "'{' has no meaning"},
		{"isOwner().class", "position 10: '.' has no meaning"},
		{"new String()", "new is not a function"},
		{"isOwner() ? noOwner() : hasDomain()", "'?' has no meaning"},
		{"größe()", "gr is not a function"},
		{"isOwner() && ßx()", "position 14: 'ß' has no meaning"},
		{"isOwner()\x00", `'\x00' has no meaning`},
		{"hasAnyRole('\xff')", "valid UTF-8"},
		{strings.Repeat("(", MaxConditionDepth+1) + "isOwner()" + strings.Repeat(")", MaxConditionDepth+1), "nest at most 20 deep"},
		{"isOwner()" + strings.Repeat(" ", MaxConditionLength), "at most 2000 characters"},
	} {
		_, err := ParseCondition(test.text)
		if err == nil {
			t.Errorf("%q is accepted", test.text)
			continue
		}
		if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: got %q, expected something with %q", test.text, err, test.says)
		}
	}
}

func TestConditionLimitsAreReachable(t *testing.T) {
	deep := strings.Repeat("(", MaxConditionDepth) + "isOwner()" + strings.Repeat(")", MaxConditionDepth)
	if _, err := ParseCondition(deep); err != nil {
		t.Error(err)
	}
	deep = strings.Repeat("!(noOwner() && isOwner() || ", MaxConditionDepth) + "isOwner()" + strings.Repeat(")", MaxConditionDepth)
	if c, err := ParseCondition(deep); err != nil {
		t.Error(err)
	} else if _, err := ParseCondition(c.String()); err != nil {
		t.Error("the canonical form nests deeper than what was written:", err)
	}
	if c, err := ParseCondition(strings.Repeat("!", 1001) + "isOwner()"); err != nil || c.String() != "!isOwner()" {
		t.Errorf("a long row of negations: %v", err)
	}
	siblings := strings.Repeat("(!isOwner()) || ", 50) + "isOwner()"
	if _, err := ParseCondition(siblings); err != nil {
		t.Error("depth must count nesting, not length:", err)
	}
	long := "isOwner()" + strings.Repeat(" ", MaxConditionLength-len("isOwner()"))
	if _, err := ParseCondition(long); err != nil {
		t.Error(err)
	}
}

func TestMentions(t *testing.T) {
	c, err := ParseCondition("hasAnyRole('A', 'B') && !(inAnyTeam('T') || matchAllTags('X.Y')) && isOwner()")
	if err != nil {
		t.Fatal(err)
	}
	want := []Mention{{"role", "A"}, {"role", "B"}, {"team", "T"}, {"tag", "X.Y"}}
	if diff := cmp.Diff(want, c.Mentions()); diff != "" {
		t.Error(diff)
	}
	if kind := c.Root().Kind; kind != And {
		t.Errorf("root is of kind %d", kind)
	}
}

func TestEveryFunctionIsDescribedAndWorks(t *testing.T) {
	seen := map[Function]bool{}
	for _, info := range Functions() {
		if seen[info.Name] || !info.Name.known() || info.Description == "" || len(info.Examples) == 0 {
			t.Errorf("function %s is not described well", info.Name)
		}
		seen[info.Name] = true
		if (info.Input == "none") != (info.Name.argument() == "") {
			t.Errorf("%s: input %q does not fit", info.Name, info.Input)
		}
		for _, example := range info.Examples {
			if _, err := ParseCondition(example); err != nil {
				t.Errorf("example of %s: %v", info.Name, err)
			}
		}
	}
	if len(seen) != 11 {
		t.Errorf("%d functions", len(seen))
	}
}

func TestQuotedNamesInConditions(t *testing.T) {
	s := &Subject{Teams: []Team{{Name: "a.b"}}, Grants: []Grant{{Role: "r.s"}}}
	s.Compile()
	f := &Facts{Subject: s, Resource: &Resource{}}
	for text, want := range map[string]bool{
		`inAnyTeam('a.b')`: true, `inAnyTeam('"a.b"')`: true, `inAnyTeam('a')`: false,
		`hasAnyRole('r.s')`: true, `hasAnyRole('"r.s"')`: true, `hasAnyRole('"r"')`: false,
	} {
		c, err := ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Holds(f); got != want {
			t.Errorf("%s = %v", text, got)
		}
	}
}

func TestFactsWithoutIdentityOwnNothing(t *testing.T) {
	nobody := &Subject{Name: "x", Teams: []Team{{Name: "t"}}}
	r := &Resource{Owners: []entity.Ref{{Type: "user", Name: "x"}, {Type: "team", Name: "t"}}}
	f := &Facts{Subject: nobody, Resource: r}
	c, err := ParseCondition("isOwner() || isReviewer()")
	if err != nil {
		t.Fatal(err)
	}
	if c.Holds(f) {
		t.Error("a reference without an id makes an owner")
	}
	if (Function("nothing")).evaluate(nil, f) {
		t.Error("an unknown function holds")
	}
}

// drawExpr draws a tree in canonical form: no list directly inside a list of its
// kind, no negation inside a negation.
func drawExpr(t *rapid.T, depth int, not ExprKind) Expr {
	kinds := []ExprKind{Call}
	for _, kind := range []ExprKind{Not, And, Or} {
		if depth > 0 && kind != not {
			kinds = append(kinds, kind)
		}
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "kind")
	e := Expr{Kind: kind}
	switch kind {
	case Not:
		e.Operands = []Expr{drawExpr(t, depth-1, Not)}
	case And, Or:
		for range rapid.IntRange(2, 4).Draw(t, "operands") {
			e.Operands = append(e.Operands, drawExpr(t, depth-1, kind))
		}
	default:
		e.Function = rapid.SampledFrom(Functions()).Draw(t, "function").Name
		if e.Function.argument() != "" {
			e.Args = rapid.SliceOfN(rapid.StringN(1, 8, 12), 1, 3).Draw(t, "args")
		}
	}
	return e
}

func TestConditionRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := drawExpr(t, 3, Call)
		text := tree.String()
		if len(text) > MaxConditionLength {
			t.Skip("too long to read back")
		}
		c, err := ParseCondition(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(tree, *c.Root()); diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	})
}

func TestNegationInverts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := drawExpr(t, 2, Call)
		inner, err := ParseCondition(tree.String())
		if err != nil {
			t.Skip("too long")
		}
		text := "not (" + tree.String() + ")"
		outer, err := ParseCondition(text)
		if err != nil {
			t.Skip("too long")
		}
		s, r := drawSubject(t), drawResource(t)
		f := &Facts{Subject: s, Resource: r, Team: "t1"}
		if inner.Holds(f) == outer.Holds(f) {
			t.Fatalf("%q and its negation agree", tree.String())
		}
	})
}

func FuzzParseCondition(f *testing.F) {
	for _, seed := range []string{
		"isOwner()", "!isOwner()", "noOwner() || isOwner()", "not hasDomain() and isReviewer()",
		"matchAnyTag('PII.Sensitive', \"Tier.Tier1\")", "inAnyTeam('Bob''s') == false", "((isOwner()))",
		"hasAnyRole('a') && (matchTeam() || noDomain()) == true", "matchAllTags('\"a.b\".c')", "T(java.lang.Runtime)",
		"isOwner(", "''", "&&", "!!!!!!", "(((((((((((((((((((((((", "\xff", "isOwner()\x00", "ünïcode()",
	} {
		f.Add(seed)
	}
	facts := &Facts{Subject: &Subject{}, Resource: &Resource{}}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			if entity.KindOf(err) != entity.KindBadRequest {
				t.Fatalf("%q: %v is no fault of the caller's", text, err)
			}
			return
		}
		value := c.Holds(facts)
		again, err := ParseCondition(c.String())
		if err != nil {
			// Spaces and quotes may be added on the way: only the length may object.
			if len(c.String()) <= MaxConditionLength {
				t.Fatalf("%q reads as %q, which cannot be read: %v", text, c.String(), err)
			}
			return
		}
		if again.String() != c.String() || again.Holds(facts) != value {
			t.Fatalf("%q is not stable: %q, then %q", text, c.String(), again.String())
		}
	})
}

// TestT54ReadingTakesBoundedWork: a condition a thousand times as long takes no more
// memory to refuse, and what is within the limits takes little.
func TestT54ReadingTakesBoundedWork(t *testing.T) {
	work := func(text string) float64 {
		return testing.AllocsPerRun(5, func() {
			if _, err := ParseCondition(text); err == nil || filterError(text) == nil {
				t.Fatalf("a condition of %d bytes is taken", len(text))
			}
		})
	}
	for _, unit := range []string{"(", "!", "isOwner() || ", "'", "matchAnyTag('", "x", " ", "{", "\xff", "not "} {
		short := work(strings.Repeat(unit, MaxConditionLength/len(unit)+1))
		// The race detector empties pools at random, which is a few allocations more.
		if long := work(strings.Repeat(unit, 1<<21/len(unit))); long > 2*short+20 {
			t.Errorf("refusing 2 MB of %q takes %v allocations, refusing 2 kB takes %v", unit, long, short)
		}
		if within := work(strings.Repeat(unit, MaxConditionLength/len(unit))); within > 5000 {
			t.Errorf("refusing %q, as often as is allowed, takes %v allocations", unit, within)
		}
	}
}

func filterError(text string) error {
	_, err := ParseFilter(text)
	return err
}

func TestParseFilter(t *testing.T) {
	for _, text := range []string{
		"isBot()", "!isBot()", "matchAnySource({'table','topic'})", "matchAnyEventType({})", "matchAnyFieldChange('usageSummary')", "matchUpdatedBy('ingestion-bot') && !isBot()",
		"getTestCaseStatusIfInTestSuite({'a'}, {'Failed','Aborted'})", "filterByFqn({'a.\"b.c\"'}) || matchAnyOwnerName({'it''s'}) == false",
	} {
		if err := filterError(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, says := range map[string]string{
		"": "empty", "system('id')": "system is not a function of alerts", "matching()": "matching is not a function", "isBot": "needs parentheses", "matchAnySource({'a'": "ends where a comma or a closing brace",
		"matchAnySource({{'a'}})": "a name in quotes", "matchAnySource('a'})": "a comma or a closing parenthesis", "matchAnySource({'a')": "a comma or a closing brace", "{'a'}": "a function", "isOwner({'a',})": "a name in quotes",
		"T(java.lang.Runtime)": "T is not a function of alerts", "matchTeam(T(x))": "a name in quotes",
	} {
		if err := filterError(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v does not say %q", text, err, says)
		}
	}
	if _, err := ParseCondition("matchAnyTag({'a'})"); err == nil {
		t.Error("a policy's condition takes lists in braces")
	}
}
