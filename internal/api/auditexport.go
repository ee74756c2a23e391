package api

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
)

// maxAuditExport is how many entries one export has.
const maxAuditExport = 100_000

// exportAuditLogs gathers the audit log of a time in the background, the newest first,
// as a list in JSON.
func (c *call) exportAuditLogs() error {
	for _, name := range []string{"startTs", "endTs"} {
		if c.query.Get(name) == "" {
			return entity.BadRequest("query param %s is missing: an export is of a time", name)
		}
	}
	limit, err := c.number("limit", 10_000, 1, maxAuditExport)
	if err != nil {
		return err
	}
	c.query.Del("limit") // of the pages that it is read in
	s, err := c.auditSearch()
	if err != nil {
		return err
	}
	if s.to < s.from {
		return entity.BadRequest("endTs is before startTs")
	}
	s.limit = maxAuditLogs
	return c.begin("auditExport", http.StatusAccepted, jobAnswer{Message: "The export has been started."}, 0, func(ctx context.Context, tell job.Progress) (job.Result, error) {
		later := *c
		later.r = c.r.WithContext(ctx)
		s.c = &later
		file := &resultFile{jobs: c.jobs}
		err := s.export(file, limit, tell)
		return job.Result{Media: "application/json", Body: file.body}, err
	})
}

// export writes up to limit entries from the search's place on.
func (s *auditSearch) export(file *resultFile, limit int, tell job.Progress) error {
	before := "["
	for done := 0; ; {
		entries, err := s.find()
		if err != nil {
			return err
		}
		more := len(entries) > s.limit
		entries = entries[:min(len(entries), s.limit, limit-done)]
		for _, e := range entries {
			raw, err := json.Marshal(e)
			if err != nil {
				return entity.Internal(err)
			}
			if _, err := file.Write(append([]byte(before), raw...)); err != nil {
				return err
			}
			before = ","
			s.place = s.place.behind(e)
		}
		done += len(entries)
		tell(done, 0)
		if !more || done == limit {
			if done == 0 {
				before += "]"
			} else {
				before = "]"
			}
			_, err := file.Write([]byte(before))
			return err
		}
	}
}
