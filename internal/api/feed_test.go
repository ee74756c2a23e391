package api

import (
	"fmt"
	"testing"
)

const customersLink = "<#E::table::" + customersFQN + ">"

func (h *harness) say(who caller, message string) answer {
	h.t.Helper()
	return h.as(who, "POST", "/feed", `{"message":"`+message+`","from":"somebody-else","about":"`+customersLink+`"}`).want(201)
}

func (h *harness) task(who, assignee caller, typ, about, suggestion string) answer {
	h.t.Helper()
	return h.as(who, "POST", "/feed", map[string]any{
		"message": "please", "from": who.name, "about": about, "type": "Task",
		"taskDetails": map[string]any{"type": typ, "suggestion": suggestion, "assignees": []any{map[string]any{"id": assignee.id.String(), "type": "user"}}},
	}).want(201)
}

func TestThreadsAndPosts(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	ann, bob := h.consumer("ann"), h.consumer("bob")
	thread := h.say(ann, "Hello").shows("type", "Conversation", "createdBy", "ann", "resolved", "false", "postsCount", "0", "posts", "[]", "entityRef.id", table)
	path := "/feed/" + thread.id()
	post := h.as(bob, "POST", path+"/posts", `{"message":"Hi","from":"ann"}`).want(201).shows("postsCount", "1", "posts.0.from", "bob", "updatedBy", "bob").at("posts.0.id")
	for i := range 4 {
		h.as(ann, "POST", path+"/posts", fmt.Sprintf(`{"message":"m%d","from":"ann"}`, i)).want(201)
	}
	h.do("GET", "/feed", nil, 200).shows("paging.total", "1", "data.0.postsCount", "5", "data.0.posts.2.message", "m3", "data.0.posts.3", "")
	h.do("GET", path+"/posts", nil, 200).shows("paging.total", "5", "data.0.message", "Hi")
	h.as(ann, "PATCH", path+"/posts/"+post, `[{"op":"replace","path":"/message","value":"forged"}]`).want(403)
	h.as(bob, "PATCH", path+"/posts/"+post, `[{"op":"replace","path":"/message","value":"Hi there"}]`).want(200).shows("message", "Hi there")
	h.as(ann, "DELETE", path+"/posts/"+post, nil).want(403)
	h.as(bob, "DELETE", path+"/posts/"+post, nil).want(200)
	h.do("GET", path, nil, 200).shows("postsCount", "4", "posts.0.message", "m0")

	h.as(bob, "PATCH", path, `[{"op":"replace","path":"/message","value":"forged"}]`).want(403)
	h.as(ann, "PATCH", path, `[{"op":"replace","path":"/createdBy","value":"bob"}]`).want(403)
	reaction := func(who caller) string {
		return `[{"op":"add","path":"/reactions/-","value":{"reactionType":"thumbsUp","user":{"id":"` + who.id.String() + `","type":"user"}}}]`
	}
	h.as(bob, "PATCH", path, reaction(ann)).want(403)
	h.as(bob, "PATCH", path, reaction(bob)).want(200).shows("reactions.0.reactionType", "thumbsUp")
	h.as(ann, "PATCH", path, `[{"op":"replace","path":"/message","value":"Hello all"},{"op":"replace","path":"/resolved","value":true}]`).want(200).shows("message", "Hello all", "resolved", "true")
	h.as(bob, "DELETE", path, nil).want(403)
	h.as(ann, "DELETE", path, nil).want(200)
	h.do("GET", path, nil, 404)
}

func TestBadThreads(t *testing.T) {
	h := newHarness(t)
	h.customers()
	for _, test := range []struct {
		body   string
		status int
	}{
		{`{"message":"x","from":"admin","about":"nonsense"}`, 400},
		{`{"message":"x","from":"admin","about":"<#E::table::shop.db.public.none>"}`, 404},
		{`{"message":"","from":"admin","about":"` + customersLink + `"}`, 400},
		{`{"message":"x","from":"admin","about":"` + customersLink + `","type":"Task"}`, 400},
		{`{"message":"x","from":"admin","about":"` + customersLink + `","type":"Announcement","announcementDetails":{"startTime":5,"endTime":5}}`, 400},
		{`{"message":"x","from":"admin","about":"` + customersLink + `","type":"Task","taskDetails":{"type":"RequestApproval","assignees":[{"id":"` + h.admin.id.String() + `","type":"user"}]}}`, 400},
		{`{"message":"x","from":"admin","about":"` + customersLink + `","type":"Task","taskDetails":{"type":"Generic","assignees":[{"id":"11111111-2222-4333-8444-555555555555","type":"user"}]}}`, 404},
	} {
		h.do("POST", "/feed", test.body, test.status)
	}
	h.do("GET", "/feed", nil, 200).shows("paging.total", "0")
}

func TestTasksChangeTheEntity(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	ann, bob := h.consumer("ann"), h.consumer("bob")
	h.forbid(bob, "EditDescription")
	task := h.task(ann, bob, "UpdateDescription", emailLink, "E-mail")
	path := "/feed/tasks/" + task.at("task.id")
	h.do("GET", path, nil, 200).shows("id", task.id(), "task.status", "Open", "task.assignees.0.name", "bob")
	h.as(bob, "PUT", path+"/resolve", `{"newValue":"taken over"}`).want(403)
	h.do("GET", "/tables/"+table, nil, 200).shows("columns.1.description", "", "version", "0.1")
	h.as(ann, "PUT", path+"/resolve", `{"newValue":"E-mail address"}`).want(200).shows("task.status", "Closed", "task.closedBy", "ann", "resolved", "true", "task.newValue", "E-mail address")
	h.do("GET", "/tables/"+table, nil, 200).shows("columns.1.description", "E-mail address", "version", "0.2", "updatedBy", "ann")
	h.as(ann, "PUT", path+"/resolve", `{"newValue":"again"}`).want(400)

	tags := h.task(ann, ann, "UpdateTag", customersLink, "[]")
	h.as(ann, "PUT", "/feed/tasks/"+tags.at("task.id")+"/resolve", map[string]any{"newValue": "no json"}).want(400)
	h.as(ann, "PUT", "/feed/tasks/"+tags.at("task.id")+"/resolve", map[string]any{
		"newValue": `[{"tagFQN":"Tier.Tier2","source":"Classification","labelType":"Manual","state":"Confirmed"}]`,
	}).want(200).shows("task.id", "2", "task.status", "Closed")
	h.do("GET", "/tables/"+table+"?fields=tags", nil, 200).shows("tags.0.tagFQN", "Tier.Tier2")
	h.do("GET", "/feed/tasks/99", nil, 404)
	h.do("GET", "/feed/tasks/x", nil, 400)
}

func TestTasksCanBeClosed(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	ann, bob, eve := h.consumer("ann"), h.consumer("bob"), h.consumer("eve")
	path := "/feed/tasks/" + h.task(ann, bob, "RequestDescription", customersLink, "").at("task.id")
	h.as(eve, "PUT", path+"/close", `{"comment":"no"}`).want(403)
	h.as(bob, "PUT", path+"/close", `{"comment":"not needed"}`).want(200).shows("task.status", "Closed", "posts.0.message", "not needed", "posts.0.from", "bob")
	h.as(bob, "PUT", path+"/close", `{"comment":"twice"}`).want(400)
	h.do("GET", "/tables/"+table, nil, 200).shows("version", "0.1")
	generic := "/feed/tasks/" + h.task(ann, bob, "Generic", customersLink, "").at("task.id")
	h.as(eve, "PUT", generic+"/resolve", `{"newValue":"done"}`).want(403)
	h.as(bob, "PUT", generic+"/resolve", `{"newValue":"done"}`).want(200).shows("task.newValue", "done")
}

func TestFeedFilters(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	ann, bob := h.consumer("ann"), h.consumer("bob")
	h.say(ann, "one")
	h.say(bob, "for <#E::user::ann>")
	h.task(bob, ann, "RequestDescription", emailLink, "")
	h.do("POST", "/feed", `{"message":"down","from":"admin","about":"`+customersLink+`","type":"Announcement","announcementDetails":{"startTime":1,"endTime":9999999999999}}`, 201)
	h.do("POST", "/feed", `{"message":"was down","from":"admin","about":"`+customersLink+`","type":"Announcement","announcementDetails":{"startTime":1,"endTime":2}}`, 201)
	h.do("PATCH", "/tables/"+table, `[{"op":"add","path":"/owners","value":[{"id":"`+ann.id.String()+`","type":"user"}]}]`, 200)
	for _, test := range []struct{ query, total string }{
		{"", "5"}, {"type=Task", "1"}, {"type=Conversation", "2"}, {"taskStatus=Open", "1"}, {"taskStatus=Closed", "0"},
		{"type=Announcement", "2"}, {"type=Announcement&activeAnnouncement=true", "1"}, {"resolved=false", "5"}, {"resolved=true", "0"},
		{"entityLink=" + esc(customersLink), "5"}, {"entityLink=" + esc(emailLink), "1"},
		{"filterType=ASSIGNED_TO&userId=" + ann.id.String(), "1"}, {"filterType=ASSIGNED_TO&userId=" + bob.id.String(), "0"},
		{"filterType=ASSIGNED_BY&userId=" + bob.id.String(), "1"}, {"filterType=MENTIONS&userId=" + ann.id.String(), "1"},
		{"filterType=OWNER&userId=" + ann.id.String(), "5"}, {"filterType=OWNER&userId=" + bob.id.String(), "0"},
		{"userId=" + bob.id.String(), "2"},
	} {
		t.Run(test.query, func(t *testing.T) { h.do("GET", "/feed?"+test.query, nil, 200).shows("paging.total", test.total) })
	}
	first := h.do("GET", "/feed?limit=2", nil, 200).shows("data.2", "", "paging.after", "2", "paging.before", "")
	second := h.do("GET", "/feed?limit=2&after="+first.at("paging.after"), nil, 200).shows("paging.before", "0", "paging.after", "4")
	if first.at("data.1.id") == second.at("data.0.id") || second.at("data.0.id") == "" {
		t.Error("pages overlap")
	}
	h.do("GET", "/feed/count?entityLink="+esc(customersLink), nil, 200).
		shows("paging.total", "2", "data.0.entityLink", emailLink, "data.0.openTaskCount", "1", "data.1.conversationCount", "2", "data.1.totalAnnouncementCount", "2")
	h.do("GET", "/feed?filterType=ODD&userId="+ann.id.String(), nil, 400)
	h.do("GET", "/feed?entityLink=odd", nil, 400)
	h.do("GET", "/feed?after=1&before=1", nil, 400)
	h.forbid(bob, "ViewBasic")
	h.as(bob, "GET", "/feed", nil).want(200).shows("paging.total", "0")
	h.as(bob, "GET", "/feed/"+first.at("data.0.id"), nil).want(403)
	h.do("DELETE", "/tables/"+table+"?hardDelete=true&recursive=true", nil, 200)
	h.do("GET", "/feed", nil, 200).shows("paging.total", "0")
}
