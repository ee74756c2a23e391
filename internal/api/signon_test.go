package api

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// browser is somebody's browser: it keeps cookies and goes where it is told.
type browser struct {
	h       *harness
	t       testing.TB
	cookies map[string]string
}

func (h *harness) browser(t testing.TB) *browser {
	return &browser{h: h, t: t, cookies: map[string]string{}}
}

// go sends a request with the browser's cookies and keeps what comes.
func (b *browser) send(method, path string, header map[string]string) answer {
	b.t.Helper()
	all := map[string]string{}
	for name, value := range header {
		all[name] = value
	}
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	if len(pairs) > 0 {
		all["Cookie"] = strings.Join(pairs, "; ")
	}
	got := b.h.browse(b.t, method, path, all)
	for name, cookie := range got.cookies() {
		if cookie.MaxAge < 0 {
			delete(b.cookies, name)
		} else {
			b.cookies[name] = cookie.Value
		}
	}
	return got
}

func (b *browser) visit(path string) answer { b.t.Helper(); return b.send("GET", path, navigating()) }

// depart begins a sign-in and returns the state that the provider would send back.
func (b *browser) depart(back string) string {
	b.t.Helper()
	got := b.visit("/api/v1/auth/login?redirectUri=" + url.QueryEscape(back))
	u, err := url.Parse(got.header.Get("Location"))
	check(b.t, err)
	if got.status != http.StatusFound || u.Host != "id.example" || u.Query().Get("state") == "" {
		b.t.Fatalf("login answers %d to %q: %s", got.status, u, got.body)
	}
	return u.Query().Get("state")
}

func (b *browser) arrive(state string) answer {
	b.t.Helper()
	return b.visit("/callback?code=abc&state=" + url.QueryEscape(state))
}

// signIn is the whole round trip.
func (b *browser) signIn() {
	b.t.Helper()
	got := b.arrive(b.depart("/my-data"))
	if got.status != http.StatusFound || b.session() == "" {
		b.t.Fatalf("the callback answers %d: %s", got.status, got.body)
	}
}

const cookieOfSession = "__Host-catalpa_session"

func (b *browser) session() string { return b.cookies[cookieOfSession] }

// token asks for an access token as a page does.
func (b *browser) token() answer {
	b.t.Helper()
	return b.send("GET", "/api/v1/auth/refresh", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"})
}

func (b *browser) mustToken() string {
	b.t.Helper()
	var tokens struct {
		AccessToken string `json:"accessToken"`
	}
	b.token().want(200).into(&tokens)
	return tokens.AccessToken
}

// whoami is what a token is good for.
func (h *harness) whoami(t testing.TB, token string) answer {
	t.Helper()
	return h.browse(t, "GET", "/api/v1/users/loggedInUser", map[string]string{"Authorization": "Bearer " + token})
}

// signOnHarness is a server where people sign in at a provider.
func signOnHarness(t *testing.T) (*harness, *fakeProvider) {
	h := newHarness(t)
	h.settings(redirecting())
	p := &fakeProvider{email: "somebody@example.org"}
	h.provider(p)
	return h, p
}

func TestT15NoTokenInAnyAddress(t *testing.T) {
	h, _ := signOnHarness(t)
	var log bytes.Buffer
	var mu sync.Mutex
	h.api.log = slog.New(slog.NewJSONHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	b := h.browser(t)
	state := b.depart("/my-data?tab=a")
	got := b.arrive(state)
	if got.status != http.StatusFound || got.header.Get("Location") != "/my-data?tab=a" || got.header.Get("Referrer-Policy") != "no-referrer" || len(got.body) > 0 {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	if len(b.cookies) != 1 {
		t.Errorf("cookies left: %v", b.cookies)
	}
	answer := b.token().want(200)
	var members map[string]any
	answer.into(&members)
	if len(members) != 3 || members["tokenType"] != "Bearer" || members["expiryDuration"] == nil || answer.header.Get("Cache-Control") != "no-store" {
		t.Errorf("refresh answers %s", answer.body)
	}
	token := members["accessToken"].(string)
	if got := h.whoami(t, token).want(200); string(got.member("name")) != `"somebody"` {
		t.Errorf("the token is of %s", got.body)
	}
	mu.Lock()
	defer mu.Unlock()
	for what, secret := range map[string]string{"token": token, "cookie": b.session(), "state": state, "code": "code=abc", "id token": "provider-id-token", "refresh token": "provider-refresh"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds the %s", what)
		}
	}
	if !strings.Contains(log.String(), "/callback") {
		t.Error("the log has no line of the callback")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestT16ForeignStatesSignNobodyIn(t *testing.T) {
	h, p := signOnHarness(t)
	attacker, victim := h.browser(t), h.browser(t)
	state := attacker.depart("/")
	if got := victim.arrive(state); got.status != http.StatusBadRequest || victim.session() != "" {
		t.Errorf("without a cookie: %d", got.status)
	}
	victim.depart("/")
	if got := victim.arrive(state); got.status != http.StatusBadRequest || victim.session() != "" {
		t.Errorf("with the cookie of another attempt: %d", got.status)
	}
	short, _, _ := strings.Cut(state, ".")
	victim.cookies["__Host-catalpa_login_"+short] = "guessed"
	if got := victim.arrive(state); got.status != http.StatusBadRequest || victim.session() != "" {
		t.Errorf("with a guessed cookie: %d", got.status)
	}
	for _, query := range []string{"code=x", "state=", "state=a.b&code=x", "state=" + state, "state=" + state + "&state=" + state + "&code=x", "error=access_denied"} {
		if got := victim.visit("/callback?" + query); got.status != http.StatusBadRequest || victim.session() != "" {
			t.Errorf("%s: %d", query, got.status)
		}
	}
	if p.finished > 0 {
		t.Errorf("the provider was asked %d times", p.finished)
	}
}

// TestCookiesOfAnotherAddress: who begins at one address of the server and comes back to
// another is told why the cookie is not there, and so is the administrator. Somebody
// who was sent here is not.
func TestCookiesOfAnotherAddress(t *testing.T) {
	h, p := signOnHarness(t)
	arrive := func(state, host string) answer {
		t.Helper()
		return h.browse(t, http.MethodGet, "/callback?"+url.Values{"code": {"abc"}, "state": {state}}.Encode(), map[string]string{"Host": host})
	}
	begin := func(host string) string {
		t.Helper()
		left := h.browse(t, http.MethodGet, "/api/v1/auth/login", map[string]string{"Host": host}).want(http.StatusFound)
		to, err := url.Parse(left.header.Get("Location"))
		check(t, err)
		return to.Query().Get("state")
	}
	if got := arrive(begin("10.0.0.7:8585"), "catalog.example"); got.status != http.StatusBadRequest || got.code() != `"`+auth.CodeCookie+`"` {
		t.Errorf("from another address: %d %s", got.status, got.body)
	}
	if got := arrive(begin("catalog.example"), "CATALOG.example"); got.status != http.StatusBadRequest || got.code() != `"`+auth.CodeNoAttempt+`"` {
		t.Errorf("from the same address: %d %s", got.status, got.body)
	}
	if got := arrive("aa0123456789xy.made-up", "elsewhere.example"); got.code() != `"`+auth.CodeNoAttempt+`"` {
		t.Errorf("a made-up state: %s", got.body)
	}
	if p.finished > 0 {
		t.Errorf("the provider was asked %d times", p.finished)
	}
	listed := h.do(http.MethodGet, "/system/security/refusals?code="+auth.CodeCookie, nil, http.StatusOK)
	if !strings.Contains(string(listed.body), "began at http://10.0.0.7:8585 and came back to http://catalog.example") {
		t.Errorf("the refusal does not tell why: %s", listed.body)
	}
	// A sixth tab pushes another one out.
	b, pushed := h.browser(t), ""
	states := []string{}
	for range maxAttempts + 1 {
		states = append(states, b.depart("/"))
	}
	for _, state := range states {
		if short, _, _ := strings.Cut(state, "."); b.cookies["__Host-catalpa_login_"+short] == "" {
			pushed = state
		}
	}
	if got := b.arrive(pushed); got.status != http.StatusBadRequest || !strings.Contains(string(got.body), auth.CodeCookie) {
		t.Errorf("the oldest of too many tabs is answered %d, without %s", got.status, auth.CodeCookie)
	}
}

func TestT17AnswersCountOnce(t *testing.T) {
	h, p := signOnHarness(t)
	b := h.browser(t)
	state := b.depart("/")
	cookies := map[string]string{}
	for name, value := range b.cookies {
		cookies[name] = value
	}
	if head := b.send("HEAD", "/callback?code=abc&state="+url.QueryEscape(state), nil); head.status != 200 || b.session() != "" {
		t.Errorf("HEAD: %d", head.status)
	}
	const parallel = 8
	results := make(chan answer, parallel)
	for range parallel {
		go func() {
			again := &browser{h: h, t: t, cookies: map[string]string{}}
			for name, value := range cookies {
				again.cookies[name] = value
			}
			results <- again.arrive(state)
		}()
	}
	good := 0
	for range parallel {
		switch got := <-results; got.status {
		case http.StatusFound:
			good++
		case http.StatusBadRequest:
		default:
			t.Errorf("status %d: %s", got.status, got.body)
		}
	}
	if good != 1 || p.finished != 1 {
		t.Errorf("%d sign-ins out of one answer, the provider was asked %d times", good, p.finished)
	}
	b.cookies = cookies
	if got := b.arrive(state); got.status != http.StatusBadRequest {
		t.Errorf("replayed: %d", got.status)
	}
}

func TestT20SessionsBeginAnew(t *testing.T) {
	h, _ := signOnHarness(t)
	attacker := h.browser(t)
	attacker.signIn()
	planted := attacker.session()
	victim := h.browser(t)
	victim.cookies["catalpa_session"] = planted // what a sibling host can set
	victim.cookies[cookieOfSession] = "planted"
	if got := victim.token(); got.status != http.StatusUnauthorized {
		t.Errorf("a planted cookie: %d", got.status)
	}
	victim.cookies[cookieOfSession] = planted
	victim.signIn()
	if victim.session() == planted {
		t.Error("the session of before goes on")
	}
	got := h.browse(t, "GET", "/api/v1/auth/refresh", map[string]string{"Cookie": cookieOfSession + "=abc"})
	if dropped := got.cookies()[cookieOfSession]; got.status != http.StatusUnauthorized || dropped == nil || dropped.MaxAge >= 0 {
		t.Errorf("an unknown cookie: %d %v", got.status, got.header)
	}
}

func TestTabsDoNotCollide(t *testing.T) {
	h, _ := signOnHarness(t)
	b := h.browser(t)
	first, second := b.depart("/one"), b.depart("/two")
	if got := b.arrive(first); got.header.Get("Location") != "/one" {
		t.Errorf("the first tab: %d %q", got.status, got.header.Get("Location"))
	}
	if got := b.arrive(second); got.header.Get("Location") != "/two" {
		t.Errorf("the second tab: %d %q", got.status, got.header.Get("Location"))
	}
	for range 9 {
		b.depart("/")
	}
	if len(b.cookies) > 1+maxAttempts {
		t.Errorf("%d cookies", len(b.cookies))
	}
}

func TestRefusedSignInsShowTheirPage(t *testing.T) {
	h, p := signOnHarness(t)
	for _, code := range []string{auth.CodeUserNoSignup, auth.CodeCode, auth.CodeClient, auth.CodeUpstream, auth.CodeMixUp, auth.CodeNonce} {
		p.refuse = auth.Refuse(code)
		b := h.browser(t)
		got := b.arrive(b.depart("/"))
		if got.status != statusOf(p.refuse) || !strings.Contains(string(got.body), code) || len(b.cookies) > 0 {
			t.Errorf("%s: %d, cookies %v", code, got.status, b.cookies)
		}
	}
}

func TestProviderDownKeepsTheSession(t *testing.T) {
	h, p := signOnHarness(t)
	h.api.auth.SetSignOn(&auth.SignOn{
		Provider: "custom-oidc", Redirect: p, Identity: "fake", AccessLifetime: time.Millisecond,
		Rules: auth.Rules{PrincipalClaims: []string{"email"}, SelfSignup: true, RegistrationDomains: []string{"all"}},
	})
	b := h.browser(t)
	b.signIn()
	p.refuse = auth.Refuse(auth.CodeUpstream)
	got := b.token()
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || b.session() == "" {
		t.Errorf("provider down: %d %v", got.status, got.header)
	}
	p.refuse = auth.Refuse(auth.CodeRefresh)
	if got := b.token(); got.status != http.StatusUnauthorized || b.session() != "" {
		t.Errorf("provider refuses: %d, cookie %q", got.status, b.session())
	}
}

func TestRefreshIsForOwnPagesOnly(t *testing.T) {
	h, _ := signOnHarness(t)
	b := h.browser(t)
	b.signIn()
	for _, site := range []string{"cross-site", "same-site", "nonsense"} {
		if got := b.send("GET", "/api/v1/auth/refresh", map[string]string{"Sec-Fetch-Site": site}); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", site, got.status)
		}
	}
	for _, path := range []string{"/api/v1/users/loggedInUser", "/api/v1/auth/sessions", "/api/v1/tables", "/api/v1/users/security/token"} {
		if got := b.send("GET", path, map[string]string{"Sec-Fetch-Site": "same-origin"}); got.status != http.StatusUnauthorized {
			t.Errorf("the cookie alone opens %s: %d", path, got.status)
		}
	}
}

func TestSigningOutEndsEverything(t *testing.T) {
	h, p := signOnHarness(t)
	p.signOut = "https://id.example/logout"
	b := h.browser(t)
	b.signIn()
	token, session := b.mustToken(), b.session()
	got := b.send("GET", "/api/v1/auth/logout", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Host": "evil.example"})
	want := "https://id.example/logout?post_logout_redirect_uri=https%3A%2F%2Fcatalog.example%2Fsigned-out"
	if got.status != http.StatusFound || got.header.Get("Location") != want || b.session() != "" {
		t.Errorf("%d to %q, cookie %q", got.status, got.header.Get("Location"), b.session())
	}
	if got := h.whoami(t, token); got.status != http.StatusUnauthorized {
		t.Errorf("the access token still works: %d", got.status)
	}
	b.cookies[cookieOfSession] = session
	if got := b.token(); got.status != http.StatusUnauthorized {
		t.Errorf("the cookie still works: %d", got.status)
	}
}

func TestLegacyCallbackToken(t *testing.T) {
	h, _ := signOnHarness(t)
	settings := redirecting()
	settings.LegacyCallbackToken = true
	h.settings(settings)
	b := h.browser(t)
	for back, carries := range map[string]bool{
		"/auth/callback?a=b": true, "https://catalog.example/auth/callback": true, "https://app.example/callback": false,
	} {
		got := b.arrive(b.depart(back))
		u, err := url.Parse(got.header.Get("Location"))
		check(t, err)
		token := u.Query().Get("id_token")
		if (token != "") != carries || carries && (u.Query().Get("email") != "somebody@example.org" || u.Query().Get("name") != "somebody") {
			t.Errorf("%s: to %s", back, u)
		}
		if !carries {
			continue
		}
		claims := jwt.MapClaims{}
		_, _, err = jwt.NewParser().ParseUnverified(token, claims)
		check(t, err)
		end, err := claims.GetExpirationTime()
		check(t, err)
		if left := time.Until(end.Time); left > time.Minute || left < 30*time.Second {
			t.Errorf("%s: the token works for %v", back, left)
		}
		h.whoami(t, token).want(200)
	}
}

func TestSessionsOverHTTP(t *testing.T) {
	h, _ := signOnHarness(t)
	one, two, three := h.browser(t), h.browser(t), h.browser(t)
	for _, b := range []*browser{one, two, three} {
		b.signIn()
	}
	me := caller{token: one.mustToken()}
	var page struct {
		Data []sessionView `json:"data"`
	}
	h.as(me, "GET", "/auth/sessions", nil).want(200).into(&page)
	current, other := 0, ""
	for _, s := range page.Data {
		if s.Current {
			current++
		} else {
			other = s.ID
		}
		if !s.Browser || s.Expires <= s.SignedIn || s.Address != "127.0.0.1" {
			t.Errorf("%+v", s)
		}
	}
	if len(page.Data) != 3 || current != 1 {
		t.Fatalf("%+v", page.Data)
	}
	h.as(me, "DELETE", "/auth/sessions/"+other, nil).want(200)
	h.as(me, "DELETE", "/auth/sessions/"+other, nil).want(404)
	h.as(me, "DELETE", "/auth/sessions?keepCurrent=true", nil).want(200)
	if one.token().status != 200 || two.token().status != 401 || three.token().status != 401 {
		t.Error("the others have not ended, or the own one has")
	}
	// T39: of others' sessions nobody learns anything.
	two.signIn()
	adminPage := h.do("GET", "/auth/sessions?user=somebody", nil, 200)
	adminPage.into(&page)
	stranger := h.user(h.api.auth, "stranger", false)
	for _, s := range page.Data {
		h.as(stranger, "DELETE", "/auth/sessions/"+s.ID, nil).want(404)
	}
	h.as(stranger, "GET", "/auth/sessions?user=somebody", nil).want(403)
	h.as(stranger, "DELETE", "/auth/sessions?user="+h.nobody.id.String(), nil).want(403)
	h.do("DELETE", "/auth/sessions/"+page.Data[0].ID+"?user=somebody", nil, 200)
	h.do("DELETE", "/auth/sessions?user="+h.nobody.id.String(), nil, 200)
	if one.token().status != 401 {
		t.Error("an administrator could not end the session")
	}
}

// tellingProvider also tells of sign-outs elsewhere and describes this server.
type tellingProvider struct{ fakeProvider }

func (p *tellingProvider) ReadLogout(_ context.Context, token string) (issuer, subject, session string, err error) {
	if token != "good" {
		return "", "", "", auth.Refuse(auth.CodeSignature)
	}
	return "https://id.example/", "sub-" + p.email, "", nil
}

func (p *tellingProvider) Metadata() []byte { return []byte("<EntityDescriptor/>") }

func TestBackChannelLogout(t *testing.T) {
	h := newHarness(t)
	h.settings(redirecting())
	p := &tellingProvider{fakeProvider{email: "somebody@example.org"}}
	h.provider(p)
	b := h.browser(t)
	b.signIn()
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for body, want := range map[string]int{
		"": 400, "logout_token=bad": 400, "logout_token=": 400, "logout_token=good&logout_token=good": 400, "%zz": 400, "logout_token=" + strings.Repeat("x", smallBody): 413,
	} {
		if got := h.browse(t, "POST", "/api/v1/auth/backchannel-logout", form, body); got.status != want {
			t.Errorf("%.40q: %d %s", body, got.status, got.body)
		}
	}
	if got := h.browse(t, "POST", "/api/v1/auth/backchannel-logout", map[string]string{"Content-Type": "application/json"}, `{"logout_token":"good"}`); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("as JSON: %d", got.status)
	}
	b.token().want(200)
	got := h.browse(t, "POST", "/api/v1/auth/backchannel-logout", form, "logout_token=good")
	if got.status != 200 || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if b.token().status != http.StatusUnauthorized {
		t.Error("the session goes on")
	}
}

func TestSAMLAnswersComeByPost(t *testing.T) {
	h := newHarness(t)
	h.settings(redirecting())
	h.provider(&fakeProvider{})
	if got := h.browse(t, "GET", "/api/v1/saml/metadata", nil); got.status != http.StatusNotFound {
		t.Errorf("metadata of a provider without: %d", got.status)
	}
	h.provider(&tellingProvider{fakeProvider{email: "somebody@example.org"}})
	got := h.browse(t, "GET", "/api/v1/saml/metadata", nil).want(200)
	if string(got.body) != "<EntityDescriptor/>" || got.header.Get("Content-Type") != "application/samlmetadata+xml" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%v %s", got.header, got.body)
	}
	b := h.browser(t)
	state := b.depart("/my-data")
	post := func(form string) answer { // from the provider's site: no cookies
		return h.browse(t, "POST", "/api/v1/saml/acs", navigating("Sec-Fetch-Site", "cross-site", "Content-Type", "application/x-www-form-urlencoded"), form)
	}
	if got := post("SAMLResponse=x&RelayState=a.b"); got.status != http.StatusBadRequest || !strings.Contains(got.header.Get("Content-Type"), "html") {
		t.Errorf("an unknown state: %d", got.status)
	}
	got = post("SAMLResponse=x&RelayState=" + url.QueryEscape(state))
	next := got.header.Get("Location")
	if got.status != http.StatusSeeOther || !strings.HasPrefix(next, "/callback?") || len(got.header.Values("Set-Cookie")) > 0 {
		t.Fatalf("%d to %q: %s", got.status, next, got.body)
	}
	if stranger := h.browser(t); stranger.visit(next).status != http.StatusBadRequest || stranger.session() != "" {
		t.Error("another browser can use the answer")
	}
	if got := b.visit(next); got.status != http.StatusFound || got.header.Get("Location") != "/my-data" || b.session() == "" {
		t.Errorf("%d to %q: %s", got.status, got.header.Get("Location"), got.body)
	}
}

func TestNoRoundTripWithoutAProvider(t *testing.T) {
	h := newHarness(t)
	h.settings(redirecting())
	h.api.auth.SetSignOn(basicSignOn())
	if got := h.browse(t, "GET", "/api/v1/auth/login", navigating()); got.status != http.StatusFound || got.header.Get("Location") != "/signin" {
		t.Errorf("a browser: %d to %q", got.status, got.header.Get("Location"))
	}
	if got := h.browse(t, "GET", "/api/v1/auth/login", nil); got.status != http.StatusNotFound || got.code() != `"SEC-CB-NOPROVIDER"` {
		t.Errorf("a program: %d %s", got.status, got.body)
	}
	if got := h.browse(t, "POST", "/api/v1/auth/backchannel-logout", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "logout_token=x"); got.status < 400 || got.status >= 500 {
		t.Errorf("a logout token: %d", got.status)
	}
	if got := h.browse(t, "GET", "/callback?code=x&state=a.b", navigating()); got.status != 200 || len(got.header.Values("Set-Cookie")) > 0 {
		t.Errorf("a callback: %d", got.status)
	}
}

// TestT44UnlinkedByAnAdministrator: an address that went to another identity is refused
// until an administrator removes the link.
func TestT44UnlinkedByAnAdministrator(t *testing.T) {
	h, p := signOnHarness(t)
	h.browser(t).signIn()
	p.subject = "another"
	b := h.browser(t)
	if got := b.arrive(b.depart("/")); got.status != http.StatusForbidden || !strings.Contains(string(got.body), auth.CodeUserRelink) {
		t.Fatalf("another identity with the same address: %d %s", got.status, got.body)
	}
	p.email, p.subject = "admin@example.org", ""
	root := h.browser(t)
	root.signIn()
	var tokens struct {
		AccessToken string `json:"accessToken"`
	}
	root.send(http.MethodGet, "/api/v1/auth/refresh", nil).into(&tokens)
	admin := caller{token: tokens.AccessToken}
	h.as(h.nobody, http.MethodDelete, "/auth/identities?user=somebody", nil).want(http.StatusForbidden)
	h.as(admin, http.MethodDelete, "/auth/identities", nil).want(http.StatusBadRequest)
	h.as(admin, http.MethodDelete, "/auth/identities?user=somebody", nil).want(http.StatusOK)
	p.email, p.subject = "somebody@example.org", "another"
	b.signIn()
}
