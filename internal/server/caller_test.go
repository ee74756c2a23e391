package server

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/config"
)

// tester calls a server of this process as its administrator and as others, and keeps
// the credentials that must not show up in its log.
type tester struct {
	t       *testing.T
	s       running
	cfg     *config.Config
	host    string // that requests name; the server's own if empty
	admin   string
	secrets []string
}

// startLoud starts a server that logs all there is, and signs its administrator in.
func startLoud(t *testing.T) *tester {
	t.Helper()
	c := startLoudWith(t, map[string]string{"CATALPA_INITIAL_ADMIN_PASSWORD": adminPassword})
	c.secrets = append(c.secrets, adminPassword)
	var signedIn tokens
	c.want(http.StatusOK, "", http.MethodPost, "/users/login", login(adminPassword)).read(t, &signedIn)
	c.admin = signedIn.Access
	c.secrets = append(c.secrets, signedIn.Access, signedIn.Refresh)
	return c
}

// startLoudWith starts a server that logs all there is, with these settings.
func startLoudWith(t *testing.T, env map[string]string) *tester {
	t.Helper()
	all := map[string]string{
		"CATALPA_MODE": "development", "AUTHORIZER_PRINCIPAL_DOMAIN": "example.com", "OIDC_SERVER_URL": publicAddress,
		"AUTHENTICATION_CALLBACK_URL": publicAddress + "/callback", "OIDC_CALLBACK": publicAddress + "/callback",
	}
	maps.Copy(all, env)
	order := replicaOrder{Data: t.TempDir(), Env: all}
	cfg, err := order.config()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Log.Level = "debug"
	return &tester{t: t, s: start(t, cfg, false), cfg: cfg}
}

// call sends a request below /api/v1. A text that is sent is sent as it is, anything
// else as JSON.
func (c *tester) call(bearer, method, path string, body any) reply {
	c.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		text = string(raw)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.s.url+"/api/v1"+path, strings.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Host = c.host
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/json-patch+json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode}
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		c.t.Fatal(err)
	}
	if r.status >= http.StatusBadRequest {
		r.code = r.text("errorCode")
	}
	return r
}

// want sends a request that must be answered with the status.
func (c *tester) want(status int, bearer, method, path string, body any) reply {
	c.t.Helper()
	r := c.call(bearer, method, path, body)
	if r.status != status {
		c.t.Fatalf("%s %s: status %d, want %d: %.300s", method, path, r.status, status, r.body)
	}
	return r
}

// text is a member of the answer that is text, "" if there is none.
func (r reply) text(name string) string {
	var members map[string]jsontext.Value
	var text string
	if json.Unmarshal(r.body, &members) == nil && members[name].Kind() == '"' {
		_ = json.Unmarshal(members[name], &text)
	}
	return text
}

// trail counts the entries of what was refused with a code, or of what was done.
func (c *tester) trail(code, action string) int {
	c.t.Helper()
	path := "/system/security/audit?limit=1000&action=" + action
	if code != "" {
		path = "/system/security/refusals?limit=1000&code=" + code
	}
	var page struct {
		Data []struct {
			Code  string `json:"code"`
			Count int    `json:"count"`
		} `json:"data"`
	}
	c.want(http.StatusOK, c.admin, http.MethodGet, path, nil).read(c.t, &page)
	if code == "" {
		return len(page.Data)
	}
	count := 0
	for _, e := range page.Data {
		count += e.Count
	}
	return count
}

// quiet fails if a credential, or a part of one that is enough to forge or to find it,
// is in the log or on the terminal.
func (c *tester) quiet() {
	c.t.Helper()
	if err := c.s.stop(); err != nil {
		c.t.Errorf("the server stopped with %v", err)
	}
	printed := c.s.out.String()
	if !strings.Contains(printed, "level=DEBUG") {
		c.t.Error("the server logs no details; the test would not see a credential there")
	}
	for i, secret := range c.secrets {
		for j, part := range append(strings.Split(secret, "."), secret) {
			// Headers of tokens are no secret.
			if (j > 0 || !strings.Contains(secret, ".")) && part != "" && strings.Contains(printed, part) {
				c.t.Errorf("credential %d (%s) is in the log", i, fmt.Sprintf("%.8s...", secret))
				break
			}
		}
	}
}
