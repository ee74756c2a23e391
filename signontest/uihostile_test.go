//go:build signon

package signontest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// put writes as the ingestion bot.
func (c *catalpa) put(path string, body map[string]any) string {
	c.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, "http://"+c.listen+path, bytes.NewReader(data))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.command("bot", "token", "ingestion-bot"))
	request.Header.Set("Content-Type", "application/json")
	response, err := httpClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	var made struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Message            string `json:"message"`
	}
	if err := json.NewDecoder(response.Body).Decode(&made); err != nil || response.StatusCode > 201 {
		c.t.Fatalf("PUT %s is answered %d: %s (%v)", path, response.StatusCode, made.Message, err)
	}
	return made.FullyQualifiedName
}

// TestUIHostileTexts: names that mean something in addresses lead to their pages, and texts
// that want to be scripts, links to scripts or pictures from elsewhere are words.
func TestUIHostileTexts(t *testing.T) {
	t.Parallel()
	c, tab := startUI(t)
	names := []string{"a/b", "100%25", "x.y", `say "hi"`, "a$b?c#d", `back\slash`, "ein Ümläut", "..", "javascript:alert(1)"}
	for _, name := range names {
		fqn := c.put("/api/v1/tables", map[string]any{"name": name, "databaseSchema": "shop_postgres.shop.sales", "columns": []any{map[string]any{"name": name, "dataType": "INT"}}})
		tab.open(c.base + "/table/" + url.PathEscape(fqn))
		tab.ui(name)
		tab.do("waitFor", order{"selector": "#ui h1"}, nil)
		var heading string
		tab.evaluate(`() => document.querySelector("#ui h1").textContent`, nil, &heading)
		if heading != name {
			t.Errorf("the page of %q (%s) is about %q", name, fqn, heading)
		}
		tab.follow("^Activity$")
		tab.at("/activity$")
		tab.shows("Write to those who know this")
	}
	hostile := "[go](javascript:alert(1)) ![p](https://elsewhere.example/p.png) [x](data:text/html,x) <https://ok.example> **bold** &lt;img src=x onerror=alert(1)>"
	fqn := c.put("/api/v1/tables", map[string]any{
		"name": "hostile", "displayName": `"><img src=x onerror=alert(1)>{{7*7}}`, "databaseSchema": "shop_postgres.shop.sales", "description": strings.ReplaceAll(hostile, "javascript:", "java script:"),
		"columns": []any{map[string]any{"name": "<b>c</b>", "dataType": "INT", "description": "= 1 <not a tag"}},
	})
	for _, path := range []string{"/table/" + fqn, "/table/" + fqn + "/versions/0.1", "/explore?search=hostile", "/explore?search=" + url.QueryEscape(`<img src=x onerror=alert(1)>`), "/my-data"} {
		tab.open(c.base + path)
		tab.ui(path)
		tab.do("waitFor", order{"selector": "#ui main:not(:has([aria-busy=true]))"}, nil)
		var found []string
		tab.evaluate(`() => [...document.querySelectorAll("#ui script, #ui iframe, #ui img, #ui [onerror], #ui a[href^='javascript' i], #ui a[href^='data' i]")].map((one) => one.outerHTML.slice(0, 200))`, nil, &found)
		for _, one := range found {
			t.Errorf("%s holds %s", path, one)
		}
	}
	tab.open(c.base + "/table/" + fqn)
	tab.shows("bold")
	for _, r := range tab.profile.traffic().Requests {
		if !strings.HasPrefix(r.URL, c.base) && !strings.HasPrefix(r.URL, "blob:") && !strings.HasPrefix(r.URL, "data:") {
			t.Errorf("the page asks elsewhere: %s", r.URL)
		}
	}
	wantNoWrongs(t, tab)
}
