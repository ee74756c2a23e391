//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// curated is what people may write about any entity, and what must not change
// when its source is read again.
type curated struct {
	ID          string      `json:"id"`
	Description string      `json:"description"`
	DisplayName string      `json:"displayName"`
	Deleted     bool        `json:"deleted"`
	Owners      []reference `json:"owners"`
	Tags        []tagLabel  `json:"tags"`
}

func (a *api) curated(collection, fqn string) curated {
	a.t.Helper()
	var found curated
	a.get("/"+collection+"/name/"+url.PathEscape(fqn)+"?fields=owners,tags&include=all", &found)
	return found
}

// curate has the administrator describe, name and tag an entity and give it an
// owner. The result checks that all of it is there still.
func (c *catalpa) curate(t *testing.T, collection, fqn string) (kept func()) {
	t.Helper()
	admin := c.admin()
	var owner named
	admin.send(http.MethodPut, "/users", map[string]any{"name": "grace", "email": "grace@example.com"}, &owner, http.StatusOK, http.StatusCreated)
	patch := []patchOp{
		{"add", "/description", "Written by a *person*."},
		{"add", "/displayName", "As people call it"},
		{"add", "/tags/0", map[string]string{"tagFQN": "Tier.Tier2", "source": "Classification", "labelType": "Manual", "state": "Confirmed"}},
		{"add", "/owners", []map[string]string{{"id": owner.ID, "type": "user"}}},
	}
	admin.send(http.MethodPatch, "/"+collection+"/"+admin.curated(collection, fqn).ID, patch, nil, http.StatusOK)
	before := admin.curated(collection, fqn)
	if before.Description != "Written by a *person*." || len(before.Owners) != 1 || before.Owners[0].Name != "grace" || len(before.Tags) == 0 {
		t.Fatalf("the edit of %s did not take: %+v", fqn, before)
	}
	return func() {
		t.Helper()
		if diff := cmp.Diff(before, c.asBot().curated(collection, fqn)); diff != "" {
			t.Errorf("what people wrote about %s changed (-before +after):\n%s", fqn, diff)
		}
	}
}

// state is what a service holds: version and whether it is deleted, by collection
// and FQN. Two equal states mean that nothing was written.
func (a *api) state(service string, collections ...string) map[string]string {
	a.t.Helper()
	state := map[string]string{}
	for _, collection := range collections {
		for _, e := range list[named](a, collection, "include=all&service="+url.QueryEscape(service)) {
			state[collection+" "+e.FullyQualifiedName] = fmt.Sprintf("%s deleted=%v", e.Version, e.Deleted)
		}
	}
	return state
}

// assertKnown checks the names below a service, and that each came in by this run
// as it is served.
func (c *catalpa) assertKnown(t *testing.T, run workflow, service, collection, parent string, want ...string) {
	t.Helper()
	found := []string{}
	for _, e := range list[named](c.asBot(), collection, "service="+url.QueryEscape(service)) {
		found = append(found, e.FullyQualifiedName)
	}
	for i := range want {
		want[i] = service + "." + want[i]
	}
	slices.Sort(found)
	slices.Sort(want)
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("%s of %s (-want +got):\n%s", collection, service, diff)
	}
	if sent := c.assertSent(t, run, collection, parent); sent != len(want) {
		t.Errorf("the run sent %d %s, want %d", sent, collection, len(want))
	}
}

// assertSent compares what a run sent, alone or in bulk, with what the API serves,
// and counts it.
func (c *catalpa) assertSent(t *testing.T, run workflow, collection, parent string) int {
	t.Helper()
	var requests []map[string]any
	for _, e := range matching(run.exchanges, http.MethodPut, "/"+collection+"(/bulk)?") {
		var one map[string]any
		var many []map[string]any
		if json.Unmarshal(e.request, &one) == nil {
			many = append(many, one)
		} else if err := json.Unmarshal(e.request, &many); err != nil {
			t.Fatalf("%s: %v", e.path, err)
		}
		requests = append(requests, many...)
	}
	for _, request := range requests {
		fqn := fmt.Sprint(request[parent]) + "." + quoted(fmt.Sprint(request["name"]))
		if holder, ok := request["parent"].(map[string]any); ok {
			var above named
			c.asBot().get(fmt.Sprintf("/%s/%s", collection, holder["id"]), &above)
			fqn = above.FullyQualifiedName + "." + quoted(fmt.Sprint(request["name"]))
		}
		var served map[string]any
		c.asBot().get("/"+collection+"/name/"+url.PathEscape(fqn)+"?fields=*", &served)
		for _, lack := range missing(request, served, collection+" "+fqn) {
			t.Error(lack)
		}
	}
	return len(requests)
}

// shopTables makes tables in the schema sales of a database, as another source
// would have brought them.
func shopTables(bot *api, service, database string, names ...string) {
	bot.t.Helper()
	type body map[string]any
	bot.send(http.MethodPut, "/services/databaseServices", body{"name": service, "serviceType": "Postgres"}, nil, http.StatusOK, http.StatusCreated)
	bot.send(http.MethodPut, "/databases", body{"name": database, "service": service}, nil, http.StatusCreated)
	bot.send(http.MethodPut, "/databaseSchemas", body{"name": "sales", "database": service + "." + database}, nil, http.StatusCreated)
	for _, name := range names {
		bot.send(http.MethodPut, "/tables", body{
			"name": name, "databaseSchema": service + "." + database + ".sales", "columns": []body{{"name": "id", "dataType": "INT"}, {"name": "day", "dataType": "DATE"}},
		}, nil, http.StatusCreated)
	}
}
