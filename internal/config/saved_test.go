package config

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// withSaved loads a saved form over a file and an environment.
func withSaved(t *testing.T, text, saved string, env map[string]string) (*Config, Findings, error) {
	t.Helper()
	return Load(Options{File: writeFile(t, text), LookupEnv: lookupIn(env), Saved: []byte(saved)})
}

func TestSavedFormBeatsFileAndEnvironment(t *testing.T) {
	const text = "authenticationConfiguration: {providerName: of the file, enableSelfSignup: true, jwtRoleClaim: groups}\n"
	env := map[string]string{"AUTHENTICATION_TEAM": "", "AUTHORIZER_PRINCIPAL_DOMAIN": "env.example.com", "CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME": "of the environment"}
	saved := `{"authenticationConfiguration":{"providerName":"saved","enableSelfSignup":null,"jwtRoleClaim":"","oidcConfiguration":{"maxClockSkew":"7","tokenValidity":120,"useNonce":"true"}},
		"authorizerConfiguration":{"principalDomain":"Saved.example.com","adminPrincipals":["ada"],"botPrincipals":["x"]}}`
	cfg, findings, err := withSaved(t, text, saved, env)
	if err != nil {
		t.Fatal(findings)
	}
	a := cfg.Authentication
	if a.ProviderName != "saved" || !a.EnableSelfSignup || a.JWTRoleClaim != "roles" || a.OIDC.MaxClockSkew != 7*time.Second || a.OIDC.TokenValidity != 2*time.Minute ||
		cfg.Authorizer.PrincipalDomain != "saved.example.com" || cfg.Authorizer.AdminPrincipals[0] != "ada" {
		t.Errorf("%+v %+v", a, cfg.Authorizer)
	}
	for key, want := range map[string]string{"providerName": "saved form", "enableSelfSignup": "file line 1", "jwtRoleClaim": "saved form", "clientId": "default"} {
		if got := cfg.Source(keyAuth + key); got != want {
			t.Errorf("%s comes from %q, want %q", key, got, want)
		}
	}
}

func TestFlagsBeatTheSavedForm(t *testing.T) {
	cfg, _, err := Load(Options{LookupEnv: lookupIn(nil), Saved: []byte(`{"authenticationConfiguration":{"provider":"ldap"}}`),
		Flags: map[string]string{keyAuth + "provider": "basic"}})
	if err != nil || cfg.Authentication.Provider != ProviderBasic {
		t.Errorf("%v", err)
	}
}

func TestSavedFormRefusals(t *testing.T) {
	tests := []struct{ name, saved, key, message string }{
		{"misspelt", `{"authenticationConfiguration":{"clientID2":"x"}}`, "authenticationConfiguration.clientID2", `did you mean "authenticationConfiguration.clientId"`},
		{"misspelt section", `{"authenticationConfiguratio":{}}`, "authenticationConfiguratio", `did you mean "authenticationConfiguration"`},
		{"other section", `{"server":{"trustedProxies":["0.0.0.0/0"]}}`, "server", "cannot be saved"},
		{"other key", `{"fernetKey":"x"}`, "fernetKey", "cannot be saved"},
		{"the key's own", `{"jwtTokenConfiguration":{"jwtissuer":"x"}}`, "jwtTokenConfiguration", "cannot be saved"},
		{"first password", `{"authenticationConfiguration":{"initialAdminPassword":"long-enough"}}`, keyInitialPassword, "cannot be saved"},
		{"dotted name", `{"authenticationConfiguration.provider":"ldap"}`, "authenticationConfiguration.provider", "unknown key"},
		{"text for a list", `{"authorizerConfiguration":{"adminPrincipals":"[ada]"}}`, "authorizerConfiguration.adminPrincipals", "list of texts"},
		{"numbers in a list", `{"authorizerConfiguration":{"adminPrincipals":[1]}}`, "authorizerConfiguration.adminPrincipals", "list of texts"},
		{"number for text", `{"authenticationConfiguration":{"clientId":7}}`, "authenticationConfiguration.clientId", "single value"},
		{"number for truth", `{"authenticationConfiguration":{"enableSelfSignup":1}}`, "authenticationConfiguration.enableSelfSignup", "true or false"},
		{"object for text", `{"authenticationConfiguration":{"clientId":{"a":"b"}}}`, "authenticationConfiguration.clientId", "single value"},
		{"truth for a number", `{"authenticationConfiguration":{"ldapConfiguration":{"port":true}}}`, "authenticationConfiguration.ldapConfiguration.port", "single value"},
		{"fraction", `{"authenticationConfiguration":{"ldapConfiguration":{"port":1.5}}}`, "authenticationConfiguration.ldapConfiguration.port", "not a whole number"},
		{"list for a map", `{"authenticationConfiguration":{"oidcConfiguration":{"customParams":["a"]}}}`, keyOIDC + "customParams", "keys and texts"},
		{"deep map", `{"authenticationConfiguration":{"oidcConfiguration":{"customParams":{"a":{"b":"c"}}}}}`, keyOIDC + "customParams", "keys and texts"},
		{"text for a section", `{"authenticationConfiguration":"x"}`, "authenticationConfiguration", "needs keys below it"},
		{"file reference", `{"authenticationConfiguration":{"oidcConfiguration":{"secret":"file:/etc/hostname"}}}`, keyOIDC + "secret", "in the configuration file and the environment only"},
		{"variable reference", `{"authenticationConfiguration":{"ldapConfiguration":{"dnAdminPassword":"env:HOME"}}}`, keyLDAP + "dnAdminPassword", "in the configuration file and the environment only"},
		{"mask", `{"authenticationConfiguration":{"oidcConfiguration":{"secret":"*********"}}}`, keyOIDC + "secret", "the mask of a secret"},
		{"not JSON", `{"authenticationConfiguration":{`, "", "breaks off"},
		{"twice", `{"authenticationConfiguration":{"clientId":"a","clientId":"b"}}`, "", "names a member twice"},
		{"two documents", `{} {}`, "", "behind the saved form"},
		{"a list", `[]`, "", "must be a JSON object"},
		{"too large", `{"a":"` + strings.Repeat("x", maxSavedBytes) + `"}`, "", "larger than"},
		{"out of range", `{"authenticationConfiguration":{"oidcConfiguration":{"maxClockSkew":301}}}`, keyOIDC + "maxClockSkew", "outside 0s to 5m0s"},
		{"unknown provider", `{"authenticationConfiguration":{"provider":"okra"}}`, keyAuth + "provider", `Did you mean "okta"?`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg, findings, err := withSaved(t, "", test.saved, nil)
			var refused *Refused
			if !errors.As(err, &refused) || cfg != nil || !hasFinding(findings, Error, test.key, test.message) {
				t.Fatalf("got %v", findings)
			}
			for _, f := range findings.Errors() {
				if f.Source != "saved form" || f.Line != 0 || !strings.Contains(f.String(), "(saved form)") {
					t.Errorf("not said to be saved: %s", f)
				}
			}
		})
	}
}

func TestReferencesInTheSavedFormAreNotFollowed(t *testing.T) {
	const saved = `{"authenticationConfiguration":{"providerName":"${SECRET}"}}`
	cfg, _, err := withSaved(t, "", saved, map[string]string{"SECRET": "hidden"})
	if err != nil || cfg.Authentication.ProviderName != "${SECRET}" {
		t.Errorf("%v %v", cfg, err)
	}
}

func TestEmptySavedForm(t *testing.T) {
	for _, saved := range []string{"", "  ", "{}", `{"authenticationConfiguration":null}`, `{"authenticationConfiguration":{"oidcConfiguration":null}}`} {
		if _, findings, err := withSaved(t, "", saved, nil); err != nil || len(findings) != 0 {
			t.Errorf("%q: %v", saved, findings)
		}
	}
}

// Whatever is saved, Load answers with a configuration or with reasons.
func FuzzSaved(f *testing.F) {
	for _, seed := range []string{`{}`, `{"authenticationConfiguration":{"provider":"auth0","oidcConfiguration":{"customParams":{"a":1}}}}`,
		`{"authorizerConfiguration":{"adminPrincipals":["a"],"x":[[[[]]]]}}`, `{"authenticationConfiguration":{"samlConfiguration":{"idp":{"idpX509Certificate":"MA=="}},"provider":"saml"}}`,
		`{"authenticationConfiguration":{"provider":"ldap","ldapConfiguration":{"authRolesMapping":"{}","truststoreConfigType":"HostName"}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, saved []byte) {
		cfg, findings, err := Load(Options{LookupEnv: lookupIn(nil), Saved: saved, Offline: len(saved)%2 == 0})
		if (cfg == nil) == (err == nil) || err != nil && len(findings.Errors()) == 0 {
			t.Fatalf("%v, %v, %v", cfg, findings, err)
		}
		if err != nil {
			return
		}
		doc, err := SecurityDocument(cfg)
		if err != nil {
			t.Fatal(err)
		}
		masked, err := MaskDocument(doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := UnmaskDocument(masked, doc); err != nil {
			t.Fatal(err)
		}
	})
}
