package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// sampleValue is a value that a key of the kind accepts, other than the default.
func sampleValue(info keyInfo) string {
	if text, ok := sampleValues()[info.path]; ok {
		return text
	}
	switch {
	case strings.HasSuffix(info.path, "applicationConnectors[].type"):
		return "http"
	case strings.HasSuffix(info.path, ".provider"):
		return "basic"
	case strings.HasSuffix(info.path, "jwtPrincipalClaimsMapping"):
		return "[username:sub, email:mail]"
	case strings.HasSuffix(strings.ToLower(info.path), "url"), strings.HasSuffix(info.path, "Urls"), strings.HasSuffix(info.path, "Uri"), strings.HasSuffix(info.path, "authority"):
		return "https://id.example.com/path"
	}
	if choice, ok := sampleChoices()[info.path[strings.LastIndexByte(info.path, '.')+1:]]; ok {
		return choice
	}
	switch info.kind {
	case kindBool:
		return "true"
	case kindInt:
		return "77"
	case kindSize:
		return "65536"
	case kindDuration:
		return "299"
	case kindList:
		return "[one.example.com]"
	case kindMap:
		return "{a: b}"
	default:
		return "some-text"
	}
}

func sampleValues() map[string]string {
	return map[string]string{
		"server.trustedProxies": "[10.0.0.0/8]", "server.allowedOrigins": "[https://a.example.com]", "email.transportationStrategy": "SMTPS",
		"authenticationConfiguration.allowedRedirectOrigins":                  "[https://a.example.com]",
		"authenticationConfiguration.oidcConfiguration.preferredJwsAlgorithm": "PS256",
		"authenticationConfiguration.oidcConfiguration.responseType":          "code",
		"authenticationConfiguration.oidcConfiguration.serverUrl":             "https://a.example.com",
		"operations.address": "8586",
		"store.engine":       EnginePostgreSQL, "database.url": "jdbc:postgresql://db.example:5433/catalog",
		"email.openMetadataUrl":  "https://a.example.com",
		"email.enableSmtpServer": "false",
	}
}

func sampleChoices() map[string]string {
	return map[string]string{"mode": "development", "level": "warn", "format": "json", "clientType": "confidential", "responseType": "id_token",
		"tokenValidationAlgorithm": "ES384", "clientAuthenticationMethod": "private_key_jwt", "truststoreConfigType": "JVMDefault", "sessionExpiry": "301",
		"engine": "opensearch", "searchType": "opensearch", "scheme": "https", "payLoadSize": "1MiB"}
}

// besides is what has to be said for a key to count.
func besides(path string) map[string]string {
	if path == "operations.pprof" {
		return map[string]string{"CATALPA_OPERATIONS_ADDRESS": "8586"}
	}
	if strings.HasPrefix(path, keyDatabase) {
		return map[string]string{"CATALPA_STORE_ENGINE": EnginePostgreSQL, "DB_USER": "catalpa"}
	}
	if !strings.HasPrefix(path, keyCluster) {
		return nil
	}
	env := map[string]string{"CATALPA_SEARCH_ENGINE": EngineOpenSearch}
	if strings.HasSuffix(path, ".password") {
		env["ELASTICSEARCH_USER"] = "catalpa"
	}
	return env
}

// notBound are keys that are accepted and checked but have no place in Config:
// the parts of trust stores, which TestTrustStore covers one type at a time, and
// what has to be a file, which TestSearchServer has.
func notBound(path string) bool {
	return strings.Contains(path, ".trustStoreConfig.") || path == keyCluster+"caCertificatePath"
}

// Every key of the table that is not ignored reaches the typed configuration.
func TestEveryKeyIsBound(t *testing.T) {
	dir := t.TempDir()
	for _, info := range knownKeys().ordered {
		if info.kind == kindIgnored || info.kind == kindSame || notBound(info.path) || strings.HasSuffix(info.path, "KeyFilePath") {
			continue
		}
		path := strings.ReplaceAll(info.path, "[]", "[0]")
		text := sampleValue(info)
		if path == "dataDir" {
			text = dir
		}
		cfg, findings, err := Load(Options{LookupEnv: lookupIn(besides(path)), Flags: map[string]string{path: text}})
		if err != nil && !strings.HasSuffix(path, "testPrincipals") {
			t.Errorf("%s=%s: %v", path, text, findings)
			continue
		}
		if cfg.Sources[path] != "command line" {
			t.Errorf("%s is read by nobody", path)
		}
	}
}

// Every variable reaches the same place as its key.
func TestEveryVariableIsBound(t *testing.T) {
	for _, info := range knownKeys().ordered {
		for _, name := range info.envs {
			if notBound(info.path) || strings.HasSuffix(info.path, "KeyFilePath") || info.path == "dataDir" {
				continue
			}
			env := map[string]string{name: sampleValue(info)}
			maps.Copy(env, besides(info.path))
			cfg, findings, err := Load(Options{LookupEnv: lookupIn(env)})
			if err != nil {
				t.Errorf("%s: %v", name, findings)
				continue
			}
			if !slices.Contains(slices.Collect(maps.Values(cfg.Sources)), "environment "+name) {
				t.Errorf("%s is read by nobody", name)
			}
		}
	}
}

func TestBoundValues(t *testing.T) {
	text := `
authenticationConfiguration:
  oidcConfiguration: {id: shop, secret: s3cret-value, useNonce: false, maxClockSkew: 10, tokenValidity: 120, sessionExpiry: 1 day, prompt: login}
  ldapConfiguration: {host: ldap.example.com, port: 636, dnAdminPassword: hidden-one, sslEnabled: true, authReassignRoles: [Admin]}
  samlConfiguration:
    idp: {entityId: idp, idpX509Certificate: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"}
    sp: {spPrivateKey: hidden-two}
    security: {wantMessagesSigned: true, keyStorePassword: hidden-three, tokenValidity: 60}
requestLimits: {maxBodyBytes: 1MiB, requestTimeout: 5s, maxConcurrent: 9}
server: {shutdownGracePeriod: 3 seconds}
logging: {level: TRACE, format: JSON}
`
	cfg, _, err := load(t, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := cfg.Authentication
	got := fmt.Sprint(a.OIDC.ID, a.OIDC.UseNonce, a.OIDC.MaxClockSkew, a.OIDC.TokenValidity, a.OIDC.SessionExpiry, a.OIDC.Prompt,
		a.LDAP.Host, a.LDAP.Port, a.LDAP.SSLEnabled, a.LDAP.ReassignRoles, a.SAML.IDPEntityID, a.SAML.WantMessagesSigned, a.SAML.TokenValidity,
		cfg.Limits.MaxBodyBytes, cfg.Limits.RequestTimeout, cfg.Limits.MaxConcurrent, cfg.Server.ShutdownTimeout, cfg.Log)
	want := fmt.Sprint("shop", false, "10s", "2m0s", "24h0m0s", "login", "ldap.example.com", 636, true, []string{"Admin"}, "idp", true, "1m0s",
		1<<20, "5s", 9, "3s", Log{"debug", "json"})
	if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if printed := fmt.Sprintf("%+v", cfg); strings.Contains(printed, "hidden") || strings.Contains(printed, "s3cret") {
		t.Error("a secret is printed with the configuration")
	}
	if a.LDAP.AdminPassword.Reveal() != "hidden-one" || a.SAML.SPPrivateKey.Reveal() != "hidden-two" || a.SAML.KeyStorePassword.Reveal() != "hidden-three" {
		t.Error("secrets got lost")
	}
}

func TestModeFollowsTheAddress(t *testing.T) {
	tests := []struct {
		host, mode string
		want       Mode
	}{
		{"127.0.0.1", "", Development}, {"127.9.9.9", "", Development}, {"localhost", "", Development}, {"LOCALHOST", "", Development}, {"::1", "", Development},
		{"0.0.0.0", "", Production}, {"::", "", Production}, {"10.0.0.1", "", Production}, {"localhost.example.com", "", Production},
		{"127.0.0.1", "production", Production}, {"0.0.0.0", "development", Development},
	}
	for _, test := range tests {
		cfg, _, err := Load(Options{LookupEnv: lookupIn(map[string]string{"SERVER_HOST": test.host, "CATALPA_MODE": test.mode})})
		if err != nil || cfg.Mode != test.want {
			t.Errorf("%s %s: %v, %v", test.host, test.mode, cfg, err)
		}
	}
}

func TestPublishedKeys(t *testing.T) {
	if !IsPublishedFernetKey(Secret(publishedFernet())) || !IsPublishedKeyID(publishedID()) {
		t.Error("published secrets are not recognized")
	}
	if IsPublishedFernetKey("") || IsPublishedKeyID("") || IsPublishedRSAKey(nil) || IsPublishedRSAKey([]byte{1}) {
		t.Error("other values are taken for published ones")
	}
}
