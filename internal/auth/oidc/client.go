package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

const (
	assertionType     = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLifetime = time.Minute
)

// method is how the client proves itself: as configured, else what is offered.
func (p *Provider) method(m *Metadata) string {
	switch {
	case p.cfg.AuthMethod != "":
		return p.cfg.AuthMethod
	case len(m.AuthMethods) > 0 && !slices.Contains(m.AuthMethods, AuthBasic) && slices.Contains(m.AuthMethods, AuthPost):
		return AuthPost
	}
	return AuthBasic
}

// prove adds the client's proof to a request.
func (p *Provider) prove(m *Metadata, form url.Values, header http.Header) error {
	switch p.method(m) {
	case AuthNone:
		form.Set("client_id", p.cfg.ClientID)
	case AuthPost:
		form.Set("client_id", p.cfg.ClientID)
		form.Set("client_secret", p.cfg.ClientSecret)
	case AuthSecretJWT:
		return p.assert(m, form, jose.SigningKey{Algorithm: jose.HS256, Key: []byte(p.cfg.ClientSecret)})
	case AuthPrivateJWT:
		alg, err := signingAlgorithm(p.cfg.Key)
		if err != nil {
			return err
		}
		return p.assert(m, form, jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: p.cfg.Key, KeyID: p.cfg.KeyID}})
	default:
		// Both halves are form-encoded first (RFC 6749 §2.3.1).
		pair := url.QueryEscape(p.cfg.ClientID) + ":" + url.QueryEscape(p.cfg.ClientSecret)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	return nil
}

// signingAlgorithm is the one for a key of this server.
func signingAlgorithm(key crypto.Signer) (jose.SignatureAlgorithm, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() >= minRSABits {
			return jose.RS256, nil
		}
		return "", errors.New("the key of private_key_jwt is too short")
	case *ecdsa.PrivateKey:
		if alg := curveAlgorithm(k.Curve); alg != "" {
			return jose.SignatureAlgorithm(alg), nil
		}
	}
	return "", errors.New("private_key_jwt needs an RSA or ECDSA key")
}

// assert adds a client assertion (RFC 7523 §2.2).
func (p *Provider) assert(m *Metadata, form url.Values, key jose.SigningKey) error {
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return errors.New("the client's key cannot sign")
	}
	audience := m.Issuer
	if p.preset.endpointAudience {
		audience = m.TokenEndpoint
	}
	now := p.clock()
	claims, err := json.Marshal(map[string]any{
		"iss": p.cfg.ClientID, "sub": p.cfg.ClientID, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
	})
	if err != nil {
		return err
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return errors.New("the client's key cannot sign")
	}
	assertion, err := signed.CompactSerialize()
	if err != nil {
		return err
	}
	form.Set("client_id", p.cfg.ClientID)
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", assertion)
	return nil
}
