package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// read is what Prometheus gets, the lines of our own metrics.
func read(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("reading the metrics answers %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func expect(t *testing.T, got string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+got, "\n"+line+"\n") {
			t.Errorf("the metrics lack the line %s", line)
		}
	}
}

func TestEventsAreCounted(t *testing.T) {
	m := New(Options{Version: "1.2.3", Codes: []string{"SEC-B", "SEC-A"}, Ways: []string{"password", "provider"}})
	m.Request("GET", "/api/v1/tables/{id}", 200, 3*time.Millisecond)
	m.Request("GET", "/api/v1/tables/{id}", 0, time.Millisecond)
	m.Request("PUT", "/api/v1/tables", 503, 2*time.Minute)
	m.Committed(3)
	m.Committed(0)
	m.SignedIn("password")
	m.Refused(true, "SEC-A")
	m.Refused(false, "SEC-B")
	m.Refused(true, "")
	expect(t, read(t, m),
		`catalpa_build_info{version="1.2.3"} 1`,
		`catalpa_http_requests_total{method="GET",route="/api/v1/tables/{id}",status="200"} 2`,
		`catalpa_http_request_duration_seconds_bucket{method="GET",route="/api/v1/tables/{id}",le="0.001"} 1`,
		`catalpa_http_request_duration_seconds_bucket{method="PUT",route="/api/v1/tables",le="60"} 0`,
		`catalpa_http_answers_total{class="2xx"} 2`, `catalpa_http_answers_total{class="5xx"} 1`, `catalpa_http_answers_total{class="4xx"} 0`,
		`catalpa_store_commits_total 1`, `catalpa_store_foreign_commits_total 1`,
		`catalpa_store_commit_updates_bucket{le="2"} 0`, `catalpa_store_commit_updates_sum 3`,
		`catalpa_sign_ins_total{way="password"} 1`, `catalpa_sign_ins_total{way="provider"} 0`,
		`catalpa_refusals_total{code="SEC-A",what="sign-in"} 1`, `catalpa_refusals_total{code="SEC-A",what="token"} 0`,
		`catalpa_refusals_total{code="SEC-B",what="token"} 1`, `catalpa_refusals_total{code="other",what="sign-in"} 1`,
	)
}

// TestNobodyChoosesALabel: whatever a client sends makes no new series beyond the few
// that are foreseen.
func TestNobodyChoosesALabel(t *testing.T) {
	m := New(Options{Codes: []string{"SEC-A"}})
	for i := range 1000 {
		m.Request(fmt.Sprintf("METHOD%d", i), "", 100000+i, time.Millisecond)
		m.Refused(i%2 == 0, fmt.Sprintf("SEC-%d", i))
	}
	m.Request("", "", -1, -time.Second)
	got := read(t, m)
	expect(t, got, `catalpa_http_requests_total{method="other",route="none",status="200"} 1001`, `catalpa_refusals_total{code="other",what="token"} 500`)
	if strings.Contains(got, "METHOD") || strings.Contains(got, "SEC-7") {
		t.Error("a word of a client is in the metrics")
	}
}

// quiet are sources with nothing to tell.
func quiet() Sources {
	return Sources{
		StoreFailures: func() uint64 { return 0 }, Jobs: func() (int, int) { return 0, 0 }, Draining: func() bool { return false },
		Index:    func(context.Context) (Index, error) { return Index{}, nil },
		Delivery: func(context.Context) (Delivery, error) { return Delivery{}, nil },
	}
}

func TestTheStateIsReadWhenAskedFor(t *testing.T) {
	m, sources := New(Options{}), quiet()
	behind := uint64(7)
	sources.StoreFailures = func() uint64 { return 4 }
	sources.Jobs = func() (int, int) { return 2, 5 }
	sources.Draining = func() bool { return true }
	sources.Index = func(context.Context) (Index, error) {
		return Index{Position: 90, Behind: behind, Down: true, Skipped: 1, Check: Check{
			Running: true, Ended: time.UnixMilli(1500), Entities: 12, Missing: 1, Different: 2, Extra: 3, Repaired: 6,
		}}, nil
	}
	sources.Delivery = func(context.Context) (Delivery, error) {
		return Delivery{Destinations: 9, Busy: 1, Retrying: 2, Behind: 30}, nil
	}
	if err := m.Watch(sources); err != nil {
		t.Fatal(err)
	}
	expect(t, read(t, m),
		"catalpa_store_failures_total 4", `catalpa_jobs{state="running"} 2`, `catalpa_jobs{state="waiting"} 5`, "catalpa_draining 1",
		"catalpa_index_position 90", "catalpa_index_behind_events 7", "catalpa_index_down 1", "catalpa_index_skipped_total 1",
		"catalpa_index_check_running 1", "catalpa_index_check_ended_timestamp_seconds 1.5", "catalpa_index_check_entities 12", "catalpa_index_check_repaired 6",
		`catalpa_index_check_differences{kind="missing"} 1`, `catalpa_index_check_differences{kind="different"} 2`, `catalpa_index_check_differences{kind="extra"} 3`,
		`catalpa_delivery_destinations{state="on"} 9`, `catalpa_delivery_destinations{state="busy"} 1`, `catalpa_delivery_destinations{state="retrying"} 2`,
		"catalpa_delivery_behind_events 30", `catalpa_source_up{source="index"} 1`, `catalpa_source_up{source="delivery"} 1`,
	)
	behind = 0
	expect(t, read(t, m), "catalpa_index_behind_events 0")
}

// TestAFailingSourceIsSaid: a wrong number would be taken for a right one.
func TestAFailingSourceIsSaid(t *testing.T) {
	m, sources := New(Options{}), quiet()
	sources.Index = func(context.Context) (Index, error) { return Index{}, errors.New("a secret of the database") }
	if err := m.Watch(sources); err != nil {
		t.Fatal(err)
	}
	got := read(t, m)
	expect(t, got, `catalpa_source_up{source="index"} 0`, `catalpa_source_up{source="delivery"} 1`, "catalpa_delivery_behind_events 0")
	if strings.Contains(got, "catalpa_index_behind_events") || strings.Contains(got, "secret") {
		t.Error("the metrics of a source that failed are shown, or why it failed")
	}
}
