package api

import (
	"testing"

	"github.com/google/uuid"
)

func TestResultsOfKPIs(t *testing.T) {
	h := newHarness(t)
	h.do("POST", "/analytics/dataInsights/charts", `{"name":"percentage_of_data_asset_with_description_kpi"}`, 201)
	h.do("POST", "/kpi", `{"name":"described","description":"d","dataInsightChart":"percentage_of_data_asset_with_description_kpi","metricType":"PERCENTAGE","targetValue":80,"startDate":1000,"endDate":2000}`, 201)
	h.do("GET", "/kpi/described/latestKpiResult", nil, 404)
	put := func(at, value string) answer {
		t.Helper()
		return h.do("PUT", "/kpi/described/kpiResult", `{"timestamp":`+at+`,"targetResult":[{"name":"described","value":"`+value+`","targetMet":false}]}`, 200)
	}
	put("3000", "0.5").shows("name", "described", "kpiResult.timestamp", "3000", "kpiResult.kpiFqn", "described")
	put("2000", "0.4").shows("kpiResult.timestamp", "3000")
	put("3000", "0.6")
	h.do("GET", "/kpi/described/kpiResult?startTs=2500&endTs=9000", nil, 200).shows("paging.total", "1", "data.0.targetResult.0.value", "0.6")
	h.do("GET", "/kpi/described/latestKpiResult", nil, 200).shows("timestamp", "3000")
	h.do("GET", "/kpi/name/described?fields=kpiResult", nil, 200).shows("kpiResult.targetResult.0.value", "0.6")
	for _, bad := range []string{`{}`, `{"timestamp":0,"targetResult":[]}`, `{"timestamp":"x","targetResult":[]}`, `[]`} {
		h.do("PUT", "/kpi/described/kpiResult", bad, 400)
	}
	h.do("PUT", "/kpi/none/kpiResult", `{"timestamp":1,"targetResult":[]}`, 404)
	h.do("GET", "/kpi/none/kpiResult", nil, 404)
	h.as(h.consumer("reader"), "PUT", "/kpi/described/kpiResult", `{"timestamp":1,"targetResult":[]}`).want(403)
}

func TestUnitsOfMetrics(t *testing.T) {
	h := newHarness(t)
	h.do("GET", "/metrics/customUnits", nil, 200).shows("0", "")
	for name, unit := range map[string]string{"a": "Kisses", "b": "Apples", "c": "Kisses"} {
		h.do("POST", "/metrics", `{"name":"`+name+`","unitOfMeasurement":"OTHER","customUnitOfMeasurement":"`+unit+`"}`, 201)
	}
	h.do("GET", "/metrics/customUnits", nil, 200).shows("0", "Apples", "1", "Kisses", "2", "")
	reader := h.consumer("reader")
	h.forbid(reader, "ViewBasic")
	h.as(reader, "GET", "/metrics/customUnits", nil).want(403)
}

func TestReportsOfDashboards(t *testing.T) {
	h := newHarness(t)
	service := h.do("POST", "/services/dashboardServices", `{"name":"bi","serviceType":"Looker"}`, 201).id()
	body := func(description string) string {
		return `{"name":"sales","description":"` + description + `","service":` + about("dashboardService", service) + `}`
	}
	id := h.do("POST", "/reports", body("d"), 201).shows("name", "sales", "service.name", "bi", "fullyQualifiedName", "sales").id()
	h.do("POST", "/reports", body("d"), 409)
	h.do("PUT", "/reports", body("e"), 200).shows("id", id, "description", "e", "version", "0.2")
	h.do("PUT", "/reports", `{"name":"other","id":"`+uuid.NewString()+`","service":`+about("dashboardService", service)+`}`, 201)
	h.do("GET", "/reports/"+id, nil, 200).shows("description", "e")
	for _, bad := range []string{`{"name":"x"}`, `{}`, `[]`, `{"name":"x","service":{"id":"x","type":"dashboardService"}}`, `{"name":"x","odd":1,"service":` + about("dashboardService", service) + `}`} {
		h.do("POST", "/reports", bad, 400)
	}
	h.do("POST", "/reports", `{"name":"x","service":`+about("dashboardService", uuid.NewString())+`}`, 404)
	reader := h.consumer("reader")
	h.as(reader, "POST", "/reports", `{"name":"mine","service":`+about("dashboardService", service)+`}`).want(403)
	h.as(reader, "PUT", "/reports", `{"name":"sales","displayName":"mine","service":`+about("dashboardService", service)+`}`).want(403)
}

func TestCostsOfAService(t *testing.T) {
	h := newHarness(t)
	h.schema()
	cost := func(name, text string, at, cost, count int) {
		t.Helper()
		id := h.do("PUT", "/queries", map[string]any{"name": name, "query": text, "service": "shop"}, 200, 201).id()
		h.do("POST", "/queryCostRecord", map[string]any{"queryReference": map[string]any{"id": id, "type": "query"}, "timestamp": at, "cost": cost, "count": count, "totalDuration": 10 * count}, 200)
	}
	cost("a", "SELECT 1", 1000, 5, 2)
	cost("a", "SELECT 1", 2000, 1, 2)
	cost("b", "SELECT 2", 1000, 9, 1)
	const path = "/queryCostRecord/service/"
	h.do("GET", path+"shop", nil, 200).shows("queryGroups.0.queryText", "SELECT 2", "queryGroups.1.totalCost", "6", "queryGroups.1.totalCount", "4", "queryGroups.1.avgDuration", "10", "queryGroups.2", "",
		"overallStats.totalCost", "15", "overallStats.minCost", "1", "overallStats.maxCost", "9", "overallStats.avgCost", "5", "overallStats.totalExecutionCount", "5")
	h.do("GET", path+"sho", nil, 200).shows("queryGroups", "[]", "overallStats.totalCost", "0")
	reader := h.consumer("reader")
	h.as(reader, "GET", path+"shop", nil).want(200)
	h.forbid(reader, "ViewAll")
	h.as(reader, "GET", path+"shop", nil).want(403)
}

func TestPointsOfOneMomentAndBefore(t *testing.T) {
	h := newHarness(t)
	agent := h.do("POST", "/aiApplications", `{"name":"helper","applicationType":"Chatbot"}`, 201).id()
	run := func(at string) {
		t.Helper()
		h.do("POST", "/agentExecutions", `{"agent":`+about("aiApplication", agent)+`,"agentId":"`+agent+`","timestamp":`+at+`,"status":"Success"}`, 200, 201)
	}
	run("1000")
	run("2000")
	h.as(h.consumer("reader"), "DELETE", "/agentExecutions/"+agent+"/1000", nil).want(403)
	h.do("DELETE", "/agentExecutions/"+agent+"/1000", nil, 200)
	h.do("DELETE", "/agentExecutions/"+agent+"/1000", nil, 404)
	h.do("DELETE", "/agentExecutions/"+agent+"/0", nil, 404)
	h.do("DELETE", "/agentExecutions/"+agent+"/x", nil, 400)
	h.do("DELETE", "/agentExecutions/"+uuid.NewString()+"/2000", nil, 404)
	h.do("GET", "/agentExecutions?agentId="+agent, nil, 200).shows("paging.total", "1", "data.0.timestamp", "2000")

	visit := func(at string) {
		t.Helper()
		h.do("PUT", "/analytics/web/events/collect", `{"eventType":"PageView","timestamp":`+at+`,"eventData":{"url":"/a","hostname":"h","sessionId":"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6"}}`, 200)
	}
	visit("1000")
	visit("2000")
	const path = "/analytics/web/events/PageView/"
	h.as(h.consumer("visitor"), "DELETE", path+"9000/collect", nil).want(403)
	for at, left := range map[string]string{"0": "2", "1": "2"} {
		h.do("DELETE", path+at+"/collect", nil, 200)
		h.do("GET", "/analytics/web/events/collect?eventType=PageView", nil, 200).shows("paging.total", left)
	}
	h.do("DELETE", path+"2000/collect", nil, 200)
	h.do("GET", "/analytics/web/events/collect?eventType=PageView", nil, 200).shows("paging.total", "1", "data.0.timestamp", "2000")
	h.do("DELETE", path+"x/collect", nil, 400)
}
