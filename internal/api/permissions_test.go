package api

import (
	"net/url"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/policy"
)

// accessIn reads a listing as clients do: what is not in it is answered by EditAll
// or ViewAll.
func accessIn(list []policy.Permission, operation string) string {
	for _, name := range []string{operation, operation[:4] + "All"} {
		for _, one := range list {
			if one.Operation.String() == name {
				return string(one.Access)
			}
		}
	}
	return ""
}

// access returns what the answer says of an operation.
func (a answer) access(operation string) string {
	a.t.Helper()
	var p policy.ResourcePermission
	a.into(&p)
	return accessIn(p.Permissions, operation)
}

// accessTo does the same for one type in a list.
func (a answer) accessTo(resource, operation string) string {
	a.t.Helper()
	var list page[policy.ResourcePermission]
	a.into(&list)
	for _, p := range list.Data {
		if p.Resource == resource {
			return accessIn(p.Permissions, operation)
		}
	}
	return ""
}

func TestPermissionsSayWhatWouldHappen(t *testing.T) {
	h := newHarness(t)
	table := h.table(h.schema(), "orders", "id")
	h.forbid(h.nobody, "EditDescription")
	for _, path := range []string{"/permissions/table", "/permissions/table/" + table, "/permissions/table/name/shop.db.public.orders"} {
		if got := h.do("GET", path, nil, 200).access("EditDescription"); got != "allow" {
			t.Errorf("%s tells the administrator %q", path, got)
		}
		if got := h.as(h.nobody, "GET", path, nil).want(200).access("EditDescription"); got != "deny" {
			t.Errorf("%s tells a member of the team %q", path, got)
		}
		// What an administrator asks for somebody is what that person is told.
		if got := h.do("GET", path+"?user=somebody", nil, 200).access("EditDescription"); got != "deny" {
			t.Errorf("%s tells %q about the member of the team", path, got)
		}
	}
	if got := h.do("GET", "/permissions", nil, 200).accessTo("table", "Delete"); got != "allow" {
		t.Errorf("the list tells the administrator %q", got)
	}
	if got := h.as(h.nobody, "GET", "/permissions", nil).want(200).accessTo("table", "EditDescription"); got != "deny" {
		t.Errorf("the list tells a member of the team %q", got)
	}
	patch := `[{"op":"add","path":"/description","value":"x"}]`
	h.as(h.nobody, "PATCH", "/tables/"+table, patch).want(403)
	h.do("PATCH", "/tables/"+table, patch, 200)
}

func TestPermissionsOfOwnersAreDecidedOnTheEntity(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	owned, other := h.table(s, "owned", "id"), h.table(s, "other", "id")
	ann := h.consumer("ann")
	h.do("PATCH", "/tables/"+owned, `[{"op":"add","path":"/owners","value":[{"id":"`+ann.id.String()+`","type":"user"}]}]`, 200)
	mine := h.as(ann, "GET", "/permissions/table/"+owned, nil).want(200)
	others := h.as(ann, "GET", "/permissions/table/"+other, nil).want(200)
	for operation, want := range map[string][2]string{
		"Delete": {"allow", "notAllow"}, "EditCustomFields": {"allow", "notAllow"},
		"EditOwners": {"allow", "allow"}, // what has no owner may be taken
		"ViewBasic":  {"allow", "allow"},
	} {
		if got := [2]string{mine.access(operation), others.access(operation)}; got != want {
			t.Errorf("%s on one's own and on another table: %v, want %v", operation, got, want)
		}
	}
}

func TestPermissionsRefuse(t *testing.T) {
	h := newHarness(t)
	for _, test := range []struct {
		who    caller
		path   string
		status int
		says   string
	}{
		{h.nobody, "/permissions?user=admin", 403, "only an administrator can see somebody else's permissions"},
		{h.nobody, "/permissions/table?user=admin", 403, "only an administrator"},
		{h.nobody, "/permissions?user=somebody", 200, ""},
		{h.admin, "/permissions?user=noone", 404, "user"},
		{h.admin, "/permissions/teapot", 404, "teapot"},
		{h.admin, "/permissions/teapot/" + h.admin.id.String(), 404, "teapot"},
		{h.admin, "/permissions/table/" + h.admin.id.String(), 404, "table"},
		{h.admin, "/permissions/table/name/no.such.schema.table", 404, "no.such.schema.table"},
		{h.admin, "/permissions/table/nonsense", 400, "nonsense"},
		{h.admin, "/permissions/policies?ids=nonsense", 400, "nonsense"},
		{h.admin, "/permissions/policies?ids=" + h.admin.id.String(), 404, "policy"},
		{h.admin, "/permissions/policies?" + strings.Repeat("ids=x&", 101), 400, "at most 100"},
	} {
		got := h.as(test.who, "GET", test.path, nil).want(test.status)
		if test.says != "" && !strings.Contains(got.at("message"), test.says) {
			t.Errorf("%s as %s says %q, want something of %q", test.path, test.who.name, got.at("message"), test.says)
		}
	}
}

func TestPermissionsOfPoliciesAlone(t *testing.T) {
	h := newHarness(t)
	make := func(name, operation, effect string) string {
		return h.do("POST", "/policies", `{"name":"`+name+`","rules":[{"name":"r","resources":["table"],"operations":["`+operation+`"],"effect":"`+effect+`"}]}`, 201).id()
	}
	allow, deny := make("Allow", "EditTags", "allow"), make("Deny", "EditTags", "deny")
	for _, test := range []struct{ query, resource, want string }{
		{"ids=" + allow, "table", "allow"},
		{"ids=" + allow, "topic", "notAllow"},
		{"ids=" + deny, "table", "deny"},
		{"ids=" + allow + "&ids=" + deny, "table", "deny"},
		{"ids=" + deny + "&ids=" + allow, "table", "deny"},
		{"", "table", "notAllow"},
	} {
		if got := h.do("GET", "/permissions/policies?"+test.query, nil, 200).accessTo(test.resource, "EditTags"); got != test.want {
			t.Errorf("%s: EditTags on %s is %q, want %q", test.query, test.resource, got, test.want)
		}
	}
}

func TestConditionsAreChecked(t *testing.T) {
	h := newHarness(t)
	const path = "/policies/validation/condition/"
	for condition, status := range map[string]int{
		"isOwner()":                                      204,
		"noOwner() || isOwner()":                         204,
		"!matchAnyTag('PII.Sensitive')":                  204,
		"isOwner( || noOwner()":                          400,
		"T(java.lang.Runtime).getRuntime()":              400,
		"isowner":                                        400,
		"matchAnyTag()x":                                 400,
		strings.Repeat("(", 2000):                        400,
		"isOwner() && " + strings.Repeat("!", 300) + "1": 400,
	} {
		got := h.as(h.admin, "GET", path+url.PathEscape(condition), nil)
		if got.status != status {
			t.Errorf("%q answers %d, want %d: %s", condition, got.status, status, got.body)
		}
		if status == 204 && len(got.body) != 0 {
			t.Errorf("%q is answered with %s", condition, got.body)
		}
		if status == 400 && got.at("message") == "" {
			t.Errorf("%q is refused without a word", condition)
		}
	}
	h.forbid(h.nobody, "ViewAll")
	h.as(h.nobody, "GET", path+"isOwner()", nil).want(403)
	h.as(h.nobody, "GET", "/permissions/policies", nil).want(403)
}

func TestPolicyEditorsLearnWhatThereIs(t *testing.T) {
	h := newHarness(t)
	var resources page[struct {
		Name       string   `json:"name"`
		Operations []string `json:"operations"`
	}]
	h.as(h.nobody, "GET", "/policies/resources", nil).want(200).into(&resources)
	if resources.Paging.Total != len(resources.Data) {
		t.Errorf("total is %d of %d", resources.Paging.Total, len(resources.Data))
	}
	for _, r := range resources.Data {
		if r.Name == "" || len(r.Operations) == 0 {
			t.Errorf("the resource %q has the operations %v", r.Name, r.Operations)
		}
	}
	var functions page[struct {
		Name string `json:"name"`
	}]
	h.as(h.nobody, "GET", "/policies/functions", nil).want(200).into(&functions)
	if len(functions.Data) == 0 || functions.Paging.Total != len(functions.Data) {
		t.Errorf("there are %d functions for conditions of %d", len(functions.Data), functions.Paging.Total)
	}
	for _, f := range functions.Data {
		// Functions with parameters want some, so either form must be known.
		_, bare := policy.ParseCondition(f.Name + "()")
		_, filled := policy.ParseCondition(f.Name + "('x')")
		if bare != nil && filled != nil {
			t.Errorf("%s is offered, but no condition may say it: %v", f.Name, bare)
		}
	}
}

func TestAPolicyNeedsConditionsThatCanBeRead(t *testing.T) {
	h := newHarness(t)
	policy := func(condition string) map[string]any {
		return map[string]any{"name": "growers", "rules": []map[string]any{{
			"name": "edit", "effect": "allow", "operations": []string{"EditAll"}, "resources": []string{"table"}, "condition": condition,
		}}}
	}
	for _, condition := range []string{"isOwner(", "nonsense()", "isOwner() +"} {
		h.do("POST", "/policies", policy(condition), 400)
	}
	id := h.do("POST", "/policies", policy("isOwner() && !hasDomain()"), 201).id()
	h.do("PATCH", "/policies/"+id, []map[string]any{{"op": "replace", "path": "/rules/0/condition", "value": "isOwner("}}, 400)
}

func TestCursorsThatNobodyGaveOutAreRefused(t *testing.T) {
	h := newHarness(t)
	for _, cursor := range []string{"nonsense", "%2B%2B", "/"} {
		h.do("GET", "/users?after="+cursor, nil, 400)
		h.do("GET", "/users?before="+cursor, nil, 400)
	}
}

// A condition that misspells a name would never hold, so that a rule that denies
// would quietly deny nothing.
func TestConditionsNameWhatExists(t *testing.T) {
	h := newHarness(t)
	h.do("POST", "/glossaries", `{"name":"Words","description":""}`, 201)
	h.do("POST", "/glossaryTerms", `{"name":"Customer","glossary":"Words","description":""}`, 201)
	h.team("a.team", "Group", nil)
	for condition, what := range map[string]string{
		"matchAnyTag('PII.Sensitive', 'Words.Customer')":         "",
		"inAnyTeam('Organization', 'a.team', '\"a.team\"')":      "",
		"hasAnyRole('DataConsumer')":                             "",
		"matchAnyCertification('Certification.Gold')":            "",
		"isOwner() || matchAllTags('PII.Sensitiv')":              "tag PII.Sensitiv",
		"matchAnyTag('pii.sensitive')":                           "tag pii.sensitive",
		"matchAnyTag('PII.\"Sensitive\"')":                       "tag",
		"inAnyTeam('nobody')":                                    "team nobody",
		"hasAnyRole('DataConsumer', 'Wizard')":                   "role Wizard",
		"!isOwner() && matchAnyCertification('Certification.X')": "tag Certification.X",
	} {
		body := map[string]any{"name": "named", "rules": []map[string]any{{"name": "r", "effect": "deny", "operations": []string{"EditAll"}, "resources": []string{"table"}, "condition": condition}}}
		check := h.as(h.admin, "GET", "/policies/validation/condition/"+url.PathEscape(condition), nil)
		made := h.as(h.admin, "PUT", "/policies", body)
		if what == "" {
			check.want(204)
			made.want(200, 201)
			continue
		}
		for _, got := range []answer{check.want(400), made.want(400)} {
			if !strings.Contains(got.at("message"), what) {
				t.Errorf("%s is refused with %q, which does not name the %s", condition, got.at("message"), what)
			}
		}
	}
	// What went later does not stand in the way of other changes.
	id := h.do("PUT", "/policies", map[string]any{"name": "later", "rules": []map[string]any{{"name": "r", "effect": "deny", "operations": []string{"EditAll"}, "resources": []string{"table"}, "condition": "matchAnyTag('Words.Customer')"}}}, 201).id()
	h.do("DELETE", "/glossaryTerms/name/Words.Customer?hardDelete=true", nil, 200)
	h.do("PATCH", "/policies/"+id, `[{"op":"add","path":"/description","value":"Still here"}]`, 200)
	h.do("PATCH", "/policies/"+id, `[{"op":"replace","path":"/rules/0/condition","value":"!matchAnyTag('Words.Customer')"}]`, 400)
}

// What only administrators may do is not promised to anybody else, whatever rules
// say: the listing, the explanation and the call agree.
func TestPermissionsPromiseNoRightsOfAdministrators(t *testing.T) {
	h := newHarness(t)
	ann := h.person("ann")
	h.rightsOf(ann, "Everything", `{"name":"r","effect":"allow","resources":["all"],"operations":["All"]}`)
	crew := h.team("crew", "Group", nil)
	for _, tc := range []struct{ resource, id, operation string }{
		{"policy", h.do("GET", "/policies/name/DataStewardPolicy", nil, 200).id(), "EditAll"},
		{"role", h.do("GET", "/roles/name/DataSteward", nil, 200).id(), "EditDescription"},
		{"bot", h.do("GET", "/bots/name/ingestion-bot", nil, 200).id(), "Delete"},
		{"team", crew, "Delete"}, {"team", crew, "EditOwners"}, {"user", h.admin.id.String(), "Delete"},
	} {
		for _, path := range []string{"/permissions/" + tc.resource, "/permissions/" + tc.resource + "/" + tc.id, "/permissions"} {
			if got := access(h.as(ann, "GET", path, nil).want(200), tc.resource, tc.operation); got == "allow" {
				t.Errorf("%s promises %s on a %s", path, tc.operation, tc.resource)
			}
		}
		h.as(ann, "GET", "/permissions/debug/evaluate?resource="+tc.resource+"&resourceId="+tc.id+"&operation="+tc.operation, nil).want(200).
			shows("finalDecision", "DENY").lacks(`"deciding":true`)
	}
	h.as(ann, "PATCH", "/teams/"+crew, `[{"op":"add","path":"/owners","value":[{"id":"`+ann.id.String()+`","type":"user"}]}]`).want(403)
	h.as(ann, "PATCH", "/teams/"+crew, `[{"op":"add","path":"/description","value":"Mine to describe"}]`).want(200)
}

// access reads what a listing says of an operation; "" when it is not listed.
func access(a answer, resource, operation string) string {
	a.t.Helper()
	type listed struct {
		Resource    string `json:"resource"`
		Permissions []struct {
			Operation string `json:"operation"`
			Access    string `json:"access"`
		} `json:"permissions"`
	}
	var all struct {
		listed
		Data []listed `json:"data"`
	}
	a.into(&all)
	for _, one := range append(all.Data, all.listed) {
		for _, p := range one.Permissions {
			if one.Resource == resource && p.Operation == operation {
				return p.Access
			}
		}
	}
	return ""
}
