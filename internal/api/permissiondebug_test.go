package api

import (
	"net/url"
	"strings"
	"testing"
)

// rightsOf gives a person a role with one policy of the rules.
func (h *harness) rightsOf(who caller, name, rules string) {
	h.t.Helper()
	h.do("POST", "/policies", `{"name":"`+name+`Policy","rules":[`+rules+`]}`, 201)
	role := h.do("POST", "/roles", `{"name":"`+name+`","policies":["`+name+`Policy"]}`, 201).id()
	h.do("PATCH", "/users/"+who.id.String(), `[{"op":"add","path":"/roles","value":[{"id":"`+role+`","type":"role"}]}]`, 200)
}

func TestWhyAnnMayNot(t *testing.T) {
	h := newHarness(t)
	ann := h.person("ann")
	h.rightsOf(ann, "Careful", `{"name":"noSecrets","effect":"deny","resources":["table"],"operations":["ViewAll"],"condition":"matchAnyTag('PII.Sensitive') && !isOwner()"}`)
	id := h.table(h.schema(), "orders", "id")
	ask := func(who caller, query string) answer {
		h.t.Helper()
		return h.as(who, "GET", "/permissions/debug/evaluate?"+query, nil)
	}
	question := "user=ann&resource=table&operation=ViewAll&resourceId=" + id
	ask(h.admin, question).want(200).shows("allowed", "true", "finalDecision", "ALLOW", "user.name", "ann", "resourceId", id)
	h.as(ann, "GET", "/tables/"+id+"?fields=*", nil).want(200)

	h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/tags","value":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]`, 200)
	got := ask(h.admin, question).want(200).shows("allowed", "false", "finalDecision", "DENY", "missing.0", "ViewAll", "summary.denyRules", "1",
		"summary.reasonsForDecision.0", "rule noSecrets of policy CarefulPolicy, by a role of the user")
	var explained evaluation
	got.into(&explained)
	deciding := 0
	for _, step := range explained.Steps {
		if !step.Deciding {
			continue
		}
		deciding++
		if step.Rule != "noSecrets" || step.Role == nil || step.Role.Name != "Careful" || step.Policy.ID.String() == "" || step.Reason != "it matches and refuses" {
			t.Errorf("the deciding step is %+v", step)
		}
		want := []conditionEvaluation{
			{Condition: "matchAnyTag('PII.Sensitive') && !isOwner()", Result: true, Details: "the whole condition"},
			{Condition: "matchAnyTag('PII.Sensitive')", Result: true}, {Condition: "isOwner()", Result: false},
		}
		if len(step.Conditions) != len(want) {
			t.Fatalf("conditions %+v", step.Conditions)
		}
		for i := range want {
			if step.Conditions[i] != want[i] {
				t.Errorf("condition %d is %+v, want %+v", i, step.Conditions[i], want[i])
			}
		}
	}
	if deciding != 1 {
		t.Errorf("%d steps decide, want one: %s", deciding, got.body)
	}
	refusal := h.as(ann, "GET", "/tables/"+id+"?fields=*", nil).want(403)
	if message := refusal.at("message"); message != explained.Message || !strings.Contains(message, "ViewAll") {
		t.Errorf("the request is refused with %q, explained with %q", message, explained.Message)
	}

	// About oneself anybody may ask, about others administrators alone.
	ask(ann, strings.TrimPrefix(question, "user=ann&")).want(200).shows("allowed", "false", "missing.0", "ViewAll")
	ask(h.nobody, question).want(403)
	ask(h.admin, "user=nobodyAtAll&resource=table&operation=ViewAll").want(404)
	ask(h.admin, "user=ann&resource=teapot&operation=ViewAll").want(400, 404)
	ask(h.admin, "user=ann&resource=table&operation=Brew").want(400)
	ask(h.admin, "user=ann&resource=table&operation=ViewAll&resourceId=x").want(400)
	ask(h.admin, "user=ann&resource=table&operation=ViewAll&resourceName="+url.QueryEscape("no.such.table.here")).want(404)
	ask(h.admin, "resource=table&operation=ViewAll&resourceId="+id).want(200).shows("allowed", "true", "summary.reasonsForDecision.0", "the user is an administrator, who may do everything")

	// What is decided before any rule is explained as well.
	ask(h.admin, "user=ann&resource=user&operation=ViewAll&resourceId="+ann.id.String()).want(200).shows("allowed", "true")
	role := h.do("GET", "/roles/name/Careful", nil, 200).id()
	h.rightsOf(ann, "Everything", `{"name":"all","effect":"allow","resources":["All"],"operations":["All"]}`)
	ask(h.admin, "user=ann&resource=role&operation=EditAll&resourceId="+role).want(200).shows("allowed", "false", "finalDecision", "DENY")
	h.as(ann, "PATCH", "/roles/"+role, `[{"op":"add","path":"/description","value":"x"}]`).want(403)
}

func TestGrantsAreListed(t *testing.T) {
	h := newHarness(t)
	ann := h.person("ann")
	h.rightsOf(ann, "Reader", `{"name":"read","effect":"allow","resources":["table"],"operations":["ViewAll"]}`)
	h.do("POST", "/policies", `{"name":"TeamPolicy","rules":[{"name":"tag","effect":"allow","resources":["table"],"operations":["EditTags"]}]}`, 201)
	policyID := h.do("GET", "/policies/name/TeamPolicy", nil, 200).id()
	root := h.do("GET", "/teams/name/Organization", nil, 200).id()
	team := h.do("POST", "/teams", `{"name":"Red","teamType":"Group","parents":["`+root+`"],"policies":["`+policyID+`"]}`, 201).id()
	h.do("PATCH", "/users/"+ann.id.String(), `[{"op":"add","path":"/teams","value":[{"id":"`+team+`","type":"team"}]}]`, 200)

	for _, got := range []answer{h.as(ann, "GET", "/permissions/debug/me", nil), h.as(h.admin, "GET", "/permissions/debug/user/ann", nil)} {
		got.want(200).shows("user.name", "ann", "directRoles.0.role.name", "Reader", "directRoles.0.policies.0.policy.name", "ReaderPolicy",
			"directRoles.0.policies.0.rules.0.operations.0", "ViewAll", "teamPermissions.0.team.name", "Red", "teamPermissions.0.team.id", team,
			"teamPermissions.0.directPolicies.0.policy.id", policyID, "teamPermissions.0.teamHierarchy.0.name", "Organization", "summary.directRoles", "1", "summary.teamCount", "1")
		got.lacks("00000000-0000-0000-0000-000000000000")
	}
	h.as(h.nobody, "GET", "/permissions/debug/user/ann", nil).want(403)
	h.as(ann, "GET", "/permissions/debug/user/ann", nil).want(200)
	h.as(h.admin, "GET", "/permissions/debug/user/nobodyAtAll", nil).want(404)
	h.as(ann, "GET", "/permissions/view/table", nil).want(200).shows("columns", "ViewBasic", "sampleData", "ViewSampleData", "testSuite", "ViewTests", "owners", "ViewBasic")
	h.as(ann, "GET", "/permissions/view/teapot", nil).want(400, 404)
}
