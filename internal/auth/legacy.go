package auth

import (
	"context"
	"crypto"
	"errors"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Tokens that OpenMetadata gave to bots go on while the operator lets its key verify
// them (catalpa keys import --verify-only). They have no audience and no id, perhaps
// no end, and are not on record here, so they are judged by a profile of their own.

// legacyEnd is the key of the record that ends a bot's legacy tokens. It begins with
// no prefix of a credential.
const legacyEnd = "legacy/end"

// legacyProfile returns the profile of a token that another server's key signed; nil
// if the token does not name such a key, or not the issuer the key is for. It comes
// before the own profile, since both may have the same issuer; their keys never have
// the same id.
func (s *Service) legacyProfile(t *parsed) *profile {
	_, issuer, ok := s.keys.Foreign(t.header.KeyID)
	if !ok {
		retired, gone := s.keys.Retired(t.header.KeyID)
		if issuer = retired.Issuer; !gone || issuer == "" {
			return nil
		}
	}
	if issuer != t.claims.Issuer {
		return nil
	}
	return &profile{
		Trust: Trust{
			Issuer: issuer, Algorithms: []string{jwt.SigningMethodRS256.Alg()}, Skew: s.opts.Skew, unaddressed: true,
			Key: func(_ context.Context, id, _ string) (crypto.PublicKey, error) {
				public, of, ok := s.keys.Foreign(id)
				if !ok || of != issuer {
					return nil, Refuse(CodeKeyRotated)
				}
				return public, nil
			},
		},
		legacy:        true,
		mayOmitExpiry: []string{TypeBot},
		admit:         s.admitLegacy,
	}
}

// admitLegacy finds the bot's user by the exact subject. Whether it is a bot, and
// still there, is looked at with each use.
func (s *Service) admitLegacy(ctx context.Context, t *parsed) (admission, error) {
	c := &t.claims
	switch {
	case c.Type != TypeBot || !c.IsBot:
		return admission{}, RefuseFor(CodeType, errors.New("a verify-only key of another server is for tokens of bots"))
	case c.Subject == "":
		return admission{}, Refuse(CodeClaims)
	}
	user, err := s.users.ByName(ctx, c.Subject)
	if isNotFound(err) {
		return admission{}, Refuse(CodeBotGone)
	}
	if err != nil {
		return admission{}, err
	}
	return admission{user: user.ID, tokenType: TypeBot, issued: *c.IssuedAt}, nil
}

// honoursLegacy tells whether the bot's tokens of another server still count, and
// flags their use in the audit trail.
func (s *Service) honoursLegacy(v *verified, st *standing, now time.Time) error {
	if end := st.credentials[legacyEnd]; end != nil && now.UnixMilli() >= end.Until {
		return Refuse(CodeBotStale)
	}
	if !s.legacy.first(v.user, now) {
		return nil
	}
	entry := AuditEntry{Action: "legacyTokenUsed", User: st.user.Name, Issuer: v.profile.Issuer, KeyID: v.keyID}
	s.writes.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		if err := s.store.Update(ctx, func(tx store.Tx) error { return s.audit(ctx, tx, entry) }); err != nil {
			s.log.Warn("the use of a token of another server could not be written", "user", entry.User, "error", err)
		}
	})
	return nil
}

// endLegacy ends a bot's tokens of another server, which are replaced or revoked
// like those on record.
func (s *Service) endLegacy(ctx context.Context, tx store.Tx, user entity.ID, now, until time.Time) error {
	if !s.keys.HasForeign() {
		return nil
	}
	former, err := readCredential(ctx, tx, user, legacyEnd)
	if err != nil && !isNotFound(err) {
		return err
	}
	if err == nil && former.Until <= until.UnixMilli() {
		return nil
	}
	return putCredential(ctx, tx, user, legacyEnd, &credential{Created: now.UnixMilli(), Until: until.UnixMilli()})
}

// legacyUses remembers whose use was flagged in this hour.
type legacyUses struct {
	mu   sync.Mutex
	hour int64
	seen map[entity.ID]bool
}

// first tells whether the user's is the first use in this hour.
func (u *legacyUses) first(user entity.ID, now time.Time) bool {
	hour := now.Truncate(usedGranularity).UnixMilli()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.hour != hour || u.seen == nil {
		u.hour, u.seen = hour, make(map[entity.ID]bool)
	}
	if u.seen[user] || len(u.seen) >= maxSubjects {
		return false
	}
	u.seen[user] = true
	return true
}
