package api

import (
	"strings"
	"testing"
)

// reviewedGlossary makes a glossary that somebody and a team review, and gives back the
// reviewer, a member of the team, and an author who may edit everything.
func (h *harness) reviewedGlossary() (reviewer, member, author caller) {
	h.t.Helper()
	reviewer, member, author = h.consumer("reviewer"), h.consumer("member"), h.consumer("author")
	team := h.do("POST", "/teams", `{"name":"board","teamType":"Group","users":["`+member.id.String()+`"]}`, 201).id()
	h.do("POST", "/policies", `{"name":"Write","rules":[{"name":"all","resources":["all"],"operations":["All"],"effect":"allow"}]}`, 201)
	role := h.do("POST", "/roles", `{"name":"Writer","policies":["Write"]}`, 201).id()
	for _, who := range []caller{author, reviewer} {
		h.do("PATCH", "/users/"+who.id.String(), `[{"op":"add","path":"/roles/-","value":`+about("role", role)+`}]`, 200)
	}
	h.do("POST", "/glossaries", `{"name":"Words","description":"d","reviewers":[`+about("user", reviewer.id.String())+`,`+about("team", team)+`]}`, 201)
	return reviewer, member, author
}

// approval is the open task about a term.
func (h *harness) approval(term string) answer {
	h.t.Helper()
	return h.do("GET", "/feed?type=Task&taskStatus=Open&entityLink="+esc("<#E::glossaryTerm::"+term+">"), nil, 200)
}

func TestTermsWaitForTheirReviewers(t *testing.T) {
	h := newHarness(t)
	reviewer, member, author := h.reviewedGlossary()
	term := func(who caller, name, parent string) answer {
		t.Helper()
		return h.as(who, "POST", "/glossaryTerms", `{"name":"`+name+`","glossary":"Words","description":"d"`+parent+`}`).want(201)
	}
	status := func(name, want string) {
		t.Helper()
		h.do("GET", "/glossaryTerms/name/Words."+name, nil, 200).shows("entityStatus", want)
	}
	term(author, "a", "").shows("entityStatus", "In Review")
	h.do("GET", "/glossaryTerms/name/Words.a?fields=reviewers", nil, 200).shows("reviewers.0.id", reviewer.id.String(), "reviewers.0.inherited", "true", "reviewers.1.name", "board")
	task := h.approval("Words.a").shows("paging.total", "1", "data.0.task.type", "RequestApproval", "data.0.task.assignees.0.id", reviewer.id.String(), "data.0.createdBy", "author", "data.0.task.assignees.1.type", "team").at("data.0.task.id")

	resolve := "/feed/tasks/" + task + "/resolve"
	h.as(author, "PUT", resolve, `{"newValue":"approved"}`).want(403)
	h.do("PUT", resolve, `{"newValue":"approved"}`, 403)
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"replace","path":"/entityStatus","value":"Approved"}]`).want(403)
	h.as(reviewer, "PUT", resolve, `{"newValue":"perhaps"}`).want(400)
	status("a", "In Review")
	h.as(reviewer, "PUT", resolve, `{"newValue":"Approved"}`).want(200).shows("task.status", "Closed", "task.newValue", "approved", "task.closedBy", "reviewer")
	status("a", "Approved")
	h.as(reviewer, "PUT", resolve, `{"newValue":"rejected"}`).want(400)
	h.approval("Words.a").shows("paging.total", "0")

	// Below a term, by a member of the reviewing team, who rejects.
	term(author, "b", `,"parent":"Words.a"`).shows("entityStatus", "In Review")
	task = h.approval("Words.a.b").at("data.0.task.id")
	h.as(member, "PUT", "/feed/tasks/"+task+"/resolve", `{"newValue":"rejected"}`).want(200)
	status("a.b", "Rejected")
	// Once more, and approved without the task, which is closed.
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a.b", `[{"op":"replace","path":"/entityStatus","value":"In Review"}]`).want(200)
	h.approval("Words.a.b").shows("paging.total", "1")
	h.as(author, "PUT", "/glossaryTerms", `{"name":"b","glossary":"Words","parent":"Words.a","description":"better"}`).want(200).shows("entityStatus", "In Review")
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a.b", `[{"op":"remove","path":"/entityStatus"}]`).want(200).shows("entityStatus", "In Review")
	term(reviewer, "mine", "").shows("entityStatus", "Approved")
	h.approval("Words.mine").shows("paging.total", "0")
}

func TestReviewsChangeHandsAndAreWithdrawn(t *testing.T) {
	h := newHarness(t)
	_, _, author := h.reviewedGlossary()
	other := h.consumer("other")
	h.as(author, "POST", "/glossaryTerms", `{"name":"a","glossary":"Words","description":"d","reviewers":[`+about("user", other.id.String())+`]}`).want(201).shows("entityStatus", "In Review")
	task := h.approval("Words.a").shows("data.0.task.assignees.0.id", other.id.String(), "data.0.task.assignees.1", "").at("data.0.task.id")
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"replace","path":"/reviewers","value":[`+about("user", h.admin.id.String())+`]}]`).want(200)
	h.approval("Words.a").shows("paging.total", "1", "data.0.task.id", task, "data.0.task.assignees.0.id", h.admin.id.String())
	h.as(other, "PUT", "/feed/tasks/"+task+"/resolve", `{"newValue":"approved"}`).want(403)
	h.as(h.nobody, "PUT", "/feed/tasks/"+task+"/close", `{"comment":"no"}`).want(403)
	h.as(author, "PUT", "/feed/tasks/"+task+"/close", `{"comment":"not yet"}`).want(200).shows("task.status", "Closed", "posts.0.message", "not yet")
	h.do("GET", "/glossaryTerms/name/Words.a", nil, 200).shows("entityStatus", "Draft")
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"replace","path":"/entityStatus","value":"In Review"}]`).want(200)
	next := h.approval("Words.a").shows("paging.total", "1").at("data.0.task.id")
	if next == task {
		t.Error("a review that begins again needs a task of its own")
	}
	// Who takes the reviewers away and approves at once is no reviewer either.
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"remove","path":"/reviewers"},{"op":"replace","path":"/entityStatus","value":"Approved"}]`).want(403)
	h.do("PUT", "/feed/tasks/"+next+"/resolve", `{"newValue":"approved"}`, 200)
	h.do("GET", "/glossaryTerms/name/Words.a", nil, 200).shows("entityStatus", "Approved")

	// A term that nobody reviews any more is approved by nobody who may merely see it.
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"replace","path":"/entityStatus","value":"In Review"}]`).want(200)
	left := h.approval("Words.a").at("data.0.task.id")
	h.do("PATCH", "/glossaries/name/Words", `[{"op":"replace","path":"/reviewers","value":[]}]`, 200)
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"remove","path":"/reviewers"}]`).want(200)
	h.as(h.consumer("passer"), "PUT", "/feed/tasks/"+left+"/resolve", `{"newValue":"approved"}`).want(403)
	h.do("PATCH", "/glossaries/name/Words", `[{"op":"add","path":"/reviewers","value":[`+about("user", other.id.String())+`]}]`, 200)

	// Names follow a rename, and a thread can still be reacted to.
	h.as(author, "POST", "/glossaryTerms", `{"name":"b","glossary":"Words","description":"d"}`).want(201)
	thread := h.approval("Words.b").at("data.0.id")
	h.as(author, "PATCH", "/glossaryTerms/name/Words.b", `[{"op":"replace","path":"/name","value":"c"}]`).want(200).shows("entityStatus", "In Review")
	h.approval("Words.c").shows("paging.total", "1", "data.0.id", thread)
	h.as(author, "PATCH", "/feed/"+thread, `[{"op":"replace","path":"/message","value":"please"}]`).want(200)
}

func TestTermsWithoutReviewersAreApproved(t *testing.T) {
	h := newHarness(t)
	h.do("POST", "/glossaries", `{"name":"Words","description":"d"}`, 201)
	h.do("POST", "/glossaryTerms", `{"name":"a","glossary":"Words","description":"d"}`, 201).shows("entityStatus", "Approved")
	reviewer := h.consumer("reviewer")
	h.do("PATCH", "/glossaries/name/Words", `[{"op":"add","path":"/reviewers","value":[`+about("user", reviewer.id.String())+`]}]`, 200)
	h.do("GET", "/glossaryTerms/name/Words.a?fields=reviewers", nil, 200).shows("entityStatus", "Approved", "reviewers.0.id", reviewer.id.String())
	h.do("PUT", "/glossaryTerms", `{"name":"a","glossary":"Words","description":"other"}`, 200).shows("entityStatus", "In Review", "reviewers.0.inherited", "true")
	h.do("PATCH", "/glossaryTerms/name/Words.a", `[{"op":"replace","path":"/entityStatus","value":"Deprecated"}]`, 200)
	if got := h.do("POST", "/glossaryTerms/createMany", `[{"name":"x","glossary":"Words","description":"d"},{"name":"y","glossary":"Words","description":"d"}]`, 200); strings.Contains(string(got.body), "failure") {
		t.Errorf("%s", got.body)
	}
	first, second := h.approval("Words.x").at("data.0.task.id"), h.approval("Words.y").at("data.0.task.id")
	if first == "" || second == "" || first == second {
		t.Errorf("tasks %q and %q, each term needs one of its own", first, second)
	}
}

// What was approved is approved as it was: who edits it and is no reviewer sends it back
// to them. What is left to others, such as votes, does not.
func TestEditedTermsGoBackToReview(t *testing.T) {
	h := newHarness(t)
	reviewer, _, author := h.reviewedGlossary()
	h.as(reviewer, "POST", "/glossaryTerms", `{"name":"a","glossary":"Words","description":"d"}`).want(201).shows("entityStatus", "Approved")
	h.as(reviewer, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"replace","path":"/description","value":"by a reviewer"}]`).want(200).shows("entityStatus", "Approved")
	id := h.do("GET", "/glossaryTerms/name/Words.a", nil, 200).id()
	h.as(author, "PUT", "/glossaryTerms/"+id+"/vote", `{"updatedVoteType":"votedUp"}`).want(200)
	h.as(author, "PUT", "/glossaryTerms", `{"name":"a","glossary":"Words","description":"by a reviewer"}`).want(200).shows("entityStatus", "Approved")
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"add","path":"/reviewers","value":[`+about("user", reviewer.id.String())+`]}]`).want(200).shows("entityStatus", "Approved")
	h.approval("Words.a").shows("paging.total", "0")

	h.as(author, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"replace","path":"/description","value":"by the author"}]`).want(200).
		shows("entityStatus", "In Review", "changeDescription.fieldsUpdated.1.name", "entityStatus")
	task := h.approval("Words.a").shows("paging.total", "1", "data.0.createdBy", "author").at("data.0.task.id")
	h.as(author, "PATCH", "/glossaryTerms/name/Words.a", `[{"op":"replace","path":"/description","value":"once more"}]`).want(200).shows("entityStatus", "In Review")
	h.approval("Words.a").shows("paging.total", "1")
	h.as(reviewer, "PUT", "/feed/tasks/"+task+"/resolve", `{"newValue":"rejected"}`).want(200)
	h.as(author, "PUT", "/glossaryTerms", `{"name":"a","glossary":"Words","description":"better"}`).want(200).shows("entityStatus", "In Review")
	task = h.approval("Words.a").shows("paging.total", "1").at("data.0.task.id")
	h.as(reviewer, "PUT", "/feed/tasks/"+task+"/resolve", `{"newValue":"approved"}`).want(200)

	// A relation that another term states is no edit, nor is a right to edit one field one to decide.
	h.as(reviewer, "POST", "/glossaryTerms", `{"name":"b","glossary":"Words","description":"d","relatedTerms":["Words.a"]}`).want(201)
	h.do("GET", "/glossaryTerms/name/Words.a", nil, 200).shows("entityStatus", "Approved")
	h.as(h.nobody, "PATCH", "/glossaryTerms/name/Words.b", `[{"op":"replace","path":"/description","value":"by whoever may describe"}]`).want(200).shows("entityStatus", "In Review")
	h.as(h.nobody, "PATCH", "/glossaryTerms/name/Words.b", `[{"op":"replace","path":"/entityStatus","value":"Draft"}]`).want(403)
}
