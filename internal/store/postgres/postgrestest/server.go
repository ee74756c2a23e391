// Package postgrestest runs a real PostgreSQL server for tests, on loopback, in a
// directory of its own that goes with the test. It may import nothing of Catalpa.
package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTime bounds how long a server may take to answer.
const startTime = 30 * time.Second

// Server is a running server. The superuser is postgres.
type Server struct {
	Programs string // the directory of psql and the like
	Port     string
	Password string // of the superuser

	dir        string
	args       []string
	attributes *syscall.SysProcAttr
	process    *exec.Cmd
	ended      chan error
	log        bytes.Buffer
	databases  atomic.Int64
}

// Start makes a cluster and starts it with settings, each "name=value", on top of
// some that trade durability for speed. Started by root it runs as the user
// postgres, who owns the directory. It ends with the test, or with us.
func Start(t testing.TB, password string, settings ...string) *Server {
	t.Helper()
	s := &Server{Programs: programs(t), Password: password}
	// Not t.TempDir: its parent is closed to other users.
	dir, err := os.MkdirTemp("", "catalpa-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	s.dir = dir
	t.Cleanup(func() { os.RemoveAll(dir) })
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.attributes = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() == 0 {
		s.attributes.Credential = account(t)
		for _, path := range []string{dir, secret} {
			if err := os.Chown(path, int(s.attributes.Credential.Uid), int(s.attributes.Credential.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	data := filepath.Join(dir, "data")
	if out, err := s.command("initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret,
		"-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Port = freePort(t)
	s.args = []string{"-D", data}
	for _, setting := range append([]string{
		"listen_addresses=127.0.0.1", "port=" + s.Port, "unix_socket_directories=", "fsync=off",
		"synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB",
	}, settings...) {
		s.args = append(s.args, "-c", setting)
	}
	s.Run(t)
	t.Cleanup(func() { s.stop(t, syscall.SIGINT) })
	return s
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.Programs, program), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.attributes
	return cmd
}

// Run starts the server again after Crash, and waits until it answers.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	s.process, s.ended = s.command("postgres", s.args...), make(chan error, 1)
	s.process.Stdout, s.process.Stderr = &s.log, &s.log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	process, ended := s.process, s.ended
	go func() { ended <- process.Wait() }()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.exec(ctx, "postgres", "SELECT 1")
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case end := <-ended:
			t.Fatalf("PostgreSQL ended at once: %v\n%s", end, s.log.String())
		case <-ctx.Done():
			t.Fatalf("PostgreSQL does not answer within %s: %v", startTime, err)
		}
	}
}

// Crash kills the server without a word.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	// The immediate shutdown: every process ends at once, recovery follows at the start.
	s.stop(t, syscall.SIGQUIT)
}

func (s *Server) stop(t testing.TB, signal os.Signal) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.Process.Signal(signal); err != nil {
		t.Errorf("stop PostgreSQL: %v", err)
	}
	if err := <-s.ended; err != nil && signal == syscall.SIGINT {
		t.Errorf("PostgreSQL ended with %v\n%s", err, s.log.String())
	}
	s.process = nil
}

// URL addresses one of the databases as the superuser.
func (s *Server) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", s.Password), Host: net.JoinHostPort("127.0.0.1", s.Port), Path: database}
	return u.String()
}

// NewDatabase makes an empty database and returns its URL.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	s.Exec(t, "postgres", "CREATE DATABASE "+name+" STRATEGY file_copy")
	return s.URL(name)
}

// Exec runs statements in a database as the superuser.
func (s *Server) Exec(t testing.TB, database, sql string) {
	t.Helper()
	if err := s.exec(context.Background(), database, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (s *Server) exec(ctx context.Context, database, sql string) error {
	c, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	_, err = c.Exec(ctx, sql)
	return err
}

func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func account(t testing.TB) *syscall.Credential {
	t.Helper()
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("PostgreSQL does not run as root, and %v", err)
	}
	uid, _ := strconv.ParseUint(account.Uid, 10, 32)
	gid, _ := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// programs finds the directory of the newest server programs.
func programs(t testing.TB) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return majorVersion(a) - majorVersion(b) }))
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		t.Fatal("PostgreSQL's server programs are missing; make test installs them")
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}

func majorVersion(path string) int {
	number, _ := strconv.Atoi(strings.TrimSpace(filepath.Base(filepath.Dir(filepath.Dir(path)))))
	return number
}
