package api

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// standingOf is what decides about rights in a user, as an administrator sees it.
func (h *harness) standingOf(name string) map[string]string {
	h.t.Helper()
	a := h.do("GET", "/users/name/"+name+"?fields=roles,teams,domains&include=all", nil, 200)
	out := map[string]string{}
	for _, member := range []string{"name", "email", "isAdmin", "isBot", "roles", "domains", "allowImpersonation", "isEmailVerified", "deleted", "version"} {
		out[member] = string(a.member(member))
	}
	return out
}

// role returns the id of a role that gives something.
func (h *harness) role() string {
	h.t.Helper()
	return h.do("GET", "/roles/name/DataSteward", nil, 200).id()
}

// TestT36OwnRightsByPatch: no spelling of a patch gives its author rights.
func TestT36OwnRightsByPatch(t *testing.T) {
	h := newHarness(t)
	role := fmt.Sprintf(`{"id":%q,"type":"role"}`, h.role())
	document := string(h.as(h.nobody, "GET", "/users/name/somebody", nil).want(200).body)
	whole := strings.Replace(document, `"isAdmin":false`, `"isAdmin":true`, 1)
	if whole == document {
		t.Fatal("the document does not say isAdmin")
	}
	before := h.standingOf("somebody")
	for name, patch := range map[string]string{
		"isAdmin":             `[{"op":"replace","path":"/isAdmin","value":true}]`,
		"isAdmin added":       `[{"op":"add","path":"/isAdmin","value":true}]`,
		"isAdmin as text":     `[{"op":"add","path":"/isAdmin","value":"true"}]`,
		"isBot":               `[{"op":"add","path":"/isBot","value":true}]`,
		"roles":               `[{"op":"add","path":"/roles","value":[` + role + `]}]`,
		"roles/0":             `[{"op":"add","path":"/roles/0","value":` + role + `}]`,
		"roles/-":             `[{"op":"add","path":"/roles/-","value":` + role + `}]`,
		"roles made, then -":  `[{"op":"add","path":"/roles","value":[]},{"op":"add","path":"/roles/-","value":` + role + `}]`,
		"roles~1":             `[{"op":"add","path":"/roles~1","value":[` + role + `]}]`,
		"escaped letters":     `[{"op":"add","path":"/\u0072oles","value":[` + role + `]}]`,
		"escaped isAdmin":     `[{"op":"add","path":"/is\u0041dmin","value":true}]`,
		"another case":        `[{"op":"add","path":"/ISADMIN","value":true}]`,
		"no slash":            `[{"op":"add","path":"isAdmin","value":true}]`,
		"two slashes":         `[{"op":"add","path":"//isAdmin","value":true}]`,
		"percent":             `[{"op":"add","path":"/%69sAdmin","value":true}]`,
		"whole document":      `[{"op":"replace","path":"","value":` + whole + `}]`,
		"copied":              `[{"op":"add","path":"/displayName","value":"x"},{"op":"add","path":"/profile","value":{"images":{}}},{"op":"copy","from":"/profile","path":"/isAdmin"}]`,
		"moved":               `[{"op":"move","from":"/displayName","path":"/isAdmin"}]`,
		"tested first":        `[{"op":"test","path":"/isAdmin","value":false},{"op":"replace","path":"/isAdmin","value":true}]`,
		"twice":               `[{"op":"replace","path":"/isAdmin","value":false},{"op":"replace","path":"/isAdmin","value":true}]`,
		"member twice":        `[{"op":"replace","path":"/displayName","path":"/isAdmin","value":true}]`,
		"behind a good one":   `[{"op":"add","path":"/displayName","value":"x"},{"op":"replace","path":"/isAdmin","value":true}]`,
		"email":               `[{"op":"replace","path":"/email","value":"admin@example.org"}]`,
		"name":                `[{"op":"replace","path":"/name","value":"root"}]`,
		"allowImpersonation":  `[{"op":"add","path":"/allowImpersonation","value":true}]`,
		"isEmailVerified":     `[{"op":"add","path":"/isEmailVerified","value":true}]`,
		"authentication":      `[{"op":"add","path":"/authenticationMechanism","value":{"authType":"BASIC","config":{"password":"x"}}}]`,
		"teams":               `[{"op":"add","path":"/teams/-","value":{"id":"` + h.do("GET", "/teams/name/Organization", nil, 200).id() + `","type":"team"}}]`,
		"roles of a twin":     `[{"op":"add","path":"/inheritedRoles","value":[` + role + `]}]`,
		"id of somebody else": `[{"op":"replace","path":"/id","value":"` + h.admin.id.String() + `"},{"op":"replace","path":"/isAdmin","value":true}]`,
	} {
		for _, path := range []string{"/users/" + h.nobody.id.String(), "/users/name/somebody"} {
			a := h.as(h.nobody, "PATCH", path, patch)
			if a.status >= 500 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			if d := cmp.Diff(before, h.standingOf("somebody")); d != "" {
				t.Fatalf("%s at %s answered %d and changed the record:\n%s", name, path, a.status, d)
			}
		}
	}
	for name, patch := range map[string]string{
		"isAdmin": `[{"op":"replace","path":"/isAdmin","value":true}]`, "roles": `[{"op":"add","path":"/roles","value":[` + role + `]}]`,
		"email": `[{"op":"replace","path":"/email","value":"x@example.org"}]`,
	} {
		if a := h.as(h.nobody, "PATCH", "/users/"+h.nobody.id.String(), patch); a.status != 403 {
			t.Errorf("%s: %d, want 403: %s", name, a.status, a.body)
		}
	}
	// What is the person's own goes through.
	h.as(h.nobody, "PATCH", "/users/"+h.nobody.id.String(), `[{"op":"add","path":"/displayName","value":"Some Body"}]`).want(200)
}

// TestT37RightsByCreating: nobody gets rights by making a user, or oneself.
func TestT37RightsByCreating(t *testing.T) {
	h := newAccountHarness(t, open(), false)
	role := h.role()
	extras := map[string]any{
		"isAdmin": true, "isBot": true, "roles": []string{role}, "teams": []string{role}, "allowImpersonation": true, "isEmailVerified": true,
		"authenticationMechanism": map[string]any{"authType": "JWT", "config": map[string]any{"JWTTokenExpiry": "Unlimited"}},
		"domains":                 []string{"Finance"}, "botName": "ingestion-bot", "id": h.admin.id.String(), "name": "root",
	}
	i := 0
	for member, value := range extras {
		i++
		body := registration(fmt.Sprintf("fresh%d@example.org", i))
		body[member] = value
		h.public("POST", "/users/signup", body).want(400)
		h.do("GET", fmt.Sprintf("/users/name/fresh%d", i), nil, 404)

		for _, method := range []string{"POST", "PUT"} {
			name := fmt.Sprintf("made%d%s", i, strings.ToLower(method))
			made := map[string]any{"name": name, "email": name + "@example.org", member: value}
			a := h.as(h.nobody, method, "/users", made)
			if a.status < 300 {
				if got := h.standingOf(name); got["isAdmin"] != "false" || got["roles"] != "" && got["roles"] != "[]" {
					t.Errorf("%s with %s: %v", method, member, got)
				}
			}
		}
	}
	// PUT of oneself and of the administrator.
	before := h.standingOf("somebody")
	for _, body := range []map[string]any{
		{"name": "somebody", "email": "somebody@example.org", "isAdmin": true},
		{"name": "somebody", "email": "somebody@example.org", "roles": []string{role}},
		{"name": "somebody", "email": "admin@example.org"},
		{"name": "somebody", "email": "somebody@example.org", "isBot": true},
		{"name": "somebody", "email": "somebody@example.org", "password": firstPassword, "confirmPassword": firstPassword},
	} {
		if a := h.as(h.nobody, "PUT", "/users", body); a.status < 400 || a.status >= 500 {
			t.Errorf("%v: %d", body, a.status)
		}
		if d := cmp.Diff(before, h.standingOf("somebody")); d != "" {
			t.Fatalf("%v changed the record:\n%s", body, d)
		}
	}
	h.login("somebody", firstPassword, 401)
}

// TestT38OtherUsers: nobody changes, deletes or restores somebody else.
func TestT38OtherUsers(t *testing.T) {
	h := newHarness(t)
	victim := h.do("POST", "/users", `{"name":"victim","email":"victim@example.org","displayName":"Victim"}`, 201).id()
	gone := h.do("POST", "/users", `{"name":"gone","email":"gone@example.org"}`, 201).id()
	h.do("DELETE", "/users/"+gone, nil, 200)
	steward := h.person("steward")
	role := h.do("GET", "/roles/name/DataSteward", nil, 200).id()
	h.do("PATCH", "/users/"+steward.id.String(), `[{"op":"add","path":"/roles","value":[{"id":"`+role+`","type":"role"}]}]`, 200)
	before, beforeGone := h.standingOf("victim"), h.standingOf("gone")
	row := "name*,displayName,description,email*,timezone,isAdmin,teams*,roles\nvictim,Owned,,victim@example.org,,true,Organization,\n"
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"PATCH", "/users/" + victim, `[{"op":"add","path":"/displayName","value":"Owned"}]`},
		{"PATCH", "/users/name/victim", `[{"op":"add","path":"/displayName","value":"Owned"}]`},
		{"PATCH", "/users/" + victim, `[{"op":"add","path":"/description","value":"Owned"}]`},
		{"PATCH", "/users/name/VICTIM", `[{"op":"add","path":"/isAdmin","value":true}]`},
		{"PATCH", "/users/" + h.admin.id.String(), `[{"op":"replace","path":"/isAdmin","value":false}]`},
		{"PUT", "/users", `{"name":"victim","email":"victim@example.org","displayName":"Owned"}`},
		{"PUT", "/users", `{"name":"admin","email":"admin@example.org","displayName":"Owned"}`},
		{"DELETE", "/users/" + victim, nil},
		{"DELETE", "/users/" + victim + "?hardDelete=true&recursive=true", nil},
		{"DELETE", "/users/name/victim?hardDelete=true", nil},
		{"DELETE", "/users/name/victim", nil},
		{"DELETE", "/users/async/" + victim + "?hardDelete=true&recursive=true", nil},
		{"PUT", "/users/restore", `{"id":"` + gone + `"}`},
		{"PUT", "/users/import?team=Organization&dryRun=false", row},
		{"PUT", "/users/importAsync?team=Organization&dryRun=false", row},
		{"PUT", "/users/changePassword", `{"username":"victim","requestType":"USER","newPassword":"Green-Leaf-4711!","confirmPassword":"Green-Leaf-4711!"}`},
		{"PUT", "/users/generateToken/" + victim, `{"JWTTokenExpiry":"7"}`},
		{"PUT", "/users/revokeToken", `{"id":"` + victim + `"}`},
	} {
		for _, who := range []caller{h.nobody, steward} {
			if a := h.as(who, c.method, c.path, c.body); a.status < 400 || a.status >= 500 && a.status != http.StatusNotImplemented {
				t.Errorf("%s %s as %s: %d %s", c.method, c.path, who.name, a.status, a.body)
			}
		}
		if d := cmp.Diff(before, h.standingOf("victim")); d != "" {
			t.Fatalf("%s %s changed the victim:\n%s", c.method, c.path, d)
		}
	}
	if d := cmp.Diff(beforeGone, h.standingOf("gone")); d != "" {
		t.Errorf("the deleted user changed:\n%s", d)
	}
	h.do("GET", "/users/name/admin", nil, 200)
}

// TestT39OthersTokens: ids of others' credentials are of no use.
func TestT39OthersTokens(t *testing.T) {
	h := newAccountHarness(t, auth.Rules{}, true)
	h.person("ann", firstPassword)
	h.person("eve", secondPassword)
	ann, annRefresh := h.login("ann", firstPassword, 200)
	eve, _ := h.login("eve", secondPassword, 200)
	made := h.as(caller{token: ann}, "PUT", "/users/security/token", map[string]string{"tokenName": "nightly", "JWTTokenExpiry": "7"}).want(200)
	id, pat := unquote(made.member("token")), unquote(made.member("jwtToken"))

	if a := h.as(caller{token: eve}, "GET", "/users/security/token?username=ann", nil); a.status != 403 && a.status != 404 {
		t.Errorf("the list of others: %d %s", a.status, a.body)
	}
	list := h.as(caller{token: eve}, "GET", "/users/security/token", nil).want(200)
	if strings.Contains(string(list.body), id) {
		t.Errorf("the own list shows others': %s", list.body)
	}
	h.as(caller{token: eve}, "PUT", "/users/security/token/revoke", map[string]any{"tokenIds": []string{id}})
	h.as(caller{token: eve}, "PUT", "/users/security/token/revoke?removeAll=true", nil)
	h.as(caller{token: eve}, "PUT", "/users/security/token/revoke?removeAll=true&username=ann", nil).want(403)
	h.as(caller{token: pat}, "GET", "/users/loggedInUser", nil).want(200)
	h.public("POST", "/users/refresh", map[string]string{"refreshToken": annRefresh}).want(200)
	mine := h.as(caller{token: ann}, "GET", "/users/security/token", nil).want(200)
	if strings.Contains(string(mine.body), pat) || !strings.Contains(string(mine.body), id) {
		t.Errorf("the owner's list: %s", mine.body)
	}
	// An administrator ends them, whose they are.
	h.as(h.admin, "PUT", "/users/security/token/revoke?username=ann", map[string]any{"tokenIds": []string{id}}).want(200).shows("paging.total", "0")
	h.as(caller{token: pat}, "GET", "/users/loggedInUser", nil).want(401)
}

// TestT48ResetTokens: a link works once, for its account, for an hour, and the
// newest only.
func TestT48ResetTokens(t *testing.T) {
	h := newAccountHarness(t, auth.Rules{}, true)
	h.person("ann", firstPassword)
	h.person("bob", firstPassword)
	ask := func(name string) string {
		h.public("POST", "/users/generatePasswordResetLink", map[string]string{"email": name + "@example.org"}).want(200)
		return h.lastMail(auth.MailReset, name+"@example.org").Token
	}
	use := func(name, token string) answer {
		return h.public("POST", "/users/password/reset", map[string]string{
			"username": name, "password": secondPassword, "confirmPassword": secondPassword, "token": token,
		})
	}
	old, token, others := ask("ann"), ask("ann"), ask("bob")
	for _, guess := range map[string]string{
		"old after new": old, "another user's": others, "none": "", "short": token[1:], "longer": token + "A", "padded": token + "=",
		"changed": "A" + token[1:], "zeroes": strings.Repeat("A", len(token)),
	} {
		if guess == token { // one in 64
			continue
		}
		use("ann", guess).wantRefused(400, auth.CodeReset)
	}
	for _, name := range []string{"nobody", "", "ingestion-bot", "admin"} {
		use(name, token).wantRefused(400, auth.CodeReset)
	}
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			a := use("ann@example.org", token)
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	wg.Wait()
	if statuses[200] != 1 || statuses[400] != 9 {
		t.Errorf("in parallel: %v, want one 200 and nine 400", statuses)
	}
	use("ann", token).wantRefused(400, auth.CodeReset)
	// Another password voids a link that is under way.
	change := map[string]string{"username": "bob", "requestType": "USER", "newPassword": "Third-Twig-2222!", "confirmPassword": "Third-Twig-2222!"}
	h.do("PUT", "/users/changePassword", change, 200)
	use("bob", others).wantRefused(400, auth.CodeReset)
}

// TestT27MailKnowsNoHost: nothing of the request's header gets into a mail.
func TestT27MailKnowsNoHost(t *testing.T) {
	h := newAccountHarness(t, open(), true)
	h.person("ann", firstPassword)
	for path, body := range map[string]string{
		"/users/generatePasswordResetLink": `{"email":"ann@example.org"}`,
		"/users/signup":                    `{"firstName":"A","lastName":"B","email":"new@example.org","password":"Green-Leaf-4711!"}`,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/api/v1"+path, strings.NewReader(body))
		check(t, err)
		req.Host = "evil.example.net"
		for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "Forwarded", "Referer"} {
			req.Header.Set(name, "evil.example.net")
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		check(t, err)
		check(t, resp.Body.Close())
		if resp.StatusCode >= 300 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	mails := h.mailed()
	if len(mails) != 2 {
		t.Fatalf("%d mails", len(mails))
	}
	for _, m := range mails {
		if text := fmt.Sprintf("%+v", m); strings.Contains(text, "evil") {
			t.Error(text)
		}
	}
}

// alike compares two answers but for what is random in them.
func alike(t *testing.T, what string, a, b answer, but ...string) {
	t.Helper()
	if a.status != b.status || len(a.body) != len(b.body) {
		t.Errorf("%s: %d with %d bytes, %d with %d bytes:\n%s\n%s", what, a.status, len(a.body), b.status, len(b.body), a.body, b.body)
	}
	for _, name := range []string{"Content-Type", "Www-Authenticate", "Retry-After", "Set-Cookie"} {
		if x, y := a.header.Values(name), b.header.Values(name); !cmp.Equal(x, y) {
			t.Errorf("%s: header %s: %v, %v", what, name, x, y)
		}
	}
	strip := func(a answer) any {
		members := map[string]jsontext.Value{}
		if err := json.Unmarshal(a.body, &members); err != nil {
			return string(a.body)
		}
		for _, name := range append(but, "requestId") {
			delete(members, name)
		}
		return members
	}
	if d := cmp.Diff(strip(a), strip(b)); d != "" {
		t.Errorf("%s:\n%s", what, d)
	}
}

// TestT47Enumeration: answers do not tell who has an account, nor does the work
// behind them: time is the number of passwords hashed, the rest happens afterwards.
func TestT47Enumeration(t *testing.T) {
	h := newAccountHarness(t, open(), true)
	h.person("known", firstPassword)
	h.person("gone99", firstPassword)
	h.do("DELETE", "/users/name/gone99", nil, 200)
	work := func(do func() answer) (answer, uint64) {
		before := h.hasher.Evaluated()
		a := do()
		return a, h.hasher.Evaluated() - before
	}
	signIn := func(name string) func() answer {
		return func() answer {
			return h.public("POST", "/users/login", map[string]string{"email": name, "password": inBase64("Wrong-Leaf-4711!")})
		}
	}
	first, cost := work(signIn("known"))
	if first.status != 401 || cost != 1 {
		t.Errorf("a wrong password: %d, %d hashed", first.status, cost)
	}
	for _, name := range []string{"nowhere", "gone99", "ingestion-bot", "known@example.org", "nowhere@example.org", "gone99@example.org"} {
		a, n := work(signIn(name))
		alike(t, "sign-in as "+name, first, a)
		if n != cost {
			t.Errorf("sign-in as %s hashed %d, want %d", name, n, cost)
		}
	}
	// The throttle sets in for both at the same try.
	for i := range 6 {
		a, n := work(signIn("known@example.org"))
		b, m := work(signIn("other@example.org"))
		if i == 0 { // the former has two failures by now, the latter none
			signIn("other")()
			signIn("other")()
			continue
		}
		alike(t, fmt.Sprint("try ", i), a, b)
		if n != m {
			t.Errorf("try %d hashed %d and %d", i, n, m)
		}
	}

	reset := func(email string) func() answer {
		return func() answer {
			return h.public("POST", "/users/generatePasswordResetLink", map[string]string{"email": email})
		}
	}
	known, n := work(reset("known@example.org"))
	for _, email := range []string{"nowhere@example.org", "gone99@example.org", "ingestion-bot@example.org"} {
		unknown, m := work(reset(email))
		alike(t, "reset of "+email, known, unknown)
		if n != 0 || m != 0 {
			t.Errorf("a reset hashed %d and %d", n, m)
		}
	}
	if mails := h.mailed(); len(mails) != 1 {
		t.Errorf("%d mails, want the one of the known", len(mails))
	}

	register := func(email string) func() answer {
		return func() answer { return h.public("POST", "/users/signup", registration(email)) }
	}
	taken, n := work(register("known@example.org"))
	free, m := work(register("fresh@example.org"))
	if n != m || n != 1 || taken.status != 201 {
		t.Errorf("a registration: %d, hashed %d and %d", taken.status, n, m)
	}
	alike(t, "registration", taken, free, "id", "name", "fullyQualifiedName", "email", "updatedAt", "updatedBy")
	alike(t, "name taken", register("known@elsewhere.org")(), register("fresh@elsewhere.org")(), "id", "name", "fullyQualifiedName", "email", "updatedAt", "updatedBy")
	again := map[auth.MailKind]int{}
	for _, m := range h.mailed() {
		again[m.Kind]++
	}
	if again[auth.MailTaken] != 2 || again[auth.MailRegistration] != 2 {
		t.Errorf("mails %v", again)
	}
	alike(t, "resend", h.public("PUT", "/users/resendRegistrationToken?user=known@example.org", nil), h.public("PUT", "/users/resendRegistrationToken?user=fresh@example.org", nil))
}

// TestAskingIsBounded: nobody fills mailboxes or asks for a list of addresses.
func TestAskingIsBounded(t *testing.T) {
	h := newAccountHarness(t, open(), true)
	h.person("ann", firstPassword)
	for range 12 {
		h.public("POST", "/users/generatePasswordResetLink", map[string]string{"email": "ann@example.org"}).want(200)
	}
	if n := len(h.mailed()); n != 5 {
		t.Errorf("%d mails in an hour, want 5", n)
	}
	refused := 0
	for i := range 40 {
		a := h.public("POST", "/users/checkEmailInUse", map[string]string{"email": fmt.Sprintf("user%d@example.org", i)})
		if a.status != 200 {
			a.wantRefused(403, auth.CodeTooMany)
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d of 40 look-ups refused, want 10", refused)
	}
	for range 3 {
		h.public("POST", "/users/signup", registration("bob@example.org")).want(201)
	}
	for range 17 {
		h.public("POST", "/users/signup", registration("carl@example.org"))
	}
	h.public("POST", "/users/signup", registration("dora@example.org")).want(201)
}
