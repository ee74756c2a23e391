package config

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func documentOf(t *testing.T, env map[string]string) string {
	t.Helper()
	cfg, findings, err := Load(Options{LookupEnv: lookupIn(env)})
	if err != nil {
		t.Fatal(findings)
	}
	doc, err := SecurityDocument(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

func TestSecurityDocumentOfBasic(t *testing.T) {
	const want = `{"authenticationConfiguration":{"clientType":"public","provider":"basic","responseType":"code","providerName":"","publicKeyUrls":[],` +
		`"tokenValidationAlgorithm":"RS256","authority":"","clientId":"","callbackUrl":"http://localhost:8585/callback","jwtPrincipalClaims":["email","preferred_username","sub"],` +
		`"jwtPrincipalClaimsMapping":[],"jwtTeamClaimMapping":"","enableSelfSignup":false,"enableAutoRedirect":false,"forceSecureSessionCookie":false},` +
		`"authorizerConfiguration":{"className":"org.openmetadata.service.security.DefaultAuthorizer","containerRequestFilter":"org.openmetadata.service.security.JwtFilter",` +
		`"adminPrincipals":["admin"],"allowedEmailRegistrationDomains":["all"],"principalDomain":"open-metadata.org","allowedDomains":[],"enforcePrincipalDomain":false,` +
		`"enableSecureSocketConnection":false,"useRolesFromProvider":false,"defaultOAuthRole":""}}`
	if diff := cmp.Diff(want, documentOf(t, nil)); diff != "" {
		t.Error(diff)
	}
}

func TestSecurityDocumentOfAClient(t *testing.T) {
	doc := documentOf(t, web("OIDC_CUSTOM_PARAMS", "{b: '2', a: '1'}", "OIDC_MAX_CLOCK_SKEW", "1500ms", "CATALPA_REQUIRE_VERIFIED_EMAIL", "false"))
	const want = `"requireVerifiedEmail":false,"oidcConfiguration":{"type":"auth0","id":"shop","secret":"s3cret-of-shop","scope":"openid email profile",` +
		`"discoveryUri":"https://acme.eu.auth0.com/.well-known/openid-configuration","useNonce":"true","preferredJwsAlgorithm":"RS256","responseType":"code","disablePkce":false,` +
		`"maxClockSkew":"1.5s","clientAuthenticationMethod":"client_secret_basic","tokenValidity":3600,"customParams":{"a":"1","b":"2"},"tenant":"",` +
		`"serverUrl":"https://catalog.example.com","callbackUrl":"https://catalog.example.com/callback","maxAge":"","prompt":"","sessionExpiry":604800}}`
	if !strings.Contains(doc, want) {
		t.Errorf("got  %s\nwant %s", doc, want)
	}
	masked, err := MaskDocument([]byte(doc))
	if err != nil || strings.Contains(string(masked), "s3cret") || !strings.Contains(string(masked), `"secret":"*********"`) {
		t.Errorf("%s, %v", masked, err)
	}
}

// The document has the section of the provider in use and of no other.
func TestSecurityDocumentSections(t *testing.T) {
	certificate, _ := keyPair(t)
	all := map[string]string{"oidcConfiguration": "auth0", "ldapConfiguration": "ldap", "samlConfiguration": "saml", "none": "basic"}
	env := maps.Clone(directoryEnv())
	maps.Copy(env, samlEnv(certificate))
	maps.Copy(env, client())
	for section, provider := range all {
		env["AUTHENTICATION_PROVIDER"] = provider
		doc := documentOf(t, env)
		for other := range all {
			if has := strings.Contains(doc, `"`+other+`":{`); has != (other == section && other != "none") {
				t.Errorf("%s: %s is there: %v", provider, other, has)
			}
		}
	}
}

// Every key that can be saved has its place in the document.
func TestEveryKeyIsInTheDocument(t *testing.T) {
	have := map[string]bool{}
	for _, provider := range []string{ProviderAuth0, ProviderLDAP, ProviderSAML} {
		for _, store := range []string{"CustomTrustStore", "HostName", "TrustAll", "JVMDefault"} {
			cfg := &Config{Authentication: Authentication{Provider: provider, LDAP: LDAP{TruststoreConfigType: store}}}
			for _, m := range members(cfg) {
				have[m.path] = true
			}
		}
	}
	for _, info := range knownKeys().ordered {
		if !savable(info.path) || info.kind == kindIgnored || strings.HasSuffix(info.path, ".testPrincipals") {
			continue
		}
		if !have[info.path] {
			t.Errorf("%s is missing", info.path)
		}
		delete(have, info.path)
	}
	for path := range have {
		t.Errorf("%s is no known key", path)
	}
}

// settings draws an environment that Load accepts.
func settings(certificate, key string) *rapid.Generator[map[string]string] {
	text := rapid.StringMatching(`[A-Za-z0-9äé"\\ :{}\[\]#',/-]{0,12}x`)
	flag := rapid.SampledFrom([]string{"true", "false", "-"})
	names := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,8}(\.[a-z]{2,3})?`), 1, 3)
	return rapid.Custom(func(t *rapid.T) map[string]string {
		env := changed(directoryEnv(), "AUTHENTICATION_PROVIDER", rapid.SampledFrom(providers()).Draw(t, "provider"), "CATALPA_MODE", rapid.SampledFrom([]string{"production", "development"}).Draw(t, "mode"))
		maps.Copy(env, map[string]string{
			"SAML_IDP_ENTITY_ID": "https://idp.example.com", "SAML_IDP_SSO_LOGIN_URL": "https://idp.example.com/sso", "SAML_IDP_CERTIFICATE": certificate, "SAML_SP_CERTIFICATE": certificate,
			"SAML_SP_PRIVATE_KEY": key, "AUTHENTICATION_CLIENT_ID": "shop", "AUTHENTICATION_AUTHORITY": "https://id.example.com/acme", "OIDC_SERVER_URL": "https://catalog.example.com",
			"AUTHENTICATION_LDAP_TRUSTSTORE_PATH": "/ca.pem", "AUTHENTICATION_LDAP_ALLOWED_HOSTNAMES": "a.example.com",
			"AUTHENTICATION_LDAP_TRUSTSTORE_TYPE": rapid.SampledFrom([]string{"CustomTrustStore", "HostName", "TrustAll", "JVMDefault"}).Draw(t, "store"),
			"AUTHORIZER_ALLOWED_DOMAINS":          strings.Join(names.Draw(t, "domains"), ","), "CATALPA_ACCEPTED_AUDIENCES": strings.Join(names.Draw(t, "audiences"), ","),
			"AUTHENTICATION_JWT_PRINCIPAL_CLAIMS": strings.Join(names.Draw(t, "claims"), ","), "OIDC_CUSTOM_PARAMS": fmt.Sprintf("{hint: %q}", text.Draw(t, "hint")),
			"OIDC_MAX_CLOCK_SKEW": fmt.Sprint(rapid.IntRange(0, 300).Draw(t, "skew")), "OIDC_OM_REFRESH_TOKEN_VALIDITY": fmt.Sprintf("%dms", rapid.IntRange(60000, 90000).Draw(t, "validity")),
			"CATALPA_ALLOWED_REDIRECT_ORIGINS": rapid.SampledFrom([]string{"https://A.example.com:443/", "https://catalog.example.com", "-"}).Draw(t, "origins"),
		})
		for _, name := range []string{"CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME", "AUTHENTICATION_LOOKUP_ADMIN_PWD", "AUTHENTICATION_JWT_ROLE_CLAIM", "AUTHENTICATION_USER_NAME_ATTR",
			"SAML_IDP_NAME_ID", "SAML_KEYSTORE_PASSWORD", "AUTHENTICATION_LDAP_KEYSTORE_PASSWORD"} {
			env[name] = text.Draw(t, name)
		}
		for _, name := range []string{"AUTHENTICATION_ENABLE_SELF_SIGNUP", "AUTHENTICATION_ENABLE_AUTO_REDIRECT", "FORCE_SECURE_SESSION_COOKIE", "OIDC_USE_NONCE", "OIDC_DISABLE_PKCE",
			"AUTHENTICATION_LDAP_EXAMINE_VALIDITY_DATES", "AUTHENTICATION_LDAP_ALLOW_WILDCARDS", "SAML_STRICT_MODE", "SAML_WANT_MESSAGE_SIGNED", "SAML_WANT_NAME_ID_ENCRYPTED",
			"CATALPA_ADMIN_FROM_PROVIDER", "CATALPA_REQUIRE_VERIFIED_EMAIL", "AUTHORIZER_USE_ROLES_FROM_PROVIDER", "AUTHORIZER_ENFORCE_PRINCIPAL_DOMAIN"} {
			env[name] = flag.Draw(t, name)
		}
		if rapid.Bool().Draw(t, "confidential") {
			env["OIDC_CLIENT_SECRET"] = text.Draw(t, "secret")
		}
		return changed(env)
	})
}

// What is read as a document and saved unchanged changes nothing.
func TestSavingTheDocumentChangesNothing(t *testing.T) {
	certificate, key := keyPair(t)
	rapid.Check(t, func(t *rapid.T) {
		env := settings(certificate, key).Draw(t, "env")
		opts := Options{LookupEnv: lookupIn(env), Accept: guardCodes()}
		before, findings, err := Load(opts)
		if err != nil {
			t.Fatal(findings)
		}
		doc, err := SecurityDocument(before)
		if err != nil {
			t.Fatal(err)
		}
		if opts.Saved, err = UnmaskDocument(mustMask(t, doc), doc); err != nil {
			t.Fatal(err)
		}
		after, findings, err := Load(opts)
		if err != nil {
			t.Fatal(findings)
		}
		if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(Config{}, "Sources"), cmpopts.IgnoreUnexported(Config{}), cmpopts.EquateComparable()); diff != "" {
			t.Fatalf("%s\n%s", doc, diff)
		}
		again, err := SecurityDocument(after)
		if err != nil || !before.Authentication.IsOIDC() {
			return
		}
		// The document of a client says everything: file and environment may go.
		alone, findings, err := Load(Options{LookupEnv: lookupIn(map[string]string{"CATALPA_MODE": string(before.Mode)}), Accept: guardCodes(), Saved: again})
		if err != nil {
			t.Fatal(findings)
		}
		if last, err := SecurityDocument(alone); err != nil || !equalJSON(last, again) {
			t.Fatalf("%v: %s", err, cmp.Diff(string(again), string(last)))
		}
	})
}

func mustMask(t *rapid.T, doc []byte) []byte {
	masked, err := MaskDocument(doc)
	if err != nil {
		t.Fatal(err)
	}
	return masked
}

func equalJSON(a, b []byte) bool {
	x, y := jsontext.Value(a).Clone(), jsontext.Value(b).Clone()
	return x.Canonicalize() == nil && y.Canonicalize() == nil && string(x) == string(y)
}

// The names of the members are those of OpenMetadata's shape, so that a client
// which knows no others reads it.
func TestDocumentOfDefaultsHasNoOwnMembers(t *testing.T) {
	var doc map[string]map[string]any
	if err := json.Unmarshal([]byte(documentOf(t, client())), &doc); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"jwtRoleClaim", "allowLegacyImplicit", "acceptedAudiences", "requireVerifiedEmail", "allowedRedirectOrigins", "legacyCallbackToken", "initialAdminPassword"} {
		if _, there := doc["authenticationConfiguration"][name]; there {
			t.Errorf("%s is there", name)
		}
	}
	for _, name := range []string{"adminFromProvider", "adminPrincipalsAuthoritative"} {
		if _, there := doc["authorizerConfiguration"][name]; there {
			t.Errorf("%s is there", name)
		}
	}
}
