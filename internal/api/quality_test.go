package api

import (
	"fmt"
	"strings"
	"testing"
)

// suite makes the basic suite of the customers, with a test of the table and one
// of a column.
func (h *harness) suite() (suite, count, notNull string) {
	h.t.Helper()
	h.customers()
	bot := h.bot()
	suite = h.as(bot, "PUT", "/dataQuality/testSuites/executable", `{"name":"`+customersFQN+`.testSuite","displayName":"x","description":null,"basicEntityReference":"`+customersFQN+`"}`).
		want(201).shows("basic", "true", "basicEntityReference.type", "table", "fullyQualifiedName", customersFQN+".testSuite").id()
	count = h.as(bot, "PUT", "/dataQuality/testCases", `{"name":"count","testDefinition":"tableRowCountToBeBetween","entityLink":"<#E::table::`+customersFQN+`>","parameterValues":[{"name":"minValue","value":"1"}]}`).
		want(201).shows("testSuite.id", suite, "testDefinition.name", "tableRowCountToBeBetween", "fullyQualifiedName", customersFQN+".count").id()
	notNull = h.as(bot, "PUT", "/dataQuality/testCases", `{"name":"notNull","testDefinition":"columnValuesToBeNotNull","entityLink":"<#E::table::`+customersFQN+`::columns::email>"}`).
		want(201).shows("testSuite.id", suite, "fullyQualifiedName", customersFQN+".email.notNull").id()
	return suite, count, notNull
}

const (
	countFQN   = customersFQN + ".count"
	notNullFQN = customersFQN + ".email.notNull"
)

func (h *harness) result(fqn string, at int64, status string) answer {
	h.t.Helper()
	return h.as(h.bot(), "POST", "/dataQuality/testCases/testCaseResults/"+esc(fqn),
		fmt.Sprintf(`{"timestamp":%d,"testCaseStatus":%q,"result":"r","testResultValue":[{"name":"rows","value":"7"}],"sampleData":null,"id":null}`, at, status)).want(201)
}

func TestBasicSuites(t *testing.T) {
	h := newHarness(t)
	suite, _, _ := h.suite()
	table := h.do("GET", "/tables/name/"+customersFQN+"?fields=testSuite", nil, 200).shows("testSuite.id", suite, "testSuite.type", "testSuite")
	if strings.HasPrefix(table.at("testSuite"), "[") {
		t.Error("a table has one suite, not a list")
	}
	h.do("GET", "/tables/name/"+customersFQN+"?fields=tableProfilerConfig,testSuite,serviceType", nil, 200).shows("testSuite.fullyQualifiedName", customersFQN+".testSuite")
	h.do("GET", "/dataQuality/testSuites/"+suite+"?fields=tests", nil, 200).shows("tests.0.type", "testCase", "tests.2", "")
	h.do("PUT", "/dataQuality/testSuites/executable", `{"name":"x","basicEntityReference":"`+customersFQN+`"}`, 200).shows("id", suite)
	h.do("POST", "/dataQuality/testSuites/basic", `{"name":"x","basicEntityReference":"`+customersFQN+`"}`, 409)
	h.do("PUT", "/dataQuality/testSuites/basic", `{"name":"x"}`, 400)
	h.do("PUT", "/dataQuality/testSuites/basic", `{"name":"x","basicEntityReference":"shop.db.public.nope"}`, 404)
	h.as(h.consumer("reader"), "PUT", "/dataQuality/testSuites/basic", `{"name":"x","basicEntityReference":"`+customersFQN+`"}`).want(200, 403)
	h.do("DELETE", "/dataQuality/testSuites/executable/"+suite+"?hardDelete=true&recursive=true", nil, 200)
	h.do("GET", "/dataQuality/testCases/name/"+countFQN, nil, 404)
	h.do("GET", "/tables/name/"+customersFQN+"?fields=testSuite", nil, 200).shows("testSuite", "")
}

func TestResultsFollowTheTest(t *testing.T) {
	h := newHarness(t)
	suite, count, _ := h.suite()
	h.result(countFQN, 1000, "Success").shows("testCaseFQN", countFQN, "timestamp", "1000", "incidentId", "")
	h.result(countFQN, 3000, "Aborted")
	h.result(countFQN, 2000, "Success")
	h.do("GET", "/dataQuality/testCases/"+count+"?fields=testCaseResult,testSuite,testDefinition,testSuites", nil, 200).
		shows("testCaseStatus", "Aborted", "testCaseResult.timestamp", "3000", "version", "0.1", "testSuites.0.id", suite, "testSuites.1", "")
	h.do("GET", "/dataQuality/testCases/testCaseResults/"+countFQN+"?startTs=1500&endTs=9000", nil, 200).shows("paging.total", "2", "data.0.timestamp", "3000")
	h.do("GET", "/dataQuality/testCases?testCaseStatus=Aborted", nil, 200).shows("paging.total", "1", "data.0.id", count)
	h.do("GET", "/dataQuality/testSuites/"+suite+"?fields=summary", nil, 200).shows("summary.total", "2", "summary.aborted", "1")
	h.do("GET", "/dataQuality/testSuites/executionSummary?testSuiteId="+suite, nil, 200).shows("total", "2", "aborted", "1")
	h.do("GET", "/dataQuality/testSuites/executionSummary", nil, 200).shows("total", "2", "aborted", "1", "success", "0")

	path := "/dataQuality/testCases/testCaseResults/" + countFQN + "/3000"
	h.do("PATCH", path, `[{"op":"replace","path":"/testCaseStatus","value":"Success"},{"op":"replace","path":"/timestamp","value":9}]`, 200).shows("testCaseStatus", "Success", "timestamp", "3000")
	h.do("GET", "/dataQuality/testCases/"+count, nil, 200).shows("testCaseStatus", "Success")
	h.do("PATCH", path, `[{"op":"replace","path":"/testCaseStatus","value":"Odd"}]`, 400)
	h.do("DELETE", path, nil, 200).shows("timestamp", "3000")
	h.do("DELETE", path, nil, 404)
	h.do("GET", "/dataQuality/testCases/"+count+"?fields=testCaseResult", nil, 200).shows("testCaseResult.timestamp", "2000")

	reader := h.consumer("reader")
	h.as(reader, "POST", "/dataQuality/testCases/testCaseResults/"+countFQN, `{"timestamp":5,"testCaseStatus":"Success"}`).want(403)
	h.do("POST", "/dataQuality/testCases/testCaseResults/"+countFQN, `{"timestamp":5}`, 400)
	h.do("POST", "/dataQuality/testCases/testCaseResults/shop.nope", `{"timestamp":5,"testCaseStatus":"Success"}`, 404)
	h.forbid(reader, "ViewTests")
	h.as(reader, "GET", "/dataQuality/testCases/testCaseResults/"+countFQN, nil).want(403)
	h.as(reader, "GET", "/dataQuality/testCases/testCaseResults/search/list", nil).want(403)
}

func TestARepeatedPutKeepsTheResult(t *testing.T) {
	h := newHarness(t)
	_, count, _ := h.suite()
	h.result(countFQN, 1000, "Failed")
	h.do("PUT", "/dataQuality/testCases", `{"name":"count","testDefinition":"tableRowCountToBeBetween","entityLink":"<#E::table::`+customersFQN+`>","parameterValues":[{"name":"minValue","value":"2"}]}`, 200).
		shows("testCaseStatus", "Failed", "parameterValues.0.value", "2")
	h.do("GET", "/dataQuality/testCases/"+count+"?fields=testCaseResult,incidentId", nil, 200).shows("testCaseResult.timestamp", "1000")
}

func TestSearchForResults(t *testing.T) {
	h := newHarness(t)
	suite, _, _ := h.suite()
	for i := int64(1); i <= 3; i++ {
		h.result(countFQN, i*1000, "Success")
		h.result(notNullFQN, i*1000+1, "Failed")
	}
	const list = "/dataQuality/testCases/testCaseResults/search/list?"
	for _, test := range []struct{ query, total, first string }{
		{"limit=2", "6", "3001"},
		{"testCaseStatus=Success", "3", "3000"},
		{"testCaseFQN=" + notNullFQN, "3", "3001"},
		{"testSuiteId=" + suite + "&latest=true", "2", "3001"},
		{"entityFQN=" + customersFQN, "3", "3000"},
		{"startTimestamp=1500&endTimestamp=2500", "2", "2001"},
		{"q=notnull", "3", "3001"},
		{"testCaseFQN=shop.none", "0", ""},
		{"testCaseType=column&latest=true", "1", "3001"},
	} {
		t.Run(test.query, func(t *testing.T) {
			h.do("GET", list+test.query, nil, 200).shows("paging.total", test.total, "data.0.timestamp", test.first)
		})
	}
	h.do("GET", list+"limit=2&offset=4", nil, 200).shows("data.0.timestamp", "1001", "data.1.timestamp", "1000", "paging.after", "")
	h.do("GET", "/dataQuality/testCases/testCaseResults/search/latest?testCaseFQN="+countFQN, nil, 200).shows("timestamp", "3000")
	h.do("GET", "/dataQuality/testCases/testCaseResults/search/latest?testCaseFQN=none", nil, 404)
}

func TestListsOfTestCases(t *testing.T) {
	h := newHarness(t)
	suite, count, notNull := h.suite()
	for _, test := range []struct{ query, total, first string }{
		{"", "2", count},
		{"entityLink=" + esc("<#E::table::"+customersFQN+">"), "1", count},
		{"includeAllTests=true&entityLink=" + esc("<#E::table::"+customersFQN+">"), "2", count},
		{"entityLink=" + esc("<#E::table::"+customersFQN+"::columns::email>"), "1", notNull},
		{"entityFQN=" + customersFQN + ".email", "1", notNull},
		{"testSuiteId=" + suite, "2", count},
		{"testCaseType=column", "1", notNull},
		{"testCaseType=table", "1", count},
		{"testCaseStatus=Failed", "0", ""},
		{"testSuiteId=11111111-2222-4333-8444-555555555555", "0", ""},
	} {
		for _, path := range []string{"/dataQuality/testCases?", "/dataQuality/testCases/search/list?"} {
			t.Run(path+test.query, func(t *testing.T) {
				h.do("GET", path+"fields=testSuite,testDefinition&"+test.query, nil, 200).shows("paging.total", test.total, "data.0.id", test.first)
			})
		}
	}
	h.do("GET", "/dataQuality/testCases/search/list?q=*notnull*", nil, 200).shows("paging.total", "1", "data.0.id", notNull)
	h.do("GET", "/dataQuality/testCases/search/list?dataQualityDimension=Completeness", nil, 200).shows("paging.total", "1", "data.0.id", notNull)
	h.do("GET", "/dataQuality/testCases/search/list?limit=1&offset=1", nil, 200).shows("data.0.id", notNull, "data.1", "")
	h.do("GET", "/dataQuality/testCases?testCaseType=odd", nil, 400)
	h.do("GET", "/dataQuality/testCases?entityLink=odd", nil, 400)
	after := h.do("GET", "/dataQuality/testCases?limit=1", nil, 200).at("paging.after")
	h.do("GET", "/dataQuality/testCases?limit=1&after="+after, nil, 200).shows("data.0.id", notNull)
}

func TestLogicalSuites(t *testing.T) {
	h := newHarness(t)
	basic, count, _ := h.suite()
	logical := h.do("POST", "/dataQuality/testSuites", `{"name":"release","description":"What must hold."}`, 201).shows("basic", "false").id()
	body := func(suite, id string) string { return `{"testSuiteId":"` + suite + `","testCaseIds":["` + id + `"]}` }
	h.do("PUT", "/dataQuality/testCases/logicalTestCases", body(logical, count), 200).shows("id", logical, "tests.0.id", count, "tests.1", "")
	h.do("PUT", "/dataQuality/testCases/logicalTestCases", body(basic, count), 400)
	h.do("PUT", "/dataQuality/testCases/logicalTestCases", body(logical, "11111111-2222-4333-8444-555555555555"), 404)
	h.do("PUT", "/dataQuality/testCases/logicalTestCases", `{"testSuiteId":"`+logical+`","testCaseIds":[]}`, 400)
	h.result(countFQN, 5, "Success")
	h.do("GET", "/dataQuality/testSuites/name/release?fields=tests,summary", nil, 200).shows("tests.0.id", count, "summary.success", "1", "summary.total", "1")
	h.do("GET", "/dataQuality/testCases?testSuiteId="+logical, nil, 200).shows("paging.total", "1", "data.0.id", count)
	h.do("GET", "/dataQuality/testCases/"+count+"?fields=testSuites", nil, 200).shows("testSuites.2", "").lacks(`"testSuites":[{"basic":true}]`)
	h.as(h.consumer("reader"), "PUT", "/dataQuality/testCases/logicalTestCases", body(logical, count)).want(403)

	h.do("POST", "/dataQuality/testSuites", `{"name":"vacant"}`, 201)
	for _, path := range []string{"/dataQuality/testSuites?", "/dataQuality/testSuites/search/list?"} {
		h.do("GET", path+"testSuiteType=logical", nil, 200).shows("paging.total", "2")
		h.do("GET", path+"testSuiteType=basic", nil, 200).shows("paging.total", "1", "data.0.id", basic)
		h.do("GET", path+"testSuiteType=logical&includeEmptyTestSuites=false", nil, 200).shows("paging.total", "1", "data.0.id", logical)
	}
	h.do("GET", "/dataQuality/testSuites/search/list?q=*vac*", nil, 200).shows("paging.total", "1", "data.0.name", "vacant")
	h.do("DELETE", "/dataQuality/testCases/logicalTestCases/"+logical+"/"+count, nil, 200).shows("id", count)
	h.do("GET", "/dataQuality/testSuites/"+logical+"?fields=tests", nil, 200).shows("tests", "[]")
}

func TestManyCasesAtOnce(t *testing.T) {
	h := newHarness(t)
	h.suite()
	one := func(name string) string {
		return `{"name":"` + name + `","testDefinition":"columnValuesToBeNotNull","entityLink":"<#E::table::` + customersFQN + `::columns::id>"}`
	}
	h.do("POST", "/dataQuality/testCases/createMany", "["+one("a")+","+one("b")+`,{"name":"c"}]`, 200).
		shows("numberOfRowsPassed", "2", "numberOfRowsFailed", "1", "status", "partialSuccess")
	h.do("GET", "/dataQuality/testCases/name/"+customersFQN+".id.b", nil, 200)
}

func TestIncidents(t *testing.T) {
	h := newHarness(t)
	_, count, _ := h.suite()
	reader := h.consumer("reader")
	state := h.result(countFQN, 1000, "Failed").at("incidentId")
	h.result(countFQN, 2000, "Failed").shows("incidentId", state)
	h.do("GET", "/dataQuality/testCases/"+count+"?fields=incidentId", nil, 200).shows("incidentId", state, "testCaseStatus", "Failed")

	const path = "/dataQuality/testCases/testCaseIncidentStatus"
	post := func(stage, details string) string {
		return `{"testCaseReference":"` + countFQN + `","testCaseResolutionStatusType":"` + stage + `","testCaseResolutionStatusDetails":` + details + `,"severity":"Severity2"}`
	}
	h.do("POST", path, post("Ack", "null"), 200).shows("stateId", state, "testCaseReference.fullyQualifiedName", countFQN, "updatedBy.name", "admin")
	assigned := h.do("POST", path, post("Assigned", `{"assignee":{"id":"`+reader.id.String()+`","type":"user"}}`), 200).
		shows("stateId", state, "testCaseResolutionStatusDetails.assignee.name", "reader")
	h.do("POST", path, post("Assigned", `{"assignee":{"id":"11111111-2222-4333-8444-555555555555","type":"user"}}`), 404)
	h.as(reader, "POST", path, post("Ack", "null")).want(403)

	h.do("GET", path+"/stateId/"+state, nil, 200).shows("paging.total", "3", "data.0.testCaseResolutionStatusType", "Assigned", "data.2.testCaseResolutionStatusType", "New")
	h.do("GET", path+"?latest=true&assignee=reader", nil, 200).shows("paging.total", "1", "data.0.id", assigned.id())
	h.do("GET", path+"?latest=true&testCaseResolutionStatusType=New", nil, 200).shows("paging.total", "0")
	h.do("GET", path+"/search/list?testCaseFQN="+countFQN+"&limit=1", nil, 200).shows("paging.total", "3", "paging.after", "1")
	h.do("GET", path+"?originEntityFQN="+customersFQN, nil, 200).shows("paging.total", "3")
	h.do("GET", path+"/"+assigned.id(), nil, 200).shows("severity", "Severity2")
	h.do("PATCH", path+"/"+assigned.id(), `[{"op":"replace","path":"/severity","value":"Severity1"}]`, 200).shows("severity", "Severity1", "stateId", state)
	h.do("PATCH", path+"/"+assigned.id(), `[{"op":"replace","path":"/testCaseResolutionStatusType","value":"New"}]`, 400)
	h.as(reader, "PATCH", path+"/"+assigned.id(), `[{"op":"replace","path":"/severity","value":"Severity5"}]`).want(403)
	h.do("GET", path+"/11111111-2222-4333-8444-555555555555", nil, 404)

	h.do("POST", path, post("Resolved", `{"testCaseFailureReason":"Other","testCaseFailureComment":"fixed"}`), 200).
		shows("stateId", state, "testCaseResolutionStatusDetails.resolvedBy.name", "admin")
	h.do("GET", "/dataQuality/testCases/"+count+"?fields=incidentId", nil, 200).shows("incidentId", "")
	if again := h.result(countFQN, 3000, "Failed").at("incidentId"); again == state || again == "" {
		t.Errorf("a resolved incident went on: %s", again)
	}
}

func TestFailedRowsAreMasked(t *testing.T) {
	h := newHarness(t)
	_, count, _ := h.suite()
	reader := h.consumer("reader")
	path := "/dataQuality/testCases/" + count + "/failedRowsSample"
	h.do("GET", path, nil, 404)
	h.as(h.bot(), "PUT", path, customersSample).want(200).shows("failedRowsSample.rows.0.1", "ann@secret.example")
	h.as(reader, "GET", path, nil).want(200).lacks("ann@secret").shows("rows.0.1", "********", "rows.0.0", "1")
	h.as(reader, "GET", "/dataQuality/testCases/"+count+"?fields=*", nil).want(200).lacks("ann@secret")
	h.as(reader, "PUT", path, customersSample).want(403)
	h.do("PUT", path, `{"columns":["odd"],"rows":[[1]]}`, 400)
	h.do("PUT", path+"?validate=false", `{"columns":["odd"],"rows":[[1]]}`, 200)
	h.forbid(reader, "ViewTestCaseFailedRowsSample")
	h.as(reader, "GET", path, nil).want(403)
	h.do("DELETE", path, nil, 200)
	h.do("GET", path, nil, 404)
}

func TestInspectionQuery(t *testing.T) {
	h := newHarness(t)
	_, count, _ := h.suite()
	path := "/dataQuality/testCases/" + count + "/inspectionQuery"
	h.as(h.bot(), "PUT", path, "select * from t where a = 'x'").want(200).shows("inspectionQuery", "select * from t where a = 'x'")
	h.do("PUT", path, `"select 1"`, 200).shows("inspectionQuery", "select 1")
	h.as(h.consumer("reader"), "PUT", path, "select 2").want(403)
}
