package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

func (tr *trial) versions(t *testing.T) {
	var history struct {
		EntityType string   `json:"entityType"`
		Versions   []string `json:"versions"`
	}
	got := tr.c.get(t, tr.base+"/"+tr.id+"/versions").want(t, http.StatusOK)
	decode(t, got.body, &history)
	if history.EntityType != tr.typ.Name || len(history.Versions) == 0 {
		t.Fatalf("history of %s with %d versions", history.EntityType, len(history.Versions))
	}
	last := 1e9
	for i, text := range history.Versions {
		tr.conforms(t, "versions", []byte(text))
		var v struct {
			ID      string  `json:"id"`
			Version float64 `json:"version"`
		}
		decode(t, []byte(text), &v)
		if v.ID != tr.id || v.Version >= last && tr.schemas.Has(tr.typ.Schema, "version") {
			t.Errorf("version %d is %v of %s after %v", i, v.Version, v.ID, last)
		}
		last = v.Version
	}
	if !tr.schemas.Has(tr.typ.Schema, "version") {
		return
	}
	if last != 0.1 {
		t.Errorf("the oldest version is %v", last)
	}
	for _, v := range []float64{0.1, tr.version} {
		one := tr.checked(t, tr.c.get(t, tr.base+"/"+tr.id+"/versions/"+strconv.FormatFloat(v, 'f', 1, 64)).want(t, http.StatusOK))
		if one["version"] != v || one["id"] != tr.id {
			t.Errorf("version %v answers %v", v, one["version"])
		}
	}
	tr.c.get(t, tr.base+"/"+tr.id+"/versions/99.9").refused(t, http.StatusNotFound)
	tr.c.get(t, tr.base+"/"+tr.id+"/versions/abc").refused(t, http.StatusBadRequest)
}

func (tr *trial) followers(t *testing.T) {
	user := tr.need(t, "user")
	path := tr.base + "/" + tr.id + "/followers"
	got := tr.c.send(t, http.MethodPut, path, fmt.Sprintf("%q", user["id"])).want(t, http.StatusOK)
	if event := got.object(t); event["entityId"] != tr.id || event["entityType"] != tr.typ.Name {
		t.Errorf("following answers %s", shorten(got.body))
	}
	follower := tr.checked(t, tr.c.get(t, tr.base+"/"+tr.id+"?fields=followers").want(t, http.StatusOK))
	tr.wantRefs(t, follower, "followers", user)
	tr.c.send(t, http.MethodDelete, path+"/"+user["id"].(string), nil).want(t, http.StatusOK)
	tr.wantRefs(t, tr.again(t), "followers")
	tr.c.send(t, http.MethodPut, path, `"no-uuid"`).refused(t, http.StatusBadRequest)
	tr.c.send(t, http.MethodPut, path, `"00000000-0000-4000-8000-00000000ffff"`).refused(t, http.StatusNotFound, "user instance for")
	tr.sameVersion(t)
}

func (tr *trial) sameVersion(t *testing.T) {
	t.Helper()
	if v, _ := tr.again(t)["version"].(float64); v != tr.version {
		t.Errorf("version %v instead of %v", v, tr.version)
	}
}

func (tr *trial) votes(t *testing.T) {
	path := tr.base + "/" + tr.id + "/vote"
	for _, step := range []struct {
		vote     string
		up, down float64
	}{{"votedUp", 1, 0}, {"votedUp", 1, 0}, {"votedDown", 0, 1}, {"unVoted", 0, 0}} {
		tr.c.send(t, http.MethodPut, path, map[string]any{"updatedVoteType": step.vote}).want(t, http.StatusOK)
		ent := tr.checked(t, tr.c.get(t, tr.base+"/"+tr.id+"?fields=votes").want(t, http.StatusOK))
		votes, _ := ent["votes"].(map[string]any)
		if votes["upVotes"] != step.up || votes["downVotes"] != step.down {
			t.Errorf("after %s votes are %v", step.vote, ent["votes"])
		}
	}
	tr.c.send(t, http.MethodPut, path, map[string]any{"updatedVoteType": "sideways"}).refused(t, http.StatusBadRequest)
	tr.sameVersion(t)
}

// search checks that the entity is found as soon as the write was answered.
func (tr *trial) search(t *testing.T) {
	var types []string
	for _, typ := range tr.registry.All() {
		types = append(types, typ.Name)
	}
	index, ok := search.NewCatalog(types).IndexOf(tr.typ.Name)
	if !ok {
		t.Fatalf("%s has no index", tr.typ.Name)
	}
	path := "/api/v1/search/query?size=50&index=" + index + "&q=" + url.QueryEscape(`fullyQualifiedName:"`+strings.ReplaceAll(tr.fqn, `"`, `\"`)+`"`)
	eventually(t, "finding "+tr.fqn, func() bool { return tr.found(t, path) })
	byName := "/api/v1/search/query?size=50&index=" + index + "&q=" + url.QueryEscape(fmt.Sprint(tr.wantName()))
	eventually(t, "finding "+tr.name+" by its name", func() bool { return tr.found(t, byName) })
}

// searched checks whether a search that looks for the entity by its name shows it.
func (tr *trial) searched(t *testing.T, query string, want bool) {
	t.Helper()
	path := "/api/v1/search/query?size=50&index=all&q=" + url.QueryEscape(`fullyQualifiedName:"`+strings.ReplaceAll(tr.fqn, `"`, `\"`)+`"`) + query
	eventually(t, fmt.Sprintf("a search with %q that shows %s: %v", query, tr.fqn, want), func() bool { return tr.found(t, path) == want })
}

func (tr *trial) found(t *testing.T, path string) bool {
	t.Helper()
	var result struct {
		Hits struct {
			Hits []struct {
				ID     string         `json:"_id"`
				Source map[string]any `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	decode(t, tr.c.get(t, path).want(t, http.StatusOK).body, &result)
	for _, hit := range result.Hits.Hits {
		if hit.ID == tr.id && hit.Source["fullyQualifiedName"] == tr.fqn {
			return true
		}
	}
	return false
}

// events checks that the feed tells of the writes, each with the state it left.
func (tr *trial) events(t *testing.T) {
	seen := tr.told(t)
	if seen["entityCreated"] != 1 {
		t.Errorf("the feed tells %d times of the creation", seen["entityCreated"])
	}
	if tr.version > 0.1 && seen["entityUpdated"] == 0 {
		t.Errorf("the feed tells of no update up to version %v", tr.version)
	}
}

// told counts what the feed tells of the entity, by kind of event.
func (tr *trial) told(t *testing.T) (seen map[string]int) {
	t.Helper()
	var feed struct {
		Data []struct {
			EventType  string `json:"eventType"`
			EntityType string `json:"entityType"`
			EntityID   string `json:"entityId"`
			Entity     string `json:"entity"`
		} `json:"data"`
	}
	path := fmt.Sprintf("/api/v1/events?entityCreated=%[1]s&entityUpdated=%[1]s&entityDeleted=%[1]s&entityRestored=%[1]s&timestamp=%[2]d&limit=10000", tr.typ.Name, tr.began)
	decode(t, tr.c.get(t, path).want(t, http.StatusOK).body, &feed)
	seen = map[string]int{}
	for _, event := range feed.Data {
		if event.EntityType != tr.typ.Name {
			t.Fatalf("the feed of %s tells of a %s", tr.typ.Name, event.EntityType)
		}
		if event.EntityID == tr.id {
			seen[event.EventType]++
			if event.Entity != "" {
				tr.conforms(t, "an event", []byte(event.Entity))
			}
		}
	}
	return seen
}

func (tr *trial) softDelete(t *testing.T) {
	path := tr.base + "/" + tr.id
	gone := tr.c.send(t, http.MethodDelete, path+"?recursive=true", nil).want(t, http.StatusOK)
	ent := tr.checked(t, gone)
	if ent["deleted"] != true || gone.header.Get("X-OpenMetadata-Change") != "entitySoftDeleted" {
		t.Errorf("deleted is %v after %s", ent["deleted"], gone.header.Get("X-OpenMetadata-Change"))
	}
	tr.c.get(t, path).refused(t, http.StatusNotFound, "instance for")
	tr.c.get(t, tr.base+"/name/"+url.PathEscape(tr.fqn)).refused(t, http.StatusNotFound, "instance for")
	for _, include := range []string{"deleted", "all"} {
		ent := tr.checked(t, tr.c.get(t, path+"?fields=*&include="+include).want(t, http.StatusOK))
		if ent["deleted"] != true || ent["id"] != tr.id {
			t.Errorf("include=%s answers deleted=%v of %v", include, ent["deleted"], ent["id"])
		}
	}
	tr.patch(t, op("add", "/description", "late")).refused(t, http.StatusNotFound)
	tr.listed(t, "", false)
	tr.listed(t, "&include=deleted", true)
	tr.listed(t, "&include=all", true)
	tr.searched(t, "", false)
	tr.searched(t, "&deleted=true", true)
	if seen := tr.told(t); seen["entitySoftDeleted"] != 1 {
		t.Errorf("the feed tells of the soft deletion %d times", seen["entitySoftDeleted"])
	}
	if !tr.typ.Supports.Restore {
		return
	}
	back := tr.checked(t, tr.c.send(t, http.MethodPut, tr.base+"/restore", map[string]any{"id": tr.id}).want(t, http.StatusOK))
	if back["id"] != tr.id || back["deleted"] == true {
		t.Errorf("restored %v with deleted=%v", back["id"], back["deleted"])
	}
	tr.c.send(t, http.MethodPut, tr.base+"/restore", map[string]any{"id": tr.id}).refused(t, http.StatusNotFound)
	if now := tr.again(t); now["deleted"] == true {
		t.Error("restored, but still marked as deleted")
	}
	tr.searched(t, "", true)
	if seen := tr.told(t); seen["entityRestored"] != 1 {
		t.Errorf("the feed tells of the restoration %d times", seen["entityRestored"])
	}
}

// listed checks whether the first page of a large list has the entity.
func (tr *trial) listed(t *testing.T, query string, want bool) {
	t.Helper()
	p := tr.c.get(t, tr.base+"?limit=1000"+query).page(t)
	found := false
	for _, item := range p.Data {
		found = found || idOf(t, item) == tr.id
	}
	if found != want {
		t.Errorf("a list with %q shows the entity: %v, want %v", query, found, want)
	}
}

func (tr *trial) hardDelete(t *testing.T) {
	path := tr.base + "/" + tr.id
	gone := tr.c.send(t, http.MethodDelete, tr.base+"/name/"+url.PathEscape(tr.fqn)+"?hardDelete=true&recursive=true", nil).want(t, http.StatusOK)
	tr.checked(t, gone)
	if got := gone.header.Get("X-OpenMetadata-Change"); got != "entityDeleted" {
		t.Errorf("X-OpenMetadata-Change is %q", got)
	}
	for _, query := range []string{"", "?include=all", "?include=deleted"} {
		tr.c.get(t, path+query).refused(t, http.StatusNotFound, "instance for")
	}
	if tr.typ.Supports.Versions {
		tr.c.get(t, path+"/versions").refused(t, http.StatusNotFound)
	}
	tr.c.send(t, http.MethodDelete, path+"?hardDelete=true", nil).refused(t, http.StatusNotFound)
	tr.listed(t, "&include=all", false)
	tr.searched(t, "", false)
	tr.searched(t, "&deleted=true", false)
	if seen := tr.told(t); seen["entityDeleted"] != 1 {
		t.Errorf("the feed tells of the deletion %d times", seen["entityDeleted"])
	}
	if !tr.typ.Supports.PutAllowed {
		return
	}
	again := tr.checked(t, tr.c.send(t, http.MethodPut, tr.base, tr.asked).want(t, http.StatusCreated))
	if again["id"] == tr.id {
		t.Error("created anew, it has the id of the deleted one")
	}
}

// readOnlyTypes reads the collections that clients cannot write to.
func readOnlyTypes(t *testing.T, w *world, c *client) {
	for _, typ := range w.registry.All() {
		if typ.Create != "" && typ.Supports.PostAllowed {
			continue
		}
		tr := newTrial(t, w, c, typ)
		for _, item := range c.get(t, tr.base+"?limit=5&fields=*").page(t).Data {
			tr.conforms(t, tr.base, item)
			tr.conforms(t, tr.base, c.get(t, tr.base+"/"+idOf(t, item)).want(t, http.StatusOK).body)
		}
		if got := c.send(t, http.MethodPost, tr.base, `{"name":"x"}`); got.status < 400 || got.status > 405 && got.status != 501 {
			t.Errorf("POST %s answers %d", tr.base, got.status)
		}
	}
}
