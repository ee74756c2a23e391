package policy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// drawnWorld is a subject with resources whose owners are in teams: t1 and t2 are
// below t0, bob is in t2, and ann, who asks, perhaps in t1.
type drawnWorld struct {
	s      *Subject
	member bool
	teams  []Grant // what hangs on teams
}

func drawWorld(t *rapid.T) *drawnWorld {
	s := drawSubject(t)
	w := &drawnWorld{s: s, member: len(s.Teams) > 0}
	for _, team := range []string{"t0", "t1", "t2"} {
		if rapid.Bool().Draw(t, "policies on "+team) {
			for _, g := range drawGrants(t) {
				g.Role, g.Source = "", Source{Via: ViaResource, Team: team}
				w.teams = append(w.teams, g)
			}
		}
	}
	return w
}

// teamsOf are the teams that an owner is, or is in, with all above.
func (w *drawnWorld) teamsOf(owner entity.ID) []string {
	switch owner {
	case idOf("team", "t1"):
		return []string{"t1", "t0"}
	case idOf("team", "t2"), idOf("user", "bob"):
		return []string{"t2", "t0"}
	case idOf("user", "ann"):
		if w.member {
			return []string{"t1", "t0"}
		}
	}
	return nil
}

func (w *drawnWorld) members(team string) []entity.ID {
	var ids []entity.ID
	for _, id := range []entity.ID{idOf("team", "t1"), idOf("team", "t2"), idOf("user", "ann"), idOf("user", "bob")} {
		if slices.Contains(w.teamsOf(id), team) {
			ids = append(ids, id)
		}
	}
	return ids
}

// below are a team and the teams under it.
func (w *drawnWorld) below(team string) []entity.ID {
	var ids []entity.ID
	for _, id := range []entity.ID{idOf("team", "t1"), idOf("team", "t2")} {
		if slices.Contains(w.teamsOf(id), team) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (w *drawnWorld) resource(t *rapid.T) *Resource {
	r := drawResource(t)
	r.Teams, r.Rules = nil, nil
	for _, owner := range r.Owners {
		r.Teams = append(r.Teams, w.teamsOf(owner.ID)...)
	}
	var reaching []Grant
	for _, g := range w.teams {
		if slices.ContainsFunc(r.Owners, func(o entity.Ref) bool { return o.Type == "team" && slices.Contains(w.teamsOf(o.ID), g.Source.Team) }) {
			reaching = append(reaching, g)
		}
	}
	r.Rules = Compile(reaching)
	if rapid.Bool().Draw(t, "certified") {
		r.Certification = "Certification.Gold"
	}
	return r
}

func TestFilterAgreesWithDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ops := drawWorld(t), drawOperations(t)
		around := Surroundings{Members: w.members}
		for _, g := range w.teams {
			around.Teams = append(around.Teams, TeamRules{Team: g.Source.Team, Below: w.below(g.Source.Team), Rules: Compile([]Grant{g})})
		}
		for range 5 {
			r := w.resource(t)
			filter := FilterFor(w.s, r.Type, around, ops...)
			if want := Decide(w.s, r, ops...).Allowed; filter.Holds(FactsOf(r)) != want {
				t.Fatalf("decided %v, but the filter is %s on %q: %+v", want, filter, FactsOf(r), Explain(w.s, r, ops...))
			}
			checkShape(t, filter, true)
			hidden := HiddenFor(w.s, r.Type, around)
			if want := !Hidden(w.s, r).Allowed; hidden.Holds(FactsOf(r)) != want {
				t.Fatalf("hidden %v, but the filter is %s on %q: %+v", want, hidden, FactsOf(r), Explain(w.s, r))
			}
			checkShape(t, hidden, true)
		}
	})
}

// checkShape finds nodes that say less than they could.
func checkShape(t *rapid.T, f Filter, top bool) {
	want := map[FilterKind]bool{
		FilterAll: top, FilterNone: top, FilterHas: len(f.Facts) > 0, FilterNot: len(f.Operands) == 1 && f.Operands[0].Kind != FilterNot,
		FilterAnd: len(f.Operands) > 1, FilterOr: len(f.Operands) > 1,
	}
	if !want[f.Kind] {
		t.Fatalf("a filter with a node that could be simpler: %s", f)
	}
	for _, operand := range f.Operands {
		if operand.Kind == f.Kind {
			t.Fatalf("a list inside a list of the same kind: %s", f)
		}
		checkShape(t, operand, false)
	}
}

func TestFilters(t *testing.T) {
	ann := idOf("user", "ann").String()
	for _, test := range []struct{ name, rule, want string }{
		{"plain", "", "all"},
		{"the subject decides", "hasAnyRole('reader')", "all"},
		{"the subject decides against", "!hasAnyRole('reader')", "none"},
		{"own", "isOwner()", `has("owner=` + ann + `")`},
		{"own or nobody's", "isOwner() || noOwner()", `(not(has("owner")) or has("owner=` + ann + `"))`},
		{"not tagged", "!matchAnyTag('PII.Sensitive')", `not(has("tag=PII.Sensitive"))`},
		{"all of the tags", "matchAllTags('A.B', 'C.D')", `(has("tag=A.B") and has("tag=C.D"))`},
		{"no team to match", "matchTeam()", "none"},
		{"no domain", "hasDomain()", `not(has("domain"))`},
		{"what cannot be read allows nothing", "isOwner(", "none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rule := Rule{Name: "view", Effect: Allow, Operations: []Operation{ViewAll}, Resources: []string{"table"}, Condition: test.rule}
			s := &Subject{ID: idOf("user", "ann"), Name: "ann", Grants: []Grant{{Role: "reader", Policies: []Policy{{Name: "p", Enabled: true, Rules: []Rule{rule}}}, Source: Source{Via: ViaUser}}}}
			got := FilterFor(s.Compile(), "table", Surroundings{}, ViewBasic).String()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if got := FilterFor(s, "topic", Surroundings{}, ViewBasic).String(); got != "none" {
				t.Errorf("a rule on tables opens topics: %s", got)
			}
		})
	}
	if got := FilterFor(&Subject{Admin: true}, "table", Surroundings{}).String(); got != "all" {
		t.Errorf("an administrator sees %s", got)
	}
}
