package authtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

// LogoutEvent is the member of events that makes a logout token.
const LogoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// Claims returns the claims of a good ID token for the user.
func (p *BadProvider) Claims() map[string]any {
	now := p.clock()
	p.mu.Lock()
	defer p.mu.Unlock()
	claims := map[string]any{
		"iss": p.issuer(), "aud": p.ClientID, "iat": now.Unix(), "exp": now.Add(p.lifetime).Unix(),
		"auth_time": now.Unix(), "sid": "session-of-" + fmt.Sprint(p.user["sub"]),
	}
	maps.Copy(claims, p.user)
	return claims
}

// Mint signs a token with the present key. Claims and header replace the members of
// a good ID token; nil values take them away.
func (p *BadProvider) Mint(claims, header map[string]any) string {
	d := p.draft()
	override(d.claims, claims)
	override(d.header, header)
	return p.sign(d)
}

// Token mints a good ID token with these faults.
func (p *BadProvider) Token(faults ...Fault) string { return p.token(nil, faults) }

// LogoutToken mints a good logout token; claims are as in Mint.
func (p *BadProvider) LogoutToken(claims, header map[string]any) string {
	d := p.draft()
	sub, sid := d.claims["sub"], d.claims["sid"]
	now := p.clock()
	d.header["typ"] = "logout+jwt"
	d.claims = map[string]any{
		"iss": p.Issuer(), "aud": p.ClientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"sub": sub, "sid": sid, "events": map[string]any{LogoutEvent: map[string]any{}},
	}
	override(d.claims, claims)
	override(d.header, header)
	return p.sign(d)
}

func (p *BadProvider) token(claims map[string]any, faults []Fault) string {
	d := p.draft()
	override(d.claims, claims)
	for _, f := range TokenFaults() {
		if slices.Contains(faults, f.Fault) {
			f.tamper(p, d)
		}
	}
	return p.sign(d)
}

func (p *BadProvider) draft() *draft {
	key, kid := p.signer()
	alg := "RS256"
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		alg = "ES256"
	}
	header := map[string]any{"alg": alg, "typ": "JWT", "kid": kid}
	if kid == "" {
		delete(header, "kid")
	}
	return &draft{header: header, claims: p.Claims(), key: key}
}

func override(members, by map[string]any) {
	for name, value := range by {
		if value == nil {
			delete(members, name)
			continue
		}
		members[name] = value
	}
}

// sign makes the token by whatever alg the header names; one that is none of JWT's
// leaves the signature empty.
func (p *BadProvider) sign(d *draft) string {
	payload := d.payload
	if payload == nil {
		payload = encode(d.claims)
	}
	signed := base64.RawURLEncoding.EncodeToString(encode(d.header)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	alg := fmt.Sprint(d.header["alg"])
	token := signed + "."
	if method := jwt.GetSigningMethod(alg); method != nil && alg != "none" {
		signature, err := method.Sign(signed, d.key)
		if err != nil {
			panic(fmt.Sprintf("authtest: the key does not fit %s: %v", alg, err))
		}
		token += base64.RawURLEncoding.EncodeToString(signature)
	}
	if d.after != nil {
		token = d.after(token)
	}
	return token
}

func encode(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // values of this package marshal
	}
	return data
}

// publicKey is the JSON Web Key of a public key.
func publicKey(public crypto.PublicKey, kid, use string) map[string]any {
	jwk := map[string]any{"kid": kid}
	if kid == "" {
		delete(jwk, "kid")
	}
	if use != "" {
		jwk["use"] = use
	}
	b64 := base64.RawURLEncoding.EncodeToString
	switch k := public.(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			panic(err) // a generated key is on its curve
		}
		half := (len(point) - 1) / 2
		jwk["kty"], jwk["crv"] = "EC", k.Params().Name
		jwk["x"], jwk["y"] = b64(point[1:1+half]), b64(point[1+half:])
	}
	return jwk
}

// hashOf is the at_hash of an access token.
func hashOf(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func (p *BadProvider) foreignCertificate() []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "attacker"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, p.foreign().Public(), p.foreign())
	if err != nil {
		panic(err) // the template is complete
	}
	return der
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return strings.TrimRight(base64.URLEncoding.EncodeToString(sum[:]), "=")
}
