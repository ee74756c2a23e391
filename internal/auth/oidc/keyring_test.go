package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
)

func (f *fixture) mustBear(t testing.TB, token string) {
	t.Helper()
	if _, err := f.bearer(t.Context(), token); err != nil {
		t.Fatal(err)
	}
}

func TestT64Rotation(t *testing.T) {
	f := setup(t)
	old := f.bad.Token()
	f.mustBear(t, old)

	f.clock.Add(fetchEvery)
	f.bad.Rotate(true)
	f.mustBear(t, f.bad.Token()) // with overlap: both verify
	f.mustBear(t, old)

	f.clock.Add(fetchEvery)
	f.bad.Rotate(false)
	f.mustBear(t, f.bad.Token()) // without: the old key is gone with the fresh set
	_, err := f.bearer(t.Context(), old)
	wantCode(t, err, auth.CodeKeyID)

	f.clock.Add(fetchEvery)
	for range 29 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		f.bad.PublishKey(key.Public(), "more-"+rand.Text(), "sig")
	}
	f.bad.Rotate(false)
	f.mustBear(t, f.bad.Token()) // the 30th of 30 keys

	f.bad.Swap() // another key under the known id
	_, err = f.bearer(t.Context(), f.bad.Token())
	wantCode(t, err, auth.CodeSignature)
}

func TestT64WithdrawnKeyWithoutNewOnes(t *testing.T) {
	f := setup(t)
	old := f.bad.Token()
	f.mustBear(t, old)
	f.bad.Rotate(false)
	f.clock.Add(freshFor)
	f.mustBear(t, old) // nobody waits, so once more
	eventually(t, "the old key's end", func() bool {
		_, err := f.bearer(t.Context(), old)
		return codeOf(err) == auth.CodeKeyID
	})
	f.mustBear(t, f.bad.Token())
}

func TestF01KeysOutage(t *testing.T) {
	for _, fault := range []authtest.Fault{
		authtest.JWKSDown, authtest.JWKSHangs, authtest.JWKSHTML, authtest.JWKSHuge, authtest.JWKSRedirect, authtest.JWKSWeak, authtest.JWKSEmpty,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			f.bad.SetLifetime(48 * time.Hour)
			known := f.bad.Token()
			f.mustBear(t, known)
			f.bad.Break(fault)
			f.bad.Rotate(true)
			f.clock.Add(23 * time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := f.bearer(ctx, f.bad.Token())
			wantCode(t, err, auth.CodeJWKSDown)
			began := time.Now()
			f.mustBear(t, known)
			if took := time.Since(began); took > time.Second {
				t.Errorf("a known key waited %v", took)
			}
			f.clock.Add(time.Hour)
			ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err = f.bearer(ctx, known)
			wantCode(t, err, auth.CodeJWKSDown, auth.CodeJWKSBad)
			if f.bad.AttackerHits() != 0 {
				t.Error("the redirect was followed")
			}
			f.bad.Heal()
			eventually(t, "the recovery", func() bool {
				f.clock.Add(fetchEvery)
				_, err := f.bearer(t.Context(), f.bad.Token())
				return err == nil
			})
		})
	}
}

func TestF01NeverHadKeys(t *testing.T) {
	for fault, code := range map[authtest.Fault]string{
		authtest.JWKSDown: auth.CodeJWKSDown, authtest.JWKSRedirect: auth.CodeJWKSDown, authtest.JWKSHTML: auth.CodeJWKSBad,
		authtest.JWKSHuge: auth.CodeJWKSBad, authtest.JWKSWeak: auth.CodeJWKSBad, authtest.JWKSEmpty: auth.CodeJWKSBad,
	} {
		f := setup(t)
		f.bad.Break(fault)
		_, err := f.bearer(t.Context(), f.bad.Token())
		wantCode(t, err, code)
	}
}

func TestF01TLSError(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	f := setup(t)
	f.connect(t, func(c *Config) { c.PublicKeyURLs = []string{secure.URL} })
	_, err := f.bearer(t.Context(), f.bad.Token())
	wantCode(t, err, auth.CodeJWKSDown)
}

func TestF02FloodOfKeyIDs(t *testing.T) {
	f := setup(t)
	good := f.bad.Token()
	f.mustBear(t, good)
	before := f.bad.Hits("/jwks")
	const periods, each = 3, 2000
	for range periods {
		f.clock.Add(fetchEvery)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for range each / 4 {
					if _, err := f.Key(t.Context(), rand.Text(), "RS256"); codeOf(err) != auth.CodeKeyID {
						t.Errorf("got %v", err)
						return
					}
				}
			})
		}
		wait.Wait()
	}
	if n := f.bad.Hits("/jwks") - before; n < 1 || n > periods {
		t.Errorf("%d fetches in %d periods", n, periods)
	}
	if n := f.Provider.state.Load().keys.unknown.Len(); n > maxUnknown {
		t.Errorf("%d ids are remembered", n)
	}
	f.mustBear(t, good)
}

func TestNegativeCache(t *testing.T) {
	f := setup(t)
	f.mustBear(t, f.bad.Token())
	f.clock.Add(fetchEvery)
	ask := func() int {
		_, err := f.Key(t.Context(), "stale", "RS256")
		wantCode(t, err, auth.CodeKeyID)
		return f.bad.Hits("/jwks")
	}
	first := ask()
	f.clock.Add(fetchEvery)
	if ask() != first {
		t.Error("the same id made the server ask again")
	}
	f.clock.Add(unknownFor)
	if ask() != first+1 {
		t.Error("the id is unknown for ever")
	}
}

// TestT64RotationRightAfterAFetch: a set that was fetched before the id came up does
// not make the id unknown for longer than the set may not be fetched again.
func TestT64RotationRightAfterAFetch(t *testing.T) {
	f := setup(t)
	f.mustBear(t, f.bad.Token())
	f.bad.Rotate(true)
	fresh := f.bad.Token()
	_, err := f.bearer(t.Context(), fresh)
	wantCode(t, err, auth.CodeKeyID)
	f.clock.Add(fetchEvery)
	f.mustBear(t, fresh)
}

func TestSeveralKeyAddresses(t *testing.T) {
	second := authtest.NewBadProvider(t)
	f := setup(t)
	own := home + "/api/v1/system/config/jwks"
	f.connect(t, func(c *Config) {
		c.PublicKeyURLs = []string{own, "http://localhost:8585/api/v1/system/config/jwks", f.bad.JWKS(), second.JWKS()}
	})
	f.mustBear(t, f.bad.Token())
	if got := f.Provider.state.Load().keys.addresses(); len(got) != 2 {
		t.Errorf("addresses %q: own keys are never fetched", got)
	}
	// A key at either address counts; one address down is an outage for unknown ids only.
	claims := second.Mint(map[string]any{"iss": f.bad.Issuer(), "aud": f.bad.ClientID}, nil)
	f.mustBear(t, claims)
	second.Break(authtest.JWKSDown)
	f.clock.Add(fetchEvery)
	_, err := f.Key(t.Context(), "unknown", "RS256")
	wantCode(t, err, auth.CodeJWKSDown)
	f.mustBear(t, f.bad.Token())
}

func TestKeyPicking(t *testing.T) {
	f := setup(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f.bad.PublishKey(rsaKey.Public(), "enc", "enc")
	f.bad.PublishKey(weak.Public(), "weak", "sig")
	f.bad.PublishKey(p384.Public(), "p384", "")
	f.bad.PublishKey(rsaKey.Public(), "twice", "sig")
	f.bad.PublishKey(weak.Public(), "twice", "sig")
	f.bad.Publish(map[string]any{"kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"})
	f.bad.Publish(map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
	f.bad.Publish(map[string]any{"kty": "something else", "kid": "else"})
	for _, c := range []struct{ kid, alg, code string }{
		{"enc", "RS256", auth.CodeKeyID},
		{"weak", "RS256", auth.CodeKeyID},
		{"p384", "ES384", ""},
		{"p384", "ES256", auth.CodeKeyID},
		{"p384", "RS256", auth.CodeKeyID},
		{"twice", "RS256", ""},
		{"secret", "HS256", auth.CodeKeyID},
		{"ed", "EdDSA", auth.CodeKeyID},
		{"else", "RS256", auth.CodeKeyID},
		{"", "ES384", ""},
		{"", "RS256", auth.CodeKeyID},
		{strings.Repeat("k", 10<<10), "RS256", auth.CodeKeyID},
	} {
		_, err := f.Key(t.Context(), c.kid, c.alg)
		if codeOf(err) != c.code {
			t.Errorf("kid %.10q alg %s: got %q (%v), want %q", c.kid, c.alg, codeOf(err), err, c.code)
		}
	}
}

func TestWaitersShareOneFetch(t *testing.T) {
	f := setup(t)
	token := f.bad.Token()
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, err := f.bearer(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := f.bad.Hits("/jwks"); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func FuzzParseKeys(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "kid": "a", "x": point[1:33], "y": point[33:]}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(good), `{"keys":[]}`, `{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"}]}`, `{}`, `[]`, `<html>`, ``,
		`{"keys":[{"kty":"RSA","n":"","e":""}]}`, `{"keys":null}`, `{"keys":[null,1,"a"]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, _, err := parseKeys(data)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys and error %v", len(keys), err)
		}
		for _, k := range keys {
			if strong(k.public) != nil {
				t.Fatalf("a weak key %q passed", k.id)
			}
		}
	})
}

func TestTooManyKeys(t *testing.T) {
	text := `{"keys":[` + strings.TrimSuffix(strings.Repeat(`{"kty":"EC"},`, maxKeys+1), ",") + `]}`
	if _, _, err := parseKeys([]byte(text)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(maxKeys)) {
		t.Errorf("got %v", err)
	}
}
