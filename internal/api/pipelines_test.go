package api

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// ingestion makes an ingestion pipeline and returns its id.
func (h *harness) ingestion() string {
	h.t.Helper()
	h.schema()
	service := h.do("GET", "/services/databaseServices/name/shop", nil, 200).id()
	return h.as(h.bot(), "PUT", "/services/ingestionPipelines", `{"name":"nightly","pipelineType":"metadata","sourceConfig":{"config":{"type":"DatabaseMetadata"}},
		"airflowConfig":{},"service":{"id":"`+service+`","type":"databaseService"},"enableStreamableLogs":false}`).want(201).
		shows("fullyQualifiedName", "shop.nightly", "sourceConfig.config.type", "DatabaseMetadata").id()
}

const ingestions = "/services/ingestionPipelines"

func TestRunsOfIngestionPipelines(t *testing.T) {
	h := newHarness(t)
	id, bot := h.ingestion(), h.bot()
	const path = ingestions + "/shop.nightly/pipelineStatus"
	if got := h.as(bot, "GET", path+"/run-1", nil).want(204); len(got.body) != 0 {
		t.Errorf("an unknown run answers %s", got.body)
	}
	put := func(run, state string, at int64) answer {
		return h.as(bot, "PUT", path, fmt.Sprintf(`{"runId":%q,"pipelineState":%q,"startDate":%d,"timestamp":%d,"endDate":null,
			"status":[{"name":"Source","records":3,"updated_records":0,"warnings":0,"errors":0,"filtered":0}],"config":{}}`, run, state, at, at)).want(200)
	}
	put("run-1", "running", 1000).shows("id", id, "pipelineStatuses.pipelineState", "running")
	put("run-1", "success", 1000).shows("pipelineStatuses.pipelineState", "success", "version", "0.1")
	put("run-2", "failed", 2000)
	h.as(bot, "GET", path+"/run-1", nil).want(200).shows("pipelineState", "success", "status.0.records", "3")
	h.do("GET", path+"?startTs=1&endTs=5000", nil, 200).shows("paging.total", "2", "data.0.runId", "run-2")
	h.do("GET", ingestions+"/"+id+"?fields=pipelineStatuses", nil, 200).shows("pipelineStatuses.runId", "run-2")
	h.do("GET", ingestions+"?service=shop&pipelineType=metadata&fields=pipelineStatuses", nil, 200).shows("paging.total", "1", "data.0.pipelineStatuses.runId", "run-2")
	h.do("GET", ingestions+"?service=shop&pipelineType=usage", nil, 200).shows("paging.total", "0")

	h.as(h.consumer("reader"), "PUT", path, `{"runId":"x","pipelineState":"success","timestamp":1}`).want(403)
	h.do("PUT", path, `{"runId":"x","pipelineState":"odd"}`, 400)
	h.do("PUT", path, `{"runId":"x","surprise":1}`, 400)
	h.do("PUT", ingestions+"/shop.none/pipelineStatus", `{"runId":"x"}`, 404)
	h.do("DELETE", ingestions+"/"+id+"/pipelineStatus/run-2", nil, 204)
	h.do("DELETE", ingestions+"/"+id+"/pipelineStatus/run-2", nil, 404)
	h.do("GET", ingestions+"/"+id+"?fields=pipelineStatuses", nil, 200).shows("pipelineStatuses.runId", "run-1")
	h.do("DELETE", ingestions+"/"+id+"/pipelineStatus", nil, 200)
	h.do("GET", path, nil, 200).shows("paging.total", "0")
}

func TestNobodySeesTokensOfPipelines(t *testing.T) {
	h := newHarness(t)
	id := h.ingestion()
	patch := `[{"op":"add","path":"/openMetadataServerConnection","value":{"hostPort":"http://localhost:8585/api","securityConfig":{"jwtToken":"a.leaked.token"}}}]`
	h.as(h.admin, "PATCH", ingestions+"/"+id, patch).lacks("leaked")
	for _, who := range []caller{h.admin, h.bot(), h.consumer("reader")} {
		for _, path := range []string{"/" + id, "/" + id + "?fields=*", "/name/shop.nightly", "?service=shop&fields=*", "/" + id + "/versions"} {
			h.as(who, "GET", ingestions+path, nil).want(200).lacks("leaked").lacks("jwtToken")
		}
	}
}

func TestCatalpaRunsNoPipelines(t *testing.T) {
	h := newHarness(t)
	id := h.ingestion()
	for _, test := range []struct{ method, path string }{
		{"POST", "/deploy/" + id}, {"POST", "/trigger/" + id}, {"POST", "/kill/" + id}, {"POST", "/bulk/deploy"}, {"GET", "/status"}, {"GET", "/ip"},
	} {
		got := h.as(h.admin, test.method, ingestions+test.path, nil).want(501)
		if !strings.Contains(got.at("message"), "scheduler") {
			t.Errorf("%s says %q", test.path, got.at("message"))
		}
	}
	h.as(h.consumer("reader"), "POST", ingestions+"/deploy/"+id, nil).want(403)
	owner := h.consumer("owner")
	h.do("PATCH", ingestions+"/"+id, `[{"op":"add","path":"/owners","value":[{"id":"`+owner.id.String()+`","type":"user"}]}]`, 200)
	h.as(owner, "POST", ingestions+"/deploy/"+id, nil).want(501)
	h.do("POST", ingestions+"/toggleIngestion/"+id, nil, 200).shows("enabled", "false")
	h.do("POST", ingestions+"/toggleIngestion/"+id, nil, 200).shows("enabled", "true")
	h.as(h.consumer("other"), "POST", ingestions+"/toggleIngestion/"+id, nil).want(403)
}

func batch(t *testing.T, text string, compress bool) map[string]any {
	t.Helper()
	if compress {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(text))
		check(t, err)
		check(t, w.Close())
		text = base64.StdEncoding.EncodeToString(b.Bytes())
	}
	return map[string]any{"logs": text, "timestamp": 1, "connectorId": "host-1", "compressed": compress, "lineCount": 1}
}

func TestLogsOfRuns(t *testing.T) {
	h := newHarness(t)
	id, bot := h.ingestion(), h.bot()
	const logs = ingestions + "/logs/shop.nightly"
	h.as(bot, "POST", logs+"/run-1", map[string]any{"connectorId": "host-1", "timestamp": 1}).want(200)
	h.as(bot, "POST", logs+"/run-1", batch(t, "one\ntwo\n", false)).want(200)
	h.as(bot, "POST", logs+"/run-1", batch(t, "three", true)).want(200)
	h.as(bot, "POST", logs+"/run-1/close", map[string]any{"connectorId": "host-1", "timestamp": 1}).want(200)
	h.do("GET", logs+"/run-1", nil, 200).shows("logs", "one\ntwo\nthree\n", "total", "3", "after", "")
	h.do("GET", logs+"/run-1?limit=2", nil, 200).shows("logs", "one\ntwo\n", "after", "2")
	h.do("GET", logs+"/run-1?limit=2&after=2", nil, 200).shows("logs", "three\n")
	h.do("GET", logs, nil, 200).shows("runs.0", "run-1", "runs.1", "")
	h.do("GET", ingestions+"/logs/"+id+"/last", nil, 200).shows("ingestion_task", "one\ntwo\nthree\n", "total", "3")
	if got := h.do("GET", ingestions+"/logs/"+id+"/last/download", nil, 200); string(got.body) != "one\ntwo\nthree\n" || got.header.Get("Content-Type") != "application/octet-stream" || !strings.Contains(got.header.Get("Content-Disposition"), "ingestion_logs_nightly.txt") {
		t.Errorf("%s: %s", got.header.Get("Content-Type"), got.body)
	}
	h.do("GET", logs+"/none", nil, 404)
	h.as(h.consumer("writer"), "POST", ingestions+"/logs/shop.none/run-1", batch(t, "x", false)).want(403)
	h.do("POST", logs+"/run-1", map[string]any{"logs": "no gzip", "compressed": true}, 400)
	h.as(h.consumer("reader"), "POST", logs+"/run-1", batch(t, "x", false)).want(403)
}

// A client ships the first lines of a run before it has made the pipeline.
func TestLogsMayComeBeforeTheirPipeline(t *testing.T) {
	h := newHarness(t)
	bot := h.bot()
	h.as(bot, "POST", ingestions+"/logs/shop.nightly/run-1", batch(t, "early\n", false)).want(200)
	h.ingestion()
	h.as(bot, "POST", ingestions+"/logs/shop.nightly/run-1", batch(t, "late\n", false)).want(200)
	h.do("GET", ingestions+"/logs/shop.nightly/run-1", nil, 200).shows("logs", "early\nlate\n")
}

func TestLogsAreBounded(t *testing.T) {
	h := newHarness(t)
	id, bot := h.ingestion(), h.bot()
	const logs = ingestions + "/logs/shop.nightly"
	long := strings.Repeat(strings.Repeat("x", 99)+"\n", 30_000)
	for i := range 5 {
		h.as(bot, "POST", logs+"/long", batch(t, fmt.Sprintf("batch %d\n", i)+long, true)).want(200)
	}
	got := h.do("GET", ingestions+"/logs/"+id+"/last/download", nil, 200)
	if text := string(got.body); len(text) > maxLogRun+200 || strings.Contains(text, "batch 0\n") || !strings.Contains(text, "batch 4\n") || !strings.HasPrefix(text, "(the first 2 batches") {
		t.Errorf("%d bytes that begin with %q", len(text), text[:60])
	}
	h.as(bot, "POST", logs+"/bomb", batch(t, strings.Repeat(long, 3), true)).want(413)
	for i := range maxLogRuns + 2 {
		h.as(bot, "POST", fmt.Sprintf("%s/run-%d", logs, i), batch(t, "x", false)).want(200)
	}
	h.do("GET", logs+"/long", nil, 404)
	h.do("GET", logs+fmt.Sprintf("/run-%d", maxLogRuns+1), nil, 200)
}

func TestExecutionsOfPipelines(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/services/pipelineServices", `{"name":"air","serviceType":"Airflow"}`, 201)
	id := h.do("PUT", "/pipelines", `{"name":"etl","service":"air","tasks":[{"name":"load"}]}`, 201).id()
	one := func(at int64, status, task string) string {
		return fmt.Sprintf(`{"timestamp":%d,"executionStatus":%q,"taskStatus":[{"name":%q,"executionStatus":%q}]}`, at, status, task, status)
	}
	h.as(h.bot(), "PUT", "/pipelines/air.etl/status", one(2000, "Successful", "load")).want(200).shows("id", id, "pipelineStatus.timestamp", "2000")
	h.do("PUT", "/pipelines/air.etl/status/bulk", "["+one(1000, "Failed", "load")+","+one(3000, "Failed", "load")+"]", 200).shows("pipelineStatus.timestamp", "3000")
	h.do("PUT", "/pipelines/air.etl/status", one(4000, "Failed", "odd"), 400)
	h.do("PUT", "/pipelines/air.etl/status", one(4000, "Odd", "load"), 400)
	h.do("GET", "/pipelines/air.etl/status?startTs=1500&endTs=9000", nil, 200).shows("paging.total", "2", "data.0.timestamp", "3000", "data.0.taskStatus.0.name", "load")
	h.do("GET", "/pipelines/air.etl/status?startTs=1&endTs=9000&status=Successful", nil, 200).shows("paging.total", "1", "data.0.timestamp", "2000")
	h.do("DELETE", "/pipelines/air.etl/status/3000", nil, 200).shows("pipelineStatus.timestamp", "2000")
	h.do("DELETE", "/pipelines/air.etl/status/3000", nil, 404)
	h.do("GET", "/pipelines/"+id+"?fields=pipelineStatus", nil, 200).shows("pipelineStatus.executionStatus", "Successful")
	h.as(h.consumer("reader"), "PUT", "/pipelines/air.etl/status", one(9000, "Failed", "load")).want(403)
}
