package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// row is one setting of signing in as operators know it: its key, its variable, what
// holds when nobody says anything, and what is taken and refused.
type row struct {
	key, env string
	initial  string   // of a public client in production, as JSON; "" for not in the document
	fine     []string // values that are taken
	refused  []string // values that are not
	with     []string // variables that the values need besides, NAME=VALUE
}

// contractRows are the settings with the names, variables and defaults that operators
// rely on. Refusals by more than the value alone are in TestT66ClientRules.
func contractRows() []row {
	secret := []string{"OIDC_CLIENT_SECRET=s3cret"}
	algorithms := []string{"RS256", "RS384", "RS512", "PS256", "ES256", "ES512"}
	return []row{
		{keyAuth + "provider", "AUTHENTICATION_PROVIDER", `"auth0"`, []string{"auth0", "okta", "google"}, []string{"github", "no-auth", "auth-0"}, nil},
		{keyAuth + "providerName", "CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME", `""`, []string{"Larkfield ID"}, nil, nil},
		{keyAuth + "clientType", "AUTHENTICATION_CLIENT_TYPE", `"public"`, []string{"public"}, []string{"confidential", "both"}, nil},
		{keyAuth + "clientType", "AUTHENTICATION_CLIENT_TYPE", `"public"`, []string{"confidential", ""}, []string{"public"}, secret},
		{keyAuth + "responseType", "AUTHENTICATION_RESPONSE_TYPE", `"code"`, []string{"code"}, []string{"id_token", "token"}, nil},
		{keyAuth + "authority", "AUTHENTICATION_AUTHORITY", `"https://acme.eu.auth0.com"`, []string{"https://acme.eu.auth0.com/"}, []string{"http://acme.eu.auth0.com", "acme.eu.auth0.com", ""}, nil},
		{keyAuth + "clientId", "AUTHENTICATION_CLIENT_ID", `"shop"`, []string{"x"}, []string{""}, nil},
		{keyAuth + "callbackUrl", "AUTHENTICATION_CALLBACK_URL", `"https://catalog.example.com/callback"`, []string{"https://catalog.example.com/auth/callback"}, []string{"/callback", "https://elsewhere.example.com/callback"}, nil},
		{keyAuth + "publicKeyUrls", "AUTHENTICATION_PUBLIC_KEYS", `[]`, []string{"[https://acme.eu.auth0.com/jwks]", "[http://localhost:8585/api/v1/system/config/jwks]"}, []string{"[http://acme.eu.auth0.com/jwks]"}, nil},
		{keyAuth + "tokenValidationAlgorithm", "AUTHENTICATION_TOKEN_VALIDATION_ALGORITHM", `"RS256"`, algorithms, []string{"HS256", "none", "EdDSA"}, nil},
		{keyAuth + "jwtPrincipalClaims", "AUTHENTICATION_JWT_PRINCIPAL_CLAIMS", `["email","preferred_username","sub"]`, []string{"[upn]"}, []string{"[]"}, nil},
		{keyAuth + "jwtPrincipalClaimsMapping", "AUTHENTICATION_JWT_PRINCIPAL_CLAIMS_MAPPING", `[]`, []string{"['username:upn','email:mail']"}, []string{"['username:upn']", "['email:mail']", "['group:x','email:mail','username:upn']"}, nil},
		{keyAuth + "jwtTeamClaimMapping", "AUTHENTICATION_JWT_TEAM_CLAIM_MAPPING", `""`, []string{"groups"}, nil, nil},
		{keyAuth + "jwtRoleClaim", "AUTHENTICATION_JWT_ROLE_CLAIM", "", []string{"https://catalog.example.com/roles"}, nil, nil},
		{keyAuth + "enableSelfSignup", "AUTHENTICATION_ENABLE_SELF_SIGNUP", `false`, []string{"true", "false"}, []string{"maybe"}, nil},
		{keyAuth + "enableAutoRedirect", "AUTHENTICATION_ENABLE_AUTO_REDIRECT", `false`, []string{"true"}, []string{"1"}, nil},
		{keyAuth + "forceSecureSessionCookie", "FORCE_SECURE_SESSION_COOKIE", `true`, []string{"true", "false"}, []string{"x"}, nil},
		{keyOIDC + "id", "OIDC_CLIENT_ID", `"shop"`, []string{"shop"}, []string{"store"}, nil},
		{keyOIDC + "type", "OIDC_TYPE", `"auth0"`, []string{"auth0"}, nil, nil},
		{keyOIDC + "secret", "OIDC_CLIENT_SECRET", `""`, []string{"x", "env:THE_SECRET"}, []string{"env:NOBODY_SETS_THIS", "file:/nowhere"}, []string{"AUTHENTICATION_CLIENT_TYPE=confidential", "THE_SECRET=s"}},
		{keyOIDC + "scope", "OIDC_SCOPE", `"openid email profile"`, []string{"openid", "openid email profile offline_access"}, []string{"email"}, nil},
		{keyOIDC + "discoveryUri", "OIDC_DISCOVERY_URI", `"https://acme.eu.auth0.com/.well-known/openid-configuration"`, []string{"https://acme.eu.auth0.com/x"}, []string{"https://elsewhere.example.com/.well-known/openid-configuration"}, nil},
		{keyOIDC + "useNonce", "OIDC_USE_NONCE", `"true"`, []string{"true"}, []string{"false"}, nil},
		{keyOIDC + "preferredJwsAlgorithm", "OIDC_PREFERRED_JWS", `"RS256"`, algorithms, []string{"HS256", "none"}, nil},
		{keyOIDC + "responseType", "OIDC_RESPONSE_TYPE", `"code"`, []string{"code"}, []string{"id_token", "code id_token"}, nil},
		{keyOIDC + "disablePkce", "OIDC_DISABLE_PKCE", `false`, []string{"false"}, []string{"true"}, nil},
		{keyOIDC + "maxClockSkew", "OIDC_MAX_CLOCK_SKEW", `"30"`, []string{"0", "300", ""}, []string{"301", "-1"}, nil},
		{keyOIDC + "clientAuthenticationMethod", "OIDC_CLIENT_AUTH_METHOD", `"client_secret_basic"`, []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"}, []string{"none"}, secret},
		{keyOIDC + "tokenValidity", "OIDC_OM_REFRESH_TOKEN_VALIDITY", `3600`, []string{"60", "86400"}, []string{"59", "86401"}, nil},
		{keyOIDC + "customParams", "OIDC_CUSTOM_PARAMS", `{}`, []string{"{audience: x}"}, []string{"{redirect_uri: x}", "{State: x}", "{client_id: x}", "{nonce: x}"}, nil},
		{keyOIDC + "tenant", "OIDC_TENANT", `""`, nil, nil, nil},
		{keyOIDC + "serverUrl", "OIDC_SERVER_URL", `"https://catalog.example.com"`, []string{"https://catalog.example.com/"}, []string{"https://catalog.example.com/x", "catalog.example.com", "http://catalog.example.com"}, nil},
		{keyOIDC + "callbackUrl", "OIDC_CALLBACK", `"https://catalog.example.com/callback"`, []string{"https://catalog.example.com/api/v1/auth/callback"}, []string{"https://elsewhere.example.com/callback", "https://catalog.example.com/elsewhere"}, secret},
		{keyOIDC + "maxAge", "OIDC_MAX_AGE", `""`, []string{"3600", "0", ""}, []string{"-1", "a day"}, nil},
		{keyOIDC + "prompt", "OIDC_PROMPT_TYPE", `""`, []string{"login", "consent", ""}, []string{"none", "maybe"}, nil},
		{keyOIDC + "sessionExpiry", "OIDC_SESSION_EXPIRY", `604800`, []string{"300", "2592000"}, []string{"299", "2592001"}, nil},
		{keyAuthorizer + "adminPrincipals", "AUTHORIZER_ADMIN_PRINCIPALS", `["admin"]`, []string{"[ann, bob@example.com]"}, []string{"[ann, Ann]", "[a b]", "[]"}, nil},
		{keyAuthorizer + "principalDomain", "AUTHORIZER_PRINCIPAL_DOMAIN", `"example.com"`, []string{"example.org"}, []string{"https://example.com", "ann@example.com", ""}, nil},
		{keyAuthorizer + "enforcePrincipalDomain", "AUTHORIZER_ENFORCE_PRINCIPAL_DOMAIN", `false`, []string{"true"}, []string{"x"}, nil},
		{keyAuthorizer + "allowedDomains", "AUTHORIZER_ALLOWED_DOMAINS", `[]`, []string{"[a.example, b.example]"}, []string{"[https://a.example]"}, nil},
		{keyAuthorizer + "allowedEmailRegistrationDomains", "AUTHORIZER_ALLOWED_REGISTRATION_DOMAIN", `["all"]`, []string{"[all]", "[a.example]"}, []string{"[a@b.example]"}, nil},
		{keyAuthorizer + "useRolesFromProvider", "AUTHORIZER_USE_ROLES_FROM_PROVIDER", `false`, []string{"true"}, []string{"x"}, nil},
		{keyAuthorizer + "enableSecureSocketConnection", "AUTHORIZER_ENABLE_SECURE_SOCKET", `false`, []string{"true"}, nil, nil},
		{keyAuthorizer + "className", "AUTHORIZER_CLASS_NAME", "", []string{"org.openmetadata.service.security.DefaultAuthorizer", "com.example.Authorizer"}, []string{"org.openmetadata.service.security.NoopAuthorizer"}, nil},
		{keyAuthorizer + "containerRequestFilter", "AUTHORIZER_REQUEST_FILTER", "", []string{"org.openmetadata.service.security.JwtFilter"}, []string{"org.openmetadata.service.security.NoopFilter"}, nil},
		{"jwtTokenConfiguration.rsapublicKeyFilePath", "RSA_PUBLIC_KEY_FILE_PATH", "", nil, []string{"/nowhere.der"}, nil},
		{"jwtTokenConfiguration.rsaprivateKeyFilePath", "RSA_PRIVATE_KEY_FILE_PATH", "", nil, []string{"/nowhere.der"}, nil},
		{"jwtTokenConfiguration.jwtissuer", "JWT_ISSUER", "", []string{"open-metadata.org"}, nil, nil},
		{"jwtTokenConfiguration.keyId", "JWT_KEY_ID", "", []string{"mine"}, nil, nil},
		{"loginConfig.maxLoginFailAttempts", "OM_MAX_FAILED_LOGIN_ATTEMPTS", "", []string{"1", "10"}, []string{"0", "x"}, nil},
		{"loginConfig.accessBlockTime", "OM_LOGIN_ACCESS_BLOCK_TIME", "", []string{"600"}, []string{"-1"}, nil},
		{"loginConfig.jwtTokenExpiryTime", "OM_JWT_EXPIRY_TIME", "", []string{"3600"}, []string{"0"}, nil},
		{"fernetKey", "FERNET_KEY", "", []string{"a key of their own"}, []string{publishedFernet()}, nil},
		{"mode", "CATALPA_MODE", "", []string{"production", "development"}, []string{"test"}, nil},
	}
}

// TestSettingsOperatorsRelyOn: each setting is read from the file by its key and from the
// environment by its variable, begins as promised, and takes and refuses what it should.
func TestSettingsOperatorsRelyOn(t *testing.T) {
	table := map[string][]string{}
	for _, info := range knownKeys().ordered {
		table[info.path] = info.envs
	}
	var initial any
	if err := json.Unmarshal([]byte(documentOf(t, client())), &initial); err != nil {
		t.Fatal(err)
	}
	for _, r := range contractRows() {
		if !slices.Contains(table[r.key], r.env) {
			t.Errorf("%s is not set by %s: %q", r.key, r.env, table[r.key])
		}
		if got := initialOf(t, initial, r.key); r.initial != "" && got != r.initial {
			t.Errorf("%s begins as %s, want %s", r.key, got, r.initial)
		}
		for _, value := range r.fine {
			if findings := r.load(value); len(findings.Errors()) > 0 {
				t.Errorf("%s=%q is refused: %v", r.env, value, findings.Errors())
			}
		}
		for _, value := range r.refused {
			if findings := r.load(value); len(findings.Errors()) == 0 {
				t.Errorf("%s=%q is taken", r.env, value)
			}
		}
	}
	if len(table["authorizerConfiguration.botPrincipals"]) > 0 || knownKeys().byPath["authorizerConfiguration.botPrincipals"].kind != kindIgnored {
		t.Error("botPrincipals are not ignored with a notice")
	}
}

// load reads the configuration with the row's variable set to a value.
func (r row) load(value string) Findings {
	env := client()
	for _, more := range r.with {
		name, text, _ := strings.Cut(more, "=")
		env[name] = text
	}
	env[r.env] = value
	_, findings, _ := Load(Options{LookupEnv: lookupIn(env)})
	return findings
}

// initialOf is a member of a document, as JSON.
func initialOf(t *testing.T, document any, key string) string {
	t.Helper()
	for name := range strings.SplitSeq(key, ".") {
		members, ok := document.(map[string]any)
		if !ok {
			return ""
		}
		document = members[name]
	}
	raw, err := json.Marshal(document, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
