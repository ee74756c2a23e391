package api

import (
	"strings"
	"testing"
)

const (
	mailLink     = "<#E::table::shop.db.public.people::columns::mail>"
	feedbackPath = "/tags/name/PII.Sensitive/feedback"
	mailFeedback = `{"entityLink":"` + mailLink + `","tagFQN":"PII.Sensitive","feedbackType":"FALSE_POSITIVE","userReason":"NOT_SENSITIVE_DATA","userComments":"made up","sampleValues":["a@b"]}`
)

// labelled tells whether the column mail has its label.
func (h *harness) labelled() bool {
	h.t.Helper()
	return h.do("GET", "/tables/name/shop.db.public.people?fields=columns,tags", nil, 200).at("columns.1.tags.0.tagFQN") == "PII.Sensitive"
}

// exceptions is what the recognizers of the tag are to leave alone.
func (h *harness) exceptions() string {
	h.t.Helper()
	return string(h.do("GET", "/tags/name/PII.Sensitive/recognizers?limit=1000", nil, 200).body)
}

func TestReviewersDecideAboutFeedback(t *testing.T) {
	h := newHarness(t)
	h.generated()
	author, reviewer, blind := h.consumer("author"), h.consumer("reviewer"), h.consumer("blind")
	h.do("PATCH", "/classifications/name/PII", `[{"op":"add","path":"/reviewers","value":[`+about("user", reviewer.id.String())+`,`+about("user", blind.id.String())+`]}]`, 200)
	task := func(made answer) string {
		t.Helper()
		list := h.do("GET", "/feed?type=Task&taskStatus=Open&entityLink="+esc(mailLink), nil, 200).
			shows("paging.total", "1", "data.0.task.type", "RecognizerFeedbackApproval", "data.0.task.feedback.id", made.id(), "data.0.task.assignees.0.id", reviewer.id.String(), "data.0.task.feedback.sampleValues", "")
		return "/feed/tasks/" + list.at("data.0.task.id")
	}
	made := h.as(author, "POST", feedbackPath, mailFeedback).want(201).shows("status", "PENDING", "sampleValues.0", "a@b")
	first := task(made)
	h.as(h.nobody, "PUT", first+"/close", `{"comment":"x"}`).want(403)
	h.as(author, "PUT", first+"/resolve", `{"newValue":"approved"}`).want(403)
	h.do("PUT", first+"/resolve", `{"newValue":"approved"}`, 403)
	h.as(reviewer, "PUT", first+"/resolve", `{"newValue":"perhaps"}`).want(400)
	h.as(reviewer, "PUT", first+"/close", `{"comment":"it is a real address"}`).want(200).shows("task.status", "Closed")
	h.do("GET", "/tags/feedback/"+made.id(), nil, 200).shows("status", "REJECTED", "resolution.action", "NO_ACTION_NEEDED", "resolution.resolvedBy.name", "reviewer", "resolution.resolutionNotes", "it is a real address")
	if !h.labelled() || strings.Contains(h.exceptions(), made.id()) {
		t.Error("rejected feedback has changed something")
	}
	h.as(reviewer, "PUT", first+"/resolve", `{"newValue":"approved"}`).want(400)
	if !h.labelled() {
		t.Error("feedback that was rejected took the label away")
	}

	// To be asked gives no right to take the label away.
	made = h.as(author, "POST", feedbackPath, mailFeedback).want(201)
	second := task(made)
	h.forbid(blind, "EditTags")
	h.as(blind, "PUT", second+"/resolve", `{"newValue":"approved"}`).want(403)
	if !h.labelled() {
		t.Error("a reviewer without the right took the label away")
	}
	h.do("GET", "/tags/feedback/pending", nil, 200).shows("0.id", made.id(), "1", "")
	h.as(reviewer, "PUT", second+"/resolve", `{"newValue":"Approved"}`).want(200).shows("task.newValue", "approved", "task.closedBy", "reviewer")
	h.do("GET", "/tags/feedback/"+made.id(), nil, 200).shows("status", "APPLIED", "resolution.action", "ADDED_TO_EXCEPTION_LIST")
	h.do("GET", "/tags/feedback/pending", nil, 200).shows("0", "")
	if h.labelled() {
		t.Error("approved feedback left the label")
	}
	for _, part := range []string{made.id(), "NOT_SENSITIVE_DATA: made up", mailLink} {
		if !strings.Contains(h.exceptions(), part) {
			t.Errorf("the exceptions lack %q: %s", part, h.exceptions())
		}
	}
	h.as(author, "POST", feedbackPath, mailFeedback).want(400) // there is no label any more
	h.as(author, "POST", "/feed", `{"from":"author","message":"m","about":"`+mailLink+`","type":"Task","taskDetails":{"type":"RecognizerFeedbackApproval","assignees":[`+about("user", author.id.String())+`]}}`).want(400)
}

func TestFeedbackThatWaitsForNobody(t *testing.T) {
	h := newHarness(t)
	h.generated()
	author := h.consumer("author")
	h.forbid(author, "EditTags")
	waiting := h.as(author, "POST", feedbackPath, mailFeedback).want(201).shows("status", "PENDING", "resolution", "")
	h.do("GET", "/feed?type=Task&entityLink="+esc(mailLink), nil, 200).shows("paging.total", "0")
	if !h.labelled() {
		t.Error("who may not edit tags took a label away")
	}
	h.do("PATCH", "/tags/name/PII.Sensitive", `[{"op":"add","path":"/reviewers","value":[`+about("user", h.admin.id.String())+`]}]`, 200)
	made := h.do("POST", feedbackPath, mailFeedback, 201).shows("status", "APPLIED", "resolution.resolvedBy.name", "admin")
	if h.labelled() || !strings.Contains(h.exceptions(), made.id()) {
		t.Error("feedback of a reviewer was not applied at once")
	}
	h.do("GET", "/tags/feedback/"+waiting.id(), nil, 200).shows("status", "PENDING")
}

// Only the recognizer that had found a label is told to leave the place alone.
func TestExceptionsAreOfTheRecognizerThatErred(t *testing.T) {
	h := newHarness(t)
	h.schema()
	list := h.do("GET", "/tags/name/PII.Sensitive/recognizers?limit=1000", nil, 200)
	name := list.at("data.1.name")
	h.do("PUT", "/tables", `{"name":"people","databaseSchema":"shop.db.public","columns":[{"name":"mail","dataType":"TEXT","tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Generated","state":"Suggested",
		"metadata":{"recognizer":{"recognizerId":"00000000-0000-4000-8000-000000000001","recognizerName":"`+name+`","score":0.9}}}]}]}`, 201)
	h.do("POST", feedbackPath, mailFeedback, 201).shows("status", "APPLIED")
	h.do("GET", "/tags/name/PII.Sensitive/recognizers?limit=1000", nil, 200).shows("data.1.exceptionList.0.entityLink", mailLink, "data.0.exceptionList.0", "")
}
