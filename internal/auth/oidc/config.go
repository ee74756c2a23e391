package oidc

import (
	"crypto"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The kinds of provider, as in authenticationConfiguration.provider.
const (
	KindAuth0   = "auth0"
	KindGoogle  = "google"
	KindOkta    = "okta"
	KindAzure   = "azure"
	KindCognito = "aws-cognito"
	KindCustom  = "custom-oidc"
)

// How the client proves itself at the token endpoint (RFC 7591 §2, RFC 7523).
const (
	AuthNone       = "none"
	AuthBasic      = "client_secret_basic"
	AuthPost       = "client_secret_post"
	AuthSecretJWT  = "client_secret_jwt"
	AuthPrivateJWT = "private_key_jwt"
)

// wellKnown is where an issuer describes itself (OpenID Connect Discovery 1.0 §4).
const wellKnown = "/.well-known/openid-configuration"

// Config describes a provider and this server as its client.
type Config struct {
	Kind string // one of the Kind constants
	// Issuer is the authority; with or without a slash at the end. When empty it is
	// derived from DiscoveryURI, or for Azure from Tenant.
	Issuer       string
	DiscoveryURI string // default: Issuer + /.well-known/openid-configuration
	Tenant       string // of Azure: takes part in the authority when that names none

	ClientID     string
	ClientSecret string
	Public       bool   // the browser is the client: no secret
	AuthMethod   string // one of the Auth constants; default basic, or what the provider offers
	// Key signs client assertions with AuthPrivateJWT: RSA or ECDSA. KeyID goes with it.
	Key   crypto.Signer
	KeyID string

	Scope        string // must contain openid; default "openid email profile"
	Prompt       string // "" asks to choose an account, where that is supported
	MaxAge       *time.Duration
	CustomParams map[string]string // of the authorization request
	DisablePKCE  bool
	UseNonce     bool
	CallbackURL  string // redirect_uri
	ServerURL    string // public address of this server

	// PublicKeyURLs are the addresses of the provider's keys; default jwks_uri.
	PublicKeyURLs []string
	// OwnJWKS are addresses of this server's own keys, which are never fetched even if
	// PublicKeyURLs names them.
	OwnJWKS []string

	Algorithms []string      // of ID tokens; default RS256
	Skew       time.Duration // clocks may differ by this, at most 5 min
	// AcceptedAudiences name APIs whose access tokens are accepted besides ID tokens.
	AcceptedAudiences []string

	// PrincipalClaims and Claims are those the rules want: userinfo is asked when the
	// first of PrincipalClaims or any of Claims is not in the ID token.
	PrincipalClaims []string
	Claims          []string

	// Cached is what Metadata gave earlier: New does not wait for the provider then.
	Cached *Metadata
	// OnMetadata is told of fresh metadata, from the goroutine that fetched it.
	OnMetadata func(Metadata)
	// RetryAfter is the first pause after discovery failed; it doubles up to a minute.
	// Default 1 s.
	RetryAfter time.Duration
}

// ConfigError is a fault of one field of the configuration.
type ConfigError struct {
	Field string // dotted name on the wire
	Err   error
}

// Error names the field and the fault.
func (e *ConfigError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the fault, which may be a refusal.
func (e *ConfigError) Unwrap() error { return e.Err }

func fault(field, format string, args ...any) error {
	return &ConfigError{Field: field, Err: fmt.Errorf(format, args...)}
}

// The fields that faults name.
const (
	fieldKind      = "authenticationConfiguration.provider"
	fieldAuthority = "authenticationConfiguration.authority"
	fieldClientID  = "authenticationConfiguration.clientId"
	fieldKeys      = "authenticationConfiguration.publicKeyUrls"
	fieldCallback  = "authenticationConfiguration.callbackUrl"
	fieldAlgorithm = "authenticationConfiguration.tokenValidationAlgorithm"
	fieldSecret    = "authenticationConfiguration.oidcConfiguration.secret"
	fieldDiscovery = "authenticationConfiguration.oidcConfiguration.discoveryUri"
	fieldMethod    = "authenticationConfiguration.oidcConfiguration.clientAuthenticationMethod"
	fieldScope     = "authenticationConfiguration.oidcConfiguration.scope"
	fieldPrompt    = "authenticationConfiguration.oidcConfiguration.prompt"
	fieldCustom    = "authenticationConfiguration.oidcConfiguration.customParams"
	fieldMaxAge    = "authenticationConfiguration.oidcConfiguration.maxAge"
	fieldSkew      = "authenticationConfiguration.oidcConfiguration.maxClockSkew"
	fieldServer    = "authenticationConfiguration.oidcConfiguration.serverUrl"
	fieldTenant    = "authenticationConfiguration.oidcConfiguration.tenant"
	fieldPKCE      = "authenticationConfiguration.oidcConfiguration.disablePkce"
)

const maxSkew = 5 * time.Minute

// algorithms that can be trusted: none and HS* cannot be configured.
func algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
}

// reservedParams are the parameters of the authorization request that are ours.
func reservedParams() []string {
	return []string{"client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "scope", "state",
		"nonce", "code_challenge", "code_challenge_method", "code_verifier", "prompt", "max_age", "request", "request_uri",
		"registration", "claims", "id_token_hint", "grant_type", "code", "client_assertion", "client_assertion_type"}
}

// complete fills in defaults and checks what can be checked without the provider.
func (c *Config) complete() error {
	if !slices.Contains([]string{KindAuth0, KindGoogle, KindOkta, KindAzure, KindCognito, KindCustom}, c.Kind) {
		return fault(fieldKind, "%q is not a provider of OpenID Connect", c.Kind)
	}
	if c.Scope == "" {
		c.Scope = "openid email profile"
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{"RS256"}
	}
	if c.RetryAfter <= 0 {
		c.RetryAfter = time.Second
	}
	for _, step := range []func() error{c.completeAddresses, c.checkClient, c.checkMethod, c.checkRequest} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) completeAddresses() error {
	if c.Kind == KindAzure {
		if err := c.completeAzure(); err != nil {
			return err
		}
	}
	if c.Issuer == "" {
		c.Issuer = strings.TrimSuffix(c.DiscoveryURI, wellKnown)
		if c.Issuer == c.DiscoveryURI {
			c.Issuer = ""
		}
	}
	if err := checkAddress(c.Issuer); err != nil {
		return &ConfigError{Field: fieldAuthority, Err: err}
	}
	if u, _ := url.Parse(c.Issuer); u.RawQuery != "" {
		return fault(fieldAuthority, "an issuer has no query")
	}
	if c.DiscoveryURI == "" {
		c.DiscoveryURI = strings.TrimSuffix(c.Issuer, "/") + wellKnown
	}
	if err := checkAddress(c.DiscoveryURI); err != nil {
		return &ConfigError{Field: fieldDiscovery, Err: err}
	}
	if origin(c.DiscoveryURI) != origin(c.Issuer) {
		return fault(fieldDiscovery, "it must be at the authority, %s", origin(c.Issuer))
	}
	for _, address := range c.keyAddresses() {
		if err := checkAddress(address); err != nil {
			return &ConfigError{Field: fieldKeys, Err: err}
		}
	}
	return nil
}

// completeAzure finds the issuer of version 2.0: the authority that people paste
// names the tenant only, and its discovery document is of version 1.
func (c *Config) completeAzure() error {
	const host = "https://login.microsoftonline.com"
	if strings.HasSuffix(c.DiscoveryURI, "/v2.0"+wellKnown) {
		c.Issuer = strings.TrimSuffix(c.DiscoveryURI, wellKnown)
	}
	if c.Issuer == "" {
		c.Issuer = host
	}
	c.Issuer = strings.TrimSuffix(c.Issuer, "/")
	if c.Issuer == host {
		if c.Tenant == "" {
			return fault(fieldTenant, "the tenant is missing, and the authority does not name it")
		}
		c.Issuer += "/" + url.PathEscape(c.Tenant)
	}
	for _, shared := range []string{"common", "organizations", "consumers"} {
		if strings.HasPrefix(c.Issuer+"/", host+"/"+shared+"/") {
			return fault(fieldAuthority, "%q stands for all tenants; name the one that may sign in", shared)
		}
	}
	if strings.HasPrefix(c.Issuer, host+"/") && !strings.HasSuffix(c.Issuer, "/v2.0") {
		c.Issuer += "/v2.0"
	}
	if c.DiscoveryURI != "" && !strings.HasPrefix(c.DiscoveryURI, c.Issuer+"/") && origin(c.DiscoveryURI) == origin(c.Issuer) {
		c.DiscoveryURI = ""
	}
	return nil
}

func (c *Config) checkClient() error {
	if c.ClientID == "" {
		return fault(fieldClientID, "it is missing")
	}
	if err := checkAddress(c.CallbackURL); err != nil {
		return &ConfigError{Field: fieldCallback, Err: err}
	}
	if c.ServerURL != "" && origin(c.ServerURL) != origin(c.CallbackURL) {
		return fault(fieldServer, "it must have the origin of callbackUrl, %s", origin(c.CallbackURL))
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(algorithms(), a) {
			return fault(fieldAlgorithm, "%q is not one of %s", a, strings.Join(algorithms(), ", "))
		}
	}
	if c.Skew < 0 || c.Skew > maxSkew {
		return fault(fieldSkew, "it must be 0 to %d seconds", int(maxSkew.Seconds()))
	}
	return nil
}

func (c *Config) checkMethod() error {
	if c.Public {
		if c.ClientSecret != "" {
			return fault(fieldSecret, "a public client has no secret")
		}
		c.AuthMethod = AuthNone
		return nil
	}
	switch c.AuthMethod {
	case "", AuthBasic, AuthPost, AuthSecretJWT:
		if c.ClientSecret == "" {
			return fault(fieldSecret, "a confidential client needs its secret")
		}
	case AuthPrivateJWT:
		if _, err := signingAlgorithm(c.Key); err != nil {
			return &ConfigError{Field: fieldMethod, Err: err}
		}
	default:
		return fault(fieldMethod, "%q is not a method of a confidential client", c.AuthMethod)
	}
	return nil
}

func (c *Config) checkRequest() error {
	if !slices.Contains(strings.Fields(c.Scope), "openid") {
		return fault(fieldScope, "it must contain openid")
	}
	for _, p := range strings.Fields(c.Prompt) {
		if !slices.Contains([]string{"login", "consent", "select_account", "create"}, p) {
			return fault(fieldPrompt, "%q is not one of login, consent, select_account, create", p)
		}
	}
	for name := range c.CustomParams {
		if name == "" || slices.Contains(reservedParams(), strings.ToLower(name)) {
			return fault(fieldCustom, "%q is set by this server", name)
		}
	}
	if c.MaxAge != nil && *c.MaxAge < 0 {
		return fault(fieldMaxAge, "it must not be negative")
	}
	return nil
}

// keyAddresses are the configured ones without those of this server's own keys.
func (c *Config) keyAddresses() []string {
	var addresses []string
	for _, address := range c.PublicKeyURLs {
		if address != "" && !c.own(address) && !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// own tells whether the address is that of this server's keys, by whatever name.
func (c *Config) own(address string) bool {
	if slices.Contains(c.OwnJWKS, address) {
		return true
	}
	u, err := url.Parse(address)
	if err != nil || strings.TrimSuffix(u.Path, "/") != "/api/v1/system/config/jwks" {
		return false
	}
	return loopbackHost(u.Hostname()) || c.ServerURL != "" && origin(address) == origin(c.ServerURL)
}

// checkAddress accepts https, and http on loopback: whether that is allowed here is
// up to the start-up guard and the outgoing client. Hosts of a private network
// without TLS are up to the latter alone.
func checkAddress(address string) error {
	if address == "" {
		return errors.New("it is missing")
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return errors.New("it is not an absolute address")
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("it must begin with https://")
	}
	if u.User != nil || u.Fragment != "" {
		return errors.New("it must have neither credentials nor a fragment")
	}
	return nil
}

func loopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}
