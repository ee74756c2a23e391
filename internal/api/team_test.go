package api

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheRootTeamStays(t *testing.T) {
	h := newHarness(t)
	h.do("DELETE", "/teams/name/Organization?recursive=true&hardDelete=true", nil, 400)
	h.do("GET", "/teams/name/Organization", nil, 200)
}

// team makes a team of a type and returns its id.
func (h *harness) team(name, typ string, more map[string]any) string {
	h.t.Helper()
	body := map[string]any{"name": name, "teamType": typ}
	for member, value := range more {
		body[member] = value
	}
	return h.do("POST", "/teams", body, 201).id()
}

// treeText writes a hierarchy as name(children) for comparison.
func treeText(trees []*teamTree) string {
	var parts []string
	for _, team := range trees {
		text := team.Name
		if len(team.Children) > 0 {
			text += "(" + treeText(team.Children) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func TestTeamHierarchy(t *testing.T) {
	h := newHarness(t)
	unit := h.team("unit", "BusinessUnit", map[string]any{"isJoinable": false})
	division := h.team("division", "Division", map[string]any{"parents": []string{unit}, "isJoinable": false})
	h.team("open", "Group", map[string]any{"parents": []string{division}})
	h.team("shut", "Group", map[string]any{"parents": []string{unit}, "isJoinable": false})
	h.team("alone", "Group", map[string]any{"isJoinable": false, "description": "Nobody joins", "displayName": "Alone"})
	tree := func(who caller, query string) string {
		t.Helper()
		var page struct {
			Data []*teamTree `json:"data"`
		}
		h.as(who, "GET", "/teams/hierarchy"+query, nil).want(200).into(&page)
		return treeText(page.Data)
	}
	for query, want := range map[string]string{
		"":                           "alone unit(division(open) shut)",
		"?isJoinable=true&limit=100": "unit(division(open))",
		"?limit=1":                   "alone",
		"?limit=0":                   "",
	} {
		if got := tree(h.nobody, query); got != want {
			t.Errorf("the hierarchy for %q is %q, want %q", query, got, want)
		}
	}
	h.do("GET", "/teams/hierarchy", nil, 200).shows("data.0.name", "alone", "data.0.displayName", "Alone", "data.0.teamType", "Group",
		"data.0.isJoinable", "false", "paging.total", "2").lacks("Organization")

	// Who may not see a team does not see it here; those below move up.
	ann := h.person("ann")
	h.do("POST", "/domains", `{"name":"hidden","domainType":"Aggregate","description":""}`, 201)
	h.do("PATCH", "/teams/"+division, fmt.Sprintf(`[{"op":"add","path":"/domains","value":[{"id":%q,"type":"domain"}]}]`, h.do("GET", "/domains/name/hidden", nil, 200).id()), 200)
	h.rightsOf(ann, "NoHidden", `{"name":"r","effect":"deny","resources":["team"],"operations":["ViewAll"],"condition":"!noDomain()"}`)
	if got := tree(ann, ""); got != "alone open unit(shut)" {
		t.Errorf("the hierarchy without the division is %q", got)
	}
}

func TestMembersOfATeam(t *testing.T) {
	h := newHarness(t)
	group := h.team("crew", "Group", nil)
	ann, ben := h.person("ann"), h.person("ben")
	ref := func(who caller) map[string]any { return map[string]any{"id": who.id, "type": "user"} }
	users := func(want ...string) {
		t.Helper()
		var team struct {
			Users []struct {
				Name string `json:"name"`
			} `json:"users"`
		}
		h.do("GET", "/teams/"+group+"?fields=users", nil, 200).into(&team)
		var got []string
		for _, user := range team.Users {
			got = append(got, user.Name)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("in the team are %v, want %v", got, want)
		}
	}
	path := "/teams/" + group + "/users"
	h.do("PUT", path, []any{ref(ann), ref(ben)}, 200).shows("entityType", "team", "eventType", "entityUpdated", "changeDescription.fieldsAdded.0.name", "users")
	users("ann", "ben")
	h.do("PUT", path, []any{ref(ben)}, 200).shows("changeDescription.fieldsDeleted.0.name", "users")
	users("ben")
	h.do("DELETE", path+"/"+ben.id.String(), nil, 200).shows("changeDescription.fieldsDeleted.0.name", "users")
	users()
	h.do("DELETE", path+"/"+ben.id.String(), nil, 400)
	for _, body := range []string{`{}`, `[{}]`, `[{"id":"` + group + `","type":"team"}]`, `[1]`, `null`} {
		h.do("PUT", path, body, 400)
	}
	h.do("PUT", path, `[{"id":"00000000-0000-0000-0000-000000000009"}]`, 404)
	h.as(ann, "PUT", path, []any{ref(ann)}).want(403)
	users()
	root := h.do("GET", "/teams/name/Organization", nil, 200).id()
	h.do("PUT", "/teams/"+root+"/users", []any{}, 400)
	h.do("PUT", "/teams/00000000-0000-0000-0000-000000000009/users", []any{}, 404)
}

func TestAssetCounts(t *testing.T) {
	h := newHarness(t)
	group := h.team("crew", "Group", nil)
	h.team("idle", "Group", nil)
	s := h.schema()
	first, second := h.table(s, "first", "id"), h.table(s, "second", "id")
	owned := fmt.Sprintf(`[{"op":"add","path":"/owners","value":[{"id":%q,"type":"team"}]}]`, group)
	for _, id := range []string{first, second} {
		h.do("PATCH", "/tables/"+id, owned, 200)
	}
	h.do("PATCH", "/tables/"+second, `[{"op":"add","path":"/tags","value":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]`, 200)
	h.do("POST", "/domains", `{"name":"money","domainType":"Aggregate","description":""}`, 201)
	h.do("PUT", "/domains/money/assets/add", fmt.Sprintf(`{"assets":[{"id":%q,"type":"table"}]}`, first), 200)
	h.indexed("table", "/tables/"+first, "/tables/"+second)
	h.do("GET", "/teams/assets/counts", nil, 200).shows("crew", "2").lacks("idle")
	h.do("GET", "/domains/assets/counts", nil, 200).shows("money", "1")
	h.do("GET", "/dataProducts/assets/counts", nil, 200).lacks("money")

	ann := h.person("ann")
	h.rightsOf(ann, "Careful", `{"name":"r","effect":"deny","resources":["table"],"operations":["ViewAll"],"condition":"matchAnyTag('PII.Sensitive')"}`)
	h.as(ann, "GET", "/teams/assets/counts", nil).want(200).shows("crew", "1")
}

// Adding assets to a team or a domain is no way around what only administrators
// decide: who owns a team, which domains people have.
func TestAssetsAreNoWayToMoreRights(t *testing.T) {
	h := newHarness(t)
	group, other := h.team("crew", "Group", nil), h.team("other", "Group", nil)
	h.do("POST", "/domains", `{"name":"money","domainType":"Aggregate","description":""}`, 201)
	ann := h.person("ann")
	h.do("PUT", "/teams/"+group+"/users", []any{map[string]any{"id": ann.id, "type": "user"}}, 200)
	h.rightsOf(ann, "Everything", `{"name":"r","effect":"allow","resources":["all"],"operations":["All"]}`)
	add := func(path, typ, id, why string) {
		t.Helper()
		var result struct {
			Failed []struct {
				Message string `json:"message"`
			} `json:"failedRequest"`
		}
		h.as(ann, "PUT", path, fmt.Sprintf(`{"assets":[{"id":%q,"type":%q}]}`, id, typ)).want(200, 403).into(&result)
		if len(result.Failed) != 1 || !strings.Contains(result.Failed[0].Message, why) {
			t.Errorf("%s with a %s: %+v, want a refusal that says %q", path, typ, result.Failed, why)
		}
	}
	add("/teams/crew/assets/add", "team", other, "owners of teams")
	add("/teams/crew/assets/add", "policy", h.do("GET", "/policies/name/OrganizationPolicy", nil, 200).id(), "policies")
	add("/domains/money/assets/add", "user", ann.id.String(), "domains")
	add("/domains/money/assets/add", "team", group, "domains of teams")
	add("/domains/money/assets/add", "role", h.do("GET", "/roles/name/DataConsumer", nil, 200).id(), "roles")
	h.do("GET", "/users/"+ann.id.String()+"?fields=domains", nil, 200).lacks("money")
	h.do("GET", "/teams/"+other+"?fields=owners", nil, 200).lacks("crew")
}
