//go:build acceptance

package acceptance

import (
	"bytes"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver that makes the SQLite source
)

// Passwords of the PostgreSQL source. They are asked for, so that a run that is
// handed a masked one fails.
const (
	superPassword  = "owner-of-all"
	sourcePassword = "reads-the-shop"
)

// sqliteExec runs a script of testdata on a SQLite file.
func sqliteExec(t *testing.T, file, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(script); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, script)
	}
}

// postgres is a PostgreSQL server of our own, on loopback, without fsync.
type postgres struct {
	t    *testing.T
	bin  string
	port string
}

// startPostgres makes a cluster and starts it. Started by root, it runs as the
// user postgres, who owns the directory. It ends with the test, or with us.
func startPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{t: t, bin: postgresPrograms(t)}
	// Not t.TempDir: its parent is closed to other users.
	dir, err := os.MkdirTemp("", "catalpa-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	passwords := filepath.Join(dir, "password")
	if err := os.WriteFile(passwords, []byte(superPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() == 0 {
		attributes.Credential = postgresUser(t)
		for _, path := range []string{dir, passwords} {
			if err := os.Chown(path, int(attributes.Credential.Uid), int(attributes.Credential.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	data := filepath.Join(dir, "data")
	command := func(program string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(p.bin, program), args...)
		cmd.Dir, cmd.SysProcAttr = dir, attributes
		return cmd
	}
	if out, err := command("initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", passwords,
		"-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}

	address := freeAddress(t)
	_, p.port, _ = net.SplitHostPort(address)
	server := command("postgres", "-D", data)
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "port=" + p.port, "unix_socket_directories=", "fsync=off",
		"synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB",
		"shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=all",
	} {
		server.Args = append(server.Args, "-c", setting)
	}
	serve(t, "PostgreSQL", server, syscall.SIGINT)
	eventually(t, 30*time.Second, "PostgreSQL answers", func() error {
		out, err := p.command("postgres", superPassword, "postgres", "-c", "select 1").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	return p
}

// serve runs a server until the test ends, which then asks it to stop by a signal.
func serve(t *testing.T, name string, server *exec.Cmd, stop os.Signal) {
	t.Helper()
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		if err := server.Process.Signal(stop); err != nil {
			t.Errorf("stop %s: %v", name, err)
		}
		if err := <-ended; err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
		if t.Failed() {
			t.Logf("end of %s's log:\n%s", name, tail(log.String(), 20))
		}
	})
}

func postgresUser(t *testing.T) *syscall.Credential {
	t.Helper()
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("PostgreSQL does not run as root, and %v", err)
	}
	uid, _ := strconv.ParseUint(account.Uid, 10, 32)
	gid, _ := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// postgresPrograms finds the directory of the newest server programs.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	sort.Slice(found, func(i, j int) bool { return majorVersion(found[i]) > majorVersion(found[j]) })
	if len(found) > 0 {
		return filepath.Dir(found[0])
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		t.Fatal("PostgreSQL's server programs are missing; make test-acceptance installs them")
	}
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}

func majorVersion(path string) int {
	number, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return number
}

func (p *postgres) command(role, password, database string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, "psql"), append([]string{
		"-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
		"-h", "127.0.0.1", "-p", p.port, "-U", role, "-d", database,
	}, args...)...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password, "PGCONNECT_TIMEOUT=5")
	return cmd
}

// exec runs a script as the superuser.
func (p *postgres) exec(database, script string) {
	p.t.Helper()
	p.run(p.command("postgres", superPassword, database), script)
}

// execAsSource runs a script as the role the clients use.
func (p *postgres) execAsSource(database, script string) {
	p.t.Helper()
	p.run(p.command("om", sourcePassword, database), script)
}

func (p *postgres) run(cmd *exec.Cmd, script string) {
	p.t.Helper()
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("psql: %v\n%s", err, out)
	}
}

// fixture reads a file of testdata.
func fixture(t *testing.T, name string) string {
	t.Helper()
	content, err := testdata.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
