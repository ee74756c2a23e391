package api

import (
	"net/http"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// sessionView is a session as clients see it.
type sessionView struct {
	ID       string `json:"id"`
	Browser  bool   `json:"browser"` // opened at an identity provider
	Current  bool   `json:"current"`
	Address  string `json:"address,omitzero"`
	SignedIn int64  `json:"signedIn"`
	Used     int64  `json:"used,omitzero"`
	Expires  int64  `json:"expires"`
}

// whoseSessions is the caller, or the user whom an administrator names.
func (c *call) whoseSessions() (entity.ID, error) {
	name := c.query.Get("user")
	if name == "" || name == c.by.Name {
		return c.by.UserID, nil
	}
	if !c.by.IsAdmin {
		return entity.NilID, entity.Forbidden("only an administrator can see or end somebody else's sessions")
	}
	if id, err := entity.ParseID(name); err == nil {
		return id, nil
	}
	t, err := c.userType()
	if err != nil {
		return entity.NilID, err
	}
	user, err := c.engine.Get(c.ctx(), c.by, t, engine.ByFQN(name), engine.View{})
	if err != nil {
		return entity.NilID, err
	}
	return user.ID, nil
}

func (c *call) listSessions() error {
	user, err := c.whoseSessions()
	if err != nil {
		return err
	}
	sessions, err := c.auth.Sessions(c.ctx(), user)
	if err != nil {
		return err
	}
	out := make([]sessionView, len(sessions))
	for i, s := range sessions {
		out[i] = sessionView{
			ID: s.ID, Browser: s.Browser, Current: s.ID == auth.SessionOf(c.by), Address: s.Address,
			SignedIn: s.SignedIn.UnixMilli(), Expires: s.Expires.UnixMilli(),
		}
		if !s.Used.IsZero() {
			out[i].Used = s.Used.UnixMilli()
		}
	}
	return c.json(http.StatusOK, newPage(out, len(out)))
}

func (c *call) endSession() error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	user, err := c.whoseSessions()
	if err != nil {
		return err
	}
	if err := c.auth.EndOneSession(c.ctx(), c.by, user, id); err != nil {
		return err
	}
	return c.gone()
}

// endSessions ends all sessions of a user; keepCurrent spares the caller's own.
func (c *call) endSessions() error {
	user, err := c.whoseSessions()
	if err != nil {
		return err
	}
	keep, err := c.flag("keepCurrent", false)
	if err != nil {
		return err
	}
	if !keep {
		if _, err := c.auth.EndSessions(c.ctx(), c.by, user); err != nil {
			return err
		}
		return c.gone()
	}
	sessions, err := c.auth.Sessions(c.ctx(), user)
	if err != nil {
		return err
	}
	for _, s := range sessions { // a person has a bounded number of them
		if s.ID == auth.SessionOf(c.by) {
			continue
		}
		if err := c.auth.EndOneSession(c.ctx(), c.by, user, s.ID); err != nil && entity.KindOf(err) != entity.KindNotFound {
			return err
		}
	}
	return c.gone()
}

// unlinkIdentities parts a user from the identities at providers, for an address that
// went to another identity: the next one who comes with it is linked.
func (c *call) unlinkIdentities() error {
	if err := c.signedInLately(); err != nil {
		return err
	}
	if c.query.Get("user") == "" {
		return entity.BadRequest("the parameter user is missing: whose link with a provider shall go?")
	}
	user, err := c.whoseSessions()
	if err != nil {
		return err
	}
	if err := c.auth.Unlink(c.ctx(), c.by, user); err != nil {
		return err
	}
	return c.gone()
}
