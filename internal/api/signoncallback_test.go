package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestEveryCallbackPathTakesPeopleBack: whichever of them the operator registered at
// the provider.
func TestEveryCallbackPathTakesPeopleBack(t *testing.T) {
	h, _ := signOnHarness(t)
	for _, path := range []string{"/callback", "/auth/callback", "/api/v1/auth/callback"} {
		b := h.browser(t)
		got := b.visit(path + "?code=abc&state=" + url.QueryEscape(b.depart("/my-data")))
		if got.status != http.StatusFound || got.header.Get("Location") != "/my-data" || b.session() == "" {
			t.Errorf("%s: %d to %q: %s", path, got.status, got.header.Get("Location"), got.body)
		}
		b.token().want(http.StatusOK)
	}
}

// TestCallbacksNeverFailInside: nothing that a browser brings is an error of the
// server's own, and none of it comes back in the page.
func TestCallbacksNeverFailInside(t *testing.T) {
	h, _ := signOnHarness(t)
	b := h.browser(t)
	state := url.QueryEscape(b.depart("/"))
	for _, query := range []string{
		"", "code", "code=", "state", "state=&code=", "code=a&code=b&state=x" + state, "state=.&code=x", "state=..&code=x", "state=%00.%00", "state=%ff.x&code=x", "state=" + strings.Repeat("a.", 900),
		"error=%3Cscript%3E&state=" + state + "x", "error=&error_description=%3Cimg%20src=x%20onerror=alert(1)%3E", "code=%zz", "code=x;state=y", "iss=https://evil.example&state=a.b&code=x",
		"ticket=x&state=a.b", "SAMLResponse=x&RelayState=a.b", "RelayState=x" + state + "&state=x.y", "id_token=a.b.c&state=a.b", "=", "&&&", "state[]=a&code[]=b",
	} {
		for _, path := range []string{"/callback", "/auth/callback", "/api/v1/auth/callback"} {
			for _, header := range []map[string]string{navigating(), {"Accept": "application/json"}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}} {
				got := b.send("GET", path+"?"+query, header)
				if got.status >= 500 || b.session() != "" {
					t.Errorf("%s?%s: %d %.200s", path, query, got.status, got.body)
				}
				for _, back := range []string{"<script>", "onerror", "evil.example"} {
					if strings.Contains(string(got.body), back) {
						t.Errorf("%s?%s comes back with %q", path, query, back)
					}
				}
			}
		}
	}
}
