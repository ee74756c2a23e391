//go:build signon

package signontest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestFlowDBots: bots work by their token alone, whatever the provider does, and a
// token is of no use in a browser.
func TestFlowDBots(t *testing.T) {
	t.Parallel()
	c, p := startWeb(t, nil)
	p.down("503", "")
	token := c.command("bot", "token", "ingestion-bot")
	if got := c.get("/api/v1/users/loggedInUser", token); got.Status != http.StatusOK || !strings.Contains(string(got.Body), `"ingestion-bot"`) {
		t.Fatalf("the bot's token: %d %s", got.Status, got.Body)
	}
	for _, path := range []string{"/api/v1/auth/refresh", "/callback?" + url.Values{"code": {token}, "state": {"x"}}.Encode()} {
		if got := c.get(path, token); got.Status < 400 || got.Status >= 500 || len(got.Header.Values("Set-Cookie")) > 0 {
			t.Errorf("the bot's token opens %.25s: %d, cookies %q", path, got.Status, got.Header.Values("Set-Cookie"))
		}
	}
	browser := newProfile(t, "thief")
	browser.plant("catalpa_session", token, c.base)
	tab := browser.tab()
	tab.open(c.base + "/signin")
	tab.shows("Continue with Auth0")
	if got := withCookie(t, c, cookie{Name: "catalpa_session", Value: token}); got.Status != http.StatusUnauthorized {
		t.Errorf("the bot's token as a session: %d", got.Status)
	}
	if got := c.get("/api/v1/tables", token); got.Status != http.StatusOK {
		t.Errorf("the bot's token after all that: %d", got.Status)
	}
}
