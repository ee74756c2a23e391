package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under measurement.
type process struct {
	cmd     *exec.Cmd
	url     string
	token   string
	dir     string
	started time.Duration // until it answered
}

// startServer starts the server on a new data directory below dir.
func startServer(ctx context.Context, binary, dir string) (*process, error) {
	return startOn(ctx, binary, filepath.Join(dir, "data"))
}

// startOn starts the server on a data directory, with these environment variables
// besides its own.
func startOn(ctx context.Context, binary, data string, env ...string) (*process, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	p, err := startAt(ctx, binary, data, address, os.Stderr, env...)
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, binary, "bot", "token", "ingestion-bot", "--data-dir", data).Output()
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("asking for a bot token: %w", err)
	}
	p.token = strings.TrimSpace(string(out))
	return p, nil
}

// startAt starts the server at an address and lets it log to a writer.
func startAt(ctx context.Context, binary, data, address string, log io.Writer, env ...string) (*process, error) {
	begun := time.Now()
	cmd := exec.CommandContext(ctx, binary, "server", "--data-dir", data, "--listen", address)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = log
	p, err := start(ctx, cmd, "http://"+address, "/api/v1/system/version")
	if err != nil {
		return nil, err
	}
	p.dir, p.started = data, time.Since(begun)
	return p, nil
}

// start runs a command and waits until the path answers.
func start(ctx context.Context, cmd *exec.Cmd, url, path string) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, url: url}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	probe := &http.Client{Timeout: 5 * time.Second}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, http.NoBody)
		if err != nil {
			return nil, err
		}
		if resp, err := probe.Do(req); err == nil {
			resp.Body.Close()
			return p, nil
		}
		select {
		case <-tick.C:
		case <-deadline:
			p.stop()
			return nil, errors.New("the server did not answer within 30 seconds")
		}
	}
}

func (p *process) stop() {
	if p == nil {
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err == nil {
		_ = p.cmd.Wait() // how it ended does not matter any more
	}
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// pid is the process's number; that of this one if no other was started.
func (p *process) pid() int {
	if p.cmd == nil {
		return os.Getpid()
	}
	return p.cmd.Process.Pid
}

// cpu returns the processor time the process has used: from /proc/PID/stat in steps
// of 10 ms, of this process exactly.
func (p *process) cpu() time.Duration {
	if p.cmd == nil {
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			return 0
		}
		return time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid()))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	const utime, stime, ticksPerSecond = 11, 12, 100
	user, err1 := strconv.ParseInt(fields[utime], 10, 64)
	system, err2 := strconv.ParseInt(fields[stime], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// memory returns the resident memory in MiB, from /proc/PID/status.
func (p *process) memory() float64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			if err != nil {
				return 0
			}
			return kib / 1024
		}
	}
	return 0
}
