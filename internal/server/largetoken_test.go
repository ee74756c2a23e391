package server

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
)

// manyGroups are five hundred groups whose names make a token of at least 16 KiB; the
// last one is a team here.
func manyGroups() []string {
	groups := make([]string, 500)
	for i := range groups {
		groups[i] = fmt.Sprintf("directory-group-number-%03d", i)
	}
	return groups
}

// maxBrowserHeader is what many proxies let through in one header.
const maxBrowserHeader = 4 << 10

// TestF13ManyGroupsThroughTheServer: at a confidential client the provider's token stays
// with the server, and its size is nothing that a browser or a proxy has to bear.
func TestF13ManyGroupsThroughTheServer(t *testing.T) {
	t.Parallel()
	p := authtest.NewBadProvider(t)
	c := startLoudWith(t, map[string]string{
		"AUTHENTICATION_PROVIDER": "custom-oidc", "CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME": "Large", "AUTHENTICATION_CLIENT_TYPE": "confidential",
		"AUTHENTICATION_AUTHORITY": p.Issuer(), "AUTHENTICATION_CLIENT_ID": p.ClientID, "AUTHENTICATION_PUBLIC_KEYS": "[" + p.JWKS() + "]",
		"OIDC_TYPE": "custom", "OIDC_CLIENT_ID": p.ClientID, "OIDC_CLIENT_SECRET": p.ClientSecret,
		"OIDC_DISCOVERY_URI": p.Issuer() + "/.well-known/openid-configuration", "OIDC_SCOPE": "openid email profile offline_access",
		"AUTHENTICATION_ENABLE_SELF_SIGNUP": "true", "AUTHORIZER_ADMIN_PRINCIPALS": "[chief]", "AUTHENTICATION_JWT_TEAM_CLAIM_MAPPING": "groups",
	})
	groups := manyGroups()
	chief := c.throughTheServer(p, map[string]any{"sub": "chief-1", "email": "chief@example.com", "email_verified": true})
	c.admin = chief.token
	c.want(http.StatusCreated, c.admin, http.MethodPost, "/teams", map[string]string{"name": groups[len(groups)-1], "teamType": "Group"})
	refused := c.trail(auth.CodeFormat, "")

	ann := c.throughTheServer(p, map[string]any{"sub": "ann-1", "email": "ann@example.com", "email_verified": true, "groups": groups})
	if size := len(p.Mint(nil, nil)); size < 16<<10 {
		t.Fatalf("F13: the token has only %d bytes", size)
	}
	me := c.want(http.StatusOK, ann.token, http.MethodGet, "/users/loggedInUser?fields=teams", nil)
	if !strings.Contains(string(me.body), groups[len(groups)-1]) {
		t.Errorf("F13: the last of the groups did not arrive: %.400s", me.body)
	}
	for range 3 { // the provider's token is renewed and read again
		ann.token = ann.renewed()
		c.want(http.StatusOK, ann.token, http.MethodGet, "/users/loggedInUser", nil)
	}
	if got := c.trail(auth.CodeFormat, "") - refused; got != 0 {
		t.Errorf("F13: %d tokens were refused on the way", got)
	}
	if status, where := ann.get("/api/v1/auth/logout"); status != http.StatusFound || len(where) > maxBrowserHeader {
		t.Errorf("F13: signing out answers %d and leads to an address of %d bytes", status, len(where))
	}
	if got := c.call(ann.token, http.MethodGet, "/users/loggedInUser", nil); got.code != auth.CodeRevoked {
		t.Errorf("F13: after signing out the token is answered %d %s", got.status, got.code)
	}
	c.quiet()
}

// TestF13ManyGroupsFromTheBrowser: at a public client the browser sends the provider's
// token with each request. One that is too large is refused with words about its size,
// whatever else it says.
func TestF13ManyGroupsFromTheBrowser(t *testing.T) {
	t.Parallel()
	p := authtest.NewBadProvider(t)
	p.Public()
	env := public(p)
	env["AUTHENTICATION_ENABLE_SELF_SIGNUP"], env["AUTHORIZER_ADMIN_PRINCIPALS"] = "true", "[chief]"
	c := startLoudWith(t, env)
	mint := func(name string, more map[string]any) string {
		claims := map[string]any{"sub": name + "-1", "email": name + "@example.com", "email_verified": true, "preferred_username": name, "name": nil}
		for claim, value := range more {
			claims[claim] = value
		}
		token := p.Mint(claims, nil)
		c.secrets = append(c.secrets, token)
		return token
	}
	c.admin = mint("chief", nil)
	c.want(http.StatusOK, c.admin, http.MethodGet, "/users/loggedInUser", nil)

	large := mint("ann", map[string]any{"groups": manyGroups()})
	// Exactly as large as allowed, and a little larger.
	fill := (8<<10 - len(mint("bob", map[string]any{"fill": ""}))) * 3 / 4
	fits, beyond := mint("bob", map[string]any{"fill": strings.Repeat("x", fill-3)}), mint("cec", map[string]any{"fill": strings.Repeat("x", fill+3)})
	if len(large) < 16<<10 || len(fits) > 8<<10 || len(fits) < 8<<10-16 || len(beyond) <= 8<<10 || len(beyond) > 8<<10+16 {
		t.Fatalf("F13: the tokens have %d, %d and %d bytes", len(large), len(fits), len(beyond))
	}
	c.want(http.StatusOK, fits, http.MethodGet, "/users/loggedInUser", nil)
	for name, token := range map[string]string{"ann": large, "cec": beyond} {
		before := c.trail(auth.CodeFormat, "")
		got := c.call(token, http.MethodGet, "/users/loggedInUser", nil)
		if got.status != http.StatusUnauthorized || got.code != auth.CodeFormat {
			t.Errorf("F13: a token of %d bytes is answered %d %s, want 401 %s", len(token), got.status, got.code, auth.CodeFormat)
		}
		if message, hint := got.text("message"), got.text("hint"); !strings.Contains(message, "larger than 8 KiB") || !strings.Contains(hint, "groups") || !strings.Contains(hint, "confidential") {
			t.Errorf("F13: the refusal does not tell that the token is too large, and what to do: %q %q", message, hint)
		}
		if n := c.trail(auth.CodeFormat, "") - before; n != 1 {
			t.Errorf("F13: one refusal is %d entries of the trail", n)
		}
		c.want(http.StatusNotFound, c.admin, http.MethodGet, "/users/name/"+name, nil)
		explained := c.want(http.StatusOK, c.admin, http.MethodPost, "/system/security/doctor/token", map[string]string{"token": token})
		if !strings.Contains(string(explained.body), fmt.Sprintf("the token has %d bytes, more than 8192", len(token))) {
			t.Errorf("F13: the doctor does not name the size: %s", explained.body)
		}
	}
	if trail := c.want(http.StatusOK, c.admin, http.MethodGet, "/system/security/refusals?code="+auth.CodeFormat, nil); !strings.Contains(string(trail.body), `"detail":"larger than 8 KiB"`) {
		t.Errorf("F13: administrators are not told of the size: %s", trail.body)
	}
	c.quiet()
}

// visitor is somebody's browser, signed in through the server.
type visitor struct {
	c      *tester
	client *http.Client
	token  string
}

// throughTheServer signs somebody in at the provider and returns to the server.
func (c *tester) throughTheServer(p *authtest.BadProvider, claims map[string]any) *visitor {
	c.t.Helper()
	p.SetUser(claims)
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	v := &visitor{c: c, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	_, away := v.get("/api/v1/auth/login?redirectUri=%2F")
	back, err := authtest.Visit(c.t.Context(), away, publicAddress)
	if err != nil {
		c.t.Fatal(err)
	}
	if status, where := v.get(back.RequestURI()); status != http.StatusFound || where != "/" {
		c.t.Fatalf("F13: the callback answers %d and leads to %s", status, where)
	}
	v.token = v.renewed()
	return v
}

// get asks for a page and returns where that leads. What comes back in headers must
// fit through a proxy.
func (v *visitor) get(path string) (status int, location string) {
	v.c.t.Helper()
	req, err := http.NewRequestWithContext(v.c.t.Context(), http.MethodGet, v.c.s.url+path, http.NoBody)
	if err != nil {
		v.c.t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "none")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	resp, err := v.client.Do(req)
	if err != nil {
		v.c.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		v.c.t.Fatalf("%s answers %d", path, resp.StatusCode)
	}
	where, err := url.Parse(v.c.s.url)
	if err != nil {
		v.c.t.Fatal(err)
	}
	size := 0
	for _, cookie := range v.client.Jar.Cookies(where) {
		size += len(cookie.Name) + len(cookie.Value)
		v.c.secrets = append(v.c.secrets, cookie.Value)
	}
	if size > maxBrowserHeader/2 {
		v.c.t.Errorf("F13: the browser keeps %d bytes of cookies", size)
	}
	return resp.StatusCode, resp.Header.Get("Location")
}

// renewed asks for the access token of the session, which must fit through a proxy, too.
func (v *visitor) renewed() string {
	v.c.t.Helper()
	var got tokens
	r, err := ask(v.c.t.Context(), v.client, http.MethodGet, v.c.s.url+"/api/v1/auth/refresh", "", nil)
	if err != nil || r.status != http.StatusOK {
		v.c.t.Fatalf("F13: the session is answered %d %s, %v", r.status, r.code, err)
	}
	r.read(v.c.t, &got)
	if len(got.Access) > maxBrowserHeader/2 {
		v.c.t.Errorf("F13: the access token has %d bytes", len(got.Access))
	}
	v.c.secrets = append(v.c.secrets, got.Access)
	return got.Access
}
