package api

import (
	"fmt"
	"strings"
	"testing"
)

// TestRenameOfATermFollowsEverywhere renames and moves a term that has a term below
// it, sticks to a table and a column, and is talked about.
func TestRenameOfATermFollowsEverywhere(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	h.do("POST", "/glossaries", `{"name":"Sales","description":"-"}`, 201)
	h.do("POST", "/glossaries", `{"name":"Finance","description":"-"}`, 201)
	term := h.do("POST", "/glossaryTerms", `{"name":"Client","glossary":"Sales","description":"-"}`, 201).id()
	below := h.do("POST", "/glossaryTerms", `{"name":"Key.Account","glossary":"Sales","parent":"Sales.Client","description":"-"}`, 201).id()
	label := `{"tagFQN":%q,"source":"Glossary","labelType":"Manual","state":"Confirmed"}`
	h.do("PATCH", "/tables/"+table, fmt.Sprintf(`[{"op":"add","path":"/tags","value":[`+label+`]},{"op":"add","path":"/columns/0/tags","value":[`+label+`]}]`, "Sales.Client", `Sales.Client."Key.Account"`), 200)
	thread := h.do("POST", "/feed", `{"message":"Who is a client?","from":"admin","about":"<#E::glossaryTerm::Sales.Client::description>"}`, 201).id()
	proposal := h.do("POST", "/suggestions", fmt.Sprintf(`{"type":"SuggestTagLabel","entityLink":"<#E::table::`+customersFQN+`>","tagLabels":[`+label+`]}`, "Sales.Client"), 201).id()
	version := h.do("GET", "/tables/"+table, nil, 200).at("version")

	check := func(name string) {
		t.Helper()
		h.do("GET", "/glossaryTerms/"+term, nil, 200).shows("fullyQualifiedName", name)
		h.do("GET", "/glossaryTerms/"+below, nil, 200).shows("fullyQualifiedName", name+`."Key.Account"`, "parent.fullyQualifiedName", name, "version", "0.1")
		h.do("GET", "/glossaryTerms/name/"+name+`."Key.Account"`, nil, 200).shows("id", below)
		h.do("GET", "/tables/"+table+"?fields=tags,columns", nil, 200).
			shows("tags.0.tagFQN", name, "columns.0.tags.0.tagFQN", name+`."Key.Account"`, "version", version)
		h.do("GET", "/feed/"+thread, nil, 200).shows("about", "<#E::glossaryTerm::"+name+"::description>")
		h.do("GET", "/suggestions/"+proposal, nil, 200).shows("tagLabels.0.tagFQN", name)
	}
	h.do("PATCH", "/glossaryTerms/"+term, `[{"op":"replace","path":"/name","value":"Customer"}]`, 200).
		shows("name", "Customer", "fullyQualifiedName", "Sales.Customer", "version", "0.2", "changeDescription.fieldsUpdated.0.name", "name")
	h.do("GET", "/glossaryTerms/name/Sales.Client", nil, 404)
	check("Sales.Customer")
	glossary := h.do("GET", "/glossaries/name/Finance", nil, 200).id()
	h.do("PATCH", "/glossaryTerms/"+term, `[{"op":"replace","path":"/glossary","value":{"type":"glossary","id":"`+glossary+`"}}]`, 200)
	check("Finance.Customer")
	top := h.do("POST", "/glossaryTerms", `{"name":"People","glossary":"Sales","description":"-"}`, 201).id()
	h.do("PATCH", "/glossaryTerms/"+term, `[{"op":"add","path":"/parent","value":{"type":"glossaryTerm","id":"`+top+`"}}]`, 200).shows("glossary.name", "Sales")
	check("Sales.People.Customer")
	h.do("GET", "/glossaryTerms/"+below, nil, 200).shows("glossary.name", "Sales")
	h.do("PATCH", "/glossaryTerms/"+term, `[{"op":"remove","path":"/parent"},{"op":"replace","path":"/glossary","value":{"type":"glossary","id":"`+glossary+`"}}]`, 200)
	check("Finance.Customer")
	h.do("PUT", "/glossaryTerms/"+term+"/moveAsync", `{"parent":{"type":"glossaryTerm","id":"`+top+`"}}`, 202).shows("entityName", "Customer")
	check("Sales.People.Customer")
	h.do("PUT", "/glossaryTerms/"+term+"/moveAsync", `{"parent":{"type":"glossary","id":"`+glossary+`"}}`, 202).shows("entityName", "Customer")
	check("Finance.Customer")
	h.do("PUT", "/glossaryTerms/"+term+"/moveAsync", `{"parent":{"type":"table","id":"`+table+`"}}`, 400)
	h.as(h.consumer("mover"), "PUT", "/glossaryTerms/"+term+"/moveAsync", `{"parent":{"type":"glossaryTerm","id":"`+top+`"}}`).want(403)
	h.do("PATCH", "/glossaries/"+glossary, `[{"op":"replace","path":"/name","value":"Money matters"}]`, 200)
	check("Money matters.Customer")
	h.do("PUT", "/suggestions/"+proposal+"/accept", nil, 200)

	h.do("PATCH", "/glossaryTerms/"+term, `[{"op":"add","path":"/parent","value":{"type":"glossaryTerm","id":"`+below+`"}}]`, 400).contains("below it")
	h.do("PATCH", "/glossaryTerms/"+term, `[{"op":"add","path":"/parent","value":{"type":"glossaryTerm","id":"`+term+`"}}]`, 400).contains("below it")
	h.do("POST", "/glossaryTerms", `{"name":"Taken","glossary":"Money matters","description":"-"}`, 201)
	h.do("PATCH", "/glossaryTerms/"+term, `[{"op":"replace","path":"/name","value":"Taken"}]`, 409)
	check("Money matters.Customer")
}

// TestRenameOfATagKeepsRights renames a classification and its tag, by which a
// policy hides a table and which certifies another.
func TestRenameOfATagKeepsRights(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	h.do("POST", "/classifications", `{"name":"Secrecy","description":"-"}`, 201)
	tag := h.do("POST", "/tags", `{"name":"High","classification":"Secrecy","description":"-"}`, 201).id()
	h.do("PATCH", "/tables/"+table, `[{"op":"add","path":"/tags","value":[{"tagFQN":"Secrecy.High","source":"Classification","labelType":"Manual","state":"Confirmed"}]},
		{"op":"add","path":"/certification","value":{"tagLabel":{"tagFQN":"Secrecy.High","source":"Classification","labelType":"Manual","state":"Confirmed"},"appliedDate":1,"expiryDate":2}}]`, 200)
	h.do("POST", "/policies", `{"name":"Hide","rules":[{"name":"hide","effect":"deny","resources":["table"],"operations":["ViewAll","ViewBasic"],
		"condition":"!isOwner() && matchAnyTag('PII.None', 'Secrecy.High')"}]}`, 201)
	h.do("POST", "/roles", `{"name":"Hidden","policies":["Hide"]}`, 201)
	person := h.consumer("person")
	role := h.do("GET", "/roles/name/Hidden", nil, 200).id()
	h.do("PATCH", "/users/"+person.id.String(), `[{"op":"add","path":"/roles","value":[{"id":"`+role+`","type":"role"}]}]`, 200)
	h.as(person, "GET", "/tables/"+table, nil).want(403)

	classification := h.do("GET", "/classifications/name/Secrecy", nil, 200).id()
	h.do("PATCH", "/classifications/"+classification, `[{"op":"replace","path":"/name","value":"It's secret"}]`, 200)
	h.do("GET", "/tags/"+tag, nil, 200).shows("fullyQualifiedName", "It's secret.High")
	h.do("GET", "/tables/"+table+"?fields=tags,certification", nil, 200).
		shows("tags.0.tagFQN", "It's secret.High", "certification.tagLabel.tagFQN", "It's secret.High")
	h.do("GET", "/policies/name/Hide", nil, 200).shows("rules.0.condition", "!isOwner() && matchAnyTag('PII.None', 'It''s secret.High')")
	h.as(person, "GET", "/tables/"+table, nil).want(403)
}

func TestRenameOfADomainFollows(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	domain := h.do("POST", "/domains", `{"name":"Retail","domainType":"Aggregate","description":"-"}`, 201).id()
	sub := h.do("POST", "/domains", `{"name":"Shops","parent":"Retail","domainType":"Aggregate","description":"-"}`, 201).id()
	product := h.do("POST", "/dataProducts", `{"name":"Baskets","domains":["Retail.Shops"],"description":"-"}`, 201).id()
	h.do("PATCH", "/tables/"+table, `[{"op":"add","path":"/domains","value":[{"id":"`+sub+`","type":"domain"}]}]`, 200)
	h.do("PATCH", "/domains/"+domain, `[{"op":"replace","path":"/name","value":"Commerce"}]`, 200)
	h.do("GET", "/domains/"+sub, nil, 200).shows("fullyQualifiedName", "Commerce.Shops")
	h.do("GET", "/tables/"+table, nil, 200).shows("domains.0.fullyQualifiedName", "Commerce.Shops")
	h.do("GET", "/dataProducts/"+product, nil, 200).shows("fullyQualifiedName", "Baskets", "domains.0.fullyQualifiedName", "Commerce.Shops")
	h.do("PATCH", "/dataProducts/"+product, `[{"op":"replace","path":"/name","value":"Carts"}]`, 200).shows("fullyQualifiedName", "Carts")
	h.do("PATCH", "/domains/"+domain, `[{"op":"add","path":"/parent","value":{"id":"`+sub+`","type":"domain"}}]`, 400)
}

func TestWhatCannotBeRenamed(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	schema := h.do("POST", "/databaseSchemas", `{"name":"elsewhere","database":"shop.db"}`, 201).id()
	h.do("PATCH", "/tables/"+table, `[{"op":"replace","path":"/name","value":"other"},{"op":"replace","path":"/databaseSchema","value":{"id":"`+schema+`","type":"databaseSchema"}}]`, 200).
		shows("fullyQualifiedName", customersFQN, "version", "0.1")
	tier := h.do("GET", "/tags/name/Tier.Tier1", nil, 200).id()
	h.do("PATCH", "/tags/"+tier, `[{"op":"replace","path":"/name","value":"Top"}]`, 400).contains("can not be renamed")
	h.do("POST", "/glossaries", `{"name":"Sales","description":"-"}`, 201)
	term := h.do("POST", "/glossaryTerms", `{"name":"Client","glossary":"Sales","description":"-"}`, 201).id()
	h.as(h.consumer("reader"), "PATCH", "/glossaryTerms/"+term, `[{"op":"replace","path":"/name","value":"Mine"}]`).want(403)
	h.do("PATCH", "/glossaryTerms/"+term, `[{"op":"replace","path":"/name","value":""}]`, 200, 400)
	h.do("GET", "/glossaryTerms/"+term, nil, 200).shows("fullyQualifiedName", "Sales.Client")
}

// contains fails the test unless the message of the answer holds the text.
func (a answer) contains(text string) {
	a.t.Helper()
	if !strings.Contains(a.at("message"), text) {
		a.t.Errorf("%s: the message %q does not tell of %q", a.what, a.at("message"), text)
	}
}
