//go:build acceptance

package acceptance

import (
	"bytes"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver that makes the SQLite source

	"github.com/catalpa-metadata/catalpa/internal/store/postgres/postgrestest"
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

// postgres is a PostgreSQL server of our own.
type postgres struct {
	*postgrestest.Server
	t    *testing.T
	port string
}

// startPostgres starts one that notes which statements are run.
func startPostgres(t *testing.T) *postgres {
	t.Helper()
	server := postgrestest.Start(t, superPassword, "shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=all")
	return &postgres{Server: server, t: t, port: server.Port}
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

func (p *postgres) command(role, password, database string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.Programs, "psql"), append([]string{
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
