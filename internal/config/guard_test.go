package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// published is an operator's environment with everything OpenMetadata publishes.
func published() map[string]string {
	return map[string]string{"CATALPA_MODE": "production", "FERNET_KEY": publishedFernet(), "JWT_KEY_ID": publishedID(), "DB_USER_PASSWORD": "openmetadata" + "_password",
		"AUTHORIZER_REQUEST_FILTER": "org.openmetadata.service.security.NoopFilter"}
}

func TestT60PublishedSecretsInProduction(t *testing.T) {
	_, findings, err := Load(Options{LookupEnv: lookupIn(published())})
	var refused *Refused
	if !errors.As(err, &refused) {
		t.Fatalf("accepted: %v", findings)
	}
	codes := map[string]string{}
	for _, f := range refused.Findings {
		codes[f.Code] = f.Key
		if f.Remedy == "" {
			t.Errorf("no remedy: %s", f)
		}
		for _, secret := range []string{publishedFernet(), publishedID(), "openmetadata_" + "password"} {
			if strings.Contains(f.String(), secret) {
				t.Errorf("a secret is quoted by %s", f.Code)
			}
		}
	}
	for code, key := range map[string]string{CodeFernet: "fernetKey", CodeKeyID: "jwtTokenConfiguration.keyId", CodeDatabasePassword: "database.password", CodeNoop: keyAuthorizer + "containerRequestFilter"} {
		if codes[code] != key {
			t.Errorf("T60 %s is said of %q, want %q", code, codes[code], key)
		}
	}
	if len(codes) != 4 {
		t.Errorf("findings: %v", refused)
	}
}

func TestTestPrincipalsInProduction(t *testing.T) {
	for mode, severity := range map[string]Severity{"production": Error, "development": Warning} {
		_, findings, _ := load(t, "mode: "+mode+"\nauthorizerConfiguration: {testPrincipals: [tess]}\n", nil)
		if len(findings) != 1 || findings[0].Code != CodeTestPrincipals || findings[0].Severity != severity || findings[0].Remedy == "" {
			t.Errorf("%s: %v, want %s as %s", mode, findings, CodeTestPrincipals, severity)
		}
	}
}

func TestT60SampleDatabasePasswordInTheFile(t *testing.T) {
	sample := "openmetadata" + "_password"
	_, findings, err := load(t, "mode: production\ndatabase:\n  password: ${DB_USER_PASSWORD:-"+sample+"}\n  url: ${NOWHERE}\n", nil)
	if err == nil || !hasFinding(findings, Error, "database.password", "publishes") {
		t.Errorf("%v", findings)
	}
	// The section means nothing here, so nothing else in it is an error.
	if _, findings, err = load(t, "mode: production\ndatabase:\n  password: ${NOWHERE}\n  urll: x\n", nil); err != nil {
		t.Errorf("%v", findings)
	}
}

func TestAcceptedFindingsAreWarnings(t *testing.T) {
	accept := []string{CodeFernet, CodeKeyID, CodeDatabasePassword}
	_, findings, err := Load(Options{LookupEnv: lookupIn(published()), Accept: accept})
	if err == nil || len(findings.Errors()) != 1 || findings.Errors()[0].Code != CodeNoop {
		t.Fatalf("%v", findings)
	}
	cfg, findings, err := Load(Options{LookupEnv: lookupIn(published()), Accept: append(accept, CodeNoop)})
	if err != nil || len(findings.Warnings()) != 4 {
		t.Fatalf("%v", findings)
	}
	for _, f := range findings.Warnings() {
		if !f.Accepted || !strings.Contains(f.Message, "accepted with --i-accept="+f.Code) {
			t.Errorf("not said to be accepted: %s", f)
		}
	}
	// Accepting the finding does not put a published secret to use.
	if cfg.FernetKey != "" || cfg.JWT.KeyID != "" || !cfg.Accepts(CodeFernet) || cfg.Accepts(CodeHTTP) {
		t.Errorf("%v %v", cfg.FernetKey, cfg.JWT.KeyID)
	}
}

func TestAcceptedCodesMustExist(t *testing.T) {
	for code, says := range map[string]string{"SEC-CFG-FERNETT": `Did you mean "SEC-CFG-FERNET"?`, "all": "is no code", "CFG-VALUE": "is no code", "": "is no code"} {
		_, findings, err := Load(Options{LookupEnv: lookupIn(nil), Accept: []string{code}})
		if err == nil || !hasFinding(findings, Error, "--i-accept", says) {
			t.Errorf("%q: %v", code, findings)
		}
	}
	for _, code := range guardCodes() {
		if _, findings, err := Load(Options{LookupEnv: lookupIn(nil), Accept: []string{code}}); err != nil {
			t.Errorf("%q: %v", code, findings)
		}
	}
}

func TestMistakesCannotBeAccepted(t *testing.T) {
	_, findings, err := Load(Options{LookupEnv: lookupIn(map[string]string{"SERVER_PORT": "x"}), Accept: guardCodes(), Offline: true})
	if err == nil {
		t.Errorf("%v", findings)
	}
}

func TestOfflineCommandsLoadWhatTheServerRefuses(t *testing.T) {
	cfg, findings, err := Load(Options{LookupEnv: lookupIn(published()), Offline: true})
	if err != nil || cfg.Mode != Production || len(findings.Warnings()) != 4 {
		t.Errorf("%v", findings)
	}
	for _, f := range append(findings.Warnings(), cfg.Guard(CodeDefaultAdmin, "x", "m.", "r.")) {
		if f.Severity != Warning || f.Accepted || strings.Contains(f.Message, "accepted") {
			t.Errorf("said to be accepted: %s", f)
		}
	}
}

func TestGuard(t *testing.T) {
	say := func(mode string, accept ...string) Finding {
		cfg, _, err := Load(Options{LookupEnv: lookupIn(map[string]string{"CATALPA_MODE": mode}), Accept: accept})
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Guard(CodeDefaultAdmin, "x", "the password is known.", "change it.")
	}
	tests := []struct {
		got      Finding
		severity Severity
		accepted bool
	}{
		{say("production"), Error, false}, {say("development"), Warning, false}, {say("production", CodeDefaultAdmin), Warning, true}, {say("production", CodeHTTP), Error, false},
	}
	for i, test := range tests {
		if test.got.Severity != test.severity || test.got.Accepted != test.accepted || test.got.Code != CodeDefaultAdmin || test.got.Remedy != "change it." {
			t.Errorf("%d: %+v", i, test.got)
		}
	}
	if err := (Findings{tests[1].got, tests[2].got}).Refusal(); err != nil {
		t.Error(err)
	}
	var refused *Refused
	if err := (Findings{tests[0].got, tests[1].got}).Refusal(); !errors.As(err, &refused) || len(refused.Findings) != 1 {
		t.Error(err)
	}
}

func TestGuardCodesAreNamedOnce(t *testing.T) {
	codes := guardCodes()
	slices.Sort(codes)
	if len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Error("a code stands twice")
	}
	for _, code := range codes {
		if !strings.HasPrefix(code, "SEC-CFG-") {
			t.Errorf("%s", code)
		}
	}
}
