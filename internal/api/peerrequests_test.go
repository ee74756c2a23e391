package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestPeerFaultsOfRights: what others than administrators can do, and what they see.
func TestPeerFaultsOfRights(t *testing.T) {
	h := newHarness(t)
	pipeline := h.ingestion()
	plain := h.consumer("plain")
	bot := h.do("GET", "/bots/name/ingestion-bot", nil, 200).at("botUser.id")
	for _, call := range []struct{ method, path, body string }{
		{"POST", "/bots", `{"name":"evil","botUser":"ingestion-bot"}`}, {"GET", "/users/token/" + bot, ""}, {"GET", "/users/auth-mechanism/" + bot, ""},
		{"PUT", "/users/generateToken/" + bot, `{"JWTTokenExpiry":"7"}`}, {"PUT", "/users/revokeToken", `{"id":"` + bot + `"}`},
		{"POST", "/users", `{"name":"evil","email":"evil@example.org"}`}, {"POST", "/users", `{"name":"evil","email":"evil@example.org","isBot":true}`},
		{"POST", "/users", `{"name":"evil","email":"evil@example.org","isAdmin":true}`},
	} {
		h.as(plain, call.method, call.path, call.body).want(403)
	}
	h.do("GET", "/users/name/evil", nil, 404)

	// No answer about pipelines holds a token, whoever asks and however.
	for _, who := range []caller{plain, h.admin, h.bot()} {
		for _, path := range []string{"", "?fields=*", "/" + pipeline, "/" + pipeline + "?fields=*", "/name/shop.nightly"} {
			h.as(who, "GET", ingestions+path, nil).want(200).lacks("jwtToken").lacks("eyJ")
		}
	}

	table := h.table("shop.db.public", "orders", "id")
	const path, patch = "/tables/", `[{"op":"add","path":"/%s","value":%s}]`
	h.as(plain, "PATCH", path+table, fmt.Sprintf(patch, "description", `"by somebody"`)).want(200)
	for what, call := range map[string]struct{ method, path, body string }{
		"EditDisplayName": {"PATCH", path + table, fmt.Sprintf(patch, "displayName", `"x"`)},
		"EditAll":         {"PATCH", path + table, fmt.Sprintf(patch, "columns/-", `{"name":"b","dataType":"INT"}`)},
		"Delete":          {"DELETE", path + table, ""},
		"Create":          {"POST", "/tables", `{"name":"b","databaseSchema":"shop.db.public","columns":[]}`},
	} {
		if got := h.as(plain, call.method, call.path, call.body).want(403); !strings.Contains(got.at("message"), "["+what+"]") {
			t.Errorf("%s is refused with %s", what, got.body)
		}
	}
}

// TestPeerFaultsOfSecrets: a password of a connection is masked in every answer, those
// of writes included, and clear for the ingestion bot alone.
func TestPeerFaultsOfSecrets(t *testing.T) {
	h := newHarness(t)
	const secret = "Sesame-Open-4711"
	const services = "/services/databaseServices"
	made := h.do("PUT", services, `{"name":"vault","serviceType":"Mysql","connection":{"config":{"type":"Mysql","username":"u","hostPort":"db:3306","authType":{"password":"`+secret+`"}}}}`, 201)
	id, masked := made.id(), `"*********"`
	hidden := func(what string, a answer) {
		t.Helper()
		if text := string(a.body); strings.Contains(text, secret) || strings.Contains(text, "fernet:") || strings.Contains(text, "sealed:") || !strings.Contains(text, masked) {
			t.Errorf("%s: %s", what, text)
		}
	}
	hidden("PUT", made)
	hidden("GET", h.do("GET", services+"/"+id, nil, 200))
	hidden("list", h.do("GET", services+"?fields=*", nil, 200))
	hidden("PATCH", h.do("PATCH", services+"/"+id, `[{"op":"add","path":"/description","value":"x"}]`, 200))
	hidden("PUT of what was shown", h.do("PUT", services, `{"name":"vault","serviceType":"Mysql","connection":{"config":{"type":"Mysql","username":"u","hostPort":"db:3306","authType":{"password":"*********"}}}}`, 200))
	if got := h.as(h.bot(), "GET", services+"/"+id, nil).want(200); !strings.Contains(string(got.body), secret) {
		t.Errorf("the ingestion bot sees %s", got.body)
	}
	hidden("versions", h.do("GET", services+"/"+id+"/versions/0.1", nil, 200))
	hidden("DELETE", h.do("DELETE", services+"/"+id, nil, 200))
	hidden("restore", h.do("PUT", services+"/restore", `{"id":"`+id+`"}`, 200))
	hidden("the last DELETE", h.do("DELETE", services+"/"+id+"?hardDelete=true", nil, 200))
	for _, path := range []string{"/events?entityCreated=*&entityUpdated=*&entityDeleted=*&timestamp=0", "/system/settings"} {
		h.do("GET", path, nil, 200).lacks(secret).lacks("sealed:")
	}
}

// TestPeerFaultsOfRequests: whatever is wrong with a request is said in one form, with
// a status of the 400s, and with nothing of what is inside.
func TestPeerFaultsOfRequests(t *testing.T) {
	h := newHarness(t)
	table := h.table(h.schema(), "orders", "id")
	const jsonType, patchType = "application/json", "application/json-patch+json"
	body := func(rest string) string { return `{"name":"b","databaseSchema":"shop.db.public",` + rest + `}` }
	for name, test := range map[string]struct {
		method, path, media, body string
		status                    int
		says                      string
	}{
		"unknown path":          {"GET", "/nothing/at/all", "", "", 404, "Not Found"},
		"no UUID":               {"GET", "/tables/nonsense", "", "", 400, ""},
		"no number":             {"GET", "/tables?limit=abc", "", "", 400, "limit"},
		"method":                {"PATCH", "/tables", patchType, `[]`, 405, "Method Not Allowed"},
		"text":                  {"POST", "/tables", "text/plain", body(`"columns":[]`), 415, ""},
		"XML":                   {"POST", "/tables", "application/xml", `<a/>`, 415, ""},
		"patch as JSON":         {"PATCH", "/tables/" + table, jsonType, `[]`, 415, ""},
		"unknown name":          {"GET", "/tables/name/a.b.c.d", "", "", 404, "table instance for a.b.c.d not found"},
		"unknown id":            {"GET", "/tables/" + entity.NewID().String(), "", "", 404, "not found"},
		"no parent":             {"POST", "/tables", jsonType, `{"name":"b","databaseSchema":"x.y.z","columns":[]}`, 404, "databaseSchema instance for x.y.z not found"},
		"no owner":              {"POST", "/tables", jsonType, body(`"columns":[],"owners":[{"id":"` + entity.NewID().String() + `","type":"user"}]`), 404, "user instance for"},
		"no tag":                {"POST", "/tables", jsonType, body(`"columns":[],"tags":[{"tagFQN":"No.Such","source":"Classification","labelType":"Manual","state":"Confirmed"}]`), 404, "tag instance for No.Such not found"},
		"there already":         {"POST", "/tables", jsonType, `{"name":"orders","databaseSchema":"shop.db.public","columns":[]}`, 409, "Entity already exists"},
		"no name":               {"POST", "/tables", jsonType, `{"databaseSchema":"shop.db.public","columns":[]}`, 400, "name"},
		"long name":             {"POST", "/tables", jsonType, `{"name":"` + strings.Repeat("x", 300) + `","databaseSchema":"shop.db.public","columns":[]}`, 400, "name"},
		"separator in a name":   {"POST", "/tables", jsonType, `{"name":"a::b","databaseSchema":"shop.db.public","columns":[]}`, 400, "name"},
		"unknown member":        {"POST", "/tables", jsonType, body(`"columns":[],"frob":1`), 400, "frob"},
		"unknown type":          {"POST", "/tables", jsonType, body(`"columns":[{"name":"a","dataType":"FROB"}]`), 400, "FROB"},
		"varchar of no length":  {"POST", "/tables", jsonType, body(`"columns":[{"name":"a","dataType":"VARCHAR"}]`), 400, "dataLength"},
		"array of nothing":      {"POST", "/tables", jsonType, body(`"columns":[{"name":"a","dataType":"ARRAY"}]`), 400, "rray"},
		"column twice":          {"POST", "/tables", jsonType, body(`"columns":[{"name":"a","dataType":"INT"},{"name":"a","dataType":"INT"}]`), 400, "a is repeated"},
		"constraint of nothing": {"POST", "/tables", jsonType, body(`"columns":[{"name":"a","dataType":"INT"}],"tableConstraints":[{"constraintType":"UNIQUE","columns":["z"]}]`), 400, "Invalid column name"},
		"a number for a name":   {"POST", "/tables", jsonType, `{"name":5,"databaseSchema":"shop.db.public","columns":[]}`, 400, "name"},
		"text behind":           {"POST", "/tables", jsonType, body(`"columns":[]`) + ` and more`, 400, ""},
		"a member twice":        {"POST", "/tables", jsonType, body(`"columns":[],"name":"c"`), 400, ""},
		"no JSON":               {"POST", "/tables", jsonType, `{"name":`, 400, ""},
		"null":                  {"POST", "/tables", jsonType, `null`, 400, ""},
		"nothing":               {"POST", "/tables", jsonType, ``, 400, ""},
		"a NUL":                 {"POST", "/tables", jsonType, body(`"columns":[],"description":"a\u0000b"`), 400, ""},
		"unknown field":         {"GET", "/tables?fields=bogus", "", "", 400, "Invalid field name bogus"},
		"negative limit":        {"GET", "/tables?limit=-1", "", "", 400, "must be greater than or equal to 0"},
		"large limit":           {"GET", "/tables?limit=1000001", "", "", 400, "must be less than or equal to"},
		"both cursors":          {"GET", "/tables?before=a&after=b", "", "", 400, "Only one of before or after"},
		"no cursor":             {"GET", "/tables?after=!!", "", "", 400, ""},
		"unknown include":       {"GET", "/tables?include=bogus", "", "", 400, "include must be one of"},
		"test that fails":       {"PATCH", "/tables/" + table, patchType, `[{"op":"test","path":"/name","value":"other"}]`, 400, ""},
		"path that is not":      {"PATCH", "/tables/" + table, patchType, `[{"op":"replace","path":"/nothing/here","value":1}]`, 400, ""},
		"unknown operation":     {"PATCH", "/tables/" + table, patchType, `[{"op":"frob","path":"/name"}]`, 400, ""},
		"patch of nothing":      {"PATCH", "/tables/" + table, patchType, ``, 400, ""},
		"patch that is no list": {"PATCH", "/tables/" + table, patchType, `{}`, 400, ""},
		"patch that is no JSON": {"PATCH", "/tables/" + table, patchType, `[{`, 400, ""},
		"long address":          {"GET", "/tables?service=" + strings.Repeat("x", 17<<10), "", "", 400, ""},
		"unknown index":         {"GET", "/search/query?q=x&index=frob", "", "", 400, ""},
		"not empty":             {"DELETE", "/services/databaseServices/name/shop", "", "", 400, "databaseService is not empty"},
		"no scheduler":          {"GET", "/services/ingestionPipelines/status", "", "", 501, ""},
	} {
		header := h.bearer()
		if test.media != "" {
			header["Content-Type"] = test.media
		}
		got := h.send(test.method, "/api/v1"+test.path, test.body, header)
		if got.status != test.status || got.header.Get("Content-Type") != jsonType {
			t.Errorf("%s: %d as %s, want %d: %.300s", name, got.status, got.header.Get("Content-Type"), test.status, got.body)
			continue
		}
		message := got.at("message")
		if message == "" || !strings.Contains(message, test.says) || got.at("code") != fmt.Sprint(test.status) {
			t.Errorf("%s: want words with %q: %.300s", name, test.says, got.body)
		}
		for _, inside := range []string{"SQL", "sqlite", "goroutine", ".go:", "panic", "json.", `"columns"`, "internal/"} {
			if strings.Contains(message, inside) {
				t.Errorf("%s tells %q of the inside: %s", name, inside, message)
			}
		}
	}
	// What a real server takes for an error of its own is none at all.
	h.send("GET", "/api/v1/search/query?q=%22unbalanced&index=table_search_index", "", h.bearer()).want(200)
	patched := h.send("PATCH", "/api/v1/tables/"+table, `[{"op":"replace","path":"/id","value":"`+entity.NewID().String()+`"}]`, map[string]string{
		"Authorization": "Bearer " + h.admin.token, "Content-Type": patchType})
	patched.want(200).shows("id", table, "version", "0.1")
	h.send("GET", "/nothing", "", nil).want(http.StatusNotFound).shows("code", "404")
	h.send("GET", "/api/v1/nothing/at/all", "", nil).want(http.StatusUnauthorized)
	now := h.do("GET", "/tables/"+table, nil, 200)
	if now.at("name") != "orders" || now.at("version") != "0.1" {
		t.Errorf("the refused requests left %s", now.body)
	}
}
