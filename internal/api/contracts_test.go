package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// sends is a request with a media type of its own.
func (h *harness) sends(who caller, method, path, media, body string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v1"+path, bytes.NewReader([]byte(body)))
	check(h.t, err)
	req.Header.Set("Authorization", "Bearer "+who.token)
	req.Header.Set("Content-Type", media)
	resp, err := http.DefaultClient.Do(req)
	check(h.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	check(h.t, err)
	return answer{t: h.t, what: method + " " + path, status: resp.StatusCode, header: resp.Header, body: raw}
}

func about(typ, id string) string { return fmt.Sprintf(`{"id":%q,"type":%q}`, id, typ) }

// semantics is a list with one rule.
func semantics(name, rule string) string {
	return fmt.Sprintf(`[{"name":%q,"description":"%s is wanted","rule":%q,"enabled":true}]`, name, name, rule)
}

// contract makes a contract about a table and returns its id.
func (h *harness) contract(name, table, more string) string {
	h.t.Helper()
	return h.do("POST", "/dataContracts", `{"name":"`+name+`","entity":`+about("table", table)+more+`}`, 201).id()
}

func TestContractsAreValidated(t *testing.T) {
	h := newHarness(t)
	_, count, notNull := h.suite()
	table := h.do("GET", "/tables/name/"+customersFQN, nil, 200).id()
	id := h.contract("c", table, `,"termsOfUse":"for all","schema":[{"name":"id","dataType":"INT"},{"name":"email","dataType":"INT"}],
		"semantics":`+semantics("described", `{"!!":{"var":"description"}}`)+`,"qualityExpectations":[`+about("testCase", count)+`,`+about("testCase", notNull)+`]`)
	h.do("GET", "/dataContracts/"+id, nil, 200).shows("termsOfUse.content", "for all", "latestResult", "")
	validate := func(want ...string) answer {
		t.Helper()
		return h.do("POST", "/dataContracts/"+id+"/validate", nil, 200).shows(want...)
	}
	first := validate("contractExecutionStatus", "Failed", "dataContractFQN", customersFQN+".dataContract_c",
		"schemaValidation.passed", "2", "schemaValidation.failed", "0", "schemaValidation.typeMismatchFields.0", "email: expected INT, got TEXT",
		"semanticsValidation.failed", "1", "semanticsValidation.failedRules.0.ruleName", "described", "semanticsValidation.failedRules.0.reason", "described is wanted",
		"qualityValidation.total", "2", "qualityValidation.passed", "0")
	h.do("GET", "/dataContracts/"+id, nil, 200).shows("latestResult.status", "Failed", "latestResult.resultId", first.id(), "version", "0.1")

	h.do("PATCH", "/tables/"+table, `[{"op":"add","path":"/description","value":"People who buy"}]`, 200)
	h.result(countFQN, 1000, "Success")
	validate("contractExecutionStatus", "PartialSuccess", "result", "1 of 2 tests have no result yet", "qualityValidation.qualityScore", "50")
	h.result(notNullFQN, 1000, "Aborted")
	validate("contractExecutionStatus", "Failed", "result", "1 of 2 tests failed", "semanticsValidation.passed", "1")
	h.result(notNullFQN, 2000, "Success")
	last := validate("contractExecutionStatus", "Success", "result", "", "qualityValidation.qualityScore", "100")
	h.do("PUT", "/tables", `{"name":"customers","databaseSchema":"shop.db.public","columns":[{"name":"id","dataType":"BIGINT"}]}`, 200)
	validate("contractExecutionStatus", "Failed", "schemaValidation.failedFields.0", "email")

	results := "/dataContracts/" + id + "/results"
	h.do("GET", results+"?limit=2", nil, 200).shows("paging.total", "5", "data.2", "")
	h.do("GET", results+"/"+last.id(), nil, 200).shows("contractExecutionStatus", "Success")
	h.do("GET", results+"/latest", nil, 200).shows("contractExecutionStatus", "Failed")
	h.do("GET", results+"/00000000-0000-4000-8000-000000000001", nil, 404)
	h.do("POST", "/dataContracts/00000000-0000-4000-8000-000000000001/validate", nil, 404)
	reader := h.consumer("reader")
	h.as(reader, "POST", "/dataContracts/"+id+"/validate", nil).want(403)
	h.as(reader, "GET", results+"/latest", nil).want(200)
	h.forbid(reader, "ViewBasic")
	h.as(reader, "GET", results, nil).want(403)
}

func TestRulesOfContracts(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	for rule, want := range map[string]string{
		`{"==":[{"var":"name"},"customers"]}`:                          "",
		`{"some":[{"var":"columns"},{"==":[{"var":"name"},"email"]}]}`: "",
		`{"var":"name"}`:   "neither true nor false",
		`{"spawn":["sh"]}`: `no operator "spawn"`,
		`not a rule`:       "not valid JSON",
		`{"all":[{"var":"columns"},{"/":[1,0]}]}`:                                             "divides by zero",
		`{"reduce":[{"var":"columns"},{"merge":[{"var":"accumulator"}]},{"var":"password"}]}`: "neither true nor false",
	} {
		id := h.contract(fmt.Sprintf("c%x", []byte(rule)[:min(len(rule), 40)]), table, `,"semantics":`+semantics("r", rule))
		got := h.do("POST", "/dataContracts/"+id+"/validate", nil, 200)
		if want == "" {
			got.shows("contractExecutionStatus", "Success", "semanticsValidation.passed", "1")
		} else if reason := got.at("semanticsValidation.failedRules.0.reason"); !strings.Contains(reason, want) {
			t.Errorf("%s failed because of %q, want %q", rule, reason, want)
		}
	}
	off := strings.Replace(semantics("off", `false`), `"enabled":true`, `"enabled":false`, 1)
	id := h.contract("off", table, `,"semantics":`+off)
	h.do("POST", "/dataContracts/"+id+"/validate", nil, 200).shows("contractExecutionStatus", "Success", "semanticsValidation.total", "0")
}

func TestResultsOfContracts(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	id, other := h.contract("c", table, ""), h.contract("d", table, "")
	results := "/dataContracts/" + id + "/results"
	put := func(id, at, status string) answer {
		t.Helper()
		return h.do("PUT", results, `{"id":`+id+`,"dataContractFQN":"x","timestamp":`+at+`,"contractExecutionStatus":"`+status+`","result":null}`, 200)
	}
	h.do("GET", results+"/latest", nil, 404)
	put("null", "1000", "Success").shows("dataContractFQN", customersFQN+".dataContract_c")
	second := put("null", "3000", "Running").id()
	put("null", "2000", "Failed")
	h.do("GET", "/dataContracts/"+id, nil, 200).shows("latestResult.status", "Running", "latestResult.timestamp", "3000")
	put(`"`+second+`"`, "3000", "Success").shows("id", second)
	h.do("GET", results+"?startTs=1500&endTs=9000", nil, 200).shows("paging.total", "2", "data.0.id", second)
	h.do("GET", "/dataContracts/"+other+"/results/"+second, nil, 404)
	h.do("PUT", "/dataContracts", `{"name":"c","entity":`+about("table", table)+`,"description":"d"}`, 200).shows("latestResult.resultId", second)

	h.do("DELETE", results+"/3000", nil, 200)
	h.do("DELETE", results+"/3000", nil, 404)
	h.do("DELETE", results+"/0", nil, 404)
	h.do("DELETE", results+"/before/0", nil, 200)
	h.do("DELETE", results+"/before/1", nil, 200)
	h.do("GET", "/dataContracts/"+id, nil, 200).shows("latestResult.status", "Failed")
	h.do("DELETE", results+"/before/2000", nil, 200)
	h.do("GET", results, nil, 200).shows("paging.total", "1", "data.0.timestamp", "2000")
	h.do("DELETE", results+"/before/9000", nil, 200)
	h.do("GET", "/dataContracts/"+id, nil, 200).shows("latestResult", "")
	for _, bad := range []string{`{}`, `{"dataContractFQN":"x","timestamp":0,"contractExecutionStatus":"Success"}`, `{"dataContractFQN":"x","timestamp":5,"contractExecutionStatus":"Odd"}`, `[]`,
		`{"id":"x","dataContractFQN":"x","timestamp":5,"contractExecutionStatus":"Success"}`} {
		h.do("PUT", results, bad, 400)
	}
	h.do("DELETE", results+"/x", nil, 400)
	reader := h.consumer("reader")
	h.as(reader, "PUT", results, `{"dataContractFQN":"x","timestamp":5,"contractExecutionStatus":"Success"}`).want(403)
	h.as(reader, "DELETE", results+"/5", nil).want(403)
	h.as(reader, "DELETE", results+"/before/5", nil).want(403)
}

// product makes a data product with the table in it and an approved contract.
func (h *harness) product(table string) (product, contract string) {
	h.t.Helper()
	h.do("POST", "/domains", `{"name":"Sales","domainType":"Aggregate","description":"d"}`, 201)
	product = h.do("POST", "/dataProducts", `{"name":"Customers","domains":["Sales"],"description":"d"}`, 201).id()
	h.do("PATCH", "/tables/"+table, `[{"op":"add","path":"/domains","value":[`+about("domain", h.do("GET", "/domains/name/Sales", nil, 200).id())+`]},{"op":"add","path":"/dataProducts","value":[`+about("dataProduct", product)+`]}]`, 200)
	contract = h.do("POST", "/dataContracts", `{"name":"of all","entity":`+about("dataProduct", product)+`,"entityStatus":"Approved","termsOfUse":"for all","sla":{"retention":{"period":1,"unit":"year"}},
		"semantics":`+semantics("owned", `{"!!":{"var":"owners"}}`)+`}`, 201).id()
	return product, contract
}

func TestContractsOfDataProductsAreInherited(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	entityPath := "/dataContracts/entity?entityType=table&entityId=" + table
	validate := strings.Replace(entityPath, "entity?", "entity/validate?", 1)
	h.do("GET", entityPath, nil, 404)
	h.do("POST", validate, nil, 404)
	product, id := h.product(table)
	h.do("GET", "/dataProducts/"+product+"/dataContract", nil, 200).shows("id", id, "entityStatus", "Approved", "inherited", "false")
	h.do("GET", entityPath, nil, 200).shows("id", id, "inherited", "true", "entity.id", table, "entityStatus", "Draft", "termsOfUse.inherited", "true", "semantics.0.inherited", "true", "sla.retention.period", "1")

	h.do("POST", validate, nil, 200).shows("contractExecutionStatus", "Failed", "semanticsValidation.failedRules.0.ruleName", "owned")
	mine := h.do("GET", entityPath, nil, 200).shows("inherited", "false", "name", "of all - customers", "latestResult.status", "Failed", "semantics.0.name", "owned", "termsOfUse.content", "for all")
	h.do("GET", "/dataContracts/"+id, nil, 200).shows("latestResult", "")
	h.do("PATCH", "/tables/"+table, `[{"op":"add","path":"/owners","value":[`+about("user", h.admin.id.String())+`]}]`, 200)
	h.do("POST", "/dataContracts/"+mine.id()+"/validate", nil, 200).shows("contractExecutionStatus", "Success", "semanticsValidation.passed", "1")

	// What its own contract says counts.
	h.do("PATCH", "/dataContracts/"+mine.id(), `[{"op":"add","path":"/semantics","value":`+semantics("owned", `{"!":{"var":"owners"}}`)+`},{"op":"add","path":"/termsOfUse","value":{"content":"mine"}}]`, 200)
	h.do("GET", entityPath, nil, 200).shows("semantics.0.rule", `{"!":{"var":"owners"}}`, "semantics.1", "", "termsOfUse.content", "mine", "termsOfUse.inherited", "", "sla.inherited", "true")
	h.do("PATCH", "/dataContracts/"+id, `[{"op":"replace","path":"/entityStatus","value":"Draft"}]`, 200)
	h.do("GET", entityPath, nil, 200).shows("sla", "")

	h.do("GET", "/dataContracts/entity?entityType=user&entityId="+table, nil, 400)
	h.do("GET", "/dataContracts/entity?entityType=table&entityId=x", nil, 400)
	h.do("GET", "/dataContracts/entity?entityType=topic&entityId="+table, nil, 404)
	reader := h.consumer("reader")
	h.as(reader, "POST", validate, nil).want(403)
	h.as(reader, "GET", entityPath, nil).want(200)
	h.forbid(reader, "ViewAll")
	h.as(reader, "GET", entityPath, nil).want(403)
}

func TestRequestsForContractsAreJudged(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	judge := func(body string, want ...string) {
		t.Helper()
		h.do("POST", "/dataContracts/validate", body, 200).shows(want...)
	}
	of := `,"entity":` + about("table", table)
	judge(`{"name":"c"`+of+`,"schema":[{"name":"id","dataType":"BIGINT"}]}`, "valid", "true", "schemaValidation.passed", "1", "entityErrors", "", "constraintErrors", "")
	judge(`{"name":"c"`+of+`,"schema":[{"name":"id","dataType":"INT"},{"name":"id","dataType":"INT"},{"name":"gone","dataType":"INT"}]}`,
		"valid", "false", "schemaValidation.failedFields.0", "gone", "schemaValidation.duplicateFields.0", "id", "schemaValidation.failed", "2")
	judge(`{"entity":`+about("table", table)+`}`, "valid", "false", "entityErrors.1", "")
	judge(`{"name":"c","entity":`+about("user", h.admin.id.String())+`}`, "valid", "false", "constraintErrors.0", "a contract cannot be about a user")
	judge(`{"name":"c"`+of+`,"owners":[`+about("user", table)+`]}`, "valid", "false", "constraintErrors.1", "")
	judge(`{"name":"c"`+of+`,"semantics":`+semantics("r", `{"x":1}`)+`}`, "valid", "false", "constraintErrors.0", `the semantics rule "r" cannot be evaluated: there is no operator "x"`)
	h.do("GET", "/dataContracts?limit=10", nil, 200).shows("paging.total", "0")
	h.do("POST", "/dataContracts/validate", `{"name":"c","entity":`+about("table", h.admin.id.String())+`}`, 404)
	h.do("POST", "/dataContracts/validate", `{`, 400)
	h.as(h.nobody, "POST", "/dataContracts/validate", `{"name":"c"`+of+`}`).want(403)

	const yaml = "application/yaml"
	text := "name: c\nentity: {id: " + table + ", type: table}\nschema:\n  - {name: gone, dataType: INT}\n"
	h.sends(h.admin, "POST", "/dataContracts/validate/yaml", yaml, text).want(200).shows("valid", "false", "schemaValidation.failedFields.0", "gone")
	h.sends(h.admin, "POST", "/dataContracts/validate/yaml", "application/json", "{}").want(415)
	h.sends(h.admin, "POST", "/dataContracts", yaml, text).want(201).shows("name", "c")
	h.sends(h.admin, "PUT", "/dataContracts", "text/yaml", text+"description: 2026-01-31\n").want(200).shows("description", "2026-01-31")
}
