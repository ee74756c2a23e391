package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reviewedPublic are the routes that answer without a credential. Whoever adds
// one here says with it that the answer holds nothing a stranger may not see.
var reviewedPublic = []string{
	// Pages without anything of the catalog, and what they load.
	"GET /",
	// The round trip to an identity provider: each judges what it is sent.
	"GET /api/v1/auth/callback",
	"GET /api/v1/auth/login",
	"GET /api/v1/auth/logout",
	"GET /api/v1/saml/login",
	"GET /api/v1/saml/logout",
	"GET /api/v1/saml/metadata",
	"GET /api/v1/system/config/auth",
	"GET /api/v1/system/config/customUiThemePreference",
	"GET /api/v1/system/config/jwks",
	"GET /api/v1/system/config/loginConfig",
	"GET /api/v1/system/health",
	"GET /api/v1/system/security/arrival", // tells who holds a question of the doctor what the request brought
	"GET /api/v1/system/version",
	"GET /assets/{build}/{name}",
	"GET /auth/callback",
	"GET /callback",
	"GET /forgot-password",
	"GET /healthz",
	"GET /readyz",
	"GET /register",
	"GET /settings/sign-in",
	"GET /signed-out",
	"GET /signin",
	"GET /silent-callback",
	"GET /users/password/reset",
	"GET /users/registrationConfirmation",
	"POST /api/v1/auth/backchannel-logout",
	"POST /api/v1/auth/logout",
	"POST /api/v1/auth/session",
	"POST /api/v1/saml/acs",
	"POST /api/v1/users/checkEmailInUse",
	"POST /api/v1/users/checkEmailVerified",
	"POST /api/v1/users/generatePasswordResetLink",
	"POST /api/v1/users/login",
	"POST /api/v1/users/password/reset",
	"POST /api/v1/users/refresh",
	"POST /api/v1/users/signup",
	"PUT /api/v1/users/registrationConfirmation",
	"PUT /api/v1/users/resendRegistrationToken",
}

func TestT25PublicRoutesAreTheReviewedOnes(t *testing.T) {
	var public []string
	for _, r := range newHarness(t).api.Routes() {
		if r.Access == Public {
			public = append(public, r.Method+" "+r.Path)
		}
	}
	slices.Sort(public)
	if d := cmp.Diff(reviewedPublic, public); d != "" {
		t.Errorf("public routes (-reviewed +served):\n%s", d)
	}
}

var routeParam = regexp.MustCompile(`\{[^}]*\}`)

// TestT25EveryOtherRouteWantsACredential calls every route without a token, with ones
// that are none, and with an ill-formed header.
func TestT25EveryOtherRouteWantsACredential(t *testing.T) {
	h := newHarness(t)
	signed := h.nobody.token
	forged := signed[:strings.LastIndexByte(signed, '.')] + ".AAAA"
	closedRoutes := 0
	for _, r := range h.api.Routes() {
		if r.Access == Public {
			continue
		}
		closedRoutes++
		path := routeParam.ReplaceAllString(r.Path, "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6")
		for what, header := range map[string]string{
			"no token": "", "garbage": "Bearer nonsense", "a forged signature": "Bearer " + forged, "no scheme": signed,
			"another scheme": "Basic YWRtaW46YWRtaW4=", "an empty token": "Bearer ", "alg none": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
		} {
			h.wantUnauthorized(t, what, r.Method, path, header)
		}
		if r.Access == AdminOnly {
			got := h.as(h.nobody, r.Method, strings.TrimPrefix(path, "/api/v1"), `{}`)
			if got.status != http.StatusForbidden {
				t.Errorf("%s %s answers %d to somebody who is no administrator", r.Method, r.Path, got.status)
			}
		}
	}
	if closedRoutes < 500 {
		t.Errorf("only %d routes want a credential: are some missing?", closedRoutes)
	}
	for _, path := range []string{"/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/tables", "/api/v1/tables/name/v1%2Fusers%2Flogin", "/api/v1/tables/x/system/version"} {
		h.wantUnauthorized(t, "no token", http.MethodGet, path, "")
	}
}

func (h *harness) wantUnauthorized(t *testing.T, what, method, path, header string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader("{}"))
	check(t, err)
	if header != "" {
		req.Header.Set("Authorization", header)
	}
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s %s with %s answers %d", method, path, what, resp.StatusCode)
	}
}
