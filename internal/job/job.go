package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// State says how far a job is, in the words that clients of the API know.
type State string

// The states of a job.
const (
	Queued     State = "QUEUED"
	InProgress State = "IN_PROGRESS"
	Completed  State = "COMPLETED"
	Failed     State = "FAILED"
)

// Result is what a job leaves behind.
type Result struct {
	Media string // type of the body, as HTTP has it
	Body  []byte
}

// Progress tells how far a job is. total is 0 while it is not known.
type Progress func(done, total int)

// Work is done in the background. It ends soon after ctx does.
type Work func(ctx context.Context, tell Progress) (Result, error)

// Job is a job as it was when somebody asked.
type Job struct {
	ID          string
	Kind        string    // one word for what it does
	Owner       entity.ID // who began it
	State       State
	Done, Total int
	Began, Over time.Time // Over is zero while it runs
	Err         error     // why it failed
	Result      Result    // empty unless it was completed
	Dropped     bool      // the result is not to be had: given up to make room, or not here
	Spec        []byte    // what another process needs to do the work; nil if it cannot
}

// Order is what Start takes on.
type Order struct {
	ID    string    // "" for a new one; that of a job that another process has left
	Began time.Time // the zero time for now; when the other process took it on
	Owner entity.ID
	Kind  string
	Held  int // how many bytes the work keeps in memory until it has ended
	// Spec is what another process needs to do the work when this one stops before: the
	// job is then left to it. Without one the job ends with the process.
	Spec []byte
	Work Work
}

// Journal remembers jobs beyond the process: each when it is taken on, when its turn
// comes, and when it has ended. It is called by several goroutines.
type Journal interface {
	Save(ctx context.Context, j Job) error
}

// Options bound what a runner takes on. The zero value of a field stands for the
// usual.
type Options struct {
	Workers  int           // jobs that run at a time
	Queue    int           // jobs that wait for a worker
	PerOwner int           // jobs of one caller that run or wait
	Timeout  time.Duration // of one job
	Kept     time.Duration // how long what came of a job can be asked for
	MaxKept  int           // how many jobs that have ended are known
	MaxBytes int           // of all results together
	MaxHeld  int           // bytes that jobs hold which run or wait, all together
	Journal  Journal       // nil for none
	Log      *slog.Logger
	Clock    func() time.Time
}

// Runner runs jobs. It is safe for concurrent use; it has no goroutine while
// nothing runs.
type Runner struct {
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	jobs    map[string]*entry
	ended   []*entry // the oldest first
	waiting []*entry
	running int
	bytes   int // of the results kept
	held    int // bytes of those that run or wait
	closed  bool
	idle    sync.WaitGroup
}

// entry is a job and its work; runner.mu guards it.
type entry struct {
	Job
	work  Work
	held  int
	ready bool // is in the journal
}

// New makes a runner.
func New(opts Options) *Runner {
	set := func(v *int, usual int) {
		if *v == 0 {
			*v = usual
		}
	}
	set(&opts.Workers, 2)
	set(&opts.Queue, 64)
	set(&opts.PerOwner, 16)
	set(&opts.MaxKept, 1000)
	set(&opts.MaxBytes, 64<<20)
	set(&opts.MaxHeld, 96<<20)
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Minute
	}
	if opts.Kept == 0 {
		opts.Kept = time.Hour
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Runner{opts: opts, ctx: ctx, cancel: cancel, jobs: map[string]*entry{}}
}

// Start takes work on, to be done as soon as there is a worker, and returns the id
// that Get knows it by; it is in the journal by then. When there is too much to do
// already, it is an error of entity.KindUnavailable.
func (r *Runner) Start(ctx context.Context, o Order) (string, error) {
	e, err := r.admit(o)
	if err != nil {
		return "", err
	}
	id := e.ID // once it is ready, the entry is its worker's
	if r.opts.Journal != nil {
		if err := r.opts.Journal.Save(ctx, e.Job); err != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.held -= e.held
			delete(r.jobs, id)
			r.pass()
			return "", err
		}
	}
	r.mu.Lock()
	e.ready = true
	r.next()
	r.mu.Unlock()
	return id, nil
}

// admit gives work its place among what waits. It is not begun before it is ready.
func (r *Runner) admit(o Order) (*entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	if r.closed {
		return nil, entity.Errorf(entity.KindUnavailable, "the server is about to stop and starts nothing new")
	}
	theirs := 0
	for _, e := range r.jobs {
		if e.Owner == o.Owner && e.Over.IsZero() {
			theirs++
		}
	}
	if theirs >= r.opts.PerOwner {
		return nil, entity.Errorf(entity.KindUnavailable, "%d of your jobs run or wait already; try again when one of them has ended", theirs)
	}
	if r.running+len(r.waiting) >= r.opts.Workers && (r.running+len(r.waiting) >= r.opts.Workers+r.opts.Queue || r.held+o.Held > r.opts.MaxHeld) {
		return nil, entity.Errorf(entity.KindUnavailable, "%d jobs wait already; try again later", r.running+len(r.waiting)-r.opts.Workers)
	}
	e := r.enter(o)
	e.work = o.Work
	r.waiting = append(r.waiting, e)
	return e, nil
}

// next begins what is ready, in its order, as long as there are workers.
func (r *Runner) next() {
	for !r.closed && r.running < r.opts.Workers {
		i := slices.IndexFunc(r.waiting, func(e *entry) bool { return e.ready })
		if i < 0 {
			return
		}
		e := r.waiting[i]
		r.waiting = slices.Delete(r.waiting, i, i+1)
		r.running++
		r.idle.Add(1)
		go r.run(e)
	}
}

// pass takes what is no job any more from what waits.
func (r *Runner) pass() {
	r.waiting = slices.DeleteFunc(r.waiting, func(e *entry) bool { return r.jobs[e.ID] == nil })
}

// Note remembers what was done at once as a job that has ended, and returns its id:
// for calls that answer with a job although they need none.
func (r *Runner) Note(owner entity.ID, kind string, result Result) string {
	r.mu.Lock()
	e := r.enter(Order{Owner: owner, Kind: kind})
	over := r.outcome(e.Job, result, nil)
	r.end(e, over)
	r.mu.Unlock()
	r.save(r.ctx, over)
	return over.ID
}

func (r *Runner) enter(o Order) *entry {
	if o.ID == "" {
		o.ID = uuid.NewString()
	}
	if o.Began.IsZero() {
		o.Began = r.opts.Clock()
	}
	e := &entry{Job: Job{ID: o.ID, Kind: o.Kind, Owner: o.Owner, State: Queued, Began: o.Began, Spec: o.Spec}, held: o.Held}
	r.jobs[e.ID] = e
	r.held += o.Held
	return e
}

// saveFor is how long a note in the journal may take.
const saveFor = 5 * time.Second

// save notes how far a job is. What another process is to go on with when this one
// stops has not ended for the journal.
func (r *Runner) save(ctx context.Context, j Job) {
	if r.opts.Journal == nil || j.State == Failed && j.Spec != nil && errors.Is(j.Err, errStopped) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveFor)
	defer cancel()
	if err := r.opts.Journal.Save(ctx, j); err != nil {
		r.opts.Log.Error("how far a job is could not be noted", "job", j.ID, "type", j.Kind, "state", string(j.State), "err", err)
	}
}

// MaxResult is how many bytes a result may have.
func (r *Runner) MaxResult() int { return r.opts.MaxBytes / 2 }

// TooLarge is the error of a result that would have more.
func (r *Runner) TooLarge() error {
	return entity.Errorf(entity.KindTooLarge, "the result has more than %d MiB, which is not kept in memory; ask for less, or make the call that answers at once, which streams it", r.MaxResult()>>20)
}

// Get returns a job that runs, waits, or ended not long ago.
func (r *Runner) Get(id string) (Job, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	e, ok := r.jobs[id]
	if !ok {
		return Job{}, false
	}
	return e.Job, true
}

// Load tells how many jobs run and how many wait for a worker.
func (r *Runner) Load() (running, waiting int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running, len(r.waiting)
}

// Close cancels what runs, fails what waits, and returns when all work has ended or
// ctx has. What another process can do is left to it.
func (r *Runner) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	var over []Job
	for _, e := range r.waiting {
		r.end(e, r.outcome(e.Job, Result{}, stopped(nil)))
		over = append(over, e.Job)
	}
	r.waiting = nil
	r.mu.Unlock()
	for _, j := range over {
		r.save(ctx, j)
	}
	r.cancel()
	done := make(chan struct{})
	go func() {
		r.idle.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errStopped marks jobs that ended because the process does.
var errStopped = errors.New("the process stops")

func stopped(cause error) error { return Interrupted(errors.Join(errStopped, cause)) }

// Interrupted is the error of a job whose process stopped before it had ended.
func Interrupted(cause error) error {
	return &entity.Error{Kind: entity.KindUnavailable, Message: "the server stopped before this had ended; what it had saved by then stays saved", Cause: cause}
}

// run does a job, and the next one that waits.
func (r *Runner) run(e *entry) {
	defer r.idle.Done()
	r.mu.Lock()
	e.State = InProgress
	begun := e.Job
	r.mu.Unlock()
	r.save(r.ctx, begun)
	result, err := r.do(e)
	r.mu.Lock()
	over := r.outcome(e.Job, result, err)
	r.mu.Unlock()
	r.save(r.ctx, over) // before anybody sees it, so that nobody sees it forgotten
	r.mu.Lock()
	r.end(e, over)
	r.running--
	r.next()
	r.mu.Unlock()
}

// do does the work of one job. A panic is the end of this job, not of the server.
func (r *Runner) do(e *entry) (result Result, err error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.opts.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r.opts.Log.Error("a job panicked", "job", e.ID, "type", e.Kind, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = entity.Internal(errors.New("panic"))
		}
	}()
	result, err = e.work(ctx, func(done, total int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		e.Done, e.Total = done, total
	})
	switch {
	case err == nil:
	case r.ctx.Err() != nil:
		err = stopped(err)
	case errors.Is(err, context.DeadlineExceeded):
		err = &entity.Error{Kind: entity.KindUnavailable, Message: "this took longer than " + r.opts.Timeout.String() + " and was given up", Cause: err}
	}
	return result, err
}

// outcome is a job that has ended.
func (r *Runner) outcome(j Job, result Result, err error) Job {
	if err == nil && len(result.Body) > r.MaxResult() {
		err = r.TooLarge()
	}
	j.State, j.Over = Completed, r.opts.Clock()
	if err != nil {
		j.State, j.Err = Failed, err
		return j
	}
	j.Result, j.Dropped = result, result.Media == ""
	return j
}

// end shows what became of a job and makes room for its result.
func (r *Runner) end(e *entry, over Job) {
	e.Job, e.work = over, nil
	r.held -= e.held
	if kind := entity.KindOf(e.Err); e.Err != nil && (kind == entity.KindInternal || kind == entity.KindUnavailable) {
		r.opts.Log.Error("a job failed", "job", e.ID, "type", e.Kind, "err", e.Err)
	}
	r.bytes += len(e.Result.Body)
	r.ended = append(r.ended, e)
	for i := 0; r.bytes > r.opts.MaxBytes; i++ {
		r.drop(r.ended[i])
	}
	r.forget()
}

// drop gives up a result.
func (r *Runner) drop(e *entry) {
	if len(e.Result.Body) > 0 {
		r.bytes -= len(e.Result.Body)
		e.Result, e.Dropped = Result{}, true
	}
}

// forget removes jobs that ended long ago, or before many others.
func (r *Runner) forget() {
	before := r.opts.Clock().Add(-r.opts.Kept)
	n := max(0, len(r.ended)-r.opts.MaxKept)
	for n < len(r.ended) && r.ended[n].Over.Before(before) {
		n++
	}
	for _, e := range r.ended[:n] {
		r.drop(e)
		delete(r.jobs, e.ID)
	}
	r.ended = slices.Delete(r.ended, 0, n)
}
