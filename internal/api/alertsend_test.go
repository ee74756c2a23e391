package api

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/notify"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
)

// mailbox keeps the mails of alerts.
type mailbox struct {
	mu      sync.Mutex
	mails   []string // recipient and subject
	bodies  []string
	changed chan struct{}
}

// Tell implements notify.Mailer.
func (m *mailbox) Tell(_ context.Context, to, subject, plain, _ string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails, m.bodies = append(m.mails, to+": "+subject), append(m.bodies, plain)
	select {
	case m.changed <- struct{}{}:
	default:
	}
	return nil
}

// wait returns the mails in order of their recipients once there are so many.
func (m *mailbox) wait(t *testing.T, n int) []string {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		m.mu.Lock()
		got := slices.Sorted(slices.Values(m.mails))
		m.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-m.changed:
		case <-deadline:
			t.Fatalf("%d of %d mails: %v", len(got), n, got)
		}
	}
}

// TestMailsGoToWhoMaySee: owners and followers are mailed to, but for those who may not
// see what happened.
func TestMailsGoToWhoMaySee(t *testing.T) {
	h := newHarness(t)
	schema := h.schema()
	owner, follower, blind := h.consumer("owner"), h.consumer("follower"), h.consumer("blind")
	id := h.table(schema, "orders", "id")
	h.do("PATCH", "/tables/"+id, []map[string]any{{"op": "add", "path": "/owners", "value": []any{map[string]any{"id": owner.id, "type": "user"}}}}, 200)
	for _, who := range []caller{follower, blind} {
		h.do("PUT", "/tables/"+id+"/followers", `"`+who.id.String()+`"`, 200)
	}
	h.forbid(blind, "ViewAll")
	email := func(category string, config map[string]any) map[string]any {
		return map[string]any{"category": category, "type": "Email", "config": config}
	}
	h.do("POST", "/events/subscriptions", map[string]any{
		"name": "mails", "alertType": "Notification", "resources": []string{"table"}, "destinations": []any{
			email("Owners", map[string]any{}), email("Followers", map[string]any{}), email("Users", map[string]any{"receivers": []string{"follower", "blind"}}),
			email("External", map[string]any{"receivers": []string{"team@example.org"}, "sendToOwners": true}),
		},
	}, 201)
	h.sending()
	h.do("PATCH", "/tables/"+id, []map[string]any{{"op": "add", "path": "/description", "value": "All that was ordered."}}, 200)
	const subject = ": table shop.db.public.orders was changed by admin"
	want := []string{"follower@example.org" + subject, "follower@example.org" + subject, "owner@example.org" + subject, "owner@example.org" + subject, "team@example.org" + subject}
	if got := h.mails.wait(t, 5); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	h.until("/events/subscriptions/name/mails/eventsRecord", func(a answer) bool { return string(a.member("successfulEventsCount")) == "4" })
	if n := len(h.mails.wait(t, 5)); n != 5 {
		t.Errorf("%d mails, want 5", n)
	}
	if body := h.mails.bodies[0]; !strings.Contains(body, "description added: All that was ordered.") {
		t.Errorf("the mail says %s", body)
	}
}

// TestOneOfManySends: of processes that share data one sends, and when it is gone
// another takes over.
func TestOneOfManySends(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	schema := h.schema()
	id := h.subscription("shared", webhook(to.url, nil), nil)
	var ahead atomic.Int64
	run := func() (stop func()) {
		s := notify.New(notify.Options{
			Engine: h.engine, Client: outbound.New(outbound.Options{Development: true}), Shared: true, Log: slog.New(slog.DiscardHandler),
			Clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = s.Run(ctx)
		}()
		stop = sync.OnceFunc(func() { cancel(); <-done })
		t.Cleanup(stop)
		return stop
	}
	stop := run()
	h.table(schema, "t0", "id")
	to.wait(t, 1)
	run()
	run()
	for i := 1; i < 10; i++ {
		h.table(schema, fmt.Sprint("t", i), "id")
	}
	h.until("/events/subscriptions/id/"+id+"/eventsRecord", func(a answer) bool { return string(a.member("successfulEventsCount")) == "10" })
	stop()
	ahead.Store(int64(time.Minute))
	h.table(schema, "t10", "id")
	got := to.wait(t, 11)
	for i, d := range got {
		if want := fmt.Sprint("entityCreated shop.db.public.t", i); d.event(t) != want {
			t.Errorf("request %d is %s, want %s", i, d.event(t), want)
		}
	}
}

// TestSecretsStayWithTheirDestination: a masked secret is kept, and neither goes to
// another destination nor gets lost when one before it is removed.
func TestSecretsStayWithTheirDestination(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	schema := h.schema()
	h.do("POST", "/events/subscriptions", map[string]any{"name": "two", "alertType": "Notification", "resources": []string{"table"}, "destinations": []any{
		webhook("https://hooks.example.org/x", map[string]any{"secretKey": "first-secret"}), webhook(to.url, map[string]any{"secretKey": "second-secret"}),
	}}, 201)
	removed := h.as(h.admin, "PATCH", "/events/subscriptions/name/two", []map[string]any{{"op": "remove", "path": "/destinations/0"}})
	h.sending()
	h.table(schema, "orders", "id")
	got := to.wait(t, 1)[0]
	if sign := got.header.Get(notify.SignatureHeader); sign != notify.Sign("second-secret", got.body) {
		t.Errorf("removing the first destination answered %d; the second is signed with another secret (%q)", removed.status, sign)
	}
}
