//go:build acceptance

package acceptance

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// mariadb is a MariaDB server of our own, on loopback, that keeps a log of the
// queries it is asked.
type mariadb struct {
	t    *testing.T
	port string
}

// startMariaDB makes an empty database server and starts it. Started by root, it
// runs as nobody, who owns the directory. It ends with the test, or with us.
func startMariaDB(t *testing.T) *mariadb {
	t.Helper()
	install, err := exec.LookPath("mariadb-install-db")
	if err != nil {
		t.Fatal("MariaDB's server programs are missing; make test-acceptance installs them")
	}
	install, err = filepath.EvalSymlinks(install)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Dir(filepath.Dir(install))
	program := filepath.Join(base, "sbin", "mariadbd")
	if _, err := os.Stat(program); err != nil {
		program = filepath.Join(base, "bin", "mariadbd")
	}
	// Not t.TempDir: its parent is closed to other users.
	dir, err := os.MkdirTemp("", "catalpa-mariadb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		attributes.Credential = nobody(t)
		if err := os.Chown(dir, int(attributes.Credential.Uid), int(attributes.Credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	command := func(program string, args ...string) *exec.Cmd {
		cmd := exec.Command(program, append([]string{"--no-defaults", "--basedir=" + base, "--datadir=" + data}, args...)...)
		cmd.Dir, cmd.SysProcAttr = dir, attributes
		return cmd
	}
	if out, err := command(install, "--auth-root-authentication-method=normal", "--skip-name-resolve").CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}

	m := &mariadb{t: t}
	_, m.port, _ = net.SplitHostPort(freeAddress(t))
	server := command(program, "--bind-address=127.0.0.1", "--port="+m.port, "--socket="+filepath.Join(dir, "socket"),
		"--pid-file="+filepath.Join(dir, "pid"), "--skip-name-resolve", "--innodb-buffer-pool-size=16M",
		"--innodb-flush-log-at-trx-commit=0", "--performance-schema=off", "--general-log=on", "--log-output=table")
	serve(t, "MariaDB", server, syscall.SIGTERM)
	eventually(t, 30*time.Second, "MariaDB answers", func() error {
		out, err := m.command("root", "", "SELECT 1").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	return m
}

func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	account, err := user.Lookup("nobody")
	if err != nil {
		t.Fatalf("MariaDB does not run as root, and %v", err)
	}
	uid, _ := strconv.ParseUint(account.Uid, 10, 32)
	gid, _ := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (m *mariadb) command(role, password, script string) *exec.Cmd {
	cmd := exec.Command("mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--port="+m.port, "--user="+role, "--default-character-set=utf8mb4")
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+password)
	cmd.Stdin = strings.NewReader(script)
	return cmd
}

// exec runs a script as root, who has no password.
func (m *mariadb) exec(script string) {
	m.t.Helper()
	if out, err := m.command("root", "", script).CombinedOutput(); err != nil {
		m.t.Fatalf("mariadb: %v\n%s", err, out)
	}
}

// execAsSource runs a script as the user the clients use.
func (m *mariadb) execAsSource(script string) {
	m.t.Helper()
	if out, err := m.command("om", sourcePassword, script).CombinedOutput(); err != nil {
		m.t.Fatalf("mariadb: %v\n%s", err, out)
	}
}

const mariaShop = "shop_maria.default.shop"

// TestMariaDB takes a MariaDB server through both connectors that can read one:
// MySQL's, which also knows the log of queries, and MariaDB's own.
func TestMariaDB(t *testing.T) {
	t.Parallel()
	source := startMariaDB(t)
	c := startCatalpa(t)
	bot := c.asBot()
	source.exec(fixture(t, "shop_mariadb.sql"))
	ingest := func(connector, service string) workflow {
		t.Helper()
		return c.metadata(t, "ingest", "mariadb.yaml", map[string]any{
			"Port": source.port, "Password": sourcePassword, "Connector": connector, "Service": service,
		})
	}

	c.assertServed(t, ingest("Mysql", "shop_maria"))
	assertMariaShop(t, bot, "shop_maria", "People who bought at least once")

	// The source changes, and so do people's words.
	edited := c.editTable(t, mariaShop+".customers", "name")
	returns := bot.table(mariaShop + ".returns")
	source.exec("ALTER TABLE shop.orders ADD COLUMN note text COMMENT 'What the customer asked for'; DROP TABLE shop.returns; ALTER TABLE shop.customers COMMENT = 'Must not replace what people wrote';")
	ingest("Mysql", "shop_maria")
	assertKept(t, edited, bot.table(mariaShop+".customers"))
	if got := bot.table(mariaShop + ".returns"); !got.Deleted || got.ID != returns.ID {
		t.Errorf("the dropped table: deleted=%v", got.Deleted)
	}
	orders := bot.table(mariaShop + ".orders")
	if note, ok := orders.column("note"); !ok || note.DataType != "TEXT" || note.Description != "What the customer asked for" {
		t.Errorf("the new column became %+v", note)
	}
	wantKeys := []constraint{{"FOREIGN_KEY", []string{"customer_id"}, []string{mariaShop + ".customers.id"}}}
	if diff := cmp.Diff(wantKeys, sortedKeys(orders)); diff != "" {
		t.Errorf("foreign keys of orders (-want +got):\n%s", diff)
	}

	// What was asked becomes lineage and usage. The connector finds it in the log of
	// bytes only if it is written in small letters.
	source.execAsSource(`insert into stats.daily_orders (day, orders) select ordered_on, count(*) from shop.orders group by ordered_on;
		select name from shop.customers where id = 7;`)
	c.metadata(t, "ingest", "mariadb-lineage.yaml", nil)
	for target, want := range map[string]map[edge]string{
		mariaShop + ".customer_orders": {
			{mariaShop + ".customers", mariaShop + ".customer_orders"}: "ViewLineage",
			{mariaShop + ".orders", mariaShop + ".customer_orders"}:    "ViewLineage",
		},
		"shop_maria.default.stats.daily_orders": {
			{mariaShop + ".orders", "shop_maria.default.stats.daily_orders"}: "QueryLineage",
		},
	} {
		if diff := cmp.Diff(want, bot.lineage(target, 0), cmp.AllowUnexported(edge{})); diff != "" {
			t.Errorf("lineage of %s (-want +got):\n%s", target, diff)
		}
	}
	c.metadata(t, "usage", "mariadb-usage.yaml", nil)
	var customers table
	bot.get("/tables/name/"+mariaShop+".customers?fields=usageSummary", &customers)
	if customers.UsageSummary.DailyStats.Count < 1 {
		t.Errorf("the table's usage became %+v", customers.UsageSummary)
	}
	assertKept(t, edited, bot.table(mariaShop+".customers"))

	// MariaDB's own connector finds the same in a service of its own.
	c.assertServed(t, ingest("MariaDB", "shop_mariadb"))
	assertMariaShop(t, bot, "shop_mariadb", "Must not replace what people wrote")
	before := bot.versions("shop_mariadb")
	ingest("MariaDB", "shop_mariadb")
	// Referred tables are found from the second run on.
	if got := changed(before, bot.versions("shop_mariadb")); len(got) > 1 || len(got) == 1 && got[0] != "tables shop_mariadb.default.shop.orders" {
		t.Errorf("a run with nothing new changed %v", got)
	}
}

// assertMariaShop checks what either connector must find in the source.
func assertMariaShop(t *testing.T, bot *api, service, comment string) {
	t.Helper()
	schema := service + ".default.shop"
	want := map[string][]columnShape{
		"customers": {
			{"id", "INT", "PRIMARY_KEY"}, {"name", "VARCHAR", "NOT_NULL"}, {"email", "VARCHAR", "UNIQUE"}, {"level", "ENUM", "NOT_NULL"},
			{"balance", "DECIMAL", "NULL"}, {"preferences", "TEXT", "NULL"}, {"photo", "MEDIUMBLOB", "NULL"}, {"joined_at", "DATETIME", "NULL"},
		},
		`"odd.table"`: {{"id", "INT", "PRIMARY_KEY"}, {`a "b" column`, "TEXT", "NULL"}, {"naïve", "CHAR", "NULL"}},
	}
	for name, columns := range want {
		got := shapes(bot.table(schema + "." + name))
		for i := range got {
			got[i].Name = strings.ReplaceAll(got[i].Name, "__reserved__quote__", `"`)
		}
		if diff := cmp.Diff(columns, got); diff != "" {
			t.Errorf("columns of %s.%s (-want +got):\n%s", schema, name, diff)
		}
	}
	customers := bot.table(schema + ".customers")
	if customers.Description != comment {
		t.Errorf("%s: the comment became %q", service, customers.Description)
	}
	if balance, _ := customers.column("balance"); balance.Precision != 12 || balance.Scale != 2 {
		t.Errorf("%s: decimal(12,2) became %+v", service, balance)
	}
	if view := bot.table(schema + ".customer_orders"); view.TableType != "View" || view.SchemaDefinition == "" {
		t.Errorf("%s: the view became a %q defined as %q", service, view.TableType, view.SchemaDefinition)
	}
	var routines []string
	for _, r := range list[named](bot, "storedProcedures", "databaseSchema="+schema) {
		routines = append(routines, r.Name+": "+r.Description)
	}
	if diff := cmp.Diff([]string{"forget_returns: Once a month", "order_count: "}, routines); diff != "" {
		t.Errorf("%s: routines (-want +got):\n%s", service, diff)
	}
}
