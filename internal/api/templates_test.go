package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func TestTemplatesAreTriedOut(t *testing.T) {
	h := newHarness(t)
	if got := h.do("GET", "/notificationTemplates/helpers", nil, 200); !strings.Contains(string(got.body), `"name":"formatDate"`) {
		t.Errorf("helpers %s", got.body)
	}
	text := func(subject, body string) map[string]any {
		return map[string]any{"templateSubject": subject, "templateBody": body}
	}
	if got := h.do("POST", "/notificationTemplates/validate", text("{{event.entityType}}", "<p>{{#each entity.owners}}{{name}}{{/each}}</p>"), 200); string(got.member("isValid")) != "true" {
		t.Errorf("valid: %s", got.body)
	}
	if got := h.do("POST", "/notificationTemplates/validate", text("{{#if a}}", "{{system 'id'}}"), 200); string(got.member("isValid")) != "false" || got.member("subjectError") == nil || !strings.Contains(string(got.member("bodyError")), "no helper") {
		t.Errorf("invalid: %s", got.body)
	}
	render := func(resource string) map[string]any {
		out := text("{{event.entityType}} & {{entity.name}}", `<p onclick="x()">{{entity.description}}</p><script>alert(1)</script>{{formatDate event.timestamp}}`)
		out["resource"] = resource
		return out
	}
	got := h.do("POST", "/notificationTemplates/render", render("topic"), 200)
	if string(got.member("render", "subject")) != `"topic & sample"` || strings.Contains(string(got.member("render", "body")), "<p onclick") || strings.Contains(string(got.member("render", "body")), "<script") {
		t.Errorf("rendered: %s", got.body)
	}
	h.do("POST", "/notificationTemplates/render", render("rumour"), 400)
	h.do("POST", "/notificationTemplates/render", map[string]any{"resource": "table"}, 400)
	broken := render("table")
	broken["templateBody"] = "{{#each entity}}"
	if got := h.do("POST", "/notificationTemplates/render", broken, 200); string(got.member("validation", "isValid")) != "false" || got.member("render") != nil {
		t.Errorf("broken: %s", got.body)
	}
	h.do("POST", "/notificationTemplates", map[string]any{"name": "broken", "templateSubject": "s", "templateBody": "{{#if a}}"}, 400)
}

func TestTemplatesAreSent(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	request := map[string]any{"templateSubject": "{{event.entityType}} changed", "templateBody": "<ul><li>{{entity.description}}</li><li>two</li></ul>", "resource": "table"}
	slack := map[string]any{"category": "External", "type": "Slack", "config": map[string]any{"endpoint": to.url}}
	send := func(destination map[string]any) map[string]any {
		return map[string]any{"renderRequest": request, "destinations": []any{destination}}
	}
	h.do("POST", "/notificationTemplates/send", send(slack), 200)
	if body := string(to.wait(t, 1)[0].body); !strings.Contains(body, "table changed") || !strings.Contains(body, "• two") || strings.Contains(body, "li>") {
		t.Errorf("Slack got %s", body)
	}
	h.do("POST", "/notificationTemplates/send", send(map[string]any{"category": "External", "type": "Email", "config": map[string]any{"receivers": []string{"ann@example.org"}}}), 200)
	if got := h.mails.wait(t, 1); got[0] != "ann@example.org: table changed" {
		t.Errorf("mails %v", got)
	}
	inside := map[string]any{"category": "External", "type": "Slack", "config": map[string]any{"endpoint": "https://10.0.0.1/"}}
	for name, d := range map[string]map[string]any{"inside": inside, "a program": webhook(to.url, nil), "people": {"category": "Owners", "type": "Email"}} {
		if got := h.as(h.admin, "POST", "/notificationTemplates/send", send(d)); got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	h.as(h.consumer("reader"), "POST", "/notificationTemplates/send", send(slack)).want(403)
	id := h.do("POST", "/notificationTemplates", map[string]any{"name": "mine", "templateSubject": "{{entity.name}}: {{event.eventType}}", "templateBody": "<p>It is {{entity.name}}.</p>"}, 201).id()
	for _, path := range []string{"/notificationTemplates/" + id + "/reset", "/notificationTemplates/name/mine/reset"} {
		h.do("PUT", path, nil, 400)
	}
	h.do("PUT", "/notificationTemplates/name/none/reset", nil, 404)

	schema := h.schema()
	d := map[string]any{"category": "External", "type": "GChat", "config": map[string]any{"endpoint": to.url}}
	h.subscription("worded", d, map[string]any{"notificationTemplate": map[string]any{"id": id, "type": "notificationTemplate"}})
	h.sending()
	h.table(schema, "orders", "id")
	body := to.wait(t, 2)[1].body
	var message map[string]any
	check(t, json.Unmarshal(body, &message))
	if !strings.Contains(string(body), "orders: entityCreated") || !strings.Contains(string(body), "It is orders.") {
		t.Errorf("worded by the template: %s", body)
	}
}

func TestEmailTemplates(t *testing.T) {
	h := newHarness(t)
	text := map[string]any{"template": "Hello ${userName}, ${ link }", "placeHolders": []any{map[string]any{"name": "userName", "description": "d"}, map[string]any{"name": "link", "description": "d"}}}
	got := h.do("PUT", "/docStore/validateTemplate/reset-link", text, 200)
	if string(got.member("isValid")) != "true" {
		t.Errorf("valid: %s", got.body)
	}
	h.do("POST", "/docStore", map[string]any{"name": "reset-link", "fullyQualifiedName": "reset-link", "entityType": "EmailTemplate", "data": map[string]any{
		"template": "${userName} ${code}", "placeHolders": []any{map[string]any{"name": "userName", "description": "d"}, map[string]any{"name": "code", "description": "d"}}}}, 201)
	h.do("POST", "/docStore", map[string]any{"name": "page", "fullyQualifiedName": "page", "entityType": "Page", "data": map[string]any{}}, 201)
	got = h.do("PUT", "/docStore/validateTemplate/reset-link", text, 200)
	if string(got.member("isValid")) != "false" || string(got.member("missingPlaceholder")) != `["code"]` || string(got.member("additionalPlaceholder")) != `["link"]` {
		t.Errorf("invalid: %s", got.body)
	}
	h.do("PUT", "/docStore/validateTemplate/x", map[string]any{"template": 1}, 400)
	h.as(h.consumer("reader"), "PUT", "/docStore/validateTemplate/x", text).want(403)
	h.as(h.consumer("reader2"), "POST", "/docStore/resetEmailTemplate", nil).want(403)
	h.do("POST", "/docStore/resetEmailTemplate", nil, 200)
	h.do("GET", "/docStore/name/reset-link", nil, 404)
	h.do("GET", "/docStore/name/page", nil, 200)
}

func TestAuditExport(t *testing.T) {
	h := newHarness(t)
	schema := h.schema()
	for i := range 3 {
		h.table(schema, fmt.Sprint("t", i), "id")
	}
	h.do("GET", "/audit/logs/export?startTs=1", nil, 400)
	h.do("GET", "/audit/logs/export?startTs=2&endTs=1", nil, 400)
	h.as(h.consumer("reader"), "GET", "/audit/logs/export?startTs=1&endTs=9999999999999", nil).want(403)
	export := func(query string) []auditLog {
		t.Helper()
		var begun struct {
			Job string `json:"jobId"`
		}
		h.do("GET", "/audit/logs/export?startTs=1&endTs=9999999999999"+query, nil, 202).into(&begun)
		h.until("/jobs/"+begun.Job, func(a answer) bool { return string(a.member("status")) == `"COMPLETED"` })
		var entries []auditLog
		h.do("GET", "/jobs/"+begun.Job+"/result", nil, 200).into(&entries)
		return entries
	}
	entries := export("&entityType=table")
	if len(entries) != 3 || entries[0].EntityFQN != schema+".t2" || entries[2].EntityFQN != schema+".t0" {
		t.Errorf("tables %+v", entries)
	}
	if got := export("&entityType=table&limit=2"); len(got) != 2 {
		t.Errorf("%d entries, want 2", len(got))
	}
	if got := export("&userName=nobody-at-all"); len(got) != 0 {
		t.Errorf("%d entries of nobody", len(got))
	}
	h.do("GET", "/audit/logs?limit=200&entityType=team", nil, 200) // whose parents are teams
	if all := export(""); len(all) < 250 {                         // the seed: more than a page
		t.Errorf("all are %d", len(all))
	}
}
