//go:build signon

package signontest

import (
	"net/http"
	"strings"
	"testing"
)

// TestAdminSeesWhyPeopleAreRefused: an administrator finds on one page what is in
// force, who was refused and why, and ends somebody's session there. Others are told
// that the page is not for them, and whoever is not signed in comes back to it.
func TestAdminSeesWhyPeopleAreRefused(t *testing.T) {
	t.Parallel()
	c, p := startWeb(t, settings{"AUTHORIZER_ENFORCE_PRINCIPAL_DOMAIN": "true"})

	stranger := newProfile(t, "stranger").tab()
	stranger.open(c.base + "/signin")
	stranger.follow("Continue with Auth0")
	stranger.signInAt("hugo+foreign", "right")
	stranger.stopped("SEC-USER-DOMAIN")
	if got := c.get("/api/v1/tables", "not-a-token"); got.ErrorCode != "SEC-TOK-FORMAT" {
		t.Fatalf("a bearer that is no token: %d %s", got.Status, got.ErrorCode)
	}

	alice := newProfile(t, "alice")
	person := alice.tab()
	person.open(c.base + "/settings/sign-in")
	person.follow("Continue with Auth0")
	person.signInAt("alice", "right")
	person.at("/settings/sign-in$")
	person.shows("Only administrators see how people sign in here")
	person.judge("settings-closed")
	person.follow("Back to your account")
	person.home("alice@example.com")
	if strings.Contains(person.text(), "Sign-in settings") {
		t.Error("the start page offers somebody settings that are closed to them")
	}
	session, _ := alice.cookieNamed("catalpa_session")

	root := newProfile(t, "root")
	admin := root.tab()
	admin.signIn(c, "root")
	admin.home("root@example.com")
	admin.follow("^Sign-in settings$")
	admin.at("/settings/sign-in$")
	admin.shows("People sign in with Auth0, as a confidential client")
	for _, text := range []string{p.issuer, "om-web", c.base + "/callback", c.base + "/signed-out", "root"} {
		admin.shows(text)
	}
	admin.shows("checks? (is|are) fine")
	table := func(selector, text string) {
		t.Helper()
		admin.do("waitFor", order{"selector": selector + " tbody tr:has-text('" + text + "')"}, nil)
	}
	for _, text := range []string{"SEC-USER-DOMAIN", "not of a domain that may sign in here", "add the domain to allowedDomains", "GET /callback", "SEC-TOK-FORMAT", "GET /api/v1/tables"} {
		table("#refusals", text)
	}
	table("#audit", "account made at the first sign-in")
	if strings.Contains(admin.text(), "om-secret") {
		t.Error("the page shows the client's secret")
	}
	admin.judge("settings")

	codes := func(want string) {
		t.Helper()
		admin.do("waitFor", order{"selector": "#refusals:not(:has(tbody tr:has-text('" + want + "')))"}, nil)
	}
	admin.evaluate(`(code) => { document.getElementById("refusals-code").value = code; }`, "SEC-TOK-FORMAT", nil)
	admin.do("click", order{"selector": "#refusals-form button"}, nil)
	codes("SEC-USER-DOMAIN")
	table("#refusals", "SEC-TOK-FORMAT")
	admin.at(`/settings/sign-in\?code=SEC-TOK-FORMAT$`)
	admin.do("fill", order{"selector": "#refusals-user", "value": "nobody"}, nil)
	admin.do("click", order{"selector": "#refusals-form button"}, nil)
	admin.shows("Nobody was refused")
	admin.evaluate(`() => { document.getElementById("refusals-code").value = ""; }`, nil, nil)
	admin.do("fill", order{"selector": "#refusals-user", "value": "hugo@elsewhere.example"}, nil)
	admin.do("click", order{"selector": "#refusals-form button"}, nil)
	table("#refusals", "SEC-USER-DOMAIN")
	codes("SEC-TOK-FORMAT")

	token := c.command("bot", "token", "ingestion-bot")
	admin.do("fill", order{"selector": "#explain-token", "value": token[:len(token)-4] + "AAAA"}, nil)
	admin.press("^Explain$")
	admin.shows("Its signature is wrong")

	admin.do("fill", order{"selector": "#people-user", "value": "alice"}, nil)
	admin.do("click", order{"selector": "#people-form button"}, nil)
	admin.shows("alice has 1 session")
	admin.press("^End the session of")
	admin.shows("alice has no session")
	if got := withCookie(t, c, session); got.Status != http.StatusUnauthorized {
		t.Errorf("alice's ended session gets %d", got.Status)
	}

	admin.reload()
	admin.at(`/settings/sign-in\?user=hugo%40elsewhere.example$`)
	admin.shows("Sign-in settings")
	admin.do("click", order{"selector": ".logo"}, nil)
	admin.home("root@example.com")
	admin.do("back", order{}, nil)
	admin.ui("where the own account was opened")
	admin.do("back", order{}, nil)
	admin.shows("Sign-in settings")
	admin.do("back", order{}, nil)
	admin.home("root@example.com")

	elsewhere := newProfile(t, "elsewhere")
	other := elsewhere.tab()
	other.signIn(c, "root")
	other.home("root@example.com")
	left, _ := elsewhere.cookieNamed("catalpa_session")
	admin.reload()
	admin.press("End all other sessions")
	admin.shows("All other sessions have ended")
	if got := withCookie(t, c, left); got.Status != http.StatusUnauthorized {
		t.Errorf("the session elsewhere still gets %d", got.Status)
	}
	admin.reload()
	admin.home("root@example.com")
	for place, content := range admin.kept() {
		if jwt.MatchString(content) {
			t.Errorf("T35: a token is in %s", place)
		}
	}
	assertQuiet(t, root)
	assertQuiet(t, alice)
}

// TestSettingsAfterSigningInAtASinglePage: the way to the settings survives the round
// trip of a public client, too.
func TestSettingsAfterSigningInAtASinglePage(t *testing.T) {
	t.Parallel()
	c, _ := startSPA(t, nil)
	admin := newProfile(t, "root").tab()
	admin.open(c.base + "/settings/sign-in")
	admin.follow("Continue with Auth0")
	admin.signInAt("root", "right")
	admin.at("/settings/sign-in$")
	admin.shows("as a public client")
	for _, text := range []string{"Web origin", "om-spa", c.base + "/callback"} {
		admin.shows(text)
	}
	if strings.Contains(admin.text(), "Back-channel") {
		t.Error("a public client is offered back-channel sign-out")
	}
}
