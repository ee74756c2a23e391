package auth

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"time"
	"unsafe"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// verified is what is remembered of a token that passed once: everything that
// cannot change. What can change is checked at each use.
type verified struct {
	admission
	keyID, alg string
	public     crypto.PublicKey // that signed it
	profile    *profile
	expires    int64 // seconds since 1970, 0 for never
}

// Authenticate verifies the value of an Authorization header and returns the
// caller. Errors are *entity.Error, of KindUnauthorized with a code when the
// credential is at fault.
func (s *Service) Authenticate(ctx context.Context, header string) (entity.Principal, error) {
	token, ok := bearer(header)
	if !ok {
		return s.refused(ctx, Refuse(CodeMissing), nil)
	}
	sum := digest(token)
	now := s.clock()
	v, ok := s.verified.Get(sum)
	ok = ok && s.current(v.profile)
	if !ok {
		var t *parsed
		var err error
		if v, t, err = s.verifyToken(ctx, token, now); err != nil {
			if principal, ok := s.kept(ctx, sum, t, now); ok {
				return principal, nil
			}
			return s.refused(ctx, err, t)
		}
	}
	principal, st, err := s.check(ctx, v, sum, now)
	if err != nil {
		return s.refused(ctx, err, &parsed{claims: claims{Issuer: v.profile.Issuer, Subject: v.user.String()}})
	}
	if !ok {
		s.verified.Add(sum, v)
	}
	s.noteUse(v, st, now)
	return principal, nil
}

// bearer takes the token out of a header value. The scheme may be in any case.
func bearer(header string) (string, bool) {
	header = strings.Trim(header, " \t")
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	token = strings.TrimLeft(token, " \t")
	return token, token != ""
}

// digest is the key of the cache, and what is stored of a token.
func digest(token string) [32]byte {
	// A view of the string's bytes, only read: a conversion would copy them for
	// every request.
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token)))
}

func (s *Service) verifyToken(ctx context.Context, token string, now time.Time) (*verified, *parsed, error) {
	v, t, err := s.judge(ctx, token, now)
	if err != nil {
		return nil, t, err
	}
	if v.admission, err = v.profile.admit(ctx, t); err != nil {
		return nil, t, err
	}
	return v, t, nil
}

// judge looks at the token alone, not at whom it speaks for: the admission is left
// out. What could be parsed is returned also with a refusal.
func (s *Service) judge(ctx context.Context, token string, now time.Time) (*verified, *parsed, error) {
	t, err := parse(token)
	if err != nil {
		return nil, nil, refuseForm(err)
	}
	p := s.legacyProfile(t)
	if p == nil {
		p = s.profileOf(t.claims.Issuer)
	}
	if p == nil {
		return nil, t, Refuse(CodeIssuer)
	}
	public, err := p.verify(ctx, t)
	if err != nil {
		return nil, t, err
	}
	if err := p.validate(t, now, p.mayOmitExpiry); err != nil {
		return nil, t, err
	}
	v := &verified{keyID: t.header.KeyID, alg: t.header.Algorithm, public: public, profile: p}
	if t.claims.Expires != nil {
		v.expires = *t.claims.Expires
	}
	return v, t, nil
}

// check is the part that every request goes through: time, key, user and record.
func (s *Service) check(ctx context.Context, v *verified, sum [32]byte, now time.Time) (entity.Principal, *standing, error) {
	if v.expires != 0 && expired(v.expires, now, s.opts.Skew) {
		return entity.Principal{}, nil, Refuse(CodeExpired)
	}
	// A key that was retired since takes its tokens along.
	if _, err := v.profile.Key(ctx, v.keyID, v.alg); err != nil {
		return entity.Principal{}, nil, err
	}
	st, err := s.standingOf(v)
	if err != nil {
		return entity.Principal{}, nil, err
	}
	if v.profile.legacy {
		if err := s.honoursLegacy(v, st, now); err != nil {
			return entity.Principal{}, nil, err
		}
	}
	if v.credential == "" {
		if st.withdrew(v) {
			return entity.Principal{}, nil, Refuse(CodeRevoked)
		}
		return s.principal(v, st), st, nil
	}
	if st.credentials[v.credential] == nil {
		// Another process, such as the command line, may have made it just now.
		s.subjects.forget(v.user)
		if st, err = s.standingOf(v); err != nil {
			return entity.Principal{}, nil, err
		}
	}
	if err := st.honours(v, sum, now); err != nil {
		return entity.Principal{}, nil, err
	}
	c := st.credentials[v.credential]
	if v.tokenType == TypeUser && !c.belongs(s.inForce.Load().mark, now) {
		return entity.Principal{}, nil, Refuse(CodeRevoked)
	}
	p := s.principal(v, st)
	if v.tokenType == TypeUser {
		p.SignedIn = c.Created
	}
	return p, st, nil
}

// principal tells who calls.
func (s *Service) principal(v *verified, st *standing) entity.Principal {
	return entity.Principal{
		UserID: st.user.ID, Name: st.user.Name, IsAdmin: st.user.IsAdmin, IsBot: st.user.IsBot,
		TokenType: v.tokenType, TokenID: v.tokenID, SignedIn: v.signedIn,
		MustChangePassword: st.mustChange && v.tokenType == TypeUser && s.inForce.Load().Basic,
	}
}

// withdrew tells whether a token of a provider counts no more: it was given up, or is
// from before the user signed out everywhere. Its time has no fractions: one of the
// same second is taken for earlier.
func (st *standing) withdrew(v *verified) bool {
	return v.issued <= st.notBefore/1000 || st.credentials[v.withdrawal] != nil
}

// standingOf finds the user's standing and refuses who is gone or of another kind.
func (s *Service) standingOf(v *verified) (*standing, error) {
	st, err := s.subjects.standing(v.user)
	switch {
	case isNotFound(err):
		return nil, gone(v.tokenType)
	case err != nil:
		return nil, err
	case st.user.Deleted:
		return nil, gone(v.tokenType)
	case st.user.IsBot != (v.tokenType == TypeBot):
		return nil, Refuse(CodeType)
	}
	return st, nil
}

// honours tells whether the credential is still on record, and is this very token.
func (st *standing) honours(v *verified, sum [32]byte, now time.Time) error {
	c, ok := st.credentials[v.credential]
	live := ok && c.live(now)
	if live && v.tokenType != TypeUser {
		live = subtle.ConstantTimeCompare(c.Hash, sum[:]) == 1
	}
	switch {
	case live:
		return nil
	case v.tokenType == TypeBot && st.user.Bot == entity.NilID:
		return Refuse(CodeBotGone)
	case v.tokenType == TypeBot:
		return Refuse(CodeBotStale)
	default:
		return Refuse(CodeRevoked)
	}
}

// refused takes note of a refusal and gives it back.
func (s *Service) refused(ctx context.Context, err error, t *parsed) (entity.Principal, error) {
	var e *entity.Error
	if !errors.As(err, &e) {
		e = entity.Internal(err)
	}
	if e.Kind == entity.KindUnauthorized || e.Code != "" {
		s.trail.refusal(ctx, e, t)
	}
	return entity.Principal{}, e
}
