package oidc

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
)

func connectGood(t *testing.T, good *authtest.GoodProvider, change ...func(*Config)) *Provider {
	t.Helper()
	cfg := Config{
		Kind: KindCustom, Issuer: good.Issuer, ClientID: authtest.GoodWebClient, ClientSecret: good.Secret,
		Scope: "openid email profile offline_access", UseNonce: true, CallbackURL: callback, ServerURL: home,
		Skew: 30 * time.Second, PrincipalClaims: []string{"email", "sub"}, Prompt: "login",
	}
	for _, c := range change {
		c(&cfg)
	}
	p, err := New(t.Context(), cfg, devClient(5*time.Second), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestGoodProvider(t *testing.T) {
	good := authtest.NewGoodProvider(t, callback, home+"/signed-out")
	for name, change := range map[string]func(*Config){
		"confidential, basic": func(*Config) {},
		"confidential, post":  func(c *Config) { c.AuthMethod = AuthPost },
		"public":              func(c *Config) { c.ClientID, c.ClientSecret, c.Public = authtest.GoodPublicClient, "", true },
	} {
		t.Run(name, func(t *testing.T) {
			p := connectGood(t, good, change)
			d := departure()
			answer := visit(t, p, &d)
			g, err := p.Finish(t.Context(), d, answer)
			if err != nil {
				t.Fatal(err)
			}
			if g.Identity.Subject != good.Subject || g.Identity.Text("email") != good.Email || g.RefreshToken == "" {
				t.Errorf("got %+v", g)
			}
			_, err = p.Finish(t.Context(), d, answer)
			wantCode(t, err, auth.CodeCode)

			next, err := p.Renew(t.Context(), g.RefreshToken)
			if err != nil {
				t.Fatal(err)
			}
			if next.Identity.Subject != good.Subject || next.RefreshToken == g.RefreshToken {
				t.Errorf("renewed to %+v", next)
			}
			_, err = p.Renew(t.Context(), g.RefreshToken)
			wantCode(t, err, auth.CodeRefresh)
			if err := p.Revoke(t.Context(), next.RefreshToken); err != nil {
				t.Fatal(err)
			}
			_, err = p.Renew(t.Context(), next.RefreshToken)
			wantCode(t, err, auth.CodeRefresh)

			back, err := authtest.Visit(t.Context(), p.SignOut(next.IDToken, "", home+"/signed-out"), home)
			if err != nil || back.Path != "/signed-out" {
				t.Errorf("after the sign-out: %v %v", back, err)
			}
		})
	}
	if good.Hits("/userinfo") == 0 {
		t.Error("the provider gives the email in userinfo only, which nobody asked")
	}
}

func TestGoodProviderRefusals(t *testing.T) {
	good := authtest.NewGoodProvider(t, callback, home+"/signed-out")
	p := connectGood(t, good, func(c *Config) { c.ClientSecret += "x" })
	_, err := signIn(t, p)
	wantCode(t, err, auth.CodeClient)

	p = connectGood(t, good)
	d := departure()
	answer := visit(t, p, &d)
	d.Verifier = departure().Verifier
	_, err = p.Finish(t.Context(), d, answer)
	wantCode(t, err, auth.CodeCode)

	d = departure()
	answer = visit(t, p, &d)
	d.Nonce = departure().Nonce
	_, err = p.Finish(t.Context(), d, answer)
	wantCode(t, err, auth.CodeNonce)

	resp := p.SignOut("", "", "https://evil.example/")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, resp, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := p.send(req); err != nil || strings.Contains(a.header.Get("Location"), "evil") {
		t.Errorf("the provider leads elsewhere: %v", err)
	}
}

func TestDiagnoseGoodProvider(t *testing.T) {
	good := authtest.NewGoodProvider(t, callback, home)
	for _, s := range connectGood(t, good).Diagnose(t.Context()) {
		if !s.OK && !s.Warning {
			t.Errorf("%+v", s)
		}
	}
}
