package api

import (
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

const tokensPath = "/users/security/token"

// person makes a user with a password who signed in.
func (h *harness) person(name string) caller {
	h.t.Helper()
	const password = "Green-Leaf-4711!"
	id, err := entity.ParseID(h.do("POST", "/users", map[string]string{"name": name, "email": name + "@example.org", "password": password, "confirmPassword": password}, 201).id())
	check(h.t, err)
	token, _ := h.login(name, password, 200)
	return caller{id: id, name: name, token: token}
}

func TestPersonalTokensLiveUntilRevoked(t *testing.T) {
	h := newHarness(t)
	ann := h.person("ann")
	h.as(ann, "GET", tokensPath, nil).want(200).shows("data", "[]", "paging.total", "0")
	first := h.as(ann, "PUT", tokensPath, `{"tokenName":"laptop","JWTTokenExpiry":"7"}`).want(200).shows("tokenName", "laptop", "tokenType", "PERSONAL_ACCESS_TOKEN", "userId", ann.id.String())
	second := h.as(ann, "PUT", tokensPath, `{"tokenName":"desk","JWTTokenExpiry":"7"}`).want(200)
	laptop, desk := caller{token: first.at("jwtToken")}, caller{token: second.at("jwtToken")}
	h.as(laptop, "GET", "/users/loggedInUser", nil).want(200).shows("name", "ann")

	// The list names tokens and never shows one again.
	list := h.as(ann, "GET", tokensPath, nil).want(200).shows("paging.total", "2").lacks(laptop.token).lacks("jwtToken")
	h.do("GET", tokensPath+"?username=ann", nil, 200).shows("paging.total", "2").lacks(desk.token)
	if !strings.Contains(string(list.body), first.at("token")) || first.at("expiryDate") == "" {
		t.Errorf("the token %s, until %q, is not in %s", first.at("token"), first.at("expiryDate"), list.body)
	}
	h.as(ann, "PUT", tokensPath+"/revoke", map[string][]string{"tokenIds": {first.at("token")}}).want(200).shows("paging.total", "1", "data.0.tokenName", "desk")
	h.as(laptop, "GET", "/users/loggedInUser", nil).want(401)
	h.as(desk, "GET", "/users/loggedInUser", nil).want(200)
	h.as(ann, "PUT", tokensPath+"/revoke?removeAll=true", nil).want(200).shows("paging.total", "0")
	h.as(desk, "GET", "/users/loggedInUser", nil).want(401)
	h.as(ann, "GET", "/users/loggedInUser", nil).want(200) // the session is something else
}

// TestPersonalTokensAreListedWithTheirUse: name, creation, last use to the hour, end;
// to who asks for more than the clients' model has.
func TestPersonalTokensAreListedWithTheirUse(t *testing.T) {
	h := newHarness(t)
	ann := h.person("ann")
	before := h.api.clock().UnixMilli()
	made := h.as(ann, "PUT", tokensPath, `{"tokenName":"laptop","JWTTokenExpiry":"7"}`).want(200)
	if _, err := entity.ParseID(made.at("token")); err != nil {
		t.Errorf("the id of a token is %q, clients expect a UUID", made.at("token"))
	}
	const full = tokensPath + "?fields=createdAt,lastUsedAt"
	type row struct {
		Name    string `json:"tokenName"`
		Created int64  `json:"createdAt"`
		Used    int64  `json:"lastUsedAt"`
		Expires int64  `json:"expiryDate"`
	}
	list := func(who caller, path string) row {
		t.Helper()
		var page struct {
			Data []row `json:"data"`
		}
		h.as(who, "GET", path, nil).want(200).into(&page)
		if len(page.Data) != 1 {
			t.Fatalf("%d tokens", len(page.Data))
		}
		return page.Data[0]
	}
	if got := list(ann, full); got.Name != "laptop" || got.Created < before || got.Used != 0 || got.Expires-got.Created < 6*24*3600*1000 {
		t.Errorf("%+v", got)
	}
	h.as(caller{token: made.at("jwtToken")}, "GET", "/users/loggedInUser", nil).want(200)
	h.api.auth.Settle()
	for _, got := range []row{list(ann, full), list(h.admin, full+"&username=ann")} {
		if got.Used == 0 || got.Used%3_600_000 != 0 || got.Used > h.api.clock().UnixMilli() {
			t.Errorf("after a use %+v", got)
		}
	}
	if got := list(ann, tokensPath); got.Created != 0 || got.Used != 0 {
		t.Errorf("unasked %+v", got)
	}
	h.as(ann, "GET", tokensPath+"?fields=secret", nil).want(400)
}

func TestPersonalTokensRefuse(t *testing.T) {
	h := newHarness(t)
	ann := h.person("ann")
	made := h.as(ann, "PUT", tokensPath, `{"tokenName":"laptop","JWTTokenExpiry":"1"}`).want(200)
	laptop := caller{token: made.at("jwtToken")}
	for _, test := range []struct {
		who          caller
		method, path string
		body         any
		status       int
	}{
		{ann, "PUT", tokensPath, `{"JWTTokenExpiry":"7"}`, 400},
		{ann, "PUT", tokensPath, `{"tokenName":"   ","JWTTokenExpiry":"7"}`, 400},
		{ann, "PUT", tokensPath, `{"tokenName":"` + strings.Repeat("x", 1000) + `","JWTTokenExpiry":"7"}`, 400},
		{ann, "PUT", tokensPath, `{"tokenName":"x","JWTTokenExpiry":"soon"}`, 400},
		{ann, "PUT", tokensPath, `{"tokenName":"x","JWTTokenExpiry":"7","userId":"` + h.admin.id.String() + `"}`, 400},
		{laptop, "PUT", tokensPath, `{"tokenName":"x","JWTTokenExpiry":"7"}`, 403}, // a token begets no token
		{h.bot(), "PUT", tokensPath, `{"tokenName":"x","JWTTokenExpiry":"7"}`, 403},
		{ann, "PUT", tokensPath + "/revoke", nil, 400},
		{ann, "PUT", tokensPath + "/revoke", `{"tokenIds":[]}`, 400},
		{ann, "PUT", tokensPath + "/revoke?removeAll=perhaps", nil, 400},
		{ann, "GET", tokensPath + "?username=admin", nil, 403},
		{h.admin, "GET", tokensPath + "?username=noone", nil, 404},
	} {
		if got := h.as(test.who, test.method, test.path, test.body); got.status != test.status {
			t.Errorf("%s with %.80v answers %d, want %d: %s", got.what, test.body, got.status, test.status, got.body)
		}
	}
	// Nobody ends the tokens of others by naming them.
	h.as(h.nobody, "PUT", tokensPath+"/revoke", map[string][]string{"tokenIds": {made.at("token")}})
	h.as(laptop, "GET", "/users/loggedInUser", nil).want(200)
}

func TestTokensOfBotsAreForAdministrators(t *testing.T) {
	h := newHarness(t)
	robot := h.do("POST", "/users", `{"name":"robot","email":"robot@example.org","isBot":true}`, 201).id()
	h.do("GET", "/users/auth-mechanism/"+robot, nil, 404)
	h.do("POST", "/bots", map[string]string{"name": "robot", "botUser": "robot"}, 201)
	for expiry, status := range map[string]int{"7": 200, "": 200, "Unlimited": 400, "0": 400, "-1": 400} {
		got := h.as(h.admin, "PUT", "/users/generateToken/"+robot, `{"JWTTokenExpiry":"`+expiry+`"}`)
		if got.status != status {
			t.Errorf("an expiry of %q answers %d, want %d: %s", expiry, got.status, status, got.body)
		}
	}
	token := h.do("PUT", "/users/generateToken/"+robot, `{"JWTTokenExpiry":"30"}`, 200).shows("JWTTokenExpiry", "30")
	h.do("GET", "/users/auth-mechanism/"+robot, nil, 200).shows("authType", "JWT", "config.JWTTokenExpiry", "30").lacks(token.at("JWTToken"))
	bot := h.bot()
	for _, who := range []caller{h.nobody, bot} {
		for _, path := range []string{"/users/token/" + robot, "/users/auth-mechanism/" + robot} {
			h.as(who, "GET", path, nil).want(403)
		}
		h.as(who, "PUT", "/users/generateToken/"+robot, `{"JWTTokenExpiry":"7"}`).want(403)
		h.as(who, "PUT", "/users/revokeToken", map[string]string{"id": robot}).want(403)
	}
	h.do("PUT", "/users/generateToken/"+h.nobody.id.String(), `{"JWTTokenExpiry":"7"}`, 400, 403)
	h.do("PUT", "/users/generateToken/"+entity.NewID().String(), `{"JWTTokenExpiry":"7"}`, 404)
	h.do("PUT", "/users/generateToken/nonsense", `{"JWTTokenExpiry":"7"}`, 400)
	h.do("GET", "/users/token/"+entity.NewID().String(), nil, 404)
	h.do("PUT", "/users/revokeToken", `{"id":"`+entity.NewID().String()+`"}`, 404)
}

// TestBotsMakeNoWebhooks: the ingestion bot may make nearly everything, but neither
// other bots nor what sends the catalog's changes elsewhere.
func TestBotsMakeNoWebhooks(t *testing.T) {
	h := newHarness(t)
	bot := h.bot()
	const hook = `{"name":"hook","alertType":"Notification"}`
	h.as(bot, "POST", "/events/subscriptions", hook).want(403)
	h.as(bot, "PUT", "/events/subscriptions", hook).want(403)
	id := h.do("POST", "/events/subscriptions", hook, 201).id()
	h.as(bot, "DELETE", "/events/subscriptions/"+id, nil).want(403)
	h.as(bot, "POST", "/bots", `{"name":"another","botUser":"ingestion-bot"}`).want(403)
}

func TestPasswordsOfOthersAreForAdministrators(t *testing.T) {
	h := newHarness(t)
	ann, bob := h.person("ann"), h.person("bob")
	const fresh = "Brown-Bark-0815!"
	change := func(kind, name, old, confirm string) map[string]string {
		return map[string]string{"requestType": kind, "username": name, "oldPassword": old, "newPassword": fresh, "confirmPassword": confirm}
	}
	const path = "/users/changePassword"
	h.as(ann, "PUT", path, change("USER", "bob", "", fresh)).want(403)
	h.do("PUT", path, change("USER", "noone", "", fresh), 404)
	if got := h.as(ann, "PUT", path, change("SELF", "ann", "Green-Leaf-4711!", "other")).want(400).at("message"); !strings.Contains(got, "should match") {
		t.Errorf("two passwords that differ are refused with %q", got)
	}
	h.as(ann, "PUT", path, change("SELF", "bob", "Wrong-Leaf-4711!", fresh)).want(400, 401, 403)
	h.login("bob", "Green-Leaf-4711!", 200)
	// With SELF the name does not count: one's own password is changed.
	h.as(ann, "PUT", path, change("SELF", "bob", "Green-Leaf-4711!", fresh)).want(200)
	h.login("ann", fresh, 200)
	h.login("bob", "Green-Leaf-4711!", 200)
	// What an administrator sets is for one sign-in, and ends the sessions.
	h.do("PUT", path, change("USER", "bob", "", fresh), 200)
	h.as(bob, "GET", "/users/loggedInUser", nil).want(401)
	token, _ := h.login("bob", fresh, 200)
	h.as(caller{token: token}, "GET", "/tables", nil).want(403).shows("errorCode", "SEC-PASSWORD-ONETIME")
	h.as(ann, "GET", "/users/generateRandomPwd", nil).want(403)
	if a, b := h.do("GET", "/users/generateRandomPwd", nil, 200), h.do("GET", "/users/generateRandomPwd", nil, 200); string(a.body) == string(b.body) {
		t.Errorf("two random passwords are the same: %s", a.body)
	}
}

// TestTheOwnPasswordNeedsTheOldOne: no form for others' passwords changes one's own.
// Whoever finds an administrator's session open must not get the account.
func TestTheOwnPasswordNeedsTheOldOne(t *testing.T) {
	h := newHarness(t)
	const old, fresh = "Green-Leaf-4711!", "Brown-Bark-0815!"
	h.do("POST", "/users", map[string]any{"name": "boss", "email": "boss@example.org", "isAdmin": true, "password": old}, 201)
	token, _ := h.login("boss", old, 200)
	boss := caller{token: token}
	for _, name := range []string{"boss", "BOSS", "Boss"} {
		h.as(boss, "PUT", "/users/changePassword", map[string]string{"requestType": "USER", "username": name, "newPassword": fresh, "confirmPassword": fresh}).want(400, 404)
		h.as(boss, "PUT", "/users", map[string]any{"name": name, "email": "boss@example.org", "isAdmin": true, "password": fresh, "confirmPassword": fresh}).want(400)
	}
	h.as(boss, "PUT", "/users/changePassword", map[string]string{"requestType": "SELF", "username": "boss", "newPassword": fresh, "confirmPassword": fresh}).want(400)
	h.login("boss", fresh, 401)
	h.login("boss", old, 200)
	h.as(boss, "GET", "/users/loggedInUser", nil).want(200)
	h.do("PUT", "/users/changePassword", map[string]string{"requestType": "USER", "username": "boss", "newPassword": fresh, "confirmPassword": fresh}, 200)
	h.login("boss", fresh, 200)
}

func TestUsersWithPasswordsAreMadeByAdministrators(t *testing.T) {
	h := newHarness(t)
	const good = "Green-Leaf-4711!"
	user := func(password, confirm string, bot bool) map[string]any {
		return map[string]any{"name": "zoe", "email": "zoe@example.org", "password": password, "confirmPassword": confirm, "isBot": bot}
	}
	h.as(h.nobody, "POST", "/users", user(good, good, false)).want(403)
	h.do("POST", "/users", user(good, "Brown-Bark-0815!", false), 400)
	h.do("POST", "/users", user(good, good, true), 400)
	h.do("POST", "/users", user("short", "short", false), 400)
	h.do("GET", "/users/name/zoe", nil, 404) // none of the refusals left a user
	h.do("PUT", "/users", user(good, good, false), 201).lacks(good).lacks("assword")
	h.login("zoe", good, 200)
	h.do("GET", "/users/name/zoe?fields=*", nil, 200).lacks(good)
}

func TestOnesOwnTeamsAndFields(t *testing.T) {
	h := newHarness(t)
	ann := h.user(h.api.auth, "ann", false)
	h.as(ann, "GET", "/users/loggedInUser?fields=teapot", nil).want(400)
	h.as(ann, "GET", "/users/loggedInUser?include=teapot", nil).want(400)
	h.do("POST", "/teams", `{"name":"Crew","teamType":"Group","users":["`+ann.id.String()+`"]}`, 201)
	h.as(ann, "GET", "/users/loggedInUser/groupTeams", nil).want(200).shows("0.name", "Crew", "0.type", "team")
	h.as(ann, "GET", "/users/loggedInUser?fields=teams", nil).want(200).shows("teams.0.name", "Crew")
	personal, err := h.api.auth.CreatePersonalToken(t.Context(), entity.Principal{UserID: ann.id, Name: ann.name, TokenType: auth.TypeUser}, "x", auth.ExpireOneHour)
	check(t, err)
	h.do("DELETE", "/users/"+ann.id.String(), nil, 200)
	h.as(caller{token: personal.Token}, "GET", "/users/loggedInUser", nil).want(401) // who was deleted is out at once
}
