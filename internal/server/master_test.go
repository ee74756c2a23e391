package server

import (
	"net/http"
	"strings"
	"testing"
)

// TestMasterKeyBesideAServer: a command adds a master key while a server runs, which
// reads what was sealed before and after, and so does the next start.
func TestMasterKeyBesideAServer(t *testing.T) {
	c := startLoud(t)
	const clear = "Sesame-Open-4711"
	c.secrets = append(c.secrets, clear)
	const services = "/services/databaseServices"
	connect := func(name string) {
		t.Helper()
		c.want(http.StatusCreated, c.admin, http.MethodPut, services, `{"name":"`+name+`","serviceType":"Mysql","connection":{"config":{"type":"Mysql","username":"u","hostPort":"db:3306","authType":{"password":"`+clear+`"}}}}`)
	}
	var bot struct {
		User struct {
			ID string `json:"id"`
		} `json:"botUser"`
	}
	c.want(http.StatusOK, c.admin, http.MethodGet, "/bots/name/ingestion-bot", nil).read(t, &bot)
	token := c.token(robot{user: bot.User.ID})
	reads := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if got := c.want(http.StatusOK, token, http.MethodGet, services+"/name/"+name, nil); !strings.Contains(string(got.body), clear) {
				t.Errorf("the secret of %s cannot be read: %s", name, got.body)
			}
		}
	}
	connect("before")
	if err := RotateMaster(t.Context(), c.cfg); err != nil {
		t.Fatal(err)
	}
	connect("after")
	reads("before", "after")
	if n := c.trail("", "masterKeyRotated"); n != 1 {
		t.Errorf("%d entries in the trail", n)
	}
	c.quiet()
	c.s = start(t, c.cfg, false)
	reads("before", "after")
	c.quiet()
}
