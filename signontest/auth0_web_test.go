//go:build signon

package signontest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// startWeb is Catalpa as a confidential client of an Auth0-shaped provider.
func startWeb(t *testing.T, more settings, options ...string) (*catalpa, *provider) {
	t.Helper()
	c := reserve(t)
	p := startProvider(t, c.base, options...)
	c.start(auth0Web(c.base, p).over(more))
	return c, p
}

// signIn goes from Catalpa's page to the provider and back.
func (p *page) signIn(c *catalpa, login string) {
	p.t.Helper()
	p.open(c.base + "/signin")
	p.follow("Continue with Auth0")
	p.signInAt(login, "right")
}

// home waits until somebody is signed in and goes to the page about the own account.
func (p *page) home(email string) {
	p.t.Helper()
	p.do("waitFor", order{"selector": "#ui .app:visible, #view-home:visible"}, nil)
	var ui bool
	p.evaluate(`() => document.body.dataset.view === "ui"`, nil, &ui)
	if ui {
		p.press("^Account of ")
		p.do("click", order{"role": "menuitem", "name": "^Sessions and password$"}, nil)
	}
	p.shows("You are signed in")
	p.shows(email)
}

// stopped waits for the page of a failure and checks its code.
func (p *page) stopped(code string) {
	p.t.Helper()
	p.do("waitFor", order{"selector": "#reference:has-text('" + code + "')"}, nil)
}

// TestFlowBWebApplication walks the whole of flow B: in, about, out.
func TestFlowBWebApplication(t *testing.T) {
	t.Parallel()
	for _, logout := range []string{"oidc", "v2"} {
		t.Run(logout, func(t *testing.T) {
			t.Parallel()
			c, p := startWeb(t, nil, "--logout", logout)
			alice := newProfile(t, "alice")
			tab := alice.tab()
			tab.open(c.base + "/signin")
			tab.shows("Continue with Auth0")
			tab.judge("web-signin-" + logout)
			tab.signIn(c, "alice+roles=DataSteward")
			tab.home("alice@example.com")
			tab.judge("web-home-" + logout)
			assertNoLeaks(t, c, p, tab)
			assertSessionCookie(t, alice, false)

			got, found := c.user("alice")
			if !found || got.Email != "alice@example.com" || got.IsAdmin || !slices.Contains(got.roleNames(), "DataSteward") {
				t.Errorf("the provider's alice became %+v (%t)", got, found)
			}
			tab.reload()
			tab.home("alice@example.com")
			if n := p.grants("authorization_code"); n != 1 {
				t.Errorf("%d codes were exchanged, want 1: a reload is no sign-in", n)
			}

			old, _ := alice.cookieNamed("catalpa_session")
			tab.press("Sign out")
			tab.shows("You are signed out")
			tab.at("/signed-out")
			tab.judge("signed-out-" + logout)
			if left, held := alice.cookieNamed("catalpa_session"); held && left.Value != "" {
				t.Error("the session's cookie outlives signing out")
			}
			if got := withCookie(t, c, old); got.Status != http.StatusUnauthorized {
				t.Errorf("the ended session's cookie gets %d", got.Status)
			}
			tab.open(c.base + "/")
			tab.follow("Continue with Auth0")
			tab.shows("Test provider: sign in")
			assertQuiet(t, alice)
		})
	}
}

// withCookie asks for an access token by a session's cookie.
func withCookie(t *testing.T, c *catalpa, session cookie) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/api/v1/auth/refresh", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(&http.Cookie{Name: session.Name, Value: session.Value})
	response, err := httpClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return answer{Status: response.StatusCode, Header: response.Header}
}

// assertSessionCookie checks the flags as the browser understood them (T29).
func assertSessionCookie(t *testing.T, browser *profile, https bool) {
	t.Helper()
	name := "catalpa_session"
	if https {
		name = "__Host-catalpa_session"
	}
	got, found := browser.cookieNamed("catalpa_session")
	if !found || got.Name != name {
		t.Fatalf("T29: cookies are %+v, want %s", browser.cookies(), name)
	}
	if !got.HTTPOnly || got.Secure != https || got.SameSite != "Lax" || got.Path != "/" || strings.HasPrefix(got.Domain, ".") {
		t.Errorf("T29: the session's cookie is %+v", got)
	}
	for _, r := range browser.traffic().Responses {
		for _, line := range r.SetCookie {
			lower := strings.ToLower(line)
			if !strings.Contains(lower, "catalpa") {
				continue
			}
			for _, flag := range []string{"; httponly", "; samesite=lax", "; path=/"} {
				if !strings.Contains(lower, flag) {
					t.Errorf("T29: %s sets a cookie without %q", r.URL, flag)
				}
			}
			if strings.Contains(lower, "; domain") || strings.Contains(lower, "; secure") != https {
				t.Errorf("T29: %s sets a cookie with other flags: %s", r.URL, lower[strings.Index(lower, ";"):])
			}
		}
	}
	if _, left := browser.cookieNamed("catalpa_login_"); left {
		t.Error("T29: the attempt's cookie outlives the sign-in")
	}
}

// TestNoAutoRedirectAfterSignOut is about the switch that saves a click: it must not
// sign people in again who just signed out.
func TestNoAutoRedirectAfterSignOut(t *testing.T) {
	t.Parallel()
	c, _ := startWeb(t, settings{"AUTHENTICATION_ENABLE_AUTO_REDIRECT": "true"}, "--logout", "v2")
	tab := newProfile(t, "dora").tab()
	tab.open(c.base + "/")
	tab.signInAt("dora", "right")
	tab.home("dora@example.com")
	tab.press("Sign out")
	tab.shows("You are signed out")
	tab.open(c.base + "/")
	tab.shows("Continue with Auth0")
	tab.follow("Continue with Auth0")
	tab.signInAt("dora", "right")
	tab.home("dora@example.com")
}

// TestFlowBRefusals: who is refused sees a page with the code, and nobody comes in.
func TestFlowBRefusals(t *testing.T) {
	t.Parallel()
	c, p := startWeb(t, settings{"AUTHORIZER_ENFORCE_PRINCIPAL_DOMAIN": "true"})
	cases := []struct {
		name, login, press, code string
		before, after            func()
	}{
		{name: "denied", press: "Cancel", code: "SEC-CB-PROVIDER"},
		{name: "blocked", login: "eve+blocked", code: "SEC-CB-PROVIDER"},
		{name: "no consent", login: "frank+ask", press: "Deny", code: "SEC-CB-PROVIDER"},
		{name: "unverified", login: "gina+unverified", code: "SEC-USER-UNVERIFIED"},
		{name: "other domain", login: "hugo+foreign", code: "SEC-USER-DOMAIN"},
		{
			name: "provider out of order", login: "ines", code: "SEC-CB-UPSTREAM",
			before: func() { p.down("503", "/oauth/token") }, after: func() { p.down("off", "") },
		},
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
				defer tc.after()
			}
			if tc.login != "" {
				tab.signInAt(tc.login, "right")
			}
			if tc.press != "" {
				tab.press(tc.press)
			}
			tab.stopped(tc.code)
			tab.judge("web-stopped-" + strings.ReplaceAll(tc.name, " ", "-"))
			if _, in := browser.cookieNamed("catalpa_session"); in {
				t.Error("there is a session nevertheless")
			}
			if name, _, _ := strings.Cut(tc.login, "+"); name != "" && tc.code != "SEC-CB-UPSTREAM" {
				if _, made := c.user(name); made {
					t.Errorf("%s became a user", name)
				}
			}
			assertQuiet(t, browser)
		})
	}
	t.Run("again", func(t *testing.T) {
		tab := newProfile(t, "person").tab()
		tab.open(c.base + "/signin")
		tab.follow("Continue with Auth0")
		tab.press("Cancel")
		tab.stopped("SEC-CB-PROVIDER")
		tab.do("click", order{"selector": "#again"}, nil)
		tab.signInAt("jack", "right")
		tab.home("jack@example.com")
	})
}

// shortLife is about the shortest there may be: the provider has to vouch for a session
// again after half of it.
var shortLife = settings{"OIDC_OM_REFRESH_TOKEN_VALIDITY": "64"} //nolint:gochecknoglobals // nothing writes it

// TestF03RenewalSurvivesProvider renews in the background when the provider comes back
// after a time out of order, with other keys.
func TestF03RenewalSurvivesProvider(t *testing.T) {
	t.Parallel()
	c, p := startWeb(t, shortLife)
	kate := newProfile(t, "kate")
	tab := kate.tab()
	tab.signIn(c, "kate")
	tab.home("kate@example.com")
	session, _ := kate.cookieNamed("catalpa_session")
	p.rotate(true)
	p.down("503", "/oauth/token")
	asked := p.exchanges()
	eventually(t, 60*time.Second, "a renewal that fails", func() error {
		return atLeast("requests", p.exchanges(), asked+1)
	})
	if n := p.grants("refresh_token"); n != 0 {
		t.Fatalf("%d renewals by a provider that is out of order", n)
	}
	p.down("off", "")
	eventually(t, 60*time.Second, "a renewal", func() error {
		return atLeast("renewals", p.grants("refresh_token"), 1)
	})
	tab.reload()
	tab.home("kate@example.com")
	if now, _ := kate.cookieNamed("catalpa_session"); now.Value != session.Value {
		t.Error("the session is another one")
	}
	if n := p.grants("authorization_code"); n != 1 {
		t.Errorf("%d sign-ins, want 1", n)
	}
	assertNoLeaks(t, c, p, tab)
}

// TestF14DeactivatedAtProvider: access ends at the next renewal.
func TestF14DeactivatedAtProvider(t *testing.T) {
	t.Parallel()
	c, p := startWeb(t, shortLife)
	liam := newProfile(t, "liam")
	tab := liam.tab()
	tab.signIn(c, "liam")
	tab.home("liam@example.com")
	session, _ := liam.cookieNamed("catalpa_session")
	p.deactivate("liam")
	tab.do("waitFor", order{"role": "heading", "name": "You were signed out", "patience": 64_000}, nil)
	tab.judge("web-ended")
	if got := withCookie(t, c, session); got.Status != http.StatusUnauthorized {
		t.Errorf("the session's cookie gets %d", got.Status)
	}
}

// TestF06CrashBetweenRedirectAndCallback: an attempt outlives the process.
func TestF06CrashBetweenRedirectAndCallback(t *testing.T) {
	t.Parallel()
	c, _ := startWeb(t, nil)
	tab := newProfile(t, "mona").tab()
	tab.open(c.base + "/signin")
	tab.follow("Continue with Auth0")
	tab.shows("Test provider: sign in")
	c.crash()
	tab.signInAt("mona", "right")
	tab.home("mona@example.com")
	c.crash()
	tab.reload()
	tab.home("mona@example.com")
}

// TestTwoTabsAtOnce begins two sign-ins in one browser and ends them in the other order.
func TestTwoTabsAtOnce(t *testing.T) {
	t.Parallel()
	c, _ := startWeb(t, nil)
	nora := newProfile(t, "nora")
	first, second := nora.tab(), nora.tab()
	for _, tab := range []*page{first, second} {
		tab.open(c.base + "/signin")
		tab.follow("Continue with Auth0")
		tab.shows("Test provider: sign in")
	}
	second.signInAt("nora", "right")
	second.home("nora@example.com")
	first.signInAt("nora", "right")
	first.home("nora@example.com")
	second.reload()
	second.home("nora@example.com")
}

// TestF09ManyTabsOfASession keeps five tabs of a server's session open over renewals of
// their access token: one of them asks for all, and nobody is signed out.
func TestF09ManyTabsOfASession(t *testing.T) {
	t.Parallel()
	c, p := startWeb(t, shortLife)
	omar := newProfile(t, "omar")
	first := omar.tab()
	first.signIn(c, "omar")
	first.home("omar@example.com")
	tabs := []*page{first}
	for range 4 {
		more := omar.tab()
		more.open(c.base + "/")
		more.home("omar@example.com")
		tabs = append(tabs, more)
	}
	asked := func() int {
		n := 0
		for _, r := range omar.traffic().Responses {
			if r.URL != c.base+"/api/v1/auth/refresh" || r.Status == http.StatusUnauthorized && n == 0 {
				continue // before the sign-in there is no session
			}
			if n++; r.Status != http.StatusOK {
				t.Errorf("a renewal gets %d", r.Status)
			}
		}
		return n
	}
	opened := asked()
	began := time.Now()
	eventually(t, 100*time.Second, "renewals", func() error { return atLeast("renewals", asked(), opened+2) })
	// Half of the life of a token, which is 64 seconds, or 32 where the provider has to
	// vouch again before.
	allowed := int(time.Since(began)/(15*time.Second)) + 1
	if n := asked() - opened; n > allowed {
		t.Errorf("%d renewals within %s, want one a period for all tabs", n, time.Since(began))
	}
	for _, tab := range tabs {
		if got := tab.text(); !strings.Contains(got, "You are signed in") || strings.Contains(got, "You were signed out") {
			t.Errorf("%s shows %s", tab.id, got)
		}
	}
	if n := p.grants("authorization_code"); n != 1 {
		t.Errorf("%d sign-ins, want 1", n)
	}
	assertNoLeaks(t, c, p, first)
}
