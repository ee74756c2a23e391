package api

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/signon"
)

// signedIn is an administrator who has just signed in with a password.
func signedIn(t *testing.T, h *harness) caller {
	t.Helper()
	const password = "Correct-Horse-7-Battery"
	check(t, h.api.auth.SetPassword(t.Context(), entity.System(), h.admin.id, password, false))
	got := h.as(caller{}, http.MethodPost, "/users/login", map[string]string{
		"email": "admin@example.org", "password": base64.StdEncoding.EncodeToString([]byte(password)),
	}).want(http.StatusOK)
	var tokens struct {
		AccessToken string `json:"accessToken"`
	}
	got.into(&tokens)
	return caller{id: h.admin.id, name: "admin", token: tokens.AccessToken}
}

// webClient are the settings of a confidential client of a provider on loopback.
func webClient(h *harness, issuer, id, secret string, change ...string) map[string]any {
	doc := map[string]any{
		"authenticationConfiguration": map[string]any{
			"provider": "custom-oidc", "providerName": "test", "clientType": "confidential", "authority": issuer, "clientId": id,
			"callbackUrl": h.url + "/callback", "publicKeyUrls": []string{}, "jwtPrincipalClaims": []string{"email", "preferred_username", "sub"},
			"oidcConfiguration": map[string]any{
				"id": id, "secret": secret, "serverUrl": h.url, "callbackUrl": h.url + "/callback", "scope": "openid email profile",
				"discoveryUri": strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration",
			},
		},
		"authorizerConfiguration": map[string]any{"adminPrincipals": []string{"admin"}, "principalDomain": "example.org"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		set(doc, strings.Split(change[i], "."), change[i+1])
	}
	return doc
}

// set changes a member of a document; a value that is JSON is taken as such.
func set(doc map[string]any, path []string, value string) {
	for _, name := range path[:len(path)-1] {
		inner, _ := doc[name].(map[string]any)
		doc[name] = maps.Clone(inner)
		doc = doc[name].(map[string]any)
	}
	var v any
	if json.Unmarshal([]byte(value), &v) != nil {
		v = value
	}
	doc[path[len(path)-1]] = v
}

func TestSecuritySettingsNeedAFreshSignIn(t *testing.T) {
	h := newHarness(t)
	doc := string(h.as(signedIn(t, h), http.MethodGet, "/system/security/config", nil).want(http.StatusOK).body)
	// The administrator of the harness comes with a personal token.
	for _, call := range []struct{ method, path, body string }{
		{http.MethodGet, "/system/security/config", ""},
		{http.MethodPut, "/system/security/config", doc}, {http.MethodPatch, "/system/security/config", `[]`},
		{http.MethodPost, "/system/security/restore", `{}`}, {http.MethodPost, "/system/security/wipe-passwords", `{"confirm":true}`},
		{http.MethodDelete, "/auth/identities?user=somebody", ""},
	} {
		if got := h.as(h.admin, call.method, call.path, call.body); got.status != http.StatusForbidden || got.code() != `"`+auth.CodeReauth+`"` {
			t.Errorf("%s %s with a personal token: %d %s", call.method, call.path, got.status, got.body)
		}
		if got := h.as(h.nobody, call.method, call.path, call.body); got.status != http.StatusForbidden {
			t.Errorf("%s %s by somebody: %d", call.method, call.path, got.status)
		}
	}
	admin := signedIn(t, h)
	h.as(admin, http.MethodPut, "/system/security/config", doc).want(http.StatusOK)
	h.pass(recentSignIn + time.Second)
	for _, call := range []struct{ method, body string }{{http.MethodGet, ""}, {http.MethodPut, doc}, {http.MethodPatch, `[]`}} {
		if got := h.as(admin, call.method, "/system/security/config", call.body); got.status != http.StatusForbidden || got.code() != `"`+auth.CodeReauth+`"` {
			t.Errorf("%s eleven minutes after signing in: %d %s", call.method, got.status, got.body)
		}
	}
}

// Whoever changed the settings can take that back for ten minutes, also when the
// sign-in lies further back: they may keep everybody from signing in again.
func TestChangesAreTakenBackWithinTenMinutes(t *testing.T) {
	h := newHarness(t)
	admin := signedIn(t, h)
	names := func() string { return strings.Join(h.api.security.Config().Authorizer.AdminPrincipals, " ") }
	h.pass(9 * time.Minute)
	h.as(admin, http.MethodPatch, "/system/security/config", `[{"op":"add","path":"/authorizerConfiguration/adminPrincipals/1","value":"ann"}]`).want(http.StatusNoContent)
	h.pass(9 * time.Minute)
	h.as(h.admin, http.MethodPost, "/system/security/restore", `{}`).want(http.StatusForbidden) // with a personal token
	if names() != "admin ann" {
		t.Fatalf("administrators are %s", names())
	}
	h.as(admin, http.MethodPost, "/system/security/restore", `{}`).want(http.StatusOK)
	if names() != "admin" {
		t.Errorf("the change was not taken back: administrators are %s", names())
	}
	h.pass(revertWindow)
	if got := h.as(admin, http.MethodPost, "/system/security/restore", `{}`).want(http.StatusForbidden); got.code() != `"`+auth.CodeReauth+`"` {
		t.Errorf("after the ten minutes: %s", got.body)
	}
}

// T66: settings that contradict themselves are refused by field, and nothing is saved.
func TestT66FaultsOfSettings(t *testing.T) {
	h := newHarness(t)
	admin := signedIn(t, h)
	p := authtest.NewBadProvider(t)
	before := string(h.as(admin, http.MethodGet, "/system/security/config", nil).want(http.StatusOK).body)
	const client = "authenticationConfiguration."
	for name, test := range map[string]struct{ change, value, field string }{
		"public and secret":      {client + "clientType", "public", client + "oidcConfiguration.secret"},
		"web without secret":     {client + "oidcConfiguration.secret", "", client + "oidcConfiguration.secret"},
		"foreign discovery":      {client + "oidcConfiguration.discoveryUri", "https://evil.example/.well-known/openid-configuration", client + "oidcConfiguration.discoveryUri"},
		"http authority":         {client + "authority", "http://id.example.com", client + "authority"},
		"reserved parameter":     {client + "oidcConfiguration.customParams", `{"state":"x"}`, client + "oidcConfiguration.customParams"},
		"prompt none":            {client + "oidcConfiguration.prompt", "none", client + "oidcConfiguration.prompt"},
		"scope without openid":   {client + "oidcConfiguration.scope", "email", client + "oidcConfiguration.scope"},
		"principal domain a URL": {"authorizerConfiguration.principalDomain", "https://example.org/", "authorizerConfiguration.principalDomain"},
		"unknown member":         {client + "clientld", "x", client + "clientld"},
	} {
		doc := webClient(h, p.Issuer(), p.ClientID, p.ClientSecret, test.change, test.value)
		var verdict struct {
			Status string              `json:"status"`
			Errors []signon.FieldError `json:"errors"`
		}
		h.as(admin, http.MethodPost, "/system/security/validate", doc).want(http.StatusOK).into(&verdict)
		found := false
		for _, e := range verdict.Errors {
			found = found || e.Field == test.field
		}
		if verdict.Status != "failed" || !found {
			t.Errorf("%s: want a fault of %s, got %s %+v", name, test.field, verdict.Status, verdict.Errors)
		}
		h.as(admin, http.MethodPut, "/system/security/config?confirm="+url.QueryEscape(signon.ConfirmPhrase), doc).want(http.StatusBadRequest)
	}
	p.Break(authtest.DiscoveryForeignIssuer)
	doc := webClient(h, p.Issuer(), p.ClientID, p.ClientSecret)
	if got := h.as(admin, http.MethodPost, "/system/security/validate", doc).want(http.StatusOK); !strings.Contains(string(got.body), auth.CodeDiscIssuer) {
		t.Errorf("a foreign issuer in the discovery document: %s", got.body)
	}
	if after := string(h.as(admin, http.MethodGet, "/system/security/config", nil).want(http.StatusOK).body); after != before {
		t.Errorf("refused settings changed something:\n%s\n%s", before, after)
	}
}

// T65: a masked secret means the stored one, and no patch can find out what it is.
func TestT65MaskedSecret(t *testing.T) {
	h := newHarness(t)
	admin := signedIn(t, h)
	p := authtest.NewBadProvider(t)
	save := "/system/security/config?confirm=" + url.QueryEscape(signon.ConfirmPhrase)
	saved := h.as(admin, http.MethodPut, save, webClient(h, p.Issuer(), p.ClientID, p.ClientSecret)).want(http.StatusOK)
	if strings.Contains(string(saved.body), p.ClientSecret) || !strings.Contains(string(saved.body), `"*********"`) {
		t.Fatalf("the answer shows the secret or no mask: %s", saved.body)
	}
	h.as(admin, http.MethodPut, save, string(saved.body)).want(http.StatusOK)
	if got := h.api.security.Config().Authentication.OIDC.Secret.Reveal(); got != p.ClientSecret {
		t.Errorf("sending the mask back made the secret %q", got)
	}
	const at = "/authenticationConfiguration/oidcConfiguration/secret"
	for probe, want := range map[string]int{
		`[{"op":"test","path":"` + at + `","value":"` + p.ClientSecret + `"}]`:                                 http.StatusBadRequest,
		`[{"op":"test","path":"` + at + `","value":"*********"}]`:                                              http.StatusNoContent,
		`[{"op":"copy","from":"` + at + `","path":"/authenticationConfiguration/providerName"}]`:               http.StatusNoContent,
		`[{"op":"replace","path":"/authenticationConfiguration/oidcConfiguration/tokenValidity","value":900}]`: http.StatusNoContent,
	} {
		h.as(admin, http.MethodPatch, save, probe).want(want)
		if got := h.api.security.Config().Authentication.OIDC.Secret.Reveal(); got != p.ClientSecret {
			t.Errorf("after %s the secret is %q", probe, got)
		}
	}
	for _, path := range []string{"/system/security/config", "/system/security/sources", "/system/security/audit", "/system/config/auth", "/system/settings", "/system/security/doctor"} {
		if got := h.as(admin, http.MethodGet, path, nil).want(http.StatusOK); strings.Contains(string(got.body), p.ClientSecret) {
			t.Errorf("GET %s shows the client secret", path)
		}
	}
}

// Of earlier settings the last ten are kept, and each can be put back.
func TestTenEarlierSettingsAreKept(t *testing.T) {
	h := newHarness(t)
	admin := signedIn(t, h)
	for i := range 13 {
		domain := `[{"op":"replace","path":"/authorizerConfiguration/principalDomain","value":"d` + strconv.Itoa(i) + `.example"}]`
		h.as(admin, http.MethodPatch, "/system/security/config?confirm="+url.QueryEscape(signon.ConfirmPhrase), domain).want(http.StatusNoContent)
	}
	earlier, err := h.api.security.History(t.Context())
	check(t, err)
	if len(earlier) != 10 || earlier[0].Revision != 12 || earlier[9].Revision != 3 {
		t.Errorf("%d earlier settings are kept, the newest revision %d", len(earlier), earlier[0].Revision)
	}
	h.as(admin, http.MethodPost, "/system/security/restore", `{}`).want(http.StatusOK)
	if got := h.api.security.Config().Authorizer.PrincipalDomain; got != "d11.example" {
		t.Errorf("after restoring the domain is %s, want d11.example", got)
	}
}

// Settings that could lock everybody out need a test login with the same values;
// the whole way of one, and one click back.
func TestF10TestLoginThenSaveThenRestore(t *testing.T) {
	h := newHarness(t)
	admin := signedIn(t, h)
	h.settings(SignOnSettings{PublicURL: h.url, Development: true, Provider: "basic"})
	p := authtest.NewBadProvider(t)
	p.SetUser(map[string]any{"sub": "42", "email": "admin@example.org", "email_verified": true})
	doc := webClient(h, p.Issuer(), p.ClientID, p.ClientSecret)
	if got := h.as(admin, http.MethodPut, "/system/security/config", doc).want(http.StatusConflict); got.code() != `"`+signon.CodeUntested+`"` {
		t.Fatalf("untested settings: %s", got.body)
	}
	var started struct {
		ID  string `json:"id"`
		URL string `json:"url"`
	}
	begun := h.as(admin, http.MethodPost, "/system/security/test-login/start", doc).want(http.StatusOK)
	begun.into(&started)
	back, err := authtest.Visit(t.Context(), started.URL, h.url)
	check(t, err)
	var cookies []string
	for name, cookie := range begun.cookies() {
		cookies = append(cookies, name+"="+cookie.Value)
	}
	h.browse(t, http.MethodGet, back.RequestURI(), navigating("Cookie", strings.Join(cookies, "; "))).want(http.StatusOK, http.StatusFound, http.StatusSeeOther)
	var report auth.TestReport
	h.as(admin, http.MethodGet, "/system/security/test-login/"+started.ID, nil).want(http.StatusOK).into(&report)
	if report.Outcome != "existing" || report.Name != "admin" || !report.Admin {
		t.Fatalf("the report of the test login: %+v", report)
	}
	if so := h.api.auth.SignOn(); !so.Basic {
		t.Fatal("a test login changed the settings in force")
	}
	h.as(admin, http.MethodPut, "/system/security/config", doc).want(http.StatusOK)
	if so := h.api.auth.SignOn(); so.Redirect == nil {
		t.Fatal("the saved settings are not in force")
	}
	// Passwords do not count any more, but who made the change is still signed in.
	got := h.as(caller{}, http.MethodPost, "/users/login", `{"email":"admin@example.org","password":"eA=="}`).want(http.StatusNotFound)
	if got.code() != `"`+auth.CodeBasicOff+`"` {
		t.Errorf("a password after the change: %s", got.body)
	}
	h.as(admin, http.MethodPost, "/system/security/restore", `{}`).want(http.StatusOK)
	if so := h.api.auth.SignOn(); !so.Basic {
		t.Error("restoring did not bring the former settings back")
	}
	trail := h.do(http.MethodGet, "/system/security/audit?action=securitySettingsChanged", nil, http.StatusOK)
	if n := strings.Count(string(trail.body), `"securitySettingsChanged"`); n != 2 {
		t.Errorf("the trail has %d changes of the settings, want 2: %s", n, trail.body)
	}
}

// An administrator cannot save a domain rule that keeps the administrator out.
func TestSettingsThatShutOutTheirAuthor(t *testing.T) {
	h := newHarness(t)
	admin := signedIn(t, h)
	p := authtest.NewBadProvider(t)
	doc := webClient(h, p.Issuer(), p.ClientID, p.ClientSecret, "authorizerConfiguration.enforcePrincipalDomain", "true", "authorizerConfiguration.principalDomain", "other.example")
	got := h.as(admin, http.MethodPut, "/system/security/config?confirm="+url.QueryEscape(signon.ConfirmPhrase), doc).want(http.StatusBadRequest)
	if got.code() != `"`+signon.CodeSelfDomain+`"` {
		t.Errorf("got %s", got.body)
	}
}

// TestDoctorSeesTheWayHere: a host that is not the server's address, and headers of a
// proxy that is not listed, are what only a request can show.
func TestDoctorSeesTheWayHere(t *testing.T) {
	h := newHarness(t)
	host := strings.TrimPrefix(h.url, "http://")
	for name, test := range map[string]struct {
		public  string
		trusted bool
		header  []string
		want    []string // the names of checks that warn
	}{
		"straight":             {h.url, false, nil, nil},
		"another host":         {"https://catalog.example", false, nil, []string{"address"}},
		"the host passed on":   {"https://catalog.example", false, []string{"Host", "catalog.example"}, nil},
		"an unlisted proxy":    {h.url, false, []string{"X-Forwarded-Proto", "https"}, []string{"trusted proxies"}},
		"an unlisted one, too": {"https://catalog.example", false, []string{"X-Forwarded-For", "192.0.2.1"}, []string{"address", "trusted proxies"}},
		"a listed proxy":       {h.url, true, []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https", "Host", host}, nil},
	} {
		settings := SignOnSettings{PublicURL: test.public, Development: true, Provider: "basic"}
		if test.trusted {
			settings.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
		h.settings(settings)
		header := map[string]string{"Authorization": "Bearer " + h.admin.token}
		for i := 0; i+1 < len(test.header); i += 2 {
			header[test.header[i]] = test.header[i+1]
		}
		var report doctor.Report
		h.browse(t, http.MethodGet, "/api/v1/system/security/doctor", header).want(http.StatusOK).into(&report)
		var got []string
		for _, c := range report.Checks {
			if c.Area == "proxy" && c.Status == doctor.Warning && c.Code == auth.CodeProxy && c.Detail != "" && c.Remedy != "" {
				got = append(got, c.Name)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: the doctor warns of %q, want %q: %+v", name, got, test.want, report.Checks)
		}
	}
}

// TestMissingTokensShowWhatCame: when no token came, the list of refusals names the
// headers that did, without their values.
func TestMissingTokensShowWhatCame(t *testing.T) {
	h := newHarness(t)
	h.browse(t, http.MethodGet, "/api/v1/tables", map[string]string{"X-Forwarded-For": "192.0.2.1", "X-Trace": "s3cret-value"}).want(http.StatusUnauthorized)
	listed := string(h.do(http.MethodGet, "/system/security/refusals?code="+auth.CodeMissing, nil, http.StatusOK).body)
	if !strings.Contains(listed, "headers that came: ") || !strings.Contains(listed, "X-Forwarded-For, X-Trace") || strings.Contains(listed, "s3cret") {
		t.Errorf("the refusal does not tell which headers came: %s", listed)
	}
}

// TestCodesAreExplained: every code, warnings included, has a sentence and a remedy, and
// those that the doctor can look into say how.
func TestCodesAreExplained(t *testing.T) {
	h := newHarness(t)
	var page struct {
		Data []CodeText `json:"data"`
	}
	h.do(http.MethodGet, "/system/security/codes", nil, http.StatusOK).into(&page)
	found := map[string]CodeText{}
	for _, c := range page.Data {
		found[c.Code] = c
		if c.Message == "" || c.Hint == "" {
			t.Errorf("%s has no sentence or no remedy: %+v", c.Code, c)
		}
	}
	for code, want := range map[string]CodeText{
		auth.CodeKeyID: {Status: 401, Examine: "catalpa doctor token FILE"}, auth.CodeJWKSDown: {Status: 503, Examine: "catalpa doctor provider"},
		auth.CodeCookie: {Status: 400, Examine: "catalpa doctor proxy"}, auth.CodeReauth: {Status: 403},
		auth.CodeProxy: {Examine: "catalpa doctor proxy"}, auth.CodeMissing: {Status: 401, Examine: "catalpa doctor proxy"},
		auth.CodeOrigin: {Status: 403, Examine: "the page /settings/sign-in, opened as people open it"}, auth.CodeScopeRefresh: {Examine: "catalpa doctor provider"},
	} {
		if got := found[code]; got.Status != want.Status || got.Examine != want.Examine {
			t.Errorf("%s: %+v, want status %d and %q", code, got, want.Status, want.Examine)
		}
	}
	if len(found) != len(auth.Codes())+len(auth.Warnings()) || len(found) < 50 {
		t.Errorf("%d codes are explained", len(found))
	}
}

func TestDoctorOverHTTP(t *testing.T) {
	h := newHarness(t)
	got := h.do(http.MethodGet, "/system/security/doctor", nil, http.StatusOK)
	for _, area := range []string{`"configuration"`, `"keys"`, `"provider"`, `"proxy"`} {
		if !strings.Contains(string(got.body), area) {
			t.Errorf("the report has no area %s: %s", area, got.body)
		}
	}
	h.do(http.MethodGet, "/system/security/doctor?areas=garden", nil, http.StatusBadRequest)
	var explained auth.Explanation
	h.do(http.MethodPost, "/system/security/doctor/token", map[string]string{"token": "Bearer " + h.nobody.token}, http.StatusOK).into(&explained)
	if !explained.OK || len(explained.Facts) == 0 || len(explained.Remarks) == 0 {
		t.Errorf("a good token with Bearer before it: %+v", explained)
	}
	broken := h.nobody.token[:len(h.nobody.token)-4] + "AAAA"
	h.do(http.MethodPost, "/system/security/doctor/token", map[string]string{"token": broken}, http.StatusOK).into(&explained)
	if explained.OK || explained.Code != auth.CodeSignature {
		t.Errorf("a broken token: %+v", explained)
	}
	h.as(caller{token: broken}, http.MethodGet, "/users/loggedInUser", nil).want(http.StatusUnauthorized)
	listed := h.do(http.MethodGet, "/system/security/refusals?code="+auth.CodeSignature, nil, http.StatusOK)
	if !strings.Contains(string(listed.body), auth.CodeSignature) || !strings.Contains(string(listed.body), `"hint"`) || !strings.Contains(string(listed.body), `"GET /api/v1/users/loggedInUser"`) {
		t.Errorf("the refusal is not listed: %s", listed.body)
	}
	if strings.Contains(string(listed.body), broken) {
		t.Error("the list shows a token")
	}
}
