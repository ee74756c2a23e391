package api

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func inBase64(password string) string { return base64.StdEncoding.EncodeToString([]byte(password)) }

// login signs in and returns the tokens.
func (h *harness) login(name, password string, want int) (access, refresh string) {
	h.t.Helper()
	a := h.as(caller{}, "POST", "/users/login", map[string]string{"email": name, "password": inBase64(password)}).want(want)
	return unquote(a.member("accessToken")), unquote(a.member("refreshToken"))
}

func TestAOneTimePasswordOpensOnlyTheDoorToAnother(t *testing.T) {
	h := newHarness(t)
	const oneTime, own = "Green-Leaf-4711!", "Brown-Bark-0815!"
	ann := h.do("POST", "/users", `{"name":"ann","email":"ann@example.org"}`, 201).id()
	id, err := entity.ParseID(ann)
	check(t, err)
	check(t, h.api.auth.SetPassword(t.Context(), entity.System(), id, oneTime, true))

	token, _ := h.login("ann@example.org", oneTime, 200)
	me := caller{token: token}
	h.as(me, "GET", "/users/loggedInUser", nil).want(200)
	h.as(me, "GET", "/tables", nil).want(403)
	h.as(me, "PUT", "/users/changePassword", map[string]string{
		"username": "ann", "requestType": "SELF", "oldPassword": oneTime, "newPassword": own, "confirmPassword": own,
	}).want(200)
	token, _ = h.login("ann@example.org", own, 200)
	h.as(caller{token: token}, "GET", "/tables", nil).want(200)
	h.login("ann@example.org", oneTime, 401)
}

func TestSessionsRotateAndEnd(t *testing.T) {
	h := newHarness(t)
	const password = "Green-Leaf-4711!"
	h.do("POST", "/users", map[string]string{"name": "bob", "email": "bob@example.org", "password": password, "confirmPassword": password}, 201)
	_, refresh := h.login("bob", password, 200)
	renewed := h.as(caller{}, "POST", "/users/refresh", map[string]string{"refreshToken": refresh}).want(200)
	me := caller{token: unquote(renewed.member("accessToken"))}
	h.as(me, "GET", "/users/loggedInUser", nil).want(200)
	h.as(me, "POST", "/users/logout", nil).want(200)
	h.as(me, "GET", "/users/loggedInUser", nil).want(401)
	h.as(caller{}, "POST", "/users/refresh", map[string]string{"refreshToken": unquote(renewed.member("refreshToken"))}).want(401)
}

func TestSignInSaysTheSameToStrangersAndToWrongPasswords(t *testing.T) {
	h := newHarness(t)
	const password = "Green-Leaf-4711!"
	h.do("POST", "/users", map[string]string{"name": "eve", "email": "eve@example.org", "password": password, "confirmPassword": password}, 201)
	wrong := h.as(caller{}, "POST", "/users/login", map[string]string{"email": "eve@example.org", "password": inBase64("Wrong-Leaf-4711!")}).want(401)
	unknown := h.as(caller{}, "POST", "/users/login", map[string]string{"email": "noone@example.org", "password": inBase64(password)}).want(401)
	for _, member := range []string{"message", "code", "errorCode"} {
		if a, b := string(wrong.member(member)), string(unknown.member(member)); a != b {
			t.Errorf("%s tells an unknown user from a wrong password: %s, %s", member, a, b)
		}
	}
	h.as(caller{}, "POST", "/users/login", map[string]string{"email": "eve@example.org", "password": "not base64!"}).want(400)
}

// TestBotsWhateverTheirRights: there are things that no bot does, not even one that is
// an administrator by its user and by every rule.
func TestBotsWhateverTheirRights(t *testing.T) {
	h := newHarness(t)
	bot := h.botCaller(t, "almighty")
	h.do("PATCH", "/users/"+bot.id.String(), `[{"op":"add","path":"/isAdmin","value":true}]`, 200)
	h.do("PUT", "/policies", `{"name":"all","rules":[{"name":"all","effect":"allow","resources":["All"],"operations":["All"]}]}`, 201)
	role := h.do("PUT", "/roles", `{"name":"Almighty","policies":["all"]}`, 201).id()
	h.do("PATCH", "/users/"+bot.id.String(), `[{"op":"add","path":"/roles","value":[{"id":"`+role+`","type":"role"}]}]`, 200)
	victim := h.do("POST", "/users", `{"name":"victim","email":"victim@example.org","password":"Green-Leaf-4711!"}`, 201).id()
	other := h.botCaller(t, "other-bot")
	before := h.standingOf("victim")
	const fresh = "Brown-Bark-0815!"
	settings := string(h.as(signedIn(t, h), "GET", "/system/security/config", nil).want(200).body)
	for _, call := range []struct {
		method, path string
		body         any
	}{
		{"PUT", "/users/security/token", `{"tokenName":"x","JWTTokenExpiry":"7"}`},
		{"PUT", "/users/security/token/revoke?removeAll=true&username=victim", nil},
		{"PUT", "/users/generateToken/" + other.id.String(), `{"JWTTokenExpiry":"7"}`}, {"PUT", "/users/generateToken/" + bot.id.String(), `{"JWTTokenExpiry":"7"}`},
		{"GET", "/users/token/" + other.id.String(), nil}, {"GET", "/users/token/" + bot.id.String(), nil},
		{"PUT", "/users/revokeToken", `{"id":"` + other.id.String() + `"}`},
		{"PUT", "/users/changePassword", map[string]string{"requestType": "USER", "username": "victim", "newPassword": fresh, "confirmPassword": fresh}},
		{"PUT", "/users/changePassword", map[string]string{"requestType": "SELF", "oldPassword": "x", "newPassword": fresh, "confirmPassword": fresh}},
		{"PATCH", "/users/" + victim, `[{"op":"add","path":"/isAdmin","value":true}]`}, {"PATCH", "/users/" + victim, `[{"op":"add","path":"/isBot","value":true}]`},
		{"PATCH", "/users/" + victim, `[{"op":"add","path":"/roles","value":[{"id":"` + role + `","type":"role"}]}]`},
		{"PUT", "/users", `{"name":"victim","email":"victim@example.org","isAdmin":true}`}, {"POST", "/users", `{"name":"evil","email":"evil@example.org","isAdmin":true}`},
		{"POST", "/users", `{"name":"evil","email":"evil@example.org","isBot":true}`},
		{"DELETE", "/auth/sessions?user=victim", nil}, {"DELETE", "/auth/identities?user=victim", nil}, {"POST", "/users/logout", `{}`},
		{"GET", "/system/security/config", nil}, {"PUT", saveUntested(), settings}, {"PATCH", saveUntested(), `[]`}, {"POST", "/system/security/restore", `{}`},
		{"POST", "/system/security/wipe-passwords", `{"confirm":true}`},
	} {
		if got := h.as(bot, call.method, call.path, call.body); got.status != http.StatusForbidden {
			t.Errorf("%s: %d %.300s", got.what, got.status, got.body)
		}
	}
	for _, name := range []string{"almighty", "almighty@example.org"} {
		h.login(name, "Green-Leaf-4711!", 401)
	}
	if got := h.browse(t, "GET", "/api/v1/auth/refresh", map[string]string{"Authorization": "Bearer " + bot.token}); got.status != http.StatusUnauthorized {
		t.Errorf("a browser's session by a bot's token: %d", got.status)
	}
	if d := cmp.Diff(before, h.standingOf("victim")); d != "" {
		t.Errorf("the victim changed:\n%s", d)
	}
	h.as(other, "GET", "/users/loggedInUser", nil).want(200)
	h.login("victim", "Green-Leaf-4711!", 200)
	h.do("GET", "/users/name/evil", nil, 404)
}

func TestBotTokensAreMadeAndRevoked(t *testing.T) {
	h := newHarness(t)
	bot := h.do("POST", "/users", `{"name":"robot","email":"robot@example.org","isBot":true}`, 201).id()
	h.do("POST", "/bots", map[string]string{"name": "robot", "botUser": "robot"}, 201)
	made := h.do("PUT", "/users/generateToken/"+bot, `{"JWTTokenExpiry":"7"}`, 200)
	me := caller{token: unquote(made.member("JWTToken"))}
	h.as(me, "GET", "/users/loggedInUser", nil).want(200)
	h.as(h.nobody, "PUT", "/users/generateToken/"+bot, `{"JWTTokenExpiry":"7"}`).want(403)
	if info := h.do("GET", "/users/auth-mechanism/"+bot, nil, 200); len(info.member("config", "JWTToken")) > 0 {
		t.Errorf("the mechanism shows the token: %s", info.body)
	}
	h.do("PUT", "/users/revokeToken", map[string]string{"id": bot}, 200)
	h.as(me, "GET", "/users/loggedInUser", nil).want(401)
}
