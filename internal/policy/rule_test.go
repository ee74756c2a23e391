package policy

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestOperationNames(t *testing.T) {
	if len(Operations()) != 57 || len(operations().names) != int(operationCount) {
		t.Fatalf("%d operations, %d names", len(Operations()), len(operations().names))
	}
	for _, op := range Operations() {
		read, err := ParseOperation(op.String())
		if err != nil || read != op {
			t.Errorf("%s reads as %s (%v)", op, read, err)
		}
	}
	// One from each part of the list: a shift of names against constants would show.
	for op, name := range map[Operation]string{
		All: "All", Delete: "Delete", ViewCustomFields: "ViewCustomFields", EditAll: "EditAll", EditTags: "EditTags",
		EditTier: "EditTier", Deploy: "Deploy", Impersonate: "Impersonate", EditTestDefinitionLibrary: "EditTestDefinitionLibrary",
	} {
		if op.String() != name {
			t.Errorf("%s is called %s", name, op)
		}
	}
	for _, bad := range []string{"", "-", "none", "all", "EditOwner", "EDIT_TAGS", strings.Repeat("x", 1000)} {
		if _, err := ParseOperation(bad); entity.KindOf(err) != entity.KindBadRequest || len(err.Error()) > 200 {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if _, err := Operation(0).MarshalText(); err == nil || Operation(250).String() != "none" {
		t.Error("an operation that does not exist has a name")
	}
}

func TestCovered(t *testing.T) {
	for _, op := range Operations() {
		name := op.String()
		for given, want := range map[Operation]bool{
			All:     true,
			EditAll: strings.HasPrefix(name, "Edit"),
			ViewAll: strings.HasPrefix(name, "View"),
			op:      true,
			Kill:    op == Kill,
		} {
			if given != op && Covered(given).Has(op) != want {
				t.Errorf("%s covers %s: %v", given, name, !want)
			}
		}
		if !Covered(op).Has(op) {
			t.Errorf("%s does not cover itself", name)
		}
	}
	if Covered(EditTags, EditTier).Has(EditAll) || Covered(Create).Has(BulkCreate) || Covered().Len() != 0 {
		t.Error("single operations cover too much")
	}
	if both := Covered(EditAll, ViewAll); !both.Has(EditTags) || !both.Has(ViewBasic) || both.Has(Delete) {
		t.Errorf("EditAll and ViewAll cover %s", both)
	}
	if Covered(0, All).Has(0) || Covered(Operation(99)).Len() != 0 {
		t.Error("what is no operation is covered")
	}
	if got := SetOf(EditTier, EditTags).String(); got != "[EditTags, EditTier]" {
		t.Error(got)
	}
}

func TestRuleValidate(t *testing.T) {
	good := Rule{Name: "r", Effect: Allow, Operations: []Operation{All}, Resources: []string{"All"}, Condition: "isOwner()"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for says, spoil := range map[string]func(*Rule){
		"needs a name":         func(r *Rule) { r.Name = "" },
		"allow or deny":        func(r *Rule) { r.Effect = "permit" },
		"at least one op":      func(r *Rule) { r.Operations = nil },
		"at least one res":     func(r *Rule) { r.Resources = nil },
		"cannot be the name":   func(r *Rule) { r.Resources = []string{"table", "a b"} },
		"position 1: T is not": func(r *Rule) { r.Condition = "T(x)" },
	} {
		r := good
		spoil(&r)
		if err := r.Validate(); entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), says) {
			t.Errorf("expected something with %q, got %v", says, err)
		}
	}
}

func TestFromEntity(t *testing.T) {
	read := func(members string) (Policy, error) {
		e := &entity.Entity{Name: "P", FullyQualifiedName: "P"}
		if err := json.Unmarshal([]byte("{"+members+"}"), &e.Rest); err != nil {
			t.Fatal(err)
		}
		return FromEntity(e)
	}
	rules := `"rules":[{"name":"r","effect":"deny","operations":["EditTags","All"],"resources":["all"],"condition":"noOwner()"}]`
	got, err := read(rules)
	if err != nil {
		t.Fatal(err)
	}
	want := Policy{Name: "P", FQN: "P", Enabled: true, Rules: []Rule{{Name: "r", Effect: Deny, Operations: []Operation{EditTags, All}, Resources: []string{"all"}, Condition: "noOwner()"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for doc, enabled := range map[string]bool{
		`"enabled":true`: true, `"enabled":false`: false, `"disabled":true`: false, `"disabled":false`: true,
		`"enabled":null`: true, `"enabled":true,"disabled":true`: false,
	} {
		if p, err := read(doc); err != nil || p.Enabled != enabled {
			t.Errorf("%s: enabled = %v, %v", doc, p.Enabled, err)
		}
	}
	deleted := true
	if p, err := FromEntity(&entity.Entity{Name: "P", Deleted: &deleted}); err != nil || p.Enabled {
		t.Errorf("a deleted policy counts: %v", err)
	}
	for _, bad := range []string{`"enabled":"no"`, `"rules":{}`, `"rules":[{"name":"r","operations":["Fly"]}]`} {
		if _, err := read(bad); entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), "policy P") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestResourceOf(t *testing.T) {
	e := &entity.Entity{
		ID: idOf("table", "x"), FullyQualifiedName: "a.b", Owners: []entity.Ref{refTo("ann")}, Reviewers: []entity.Ref{refTo("bob")},
		Domains: []entity.Ref{{FullyQualifiedName: "D"}}, Tags: []entity.TagLabel{{TagFQN: "A.B"}}, Extension: jsontext.Value(`{"k":1}`),
		Rest: map[string]jsontext.Value{"certification": jsontext.Value(`{"tagLabel":{"tagFQN":"Certification.Gold"},"appliedDate":1}`)},
	}
	want := Resource{
		Type: "table", ID: e.ID, FQN: "a.b", Owners: e.Owners, Reviewers: e.Reviewers, Domains: e.Domains, Tags: e.Tags,
		Custom: e.Extension, Certification: "Certification.Gold",
	}
	if diff := cmp.Diff(want, ResourceOf("table", e)); diff != "" {
		t.Error(diff)
	}
	for _, raw := range []string{"", "null", "7", "{}"} {
		if got := certification(jsontext.Value(raw)); got != "" {
			t.Errorf("%s certifies %q", raw, got)
		}
	}
}

func TestRulesetRoles(t *testing.T) {
	s := &Subject{Grants: []Grant{
		{Role: "A", Source: Source{Via: ViaUser}}, {Role: "A", Source: Source{Via: ViaTeam, Team: "T"}},
		{Role: "B", Source: Source{Via: ViaInherited, Team: "U"}}, {Source: Source{Via: ViaTeam, Team: "T"}},
	}}
	if diff := cmp.Diff([]string{"A", "B"}, s.Compile().Rules.Roles()); diff != "" {
		t.Error(diff)
	}
	s.Bot = true
	if diff := cmp.Diff([]string{"A"}, s.Compile().Rules.Roles()); diff != "" {
		t.Error("a bot has its teams' roles:", diff)
	}
	var none *Ruleset
	if none.Roles() != nil || none.Problems() != nil || none.on("table") != nil {
		t.Error("no rules, yet something of them")
	}
}

func TestResourceTypesCompareInAnyCase(t *testing.T) {
	long := strings.Repeat("LongName", 12)
	rules := []Rule{
		{Name: "r", Effect: Allow, Operations: []Operation{Kill}, Resources: []string{"DatabaseSchema", long}},
		{Name: "all", Effect: Allow, Operations: []Operation{ViewAll}, Resources: []string{"topic", "ALL"}},
	}
	s := &Subject{Grants: []Grant{{Source: Source{Via: ViaUser}, Policies: []Policy{{Name: "P", Enabled: true, Rules: rules}}}}}
	s.Compile()
	for typ, want := range map[string]bool{
		"databaseSchema": true, "databaseschema": true, "DATABASESCHEMA": true, long: true, strings.ToLower(long): true,
		"database": false, "table": false, strings.Repeat("Other", 20): false,
	} {
		if got := Decide(s, &Resource{Type: typ}, Kill).Allowed; got != want {
			t.Errorf("%s: %v", typ, got)
		}
		if !Decide(s, &Resource{Type: typ}, ViewBasic).Allowed {
			t.Errorf("%s is not reached by a rule on all", typ)
		}
	}
	if Decide(s, &Resource{Type: "SCIM"}, ViewScim).Allowed {
		t.Error("a rule on all opens provisioning")
	}
}
