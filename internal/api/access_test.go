package api

import (
	"net/http"
	"strings"
	"testing"
)

// TestSignOnRoutesAreOpenToWhomTheyShouldBe: who may call each route of signing in, by
// its registration. What the rights of somebody with a credential are, handlers decide.
func TestSignOnRoutesAreOpenToWhomTheyShouldBe(t *testing.T) {
	h := newHarness(t)
	served := map[string]Route{}
	for _, r := range h.api.routes.all() {
		served[r.Method+" "+r.Path] = r
	}
	const api = "/api/v1"
	for access, routes := range map[Access]string{
		Public: `GET /api/v1/auth/login, GET /callback, GET /auth/callback, GET /api/v1/auth/callback, GET /api/v1/auth/logout, POST /api/v1/auth/logout,
			POST /api/v1/auth/backchannel-logout, POST /api/v1/users/login, POST /api/v1/users/refresh, POST /api/v1/auth/session, POST /api/v1/users/signup, PUT /api/v1/users/registrationConfirmation,
			PUT /api/v1/users/resendRegistrationToken, POST /api/v1/users/checkEmailInUse, POST /api/v1/users/checkEmailVerified, POST /api/v1/users/generatePasswordResetLink,
			POST /api/v1/users/password/reset, GET /api/v1/system/config/auth, GET /api/v1/system/config/jwks, GET /api/v1/system/config/customUiThemePreference,
			GET /api/v1/system/config/loginConfig, GET /api/v1/system/version, GET /api/v1/system/health`,
		Cookie: `GET /api/v1/auth/refresh`,
		Authenticated: `POST /api/v1/users/logout, PUT /api/v1/users/changePassword, GET /api/v1/users/loggedInUser, GET /api/v1/users/loggedInUser/groupTeams,
			GET /api/v1/users/security/token, PUT /api/v1/users/security/token, PUT /api/v1/users/security/token/revoke, POST /api/v1/users, PUT /api/v1/users,
			PATCH /api/v1/users/{id}, GET /api/v1/system/config/authorizer, GET /api/v1/bots, GET /api/v1/bots/{id}, GET /api/v1/bots/{id}/versions, POST /api/v1/bots,
			PUT /api/v1/bots, PATCH /api/v1/bots/{id}, DELETE /api/v1/bots/{id}, PUT /api/v1/bots/restore`,
		AdminOnly: `GET /api/v1/users/generateRandomPwd, PUT /api/v1/users/generateToken/{id}, PUT /api/v1/users/revokeToken, GET /api/v1/users/token/{id},
			GET /api/v1/users/auth-mechanism/{id}, GET /api/v1/system/security/config, PUT /api/v1/system/security/config, PATCH /api/v1/system/security/config,
			POST /api/v1/system/security/validate, POST /api/v1/system/security/test-login/start, POST /api/v1/system/security/test-login/password,
			GET /api/v1/system/security/test-login/{id}, POST /api/v1/system/security/restore, GET /api/v1/system/security/doctor, POST /api/v1/system/security/doctor/token,
			GET /api/v1/system/security/codes, GET /api/v1/system/security/sources, GET /api/v1/system/security/audit, GET /api/v1/system/security/refusals,
			POST /api/v1/system/security/wipe-passwords, DELETE /api/v1/auth/identities`,
	} {
		for text := range strings.SplitSeq(routes, ",") {
			key := strings.TrimSpace(text)
			route, ok := served[key]
			if !ok || route.Access != access {
				t.Errorf("%s is served to %q, want %q", key, route.Access, access)
				continue
			}
			if access != AdminOnly {
				continue
			}
			path := strings.NewReplacer(api, "", "{id}", h.nobody.id.String()).Replace(route.Path)
			if got := h.as(h.nobody, route.Method, path, `{}`); got.status != http.StatusForbidden {
				t.Errorf("%s by somebody who is no administrator answers %d", key, got.status)
			}
		}
	}
	for _, test := range []struct{ method, path, body string }{
		{http.MethodPost, "/bots", `{"name":"thief","botUser":"somebody"}`}, {http.MethodPut, "/bots", `{"name":"thief","botUser":"somebody"}`},
		{http.MethodPut, "/bots/restore", `{"id":"` + h.nobody.id.String() + `"}`},
	} {
		if got := h.as(h.nobody, test.method, test.path, test.body); got.status != http.StatusForbidden && got.status != http.StatusNotFound {
			t.Errorf("%s %s by somebody who is no administrator answers %d: %s", test.method, test.path, got.status, got.body)
		}
	}
	h.as(h.nobody, http.MethodGet, "/bots", nil).want(http.StatusOK)
}
