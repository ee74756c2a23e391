package apps

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The states of a run, with OpenMetadata's names.
const (
	Running = "running"
	Success = "success"
	Failed  = "failed"
	Stopped = "stopped"
)

// Record is what is kept of a run.
type Record struct {
	AppID     entity.ID      `json:"appId"`
	AppName   string         `json:"appName"`
	Extension string         `json:"extension"` // always "status"
	Timestamp int64          `json:"timestamp"`
	Status    string         `json:"status"`
	RunType   string         `json:"runType"`
	Start     int64          `json:"startTime"`
	End       int64          `json:"endTime,omitzero"`
	Took      int64          `json:"executionTime,omitzero"`
	Failure   *Failure       `json:"failureContext,omitzero"`
	Success   *SuccessStats  `json:"successContext,omitzero"`
	Schedule  *Schedule      `json:"scheduleInfo,omitzero"`
	Config    jsontext.Value `json:"config,omitzero"`
}

// Failure says why a run failed.
type Failure struct {
	Failure struct {
		Message string `json:"message"`
	} `json:"failure"`
}

// SuccessStats counts what a run has worked on.
type SuccessStats struct {
	Stats struct {
		Job Count `json:"jobStats"`
	} `json:"stats"`
}

// Count counts records.
type Count struct {
	Total   int `json:"totalRecords"`
	Success int `json:"successRecords"`
	Failed  int `json:"failedRecords"`
}

// maxLog is how much of the log of a run is kept: its end.
const maxLog = 256 << 10

// Run is a run that goes on. Jobs report by it.
type Run struct {
	Config jsontext.Value // of the application, for this run

	mu     sync.Mutex
	record Record
	key    string
	log    strings.Builder
	clock  func() time.Time
	life   context.Context //nolint:containedctx // ends with the server, for jobs that cannot be stopped otherwise
	stop   context.CancelFunc
	whole  bool          // cannot be stopped
	saved  chan struct{} // closed when the store knows how the run ended
}

// Logf adds a line to the log.
func (r *Run) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.log, "%s  %s\n", r.clock().UTC().Format(time.RFC3339), fmt.Sprintf(format, args...))
	if r.log.Len() > 2*maxLog {
		rest := tail(r.log.String())
		r.log.Reset()
		r.log.WriteString(rest)
	}
}

// tail is the end of a log, from the beginning of a line.
func tail(text string) string {
	if len(text) <= maxLog {
		return text
	}
	text = text[len(text)-maxLog:]
	return text[strings.IndexByte(text, '\n')+1:]
}

// Progress says how much of the work is done.
func (r *Run) Progress(done, failed, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record.Success = &SuccessStats{}
	r.record.Success.Stats.Job = Count{Total: total, Success: done - failed, Failed: failed}
}

// Unstoppable says that the job must not be stopped half way, and returns the context
// that it works in from now on.
func (r *Run) Unstoppable() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.whole = true
	return r.life
}

// state is what is stored of the run at the moment.
func (r *Run) state() (Record, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.record, tail(r.log.String())
}

// end notes how the run went.
func (r *Run) end(ctx context.Context, err error) {
	now := r.clock().UnixMilli()
	message := ""
	switch {
	case err == nil:
		r.Logf("done")
	case ctx.Err() != nil:
		r.Logf("stopped")
	default:
		if message = err.Error(); entity.KindOf(err) == entity.KindInternal {
			message = "the server met an unexpected problem; its log says more"
		}
		r.Logf("failed: %s", message)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record.End, r.record.Timestamp, r.record.Took = now, now, now-r.record.Start
	switch {
	case err == nil:
		r.record.Status = Success
	case ctx.Err() != nil:
		r.record.Status = Stopped
	default:
		r.record.Status, r.record.Failure = Failed, &Failure{}
		r.record.Failure.Failure.Message = message
	}
}
