package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"
)

// inForce is a SignOn with what follows from it. It is replaced as a whole.
type inForce struct {
	*SignOn
	provider *profile // judges the provider's ID tokens; nil when none are taken
	mark     string   // of sessions that belong to it
	since    time.Time
}

// idleLifetime is how long a browser's session lives without use, by default.
const idleLifetime = 8 * time.Hour

// SignOn returns how people sign in at the moment. It must not be changed.
func (s *Service) SignOn() *SignOn { return s.inForce.Load().SignOn }

// CheckSignOn says why a way to sign on can not be put in force.
func (s *Service) CheckSignOn(so *SignOn) error {
	switch {
	case so.Trust == nil:
		return nil
	case so.Trust.Issuer == s.own.Issuer:
		return errors.New("the identity provider names itself by this server's own issuer; set jwtissuer to another text")
	case so.Trust.Issuer == "" || len(so.Trust.Audiences) == 0 || len(so.Trust.Algorithms) == 0 || so.Trust.Key == nil:
		return errors.New("trust in an identity provider needs an issuer, audiences, algorithms and keys")
	}
	return nil
}

// SetSignOn puts another way to sign on in force, at once and as a whole. Tokens of
// the provider before are not known any more; sessions go on only if both mean the
// same provider and client (but see Keep). Trust that CheckSignOn refuses is
// left out: own tokens are never judged by anything but the own profile.
func (s *Service) SetSignOn(so *SignOn) {
	next := &inForce{SignOn: new(SignOn), mark: markOf(so), since: s.clock()}
	*next.SignOn = *so
	setDefault(&next.AccessLifetime, s.opts.AccessLifetime)
	setDefault(&next.SessionLifetime, s.opts.SessionLifetime)
	setDefault(&next.IdleLifetime, idleLifetime)
	if err := s.CheckSignOn(so); err != nil {
		s.log.Error("the identity provider's tokens are refused", "error", err)
	} else if so.Trust != nil {
		next.provider = s.providerProfile(next.SignOn)
	}
	s.inForce.Store(next)
	// What was verified for the provider before names its profile and counts no more;
	// this frees the memory.
	s.verified.Purge()
}

// markOf tells sessions of one provider and client from those of another. Sessions
// by own passwords have none.
func markOf(so *SignOn) string {
	if so.Basic {
		return ""
	}
	sum := sha256.Sum256([]byte(so.Provider + "\x00" + so.Identity))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// profileOf finds the profile of an issuer; nil when it is not trusted. The own one
// comes first.
func (s *Service) profileOf(issuer string) *profile {
	if issuer == s.own.Issuer {
		return s.own
	}
	if p := s.inForce.Load().provider; p != nil && issuer == p.Issuer {
		return p
	}
	return nil
}

// current tells whether a profile still judges tokens.
func (s *Service) current(p *profile) bool {
	return p == s.own || p.legacy || p == s.inForce.Load().provider
}
