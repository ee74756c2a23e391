package conformance

import (
	"bufio"
	"context"
	"encoding/base64"
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

// readyLine is what the program prints once it answers requests.
var readyLine = regexp.MustCompile(`is ready on (http://\S+)`)

// adminPassword is given to the server that the suite starts.
const adminPassword = "Conformance-1-Suite"

// server returns a client with an administrator's rights to the server under test.
func server(t *testing.T) *client {
	t.Helper()
	if base := os.Getenv("CATALPA_URL"); base != "" {
		token := os.Getenv("CATALPA_TOKEN")
		if token == "" {
			t.Fatal("CATALPA_URL is set, but CATALPA_TOKEN is not")
		}
		return newClient(strings.TrimSuffix(base, "/"), token)
	}
	base := start(t, build(t), t.TempDir())
	return newClient(base, login(t, base, "admin", adminPassword))
}

// build returns the path of the program, building it unless CATALPA_BIN names one.
func build(t *testing.T) string {
	t.Helper()
	if binary := os.Getenv("CATALPA_BIN"); binary != "" {
		return binary
	}
	binary := filepath.Join(t.TempDir(), "catalpa")
	command := exec.Command("go", "build", "-o", binary, "../cmd/catalpa")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return binary
}

// start runs the program on a free port until the test ends, and returns its address.
func start(t *testing.T, binary, dataDir string) string {
	t.Helper()
	log, err := os.Create(filepath.Join(dataDir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, "server", "--data-dir", filepath.Join(dataDir, "data"), "--listen", "127.0.0.1:0")
	command.Env = append(os.Environ(), "CATALPA_INITIAL_ADMIN_PASSWORD="+adminPassword, "LOG_LEVEL=debug")
	command.Env = append(command.Env, environment(t)...)
	command.Stderr = log
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, command, log) })
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if found := readyLine.FindStringSubmatch(lines.Text()); found != nil {
				ready <- found[1]
			}
		}
	}()
	select {
	case base, ok := <-ready:
		if !ok {
			t.Fatal("the server ended before it was ready")
		}
		return base
	case <-time.After(60 * time.Second):
		t.Fatal("the server was not ready after a minute")
	}
	return ""
}

// stop ends the server as an operator would and shows its log if a test failed.
func stop(t *testing.T, command *exec.Cmd, log *os.File) {
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stopping the server: %v", err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("the server did not stop cleanly: %v", err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(log.Name())
	if err != nil {
		t.Error(err)
	}
	logtest.WantQuiet(t, string(text), adminPassword)
	if t.Failed() && len(text) > 0 {
		t.Logf("the end of the server's log:\n%s", text[max(0, len(text)-8000):])
	}
}

// login signs a user in and returns the access token.
func login(t *testing.T, base, name, password string) string {
	t.Helper()
	got := newClient(base, "").send(t, http.MethodPost, "/api/v1/users/login", map[string]any{
		"email": name, "password": base64.StdEncoding.EncodeToString([]byte(password)),
	})
	got.want(t, http.StatusOK)
	token, _ := got.object(t)["accessToken"].(string)
	if token == "" {
		t.Fatalf("signing in as %s gave no token: %s", name, got.body)
	}
	return token
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s did not happen within 10 s", what)
		}
	}
}
