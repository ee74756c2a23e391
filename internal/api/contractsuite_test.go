package api

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestContractsGatherTheirTests(t *testing.T) {
	h := newHarness(t)
	_, count, notNull := h.suite()
	table := h.do("GET", "/tables/name/"+customersFQN, nil, 200).id()
	id := h.contract("c", table, `,"qualityExpectations":[`+about("testCase", count)+`]`)
	suite := h.do("GET", "/dataContracts/"+id, nil, 200).shows("testSuite.type", "testSuite", "testSuite.name", id, "version", "0.1").at("testSuite.id")
	path := "/dataQuality/testSuites/" + suite
	h.do("GET", path+"?fields=tests,summary", nil, 200).
		shows("dataContract.id", id, "dataContract.name", "c", "displayName", "Data Contract - c", "basic", "false", "tests.0.id", count, "tests.1", "", "version", "0.1")
	h.do("GET", "/dataQuality/testCases/"+count+"?fields=testSuites", nil, 200).shows("testSuites.1.name", id)

	// The suite follows, whatever a patch says about it.
	other := h.do("POST", "/dataQuality/testSuites", `{"name":"mine"}`, 201).id()
	h.do("PATCH", "/dataContracts/"+id, `[{"op":"replace","path":"/testSuite","value":`+about("testSuite", other)+`},{"op":"replace","path":"/qualityExpectations","value":[`+about("testCase", notNull)+`]}]`, 200).
		shows("testSuite.id", suite)
	h.do("GET", path+"?fields=tests", nil, 200).shows("tests.0.id", notNull, "tests.1", "")
	h.do("PUT", "/dataContracts", `{"name":"c","entity":`+about("table", table)+`,"qualityExpectations":[`+about("testCase", count)+`,`+about("testCase", notNull)+`]}`, 200).shows("testSuite.id", suite)

	// It sees results, and the newest result of the contract follows them.
	results := "/dataContracts/" + id + "/results/latest"
	h.result(countFQN, 1000, "Success")
	h.do("GET", results, nil, 404)
	h.do("POST", "/dataContracts/"+id+"/validate", nil, 200).shows("contractExecutionStatus", "PartialSuccess")
	h.result(notNullFQN, 1000, "Failed")
	h.do("GET", results, nil, 200).shows("contractExecutionStatus", "Failed", "result", "1 of 2 tests failed", "qualityValidation.failed", "1", "qualityValidation.qualityScore", "50")
	h.do("GET", "/dataContracts/"+id, nil, 200).shows("latestResult.status", "Failed", "latestResult.message", "1 of 2 tests failed")
	h.do("GET", path+"?fields=summary", nil, 200).shows("summary.failed", "1", "summary.success", "1", "summary.total", "2")
	h.result(notNullFQN, 2000, "Success")
	h.do("GET", results, nil, 200).shows("contractExecutionStatus", "Success", "result", "")
	h.do("DELETE", "/dataQuality/testCases/testCaseResults/"+esc(notNullFQN)+"/2000", nil, 200)
	h.do("GET", results, nil, 200).shows("contractExecutionStatus", "Failed")

	// It goes with the last test, and with the contract.
	h.do("PATCH", "/dataContracts/"+id, `[{"op":"remove","path":"/qualityExpectations"}]`, 200).shows("testSuite", "")
	h.do("GET", path, nil, 404)
	h.do("GET", "/dataQuality/testCases/"+count, nil, 200)
	again := h.do("PATCH", "/dataContracts/"+id, `[{"op":"add","path":"/qualityExpectations","value":[`+about("testCase", count)+`]}]`, 200).at("testSuite.id")
	h.do("DELETE", "/dataContracts/"+id+"?hardDelete=true", nil, 200)
	h.do("GET", "/dataQuality/testSuites/"+again, nil, 404)
	below := h.do("GET", "/dataContracts/"+h.contract("d", table, `,"qualityExpectations":[`+about("testCase", count)+`]`), nil, 200).at("testSuite.id")
	h.do("DELETE", "/tables/"+table+"?hardDelete=true&recursive=true", nil, 200)
	h.do("GET", "/dataQuality/testSuites/"+below+"?include=all", nil, 404)
}

// A contract that is refused leaves no suite behind.
func TestRefusedContractsGatherNothing(t *testing.T) {
	h := newHarness(t)
	_, count, _ := h.suite()
	table := h.do("GET", "/tables/name/"+customersFQN, nil, 200).id()
	reader := h.consumer("reader")
	h.as(reader, "POST", "/dataContracts", `{"name":"c","entity":`+about("table", table)+`,"qualityExpectations":[`+about("testCase", count)+`]}`).want(403)
	h.do("GET", "/dataQuality/testSuites?limit=100", nil, 200).lacks("Data Contract -")
}

func TestPromisesAboutService(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	id := h.contract("c", table, `,"sla":{"refreshFrequency":{"interval":1,"unit":"day"},"maxLatency":{"value":2,"unit":"hour"},"columnName":"email","retention":{"period":1,"unit":"year"}}`)
	validate := func(want ...string) answer {
		t.Helper()
		return h.do("POST", "/dataContracts/"+id+"/validate", nil, 200).shows(want...)
	}
	validate("contractExecutionStatus", "Success").lacks("slaValidation") // nobody knows

	now := time.Now()
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	h.do("PATCH", "/tables/"+table, fmt.Sprintf(`[{"op":"add","path":"/lifeCycle","value":{"updated":{"timestamp":%d}}}]`, ago(72*time.Hour)), 200)
	validate("contractExecutionStatus", "Failed", "slaValidation.refreshFrequencyMet", "false", "result", "the data is not refreshed as often as promised")

	newest := now.Add(-3 * time.Hour).UTC().Truncate(time.Second)
	profile := func(at int64) {
		t.Helper()
		h.as(h.bot(), "PUT", "/tables/"+table+"/tableProfile", fmt.Sprintf(`{"tableProfile":{"timestamp":%d},"columnProfile":[{"name":"email","timestamp":%d,"max":%q}]}`,
			at, at, newest.Format("2006-01-02 15:04:05"))).want(200)
	}
	profile(now.UnixMilli())
	got := validate("contractExecutionStatus", "Failed", "slaValidation.refreshFrequencyMet", "true", "slaValidation.latencyMet", "false")
	if !strings.HasPrefix(got.at("result"), "the data is later than promised: 3h0m") {
		t.Errorf("the result says %q", got.at("result"))
	}
	profile(newest.Add(time.Hour).UnixMilli()) // an older look at it does not count
	validate("slaValidation.latencyMet", "false")
	h.do("PUT", "/dataContracts", `{"name":"c","entity":`+about("table", table)+`,"sla":{"maxLatency":{"value":4,"unit":"hour"},"columnName":"email"}}`, 200)
	validate("contractExecutionStatus", "Success", "slaValidation.latencyMet", "true", "slaValidation.refreshFrequencyMet", "")
	h.do("PUT", "/dataContracts", `{"name":"c","entity":`+about("table", table)+`,"sla":{"refreshFrequency":{"interval":2147483647,"unit":"year"}}}`, 200)
	validate("contractExecutionStatus", "Success", "slaValidation.refreshFrequencyMet", "true")
}
