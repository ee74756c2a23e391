package auth

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func TestRefusalsAreCounted(t *testing.T) {
	f := newFixture(t)
	token := f.mustLogin().AccessToken
	foreign := f.forge(f.header(), f.payload(token, map[string]any{"iss": "https://other.example", "sub": "somebody"}))
	for range 500 {
		_, err := f.use(foreign)
		wantCode(t, err, CodeIssuer)
	}
	_, err := f.Authenticate(f.ctx, "")
	wantCode(t, err, CodeMissing)
	entries, err := f.Refusals(f.ctx, 10)
	must(t, err)
	if len(entries) != 2 {
		t.Fatalf("entries %+v", entries)
	}
	for _, e := range entries {
		switch e.Code {
		case CodeIssuer:
			if e.Count != 500 || e.Issuer != "https://other.example" || e.Subject == "" || e.Subject == "somebody" || e.At != f.clock.Now().UnixMilli() {
				t.Errorf("entry %+v", e)
			}
		case CodeMissing:
			if e.Count != 1 {
				t.Errorf("entry %+v", e)
			}
		default:
			t.Errorf("entry %+v", e)
		}
	}
}

// heldStore holds up writes until it is let go.
type heldStore struct {
	store.Store
	entered, gate chan struct{}
}

func (h heldStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	h.entered <- struct{}{}
	<-h.gate
	return h.Store.Update(ctx, fn)
}

// TestRefusalsBeingWrittenAreFound: who asks while entries are on their way into the
// store finds them.
func TestRefusalsBeingWrittenAreFound(t *testing.T) {
	f := newFixture(t)
	held := heldStore{Store: f.trail.store, entered: make(chan struct{}, 1), gate: make(chan struct{})}
	f.trail.store = held
	_, err := f.Authenticate(f.ctx, "")
	wantCode(t, err, CodeMissing)
	written := make(chan error, 1)
	go func() { written <- f.trail.flush(f.ctx) }()
	<-held.entered
	found := make(chan []AuditEntry, 1)
	asks := make(chan struct{})
	go func() {
		close(asks)
		entries, err := f.FindRefusals(f.ctx, AuditQuery{})
		if err != nil {
			t.Error(err)
		}
		found <- entries
	}()
	<-asks
	close(held.gate)
	must(t, <-written)
	if entries := <-found; len(entries) != 1 {
		t.Errorf("while they are written, %d refusals are found, want the one: %+v", len(entries), entries)
	}
}

// TestRefusalsAreFoundByUser asks for somebody by every name under which the trail
// may know them, as it holds digests only.
func TestRefusalsAreFoundByUser(t *testing.T) {
	f := newFixture(t)
	f.trail.route = func(context.Context) string { return "GET /api/v1/tables" }
	token := f.mustLogin().AccessToken
	_, err := f.login(f.ann.Name, "not the password", "192.0.2.1")
	wantCode(t, err, CodeLogin)
	_, err = f.login("somebody-else", "not the password", "192.0.2.1")
	wantCode(t, err, CodeLogin)
	_, err = f.use(f.forge(f.header(), f.payload(token, map[string]any{"iss": "https://other.example", "sub": "auth0|17"})))
	wantCode(t, err, CodeIssuer)
	for user, want := range map[string]int{"": 3, f.ann.Name: 1, f.ann.Email: 1, "somebody-else": 1, "auth0|17": 1, "nobody": 0} {
		found, err := f.FindRefusals(f.ctx, AuditQuery{User: user})
		must(t, err)
		if len(found) != want {
			t.Errorf("%q: %d refusals, want %d: %+v", user, len(found), want, found)
		}
		for _, e := range found {
			if e.Route != "GET /api/v1/tables" {
				t.Errorf("%q: the entry does not tell where it was: %+v", user, e)
			}
		}
	}
}

// TestFloodOfRefusals sends tokens that differ: the trail must stay small.
func TestFloodOfRefusals(t *testing.T) {
	f := newFixture(t)
	for flush := range 60 {
		for i := range 100 {
			f.trail.refusal(f.ctx, Refuse(CodeKeyID), &parsed{header: header{KeyID: fmt.Sprint(flush, "/", i)}})
		}
		must(t, f.trail.flush(f.ctx))
	}
	must(t, f.db.View(f.ctx, func(r store.Reader) error {
		n, err := r.CountRecords(f.ctx, store.RecordQuery{Kind: kindRefusals})
		if n > maxRefusals+pruneEvery+maxDistinct || n == 0 {
			t.Errorf("%d entries kept", n)
		}
		return err
	}))
	entries, err := f.Audit(f.ctx, 10)
	must(t, err)
	if len(entries) != 1 || entries[0].Action != "passwordChanged" {
		t.Errorf("the flood changed the other trail: %+v", entries)
	}
}

func TestAuditIsBounded(t *testing.T) {
	f := newFixture(t)
	at := f.clock.Now().UnixMilli()
	must(t, f.db.Update(f.ctx, func(tx store.Tx) error {
		for i := range 50 {
			if err := tx.PutRecord(f.ctx, store.Record{Kind: "x", Key: fmt.Sprint(i), At: at + int64(i), Doc: []byte(`{}`)}); err != nil {
				return err
			}
		}
		return pruneRecords(f.ctx, tx, "x", 20)
	}))
	must(t, f.db.View(f.ctx, func(r store.Reader) error {
		left, err := r.Records(f.ctx, store.RecordQuery{Kind: "x", Order: store.OldestFirst})
		if len(left) != 20 || left[0].At != at+30 {
			t.Errorf("%d left, the oldest of %d", len(left), left[0].At-at)
		}
		return err
	}))
}

// TestRefusalsAreWrittenByThemselves waits, in a bubble of fake time, for the
// flush that the first refusal arms.
func TestRefusalsAreWrittenByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &memoryTrail{}
		tr := newTrail(f, time.Now, discard())
		tr.refusal(t.Context(), Refuse(CodeFormat), nil)
		tr.refusal(t.Context(), Refuse(CodeFormat), nil)
		<-time.After(flushDelay + time.Millisecond) // of fake time
		synctest.Wait()
		if len(f.records) != 1 || !strings.Contains(string(f.records[0].Doc), `"count":2`) {
			t.Errorf("records %+v", f.records)
		}
	})
}

func TestSignInIsAudited(t *testing.T) {
	f := newFixture(t)
	f.clock.Advance(time.Second)
	f.mustLogin()
	entries, err := f.Audit(f.ctx, 1)
	must(t, err)
	if e := entries[0]; e.Action != "signIn" || e.User != "ann" || e.Address != "192.0.2.1" || e.TokenID == "" {
		t.Errorf("entry %+v", e)
	}
	_, err = f.login("ann", "wrong", "203.0.113.7")
	wantCode(t, err, CodeLogin)
	refused, err := f.Refusals(f.ctx, 1)
	must(t, err)
	if e := refused[0]; e.Action != "signInRefused" || e.Code != CodeLogin || e.Address != "203.0.113.7" || e.Subject == "ann" {
		t.Errorf("entry %+v", e)
	}
}

func TestIssuerIsRemembered(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Issuer = "https://catalog.example" })
	options := f.options
	options.Issuer = ""
	command, err := New(f.ctx, options)
	must(t, err)
	if command.Issuer() != "https://catalog.example" {
		t.Errorf("issuer %q", command.Issuer())
	}
	issued, err := command.AddBotToken(f.ctx, entity.System(), f.bot.ID, ExpireOneDay)
	must(t, err)
	_, err = f.use(issued.Token)
	must(t, err)
}

// TestFirstIssuerStays: the server is named by its address at the first start, and by
// another one only when somebody says so.
func TestFirstIssuerStays(t *testing.T) {
	options := func(f *fixture, issuer, first string) Options {
		o := f.options
		o.Issuer, o.FirstIssuer = issuer, first
		return o
	}
	f := newFixture(t, func(o *Options) { o.Issuer, o.FirstIssuer = "", "https://catalog.example" })
	if f.Issuer() != "https://catalog.example" {
		t.Errorf("issuer %q at the first start", f.Issuer())
	}
	token := f.mustLogin().AccessToken
	for _, step := range []struct{ issuer, first, want string }{
		{"", "https://moved.example", "https://catalog.example"}, {"", "", "https://catalog.example"},
		{"chosen", "https://moved.example", "chosen"}, {"", "https://moved.example", "chosen"},
	} {
		again, err := New(f.ctx, options(f, step.issuer, step.first))
		must(t, err)
		if again.Issuer() != step.want {
			t.Errorf("issuer %q after a start with %q at %q, want %q", again.Issuer(), step.issuer, step.first, step.want)
		}
		_, err = again.Authenticate(f.ctx, "Bearer "+token)
		if step.want == "https://catalog.example" {
			must(t, err) // the address moved, the tokens go on
		} else {
			wantCode(t, err, CodeIssuer)
		}
	}
}

func TestAnotherMasterKeyIsRefused(t *testing.T) {
	f := newFixture(t)
	options := f.options
	var err error
	options.Sealer, _, err = secret.OpenDir(t.TempDir())
	must(t, err)
	if _, err = New(f.ctx, options); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("another master key: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	f := newFixture(t)
	for name, adjust := range map[string]func(*Options){
		"no store": func(o *Options) { o.Store = nil }, "no users": func(o *Options) { o.Users = nil },
		"no keys": func(o *Options) { o.Keys = nil }, "no sealer": func(o *Options) { o.Sealer = nil },
		"skew": func(o *Options) { o.Skew = 6 * time.Minute }, "overlap": func(o *Options) { o.RotationOverlap = 25 * time.Hour },
	} {
		options := f.options
		adjust(&options)
		if _, err := New(f.ctx, options); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
