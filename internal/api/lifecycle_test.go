package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestVersionsCanBeRead(t *testing.T) {
	h := newHarness(t)
	id := h.table(h.schema(), "a", "id")
	h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/description","value":"one"}]`, 200).shows("version", "0.2")
	h.do("PATCH", "/tables/"+id, `[{"op":"remove","path":"/columns/0"}]`, 200).shows("version", "1.2") // a column less is a new major version
	h.do("GET", "/tables/"+id+"/versions/0.1", nil, 200).shows("version", "0.1", "description", "", "columns.0.name", "id")
	h.do("GET", "/tables/"+id+"/versions/0.2", nil, 200).shows("version", "0.2", "description", "one", "columns.0.name", "id")
	h.do("GET", "/tables/"+id+"/versions/1.2", nil, 200).shows("version", "1.2", "description", "one", "columns.0.name", "")
	var list versionHistory
	h.do("GET", "/tables/"+id+"/versions", nil, 200).into(&list)
	if list.EntityType != "table" || len(list.Versions) != 3 || !strings.Contains(list.Versions[0], `"version":1.2`) {
		t.Errorf("the versions are %v", list)
	}
	for path, status := range map[string]int{"/versions/7.7": 404, "/versions/latest": 400, "/versions/-1": 400, "/versions/0.1x": 400} {
		h.do("GET", "/tables/"+id+path, nil, status)
	}
	h.do("GET", "/tables/"+entity.NewID().String()+"/versions", nil, 404)
	h.do("GET", "/tables/nonsense/versions", nil, 400)
	// The history outlives the entity's deletion, but not its destruction.
	h.do("DELETE", "/tables/"+id, nil, 200)
	h.do("GET", "/tables/"+id+"/versions/0.1", nil, 200)
	h.do("DELETE", "/tables/"+id+"?hardDelete=true", nil, 200)
	h.do("GET", "/tables/"+id+"/versions/0.1", nil, 404)
	h.do("GET", "/tables/"+id+"/versions", nil, 404)
}

func TestIfMatchGuardsAPatch(t *testing.T) {
	h := newHarness(t)
	id := h.table(h.schema(), "a", "id")
	tag := h.do("GET", "/tables/"+id, nil, 200).header.Get("ETag")
	for _, test := range []struct {
		match, text string
		status      int
	}{{tag, "one", 200}, {tag, "two", 412}, {"W/" + tag, "two", 412}, {"*", "three", 200}, {"", "four", 200}, {`"nonsense"`, "five", 400}} {
		header := h.bearer()
		header["Content-Type"] = "application/json-patch+json"
		if test.match != "" {
			header["If-Match"] = test.match
		}
		got := h.send("PATCH", "/api/v1/tables/"+id, `[{"op":"add","path":"/description","value":"`+test.text+`"}]`, header)
		if got.status != test.status {
			t.Errorf("If-Match %s answers %d, want %d: %s", test.match, got.status, test.status, got.body)
		}
	}
	h.do("GET", "/tables/"+id, nil, 200).shows("description", "four")
}

func TestDeletedEntitiesComeBackInOrder(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	id := h.table(s, "a", "id")
	db := h.do("GET", "/databases/name/shop.db", nil, 200).id()
	h.do("DELETE", "/databases/"+db, nil, 400) // it is not empty
	h.do("DELETE", "/databases/"+db+"?recursive=perhaps", nil, 400)
	h.do("DELETE", "/databases/"+db+"?recursive=true", nil, 200).shows("deleted", "true")
	for include, status := range map[string]int{"": 404, "non-deleted": 404, "deleted": 200, "all": 200, "some": 400} {
		h.do("GET", "/tables/"+id+"?include="+include, nil, status)
	}
	h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/description","value":"x"}]`, 404)
	if got := h.do("PUT", "/tables/restore", `{"id":"`+id+`"}`, 400).at("message"); !strings.Contains(got, "restore it first") {
		t.Errorf("the restore of a child says %q", got)
	}
	h.as(h.nobody, "PUT", "/databases/restore", `{"id":"`+db+`"}`).want(403)
	h.do("PUT", "/databases/restore", `{"id":"`+db+`"}`, 200).shows("deleted", "false")
	h.do("GET", "/tables/"+id, nil, 200).shows("deleted", "false")
	h.do("PUT", "/databases/restore", `{"id":"`+db+`"}`, 404) // nothing to restore
	for body, status := range map[string]int{`{}`: 404, `{"id":"nonsense"}`: 400, `{"id":"` + id + `","more":1}`: 400, `{"id":"` + entity.NewID().String() + `"}`: 404} {
		h.do("PUT", "/databases/restore", body, status)
	}
}

func TestBulkRowsFailAlone(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	h.table(s, "old", "id")
	row := func(name, schema string) string {
		return `{"name":"` + name + `","databaseSchema":"` + schema + `","columns":[{"name":"id","dataType":"INT"}]}`
	}
	rows := "[" + strings.Join([]string{row("new", s), strings.Replace(row("old", s), `{`, `{"displayName":"x",`, 1), row("lost", "no.such.schema"), `{"databaseSchema":"` + s + `"}`, `7`}, ",") + "]"
	for _, test := range []struct {
		who  caller
		want []int
	}{
		{h.nobody, []int{403, 403, 403, 400, 400}},
		{h.admin, []int{201, 200, 404, 400, 400}},
	} {
		var result struct {
			Passed  int               `json:"numberOfRowsPassed"`
			Failed  int               `json:"numberOfRowsFailed"`
			Success []engine.BulkItem `json:"successRequest"`
			Failure []engine.BulkItem `json:"failedRequest"`
		}
		got := h.as(test.who, "PUT", "/tables/bulk", rows).want(200)
		got.into(&result)
		var passed int
		for _, status := range test.want {
			if status < 300 {
				passed++
			}
		}
		if result.Passed != passed || result.Failed != len(test.want)-passed || len(result.Success) != passed || len(result.Failure) != len(test.want)-passed {
			t.Errorf("%s: %s, want %d rows to pass", test.who.name, got.body, passed)
		}
		var statuses []int
		for _, item := range slices.Concat(result.Success, result.Failure) {
			statuses = append(statuses, item.Status)
			if item.Status >= 300 && item.Message == "" {
				t.Errorf("a row failed without a word: %s", item.Request)
			}
		}
		slices.Sort(statuses)
		slices.Sort(test.want)
		if test.who.name == "admin" && !slices.Equal(statuses, test.want) {
			t.Errorf("%s: the rows answer %v, want %v", test.who.name, statuses, test.want)
		}
	}
	h.do("GET", "/tables/name/"+s+".new", nil, 200)
	for _, body := range []string{`{}`, `[`, `null`} {
		h.do("PUT", "/tables/bulk", body, 400)
	}
	h.do("PUT", "/tables/bulk", `[]`, 200).shows("numberOfRowsProcessed", "0")
}

func TestVotesAndFollowers(t *testing.T) {
	h := newHarness(t)
	id := h.table(h.schema(), "a", "id")
	vote := func(who caller, what string, status int) {
		t.Helper()
		h.as(who, "PUT", "/tables/"+id+"/vote", `{"updatedVoteType":"`+what+`"}`).want(status)
	}
	shows := func(up, down string) {
		t.Helper()
		h.do("GET", "/tables/"+id+"?fields=votes", nil, 200).shows("votes.upVotes", up, "votes.downVotes", down)
	}
	vote(h.admin, "votedUp", 200)
	vote(h.nobody, "votedUp", 200)
	vote(h.nobody, "votedUp", 200) // twice is once
	shows("2", "0")
	vote(h.nobody, "votedDown", 200)
	shows("1", "1")
	vote(h.nobody, "unVoted", 200)
	vote(h.nobody, "sideways", 400)
	shows("1", "0")

	followers := "/tables/" + id + "/followers"
	h.as(h.nobody, "PUT", followers, `"`+h.nobody.id.String()+`"`).want(200)
	h.as(h.nobody, "PUT", followers, `"`+h.admin.id.String()+`"`).want(403)
	h.do("PUT", followers, `"nonsense"`, 400)
	h.do("PUT", followers, `"`+entity.NewID().String()+`"`, 404)
	h.do("GET", "/tables/"+id+"?fields=followers", nil, 200).shows("followers.0.name", "somebody", "followers.1", "")
	h.as(h.nobody, "DELETE", followers+"/"+h.admin.id.String(), nil).want(403)
	h.do("DELETE", followers+"/"+h.nobody.id.String(), nil, 200)
	h.do("GET", "/tables/"+id+"?fields=followers", nil, 200).shows("followers.0", "")
	h.do("DELETE", followers+"/nonsense", nil, 400)
	h.do("GET", "/tables/"+id, nil, 200).shows("version", "0.1") // opinions make no version
}

func TestListsAreFiltered(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a := h.table(s, "a", "id")
	gone := h.table(s, "gone", "id")
	h.do("PUT", "/databaseSchemas", `{"name":"public2","database":"shop.db"}`, 201)
	h.table("shop.db.public2", "b", "id")
	h.do("DELETE", "/tables/"+gone, nil, 200)
	db, unknown := h.do("GET", "/databases/name/shop.db", nil, 200).id(), entity.NewID().String()
	query := h.do("POST", "/queries", `{"name":"q","query":"select 1","service":"shop","queryUsedIn":[{"id":"`+a+`","type":"table"}]}`, 201).id()
	h.do("POST", "/services/driveServices", `{"name":"drive","serviceType":"GoogleDrive"}`, 201)
	h.do("POST", "/drives/directories", `{"name":"top","service":"drive"}`, 201)
	h.do("POST", "/drives/directories", `{"name":"sub","service":"drive","parent":"drive.top"}`, 201)
	for _, test := range []struct{ path, total, first string }{
		{"/tables?databaseSchema=shop.db.public", "1", a}, // and not public2, which begins alike
		{"/tables?database=shop.db", "2", ""},
		{"/tables?database=" + db, "2", ""},
		{"/tables?service=shop&databaseSchema=shop.db.public", "1", a},
		{"/tables?service=*", "2", ""},
		{"/tables?databaseSchema=no.such.schema", "0", ""},
		{"/tables?database=" + unknown, "0", ""},
		{"/tables?databaseSchema=shop.db.public&include=all", "2", ""},
		{"/tables?databaseSchema=shop.db.public&include=deleted", "1", gone},
		{"/tables?databaseSchema=shop.db.public&limit=0", "1", ""},
		{"/queries?entityId=" + a, "1", query},
		{"/queries?entityId=" + gone, "0", ""},
		{"/queries?entityId=" + unknown, "0", ""},
		{"/drives/directories?service=drive", "2", ""},
		{"/drives/directories?parent=drive.top", "1", ""},
		{"/drives/directories?parent=drive.none", "0", ""},
		{"/drives/directories?parent=" + unknown, "0", ""},
	} {
		got := h.do("GET", test.path, nil, 200).shows("paging.total", test.total)
		if test.first != "" {
			got.shows("data.0.id", test.first)
		}
		if test.total == "0" {
			got.shows("data", "[]", "paging.after", "")
		}
	}
	for _, query := range []string{
		"include=some", "limit=-1", "limit=1000001", "limit=x", "fields=teapot", "service=" + strings.Repeat("x", 14000),
	} {
		if got := h.as(h.admin, "GET", "/tables?"+query, nil); got.status != 400 || got.at("message") == "" {
			t.Errorf("%.40s answers %d: %s", query, got.status, got.body)
		}
	}
}
