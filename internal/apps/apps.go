// Package apps runs the applications that are part of the server: in the background,
// one run of an application at a time, with a record and a log of each.
//
// What an application does is a Job, which is passed in. The package may import
// entity, store and timeseries; never net/http.
package apps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// Job is what an application does. It ends early when its context does.
type Job struct {
	// Check tells what is wrong with the application's settings; nil for none.
	Check func(config jsontext.Value) error
	Run   func(ctx context.Context, run *Run) error
}

// App is what a run needs to know of an application.
type App struct {
	ID       entity.ID
	Name     string
	Config   jsontext.Value
	Schedule *Schedule
}

// The kinds of records that an application owns: its runs by time, and their logs
// under the same keys.
const (
	runKind = "appRun"
	logKind = "appRunLog"
	keep    = 100 // runs of one application
)

func runs() timeseries.Series { return timeseries.Series{Kind: runKind, Keep: keep} }

const (
	// beat is how often a run says that it goes on.
	beat = 15 * time.Second
	// silence is after how long a run counts as broken off: its server has stopped.
	silence = 2 * time.Minute
)

// stored is the form of the record of a run. Beat is when the run last said that it
// goes on.
type stored struct {
	Record Record `json:"record"`
	Beat   int64  `json:"beat"`
}

// Runner runs applications. It is safe for concurrent use.
type Runner struct {
	store store.Store
	jobs  map[string]Job
	log   *slog.Logger
	clock func() time.Time

	life context.Context //nolint:containedctx // of the runs, which outlive the calls that start them
	end  context.CancelFunc
	wait sync.WaitGroup

	mu      sync.Mutex
	running map[entity.ID]*Run
}

// New makes a runner of jobs by the names of their applications.
func New(st store.Store, jobs map[string]Job, log *slog.Logger, clock func() time.Time) *Runner {
	r := &Runner{store: st, jobs: jobs, log: log, clock: clock, running: map[entity.ID]*Run{}}
	r.life, r.end = context.WithCancel(context.Background())
	return r
}

// Close stops what runs and waits for it.
func (r *Runner) Close() {
	r.end()
	r.wait.Wait()
}

// Job returns the job of an application, if there is one.
func (r *Runner) Job(name string) (Job, bool) {
	j, ok := r.jobs[name]
	return j, ok
}

// Start begins a run. The error is a KindConflict if one goes on.
func (r *Runner) Start(ctx context.Context, app App, runType string) (Record, error) {
	job, ok := r.jobs[app.Name]
	if !ok {
		return Record{}, entity.Errorf(entity.KindNotImplemented, "Catalpa cannot run %s itself", entity.Shorten(app.Name, 100))
	}
	if err := job.Check(app.Config); err != nil {
		return Record{}, err
	}
	now := r.clock().UnixMilli()
	run := &Run{Config: app.Config, clock: r.clock, life: r.life, saved: make(chan struct{}), key: timeseries.Key(now), record: Record{
		AppID: app.ID, AppName: app.Name, Extension: "status", Timestamp: now, Start: now, Status: Running, RunType: runType, Schedule: app.Schedule, Config: app.Config,
	}}
	work, cancel := context.WithCancel(r.life)
	run.stop = cancel
	if err := r.begin(ctx, run); err != nil {
		cancel()
		return Record{}, err
	}
	record, _ := run.state()
	r.wait.Add(1)
	go r.work(work, job, run)
	return record, nil
}

// begin stores the record of a run unless another goes on: here, or at a server that
// shares the store.
func (r *Runner) begin(ctx context.Context, run *Run) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := run.record.AppID
	if r.running[id] != nil {
		return busy(run.record.AppName)
	}
	err := r.store.Update(ctx, func(tx store.Tx) error {
		latest, err := runs().Latest(ctx, tx, id)
		if err == nil {
			s, err := read(latest.Doc)
			if err != nil {
				return err
			}
			if s.Record.Status == Running && !r.silent(s) {
				return busy(run.record.AppName)
			}
			if latest.At >= run.record.Start { // two runs within a millisecond
				run.record.Start = latest.At + 1
				run.record.Timestamp, run.key = run.record.Start, timeseries.Key(run.record.Start)
			}
		} else if entity.KindOf(err) != entity.KindNotFound {
			return err
		}
		return r.write(ctx, tx, run)
	})
	if err == nil {
		r.running[id] = run
	}
	return err
}

func busy(name string) error {
	return entity.Conflict("%s is running; wait for it, or stop it", name)
}

// work does the job and keeps the record of the run.
func (r *Runner) work(ctx context.Context, job Job, run *Run) {
	defer r.wait.Done()
	defer run.stop()
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if p := recover(); p != nil {
				err = entity.Internal(fmt.Errorf("application: %v", p))
			}
			done <- err
		}()
		err = job.Run(ctx, run)
	}()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.save(run)
			continue
		case err := <-done:
			if err != nil && ctx.Err() == nil {
				r.log.Error("an application failed", "app", run.record.AppName, "error", err)
			}
			run.end(ctx, err)
		}
		break
	}
	r.save(run)
	r.mu.Lock()
	delete(r.running, run.record.AppID)
	r.mu.Unlock()
	close(run.saved)
}

// save stores the state of a run. It goes on when the server ends, or else nobody
// would know how the run ended.
func (r *Runner) save(run *Run) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := r.store.Update(ctx, func(tx store.Tx) error { return r.write(ctx, tx, run) })
	if err != nil && !errors.Is(err, context.Canceled) {
		r.log.Error("the record of a run could not be kept", "app", run.record.AppName, "error", err)
	}
}

func (r *Runner) write(ctx context.Context, tx store.Tx, run *Run) error {
	record, log := run.state()
	doc, err := json.Marshal(stored{record, r.clock().UnixMilli()}, json.Deterministic(true))
	if err != nil {
		return entity.Internal(err)
	}
	text, err := json.Marshal(log)
	if err != nil {
		return entity.Internal(err)
	}
	if err := runs().Put(ctx, tx, record.AppID, record.Start, run.key, doc); err != nil {
		return err
	}
	logs := timeseries.Series{Kind: logKind, Keep: keep}
	return logs.Put(ctx, tx, record.AppID, record.Start, run.key, text)
}

// Stop ends a run. The error is a KindBadRequest if none goes on here, and a
// KindConflict if it must go on to its end.
func (r *Runner) Stop(app App) error {
	r.mu.Lock()
	run := r.running[app.ID]
	r.mu.Unlock()
	if run == nil {
		return entity.BadRequest("%s is not running at this server", app.Name)
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	if run.whole {
		return entity.Conflict("%s is in the middle of something that must come to its end", app.Name)
	}
	run.stop()
	return nil
}

// silent tells that a run has not said for long that it goes on.
func (r *Runner) silent(s stored) bool {
	return r.clock().Sub(time.UnixMilli(s.Beat)) > silence
}

func read(doc []byte) (stored, error) {
	var s stored
	if err := json.Unmarshal(doc, &s); err != nil {
		return s, entity.Internal(err)
	}
	return s, nil
}

// shown is the record of a run for readers: one that was broken off has failed.
func (r *Runner) shown(doc []byte) (Record, error) {
	s, err := read(doc)
	if err == nil && s.Record.Status == Running && r.silent(s) {
		s.Record.Status, s.Record.Failure = Failed, &Failure{}
		s.Record.Failure.Failure.Message = "the server that ran it has stopped"
		s.Record.End = s.Beat
	}
	return s.Record, err
}

// List returns runs of an application, the newest first, and how many there are.
func (r *Runner) List(ctx context.Context, app entity.ID, q timeseries.Query) ([]Record, int, error) {
	var page timeseries.Page
	err := r.store.View(ctx, func(rd store.Reader) error {
		var err error
		page, err = runs().Page(ctx, rd, app, q)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	out := make([]Record, len(page.Points))
	for i, rec := range page.Points {
		if out[i], err = r.shown(rec.Doc); err != nil {
			return nil, 0, err
		}
	}
	return out, page.Total, nil
}

// Latest returns the newest run of an application and its log. The error is a
// KindNotFound if there was none.
func (r *Runner) Latest(ctx context.Context, app App) (Record, string, error) {
	r.mu.Lock()
	run := r.running[app.ID]
	r.mu.Unlock()
	if run != nil {
		record, log := run.state()
		if record.Status == Running {
			return record, log, nil
		}
		select { // whoever learns that it is over may start it again
		case <-run.saved:
		case <-ctx.Done():
			return Record{}, "", ctx.Err()
		}
	}
	var rec store.Record
	var text string
	err := r.store.View(ctx, func(rd store.Reader) error {
		var err error
		if rec, err = runs().Latest(ctx, rd, app.ID); err != nil {
			return err
		}
		log, err := rd.Record(ctx, logKind, rec.Owner, rec.Key)
		if err != nil {
			return err
		}
		return json.Unmarshal(log.Doc, &text)
	})
	if err != nil {
		if entity.KindOf(err) == entity.KindNotFound {
			err = entity.NotFound("run of the application", app.Name)
		}
		return Record{}, "", err
	}
	record, err := r.shown(rec.Doc)
	return record, text, err
}
