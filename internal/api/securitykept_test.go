package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/signon"
)

// saveUntested is the address to save settings at without a test login.
func saveUntested() string {
	return "/system/security/config?confirm=" + url.QueryEscape(signon.ConfirmPhrase)
}

// TestTheAuthorOfAChangeTakesItBack: also as a person of a public client, whose
// tokens are the provider's that the change does away with.
func TestTheAuthorOfAChangeTakesItBack(t *testing.T) {
	h := newHarness(t)
	former, next := authtest.NewBadProvider(t), authtest.NewBadProvider(t)
	former.Public()
	next.Public()
	former.SetUser(map[string]any{"sub": "42", "email": "admin@example.org", "email_verified": true})
	browserOf := func(p *authtest.BadProvider) map[string]any {
		return webClient(h, p.Issuer(), p.ClientID, "", "authenticationConfiguration.clientType", "public")
	}
	h.as(signedIn(t, h), http.MethodPut, saveUntested(), browserOf(former)).want(http.StatusOK)
	boss, colleague := caller{token: former.Token()}, caller{token: former.Mint(map[string]any{"jti": "another"}, nil)}
	for _, who := range []caller{boss, colleague} {
		h.as(who, http.MethodGet, "/users/loggedInUser", nil).want(http.StatusOK).shows("name", "admin")
	}
	trail := h.do(http.MethodGet, "/system/security/audit?action=signIn&limit=1", nil, http.StatusOK)
	trail.shows("data.0.user", "admin", "data.0.issuer", former.Issuer(), "data.0.address", "127.0.0.1")
	h.as(boss, http.MethodPut, saveUntested(), browserOf(next)).want(http.StatusOK)
	h.as(colleague, http.MethodGet, "/users/loggedInUser", nil).want(http.StatusUnauthorized).shows("errorCode", auth.CodeIssuer)
	h.as(boss, http.MethodGet, "/system/security/sources", nil).want(http.StatusOK).shows("savedBy", "admin")
	h.as(boss, http.MethodPost, "/system/security/restore", `{}`).want(http.StatusOK)
	if got := h.api.security.Config().Authentication.Authority; !strings.HasPrefix(got, strings.TrimSuffix(former.Issuer(), "/")) {
		t.Errorf("restoring put %s in force", got)
	}
	h.as(colleague, http.MethodGet, "/users/loggedInUser", nil).want(http.StatusOK)
}
