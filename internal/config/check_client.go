package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// checkAuthentication checks what every provider needs, then the parts of the one
// that is chosen. The settings of others may be anything that is well-formed: the
// sample configuration has sections for all of them.
func (b *binder) checkAuthentication(cfg *Config) {
	a := cfg.Authentication
	for key, address := range map[string]string{keyAuth + "callbackUrl": a.CallbackURL,
		keyOIDC + "callbackUrl": a.OIDC.CallbackURL, keyAuth + "authority": a.Authority, keyOIDC + "discoveryUri": a.OIDC.DiscoveryURI} {
		b.checkURL(key, address)
	}
	for _, address := range a.PublicKeyURLs {
		b.checkURL(keyAuth+"publicKeyUrls", address)
	}
	if len(a.JWTPrincipalClaims) == 0 {
		b.refuse(keyAuth+"jwtPrincipalClaims", "at least one claim must name the user.")
	}
	b.checkClaimsMapping(keyAuth+"jwtPrincipalClaimsMapping", a.JWTPrincipalClaimsMapping)
	if password := a.InitialAdminPassword.Reveal(); password != "" && (len(password) < 8 || len(password) > 128) {
		b.refuse(keyInitialPassword, "the password must have 8 to 128 characters.")
	}
	b.checkRedirectOrigins()
	b.checkServerURL(cfg)
	switch {
	case a.IsOIDC():
		b.checkClient(cfg)
	case a.Provider == ProviderLDAP:
		b.checkLDAP(cfg)
	case a.Provider == ProviderSAML:
		b.checkSAML(cfg)
	}
	b.checkCookies(cfg)
}

// checkCookies says when the sessions of browsers are kept by cookies that any program
// on the way can read: development on this machine only.
func (b *binder) checkCookies(cfg *Config) {
	a := cfg.Authentication
	byCookie := a.Provider == ProviderSAML || a.IsOIDC() && a.ClientType == ClientConfidential
	if byCookie && cfg.Mode == Development && isPlain(cfg.Server.URL) && !a.ForceSecureSessionCookie {
		b.warn("CFG-COOKIE", keyServerURL, "over plain http the session's cookie is catalpa_session, without Secure; browsers on this machine only get it.",
			"for others put a proxy that ends TLS in front and give its https address.")
	}
}

func (b *binder) checkClaimsMapping(key string, mapping []string) {
	sides := map[string]bool{}
	for _, entry := range mapping {
		side, claim, ok := strings.Cut(entry, ":")
		if !ok || claim == "" || strings.TrimSpace(claim) != claim || side != "username" && side != "email" {
			b.refuse(key, "%q is not of the form username:claim or email:claim.", clip(entry))
			return
		}
		if sides[side] {
			b.refuse(key, "%s: is mapped twice.", side)
			return
		}
		sides[side] = true
	}
	if len(mapping) > 0 && len(sides) != 2 {
		b.refuse(key, "username: and email: must both be mapped.")
	}
}

func (b *binder) checkURL(key, address string) {
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		b.refuse(key, "%q is not an absolute http or https address.", clip(address))
		return
	}
	if u.User != nil || u.Fragment != "" {
		b.refuse(key, "the address must have neither a user name nor a fragment.")
	}
}

// checkServerURL wants an origin: cookies and callbacks hang on it.
func (b *binder) checkServerURL(cfg *Config) {
	key := keyServerURL
	if b.given(keyMailURL) && (cfg.Server.URL != cfg.Authentication.OIDC.ServerURL || !b.given(keyServerURL)) {
		key = keyMailURL
	}
	b.checkURL(key, cfg.Server.URL)
	if own := cfg.Authentication.OIDC.ServerURL; own != cfg.Server.URL {
		b.checkURL(keyServerURL, own)
	}
	if u, err := url.Parse(cfg.Server.URL); err == nil && u.Host != "" && (u.Path != "" || u.RawQuery != "") {
		b.refuse(key, "%q must be scheme, host and port only, such as https://catalog.example.com.", clip(cfg.Server.URL))
	}
}

func (b *binder) checkRedirectOrigins() {
	for _, key := range []string{keyAuth + "allowedRedirectOrigins", "server.allowedOrigins"} {
		for _, entry := range b.list(key, nil) {
			if u, err := url.Parse(entry); origin(entry) == "" || err != nil || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
				b.refuse(key, "%q is not an origin such as https://catalog.example.com.", clip(entry))
			}
		}
	}
}

// require refuses a missing value.
func (b *binder) require(key, value, what string) {
	if strings.TrimSpace(value) == "" {
		b.report(Error, "CFG-REQUIRED", key, "this must be given: "+what+".", "")
	}
}

// stop reports what is refused in every mode, unless the operator accepts it.
func (b *binder) stop(code, key, message, remedy string) { b.report(Error, code, key, message, remedy) }

// checkClient checks the OpenID Connect client.
func (b *binder) checkClient(cfg *Config) {
	a := cfg.Authentication
	b.require(keyAuth+"clientId", a.ClientID, "the id of the application at the provider")
	if a.ClientID != a.OIDC.ID {
		b.refuse(keyOIDC+"id", "this must be the same as clientId.")
	}
	if a.Provider == ProviderCustom {
		b.require(keyAuth+"providerName", a.ProviderName, "the name people see on the sign-in page")
	}
	b.checkSecret(a)
	b.checkResponseType(a)
	b.checkAuthority(cfg)
	b.checkCallback(cfg)
	b.checkRequest(a)
	b.checkTenant(a)
	// A public client's page does both whatever is said here; who switches them off
	// believes something else.
	if !a.OIDC.UseNonce {
		b.guard(cfg, CodeNonce, keyOIDC+"useNonce", "without a nonce an ID token of another sign-in can be slipped in.", "remove the line.")
	}
	if a.OIDC.DisablePKCE {
		b.guard(cfg, CodePKCE, keyOIDC+"disablePkce", "without PKCE a stolen authorization code can be used by others.", "set it to false.")
	}
}

func (b *binder) checkSecret(a Authentication) {
	const key = keyOIDC + "secret"
	switch {
	case a.ClientType == ClientPublic && a.OIDC.Secret != "":
		b.stop(CodePublicSecret, key, "a public client (SPA) has no secret; with one it is a confidential client (Web).",
			"remove the secret, or set clientType to confidential if the application at the provider is of that kind.")
	case a.ClientType == ClientConfidential && a.OIDC.Secret == "" && a.OIDC.ClientAuthenticationMethod != "private_key_jwt":
		b.stop(CodeConfidentialSecret, key, "a confidential client (Web) needs the client secret beside the client id.",
			"give the secret, or set clientType to public if the application at the provider is a single-page application.")
	}
}

func (b *binder) checkResponseType(a Authentication) {
	if a.ResponseType != "id_token" {
		return
	}
	const key = keyAuth + "responseType"
	if !a.AllowLegacyImplicit {
		b.stop(CodeImplicit, key, "the implicit flow puts tokens into addresses.", "set it to code, or allowLegacyImplicit to true as well.")
		return
	}
	b.warn("CFG-IMPLICIT", key, "the implicit flow puts tokens into addresses; RFC 9700 section 2.1.2 advises against it.", "set it to code.")
}

// checkAuthority checks the addresses of the provider.
func (b *binder) checkAuthority(cfg *Config) {
	a := cfg.Authentication
	b.require(keyAuth+"authority", a.Authority, "the provider's issuer, such as https://tenant.eu.auth0.com")
	b.checkHTTPS(cfg, keyAuth+"authority", a.Authority)
	if strings.ContainsAny(a.Authority, "?#") {
		b.refuse(keyAuth+"authority", "an issuer has neither a query nor a fragment.")
	}
	if a.Authority != "" && origin(a.Authority) != origin(a.OIDC.DiscoveryURI) {
		b.refuse(keyOIDC+"discoveryUri", "this must have the same origin as authority, %s.", clip(a.Authority))
	}
	for _, address := range a.PublicKeyURLs {
		if !isOwnJWKS(address) {
			b.checkHTTPS(cfg, keyAuth+"publicKeyUrls", address)
		}
	}
}

// isOwnJWKS tells whether the address is the server's own key set, which
// OpenMetadata wants in the list. It is never fetched, so it may be http.
func isOwnJWKS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.HasSuffix(u.Path, "/api/v1/system/config/jwks")
}

// checkHTTPS refuses addresses of a provider without TLS, except on this machine
// outside production.
func (b *binder) checkHTTPS(cfg *Config, key, address string) {
	if isPlain(address) && (cfg.Mode == Production || !isLoopbackURL(address)) {
		b.stop(CodeHTTP, key, fmt.Sprintf("%s is not https: whoever is in between can sign in as anyone.", clip(address)), "use the https address.")
	}
}

func isPlain(address string) bool { return strings.HasPrefix(origin(address), "http://") }

func isLoopbackURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && isLoopbackHost(u.Hostname())
}

func isLoopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// callbackPaths are the paths the server answers a provider's redirect at.
func callbackPaths() []string {
	return []string{"/callback", "/auth/callback", "/api/v1/auth/callback"}
}

// checkCallback checks the address that the provider sends browsers back to, of
// the two settings the one that the kind of client uses.
func (b *binder) checkCallback(cfg *Config) {
	a := cfg.Authentication
	key, address := keyAuth+"callbackUrl", a.CallbackURL
	if a.ClientType == ClientConfidential {
		key, address = keyOIDC+"callbackUrl", a.OIDC.CallbackURL
	}
	u, err := url.Parse(address)
	if err != nil || origin(address) == "" {
		return // said already
	}
	if origin(address) != origin(a.OIDC.ServerURL) {
		b.refuse(key, "this must have the same origin as serverUrl, %s; set oidcConfiguration.serverUrl to the address in people's browsers.", clip(a.OIDC.ServerURL))
	}
	if !contains(callbackPaths(), u.Path) || u.RawQuery != "" {
		b.refuse(key, "the path must be one of %s.", strings.Join(callbackPaths(), ", "))
	}
	if u.Scheme == "http" && !isLoopbackHost(u.Hostname()) {
		b.guard(cfg, CodeHTTP, key, fmt.Sprintf("%s is not https: codes and cookies can be read on their way.", clip(address)), "put a proxy that ends TLS in front and use its address.")
	}
}

// checkRequest checks the parameters of the authorization request.
func (b *binder) checkRequest(a Authentication) {
	if !slices.Contains(strings.Fields(a.OIDC.Scope), "openid") {
		b.refuse(keyOIDC+"scope", "the scope must contain openid.")
	}
	allowed := prompts(a.Provider)
	for _, prompt := range strings.Fields(a.OIDC.Prompt) {
		if !contains(allowed, prompt) {
			b.refuse(keyOIDC+"prompt", "%q is not one of %s.", clip(prompt), strings.Join(allowed, ", "))
		}
	}
	if age := a.OIDC.MaxAge; age != "" {
		if n, err := strconv.ParseUint(age, 10, 31); err != nil {
			b.refuse(keyOIDC+"maxAge", "%q is not a number of seconds.", clip(age))
		} else if n == 0 {
			b.warn("CFG-MAXAGE", keyOIDC+"maxAge", "0 asks everybody for the password at every sign-in.", "leave it empty.")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.OIDC.CustomParams)) {
		if contains(reservedParams(), strings.ToLower(name)) || strings.TrimSpace(name) == "" {
			b.refuse(keyOIDC+"customParams", "%q is set by the server and cannot be a custom parameter.", clip(name))
		}
	}
}

// prompts are the values of the prompt parameter a provider knows. "none" is not
// among them: the page that people see would fail.
func prompts(provider string) []string {
	switch provider {
	case ProviderGoogle:
		return []string{"consent", "select_account"}
	case ProviderOkta:
		return []string{"login", "consent"}
	default:
		return []string{"login", "consent", "select_account"}
	}
}

// reservedParams are the parameters of a request that the server chooses, or whose
// value would change who gets the answer.
func reservedParams() []string {
	return []string{"client_id", "client_secret", "client_assertion", "client_assertion_type", "code", "code_challenge", "code_challenge_method", "code_verifier",
		"grant_type", "id_token_hint", "max_age", "nonce", "prompt", "redirect_uri", "registration", "request", "request_uri", "response_mode", "response_type",
		"scope", "state"}
}

func (b *binder) checkTenant(a Authentication) {
	const key = keyOIDC + "tenant"
	if a.Provider != ProviderAzure {
		if a.OIDC.Tenant != "" {
			b.report(Notice, "CFG-IGNORED", key, "ignored: only azure has tenants.", "")
		}
		return
	}
	u, err := url.Parse(a.Authority)
	if err != nil {
		return
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	switch strings.ToLower(first) {
	case "common", "organizations", "consumers":
		b.refuse(keyAuth+"authority", "the authority must name one tenant; %q lets in people of every organization.", first)
		return
	}
	if a.OIDC.Tenant != "" && strings.HasPrefix(strings.ToLower(u.Host), "login.microsoftonline.") && !strings.EqualFold(first, a.OIDC.Tenant) {
		b.refuse(key, "the authority %s is of another tenant.", clip(a.Authority))
	}
}
