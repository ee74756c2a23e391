package auth

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Kept is a session that a cookie keeps from now on.
type Kept struct {
	Cookie  string    // the value of the cookie
	Expires time.Time // when the session ends at the latest
}

// KeepInBrowser turns the session of a refresh token into one that a cookie keeps, so
// that the page need not hold what renews it and finds it again when it is loaded anew.
// The refresh token is used up; access tokens go on. A refusal of code CodeRefresh means
// that there is no such session.
func (s *Service) KeepInBrowser(ctx context.Context, refresh string) (Kept, error) {
	old, ok := parseRefresh(refresh)
	if !ok {
		return Kept{}, s.refuseRefresh(ctx, "")
	}
	user, err := s.users.ByID(ctx, old.user)
	if isNotFound(err) || err == nil && (user.Deleted || user.IsBot) {
		return Kept{}, s.refuseRefresh(ctx, old.user.String())
	}
	if err != nil {
		return Kept{}, err
	}
	fresh := cookie{user: old.user, session: old.session}
	_, _ = rand.Read(fresh.secret[:]) // never fails, says crypto/rand
	var kept *credential
	err = s.change(ctx, user.ID, func(tx store.Tx) error {
		var err error
		kept, err = s.keep(ctx, tx, old, fresh)
		return err
	})
	if err != nil {
		return Kept{}, err
	}
	if kept == nil {
		return Kept{}, s.refuseRefresh(ctx, old.user.String())
	}
	return Kept{Cookie: fresh.String(), Expires: time.UnixMilli(kept.Expires)}, nil
}

// keep returns nil when the refresh token is not the live one of its session.
func (s *Service) keep(ctx context.Context, tx store.Tx, old refreshToken, fresh cookie) (*credential, error) {
	now, force := s.clock(), s.inForce.Load()
	c, err := readCredential(ctx, tx, old.user, old.key())
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if c.Browser != nil || !c.live(now) || !c.belongs(force.mark, now) || !equal(c.Family, old.family[:]) || !equal(c.Hash, old.secret[:]) {
		return nil, nil
	}
	c.Hash, c.Family, c.Previous, c.Next, c.Rotated = hashOf(fresh.secret[:]), nil, nil, "", 0
	c.Browser = &browser{Renewed: now.UnixMilli()}
	c.used(force, now)
	return c, putCredential(ctx, tx, old.user, old.key(), c)
}
