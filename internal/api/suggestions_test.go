package api

import (
	"testing"
)

const emailLink = "<#E::table::" + customersFQN + "::columns::email>"

func TestSuggestionsChangeTheEntityWhenAccepted(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	author, outsider := h.consumer("author"), h.consumer("outsider")
	h.forbid(outsider, "EditDescription")
	suggest := func(description string) string {
		return h.as(author, "POST", "/suggestions", `{"type":"SuggestDescription","description":"`+description+`","entityLink":"`+emailLink+`","tagLabels":null}`).
			want(201).shows("status", "Open", "createdBy.name", "author", "description", description).id()
	}
	first, second := suggest("Where to write to."), suggest("Wrong.")
	h.as(outsider, "PUT", "/suggestions/"+first+"/accept", nil).want(403)
	h.do("GET", "/tables/"+table, nil, 200).shows("columns.1.description", "")
	h.do("PUT", "/suggestions/"+first+"/accept", nil, 200).shows("status", "Accepted", "updatedBy", "admin")
	h.do("GET", "/tables/"+table+"?fields=columns", nil, 200).shows("columns.1.description", "Where to write to.", "version", "0.2", "updatedBy", "admin", "columns.1.tags.0.tagFQN", "PII.Sensitive")
	h.do("PUT", "/suggestions/"+first+"/accept", nil, 400)
	h.do("PUT", "/suggestions/"+second+"/reject", nil, 200).shows("status", "Rejected")
	h.do("GET", "/tables/"+table, nil, 200).shows("columns.1.description", "Where to write to.", "version", "0.2")
	h.do("GET", "/suggestions/"+second, nil, 200).shows("status", "Rejected")
	h.do("GET", "/suggestions?entityFQN="+customersFQN, nil, 200).shows("paging.total", "0")
	h.do("GET", "/suggestions?status=Accepted&userId="+author.id.String(), nil, 200).shows("paging.total", "1", "data.0.id", first)
}

func TestSuggestedTags(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	id := h.do("POST", "/suggestions", `{"type":"SuggestTagLabel","entityLink":"<#E::table::`+customersFQN+`>","tagLabels":[{"tagFQN":"Tier.Tier1","source":"Classification","labelType":"Automated","state":"Suggested"}]}`, 201).id()
	h.do("PUT", "/suggestions/"+id+"/accept", nil, 200)
	h.do("GET", "/tables/"+table+"?fields=tags", nil, 200).shows("tags.0.tagFQN", "Tier.Tier1")
}

func TestAllSuggestionsOfOneAuthor(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	author := h.consumer("author")
	for _, text := range []string{"old", "new"} {
		h.as(author, "POST", "/suggestions", `{"description":"`+text+`","entityLink":"`+emailLink+`"}`).want(201)
	}
	query := "?userId=" + author.id.String() + "&entityFQN=" + customersFQN + "&suggestionType=SuggestDescription"
	h.do("PUT", "/suggestions/accept-all?userId="+author.id.String(), nil, 400)
	h.do("PUT", "/suggestions/accept-all"+query, nil, 200).shows("0.status", "Accepted", "1.status", "Accepted", "2", "")
	h.do("GET", "/tables/"+table, nil, 200).shows("columns.1.description", "new")
	h.as(author, "POST", "/suggestions", `{"description":"third","entityLink":"`+emailLink+`"}`).want(201)
	h.do("PUT", "/suggestions/reject-all"+query, nil, 200).shows("0.status", "Rejected", "1", "")
	h.do("GET", "/tables/"+table, nil, 200).shows("columns.1.description", "new")
}

func TestSuggestionsBelongToTheirAuthors(t *testing.T) {
	h := newHarness(t)
	h.customers()
	author, other := h.consumer("author"), h.consumer("other")
	made := h.as(author, "POST", "/suggestions", `{"description":"mine","entityLink":"`+emailLink+`"}`).want(201)
	id := made.id()
	body := `{"id":"` + id + `","type":"SuggestDescription","description":"better","entityLink":"` + emailLink + `"}`
	h.as(other, "PUT", "/suggestions/"+id, body).want(403)
	h.as(author, "PUT", "/suggestions/"+id, body).want(201).shows("description", "better", "status", "Open")
	h.as(other, "DELETE", "/suggestions/"+id, nil).want(403)
	h.as(author, "DELETE", "/suggestions/"+id, nil).want(200)
	h.do("GET", "/suggestions/"+id, nil, 404)
	h.as(author, "POST", "/suggestions", `{"description":"mine","entityLink":"`+emailLink+`"}`).want(201)
	h.as(author, "DELETE", "/suggestions/table/name/"+customersFQN, nil).want(403)
	h.do("DELETE", "/suggestions/table/name/"+customersFQN, nil, 200)
	h.do("GET", "/suggestions", nil, 200).shows("paging.total", "0")
}

func TestBadSuggestions(t *testing.T) {
	h := newHarness(t)
	h.customers()
	for _, test := range []struct {
		body   string
		status int
	}{
		{`{"description":"x","entityLink":"nonsense"}`, 400},
		{`{"description":"","entityLink":"` + emailLink + `"}`, 400},
		{`{"type":"SuggestTagLabel","description":"x","entityLink":"` + emailLink + `"}`, 400},
		{`{"description":"x","entityLink":"<#E::table::shop.db.public.none>"}`, 404},
		{`{"description":"x","entityLink":"<#E::table::` + customersFQN + `::columns::none>"}`, 404},
		{`{"description":"x","entityLink":"<#E::table::` + customersFQN + `::rows::none>"}`, 400},
	} {
		h.do("POST", "/suggestions", test.body, test.status)
	}
	h.do("GET", "/suggestions", nil, 200).shows("paging.total", "0")
}
