package api

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// labelled is a label as a request gives it, with its source found by its name.
func labelled(tag string) map[string]any {
	source := "Classification"
	if strings.HasPrefix(tag, "words.") {
		source = "Glossary"
	}
	return map[string]any{"tagFQN": tag, "source": source, "labelType": "Manual", "state": "Confirmed"}
}

// revisions are the calls, other than PATCH, that put one label on the column of
// customers that emailLink names. All but the last are made from what another person
// asked for.
var revisions = map[string]func(h *harness, author, who caller, tag string) answer{
	"accept a suggestion": func(h *harness, author, who caller, tag string) answer {
		id := h.as(author, "POST", "/suggestions", map[string]any{"type": "SuggestTagLabel", "entityLink": emailLink, "tagLabels": []any{labelled(tag)}}).want(201).id()
		return h.as(who, "PUT", "/suggestions/"+id+"/accept", nil)
	},
	"accept all suggestions": func(h *harness, author, who caller, tag string) answer {
		h.as(author, "POST", "/suggestions", map[string]any{"type": "SuggestTagLabel", "entityLink": emailLink, "tagLabels": []any{labelled(tag)}}).want(201)
		return h.as(who, "PUT", "/suggestions/accept-all?userId="+author.id.String()+"&entityFQN="+customersFQN+"&suggestionType=SuggestTagLabel", nil)
	},
	"resolve a task": func(h *harness, author, who caller, tag string) answer {
		task := h.task(author, who, "UpdateTag", emailLink, "[]").at("task.id")
		value, err := json.Marshal([]any{labelled("PII.Sensitive"), labelled(tag)})
		if err != nil {
			h.t.Fatal(err)
		}
		return h.as(who, "PUT", "/feed/tasks/"+task+"/resolve", map[string]any{"newValue": string(value)})
	},
	"put a column": func(h *harness, _, who caller, tag string) answer {
		return h.as(who, "PUT", "/columns/name/"+url.PathEscape(customersFQN+".email"), map[string]any{"tags": []any{labelled("PII.Sensitive"), labelled(tag)}})
	},
}

// TestLabelsNeedTheirOwnRightInEveryCall makes sure that no call sets a tier, a term
// or a tag for somebody who could not do so by PATCH, and that each asks for no more.
func TestLabelsNeedTheirOwnRightInEveryCall(t *testing.T) {
	rights := map[string]string{"Tier.Tier1": "EditTier", "words.customer": "EditGlossaryTerms", "PersonalData.Personal": "EditTags"}
	for name, revise := range revisions {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			h := newHarness(t)
			table := h.customers()
			h.do("POST", "/glossaries", `{"name":"words","description":"Words."}`, 201)
			h.do("POST", "/glossaryTerms", `{"glossary":"words","name":"customer","description":"Who buys."}`, 201)
			author := h.consumer("author")
			path := "/tables/" + table + "?fields=columns,tags"
			for tag, right := range rights {
				shut := h.consumer(strings.ToLower("no" + right))
				h.rightsOf(shut, "AllBut"+right, `{"name":"all","resources":["all"],"operations":["All"],"effect":"allow"},
					{"name":"but","resources":["table"],"operations":["`+right+`"],"effect":"deny"}`)
				before := h.do("GET", path, nil, 200).at("columns.1.tags")
				refused := revise(h, author, shut, tag).want(403)
				if !strings.Contains(string(refused.body), right) {
					t.Errorf("refusing %s does not name %s: %s", tag, right, refused.body)
				}
				if after := h.do("GET", path, nil, 200).at("columns.1.tags"); after != before {
					t.Errorf("%s was set without %s: %s", tag, right, after)
				}
				only := h.consumer(strings.ToLower("only" + right))
				h.rightsOf(only, "Only"+right, `{"name":"see","resources":["all"],"operations":["ViewAll"],"effect":"allow"},
					{"name":"set","resources":["table"],"operations":["`+right+`"],"effect":"allow"}`)
				revise(h, author, only, tag).want(200)
				if after := h.do("GET", path, nil, 200).at("columns.1.tags"); !strings.Contains(after, tag) {
					t.Errorf("%s was not set with %s: %s", tag, right, after)
				}
			}
		})
	}
}

// TestRejectingNeedsTheRightToAccept keeps people from closing what others may decide.
func TestRejectingNeedsTheRightToAccept(t *testing.T) {
	h := newHarness(t)
	h.customers()
	author, other := h.consumer("author"), h.consumer("other")
	h.forbid(other, "EditTier")
	id := h.as(author, "POST", "/suggestions", map[string]any{"type": "SuggestTagLabel", "entityLink": emailLink, "tagLabels": []any{labelled("Tier.Tier1")}}).want(201).id()
	h.as(other, "PUT", "/suggestions/"+id+"/reject", nil).want(403)
	h.do("GET", "/suggestions/"+id, nil, 200).shows("status", "Open")
	h.do("PUT", "/suggestions/"+id+"/reject", nil, 200).shows("status", "Rejected")
}
