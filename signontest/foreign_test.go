//go:build signon

package signontest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestT20SubdomainCookies lets a neighbour below the same name plant cookies, as it may:
// the session's is not among those it can.
func TestT20SubdomainCookies(t *testing.T) {
	t.Parallel()
	c, _ := startBehindTLS(t, "catalog.localhost")
	mallory := newProfile(t, "mallory")
	tab := mallory.tab()
	tab.signIn(c, "mallory")
	tab.home("mallory@example.com")
	own, _ := mallory.cookieNamed("catalpa_session")

	neighbour := secure(t, "evil.catalog.localhost", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"__Host-catalpa_session", "catalpa_session", "__Secure-catalpa_session"} {
			w.Header().Add("Set-Cookie", name+"="+own.Value+"; Domain=catalog.localhost; Path=/; Secure")
		}
		w.Header().Add("Set-Cookie", own.Name+"="+own.Value+"; Path=/; Secure") // a good one, but its own
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>Neighbour</title><h1>Neighbour</h1>")
	}))
	victim := newProfile(t, "victim")
	trapped := victim.tab()
	trapped.open(neighbour)
	trapped.shows("Neighbour")
	var planted []string
	for _, kept := range victim.cookies() {
		if strings.HasSuffix(kept.Domain, ".catalog.localhost") && !strings.HasPrefix(kept.Domain, "evil.") {
			planted = append(planted, kept.Name)
		}
	}
	slices.Sort(planted)
	if want := []string{"__Secure-catalpa_session", "catalpa_session"}; !slices.Equal(planted, want) {
		t.Fatalf("the neighbour planted %q; the test is about %q", planted, want)
	}
	trapped.open(c.base + "/")
	trapped.shows("Continue with Auth0")
	trapped.follow("Continue with Auth0")
	trapped.signInAt("xenia", "right")
	trapped.home("xenia@example.com")
	trapped.reload()
	trapped.home("xenia@example.com")
	tab.reload()
	tab.home("mallory@example.com")
}

// foreignRequests sends what a page may send to another origin, in all the ways there
// are without asking first and in those that ask, and shows what its script saw.
const foreignRequests = `<p id="seen"></p><iframe name="a"></iframe><iframe name="b"></iframe><iframe name="c"></iframe>
<form method="post" target="a" action="TARGET"><input name="name" value="x"></form>
<form method="post" target="b" enctype="text/plain" action="TARGET"><input name='{"name":"' value='x"}'></form>
<form method="post" target="c" enctype="multipart/form-data" action="TARGET"><input name="name" value="x"></form>
<script type="module">
for (const form of document.forms) form.submit();
const send = (how) => fetch("TARGET", { credentials: "include", body: '{"name":"x"}', ...how }).then((r) => r.type + r.status, () => "refused");
const json = { "Content-Type": "application/json" };
const seen = [await send({ method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" } })];
for (const method of ["POST", "PUT", "PATCH", "DELETE"]) seen.push(await send({ method, headers: json }));
navigator.sendBeacon("TARGET", '{"name":"x"}');
document.getElementById("seen").textContent = "Seen: " + seen.join(" ");
</script>`

// TestT30ForeignWrites lets other origins write with the cookie of a session: one on the
// same host, to which the cookie goes, and one of another site, to which it does not.
func TestT30ForeignWrites(t *testing.T) {
	t.Parallel()
	c, _ := startWeb(t, nil)
	yves := newProfile(t, "yves")
	tab := yves.tab()
	tab.signIn(c, "yves")
	tab.home("yves@example.com")
	session, _ := yves.cookieNamed("catalpa_session")
	for _, path := range []string{"/api/v1/auth/logout", "/api/v1/users/logout", "/api/v1/users/login", "/api/v1/tables"} {
		page := hostile(t, strings.ReplaceAll(foreignRequests, "TARGET", c.base+path))
		for site, address := range map[string]string{"same": page, "other": strings.Replace(page, "127.0.0.1", "localhost", 1)} {
			before := len(c.served("POST", path))
			bait := yves.tab()
			bait.open(address)
			bait.shows("Seen: ")
			// The one that needs no leave goes out unread, those that do never go out.
			if got := bait.text(); !strings.Contains(got, "Seen: opaque0 refused refused refused refused") {
				t.Errorf("T30: from the %s site %s shows %s", site, path, got)
			}
			// Three forms, one unread request and the beacon reach the server.
			eventually(t, 10*time.Second, "the requests are answered", func() error {
				answers := c.served("POST", path)[before:]
				if site == "same" && slices.ContainsFunc(answers, func(status string) bool { return status != "403" }) {
					t.Fatalf("T30: from the same site POST %s: %v", path, answers)
				}
				return atLeast("POSTs", len(answers), 5)
			})
			bait.do("close", order{}, nil)
			tab.reload()
			tab.home("yves@example.com")
			if now, _ := yves.cookieNamed("catalpa_session"); now.Value != session.Value {
				t.Fatalf("T30: after %s from the %s site the session is another one", path, site)
			}
		}
	}
}
