package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Trust is what ID tokens of one identity provider are judged by (OpenID Connect
// Core 1.0 §3.1.3.7).
type Trust struct {
	Issuer     string   // exact
	Audiences  []string // one of them must be in aud
	Party      string   // azp demanded of a token with several audiences, and accepted with one
	Algorithms []string // RS, PS and ES with 256, 384 or 512
	// AccessTokens accepts typ at+jwt: the audiences name an API, not a client.
	AccessTokens bool
	// Key finds the verification key of a token's kid ("" for none) and alg. Its
	// errors are refusals: CodeKeyID, CodeJWKSDown, CodeJWKSBad.
	Key func(ctx context.Context, kid, alg string) (crypto.PublicKey, error)
	// Known lists the keys that are held at the moment, for diagnosis; may be nil.
	Known func() []KnownKey
	Skew  time.Duration // clocks may differ by this

	unaddressed bool // tokens have no audience
}

// KnownKey is a key of a provider that is held here.
type KnownKey struct {
	ID      string
	Fetched time.Time
}

// Expectation is what an ID token must fit besides its Trust.
type Expectation struct {
	Nonce       string        // must be in the token; "" for none sent
	AccessToken string        // checked against at_hash when both are there
	MaxAge      time.Duration // auth_time may lie back this far; 0 for no limit
	Subject     string        // must be the sub, "" for any: a renewed token keeps it
}

// IDToken is a verified ID token.
type IDToken struct {
	Identity Identity
	IssuedAt time.Time
	Expires  time.Time
	Session  string // sid
}

// signable are the algorithms a token can be signed with at all: a trust names some
// of them, and none or a shared secret can not be among them.
var signable = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}

// VerifyIDToken judges a token that the provider gave to this server, by the pipeline
// that bearers go through and by what is expected of this one besides.
func (t *Trust) VerifyIDToken(ctx context.Context, token string, now time.Time, want Expectation) (IDToken, error) {
	p, err := parseWithin(token, maxIDToken)
	if err != nil {
		return IDToken{}, RefuseFor(CodeFormat, err)
	}
	if p.claims.Issuer != t.Issuer {
		return IDToken{}, Refuse(CodeIssuer)
	}
	if _, err := t.verify(ctx, p); err != nil {
		return IDToken{}, err
	}
	if err := t.validate(p, now, nil); err != nil {
		return IDToken{}, err
	}
	id, err := t.idToken(p)
	if err != nil {
		return IDToken{}, err
	}
	return id, t.meets(p, now, want)
}

// verify checks what stays true for the whole life of a token and returns the key
// that signed it.
func (t *Trust) verify(ctx context.Context, p *parsed) (crypto.PublicKey, error) {
	alg := p.header.Algorithm
	if !slices.Contains(t.Algorithms, alg) || !slices.Contains(signable, alg) {
		return nil, RefuseFor(CodeAlgorithm, fmt.Errorf("alg %q", entity.Shorten(alg, 20)))
	}
	if len(p.header.KeyID) > 200 {
		return nil, Refuse(CodeKeyID)
	}
	public, err := t.Key(ctx, p.header.KeyID, alg)
	if err != nil {
		return nil, err
	}
	if !fits(public, alg) {
		return nil, RefuseFor(CodeKeyID, fmt.Errorf("a key of type %T is not for %s", public, alg))
	}
	if err := jwt.GetSigningMethod(alg).Verify(p.signed, p.signature, public); err != nil {
		return nil, RefuseFor(CodeSignature, err)
	}
	return public, nil
}

// minRSA is the least size of an RSA key in bits.
const minRSA = 2048

// fits tells whether a key is of the kind that the algorithm needs.
func fits(public crypto.PublicKey, alg string) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return (alg[0] == 'R' || alg[0] == 'P') && key.N.BitLen() >= minRSA
	case *ecdsa.PublicKey:
		curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
		curve, ok := curves[alg]
		return ok && key.Curve == curve
	}
	return false
}

// validate checks the claims of a token whose signature is right.
func (t *Trust) validate(p *parsed, now time.Time, mayOmitExpiry []string) error {
	c := &p.claims
	if c.Expires == nil && !slices.Contains(mayOmitExpiry, c.Type) {
		return RefuseFor(CodeFormat, errors.New("no exp"))
	}
	if c.IssuedAt == nil {
		return RefuseFor(CodeFormat, errors.New("no iat"))
	}
	if c.Expires != nil && (*c.Expires < 0 || expired(*c.Expires, now, t.Skew)) {
		return Refuse(CodeExpired)
	}
	latest := now.Add(t.Skew).Unix()
	if *c.IssuedAt > latest || c.NotBefore != nil && *c.NotBefore > latest {
		return Refuse(CodeSkew)
	}
	return t.validateAudience(p)
}

func (t *Trust) validateAudience(p *parsed) error {
	c := &p.claims
	switch strings.TrimPrefix(strings.ToLower(p.header.Type), "application/") {
	case "", "jwt":
	case "at+jwt":
		if !t.AccessTokens {
			return RefuseFor(CodeAudience, errors.New("an access token"))
		}
	default:
		return RefuseFor(CodeType, fmt.Errorf("typ %q", entity.Shorten(p.header.Type, 20)))
	}
	switch {
	case t.unaddressed && len(c.Audience) == 0:
		return nil
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(t.Audiences, a) }):
		return Refuse(CodeAudience)
	case len(c.Audience) > 1 && (t.Party == "" || c.Party != t.Party):
		return RefuseFor(CodeAudience, errors.New("several audiences without the right azp"))
	case t.Party != "" && c.Party != "" && c.Party != t.Party:
		return RefuseFor(CodeAudience, errors.New("the azp is another client"))
	}
	return nil
}

func expired(at int64, now time.Time, skew time.Duration) bool {
	return at <= now.Add(-skew).Unix()
}

// idToken reads the identity out of a token that was judged.
func (t *Trust) idToken(p *parsed) (IDToken, error) {
	identity, err := identityOf(p)
	if err != nil {
		return IDToken{}, err
	}
	// A token that tells of a sign-out is signed by the same key for the same client
	// (OpenID Connect Back-Channel Logout 1.0 §2.4). Keycloak names the kind of its
	// tokens inside them.
	if _, ok := identity.Claims["events"]; ok {
		return IDToken{}, RefuseFor(CodeType, errors.New("a logout token"))
	}
	if kind := identity.Text("typ"); kind != "" && !strings.EqualFold(kind, "ID") && !t.AccessTokens {
		return IDToken{}, RefuseFor(CodeAudience, errors.New("not an ID token by its claim typ"))
	}
	return IDToken{
		Identity: identity, Session: identity.Text("sid"),
		IssuedAt: time.Unix(*p.claims.IssuedAt, 0), Expires: time.Unix(*p.claims.Expires, 0),
	}, nil
}

// maxSubject bounds the sub: OpenID Connect allows 255 characters.
const maxSubject = 255

func identityOf(p *parsed) (Identity, error) {
	if p.claims.Subject == "" || len(p.claims.Subject) > maxSubject {
		return Identity{}, RefuseFor(CodeFormat, errors.New("no usable sub"))
	}
	identity := Identity{Issuer: p.claims.Issuer, Subject: p.claims.Subject}
	if err := json.Unmarshal(p.payload, &identity.Claims); err != nil {
		return Identity{}, RefuseFor(CodeFormat, errors.New("the payload is not an object"))
	}
	return identity, nil
}

// meets checks what is expected of one token in particular.
func (t *Trust) meets(p *parsed, now time.Time, want Expectation) error {
	c := &p.claims
	switch {
	case want.Nonce != "" && subtle.ConstantTimeCompare([]byte(c.Nonce), []byte(want.Nonce)) != 1:
		return Refuse(CodeNonce)
	case want.Subject != "" && c.Subject != want.Subject:
		return RefuseFor(CodeNonce, errors.New("the sub has changed"))
	case want.AccessToken != "" && c.AccessHash != "" && !hashFits(p.header.Algorithm, want.AccessToken, c.AccessHash):
		return RefuseFor(CodeNonce, errors.New("at_hash does not fit the access token"))
	}
	if want.MaxAge <= 0 {
		return nil
	}
	switch {
	case c.AuthTime == nil:
		return RefuseFor(CodeFormat, errors.New("no auth_time"))
	case *c.AuthTime > now.Add(t.Skew).Unix():
		return RefuseFor(CodeSkew, errors.New("auth_time"))
	case *c.AuthTime < now.Add(-want.MaxAge-t.Skew).Unix():
		return RefuseFor(CodeExpired, errors.New("the sign-in at the provider is too long ago"))
	}
	return nil
}

// hashFits compares the left half of an access token's hash (OpenID Connect Core 1.0
// §3.1.3.6).
func hashFits(alg, accessToken, want string) bool {
	var h hash.Hash
	switch alg[2:] {
	case "384":
		h = sha512.New384()
	case "512":
		h = sha512.New()
	default:
		h = sha256.New()
	}
	_, _ = h.Write([]byte(accessToken)) // never fails, says hash.Hash
	sum := h.Sum(nil)
	got := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}
