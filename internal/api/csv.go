package api

import (
	"bufio"
	"context"
	"io"
	"net/http"

	"github.com/catalpa-metadata/catalpa/internal/csvio"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
)

// csvRoutes export and import parts of the catalog as CSV, at once and as jobs.
func (a *API) csvRoutes() []Route {
	service := csvio.New(a.engine)
	var out []Route
	for _, kind := range csvio.Kinds() {
		t, ok := a.engine.Registry().ByName(kind)
		if !ok {
			continue
		}
		x := &csvCalls{service: service, kind: kind}
		base := "/api" + t.Collection
		method, export, load := http.MethodPut, "/name/{fqn}/export", "/name/{fqn}/import"
		switch kind {
		case "user":
			x.param, export, load = "team", "/export", "/import"
		case "directory":
			method, x.param, export, load = http.MethodPost, "name", "/export", "/import"
		}
		out = append(out,
			Route{Method: http.MethodGet, Path: base + "/documentation/csv", Access: Authenticated, Handle: x.document},
			Route{Method: http.MethodGet, Path: base + export, Access: Authenticated, Handle: x.export},
			Route{Method: method, Path: base + load, Access: Authenticated, Handle: x.load, Accepts: "text/plain", MaxBody: a.limits.MaxUpload},
		)
		if kind == "driveService" || kind == "directory" { // the API has no such calls
			continue
		}
		out = append(out,
			Route{Method: http.MethodGet, Path: base + export + "Async", Access: Authenticated, Handle: x.exportLater},
			Route{Method: method, Path: base + load + "Async", Access: Authenticated, Handle: x.loadLater, Accepts: "text/plain", MaxBody: a.limits.MaxUpload},
		)
	}
	return out
}

// csvCalls are the calls about the files of one type.
type csvCalls struct {
	service *csvio.Service
	kind    string
	param   string // query parameter that names what the file is about; "" where the path does
}

func (x *csvCalls) document(c *call) error {
	doc, err := csvio.Document(x.kind)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, doc)
}

func (x *csvCalls) request(c *call) (csvio.Request, error) {
	req := csvio.Request{Kind: x.kind}
	var err error
	if req.Recursive, err = c.flag("recursive", false); err != nil {
		return req, err
	}
	if x.param == "" {
		req.Name, err = c.param("fqn")
		return req, err
	}
	if req.Name = c.query.Get(x.param); req.Name == "" {
		return req, entity.BadRequest("query param %s must not be null", x.param)
	}
	return req, nil
}

// exportBuffer holds back the first part of a file, so that most faults can still
// be answered with a status of their own.
const exportBuffer = 64 << 10

func (x *csvCalls) export(c *call) error {
	req, err := x.request(c)
	if err != nil {
		return err
	}
	sent := &sentWriter{to: c.w}
	file := bufio.NewWriterSize(sent, exportBuffer)
	c.w.Header().Set("Content-Type", textMedia)
	if err = x.service.Export(c.ctx(), c.by, req, file); err == nil {
		err = file.Flush()
	}
	switch {
	case err == nil:
	case !sent.any:
		return err
	default: // half a file must not look like a whole one
		c.log.WarnContext(c.ctx(), "an export broke off", "type", x.kind, "err", err, "request", requestID(c.ctx()))
		panic(http.ErrAbortHandler)
	}
	return nil
}

// sentWriter remembers whether anything was written.
type sentWriter struct {
	to  io.Writer
	any bool
}

func (s *sentWriter) Write(p []byte) (int, error) {
	s.any = true
	return s.to.Write(p)
}

// exportLater starts a job that exports.
func (x *csvCalls) exportLater(c *call) error {
	req, err := x.request(c)
	if err != nil {
		return err
	}
	if err := x.service.Check(c.ctx(), c.by, req); err != nil {
		return err
	}
	by, jobs := c.by, c.jobs
	return c.begin("csvExport", http.StatusAccepted, jobAnswer{Message: "The export has been started."}, 0, func(ctx context.Context, tell job.Progress) (job.Result, error) {
		file := &resultFile{jobs: jobs}
		req.Progress = tell
		err := x.service.Export(ctx, by, req, file)
		return job.Result{Media: textMedia, Body: file.body}, err
	})
}

// loadRequest reads what is imported, and whether it is only tried.
func (x *csvCalls) loadRequest(c *call) (req csvio.Request, body []byte, dryRun bool, err error) {
	if req, err = x.request(c); err != nil {
		return req, nil, false, err
	}
	if dryRun, err = c.flag("dryRun", true); err != nil {
		return req, nil, false, err
	}
	body, err = c.body()
	return req, body, dryRun, err
}

// loadLater starts a job that imports.
func (x *csvCalls) loadLater(c *call) error {
	req, body, dryRun, err := x.loadRequest(c)
	if err != nil {
		return err
	}
	if err := x.service.Check(c.ctx(), c.by, req); err != nil {
		return err
	}
	by := c.by
	return c.begin("csvImport", http.StatusOK, jobAnswer{Message: "The import has been started."}, len(body), func(ctx context.Context, tell job.Progress) (job.Result, error) {
		req.Progress = tell
		result, err := x.service.Import(ctx, by, req, body, dryRun)
		if err != nil {
			return job.Result{}, err
		}
		return jsonResult(result)
	})
}

func (x *csvCalls) load(c *call) error {
	req, body, dryRun, err := x.loadRequest(c)
	if err != nil {
		return err
	}
	result, err := x.service.Import(c.ctx(), c.by, req, body, dryRun)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, result)
}
