package api

import (
	"context"
	"fmt"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/job"
)

// TestLargeDeletesOverHTTP: a tree that is deleted in steps goes and comes back as a whole,
// its parts cannot be decided about meanwhile, and a job tells how far it is.
func TestLargeDeletesOverHTTP(t *testing.T) {
	h := newHarness(t)
	h.engine.TakeStepsFrom(10)
	t.Cleanup(func() { _ = h.engine.Close(context.Background()) })
	s := h.schema()
	for i := range 150 {
		h.table(s, fmt.Sprintf("t%d", i), "id")
	}
	id := h.do("GET", "/services/databaseServices/name/shop", nil, 200).id()
	const tables = "/tables?databaseSchema=shop.db.public&limit=1&include="
	service := "/services/databaseServices/" + id
	h.as(h.nobody, "DELETE", service+"?recursive=true", nil).want(403)
	h.do("DELETE", service+"?recursive=true", nil, 200).shows("deleted", "true", "name", "shop")
	h.do("GET", tables+"deleted", nil, 200).shows("paging.total", "150")
	h.do("GET", "/tables/name/"+s+".t149", nil, 404)
	h.do("PUT", "/services/databaseServices/restore", `{"id":"`+id+`"}`, 200).shows("deleted", "false")
	h.do("GET", tables+"non-deleted", nil, 200).shows("paging.total", "150")
	started := h.do("DELETE", "/services/databaseServices/async/"+id+"?recursive=true&hardDelete=true", nil, 202)
	h.table(h.other(), "beside", "id") // somebody writes
	state := h.jobEnd(h.admin, started)
	if state.Status != job.Completed || state.Progress == nil || state.Progress.Done != 152 || state.Progress.Total != 152 {
		t.Errorf("the job = %+v", state)
	}
	h.do("GET", service+"?include=all", nil, 404)
	h.do("GET", "/tables?limit=10&include=all", nil, 200).shows("paging.total", "1")
	h.do("GET", "/tables/name/other.db.public.beside", nil, 200)
}

// other makes a schema in another service and returns its FQN.
func (h *harness) other() string {
	h.t.Helper()
	h.do("PUT", "/services/databaseServices", map[string]any{"name": "other", "serviceType": "Mysql"}, 200, 201)
	h.do("PUT", "/databases", map[string]any{"name": "db", "service": "other"}, 200, 201)
	h.do("PUT", "/databaseSchemas", map[string]any{"name": "public", "database": "other.db"}, 200, 201)
	return "other.db.public"
}
