package policy

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func drawRule(t *rapid.T) Rule {
	conditions := []string{"", "", "isOwner()", "noOwner()", "!hasDomain()", "matchAnyTag('A.B')", "matchTeam()", "inAnyTeam('t1')",
		"hasAnyRole('r1') || isReviewer()", "broken("}
	return Rule{
		Name:       rapid.StringMatching(`[a-z]{3}`).Draw(t, "name"),
		Effect:     rapid.SampledFrom([]Effect{Allow, Allow, Deny}).Draw(t, "effect"),
		Operations: rapid.SliceOfN(rapid.SampledFrom(Operations()), 1, 4).Draw(t, "operations"),
		Resources:  rapid.SliceOfN(rapid.SampledFrom([]string{"all", "All", "table", "TABLE", "topic", "scim"}), 1, 2).Draw(t, "resources"),
		Condition:  rapid.SampledFrom(conditions).Draw(t, "condition"),
	}
}

func drawGrants(t *rapid.T) []Grant {
	var grants []Grant
	for range rapid.IntRange(0, 4).Draw(t, "grants") {
		g := Grant{
			Role:   rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "role"),
			Source: rapid.SampledFrom([]Source{{Via: ViaUser}, {Via: ViaTeam, Team: "t1"}, {Via: ViaInherited, Team: "t0"}}).Draw(t, "source"),
		}
		g.Policies = []Policy{{Name: "p", Enabled: rapid.Bool().Draw(t, "enabled"), Rules: rapid.SliceOfN(rapid.Custom(drawRule), 0, 4).Draw(t, "rules")}}
		grants = append(grants, g)
	}
	return grants
}

func drawRefs(t *rapid.T, label string) []entity.Ref {
	all := []entity.Ref{refTo("ann"), refTo("bob"), refTo("team t1"), refTo("team t2")}
	return rapid.SliceOfN(rapid.SampledFrom(all), 0, 2).Draw(t, label)
}

func drawDomains(t *rapid.T) []entity.Ref {
	all := []entity.Ref{{ID: idOf("domain", "d1")}, {FullyQualifiedName: "d2"}}
	return rapid.SliceOfN(rapid.SampledFrom(all), 0, 2).Draw(t, "domains")
}

func drawSubject(t *rapid.T) *Subject {
	s := &Subject{ID: idOf("user", "ann"), Name: "ann", Bot: rapid.Bool().Draw(t, "bot"), Grants: drawGrants(t), Domains: drawDomains(t)}
	if rapid.Bool().Draw(t, "member") {
		s.Teams = []Team{{ID: idOf("team", "t1"), Name: "t1", Ancestors: []string{"t0"}}}
	}
	return s.Compile()
}

func drawResource(t *rapid.T) *Resource {
	r := &Resource{
		Type:   rapid.SampledFrom([]string{"table", "Table", "topic", "dashboard", "scim"}).Draw(t, "type"),
		ID:     idOf("table", "x"),
		Owners: drawRefs(t, "owners"), Reviewers: drawRefs(t, "reviewers"), Domains: drawDomains(t),
		Teams: rapid.SliceOfN(rapid.SampledFrom([]string{"t0", "t1", "t2"}), 0, 2).Draw(t, "teams"),
	}
	if rapid.Bool().Draw(t, "tagged") {
		r.Tags = []entity.TagLabel{{TagFQN: "A.B"}}
	}
	if rapid.Bool().Draw(t, "owned by a team with policies") {
		r.Rules = Compile(drawGrants(t))
	}
	return r
}

func drawOperations(t *rapid.T) []Operation {
	return rapid.SliceOfN(rapid.SampledFrom(Operations()), 1, 3).Draw(t, "wanted")
}

// plainly is the decision in its simplest form, to compare the indexed one with.
func plainly(s *Subject, r *Resource, op Operation) bool {
	allowed := false
	for _, rs := range []*Ruleset{s.Rules, r.Rules} {
		if rs == nil {
			continue
		}
		for _, c := range rs.rules {
			if !c.enabled || !c.reaches(strings.ToLower(r.Type)) || !c.holds(s, r) {
				continue
			}
			if c.rule.Effect == Deny && (c.covers.Has(op) || c.covers.Has(ViewBasic)) {
				return false // what is hidden cannot be changed either
			}
			allowed = allowed || c.rule.Effect == Allow && c.covers.Has(op)
		}
	}
	return allowed
}

func TestDecideEqualsThePlainReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, ops := drawSubject(t), drawResource(t), drawOperations(t)
		want := true
		for _, op := range ops {
			want = want && plainly(s, r, op)
		}
		d := Decide(s, r, ops...)
		if d.Allowed != want {
			t.Fatalf("allowed = %v, plainly %v: %+v", d.Allowed, want, Explain(s, r, ops...))
		}
		if d.Allowed == (d.Missing != 0) || d.Missing&^SetOf(ops...) != 0 && d.Missing != setOf(ViewBasic) {
			t.Fatalf("allowed = %v with %s missing of %s", d.Allowed, d.Missing, SetOf(ops...))
		}
	})
}

func TestDenyAlwaysWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, ops := drawSubject(t), drawResource(t), drawOperations(t)
		deny := Grant{Policies: []Policy{{Name: "deny", Enabled: true, Rules: []Rule{{Name: "no", Effect: Deny, Operations: ops[:1], Resources: []string{r.Type}}}}}, Source: Source{Via: ViaUser}}
		at := rapid.IntRange(0, len(s.Grants)).Draw(t, "at")
		s.Grants = append(append(append([]Grant{}, s.Grants[:at]...), deny), s.Grants[at:]...)
		if d := Decide(s.Compile(), r, ops...); d.Allowed || d.Effect != Deny {
			t.Fatalf("a deny rule did not win: %+v", d)
		}
	})
}

func TestAddingAnAllowNeverRemovesARight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, ops := drawSubject(t), drawResource(t), drawOperations(t)
		before := Decide(s, r, ops...)
		rule := drawRule(t)
		rule.Effect = Allow
		s.Grants = append([]Grant{{Policies: []Policy{{Name: "more", Enabled: true, Rules: []Rule{rule}}}, Source: Source{Via: ViaUser}}}, s.Grants...)
		if after := Decide(s.Compile(), r, ops...); before.Allowed && !after.Allowed {
			t.Fatalf("lost by %+v", rule)
		}
	})
}

// What hangs on the teams that own a resource obeys the same laws.
func TestRulesOfOwningTeamsObeyTheSameLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, ops := drawSubject(t), drawResource(t), drawOperations(t)
		before := Decide(s, r, ops...)
		rule := drawRule(t)
		add := func(effect Effect, ops []Operation, condition string) *Resource {
			one := Rule{Name: "more", Effect: effect, Operations: ops, Resources: []string{r.Type}, Condition: condition}
			of := *r
			grants := []Grant{{Policies: []Policy{{Name: "team", Enabled: true, Rules: []Rule{one}}}, Source: Source{Via: ViaResource, Team: "t2"}}}
			if r.Rules != nil {
				for _, c := range r.Rules.rules {
					grants = append(grants, Grant{Policies: []Policy{{Name: c.policy, Enabled: c.enabled, Rules: []Rule{*c.rule}}}, Source: c.source})
				}
			}
			of.Rules = Compile(grants)
			return &of
		}
		if d := Decide(s, add(Deny, ops[:1], ""), ops...); d.Allowed || d.Effect != Deny {
			t.Fatalf("a deny rule of an owning team did not win: %+v", d)
		}
		if d := Decide(s, add(Allow, rule.Operations, rule.Condition), ops...); before.Allowed && !d.Allowed {
			t.Fatalf("lost by %+v on an owning team", rule)
		}
	})
}

// A policy that is switched off neither gives nor takes.
func TestDisabledPoliciesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, ops := drawSubject(t), drawResource(t), drawOperations(t)
		before := Decide(s, r, ops...)
		s.Grants = append(s.Grants, Grant{Policies: []Policy{{Name: "off", Rules: rapid.SliceOfN(rapid.Custom(drawRule), 1, 4).Draw(t, "off")}}, Source: Source{Via: ViaUser}})
		if after := Decide(s.Compile(), r, ops...); after.Allowed != before.Allowed || after.Missing != before.Missing {
			t.Fatalf("before %+v, with a policy that is switched off %+v", before, after)
		}
	})
}

func TestNoRightWithoutARule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, ops := drawSubject(t), drawResource(t), drawOperations(t)
		d := Decide(s, r, ops...)
		if d.Allowed && (d.Rule == "" && d.by == nil || d.Effect != Allow) {
			t.Fatalf("allowed by nothing: %+v", d)
		}
		s.Grants, r.Rules = nil, nil
		if Decide(s.Compile(), r, ops...).Allowed {
			t.Fatal("allowed without any rule")
		}
		s.Rules = nil
		if Decide(s, r, ops...).Allowed {
			t.Fatal("allowed without compiled rules")
		}
	})
}

func TestListingAgreesWithDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r := drawSubject(t), drawResource(t)
		r.Type = rapid.SampledFrom([]string{"table", "topic", "dashboard"}).Draw(t, "listed type")
		listed, err := PermissionsOn(s, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range listed.Permissions {
			if d := Decide(s, r, p.Operation); d.Allowed != (p.Access == AccessAllow) {
				t.Fatalf("%s is listed as %s, decided as %v", p.Operation, p.Access, d.Allowed)
			}
			if p.Access == AccessConditionalAllow || p.Access == AccessConditionalDeny {
				t.Fatalf("%s is %s on one resource", p.Operation, p.Access)
			}
		}
	})
}

func TestMessages(t *testing.T) {
	allow := Rule{Name: "view", Effect: Allow, Operations: []Operation{ViewAll}, Resources: []string{"all"}}
	deny := Rule{Name: "no names", Effect: Deny, Operations: []Operation{EditDisplayName}, Resources: []string{"all"}}
	s := &Subject{Name: "wireu2", Grants: []Grant{{Role: "R", Policies: []Policy{{Name: "P", Enabled: true, Rules: []Rule{allow, deny}}}, Source: Source{Via: ViaTeam, Team: "T"}}}}
	s.Compile()
	r := &Resource{Type: "table"}
	for _, test := range []struct {
		ops  []Operation
		want string
	}{
		{[]Operation{ViewBasic}, ""},
		{nil, ""},
		{[]Operation{Create}, "Principal: CatalogPrincipal{name='wireu2'} operations [Create] not allowed. " +
			"None of your roles and teams gives you the permission Create on this table; an administrator can grant it."},
		{[]Operation{EditTier, EditTags, ViewAll}, "Principal: CatalogPrincipal{name='wireu2'} operations [EditTags, EditTier] not allowed. " +
			"None of your roles and teams gives you the permissions EditTags, EditTier on this table; an administrator can grant it."},
		{[]Operation{EditDisplayName, Create}, "Principal: CatalogPrincipal{name='wireu2'} operations [EditDisplayName] not allowed. " +
			"Rule no names of policy P (role R, team T) forbids EditDisplayName on table; an administrator can change it."},
	} {
		err := Decide(s, r, test.ops...).Err()
		if test.want == "" {
			if err != nil {
				t.Errorf("%v: %v", test.ops, err)
			}
			continue
		}
		if err == nil || err.Error() != test.want || entity.KindOf(err) != entity.KindForbidden {
			t.Errorf("%v:\n got %v\nwant %s", test.ops, err, test.want)
		}
	}
	if d := Decide(&Subject{Name: "nobody"}, r); d.Allowed || d.Missing != SetOf(ViewBasic) {
		t.Errorf("asking for nothing gave %+v", d)
	}
	if d := Decide(&Subject{Name: "nobody"}, r, Operation(200)); d.Allowed {
		t.Error("an operation that does not exist is allowed")
	}
}

func TestBrokenConditionsFailSafe(t *testing.T) {
	allow := Rule{Name: "a", Effect: Allow, Operations: []Operation{ViewAll}, Resources: []string{"table"}, Condition: "T(x)"}
	deny := Rule{Name: "d", Effect: Deny, Operations: []Operation{Delete}, Resources: []string{"topic"}, Condition: "isOwner("}
	all := Rule{Name: "all", Effect: Allow, Operations: []Operation{Delete}, Resources: []string{"topic"}}
	s := &Subject{Grants: []Grant{{Policies: []Policy{{Name: "P", Enabled: true, Rules: []Rule{allow, deny, all}}}, Source: Source{Via: ViaUser}}}}
	s.Compile()
	if Decide(s, &Resource{Type: "table"}, ViewAll).Allowed {
		t.Error("an allow rule with a broken condition allows")
	}
	if Decide(s, &Resource{Type: "topic"}, Delete).Allowed {
		t.Error("a deny rule with a broken condition does not deny")
	}
	if n := len(s.Rules.Problems()); n != 2 {
		t.Errorf("%d problems reported", n)
	}
	e := Explain(s, &Resource{Type: "table"}, ViewAll)
	if e.Rules[0].Verdict != VerdictBroken {
		t.Errorf("verdict %s", e.Rules[0].Verdict)
	}
	listed, err := PermissionsOnType(s, "topic")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range listed.Permissions {
		if p.Operation == Delete && p.Access != AccessDeny {
			t.Errorf("a broken deny is listed as %s", p.Access)
		}
	}
}

func TestExplain(t *testing.T) {
	rule := func(name string, effect Effect, op Operation, resource, condition string) Rule {
		return Rule{Name: name, Effect: effect, Operations: []Operation{op}, Resources: []string{resource}, Condition: condition}
	}
	s := &Subject{ID: idOf("user", "ann"), Name: "ann", Grants: []Grant{
		{Role: "R", Source: Source{Via: ViaUser}, Policies: []Policy{
			{Name: "P", Enabled: true, Rules: []Rule{
				rule("topics", Allow, EditAll, "topic", ""),
				rule("views", Allow, ViewAll, "all", ""),
				rule("owned", Allow, EditAll, "table", "isOwner() && !matchAnyTag('A.B')"),
				rule("free", Allow, EditAll, "table", "noOwner()"),
			}},
			{Name: "Q", Rules: []Rule{rule("off", Deny, All, "all", "")}},
		}},
	}}
	s.Compile()
	r := &Resource{Type: "table", ID: idOf("table", "x"), Owners: []entity.Ref{refTo("ann")}}
	e := Explain(s, r, EditTags)
	want := map[string]Verdict{"topics": VerdictResource, "views": VerdictOperation, "owned": VerdictAllowed, "free": VerdictCondition, "off": VerdictDisabled}
	for _, c := range e.Rules {
		if want[c.Rule] != c.Verdict {
			t.Errorf("rule %s: %s, expected %s", c.Rule, c.Verdict, want[c.Rule])
		}
		if c.Deciding != (c.Rule == "owned") {
			t.Errorf("rule %s: deciding = %v", c.Rule, c.Deciding)
		}
	}
	got := fmt.Sprint(e.Rules[2].Answers)
	if got != "[{isOwner() true} {matchAnyTag('A.B') false}]" {
		t.Errorf("answers %s", got)
	}
	s.Admin = true
	if e := Explain(s, r, Delete); !e.Admin || !e.Allowed || len(e.Rules) != 5 {
		t.Errorf("for an administrator: %+v", e)
	}
}

// benchmarkFacts is a caller as they come: a dozen policies through a role and
// two teams, and a table with owners, tags and a domain.
func benchmarkFacts() (*Subject, *Resource) {
	var policies []Policy
	for i := range 12 {
		policies = append(policies, Policy{Name: fmt.Sprintf("P%d", i), Enabled: true, Rules: []Rule{
			{Name: "deny", Effect: Deny, Operations: []Operation{EditAll}, Resources: []string{"all"}, Condition: fmt.Sprintf("matchAnyTag('PII.T%d') && !isOwner()", i)},
			{Name: "allow", Effect: Allow, Operations: []Operation{EditTags}, Resources: []string{"topic", "dashboard"}},
			{Name: "cond", Effect: Allow, Operations: []Operation{EditDescription}, Resources: []string{"all"}, Condition: fmt.Sprintf("inAnyTeam('Other%d') || hasAnyRole('R%d')", i, i)},
		}})
	}
	policies = append(policies, Policy{Name: "owner", Enabled: true, Rules: []Rule{{Name: "own", Effect: Allow, Operations: []Operation{All}, Resources: []string{"all"}, Condition: "isOwner()"}}})
	s := &Subject{ID: idOf("user", "ann"), Name: "ann", Grants: []Grant{{Role: "Role", Policies: policies, Source: Source{Via: ViaTeam, Team: "T"}}},
		Teams: []Team{{ID: idOf("team", "A"), Name: "A", Ancestors: []string{"B", "Organization"}}, {ID: idOf("team", "C"), Name: "C", Ancestors: []string{"Organization"}}}}
	r := &Resource{Type: "databaseSchema", ID: idOf("table", "x"), Owners: []entity.Ref{refTo("bob"), refTo("team C")},
		Tags: []entity.TagLabel{{TagFQN: "Tier.Tier1"}, {TagFQN: "PII.None"}}}
	return s.Compile(), r
}

func TestDecideAllocatesNothingWhenAllowing(t *testing.T) {
	s, r := benchmarkFacts()
	if n := testing.AllocsPerRun(100, func() {
		if !Decide(s, r, EditDescription, EditTags).Allowed {
			t.Error("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecideAllow(b *testing.B) {
	s, r := benchmarkFacts()
	b.ReportAllocs()
	for b.Loop() {
		if !Decide(s, r, EditDescription, EditTags).Allowed {
			b.Fatal("refused")
		}
	}
}

func BenchmarkDecideRefuse(b *testing.B) {
	s, r := benchmarkFacts()
	r.Owners = nil
	b.ReportAllocs()
	for b.Loop() {
		if Decide(s, r, Delete).Allowed {
			b.Fatal("allowed")
		}
	}
}
