package job

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// bed is a runner whose clock the test moves.
type bed struct {
	*Runner
	t   *testing.T
	now atomic.Int64
}

func newBed(t *testing.T, opts Options) *bed {
	b := &bed{t: t}
	opts.Clock = func() time.Time { return time.Unix(b.now.Load(), 0) }
	opts.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	b.Runner = New(opts)
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

func (b *bed) start(owner entity.ID, work Work) string {
	b.t.Helper()
	id, err := b.Start(context.Background(), Order{Owner: owner, Kind: "test", Held: 0, Work: work})
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// over waits until a job has ended.
func (b *bed) over(id string) Job {
	b.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		job, ok := b.Get(id)
		if !ok {
			b.t.Fatalf("the job %s is not known", id)
		}
		if !job.Over.IsZero() {
			return job
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			b.t.Fatalf("the job is still %s", job.State)
		}
	}
}

func text(s string) Work {
	return func(context.Context, Progress) (Result, error) {
		return Result{Media: "text/plain", Body: []byte(s)}, nil
	}
}

func TestResultAndProgress(t *testing.T) {
	b := newBed(t, Options{})
	owner := entity.NewID()
	job := b.over(b.start(owner, func(_ context.Context, tell Progress) (Result, error) {
		tell(3, 4)
		return Result{Media: "text/plain", Body: []byte("done")}, nil
	}))
	if job.State != Completed || string(job.Result.Body) != "done" || job.Done != 3 || job.Total != 4 || job.Owner != owner {
		t.Errorf("job = %+v", job)
	}
}

func TestFailuresAndPanics(t *testing.T) {
	b := newBed(t, Options{})
	no := entity.Forbidden("no")
	if job := b.over(b.start(entity.NewID(), func(context.Context, Progress) (Result, error) { return Result{}, no })); job.State != Failed || !errors.Is(job.Err, no) {
		t.Errorf("job = %+v", job)
	}
	if job := b.over(b.start(entity.NewID(), func(context.Context, Progress) (Result, error) { panic("x") })); job.State != Failed || entity.KindOf(job.Err) != entity.KindInternal {
		t.Errorf("job = %+v", job)
	}
	if job := b.over(b.start(entity.NewID(), text("alive"))); job.State != Completed {
		t.Errorf("after a panic, job = %+v", job)
	}
}

func TestFewRunAndFewWait(t *testing.T) {
	b := newBed(t, Options{Workers: 2, Queue: 3, PerOwner: 4})
	gate := make(chan struct{})
	var running, most atomic.Int32
	work := func(context.Context, Progress) (Result, error) {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-gate
		return Result{}, nil
	}
	mine := entity.NewID()
	var ids []string
	for range 4 {
		ids = append(ids, b.start(mine, work))
	}
	if _, err := b.Start(context.Background(), Order{Owner: mine, Kind: "test", Held: 0, Work: work}); entity.KindOf(err) != entity.KindUnavailable || !strings.Contains(err.Error(), "of your jobs") {
		t.Errorf("a fifth job of one caller: %v", err)
	}
	ids = append(ids, b.start(entity.NewID(), work))
	if _, err := b.Start(context.Background(), Order{Owner: entity.NewID(), Kind: "test", Held: 0, Work: work}); entity.KindOf(err) != entity.KindUnavailable || !strings.Contains(err.Error(), "jobs wait already") {
		t.Errorf("a job more than the queue holds: %v", err)
	}
	close(gate)
	for _, id := range ids {
		b.over(id)
	}
	if most.Load() > 2 {
		t.Errorf("%d jobs ran at a time", most.Load())
	}
	b.over(b.start(mine, work))
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	b := newBed(t, Options{Kept: time.Minute, MaxKept: 2, MaxBytes: 100})
	first := b.start(entity.NewID(), text(strings.Repeat("a", 50)))
	b.over(first)
	second := b.start(entity.NewID(), text(strings.Repeat("b", 50)))
	b.over(second)
	if job := b.over(b.start(entity.NewID(), text(strings.Repeat("c", 51)))); entity.KindOf(job.Err) != entity.KindTooLarge {
		t.Errorf("a result beyond the limit: %+v", job)
	}
	if _, ok := b.Get(first); ok {
		t.Error("a third job did not push out the first")
	}
	third := b.start(entity.NewID(), text(strings.Repeat("d", 50)))
	b.over(third)
	b.now.Add(61)
	for _, id := range []string{second, third} {
		if _, ok := b.Get(id); ok {
			t.Error("a job is known after its time")
		}
	}
	if b.bytes != 0 || len(b.jobs) != 0 || len(b.ended) != 0 {
		t.Errorf("%d bytes of %d jobs stay", b.bytes, len(b.jobs))
	}
}

func TestOldResultsMakeRoom(t *testing.T) {
	b := newBed(t, Options{MaxBytes: 100})
	var ids []string
	for range 3 {
		ids = append(ids, b.start(entity.NewID(), text(strings.Repeat("a", 40))))
		b.over(ids[len(ids)-1])
	}
	if job, ok := b.Get(ids[0]); !ok || !job.Dropped || job.Result.Body != nil || job.State != Completed {
		t.Errorf("the oldest job = %+v", job)
	}
	if job, ok := b.Get(ids[1]); !ok || job.Dropped {
		t.Errorf("the second job = %+v", job)
	}
}

func TestCloseCancels(t *testing.T) {
	b := newBed(t, Options{Workers: 1})
	started := make(chan struct{})
	var once sync.Once
	wait := func(ctx context.Context, _ Progress) (Result, error) {
		once.Do(func() { close(started) })
		<-ctx.Done()
		return Result{}, ctx.Err()
	}
	running, waiting := b.start(entity.NewID(), wait), b.start(entity.NewID(), wait)
	<-started
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{running, waiting} {
		if job, ok := b.Get(id); !ok || job.State != Failed || !strings.Contains(job.Err.Error(), "the server stopped") {
			t.Errorf("job = %+v", job)
		}
	}
	if _, err := b.Start(context.Background(), Order{Owner: entity.NewID(), Kind: "test", Held: 0, Work: wait}); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("a job after the end: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	b := newBed(t, Options{Timeout: time.Nanosecond})
	job := b.over(b.start(entity.NewID(), func(ctx context.Context, _ Progress) (Result, error) {
		<-ctx.Done()
		return Result{}, ctx.Err()
	}))
	if job.State != Failed || entity.KindOf(job.Err) != entity.KindUnavailable {
		t.Errorf("job = %+v", job)
	}
}

func TestWhatWaitsIsBoundedInBytes(t *testing.T) {
	b := newBed(t, Options{Workers: 1, MaxHeld: 100})
	gate := make(chan struct{})
	work := func(context.Context, Progress) (Result, error) {
		<-gate
		return Result{}, nil
	}
	first, err := b.Start(context.Background(), Order{Owner: entity.NewID(), Kind: "test", Held: 60, Work: work})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Start(context.Background(), Order{Owner: entity.NewID(), Kind: "test", Held: 60, Work: work}); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("more bytes than may wait: %v", err)
	}
	second, err := b.Start(context.Background(), Order{Owner: entity.NewID(), Kind: "test", Held: 40, Work: work})
	if err != nil {
		t.Error(err)
	}
	close(gate)
	b.over(first)
	b.over(second)
	if b.held != 0 {
		t.Errorf("%d bytes are still held", b.held)
	}
}

func TestNote(t *testing.T) {
	b := newBed(t, Options{})
	job := b.over(b.Note(entity.NewID(), "test", Result{Body: []byte("{}")}))
	if job.State != Completed || string(job.Result.Body) != "{}" {
		t.Errorf("job = %+v", job)
	}
}
