package auth

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// profile is what tokens of one issuer are judged by. A key of one profile can
// never verify a token of another.
type profile struct {
	issuer     string
	audiences  []string
	party      string // azp demanded of a token with several audiences
	algorithms []string
	// key finds the verification key; an unknown id is a refusal.
	key func(ctx context.Context, id string) (crypto.PublicKey, error)
	// mayOmitExpiry names the token types that need no exp.
	mayOmitExpiry []string
	// admit finds the user a verified token speaks for, and the credential on
	// record that it must be, if the profile keeps any.
	admit func(ctx context.Context, c *claims) (admission, error)
}

// admission binds a token to a user.
type admission struct {
	user       entity.ID
	credential string // key of the credential on record; none if empty
}

func (s *Service) ownProfile() *profile {
	return &profile{
		issuer:        s.opts.Issuer,
		audiences:     []string{s.opts.Audience},
		algorithms:    []string{jwt.SigningMethodRS256.Alg()},
		mayOmitExpiry: []string{TypeBot, TypePersonal},
		key: func(_ context.Context, id string) (crypto.PublicKey, error) {
			public, ok := s.keys.Public(id)
			if !ok {
				return nil, Refuse(CodeKeyID)
			}
			return public, nil
		},
		admit: s.admitOwn,
	}
}

// admitOwn finds the user by the exact subject: tokens of our own never go
// through claim mapping.
func (s *Service) admitOwn(ctx context.Context, c *claims) (admission, error) {
	if c.Subject == "" {
		return admission{}, Refuse(CodeClaims)
	}
	credential, err := credentialKey(c)
	if err != nil {
		return admission{}, err
	}
	user, err := s.users.ByName(ctx, c.Subject)
	if isNotFound(err) {
		return admission{}, gone(c.Type)
	}
	if err != nil {
		return admission{}, err
	}
	return admission{user: user.ID, credential: credential}, nil
}

func gone(tokenType string) error {
	if tokenType == TypeBot {
		return Refuse(CodeBotGone)
	}
	return Refuse(CodeUserGone)
}

// verify checks everything about a token that stays true for its whole life.
func (p *profile) verify(ctx context.Context, t *parsed) error {
	if !slices.Contains(p.algorithms, t.header.Algorithm) {
		return RefuseFor(CodeAlgorithm, fmt.Errorf("alg %q", entity.Shorten(t.header.Algorithm, 20)))
	}
	if len(t.header.KeyID) > 200 {
		return Refuse(CodeKeyID)
	}
	public, err := p.key(ctx, t.header.KeyID)
	if err != nil {
		return err
	}
	method := jwt.GetSigningMethod(t.header.Algorithm)
	if err := method.Verify(t.signed, t.signature, public); err != nil {
		return RefuseFor(CodeSignature, err)
	}
	return nil
}

// validate checks the claims of a token whose signature is right.
func (p *profile) validate(t *parsed, now time.Time, skew time.Duration) error {
	c := &t.claims
	if c.Expires == nil && !slices.Contains(p.mayOmitExpiry, c.Type) {
		return RefuseFor(CodeFormat, errors.New("no exp"))
	}
	if c.IssuedAt == nil {
		return RefuseFor(CodeFormat, errors.New("no iat"))
	}
	if c.Expires != nil && (*c.Expires < 0 || expired(*c.Expires, now, skew)) {
		return Refuse(CodeExpired)
	}
	latest := now.Add(skew).Unix()
	if *c.IssuedAt > latest || c.NotBefore != nil && *c.NotBefore > latest {
		return Refuse(CodeSkew)
	}
	return p.validateAudience(t)
}

func (p *profile) validateAudience(t *parsed) error {
	c := &t.claims
	accepted := slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(p.audiences, a) })
	if !accepted || strings.EqualFold(t.header.Type, "at+jwt") || strings.EqualFold(t.header.Type, "application/at+jwt") {
		return Refuse(CodeAudience)
	}
	if len(c.Audience) > 1 && (p.party == "" || c.Party != p.party) {
		return RefuseFor(CodeAudience, errors.New("several audiences without the right azp"))
	}
	return nil
}

func expired(at int64, now time.Time, skew time.Duration) bool {
	return at <= now.Add(-skew).Unix()
}
