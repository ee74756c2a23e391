package api

import (
	"context"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/apps"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// appRun waits until the newest run of an application is over.
func (h *harness) appRun(name string) apps.Record {
	h.t.Helper()
	var got apps.Record
	for h.t.Context().Err() == nil {
		h.do("GET", "/apps/name/"+name+"/runs/latest", nil, 200).into(&got)
		if got.Status != apps.Running {
			return got
		}
	}
	h.t.Fatalf("%s does not end", name)
	return got
}

func TestApplicationsAreInstalled(t *testing.T) {
	h := newHarness(t)
	var refs []entity.Ref
	h.do("GET", "/apps/installed", nil, 200).into(&refs)
	if got := strings.Join(names(refs), " "); got != retentionApp+" "+indexingApp {
		t.Errorf("installed are %s", got)
	}
	for _, name := range []string{retentionApp, indexingApp} {
		var app struct {
			Type  string `json:"appType"`
			Class string `json:"className"`
			Kind  string `json:"scheduleType"`
		}
		h.do("GET", "/apps/name/"+name, nil, 200).into(&app)
		if app.Type != "internal" || app.Class == "" || app.Kind != "ScheduledOrManual" {
			t.Errorf("%s = %+v", name, app)
		}
		h.do("GET", "/apps/marketplace/name/"+name, nil, 200)
		h.do("GET", "/apps/name/"+name+"/runs/latest", nil, 404)
		h.do("GET", "/apps/name/"+name+"/logs", nil, 404)
	}
}

func TestIndexingByHand(t *testing.T) {
	h := newHarness(t)
	h.table(h.schema(), "a", "id")
	var started apps.Record
	h.do("POST", "/apps/trigger/"+indexingApp, nil, 200).into(&started)
	if started.Status != apps.Running || started.AppName != indexingApp || started.RunType != "OnDemandJob" {
		t.Errorf("started = %+v", started)
	}
	run := h.appRun(indexingApp)
	if run.Status != apps.Success || run.Start != started.Start || run.Success == nil || run.Success.Stats.Job.Total == 0 {
		t.Errorf("run = %+v", run)
	}
	var log map[string]string
	h.do("GET", "/apps/name/"+indexingApp+"/logs", nil, 200).into(&log)
	if !strings.Contains(log["application_task"], "table: 1") {
		t.Errorf("log = %q", log)
	}
	h.do("POST", "/apps/trigger/"+indexingApp, `{"recreateIndex":true}`, 200)
	if run := h.appRun(indexingApp); run.Status != apps.Success || !strings.Contains(string(run.Config), `"recreateIndex":true`) {
		t.Errorf("run = %+v", run)
	}
	for path, total := range map[string]int{"/status": 2, "/status?limit=1": 2, "/extension?extensionType=status": 2, "/extension?extensionType=custom": 0, "/status?endTs=1": 0} {
		var list page[apps.Record]
		h.do("GET", "/apps/name/"+indexingApp+path, nil, 200).into(&list)
		if list.Paging.Total != total {
			t.Errorf("%s: %d runs, want %d", path, list.Paging.Total, total)
		}
	}
	h.do("GET", "/apps/name/"+indexingApp+"/extension?extensionType=x", nil, 400)
}

func TestApplicationsRefuse(t *testing.T) {
	h := newHarness(t)
	h.do("POST", "/apps/marketplace", `{"name":"AutoPilotApplication","className":"c","appType":"internal","scheduleType":"NoSchedule","permission":"All","runtime":{"enabled":true},"appConfiguration":{}}`, 201)
	h.do("POST", "/apps", `{"name":"AutoPilotApplication"}`, 201)
	for name, tc := range map[string]struct {
		path string
		body any
		want int
	}{
		"what nobody runs":               {"trigger/AutoPilotApplication", nil, 501},
		"what is not there":              {"trigger/Nope", nil, 404},
		"no object":                      {"trigger/" + indexingApp, `[1]`, 400},
		"no entity type":                 {"trigger/" + indexingApp, `{"entities":["nope"]}`, 400},
		"a part recreated":               {"trigger/" + indexingApp, `{"entities":["table"],"recreateIndex":true}`, 400},
		"no list":                        {"trigger/" + indexingApp, `{"entities":"table"}`, 400},
		"days below none":                {"trigger/" + retentionApp, `{"profileDataRetentionPeriod":-1}`, 400},
		"no days":                        {"trigger/" + retentionApp, `{"profileDataRetentionPeriod":"x"}`, 400},
		"stopping what rests":            {"stop/" + indexingApp, nil, 400},
		"no expression":                  {"schedule/" + indexingApp, `{"scheduleTimeline":"Custom"}`, 400},
		"no timeline":                    {"schedule/" + indexingApp, `{"cronExpression":"0 0 * * *"}`, 400},
		"a bad expression":               {"schedule/" + indexingApp, `{"scheduleTimeline":"Custom","cronExpression":"TZ=x"}`, 400},
		"schedule of what nobody runs":   {"schedule/AutoPilotApplication", nil, 501},
		"settings of what nobody runs":   {"configure/AutoPilotApplication", nil, 501},
		"deployment of what nobody runs": {"deploy/AutoPilotApplication", nil, 501},
	} {
		t.Run(name, func(t *testing.T) { h.do("POST", "/apps/"+tc.path, tc.body, tc.want) })
	}
	guest := h.person("guest")
	for _, what := range []string{"trigger", "stop", "schedule", "configure", "deploy"} {
		if got := h.as(guest, "POST", "/apps/"+what+"/"+indexingApp, nil); got.status != 403 {
			t.Errorf("a guest's %s answers %d", what, got.status)
		}
	}
}

func TestSchedulesOfApplications(t *testing.T) {
	h := newHarness(t)
	for _, what := range []string{"configure", "deploy", "schedule"} {
		h.do("POST", "/apps/"+what+"/"+retentionApp, nil, 200)
	}
	got := h.do("POST", "/apps/schedule/"+retentionApp, `{"scheduleTimeline":"Custom","cronExpression":"15 3 * * *"}`, 200)
	if !strings.Contains(string(got.body), "T03:15Z") {
		t.Errorf("answer = %s", got.body)
	}
	var app struct {
		Schedule apps.Schedule `json:"appSchedule"`
	}
	h.do("GET", "/apps/name/"+retentionApp, nil, 200).into(&app)
	if app.Schedule != (apps.Schedule{Timeline: "Custom", Cron: "15 3 * * *"}) {
		t.Errorf("schedule = %+v", app.Schedule)
	}
	installed, err := h.api.scheduledApps(t.Context())
	check(t, err)
	if len(installed) != 2 || installed[0].Schedule == nil || installed[0].Schedule.Cron != "15 3 * * *" {
		t.Errorf("the scheduler sees %+v", installed)
	}
}

// TestRetention removes what is old, and nothing else.
func TestRetention(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	id := h.table(s, "a", "id")
	now := h.api.clock().UnixMilli()
	const day = 24 * 3600 * 1000
	for _, at := range []int64{now - 40*day, now - 5*day} {
		body, err := json.Marshal(map[string]any{
			"tableProfile":  map[string]any{"timestamp": at, "rowCount": 1},
			"columnProfile": []any{map[string]any{"name": "id", "timestamp": at}},
			"systemProfile": []any{map[string]any{"timestamp": at, "operation": "INSERT"}},
		})
		check(t, err)
		h.do("PUT", "/tables/"+id+"/tableProfile", string(body), 200)
	}
	old := h.do("POST", "/feed", map[string]any{"from": "admin", "message": "long ago", "about": "<#E::table::" + s + ".a>"}, 201)
	task := h.task(h.admin, h.admin, "RequestDescription", "<#E::table::"+s+".a::description>", "better")
	age := func(id string) {
		t.Helper()
		check(t, h.store.Update(context.Background(), func(tx store.Tx) error {
			found, err := tx.Records(t.Context(), store.RecordQuery{Kind: threadKind, Any: true})
			for _, rec := range found {
				if rec.Key == id {
					rec.At = now - 40*day
					return tx.PutRecord(t.Context(), rec)
				}
			}
			return err
		}))
	}
	age(old.id())
	age(task.id())
	count := func(path string) int {
		t.Helper()
		var got struct {
			Paging struct {
				Total int `json:"total"`
			} `json:"paging"`
		}
		h.do("GET", path, nil, 200).into(&got)
		return got.Paging.Total
	}
	h.do("POST", "/apps/trigger/"+retentionApp, nil, 200) // as seeded it keeps all
	h.appRun(retentionApp)
	profiles := []string{"/tables/" + s + ".a/tableProfile", "/tables/" + s + ".a/systemProfile", "/tables/" + s + ".a.id/columnProfile"}
	for _, path := range profiles {
		if got := count(path); got != 2 {
			t.Errorf("%s: %d before", path, got)
		}
	}
	h.do("POST", "/apps/trigger/"+retentionApp, `{"profileDataRetentionPeriod":30,"activityThreadsRetentionPeriod":30}`, 200)
	run := h.appRun(retentionApp)
	if run.Status != apps.Success {
		t.Fatalf("run = %+v", run)
	}
	for _, path := range profiles {
		if got := count(path); got != 1 {
			t.Errorf("%s: %d after", path, got)
		}
	}
	h.do("GET", "/feed/"+old.id(), nil, 404)
	h.do("GET", "/feed/"+task.id(), nil, 200)
}
