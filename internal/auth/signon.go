package auth

import (
	"context"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// SignOn is how people sign in: the identity provider and the rules for those it
// vouches for. It is built from the configuration as a whole and never changed
// afterwards; Service.SetSignOn puts another one in its place.
type SignOn struct {
	// Provider is the configured kind: basic, ldap, saml, auth0, google, okta, azure,
	// aws-cognito or custom-oidc.
	Provider string
	// Basic says that this server keeps the passwords.
	Basic bool

	// Trust is what bearer tokens of the provider are judged by: only for a public
	// client, whose browser sends ID tokens. Nil otherwise.
	Trust *Trust
	// Redirect sends the browser to the provider and back; nil unless this server
	// takes part in the round trip (confidential client, SAML).
	Redirect RedirectProvider
	// Password checks a name and a password elsewhere (LDAP); nil otherwise.
	Password PasswordProvider

	Rules Rules

	AccessLifetime  time.Duration // of our access token; default Options.AccessLifetime
	SessionLifetime time.Duration // of a browser's session at most; default Options.SessionLifetime
	IdleLifetime    time.Duration // of a browser's session without use; default 8 h

	// Identity tells whether two configurations mean the same provider and client:
	// sessions outlive a change of the others.
	Identity string
}

// Rules turn claims into users.
type Rules struct {
	// PrincipalClaims name the user, the first that is present and not empty counts.
	PrincipalClaims []string
	// UsernameClaim and EmailClaim take the place of PrincipalClaims when both are set.
	UsernameClaim, EmailClaim string

	PrincipalDomain     string // completes names without a domain
	EnforceDomain       bool   // the email must be of PrincipalDomain or AllowedDomains
	AllowedDomains      []string
	SelfSignup          bool     // unknown people become users
	RegistrationDomains []string // whose emails may; "all" for any

	RequireVerifiedEmail bool // refuse when email_verified is absent, too

	AdminPrincipals   []string // names or emails of administrators
	AdminFromProvider bool     // a role claim "Admin" makes an administrator

	UseRoles  bool   // the role claim decides the provider-managed roles
	RoleClaim string // its name, which may be a URL
	TeamClaim string // "" leaves teams alone
}

// Identity is whom a provider vouches for.
type Identity struct {
	Issuer  string                    // exact; the entity id of a SAML provider, ldap:<base DN> for a directory
	Subject string                    // stable and never given to somebody else there
	Claims  map[string]jsontext.Value // of the ID token or userinfo; attributes as strings or lists of strings
}

// Text returns a claim that is a string, "" when it is absent or something else.
func (i Identity) Text(claim string) string {
	raw := i.Claims[claim]
	if raw.Kind() != '"' {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return ""
	}
	return string(text)
}

// Grant is what a provider gives at the end of a round trip.
type Grant struct {
	Identity     Identity
	RefreshToken string    // "" when the provider gave none
	IDToken      string    // for id_token_hint when signing out there
	Expires      time.Time // end of what the provider vouches for; zero for no limit
	Session      string    // sid of OpenID Connect, SessionIndex of SAML
}

// Departure is what one attempt to sign in is bound to. The secrets are random, of
// 256 bits each, and stored sealed until the browser is back.
type Departure struct {
	State    string // comes back unchanged
	Nonce    string // comes back inside the ID token
	Verifier string // PKCE code_verifier (RFC 7636 §4.1)
	// Note is the provider's own: what Start wants Finish to know, such as the id of
	// a SAML request.
	Note string
}

// RedirectProvider signs people in by a round trip of the browser. Errors are
// refusals of this package (see Refuse); whatever else comes is answered as an
// internal error. Implementations are safe for concurrent use and bound their calls
// to the provider in time and size.
type RedirectProvider interface {
	// Start returns the address to send the browser to. It may set d.Note.
	Start(ctx context.Context, d *Departure) (string, error)
	// Finish judges what the browser brought back; state and single use have been
	// checked before.
	Finish(ctx context.Context, d Departure, answer url.Values) (Grant, error)
	// SignOut returns where to send the browser to end the session at the provider,
	// and then back to the given address; "" if the provider has no such place.
	SignOut(idToken, session, back string) string
}

// Renewer is a RedirectProvider that can prolong what it granted.
type Renewer interface {
	// Renew exchanges a refresh token. A refusal of code CodeRefresh means that the
	// provider does not vouch for the person any more; an error of
	// entity.KindUnavailable means that it could not be asked.
	Renew(ctx context.Context, refreshToken string) (Grant, error)
	// Revoke tells the provider that the refresh token is not needed (RFC 7009).
	Revoke(ctx context.Context, refreshToken string) error
}

// LogoutReceiver is a RedirectProvider that tells of sign-outs elsewhere (OpenID
// Connect Back-Channel Logout 1.0).
type LogoutReceiver interface {
	// ReadLogout verifies a logout token. Subject or session may be "", not both.
	ReadLogout(ctx context.Context, token string) (issuer, subject, session string, err error)
}

// PasswordProvider checks passwords elsewhere.
type PasswordProvider interface {
	// Check returns the identity of whoever has this name (or email) and password. A
	// refusal of code CodeLogin means wrong name or password, an error of
	// entity.KindUnavailable that the directory could not be asked.
	Check(ctx context.Context, name, password string) (Identity, error)
}
