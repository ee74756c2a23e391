package api

import (
	"encoding/base64"
	"testing"

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
