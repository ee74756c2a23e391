//go:build signon

package signontest

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"
)

// hostile serves one page of another origin. It is on another port of the same host,
// which cookies do not tell apart: only the server can.
func hostile(t *testing.T, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>Hostile</title><h1>Hostile page</h1>%s", body)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// unusedCallback signs in without a browser and stops where the provider sends the
// person back: the address is good for one sign-in, of whom it is not yet known.
func (p *provider) unusedCallback(login string) string {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: httpClient.CheckRedirect}
	next := login
	form := url.Values{}
	for range 12 {
		var response *http.Response
		if len(form) > 0 {
			response, err = client.PostForm(next+"/login", form)
		} else {
			response, err = client.Get(next)
		}
		if err != nil {
			p.t.Fatal(err)
		}
		response.Body.Close()
		form = url.Values{}
		if response.StatusCode == http.StatusOK {
			form = url.Values{"login": {"mallory"}, "password": {"right"}}
			continue
		}
		to, err := response.Location()
		if err != nil {
			p.t.Fatalf("%s answers %s: %v", next, response.Status, err)
		}
		if next = to.String(); to.Path == "/callback" {
			return next
		}
	}
	p.t.Fatalf("no callback after a dozen steps, but %s", next)
	return ""
}

// TestT16CallbackOfSomebodyElse hands a victim the callback of an attacker's sign-in.
func TestT16CallbackOfSomebodyElse(t *testing.T) {
	t.Parallel()
	c, p := startWeb(t, nil)
	link := p.unusedCallback(c.base + "/api/v1/auth/login")

	victim := newProfile(t, "victim")
	trapped := victim.tab()
	trapped.open(link)
	trapped.stopped("SEC-CB-NOATTEMPT")
	if session, in := victim.cookieNamed("catalpa_session"); in {
		t.Errorf("the victim is signed in: %s", session.Name)
	}
	// One with an attempt of their own is no better prey.
	trapped.open(c.base + "/signin")
	trapped.follow("Continue with Auth0")
	trapped.shows("Test provider: sign in")
	trapped.open(link)
	trapped.stopped("SEC-CB-")
	if _, in := victim.cookieNamed("catalpa_session"); in {
		t.Error("the victim is signed in")
	}
}

// TestT17CallbackTwice opens a callback again that did its work.
func TestT17CallbackTwice(t *testing.T) {
	t.Parallel()
	c, p := startWeb(t, nil)
	olga := newProfile(t, "olga")
	tab := olga.tab()
	tab.signIn(c, "olga")
	tab.home("olga@example.com")
	var used string
	for _, r := range olga.traffic().Requests {
		if strings.HasPrefix(r.URL, c.base+"/callback?") {
			used = r.URL
		}
	}
	if used == "" {
		t.Fatal("no callback was seen")
	}
	again := olga.tab()
	if got := again.open(used); got.Status != http.StatusBadRequest {
		t.Errorf("the used callback answers %d", got.Status)
	}
	again.stopped("SEC-CB-")
	if n := p.exchanges(); n != 1 {
		t.Errorf("the code was sent %d times", n)
	}
	tab.reload()
	tab.home("olga@example.com")
}

// TestT20SessionFixation signs in over a session cookie that an attacker chose.
func TestT20SessionFixation(t *testing.T) {
	t.Parallel()
	c, _ := startWeb(t, nil)
	mallory := newProfile(t, "mallory")
	tab := mallory.tab()
	tab.signIn(c, "mallory")
	tab.home("mallory@example.com")
	own, _ := mallory.cookieNamed("catalpa_session")

	for what, planted := range map[string]string{"an attacker's own": own.Value, "an invented": strings.Repeat("A", len(own.Value))} {
		victim := newProfile(t, what)
		victim.plant(own.Name, planted, c.base)
		tab := victim.tab()
		tab.open(c.base + "/api/v1/auth/login")
		tab.signInAt("paula", "right")
		tab.home("paula@example.com")
		now, found := victim.cookieNamed("catalpa_session")
		if !found || now.Value == planted {
			t.Errorf("%s session id was kept", what)
		}
	}
	if got := withCookie(t, c, cookie{Name: own.Name, Value: strings.Repeat("A", len(own.Value))}); got.Status != http.StatusUnauthorized {
		t.Errorf("the invented id gets %d", got.Status)
	}
}

// secure serves with TLS under a name that browsers look up to be this machine.
func secure(t *testing.T, host string, handler http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // Chromium tries whether the certificate is good
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", host, 1)
}

// startBehindTLS is a confidential client behind a proxy that ends TLS.
func startBehindTLS(t *testing.T, host string) (*catalpa, *provider) {
	t.Helper()
	c := reserve(t)
	inner, err := url.Parse("http://" + c.listen)
	if err != nil {
		t.Fatal(err)
	}
	c.base = secure(t, host, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(inner)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}})
	p := startProvider(t, c.base)
	c.start(auth0Web(c.base, p).over(settings{"CATALPA_TRUSTED_PROXIES": "[127.0.0.1/32]"}))
	return c, p
}

// TestT29CookiesBehindTLS looks at the cookies' flags behind a proxy that ends TLS.
func TestT29CookiesBehindTLS(t *testing.T) {
	t.Parallel()
	c, p := startBehindTLS(t, "127.0.0.1")
	quinn := newProfile(t, "quinn")
	tab := quinn.tab()
	tab.signIn(c, "quinn")
	tab.home("quinn@example.com")
	assertSessionCookie(t, quinn, true)
	assertNoLeaks(t, c, p, tab)
	tab.reload()
	tab.home("quinn@example.com")
}

// TestT32Framing puts our pages into a frame of another origin.
func TestT32Framing(t *testing.T) {
	t.Parallel()
	c, _ := startWeb(t, nil)
	for _, path := range []string{"/", "/signin", "/signed-out", "/callback", "/silent-callback", "/settings/sign-in", "/api/v1/auth/logout"} {
		tab := newProfile(t, path).tab()
		tab.open(hostile(t, `<iframe src="`+c.base+path+`"></iframe>`))
		var frames []string
		eventually(t, 10*time.Second, "the frame is refused", func() error {
			tab.do("frames", order{}, &frames)
			if len(frames) != 2 || !strings.HasPrefix(frames[1], "chrome-error:") {
				return fmt.Errorf("%s: frames are %q", path, frames)
			}
			return nil
		})
	}
}

// TestT33SignOutBySomebodyElse tries to sign a person out from another site.
func TestT33SignOutBySomebodyElse(t *testing.T) {
	t.Parallel()
	c, _ := startWeb(t, nil)
	rita := newProfile(t, "rita")
	tab := rita.tab()
	tab.signIn(c, "rita")
	tab.home("rita@example.com")
	const logoutRoute = "/api/v1/auth/logout"
	target := c.base + logoutRoute
	attempts := map[string]string{
		"image":    `<img src="` + target + `">`,
		"prefetch": `<link rel="prefetch" href="` + target + `">`,
		"link":     `<a href="` + target + `" id="go">go</a><script>document.getElementById("go").click()</script>`,
		"form":     `<form method="post" action="` + target + `"></form><script>document.forms[0].submit()</script>`,
		"fetch":    `<script>fetch("` + target + `",{method:"POST",mode:"no-cors",credentials:"include",body:"{}"})</script>`,
		"frame":    `<iframe src="` + target + `"></iframe>`,
	}
	for what, body := range attempts {
		bait, before := rita.tab(), len(c.served("(GET|POST)", logoutRoute))
		bait.open(hostile(t, body))
		if what == "link" {
			bait.shows("You stay signed in unless")
			bait.judge("sign-out-asked")
		}
		eventually(t, 10*time.Second, what+" was asked for", func() error {
			return atLeast(what, len(c.served("(GET|POST)", logoutRoute)), before+1)
		})
		bait.do("close", order{}, nil)
		tab.reload()
		tab.home("rita@example.com")
		if t.Failed() {
			t.Fatalf("T33: %s signed her out", what)
		}
	}
}

// TestT34HostileErrorText comes back to the callback with markup in every field.
func TestT34HostileErrorText(t *testing.T) {
	t.Parallel()
	const payload = `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	query := url.Values{"error": {payload}, "error_description": {payload}, "state": {payload}, "iss": {payload}}.Encode()
	starts := map[string]func() (*catalpa, string){
		"web": func() (*catalpa, string) { c, _ := startWeb(t, nil); return c, "?" + query },
		"spa": func() (*catalpa, string) { c, _ := startSPA(t, nil); return c, "?" + query },
	}
	for name, start := range starts {
		c, query := start()
		tab := newProfile(t, name).tab()
		tab.open(c.base + "/callback" + query)
		tab.stopped("SEC-CB-")
		var owned bool
		tab.evaluate(`() => document.title === "owned" || document.querySelector("img[src=x]") !== null`, nil, &owned)
		if owned || strings.Contains(tab.text(), "onerror") {
			t.Errorf("T34: %s reflects what came: %s", name, tab.text())
		}
	}
}

// TestT34HostileClaims signs in somebody whose provider tells markup for a name.
func TestT34HostileClaims(t *testing.T) {
	t.Parallel()
	const payload = `<img src=x onerror="document.title='owned'">`
	starts := map[string]func() *catalpa{
		"web": func() *catalpa { c, _ := startWeb(t, nil); return c },
		"spa": func() *catalpa { c, _ := startSPA(t, nil); return c },
	}
	for name, start := range starts {
		c := start()
		zoe := newProfile(t, name)
		tab := zoe.tab()
		tab.signIn(c, "zoe+name="+payload)
		tab.home("zoe@example.com")
		if got := tab.text(); !strings.Contains(got, payload) {
			t.Errorf("T34: %s does not show the name as it is: %s", name, got)
		}
		var owned bool
		tab.evaluate(`() => document.title === "owned" || document.querySelector("img") !== null`, nil, &owned)
		if owned {
			t.Errorf("T34: %s runs what the name claim says", name)
		}
		assertQuiet(t, zoe)
	}
}
