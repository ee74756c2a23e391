//go:build signon

package signontest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// startSPA is Catalpa as a public client of an Auth0-shaped provider.
func startSPA(t *testing.T, more settings, options ...string) (*catalpa, *provider) {
	t.Helper()
	c := reserve(t)
	p := startProvider(t, c.base, options...)
	c.start(auth0SPA(c.base, p).over(more))
	return c, p
}

// TestFlowA1SinglePageApplication walks the whole of flow A: code and PKCE in the
// browser, the provider's ID token as bearer.
func TestFlowA1SinglePageApplication(t *testing.T) {
	t.Parallel()
	c, p := startSPA(t, nil)
	alice := newProfile(t, "alice")
	tab := alice.tab()
	tab.open(c.base + "/signin")
	tab.shows("Continue with Auth0")
	tab.judge("spa-signin")
	tab.signIn(c, "alice+roles=DataConsumer")
	tab.home("alice@example.com")
	tab.judge("spa-home")
	assertNoLeaks(t, c, p, tab)
	if _, held := alice.cookieNamed("catalpa"); held {
		t.Error("a public client's session needs no cookie, yet there is one")
	}
	if got, found := c.user("alice"); !found || !slices.Contains(got.roleNames(), "DataConsumer") {
		t.Errorf("the provider's alice became %+v (%t)", got, found)
	}

	// A reload is healed by the provider's own session, without its form.
	tab.reload()
	tab.home("alice@example.com")
	assertNoLeaks(t, c, p, tab)
	if got := c.get("/api/v1/users/loggedInUser", p.issued()[0]); got.Status != http.StatusOK {
		t.Errorf("the ID token as bearer: %d %s", got.Status, got.ErrorCode)
	}
	if got := c.get("/api/v1/users/loggedInUser", p.issued()[1]); got.Status != http.StatusUnauthorized {
		t.Errorf("the access token as bearer: %d %s", got.Status, got.ErrorCode)
	}

	tab.press("Sign out")
	tab.shows("You are signed out")
	tab.at("/signed-out")
	tab.judge("spa-signed-out")
	tab.open(c.base + "/")
	tab.follow("Continue with Auth0")
	tab.shows("Test provider: sign in")
	assertQuiet(t, alice)
}

// TestF09ManyTabs keeps five tabs open over renewals: one of them renews for all,
// also when the provider changes its keys, and nobody is signed out.
func TestF09ManyTabs(t *testing.T) {
	t.Parallel()
	c, p := startSPA(t, nil, "--id-token-ttl", "30")
	bob := newProfile(t, "bob")
	tab := bob.tab()
	tab.signIn(c, "bob")
	tab.home("bob@example.com")
	tabs := []*page{tab}
	for range 4 {
		more := bob.tab()
		more.open(c.base + "/")
		more.home("bob@example.com")
		tabs = append(tabs, more)
	}
	if n := p.grants("authorization_code"); n != 1 {
		t.Errorf("%d codes for five tabs, want 1: tabs ask each other first", n)
	}
	p.rotate(true)
	const periods = 2
	began := time.Now()
	eventually(t, 60*time.Second, "renewals", func() error {
		return atLeast("renewals", p.grants("refresh_token"), periods)
	})
	// Half of so short a life: some fifteen seconds each.
	allowed := int(time.Since(began)/(12*time.Second)) + 1
	if n := p.grants("refresh_token"); n > allowed {
		t.Errorf("%d renewals within %s, want one a period for all tabs", n, time.Since(began))
	}
	for _, tab := range tabs {
		if got := tab.text(); !strings.Contains(got, "You are signed in") {
			t.Errorf("%s shows %s", tab.id, got)
		}
	}
	eventually(t, 60*time.Second, "the new key is known", func() error {
		tab.reload()
		return tab.try("waitFor", order{"selector": "#me-email:visible", "patience": 3000}, nil)
	})
	assertNoLeaks(t, c, p, tab)
}

// TestFlowARefusals: who is refused sees the page of a failure with its code.
func TestFlowARefusals(t *testing.T) {
	t.Parallel()
	c, p := startSPA(t, settings{"AUTHORIZER_ENFORCE_PRINCIPAL_DOMAIN": "true"})
	cases := []struct {
		name, login, press, code string
		before                   func()
	}{
		{name: "denied", press: "Cancel", code: "SEC-CB-PROVIDER"},
		{name: "blocked", login: "eve+blocked", code: "SEC-CB-PROVIDER"},
		{name: "unverified", login: "gina+unverified", code: "SEC-USER-UNVERIFIED"},
		{name: "other domain", login: "hugo+foreign", code: "SEC-USER-DOMAIN"},
		{name: "out of order", login: "ines", code: "SEC-CB-UPSTREAM", before: func() { p.down("503", "/oauth/token") }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			browser := newProfile(t, "person")
			tab := browser.tab()
			tab.open(c.base + "/signin")
			tab.follow("Continue with Auth0")
			tab.shows("Test provider: sign in")
			if tc.before != nil {
				tc.before()
				defer p.down("off", "")
			}
			if tc.login != "" {
				tab.signInAt(tc.login, "right")
			}
			if tc.press != "" {
				tab.press(tc.press)
			}
			tab.stopped(tc.code)
			tab.judge("spa-stopped-" + strings.ReplaceAll(tc.name, " ", "-"))
			if name, _, _ := strings.Cut(tc.login, "+"); name != "" && tc.before == nil {
				if _, made := c.user(name); made {
					t.Errorf("%s became a user", name)
				}
			}
		})
	}
}

// TestNoLoopWhenRefused: with automatic redirects a refusal does not go round in
// circles between Catalpa and the provider.
func TestNoLoopWhenRefused(t *testing.T) {
	t.Parallel()
	starts := map[string]func(*testing.T, settings, ...string) (*catalpa, *provider){"spa": startSPA, "web": startWeb}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, p := start(t, settings{"AUTHENTICATION_ENABLE_AUTO_REDIRECT": "true", "AUTHENTICATION_ENABLE_SELF_SIGNUP": "false"})
			tab := newProfile(t, "stranger").tab()
			tab.open(c.base + "/")
			tab.signInAt("stranger", "right")
			tab.stopped("SEC-USER-NOSIGNUP")
			for range 3 {
				tab.open(c.base + "/")
				tab.do("waitFor", order{"selector": "#reference:visible"}, nil)
			}
			if n := p.grants("authorization_code"); n > 3 {
				t.Errorf("%d codes were exchanged", n)
			}
		})
	}
}

// TestFlowA2Implicit is the older form, for those who allow it.
func TestFlowA2Implicit(t *testing.T) {
	t.Parallel()
	c, p := startSPA(t, settings{
		"AUTHENTICATION_RESPONSE_TYPE": "id_token", "CATALPA_ALLOW_LEGACY_IMPLICIT": "true", "OIDC_SCOPE": "openid email profile",
	})
	carol := newProfile(t, "carol")
	tab := carol.tab()
	tab.signIn(c, "carol")
	tab.home("carol@example.com")
	if n := p.exchanges(); n != 0 {
		t.Errorf("the token endpoint was asked %d times", n)
	}
	for _, entry := range tab.history() {
		if jwt.MatchString(entry) {
			t.Error("the history holds the token")
		}
	}
	if got := tab.url(); strings.Contains(got, "#") {
		t.Errorf("the address is %.60s", got)
	}
	for place, content := range tab.kept() {
		if jwt.MatchString(content) {
			t.Errorf("T35: a token is in %s", place)
		}
	}
	// A token that comes in the query was on the wire and in logs: it is refused.
	other := newProfile(t, "dave").tab()
	other.open(c.base + "/callback?state=x&id_token=" + p.issued()[0])
	other.stopped("SEC-CB-")
}

// TestClientApplication is a client's own application with Auth0's library, which
// calls the API with its ID token from another origin.
func TestClientApplication(t *testing.T) {
	t.Parallel()
	app, stranger := startClientApp(t), startClientApp(t)
	c := reserve(t)
	p := startProvider(t, c.base, "--client-app", app.URL, "--client-app", stranger.URL, "--logout", "v2")
	c.start(auth0SPA(c.base, p).over(settings{"CATALPA_ALLOWED_ORIGINS": "[" + app.URL + "]"}))
	app.use(p, c.base)
	stranger.use(p, c.base)

	frank := newProfile(t, "frank")
	tab := frank.tab()
	tab.open(app.URL + "/")
	tab.press("Log in")
	tab.signInAt("frank", "right")
	tab.shows("Signed in: frank@example.com")
	tab.press("Call Catalpa")
	tab.shows("Catalpa: 200 frank")
	tab.press("Renew")
	tab.shows("Renewed for frank@example.com")
	tab.press("Call Catalpa")
	tab.shows("Catalpa: 200 frank")
	// Signed by a key that nobody published before: keys are fetched again once in half
	// a minute at most, so it may take that long.
	p.rotate(true)
	tab.press("Renew")
	tab.shows("Renewed for frank@example.com")
	eventually(t, 45*time.Second, "the new key is known", func() error {
		tab.press("Call Catalpa")
		tab.shows("Catalpa: [0-9]")
		if got := tab.text(); !strings.Contains(got, "Catalpa: 200 frank") {
			return errors.New(got)
		}
		return nil
	})
	for _, r := range frank.traffic().Responses {
		if strings.HasPrefix(r.URL, c.base) && len(r.SetCookie) > 0 {
			t.Errorf("%s sets a cookie for a caller with a bearer token", r.URL)
		}
	}

	// T31: the same from an origin that nobody listed is the browser's to refuse.
	other := newProfile(t, "grace").tab()
	other.open(stranger.URL + "/")
	other.press("Log in")
	other.signInAt("grace", "right")
	other.shows("Signed in: grace@example.com")
	other.press("Call Catalpa")
	other.shows("Error: TypeError: Failed to fetch")
}
