package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestT42Impersonation(t *testing.T) {
	h := newHarness(t)
	bot := h.botCaller(t, "helper-bot")
	ask := func(who caller, name string) answer {
		return h.browse(t, "GET", "/api/v1/users/loggedInUser", map[string]string{"Authorization": "Bearer " + who.token, "X-Impersonate-User": name})
	}
	if got := ask(bot, "somebody"); got.status != http.StatusForbidden || got.code() != `"SEC-IMPERSONATE"` {
		t.Errorf("without the flag: %d %s", got.status, got.body)
	}
	h.allowImpersonation(t, bot)
	if got := ask(bot, "somebody"); got.status != http.StatusForbidden {
		t.Errorf("without a policy: %d %s", got.status, got.body)
	}
	h.grantImpersonation(t, bot)
	if got := ask(bot, "somebody"); got.status != http.StatusOK || string(got.member("name")) != `"somebody"` {
		t.Errorf("with flag and policy: %d %s", got.status, got.body)
	}
	for name, want := range map[string]int{"admin": 403, "helper-bot": 403, "missing": 404, "": 403, strings.Repeat("x", 300): 403} {
		if got := ask(bot, name); got.status != want {
			t.Errorf("as %.20q: %d %s", name, got.status, got.body)
		}
	}
	for _, person := range []caller{h.admin, h.nobody} {
		if got := ask(person, "somebody"); got.status != http.StatusForbidden {
			t.Errorf("the header of %s: %d", person.name, got.status)
		}
	}
	adminOnly := h.browse(t, "GET", "/api/v1/system/settings", map[string]string{"Authorization": "Bearer " + bot.token, "X-Impersonate-User": "somebody"})
	if adminOnly.status != http.StatusForbidden {
		t.Errorf("an administrator's route as somebody: %d", adminOnly.status)
	}
}

// TestImpersonationIsWrittenDown: what a bot did on behalf of somebody names both,
// wherever it is told.
func TestImpersonationIsWrittenDown(t *testing.T) {
	h := newHarness(t)
	bot := h.botCaller(t, "helper-bot")
	h.allowImpersonation(t, bot)
	h.grantImpersonation(t, bot)
	id := h.table(h.schema(), "orders", "id")
	acting := func(method, path, media, body string) answer {
		t.Helper()
		return h.send(method, "/api/v1"+path, body, map[string]string{"Authorization": "Bearer " + bot.token, "X-Impersonate-User": "somebody", "Content-Type": media})
	}
	const patch = "application/json-patch+json"
	acting("PATCH", "/tables/"+id, patch, `[{"op":"add","path":"/description","value":"by both"}]`).want(200).shows("updatedBy", "somebody", "impersonatedBy", "helper-bot")
	h.do("GET", "/tables/"+id, nil, 200).shows("updatedBy", "somebody", "impersonatedBy", "helper-bot")
	thread := acting("POST", "/feed", "application/json", `{"message":"hello","from":"somebody","about":"<#E::table::shop.db.public.orders>"}`).want(201).at("id")
	h.do("GET", "/feed/"+thread, nil, 200).shows("createdBy", "somebody", "impersonatedBy", "helper-bot")
	var feed struct {
		Data []struct {
			EntityID string `json:"entityId"`
			User     string `json:"userName"`
			Bot      string `json:"impersonatedBy"`
		} `json:"data"`
	}
	h.do("GET", "/events?entityUpdated=table&timestamp=0", nil, 200).into(&feed)
	if n := len(feed.Data); n == 0 || feed.Data[n-1].EntityID != id || feed.Data[n-1].User != "somebody" || feed.Data[n-1].Bot != "helper-bot" {
		t.Errorf("the feed of changes says %+v", feed.Data)
	}
	// The next change by the person alone names nobody else, nor do the person's words.
	h.as(h.nobody, "PATCH", "/tables/"+id, `[{"op":"add","path":"/description","value":"by one"}]`).want(200).lacks("impersonatedBy")
	h.as(h.nobody, "PATCH", "/tables/"+id, `[{"op":"add","path":"/description","value":"lie"},{"op":"add","path":"/impersonatedBy","value":"helper-bot"}]`).lacks(`"impersonatedBy":"helper-bot"`)
	audit := h.do("GET", "/system/security/audit?action=actedOnBehalf", nil, 200)
	audit.shows("data.0.user", "somebody", "data.0.by", "helper-bot")
}

// TestImpersonationNeedsARuleOfItsOwn: neither a rule that allows everything nor
// being an administrator is a leave to act as others, and conditions look at whom.
func TestImpersonationNeedsARuleOfItsOwn(t *testing.T) {
	h := newHarness(t)
	ask := func(who caller, name string) int {
		return h.browse(t, "GET", "/api/v1/users/loggedInUser", map[string]string{"Authorization": "Bearer " + who.token, "X-Impersonate-User": name}).status
	}
	grant := func(bot caller, policy, operation, condition string) {
		rule := map[string]any{"name": "r", "effect": "allow", "resources": []string{"All"}, "operations": []string{operation}}
		if condition != "" {
			rule["condition"] = condition
		}
		h.do("PUT", "/policies", map[string]any{"name": policy, "rules": []map[string]any{rule}}, 200, 201)
		role := h.do("PUT", "/roles", map[string]any{"name": policy + "Role", "policies": []string{policy}}, 200, 201)
		h.do("PATCH", "/users/"+bot.id.String(), `[{"op":"add","path":"/roles","value":[{"id":"`+role.id()+`","type":"role"}]}]`, 200)
	}
	bot := h.botCaller(t, "all-bot")
	h.allowImpersonation(t, bot)
	grant(bot, "Everything", "All", "")
	if got := ask(bot, "somebody"); got != http.StatusForbidden {
		t.Errorf("a rule that allows everything: %d", got)
	}
	h.do("PATCH", "/users/"+bot.id.String(), `[{"op":"add","path":"/isAdmin","value":true}]`, 200)
	if got := ask(bot, "somebody"); got != http.StatusForbidden {
		t.Errorf("a bot that is an administrator: %d", got)
	}
	other := h.botCaller(t, "some-bot")
	h.allowImpersonation(t, other)
	grant(other, "Some", "Impersonate", "matchAnyTag('PersonalData.Personal')")
	if got := ask(other, "somebody"); got != http.StatusForbidden {
		t.Errorf("a condition that does not hold: %d", got)
	}
	grant(other, "Some", "Impersonate", "!matchAnyTag('PersonalData.Personal')")
	if got := ask(other, "somebody"); got != http.StatusOK {
		t.Errorf("a condition that holds: %d", got)
	}
}

// botCaller makes a bot with a token.
func (h *harness) botCaller(t *testing.T, name string) caller {
	t.Helper()
	user := h.do("PUT", "/users", map[string]any{"name": name, "email": name + "@example.org", "isBot": true, "authenticationMechanism": map[string]any{
		"authType": "JWT", "config": map[string]any{"JWTTokenExpiry": "OneHour"}}}, 200, 201)
	h.do("PUT", "/bots", map[string]any{"name": name, "botUser": name}, 200, 201)
	id, err := entity.ParseID(user.id())
	check(t, err)
	var made struct {
		Token string `json:"JWTToken"`
	}
	h.do("PUT", "/users/generateToken/"+user.id(), map[string]any{"JWTTokenExpiry": "OneHour"}, 200).into(&made)
	return caller{id: id, name: name, token: made.Token}
}

func (h *harness) allowImpersonation(t *testing.T, bot caller) {
	t.Helper()
	h.do("PATCH", "/users/"+bot.id.String(), `[{"op":"add","path":"/allowImpersonation","value":true}]`, 200)
}

func (h *harness) grantImpersonation(t *testing.T, bot caller) {
	t.Helper()
	h.do("PUT", "/policies", map[string]any{"name": "acting", "rules": []map[string]any{
		{"name": "act", "effect": "allow", "resources": []string{"user"}, "operations": []string{"Impersonate"}}}}, 200, 201)
	role := h.do("PUT", "/roles", map[string]any{"name": "Actor", "policies": []string{"acting"}}, 200, 201)
	h.do("PATCH", "/users/"+bot.id.String(), `[{"op":"add","path":"/roles","value":[{"id":"`+role.id()+`","type":"role"}]}]`, 200)
}
