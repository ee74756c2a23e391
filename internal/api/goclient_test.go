package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestRequestsOfTheGoClient repeats the forms in which the Go client of OpenMetadata
// 1.12 sends requests, as its source has them: JSON is promised with calls that have no
// body, a patch gives a value with every operation, and names stand in paths as they are.
func TestRequestsOfTheGoClient(t *testing.T) {
	h := newHarness(t)
	schema := h.schema()
	const ours, patch = "application/json", "application/json-patch+json"
	send := func(method, path, media, body string, want ...int) answer {
		t.Helper()
		return h.sends(h.admin, method, path, media, body).want(want...)
	}
	var made []string
	for _, name := range []string{"a b", "c", "d", "e"} {
		id := send("POST", "/tables", ours, `{"name":"`+name+`","databaseSchema":"`+schema+`","columns":[{"name":"id","dataType":"INT"}],"description":"d"}`, 201).id()
		made = append(made, id)
	}
	send("GET", "/tables/"+made[0], ours, "", 200).shows("name", "a b")
	send("GET", "/tables/name/"+schema+".a%20b", ours, "", 200).shows("id", made[0])
	send("PUT", "/tables", ours, `{"name":"c","databaseSchema":"`+schema+`","columns":[{"name":"id","dataType":"INT"}],"description":"d"}`, 200).shows("id", made[1])

	// Its operations have no way to leave the value out.
	send("PATCH", "/tables/"+made[1], patch, `[{"op":"remove","path":"/description","value":null}]`, 200).shows("description", "")
	send("PATCH", "/tables/"+made[1], patch, `[{"op":"add","path":"/description","value":"e"},{"op":"add","path":"/displayName","value":"x"}]`, 200)
	send("PATCH", "/tables/"+made[1], patch, `[{"op":"move","path":"/displayName","value":null,"from":"/description"}]`, 200).shows("displayName", "e", "description", "")

	// It asks for pages until one has no place to go on from.
	var names []string
	after := ""
	for range 10 {
		var page struct {
			Data   []struct{ Name string } `json:"data"`
			Paging struct {
				After *string `json:"after"`
			} `json:"paging"`
		}
		got := send("GET", "/tables?databaseSchema="+schema+"&limit=2"+after, ours, "", 200)
		check(t, json.Unmarshal(got.body, &page, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(false)))
		for _, one := range page.Data {
			names = append(names, one.Name)
		}
		if page.Paging.After == nil || *page.Paging.After == "" {
			break
		}
		after = "&after=" + *page.Paging.After
	}
	if got := strings.Join(names, ","); got != "a b,c,d,e" {
		t.Errorf("page by page there are %s", got)
	}

	send("GET", "/tables/"+made[1]+"/versions", ours, "", 200).shows("entityType", "table")
	send("GET", "/tables/"+made[1]+"/versions/0.1", ours, "", 200).shows("version", "0.1")
	send("DELETE", "/tables/name/"+schema+".c?hardDelete=false&recursive=false", ours, "", 200)
	send("PUT", "/tables/restore", ours, `{"id":"`+made[1]+`"}`, 200).shows("deleted", "false")
	send("DELETE", "/tables/"+made[1]+"?hardDelete=true", ours, "", 200)
	send("GET", "/tables/"+made[1], ours, "", http.StatusNotFound).shows("code", "404")
	send("POST", "/tables", ours, `{"name":"d","databaseSchema":"`+schema+`","columns":[]}`, http.StatusConflict).shows("code", "409")
}
