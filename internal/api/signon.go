package api

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// SignOnSettings are what the API and its pages need to know of how people sign
// in. They hold no secret. Options.SignOn returns the ones in force, so that what an
// administrator saves applies at once.
type SignOnSettings struct {
	// PublicURL is scheme and host under which browsers reach the server. Links and
	// redirects begin with it, never with what a request calls the server.
	PublicURL string
	// Development allows cookies without Secure on loopback.
	Development bool
	// ForceSecure says that browsers speak https to a proxy in front.
	ForceSecure bool
	// TrustedProxies are whose X-Forwarded-For and X-Forwarded-Proto count.
	TrustedProxies []netip.Prefix
	// AllowedRedirectOrigins may be returned to after a sign-in, besides PublicURL.
	AllowedRedirectOrigins []string
	// AllowedOrigins are the sites whose scripts may call the API (CORS).
	AllowedOrigins []string
	// LegacyCallbackToken puts a short-lived token into the address that the browser
	// returns to on this server.
	LegacyCallbackToken bool

	// What clients may read of the configuration.
	Provider, ProviderName, ClientType, ResponseType string
	Authority, ClientID, CallbackURL, Scope          string
	PublicKeyURLs, PrincipalClaims, PrincipalMapping []string
	TokenAlgorithm, TeamClaim                        string
	SelfSignup, AutoRedirect                         bool

	// PasswordReset says that links to choose a new password can be mailed.
	PasswordReset bool
	// Client is what the page of a public client works by; nil otherwise, or while the
	// provider's metadata is not known.
	Client *PublicClient
}

// PublicClient is what a browser needs to run OpenID Connect by itself.
type PublicClient struct {
	Issuer                string `json:"issuer"`
	ClientID              string `json:"clientId"`
	AuthorizationEndpoint string `json:"authorizationEndpoint"`
	TokenEndpoint         string `json:"tokenEndpoint"`
	SignOut               string `json:"signOut,omitempty"` // where to go to sign out there and come back; no token is in it
	RedirectURI           string `json:"redirectUri"`
	Scope                 string `json:"scope"`
	ResponseType          string `json:"responseType"` // code, or id_token where that is allowed
	IssInResponse         bool   `json:"issInResponse"`
	Prompt                string `json:"prompt,omitempty"`
}

// fixedSignOn are the settings of a server that was given none of their own.
func fixedSignOn(opts Options) func() SignOnSettings {
	s := SignOnSettings{
		PublicURL: opts.PublicURL, Provider: opts.Settings.Provider, ProviderName: opts.Settings.Provider, ClientType: "public",
		Scope: "openid email profile", PrincipalClaims: opts.Settings.JWTPrincipals, SelfSignup: opts.Settings.EnableSelfSignup,
	}
	return func() SignOnSettings { return s }
}

// signOnRoutes are the routes of signing in at an identity provider and of the
// sessions of browsers. Besides these, no route looks at a cookie.
func (a *API) signOnRoutes() []Route {
	const base, saml, form = "/api/v1/auth", "/api/v1/saml", "application/x-www-form-urlencoded"
	return []Route{
		{Method: http.MethodGet, Path: base + "/login", Access: Public, Page: true, Handle: (*call).beginLogin},
		{Method: http.MethodGet, Path: "/callback", Access: Public, Page: true, Handle: (*call).finishLogin},
		{Method: http.MethodGet, Path: "/auth/callback", Access: Public, Page: true, Handle: (*call).finishLogin},
		{Method: http.MethodGet, Path: base + "/callback", Access: Public, Page: true, Handle: (*call).finishLogin},
		{Method: http.MethodGet, Path: base + "/refresh", Access: Cookie, Handle: (*call).sessionToken},
		{Method: http.MethodPost, Path: base + "/session", Access: Public, MaxBody: smallBody, Handle: (*call).keepSession},
		{Method: http.MethodGet, Path: base + "/logout", Access: Public, Page: true, Handle: (*call).leave},
		{Method: http.MethodPost, Path: base + "/logout", Access: Public, Page: true, MaxBody: smallBody, Handle: (*call).leave},
		{Method: http.MethodPost, Path: base + "/backchannel-logout", Access: Public, Foreign: true, Accepts: form, MaxBody: smallBody, Handle: (*call).receiveLogout},
		{Method: http.MethodGet, Path: base + "/sessions", Access: Authenticated, Handle: (*call).listSessions},
		{Method: http.MethodDelete, Path: base + "/sessions", Access: Authenticated, Handle: (*call).endSessions},
		{Method: http.MethodDelete, Path: base + "/sessions/{id}", Access: Authenticated, Handle: (*call).endSession},
		{Method: http.MethodDelete, Path: base + "/identities", Access: AdminOnly, Handle: (*call).unlinkIdentities},
		{Method: http.MethodGet, Path: saml + "/login", Access: Public, Page: true, Handle: (*call).beginLogin},
		{Method: http.MethodPost, Path: saml + "/acs", Access: Public, Page: true, Foreign: true, Accepts: form, MaxBody: samlBody, Handle: (*call).acceptSAML},
		{Method: http.MethodGet, Path: saml + "/metadata", Access: Public, Handle: (*call).samlMetadata},
		{Method: http.MethodGet, Path: saml + "/logout", Access: Public, Page: true, Handle: (*call).leave},
	}
}

// defaultReturn is where a browser goes after signing in when nothing else was asked.
const defaultReturn = "/"

// beginLogin sends the browser to the identity provider.
func (c *call) beginLogin() error {
	settings := c.signOn()
	back, err := settings.returnTo(c.query["redirectUri"])
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodHead {
		return c.empty(http.StatusOK)
	}
	if c.auth.SignOn().Redirect == nil {
		if c.navigation() {
			return c.redirect("/signin")
		}
		return auth.Refuse(auth.CodeNoProvider)
	}
	begun, err := c.auth.BeginLogin(c.ctx(), auth.LoginStart{Return: back, Address: c.address(), Origin: c.origin()})
	if err != nil {
		return err
	}
	c.setAttempt(begun.Cookie, begun.Value, begun.Lifetime)
	return c.redirect(begun.URL)
}

// finishLogin takes the browser back from the identity provider. The same path is
// the page on which a public client finishes by itself.
func (c *call) finishLogin() error {
	attempts := c.attempts()
	short, _, _ := strings.Cut(c.query.Get("state"), ".")
	_, ours := attempts[short]
	if c.r.Method == http.MethodHead { // must not use up the attempt
		return c.empty(http.StatusOK)
	}
	if !ours && (c.auth.SignOn().Redirect == nil || !isAnswer(c.query)) {
		return c.appPage("callback")
	}
	done, err := c.auth.FinishLogin(c.ctx(), auth.LoginReturn{Params: c.query, Cookies: attempts, Address: c.address(), Origin: c.origin()})
	if done.Attempt != "" {
		c.dropAttempt(done.Attempt)
	}
	if err != nil {
		return err
	}
	if done.Test != "" {
		return c.testedPage(done.Test)
	}
	c.setSession(done.Session, done.Expires)
	back := done.Return
	if back == "" {
		back = defaultReturn
	}
	return c.redirect(c.withLegacyToken(back, done))
}

// isAnswer tells whether a query comes from an identity provider.
func isAnswer(query url.Values) bool {
	for _, name := range []string{"state", "code", "error", "ticket", "SAMLResponse", "RelayState"} {
		if query.Has(name) {
			return true
		}
	}
	return false
}

// sessionToken gives the browser that has a session's cookie an access token.
func (c *call) sessionToken() error {
	if site := c.r.Header.Get("Sec-Fetch-Site"); site != "" && site != sameOrigin && site != "none" {
		return auth.Refuse(auth.CodeOrigin)
	}
	tokens, err := c.auth.SessionToken(c.ctx(), c.session())
	switch entity.KindOf(err) {
	case entity.KindUnauthorized:
		if err != nil {
			c.dropSession()
		}
	case entity.KindUnavailable:
		c.w.Header().Set("Retry-After", "5")
	}
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]any{
		"accessToken": tokens.AccessToken, "tokenType": tokens.TokenType, "expiryDuration": tokens.ExpiryDuration,
	})
}

// keepSession gives the browser a cookie for the session of a refresh token. Only our own
// pages may ask: another site could make the browser go on as somebody else.
func (c *call) keepSession() error {
	if !c.own() {
		return auth.Refuse(auth.CodeOrigin)
	}
	var body struct {
		RefreshToken string `json:"refreshToken"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	kept, err := c.auth.KeepInBrowser(c.ctx(), body.RefreshToken)
	if err != nil {
		return err
	}
	c.setSession(kept.Cookie, kept.Expires)
	return c.empty(http.StatusNoContent)
}

// leave signs the browser out. A foreign page can lead here, but only show a button.
func (c *call) leave() error {
	session := c.session()
	if c.r.Method == http.MethodPost {
		if err := c.checkPosted(session); err != nil {
			return err
		}
	} else if session != "" && !c.meant() {
		if c.navigation() {
			return c.signOutPage()
		}
		return auth.Refuse(auth.CodeOrigin)
	}
	settings := c.signOn()
	next := ""
	if session != "" {
		var err error
		if next, err = c.auth.EndSession(c.ctx(), session, settings.link("/signed-out")); err != nil {
			return err
		}
		c.dropSession()
	}
	if next == "" {
		next = "/signed-out"
	}
	if !c.navigation() {
		return c.json(http.StatusOK, map[string]string{"message": "Logout Successful", "location": next})
	}
	return c.redirect(next)
}

// receiveLogout ends the sessions that the identity provider says are over (OpenID
// Connect Back-Channel Logout 1.0 §2.5).
func (c *call) receiveLogout() error {
	form, err := c.form()
	if err != nil {
		return err
	}
	tokens := form["logout_token"]
	if len(tokens) != 1 || tokens[0] == "" {
		return entity.BadRequest("send one logout_token")
	}
	if _, err := c.auth.ReceiveLogout(c.ctx(), tokens[0]); err != nil {
		if known := entity.AsError(err); known != nil && (known.Kind == entity.KindUnauthorized || known.Kind == entity.KindForbidden) {
			refused := *known
			refused.Kind = entity.KindBadRequest // what the specification wants
			return &refused
		}
		return err
	}
	return c.empty(http.StatusOK)
}

// form reads a body of form fields.
func (c *call) form() (url.Values, error) {
	data, err := c.body()
	if err != nil {
		return nil, err
	}
	return parseQuery(string(data))
}

// redirect answers a browser with another address.
func (c *call) redirect(address string) error {
	h := c.w.Header()
	h.Set("Location", address)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Length", "0")
	status := http.StatusFound
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		status = http.StatusSeeOther
	}
	c.w.WriteHeader(status)
	return nil
}

// navigation tells whether a browser asks for a page to show, not a script for data.
func (c *call) navigation() bool {
	if mode := c.r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	for _, accept := range c.r.Header.Values("Accept") {
		if strings.Contains(accept, "text/html") {
			return true
		}
	}
	return false
}

// impersonated lets a bot act for a person, if it asks to.
func (c *call) impersonated(by entity.Principal) (entity.Principal, error) {
	names := c.r.Header.Values("X-Impersonate-User")
	switch {
	case len(names) == 0:
		return by, nil
	case len(names) > 1 || names[0] == "" || len(names[0]) > 256:
		return by, auth.Refuse(auth.CodeImpersonate)
	}
	return c.auth.Impersonate(c.ctx(), by, names[0], func(ctx context.Context, target entity.Principal) error {
		t, err := c.userType()
		if err != nil {
			return err
		}
		return c.engine.AuthorizeActing(ctx, by, t, target.UserID)
	})
}
