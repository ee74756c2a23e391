package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// talk begins a thread about the table orders and returns its id.
func (h *harness) talk(who caller, message string, more map[string]any) answer {
	h.t.Helper()
	body := map[string]any{"message": message, "from": who.name, "about": "<#E::table::shop.db.public.orders>"}
	for key, value := range more {
		body[key] = value
	}
	return h.as(who, "POST", "/feed", body).want(201)
}

// threadEvent returns the kind of an event of a thread, and the thread.
func (d delivered) threadEvent(t *testing.T) (kind string, thread map[string]any) {
	t.Helper()
	var event struct {
		EventType  string `json:"eventType"`
		EntityType string `json:"entityType"`
		User       string `json:"userName"`
		Entity     string `json:"entity"`
	}
	check(t, json.Unmarshal(d.body, &event))
	check(t, json.Unmarshal([]byte(event.Entity), &thread))
	if event.EntityType != "THREAD" {
		t.Errorf("the event is one of %s, want THREAD", event.EntityType)
	}
	return event.EventType + " " + event.User, thread
}

func TestAlertsHearOfConversations(t *testing.T) {
	h := newHarness(t)
	ann := h.consumer("ann")
	h.table(h.schema(), "orders", "id")
	talks, mentions, owned := newReceiver(t), newReceiver(t), newReceiver(t)
	h.subscription("talks", webhook(talks.url, nil), map[string]any{"resources": []string{"conversation"}})
	filter := func(name, argument string, values ...string) map[string]any {
		return map[string]any{"filters": []any{map[string]any{"name": name, "effect": "include", "arguments": []any{map[string]any{"name": argument, "input": values}}}}}
	}
	h.subscription("mentions", webhook(mentions.url, nil), map[string]any{"resources": []string{"conversation", "task"}, "input": filter("filterByMentionedName", "userList", "ann")})
	h.subscription("owned", webhook(owned.url, nil), map[string]any{"resources": []string{"all"}, "input": filter("filterByFqn", "fqnList", "shop.db.public.orders")})
	h.sending()

	id := h.talk(h.admin, "What is in here?", nil).id()
	h.do("POST", "/feed/"+id+"/posts", map[string]any{"message": "Ask <#E::user::ann|[@ann](https://catalog/users/ann)>.", "from": "admin"}, 201)
	h.talk(h.admin, "Holidays", map[string]any{"type": "Announcement", "announcementDetails": map[string]any{"startTime": 1, "endTime": 2}})
	h.as(ann, "PATCH", "/feed/"+id, `[{"op":"add","path":"/reactions/0","value":{"reactionType":"heart","user":{"id":"`+ann.id.String()+`","type":"user"}}}]`).want(200)
	h.do("PATCH", "/feed/"+id, `[{"op":"replace","path":"/message","value":"What is in here, <#E::team::Organization>?"}]`, 200)

	want := []string{"threadCreated admin", "postCreated admin", "threadUpdated admin"}
	for i, d := range talks.wait(t, 3) {
		kind, thread := d.threadEvent(t)
		if kind != want[i] || thread["type"] != "Conversation" || thread["id"] != id {
			t.Errorf("event %d is %q of %v, want %q", i, kind, thread, want[i])
		}
		if posts := thread["posts"].([]any); len(posts) != min(i, 1) {
			t.Errorf("event %d shows %d posts", i, len(posts))
		}
	}
	kind, thread := mentions.wait(t, 1)[0].threadEvent(t)
	if kind != "postCreated admin" || !strings.HasSuffix(thread["href"].(string), "/v1/feed/"+id) {
		t.Errorf("who is mentioned hears of %q: %v", kind, thread)
	}
	if n := len(owned.wait(t, 4)); n != 4 { // three of the conversation, one announcement
		t.Errorf("who watches all about the table hears of %d events", n)
	}
	if n := len(talks.wait(t, 3)); n != 3 {
		t.Errorf("who watches conversations hears of %d events: reactions and announcements are none", n)
	}
	h.do("GET", "/events?timestamp=1&limit=1000", nil, 200).lacks("THREAD")
	h.do("GET", "/audit/logs?limit=100", nil, 200).lacks("THREAD")
	h.as(ann, "GET", "/feed?filterType=MENTIONS&userId="+ann.id.String(), nil).want(200).shows("data.0.id", id)
}

func TestMailsGoToWhomAThreadMeans(t *testing.T) {
	h := newHarness(t)
	ann, bob, blind, owner := h.consumer("ann"), h.consumer("bob"), h.consumer("blind"), h.consumer("owner")
	table := h.table(h.schema(), "orders", "id")
	h.do("PATCH", "/tables/"+table, []map[string]any{{"op": "add", "path": "/owners", "value": []any{map[string]any{"id": owner.id, "type": "user"}}}}, 200)
	h.forbid(blind, "ViewAll")
	for resource, category := range map[string]string{"conversation": "Mentions", "task": "Assignees", "announcement": "Owners"} {
		h.subscription(resource+"s", map[string]any{"category": category, "type": "Email", "config": map[string]any{}}, map[string]any{"resources": []string{resource}})
	}
	h.sending()
	h.talk(ann, "<#E::user::bob>, <#E::user::blind>, <#E::user::nobody-at-all>: look", nil)
	task := h.talk(ann, "Say what it is", map[string]any{"type": "Task", "taskDetails": map[string]any{
		"type": "RequestDescription", "assignees": []any{map[string]any{"id": bob.id, "type": "user"}, map[string]any{"id": blind.id, "type": "user"}},
	}})
	h.talk(ann, "Closed on Monday", map[string]any{"type": "Announcement", "announcementDetails": map[string]any{"startTime": 1767225600000, "endTime": 1767312000000}})
	h.do("PUT", "/feed/tasks/"+string(task.member("task", "id"))+"/resolve", `{"newValue":"All that was ordered."}`, 200)
	want := []string{
		"bob@example.org: admin resolved task 1 (RequestDescription) about table shop.db.public.orders",
		"bob@example.org: ann asks with task 1 (RequestDescription) about table shop.db.public.orders",
		"bob@example.org: ann began a conversation about table shop.db.public.orders",
		"owner@example.org: ann began an announcement about table shop.db.public.orders",
	}
	if got := h.mails.wait(t, 4); !slices.Equal(got, want) {
		t.Errorf("mails %q, want %q", got, want)
	}
	bodies := strings.Join(h.mails.bodies, "\n")
	for _, part := range []string{"- @bob, @blind, @nobody-at-all: look", "- answer: All that was ordered.", "- from 2026-01-01 00:00 UTC to 2026-01-02 00:00 UTC"} {
		if !strings.Contains(bodies, part) {
			t.Errorf("the mails lack %q:\n%s", part, bodies)
		}
	}
}

func TestThreadsAreOffered(t *testing.T) {
	h := newHarness(t)
	list := string(h.do("GET", "/events/subscriptions/Notification/resources", nil, 200).body)
	for _, name := range []string{"announcement", "task", "conversation"} {
		if !strings.Contains(list, `"name":"`+name+`"`) {
			t.Errorf("%s is not offered: %s", name, list)
		}
	}
	for resource, part := range map[string]string{"conversation": "What does it mean", "task": "RequestDescription", "announcement": "1767225600000"} {
		got := h.do("POST", "/notificationTemplates/render", map[string]any{
			"templateSubject": "{{event.eventType}}", "templateBody": "<p>{{entity.message}} {{entity.task.type}} {{entity.announcement.startTime}}</p>", "resource": resource,
		}, 200).shows("render.subject", "threadCreated")
		if !strings.Contains(string(got.body), part) {
			t.Errorf("the sample of a %s lacks %q: %s", resource, part, got.body)
		}
	}
	h.do("POST", "/notificationTemplates/render", map[string]any{"templateSubject": "x", "templateBody": "y", "resource": "nothing"}, 400)
}
