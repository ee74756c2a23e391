package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/store"
)

// TestProviderTokens lets good tokens of every kind of key in.
func TestProviderTokens(t *testing.T) {
	f := newSignOn(t)
	f.public()
	r, e := providerKeys()
	payload := f.json(f.claimsOf("sub-1", nil))
	for name, token := range map[string]string{
		"RS256": signWith(t, jwt.SigningMethodRS256, r, `{"alg":"RS256","kid":"rsa","typ":"JWT"}`, payload),
		"PS256": signWith(t, jwt.SigningMethodPS256, r, `{"alg":"PS256","kid":"rsa"}`, payload),
		"ES256": signWith(t, jwt.SigningMethodES256, e, `{"alg":"ES256","kid":"ec"}`, payload),
	} {
		p, err := f.use(token)
		must(t, err)
		if p.Name != "zoe" || p.TokenType != TypeUser || p.SignedIn != f.clock.Now().UnixMilli() {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if f.people.made != 1 {
		t.Errorf("%d users were made of one person", f.people.made)
	}
}

func TestT02ToT04Algorithms(t *testing.T) {
	f := newSignOn(t)
	f.public(func(so *SignOn) { so.Trust.Algorithms = append(so.Trust.Algorithms, "HS256", "none") }) // even if somebody configures them
	r, e := providerKeys()
	payload := f.json(f.claimsOf("sub-1", nil))
	unsigned := func(alg string) string {
		return b64(`{"alg":"`+alg+`","kid":"rsa"}`) + "." + b64(payload) + "."
	}
	for name, c := range map[string]struct{ token, code string }{
		"T02 none": {unsigned("none"), CodeAlgorithm}, "T02 None": {unsigned("None"), CodeAlgorithm}, "T02 NONE": {unsigned("NONE"), CodeAlgorithm},
		"T03 HS256 with the public key": {signWith(t, jwt.SigningMethodHS256, r.N.Bytes(), `{"alg":"HS256","kid":"rsa"}`, payload), CodeAlgorithm},
		"T04 HS256 with no key":         {signWith(t, jwt.SigningMethodHS256, []byte{}, `{"alg":"HS256","kid":"rsa"}`, payload), CodeAlgorithm},
		"RS512 not listed":              {signWith(t, jwt.SigningMethodRS512, r, `{"alg":"RS512","kid":"rsa"}`, payload), CodeAlgorithm},
		"ES256 named with an RSA kid":   {signWith(t, jwt.SigningMethodRS256, r, `{"alg":"ES256","kid":"rsa"}`, payload), CodeSignature},
		"RS256 named with an EC kid":    {signWith(t, jwt.SigningMethodES256, e, `{"alg":"RS256","kid":"ec"}`, payload), CodeKeyID},
		"T01 signature altered":         {flip(f.idToken("sub-1", nil), 2), CodeSignature},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.use(c.token)
			wantCode(t, err, c.code)
		})
	}
}

// flip changes the middle of one part of a token.
func flip(token string, part int) string {
	parts := strings.Split(token, ".")
	p := []byte(parts[part])
	i := len(p) / 2
	if p[i] == 'A' {
		p[i] = 'B'
	} else {
		p[i] = 'A'
	}
	parts[part] = string(p)
	return strings.Join(parts, ".")
}

func TestKeysMustFit(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	r, e := providerKeys()
	for name, c := range map[string]struct {
		key crypto.PublicKey
		alg string
		ok  bool
	}{
		"RSA": {&r.PublicKey, "RS256", true}, "RSA for PS": {&r.PublicKey, "PS512", true}, "RSA for ES": {&r.PublicKey, "ES256", false},
		"EC": {&e.PublicKey, "ES256", true}, "EC of another curve": {&p384.PublicKey, "ES256", false}, "EC for RS": {&e.PublicKey, "RS256", false},
		"small RSA": {&small.PublicKey, "RS256", false}, "text": {[]byte("secret"), "RS256", false}, "none": {nil, "RS256", false},
	} {
		if got := fits(c.key, c.alg); got != c.ok {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestT07ForeignAudience(t *testing.T) {
	f := newSignOn(t)
	f.public()
	_, err := f.person("sub-1", map[string]any{"aud": "client-2"})
	wantCode(t, err, CodeAudience)
}

func TestT08ForeignIssuer(t *testing.T) {
	f := newSignOn(t)
	f.public()
	for _, issuer := range []string{"https://other.example/", strings.TrimSuffix(testIssuer, "/"), testIssuer + "/", strings.ToUpper(testIssuer), ""} {
		_, err := f.person("sub-1", map[string]any{"iss": issuer})
		wantCode(t, err, CodeIssuer)
	}
}

// TestT09 shows that a key of one profile never verifies a token of the other.
func TestT09KeysOfOneProfile(t *testing.T) {
	f := newSignOn(t)
	f.public(func(so *SignOn) {
		// The provider publishes our own key, too, and under any name.
		so.Trust.Key = func(ctx context.Context, kid, alg string) (crypto.PublicKey, error) {
			if public, ok := f.options.Keys.Public(kid); ok {
				return public, nil
			}
			return providerKey(ctx, kid, alg)
		}
	})
	own := f.mustSession()
	private, _ := providerKeys()
	_, err := f.use(signWith(t, jwt.SigningMethodRS256, private, `{"alg":"RS256","kid":"rsa"}`, f.payload(own, nil)))
	wantCode(t, err, CodeKeyID)
	_, err = f.use(signWith(t, jwt.SigningMethodRS256, private, f.header(), f.payload(own, nil)))
	wantCode(t, err, CodeSignature)

	f.public() // the reverse: the provider's claims, our signature
	_, err = f.use(f.forge(f.header(), f.json(f.claimsOf("sub-1", nil))))
	wantCode(t, err, CodeKeyID)
	id, _ := f.options.Keys.Signer()
	_, err = f.use(f.forge(`{"alg":"RS256","kid":"rsa"}`, f.json(f.claimsOf("sub-1", map[string]any{"kid": id}))))
	wantCode(t, err, CodeSignature)
}

// mustSession gives an access token of our own, whatever is in force.
func (f *fixture) mustSession() string {
	f.t.Helper()
	tokens, err := f.signIn(f.ctx, f.ann, "192.0.2.1", func(store.Tx) error { return nil })
	must(f.t, err)
	_, err = f.use(tokens.AccessToken)
	must(f.t, err)
	return tokens.AccessToken
}

func TestT09ProviderWithOurIssuer(t *testing.T) {
	f := newSignOn(t)
	so := f.public(func(so *SignOn) { so.Trust.Issuer = f.Issuer() })
	if err := f.CheckSignOn(so); err == nil {
		t.Error("a provider may call itself by our issuer")
	}
	_, err := f.use(f.idToken("ann", map[string]any{"iss": f.Issuer(), "tokenType": TypeUser, "jti": "x.0"}))
	wantCode(t, err, CodeKeyID)
	f.mustSession() // own tokens go on
}

func TestT10Times(t *testing.T) {
	f := newSignOn(t)
	f.public()
	now := f.clock.Now().Unix()
	for name, c := range map[string]struct {
		changes map[string]any
		code    string
	}{
		"no exp": {map[string]any{"exp": nil}, CodeFormat}, "exp as string": {map[string]any{"exp": "1893456000"}, CodeFormat},
		"exp with fraction": {map[string]any{"exp": raw("1893456000.5")}, CodeFormat}, "exp as float": {map[string]any{"exp": raw("1.8e9")}, CodeFormat},
		"exp negative": {map[string]any{"exp": -1}, CodeExpired}, "exp 2^63": {map[string]any{"exp": raw("9223372036854775808")}, CodeFormat},
		"nbf in an hour": {map[string]any{"nbf": now + 3600}, CodeSkew}, "iat in an hour": {map[string]any{"iat": now + 3600, "exp": now + 7200}, CodeSkew},
		"expired 31 s ago": {map[string]any{"exp": now - 31}, CodeExpired}, "expired 29 s ago": {map[string]any{"exp": now - 29}, ""},
	} {
		t.Run("T10 "+name, func(t *testing.T) {
			_, err := f.person("sub-1", c.changes)
			if codeOf(err) != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
}

func TestT11MissingAndForeignClaims(t *testing.T) {
	f := newSignOn(t)
	trust := f.public().Trust
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	now := f.clock.Now().Unix()
	for name, c := range map[string]struct {
		changes map[string]any
		want    Expectation
		code    string
	}{
		"good": {}, "missing sub": {map[string]any{"sub": nil}, Expectation{}, CodeFormat}, "missing iat": {map[string]any{"iat": nil}, Expectation{}, CodeFormat},
		"missing aud":     {map[string]any{"aud": nil}, Expectation{}, CodeAudience},
		"long sub":        {map[string]any{"sub": strings.Repeat("s", 300)}, Expectation{}, CodeFormat},
		"two aud":         {map[string]any{"aud": []string{testClient, "x"}}, Expectation{}, CodeAudience},
		"two aud, azp":    {map[string]any{"aud": []string{testClient, "x"}, "azp": testClient}, Expectation{}, ""},
		"azp foreign":     {map[string]any{"azp": "x"}, Expectation{}, CodeAudience},
		"at_hash":         {map[string]any{"at_hash": hash("token")}, Expectation{AccessToken: "token"}, ""},
		"at_hash wrong":   {map[string]any{"at_hash": hash("other")}, Expectation{AccessToken: "token"}, CodeNonce},
		"nonce":           {map[string]any{"nonce": "n"}, Expectation{Nonce: "n"}, ""},
		"nonce wrong":     {map[string]any{"nonce": "m"}, Expectation{Nonce: "n"}, CodeNonce},
		"nonce absent":    {nil, Expectation{Nonce: "n"}, CodeNonce},
		"sub changed":     {nil, Expectation{Subject: "sub-2"}, CodeNonce},
		"auth_time":       {map[string]any{"auth_time": now - 50}, Expectation{MaxAge: time.Minute}, ""},
		"auth_time old":   {map[string]any{"auth_time": now - 91}, Expectation{MaxAge: time.Minute}, CodeExpired},
		"auth_time none":  {nil, Expectation{MaxAge: time.Minute}, CodeFormat},
		"auth_time to be": {map[string]any{"auth_time": now + 60}, Expectation{MaxAge: time.Minute}, CodeSkew},
		"issuer":          {map[string]any{"iss": "x"}, Expectation{}, CodeIssuer},
	} {
		t.Run("T11 "+name, func(t *testing.T) {
			id, err := trust.VerifyIDToken(f.ctx, f.idToken("sub-1", c.changes), f.clock.Now(), c.want)
			if codeOf(err) != c.code {
				t.Fatalf("%v, want %q", err, c.code)
			}
			if err == nil && (id.Identity.Subject != "sub-1" || id.Identity.Text("email") != "zoe@example.org" || id.Expires.Unix() != now+3600) {
				t.Errorf("%+v", id)
			}
		})
	}
	_, err := trust.VerifyIDToken(f.ctx, f.idToken("sub-1", map[string]any{"groups": strings.Repeat("g", maxIDToken)}), f.clock.Now(), Expectation{})
	wantCode(t, err, CodeFormat)
	_, err = trust.VerifyIDToken(f.ctx, "no token", f.clock.Now(), Expectation{})
	wantCode(t, err, CodeFormat)
}

func TestT13OtherTokensOfTheProvider(t *testing.T) {
	f := newSignOn(t)
	f.public()
	private, _ := providerKeys()
	typed := func(typ string) string {
		return signWith(t, jwt.SigningMethodRS256, private, `{"alg":"RS256","kid":"rsa","typ":"`+typ+`"}`, f.json(f.claimsOf("sub-1", nil)))
	}
	for name, c := range map[string]struct{ token, code string }{
		"access token":              {typed("at+jwt"), CodeAudience},
		"access token, long form":   {typed("application/AT+JWT"), CodeAudience},
		"logout token":              {typed("logout+jwt"), CodeType},
		"logout token by events":    {f.idToken("sub-1", map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}), CodeType},
		"access token by its claim": {f.idToken("sub-1", map[string]any{"typ": "Bearer"}), CodeAudience},
	} {
		t.Run("T13 "+name, func(t *testing.T) {
			_, err := f.use(c.token)
			wantCode(t, err, c.code)
		})
	}
	f.public(func(so *SignOn) { so.Trust.AccessTokens = true })
	_, err := f.use(typed("at+jwt"))
	must(t, err)
}

// TestSetSignOnForgets shows that tokens of a former provider die with it.
func TestSetSignOnForgets(t *testing.T) {
	f := newSignOn(t)
	f.public()
	token := f.idToken("sub-1", nil)
	_, err := f.use(token)
	must(t, err)
	f.public(func(so *SignOn) { so.Trust.Issuer = "https://next.example/" })
	_, err = f.use(token)
	wantCode(t, err, CodeIssuer)
	f.SetSignOn(&SignOn{Provider: "basic", Basic: true})
	_, err = f.use(token)
	wantCode(t, err, CodeIssuer)
	if !f.SignOn().Basic || f.SignOn().AccessLifetime == 0 {
		t.Errorf("%+v", f.SignOn())
	}
}

// TestProviderKeyGone refuses cached tokens once the provider withdraws the key.
func TestProviderKeyGone(t *testing.T) {
	f := newSignOn(t)
	gone := false
	f.public(func(so *SignOn) {
		so.Trust.Key = func(ctx context.Context, kid, alg string) (crypto.PublicKey, error) {
			if gone {
				return nil, Refuse(CodeKeyID)
			}
			return providerKey(ctx, kid, alg)
		}
	})
	token := f.idToken("sub-1", nil)
	_, err := f.use(token)
	must(t, err)
	gone = true
	_, err = f.use(token)
	wantCode(t, err, CodeKeyID)
}
