package server

import (
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
)

// TestPagesOfAPublicClientSignOutAtTheProvider: at the place that the provider names,
// or Auth0's older one where it names none.
func TestPagesOfAPublicClientSignOutAtTheProvider(t *testing.T) {
	back := url.QueryEscape(publicAddress + "/signed-out")
	for name, test := range map[string]struct {
		provider string
		faults   []authtest.Fault
		want     func(p *authtest.BadProvider) string
	}{
		"named": {"auth0", nil, func(p *authtest.BadProvider) string {
			return strings.TrimSuffix(p.Issuer(), "/") + "/logout?client_id=" + p.ClientID + "&post_logout_redirect_uri=" + back
		}},
		"auth0, not named": {"auth0", []authtest.Fault{authtest.DiscoveryNoLogout}, func(p *authtest.BadProvider) string {
			return strings.TrimSuffix(p.Issuer(), "/") + "/v2/logout?client_id=" + p.ClientID + "&returnTo=" + back
		}},
		"another, not named": {"custom-oidc", []authtest.Fault{authtest.DiscoveryNoLogout}, func(*authtest.BadProvider) string { return "" }},
	} {
		t.Run(name, func(t *testing.T) {
			p := authtest.NewBadProvider(t)
			p.Public()
			p.Break(test.faults...)
			env := maps.Clone(public(p))
			env["AUTHENTICATION_PROVIDER"], env["CATALPA_MODE"] = test.provider, "development"
			env["OIDC_SERVER_URL"], env["AUTHENTICATION_CALLBACK_URL"] = publicAddress, publicAddress+"/callback"
			order := replicaOrder{Data: t.TempDir(), Env: env}
			cfg, err := order.config()
			if err != nil {
				t.Fatal(err)
			}
			c := &tester{t: t, s: start(t, cfg, false)}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.s.url+"/signin", nil)
			if err != nil {
				t.Fatal(err)
			}
			page := html.UnescapeString(body(t, req))
			_, rest, found := strings.Cut(page, `"signOut":"`)
			got, _, _ := strings.Cut(rest, `"`)
			if got != test.want(p) || found != (got != "") {
				t.Errorf("the page signs out at %q, want %q", got, test.want(p))
			}
		})
	}
}

// body is what a request is answered with.
func body(t *testing.T, req *http.Request) string {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
