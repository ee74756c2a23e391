//go:build signon

package signontest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// startOIDC is Catalpa as a confidential client of a Keycloak realm.
func startOIDC(t *testing.T, name string) (*catalpa, *realm) {
	t.Helper()
	c := reserve(t)
	r := newRealm(t, name, c.base)
	c.start(people.over(settings{
		"AUTHENTICATION_PROVIDER": "custom-oidc", "CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME": "Keycloak",
		"AUTHENTICATION_CLIENT_TYPE": "confidential", "AUTHENTICATION_AUTHORITY": r.issuer(),
		"AUTHENTICATION_CLIENT_ID": "catalpa", "AUTHENTICATION_CALLBACK_URL": c.base + "/callback",
		"AUTHENTICATION_JWT_ROLE_CLAIM": "roles", "AUTHENTICATION_JWT_TEAM_CLAIM_MAPPING": "groups",
		"OIDC_CLIENT_ID": "catalpa", "OIDC_CLIENT_SECRET": "catalpas-secret", "OIDC_SERVER_URL": c.base,
		"OIDC_CALLBACK": c.base + "/callback", "OIDC_OM_REFRESH_TOKEN_VALIDITY": "64",
	}))
	return c, r
}

// toKeycloak goes from Catalpa's page to Keycloak's form.
func (p *page) toKeycloak(c *catalpa, button string) {
	p.t.Helper()
	p.open(c.base + "/signin")
	p.follow("Continue with " + button)
}

// TestKeycloakOIDC is the third opinion on flow B, with roles, refresh and sign-out.
func TestKeycloakOIDC(t *testing.T) {
	t.Parallel()
	c, r := startOIDC(t, "oidc")
	alice := newProfile(t, "alice")
	tab := alice.tab()
	tab.toKeycloak(c, "Keycloak")
	r.signInAt(tab, "alice", "alices-password")
	tab.home("alice@example.com")
	assertNoLeaks(t, c, nil, tab)
	got, found := c.user("alice")
	if roles := got.roleNames(); !found || !slices.Contains(roles, "DataSteward") || slices.Contains(roles, "UnknownToCatalpa") {
		t.Errorf("Keycloak's alice became %+v (%t)", got, found)
	}
	session, _ := alice.cookieNamed("catalpa_session")
	eventually(t, 60*time.Second, "a renewal", func() error {
		n := 0
		for _, r := range alice.traffic().Responses {
			if strings.HasSuffix(r.URL, "/api/v1/auth/refresh") && r.Status == http.StatusOK {
				n++
			}
		}
		return atLeast("renewals", n, 2)
	})
	tab.press("Sign out")
	tab.shows("You are signed out")
	if got := withCookie(t, c, session); got.Status != http.StatusUnauthorized {
		t.Errorf("the ended session's cookie gets %d", got.Status)
	}
	tab.toKeycloak(c, "Keycloak")
	tab.do("waitFor", order{"selector": "#kc-login"}, nil)

	bruno := newProfile(t, "bruno").tab()
	bruno.toKeycloak(c, "Keycloak")
	r.signInAt(bruno, "bruno", "brunos-password")
	bruno.stopped("SEC-USER-UNVERIFIED")
}

// TestKeycloakBackChannelLogout: what ends at the provider ends here at once, for that
// person alone.
func TestKeycloakBackChannelLogout(t *testing.T) {
	t.Parallel()
	c, r := startOIDC(t, "backchannel")
	alice := newProfile(t, "alice")
	tab := alice.tab()
	tab.toKeycloak(c, "Keycloak")
	r.signInAt(tab, "alice", "alices-password")
	tab.home("alice@example.com")
	session, _ := alice.cookieNamed("catalpa_session")
	if got := withCookie(t, c, session); got.Status != http.StatusOK {
		t.Fatalf("the session's cookie gets %d", got.Status)
	}
	r.admin(http.MethodPost, "/"+r.name+"/users/"+r.userID("alice")+"/logout", "{}", nil)
	eventually(t, 5*time.Second, "the session ends", func() error {
		return atLeast("status", withCookie(t, c, session).Status, http.StatusUnauthorized)
	})
	tab.open(c.base + "/")
	tab.shows("Continue with Keycloak")
}

// TestKeycloakSAML signs in by assertion.
func TestKeycloakSAML(t *testing.T) {
	t.Parallel()
	c := reserve(t)
	r := newRealm(t, "saml", c.base)
	d := r.descriptor()
	c.start(people.over(settings{
		"AUTHENTICATION_PROVIDER": "saml", "CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME": "Keycloak",
		"AUTHENTICATION_CLIENT_TYPE": "confidential", "OIDC_SERVER_URL": c.base, "AUTHENTICATION_JWT_ROLE_CLAIM": "roles",
		"SAML_IDP_ENTITY_ID": d.EntityID, "SAML_IDP_SSO_LOGIN_URL": d.redirectURL(t), "SAML_IDP_CERTIFICATE": d.IDP.Certificates[0],
		"SAML_SP_ENTITY_ID": c.base + "/api/v1/saml/metadata", "SAML_SP_ACS": c.base + "/api/v1/saml/acs", "SAML_SP_CALLBACK": c.base + "/callback",
	}))
	alice := newProfile(t, "alice")
	tab := alice.tab()
	tab.toKeycloak(c, "")
	r.signInAt(tab, "alice", "alices-password")
	tab.home("alice@example.com")
	assertNoLeaks(t, c, nil, tab)
	assertSessionCookie(t, alice, false)
	if got, found := c.user("alice"); !found || got.Email != "alice@example.com" || !slices.Contains(got.roleNames(), "DataSteward") {
		t.Errorf("Keycloak's alice became %+v (%t)", got, found)
	}
	tab.reload()
	tab.home("alice@example.com")
	session, _ := alice.cookieNamed("catalpa_session")
	tab.press("Sign out")
	tab.shows("You are signed out")
	if got := withCookie(t, c, session); got.Status != http.StatusUnauthorized {
		t.Errorf("the ended session's cookie gets %d", got.Status)
	}
	assertQuiet(t, alice)
}
