//go:build acceptance

package acceptance

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const airbyteConnection = "6f1b2c3d-0000-4000-8000-000000000001"

// airbyte is an Airbyte with one connection that copies two tables between two
// databases, and two runs of it.
func airbyte(runs ...map[string]any) map[string]any {
	type object = map[string]any
	stream := func(name string) object {
		return object{"stream": object{"name": name, "namespace": "sales"}}
	}
	return object{
		"POST /api/v1/workspaces/list": object{"workspaces": []object{{"workspaceId": "w1", "name": "Shop"}}},
		"POST /api/v1/connections/list": object{"connections": []object{{
			"connectionId": airbyteConnection, "name": "Shop to warehouse", "sourceId": "s1", "destinationId": "d1",
			"syncCatalog": object{"streams": []object{stream("orders"), stream("customers")}},
		}}},
		"POST /api/v1/sources/get": object{
			"sourceId": "s1", "sourceName": "Postgres", "connectionConfiguration": object{"database": "shop"},
		},
		"POST /api/v1/destinations/get": object{
			"destinationId": "d1", "destinationName": "Postgres", "connectionConfiguration": object{"database": "lake", "schema": "sales"},
		},
		"POST /api/v1/jobs/list": object{"jobs": []object{{"attempts": runs}}},
	}
}

// TestAirbyte ingests a pipeline with its runs.
func TestAirbyte(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	now := time.Now().Unix()
	run := func(ago int64, status string) map[string]any {
		return map[string]any{"status": status, "createdAt": now - ago, "endedAt": now - ago + 60}
	}
	earlier, later := run(7200, "succeeded"), run(3600, "failed")
	source := startFake(t, airbyte(earlier, later))
	ingest := func() workflow {
		t.Helper()
		return c.metadata(t, "ingest", "airbyte.yaml", map[string]any{"Source": source.url})
	}

	first := ingest()
	c.assertKnown(t, first, "elt", "pipelines", "service", airbyteConnection)
	pipeline := "elt." + airbyteConnection
	type status struct {
		ExecutionStatus string
		Timestamp       int64
		TaskStatus      []struct {
			Name, ExecutionStatus, LogLink string
			StartTime, EndTime             int64
		}
	}
	statuses := func() map[int64]string {
		t.Helper()
		var found page[status]
		bot.get(fmt.Sprintf("/pipelines/%s/status?startTs=%d&endTs=%d", pipeline, (now-86400)*1000, now*1000), &found)
		states := map[int64]string{}
		for _, s := range found.Data {
			states[s.Timestamp/1000] = s.ExecutionStatus
			if len(s.TaskStatus) != 1 || s.TaskStatus[0].Name != airbyteConnection || s.TaskStatus[0].EndTime-s.TaskStatus[0].StartTime != 60_000 {
				t.Errorf("the tasks of a run became %+v", s.TaskStatus)
			}
		}
		return states
	}
	want := map[int64]string{now - 7200: "Successful", now - 3600: "Failed"}
	if diff := cmp.Diff(want, statuses()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	var latest struct {
		PipelineStatus status
		Tasks          []named
		SourceURL      string
	}
	bot.get("/pipelines/name/"+pipeline+"?fields=pipelineStatus,tasks", &latest)
	if latest.PipelineStatus.Timestamp != (now-3600)*1000 || len(latest.Tasks) != 1 || latest.SourceURL != source.url+"/workspaces/w1/connections/"+airbyteConnection {
		t.Errorf("the pipeline became %+v", latest)
	}

	// A run with nothing new changes nothing, and one with another run adds that.
	kept := c.curate(t, "pipelines", pipeline)
	before := bot.state("elt", "pipelines")
	ingest()
	if got := changed(before, bot.state("elt", "pipelines")); len(got) != 0 {
		t.Errorf("a run with nothing new changed %v", got)
	}
	if diff := cmp.Diff(want, statuses()); diff != "" {
		t.Errorf("runs after the second time (-want +got):\n%s", diff)
	}
	shopTables(bot, "shop_db", "shop", "orders", "customers")
	shopTables(bot, "shop_db", "lake", "orders", "customers")
	for request, answer := range airbyte(earlier, later, run(60, "running")) {
		source.set(request, answer)
	}
	ingest()
	want[now-60] = "Pending"
	if diff := cmp.Diff(want, statuses()); diff != "" {
		t.Errorf("runs after the third (-want +got):\n%s", diff)
	}
	kept()

	// The tables are known by now, so what the pipeline copies is, too.
	wantLineage := map[edge]string{{"shop_db.shop.sales.orders", "shop_db.lake.sales.orders"}: "PipelineLineage"}
	if diff := cmp.Diff(wantLineage, bot.lineage("shop_db.shop.sales.orders", 1), cmp.AllowUnexported(edge{})); diff != "" {
		t.Errorf("lineage (-want +got):\n%s", diff)
	}
	var between struct {
		Edge struct {
			Pipeline reference
		}
	}
	from, to := bot.table("shop_db.shop.sales.customers"), bot.table("shop_db.lake.sales.customers")
	bot.get("/lineage/getLineageEdge/"+from.ID+"/"+to.ID, &between)
	if between.Edge.Pipeline.FullyQualifiedName != pipeline {
		t.Errorf("the edge's pipeline became %+v", between.Edge.Pipeline)
	}
}
