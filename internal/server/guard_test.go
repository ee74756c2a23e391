package server

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/config"
)

// signInAs signs in with a password and returns the access token.
func signInAs(t *testing.T, url, name, password string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"email": name, "password": base64.StdEncoding.EncodeToString([]byte(password))})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/users/login", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"accessToken"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("signing in answers %d: %v", resp.StatusCode, err)
	}
	return answer.AccessToken
}

// read decodes the answer to a GET.
func read(t *testing.T, url, token string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s answers %d: %v", url, resp.StatusCode, err)
	}
}

// startWith starts a server with an environment of its own, which it reads again as the
// command does.
func startWith(t *testing.T, dir string, env map[string]string, accept ...string) running {
	t.Helper()
	reload := func(saved []byte) (*config.Config, config.Findings, error) {
		return config.Load(config.Options{
			Accept: accept, Saved: saved,
			LookupEnv: func(name string) (string, bool) { text, ok := env[name]; return text, ok },
			Flags:     map[string]string{"dataDir": dir, "server.applicationConnectors[0].bindHost": "127.0.0.1", "server.applicationConnectors[0].port": "0"},
		})
	}
	cfg, _, err := reload(nil)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, cfg, false, reload)
}

// TestBrowsersAskForWhatTheProviderKnows: a public client's page asks for the scope that
// the server itself would ask for; Cognito refuses offline_access.
func TestBrowsersAskForWhatTheProviderKnows(t *testing.T) {
	p := authtest.NewBadProvider(t)
	p.Public()
	for provider, want := range map[string]string{"aws-cognito": "openid email", "auth0": "openid email offline_access"} {
		s := startWith(t, filepath.Join(t.TempDir(), "data"), map[string]string{
			"AUTHENTICATION_PROVIDER": provider, "AUTHENTICATION_AUTHORITY": p.Issuer(), "AUTHENTICATION_CLIENT_ID": p.ClientID, "OIDC_SCOPE": "openid email offline_access",
		})
		var public struct {
			Scope string `json:"scope"`
		}
		read(t, s.url+"/api/v1/system/config/auth", "", &public)
		if public.Scope != want {
			t.Errorf("%s is asked for %q, want %q", provider, public.Scope, want)
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}
}

// TestAcceptedFindingsAreShown: what the operator accepts to start with is shown to
// administrators and told by the doctor, as long as it is accepted; what the
// configuration shows as well as what only the data directory does.
func TestAcceptedFindingsAreShown(t *testing.T) {
	const password = "Correct-Horse-7-Battery"
	dir := filepath.Join(t.TempDir(), "data")
	run := func(env map[string]string, accept ...string) running {
		t.Helper()
		return startWith(t, dir, env, accept...)
	}
	type sources struct {
		Accepted []struct{ Code, Detail, Remedy string } `json:"accepted"`
	}
	first := run(map[string]string{"CATALPA_INITIAL_ADMIN_PASSWORD": password})
	var got sources
	read(t, first.url+"/api/v1/system/security/sources", signInAs(t, first.url, "admin", password), &got)
	if got.Accepted == nil || len(got.Accepted) > 0 {
		t.Errorf("nothing was accepted, and the answer has %+v", got.Accepted)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "master.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	production := map[string]string{"CATALPA_MODE": "production", "AUTHORIZER_REQUEST_FILTER": "NoopFilter"}
	again := run(production, config.CodeKeyMode, config.CodeNoop)
	token := signInAs(t, again.url, "admin", password)
	read(t, again.url+"/api/v1/system/security/sources", token, &got)
	codes := map[string]bool{}
	for _, a := range got.Accepted {
		codes[a.Code] = a.Detail != "" && a.Remedy != ""
	}
	if len(got.Accepted) != 2 || !codes[config.CodeKeyMode] || !codes[config.CodeNoop] {
		t.Errorf("accepted are %s and %s, shown are %+v", config.CodeKeyMode, config.CodeNoop, got.Accepted)
	}
	var report struct {
		Status string `json:"status"`
		Checks []struct{ Code, Status, Detail string }
	}
	read(t, again.url+"/api/v1/system/security/doctor?areas=configuration", token, &report)
	told := 0
	for _, check := range report.Checks {
		if codes[check.Code] && check.Status == "warning" && strings.Contains(check.Detail, "accepted with --i-accept="+check.Code) {
			told++
		}
	}
	if told != 2 || report.Status != "warning" {
		t.Errorf("the doctor tells %d of the 2: %+v", told, report)
	}
}
