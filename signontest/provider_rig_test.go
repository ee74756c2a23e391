//go:build signon

package signontest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// postForm sends a form, as a confidential client when there is a secret.
func postForm(address, client, secret string, form url.Values) (*http.Response, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		request.SetBasicAuth(client, secret)
	}
	return httpClient.Do(request)
}

// relyingPage is the least that can take part: it shows where it was called.
func relyingPage(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if _, err := w.Write([]byte("<!doctype html><title>Relying page</title><h1>Relying page</h1>")); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// What PKCE proves: the challenge is the verifier's digest.
const (
	verifier  = "a-verifier-of-more-than-forty-three-characters-in-all"
	challenge = "M1qnDBeiFtyzVsEEE69xAxFxRaA8h7-YZvx1o-UI7bk"
)

func (p *provider) authorizeURL(client, redirect string, more url.Values) string {
	query := url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {redirect},
		"scope": {"openid profile email offline_access"}, "state": {"a-state"}, "nonce": {"a-nonce"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for key, values := range more {
		if values[0] == "" {
			query.Del(key)
			continue
		}
		query[key] = values
	}
	return p.issuer + "authorize?" + query.Encode()
}

// signInAt fills the provider's form.
func (p *page) signInAt(login, password string) {
	p.t.Helper()
	p.shows("Test provider: sign in")
	p.fill("Login", login)
	p.fill("Password", password)
	p.press("Log in")
}

// claimsOf reads a token without judging it.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a token: %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestRigProviderIsStrict makes sure that what Catalpa is tested against would notice a
// careless client: it is the ground the other tests stand on.
func TestRigProviderIsStrict(t *testing.T) {
	t.Parallel()
	relying := relyingPage(t)
	p := startProvider(t, relying.URL)
	callback := relying.URL + "/callback"
	alice := newProfile(t, "alice").tab()

	alice.open(p.authorizeURL("om-web", callback, nil))
	alice.signInAt("alice+roles=DataSteward", "wrong")
	alice.shows("Wrong email or password")
	alice.signInAt("alice+roles=DataSteward", "right")
	landed, err := url.Parse(alice.at("/callback"))
	if err != nil {
		t.Fatal(err)
	}
	if got := landed.Query(); got.Get("state") != "a-state" || got.Get("iss") != p.issuer {
		t.Errorf("the callback came with %v", got)
	}
	exchange := url.Values{
		"grant_type": {"authorization_code"}, "code": {landed.Query().Get("code")},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	}
	refused := func(what, client, secret string, form url.Values, status int, code string) {
		t.Helper()
		answer, err := p.token(client, secret, form)
		if err != nil || answer.Status != status || answer.Error != code {
			t.Errorf("%s: %d %q (%v), want %d %q", what, answer.Status, answer.Error, err, status, code)
		}
	}
	refused("wrong secret", "om-web", "guess", exchange, http.StatusUnauthorized, "invalid_client")
	tokens, err := p.token("om-web", "om-secret", exchange)
	if err != nil || tokens.Status != http.StatusOK || tokens.RefreshToken == "" {
		t.Fatalf("code for tokens: %d %q (%v), refresh token %t", tokens.Status, tokens.Error, err, tokens.RefreshToken != "")
	}
	claims := claimsOf(t, tokens.IDToken)
	if claims["iss"] != p.issuer || claims["aud"] != "om-web" || claims["sub"] != "auth0|alice" || claims["nonce"] != "a-nonce" ||
		claims["email"] != "alice@example.com" || claims["email_verified"] != true {
		t.Errorf("claims are %v", claims)
	}
	if roles, _ := claims["https://catalpa.example/roles"].([]any); len(roles) != 1 || roles[0] != "DataSteward" {
		t.Errorf("roles are %v", roles)
	}

	renew := func(token string) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	}
	renewed, err := p.token("om-web", "om-secret", renew(tokens.RefreshToken))
	if err != nil || renewed.Status != http.StatusOK || renewed.RefreshToken == tokens.RefreshToken {
		t.Fatalf("renewal: %d %q (%v), want another refresh token", renewed.Status, renewed.Error, err)
	}
	refused("a used refresh token", "om-web", "om-secret", renew(tokens.RefreshToken), http.StatusBadRequest, "invalid_grant")
	refused("the family of a used refresh token", "om-web", "om-secret", renew(renewed.RefreshToken), http.StatusBadRequest, "invalid_grant")
	refused("a used code", "om-web", "om-secret", exchange, http.StatusBadRequest, "invalid_grant")
	if got := p.issued(); len(got) != 6 {
		t.Errorf("%d credentials noted, want 6", len(got))
	}

	alice.open(p.authorizeURL("om-web", relying.URL+"/elsewhere", nil))
	alice.shows("redirect_uri")
	alice.open(p.authorizeURL("om-spa", callback, url.Values{"code_challenge": {""}, "code_challenge_method": {""}}))
	if got := alice.url(); !strings.Contains(got, "error=invalid_request") {
		t.Errorf("a public client without PKCE got to %s", got)
	}
}

// TestRigProviderSteps drives what tests of Catalpa rely on: choosing, consent, denial,
// implicit answers, both ways out, rotation and playing dead.
func TestRigProviderSteps(t *testing.T) {
	t.Parallel()
	relying := relyingPage(t)
	p := startProvider(t, relying.URL, "--logout", "v2")
	callback := relying.URL + "/callback"
	bob := newProfile(t, "bob").tab()

	bob.open(p.authorizeURL("om-web", callback, nil))
	bob.press("Cancel")
	if got := bob.at("/callback"); !strings.Contains(got, "error=access_denied") {
		t.Errorf("cancel came back to %s", got)
	}
	bob.open(p.authorizeURL("om-web", callback, nil))
	bob.signInAt("bob+ask", "right")
	bob.shows("om-web wants to know")
	bob.press("Deny")
	if got := bob.at("/callback"); !strings.Contains(got, "error=access_denied") {
		t.Errorf("denial came back to %s", got)
	}
	bob.open(p.authorizeURL("om-web", callback, url.Values{"prompt": {"select_account"}}))
	bob.press("Use another account")
	bob.signInAt("bob", "right")
	bob.at("/callback\\?code")
	bob.open(p.authorizeURL("om-web", callback, url.Values{"prompt": {"select_account"}}))
	bob.press("Continue as bob")
	bob.at("/callback\\?code")
	bob.open(p.authorizeURL("om-spa", callback, url.Values{"response_type": {"id_token"}, "code_challenge": {""}, "code_challenge_method": {""}}))
	if got := bob.at("/callback#"); !strings.Contains(got, "id_token=") {
		t.Errorf("the implicit answer was at %s", got)
	}

	bob.open(p.issuer + "v2/logout?client_id=om-web&returnTo=" + url.QueryEscape("http://127.0.0.1:1/"))
	bob.shows("not among the allowed")
	bob.open(p.issuer + "v2/logout?client_id=om-web&returnTo=" + url.QueryEscape(relying.URL+"/signed-out"))
	bob.at("/signed-out$")
	bob.open(p.authorizeURL("om-web", callback, nil))
	bob.shows("Test provider: sign in")

	keys := func() int {
		var set struct{ Keys []json.RawMessage }
		p.control(".well-known/jwks.json", nil, &set)
		return len(set.Keys)
	}
	p.rotate(true)
	if got := keys(); got != 2 {
		t.Errorf("%d keys after a rotation with overlap", got)
	}
	p.rotate(false)
	if got := keys(); got != 1 {
		t.Errorf("%d keys after a rotation without", got)
	}
	p.down("503", "/oauth/token")
	if answer, err := p.token("om-web", "om-secret", url.Values{}); err == nil {
		t.Errorf("a dead token endpoint said %+v", answer)
	}
	if got := keys(); got != 1 {
		t.Error("the keys are gone with the token endpoint")
	}
}
