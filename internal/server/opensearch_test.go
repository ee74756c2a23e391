//go:build opensearch

package server

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/search/opensearch/ostest"
)

// TestOpenSearchMayComeAndGo: a server whose search server is down starts, takes writes and says what is wrong; when it
// is back, everything is found, without anybody doing anything.
func TestOpenSearchMayComeAndGo(t *testing.T) {
	node, err := ostest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(node.Stop)
	c := searcher{tester: startLoudWith(t, map[string]string{
		"CATALPA_INITIAL_ADMIN_PASSWORD": adminPassword, "CATALPA_SEARCH_ENGINE": "opensearch", "SEARCH_TYPE": "opensearch",
		"ELASTICSEARCH_HOST": node.Address, "ELASTICSEARCH_CLUSTER_ALIAS": "nursery",
	})}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the server:\n%s", c.s.out)
		}
	})
	var signedIn tokens
	c.want(http.StatusOK, "", http.MethodPost, "/users/login", login(adminPassword)).read(t, &signedIn)
	c.admin = signedIn.Access
	c.put("larch")
	c.down()
	c.up(node)
	c.finds("larch", "down when the server started")

	node.Kill()
	c.put("rowan")
	c.down()
	c.up(node)
	c.finds("rowan", "killed and started again")

	c.agreesAfterCrashes(node)

	if err := c.s.stop(); err != nil {
		t.Error(err)
	}
	c.s = start(t, c.cfg, false)
	c.put("sorrel")
	c.finds("sorrel", "there all the time")
	c.finds("larch", "there all the time")
	if _, err := os.Stat(filepath.Join(c.cfg.DataDir, indexFile)); err == nil {
		t.Error("an embedded index was made, too")
	}
}

// agreesAfterCrashes kills the search server again and again while services are written and deleted, and compares the
// index with the store afterwards.
func (c searcher) agreesAfterCrashes(node *ostest.Server) {
	c.t.Helper()
	enough, written := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { written <- n }()
		for ; ; n++ {
			select {
			case <-enough:
				return
			default:
			}
			name := fmt.Sprintf("burst_%d", n)
			r := c.call(c.admin, http.MethodPut, "/services/databaseServices", map[string]string{"name": name, "serviceType": "Mysql"})
			if r.status != http.StatusCreated {
				c.t.Errorf("PUT %s answers %d %s", name, r.status, r.body)
				return
			}
			if n%3 == 0 {
				if r := c.call(c.admin, http.MethodDelete, "/services/databaseServices/name/"+name+"?hardDelete=true", nil); r.status != http.StatusOK {
					c.t.Errorf("DELETE %s answers %d %s", name, r.status, r.body)
					return
				}
			}
		}
	}()
	for range 3 {
		node.Kill()
		c.up(node)
	}
	close(enough)
	n := <-written
	c.put("after_the_crashes")
	c.finds("after_the_crashes", "killed again and again")
	for deadline := time.Now().Add(time.Minute); ; { // the index may still be filled for the first time
		r := c.call(c.admin, http.MethodPost, "/search/check", nil)
		if r.status == http.StatusAccepted {
			break
		}
		if r.status != http.StatusConflict || time.Now().After(deadline) {
			c.t.Fatalf("the check answers %d %s", r.status, r.body)
		}
		<-time.After(50 * time.Millisecond)
	}
	var last string
	c.until("the check should come to its end", "/search/check", func(r reply) bool {
		var check struct {
			Running, Missing, Different, Extra any
		}
		last = string(r.body)
		return json.Unmarshal(r.body, &check, json.MatchCaseInsensitiveNames(true)) == nil && check.Running == false
	})
	for _, none := range []string{`"missing":0`, `"different":0`, `"extra":0`} {
		if !strings.Contains(last, none) {
			c.t.Errorf("after %d services and three crashes, index and store differ: %s", n, last)
		}
	}
	if n < 20 {
		c.t.Errorf("only %d services were written while the search server was killed", n)
	}
}

// searcher is an administrator of a server that searches elsewhere.
type searcher struct{ *tester }

func (c searcher) put(name string) {
	c.t.Helper()
	c.want(http.StatusCreated, c.admin, http.MethodPut, "/services/databaseServices", map[string]string{"name": name, "serviceType": "Mysql"})
}

// until repeats a call for a while, until its answer is the one that is waited for.
func (c searcher) until(what, path string, fits func(reply) bool) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		r := c.call(c.admin, http.MethodGet, path, nil)
		if fits(r) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: GET %s answers %d %s\n%s", what, path, r.status, r.body, c.s.out)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// down expects what is said while the search server is away.
func (c searcher) down() {
	c.t.Helper()
	if r := c.call(c.admin, http.MethodGet, "/search/query?q=larch&index=all", nil); r.status != http.StatusServiceUnavailable || !strings.Contains(string(r.body), "search server does not answer") {
		c.t.Errorf("a search answers %d %s", r.status, r.body)
	}
	c.want(http.StatusOK, "", http.MethodGet, "/system/health", nil) // the server itself works
	c.until("the status should say that the search server is down", "/system/status", func(r reply) bool {
		var status map[string]struct {
			Passed  bool   `json:"passed"`
			Message string `json:"message"`
		}
		return json.Unmarshal(r.body, &status) == nil && !status["searchInstance"].Passed && strings.Contains(status["searchInstance"].Message, "does not answer")
	})
}

func (c searcher) up(node *ostest.Server) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	if err := node.Start(ctx); err != nil {
		c.t.Fatal(err)
	}
}

// finds waits until a service is found.
func (c searcher) finds(name, when string) {
	c.t.Helper()
	c.until("with a search server that was "+when, "/search/query?index=all&q=name:"+name, func(r reply) bool {
		return r.status == http.StatusOK && strings.Contains(string(r.body), `"fullyQualifiedName":"`+name+`"`)
	})
}
