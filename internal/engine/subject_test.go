package engine_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
)

// teamTree is a bed with division > department > group, one role or policy on
// each, and a user in the group.
type teamTree struct {
	*bed
	division, department, group, role entity.ID
	ann                               entity.Principal
}

func newTeamTree(t *testing.T) *teamTree {
	t.Helper()
	b := newBed(t)
	rule := func(name, operation string) string {
		return `{"name":"` + name + `","rules":[{"name":"r","effect":"allow","operations":["` + operation + `"],"resources":["table"]}]}`
	}
	b.create("policy", rule("testing", "EditTests"))
	naming := b.create("policy", rule("naming", "EditDisplayName")).ID
	b.create("policy", rule("profiling", "EditDataProfile"))
	tester := b.create("role", `{"name":"tester","policies":["testing"]}`).ID
	profiler := b.create("role", `{"name":"profiler","policies":["profiling"]}`).ID
	division := b.create("team", `{"name":"division","teamType":"Division","defaultRoles":["`+tester.String()+`"]}`).ID
	department := b.create("team", `{"name":"department","teamType":"Department","parents":["`+division.String()+`"],"policies":["`+naming.String()+`"]}`).ID
	group := b.create("team", `{"name":"group","teamType":"Group","parents":["`+department.String()+`"],"defaultRoles":["`+profiler.String()+`"]}`).ID
	b.create("user", `{"name":"ann","email":"ann@example.com","teams":["`+group.String()+`"]}`)
	return &teamTree{bed: b, division: division, department: department, group: group, role: tester, ann: b.caller("ann")}
}

// sources says where the rights of ann come from, in order.
func (b *teamTree) sources() []string {
	b.t.Helper()
	s, err := b.e.Subject(b.t.Context(), b.ann)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, g := range s.Grants {
		what := g.Role
		for _, p := range g.Policies {
			what += "/" + p.Name
		}
		if g.Source.Via != policy.ViaOrganization {
			out = append(out, what+" "+string(g.Source.Via)+" "+g.Source.Team)
		}
	}
	slices.Sort(out)
	return out
}

func (b *teamTree) may(op policy.Operation) bool {
	b.t.Helper()
	err := b.e.Authorize(b.t.Context(), b.ann, "table", op)
	if err != nil && entity.KindOf(err) != entity.KindForbidden {
		b.t.Fatal(err)
	}
	return err == nil
}

func TestRightsComeFromEveryTeamAbove(t *testing.T) {
	b := newTeamTree(t)
	want := []string{"/naming inherited department", "profiler/profiling team group", "tester/testing inherited division"}
	if d := cmp.Diff(want, b.sources()); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
	s, err := b.e.Subject(t.Context(), b.ann)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Teams) != 1 || s.Teams[0].Name != "group" || !slices.Equal(s.Teams[0].Ancestors, []string{"department", "division", "Organization"}) {
		t.Errorf("teams %+v", s.Teams)
	}
	for _, op := range []policy.Operation{policy.EditTests, policy.EditDisplayName, policy.EditDataProfile} {
		if !b.may(op) {
			t.Errorf("ann may not %v", op)
		}
	}
	if b.may(policy.Delete) {
		t.Error("ann may delete, which nobody granted")
	}
}

// Each change of what rights rest on counts at once, though subjects are cached.
func TestRightsEndWithWhatGaveThem(t *testing.T) {
	ref := func(id entity.ID, typ string) string { return `{"id":"` + id.String() + `","type":"` + typ + `"}` }
	for _, tc := range []struct {
		name   string
		change func(b *teamTree)
		lost   []policy.Operation
	}{
		{"the role is deleted", func(b *teamTree) { b.remove("role", b.role, false) }, []policy.Operation{policy.EditTests}},
		{"the policy lets go of it", func(b *teamTree) {
			b.mustPatch(b.admin, "policy", b.get(b.admin, "policy", "testing", "").ID, `[{"op":"replace","path":"/rules/0/operations/0","value":"EditLineage"}]`)
		}, []policy.Operation{policy.EditTests}},
		{"the policy is switched off", func(b *teamTree) {
			b.mustPatch(b.admin, "policy", b.get(b.admin, "policy", "testing", "").ID, `[{"op":"add","path":"/enabled","value":false}]`)
		}, []policy.Operation{policy.EditTests}},
		{"the department loses its policy", func(b *teamTree) {
			b.mustPatch(b.admin, "team", b.department, `[{"op":"replace","path":"/policies","value":[]}]`)
		}, []policy.Operation{policy.EditDisplayName}},
		{"ann moves to the division", func(b *teamTree) {
			b.mustPatch(b.admin, "user", b.ann.UserID, `[{"op":"replace","path":"/teams","value":[`+ref(b.division, "team")+`]}]`)
		}, []policy.Operation{policy.EditDisplayName, policy.EditDataProfile}},
		{"the group lets ann go", func(b *teamTree) {
			b.mustPatch(b.admin, "team", b.group, `[{"op":"replace","path":"/users","value":[]}]`)
		}, []policy.Operation{policy.EditTests, policy.EditDisplayName, policy.EditDataProfile}},
		{"the group moves to the division", func(b *teamTree) {
			b.mustPatch(b.admin, "team", b.group, `[{"op":"replace","path":"/parents","value":[`+ref(b.division, "team")+`]}]`)
		}, []policy.Operation{policy.EditDisplayName}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newTeamTree(t)
			for _, op := range []policy.Operation{policy.EditTests, policy.EditDisplayName, policy.EditDataProfile} {
				if !b.may(op) {
					t.Fatalf("ann may not %v before", op)
				}
			}
			tc.change(b)
			for _, op := range []policy.Operation{policy.EditTests, policy.EditDisplayName, policy.EditDataProfile} {
				if got, want := b.may(op), !slices.Contains(tc.lost, op); got != want {
					t.Errorf("%v: allowed %v, want %v", op, got, want)
				}
			}
		})
	}
}

// remove deletes an entity as the administrator; it must work.
func (b *bed) remove(typ string, id entity.ID, hard bool) {
	b.t.Helper()
	opts := engine.DeleteOptions{Hard: hard, Recursive: true}
	if _, err := b.e.Delete(b.t.Context(), b.admin, b.typ(typ), engine.ByID(id), opts, engine.View{}); err != nil {
		b.t.Fatalf("deleting %s %s: %v", typ, id, err)
	}
}

func TestADeletedUserHasNoRights(t *testing.T) {
	for _, hard := range []bool{false, true} {
		b := newTeamTree(t)
		if !b.may(policy.EditTests) {
			t.Fatal("ann has no rights before")
		}
		b.remove("user", b.ann.UserID, hard)
		_, err := b.e.Subject(t.Context(), b.ann)
		wantKind(t, err, entity.KindUnauthorized, "does not exist any more")
		_, err = b.e.Get(t.Context(), b.ann, b.typ("team"), engine.ByFQN("group"), engine.View{})
		wantKind(t, err, entity.KindUnauthorized, "does not exist any more")
	}
}

// Two ways up the tree count a team once.
func TestATeamWithTwoParents(t *testing.T) {
	b := newTeamTree(t)
	second := b.create("team", `{"name":"second","teamType":"Department","parents":["`+b.division.String()+`"]}`).ID
	b.mustPatch(b.admin, "team", b.group, `[{"op":"add","path":"/parents/-","value":{"id":"`+second.String()+`","type":"team"}}]`)
	want := []string{"/naming inherited department", "profiler/profiling team group", "tester/testing inherited division"}
	if d := cmp.Diff(want, b.sources()); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
	s, err := b.e.Subject(t.Context(), b.ann)
	if err != nil {
		t.Fatal(err)
	}
	above := slices.Sorted(slices.Values(s.Teams[0].Ancestors))
	if !slices.Equal(above, []string{"Organization", "department", "division", "second"}) {
		t.Errorf("above the group are %v", above)
	}
}
