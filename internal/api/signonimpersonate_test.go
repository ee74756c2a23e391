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
