package auth

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

var errDiskFull = errors.New("no space left on device")

// fullDisk is a store that takes no audit entries, or nothing at all.
type fullDisk struct {
	store.Store
	entries, everything atomic.Bool
}

func (d *fullDisk) Update(ctx context.Context, fn func(store.Tx) error) error {
	if d.everything.Load() {
		return errDiskFull
	}
	return d.Store.Update(ctx, func(tx store.Tx) error { return fn(fullDiskTx{tx, d}) })
}

type fullDiskTx struct {
	store.Tx
	disk *fullDisk
}

func (tx fullDiskTx) PutRecord(ctx context.Context, records ...store.Record) error {
	for _, r := range records {
		if tx.disk.entries.Load() && (r.Kind == kindAudit || r.Kind == kindRefusals) {
			return errDiskFull
		}
	}
	return tx.Tx.PutRecord(ctx, records...)
}

// onFullDisk is a fixture whose trail is written when the test says so.
func onFullDisk(t *testing.T) (*fixture, *fullDisk) {
	disk := new(fullDisk)
	f := newFixture(t, func(o *Options) {
		disk.Store = o.Store
		o.Store = disk
	})
	f.trail.mu.Lock()
	f.trail.closed = true
	f.trail.mu.Unlock()
	return f, disk
}

func (f *fixture) signIns(user string) int {
	f.t.Helper()
	entries, err := f.Audit(f.ctx, 100)
	must(f.t, err)
	n := 0
	for _, e := range entries {
		if e.Action == "signIn" && e.User == user {
			n++
		}
	}
	return n
}

// TestF12DiskFullForTheTrail: people get in, the alarm is raised, and the trail has
// everything as soon as there is space again.
func TestF12DiskFullForTheTrail(t *testing.T) {
	f, disk := onFullDisk(t)
	disk.entries.Store(true)
	for range 3 {
		_, err := f.use(f.mustLogin().AccessToken)
		must(t, err)
	}
	_, err := f.login("ann", "wrong", "203.0.113.7")
	wantCode(t, err, CodeLogin)
	for range 2 {
		if err := f.trail.flush(f.ctx); !errors.Is(err, errDiskFull) {
			t.Errorf("the trail is written: %v", err)
		}
	}
	if f.AuditFailing().IsZero() || strings.Count(f.logs.String(), "level=ERROR") != 1 || !strings.Contains(f.logs.String(), "audit entries cannot be written") {
		t.Errorf("no alarm, or more than one:\n%s", f.logs)
	}
	if n := strings.Count(f.logs.String(), "action=signIn "); n != 3 {
		t.Errorf("the log has %d sign-ins", n)
	}
	// The page that shows who was refused is needed most now.
	if list, err := f.Refusals(f.ctx, 10); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}

	disk.entries.Store(false)
	must(t, f.trail.flush(f.ctx))
	if n := f.signIns("ann"); n != 3 {
		t.Errorf("the trail has %d sign-ins", n)
	}
	list, err := f.Refusals(f.ctx, 10)
	must(t, err)
	if len(list) != 1 || list[0].Code != CodeLogin || list[0].Count != 1 {
		t.Errorf("refusals %+v", list)
	}
	if !f.AuditFailing().IsZero() || !strings.Contains(f.logs.String(), "audit entries are written again") {
		t.Error("the alarm does not end")
	}
}

// TestF12DiskFull: who is in stays in; nobody can come in without a session on record,
// and is not told that the password was wrong.
func TestF12DiskFull(t *testing.T) {
	f, disk := onFullDisk(t)
	person, bot := f.mustLogin().AccessToken, f.botToken().Token
	disk.everything.Store(true)
	for _, token := range []string{person, bot} {
		_, err := f.use(token)
		must(t, err)
	}
	_, err := f.use(person + "x")
	wantCode(t, err, CodeFormat)
	if _, err := f.login("ann", goodPassword, "192.0.2.1"); !errors.Is(err, errDiskFull) {
		t.Errorf("signing in gives %v", err)
	}
	if err := f.trail.flush(f.ctx); !errors.Is(err, errDiskFull) || f.AuditFailing().IsZero() {
		t.Errorf("no alarm: %v", err)
	}
	disk.everything.Store(false)
	f.mustLogin()
	list, err := f.Refusals(f.ctx, 10)
	must(t, err)
	if len(list) != 1 || list[0].Code != CodeFormat {
		t.Errorf("refusals %+v", list)
	}
}

// TestF12WaitingEntriesAreBounded, and a flood of refusals does not push out what was
// done.
func TestF12WaitingEntriesAreBounded(t *testing.T) {
	f, disk := onFullDisk(t)
	disk.entries.Store(true)
	f.mustLogin()
	for i := range 2 * maxKept {
		f.trail.note(f.ctx, AuditEntry{Action: "impersonated", User: entity.NewID().String()})
		if i%100 == 0 {
			_ = f.trail.flush(f.ctx)
		}
		f.trail.note(f.ctx, AuditEntry{Action: "refusal", Code: CodeFormat, Address: entity.NewID().String()})
	}
	_ = f.trail.flush(f.ctx)
	if n := len(f.trail.pending); n != maxKept {
		t.Errorf("%d entries wait", n)
	}
	for entry := range f.trail.pending {
		if entry.Code != "" {
			t.Fatal("a refusal is kept in the place of what was done")
		}
	}
}

// TestF12LogDown: nothing depends on the log.
func TestF12LogDown(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(brokenPipe{}, nil)) })
	_, err := f.use(f.mustLogin().AccessToken)
	must(t, err)
	_, err = f.login("ann", "wrong", "203.0.113.7")
	wantCode(t, err, CodeLogin)
	must(t, f.trail.flush(f.ctx))
	list, err := f.Refusals(f.ctx, 10)
	must(t, err)
	if n := f.signIns("ann"); n != 1 || len(list) != 1 {
		t.Errorf("the trail has %d sign-ins and the refusals %+v", n, list)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
