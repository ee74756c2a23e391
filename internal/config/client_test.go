package config

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// client is the environment of an OpenID Connect client that works, with changes:
// a value of "-" takes a variable away.
func client(changes ...string) map[string]string {
	env := map[string]string{
		"AUTHENTICATION_PROVIDER": "auth0", "AUTHENTICATION_CLIENT_ID": "shop", "AUTHENTICATION_AUTHORITY": "https://acme.eu.auth0.com",
		"OIDC_SERVER_URL": "https://catalog.example.com", "AUTHORIZER_PRINCIPAL_DOMAIN": "example.com", "CATALPA_MODE": "production",
	}
	for i := 0; i+1 < len(changes); i += 2 {
		env[changes[i]] = changes[i+1]
	}
	maps.DeleteFunc(env, func(_, text string) bool { return text == "-" })
	return env
}

// web is the same for a confidential client.
func web(changes ...string) map[string]string {
	return client(append([]string{"OIDC_CLIENT_SECRET", "s3cret-of-shop"}, changes...)...)
}

func TestClientIsDerived(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want Authentication // the members compared
	}{
		{"public", client(), Authentication{ClientType: "public", ResponseType: "code", ClientID: "shop", Authority: "https://acme.eu.auth0.com", CallbackURL: "https://catalog.example.com/callback",
			OIDC: OIDC{ID: "shop", Type: "auth0", DiscoveryURI: "https://acme.eu.auth0.com/.well-known/openid-configuration", ServerURL: "https://catalog.example.com", CallbackURL: "https://catalog.example.com/callback"}}},
		{"a secret makes it confidential", web(), Authentication{ClientType: "confidential", ResponseType: "code", ClientID: "shop", Authority: "https://acme.eu.auth0.com", CallbackURL: "https://catalog.example.com/callback",
			OIDC: OIDC{ID: "shop", Type: "auth0", DiscoveryURI: "https://acme.eu.auth0.com/.well-known/openid-configuration", ServerURL: "https://catalog.example.com", CallbackURL: "https://catalog.example.com/callback"}}},
		{"from the other names", web("AUTHENTICATION_CLIENT_ID", "-", "OIDC_CLIENT_ID", "shop", "AUTHENTICATION_AUTHORITY", "-", "OIDC_DISCOVERY_URI", "https://id.example.com/r/.well-known/openid-configuration",
			"OIDC_SERVER_URL", "-", "OIDC_CALLBACK", "https://catalog.example.com/auth/callback", "AUTHENTICATION_RESPONSE_TYPE", "id_token"),
			Authentication{ClientType: "confidential", ResponseType: "code", ClientID: "shop", Authority: "https://id.example.com/r", CallbackURL: "https://catalog.example.com/auth/callback",
				OIDC: OIDC{ID: "shop", Type: "auth0", DiscoveryURI: "https://id.example.com/r/.well-known/openid-configuration", ServerURL: "https://catalog.example.com", CallbackURL: "https://catalog.example.com/auth/callback"}}},
		{"tenant of azure", client("AUTHENTICATION_PROVIDER", "azure", "AUTHENTICATION_AUTHORITY", "-", "OIDC_TENANT", "acme", "OIDC_SERVER_URL", "-", "OPENMETADATA_SERVER_URL", "https://catalog.example.com/"),
			Authentication{ClientType: "public", ResponseType: "code", ClientID: "shop", Authority: "https://login.microsoftonline.com/acme/v2.0", CallbackURL: "https://catalog.example.com/callback",
				OIDC: OIDC{ID: "shop", Type: "azure", DiscoveryURI: "https://login.microsoftonline.com/acme/v2.0/.well-known/openid-configuration", ServerURL: "https://catalog.example.com", CallbackURL: "https://catalog.example.com/callback"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg, findings, err := Load(Options{LookupEnv: lookupIn(test.env)})
			if err != nil {
				t.Fatal(findings)
			}
			a := cfg.Authentication
			got := Authentication{ClientType: a.ClientType, ResponseType: a.ResponseType, ClientID: a.ClientID, Authority: a.Authority, CallbackURL: a.CallbackURL,
				OIDC: OIDC{ID: a.OIDC.ID, Type: a.OIDC.Type, DiscoveryURI: a.OIDC.DiscoveryURI, ServerURL: a.OIDC.ServerURL, CallbackURL: a.OIDC.CallbackURL}}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if cfg.Server.URL != "https://catalog.example.com" || a.AllowedRedirectOrigins[0] != cfg.Server.URL || !a.ForceSecureSessionCookie {
				t.Errorf("server %s, origins %v, secure %v", cfg.Server.URL, a.AllowedRedirectOrigins, a.ForceSecureSessionCookie)
			}
		})
	}
}

// The rules of the OpenID Connect client, each with the field it names.
func TestT66ClientRules(t *testing.T) {
	tests := []struct {
		name     string
		env      map[string]string
		severity Severity
		code     string
		key      string
		message  string
	}{
		{"T66 public and secret", web("AUTHENTICATION_CLIENT_TYPE", "public"), Error, CodePublicSecret, keyOIDC + "secret", "has no secret"},
		{"T66 web without secret", client("AUTHENTICATION_CLIENT_TYPE", "confidential"), Error, CodeConfidentialSecret, keyOIDC + "secret", "needs the client secret"},
		{"T66 discovery elsewhere", client("OIDC_DISCOVERY_URI", "https://evil.example.com/.well-known/openid-configuration"), Error, "CFG-VALUE", keyOIDC + "discoveryUri", "same origin"},
		{"T66 discovery on another port", client("OIDC_DISCOVERY_URI", "https://acme.eu.auth0.com:444/.well-known/openid-configuration"), Error, "CFG-VALUE", keyOIDC + "discoveryUri", "same origin"},
		{"T66 http authority", client("AUTHENTICATION_AUTHORITY", "http://acme.eu.auth0.com"), Error, CodeHTTP, keyAuth + "authority", "not https"},
		{"T66 http authority in capitals", client("AUTHENTICATION_AUTHORITY", "HTTP://acme.eu.auth0.com"), Error, CodeHTTP, keyAuth + "authority", "not https"},
		{"T66 http authority in development", client("AUTHENTICATION_AUTHORITY", "http://acme.eu.auth0.com", "CATALPA_MODE", "development"), Error, CodeHTTP, keyAuth + "authority", "not https"},
		{"T66 http authority on loopback in production", client("AUTHENTICATION_AUTHORITY", "http://127.0.0.1:9000"), Error, CodeHTTP, keyAuth + "authority", "not https"},
		{"T66 reserved parameter", client("OIDC_CUSTOM_PARAMS", "{redirect_uri: 'https://evil.example.com'}"), Error, "CFG-VALUE", keyOIDC + "customParams", `"redirect_uri"`},
		{"T66 reserved parameter in capitals", client("OIDC_CUSTOM_PARAMS", "{Response_Mode: query}"), Error, "CFG-VALUE", keyOIDC + "customParams", `"Response_Mode"`},
		{"T66 prompt none", client("OIDC_PROMPT_TYPE", "none"), Error, "CFG-VALUE", keyOIDC + "prompt", "not one of login, consent"},
		{"prompt not of the provider", client("OIDC_PROMPT_TYPE", "login", "AUTHENTICATION_PROVIDER", "google"), Error, "CFG-VALUE", keyOIDC + "prompt", "consent, select_account"},
		{"T66 scope without openid", client("OIDC_SCOPE", "profile email openid2"), Error, "CFG-VALUE", keyOIDC + "scope", "contain openid"},
		{"T66 domain as address", client("AUTHORIZER_PRINCIPAL_DOMAIN", "https://example.com"), Error, "CFG-VALUE", keyPrincipalDomain, "bare domain"},
		{"domain missing", client("AUTHORIZER_PRINCIPAL_DOMAIN", "-"), Error, "CFG-REQUIRED", keyPrincipalDomain, "must be given"},
		{"two ids", web("OIDC_CLIENT_ID", "store"), Error, "CFG-VALUE", keyOIDC + "id", "same as clientId"},
		{"no id", client("AUTHENTICATION_CLIENT_ID", "-"), Error, "CFG-REQUIRED", keyAuth + "clientId", "must be given"},
		{"no authority", client("AUTHENTICATION_AUTHORITY", "-"), Error, "CFG-REQUIRED", keyAuth + "authority", "must be given"},
		{"no name", client("AUTHENTICATION_PROVIDER", "custom-oidc"), Error, "CFG-REQUIRED", keyAuth + "providerName", "must be given"},
		{"implicit", client("AUTHENTICATION_RESPONSE_TYPE", "id_token"), Error, CodeImplicit, keyAuth + "responseType", "allowLegacyImplicit"},
		{"implicit allowed", client("AUTHENTICATION_RESPONSE_TYPE", "id_token", "CATALPA_ALLOW_LEGACY_IMPLICIT", "true"), Warning, "CFG-IMPLICIT", keyAuth + "responseType", "RFC 9700"},
		{"implicit of a confidential client", web("AUTHENTICATION_RESPONSE_TYPE", "id_token"), Notice, "CFG-IGNORED", keyAuth + "responseType", "code flow"},
		{"callback elsewhere", client("AUTHENTICATION_CALLBACK_URL", "https://other.example.com/callback"), Error, "CFG-VALUE", keyAuth + "callbackUrl", "same origin"},
		{"callback of a confidential client elsewhere", web("OIDC_CALLBACK", "https://other.example.com/callback"), Error, "CFG-VALUE", keyOIDC + "callbackUrl", "same origin"},
		{"callback nobody answers", web("OIDC_CALLBACK", "https://catalog.example.com/somewhere"), Error, "CFG-VALUE", keyOIDC + "callbackUrl", "/auth/callback"},
		{"http callback", client("OIDC_SERVER_URL", "http://catalog.example.com"), Error, CodeHTTP, keyAuth + "callbackUrl", "not https"},
		{"http callback in development", web("OIDC_SERVER_URL", "http://catalog.example.com", "CATALPA_MODE", "development"), Warning, CodeHTTP, keyOIDC + "callbackUrl", "not https"},
		{"server with a path", client("OIDC_SERVER_URL", "https://catalog.example.com/catalpa"), Error, "CFG-VALUE", keyServerURL, "host and port only"},
		{"authority with a query", client("AUTHENTICATION_AUTHORITY", "https://acme.eu.auth0.com/?a=b"), Error, "CFG-VALUE", keyAuth + "authority", "neither a query"},
		{"http key set", client("AUTHENTICATION_PUBLIC_KEYS", "[http://acme.eu.auth0.com/jwks]"), Error, CodeHTTP, keyAuth + "publicKeyUrls", "not https"},
		{"nonce off", web("OIDC_USE_NONCE", "false"), Error, CodeNonce, keyOIDC + "useNonce", "nonce"},
		{"nonce off in development", web("OIDC_USE_NONCE", "false", "CATALPA_MODE", "development"), Warning, CodeNonce, keyOIDC + "useNonce", "nonce"},
		{"PKCE off", web("OIDC_DISABLE_PKCE", "true"), Error, CodePKCE, keyOIDC + "disablePkce", "PKCE"},
		{"PKCE off for a public client", client("OIDC_DISABLE_PKCE", "true"), Error, CodePKCE, keyOIDC + "disablePkce", "PKCE"},
		{"nonce off for a public client", client("OIDC_USE_NONCE", "false"), Error, CodeNonce, keyOIDC + "useNonce", "nonce"},
		{"PKCE off in development", web("OIDC_DISABLE_PKCE", "true", "CATALPA_MODE", "development"), Warning, CodePKCE, keyOIDC + "disablePkce", "PKCE"},
		{"algorithm", client("AUTHENTICATION_TOKEN_VALIDATION_ALGORITHM", "HS256"), Error, "CFG-VALUE", keyAuth + "tokenValidationAlgorithm", "not one of"},
		{"no algorithm", client("AUTHENTICATION_TOKEN_VALIDATION_ALGORITHM", "none"), Error, "CFG-VALUE", keyAuth + "tokenValidationAlgorithm", "not one of"},
		{"preferred algorithm", client("OIDC_PREFERRED_JWS", "HS512"), Error, "CFG-VALUE", keyOIDC + "preferredJwsAlgorithm", "not one of"},
		{"response type", client("OIDC_RESPONSE_TYPE", "code id_token"), Error, "CFG-VALUE", keyOIDC + "responseType", "not one of code"},
		{"clock skew", client("OIDC_MAX_CLOCK_SKEW", "301"), Error, "CFG-VALUE", keyOIDC + "maxClockSkew", "outside"},
		{"session", client("OIDC_SESSION_EXPIRY", "299"), Error, "CFG-VALUE", keyOIDC + "sessionExpiry", "outside"},
		{"token", client("OIDC_OM_REFRESH_TOKEN_VALIDITY", "59"), Error, "CFG-VALUE", keyOIDC + "tokenValidity", "outside"},
		{"client authentication", client("OIDC_CLIENT_AUTH_METHOD", "client_secret"), Error, "CFG-VALUE", keyOIDC + "clientAuthenticationMethod", "not one of"},
		{"max age", client("OIDC_MAX_AGE", "soon"), Error, "CFG-VALUE", keyOIDC + "maxAge", "number of seconds"},
		{"cookies over http", web("AUTHENTICATION_AUTHORITY", "http://localhost:9000", "OIDC_SERVER_URL", "http://localhost:8585", "CATALPA_MODE", "development"), Warning, "CFG-COOKIE", keyServerURL, "without Secure"},
		{"max age of nothing", client("OIDC_MAX_AGE", "0"), Warning, "CFG-MAXAGE", keyOIDC + "maxAge", "every sign-in"},
		{"mapping of one side", client("AUTHENTICATION_JWT_PRINCIPAL_CLAIMS_MAPPING", "[username:sub]"), Error, "CFG-VALUE", keyAuth + "jwtPrincipalClaimsMapping", "both be mapped"},
		{"mapping of another side", client("AUTHENTICATION_JWT_PRINCIPAL_CLAIMS_MAPPING", "[user:sub,email:mail]"), Error, "CFG-VALUE", keyAuth + "jwtPrincipalClaimsMapping", "not of the form"},
		{"mapping twice", client("AUTHENTICATION_JWT_PRINCIPAL_CLAIMS_MAPPING", "[email:a,email:b]"), Error, "CFG-VALUE", keyAuth + "jwtPrincipalClaimsMapping", "mapped twice"},
		{"no claims", client("AUTHENTICATION_JWT_PRINCIPAL_CLAIMS", "[]"), Error, "CFG-VALUE", keyAuth + "jwtPrincipalClaims", "at least one"},
		{"tenant elsewhere", client("OIDC_TENANT", "acme"), Notice, "CFG-IGNORED", keyOIDC + "tenant", "only azure"},
		{"any tenant", client("AUTHENTICATION_PROVIDER", "azure", "AUTHENTICATION_AUTHORITY", "https://login.microsoftonline.com/common/v2.0"), Error, "CFG-VALUE", keyAuth + "authority", "one tenant"},
		{"another tenant", client("AUTHENTICATION_PROVIDER", "azure", "AUTHENTICATION_AUTHORITY", "https://login.microsoftonline.com/acme/v2.0", "OIDC_TENANT", "other"), Error, "CFG-VALUE", keyOIDC + "tenant", "another tenant"},
		{"user in an address", client("AUTHENTICATION_AUTHORITY", "https://u:p@acme.eu.auth0.com"), Error, "CFG-VALUE", keyAuth + "authority", "user name"},
		{"redirect origin with a path", client("CATALPA_ALLOWED_REDIRECT_ORIGINS", "https://a.example.com/x"), Error, "CFG-VALUE", keyAuth + "allowedRedirectOrigins", "not an origin"},
		{"everybody's origin", client("CATALPA_ALLOWED_ORIGINS", "*"), Error, "CFG-VALUE", "server.allowedOrigins", "not an origin"},
		{"proxy by name", client("CATALPA_TRUSTED_PROXIES", "proxy"), Error, "CFG-VALUE", "server.trustedProxies", "neither an address nor a network"},
		{"outbound with a scheme", client("CATALPA_OUTBOUND_ALLOW", "https://a.example.com"), Error, "CFG-VALUE", "server.outboundAllow", "neither a host"},
		{"overlap", client("CATALPA_ROTATION_OVERLAP", "25h"), Error, "CFG-VALUE", "jwtTokenConfiguration.rotationOverlap", "outside"},
		{"allowed domain", client("AUTHORIZER_ALLOWED_DOMAINS", "[example.org,.example.com]"), Error, "CFG-VALUE", keyAuthorizer + "allowedDomains", "bare domain"},
		{"registration domain", client("AUTHORIZER_ALLOWED_REGISTRATION_DOMAIN", "[a@example.com]"), Error, "CFG-VALUE", keyAuthorizer + "allowedEmailRegistrationDomains", "bare domain"},
		{"sign-up for nobody", client("AUTHORIZER_ALLOWED_REGISTRATION_DOMAIN", "[]", "AUTHENTICATION_ENABLE_SELF_SIGNUP", "true"), Warning, "CFG-SIGNUP-NOBODY", keyAuthorizer + "allowedEmailRegistrationDomains", "no domain"},
		{"sign-up for all the world", client("AUTHENTICATION_PROVIDER", "google", "AUTHENTICATION_ENABLE_SELF_SIGNUP", "true"), Warning, "CFG-SIGNUP-OPEN", keyAuthorizer + "allowedEmailRegistrationDomains", "Google account"},
		{"administrator", client("AUTHORIZER_ADMIN_PRINCIPALS", "@example.com"), Error, "CFG-VALUE", keyAuthorizer + "adminPrincipals", "neither a user name nor an email"},
		{"class of another", client("AUTHORIZER_CLASS_NAME", "com.example.Mine"), Notice, "CFG-IGNORED", keyAuthorizer + "className", "built in"},
		{"mail without a host", client("AUTHORIZER_ENABLE_SMTP", "true", "OPENMETADATA_SMTP_SENDER_MAIL", "a@example.com"), Error, "CFG-REQUIRED", "email.serverEndpoint", "must be given"},
		{"mail of nobody", client("AUTHORIZER_ENABLE_SMTP", "true", "SMTP_SERVER_ENDPOINT", "mail.example.com", "OPENMETADATA_SMTP_SENDER_MAIL", "nobody"), Error, "CFG-VALUE", "email.senderMail", "not an email"},
		{"mail password alone", client("AUTHORIZER_ENABLE_SMTP", "true", "SMTP_SERVER_ENDPOINT", "mail.example.com", "OPENMETADATA_SMTP_SENDER_MAIL", "a@example.com", "SMTP_SERVER_PWD", "x"), Error, "CFG-VALUE", "email.password", "together"},
		{"mail in clear text", client("AUTHORIZER_ENABLE_SMTP", "true", "SMTP_SERVER_ENDPOINT", "mail.example.com", "OPENMETADATA_SMTP_SENDER_MAIL", "a@example.com", "SMTP_SERVER_PWD", "x",
			"SMTP_SERVER_USERNAME", "u", "SMTP_SERVER_STRATEGY", "SMTP"), Warning, "CFG-EMAIL-PLAIN", "email.transportationStrategy", "clear text"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg, findings, err := Load(Options{LookupEnv: lookupIn(test.env)})
			var refused *Refused
			if errors.As(err, &refused) != (test.severity == Error) || (cfg == nil) != (test.severity == Error) {
				t.Fatalf("%v", findings)
			}
			if !hasFinding(findings, test.severity, test.key, test.message) {
				t.Errorf("no such finding in %v", findings)
			}
			for _, f := range findings {
				if f.Key == test.key && f.Code != test.code {
					t.Errorf("code %s, want %s", f.Code, test.code)
				}
				if strings.Contains(f.String(), "s3cret") {
					t.Errorf("a secret is quoted: %s", f)
				}
			}
		})
	}
}

func TestClientsThatAreFine(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"public": client(), "confidential": web(),
		"own key set":           client("AUTHENTICATION_PUBLIC_KEYS", "[http://localhost:8585/api/v1/system/config/jwks,https://acme.eu.auth0.com/jwks]"),
		"loopback":              client("AUTHENTICATION_AUTHORITY", "http://localhost:9000", "OIDC_SERVER_URL", "http://localhost:8585", "CATALPA_MODE", "development"),
		"loopback in IPv6":      client("AUTHENTICATION_AUTHORITY", "http://[::1]:9000", "OIDC_SERVER_URL", "http://[::1]:8585", "CATALPA_MODE", "development"),
		"port of https":         client("OIDC_DISCOVERY_URI", "https://ACME.eu.auth0.com:443/.well-known/openid-configuration"),
		"slash at the end":      client("AUTHENTICATION_AUTHORITY", "https://acme.eu.auth0.com/", "OIDC_SERVER_URL", "https://catalog.example.com/"),
		"key instead of secret": client("AUTHENTICATION_CLIENT_TYPE", "confidential", "OIDC_CLIENT_AUTH_METHOD", "private_key_jwt"),
		"custom parameters":     client("OIDC_CUSTOM_PARAMS", "{audience: 'https://api.example.com', organization: org_1}"),
		"outbound":              client("CATALPA_OUTBOUND_ALLOW", "[idp.internal,idp.internal:8443,10.0.0.0/8,'[fd00::1]:443',10.0.0.7]"),
		"mail": client("AUTHORIZER_ENABLE_SMTP", "true", "SMTP_SERVER_ENDPOINT", "mail.example.com", "OPENMETADATA_SMTP_SENDER_MAIL", "Catalog <a@example.com>",
			"SMTP_SERVER_USERNAME", "u", "SMTP_SERVER_PWD", "x"),
	} {
		if cfg, findings, err := Load(Options{LookupEnv: lookupIn(env)}); err != nil || len(findings) > 0 {
			t.Errorf("%s: %v %v", name, cfg, findings)
		}
	}
}

func TestProviderKeyURLs(t *testing.T) {
	a := Authentication{PublicKeyURLs: []string{"http://localhost:8585/api/v1/system/config/jwks", "https://id.example.com/keys"}}
	if diff := cmp.Diff([]string{"https://id.example.com/keys"}, a.ProviderKeyURLs()); diff != "" {
		t.Error(diff)
	}
}

func TestPrompt(t *testing.T) {
	for provider, want := range map[string]string{"google": "select_account", "azure": "select_account", "auth0": ""} {
		if got := (Authentication{Provider: provider}).Prompt(); got != want {
			t.Errorf("%s: %q", provider, got)
		}
		if got := (Authentication{Provider: provider, OIDC: OIDC{Prompt: "consent"}}).Prompt(); got != "consent" {
			t.Errorf("%s: %q instead of what is configured", provider, got)
		}
	}
}
