package api

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/pages"
)

// basicSignOn keeps the passwords here.
func basicSignOn() *auth.SignOn { return &auth.SignOn{Provider: "basic", Basic: true} }

// publicSignOn trusts tokens that browsers get at the provider by themselves.
func publicSignOn() (*auth.SignOn, SignOnSettings) {
	settings := SignOnSettings{
		PublicURL: "https://catalog.example", Provider: "auth0", ClientType: "public", Client: &PublicClient{
			Issuer: "https://id.example/", ClientID: "catalog", AuthorizationEndpoint: "https://id.example/authorize", TokenEndpoint: "https://token.id.example/token",
			RedirectURI: "https://catalog.example/callback", Scope: "openid", ResponseType: "code",
		},
	}
	return &auth.SignOn{Provider: "auth0", Trust: &auth.Trust{Issuer: "https://id.example/", Audiences: []string{"catalog"}, Algorithms: []string{"RS256"}}}, settings
}

func TestT32PagesCannotBeFramed(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{PublicURL: "https://catalog.example", SelfSignup: true})
	h.api.auth.SetSignOn(basicSignOn())
	paths := []string{
		"/", "/signin", "/signed-out", "/callback", "/auth/callback", "/silent-callback", "/forgot-password", "/users/password/reset", "/register", "/users/registrationConfirmation", "/settings/sign-in", "/nothing",
		"/api/v1/auth/callback",
	}
	for _, path := range paths {
		got := h.browse(t, "GET", path, navigating())
		policy := got.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "connect-src 'self'"} {
			if !slices.Contains(strings.Split(policy, "; "), part) {
				t.Errorf("%s: the policy lacks %s: %s", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: %s", path, policy)
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.header.Get(name))
			}
		}
		if inlineScript.Match(got.body) || strings.Contains(string(got.body), " style=") || inlineHandler.Match(got.body) {
			t.Errorf("%s holds script or style that its policy forbids", path)
		}
	}
}

var (
	inlineScript  = regexp.MustCompile(`<script[^>]*>[^<]`)
	inlineHandler = regexp.MustCompile(`\son[a-z]+=`)
)

func TestPagesCallTheProviderOnlyOfAPublicClient(t *testing.T) {
	h := newHarness(t)
	so, settings := publicSignOn()
	h.settings(settings)
	h.api.auth.SetSignOn(so)
	got := h.browse(t, "GET", "/callback?code=x&state=y", navigating())
	if policy := got.header.Get("Content-Security-Policy"); got.status != 200 || !strings.Contains(policy, "connect-src 'self' https://token.id.example;") {
		t.Errorf("%d %s", got.status, policy)
	}
	if !strings.Contains(string(got.body), "https://id.example/authorize") {
		t.Error("the page does not know the provider")
	}
	h.api.auth.SetSignOn(basicSignOn())
	if got := h.browse(t, "GET", "/callback", navigating()); strings.Contains(got.header.Get("Content-Security-Policy")+string(got.body), "id.example") {
		t.Error("without a public client the page still calls the provider")
	}
}

func TestT34ProvidersAndAddressesWriteNothingIntoPages(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{PublicURL: "https://catalog.example", ProviderName: `<img src=x onerror=alert(1)>"'`})
	h.provider(&fakeProvider{refuse: auth.Refuse(auth.CodeProvider)})
	const evil = `%3Cscript%3Ealert(1)%3C%2Fscript%3E%22onload%3D`
	for _, path := range []string{
		"/callback?state=" + evil + "&code=x", "/callback?state=a.b&error=" + evil, "/callback?state=a.b&error=access_denied&error_description=" + evil, "/callback?state=a.b&iss=" + evil + "&code=x",
		"/signin?x=" + evil, "/" + evil, "/assets/" + evil + "/x", "/assets/x/" + evil, "/silent-callback?error=" + evil, "/api/v1/auth/login?redirectUri=" + evil, "/users/password/reset?token=" + evil,
	} {
		got := h.browse(t, "GET", path, navigating())
		for _, raw := range []string{"<script>alert", "<img src=x", `"onload=`} {
			if strings.Contains(string(got.body), raw) {
				t.Errorf("%s: the page holds %s", path, raw)
			}
		}
		if got.header.Get("Content-Type") != "text/html; charset=utf-8" || got.status >= 500 {
			t.Errorf("%s: %d %s", path, got.status, got.header.Get("Content-Type"))
		}
	}
	c, w := h.request("127.0.0.1:1", "Sec-Fetch-Mode", "navigate")
	for word, shown := range map[string]bool{"access_denied": true, "<b>": false, "two words": false, strings.Repeat("x", 61): false} {
		c.route, c.query = &Route{Page: true}, map[string][]string{"error": {word}, "error_description": {"tell the administrator"}}
		w.Body.Reset()
		c.fail(auth.Refuse(auth.CodeProvider))
		if strings.Contains(w.Body.String(), "<code>"+word+"</code>") != shown || strings.Contains(w.Body.String(), "tell the administrator") {
			t.Errorf("the word %q is shown: %t", word, !shown)
		}
	}
}

func TestErrorsComeAsTheCallerReadsThem(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{})
	h.provider(&fakeProvider{})
	for name, test := range map[string]struct {
		header map[string]string
		page   bool
	}{
		"a browser":               {navigating(), true},
		"an older browser":        {map[string]string{"Accept": "text/html,application/xhtml+xml"}, true},
		"a script":                {map[string]string{"Sec-Fetch-Mode": "cors", "Accept": "text/html"}, false},
		"a program":               {map[string]string{"Accept": "application/json"}, false},
		"a program without words": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/api/v1/auth/login?redirectUri=//evil", "/callback?state=x.y&code=z", "/nothing/here"} {
				got := h.browse(t, "GET", path, test.header)
				if page := strings.HasPrefix(got.header.Get("Content-Type"), "text/html"); page != test.page || got.status < 400 || got.status > 404 {
					t.Errorf("%s: status %d, page: %t", path, got.status, page)
				}
			}
			if got := h.browse(t, "GET", "/api/v1/auth/refresh", test.header); got.status != http.StatusUnauthorized || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("refresh: %d %s", got.status, got.header.Get("Content-Type"))
			}
		})
	}
}

func TestEveryRefusalHasAPage(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{ProviderName: "Larkfield ID"})
	h.provider(&fakeProvider{})
	refusals := []error{entity.Internal(errors.New("a secret of the store")), entity.BadRequest("the query string is not properly escaped")}
	for _, code := range auth.Codes() {
		refusals = append(refusals, auth.RefuseFor(code, errors.New("a secret of the store")))
	}
	for _, refusal := range refusals {
		c, w := h.request("127.0.0.1:1", "Sec-Fetch-Mode", "navigate")
		c.route = &Route{Path: "/callback", Page: true}
		c.fail(refusal)
		known := entity.AsError(refusal)
		body := w.Body.String()
		if w.Code != statusOf(refusal) || !strings.Contains(body, `id="heading"`) || !strings.Contains(body, `id="again"`) || !strings.Contains(body, known.Code) {
			t.Errorf("%s: %d %s", known.Code, w.Code, body)
		}
		if strings.Contains(body, "a secret of the store") {
			t.Errorf("%s: the hidden cause is on the page", known.Code)
		}
	}
}

func TestPagesFollowTheWayOfSigningIn(t *testing.T) {
	h := newHarness(t)
	so, settings := publicSignOn()
	for name, test := range map[string]struct {
		signOn       *auth.SignOn
		settings     SignOnSettings
		path         string
		status       int
		has, hasNone []string
	}{
		"basic": {basicSignOn(), SignOnSettings{}, "/signin", 200, []string{`id="password-form"`, "E-mail"}, []string{`id="continue"`, "/register", "/forgot-password"}},
		"basic with mail and sign-up": {basicSignOn(), SignOnSettings{SelfSignup: true, PasswordReset: true}, "/signin", 200,
			[]string{`href="/register"`, `href="/forgot-password"`}, nil},
		"a directory": {&auth.SignOn{Provider: "ldap", Password: noDirectory{}}, SignOnSettings{SelfSignup: true, PasswordReset: true}, "/signin", 200,
			[]string{`id="password-form"`, "Name or e-mail"}, []string{`href="/register"`, `href="/forgot-password"`, `id="change-password"`}},
		"a provider": {&auth.SignOn{Provider: "okta", Redirect: &fakeProvider{}}, SignOnSettings{Provider: "okta"}, "/signin", 200,
			[]string{"Continue with Okta", `href="/api/v1/auth/login?redirectUri=%2F"`, `id="view-waiting" hidden`}, []string{`id="password-form"`}},
		"a provider at once": {&auth.SignOn{Provider: "okta", Redirect: &fakeProvider{}}, SignOnSettings{Provider: "okta", AutoRedirect: true}, "/signin", 200,
			[]string{`id="view-signin" hidden`}, nil},
		"not at once after signing out": {&auth.SignOn{Provider: "okta", Redirect: &fakeProvider{}}, SignOnSettings{Provider: "okta", AutoRedirect: true}, "/signed-out", 200,
			[]string{"You are signed out.", `id="view-waiting" hidden`}, nil},
		"a public client":           {so, settings, "/signin", 200, []string{"Continue with Auth0", "https://id.example/authorize"}, []string{`id="password-form"`}},
		"registering switched off":  {basicSignOn(), SignOnSettings{}, "/register", 403, []string{"SEC-SIGNUP-OFF"}, nil},
		"registering elsewhere":     {so, settings, "/register", 404, []string{"SEC-BASIC-OFF"}, nil},
		"a new password elsewhere":  {so, settings, "/forgot-password", 404, []string{"SEC-BASIC-OFF"}, nil},
		"a new password":            {basicSignOn(), SignOnSettings{}, "/users/password/reset", 200, []string{`id="new-password"`}, nil},
		"the end of a registration": {basicSignOn(), SignOnSettings{}, "/users/registrationConfirmation", 200, []string{"Confirm address"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h.settings(test.settings)
			h.api.auth.SetSignOn(test.signOn)
			got := h.browse(t, "GET", test.path, navigating())
			if got.status != test.status {
				t.Errorf("status %d", got.status)
			}
			for _, text := range test.has {
				if !strings.Contains(string(got.body), text) {
					t.Errorf("the page lacks %s", text)
				}
			}
			for _, text := range test.hasNone {
				if strings.Contains(string(got.body), text) {
					t.Errorf("the page has %s", text)
				}
			}
		})
	}
}

func TestAssets(t *testing.T) {
	h := newHarness(t)
	page := string(h.browse(t, "GET", "/signin", navigating()).body)
	found := regexp.MustCompile(`/assets/[0-9a-f]+/[a-z.0-9-]+`).FindAllString(page, -1)
	if len(found) < 4 {
		t.Fatalf("the page loads %v", found)
	}
	for _, path := range found {
		got := h.browse(t, "GET", path, nil)
		if got.status != 200 || got.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
		if head := h.browse(t, "HEAD", path, nil); head.status != 200 || len(head.body) > 0 {
			t.Errorf("HEAD %s: %d with %d bytes", path, head.status, len(head.body))
		}
		other := pages.AssetPrefix + "0123456789abcdef/" + path[strings.LastIndexByte(path, '/')+1:]
		if got := h.browse(t, "GET", other, nil); got.status != 200 || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("of another build: %d %s", got.status, got.header.Get("Cache-Control"))
		}
	}
	for _, path := range []string{"/assets/x/nothing.js", "/assets/x/..%2fpages.go", "/assets/pages.css", "/assets/x/templates", "/assets/"} {
		if got := h.browse(t, "GET", path, nil); got.status != http.StatusNotFound && got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := h.browse(t, "POST", "/signin", nil); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("POST /signin: %d, allowed %q", got.status, got.header.Get("Allow"))
	}
}

func TestConfigForSignInPages(t *testing.T) {
	h := newHarness(t)
	_, settings := publicSignOn()
	settings.Authority, settings.ClientID, settings.CallbackURL = "https://id.example/", "catalog", "https://catalog.example/callback"
	settings.ResponseType, settings.Scope, settings.ProviderName = "code", "openid email profile", "Larkfield ID"
	settings.PublicKeyURLs, settings.PrincipalClaims, settings.AutoRedirect = []string{"https://id.example/jwks"}, []string{"email"}, true
	h.settings(settings)
	got := h.browse(t, "GET", "/api/v1/system/config/auth", nil).want(200)
	if got.header.Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("Cache-Control is %q", got.header.Get("Cache-Control"))
	}
	var members map[string]any
	got.into(&members)
	want := map[string]any{
		"provider": "auth0", "providerName": "Larkfield ID", "clientType": "public", "authority": "https://id.example/", "clientId": "catalog", "callbackUrl": "https://catalog.example/callback",
		"responseType": "code", "scope": "openid email profile", "publicKeyUrls": []any{"https://id.example/jwks"}, "enableSelfSignup": false, "enableAutoRedirect": true,
		"jwtPrincipalClaims": []any{"email"}, "jwtPrincipalClaimsMapping": []any{}, "jwtTeamClaimMapping": "", "tokenValidationAlgorithm": "RS256",
	}
	if d := cmp.Diff(want, members); d != "" {
		t.Error(d)
	}
}

func TestThemeBeforeSignIn(t *testing.T) {
	h := newHarness(t)
	path := "/api/v1/system/config/customUiThemePreference"
	if got := h.browse(t, "GET", path, nil).want(200); string(got.member("customTheme", "primaryColor")) != `""` {
		t.Errorf("%s", got.body)
	}
	h.do("PUT", "/system/settings", map[string]any{"config_type": "customUiThemePreference", "config_value": map[string]any{
		"customTheme": map[string]any{"primaryColor": "#123456", "password": "hidden"}, "customLogoConfig": map[string]any{"customLogoUrlPath": "/logo.png"}, "note": "hidden",
	}}, 200)
	got := h.browse(t, "GET", path, nil).want(200)
	if string(got.member("customTheme", "primaryColor")) != `"#123456"` || string(got.member("customLogoConfig", "customLogoUrlPath")) != `"/logo.png"` || strings.Contains(string(got.body), "hidden") {
		t.Errorf("%s", got.body)
	}
}

// TestSettingsPageLeadsBackToItself: the page is a shell for anybody, holds nothing of
// the settings, and whoever signs in on the way to it arrives there.
func TestSettingsPageLeadsBackToItself(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{PublicURL: "https://catalog.example", Provider: "custom-oidc", ClientType: "confidential"})
	h.provider(&fakeProvider{email: "somebody@example.org"})
	got := h.browse(t, "GET", "/settings/sign-in", navigating())
	const way = "/api/v1/auth/login?redirectUri=%2Fsettings%2Fsign-in"
	if got.status != http.StatusOK || !strings.Contains(string(got.body), "&#34;view&#34;:&#34;settings&#34;") || !strings.Contains(string(got.body), `href="`+way+`"`) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if strings.Contains(string(got.body), "id.example") {
		t.Error("the page tells everybody who the provider is")
	}
	b := h.browser(t)
	if arrived := b.arrive(b.depart("/settings/sign-in")); arrived.status != http.StatusFound || arrived.header.Get("Location") != "/settings/sign-in" {
		t.Errorf("the sign-in ends with %d at %q", arrived.status, arrived.header.Get("Location"))
	}
}
