package config

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
)

// Keys that several rules speak of.
const (
	keyAuth            = "authenticationConfiguration."
	keyOIDC            = keyAuth + "oidcConfiguration."
	keyLDAP            = keyAuth + "ldapConfiguration."
	keySAML            = keyAuth + "samlConfiguration."
	keyAuthorizer      = "authorizerConfiguration."
	keyInitialPassword = keyAuth + "initialAdminPassword"
	keyServerURL       = keyOIDC + "serverUrl"
	keyPrincipalDomain = keyAuthorizer + "principalDomain"
)

// complete fills what depends on other settings.
func (b *binder) complete(cfg *Config) {
	if cfg.Mode == "" {
		cfg.Mode = Production
		if cfg.Server.IsLoopback() {
			cfg.Mode = Development
		}
	}
	a := &cfg.Authentication
	a.Provider = strings.ToLower(a.Provider)
	if !b.given(keyAuth + "forceSecureSessionCookie") {
		a.ForceSecureSessionCookie = cfg.Mode == Production
	}
	if !b.given(keyPrincipalDomain) && (cfg.Mode == Development || a.Provider == ProviderBasic) {
		cfg.Authorizer.PrincipalDomain = "open-metadata.org"
	}
	b.completeAddresses(cfg)
	completeClient(a)
	if a.IsOIDC() && a.ClientType == ClientConfidential && a.ResponseType != "code" {
		b.report(Notice, "CFG-IGNORED", keyAuth+"responseType", "a confidential client always uses the code flow.", "")
		a.ResponseType = "code"
	}
	completeSAML(a, cfg.Server.URL)
	completeLDAP(a)
	a.AllowedRedirectOrigins = redirectOrigins(cfg.Server.URL, a.AllowedRedirectOrigins)
	if cfg.Email.Port == 0 {
		cfg.Email.Port = map[string]int{"SMTP": 25, "SMTPS": 465, "SMTP_TLS": 587}[cfg.Email.Strategy]
	}
}

// completeAddresses settles the public address of the server: what is said for
// sign-on, else what is said for mails, else this machine.
func (b *binder) completeAddresses(cfg *Config) {
	a := &cfg.Authentication
	mails := strings.TrimSuffix(b.text(keyMailURL, ""), "/")
	port := cfg.Server.Port
	if port == 0 {
		port = 8585
	}
	home := fmt.Sprintf("http://localhost:%d", port)
	a.OIDC.ServerURL = strings.TrimSuffix(a.OIDC.ServerURL, "/")
	switch {
	case a.OIDC.ServerURL == "" && mails != "":
		a.OIDC.ServerURL = mails
	case a.OIDC.ServerURL == "":
		a.OIDC.ServerURL = cmp.Or(origin(cmp.Or(a.OIDC.CallbackURL, a.CallbackURL)), home)
	}
	cfg.Server.URL = a.OIDC.ServerURL
	// The sample file names http://localhost:8585 here even where nobody set up
	// OpenID Connect; the address for mails is then the better source.
	if mails != "" && !a.IsOIDC() {
		cfg.Server.URL = mails
	}
	if a.OIDC.CallbackURL == "" {
		a.OIDC.CallbackURL = a.OIDC.ServerURL + "/callback"
	}
	if a.CallbackURL == "" {
		a.CallbackURL = a.OIDC.CallbackURL
	}
}

const keyMailURL = "email.openMetadataUrl"

// completeClient derives the parts of the OpenID Connect client from each other.
func completeClient(a *Authentication) {
	o := &a.OIDC
	if a.ClientType == "" {
		a.ClientType = ClientPublic
		if o.Secret != "" {
			a.ClientType = ClientConfidential
		}
	}
	if !a.IsOIDC() {
		return
	}
	if o.ID == "" {
		o.ID = a.ClientID
	}
	if a.ClientID == "" {
		a.ClientID = o.ID
	}
	if o.Type == "" {
		o.Type = a.Provider
	}
	if a.Authority == "" && a.Provider == ProviderAzure && o.Tenant != "" {
		a.Authority = "https://login.microsoftonline.com/" + url.PathEscape(o.Tenant) + "/v2.0"
	}
	if a.Authority == "" {
		a.Authority = strings.TrimSuffix(o.DiscoveryURI, wellKnown)
		if a.Authority == o.DiscoveryURI {
			a.Authority = ""
		}
	}
	if o.DiscoveryURI == "" && a.Authority != "" {
		o.DiscoveryURI = strings.TrimSuffix(a.Authority, "/") + wellKnown
	}
}

// wellKnown is where discovery documents are (OpenID Connect Discovery 1.0 §4).
const wellKnown = "/.well-known/openid-configuration"

func completeSAML(a *Authentication, home string) {
	for _, part := range []struct {
		value *string
		path  string
	}{{&a.SAML.SPEntityID, "/api/v1/saml/metadata"}, {&a.SAML.SPACS, "/api/v1/saml/acs"}, {&a.SAML.SPCallback, "/callback"}} {
		if *part.value == "" && a.Provider == ProviderSAML {
			*part.value = home + part.path
		}
	}
}

func completeLDAP(a *Authentication) {
	if a.LDAP.Port != 0 || a.Provider != ProviderLDAP {
		return
	}
	a.LDAP.Port = 389
	if a.LDAP.SSLEnabled {
		a.LDAP.Port = 636
	}
}

// redirectOrigins puts the server's own origin first.
func redirectOrigins(home string, more []string) []string {
	out := []string{origin(home)}
	for _, entry := range more {
		if o := origin(entry); o != "" && !contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// origin is scheme, host and port of an address, lower-cased and without default
// ports; "" when the address has none.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		return "https://" + strings.TrimSuffix(host, ":443")
	}
	return "http://" + strings.TrimSuffix(host, ":80")
}
