package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSizesOfLimits: at the bounds a size is taken, beyond them it is refused,
// and the message says what the bounds are.
func TestSizesOfLimits(t *testing.T) {
	const key = "requestLimits.maxBodyBytes"
	for _, tc := range []struct {
		given   string
		want    int64
		refused string
	}{
		{"1024", 1 << 10, ""}, {"1 GiB", 1 << 30, ""}, {"2mb", 2 << 20, ""}, {"", 10 << 20, ""},
		{"1023", 0, "1023 is outside 1024 to 1073741824 bytes."},
		{"1025MiB", 0, "1025MiB is outside 1024 to 1073741824 bytes."},
		{"9999999999GiB", 0, `"9999999999GiB" is not a size such as 1048576 or 1MiB.`},
		{"-1", 0, `"-1" is not a size`},
		{"1.5MiB", 0, `"1.5MiB" is not a size`},
	} {
		cfg, findings, err := load(t, "requestLimits:\n  maxBodyBytes: '"+tc.given+"'\n", nil)
		if tc.refused != "" {
			if err == nil || !hasFinding(findings, Error, key, tc.refused) {
				t.Errorf("%q: %v, want a refusal that says %q", tc.given, findings, tc.refused)
			}
			continue
		}
		if err != nil || cfg.Limits.MaxBodyBytes != tc.want {
			t.Errorf("%q: %v, want %d bytes", tc.given, err, tc.want)
		}
	}
}

func TestDurationsOfShutdown(t *testing.T) {
	const key = "server.shutdownGracePeriod"
	for _, tc := range []struct {
		given    string
		want     time.Duration
		severity Severity
		says     string
		remedy   string
	}{
		{"30 minutes", 30 * time.Minute, "", "", ""},
		{"45", 45 * time.Second, "", "", ""},
		{"0", 0, Warning, "cut off at once", "give them some seconds."},
		{"1801", 0, Error, "30m1s is outside 0s to 30m0s.", ""},
		{"-5s", 0, Error, "-5s is outside", ""},
		{"5 fortnights", 0, Error, `"5 fortnights" is not a duration such as 30, 30s or 5 minutes.`, ""},
	} {
		cfg, findings, err := load(t, "\nserver:\n  shutdownGracePeriod: "+tc.given+"\n", nil)
		if (err != nil) != (tc.severity == Error) || err == nil && cfg.Server.ShutdownTimeout != tc.want {
			t.Errorf("%q: %v, want %v", tc.given, err, tc.want)
		}
		if tc.says == "" {
			if len(findings) > 0 {
				t.Errorf("%q: %v", tc.given, findings)
			}
			continue
		}
		if !hasFinding(findings, tc.severity, key, tc.says) || !hasFinding(findings, tc.severity, key, tc.remedy) || findings[0].Line != 3 {
			t.Errorf("%q: %v, want a %s in line 3 that says %q", tc.given, findings, tc.severity, tc.says)
		}
	}
}

// TestListsAndTheirShapes: what has the wrong shape is refused where it stands,
// and the message says which shape is right.
func TestListsAndTheirShapes(t *testing.T) {
	for name, tc := range map[string]struct {
		text, key string
		line      int
		message   string
	}{
		"a section for a list":   {"authorizerConfiguration:\n  adminPrincipals: {a: b}\n", "authorizerConfiguration.adminPrincipals", 2, "this needs a list of texts."},
		"a list in a list":       {"authorizerConfiguration:\n  adminPrincipals: [[a]]\n", "authorizerConfiguration.adminPrincipals", 2, "this needs a list of texts."},
		"a list for a flag":      {"authorizerConfiguration:\n  enforcePrincipalDomain: [true]\n", "authorizerConfiguration.enforcePrincipalDomain", 2, "this needs a single value, true or false."},
		"a list for a set":       {"authenticationConfiguration:\n  oidcConfiguration:\n    customParams: [a]\n", "authenticationConfiguration.oidcConfiguration.customParams", 3, "this needs a set of keys and texts."},
		"a text for a connector": {"server:\n  applicationConnectors:\n    - port: 1\n    - http\n", "server.applicationConnectors[1]", 4, "this needs keys below it."},
		"two lines for one":      {"clusterName: \"a\\nb\"\n", "clusterName", 1, "the value must be one line without control characters."},
		"a mapping of nothing":   {"authenticationConfiguration: {jwtPrincipalClaimsMapping: ['email:']}\n", "authenticationConfiguration.jwtPrincipalClaimsMapping", 1, `"email:" is not of the form username:claim or email:claim.`},
		"a mapping of a group":   {"authenticationConfiguration: {jwtPrincipalClaimsMapping: ['group:g']}\n", "authenticationConfiguration.jwtPrincipalClaimsMapping", 1, `"group:g" is not of the form`},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, tc.text, nil)
			var refused *Refused
			if !errors.As(err, &refused) {
				t.Fatalf("the error is %v", err)
			}
			want := Findings{{Severity: Error, Key: tc.key, Line: tc.line}}
			got := Findings{}
			for _, f := range refused.Findings {
				got = append(got, Finding{Severity: f.Severity, Key: f.Key, Line: f.Line})
			}
			if diff := cmp.Diff(want, got); diff != "" || !hasFinding(refused.Findings, Error, tc.key, tc.message) {
				t.Errorf("%v, want %q (-want +got):\n%s", err, tc.message, diff)
			}
		})
	}
}

// TestConnectors: the first is listened on, others are named as ignored.
func TestConnectors(t *testing.T) {
	cfg, findings, err := load(t, "server:\n  applicationConnectors:\n    - port: 8585\n      bindHost: '::1'\n    - port: 8586\n", nil)
	if err != nil || cfg.Server.Address() != "[::1]:8585" || cfg.Mode != Development {
		t.Fatalf("%v, %v", cfg, err)
	}
	if !hasFinding(findings, Warning, "server.applicationConnectors[1]", "the first connector only") || findings[0].Line != 5 {
		t.Errorf("findings: %v", findings)
	}
	for _, empty := range []string{"", " []", " ''"} {
		cfg, findings, err := load(t, "server:\n  applicationConnectors:"+empty+"\n", nil)
		if err != nil || len(findings) > 0 || cfg.Server.Address() != "127.0.0.1:8585" {
			t.Errorf("connectors%s: %v, %v", empty, findings, err)
		}
	}
}

// TestSecretFilesThatAreRefused: the message names the file, never what is in it.
func TestSecretFilesThatAreRefused(t *testing.T) {
	const key = "authenticationConfiguration.initialAdminPassword"
	for name, tc := range map[string]struct{ content, refused string }{
		"empty":      {"", "is empty"},
		"only lines": {"\n\r\n", "is empty"},
		"too large":  {strings.Repeat("hunter2-", maxSecretFile/8+1), "is larger than 65536 bytes"},
		"too short":  {"hunter2", "must have 8 to 128 characters"},
		"too long":   {strings.Repeat("hunter2-", 17), "must have 8 to 128 characters"},
		"just right": {"hunter2-hunter2\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pw")
			if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, findings, err := load(t, "authenticationConfiguration:\n  initialAdminPassword: file:"+path+"\n", nil)
			if tc.refused == "" {
				if err != nil || cfg.Authentication.InitialAdminPassword.Reveal() != "hunter2-hunter2" {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err == nil || !hasFinding(findings, Error, key, tc.refused) || findings[0].Line != 2 {
				t.Fatalf("%v, want a refusal in line 2 that says %q", findings, tc.refused)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message tells the secret: %v", err)
			}
		})
	}
}

// TestMessagesQuoteLittle of what a file holds, and stay valid text.
func TestMessagesQuoteLittle(t *testing.T) {
	_, _, err := load(t, "mode: "+strings.Repeat("é", 500)+"\n", nil)
	if err == nil || strings.Count(err.Error(), "é") > 40 || !strings.Contains(err.Error(), "é…\" is not one of production, development.") {
		t.Errorf("the error is %v", err)
	}
}
