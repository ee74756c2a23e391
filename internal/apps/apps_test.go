package apps

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// bed is a runner over a fresh database, with a clock that can be put forward.
type bed struct {
	*testing.T
	r     *Runner
	store store.Store
	ahead atomic.Int64
}

func newBed(t *testing.T, jobs map[string]Job) *bed {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "catalpa.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{T: t, store: st}
	b.r = New(st, jobs, slog.New(slog.DiscardHandler), func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) })
	t.Cleanup(func() {
		b.r.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func fine(jsontext.Value) error { return nil }

func (b *bed) start(app App) {
	b.Helper()
	if _, err := b.r.Start(b.Context(), app, "OnDemandJob"); err != nil {
		b.Fatal(err)
	}
}

// ended waits until the newest run is over.
func (b *bed) ended(app App) (Record, string) {
	b.Helper()
	for b.Context().Err() == nil {
		record, log, err := b.r.Latest(b.Context(), app)
		if err != nil {
			b.Fatal(err)
		}
		b.r.mu.Lock()
		going := b.r.running[app.ID] != nil
		b.r.mu.Unlock()
		if !going {
			return record, log
		}
	}
	b.Fatal("the run does not end")
	return Record{}, ""
}

func TestRunsEndAsTheirJobsDo(t *testing.T) {
	for name, tc := range map[string]struct {
		run     func(context.Context, *Run) error
		status  string
		message string
		log     string
	}{
		"well":          {func(_ context.Context, r *Run) error { r.Progress(7, 1, 8); r.Logf("seven"); return nil }, Success, "", "seven"},
		"with an error": {func(context.Context, *Run) error { return entity.BadRequest("a bad day") }, Failed, "a bad day", "a bad day"},
		"with a secret": {func(context.Context, *Run) error { return entity.Internal(errors.New("dial 10.0.0.1")) }, Failed, "unexpected problem", "unexpected problem"},
		"in panic":      {func(context.Context, *Run) error { panic("no") }, Failed, "unexpected problem", "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, map[string]Job{"a": {fine, tc.run}})
			app := App{ID: entity.NewID(), Name: "a", Config: jsontext.Value(`{"n":1}`)}
			b.start(app)
			record, log := b.ended(app)
			if record.Status != tc.status || record.End < record.Start || record.End == 0 || record.RunType != "OnDemandJob" || string(record.Config) != `{"n":1}` {
				t.Errorf("record = %+v", record)
			}
			if !strings.Contains(log, tc.log) || strings.Contains(log, "10.0.0.1") {
				t.Errorf("log = %q", log)
			}
			if tc.message != "" && (record.Failure == nil || !strings.Contains(record.Failure.Failure.Message, tc.message)) {
				t.Errorf("failure = %+v", record.Failure)
			}
			if tc.status == Success && (record.Success == nil || record.Success.Stats.Job != Count{Total: 8, Success: 6, Failed: 1}) {
				t.Errorf("stats = %+v", record.Success)
			}
		})
	}
}

func TestOneRunAtATime(t *testing.T) {
	going := make(chan struct{})
	b := newBed(t, map[string]Job{"a": {fine, func(ctx context.Context, _ *Run) error { close(going); <-ctx.Done(); return ctx.Err() }}})
	app := App{ID: entity.NewID(), Name: "a"}
	b.start(app)
	<-going
	if _, err := b.r.Start(t.Context(), app, "Scheduled"); entity.KindOf(err) != entity.KindConflict {
		t.Errorf("a second run: %v", err)
	}
	if err := b.r.Stop(app); err != nil {
		t.Fatal(err)
	}
	if record, log := b.ended(app); record.Status != Stopped || !strings.Contains(log, "stopped") {
		t.Errorf("record = %+v, log = %q", record, log)
	}
	if err := b.r.Stop(app); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("stopping what does not run: %v", err)
	}
}

func TestWhatCannotBeStopped(t *testing.T) {
	going, on := make(chan struct{}), make(chan struct{})
	b := newBed(t, map[string]Job{"a": {fine, func(_ context.Context, r *Run) error {
		ctx := r.Unstoppable()
		close(going)
		<-on
		return ctx.Err()
	}}})
	app := App{ID: entity.NewID(), Name: "a"}
	b.start(app)
	<-going
	if err := b.r.Stop(app); entity.KindOf(err) != entity.KindConflict {
		t.Errorf("Stop = %v", err)
	}
	close(on)
	if record, _ := b.ended(app); record.Status != Success {
		t.Errorf("record = %+v", record)
	}
}

// TestARunThatWasBrokenOff: of a server that stopped in the middle, a record stays
// that says running. It counts for as long as the server may be there.
func TestARunThatWasBrokenOff(t *testing.T) {
	b := newBed(t, map[string]Job{"a": {fine, func(context.Context, *Run) error { return nil }}})
	app := App{ID: entity.NewID(), Name: "a"}
	now := time.Now().UnixMilli()
	doc, err := json.Marshal(stored{Record{AppID: app.ID, AppName: "a", Status: Running, Start: now}, now})
	if err != nil {
		t.Fatal(err)
	}
	err = b.store.Update(t.Context(), func(tx store.Tx) error {
		for kind, doc := range map[string][]byte{runKind: doc, logKind: []byte(`"half"`)} {
			if err := tx.PutRecord(t.Context(), store.Record{Kind: kind, Owner: app.ID.String(), Key: timeseries.Key(now), At: now, Doc: doc}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.r.Start(t.Context(), app, "OnDemandJob"); entity.KindOf(err) != entity.KindConflict {
		t.Errorf("beside a run elsewhere: %v", err)
	}
	b.ahead.Store(int64(2 * silence))
	record, log, err := b.r.Latest(t.Context(), app)
	if err != nil || record.Status != Failed || record.Failure == nil || log != "half" {
		t.Errorf("record = %+v, log = %q, %v", record, log, err)
	}
	b.start(app)
	b.ended(app)
	list, total, err := b.r.List(t.Context(), app.ID, timeseries.Query{Limit: 10})
	if err != nil || total != 2 || list[0].Status != Success || list[1].Status != Failed {
		t.Errorf("list = %+v, %d, %v", list, total, err)
	}
}

func TestStartRefuses(t *testing.T) {
	b := newBed(t, map[string]Job{"a": {func(jsontext.Value) error { return entity.BadRequest("no") }, nil}})
	if _, err := b.r.Start(t.Context(), App{ID: entity.NewID(), Name: "b"}, ""); entity.KindOf(err) != entity.KindNotImplemented {
		t.Errorf("what cannot be run: %v", err)
	}
	if _, err := b.r.Start(t.Context(), App{ID: entity.NewID(), Name: "a"}, ""); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("bad settings: %v", err)
	}
	if _, _, err := b.r.Latest(t.Context(), App{ID: entity.NewID(), Name: "a"}); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("the newest of no runs: %v", err)
	}
}

func TestNext(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for name, tc := range map[string]struct {
		schedule *Schedule
		want     string // "" never, "error" for one
	}{
		"none":               {nil, ""},
		"switched off":       {&Schedule{Timeline: "None", Cron: "* * * * *"}, ""},
		"hourly":             {&Schedule{Timeline: "Hourly"}, "2026-03-04T06:00:00Z"},
		"daily":              {&Schedule{Timeline: "Daily"}, "2026-03-05T00:00:00Z"},
		"weekly":             {&Schedule{Timeline: "Weekly"}, "2026-03-08T00:00:00Z"},
		"monthly":            {&Schedule{Timeline: "Monthly"}, "2026-04-01T00:00:00Z"},
		"custom":             {&Schedule{Timeline: "Custom", Cron: "30 5 * * *"}, "2026-03-04T05:30:00Z"},
		"an own time of day": {&Schedule{Timeline: "Daily", Cron: "15 3 * * *"}, "2026-03-05T03:15:00Z"},
		"nothing":            {&Schedule{Timeline: "Custom"}, "error"},
		"no numbers":         {&Schedule{Timeline: "Custom", Cron: "often"}, "error"},
		"too many":           {&Schedule{Timeline: "Custom", Cron: "99 * * * *"}, "error"},
		"a time zone":        {&Schedule{Timeline: "Custom", Cron: "TZ=UTC"}, "error"},
		"a name":             {&Schedule{Timeline: "Custom", Cron: "@every 1ms"}, "error"},
		"long":               {&Schedule{Timeline: "Custom", Cron: strings.Repeat("1,", 200) + " * * * *"}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			next, err := tc.schedule.Next(at)
			got := ""
			switch {
			case err != nil:
				got = "error"
			case !next.IsZero():
				got = next.Format(time.RFC3339)
			}
			if got != tc.want {
				t.Errorf("next is %q, want %q (%v)", got, tc.want, err)
			}
		})
	}
}

func TestDueOnesStart(t *testing.T) {
	b := newBed(t, map[string]Job{"a": {fine, func(context.Context, *Run) error { return nil }}})
	hourly, off := App{ID: entity.NewID(), Name: "a", Schedule: &Schedule{Timeline: "Hourly"}}, App{ID: entity.NewID(), Name: "a"}
	bad := App{ID: entity.NewID(), Name: "a", Schedule: &Schedule{Timeline: "Custom", Cron: "x"}}
	list := func(context.Context) ([]App, error) { return []App{bad, off, hourly}, nil }
	at := time.Date(2026, 3, 4, 5, 59, 50, 0, time.UTC)
	b.r.startDue(t.Context(), list, at, at.Add(5*time.Second))
	if _, _, err := b.r.Latest(t.Context(), hourly); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("it ran before it was due: %v", err)
	}
	b.r.startDue(t.Context(), list, at, at.Add(20*time.Second))
	if record, _ := b.ended(hourly); record.Status != Success || record.RunType != "Scheduled" || record.Schedule == nil {
		t.Errorf("record = %+v", record)
	}
	if _, _, err := b.r.Latest(t.Context(), off); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("what has no schedule ran: %v", err)
	}
}

func TestLongLogsKeepTheirEnd(t *testing.T) {
	b := newBed(t, map[string]Job{"a": {fine, func(_ context.Context, r *Run) error {
		for range 3 * maxLog / 1000 {
			r.Logf("%s", strings.Repeat("x", 1000))
		}
		r.Logf("the end")
		return nil
	}}})
	app := App{ID: entity.NewID(), Name: "a"}
	b.start(app)
	if _, log := b.ended(app); len(log) > maxLog || !strings.Contains(log, "the end") {
		t.Errorf("the log has %d bytes and ends with %q", len(log), log[max(0, len(log)-60):])
	}
}
