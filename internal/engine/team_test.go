package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
)

// team makes a team of a type below others, as the administrator.
func (b *bed) team(name, typ string, parents ...entity.ID) (*entity.Entity, error) {
	b.t.Helper()
	list := "[]"
	if len(parents) > 0 {
		texts := make([]string, len(parents))
		for i, id := range parents {
			texts[i] = `"` + id.String() + `"`
		}
		list = "[" + strings.Join(texts, ",") + "]"
	}
	got, err := b.e.Create(b.t.Context(), b.admin, b.typ("team"), []byte(fmt.Sprintf(`{"name":%q,"teamType":%q,"parents":%s}`, name, typ, list)), engine.View{})
	return got.Entity, err
}

func (b *bed) mustTeam(name, typ string, parents ...entity.ID) entity.ID {
	b.t.Helper()
	got, err := b.team(name, typ, parents...)
	if err != nil {
		b.t.Fatalf("making team %s: %v", name, err)
	}
	return got.ID
}

func (b *bed) patchTeam(id entity.ID, format string, args ...any) error {
	b.t.Helper()
	_, err := b.patch(b.admin, "team", id, fmt.Sprintf(format, args...))
	return err
}

// namesIn are the names in a reference member of a team or user.
func (b *bed) namesIn(typ, fqn, member string) []string {
	b.t.Helper()
	var refs []entity.Ref
	unmarshal(b.t, b.get(b.admin, typ, fqn, member).Rest[member], &refs)
	names := make([]string, len(refs))
	for i := range refs {
		names[i] = refs[i].Name
	}
	slices.Sort(names)
	return names
}

func TestWhichTeamsMayBeBelowWhich(t *testing.T) {
	b := newBed(t)
	root := b.get(b.admin, "team", "Organization", "").ID
	parents := map[string]entity.ID{"Organization": root}
	for _, typ := range []string{"BusinessUnit", "Division", "Department", "Group"} {
		parents[typ] = b.mustTeam("above"+typ, typ)
	}
	allowed := map[string]string{
		"Organization": "", "BusinessUnit": "Organization BusinessUnit", "Division": "Organization BusinessUnit Division",
		"Department": "Organization BusinessUnit Division Department", "Group": "Organization BusinessUnit Division Department",
	}
	for typ, fits := range allowed {
		for above, id := range parents {
			_, err := b.team(typ+"Below"+above, typ, id)
			if want := slices.Contains(strings.Fields(fits), above); (err == nil) != want {
				t.Errorf("a %s below a %s: %v, allowed should be %v", typ, above, err, want)
			}
		}
		_, err := b.team(typ+"WithTwo", typ, parents["BusinessUnit"], parents["Division"])
		if want := typ == "Department" || typ == "Group"; (err == nil) != want {
			t.Errorf("a %s with two parents: %v", typ, err)
		}
	}
	for _, tc := range []struct {
		name, why string
		err       error
	}{
		{"a group becomes a department", "stays one", b.patchTeam(parents["Group"], `[{"op":"replace","path":"/teamType","value":"Department"}]`)},
		{"a department with a group below becomes a group", "is below it", b.patchTeam(parents["Department"], `[{"op":"replace","path":"/teamType","value":"Group"}]`)},
		{"a business unit moves below a division", "cannot be below", b.patchTeam(parents["BusinessUnit"], `[{"op":"replace","path":"/parents","value":[%s]}]`, refJSON(parents["Division"], "team"))},
		{"a division takes a business unit as its child", "cannot be below", b.patchTeam(parents["Division"], `[{"op":"add","path":"/children","value":[%s]}]`, refJSON(parents["BusinessUnit"], "team"))},
		{"the organization gets a parent", "has no parent", b.patchTeam(root, `[{"op":"add","path":"/parents","value":[%s]}]`, refJSON(parents["BusinessUnit"], "team"))},
	} {
		wantKind(t, tc.err, entity.KindBadRequest, tc.why)
	}
}

func TestTeamsMakeNoCircle(t *testing.T) {
	b := newBed(t)
	first := b.mustTeam("first", "Department")
	second := b.mustTeam("second", "Department", first)
	third := b.mustTeam("third", "Department", second)
	for _, below := range []entity.ID{first, second, third} {
		err := b.patchTeam(first, `[{"op":"replace","path":"/parents","value":[%s]}]`, refJSON(below, "team"))
		wantKind(t, err, entity.KindBadRequest, "below itself")
	}
	err := b.patchTeam(third, `[{"op":"add","path":"/children","value":[%s]}]`, refJSON(first, "team"))
	wantKind(t, err, entity.KindBadRequest, "below itself")
	_, err = b.put(b.admin, "team", fmt.Sprintf(`{"name":"first","teamType":"Department","parents":[%q]}`, third))
	wantKind(t, err, entity.KindBadRequest, "below itself")
	if got := b.namesIn("team", "first", "parents"); !slices.Equal(got, []string{"Organization"}) {
		t.Errorf("first is now below %v", got)
	}
}

func TestATeamWithoutParentsIsBelowTheOrganization(t *testing.T) {
	b := newBed(t)
	unit := b.mustTeam("unit", "BusinessUnit")
	group := b.mustTeam("group", "Group", unit)
	parents := func(want ...string) {
		t.Helper()
		if got := b.namesIn("team", "group", "parents"); !slices.Equal(got, want) {
			t.Errorf("group is below %v, want %v", got, want)
		}
	}
	parents("unit")
	b.mustPut(b.admin, "team", `{"name":"group","teamType":"Group","description":"says nothing of parents"}`)
	parents("unit")
	if err := b.patchTeam(group, `[{"op":"remove","path":"/parents"}]`); err != nil {
		t.Fatal(err)
	}
	parents("Organization")
	if err := b.patchTeam(unit, `[{"op":"add","path":"/children","value":[%s]}]`, refJSON(group, "team")); err != nil {
		t.Fatal(err)
	}
	parents("unit")
	if err := b.patchTeam(unit, `[{"op":"replace","path":"/children","value":[]}]`); err != nil {
		t.Fatal(err)
	}
	parents("Organization")
}

// What comes from teams above shows with what a user or team has of its own.
func TestUsersAndTeamsShowWhatTheyInherit(t *testing.T) {
	b := newBed(t)
	for _, name := range []string{"upper", "lower", "own"} {
		b.create("role", `{"name":"`+name+`","policies":["DataConsumerPolicy"]}`)
	}
	for _, name := range []string{"money", "people"} {
		b.create("domain", `{"name":"`+name+`","description":"","domainType":"Aggregate"}`)
	}
	persona := b.create("persona", `{"name":"analyst"}`).ID
	role := func(name string) string { return `"` + b.get(b.admin, "role", name, "").ID.String() + `"` }
	division := b.create("team", `{"name":"division","teamType":"Division","defaultRoles":[`+role("upper")+`],"domains":["money"],"owners":[`+refJSON(b.plain.UserID, "user")+`]}`).ID
	group := b.create("team", fmt.Sprintf(`{"name":"group","teamType":"Group","parents":[%q],"defaultRoles":[%s],"defaultPersona":%q}`, division, role("lower"), persona)).ID
	b.create("user", fmt.Sprintf(`{"name":"ann","email":"ann@example.com","teams":[%q],"roles":[%s],"domains":["people"]}`, group, role("own")))
	b.create("user", fmt.Sprintf(`{"name":"robot","email":"robot@example.com","isBot":true,"teams":[%q]}`, group))

	for _, tc := range []struct {
		typ, fqn, ask, member, want string
	}{
		{"user", "ann", "roles", "roles", "own"},
		{"user", "ann", "roles", "inheritedRoles", "DataConsumer lower upper"},
		{"user", "ann", "personas", "inheritedPersonas", "analyst"},
		{"user", "robot", "roles", "inheritedRoles", ""},
		{"user", "plain", "roles", "inheritedRoles", "DataConsumer"},
		{"user", "plain", "teams", "teams", "Organization"},
		{"user", "ann", "teams", "teams", "group"},
		{"team", "group", "defaultRoles", "inheritedRoles", "DataConsumer upper"},
		{"team", "Organization", "defaultRoles", "inheritedRoles", ""},
	} {
		var refs []entity.Ref
		unmarshal(t, b.get(b.admin, tc.typ, tc.fqn, tc.ask).Rest[tc.member], &refs)
		var names []string
		for _, ref := range refs {
			names = append(names, ref.Name)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("%s of %s are %q, want %q", tc.member, tc.fqn, got, tc.want)
		}
	}
	domains := func(typ, fqn string) string {
		var out []string
		for _, ref := range b.get(b.admin, typ, fqn, "domains").Domains {
			out = append(out, fmt.Sprintf("%s:%v", ref.Name, ref.Inherited))
		}
		return strings.Join(out, " ")
	}
	if got := domains("user", "ann"); got != "people:false money:true" {
		t.Errorf("domains of ann: %s", got)
	}
	if got := domains("team", "group"); got != "money:true" {
		t.Errorf("domains of the group: %s", got)
	}
	if got := b.get(b.admin, "team", "group", "owners").Owners; len(got) > 0 {
		t.Errorf("owning the division makes an owner of the group: %v", got)
	}
	counted := b.get(b.admin, "team", "division", "userCount,childrenCount")
	if string(counted.Rest["userCount"]) != "2" || string(counted.Rest["childrenCount"]) != "1" {
		t.Errorf("%s users and %s teams below the division, want 2 and 1", counted.Rest["userCount"], counted.Rest["childrenCount"])
	}
	// A client that sends back what it was shown changes nothing but what it wants.
	ann := b.get(b.admin, "user", "ann", "").ID
	if got := b.mustPatch(b.admin, "user", ann, `[{"op":"add","path":"/domains/-","value":`+refJSON(b.get(b.admin, "domain", "money", "").ID, "domain")+`}]`); got.Event != entity.EventUpdated {
		t.Errorf("naming an inherited domain is %s", got.Event)
	}
	if got := domains("user", "ann"); got != "people:false money:false" {
		t.Errorf("domains of ann, with one of her own that she inherited: %s", got)
	}
	b.mustPatch(b.admin, "user", b.plain.UserID, `[{"op":"add","path":"/teams/-","value":`+refJSON(group, "team")+`}]`)
	if got := b.namesIn("user", "plain", "teams"); !slices.Equal(got, []string{"group"}) {
		t.Errorf("plain is in %v, want the group alone", got)
	}
}

// A team's policies reach what the team owns. What a member owns is the member's.
func TestPoliciesOfATeamReachWhatItOwns(t *testing.T) {
	b := tableBed(t)
	b.create("policy", `{"name":"closed","rules":[{"name":"r","effect":"deny","operations":["ViewAll"],"resources":["table"],"condition":"!matchTeam()"}]}`)
	vault := b.create("team", `{"name":"vault","teamType":"Department","policies":["`+b.get(b.admin, "policy", "closed", "").ID.String()+`"]}`).ID
	east := b.mustTeam("east", "Group", vault)
	b.create("user", fmt.Sprintf(`{"name":"val","email":"val@example.com","teams":[%q]}`, east))
	val := b.caller("val")
	b.create("table", tableRequest("secrets", `"owners":[`+refJSON(east, "team")+`],`, idColumn))
	b.create("table", tableRequest("personal", `"owners":[`+refJSON(val.UserID, "user")+`],`, idColumn))
	b.create("table", tableRequest("loose", "", idColumn))
	b.wantSight(b.plain, map[string]bool{"secrets": false, "personal": true, "loose": true})
	b.wantSight(val, map[string]bool{"secrets": true, "personal": true, "loose": false})
}

// wantSight compares single decisions and the filter with what tables somebody
// should see.
func (b *bed) wantSight(by entity.Principal, want map[string]bool) {
	b.t.Helper()
	filter, err := b.e.Sight(b.t.Context(), by, "table")
	if err != nil {
		b.t.Fatal(err)
	}
	for name, seen := range want {
		sel := engine.ByFQN("svc.db.sales." + name)
		_, err := b.e.AuthorizeEntity(b.t.Context(), by, b.typ("table"), sel, policy.ViewBasic)
		res, failed := b.e.Resource(b.t.Context(), b.typ("table"), sel)
		if failed != nil {
			b.t.Fatal(failed)
		}
		if got := filter.Holds(policy.FactsOf(res)); (err == nil) != seen || got != seen {
			b.t.Errorf("%s sees %s: decided %v, filtered %v, want %v", by.Name, name, err == nil, got, seen)
		}
	}
}

// A question about tags counts those of columns, however deep.
func TestTagsOfColumnsCountForTheTable(t *testing.T) {
	b := tableBed(t)
	b.create("policy", `{"name":"no-pii","rules":[{"name":"r","effect":"deny","operations":["ViewAll"],"resources":["table"],"condition":"matchAnyTag('PII.Sensitive')"}]}`)
	b.create("role", `{"name":"shut","policies":["no-pii"]}`)
	b.create("user", `{"name":"ann","email":"ann@example.com","roles":["`+b.get(b.admin, "role", "shut", "").ID.String()+`"]}`)
	const label = `"tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]`
	b.create("table", tableRequest("plain", "", idColumn))
	b.create("table", tableRequest("whole", label+",", idColumn))
	b.create("table", tableRequest("column", "", `{"name":"email","dataType":"STRING",`+label+`}`))
	b.create("table", tableRequest("nested", "", `{"name":"addr","dataType":"STRUCT","children":[{"name":"zip","dataType":"STRING",`+label+`}]}`))
	b.wantSight(b.caller("ann"), map[string]bool{"plain": true, "whole": false, "column": false, "nested": false})
}

// Members have the domains of their teams, and of those above.
func TestDomainsOfTeamsCountForTheirMembers(t *testing.T) {
	b := tableBed(t)
	for _, name := range []string{"money", "people"} {
		b.create("domain", `{"name":"`+name+`","description":"","domainType":"Aggregate"}`)
		b.create("table", tableRequest(name, `"domains":["`+name+`"],`, idColumn))
	}
	division := b.create("team", `{"name":"division","teamType":"Division","domains":["money"]}`).ID
	group := b.mustTeam("group", "Group", division)
	role := b.get(b.admin, "role", "DomainOnlyAccessRole", "").ID
	b.create("user", fmt.Sprintf(`{"name":"ann","email":"ann@example.com","teams":[%q],"roles":[%q]}`, group, role))
	ann := b.caller("ann")
	b.wantSight(ann, map[string]bool{"money": true, "people": false})
	if err := b.patchTeam(group, `[{"op":"add","path":"/domains","value":[%s]}]`, refJSON(b.get(b.admin, "domain", "people", "").ID, "domain")); err != nil {
		t.Fatal(err)
	}
	b.wantSight(ann, map[string]bool{"money": true, "people": true})
	if err := b.patchTeam(division, `[{"op":"remove","path":"/domains"}]`); err != nil {
		t.Fatal(err)
	}
	b.wantSight(ann, map[string]bool{"money": false, "people": true})
}

// One persona at a time is the default, and shows for whoever has chosen none.
func TestTheDefaultPersona(t *testing.T) {
	b := newBed(t)
	first := b.create("persona", `{"name":"first","default":true}`).ID
	second := b.create("persona", `{"name":"second","default":true}`).ID
	isDefault := func(want string) {
		t.Helper()
		for _, name := range []string{"first", "second"} {
			if got := string(b.get(b.admin, "persona", name, "").Rest["default"]) == "true"; got != (name == want) {
				t.Errorf("%s is the default: %v, but it is %s", name, got, want)
			}
		}
		var ref entity.Ref
		unmarshal(t, b.get(b.plain, "user", "plain", "defaultPersona").Rest["defaultPersona"], &ref)
		if ref.Name != want {
			t.Errorf("somebody who has chosen none has %q, want %s", ref.Name, want)
		}
	}
	isDefault("second")
	b.mustPatch(b.admin, "persona", first, `[{"op":"replace","path":"/default","value":true}]`)
	isDefault("first")
	b.mustPatch(b.plain, "user", b.plain.UserID, `[{"op":"add","path":"/defaultPersona","value":`+refJSON(second, "persona")+`}]`)
	var ref entity.Ref
	unmarshal(t, b.get(b.plain, "user", "plain", "defaultPersona").Rest["defaultPersona"], &ref)
	if ref.Name != "second" {
		t.Errorf("who has chosen second has %q", ref.Name)
	}
	if got := b.get(b.admin, "user", "ingestion-bot", "defaultPersona").Rest["defaultPersona"]; got != nil {
		t.Errorf("a bot has the persona %s", got)
	}
}
