package api

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// generated makes a table whose column mail a machine has labelled.
func (h *harness) generated() {
	h.t.Helper()
	h.schema()
	h.do("PUT", "/tables", `{"name":"people","databaseSchema":"shop.db.public","columns":[{"name":"id","dataType":"BIGINT","tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]},
		{"name":"mail","dataType":"TEXT","tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Generated","state":"Suggested"}]}]}`, 201)
}

func TestRecognizersOfTags(t *testing.T) {
	h := newHarness(t)
	tag := h.do("GET", "/tags/name/PII.Sensitive", nil, 200).id()
	first := h.do("GET", "/tags/"+tag+"/recognizers?limit=2", nil, 200)
	next := first.at("paging.after")
	if first.at("data.1.name") == "" || first.at("data.2") != "" || next == "" {
		t.Errorf("%s", first.body)
	}
	second := h.do("GET", "/tags/name/PII.Sensitive/recognizers?limit=2&after="+next, nil, 200)
	if second.at("data.0.name") == first.at("data.0.name") || second.at("data.0.recognizerConfig.type") != "predefined" {
		t.Errorf("%s", second.body)
	}
	h.do("GET", "/tags/name/Tier.Tier1/recognizers", nil, 200).shows("data", "[]", "paging.total", "0")
	h.do("GET", "/tags/name/PII.None2/recognizers", nil, 404)
	h.do("GET", "/tags/"+tag+"/recognizers?after=x", nil, 400)
	reader := h.consumer("reader")
	h.as(reader, "GET", "/tags/"+tag+"/recognizers", nil).want(200)
	h.forbid(reader, "ViewBasic")
	h.as(reader, "GET", "/tags/"+tag+"/recognizers", nil).want(403)
}

func TestFeedbackOnRecognizers(t *testing.T) {
	h := newHarness(t)
	h.generated()
	const path = "/tags/name/PII.Sensitive/feedback"
	feedback := func(column, more string) string {
		return `{"entityLink":"<#E::table::shop.db.public.people::columns::` + column + `>","tagFQN":"x","feedbackType":"FALSE_POSITIVE"` + more + `}`
	}
	author, reader := h.consumer("author"), h.consumer("reader")
	h.do("PATCH", "/tags/name/PII.Sensitive", `[{"op":"add","path":"/reviewers","value":[`+about("user", h.admin.id.String())+`]}]`, 200)
	made := h.as(author, "POST", path, feedback("mail", `,"userReason":"TEST_DATA","sampleValues":["a@b"],"status":"APPLIED","createdBy":`+about("user", h.admin.id.String())+`,"resolution":{"action":"NO_ACTION_NEEDED"},"id":"`+uuid.NewString()+`"`)).want(201).
		shows("tagFQN", "PII.Sensitive", "status", "PENDING", "createdBy.name", "author", "userReason", "TEST_DATA", "resolution", "")
	h.do("GET", path, nil, 200).shows("0.id", made.id(), "0.sampleValues.0", "a@b", "1", "")
	h.do("GET", "/tags/feedback/pending", nil, 200).shows("0.id", made.id(), "1", "")
	h.do("GET", "/tags/feedback/"+made.id(), nil, 200).shows("userReason", "TEST_DATA")
	h.do("GET", "/tags/name/Tier.Tier1/feedback", nil, 200).shows("0", "")
	h.do("GET", "/tags/feedback/"+uuid.NewString(), nil, 404)
	h.do("GET", "/tags/feedback/x", nil, 400)
	for body, status := range map[string]int{
		feedback("id", ""): 400, feedback("none", ""): 404, `{}`: 400, strings.Replace(feedback("mail", ""), "people", "nobody", 1): 404, strings.Replace(feedback("mail", ""), "FALSE_POSITIVE", "ODD", 1): 400,
		strings.Replace(feedback("mail", ""), "<#E::table", "<#E::nothing", 1): 404, strings.Replace(feedback("mail", ""), "<#E::", "", 1): 400,
	} {
		h.do("POST", path, body, status)
	}
	h.do("POST", "/tags/name/Tier.Tier1/feedback", feedback("mail", ""), 400)
	h.do("POST", "/tags/name/Tier.None/feedback", feedback("mail", ""), 404)

	// Values of the data are for those who may see samples, the rest for those who see the table.
	h.forbid(reader, "ViewSampleData")
	h.as(reader, "GET", "/tags/feedback/"+made.id(), nil).want(200).shows("sampleValues", "", "id", made.id())
	h.do("POST", "/policies", `{"name":"NoTables","rules":[{"name":"deny","resources":["table"],"operations":["ViewAll","ViewBasic"],"effect":"deny"}]}`, 201)
	h.do("PATCH", "/teams/name/ShutViewSampleData", `[{"op":"add","path":"/policies/-","value":`+about("policy", h.do("GET", "/policies/name/NoTables", nil, 200).id())+`}]`, 200)
	h.as(reader, "GET", "/tags/feedback/pending", nil).want(200).shows("0", "")
	h.as(reader, "GET", path, nil).want(200).shows("0", "")
	h.as(reader, "GET", "/tags/feedback/"+made.id(), nil).want(403)
	h.as(reader, "POST", path, feedback("mail", "")).want(403)
}

func TestTagsOfTermsAreValidated(t *testing.T) {
	h := newHarness(t)
	h.schema()
	h.do("POST", "/classifications", `{"name":"Level","description":"d","mutuallyExclusive":true}`, 201)
	for _, name := range []string{"High", "Low"} {
		h.do("POST", "/tags", `{"name":"`+name+`","classification":"Level","description":"d"}`, 201)
	}
	h.do("POST", "/glossaries", `{"name":"Words","description":"d"}`, 201)
	term := h.do("POST", "/glossaryTerms", `{"name":"a","glossary":"Words","description":"d"}`, 201).id()
	label := func(tag, source string) string {
		return `{"tagFQN":"` + tag + `","source":"` + source + `","labelType":"Manual","state":"Confirmed"}`
	}
	for name, more := range map[string]string{"low": "," + label("Level.Low", "Classification"), "high": "," + label("Level.High", "Classification"), "none": ""} {
		h.do("PUT", "/tables", `{"name":"`+name+`","databaseSchema":"shop.db.public","columns":[],"tags":[`+label("Words.a", "Glossary")+more+`]}`, 201)
	}
	path := "/glossaryTerms/" + term + "/tags/validate"
	body := func(tags ...string) string { return `{"glossaryTags":[` + strings.Join(tags, ",") + `]}` }
	h.do("PUT", path, body(label("Level.High", "Classification")), 200).shows("dryRun", "true", "status", "partialSuccess", "numberOfRowsProcessed", "3", "numberOfRowsFailed", "1", "failedRequest.0.request.name", "low")
	h.do("PUT", path, body(label("PII.None", "Classification")), 200).shows("status", "success", "numberOfRowsPassed", "3")
	h.do("PUT", path, body(), 200).shows("status", "success")
	h.do("PUT", path, body(label("Level.High", "Classification"), label("Level.Low", "Classification")), 400)
	h.do("PUT", path, body(label("Level.None", "Classification")), 404)
	h.do("PUT", path, `[]`, 400)
	h.do("PUT", "/glossaryTerms/"+uuid.NewString()+"/tags/validate", body(), 404)
	h.do("GET", "/tables/name/shop.db.public.none?fields=tags", nil, 200).shows("tags.1", "")
	reader := h.consumer("reader")
	h.forbid(reader, "ViewBasic")
	h.as(reader, "PUT", path, body()).want(403)
}
