package auth

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// usedGranularity is how exactly the last use of a personal token is kept.
const usedGranularity = time.Hour

const maxTokenName = 128

// PersonalToken describes a personal access token, without the token.
type PersonalToken struct {
	ID      string
	Name    string
	Expiry  Expiry
	Created time.Time
	Expires time.Time // zero for never
	Used    time.Time // to the hour; zero for never
}

// CreatePersonalToken makes a personal access token for the caller, who must be a
// person that signed in.
func (s *Service) CreatePersonalToken(ctx context.Context, p entity.Principal, name string, expiry Expiry) (IssuedToken, error) {
	if p.TokenType != TypeUser {
		return IssuedToken{}, wrongType("Only a person who signed in can create a personal access token.")
	}
	name = strings.TrimSpace(name)
	if name == "" || len(name) > maxTokenName {
		return IssuedToken{}, entity.BadRequest("[tokenName size must be between 1 and %d]", maxTokenName)
	}
	if expiry == ExpireNever { // whatever bots may have: nothing of a person goes on for ever
		return IssuedToken{}, Refuse(CodeUnlimited)
	}
	user, err := s.liveUser(ctx, p.UserID)
	if err != nil {
		return IssuedToken{}, err
	}
	issued, c, err := s.makeToken(user, p, TypePersonal, expiry)
	if err != nil {
		return IssuedToken{}, err
	}
	c.Name = name
	err = s.change(ctx, user.ID, func(tx store.Tx) error {
		if err := makeRoom(ctx, tx, user.ID, prefixPersonal, s.clock()); err != nil {
			return err
		}
		if err := putCredential(ctx, tx, user.ID, prefixPersonal+issued.ID, c); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "personalTokenCreated", User: user.Name, By: p.Name, TokenID: issued.ID})
	})
	if err != nil {
		return IssuedToken{}, err
	}
	return issued, nil
}

// PersonalTokens lists the live personal access tokens of a user, newest first.
func (s *Service) PersonalTokens(ctx context.Context, user entity.ID) ([]PersonalToken, error) {
	all, err := s.liveCredentials(ctx, user, prefixPersonal)
	if err != nil {
		return nil, err
	}
	tokens := make([]PersonalToken, 0, len(all))
	for key, c := range all {
		t := PersonalToken{
			ID: strings.TrimPrefix(key, prefixPersonal), Name: c.Name, Expiry: c.Expiry,
			Created: time.UnixMilli(c.Created), Expires: c.end(),
		}
		if c.Used != 0 {
			t.Used = time.UnixMilli(c.Used)
		}
		tokens = append(tokens, t)
	}
	slices.SortFunc(tokens, func(a, b PersonalToken) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return tokens, nil
}

// RevokePersonalTokens ends the personal access tokens with these ids, all of the
// user's if none is given, and returns how many were live. The caller must be the
// owner, or somebody the caller of this has found entitled.
func (s *Service) RevokePersonalTokens(ctx context.Context, by entity.Principal, user entity.ID, ids ...string) (int, error) {
	if err := denyBots(by); err != nil {
		return 0, err
	}
	known, err := s.users.ByID(ctx, user)
	if err != nil {
		return 0, err
	}
	match := always
	if len(ids) > 0 {
		match = func(key string, _ *credential) bool {
			return slices.Contains(ids, strings.TrimPrefix(key, prefixPersonal))
		}
	}
	revoked := 0
	err = s.change(ctx, user, func(tx store.Tx) error {
		var err error
		if revoked, err = dropCredentials(ctx, tx, user, prefixPersonal, s.clock(), match); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "personalTokensRevoked", User: known.Name, By: by.Name, Count: revoked})
	})
	return revoked, err
}

// noteUse records, in the background and at most once an hour, that a personal
// token or a browser's session was used.
func (s *Service) noteUse(v *verified, st *standing, now time.Time) {
	c := st.credentials[v.credential]
	if c == nil || v.tokenType != TypePersonal && c.Browser == nil {
		return
	}
	hour := now.Truncate(usedGranularity).UnixMilli()
	if c.Used >= hour || !c.noted.CompareAndSwap(false, true) {
		return
	}
	s.writes.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		err := s.change(ctx, v.user, func(tx store.Tx) error {
			c, err := readCredential(ctx, tx, v.user, v.credential)
			if err != nil {
				if isNotFound(err) { // revoked meanwhile
					return nil
				}
				return err
			}
			c.Used = max(c.Used, hour)
			if c.Browser != nil {
				c.used(s.inForce.Load(), now)
			}
			return putCredential(ctx, tx, v.user, v.credential, c)
		})
		if err != nil {
			s.log.Warn("the last use of a token could not be written", "error", err)
		}
	})
}
