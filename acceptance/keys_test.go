//go:build acceptance

package acceptance

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeyRotation lets a client run while its server changes the signing key, and
// after each of the steps by which an operator does so.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	file := filepath.Join(c.work, "shop.db")
	sqliteExec(t, file, fixture(t, "shop_sqlite.sql"))
	values := map[string]any{"File": file}
	keys := func(args ...string) string {
		t.Helper()
		return c.command(append(append([]string{"keys"}, args...), "--data-dir", c.data)...)
	}
	first := current(t, keys("list"))

	// The schemas are held until the new key signs, so the rest of the run meets a
	// server with another key than the one that signed its token.
	var once sync.Once
	c.rec.ahead(func(r *http.Request) {
		if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/api/v1/databaseSchemas") {
			once.Do(func() { keys("rotate", "--now") })
		}
	})
	run := c.metadata(t, "ingest", "sqlite.yaml", values)
	if got := current(t, keys("list")); got == first {
		t.Fatal("the key was not rotated while the client ran")
	}
	refused(t, run.exchanges, 0)

	// Old and new tokens work beside each other.
	old := c.bot
	c.metadata(t, "ingest", "sqlite.yaml", values)
	c.bot = c.command("bot", "token", "ingestion-bot", "--data-dir", c.data)
	renewed := c.metadata(t, "ingest", "sqlite.yaml", values)
	refused(t, renewed.exchanges, 0)

	// After the old key is retired, whoever still has its token is told what to do.
	keys("retire", first)
	output, err := c.runClient(t, python(t), "-m", "metadata", "ingest", "-c", c.render(t, "sqlite.yaml", map[string]any{"File": file, "Token": old}))
	if err == nil {
		t.Errorf("the client ends well with the token of a retired key:\n%s", tail(output, 40))
	}
	says(t, output, "signed with a key of this server that has been retired")
	c.metadata(t, "ingest", "sqlite.yaml", values)
}

// TestRevokedToken takes a bot's token away between two runs.
func TestRevokedToken(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	file := filepath.Join(c.work, "shop.db")
	sqliteExec(t, file, fixture(t, "shop_sqlite.sql"))
	values := map[string]any{"File": file}
	c.metadata(t, "ingest", "sqlite.yaml", values)
	before := c.asBot().versions("shop_sqlite")

	admin := c.admin()
	var bot person
	admin.get("/users/name/ingestion-bot", &bot)
	admin.send(http.MethodPut, "/users/revokeToken", map[string]string{"id": bot.ID}, nil, http.StatusOK)
	output, err := c.runClient(t, python(t), "-m", "metadata", "ingest", "-c", c.render(t, "sqlite.yaml", values))
	if err == nil {
		t.Errorf("the client ends well with a revoked token:\n%s", tail(output, 40))
	}
	says(t, output, "The bot's token was replaced or revoked")

	// A new token, and everything is as it was.
	c.bot = c.command("bot", "token", "ingestion-bot", "--data-dir", c.data)
	if diff := cmp.Diff(before, c.asBot().versions("shop_sqlite")); diff != "" {
		t.Errorf("the refused run changed the catalog (-before +after):\n%s", diff)
	}
	refused(t, c.metadata(t, "ingest", "sqlite.yaml", values).exchanges, 0)
}

// says checks what a client prints for whoever runs it.
func says(t *testing.T, output, want string) {
	t.Helper()
	if !strings.Contains(output, want) {
		t.Errorf("the client's output does not say %q:\n%s", want, tail(output, 40))
	}
}

// current is the id of the key that signs.
func current(t *testing.T, list string) string {
	t.Helper()
	for line := range strings.Lines(list) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[2] == "current" {
			return fields[0]
		}
	}
	t.Fatalf("no key signs:\n%s", list)
	return ""
}

// refused counts the requests of a run that were answered with 401.
func refused(t *testing.T, exchanges []exchange, want int) {
	t.Helper()
	got := 0
	for _, e := range exchanges {
		if e.status == http.StatusUnauthorized {
			got++
			t.Log(e)
		}
	}
	if got != want {
		t.Errorf("%d requests of the run were refused, want %d", got, want)
	}
}
