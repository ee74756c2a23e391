package api

import (
	"fmt"
	"testing"
)

func TestAgentExecutionsAreKept(t *testing.T) {
	h := newHarness(t)
	h.do("POST", "/services/llmServices", `{"name":"llm","serviceType":"OpenAI"}`, 201)
	h.do("POST", "/llmModels", `{"name":"model","service":"llm","baseModel":"base","modelProvider":"OpenAI"}`, 201)
	agent := h.do("POST", "/aiApplications", `{"name":"helper","applicationType":"Agent","primaryModel":"llm.model"}`, 201)
	run := func(at int) map[string]any {
		return map[string]any{"agent": map[string]string{"id": agent.id(), "type": "aiApplication"}, "agentId": agent.id(), "timestamp": at, "status": "Success"}
	}
	var ids []string
	for _, at := range []int{1000, 3000, 2000} {
		ids = append(ids, h.do("POST", "/agentExecutions", run(at), 200).id())
	}
	h.as(h.nobody, "POST", "/agentExecutions", run(1)).want(403)
	h.do("POST", "/agentExecutions", `{"status":"Success"}`, 400)
	list := h.do("GET", "/agentExecutions?startTs=1500&agentId="+agent.id(), nil, 200)
	if got := string(list.member("paging", "total")); got != "2" {
		t.Errorf("two runs are newer than 1500, but the list says %s: %s", got, list.body)
	}
	h.do("GET", "/agentExecutions", nil, 400)
	h.do("GET", "/agentExecutions/"+ids[0], nil, 200)
	h.do("DELETE", "/agentExecutions/"+ids[0], nil, 200)
	h.do("GET", "/agentExecutions/"+ids[0], nil, 404)
}

func TestReportDataIsKeptByDay(t *testing.T) {
	h := newHarness(t)
	const path, day = "/analytics/dataInsights/data", 86_400_000
	for i := range 3 {
		h.do("POST", path, fmt.Sprintf(`{"timestamp":%d,"reportDataType":"entityReportData","data":{"entityType":"table"}}`, i*day+5), 200)
	}
	total := func() string {
		return string(h.do("GET", path+"?reportDataType=entityReportData", nil, 200).member("paging", "total"))
	}
	if got := total(); got != "3" {
		t.Errorf("total is %s, want 3", got)
	}
	h.do("DELETE", path+"/entityReportData/1970-01-02", nil, 200)
	if got := total(); got != "2" {
		t.Errorf("total is %s after a day went, want 2", got)
	}
	h.do("DELETE", path+"/entityReportData/yesterday", nil, 400)
	h.as(h.nobody, "DELETE", path+"/entityReportData", nil).want(403)
	h.do("DELETE", path+"/entityReportData", nil, 200)
	if got := total(); got != "0" {
		t.Errorf("total is %s after all went, want 0", got)
	}
}

func TestPageViewsAreCollected(t *testing.T) {
	h := newHarness(t)
	const path = "/analytics/web/events/collect"
	event := `{"eventType":"PageView","timestamp":1000,"eventData":{"url":"/table/a","hostname":"localhost","sessionId":"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6"}}`
	h.as(h.nobody, "PUT", path, event).want(200)
	if got := string(h.do("GET", path+"?eventType=PageView", nil, 200).member("paging", "total")); got != "1" {
		t.Errorf("total is %s, want 1", got)
	}
}
