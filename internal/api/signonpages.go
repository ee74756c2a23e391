package api

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/pages"
)

// pageRoutes are the pages of signing in. They hold nothing of the catalog: what a
// page shows of it, its script asks for with the person's token.
func (a *API) pageRoutes() []Route {
	page := func(path string, handle func(*call) error) Route {
		return Route{Method: http.MethodGet, Path: path, Access: Public, Page: true, Handle: handle}
	}
	app := func(path, view string) Route {
		return page(path, func(c *call) error { return c.appPage(view) })
	}
	account := func(path, kind, title string) Route {
		return page(path, func(c *call) error { return c.accountPage(kind, title) })
	}
	return []Route{
		app("/", "home"), app("/signin", "signin"), app("/signed-out", "signed-out"), app("/silent-callback", "callback"),
		app(settingsPath, "settings"),
		account("/forgot-password", "forgot", "Choose a new password"),
		account("/users/password/reset", "reset", "Choose a new password"),
		account("/register", "register", "Register"),
		account("/users/registrationConfirmation", "confirm", "Confirm your address"),
		page(pages.AssetPrefix+"{build}/{name}", (*call).asset),
	}
}

func (c *call) asset() error {
	build, err := c.param("build")
	if err != nil {
		return err
	}
	name, err := c.param("name")
	if err != nil {
		return err
	}
	if !c.pages.WriteAsset(c.w, c.r, build, name) {
		return entity.Errorf(entity.KindNotFound, "HTTP 404 Not Found: there is no such file")
	}
	return nil
}

// ofUI tells whether a browser goes to an address of the user interface: whatever is
// neither of the API nor a file. Which addresses there are, the user interface knows.
func (c *call) ofUI(path string) bool {
	if c.pages.UI().Script == "" || !c.navigation() || c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return false
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return !slices.Contains([]string{"api", "assets", "openapi.json", "favicon.ico", "robots.txt"}, first)
}

// The ways in which a page signs in.
const (
	byPassword = "password"
	byRedirect = "redirect"
	byBrowser  = "public"
)

func wayIn(so *auth.SignOn) string {
	switch {
	case so.Redirect != nil:
		return byRedirect
	case so.Trust != nil && so.Password == nil && !so.Basic:
		return byBrowser
	}
	return byPassword
}

// providerNames are what people call the providers that have no name of their own.
var providerNames = map[string]string{
	"auth0": "Auth0", "google": "Google", "okta": "Okta", "azure": "Microsoft", "aws-cognito": "Amazon Cognito", "saml": "your identity provider",
	"custom-oidc": "your identity provider",
}

// displayName is what the provider is called on pages.
func (s SignOnSettings) displayName(way string) string {
	if way == byPassword {
		return ""
	}
	if s.ProviderName != "" && s.ProviderName != s.Provider {
		return s.ProviderName
	}
	return cmp.Or(providerNames[s.Provider], "your identity provider")
}

// loginPath begins a sign-in that ends at the start page.
const loginPath = "/api/v1/auth/login?redirectUri=%2F"

// settingsPath is the page where administrators see how people sign in and why they
// are refused. What it shows, its script asks for.
const settingsPath = "/settings/sign-in"

// appSettings are what the script of the page works by.
type appSettings struct {
	View         string        `json:"view"`
	Mode         string        `json:"mode"`
	ProviderName string        `json:"providerName"`
	AutoRedirect bool          `json:"autoRedirect"`
	SignIn       string        `json:"signIn"`
	SignedOut    string        `json:"signedOut"`
	Client       *PublicClient `json:"client,omitempty"`
	UI           *pages.UI     `json:"ui,omitempty"`
	Version      string        `json:"version"`
}

// appData is what the template of the page shows.
type appData struct {
	View, Provider, SignIn                               string
	SignedOut, Password, Directory, Own, Reset, Register bool
}

// appPage writes the page that signs in and shows who is signed in.
func (c *call) appPage(view string) error {
	settings, so := c.signOn(), c.auth.SignOn()
	way := wayIn(so)
	data := appData{
		View: "waiting", Provider: settings.displayName(way), SignIn: "/signin", SignedOut: view == "signed-out",
		Password: way == byPassword, Directory: so.Password != nil, Own: so.Basic, Reset: so.Basic && settings.PasswordReset, Register: so.Basic && settings.SelfSignup,
	}
	if way == byRedirect {
		data.SignIn = loginPath
		if view == "settings" {
			data.SignIn = loginPath + url.QueryEscape(strings.TrimPrefix(settingsPath, "/"))
		}
	}
	if data.SignedOut || view == "signin" && !(settings.AutoRedirect && way != byPassword) {
		data.View = "signin"
	}
	page := pages.Page{Template: "app", Title: "Sign in", Data: data, Settings: &appSettings{
		View: view, Mode: way, ProviderName: data.Provider, AutoRedirect: settings.AutoRedirect, SignIn: data.SignIn,
		Version: c.version, SignedOut: cmp.Or(settings.link("/signed-out"), "/signed-out"), Client: settings.publicClient(way),
	}}
	if ui := c.pages.UI(); ui.Script != "" {
		page.UI = ui
		page.Settings.(*appSettings).UI = &ui
	}
	if client := settings.publicClient(way); client != nil {
		page.Connect = []string{client.TokenEndpoint}
	}
	return c.page(page)
}

// publicClient is what the browser signs in by, nil if the server does it.
func (s SignOnSettings) publicClient(way string) *PublicClient {
	if way != byBrowser {
		return nil
	}
	return s.Client
}

// accountPage writes a page for people with passwords.
func (c *call) accountPage(kind, title string) error {
	settings, so := c.signOn(), c.auth.SignOn()
	switch {
	case !so.Basic:
		return auth.Refuse(auth.CodeBasicOff)
	case kind == "register" && !settings.SelfSignup:
		return auth.Refuse(auth.CodeSignupOff)
	}
	return c.page(pages.Page{Template: "account", Title: title, Data: map[string]string{"Kind": kind}, Settings: map[string]string{"kind": kind}})
}

// signOutPage asks whether to sign out.
func (c *call) signOutPage() error {
	return c.page(pages.Page{Template: "signout", Title: "Sign out?", Data: map[string]string{"SignOut": "/api/v1/auth/logout"}})
}

// testedPage ends a test login.
func (c *call) testedPage(id string) error {
	return c.page(pages.Page{Template: "tested", Title: "Test login", Settings: map[string]string{"id": id}})
}

func (c *call) page(p pages.Page) error {
	if err := c.pages.Write(c.w, c.r, p); err != nil {
		return entity.Internal(err)
	}
	return nil
}

// errorWord is the form of the error words of OAuth and OpenID Connect.
var errorWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,60}$`)

// failPage answers a browser with the page of a failure, and reports whether it did.
func (c *call) failPage(status int, known *entity.Error) bool {
	if !c.route.Page || !c.navigation() {
		return false
	}
	settings, so := c.signOn(), c.auth.SignOn()
	way := wayIn(so)
	failure := pages.Failure{
		Code: known.Code, Message: known.Message, Hint: known.Hint, Request: requestID(c.ctx()), Time: time.Now().UTC().Format(time.RFC3339),
		Provider: settings.displayName(way), NotSignIn: known.Code == "",
	}
	if way == byRedirect {
		failure.Retry = loginPath
	}
	if words := c.query["error"]; known.Code == auth.CodeProvider && len(words) == 1 && errorWord.MatchString(words[0]) {
		failure.Reason = words[0]
	}
	if err := c.pages.Write(c.w, c.r, c.pages.Stopped(failure, status)); err != nil {
		c.log.ErrorContext(c.ctx(), "a page could not be written", "err", err)
		return false
	}
	return true
}
