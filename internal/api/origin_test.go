package api

import (
	"net/http"
	"strings"
	"testing"
)

// withSession are headers of a browser with the cookie of a session, which need not
// be a live one: what comes from elsewhere is refused before anybody looks it up.
func withSession(more ...string) map[string]string {
	header := map[string]string{"Cookie": "__Host-catalpa_session=abc"}
	for i := 0; i+1 < len(more); i += 2 {
		header[more[i]] = more[i+1]
	}
	return header
}

func TestT30ForeignPagesChangeNothing(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{PublicURL: "https://catalog.example"})
	foreign := []map[string]string{
		withSession("Sec-Fetch-Site", "cross-site", "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example"),
		withSession("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Content-Type", "text/plain;charset=UTF-8"),
		withSession("Sec-Fetch-Site", "same-site", "Content-Type", "application/json", "Origin", "https://other.catalog.example"),
		withSession("Sec-Fetch-Site", "none"), withSession("Origin", "https://evil.example"), withSession("Origin", "null"), withSession("Origin", "https://catalog.example.evil.example"),
		withSession("Origin", "http://catalog.example"), withSession("Sec-Fetch-Site", "cross-site", "Origin", "https://catalog.example"), withSession(),
	}
	for _, target := range []string{
		"POST /api/v1/tables", "PUT /api/v1/tables", "PATCH /api/v1/tables/6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "DELETE /api/v1/tables/6dd7029b-4e5f-467f-9ea0-c88c4935b1a6",
		"POST /api/v1/auth/logout", "POST /api/v1/users/login", "DELETE /api/v1/auth/sessions", "POST /api/v1/nothing", "POST /callback",
	} {
		method, path, _ := strings.Cut(target, " ")
		for _, header := range foreign {
			got := h.browse(t, method, path, header, `{"email":"a"}`)
			if got.status != http.StatusForbidden || got.code() != `"SEC-ORIGIN"` {
				t.Errorf("%s with %v: %d %s", target, header, got.status, got.body)
			}
			if len(got.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s with %v sets a cookie", target, header)
			}
		}
	}
}

func TestT30OwnPagesAndProgramsPass(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{PublicURL: "https://catalog.example"})
	for _, header := range []map[string]string{
		withSession("Sec-Fetch-Site", "same-origin"), withSession("Origin", "https://catalog.example"),
		{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, // no cookie, nothing to misuse
	} {
		if got := h.browse(t, "POST", "/api/v1/tables", header, "{}"); got.status != http.StatusUnauthorized {
			t.Errorf("%v: a cookie lets nobody into the API: %d", header, got.status)
		}
	}
	bearer := withSession("Authorization", "Bearer "+h.admin.token, "Sec-Fetch-Site", "cross-site", "Content-Type", "application/json")
	if got := h.browse(t, "PUT", "/api/v1/services/databaseServices", bearer, `{"name":"shop","serviceType":"Mysql"}`); got.status != http.StatusCreated {
		t.Errorf("with a bearer token: %d %s", got.status, got.body)
	}
	for media, want := range map[string]int{
		"application/json": http.StatusOK, "application/json; charset=utf-8": http.StatusOK, "text/plain": http.StatusUnsupportedMediaType,
		"application/x-www-form-urlencoded": http.StatusUnsupportedMediaType, "multipart/form-data; boundary=x": http.StatusUnsupportedMediaType,
	} {
		got := h.browse(t, "POST", "/api/v1/auth/logout", withSession("Sec-Fetch-Site", "same-origin", "Content-Type", media), "{}")
		if got.status != want {
			t.Errorf("signing out with %s: %d %s", media, got.status, got.body)
		}
	}
}

func TestT33ForeignSitesCannotSignOut(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{PublicURL: "https://catalog.example"})
	for name, header := range map[string]map[string]string{
		"a link":                        withSession("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html"),
		"a link of a sibling":           withSession("Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html"),
		"an image":                      withSession("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"),
		"an image in a description":     withSession("Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"),
		"a frame":                       withSession("Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Accept", "text/html"),
		"a prefetch":                    withSession("Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors", "Sec-Purpose", "prefetch"),
		"a prerender":                   withSession("Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Purpose", "prefetch;prerender"),
		"an older prefetch":             withSession("Purpose", "prefetch"),
		"a browser without Sec-Fetch":   withSession("Accept", "text/html"),
		"a browser that hides the site": withSession("Accept", "text/html", "Origin", "null"),
	} {
		t.Run(name, func(t *testing.T) {
			got := h.browse(t, "GET", "/api/v1/auth/logout", header)
			if len(got.header.Values("Set-Cookie")) > 0 || got.header.Get("Location") != "" {
				t.Fatalf("signed out: %d %v", got.status, got.header)
			}
			if strings.Contains(header["Accept"], "text/html") || header["Sec-Fetch-Mode"] == "navigate" {
				if got.status != http.StatusOK || !strings.Contains(string(got.body), `href="/api/v1/auth/logout"`) {
					t.Errorf("no button is shown: %d", got.status)
				}
			} else if got.status != http.StatusForbidden {
				t.Errorf("status %d", got.status)
			}
		})
	}
}

func TestSigningOutThatWasMeant(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{PublicURL: "https://catalog.example"})
	for name, header := range map[string]map[string]string{
		"the button": withSession("Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"),
		"typed":      withSession("Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"),
		"no session": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
	} {
		got := h.browse(t, "GET", "/api/v1/auth/logout", header)
		if got.status != http.StatusFound || got.header.Get("Location") != "/signed-out" {
			t.Errorf("%s: %d to %q", name, got.status, got.header.Get("Location"))
		}
		_, dropped := got.cookies()["__Host-catalpa_session"]
		if want := header["Cookie"] != ""; dropped != want {
			t.Errorf("%s: the cookie is taken back: %t", name, dropped)
		}
	}
	got := h.browse(t, "POST", "/api/v1/auth/logout", withSession("Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Content-Type", "application/json"), "{}")
	if got.status != http.StatusOK || string(got.member("location")) != `"/signed-out"` {
		t.Errorf("by a script: %d %s", got.status, got.body)
	}
}

func TestT31OnlyListedSitesReadAnswers(t *testing.T) {
	h := newHarness(t)
	const allow = "Access-Control-Allow-Origin"
	preflight := func(origin string) map[string]string {
		return map[string]string{"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
	}
	origins := []string{"https://app.example", "https://evil.example", "null", "https://app.example.evil.example", "https://evilapp.example", "http://app.example", "https://app.example:8443",
		"HTTPS://APP.EXAMPLE", "https://app.example/", "https://app.example,https://evil.example", "*", "https://user@app.example", ""}
	h.settings(SignOnSettings{})
	for _, origin := range origins {
		for _, method := range []string{"GET", "OPTIONS"} {
			if got := h.browse(t, method, "/api/v1/system/version", preflight(origin)); got.header.Get(allow) != "" || got.header.Get("Access-Control-Allow-Methods") != "" {
				t.Errorf("%s from %q is allowed by default", method, origin)
			}
		}
	}
	h.settings(SignOnSettings{AllowedOrigins: []string{"https://app.example", "https://*.example", "*", "null"}})
	for i, origin := range origins {
		want := ""
		if i == 0 {
			want = origin
		}
		for _, method := range []string{"GET", "OPTIONS"} {
			got := h.browse(t, method, "/api/v1/system/version", preflight(origin))
			if got.header.Get(allow) != want {
				t.Errorf("%s from %q: %q", method, origin, got.header.Get(allow))
			}
			if got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %q allows credentials", method, origin)
			}
			if got.header.Get("Vary") != "Origin" {
				t.Errorf("%s from %q varies by %q", method, origin, got.header.Get("Vary"))
			}
		}
	}
	got := h.browse(t, "OPTIONS", "/api/v1/tables", preflight("https://app.example"))
	if got.status != http.StatusNoContent || !strings.Contains(got.header.Get("Access-Control-Allow-Methods"), "PUT") || !strings.Contains(got.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("the preflight of a listed site: %d %v", got.status, got.header)
	}
	if got := h.browse(t, "GET", "/signin", preflight("https://app.example")); got.header.Get(allow) != "" {
		t.Error("pages can be read by listed sites")
	}
	if got := h.browse(t, "GET", "/api/v1/tables", map[string]string{"Origin": "https://app.example"}); got.status != http.StatusUnauthorized || got.header.Get(allow) == "" {
		t.Errorf("a refusal cannot be read by the listed site: %d", got.status)
	}
}

func TestT24OverridesAreIgnored(t *testing.T) {
	h := newHarness(t)
	for _, header := range []map[string]string{
		{"X-Original-URL": "/api/v1/system/version"}, {"X-Rewrite-URL": "/api/v1/system/version"}, {"X-HTTP-Method-Override": "GET"}, {"X-Method-Override": "GET"},
		{"X-Forwarded-Prefix": "/api/v1/system/version?"}, {"X-Forwarded-Path": "/api/v1/system/version"}, {"X-Forwarded-Uri": "/api/v1/system/version"},
	} {
		if got := h.browse(t, "GET", "/api/v1/tables", header); got.status != http.StatusUnauthorized {
			t.Errorf("%v: %d", header, got.status)
		}
		if got := h.browse(t, "POST", "/api/v1/system/version", header); got.status != http.StatusUnauthorized {
			t.Errorf("%v turns POST into something else: %d", header, got.status)
		}
	}
}

func TestT27TheHostHeaderMakesNoLinks(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{PublicURL: "https://catalog.example"})
	provider := &fakeProvider{signOut: "https://id.example/logout"}
	h.provider(provider)
	for _, path := range []string{"/api/v1/auth/login", "/api/v1/auth/logout", "/signin", "/", "/signed-out", "/callback", "/api/v1/saml/login", "/nothing"} {
		for _, name := range []string{"Host", "X-Forwarded-Host", "X-Host", "Forwarded"} {
			got := h.browse(t, "GET", path, navigating(name, "evil.example"))
			if strings.Contains(got.header.Get("Location")+string(got.body)+strings.Join(got.header.Values("Set-Cookie"), ""), "evil.example") {
				t.Errorf("%s with %s: evil.example: %d %v %s", path, name, got.status, got.header, got.body)
			}
		}
	}
}
