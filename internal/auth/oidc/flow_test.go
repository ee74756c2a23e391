package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestStartRequest(t *testing.T) {
	f := setup(t, func(c *Config) {
		age := time.Hour
		c.MaxAge, c.Prompt, c.CustomParams = &age, "login", map[string]string{"audience": "x"}
	})
	d := departure()
	address, err := f.Start(t.Context(), &d)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	got := u.Query()
	if len(got.Get("code_challenge")) != 43 || strings.Contains(address, d.Verifier) {
		t.Error("the challenge is not the hash of the verifier")
	}
	got.Del("code_challenge")
	want := url.Values{
		"response_type": {"code"}, "client_id": {f.bad.ClientID}, "redirect_uri": {callback}, "audience": {"x"},
		"scope": {"openid email profile offline_access"}, "state": {d.State}, "nonce": {d.Nonce},
		"code_challenge_method": {"S256"}, "prompt": {"login"}, "max_age": {"3600"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestClientAuthentication(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"by default":             func(*Config) {},
		AuthBasic:                func(c *Config) { c.AuthMethod = AuthBasic },
		AuthPost:                 func(c *Config) { c.AuthMethod = AuthPost },
		AuthSecretJWT:            func(c *Config) { c.AuthMethod = AuthSecretJWT },
		AuthPrivateJWT + " RSA":  func(c *Config) { c.AuthMethod, c.Key, c.KeyID, c.ClientSecret = AuthPrivateJWT, rsaKey, "k", "" },
		AuthPrivateJWT + " EC":   func(c *Config) { c.AuthMethod, c.Key, c.ClientSecret = AuthPrivateJWT, ecKey, "" },
		AuthPrivateJWT + " Okta": func(c *Config) { c.Kind, c.AuthMethod, c.Key, c.ClientSecret = KindOkta, AuthPrivateJWT, ecKey, "" },
		AuthNone:                 func(c *Config) { c.Public, c.ClientSecret = true, "" },
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, change)
			switch {
			case f.cfg.Public:
				f.bad.Public()
			case f.cfg.Key != nil:
				f.bad.SetClientKey(f.cfg.Key.Public())
			}
			mustSignIn(t, f.Provider)
			if f.cfg.Public {
				return
			}
			// The same with a wrong secret or key must fail, or nothing was proven.
			f.connect(t, change, func(c *Config) {
				if c.ClientSecret != "" {
					c.ClientSecret += "x"
				}
				if c.Key == nil {
					return
				}
				other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				c.Key = other
			})
			_, err := signIn(t, f.Provider)
			wantCode(t, err, auth.CodeClient)
			if strings.Contains(err.Error(), f.bad.ClientSecret) {
				t.Error("the error holds the secret")
			}
		})
	}
}

func TestT17CodeReplay(t *testing.T) {
	f := setup(t)
	d := departure()
	answer := visit(t, f.Provider, &d)
	var mu sync.Mutex
	var wait sync.WaitGroup
	successes := 0
	for range 5 {
		wait.Go(func() {
			_, err := f.Finish(t.Context(), d, answer)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				successes++
			} else if codeOf(err) != auth.CodeCode {
				t.Errorf("a replayed code gives %v", err)
			}
		})
	}
	wait.Wait()
	if successes != 1 {
		t.Errorf("%d of 5 callbacks with one code succeeded", successes)
	}
	if n := f.bad.Hits("/token"); n != 5 {
		t.Errorf("%d calls for 5 callbacks: a code must not be sent again", n)
	}
}

func TestT18MixUp(t *testing.T) {
	f := setup(t)
	for _, fault := range []authtest.Fault{authtest.ResponseForeignIss, authtest.ResponseNoIss} {
		f.bad.Break(fault)
		_, err := signIn(t, f.Provider)
		wantCode(t, err, auth.CodeMixUp)
		f.bad.Heal()
	}
	d := departure()
	answer := visit(t, f.Provider, &d)
	answer.Add("iss", answer.Get("iss"))
	_, err := f.Finish(t.Context(), d, answer)
	wantCode(t, err, auth.CodeMixUp)
	if n := f.bad.Hits("/token"); n != 0 {
		t.Errorf("the code was sent %d times", n)
	}
}

func TestT19Downgrade(t *testing.T) {
	f := setup(t)
	f.bad.Break(authtest.DiscoveryPlainOnly)
	_, err := New(t.Context(), configFor(f.bad), devClient(0), f.clock.Now, nil)
	if err == nil || !strings.Contains(err.Error(), fieldPKCE) {
		t.Errorf("plain only: %v", err)
	}
	f.bad.Heal()
	// Without the verifier, the provider refuses the code.
	d := departure()
	answer := visit(t, f.Provider, &d)
	d.Verifier = ""
	_, err = f.Finish(t.Context(), d, answer)
	wantCode(t, err, auth.CodeCode)
}

func TestAnswerOfTheProvider(t *testing.T) {
	f := setup(t)
	for fault, code := range map[authtest.Fault]string{
		authtest.ResponseError:      auth.CodeProvider,
		authtest.ResponseTwoCodes:   auth.CodeCode,
		authtest.TokenDown:          auth.CodeUpstream,
		authtest.TokenDrops:         auth.CodeUpstream,
		authtest.TokenInvalidClient: auth.CodeClient,
		authtest.TokenInvalidGrant:  auth.CodeCode,
		authtest.TokenText:          auth.CodeUpstream,
		authtest.TokenHuge:          auth.CodeUpstream,
		authtest.TokenRedirect:      auth.CodeUpstream,
		authtest.TokenNoIDToken:     auth.CodeUpstream,
	} {
		t.Run(string(fault), func(t *testing.T) {
			before := f.bad.Hits("/token")
			f.bad.Break(fault)
			defer f.bad.Heal()
			_, err := signIn(t, f.Provider)
			wantCode(t, err, code)
			if n := f.bad.Hits("/token") - before; n > 1 {
				t.Errorf("the code was sent %d times", n)
			}
			if f.bad.AttackerHits() != 0 {
				t.Error("the redirect was followed")
			}
			if message := entity.AsError(err).Message; strings.Contains(message, "script") || strings.Contains(message, "access_denied") {
				t.Errorf("the message repeats the provider: %s", message)
			}
		})
	}
}

func TestTokenEndpointHangs(t *testing.T) {
	f := setup(t)
	d := departure()
	answer := visit(t, f.Provider, &d)
	f.bad.Break(authtest.TokenHangs)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := f.Finish(ctx, d, answer)
	wantCode(t, err, auth.CodeUpstream)
}

// refusingTransport refuses the first connections.
type refusingTransport struct {
	next    http.RoundTripper
	mu      sync.Mutex
	refuse  int
	refused int
}

func (r *refusingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	if req.Method == http.MethodPost && r.refuse > 0 {
		r.refuse--
		r.refused++
		r.mu.Unlock()
		return nil, &net.OpError{Op: "dial", Err: net.UnknownNetworkError("none")}
	}
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

func TestRetryOnlyBeforeTheConnection(t *testing.T) {
	f := setup(t)
	for refuse, code := range map[int]string{1: "", 2: auth.CodeUpstream} {
		client := devClient(2 * time.Second)
		transport := &refusingTransport{next: client.Transport, refuse: refuse}
		client.Transport = transport
		p, err := New(t.Context(), configFor(f.bad), client, f.clock.Now, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = signIn(t, p)
		wantCode(t, err, code)
		if transport.refused != refuse {
			t.Errorf("%d tries", transport.refused)
		}
		p.Close()
	}
}

func TestRenewAndRevoke(t *testing.T) {
	f := setup(t)
	g := mustSignIn(t, f.Provider)
	next, err := f.Renew(t.Context(), g.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if next.RefreshToken == g.RefreshToken || next.RefreshToken == "" || next.Identity.Subject != "alice-1" || next.Expires.IsZero() {
		t.Errorf("got %+v", next)
	}
	_, err = f.Renew(t.Context(), g.RefreshToken)
	wantCode(t, err, auth.CodeRefresh)
	if err := f.Revoke(t.Context(), next.RefreshToken); err != nil {
		t.Fatal(err)
	}
	if got := f.bad.Revoked(); len(got) != 1 || got[0] != next.RefreshToken {
		t.Errorf("revoked %q", got)
	}
	_, err = f.Renew(t.Context(), next.RefreshToken)
	wantCode(t, err, auth.CodeRefresh)
}

func TestRenewWithoutNewTokens(t *testing.T) {
	f := setup(t)
	g := mustSignIn(t, f.Provider)
	f.bad.Break(authtest.TokenNoIDToken, authtest.TokenNoRefresh)
	next, err := f.Renew(t.Context(), g.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if next.RefreshToken != g.RefreshToken || next.Identity.Subject != "" || next.Identity.Issuer != f.bad.Issuer() {
		t.Errorf("got %+v", next)
	}
	if want := f.clock.Now().Add(time.Hour); !next.Expires.Equal(want) {
		t.Errorf("expires %v, not %v", next.Expires, want)
	}
}

func TestF03TokenEndpointDownDuringRefresh(t *testing.T) {
	f := setup(t)
	g := mustSignIn(t, f.Provider)
	for _, fault := range []authtest.Fault{authtest.TokenDown, authtest.TokenDrops, authtest.TokenText, authtest.TokenHuge} {
		f.bad.Break(fault)
		_, err := f.Renew(t.Context(), g.RefreshToken)
		wantCode(t, err, auth.CodeUpstream)
		if entity.KindOf(err) != entity.KindUnavailable {
			t.Errorf("%s: kind %v ends the session", fault, entity.KindOf(err))
		}
		f.bad.Heal()
	}
	f.bad.Break(authtest.TokenInvalidClient)
	_, err := f.Renew(t.Context(), g.RefreshToken)
	wantCode(t, err, auth.CodeClient)
	f.bad.Heal()
	if _, err := f.Renew(t.Context(), g.RefreshToken); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

func TestUserinfo(t *testing.T) {
	f := setup(t, func(c *Config) { c.Claims = []string{"groups"} })
	f.bad.SetUser(map[string]any{"sub": "alice-1", "email": "alice@example.com", "name": "Alice"})
	f.bad.SetUserinfo(map[string]any{"groups": []string{"a"}, "email": "mallory@example.com", "email_verified": true, "name": "Mallory"})
	g := mustSignIn(t, f.Provider)
	if g.Identity.Text("email") != "alice@example.com" || g.Identity.Text("name") != "Alice" || string(g.Identity.Claims["groups"]) != `["a"]` {
		t.Errorf("claims %v", g.Identity.Claims)
	}
	if g.Identity.Claims["email_verified"] != nil {
		t.Error("userinfo vouches for an address it did not give")
	}
	f.bad.Break(authtest.UserinfoDown)
	_, err := signIn(t, f.Provider)
	wantCode(t, err, auth.CodeUpstream)
	f.bad.Heal()
	before := f.bad.Hits("/userinfo")
	f.bad.SetUser(map[string]any{"sub": "alice-1", "email": "alice@example.com", "groups": []string{"b"}})
	mustSignIn(t, f.Provider)
	if n := f.bad.Hits("/userinfo"); n != before {
		t.Error("userinfo was asked though nothing was missing")
	}
}

func TestMaxAge(t *testing.T) {
	age := 5 * time.Minute
	f := setup(t, func(c *Config) { c.MaxAge = &age })
	mustSignIn(t, f.Provider)
	f.bad.SetUser(map[string]any{"sub": "alice-1", "email": "a@example.com", "auth_time": f.clock.Now().Add(-time.Hour).Unix()})
	_, err := signIn(t, f.Provider)
	wantCode(t, err, auth.CodeExpired)
}

func TestSwitchesOff(t *testing.T) {
	f := setup(t, func(c *Config) { c.UseNonce, c.DisablePKCE = false, true })
	d := departure()
	address, err := f.Start(t.Context(), &d)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nonce=", "code_challenge"} {
		if strings.Contains(address, name) {
			t.Errorf("%s is sent", name)
		}
	}
	mustSignIn(t, f.Provider)
}

func TestNonceOfTheAttemptMissing(t *testing.T) {
	f := setup(t)
	d := departure()
	answer := visit(t, f.Provider, &d)
	d.Nonce = ""
	_, err := f.Finish(t.Context(), d, answer)
	wantCode(t, err, auth.CodeNonce)
}
