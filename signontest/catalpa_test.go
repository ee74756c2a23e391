//go:build signon

package signontest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/logtest"
)

// catalpa is one server with a data directory of its own.
type catalpa struct {
	t       *testing.T
	bin     string
	data    string
	listen  string
	base    string // where browsers find it
	env     []string
	log     *output
	secrets []string // of its settings
	options []string // of the command, besides those that tests need
	cmd     *exec.Cmd
	ended   chan error
}

// settings are environment variables by name.
type settings map[string]string

// over returns a copy with some replaced.
func (s settings) over(more settings) settings {
	merged := settings{}
	for _, from := range []settings{s, more} {
		for key, value := range from {
			merged[key] = value
		}
	}
	return merged
}

// auth0Web is what an operator enters for an Auth0 application of type Web.
func auth0Web(base string, p *provider) settings {
	return people.over(settings{
		"AUTHENTICATION_PROVIDER": "auth0", "AUTHENTICATION_CLIENT_TYPE": "confidential",
		"AUTHENTICATION_AUTHORITY": p.issuer, "AUTHENTICATION_CLIENT_ID": "om-web",
		"AUTHENTICATION_CALLBACK_URL": base + "/callback",
		"OIDC_CLIENT_ID":              "om-web", "OIDC_CLIENT_SECRET": "om-secret", "OIDC_TYPE": "auth0",
		"OIDC_DISCOVERY_URI": p.issuer + ".well-known/openid-configuration",
		"OIDC_SERVER_URL":    base, "OIDC_CALLBACK": base + "/callback", "OIDC_SCOPE": "openid email profile offline_access",
	})
}

// auth0SPA is what an operator enters for an application of type SPA. The authority
// is pasted without its last slash, as people do.
func auth0SPA(base string, p *provider) settings {
	return people.over(settings{
		"AUTHENTICATION_PROVIDER": "auth0", "AUTHENTICATION_CLIENT_TYPE": "public",
		"AUTHENTICATION_AUTHORITY": strings.TrimSuffix(p.issuer, "/"), "AUTHENTICATION_CLIENT_ID": "om-spa",
		"AUTHENTICATION_CALLBACK_URL": base + "/callback", "OIDC_SERVER_URL": base,
		"OIDC_SCOPE": "openid email profile offline_access",
	})
}

// people are the rules for those who come from a provider.
var people = settings{ //nolint:gochecknoglobals // nothing writes it
	"AUTHENTICATION_ENABLE_SELF_SIGNUP": "true", "AUTHENTICATION_JWT_ROLE_CLAIM": "https://catalpa.example/roles",
	"AUTHORIZER_PRINCIPAL_DOMAIN": "example.com", "AUTHORIZER_USE_ROLES_FROM_PROVIDER": "true",
	"AUTHORIZER_ADMIN_PRINCIPALS": "[root]",
}

// reserve chooses where a server will be, since providers must know beforehand.
func reserve(t *testing.T) *catalpa {
	t.Helper()
	listen := freeAddress(t)
	return &catalpa{
		t: t, bin: named(t, "CATALPA_BIN", "../bin/catalpa", "make build makes it"), data: filepath.Join(t.TempDir(), "data"),
		listen: listen, base: "http://" + listen, log: &output{},
	}
}

// start runs it with these settings; when the test ends it must stop cleanly.
func (c *catalpa) start(s settings) {
	c.t.Helper()
	c.env = append(os.Environ(), "LOG_LEVEL=debug")
	for key, value := range s {
		c.env = append(c.env, key+"="+value)
		if strings.Contains(key, "SECRET") || strings.Contains(key, "PASSWORD") {
			c.secrets = append(c.secrets, value)
		}
	}
	c.run()
	c.t.Cleanup(c.stop)
}

func (c *catalpa) run() {
	c.t.Helper()
	c.cmd = exec.Command(c.bin, "server", "--data-dir", c.data, "--listen", c.listen)
	c.cmd.Args = append(c.cmd.Args, c.options...)
	c.cmd.Dir, c.cmd.Env = c.t.TempDir(), c.env
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan error, 1)
	c.ended = ended
	go func(cmd *exec.Cmd) { ended <- cmd.Wait() }(c.cmd)
	eventually(c.t, 20*time.Second, "the server answers", func() error {
		select {
		case err := <-ended:
			ended <- err
			c.t.Fatalf("the server ended at once: %v\n%s", err, tail(c.log.String(), 40))
		default:
		}
		response, err := httpClient.Get("http://" + c.listen + "/api/v1/system/version")
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("GET /system/version: %s", response.Status)
		}
		return nil
	})
}

// crash kills the server and starts it again on the same data.
func (c *catalpa) crash() {
	c.t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	if err := <-c.ended; err == nil {
		c.t.Fatal("the server ended by itself before it was killed")
	}
	c.run()
}

func (c *catalpa) stop() {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Errorf("stop the server: %v", err)
	}
	select {
	case err := <-c.ended:
		if err != nil {
			c.t.Errorf("the server ended with %v, want a clean stop on SIGTERM", err)
		}
	case <-time.After(20 * time.Second):
		_ = c.cmd.Process.Kill() // reported below either way
		c.t.Errorf("the server did not stop within 20 s of SIGTERM: %v", <-c.ended)
	}
	logtest.WantQuiet(c.t, c.log.String(), c.secrets...)
	if c.t.Failed() {
		c.t.Logf("end of the server's log:\n%s", tail(c.log.String(), 60))
	}
}

// served are the statuses of the requests for a route that were answered so far. The
// browser does not tell of all that it sends for other pages; the server's log does.
func (c *catalpa) served(method, route string) []string {
	pattern := regexp.MustCompile("method=" + method + " route=" + regexp.QuoteMeta(route) + " status=([0-9]+)")
	var statuses []string
	for _, found := range pattern.FindAllStringSubmatch(c.log.String(), -1) {
		statuses = append(statuses, found[1])
	}
	return statuses
}

// jwt matches what looks like one.
var jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)

// command runs a subcommand on the host and returns what it printed.
func (c *catalpa) command(args ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.bin, append(args, "--data-dir", c.data)...)
	cmd.Env = c.env
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("catalpa %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// answer is one of the API's.
type answer struct {
	Status    int
	Header    http.Header
	Body      []byte
	ErrorCode string
}

// get asks the API with a bearer token, or without when it is empty.
func (c *catalpa) get(path, token string) answer {
	c.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+c.listen+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := httpClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	got := answer{Status: response.StatusCode, Header: response.Header}
	if got.Body, err = io.ReadAll(io.LimitReader(response.Body, 1<<20)); err != nil {
		c.t.Fatal(err)
	}
	var problem struct {
		ErrorCode string `json:"errorCode"`
	}
	if json.Unmarshal(got.Body, &problem) == nil {
		got.ErrorCode = problem.ErrorCode
	}
	return got
}

// person is a user as the API shows them.
type person struct {
	Name, Email string
	IsAdmin     bool
	Roles       []struct{ Name string }
}

// user looks somebody up as the ingestion bot.
func (c *catalpa) user(name string) (person, bool) {
	c.t.Helper()
	got := c.get("/api/v1/users/name/"+name+"?fields=roles", c.command("bot", "token", "ingestion-bot"))
	if got.Status == http.StatusNotFound {
		return person{}, false
	}
	var found person
	if err := json.Unmarshal(got.Body, &found); err != nil || got.Status != http.StatusOK {
		c.t.Fatalf("looking up %s: %d %s (%v)", name, got.Status, got.Body, err)
	}
	return found, true
}

// roleNames of a person, in order of the answer.
func (p person) roleNames() []string {
	var names []string
	for _, role := range p.Roles {
		names = append(names, role.Name)
	}
	return names
}
