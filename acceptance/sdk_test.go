//go:build acceptance

package acceptance

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestSDK runs the Python SDK over all its entities and compares what it saw
// with what the API serves.
func TestSDK(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	c.jwt = c.admin().token // people may change display names, the ingestion bot may not
	output, err := c.runScript(t, "sdk.py")

	type life struct {
		Entity, ID, FQN, Error string
		OK                     bool
		Version                json.Number
	}
	var lives []life
	lines := bufio.NewScanner(strings.NewReader(output))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l life
		if !strings.HasPrefix(lines.Text(), "{") || json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		lives = append(lives, l)
		t.Run(l.Entity, func(t *testing.T) {
			if !l.OK {
				t.Error(l.Error)
			}
		})
	}
	if err != nil {
		t.Fatalf("sdk.py: %v\n%s", err, tail(output, 120))
	}
	if len(lives) < 29 {
		t.Fatalf("%d entities lived, want all of the SDK's\n%s", len(lives), tail(output, 80))
	}

	var orders table
	bot.get(`/tables/name/`+url.PathEscape(`sdk_db.shop.sales."orders.2026"`)+"?fields=*", &orders)
	if orders.Description != "Changed by the *SDK*." || len(orders.Tags) != 1 || orders.Tags[0].TagFQN != "Tier.Tier1" {
		t.Errorf("the table is %+v", orders)
	}
	if title, _ := orders.column("title"); title.Description != "What it is called" || title.DataLength != 80 {
		t.Errorf("its column is %+v", title)
	}

	c.script(t, "sdk_fluent.py")

	var remove []string
	for _, l := range lives {
		if l.ID != "" {
			remove = append(remove, l.Entity+"="+l.ID)
		}
	}
	c.script(t, "sdk_delete.py", remove...)
	if status, _ := bot.exchange(http.MethodGet, "/tables/"+orders.ID+"?include=all", nil); status != http.StatusNotFound {
		t.Errorf("the table answers %d after it was deleted for good", status)
	}
}
