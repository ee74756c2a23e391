package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// load reads a text as configuration file, with exactly the given environment.
func load(t *testing.T, text string, env map[string]string) (*Config, Findings, error) {
	t.Helper()
	return Load(Options{File: writeFile(t, text), LookupEnv: lookupIn(env)})
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "catalpa.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { text, ok := env[name]; return text, ok }
}

func hasFinding(findings Findings, severity Severity, key, message string) bool {
	for _, f := range findings {
		if f.Severity == severity && f.Key == key && strings.Contains(f.Message+" "+f.Remedy, message) {
			return true
		}
	}
	return false
}

func TestDefaults(t *testing.T) {
	cfg, findings, err := Load(Options{LookupEnv: lookupIn(nil)})
	if err != nil || len(findings) > 0 {
		t.Fatalf("err %v, findings %v", err, findings)
	}
	if cfg.Server.Address() != "127.0.0.1:8585" || cfg.Mode != Development || cfg.DataDir != "./catalpa-data" {
		t.Errorf("got %s, %s, %s", cfg.Server.Address(), cfg.Mode, cfg.DataDir)
	}
	if cfg.Authentication.Provider != ProviderBasic || cfg.Authentication.EnableSelfSignup || cfg.Authentication.OIDC.DisablePKCE {
		t.Errorf("unsafe defaults: %+v", cfg.Authentication)
	}
	if cfg.Login != (Login{MaxFailedAttempts: 3, AccessBlockTime: 10 * time.Minute, TokenExpiry: time.Hour}) {
		t.Errorf("login: %+v", cfg.Login)
	}
	if len(cfg.Sources) != 0 {
		t.Errorf("sources: %v", cfg.Sources)
	}
}

func TestOperatorsFile(t *testing.T) {
	cfg, findings, err := Load(Options{File: "testdata/openmetadata.yaml", LookupEnv: lookupIn(map[string]string{"AUTHENTICATION_JWT_PRINCIPAL_CLAIMS": "[sub]"})})
	if err != nil {
		t.Fatal(err)
	}
	if warnings := findings.Warnings(); len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
	if cfg.Mode != Production || cfg.Server.Host != "0.0.0.0" || cfg.ClusterName != "nursery" || cfg.Log.Level != "info" {
		t.Errorf("got %s %s %s %s", cfg.Mode, cfg.Server.Host, cfg.ClusterName, cfg.Log.Level)
	}
	want := Authorizer{AdminPrincipals: []string{"admin", "maren.holt"}, PrincipalDomain: "rowan-reed.example.com",
		AllowedDomains: []string{}, AllowedRegistrationDomain: []string{"all"}}
	if diff := cmp.Diff(want, cfg.Authorizer); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"sub"}, cfg.Authentication.JWTPrincipalClaims); diff != "" {
		t.Error(diff)
	}
	if cfg.Login.MaxFailedAttempts != 5 || cfg.Login.AccessBlockTime != 5*time.Minute {
		t.Errorf("login: %+v", cfg.Login)
	}
	if cfg.JWT.Issuer != "open-metadata.org" || cfg.JWT.KeyID != "nursery-2026" || cfg.FernetKey.Reveal() == "" {
		t.Errorf("jwt: %+v", cfg.JWT)
	}
	if !hasFinding(findings, Notice, "elasticsearch.host", "ignored: search.engine is embedded, which needs no search server") {
		t.Errorf("no notice on elasticsearch in %v", findings)
	}
	if got := cfg.Sources["loginConfig.maxLoginFailAttempts"]; !strings.HasPrefix(got, "file line ") {
		t.Errorf("source %q", got)
	}
	if got := cfg.Sources["authenticationConfiguration.jwtPrincipalClaims"]; got != "environment AUTHENTICATION_JWT_PRINCIPAL_CLAIMS" {
		t.Errorf("source %q", got)
	}
}

func TestEnvironmentAlone(t *testing.T) {
	env := map[string]string{"SERVER_HOST": "localhost", "SERVER_PORT": "9000", "CATALPA_DATA_DIR": "elsewhere", "LOG_LEVEL": "DEBUG",
		"CATALPA_LOG_FORMAT": "json", "AUTHORIZER_ADMIN_PRINCIPALS": "ada,ben", "OM_JWT_EXPIRY_TIME": "600", "CATALPA_MAX_BODY_BYTES": "2MiB", "JWT_ISSUER": `"quoted"`}
	cfg, _, err := Load(Options{LookupEnv: lookupIn(env)})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{cfg.Server.Address(), cfg.Mode, cfg.DataDir, cfg.Log, cfg.Authorizer.AdminPrincipals, cfg.Login.TokenExpiry, cfg.Limits.MaxBodyBytes, cfg.JWT.Issuer}
	want := []any{"localhost:9000", Development, "elsewhere", Log{"debug", "json"}, []string{"ada", "ben"}, 10 * time.Minute, int64(2 << 20), "quoted"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryVariableIsRead(t *testing.T) {
	for _, info := range knownKeys().ordered {
		for _, name := range info.envs {
			asked := false
			_, _, _ = Load(Options{LookupEnv: func(n string) (string, bool) { asked = asked || n == name; return "", false }})
			if !asked {
				t.Errorf("%s (%s) is never looked up", name, info.path)
			}
		}
	}
}

func TestStrength(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("server: {applicationConnectors: [{port: 1}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := lookupIn(map[string]string{"SERVER_PORT": "2"})
	flags, err := ListenFlags(":3")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		opts Options
		want int
	}{
		{Options{File: path, LookupEnv: lookupIn(nil)}, 1},
		{Options{File: path, LookupEnv: env}, 2},
		{Options{File: path, LookupEnv: env, Flags: flags}, 3},
	} {
		cfg, _, err := Load(test.opts)
		if err != nil || cfg.Server.Port != test.want {
			t.Errorf("port %v, want %d (%v)", cfg, test.want, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, text string
		env        map[string]string
		key        string
		line       int
		message    string
	}{
		{"unknown key", "clusterNam: x\n", nil, "clusterNam", 1, `did you mean "clusterName"`},
		{"unknown nested key", "server:\n  applicationConnectors:\n    - prot: 1\n", nil, "server.applicationConnectors[0].prot", 3, `did you mean "server.applicationConnectors.port"`},
		{"key of another section", "logging:\n  fernetKey: x\n", nil, "logging.fernetKey", 2, `did you mean "fernetKey"`},
		{"unlike any key", "zzqqxx: 1\n", nil, "zzqqxx", 1, `unknown key "zzqqxx".`},
		{"port is text", "server:\n  applicationConnectors:\n    - port: eighty\n", nil, keyPort, 3, "not a whole number"},
		{"port out of range", "", map[string]string{"SERVER_PORT": "65536"}, keyPort, 0, "outside 0 to 65535"},
		{"duration", "loginConfig:\n  accessBlockTime: soon\n", nil, "loginConfig.accessBlockTime", 2, "not a duration"},
		{"boolean", "authenticationConfiguration:\n  enableSelfSignup: maybe\n", nil, "authenticationConfiguration.enableSelfSignup", 2, "neither true nor false"},
		{"host", "", map[string]string{"SERVER_HOST": "a b"}, keyHost, 0, "neither an IP address nor a host name"},
		{"mode", "mode: prod\n", nil, "mode", 1, "not one of production, development"},
		{"provider misspelt", "authenticationConfiguration: {provider: basik}\n", nil, "authenticationConfiguration.provider", 1, `Did you mean "basic"?`},
		{"no authentication", "authenticationConfiguration: {provider: no-auth}\n", nil, "authenticationConfiguration.provider", 1, "does not exist here"},
		{"https", "server: {applicationConnectors: [{type: https, port: 1}]}\n", nil, keyType, 1, "not built yet"},
		{"address", "authenticationConfiguration: {callbackUrl: localhost}\n", nil, "authenticationConfiguration.callbackUrl", 1, "absolute http"},
		{"no administrators", "authorizerConfiguration: {adminPrincipals: []}\n", nil, "authorizerConfiguration.adminPrincipals", 1, "at least one"},
		{"administrator twice", "authorizerConfiguration: {adminPrincipals: [Ada, ada]}\n", nil, "authorizerConfiguration.adminPrincipals", 1, "named twice"},
		{"domain is an address", "authorizerConfiguration: {principalDomain: 'https://x'}\n", nil, "authorizerConfiguration.principalDomain", 1, "bare domain"},
		{"half a mapping", "authenticationConfiguration: {jwtPrincipalClaimsMapping: ['email:mail']}\n", nil, "authenticationConfiguration.jwtPrincipalClaimsMapping", 1, "both be mapped"},
		{"one key file", "jwtTokenConfiguration: {rsapublicKeyFilePath: /p}\n", nil, "jwtTokenConfiguration.rsaprivateKeyFilePath", 0, "together, or neither"},
		{"missing variable", "clusterName: ${NOWHERE}\n", nil, "clusterName", 1, "NOWHERE is not set"},
		{"section is text", "server: 8585\n", nil, "server", 1, "needs keys below it"},
		{"list is text", "server:\n  applicationConnectors: http\n", nil, "server.applicationConnectors", 2, "needs a list"},
		{"text is a section", "clusterName: {a: b}\n", nil, "clusterName", 1, "needs a single value"},
		{"two spellings", "fernetKey: a\nfernetConfiguration: {fernetKey: b}\n", nil, "fernetConfiguration.fernetKey", 2, "another spelling of fernetKey"},
		{"repeated key", "mode: production\nmode: development\n", nil, "mode", 2, "stands here and in line 1"},
		{"data directory is a file", "dataDir: load_test.go\n", nil, "dataDir", 1, "is a file"},
		{"published key", "fernetKey: ${FERNET_KEY}\n", map[string]string{"FERNET_KEY": publishedFernet(), "SERVER_HOST": "0.0.0.0"}, "fernetKey", 1, "OpenMetadata publishes"},
		{"published key id", "mode: production\n", map[string]string{"JWT_KEY_ID": publishedID()}, "jwtTokenConfiguration.keyId", 0, "own key pair"},
		{"no-op authorizer", "mode: production\nauthorizerConfiguration: {className: x.NoopAuthorizer}\n", nil, "authorizerConfiguration.className", 2, "always on"},
		{"test principals", "mode: production\nauthorizerConfiguration: {testPrincipals: [x]}\n", nil, "authorizerConfiguration.testPrincipals", 2, "back doors"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg, findings, err := load(t, test.text, test.env)
			var refused *Refused
			if !errors.As(err, &refused) || cfg != nil {
				t.Fatalf("accepted: %v, %v", cfg, findings)
			}
			if !hasFinding(refused.Findings, Error, test.key, test.message) {
				t.Fatalf("no such error in %v", err)
			}
			for _, f := range refused.Findings {
				if f.Key == test.key && f.Line != test.line {
					t.Errorf("line %d, want %d", f.Line, test.line)
				}
			}
		})
	}
}

// The published values, put together so that this file does not hold them.
func publishedFernet() string { return "jJ/9sz0g0OHxsfxOoSfd" + "Fdmk3ysNmPRnH3TUAbz3IHA=" }
func publishedID() string     { return "Gb389a-9f76-gdjs-" + "a92j-0242bk94356" }

func TestAllErrorsAtOnce(t *testing.T) {
	_, _, err := load(t, "clusterNam: x\nmode: prod\nserver:\n  applicationConnectors:\n    - port: -1\nlogging: {level: loud}\n", nil)
	var refused *Refused
	if !errors.As(err, &refused) || len(refused.Findings) != 4 {
		t.Fatalf("got %v", err)
	}
	if lines := strings.Count(err.Error(), "\n"); lines != 4 {
		t.Errorf("%d lines in %q", lines, err)
	}
	for i := 1; i < len(refused.Findings); i++ {
		if refused.Findings[i-1].Line > refused.Findings[i].Line {
			t.Errorf("not in the order of the file: %v", err)
		}
	}
}

func TestPublishedSecretsAreDroppedInDevelopment(t *testing.T) {
	env := map[string]string{"FERNET_KEY": publishedFernet(), "JWT_KEY_ID": publishedID()}
	cfg, findings, err := Load(Options{LookupEnv: lookupIn(env)})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.FernetKey != "" || cfg.JWT.KeyID != "" {
		t.Errorf("a published secret is used: %v", cfg.JWT)
	}
	if len(findings.Warnings()) != 2 {
		t.Errorf("findings: %v", findings)
	}
}

func TestSampleKeyFilesMayBeMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	cfg, findings, err := load(t, "jwtTokenConfiguration: {rsapublicKeyFilePath: ./conf/public_key.der, rsaprivateKeyFilePath: ./conf/private_key.der}\n", nil)
	if err != nil || cfg.JWT.PrivateKeyPath != "" || len(findings.Warnings()) != 1 {
		t.Errorf("err %v, findings %v", err, findings)
	}
}

func TestPrivateKeyMode(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"pub", "key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf("mode: production\njwtTokenConfiguration: {rsapublicKeyFilePath: %s/pub, rsaprivateKeyFilePath: %s/key}\n", dir, dir)
	if _, _, err := load(t, text, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "key"), 0o644); err != nil {
		t.Fatal(err)
	}
	// No mode tolerates it: whoever can read the key can sign in as anybody.
	for _, mode := range []string{"production", "development"} {
		text := strings.Replace(text, "production", mode, 1)
		_, findings, err := load(t, text, nil)
		if err == nil || !hasFinding(findings, Error, "jwtTokenConfiguration.rsaprivateKeyFilePath", "chmod") || findings[0].Code != CodeKeyMode {
			t.Errorf("%s: findings %v", mode, findings)
		}
	}
	path := filepath.Join(dir, "catalpa.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, findings, err := Load(Options{File: path, LookupEnv: lookupIn(nil), Accept: []string{CodeKeyMode}}); err != nil || len(findings) != 1 || !findings[0].Accepted {
		t.Errorf("accepted: %v", findings)
	}
}

func TestSecretReferences(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pw")
	if err := os.WriteFile(path, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const key = "authenticationConfiguration.initialAdminPassword"
	tests := []struct{ name, given, want, problem string }{
		{"plain", "plain-text", "plain-text", ""},
		{"file", "file:" + path, "from-file", ""},
		{"environment", "env:PW", "from-environment", ""},
		{"no file", "file:" + dir + "/none", "", "not there"},
		{"directory", "file:" + dir, "", "not a regular file"},
		{"no variable", "env:NONE", "", "is not set"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg, findings, err := Load(Options{LookupEnv: lookupIn(map[string]string{"CATALPA_INITIAL_ADMIN_PASSWORD": test.given, "PW": "from-environment"})})
			if test.problem != "" {
				if !hasFinding(findings, Error, key, test.problem) {
					t.Errorf("findings %v, err %v", findings, err)
				}
				return
			}
			if err != nil || cfg.Authentication.InitialAdminPassword.Reveal() != test.want {
				t.Errorf("got %v, err %v", cfg, err)
			}
			if printed := fmt.Sprintf("%v %+v %#v %s", cfg.Authentication, cfg.Authentication, cfg.Authentication, cfg.Authentication.InitialAdminPassword); strings.Contains(printed, test.want) {
				t.Error("the secret is printed")
			}
		})
	}
}

func TestSecretFileOpenToAll(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte("secret-enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "pw"), 0o644); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "c.yaml")
	if err := os.WriteFile(config, []byte("authenticationConfiguration: {initialAdminPassword: 'file:pw'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, findings, err := Load(Options{File: config, LookupEnv: lookupIn(nil)})
	if err != nil || cfg.Authentication.InitialAdminPassword.Reveal() != "secret-enough" {
		t.Fatal(err)
	}
	if !hasFinding(findings, Warning, "authenticationConfiguration.initialAdminPassword", "everybody") {
		t.Errorf("findings %v", findings)
	}
}

func TestListenFlags(t *testing.T) {
	tests := []struct{ in, host, port string }{
		{"127.0.0.1:8585", "127.0.0.1", "8585"}, {":9000", "127.0.0.1", "9000"}, {"9000", "127.0.0.1", "9000"},
		{"0.0.0.0", "0.0.0.0", ""}, {"[::1]:80", "::1", "80"}, {"::1", "::1", ""}, {"catalog.example.com:1", "catalog.example.com", "1"},
	}
	for _, test := range tests {
		flags, err := ListenFlags(test.in)
		if err != nil || flags[keyHost] != test.host || flags[keyPort] != test.port {
			t.Errorf("%q: %v, %v", test.in, flags, err)
		}
	}
	if _, err := ListenFlags("a:b:c"); err == nil {
		t.Error("nonsense accepted")
	}
}

func TestSettingsWithoutEffectAreNamed(t *testing.T) {
	env := map[string]string{"FERNET_KEY": "c2VjcmV0LW9mLW91ci1vd24tMzItYnl0ZXMtbG9uZyE="}
	_, findings, err := load(t, "authorizerConfiguration: {defaultOAuthRole: DataConsumer}\n", env)
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, f := range findings.Notices() {
		if f.Code == "CFG-UNUSED" {
			named = append(named, f.Key)
		}
	}
	if want := "[authorizerConfiguration.defaultOAuthRole fernetKey]"; fmt.Sprint(named) != want {
		t.Errorf("named are %v, want %s", named, want)
	}
}
