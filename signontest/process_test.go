//go:build signon

package signontest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a server of the rig. It ends with its standard input, and is killed
// when this test binary dies in whatever way.
type process struct {
	ready string // what followed "ready: "
	in    io.WriteCloser
	out   *bufio.Reader
	log   *output
	cmd   *exec.Cmd
	ended chan error
}

// launch starts a program and waits for its line "ready: ...".
func launch(within time.Duration, name string, args, env []string) (*process, error) {
	return launchUntil("ready: ", within, name, args, env)
}

// launchUntil waits for a line that holds a mark.
func launchUntil(mark string, within time.Duration, name string, args, env []string) (*process, error) {
	p := &process{log: &output{}, ended: make(chan error, 1)}
	p.cmd = exec.Command(name, args...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout = writer
	err = p.cmd.Start()
	writer.Close()
	if err != nil {
		reader.Close()
		return nil, err
	}
	go func() { p.ended <- p.cmd.Wait() }()
	p.out = bufio.NewReaderSize(reader, 1<<20)
	if err := reader.SetReadDeadline(time.Now().Add(within)); err != nil {
		return nil, err
	}
	for {
		line, err := p.out.ReadString('\n')
		if _, rest, found := strings.Cut(line, mark); found {
			p.ready = strings.TrimSpace(rest)
			return p, reader.SetReadDeadline(time.Time{})
		}
		if err != nil {
			p.kill()
			return nil, &startError{name: name, cause: err, log: p.log.String()}
		}
	}
}

// stop closes the standard input and waits; what does not end is killed.
func (p *process) stop() {
	p.in.Close()
	select {
	case err := <-p.ended:
		p.ended <- err
	case <-time.After(10 * time.Second):
		p.kill()
	}
}

// kill ends a process as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	err := <-p.ended
	p.ended <- err
}

type startError struct {
	name  string
	cause error
	log   string
}

func (e *startError) Error() string { return e.name + ": " + e.cause.Error() + "\n" + e.log }
func (e *startError) Unwrap() error { return e.cause }

// output collects what a process writes.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// freeAddress returns an address nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// named returns the absolute path a variable names, or the one made by default.
func named(t *testing.T, variable, byDefault, remedy string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = byDefault
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; %s, %s names another", err, remedy, variable)
	}
	return path
}

// eventually tries until check succeeds or the time is over.
func eventually(t *testing.T, within time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.After(within)
	pause := 50 * time.Millisecond
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not within %s: %v", what, within, err)
		case <-time.After(pause):
			pause = min(pause*3/2, time.Second)
		}
	}
}

// tail returns the last n lines.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// atLeast is an error while a count is too low.
func atLeast(what string, got, want int) error {
	if got < want {
		return fmt.Errorf("%s: %d, want %d or more", what, got, want)
	}
	return nil
}
