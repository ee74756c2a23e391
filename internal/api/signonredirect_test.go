package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/pages"
)

// hostileReturns are addresses that must never be returned to.
func hostileReturns() []string {
	long := "/" + strings.Repeat("a", 10<<10)
	return []string{
		"https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example/x", `/\evil.example`, `\/evil.example`, `\\evil.example`,
		"/\t/evil.example", "/%09/evil.example", "/%0a/evil.example", "/%0d%0a/evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b", "/x%0d%0aLocation:%20https://evil.example",
		"https:evil.example", "https:/evil.example", "http:evil.example", "https:///evil.example/callback", "https://catalog.example@evil.example/callback",
		"https://catalog.example:443@evil.example/callback", "https://user@catalog.example/callback", "https://catalog.example.evil.example/callback",
		"https://evilcatalog.example/callback", "https://catalog.example%2eevil.example/callback", "https://catalog.example%00.evil.example/callback",
		`https://catalog.example\@evil.example/callback`, `https://catalog.example\.evil.example/callback`, "https://catalog.example#@evil.example/callback",
		"https://catalog.example?@evil.example/callback", "https://catalog.example;evil.example/callback", "javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)",
		" javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "ftp://catalog.example/callback", "blob:https://evil.example/x",
		"about:blank", "mailto:a@evil.example", "/..", "/../evil", "/a/../b", "/%2e%2e/evil", "/%2E%2e/x", "/.", "/a/%2e/b", "/%2f/evil.example", "/%2fevil.example", "/%2F%2Fevil.example",
		"/%5cevil.example", "/%5C%5Cevil.example", "/%252fevil.example", "/%25252fevil.example", "/%255cevil.example", "/a//evil.example", "/a%2f%2fevil.example", long,
		"https://catalog.example/" + long, "/\x00", "/%00", "/\u2028", "/\u3002evil", "https://catalog\u3002example/callback", "/\uff0fevil.example", "/%ef%bc%8fevil.example", "/%e2%81%84evil",
		"/\u202eevil", "/é", "/%ff", "/%", "/%zz", "evil.example", "signin", "?next=//evil.example", "#//evil.example", " /", "/ ", "\t/", "/<script>", `/"onload=x`, "/`x`", "/{x}", "/a|b", "/a^b",
		"https://catalog.example", "https://catalog.example/", "https://catalog.example/other", "https://catalog.example/callback/../x", "https://catalog.example//callback",
		"https://catalog.example/%63allback", "https://CATALOG.example/callback", "HTTPS://catalog.example/callback", "https://catalog.example:443/callback",
		"https://catalog.example:8443/callback", "http://catalog.example/callback", "https://catalog.example/callback#x", "https://app.example/settings",
		"https://app.example.evil.example/callback", "https://notapp.example/callback", "https://[::1]/callback", "https://127.0.0.1/callback", "https://*.example/callback", "null", "//", "/\\", "///",
	}
}

// redirecting are settings of a server with a neighbour that it may return to.
func redirecting() SignOnSettings {
	return SignOnSettings{PublicURL: "https://catalog.example", AllowedRedirectOrigins: []string{"https://app.example"}, Provider: "custom-oidc", ProviderName: "Larkfield ID"}
}

func TestT14HostileReturnsAreRefused(t *testing.T) {
	list := hostileReturns()
	if len(list) < 60 {
		t.Fatalf("only %d hostile addresses", len(list))
	}
	h := newHarness(t)
	h.settings(redirecting())
	h.provider(&fakeProvider{})
	for _, address := range list {
		got := h.browse(t, "GET", "/api/v1/auth/login?redirectUri="+url.QueryEscape(address), nil)
		if got.status != http.StatusBadRequest || got.header.Get("Location") != "" || len(got.header.Values("Set-Cookie")) > 0 {
			t.Errorf("%.80q: status %d, to %q", address, got.status, got.header.Get("Location"))
		} else if got.code() != `"`+auth.CodeRedirect+`"` && !strings.Contains(address, "\x00") { // no query holds NUL
			t.Errorf("%.80q: refused as %s, want %s", address, got.code(), auth.CodeRedirect)
		}
	}
	for _, query := range []string{"redirectUri=/&redirectUri=/", "redirectUri=/&redirectUri=//evil.example", "redirectUri=%2", "redirectUri=%00"} {
		if got := h.browse(t, "GET", "/api/v1/auth/login?"+query, nil); got.status != http.StatusBadRequest {
			t.Errorf("%s: status %d", query, got.status)
		}
	}
}

func TestReturnsThatAreAllowed(t *testing.T) {
	s := redirecting()
	for asked, want := range map[string]string{
		"": "/", "/": "/", "/my-data": "/my-data", "/table/shop.db.public.orders?tab=columns#c": "/table/shop.db.public.orders?tab=columns#c",
		"/table/a%20b": "/table/a%20b", "/x?next=https://evil.example": "/x?next=https://evil.example", "https://catalog.example/callback": "https://catalog.example/callback",
		"https://catalog.example/auth/callback": "https://catalog.example/auth/callback", "https://app.example/silent-callback?a=b": "https://app.example/silent-callback?a=b",
		"/auth/callback": "/auth/callback", "/.well-known": "/.well-known", "/a..b": "/a..b",
	} {
		if got, err := s.returnTo([]string{asked}); err != nil || got != want {
			t.Errorf("%q: %q, %v", asked, got, err)
		}
	}
	if got, err := s.returnTo(nil); err != nil || got != "/" {
		t.Errorf("nothing asked: %q, %v", got, err)
	}
	if _, err := (SignOnSettings{}).returnTo([]string{"https://catalog.example/callback"}); err == nil {
		t.Error("an absolute address is allowed without any origin")
	}
}

// TestReturnsStayHere draws addresses out of the pieces that readers disagree on.
// Whatever is accepted must stay on this server, resolved as browsers do it, also
// after another round of unescaping.
func TestReturnsStayHere(t *testing.T) {
	pieces := []string{
		"/", "//", "\\", "%2f", "%5c", "%09", "%0a", "\t", "\n", " ", "@", ":", "evil.example", "https:", "http://", "catalog.example", "callback", ".", "..", "%2e", "?", "#", "a", ";", "%25", "%00",
		"\u3002", "é", "[", "]", "app.example", "auth",
	}
	s := redirecting()
	base, err := url.Parse("https://catalog.example/signin")
	check(t, err)
	rapid.Check(t, func(t *rapid.T) {
		address := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 8).Draw(t, "pieces"), "")
		back, err := s.returnTo([]string{address})
		if err != nil {
			return
		}
		readings := []string{back, strings.ReplaceAll(back, "\\", "/"), strings.Map(dropControls, back)}
		if plain, err := url.PathUnescape(back); err == nil {
			readings = append(readings, strings.ReplaceAll(plain, "\\", "/"))
		}
		for _, reading := range readings {
			u, err := base.Parse(reading)
			if err != nil {
				continue // nobody can go there
			}
			if origin := pages.Origin(u.String()); origin != "https://catalog.example" && origin != "https://app.example" {
				t.Fatalf("%q is accepted and leads to %q in the reading %q", address, origin, reading)
			}
		}
	})
}

// dropControls removes what browsers remove from addresses.
func dropControls(r rune) rune {
	if r == '\t' || r == '\n' || r == '\r' {
		return -1
	}
	return r
}

func FuzzReturnTo(f *testing.F) {
	for _, address := range hostileReturns() {
		f.Add(address)
	}
	f.Add("/my-data?x=y#z")
	s := redirecting()
	f.Fuzz(func(t *testing.T, address string) {
		back, err := s.returnTo([]string{address})
		if err != nil {
			return
		}
		if !strings.HasPrefix(back, "https://") && (!strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n\t\x00")) {
			t.Errorf("%q is accepted as %q", address, back)
		}
	})
}
