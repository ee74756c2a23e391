package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestExplanationsAgreeWithTheDecision: whatever the rules, the list has every
// rule once, at most one decides, and the one that does says what was decided.
func TestExplanationsAgreeWithTheDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, ops := drawSubject(t), drawResource(t), drawOperations(t)
		s.Admin = rapid.Bool().Draw(t, "admin")
		d, e := Decide(s, r, ops...), Explain(s, r, ops...)
		if e.Allowed != d.Allowed || e.Admin != d.Admin || e.Message != d.Message() {
			t.Fatalf("decided %v, explained %v", d, e)
		}
		rules := len(s.Rules.rules)
		if r.Rules != nil {
			rules += len(r.Rules.rules)
		}
		if len(e.Rules) != rules {
			t.Fatalf("%d rules listed of %d", len(e.Rules), rules)
		}
		deciding := 0
		for _, c := range e.Rules {
			if (c.Verdict == VerdictDenied || c.Verdict == VerdictAllowed) != (c.Holds && len(c.Operations) > 0 && c.Verdict != VerdictDisabled && c.Verdict != VerdictResource) {
				t.Fatalf("verdict %s of %+v", c.Verdict, c)
			}
			if c.Verdict == VerdictDenied && e.Allowed && !e.Admin {
				t.Fatalf("allowed although %+v", c)
			}
			if !c.Deciding {
				continue
			}
			deciding++
			if e.Allowed && c.Verdict != VerdictAllowed || !e.Allowed && c.Verdict != VerdictDenied {
				t.Fatalf("allowed = %v by %+v", e.Allowed, c)
			}
		}
		if deciding > 1 {
			t.Fatalf("%d rules decide", deciding)
		}
	})
}

func TestExplainWithNothingToGoBy(t *testing.T) {
	e := Explain(&Subject{Name: "ann"}, &Resource{Type: "table"})
	if e.Allowed || e.Message == "" || e.Rules == nil || len(e.Rules) != 0 {
		t.Errorf("without rules: %+v", e)
	}
	if diff := cmp.Diff([]Operation{ViewBasic}, e.Missing); diff != "" {
		t.Error("no operation means the basic view:", diff)
	}
	if e := Explain(&Subject{Admin: true}, &Resource{Type: "table"}, Delete); !e.Allowed || len(e.Missing) != 0 || e.Message != "" {
		t.Errorf("for an administrator: %+v", e)
	}
}

// TestExplainBrokenAndForeignRules: a broken condition is named as such when it
// takes a right away, and rules of the owning team are listed too.
func TestExplainBrokenAndForeignRules(t *testing.T) {
	rule := func(name string, effect Effect, condition string) Rule {
		return Rule{Name: name, Effect: effect, Operations: []Operation{EditAll}, Resources: []string{"all"}, Condition: condition}
	}
	granted := func(via Source, rules ...Rule) []Grant {
		return []Grant{{Source: via, Policies: []Policy{{Name: "P", Enabled: true, Rules: rules}}}}
	}
	s := &Subject{ID: idOf("user", "ann"), Name: "ann", Grants: granted(Source{Via: ViaUser}, rule("lost", Allow, "frob("), rule("mine", Allow, "isOwner()"))}
	s.Compile()
	r := &Resource{Type: "table", ID: idOf("table", "x"), Owners: []entity.Ref{refTo("ann")}}

	e := Explain(s, r, EditTags)
	if !e.Allowed || e.Rules[0].Verdict != VerdictBroken || e.Rules[0].Holds || e.Rules[0].Deciding || !e.Rules[1].Deciding {
		t.Errorf("got %+v", e)
	}
	r.Rules = Compile(granted(Source{Via: ViaTeam, Team: "t1"}, rule("closed", Deny, "frob(")))
	e = Explain(s, r, EditTags)
	last := e.Rules[len(e.Rules)-1]
	if e.Allowed || len(e.Rules) != 3 || last.Rule != "closed" || last.Verdict != VerdictDenied || !last.Deciding || last.Source.Team != "t1" {
		t.Errorf("with a team that refuses: %+v", e)
	}
	if !strings.Contains(e.Message, "ann") {
		t.Errorf("message %q", e.Message)
	}
}

// TestListingNeverPromisesTooMuch: what a listing of a type allows without
// condition holds for every resource of it that no team's rules are about.
func TestListingNeverPromisesTooMuch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r := drawSubject(t), drawResource(t)
		r.Rules = nil
		listing, err := PermissionsOnType(s, r.Type)
		if err != nil {
			return // TestPermissionsOfUnknownTypes is about these
		}
		for _, p := range listing.Permissions {
			r := *r
			if creations().Has(p.Operation) {
				r.ID = entity.NilID // it is asked about before there is anything
			}
			allowed := Decide(s, &r, p.Operation).Allowed
			if p.Access == AccessDeny && allowed || p.Access == AccessNotAllow && allowed {
				t.Fatalf("%s on %s: listed as %s, but allowed", p.Operation, r.Type, p.Access)
			}
			if p.Access == AccessAllow && !allowed && !mayBeDenied(s, &r, p.Operation) {
				t.Fatalf("%s on %s: listed as allowed, but refused", p.Operation, r.Type)
			}
		}
	})
}

// mayBeDenied tells whether a rule with a condition refuses here: a listing shows
// an unconditional allow before a conditional deny, as clients expect.
func mayBeDenied(s *Subject, r *Resource, op Operation) bool {
	for _, c := range Explain(s, r, op).Rules {
		if c.Verdict == VerdictDenied && c.Condition != "" {
			return true
		}
	}
	return false
}

func TestPermissionsOfPolicies(t *testing.T) {
	rule := Rule{Name: "r", Effect: Allow, Operations: []Operation{ViewAll}, Resources: []string{"table"}}
	find := func(list []ResourcePermission, typ string) map[string]Access {
		for _, rp := range list {
			if rp.Resource == typ {
				return accesses(rp)
			}
		}
		return nil
	}
	on := PermissionsOfPolicies([]Policy{{Name: "P", Enabled: true, Rules: []Rule{rule}}})
	if got := find(on, "table"); got["ViewAll"] != AccessAllow || got["Delete"] != AccessNotAllow {
		t.Errorf("tables: %v", got)
	}
	if got := find(on, "topic"); got["ViewAll"] != AccessNotAllow {
		t.Errorf("topics: %v", got)
	}
	off := PermissionsOfPolicies([]Policy{{Name: "P", Rules: []Rule{rule}}})
	if got := find(off, "table"); got["ViewAll"] != AccessNotAllow {
		t.Errorf("a policy that is switched off: %v", got)
	}
	if len(off) != len(on) || len(PermissionsOfPolicies(nil)) != len(on) {
		t.Error("the types listed depend on the policies")
	}
}
