//go:build signon

package signontest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestF01ProviderLate starts while the provider is out of order: people are told so,
// and can sign in once it is back, without a restart.
func TestF01ProviderLate(t *testing.T) {
	t.Parallel()
	c := reserve(t)
	p := startProvider(t, c.base)
	p.down("503", "")
	c.start(auth0Web(c.base, p))
	tab := newProfile(t, "sara").tab()
	tab.open(c.base + "/api/v1/auth/login")
	tab.stopped("SEC-CB-UPSTREAM")
	tab.judge("web-stopped-late")
	p.down("off", "")
	eventually(t, 90*time.Second, "the way to the provider opens", func() error {
		if got := tab.open(c.base + "/api/v1/auth/login"); !strings.HasPrefix(got.URL, p.issuer) {
			return fmt.Errorf("%d %s", got.Status, got.URL)
		}
		return nil
	})
	tab.signInAt("sara", "right")
	tab.home("sara@example.com")
}

// TestBackChannelLogoutAtProvider: signing out at the provider ends the session here.
func TestBackChannelLogoutAtProvider(t *testing.T) {
	t.Parallel()
	c, p := startWeb(t, nil)
	tom, una := newProfile(t, "tom"), newProfile(t, "una")
	held := map[string]cookie{}
	for name, browser := range map[string]*profile{"tom": tom, "una": una} {
		tab := browser.tab()
		tab.signIn(c, name)
		tab.home(name + "@example.com")
		held[name], _ = browser.cookieNamed("catalpa_session")
	}
	elsewhere := tom.tab()
	elsewhere.open(p.issuer + "oidc/logout?client_id=om-web")
	elsewhere.shows("Test provider: signed out")
	eventually(t, 10*time.Second, "tom's session ends", func() error {
		return atLeast("status", withCookie(t, c, held["tom"]).Status, http.StatusUnauthorized)
	})
	if got := withCookie(t, c, held["una"]); got.Status != http.StatusOK {
		t.Errorf("una's session gets %d", got.Status)
	}
}
