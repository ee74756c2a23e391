package api

import (
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/notify"
)

// TestLoadTellsWhatIsStillToSend: what waits for a receiver that refuses shows, and goes
// when it was sent.
func TestLoadTellsWhatIsStillToSend(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	to.refuse = 3
	schema := h.schema()
	h.subscription("flaky", webhook(to.url, nil), map[string]any{"retries": 5})
	load := func() notify.Load {
		got, err := h.api.alerts.Load(t.Context())
		check(t, err)
		return got
	}
	if got := load(); got != (notify.Load{}) {
		t.Errorf("before anything is worked on the load is %+v", got)
	}
	until := func(what string, wanted func(notify.Load) bool) {
		t.Helper()
		deadline := time.Now().Add(30 * time.Second)
		for !wanted(load()) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the load is %+v", what, load())
			}
			<-time.After(5 * time.Millisecond)
		}
	}
	stop := h.sending()
	h.table(schema, "orders", "id")
	to.wait(t, 1)
	until("after a refusal", func(l notify.Load) bool { return l.Destinations == 1 && l.Retrying == 1 && l.Behind > 0 })
	to.wait(t, 4)
	until("when it was taken", func(l notify.Load) bool { return l == notify.Load{Destinations: 1} })
	stop()
}
