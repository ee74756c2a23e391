package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Brief is a token for an address, where others may read it, and whom it stands for.
type Brief struct{ Token, Name, Email string }

// BriefToken makes an access token of a browser's session that works for a short
// time only, and no longer than the session.
func (s *Service) BriefToken(ctx context.Context, value string, life time.Duration) (Brief, error) {
	k, ok := parseCookie(value)
	if !ok {
		return Brief{}, Refuse(CodeRefresh)
	}
	user, err := s.liveUser(ctx, k.user)
	if err != nil {
		return Brief{}, err
	}
	var c *credential
	err = s.store.View(ctx, func(r store.Reader) error {
		c, err = s.readBrowser(ctx, r, k)
		return err
	})
	switch {
	case err != nil:
		return Brief{}, err
	case c == nil:
		return Brief{}, Refuse(CodeRefresh)
	case life <= 0:
		return Brief{}, entity.Internal(fmt.Errorf("a token for %v", life))
	}
	now := s.clock()
	end := now.Add(life)
	if session := time.UnixMilli(c.Expires); session.Before(end) {
		end = session
	}
	tokens, err := s.signAccess(user, fmt.Sprintf("%s.%d", k.id(), c.Turns), now, end)
	return Brief{Token: tokens.AccessToken, Name: user.Name, Email: user.Email}, err
}
