package api

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// request is a call as it would come in from an address.
func (h *harness) request(from string, header ...string) (*call, *httptest.ResponseRecorder) {
	r := httptest.NewRequest(http.MethodGet, "http://catalog.example/api/v1/auth/login", nil)
	r.RemoteAddr = from
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	return &call{API: h.api, w: w, r: r, route: &Route{Path: "*", Access: Public}}, w
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range list {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

func TestT29CookieFlags(t *testing.T) {
	h := newHarness(t)
	const hour = "; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
	proxy := SignOnSettings{TrustedProxies: prefixes("10.0.0.0/8")}
	develop := SignOnSettings{Development: true, TrustedProxies: prefixes("10.0.0.0/8")}
	for _, test := range []struct {
		name     string
		settings SignOnSettings
		from     string
		tls      bool
		header   []string
		want     string
	}{
		{"https", SignOnSettings{}, "192.0.2.7:4711", true, nil, "__Host-catalpa_session=v" + hour},
		{"https in development", develop, "127.0.0.1:4711", true, nil, "__Host-catalpa_session=v" + hour},
		{"forced", SignOnSettings{ForceSecure: true}, "192.0.2.7:4711", false, nil, "__Host-catalpa_session=v" + hour},
		{"forced in development", SignOnSettings{ForceSecure: true, Development: true}, "127.0.0.1:4711", false, nil, "__Host-catalpa_session=v" + hour},
		{"behind a listed proxy", proxy, "10.1.2.3:4711", false, []string{"X-Forwarded-Proto", "https"}, "__Host-catalpa_session=v" + hour},
		{"plain http in production", SignOnSettings{}, "127.0.0.1:4711", false, nil, "__Host-catalpa_session=v" + hour},
		{"plain http in development", develop, "127.0.0.1:4711", false, nil, "catalpa_session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
		{"IPv6 loopback in development", develop, "[::1]:4711", false, nil, "catalpa_session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
		{"development off loopback", develop, "192.0.2.7:4711", false, nil, "__Host-catalpa_session=v" + hour},
		{"a listed proxy on loopback", SignOnSettings{Development: true, TrustedProxies: prefixes("127.0.0.1/32")}, "127.0.0.1:4711", false,
			[]string{"X-Forwarded-Proto", "https"}, "__Host-catalpa_session=v" + hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.settings(test.settings)
			c, w := h.request(test.from, test.header...)
			if test.tls {
				c.r.TLS = &tls.ConnectionState{}
			}
			c.setCookie(sessionCookie, "v", time.Hour)
			if d := cmp.Diff([]string{test.want}, w.Header().Values("Set-Cookie")); d != "" {
				t.Error(d)
			}
			w.Header().Del("Set-Cookie")
			c.dropSession()
			gone := strings.Replace(strings.Replace(test.want, "=v;", "=;", 1), "Max-Age=3600", "Max-Age=0", 1)
			if d := cmp.Diff([]string{gone}, w.Header().Values("Set-Cookie")); d != "" {
				t.Error("dropped:", d)
			}
		})
	}
}

func TestT28ForwardedHeadersOfStrangersDoNotCount(t *testing.T) {
	h := newHarness(t)
	proxies := SignOnSettings{Development: true, TrustedProxies: prefixes("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")}
	const forwarded = "X-Forwarded-For"
	for _, test := range []struct {
		name, from string
		header     []string
		want       string
	}{
		{"no proxy", "192.0.2.7:1", nil, "192.0.2.7"},
		{"a stranger who says so", "192.0.2.7:1", []string{forwarded, "203.0.113.9"}, "192.0.2.7"},
		{"a listed proxy", "10.0.0.1:1", []string{forwarded, "203.0.113.9"}, "203.0.113.9"},
		{"a client who forges what the proxy adds to", "10.0.0.1:1", []string{forwarded, "198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		{"two listed proxies", "10.0.0.1:1", []string{forwarded, "198.51.100.1, 203.0.113.9, 10.2.3.4"}, "203.0.113.9"},
		{"two header lines", "10.0.0.1:1", []string{forwarded, "203.0.113.9", forwarded, "10.2.3.4"}, "203.0.113.9"},
		{"listed proxies only", "10.0.0.1:1", []string{forwarded, "10.0.0.9"}, "10.0.0.9"},
		{"nonsense from a proxy", "10.0.0.1:1", []string{forwarded, "<script>"}, "10.0.0.1"},
		{"nothing from a proxy", "10.0.0.1:1", nil, "10.0.0.1"},
		{"with a port", "10.0.0.1:1", []string{forwarded, "203.0.113.9:4711"}, "203.0.113.9"},
		{"IPv6", "[fd00::1]:1", []string{forwarded, "[2001:db8::7]:1"}, "2001:db8::7"},
		{"IPv6 in brackets", "[fd00::1]:1", []string{forwarded, "[2001:db8::7]"}, "2001:db8::7"},
		{"IPv4 written as IPv6", "[::ffff:10.0.0.1]:1", []string{forwarded, "::ffff:203.0.113.9"}, "203.0.113.9"},
		{"another header", "10.0.0.1:1", []string{"Forwarded", "for=203.0.113.9", "X-Real-IP", "203.0.113.9", "True-Client-IP", "203.0.113.9"}, "10.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.settings(proxies)
			c, _ := h.request(test.from, test.header...)
			if got := c.address(); got != test.want {
				t.Errorf("address %s, want %s", got, test.want)
			}
		})
	}
	for from, want := range map[string]bool{"10.0.0.1:1": true, "192.0.2.7:1": false, "127.0.0.2:1": false} {
		c, _ := h.request(from, "X-Forwarded-Proto", "https")
		if got := c.https(proxies); got != want {
			t.Errorf("https as %s says so: %t", from, got)
		}
	}
	for said, want := range map[string]bool{"https": true, "HTTPS": true, "http": false, "https, http": false, "http, https": true, "": false, "httpsx": false} {
		c, _ := h.request("10.0.0.1:1", "X-Forwarded-Proto", said)
		if got := c.https(proxies); got != want {
			t.Errorf("https for %q: %t", said, got)
		}
	}
}

func TestT28ThrottleSeesTheConnection(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{})
	blocked := 0
	for i := range 12 { // from one connection's address, whatever it says
		got := h.browse(t, "POST", "/api/v1/users/login", map[string]string{
			"Content-Type": "application/json", "X-Forwarded-For": fmt.Sprintf("203.0.113.%d", i),
		}, `{"email":"admin@example.org","password":"d3Jvbmc="}`)
		if strings.Contains(got.code(), "THROTTLED") {
			blocked++
		}
	}
	if blocked == 0 {
		t.Error("a caller who forges X-Forwarded-For is never slowed down")
	}
}

func TestT20OnlyOneCookieOfTheRightNameCounts(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{})
	for header, want := range map[string]string{
		"__Host-catalpa_session=a":                            "a",
		"catalpa_session=a":                                   "", // anybody on a sibling host can set it
		"__Host-catalpa_session=a; __Host-catalpa_session=b":  "",
		"catalpa_session=b; __Host-catalpa_session=a":         "a",
		"__Host-catalpa_session=" + strings.Repeat("a", 2000): "",
		"__Secure-catalpa_session=a":                          "",
		"__host-catalpa_session=a":                            "",
	} {
		c, _ := h.request("192.0.2.7:1", "Cookie", header)
		if got := c.session(); got != want {
			t.Errorf("%.60s: %q", header, got)
		}
	}
	c, _ := h.request("192.0.2.7:1", "Cookie", "__Host-catalpa_login_x=1; __Host-catalpa_login_y=2; __Host-catalpa_login_x=3; catalpa_login_z=4; __Host-catalpa_login_=5")
	if d := cmp.Diff(map[string]string{"x": "", "y": "2"}, c.attempts()); d != "" {
		t.Error(d)
	}
}

func TestAtMostFiveAttemptsAreKept(t *testing.T) {
	h := newHarness(t)
	h.settings(SignOnSettings{})
	var have []string
	for i := range 7 {
		have = append(have, fmt.Sprintf("__Host-catalpa_login_%d=v", i))
	}
	c, w := h.request("192.0.2.7:1", "Cookie", strings.Join(have, "; "))
	c.setAttempt("new", "secret", 10*time.Minute)
	const flags = "; HttpOnly; Secure; SameSite=Lax"
	want := []string{
		"__Host-catalpa_login_0=; Path=/; Max-Age=0" + flags, "__Host-catalpa_login_1=; Path=/; Max-Age=0" + flags, "__Host-catalpa_login_2=; Path=/; Max-Age=0" + flags,
		"__Host-catalpa_login_new=secret; Path=/; Max-Age=600" + flags,
	}
	if d := cmp.Diff(want, w.Header().Values("Set-Cookie")); d != "" {
		t.Error(d)
	}
	if ids, _ := c.attemptIDs(); !slices.Equal(ids, []string{"0", "1", "2", "3", "4", "5", "6"}) {
		t.Errorf("attempts in the order %v", ids)
	}
}
