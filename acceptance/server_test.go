//go:build acceptance

package acceptance

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/logtest"
)

// catalpa is one running server with a data directory of its own.
type catalpa struct {
	t    *testing.T
	bin  string
	data string // data directory
	work string // where clients run
	base string // http://127.0.0.1:port of the server itself
	rec  *recorder
	bot  string // the ingestion bot's token
	jwt  string // what scripts sign in with
	log  *bytes.Buffer

	passwords []string // that people got here
}

// startCatalpa starts the built binary on a free port and waits until it answers.
// When the test ends the server must stop cleanly on SIGTERM, must not have
// answered with a 5xx, and must not have written a token into its log.
func startCatalpa(t *testing.T) *catalpa {
	t.Helper()
	c := &catalpa{t: t, bin: binary(t), data: filepath.Join(t.TempDir(), "data"), work: t.TempDir(), log: &bytes.Buffer{}}
	address := freeAddress(t)
	c.base = "http://" + address

	cmd := exec.Command(c.bin, "server", "--data-dir", c.data, "--listen", address)
	cmd.Dir = c.work
	cmd.Env = append(os.Environ(), "LOG_LEVEL=debug")
	cmd.Stdout, cmd.Stderr = c.log, c.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", c.bin, err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() { c.stop(cmd, exited) })

	eventually(t, 20*time.Second, "the server answers", func() error {
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("the server ended at once: %v", err)
		default:
		}
		response, err := httpClient.Get(c.base + "/api/v1/system/version")
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("GET /system/version: %s", response.Status)
		}
		return nil
	})
	c.bot = c.command("bot", "token", "ingestion-bot", "--data-dir", c.data)
	if strings.Count(c.bot, ".") != 2 {
		t.Fatalf("catalpa bot token printed %q, want a JWT and nothing else", c.bot)
	}
	c.jwt = c.bot
	c.rec = startRecorder(t, c.base)
	return c
}

func (c *catalpa) stop(cmd *exec.Cmd, exited chan error) {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Errorf("stop the server: %v", err)
	}
	select {
	case err := <-exited:
		if err != nil {
			c.t.Errorf("the server ended with %v, want a clean stop on SIGTERM", err)
		}
	case <-time.After(20 * time.Second):
		if err := cmd.Process.Kill(); err != nil {
			c.t.Error(err)
		}
		c.t.Errorf("the server did not stop within 20 s of SIGTERM and was killed: %v", <-exited)
	}
	logtest.WantQuiet(c.t, c.log.String(), c.passwords...)
	if c.t.Failed() {
		c.t.Logf("end of the server's log:\n%s", tail(c.log.String(), 60))
	}
}

// command runs a subcommand of the binary and returns its standard output.
func (c *catalpa) command(args ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.bin, args...)
	cmd.Dir = c.work
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("catalpa %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// admin signs in as the administrator and returns an API client of theirs.
func (c *catalpa) admin() *api {
	c.t.Helper()
	password := c.command("admin", "reset-password", "--data-dir", c.data)
	anonymous := &api{t: c.t, base: c.base}
	var users page[person]
	c.asBot().get("/users?limit=100&isAdmin=true&isBot=false", &users)
	for _, u := range users.Data {
		if u.Name != "admin" {
			continue
		}
		// The password just printed is good for choosing another, nothing else.
		own := "Own-" + password
		c.passwords = append(c.passwords, password)
		anonymous.signIn(u.Email, password).send(http.MethodPut, "/users/changePassword", map[string]string{
			"username": u.Name, "requestType": "SELF", "oldPassword": password, "newPassword": own, "confirmPassword": own,
		}, nil, http.StatusOK)
		return anonymous.signIn(u.Email, own)
	}
	c.t.Fatalf("no administrator among %+v", users.Data)
	return nil
}

// signIn returns a client that acts for a person.
func (a *api) signIn(email, password string) *api {
	a.t.Helper()
	var answer struct {
		AccessToken string `json:"accessToken"`
	}
	a.send(http.MethodPost, "/users/login", map[string]string{
		"email": email, "password": base64.StdEncoding.EncodeToString([]byte(password)),
	}, &answer, http.StatusOK)
	return &api{t: a.t, base: a.base, token: answer.AccessToken}
}

// asBot is an API client with the ingestion bot's token.
func (c *catalpa) asBot() *api { return &api{t: c.t, base: c.base, token: c.bot} }

func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("CATALPA_BIN")
	if path == "" {
		path = "../bin/catalpa"
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no binary: %v; make build makes it, CATALPA_BIN names another", err)
	}
	return path
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// eventually tries until check succeeds or the time is over.
func eventually(t *testing.T, within time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not within %s: %v", what, within, err)
		case <-tick.C:
		}
	}
}

// tail returns the last n lines.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
