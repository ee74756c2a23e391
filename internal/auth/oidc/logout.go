package oidc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

const (
	logoutEvent    = "http://schemas.openid.net/event/backchannel-logout"
	maxLogoutToken = 8 << 10
	maxLogoutID    = 255              // characters of jti, sub and sid
	maxLogoutAge   = 10 * time.Minute // what the replay cache has to cover
)

// logoutClaims are the members of a logout token that count.
type logoutClaims struct {
	Issuer   string                    `json:"iss"`
	Subject  string                    `json:"sub"`
	Session  string                    `json:"sid"`
	Audience jsontext.Value            `json:"aud"`
	IssuedAt *int64                    `json:"iat"`
	Expires  *int64                    `json:"exp"`
	ID       string                    `json:"jti"`
	Nonce    jsontext.Value            `json:"nonce"`
	Events   map[string]jsontext.Value `json:"events"`
}

// ReadLogout verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6).
// Each works once.
func (p *Provider) ReadLogout(ctx context.Context, token string) (issuer, subject, session string, err error) {
	if _, err := p.metadata(); err != nil {
		return "", "", "", err
	}
	payload, err := p.verifyLogout(ctx, token)
	if err != nil {
		return "", "", "", err
	}
	c := new(logoutClaims)
	if err := json.Unmarshal(payload, c); err != nil {
		return "", "", "", auth.RefuseFor(auth.CodeFormat, errors.New("the claims of the logout token have wrong types"))
	}
	if err := p.judgeLogout(c); err != nil {
		return "", "", "", err
	}
	return c.Issuer, c.Subject, c.Session, nil
}

// verifyLogout checks form and signature. The pipeline of ID tokens does not apply:
// a logout token must not pass for one, and may have no sub.
func (p *Provider) verifyLogout(ctx context.Context, token string) ([]byte, error) {
	algs := make([]jose.SignatureAlgorithm, len(p.cfg.Algorithms))
	for i, a := range p.cfg.Algorithms {
		algs[i] = jose.SignatureAlgorithm(a)
	}
	if len(token) > maxLogoutToken || strings.Count(token, ".") != 2 {
		return nil, auth.RefuseFor(auth.CodeFormat, errors.New("not a logout token by its form"))
	}
	signed, err := jose.ParseSignedCompact(token, algs)
	var unexpected *jose.ErrUnexpectedSignatureAlgorithm
	if errors.As(err, &unexpected) {
		return nil, auth.Refuse(auth.CodeAlgorithm)
	}
	if err != nil || len(signed.Signatures) != 1 {
		return nil, auth.RefuseFor(auth.CodeFormat, errors.New("the logout token cannot be parsed"))
	}
	header := signed.Signatures[0].Protected
	if typ, ok := header.ExtraHeaders[jose.HeaderType].(string); ok && !slices.Contains(
		[]string{"logout+jwt", "jwt"}, strings.TrimPrefix(strings.ToLower(typ), "application/")) {
		return nil, auth.Refuse(auth.CodeType)
	}
	public, err := p.Key(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		return nil, err
	}
	payload, err := signed.Verify(public)
	if err != nil {
		return nil, auth.Refuse(auth.CodeSignature)
	}
	return payload, nil
}

func (p *Provider) judgeLogout(c *logoutClaims) error {
	event, ok := c.Events[logoutEvent]
	switch {
	case c.Issuer != p.Issuer():
		return auth.Refuse(auth.CodeIssuer)
	case !slices.Contains(audiences(c.Audience), p.cfg.ClientID):
		return auth.Refuse(auth.CodeAudience)
	case !ok || event.Kind() != '{', c.Nonce != nil:
		return auth.RefuseFor(auth.CodeType, errors.New("not a logout token: no event, or a nonce"))
	case c.IssuedAt == nil || c.ID == "" || len(c.ID) > maxLogoutID || len(c.Subject) > maxLogoutID || len(c.Session) > maxLogoutID:
		return auth.RefuseFor(auth.CodeFormat, errors.New("iat or jti is missing, or a claim is too long"))
	case c.Subject == "" && c.Session == "":
		return auth.RefuseFor(auth.CodeFormat, errors.New("neither sub nor sid"))
	}
	return p.judgeLogoutTimes(c, p.clock())
}

// judgeLogoutTimes also sees to it that a token works once: last, so that only
// genuine ones take room.
func (p *Provider) judgeLogoutTimes(c *logoutClaims, now time.Time) error {
	switch {
	case *c.IssuedAt > now.Add(p.cfg.Skew).Unix():
		return auth.Refuse(auth.CodeSkew)
	case c.Expires != nil && *c.Expires <= now.Add(-p.cfg.Skew).Unix(), *c.IssuedAt < now.Add(-maxLogoutAge).Unix():
		return auth.Refuse(auth.CodeExpired)
	}
	// Peek and add are one step.
	if seen, _, _ := p.logouts.PeekOrAdd(c.ID, now); !seen.IsZero() {
		return auth.RefuseFor(auth.CodeRevoked, errors.New("the logout token was used before"))
	}
	return nil
}

// audiences reads aud, a string or a list of strings.
func audiences(raw jsontext.Value) []string {
	var list []string
	if raw.Kind() == '[' {
		if json.Unmarshal(raw, &list) != nil {
			return nil
		}
		return list
	}
	var one string
	if json.Unmarshal(raw, &one) != nil {
		return nil
	}
	return []string{one}
}
