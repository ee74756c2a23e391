//go:build !race

package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const postgresWithPassword = `{"name":"vault","serviceType":"Postgres","connection":{"config":{"type":"Postgres","hostPort":"127.0.0.1:5432","database":"d","username":"u","authType":{"password":"Str0ng-Canary-9"}}}}`

// patchDoors are calls that apply a patch, each to something that is there.
func (h *harness) patchDoors() []string {
	h.t.Helper()
	_, count, _ := h.suite()
	h.result(countFQN, 1000, "Failed")
	h.do("PUT", "/system/settings", smtpSetting, 200)
	stage := h.do("POST", "/dataQuality/testCases/testCaseIncidentStatus", `{"testCaseResolutionStatusType":"Ack","testCaseReference":"`+countFQN+`"}`, 200, 201).at("id")
	thread := h.say(h.admin, "hello").want(201).at("id")
	customers := h.do("GET", "/tables/name/"+customersFQN, nil, 200).id()
	other := h.table("shop.db.public", "other", "id")
	h.link(customers, other, nil)
	return []string{
		"/tables/" + customers, "/users/" + h.nobody.id.String(), "/dataQuality/testCases/" + count, "/dataQuality/testCases/testCaseResults/" + esc(countFQN) + "/1000",
		"/dataQuality/testCases/testCaseIncidentStatus/" + stage, "/system/settings/emailConfiguration", "/feed/" + thread, "/lineage/table/" + customers + "/table/" + other,
		"/services/databaseServices/name/shop",
	}
}

// TestT72PatchesHaveAMeasure: what is too much is refused at every call that takes a
// patch, at once and as a whole.
func TestT72PatchesHaveAMeasure(t *testing.T) {
	h := newHarness(t)
	doors := h.patchDoors()
	x := h.attacked()
	repeat := func(op string, n int) string { return "[" + strings.Repeat(op+",", n-1) + op + "]" }
	deep := strings.Repeat("/a", 10_000)
	small := map[string]string{
		"a path of 10,000 parts":   fmt.Sprintf(`[{"op":"add","path":%q,"value":1}]`, deep),
		"a source of 10,000 parts": fmt.Sprintf(`[{"op":"copy","from":%q,"path":"/description"}]`, deep),
		"a move from 10,000 parts": fmt.Sprintf(`[{"op":"move","from":%q,"path":"/description"}]`, deep),
		"10,000 escapes":           fmt.Sprintf(`[{"op":"test","path":"/%s","value":1}]`, strings.Repeat("~1~0", 10_000)),
		"an unknown operation":     `[{"op":"exec","path":"/a"}]`,
	}
	large := map[string]string{
		"100,000 tests":       repeat(`{"op":"test","path":"/a","value":null}`, 100_000),
		"100,000 additions":   repeat(`{"op":"add","path":"/tags/-","value":{}}`, 100_000),
		"100,000 copies":      repeat(`{"op":"copy","from":"/a","path":"/b"}`, 100_000),
		"nested 100,000 deep": `[{"op":"add","path":"/description","value":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}]`,
		"a huge number":       `[{"op":"add","path":"/description","value":` + strings.Repeat("9", 100_000) + `}]`,
		"an endless number":   `[{"op":"add","path":"/description","value":1e400}]`,
		"doubling":            repeat(`{"op":"copy","from":"","path":"/a"}`, 60),
		"doubling lists":      repeat(`{"op":"copy","from":"/columns","path":"/columns/0/children"}`, 60),
		"a far index":         `[{"op":"add","path":"/new/list/999999999","value":{}}]`,
		"far indexes":         repeat(`{"op":"add","path":"/new/9999/x","value":1}`, 5000),
	}
	for _, door := range doors {
		for _, patches := range []map[string]string{small, large} {
			for name, patch := range patches {
				got := x.refused(h.as(h.admin, "PATCH", door, patch), 400, 403, 413)
				if len(got.body) > 2000 {
					t.Errorf("%s at %s is answered with %d bytes", name, door, len(got.body))
				}
			}
		}
	}
	patched := 0
	for _, r := range h.api.Routes() {
		if r.Method != http.MethodPatch {
			continue
		}
		patched++
		path := routeParam.ReplaceAllString(strings.TrimPrefix(r.Path, "/api/v1"), "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6")
		for _, patch := range small {
			x.refused(h.as(h.admin, "PATCH", path, patch), 400, 401, 403, 404, 413)
		}
	}
	if patched < 100 {
		t.Errorf("only %d routes take patches: are some missing?", patched)
	}
	x.over()
}

// TestT72PatchesTellNoSecrets: neither comparing with a secret nor copying it shows
// what it is, to nobody.
func TestT72PatchesTellNoSecrets(t *testing.T) {
	h := newHarness(t)
	const secret = "Str0ng-Canary-9"
	vault := "/services/databaseServices/" + h.do("POST", "/services/databaseServices", postgresWithPassword, 201).id()
	h.do("PUT", "/system/settings", strings.ReplaceAll(smtpSetting, "s3cr3t-mail", secret), 200)
	bot := h.bot()
	doors := map[string]string{vault: "/connection/config/authType/password", "/services/databaseServices/name/vault": "/connection/config/authType/password", "/system/settings/emailConfiguration": "/password"}
	x := h.attacked()
	for door, at := range doors {
		for _, who := range []caller{h.admin, h.nobody, bot} {
			guess := func(value string) answer {
				return x.refused(h.as(who, "PATCH", door, fmt.Sprintf(`[{"op":"test","path":%q,"value":%q}]`, at, value)), 400, 403)
			}
			if right, wrong := guess(secret), guess("wrong"); right.status != wrong.status || right.anonymous() != wrong.anonymous() {
				t.Errorf("%s learns at %s which guess is right: %s and %s", who.name, door, right.body, wrong.body)
			}
		}
	}
	x.over()
	for door, at := range doors {
		for _, op := range []string{"copy", "move"} {
			for _, target := range []string{"/description", "/displayName", "/connection/config/hostPort", "/userName", "/nested/0/port"} {
				for _, who := range []caller{h.nobody, bot, h.admin} {
					got := h.as(who, "PATCH", door, fmt.Sprintf(`[{"op":%q,"from":%q,"path":%q}]`, op, at, target))
					x.silent(got)
					for _, shown := range []answer{got, h.do("GET", door, nil, 200)} {
						shown.lacks(secret)
						if strings.Contains(string(shown.body), "sealed:") {
							t.Errorf("%s shows a sealed secret: %s", shown.what, shown.body)
						}
					}
				}
			}
		}
	}
	h.as(bot, "GET", vault, nil).want(200) // who may see it still does, or has seen it moved away by the administrator
}

// TestT72PatchesAreNoWayToRead: who may not see something learns nothing of it from
// what is answered to a patch.
func TestT72PatchesAreNoWayToRead(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	h.as(h.bot(), "PUT", "/tables/"+id+"/sampleData", customersSample).want(200)
	h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/description","value":"the truth"}]`, 200)
	blind, ann := h.person("blind"), h.person("ann")
	h.rightsOf(blind, "Blind", `{"name":"no","effect":"deny","resources":["table"],"operations":["All"]}`)
	h.rightsOf(ann, "Writer", `{"name":"no","effect":"deny","resources":["table"],"operations":["ViewSampleData"]},{"name":"yes","effect":"allow","resources":["table"],"operations":["EditDescription","ViewBasic"]}`)
	x := h.attacked()
	want := h.as(blind, "PATCH", "/tables/"+id, `[{"op":"add","path":"/description","value":"x"}]`).want(403)
	for _, patch := range []string{
		`[{"op":"test","path":"/description","value":"the truth"}]`, `[{"op":"test","path":"/description","value":"a lie"}]`, `[{"op":"remove","path":"/columns/7"}]`, `[{"op":"remove","path":"/description"}]`,
		`[{"op":"copy","from":"/description","path":"/displayName"}]`, `[{"op":"copy","from":"/columns/9","path":"/displayName"}]`, `[{"op":"replace","path":"/columns/0/name","value":7}]`, `[{"op":"add","path":"/owners/5","value":{}}]`,
	} {
		got := x.refused(h.as(blind, "PATCH", "/tables/"+id, patch), 403)
		if strings.Contains(string(got.body), "truth") || got.code() != want.code() {
			t.Errorf("%s is answered %s", patch, got.body)
		}
	}
	x.refused(h.send("PATCH", "/api/v1/tables/"+id, `[]`, map[string]string{"Authorization": "Bearer " + blind.token, "If-Match": `"9.9"`, "Content-Type": patchTypes}), 403)
	for _, patch := range []string{
		`[{"op":"copy","from":"/sampleData/rows/0/0","path":"/description"}]`, `[{"op":"copy","from":"/sampleData","path":"/description"}]`, `[{"op":"move","from":"/sampleData/rows/0/0","path":"/description"}]`,
		`[{"op":"test","path":"/sampleData/rows/0/0","value":"1"}]`,
	} {
		x.refused(h.as(ann, "PATCH", "/tables/"+id, patch), 403)
	}
	x.over()
	h.as(ann, "PATCH", "/tables/"+id, `[{"op":"replace","path":"/description","value":"better"}]`).want(200)
}
