package api

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
)

const textMedia = "text/plain; charset=utf-8"

// jobRoutes tell what became of calls that answer with a job. Clients of the API hear
// of it through a websocket; these calls are Catalpa's own.
func (a *API) jobRoutes() []Route {
	const base = "/api/v1/jobs/{jobId}"
	return []Route{
		{Method: http.MethodGet, Path: base, Access: Authenticated, Handle: (*call).showJob},
		{Method: http.MethodGet, Path: base + "/result", Access: Authenticated, Handle: (*call).jobResult},
	}
}

// Close ends the work in the background: it is cancelled, and Close returns when it
// has ended or ctx has. The store has to be open until then.
func (a *API) Close(ctx context.Context) error { return a.jobs.Close(ctx) }

// jobAnswer is what a call answers that starts a job.
type jobAnswer struct {
	Job        string `json:"jobId"`
	Message    string `json:"message"`
	EntityName string `json:"entityName,omitzero"`
	HardDelete *bool  `json:"hardDelete,omitzero"`
	Recursive  *bool  `json:"recursive,omitzero"`
}

// Jobs tells how many jobs run and how many wait.
func (a *API) Jobs() (running, waiting int) { return a.jobs.Load() }

const jobHint = " GET /api/v1/jobs/{jobId} tells how far it is."

// begin starts work in the background for the caller, whose rights it asks for anew
// when it is its turn, and answers with the job. held is how many bytes it keeps
// until then.
func (c *call) begin(kind string, status int, say jobAnswer, held int, work job.Work) error {
	return c.order(status, say, job.Order{Kind: kind, Held: held, Work: work})
}

// order starts a job for the caller and answers with it.
func (c *call) order(status int, say jobAnswer, o job.Order) error {
	o.Owner = c.by.UserID
	id, err := c.jobs.Start(c.ctx(), o)
	if err != nil {
		return err
	}
	say.Job, say.Message = id, say.Message+jobHint
	return c.json(status, say)
}

// jsonResult is the result that a call would have answered by itself.
func jsonResult(v any) (job.Result, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return job.Result{}, entity.Internal(err)
	}
	return job.Result{Media: "application/json", Body: raw}, nil
}

// resultFile gathers a result up to what a job may have.
type resultFile struct {
	jobs *job.Runner
	body []byte
}

func (f *resultFile) Write(p []byte) (int, error) {
	if len(f.body)+len(p) > f.jobs.MaxResult() {
		return 0, f.jobs.TooLarge()
	}
	f.body = append(f.body, p...)
	return len(p), nil
}

// jobState is a job as it is shown.
type jobState struct {
	Job      string       `json:"jobId"`
	Kind     string       `json:"type"`
	Status   job.State    `json:"status"`
	Progress *jobProgress `json:"progress,omitzero"`
	Began    int64        `json:"startTime"`
	Over     int64        `json:"endTime,omitzero"`
	Error    *problem     `json:"error,omitzero"`
	// Result is where the result is found, once there is one.
	Result string `json:"result,omitzero"`
}

type jobProgress struct {
	Done  int `json:"done"`
	Total int `json:"total,omitzero"`
}

// job returns the job that the path names, if it is the caller's. That somebody else
// has one is nobody's business, so that it is not found; administrators see all.
func (c *call) job() (job.Job, error) {
	id, err := c.id("jobId")
	if err != nil {
		return job.Job{}, err
	}
	j, ok := c.jobs.Get(id.String())
	if !ok {
		if j, ok, err = c.journal.load(c.ctx(), id.String()); err != nil {
			return j, err
		}
	}
	if !ok || j.Owner != c.by.UserID && !c.by.IsAdmin {
		return job.Job{}, entity.Errorf(entity.KindNotFound, "there is no job %s of yours; jobs are known for an hour after they ended", id)
	}
	return j, nil
}

func (c *call) showJob() error {
	j, err := c.job()
	if err != nil {
		return err
	}
	out := jobState{Job: j.ID, Kind: j.Kind, Status: j.State, Began: j.Began.UnixMilli()}
	if j.Done > 0 || j.Total > 0 {
		out.Progress = &jobProgress{Done: j.Done, Total: j.Total}
	}
	if !j.Over.IsZero() {
		out.Over = j.Over.UnixMilli()
	}
	switch {
	case j.Err != nil:
		known := publicError(j.Err)
		out.Error = &problem{Code: statusOf(known), Message: known.Message, ErrorType: typeOfKind[known.Kind], ErrorCode: known.Code, Hint: known.Hint}
	case j.State == job.Completed && !j.Dropped:
		out.Result = "/api/v1/jobs/" + j.ID + "/result"
	}
	return c.json(http.StatusOK, out)
}

// publicError is what a client is told of an error, whatever it is.
func publicError(err error) *entity.Error {
	if known := entity.AsError(err); known != nil {
		return known
	}
	return entity.Internal(err)
}

// jobResult answers as the call would have that did the same at once.
func (c *call) jobResult() error {
	j, err := c.job()
	switch {
	case err != nil:
		return err
	case j.Err != nil:
		known := *publicError(j.Err)
		known.Cause = nil // is in the log since the job failed
		return &known
	case j.Over.IsZero():
		return entity.Conflict("the job has not ended yet, it is %s; ask again when it is %s", j.State, job.Completed)
	case j.Dropped:
		return entity.Errorf(entity.KindNotFound, "the job was completed, but its result is not to be had: it was given up to make room for others, or was with a server that stopped or shares this one's data")
	}
	c.w.Header().Set("Content-Type", j.Result.Media)
	return c.send(http.StatusOK, j.Result.Body)
}
