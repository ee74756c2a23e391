package policy

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func botSubject() *Subject {
	rule := Rule{Name: "Allow", Description: "Bots load data", Effect: Allow, Operations: []Operation{Create, Delete, EditAll, ViewAll}, Resources: []string{"All"}}
	s := &Subject{Name: "bot", Bot: true, Grants: []Grant{{Role: "BotRole", Source: Source{Via: ViaUser}, Policies: []Policy{{Name: "BotPolicy", Enabled: true, Rules: []Rule{rule}}}}}}
	return s.Compile()
}

// accesses is a listing as operation and access, for comparing.
func accesses(rp ResourcePermission) map[string]Access {
	m := map[string]Access{}
	for _, p := range rp.Permissions {
		m[p.Operation.String()] = p.Access
	}
	return m
}

func TestPermissionsInTheShapeOfTheAPI(t *testing.T) {
	rp, err := PermissionsOnType(botSubject(), "topic")
	if err != nil {
		t.Fatal(err)
	}
	rp.Permissions = slices.DeleteFunc(rp.Permissions, func(p Permission) bool { return p.Operation != Create && p.Operation != EditAll })
	got, err := json.Marshal(rp)
	if err != nil {
		t.Fatal(err)
	}
	rule := `{"name":"Allow","description":"Bots load data","effect":"allow","operations":["Create","Delete","EditAll","ViewAll"],"resources":["All"]}`
	want := `{"resource":"topic","permissions":[` +
		`{"operation":"Create","access":"allow","rule":` + rule + `,"policy":"BotPolicy","role":"BotRole"},` +
		`{"operation":"EditAll","access":"allow","rule":` + rule + `,"policy":"BotPolicy","role":"BotRole"}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	admin, err := json.Marshal(permissionOf(t, &Subject{Admin: true}, "table"))
	if err != nil {
		t.Fatal(err)
	}
	want = `{"resource":"table","permissions":[{"operation":"Create","access":"allow"},{"operation":"Delete","access":"allow"},` +
		`{"operation":"ViewAll","access":"allow"},{"operation":"EditAll","access":"allow"}]}`
	if diff := cmp.Diff(want, string(admin)); diff != "" {
		t.Error(diff)
	}
}

func permissionOf(t *testing.T, s *Subject, typ string) ResourcePermission {
	t.Helper()
	rp, err := PermissionsOnType(s, typ)
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

func TestConditionalPermissions(t *testing.T) {
	rules := []Rule{
		{Name: "owners", Effect: Allow, Operations: []Operation{EditAll}, Resources: []string{"table"}, Condition: "isOwner()"},
		{Name: "pii", Effect: Deny, Operations: []Operation{ViewSampleData}, Resources: []string{"TABLE"}, Condition: "matchAnyTag('PII.Sensitive')"},
		{Name: "view", Effect: Allow, Operations: []Operation{ViewBasic, ViewSampleData}, Resources: []string{"all"}},
		{Name: "never", Effect: Deny, Operations: []Operation{EditOwners}, Resources: []string{"all"}},
		{Name: "maybe", Effect: Deny, Operations: []Operation{EditLineage}, Resources: []string{"table"}, Condition: "noOwner()"},
	}
	s := &Subject{ID: idOf("user", "ann"), Grants: []Grant{{Role: "R", Source: Source{Via: ViaUser}, Policies: []Policy{{Name: "P", Enabled: true, Rules: rules}}}}}
	s.Compile()
	got := accesses(permissionOf(t, s, "table"))
	for op, want := range map[string]Access{
		"EditAll": AccessConditionalAllow, "EditTags": AccessConditionalAllow, "ViewBasic": AccessAllow,
		"ViewSampleData": AccessAllow, "EditOwners": AccessDeny, "EditLineage": AccessConditionalDeny, "Create": AccessNotAllow,
	} {
		if got[op] != want {
			t.Errorf("%s: %s, expected %s", op, got[op], want)
		}
	}
	r := &Resource{Type: "table", ID: idOf("table", "x"), Owners: []entity.Ref{refTo("ann")}, Tags: []entity.TagLabel{{TagFQN: "PII.Sensitive"}}}
	rp, err := PermissionsOn(s, r)
	if err != nil {
		t.Fatal(err)
	}
	got = accesses(rp)
	for op, want := range map[string]Access{
		"EditAll": AccessAllow, "EditTags": "", "ViewSampleData": AccessDeny, "EditOwners": AccessDeny, "EditLineage": "", "Delete": AccessNotAllow,
	} {
		if got[op] != want {
			t.Errorf("on the resource, %s: %q, expected %q", op, got[op], want)
		}
	}
}

func TestPermissionsOfUnknownTypes(t *testing.T) {
	if _, err := PermissionsOnType(&Subject{}, "nosuch"); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("got %v", err)
	}
	if _, err := PermissionsOn(&Subject{Admin: true}, &Resource{Type: "nosuch"}); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("got %v", err)
	}
}

func TestPermissionsOnAllTypes(t *testing.T) {
	list := PermissionsOnAll(botSubject())
	if len(list) != len(Resources()) || list[0].Resource != "all" || list[1].Resource != "aiApplication" {
		t.Fatalf("%d types, the first is %s", len(list), list[0].Resource)
	}
	for _, rp := range list {
		if got := accesses(rp); got["Create"] != AccessAllow || got["EditAll"] != AccessAllow {
			t.Errorf("%s: %v", rp.Resource, got)
		}
	}
	rules := []Rule{{Name: "r", Effect: Allow, Operations: []Operation{All}, Resources: []string{"table"}}}
	for _, rp := range PermissionsOfPolicies([]Policy{{Name: "P", Enabled: true, Rules: rules}}) {
		want := AccessNotAllow
		if rp.Resource == "table" {
			want = AccessAllow
		}
		if got := accesses(rp)["Delete"]; got != want {
			t.Errorf("%s: Delete is %s", rp.Resource, got)
		}
	}
}

func TestResources(t *testing.T) {
	common := SetOf(Create, Delete, ViewAll, ViewBasic, EditAll, EditDescription, EditDisplayName, EditGlossaryTerms, EditTier)
	seen := map[string]bool{}
	for _, d := range Resources() {
		if seen[d.Name] {
			t.Errorf("%s is listed twice", d.Name)
		}
		seen[d.Name] = true
		set := SetOf(d.Operations...)
		if set.Len() != len(d.Operations) || common&^set != 0 {
			t.Errorf("%s: operations %s", d.Name, set)
		}
	}
	if len(seen) != 72 || !seen["all"] {
		t.Errorf("%d resource types", len(seen))
	}
	table, ok := DescriptorOf("Table")
	if set := SetOf(table.Operations...); !ok || !set.Has(ViewSampleData) || !set.Has(EditEntityRelationship) || set.Has(EditUsers) {
		t.Errorf("table: %s", set)
	}
	all, _ := DescriptorOf("ALL")
	if len(all.Operations) != len(Operations()) {
		t.Errorf("all: %d operations", len(all.Operations))
	}
	if KnownResource("nosuch") || !KnownResource("databaseschema") {
		t.Error("KnownResource is wrong")
	}
	first := Resources()
	first[0].Name = "changed"
	if Resources()[0].Name == "changed" {
		t.Error("the caller's list is not its own")
	}
}
