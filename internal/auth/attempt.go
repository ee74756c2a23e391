package auth

import (
	"context"
	"net/url"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// LoginStart asks to send a browser to the identity provider.
type LoginStart struct {
	Return  string // where to go afterwards; the caller has checked it
	Address string // of the client, for the bounds and the audit trail
	// Test is a settings document to try out in place of what is in force: nobody is
	// signed in then, and By may read the report.
	Test []byte
	By   entity.Principal
}

// LoginRedirect is where to send the browser, and the cookie to give it.
type LoginRedirect struct {
	URL      string
	Cookie   string // the short id, for the name of the cookie
	Value    string // secret
	Lifetime time.Duration
}

// LoginReturn is what the browser brought back.
type LoginReturn struct {
	Params  url.Values
	Cookies map[string]string // by short id, of all the attempts the browser has a cookie for
	Address string
}

// LoginDone is the outcome of a round trip.
type LoginDone struct {
	Attempt string    // the short id, whose cookie is of no use any more; set with an error, too, if known
	Session string    // value of the session's cookie
	Expires time.Time // end of the session
	Return  string
	Test    string // id of a test login, which opens no session
}

// BeginLogin prepares a round trip to the identity provider.
func (s *Service) BeginLogin(context.Context, LoginStart) (LoginRedirect, error) {
	return LoginRedirect{}, Refuse(CodeNoProvider)
}

// FinishLogin judges what the browser brought back and opens its session.
func (s *Service) FinishLogin(context.Context, LoginReturn) (LoginDone, error) {
	return LoginDone{}, Refuse(CodeNoAttempt)
}

// AcceptPost takes an answer that the provider lets the browser post from its own
// site (SAML), where the cookie of the attempt does not come along. The answer is
// judged at once; the result waits, sealed, for the browser to come with the cookie.
// The returned parameters are for the callback.
func (s *Service) AcceptPost(context.Context, url.Values, string) (url.Values, error) {
	return nil, Refuse(CodeNoAttempt)
}
