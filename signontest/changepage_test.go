//go:build signon

package signontest

import (
	"strings"
	"testing"
)

// choose picks a card of the form by its title.
func (p *page) choose(title string) {
	p.t.Helper()
	p.do("click", order{"selector": "#change-form .card:has(b:text-is('" + title + "'))"}, nil)
}

// set fills a field of the form, by the end of its path.
func (p *page) set(path, value string) {
	p.t.Helper()
	p.do("fill", order{"selector": "#change-groups [name$='" + path + "']", "value": value}, nil)
}

// TestAdminMovesToAuth0: an administrator who signed in with a password goes over to an
// Auth0 application of type Web on the page alone: what is wrong is said at the field,
// what was not tested is not saved, the test login shows whom it would let in, and one
// click takes the change back.
func TestAdminMovesToAuth0(t *testing.T) {
	t.Parallel()
	const password = "Own-choice-of-the-1st-admin"
	c := reserve(t)
	p := startProvider(t, c.base)
	c.start(settings{"CATALPA_INITIAL_ADMIN_PASSWORD": password, "OIDC_SERVER_URL": c.base})
	browser := newProfile(t, "admin")
	admin := browser.tab()
	admin.open(c.base + "/settings/sign-in")
	admin.enter("admin@open-metadata.org", password)
	admin.shows("People sign in with a password kept here")
	admin.judge("change-basic")

	admin.choose("Auth0")
	admin.shows("Kind of application at the provider")
	admin.judge("change-auth0")
	admin.press("^Check$")
	admin.shows("things need attention")
	admin.shows("this must be given: the id of the application at the provider")
	admin.judge("change-faults")

	admin.set("authority", strings.TrimSuffix(p.issuer, "/"))
	admin.set("clientId", "om-web")
	admin.press("^Check$")
	admin.shows("SEC-CFG-CONF-NOSECRET")
	admin.choose("Single-page application") // what was typed stays
	admin.set("clientId", "om-spa")
	admin.shows("Allowed Web Origins")
	admin.press("^Check$")
	admin.shows("Nothing is wrong with these settings")

	admin.choose("Regular web application")
	admin.set("clientId", "om-web")
	admin.set("secret", "not-the-secret")
	admin.press("^Check$")
	admin.shows("SEC-CB-CLIENT")
	admin.set("secret", "om-secret")
	admin.set("adminPrincipals", "admin, root")
	admin.set("principalDomain", "example.com")
	admin.do("click", order{"selector": "#change-groups [name$='enableSelfSignup']"}, nil)
	admin.shows("Allowed Callback URLs")
	if text := admin.text(); !strings.Contains(text, c.base+"/callback") || !strings.Contains(text, c.base+"/signed-out") {
		t.Errorf("the addresses to enter at the provider are not those of %s:\n%s", c.base, tail(text, 40))
	}
	admin.press("^Save$")
	admin.shows("nobody has signed in with them within ten minutes")
	admin.judge("change-untested")

	refused := admin.opens("^Test login$")
	refused.signInAt("hugo+unverified", "right")
	refused.shows("The test login is finished")
	admin.shows("The test did not pass")
	admin.shows("SEC-USER-UNVERIFIED")
	browser.do("forgetCookies", order{"url": p.issuer}, nil) // the provider remembers hugo
	beside := admin.opens("^Test login$")
	beside.signInAt("root", "right")
	beside.shows("Your own session has not changed")
	admin.shows("The test passed. You can save these settings until")
	for _, text := range []string{"root@example.com", "It would be made at this sign-in", "Would be one", "Sessions renew without a new sign-in", "Claims received"} {
		admin.shows(text)
	}
	admin.judge("change-tested")

	admin.press("^Save$")
	admin.shows("Saved. These settings are in force")
	admin.shows("one click takes it back")
	admin.shows("People sign in with Auth0, as a confidential client")
	if strings.Contains(admin.text(), "om-secret") {
		t.Error("the page shows the client's secret")
	}
	root := newProfile(t, "root").tab()
	root.signIn(c, "root")
	root.home("root@example.com")
	root.shows("Administrator")

	admin.press("^Take the change back$")
	admin.shows("The settings before the change are in force again")
	admin.shows("People sign in with a password kept here")
	for _, r := range browser.traffic().Requests {
		if strings.Contains(r.URL, "om-secret") || jwt.MatchString(r.URL) {
			t.Errorf("T15: a credential is in the address %.60s", r.URL)
		}
	}
}
