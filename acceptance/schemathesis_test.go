//go:build acceptance

package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lockouts are the routes that would end the run, not test it: they take back the token
// that is used, close the door for administrators, or guess passwords.
const lockouts = `^/v1/(auth/|saml/|system/security|users/(logout|security|revokeToken|generateToken|changePassword|password|signup|login|refresh))`

// TestSchemathesis lets Schemathesis make requests out of the OpenAPI document, good and
// bad ones, for every operation that is built. No answer may be a fault of the server,
// and every answer has a status, a media type and a form that the document promises. The
// seed is fixed, so that a failure comes again.
func TestSchemathesis(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	admin := c.admin()
	admin.send(http.MethodPut, "/system/settings", map[string]any{
		"config_type": "openLineageSettings", "config_value": map[string]any{"enabled": true, "autoCreateEntities": false},
	}, nil, http.StatusOK) // otherwise its routes answer 503 all the time
	document := filepath.Join(c.work, "openapi.json")
	if err := os.WriteFile(document, trimmed(t, c.base, admin.token), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, schemathesis(t), "run", document, "--url", c.base+"/api",
		"-H", "Authorization: Bearer "+admin.token, "--seed", "20", "--max-examples", "2", "--phases", "fuzzing", "--mode", "all",
		"--workers", "1", "--no-shrink", "--continue-on-failure", "--warnings", "off", "--request-timeout", "60",
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
		"--exclude-path-regex", lockouts, "--exclude-tag", "pages", "--no-color")
	cmd.Dir = c.work
	cmd.Env = append(os.Environ(), "PYTHONHASHSEED=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatalf("Schemathesis was not done in six minutes:\n%s", tail(string(out), 40))
	}
	if err != nil {
		t.Errorf("Schemathesis found what the server or its OpenAPI document does wrong (%v):\n%s", err, tail(string(out), 400))
	}
	if !strings.Contains(string(out), "Tested:") {
		t.Errorf("Schemathesis tested nothing:\n%s", tail(string(out), 40))
	}
}

// trimmed returns the document without the operations that are not built, and with
// patterns that Python can make texts for.
func trimmed(t *testing.T, base, token string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/openapi.json", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := httpClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var doc map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		t.Fatalf("GET /openapi.json (%s): %v", resp.Status, err)
	}
	unbuilt := 0
	for _, item := range doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			op, ok := op.(map[string]any)
			if ok && (op["responses"].(map[string]any)["501"] != nil || op["responses"].(map[string]any)["503"] != nil) {
				delete(item.(map[string]any), method)
				unbuilt++
			}
		}
	}
	if unbuilt > 40 {
		t.Errorf("%d operations are described and not built", unbuilt)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	for _, s := range schemas {
		simplify(s)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// simplify replaces patterns with Unicode properties, which Schemathesis makes no text of.
func simplify(node any) {
	switch node := node.(type) {
	case map[string]any:
		if pattern, ok := node["pattern"].(string); ok && strings.Contains(pattern, `\p{`) {
			node["pattern"] = "^[a-z]+$"
			if strings.Contains(pattern, "<#E") {
				node["pattern"] = "^<#E::table::[a-z]+>$"
			}
		}
		for _, sub := range node {
			simplify(sub)
		}
	case []any:
		for _, sub := range node {
			simplify(sub)
		}
	}
}

// schemathesis is the program in the environment that holds it.
func schemathesis(t *testing.T) string {
	t.Helper()
	path := os.Getenv("CATALPA_SCHEMATHESIS")
	if path == "" {
		path = "../.cache/schemathesis/bin/schemathesis"
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no Schemathesis: %v; make test-acceptance makes it, CATALPA_SCHEMATHESIS names another", err)
	}
	return path
}
