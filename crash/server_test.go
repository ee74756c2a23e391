package crash

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/logtest"
)

var binary string // the server, built once for all tests

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "catalpa-crash-")
	if err == nil {
		binary = filepath.Join(dir, "catalpa")
		build := exec.Command("go", "build", "-o", binary, "../cmd/catalpa")
		build.Stdout, build.Stderr = os.Stdout, os.Stderr
		err = build.Run()
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		os.Stderr.WriteString("build the server: " + err.Error() + "\n")
	}
	if dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// server is one life of the server on a data directory.
type server struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	exited  chan error // gets the outcome of the process once
	stderr  bytes.Buffer
}

var readyLine = regexp.MustCompile(`ready on http://(\S+) after`)

// begin starts the server and does not wait for it. ready gets its address, or
// is closed when the process ends before it has one.
func begin(t *testing.T, data string) (s *server, ready <-chan string) {
	t.Helper()
	s = &server{t: t, exited: make(chan error, 1)}
	s.cmd = exec.Command(binary, "server", "--data-dir", data, "--listen", "127.0.0.1:0")
	s.cmd.Env = append(os.Environ(), "LOG_LEVEL=debug")
	s.cmd.Stderr = &s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addresses := make(chan string, 1)
	go func() {
		defer close(addresses)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
				addresses <- m[1]
			}
		}
		s.exited <- s.cmd.Wait()
	}()
	return s, addresses
}

// start starts the server and waits until it answers.
func start(t *testing.T, data string) *server {
	t.Helper()
	s, ready := begin(t, data)
	select {
	case address, ok := <-ready:
		if !ok {
			t.Fatalf("the server did not open its store: %v\n%s", <-s.exited, s.stderr.String())
		}
		s.address = address
	case <-time.After(30 * time.Second):
		s.kill()
		t.Fatalf("the server was not ready within 30 s\n%s", s.stderr.String())
	}
	return s
}

// kill ends the server as a power cut would end its process.
func (s *server) kill() {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("kill the server: %v", err)
	}
	if err := <-s.exited; err != nil {
		s.t.Logf("the server ended: %v", err)
	}
	if s.address != "" { // it got as far as writing
		logtest.WantQuiet(s.t, s.stderr.String())
	}
}

// terminate asks the server to stop.
func (s *server) terminate() {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Errorf("signal the server: %v", err)
	}
}

// wantCleanExit waits for the end of a server that was asked to stop.
func (s *server) wantCleanExit() {
	s.t.Helper()
	select {
	case err := <-s.exited:
		if err != nil {
			s.t.Fatalf("the server ended with %v, want exit status 0\n%s", err, s.stderr.String())
		}
		logtest.WantQuiet(s.t, s.stderr.String())
	case <-time.After(30 * time.Second):
		s.kill()
		s.t.Fatalf("the server did not stop within 30 s of SIGTERM\n%s", s.stderr.String())
	}
}

// botToken asks the binary for a token of the ingestion bot.
func botToken(t *testing.T, data string) string {
	t.Helper()
	cmd := exec.Command(binary, "bot", "token", "ingestion-bot", "--data-dir", data)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bot token: %v\n%s", err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// api speaks to one life of the server.
type api struct {
	base, token string
	http        *http.Client
}

func newAPI(s *server, token string) *api {
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &api{base: "http://" + s.address + "/api/v1", token: token, http: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// do sends a request and reads the whole answer; an error means that there was
// none.
func (a *api) do(method, path, media, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(context.Background(), method, a.base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	if body != "" {
		req.Header.Set("Content-Type", media)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

const jsonType = "application/json"

// prepare makes the service, database and schema that hold the tables.
func (a *api) prepare(t *testing.T) {
	t.Helper()
	for _, step := range []struct{ path, body string }{
		{"/services/databaseServices", `{"name":"crash","serviceType":"Postgres"}`},
		{"/databases", `{"name":"shop","service":"crash"}`},
		{"/databaseSchemas", `{"name":"public","database":"crash.shop"}`},
	} {
		status, answer, err := a.do(http.MethodPut, step.path, jsonType, step.body)
		if err != nil || status/100 != 2 {
			t.Fatalf("PUT %s: %d %s %v", step.path, status, answer, err)
		}
	}
}

// moment lets one thing happen after a number of others.
type moment struct {
	mu      sync.Mutex
	left    int
	reached chan struct{}
}

func after(n int) *moment { return &moment{left: n, reached: make(chan struct{})} }

func (m *moment) tick() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left--; m.left == 0 {
		close(m.reached)
	}
}
