//go:build signon

package signontest

import (
	"strings"
	"testing"
)

// TestFlowCPassword: the first administrator comes in with a one-time password,
// chooses another, and leaves.
func TestFlowCPassword(t *testing.T) {
	t.Parallel()
	c := reserve(t)
	c.start(settings{"LOG_LEVEL": "debug"})
	oneTime := c.command("admin", "reset-password")
	const own = "Own-choice-of-the-1st-admin"
	admin := newProfile(t, "admin")
	tab := admin.tab()
	tab.open(c.base + "/signin")
	tab.judge("password-signin")
	enter := func(password string) {
		t.Helper()
		tab.fill("E-mail", "admin@open-metadata.org")
		tab.fill("^Password", password)
		tab.press("^Sign in$")
	}
	enter("not-the-password-1A")
	tab.shows("E-mail or password is not right")
	tab.judge("password-wrong")
	enter(oneTime)
	tab.shows("Choose your own password")
	tab.judge("password-choose")
	tab.fill("New password", own)
	tab.fill("Repeat it", own)
	tab.press("Set password")
	tab.home("admin@open-metadata.org")
	tab.shows("Administrator")
	tab.judge("password-home")
	for place, content := range tab.kept() {
		if jwt.MatchString(content) || strings.Contains(content, own) || strings.Contains(content, oneTime) {
			t.Errorf("T35: a credential is in %s", place)
		}
	}
	for _, r := range admin.traffic().Requests {
		if jwt.MatchString(r.URL) || strings.Contains(r.URL, own) {
			t.Errorf("T15: a credential is in the address %.60s", r.URL)
		}
	}
	tab.press("Sign out")
	tab.shows("You are signed out")
	tab.judge("password-signed-out")
	assertQuiet(t, admin)
}
