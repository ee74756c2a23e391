package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// providerProfile trusts the ID tokens of a public client's provider.
func (s *Service) providerProfile(so *SignOn) *profile {
	p := &profile{Trust: *so.Trust}
	p.admit = func(ctx context.Context, t *parsed) (admission, error) {
		token, err := p.idToken(t)
		if err != nil {
			return admission{}, err
		}
		user, err := s.recognise(ctx, so, token.Identity)
		if err != nil {
			return admission{}, err
		}
		s.noteArrival(ctx, user, t, token)
		a := admission{user: user.ID, tokenType: TypeUser, issued: *t.claims.IssuedAt, signedIn: *t.claims.IssuedAt * 1000}
		if t.claims.AuthTime != nil {
			a.signedIn = min(*t.claims.AuthTime, *t.claims.IssuedAt) * 1000
		}
		sum := digest(t.signed)
		a.tokenID = providerTokenID(sum, *t.claims.Expires)
		a.withdrawal = prefixWithdrawn + base64.RawURLEncoding.EncodeToString(sum[:])
		return a, nil
	}
	return p
}

// providerTokenPrefix begins the TokenID of principals who came with a token of the
// provider: a digest and the end follow, all it takes to withdraw the token.
const providerTokenPrefix = "provider:"

// keptTokenPrefix takes its place when the provider is another by now, see Keep.
const keptTokenPrefix = "kept:"

// ofProvider returns what follows these prefixes in a TokenID.
func ofProvider(tokenID string) (string, bool) {
	if rest, ok := strings.CutPrefix(tokenID, keptTokenPrefix); ok {
		return rest, true
	}
	return strings.CutPrefix(tokenID, providerTokenPrefix)
}

func providerTokenID(sum [32]byte, expires int64) string {
	return providerTokenPrefix + base64.RawURLEncoding.EncodeToString(sum[:]) + "." + strconv.FormatInt(expires, 10)
}

// maxIdentitySubject bounds what other providers than those of OpenID Connect call
// their people: the name of a directory entry is longer.
const maxIdentitySubject = 2048

// recognise finds or makes the user of an identity and gives it what the rules take
// from the claims. All that signs in through a provider comes through here.
func (s *Service) recognise(ctx context.Context, so *SignOn, id Identity) (User, error) {
	if id.Issuer == "" || id.Subject == "" || len(id.Subject) > maxIdentitySubject {
		return User{}, RefuseFor(CodeClaims, errors.New("an identity without issuer or subject"))
	}
	n, err := so.Rules.naming(id)
	if err != nil {
		return User{}, err
	}
	if !so.Rules.domainAllowed(n) {
		return User{}, Refuse(CodeUserDomain)
	}
	// First requests of the same person come together: a page sends several.
	leave, err := s.arrivals.enter(ctx, n.email)
	if err != nil {
		return User{}, err
	}
	defer leave()
	user, err := s.linkedUser(ctx, id)
	if err == nil && user.ID == entity.NilID {
		user, err = s.introduce(ctx, so, id, n)
	}
	switch {
	case err != nil:
		return User{}, err
	case user.Deleted:
		return User{}, Refuse(CodeUserGone)
	case user.IsBot:
		return User{}, RefuseFor(CodeUserRelink, errors.New("the user is a bot's"))
	}
	return s.align(ctx, so, id, n, user)
}

// introduce finds the user by email, or makes one, and links the identity to it.
func (s *Service) introduce(ctx context.Context, so *SignOn, id Identity, n naming) (User, error) {
	const tries = 3
	for range tries {
		user, err := s.counterpart(ctx, so, id, n)
		if err == nil && user.ID == entity.NilID {
			user, err = s.enrol(ctx, id, n)
		}
		if err != nil && entity.KindOf(err) == entity.KindConflict {
			continue // another process was quicker: look again
		}
		if err != nil || user.Deleted {
			return user, err
		}
		return user, s.bind(ctx, id, user)
	}
	return User{}, &entity.Error{Kind: entity.KindUnavailable, Message: "The account could not be made. Please try again."}
}

// counterpart finds the user who has the email of an identity without link. The zero
// User means that one may be made.
func (s *Service) counterpart(ctx context.Context, so *SignOn, id Identity, n naming) (User, error) {
	if !so.Rules.vouched(id) {
		return User{}, Refuse(CodeUserUnverified)
	}
	user, err := s.users.ByEmail(ctx, n.email)
	switch {
	case isNotFound(err):
		return User{}, s.mayEnrol(ctx, so, n)
	case err != nil:
		return User{}, err
	case user.IsBot:
		return User{}, RefuseFor(CodeUserRelink, errors.New("the email is a bot's"))
	case fold(user.Email) != n.email:
		return User{}, RefuseFor(CodeUserRelink, errors.New("the email is like that of another user"))
	}
	return user, nil
}

// mayEnrol refuses who cannot become a user. A name alone never leads to an account:
// it belongs to whoever has the email with it.
func (s *Service) mayEnrol(ctx context.Context, so *SignOn, n naming) error {
	switch {
	case !so.Rules.SelfSignup || s.opts.Directory == nil:
		return Refuse(CodeUserNoSignup)
	case !so.Rules.takesOn(n):
		return RefuseFor(CodeUserDomain, errors.New("not among the domains of registration"))
	}
	_, err := s.users.ByName(ctx, n.name)
	if err == nil {
		return RefuseFor(CodeUserRelink, errors.New("the name is taken by a user with another email"))
	}
	if isNotFound(err) {
		return nil
	}
	return err
}

// enrol makes a user.
func (s *Service) enrol(ctx context.Context, id Identity, n naming) (User, error) {
	user, err := s.opts.Directory.CreatePerson(ctx, Person{Name: n.name, Email: n.email, DisplayName: displayName(id)})
	if err != nil {
		if entity.KindOf(err) == entity.KindBadRequest {
			err = RefuseFor(CodeClaims, fmt.Errorf("the user cannot be made: %w", err))
		}
		return User{}, err
	}
	return user, s.record(ctx, AuditEntry{Action: "userCreated", User: user.Name, Issuer: id.Issuer, Subject: digestOf(id.Subject)})
}

const maxDisplayName = 256

func displayName(id Identity) string {
	name := id.Text("name")
	if name == "" {
		given, family := id.Text("given_name"), id.Text("family_name")
		if name = given; given != "" && family != "" {
			name += " "
		}
		name += family
	}
	return entity.Shorten(name, maxDisplayName)
}
