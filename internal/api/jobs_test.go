package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/csvio"
	"github.com/catalpa-metadata/catalpa/internal/job"
)

// jobEnd waits for the end of the job that an answer names and returns how it is shown.
func (h *harness) jobEnd(who caller, started answer) jobState {
	h.t.Helper()
	var said jobAnswer
	started.into(&said)
	if said.Job == "" || said.Message == "" {
		h.t.Fatalf("%s names no job: %s", started.what, started.body)
	}
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		var state jobState
		h.as(who, http.MethodGet, "/jobs/"+said.Job, nil).want(200).into(&state)
		if state.Status == job.Completed || state.Status == job.Failed {
			return state
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			h.t.Fatalf("the job is still %+v", state)
		}
	}
}

// jobResult is what the call would have answered that started a job, had it waited.
func (h *harness) jobResult(who caller, started answer) answer {
	h.t.Helper()
	state := h.jobEnd(who, started)
	return h.as(who, http.MethodGet, "/jobs/"+state.Job+"/result", nil)
}

func TestExportAsJob(t *testing.T) {
	h := newHarness(t)
	h.populate()
	for _, path := range []string{
		"/services/databaseServices/name/shop/export%s?recursive=true", "/databases/name/shop.db/export%s", "/databaseSchemas/name/shop.db.public/export%s",
		"/tables/name/shop.db.public.zz/export%s", "/glossaries/name/Words/export%s", "/teams/name/Organization/export%s",
		"/users/export%s?team=Organization", "/dataQuality/testCases/name/*/export%s",
	} {
		want := h.do("GET", strings.Replace(path, "%s", "", 1), nil, 200)
		got := h.jobResult(h.admin, h.do("GET", strings.Replace(path, "%s", "Async", 1), nil, 202)).want(200)
		if string(got.body) != string(want.body) || got.header.Get("Content-Type") != want.header.Get("Content-Type") {
			t.Errorf("%s as a job is %s %q, want %q", path, got.header.Get("Content-Type"), got.body, want.body)
		}
	}
	h.do("GET", "/tables/name/nothing/exportAsync", nil, 404)
	h.do("GET", "/users/exportAsync", nil, 400)
	h.do("GET", "/tables/name/shop.db.public.zz/exportAsync?recursive=perhaps", nil, 400)
}

func TestImportAsJob(t *testing.T) {
	h := newHarness(t)
	h.populate()
	const path = "/databaseSchemas/name/shop.db.public/importAsync?dryRun="
	const file = "name*,description,owner\r\nzz,New words,\r\nyy,,user:unknown\r\n"
	result := func(dryRun string) (r csvio.Result) {
		h.jobResult(h.admin, h.text(h.admin, "PUT", path+dryRun, file).want(200)).want(200).into(&r)
		return r
	}
	wantCounts(t, result("true"), "partialSuccess 3/2/1")
	if got := h.do("GET", "/tables/name/shop.db.public.zz", nil, 200); strings.Contains(string(got.body), "New words") {
		t.Error("a dry run changed the table")
	}
	wantCounts(t, result("false"), "partialSuccess 3/2/1")
	if got := h.do("GET", "/tables/name/shop.db.public.zz", nil, 200); !strings.Contains(string(got.body), "New words") {
		t.Errorf("the import left the table as it was: %s", got.body)
	}
	h.text(h.admin, "PUT", "/databaseSchemas/name/nothing/importAsync", file).want(404)
	h.text(h.admin, "PUT", path+"perhaps", file).want(400)
	h.do("PUT", path+"true", `{}`, 415)
}

// TestJobsAskForRightsWhenTheyRun: what somebody may no longer do by the time is not done.
func TestJobsAskForRightsWhenTheyRun(t *testing.T) {
	h := newHarness(t)
	h.populate()
	gate := h.busy()
	admin2 := h.user(h.api.auth, "second", true)
	started := h.text(admin2, "PUT", "/databaseSchemas/name/shop.db.public/importAsync?dryRun=false", "name*,displayName\r\nzz,Not any more\r\n").want(200)
	deletion := h.as(admin2, "DELETE", "/tables/async/"+h.do("GET", "/tables/name/shop.db.public.zz", nil, 200).id(), nil).want(202)
	h.do("PATCH", "/users/"+admin2.id.String(), `[{"op":"replace","path":"/isAdmin","value":false}]`, 200)
	close(gate)
	var result csvio.Result
	h.jobResult(h.admin, started).want(200).into(&result)
	wantCounts(t, result, "failure 2/1/1")
	if state := h.jobEnd(h.admin, deletion); state.Status != job.Failed || state.Error == nil || state.Error.Code != 403 {
		t.Errorf("the deletion is %+v", state)
	}
	h.jobResult(h.admin, deletion).want(403)
	if got := h.do("GET", "/tables/name/shop.db.public.zz", nil, 200); strings.Contains(string(got.body), "Not any more") {
		t.Error("somebody changed the table who may not")
	}
}

// busy occupies all workers until the channel is closed.
func (h *harness) busy() chan struct{} {
	h.t.Helper()
	gate := make(chan struct{})
	for range 2 {
		_, err := h.api.jobs.Start(h.t.Context(), job.Order{Owner: h.admin.id, Kind: "test", Work: func(ctx context.Context, _ job.Progress) (job.Result, error) {
			select {
			case <-gate:
			case <-ctx.Done():
			}
			return job.Result{}, nil
		}})
		check(h.t, err)
	}
	return gate
}

func TestJobsOfOthers(t *testing.T) {
	h := newHarness(t)
	h.populate()
	gate := h.busy()
	started := h.as(h.nobody, "GET", "/tables/name/shop.db.public.zz/exportAsync", nil).want(202)
	var said jobAnswer
	started.into(&said)
	h.as(h.nobody, "GET", "/jobs/"+said.Job, nil).want(200).shows("status", "QUEUED")
	h.as(h.nobody, "GET", "/jobs/"+said.Job+"/result", nil).want(409)
	stranger := h.consumer("stranger")
	h.as(stranger, "GET", "/jobs/"+said.Job, nil).want(404)
	h.as(stranger, "GET", "/jobs/"+said.Job+"/result", nil).want(404)
	h.do("GET", "/jobs/nonsense", nil, 400)
	h.do("GET", "/jobs/00000000-0000-4000-8000-000000000000", nil, 404)
	close(gate)
	h.jobResult(h.admin, started).want(200)
}

func TestTooManyJobs(t *testing.T) {
	h := newHarness(t)
	h.populate()
	defer close(h.busy())
	const path = "/tables/name/shop.db.public.zz/exportAsync"
	for range 16 {
		h.as(h.nobody, "GET", path, nil).want(202)
	}
	if got := h.as(h.nobody, "GET", path, nil).want(503); !strings.Contains(string(got.body), "of your jobs") {
		t.Errorf("a seventeenth job: %s", got.body)
	}
}

func TestDeleteAsJob(t *testing.T) {
	h := newHarness(t)
	h.populate()
	id := h.do("GET", "/services/databaseServices/name/shop", nil, 200).id()
	h.do("DELETE", "/services/databaseServices/async/"+id, nil, 400) // is not empty
	h.as(h.nobody, "DELETE", "/services/databaseServices/async/"+id+"?recursive=true", nil).want(403)
	started := h.do("DELETE", "/services/databaseServices/async/"+id+"?recursive=true", nil, 202)
	started.shows("entityName", "shop")
	h.jobResult(h.admin, started).want(200).shows("name", "shop")
	h.do("GET", "/tables/name/shop.db.public.zz", nil, 404)
	h.do("DELETE", "/services/databaseServices/async/"+id+"?recursive=true", nil, 404)
	h.jobResult(h.admin, h.do("DELETE", "/services/databaseServices/async/"+id+"?recursive=true&hardDelete=true", nil, 202)).want(200)
	h.do("GET", "/services/databaseServices/"+id+"?include=all", nil, 404)
}

func TestMoveIsAJobThatIsDone(t *testing.T) {
	h := newHarness(t)
	h.populate()
	h.do("PUT", "/glossaries", map[string]any{"name": "Other", "displayName": "Other", "description": "d"}, 201)
	glossary := h.do("GET", "/glossaries/name/Other", nil, 200).id()
	term := h.do("POST", "/glossaryTerms", map[string]any{"name": "Wanderer", "glossary": "Words", "description": "d"}, 201).id()
	moved := h.do("PUT", "/glossaryTerms/"+term+"/moveAsync", `{"parent":{"type":"glossary","id":"`+glossary+`"}}`, 202)
	h.jobResult(h.admin, moved).want(200).shows("fullyQualifiedName", "Other.Wanderer")
}

func TestLineageExportAsJob(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b, c := h.table(s, "a", "id"), h.table(s, "b", "id"), h.table(s, "c", "id")
	h.link(a, b, columnLineage(s+".b.id", s+".a.id"))
	h.link(b, c, nil)
	query := "?type=table&fqn=" + s + ".b"
	want := h.do("GET", "/lineage/export"+query, nil, 200)
	got := h.jobResult(h.admin, h.do("GET", "/lineage/exportAsync"+query, nil, 202)).want(200)
	if string(got.body) != string(want.body) {
		t.Errorf("as a job %s, at once %s", got.body, want.body)
	}
	impact := string(h.jobResult(h.admin, h.do("GET", "/lineage/exportByEntityCountAsync?type=table&direction=Downstream&nodeDepth=2&fqn="+s+".a", nil, 202)).want(200).body)
	if !strings.Contains(impact, s+".a,") || !strings.Contains(impact, s+".c,") {
		t.Errorf("impact = %s", impact)
	}
	impact = string(h.jobResult(h.admin, h.do("GET", "/lineage/exportByEntityCountAsync?type=table&direction=Downstream&nodeDepth=2&from=2&size=1&fqn="+s+".a", nil, 202)).want(200).body)
	if strings.Contains(impact, s+".a,") || !strings.Contains(impact, s+".c,") {
		t.Errorf("the second page = %s", impact)
	}
	h.do("GET", "/lineage/exportAsync?type=table&fqn=nothing", nil, 404)
	h.do("GET", "/lineage/exportAsync", nil, 400)
	h.do("GET", "/lineage/exportByEntityCountAsync?type=table&direction=Sideways&nodeDepth=2&fqn="+s+".a", nil, 400)
}

func TestSecurityServiceCSV(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/services/securityServices", map[string]any{"name": "ranger", "serviceType": "Ranger", "description": "Old words"}, 201)
	const base = "/services/securityServices/name/ranger/"
	file := string(h.do("GET", base+"export", nil, 200).body)
	if !strings.Contains(file, "ranger") || !strings.Contains(file, "Old words") {
		t.Fatalf("the export is %s", file)
	}
	wantCounts(t, h.imported(h.admin, base+"import", file, false), "success 2/2/0")
	wantCounts(t, h.imported(h.admin, base+"import", strings.Replace(file, "Old words", "New words", 1), false), "success 2/2/0")
	h.do("GET", "/services/securityServices/name/ranger", nil, 200).shows("description", "New words")
	h.do("PUT", "/services/securityServices", map[string]any{"name": "other", "serviceType": "Ranger"}, 201)
	wantCounts(t, h.imported(h.admin, base+"import", strings.Replace(file, "ranger", "other", 1), false), "failure 2/1/1")
	wantCounts(t, h.imported(h.nobody, base+"import", strings.Replace(file, "ranger,", "ranger,Ill name", 1), false), "failure 2/1/1")
	h.jobResult(h.admin, h.do("GET", base+"exportAsync", nil, 202)).want(200)
}
