package api

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// fakeProvider is an identity provider that vouches for whoever it is told.
type fakeProvider struct {
	mu       sync.Mutex
	finished int
	refuse   error
	email    string
	subject  string // "sub-" and the email if empty
	signOut  string
}

func (p *fakeProvider) Start(_ context.Context, d *auth.Departure) (string, error) {
	return "https://id.example/authorize?" + url.Values{"state": {d.State}, "nonce": {d.Nonce}}.Encode(), nil
}

func (p *fakeProvider) Finish(context.Context, auth.Departure, url.Values) (auth.Grant, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished++
	if p.refuse != nil {
		return auth.Grant{}, p.refuse
	}
	return auth.Grant{
		Identity: auth.Identity{Issuer: "https://id.example/", Subject: cmp.Or(p.subject, "sub-"+p.email), Claims: map[string]jsontext.Value{
			"email": jsontext.Value(`"` + p.email + `"`), "email_verified": jsontext.Value("true"),
		}},
		RefreshToken: "provider-refresh", IDToken: "provider-id-token", Expires: time.Now().Add(time.Hour),
	}, nil
}

func (p *fakeProvider) SignOut(_, _, back string) string {
	if p.signOut == "" {
		return ""
	}
	return p.signOut + "?" + url.Values{"post_logout_redirect_uri": {back}}.Encode()
}

func (p *fakeProvider) Renew(context.Context, string) (auth.Grant, error) {
	return p.Finish(context.Background(), auth.Departure{}, nil)
}

func (p *fakeProvider) Revoke(context.Context, string) error { return nil }

// settings puts settings in force.
func (h *harness) settings(s SignOnSettings) { h.api.signOn = func() SignOnSettings { return s } }

// provider lets people sign in at a provider.
func (h *harness) provider(p auth.RedirectProvider) {
	h.api.auth.SetSignOn(&auth.SignOn{
		Provider: "custom-oidc", Redirect: p, Identity: "fake",
		Rules: auth.Rules{PrincipalClaims: []string{"email", "preferred_username", "sub"}, SelfSignup: true, RegistrationDomains: []string{"all"}},
	})
}

// browse sends a request with headers as a browser would, follows nothing, and does
// not pass cookies on by itself.
func (h *harness) browse(t testing.TB, method, path string, header map[string]string, body ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(strings.Join(body, "")))
	check(t, err)
	for name, value := range header {
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	return unfollowed(t, method+" "+path, req)
}

// unfollowed sends a request and returns the answer itself, where it leads elsewhere, too.
func unfollowed(t testing.TB, what string, req *http.Request) answer {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	check(t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	check(t, err)
	return answer{t: t, what: what, status: resp.StatusCode, header: resp.Header, body: raw}
}

// navigating are the headers of a browser that goes to a page.
func navigating(more ...string) map[string]string {
	header := map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none", "Accept": "text/html,*/*;q=0.8"}
	for i := 0; i+1 < len(more); i += 2 {
		header[more[i]] = more[i+1]
	}
	return header
}

// cookies returns what an answer sets, by name.
func (a answer) cookies() map[string]*http.Cookie {
	out := map[string]*http.Cookie{}
	for _, cookie := range (&http.Response{Header: a.header}).Cookies() {
		out[cookie.Name] = cookie
	}
	return out
}

// code returns the machine code of an error answer.
func (a answer) code() string {
	a.t.Helper()
	return string(a.member("errorCode"))
}

// noDirectory is a directory that does not answer.
type noDirectory struct{}

func (noDirectory) Check(context.Context, string, string) (auth.Identity, error) {
	return auth.Identity{}, auth.Refuse(auth.CodeDirectory)
}
