package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// flows makes three pipelines of two services, and runs of two of them on two days.
func (h *harness) flows() (table string) {
	h.t.Helper()
	for _, name := range []string{"flow", "other"} {
		h.do("PUT", "/services/pipelineServices", map[string]any{"name": name, "serviceType": "Airflow"}, 201)
	}
	for _, name := range []string{"load", "clean"} {
		h.do("PUT", "/pipelines", map[string]any{"name": name, "service": "flow", "scheduleInterval": "@daily"}, 201)
	}
	h.do("PUT", "/pipelines", map[string]any{"name": "idle", "service": "other"}, 201)
	run := func(fqn string, at, took int64, status string) {
		h.t.Helper()
		h.do("PUT", "/pipelines/"+fqn+"/status", fmt.Sprintf(`{"timestamp":%d,"endTime":%d,"executionStatus":%q}`, at, at+took, status), 200)
	}
	run("flow.load", dayOne, 1000, "Successful")
	run("flow.load", dayOne+1, 3000, "Failed")
	run("flow.load", dayTwo, 5000, "Successful")
	run("flow.clean", dayOne, 8000, "Failed")
	s := h.schema()
	table = h.table(s, "a", "id")
	load := h.do("GET", "/pipelines/name/flow.load", nil, 200).id()
	h.do("PUT", "/tables/"+table+"/pipelineObservability", `[{"pipeline":{"id":"`+load+`","type":"pipeline"},"serviceType":"Airflow","lastRunStatus":"Successful","lastRunTime":1700000000000}]`, 200)
	h.searchable()
	return table
}

// Noon of two days.
const (
	dayOne = 19676*86400000 + 43200000
	dayTwo = dayOne + 86400000
)

func TestPipelineMetrics(t *testing.T) {
	h := newHarness(t)
	h.flows()
	for query, want := range map[string][6]float64{ // total, services, failed, successful, silent, active
		"":                               {3, 2, 1, 1, 1, 3},
		"?service=flow":                  {2, 1, 1, 1, 0, 2},
		"?status=Failed":                 {1, 1, 1, 0, 0, 1},
		"?serviceType=Dagster":           {0, 0, 0, 0, 0, 0},
		"?q=idle":                        {1, 1, 0, 0, 1, 1},
		"?startTs=" + fmt.Sprint(dayTwo): {1, 1, 0, 1, 0, 1},
	} {
		var got map[string]any
		h.do("GET", "/pipelines/metrics"+query, nil, 200).into(&got)
		var counts [6]float64
		for i, name := range []string{"totalPipelines", "serviceCount", "failedPipelines", "successfulPipelines", "pipelinesWithoutStatus", "activePipelines"} {
			counts[i], _ = got[name].(float64)
		}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	h.do("GET", "/pipelines/metrics?startTs=2&endTs=1", nil, 400)
}

func TestPipelineSummaries(t *testing.T) {
	h := newHarness(t)
	h.flows()
	var got page[pipelineSummary]
	h.do("GET", "/pipelines/summary", nil, 200).into(&got)
	if len(got.Data) != 3 || got.Paging.Total != 3 {
		t.Fatalf("summaries = %+v", got)
	}
	load := got.Data[1]
	if load.FQN != "flow.load" || load.LastStatus != "Successful" || load.LastRun != dayTwo || load.Schedule != "@daily" || load.Count != 1 || load.Assets[0] != "shop.db.public.a" {
		t.Errorf("load = %+v", load)
	}
	h.do("GET", "/pipelines/summary?search=loa", nil, 200).into(&got)
	if len(got.Data) != 1 {
		t.Errorf("found = %+v", got)
	}
	h.do("GET", "/pipelines/summary?limit=1&after=1", nil, 200).into(&got)
	if len(got.Data) != 1 || got.Data[0].FQN != "flow.load" || got.Paging.After != "2" {
		t.Errorf("page = %+v", got)
	}
	h.do("GET", "/pipelines/summary?after=x", nil, 400)
}

func TestPipelineTrends(t *testing.T) {
	h := newHarness(t)
	h.flows()
	period := fmt.Sprintf("startTs=%d&endTs=%d", int64(dayOne-1000), int64(dayTwo+1000))
	type trends struct {
		Data  []map[string]any `json:"data"`
		Good  float64          `json:"totalSuccessful"`
		Bad   float64          `json:"totalFailed"`
		Total float64          `json:"totalExecutions"`
		There bool             `json:"dataAvailable"`
	}
	look := func(path string) trends {
		t.Helper()
		var got trends
		h.do("GET", "/pipelines/"+path, nil, 200).into(&got)
		return got
	}
	first, second := time.UnixMilli(dayOne).UTC().Format(time.DateOnly), time.UnixMilli(dayTwo).UTC().Format(time.DateOnly)
	runs := look("executionTrend?" + period)
	if len(runs.Data) != 2 || runs.Good != 2 || runs.Bad != 2 || runs.Total != 4 || !runs.There ||
		runs.Data[0]["date"] != first || runs.Data[0]["failedCount"] != 2.0 || runs.Data[0]["totalCount"] != 3.0 || runs.Data[1]["date"] != second {
		t.Errorf("runs = %+v", runs)
	}
	if got := look("executionTrend?pipelineFqn=flow.load&status=Failed&" + period); got.Total != 1 {
		t.Errorf("failed runs of load = %+v", got)
	}
	if got := look("executionTrend?service=other&" + period); got.Total != 0 || got.There || got.Data == nil {
		t.Errorf("runs of nothing = %+v", got)
	}
	lengths := look("runtimeTrend?service=flow&" + period)
	want := map[string]any{"date": first, "timestamp": lengths.Data[0]["timestamp"], "maxRuntime": 8000.0, "minRuntime": 1000.0, "avgRuntime": 4000.0, "totalPipelines": 2.0}
	if diff := cmp.Diff(want, lengths.Data[0]); diff != "" {
		t.Errorf("lengths (-want +got):\n%s", diff)
	}
	blind := h.person("blind")
	h.rightsOf(blind, "blind", `{"name":"no","effect":"deny","operations":["All"],"resources":["pipeline"]}`)
	var hidden trends
	h.as(blind, "GET", "/pipelines/executionTrend?"+period, nil).want(200).into(&hidden)
	if hidden.Total != 0 {
		t.Errorf("somebody who sees no pipelines sees %+v", hidden)
	}
	for _, path := range []string{"executionTrend", "runtimeTrend?startTs=1", "executionTrend?startTs=1&endTs=99999999999999", "runtimeTrend?startTs=x&endTs=1"} {
		h.do("GET", "/pipelines/"+path, nil, 400)
	}
}

func TestObservabilityOfAPipeline(t *testing.T) {
	h := newHarness(t)
	table := h.flows()
	type shown struct {
		FQN    string          `json:"pipelineFqn"`
		Tables []observedTable `json:"tableObservabilityData"`
	}
	look := func(path string) shown {
		t.Helper()
		var got shown
		h.do("GET", "/pipelines/name/"+path, nil, 200).into(&got)
		return got
	}
	got := look("flow.load/observability")
	if got.FQN != "flow.load" || len(got.Tables) != 1 || got.Tables[0].ID.String() != table || len(got.Tables[0].Data) != 1 {
		t.Errorf("shown = %+v", got)
	}
	for path, want := range map[string]int{"flow.clean/observability": 0, "flow.load/observability?status=Failed": 0, "flow.load/observability?search=PUBLIC.A": 1, "flow.load/observability?startTs=1800000000000": 0} {
		if got := look(path); len(got.Tables) != want || got.Tables == nil {
			t.Errorf("%s shows %+v", path, got)
		}
	}
	h.do("GET", "/pipelines/name/flow.nope/observability", nil, 404)
}
