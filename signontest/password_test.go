//go:build signon

package signontest

import (
	"net/url"
	"strings"
	"testing"
)

// enter fills the form of Catalpa's own passwords.
func (p *page) enter(email, password string) {
	p.t.Helper()
	p.fill("E-mail", email)
	p.fill("^Password", password)
	p.press("^Sign in$")
}

// TestFlowCPassword: the first administrator comes in with a one-time password,
// chooses another, and leaves.
func TestFlowCPassword(t *testing.T) {
	t.Parallel()
	c := reserve(t)
	c.start(settings{})
	oneTime := c.command("admin", "reset-password")
	const own = "Own-choice-of-the-1st-admin"
	admin := newProfile(t, "admin")
	tab := admin.tab()
	tab.open(c.base + "/signin")
	tab.judge("password-signin")
	enter := func(password string) {
		t.Helper()
		tab.enter("admin@open-metadata.org", password)
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

// TestFlowCRegisterAndReset: somebody registers, confirms the address by mail, forgets
// the password and chooses another by mail (T48).
func TestFlowCRegisterAndReset(t *testing.T) {
	t.Parallel()
	box := startMailbox(t)
	c := reserve(t)
	c.start(settings{
		"AUTHENTICATION_ENABLE_SELF_SIGNUP": "true", "OPENMETADATA_SERVER_URL": c.base,
		"AUTHORIZER_ENABLE_SMTP": "true", "SMTP_SERVER_ENDPOINT": box.host, "SMTP_SERVER_PORT": box.port,
		"SMTP_SERVER_STRATEGY": "SMTP", "OPENMETADATA_SMTP_SENDER_MAIL": "catalog@example.com",
	})
	const first, second = "First-choice-of-1-person", "Second-choice-of-1-person"
	walter := newProfile(t, "walter")
	tab := walter.tab()
	tab.open(c.base + "/signin")
	tab.judge("password-signin-open")
	tab.follow("^Register$")
	tab.shows("First name")
	tab.judge("register")
	tab.press("^Register$")
	tab.shows("Fill in all fields")
	tab.fill("First name", "Walter")
	tab.fill("Last name", "Weaver")
	tab.fill("E-mail", "walter@example.com")
	tab.fill("New password", first)
	tab.fill("Repeat it", first+"?")
	tab.press("^Register$")
	tab.shows("The two passwords differ")
	tab.judge("register-wrong")
	tab.fill("Repeat it", first)
	tab.press("^Register$")
	tab.shows("Check your e-mail")
	tab.judge("register-done")

	confirmation := box.link(c.base, "/users/registrationConfirmation")
	tab.open(confirmation)
	tab.shows("Confirm that this e-mail address is yours")
	tab.judge("confirm")
	tab.press("Confirm address")
	tab.shows("Your address is confirmed")
	tab.judge("confirm-done")
	tab.follow("Back to sign-in")
	tab.at("/signin$") // the page before has fields of the same names
	tab.enter("walter@example.com", first)
	tab.home("walter@example.com")

	other := newProfile(t, "elsewhere").tab()
	other.open(c.base + "/signin")
	other.follow("Forgotten it")
	other.shows("Give the e-mail address of your account")
	other.judge("forgot")
	other.fill("E-mail", "walter@example.com")
	other.press("Send the link")
	other.shows("If there is an account")
	other.judge("forgot-done")
	reset := box.link(c.base, "/users/password/reset")
	choose := func() {
		t.Helper()
		other.open(reset)
		other.fill("Name or e-mail", "walter@example.com")
		other.fill("New password", second)
		other.fill("Repeat it", second)
		other.press("Set password")
	}
	other.open(reset)
	other.judge("reset")
	choose()
	other.shows("Your new password is set")
	other.judge("reset-done")
	choose()
	other.do("waitFor", order{"selector": "#error:visible"}, nil)
	other.judge("reset-used")

	other.follow("Back to sign-in")
	other.at("/signin$")
	other.enter("walter@example.com", first)
	other.shows("E-mail or password is not right")
	other.enter("walter@example.com", second)
	other.home("walter@example.com")
	assertMailedSecretsStay(t, tab, confirmation)
	assertMailedSecretsStay(t, other, reset)
	assertQuiet(t, walter)
	assertQuiet(t, other.profile)
}

// assertMailedSecretsStay checks that the secret of a mailed link went to Catalpa in the
// link and nowhere else: no referrer, no history, no storage (T15, T48).
func assertMailedSecretsStay(t *testing.T, tab *page, link string) {
	t.Helper()
	parsed, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	secret := parsed.Query().Get("token")
	if len(secret) < 20 {
		t.Fatalf("the link holds no secret: %s", link)
	}
	for _, r := range tab.traffic().Requests {
		if strings.Contains(r.Referer, secret) {
			t.Errorf("%s was told the secret as referrer", r.URL)
		}
	}
	for _, entry := range tab.history() {
		if strings.Contains(entry, secret) {
			t.Error("the history holds the secret")
		}
	}
	for place, content := range tab.kept() {
		if strings.Contains(content, secret) {
			t.Errorf("the secret is in %s", place)
		}
	}
}
