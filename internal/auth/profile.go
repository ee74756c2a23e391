package auth

import (
	"context"

	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// profile is the trust in one issuer and the way from its tokens to users. A key of
// one profile can never verify a token of another.
type profile struct {
	Trust
	legacy bool // tokens of another server's bots, see legacy.go
	// mayOmitExpiry names the token types that need no exp.
	mayOmitExpiry []string
	// admit finds the user a verified token speaks for, and the credential on
	// record that it must be, if the profile keeps any.
	admit func(ctx context.Context, t *parsed) (admission, error)
}

// admission binds a token to a user.
type admission struct {
	user       entity.ID
	tokenType  string
	tokenID    string
	credential string // key of the credential on record; none if empty
	// withdrawal is the key of the record that says that the token was given up
	// before its time; none if empty.
	withdrawal string
	signedIn   int64 // milliseconds since 1970; 0 to take the credential's
	issued     int64 // seconds since 1970
}

func (s *Service) ownProfile() *profile {
	return &profile{
		Trust: Trust{
			Issuer:     s.opts.Issuer,
			Audiences:  []string{s.opts.Audience},
			Algorithms: []string{jwt.SigningMethodRS256.Alg()},
			Skew:       s.opts.Skew,
			Key:        s.ownKey,
		},
		mayOmitExpiry: []string{TypeBot},
		admit:         s.admitOwn,
	}
}

// admitOwn finds the user by the exact subject: tokens of our own never go
// through claim mapping.
func (s *Service) admitOwn(ctx context.Context, t *parsed) (admission, error) {
	c := &t.claims
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
	return admission{user: user.ID, credential: credential, tokenType: c.Type, tokenID: c.ID, issued: *c.IssuedAt}, nil
}

func gone(tokenType string) error {
	if tokenType == TypeBot {
		return Refuse(CodeBotGone)
	}
	return Refuse(CodeUserGone)
}
