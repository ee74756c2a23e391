package oidc

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
)

// stepOf finds a step and checks what holds for every report.
func stepOf(t *testing.T, f *fixture, name string) Step {
	t.Helper()
	var found Step
	for _, s := range f.Diagnose(t.Context()) {
		if strings.Contains(s.Detail+s.Remedy, f.bad.ClientSecret) {
			t.Errorf("the step %s holds the secret", s.Name)
		}
		if !s.OK && (s.Detail == "" || s.Remedy == "") {
			t.Errorf("the step %s fails without words: %+v", s.Name, s)
		}
		if s.Name == name {
			found = s
		}
	}
	return found
}

func TestDiagnoseAllWell(t *testing.T) {
	f := setup(t)
	names := make(map[string]bool)
	for _, s := range f.Diagnose(t.Context()) {
		if !s.OK {
			t.Errorf("%+v", s)
		}
		names[s.Name] = true
	}
	for _, want := range []string{"TCP", "TLS", "answer", "clock", "document", "issuer", "keys", "algorithms", "client authentication",
		"refresh tokens", "sign-out", "redirect_uri", "client id and secret"} {
		if !names[want] {
			t.Errorf("no step %s", want)
		}
	}
}

func TestDiagnoseFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault  authtest.Fault
		change func(*Config)
		step   string
		code   string
		warns  bool
	}{
		"discovery down":    {authtest.DiscoveryDown, nil, "answer", auth.CodeUpstream, false},
		"discovery HTML":    {authtest.DiscoveryHTML, nil, "document", auth.CodeUpstream, false},
		"foreign issuer":    {authtest.DiscoveryForeignIssuer, nil, "issuer", auth.CodeDiscIssuer, false},
		"keys down":         {authtest.JWKSDown, nil, "keys", auth.CodeJWKSDown, false},
		"keys weak":         {authtest.JWKSWeak, nil, "keys", auth.CodeJWKSBad, false},
		"keys are a page":   {authtest.JWKSHTML, nil, "keys", auth.CodeJWKSBad, false},
		"client refused":    {authtest.TokenInvalidClient, nil, "client id and secret", auth.CodeClient, false},
		"token down":        {authtest.TokenDown, nil, "client id and secret", auth.CodeUpstream, false},
		"accepts any code":  {authtest.TokenText, nil, "client id and secret", auth.CodeUpstream, false},
		"no offline_access": {authtest.NoFault, func(c *Config) { c.Scope = "openid email" }, "refresh tokens", codeScopeRefresh, true},
		"no offline_access in the browser": {authtest.NoFault, func(c *Config) {
			c.Public, c.AuthMethod, c.ClientSecret, c.Scope = true, AuthNone, "", "openid email"
		}, "refresh tokens", codeScopeRefresh, true},
		"wrong secret":    {authtest.NoFault, func(c *Config) { c.ClientSecret = "wrong-one" }, "client id and secret", auth.CodeClient, false},
		"wrong client id": {authtest.NoFault, func(c *Config) { c.ClientID = "unknown" }, "redirect_uri", auth.CodeProvider, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, func(c *Config) {
				if c.ClientSecret != "" && name == "wrong secret" {
					c.ClientSecret = "wrong-one"
				}
			})
			if c.change != nil {
				f.connect(t, c.change)
			}
			if c.fault != authtest.NoFault {
				f.bad.Break(c.fault)
			}
			s := stepOf(t, f, c.step)
			if s.OK || s.Code != c.code || s.Warning != c.warns {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestF04ClockOffset(t *testing.T) {
	for offset, words := range map[time.Duration]string{10 * time.Minute: "ahead", -10 * time.Minute: "behind"} {
		f := setup(t)
		f.bad.SetClock(time.Now)
		token := f.bad.Token()
		f.clock.Add(offset)
		if offset < 0 {
			_, err := f.bearer(t.Context(), token)
			wantCode(t, err, auth.CodeSkew)
		}
		s := stepOf(t, f, "clock")
		if s.OK || s.Code != auth.CodeSkew || !strings.Contains(s.Detail, words) || !strings.Contains(s.Detail, "m") {
			t.Errorf("offset %v: %+v", offset, s)
		}
	}
}

func TestDiagnoseConnection(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, c := range map[string]struct {
		issuer string
		allow  []string
		step   string
		words  string
	}{
		"unknown authority": {secure.URL, []string{"127.0.0.1"}, "TLS", "authority"},
		"closed port":       {closed.URL, []string{"127.0.0.1"}, "TCP", "no connection"},
		"forbidden":         {closed.URL, nil, "address", "forbid"},
		"forbidden, open":   {secure.URL, nil, "address", "forbid"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := valid()
			cfg.Issuer, cfg.RetryAfter = c.issuer, time.Hour
			p, err := New(t.Context(), cfg, outbound.New(outbound.Options{Allow: c.allow}), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Close)
			steps := p.Diagnose(t.Context())
			last := steps[len(steps)-1]
			if last.OK || last.Name != c.step || !strings.Contains(last.Detail, c.words) || last.Remedy == "" {
				t.Errorf("got %+v", steps)
			}
		})
	}
}
