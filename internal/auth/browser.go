package auth

import (
	"context"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// SessionInfo describes a session without its secrets.
type SessionInfo struct {
	ID       string
	Browser  bool // opened by a round trip to the identity provider, kept by a cookie
	Address  string
	SignedIn time.Time
	Used     time.Time // last refresh
	Expires  time.Time
	Current  bool // set by the caller who knows the principal's session, see SessionOf
}

// SessionToken gives the browser that shows a session's cookie an access token. It
// renews at the identity provider when that is due.
func (s *Service) SessionToken(context.Context, string) (Tokens, error) {
	return Tokens{}, Refuse(CodeRefresh)
}

// EndSession signs the browser out and returns where to send it to end the session
// at the provider, and from there to the given address; "" for nowhere.
func (s *Service) EndSession(context.Context, string, string) (string, error) {
	return "", nil
}

// ReceiveLogout ends the sessions that a logout token of the provider names.
func (s *Service) ReceiveLogout(context.Context, string) (int, error) {
	return 0, Refuse(CodeNoProvider)
}

// Sessions lists the live sessions of a user, newest first.
func (s *Service) Sessions(context.Context, entity.ID) ([]SessionInfo, error) {
	return nil, nil
}

// EndOneSession ends one session of a user. Who asks is the user or an admin.
func (s *Service) EndOneSession(_ context.Context, _ entity.Principal, _ entity.ID, id string) error {
	return entity.NotFound("session", id)
}

// KeepSession lets an admin who is about to put another SignOn in force stay signed
// in for ten minutes, whatever provider the session is of. Who came with a token of
// the provider gets tokens of our own for that time; for the others there are none.
func (s *Service) KeepSession(context.Context, entity.Principal, string) (Tokens, error) {
	return Tokens{}, nil
}
