package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// changed returns the environment with other values; "-" takes a variable away.
func changed(env map[string]string, changes ...string) map[string]string {
	env = maps.Clone(env)
	for i := 0; i+1 < len(changes); i += 2 {
		env[changes[i]] = changes[i+1]
	}
	maps.DeleteFunc(env, func(_, text string) bool { return text == "-" })
	return env
}

func directoryEnv() map[string]string {
	return map[string]string{
		"AUTHENTICATION_PROVIDER": "ldap", "CATALPA_MODE": "production", "AUTHORIZER_PRINCIPAL_DOMAIN": "example.com", "AUTHENTICATION_LDAP_HOST": "ldap.example.com",
		"AUTHENTICATION_LDAP_SSL_ENABLED": "true", "AUTHENTICATION_LOOKUP_ADMIN_DN": "cn=reader,dc=example,dc=com", "AUTHENTICATION_LOOKUP_ADMIN_PWD": "s3cret",
		"AUTHENTICATION_USER_LOOKUP_BASEDN": "ou=people,dc=example,dc=com", "AUTHENTICATION_USER_MAIL_ATTR": "mail",
	}
}

func TestLDAPRules(t *testing.T) {
	const trust = keyLDAP + "trustStoreConfig."
	runRules(t, directoryEnv(), []rule{
		{"no host", []string{"AUTHENTICATION_LDAP_HOST", "-"}, Error, "CFG-REQUIRED", keyLDAP + "host"},
		{"host with scheme", []string{"AUTHENTICATION_LDAP_HOST", "ldaps://ldap.example.com"}, Error, "CFG-VALUE", keyLDAP + "host"},
		{"no account", []string{"AUTHENTICATION_LOOKUP_ADMIN_DN", "-"}, Error, "CFG-REQUIRED", keyLDAP + "dnAdminPrincipal"},
		{"no password", []string{"AUTHENTICATION_LOOKUP_ADMIN_PWD", "-"}, Error, "CFG-REQUIRED", keyLDAP + "dnAdminPassword"},
		{"no base", []string{"AUTHENTICATION_USER_LOOKUP_BASEDN", "-"}, Error, "CFG-REQUIRED", keyLDAP + "userBaseDN"},
		{"base is a word", []string{"AUTHENTICATION_USER_LOOKUP_BASEDN", "people"}, Error, "CFG-VALUE", keyLDAP + "userBaseDN"},
		{"no mail", []string{"AUTHENTICATION_USER_MAIL_ATTR", "-"}, Error, "CFG-REQUIRED", keyLDAP + "mailAttributeName"},
		{"port", []string{"AUTHENTICATION_LDAP_PORT", "65536"}, Error, "CFG-VALUE", keyLDAP + "port"},
		{"half a group", []string{"AUTHENTICATION_USER_GROUP_ATTR", "objectClass"}, Error, "CFG-VALUE", keyLDAP + "groupAttributeValue"},
		{"mapping", []string{"AUTH_ROLES_MAPPING", `{"cn=a": "Admin"}`}, Error, "CFG-VALUE", keyLDAP + "authRolesMapping"},
		{"clear text", []string{"AUTHENTICATION_LDAP_SSL_ENABLED", "false"}, Error, CodeLDAPPlain, keyLDAP + "sslEnabled"},
		{"clear text in development", []string{"AUTHENTICATION_LDAP_SSL_ENABLED", "false", "CATALPA_MODE", "development"}, Warning, CodeLDAPPlain, keyLDAP + "sslEnabled"},
		{"TLS twice", []string{"CATALPA_LDAP_START_TLS", "true"}, Error, "CFG-VALUE", keyLDAP + "startTls"},
		{"trusts all", []string{"AUTHENTICATION_LDAP_TRUSTSTORE_TYPE", "TrustAll"}, Error, CodeTrustAll, keyLDAP + "truststoreConfigType"},
		{"trusts all in development", []string{"AUTHENTICATION_LDAP_TRUSTSTORE_TYPE", "TrustAll", "CATALPA_MODE", "development"}, Warning, CodeTrustAll, keyLDAP + "truststoreConfigType"},
		{"no store", []string{"AUTHENTICATION_LDAP_TRUSTSTORE_TYPE", "CustomTrustStore"}, Error, "CFG-REQUIRED", trust + "customTrustManagerConfig.trustStoreFilePath"},
		{"no names", []string{"AUTHENTICATION_LDAP_TRUSTSTORE_TYPE", "HostName"}, Error, "CFG-REQUIRED", trust + "hostNameConfig.acceptableHostNames"},
		{"name not checked", []string{"AUTHENTICATION_LDAP_SSL_VERIFY_CERT_HOST", "false"}, Notice, "CFG-IGNORED", trust + "jvmDefaultConfig.verifyHostname"},
		{"domain missing", []string{"AUTHORIZER_PRINCIPAL_DOMAIN", "-"}, Error, "CFG-REQUIRED", keyPrincipalDomain},
	})
	for name, env := range map[string]map[string]string{
		"complete": directoryEnv(), "StartTLS": changed(directoryEnv(), "AUTHENTICATION_LDAP_SSL_ENABLED", "false", "CATALPA_LDAP_START_TLS", "true"),
		"loopback": changed(directoryEnv(), "AUTHENTICATION_LDAP_SSL_ENABLED", "false", "AUTHENTICATION_LDAP_HOST", "127.0.0.1"),
		"roles":    changed(directoryEnv(), "AUTH_ROLES_MAPPING", `{"cn=a,dc=example": ["Admin", "DataSteward"]}`),
	} {
		cfg, findings, err := Load(Options{LookupEnv: lookupIn(env)})
		if err != nil || len(findings) > 0 {
			t.Errorf("%s: %v", name, findings)
		} else if want := map[bool]int{true: 636, false: 389}[cfg.Authentication.LDAP.SSLEnabled]; cfg.Authentication.LDAP.Port != want {
			t.Errorf("%s: port %d", name, cfg.Authentication.LDAP.Port)
		}
	}
}

// Each type of trust store reads its own part.
func TestTrustStore(t *testing.T) {
	env := changed(directoryEnv(), "AUTHENTICATION_LDAP_TRUSTSTORE_PATH", "/etc/ca.pem", "AUTHENTICATION_LDAP_KEYSTORE_PASSWORD", "s3cret-too", "AUTHENTICATION_LDAP_SSL_KEY_FORMAT", "PEM",
		"AUTHENTICATION_LDAP_ALLOWED_HOSTNAMES", "[a.example.com]", "AUTHENTICATION_LDAP_ALLOW_WILDCARDS", "true", "AUTHENTICATION_LDAP_EXAMINE_VALIDITY_DATES", "true",
		"AUTHENTICATION_LDAP_SSL_VERIFY_CERT_HOST", "true", "CATALPA_MODE", "development")
	for kind, want := range map[string]LDAP{
		"CustomTrustStore": {TrustStorePath: "/etc/ca.pem", TrustStorePassword: "s3cret-too", TrustStoreFormat: "PEM", VerifyHostname: true, ExamineValidityDates: true, AcceptableHostNames: []string{}},
		"HostName":         {AcceptableHostNames: []string{"a.example.com"}, AllowWildcards: true},
		"TrustAll":         {ExamineValidityDates: true, AcceptableHostNames: []string{}},
		"JVMDefault":       {VerifyHostname: true, AcceptableHostNames: []string{}},
	} {
		cfg, findings, err := Load(Options{LookupEnv: lookupIn(changed(env, "AUTHENTICATION_LDAP_TRUSTSTORE_TYPE", kind))})
		if err != nil {
			t.Fatalf("%s: %v", kind, findings)
		}
		l := cfg.Authentication.LDAP
		got := LDAP{TrustStorePath: l.TrustStorePath, TrustStorePassword: l.TrustStorePassword, TrustStoreFormat: l.TrustStoreFormat, VerifyHostname: l.VerifyHostname,
			ExamineValidityDates: l.ExamineValidityDates, AcceptableHostNames: l.AcceptableHostNames, AllowWildcards: l.AllowWildcards}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
}

func samlEnv(certificate string) map[string]string {
	return map[string]string{
		"AUTHENTICATION_PROVIDER": "saml", "CATALPA_MODE": "production", "AUTHORIZER_PRINCIPAL_DOMAIN": "example.com", "SAML_IDP_ENTITY_ID": "https://idp.example.com/meta",
		"SAML_IDP_SSO_LOGIN_URL": "https://idp.example.com/sso", "SAML_IDP_CERTIFICATE": certificate, "OPENMETADATA_SERVER_URL": "https://catalog.example.com",
	}
}

func TestSAMLRules(t *testing.T) {
	certificate, key := keyPair(t)
	_, otherKey := keyPair(t)
	env := samlEnv(certificate)
	runRules(t, env, []rule{
		{"no entity", []string{"SAML_IDP_ENTITY_ID", "-"}, Error, "CFG-REQUIRED", keySAML + "idp.entityId"},
		{"no address", []string{"SAML_IDP_SSO_LOGIN_URL", "-"}, Error, "CFG-REQUIRED", keySAML + "idp.ssoLoginUrl"},
		{"http address", []string{"SAML_IDP_SSO_LOGIN_URL", "http://idp.example.com/sso"}, Error, CodeHTTP, keySAML + "idp.ssoLoginUrl"},
		{"relative address", []string{"SAML_IDP_SSO_LOGIN_URL", "/sso"}, Error, "CFG-VALUE", keySAML + "idp.ssoLoginUrl"},
		{"no certificate", []string{"SAML_IDP_CERTIFICATE", "-"}, Error, "CFG-REQUIRED", keySAML + "idp.idpX509Certificate"},
		{"half a certificate", []string{"SAML_IDP_CERTIFICATE", certificate[:200]}, Error, "CFG-VALUE", keySAML + "idp.idpX509Certificate"},
		{"foreign acs", []string{"SAML_SP_ACS", "https://other.example.com/api/v1/saml/acs"}, Error, "CFG-VALUE", keySAML + "sp.acs"},
		{"http acs", []string{"OPENMETADATA_SERVER_URL", "http://catalog.example.com"}, Error, CodeHTTP, keySAML + "sp.acs"},
		{"signs without a key", []string{"SAML_SEND_SIGNED_AUTH_REQUEST", "true", "SAML_SP_CERTIFICATE", certificate}, Error, "CFG-REQUIRED", keySAML + "sp.spPrivateKey"},
		{"signs without a certificate", []string{"SAML_WANT_ASSERTION_ENCRYPTED", "true", "SAML_SP_PRIVATE_KEY", key}, Error, "CFG-REQUIRED", keySAML + "sp.spX509Certificate"},
		{"another key", []string{"SAML_SP_CERTIFICATE", certificate, "SAML_SP_PRIVATE_KEY", otherKey}, Error, "CFG-VALUE", keySAML + "sp.spPrivateKey"},
		{"no key", []string{"SAML_SP_CERTIFICATE", certificate, "SAML_SP_PRIVATE_KEY", "bm8ga2V5"}, Error, "CFG-VALUE", keySAML + "sp.spPrivateKey"},
		{"no certificate of ours", []string{"SAML_SP_CERTIFICATE", "bm8gY2VydA==", "SAML_SP_PRIVATE_KEY", key}, Error, "CFG-VALUE", keySAML + "sp.spX509Certificate"},
		{"key store", []string{"SAML_KEYSTORE_FILE_PATH", "/etc/keys.jks"}, Notice, "CFG-IGNORED", keySAML + "security.keyStoreFilePath"},
	})
	block, _ := pem.Decode([]byte(certificate))
	for name, env := range map[string]map[string]string{
		"PEM": env, "Base64": changed(env, "SAML_IDP_CERTIFICATE", base64.StdEncoding.EncodeToString(block.Bytes)),
		"written line ends": changed(env, "SAML_IDP_CERTIFICATE", strings.ReplaceAll(certificate, "\n", `\n`)),
		"signing":           changed(env, "SAML_SEND_SIGNED_AUTH_REQUEST", "true", "SAML_SP_CERTIFICATE", certificate, "SAML_SP_PRIVATE_KEY", key),
	} {
		cfg, findings, err := Load(Options{LookupEnv: lookupIn(env)})
		if err != nil || len(findings) > 0 {
			t.Fatalf("%s: %v", name, findings)
		}
		if s := cfg.Authentication.SAML; s.SPEntityID != "https://catalog.example.com/api/v1/saml/metadata" || s.SPACS != "https://catalog.example.com/api/v1/saml/acs" ||
			s.SPCallback != "https://catalog.example.com/callback" {
			t.Errorf("%s: %s %s %s", name, s.SPEntityID, s.SPACS, s.SPCallback)
		}
	}
}

type rule struct {
	name      string
	changes   []string
	severity  Severity
	code, key string
}

// runRules checks that each change gives the finding and, of errors, no other.
func runRules(t *testing.T, env map[string]string, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			_, findings, err := Load(Options{LookupEnv: lookupIn(changed(env, r.changes...))})
			if (err != nil) != (r.severity == Error) {
				t.Fatalf("%v", findings)
			}
			found := false
			for _, f := range findings {
				found = found || f.Severity == r.severity && f.Code == r.code && f.Key == r.key
				if f.Key != r.key || strings.Contains(f.String(), "s3cret") {
					t.Errorf("another finding, or a secret in one: %s", f)
				}
			}
			if !found {
				t.Errorf("no such finding in %v", findings)
			}
		})
	}
}

// keyPair returns a certificate and its key in PEM.
func keyPair(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}
