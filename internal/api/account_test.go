package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

const (
	firstPassword  = "Green-Leaf-4711!"
	secondPassword = "Brown-Bark-0815!"
)

func registration(email string) map[string]any {
	return map[string]any{"firstName": "Ann", "lastName": "Miller", "email": email, "password": firstPassword}
}

// wantRefused checks status and machine code of a refusal.
func (a answer) wantRefused(status int, code string) {
	a.t.Helper()
	a.want(status)
	if got := unquote(a.member("errorCode")); got != code {
		a.t.Errorf("%s: code %s, want %s: %s", a.what, got, code, a.body)
	}
}

func TestSignUpWithConfirmation(t *testing.T) {
	h := newAccountHarness(t, open(), true)
	made := h.public("POST", "/users/signup", registration("Ann.Miller@example.org")).want(http.StatusCreated)
	for member, want := range map[string]string{"name": "ann.miller", "email": "ann.miller@example.org", "displayName": "Ann Miller"} {
		if got := unquote(made.member(member)); got != want {
			t.Errorf("%s is %q, want %q", member, got, want)
		}
	}
	link := h.lastMail(auth.MailRegistration, "ann.miller@example.org")

	// Nobody yet: no user, no sign-in, and the address is free.
	h.do("GET", "/users/name/ann.miller", nil, 404)
	h.login("ann.miller@example.org", firstPassword, 401)
	if got := string(h.public("POST", "/users/checkEmailVerified", map[string]string{"email": "ann.miller@example.org"}).want(200).body); got != "false" {
		t.Errorf("verified before the confirmation: %s", got)
	}
	h.public("PUT", "/users/registrationConfirmation?token="+link.Token[1:], nil).wantRefused(400, auth.CodeReset)
	h.public("PUT", "/users/registrationConfirmation", nil).wantRefused(400, auth.CodeReset)

	// The mail comes again, and the link before it is void.
	h.public("PUT", "/users/resendRegistrationToken?user=ann.miller@example.org", nil).want(200)
	again := h.lastMail(auth.MailRegistration, "ann.miller@example.org")
	h.public("PUT", "/users/registrationConfirmation?user=ann.miller&token="+link.Token, nil).wantRefused(400, auth.CodeReset)
	h.public("PUT", "/users/registrationConfirmation?user=ann.miller&token="+again.Token, nil).want(200)
	h.public("PUT", "/users/registrationConfirmation?user=ann.miller&token="+again.Token, nil).wantRefused(400, auth.CodeReset)
	sent := len(h.mailed())
	h.public("PUT", "/users/resendRegistrationToken?user=ann.miller@example.org", nil).want(200)
	if n := len(h.mailed()); n != sent {
		t.Error("a mail to confirm what is confirmed")
	}

	access, _ := h.login("ann.miller@example.org", firstPassword, 200)
	me := h.as(caller{token: access}, "GET", "/users/loggedInUser", nil).want(200)
	if string(me.member("isAdmin")) == "true" || unquote(me.member("displayName")) != "Ann Miller" {
		t.Errorf("the account: %s", me.body)
	}
	for _, route := range []string{"checkEmailVerified", "checkEmailInUse"} {
		if got := string(h.public("POST", "/users/"+route, map[string]string{"email": "ann.miller@example.org"}).want(200).body); got != "true" {
			t.Errorf("%s: %s", route, got)
		}
	}
}

func TestSignUpWithoutMail(t *testing.T) {
	h := newAccountHarness(t, open(), false)
	made := h.public("POST", "/users/signup", registration("bob@example.org")).want(http.StatusCreated)
	if got := h.do("GET", "/users/name/bob", nil, 200).id(); got != made.id() {
		t.Errorf("the answer names %s, the user is %s", made.id(), got)
	}
	h.login("bob", firstPassword, 200)
	h.public("POST", "/users/signup", registration("bob@example.org")).want(400)
	h.public("POST", "/users/signup", registration("bob@other.org")).want(400) // the name is taken
	h.public("POST", "/users/signup", registration("root@other.org")).want(400)
	h.public("POST", "/users/signup", registration("boss@example.org")).want(400)
}

func TestSignUpRules(t *testing.T) {
	h := newAccountHarness(t, auth.Rules{}, true)
	h.public("POST", "/users/signup", registration("ann@example.org")).wantRefused(403, auth.CodeSignupOff)
	h.public("POST", "/users/checkEmailInUse", map[string]string{"email": "ann@example.org"}).wantRefused(403, auth.CodeSignupOff)
	h.public("POST", "/users/checkEmailVerified", map[string]string{"email": "ann@example.org"}).wantRefused(403, auth.CodeSignupOff)
	h.public("PUT", "/users/registrationConfirmation?token=x", nil).wantRefused(403, auth.CodeSignupOff)
	h.public("PUT", "/users/resendRegistrationToken?user=ann@example.org", nil).wantRefused(403, auth.CodeSignupOff)

	h.service.SetSignOn(&auth.SignOn{Provider: "basic", Basic: true, Rules: auth.Rules{SelfSignup: true, RegistrationDomains: []string{"Example.org"}}})
	for _, email := range []string{"ann@evilexample.org", "ann@example.org.evil.net", "ann@sub.example.org", "ann@example"} {
		h.public("POST", "/users/signup", registration(email)).wantRefused(403, auth.CodeUserDomain)
	}
	for name, spoil := range map[string]func(map[string]any){
		"no email":      func(r map[string]any) { r["email"] = "" },
		"two emails":    func(r map[string]any) { r["email"] = "ann@example.org, eve@example.org" },
		"a header":      func(r map[string]any) { r["email"] = "ann@example.org\r\nBcc: eve@example.org" },
		"a template":    func(r map[string]any) { r["email"] = "{{x}}@example.org" },
		"weak":          func(r map[string]any) { r["password"] = "password" },
		"own name":      func(r map[string]any) { r["password"] = "Ann@Example.org" },
		"two lines":     func(r map[string]any) { r["firstName"] = "Ann\nMiller" },
		"long":          func(r map[string]any) { r["lastName"] = strings.Repeat("x", 101) },
		"unknown field": func(r map[string]any) { r["nickname"] = "x" },
	} {
		body := registration("ann@example.org")
		spoil(body)
		if a := h.public("POST", "/users/signup", body); a.status != 400 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	h.public("POST", "/users/signup", registration("ann@EXAMPLE.org")).want(201)

	h.service.SetSignOn(&auth.SignOn{Provider: "basic", Basic: true, Rules: auth.Rules{
		SelfSignup: true, RegistrationDomains: []string{"all"}, EnforceDomain: true, PrincipalDomain: "example.org", AllowedDomains: []string{"example.com"},
	}})
	h.public("POST", "/users/signup", registration("carl@example.com")).want(201)
	h.public("POST", "/users/signup", registration("carl@example.net")).wantRefused(403, auth.CodeUserDomain)
}

// TestBasicOff: with another provider nothing about passwords answers.
func TestBasicOff(t *testing.T) {
	h := newAccountHarness(t, open(), true)
	h.person("ann", firstPassword)
	h.service.SetSignOn(&auth.SignOn{Provider: "google", Rules: open()})
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/users/signup", registration("bob@example.org")},
		{"PUT", "/users/registrationConfirmation?token=x", nil},
		{"PUT", "/users/resendRegistrationToken?user=ann@example.org", nil},
		{"POST", "/users/checkEmailInUse", map[string]string{"email": "ann@example.org"}},
		{"POST", "/users/generatePasswordResetLink", map[string]string{"email": "ann@example.org"}},
		{"POST", "/users/password/reset", map[string]string{"username": "ann", "password": secondPassword, "confirmPassword": secondPassword, "token": "x"}},
	} {
		h.public(c.method, c.path, c.body).wantRefused(404, auth.CodeBasicOff)
	}
	change := map[string]string{"username": "ann", "requestType": "USER", "newPassword": secondPassword, "confirmPassword": secondPassword}
	h.as(h.admin, "PUT", "/users/changePassword", change).wantRefused(404, auth.CodeBasicOff)
	made := map[string]string{"name": "bob", "email": "bob@example.org", "password": firstPassword, "confirmPassword": firstPassword}
	h.as(h.admin, "POST", "/users", made).wantRefused(404, auth.CodeBasicOff)
	h.do("GET", "/users/name/bob", nil, 404)
}

func TestResetByMail(t *testing.T) {
	h := newAccountHarness(t, auth.Rules{}, true)
	h.person("ann", firstPassword)
	_, refresh := h.login("ann", firstPassword, 200)
	access, _ := h.login("ann", firstPassword, 200)
	pat := h.as(caller{token: access}, "PUT", "/users/security/token", map[string]string{"tokenName": "nightly", "JWTTokenExpiry": "7"}).want(200)

	h.public("POST", "/users/generatePasswordResetLink", map[string]string{"email": "Ann@Example.org"}).want(200)
	link := h.lastMail(auth.MailReset, "ann@example.org")
	reset := map[string]string{"username": "ann", "password": secondPassword, "confirmPassword": firstPassword, "token": link.Token}
	h.public("POST", "/users/password/reset", reset).want(400) // not the same twice
	reset["password"], reset["confirmPassword"] = "weak", "weak"
	h.public("POST", "/users/password/reset", reset).want(400)
	reset["password"], reset["confirmPassword"] = secondPassword, secondPassword
	h.public("POST", "/users/password/reset", reset).want(200)

	told := h.lastMail(auth.MailChanged, "ann@example.org")
	if len(told.Tokens) != 1 || told.Tokens[0] != "nightly" {
		t.Errorf("told of the tokens %v", told.Tokens)
	}
	h.login("ann", firstPassword, 401)
	h.login("ann@example.org", secondPassword, 200)
	h.as(caller{token: access}, "GET", "/users/loggedInUser", nil).want(401)
	h.public("POST", "/users/refresh", map[string]string{"refreshToken": refresh}).want(401)
	h.as(caller{token: unquote(pat.member("jwtToken"))}, "GET", "/users/loggedInUser", nil).want(200)
}

func TestMailIsTriedOut(t *testing.T) {
	h := newAccountHarness(t, auth.Rules{}, true)
	body := map[string]string{"email": "ops@example.org"}
	h.do("PUT", "/system/email/test", body, 200)
	h.lastMail(auth.MailTest, "ops@example.org")
	h.as(h.nobody, "PUT", "/system/email/test", body).want(403)
	h.do("PUT", "/system/email/test", map[string]string{"email": "ops@example.org\nBcc: x@example.org"}, 400)
	h.post.fails = true
	failed := h.do("PUT", "/system/email/test", body, 502)
	if strings.Contains(string(failed.body), "535") {
		t.Errorf("the answer repeats the mail server: %s", failed.body)
	}
	newAccountHarness(t, auth.Rules{}, false).do("PUT", "/system/email/test", body, 400)
}
