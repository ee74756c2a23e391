package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
)

// module is one of the OpenID Foundation's tests of relying parties, done anew.
type module struct {
	name  string
	fault authtest.Fault
	// change prepares the provider before the client connects.
	change func(t *testing.T, f *fixture)
	// codes that the sign-in is refused with; none if it succeeds.
	codes []string
	check func(t *testing.T, f *fixture, g auth.Grant)
}

func modules() []module {
	nothingInTheToken := func(_ *testing.T, f *fixture) {
		f.bad.SetUser(map[string]any{"sub": "alice-1"})
		f.bad.SetUserinfo(map[string]any{"email": "alice@example.com", "email_verified": true})
	}
	return []module{
		{name: "oidcc-client-test", check: func(t *testing.T, _ *fixture, g auth.Grant) {
			if g.Identity.Subject != "alice-1" || g.Identity.Text("email") != "alice@example.com" {
				t.Errorf("got %+v", g.Identity)
			}
		}},
		{name: "oidcc-client-test-nonce-invalid", fault: authtest.NonceWrong, codes: []string{auth.CodeNonce}},
		{name: "oidcc-client-test-client-secret-basic", change: func(t *testing.T, f *fixture) {
			f.bad.Break(authtest.DiscoveryBasicOnly)
			f.connect(t, func(c *Config) { c.AuthMethod = AuthBasic })
		}},
		{name: "oidcc-client-test-scope-userinfo-claims", change: nothingInTheToken, check: func(t *testing.T, f *fixture, g auth.Grant) {
			if g.Identity.Text("email") != "alice@example.com" || string(g.Identity.Claims["email_verified"]) != "true" {
				t.Errorf("userinfo gave %v", g.Identity.Claims)
			}
		}},
		{name: "oidcc-client-test-kid-absent-single-jwks", change: func(_ *testing.T, f *fixture) { f.bad.HideKeyIDs() }},
		{name: "oidcc-client-test-kid-absent-multiple-jwks", codes: []string{auth.CodeKeyID}, change: func(_ *testing.T, f *fixture) {
			f.bad.HideKeyIDs()
			f.bad.Rotate(true)
		}},
		{name: "oidcc-client-test-missing-iat", fault: authtest.IatMissing, codes: []string{auth.CodeFormat}},
		{name: "oidcc-client-test-missing-aud", fault: authtest.AudMissing, codes: []string{auth.CodeAudience}},
		{name: "oidcc-client-test-invalid-aud", fault: authtest.AudForeign, codes: []string{auth.CodeAudience}},
		{name: "oidcc-client-test-idtoken-sig-none", fault: authtest.AlgNone, codes: []string{auth.CodeAlgorithm}},
		{name: "oidcc-client-test-idtoken-sig-rs256", check: func(t *testing.T, f *fixture, g auth.Grant) {
			if _, err := f.bearer(t.Context(), g.IDToken); err != nil {
				t.Error(err)
			}
		}},
		{name: "oidcc-client-test-missing-sub", fault: authtest.SubMissing, codes: []string{auth.CodeFormat, auth.CodeClaims}},
		{name: "oidcc-client-test-invalid-sig-rs256", fault: authtest.SignatureFlipped, codes: []string{auth.CodeSignature}},
		{name: "oidcc-client-test-invalid-sig-hs256", fault: authtest.HMACWithPEM, codes: []string{auth.CodeAlgorithm}},
		{name: "oidcc-client-test-invalid-sig-es256", fault: authtest.SignatureFlipped, codes: []string{auth.CodeSignature}, change: useES256},
		{name: "oidcc-client-test-invalid-iss", fault: authtest.IssuerForeign, codes: []string{auth.CodeIssuer}},
		{name: "oidcc-client-test-userinfo-invalid-sub", fault: authtest.UserinfoForeignSub, change: nothingInTheToken,
			codes: []string{auth.CodeNonce}},
		{name: "oidcc-client-test-userinfo-bearer-header", change: nothingInTheToken, check: func(t *testing.T, f *fixture, _ auth.Grant) {
			if f.bad.Hits("/userinfo") != 1 {
				t.Errorf("userinfo was asked %d times", f.bad.Hits("/userinfo"))
			}
		}},
		{name: "oidcc-client-test-discovery-openid-config", check: func(t *testing.T, f *fixture, _ auth.Grant) {
			if m, ok := f.Metadata(); !ok || m.TokenEndpoint != f.bad.Issuer()+"/token" || !m.IssParameter {
				t.Errorf("discovered %+v", m)
			}
		}},
		{name: "oidcc-client-test-discovery-jwks-uri-keys", check: func(t *testing.T, f *fixture, _ auth.Grant) {
			if f.bad.Hits("/jwks") != 1 {
				t.Errorf("keys were fetched %d times", f.bad.Hits("/jwks"))
			}
		}},
		{name: "oidcc-client-test-discovery-issuer-mismatch", codes: []string{auth.CodeDiscIssuer}, change: func(t *testing.T, f *fixture) {
			f.bad.Break(authtest.DiscoveryForeignIssuer)
		}},
		{name: "oidcc-client-test-signing-key-rotation-just-before-signing", change: func(t *testing.T, f *fixture) {
			mustSignIn(t, f.Provider)
			f.clock.Add(fetchEvery)
			f.bad.Rotate(false)
		}},
		{name: "oidcc-client-test-signing-key-rotation", change: func(t *testing.T, f *fixture) {
			mustSignIn(t, f.Provider)
			f.clock.Add(fetchEvery)
			f.bad.Rotate(true)
		}},
	}
}

func useES256(t *testing.T, f *fixture) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f.bad.Sign(key, false)
	f.connect(t, func(c *Config) { c.Algorithms = []string{"ES256"} })
	mustSignIn(t, f.Provider)
}

func TestRelyingPartyModules(t *testing.T) {
	if n := len(modules()); n != 23 {
		t.Fatalf("%d modules, not 23", n)
	}
	for _, m := range modules() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			if m.change != nil {
				m.change(t, f)
			}
			if m.fault != authtest.NoFault {
				f.bad.Break(m.fault)
			}
			if m.name == "oidcc-client-test-discovery-issuer-mismatch" {
				_, err := New(t.Context(), configFor(f.bad), devClient(0), f.clock.Now, nil)
				var fault *ConfigError
				if !errors.As(err, &fault) || fault.Field != fieldAuthority {
					t.Errorf("got %v, want a fault of the authority", err)
				}
				wantCode(t, err, m.codes...)
				return
			}
			g, err := signIn(t, f.Provider)
			if len(m.codes) > 0 {
				wantCode(t, err, m.codes...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if m.check != nil {
				m.check(t, f, g)
			}
		})
	}
}

// TestTokenFaults is T01 to T13 at the two doors of this package: the callback, and
// the trust that bearers are judged by.
func TestTokenFaults(t *testing.T) {
	f := setup(t)
	mustSignIn(t, f.Provider) // keys are at hand, so fetches come from faults only
	for _, fault := range authtest.TokenFaults() {
		t.Run(fault.ID+" "+string(fault.Fault), func(t *testing.T) {
			f.bad.Break(fault.Fault)
			_, err := signIn(t, f.Provider)
			f.bad.Heal()
			switch {
			case !fault.Bearer:
				wantCode(t, err, fault.Codes...)
			case err != nil: // package auth refuses it as a bearer
				t.Errorf("what only a request must not carry is refused at the callback: %v", err)
			}
			if !fault.Login && !fault.Bearer {
				_, err = f.bearer(t.Context(), f.bad.Token(fault.Fault))
				wantCode(t, err, fault.Codes...)
			}
			if n := f.bad.AttackerHits(); n != 0 {
				t.Errorf("the attacker was called %d times", n)
			}
		})
	}
	if n := f.bad.Hits("/jwks"); n > 2 {
		t.Errorf("keys were fetched %d times within one moment", n)
	}
	mustSignIn(t, f.Provider)
}

func TestT04KeyWithoutAlgorithm(t *testing.T) {
	f := setup(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f.bad.Sign(key, false)
	mustSignIn(t, f.Provider) // the provider's keys have no alg: RS256 is right
	_, err = f.bearer(t.Context(), f.bad.Token(authtest.HMACWithDER))
	wantCode(t, err, auth.CodeAlgorithm)
}

func TestT08OtherIssuerWithListedKeys(t *testing.T) {
	other := authtest.NewBadProvider(t)
	f := setup(t)
	f.connect(t, func(c *Config) { c.PublicKeyURLs = []string{f.bad.JWKS(), other.JWKS()} })
	_, err := f.bearer(t.Context(), other.Token())
	wantCode(t, err, auth.CodeIssuer)
	if _, err := f.bearer(t.Context(), f.bad.Token()); err != nil {
		t.Error(err)
	}
}

func TestT10ExpiredWithinSkew(t *testing.T) {
	f := setup(t)
	now := f.clock.Now().Unix()
	for ago, code := range map[int64]string{29: "", 31: auth.CodeExpired} {
		_, err := f.bearer(t.Context(), f.bad.Mint(map[string]any{"exp": now - ago}, nil))
		wantCode(t, err, code)
	}
}

func TestT11TwoAudiencesWithParty(t *testing.T) {
	f := setup(t)
	claims := map[string]any{"aud": []string{"another", f.bad.ClientID}, "azp": f.bad.ClientID}
	if _, err := f.bearer(t.Context(), f.bad.Mint(claims, nil)); err != nil {
		t.Error(err)
	}
}

func TestT13AccessTokenOfAnAPI(t *testing.T) {
	f := setup(t)
	token := f.bad.Mint(map[string]any{"aud": "https://api.example"}, map[string]any{"typ": "at+jwt"})
	_, err := f.bearer(t.Context(), token)
	wantCode(t, err, auth.CodeAudience)
	f.connect(t, func(c *Config) { c.AcceptedAudiences = []string{"https://api.example"} })
	if _, err := f.bearer(t.Context(), token); err != nil {
		t.Errorf("a named API: %v", err)
	}
}
