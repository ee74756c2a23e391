package api

import (
	"net/url"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// legacyTokenLife is how long a token in an address works.
const legacyTokenLife = 60 * time.Second

// withLegacyToken puts a token of a minute into an address on this server, for user
// interfaces that read it there. Without the switch there is never one.
func (c *call) withLegacyToken(back string, done auth.LoginDone) string {
	settings := c.signOn()
	if !settings.LegacyCallbackToken || !settings.ownAddress(back) {
		return back
	}
	brief, err := c.auth.BriefToken(c.ctx(), done.Session, legacyTokenLife)
	if err != nil {
		c.log.WarnContext(c.ctx(), "no token for the callback address", "err", err)
		return back
	}
	u, err := url.Parse(back)
	if err != nil {
		return back
	}
	query := u.Query()
	query.Set("id_token", brief.Token)
	query.Set("email", brief.Email)
	query.Set("name", brief.Name)
	u.RawQuery = query.Encode()
	return u.String()
}
