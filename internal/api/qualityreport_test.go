package api

import (
	"net/url"
	"testing"
)

const reportPath = "/dataQuality/testSuites/dataQualityReport"

// reported asks for a report as the user interface does.
func (h *harness) reported(who caller, index, aggregation, q string) answer {
	h.t.Helper()
	return h.as(who, "GET", reportPath+"?"+url.Values{"index": {index}, "aggregationQuery": {aggregation}, "q": {q}}.Encode(), nil)
}

func TestReportsOnDataQuality(t *testing.T) {
	h := newHarness(t)
	h.suite()
	const day = int64(86_400_000)
	h.result(countFQN, 20_000*day+5, "Success")
	h.result(countFQN, 20_000*day+7, "Failed")
	h.result(notNullFQN, 20_001*day, "Failed")
	report := func(index, aggregation, q string, want ...string) {
		t.Helper()
		h.reported(h.admin, index, aggregation, q).want(200).shows(want...)
	}
	const notDeleted = `{"query":{"bool":{"must":[{"term":{"deleted":false}}]}}}`
	report("testCase", "bucketName=status:aggType=terms:field=testCaseResult.testCaseStatus", notDeleted,
		"metadata.keys.0", "status", "metadata.dimensions.0", "testCaseResult.testCaseStatus", "metadata.metrics.0", "document_count", "data.0.document_count", "2", `data.0`, `{"document_count":"2","testCaseResult.testCaseStatus":"failed"}`, "data.1", "")
	report("testCase", "bucketName=dimension:aggType=terms:field=dataQualityDimension,bucketName=status:aggType=terms:field=testCaseResult.testCaseStatus", "",
		"data.0", `{"dataQualityDimension":"Completeness","document_count":"1","testCaseResult.testCaseStatus":"failed"}`, "data.1", `{"dataQualityDimension":"Integrity","document_count":"1","testCaseResult.testCaseStatus":"failed"}`, "data.2", "")
	report("testCase", "bucketName=entityWithTests:aggType=cardinality:field=originEntityFQN", `{"query":{"bool":{"must":[{"terms":{"testCaseStatus.keyword":["Failed","Aborted"]}},{"term":{"originEntityFQN":"`+customersFQN+`"}}]}}}`,
		"data.0", `{"originEntityFQN":"1"}`, "metadata.metrics.0", "originEntityFQN", "metadata.dimensions", "[]")
	report("testCase", "bucketName=n:aggType=cardinality:field=fullyQualifiedName", `{"query":{"bool":{"must":[{"regexp":{"entityLink":".*::columns::.*"}}]}}}`, "data.0", `{"fullyQualifiedName":"1"}`)
	report("testCase", "bucketName=n:aggType=cardinality:field=fullyQualifiedName", `{"query":{"bool":{"must_not":[{"exists":{"field":"dataQualityDimension"}}]}}}`, "data.0", `{"fullyQualifiedName":"0"}`)
	const byDay = "bucketName=byDay:aggType=date_histogram:field=timestamp&calendar_interval=day,bucketName=newIncidents:aggType=cardinality:field="
	report("testCaseResult", byDay+"testCase.fullyQualifiedName", `{"query":{"bool":{"must":[{"term":{"testCaseStatus":"Failed"}},{"range":{"timestamp":{"gte":1,"lte":9999999999999}}}]}}}`,
		"data.0", `{"testCase.fullyQualifiedName":"1","timestamp":"1728000000000"}`, "data.1", `{"testCase.fullyQualifiedName":"1","timestamp":"1728086400000"}`, "data.2", "")
	report("testCaseResolutionStatus", "bucketName=stage:aggType=terms:field=testCaseResolutionStatusType", "", "data.0", `{"document_count":"2","testCaseResolutionStatusType":"New"}`)
	report("testCaseResolutionStatus", byDay+"stateId", `{"query":{"term":{"testCaseResolutionStatusType":"Resolved"}}}`, "data", "[]")
	report("testCaseResolutionStatus", "bucketName=m:aggType=nested:path=metrics,bucketName=byName:aggType=terms:field=metrics.name.keyword,bucketName=avg:aggType=avg:field=metrics.value", "", "data", "[]")
	report("testDefinition", "bucketName=n:aggType=cardinality:field=name", "", "metadata.keys.0", "n")

	// Nobody counts what is hidden.
	reader := h.consumer("reader")
	h.reported(reader, "testCase", "bucketName=n:aggType=cardinality:field=name", "").want(200).shows("data.0.name", "2")
	h.forbid(reader, "ViewTests")
	h.reported(reader, "testCase", "bucketName=n:aggType=cardinality:field=name", "").want(403)
}

func TestReportsThatCannotBe(t *testing.T) {
	h := newHarness(t)
	const good = "bucketName=n:aggType=cardinality:field=name"
	for _, bad := range []struct{ index, aggregation, q string }{
		{"", good, ""}, {"nothing", good, ""}, {"testCase", "", ""}, {"testCase", "bucketName=n", ""}, {"testCase", "x", ""}, {"testCase", good + "," + good, ""}, {"testCase", good + ";" + good, ""},
		{"testCase", "bucketName=n:aggType=scripted:field=name", ""}, {"testCase", "bucketName=n:aggType=terms:field=a&size=-1", ""}, {"testCase", "bucketName=n:aggType=date_histogram:field=a&calendar_interval=second", ""},
		{"testCase", good, "{"}, {"testCase", good, `{"query":{"script":{}}}`}, {"table", "bucketName=n:aggType=nested:path=columns", ""},
		{"testCase", "bucketName=a:aggType=terms:field=b,bucketName=a:aggType=terms:field=b,bucketName=a:aggType=terms:field=b,bucketName=a:aggType=terms:field=b,bucketName=a:aggType=terms:field=b,bucketName=a:aggType=terms:field=b,bucketName=a:aggType=terms:field=b", ""},
	} {
		h.reported(h.admin, bad.index, bad.aggregation, bad.q).want(400, 404)
	}
}

func TestResultsByDimension(t *testing.T) {
	h := newHarness(t)
	h.suite()
	result := func(at, key, name, value string) string {
		return `{"timestamp":` + at + `,"testCaseStatus":"Success","dimensionResults":[{"id":"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6","testCaseResultId":"6dd7029b-4e5f-467f-9ea0-c88c4935b1a7","timestamp":1,
			"dimensionValues":[{"name":"` + name + `","value":"` + value + `"}],"dimensionKey":"` + key + `","testCaseStatus":"Failed","impactScore":0.5}]}`
	}
	const results = "/dataQuality/testCases/testCaseResults/" + countFQN
	h.do("POST", results, result("1000", "country=ES", "country", "ES"), 201)
	newest := h.do("POST", results, result("2000", "country=DE", "country", "DE"), 201)
	h.do("POST", results, result("1500", "age=7", "age", "7"), 201)
	const path = "/dataQuality/testCases/dimensionResults/" + countFQN
	h.do("GET", path, nil, 200).shows("paging.total", "3", "data.0.dimensionKey", "country=DE", "data.0.timestamp", "2000", "data.0.testCaseResultId", newest.id(), "data.0.testCase.fullyQualifiedName", countFQN, "data.0.impactScore", "0.5")
	for query, want := range map[string]string{"startTs=1500": "2", "endTs=1400": "1", "dimensionName=country": "2", "dimensionalityKey=" + url.QueryEscape("age=7"): "1", "dimensionName=none": "0"} {
		h.do("GET", path+"?"+query, nil, 200).shows("paging.total", want)
	}
	h.do("GET", path+"/dimensions", nil, 200).shows("country.0", "DE", "country.1", "ES", "age.0", "7")
	h.do("GET", path+"/dimensions?startTs=1800", nil, 200).shows("country.0", "DE", "age", "")
	h.do("GET", "/dataQuality/testCases/dimensionResults/none", nil, 404)
	h.do("GET", path+"?startTs=x", nil, 400)
	reader := h.consumer("reader")
	h.as(reader, "GET", path, nil).want(200)
	h.forbid(reader, "ViewTests")
	h.as(reader, "GET", path, nil).want(403)
	h.as(reader, "GET", path+"/dimensions", nil).want(403)
}
