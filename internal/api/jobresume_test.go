package api

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// process starts another server on the same data: the one there was is asked no more. As
// nothing tells it to stop, it is gone as one is that was killed.
func (h *harness) process(shared bool) *harness {
	h.t.Helper()
	options := h.options
	options.Shared = shared
	a := New(options)
	h.t.Cleanup(func() { _ = a.Close(context.Background()) })
	server := httptest.NewServer(h.watched(a))
	h.t.Cleanup(server.Close)
	next := *h
	next.api, next.url = a, server.URL
	return &next
}

func jobOf(started answer) string {
	var said jobAnswer
	started.into(&said)
	return said.Job
}

const interrupted = "the server stopped before this had ended"

func TestJobsOutliveTheirProcess(t *testing.T) {
	h := newHarness(t)
	h.populate()
	service := h.do("GET", "/services/databaseServices/name/shop", nil, 200).id()
	done := jobOf(h.do("GET", "/glossaries/name/Words/exportAsync", nil, 202))
	h.until("/jobs/"+done, func(a answer) bool { return a.at("status") == "COMPLETED" })
	failed, err := h.api.jobs.Start(t.Context(), job.Order{Owner: h.admin.id, Kind: "test", Work: func(context.Context, job.Progress) (job.Result, error) {
		return job.Result{}, entity.Forbidden("no")
	}})
	check(t, err)
	h.until("/jobs/"+failed, func(a answer) bool { return a.at("status") == "FAILED" })
	defer close(h.busy())
	export := jobOf(h.do("GET", "/tables/name/shop.db.public.zz/exportAsync", nil, 202))
	deletion := jobOf(h.do("DELETE", "/services/databaseServices/async/"+service+"?recursive=true&hardDelete=true", nil, 202))
	began := h.do("GET", "/jobs/"+deletion, nil, 200).shows("status", "QUEUED").at("startTime")

	next := h.process(false)
	next.do("GET", "/jobs/"+export, nil, 200).shows("status", "FAILED") // before it has looked at what was left, too
	check(t, next.api.ResumeJobs(t.Context()))
	next.do("GET", "/jobs/"+export, nil, 200).shows("status", "FAILED", "type", "csvExport", "error.code", "503")
	if got := next.do("GET", "/jobs/"+export+"/result", nil, 503); !strings.Contains(string(got.body), interrupted) {
		t.Errorf("the result of what was broken off is %s", got.body)
	}
	next.as(h.nobody, "GET", "/jobs/"+export, nil).want(404)
	next.until("/jobs/"+deletion, func(a answer) bool { return a.at("status") == "COMPLETED" })
	next.do("GET", "/jobs/"+deletion, nil, 200).shows("startTime", began)
	next.do("GET", "/jobs/"+deletion+"/result", nil, 200).shows("name", "shop")
	next.do("GET", "/services/databaseServices/"+service+"?include=all", nil, 404)

	next.do("GET", "/jobs/"+done, nil, 200).shows("status", "COMPLETED", "result", "")
	if got := next.do("GET", "/jobs/"+done+"/result", nil, 404); !strings.Contains(string(got.body), "was completed") {
		t.Errorf("the result that is not here is %s", got.body)
	}
	next.do("GET", "/jobs/"+failed, nil, 200).shows("status", "FAILED", "error.message", "no", "error.errorType", "FORBIDDEN")

	next.pass(2 * time.Hour)
	if _, ok, err := next.api.journal.load(t.Context(), done); ok || err != nil {
		t.Errorf("two hours after its end a job is known (%v)", err)
	}
	check(t, next.api.ResumeJobs(t.Context()))
	check(t, h.store.View(t.Context(), func(r store.Reader) error {
		left, err := r.Records(t.Context(), store.RecordQuery{Kind: jobKind})
		for _, rec := range left {
			if rec.Key == done || rec.Key == export {
				t.Errorf("the job %s is kept for ever", rec.Doc)
			}
		}
		return err
	}))
}

// A deletion that had ended when its process was killed, but was not noted, is done.
func TestDeletionsThatWereDone(t *testing.T) {
	h := newHarness(t)
	h.populate()
	defer close(h.busy())
	var jobs []string
	for _, query := range []string{"?recursive=true", "?recursive=true&hardDelete=true"} {
		id := h.do("GET", "/services/databaseServices/name/shop?include=all", nil, 200).id()
		jobs = append(jobs, jobOf(h.do("DELETE", "/services/databaseServices/async/"+id+query, nil, 202)))
		h.do("DELETE", "/services/databaseServices/"+id+query, nil, 200)
	}
	next := h.process(false)
	check(t, next.api.ResumeJobs(t.Context()))
	for _, id := range jobs {
		next.until("/jobs/"+id, func(a answer) bool { return a.at("status") == "COMPLETED" })
	}
}

// Whoever lost a right meanwhile does not get what was ordered before.
func TestResumedDeletionsAskForRights(t *testing.T) {
	h := newHarness(t)
	table := h.table(h.schema(), "orders", "id")
	owner := h.consumer("owner")
	h.do("PATCH", "/tables/"+table, []map[string]any{{"op": "add", "path": "/owners", "value": []any{map[string]any{"id": owner.id, "type": "user"}}}}, 200)
	defer close(h.busy())
	id := jobOf(h.as(owner, "DELETE", "/tables/async/"+table, nil).want(202))
	h.do("PATCH", "/tables/"+table, `[{"op":"remove","path":"/owners"}]`, 200)
	next := h.process(false)
	check(t, next.api.ResumeJobs(t.Context()))
	next.until("/jobs/"+id, func(a answer) bool { return a.at("status") == "FAILED" && a.at("error.code") == "403" })
	next.do("GET", "/tables/"+table, nil, 200)
}

// Processes that share data leave each other's jobs alone, unless one is silent.
func TestSharedJobs(t *testing.T) {
	h := newHarness(t).process(true)
	check(t, h.api.ResumeJobs(t.Context()))
	h.table(h.schema(), "orders", "id")
	defer close(h.busy())
	id := jobOf(h.do("GET", "/tables/name/shop.db.public.orders/exportAsync", nil, 202))
	other := h.process(true)
	check(t, other.api.ResumeJobs(t.Context()))
	other.do("GET", "/jobs/"+id, nil, 200).shows("status", "QUEUED")
	other.do("GET", "/jobs/"+id+"/result", nil, 409)
	other.pass(2 * time.Minute)
	other.do("GET", "/jobs/"+id, nil, 200).shows("status", "FAILED")
	check(t, other.api.ResumeJobs(t.Context()))
	other.do("GET", "/jobs/"+id, nil, 200).shows("status", "FAILED")
}

// A server that is told to stop leaves what another can do, and ends the rest.
func TestStoppedJobs(t *testing.T) {
	h := newHarness(t)
	h.populate()
	service := h.do("GET", "/services/databaseServices/name/shop", nil, 200).id()
	h.busy()
	export := jobOf(h.do("GET", "/tables/name/shop.db.public.zz/exportAsync", nil, 202))
	deletion := jobOf(h.do("DELETE", "/services/databaseServices/async/"+service+"?recursive=true", nil, 202))
	check(t, h.api.Close(t.Context()))
	stored, ok, err := h.api.journal.load(t.Context(), export)
	if err != nil || !ok || stored.State != job.Failed || stored.Over.IsZero() || entity.KindOf(stored.Err) != entity.KindUnavailable {
		t.Errorf("the export is kept as %+v (%v)", stored, err)
	}
	next := h.process(false)
	check(t, next.api.ResumeJobs(t.Context()))
	next.until("/jobs/"+deletion, func(a answer) bool { return a.at("status") == "COMPLETED" })
	next.do("GET", "/services/databaseServices/"+service, nil, 404)
}
