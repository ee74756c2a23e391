package crash

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// inbox is a receiver of events that counts them by the table they are about.
type inbox struct {
	mu      sync.Mutex
	got     map[string]int
	order   []string
	arrived chan struct{}
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var event struct {
		FQN string `json:"entityFullyQualifiedName"`
	}
	if err != nil || json.Unmarshal(body, &event) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	i.mu.Lock()
	i.got[event.FQN]++
	i.order = append(i.order, event.FQN)
	i.mu.Unlock()
	select {
	case i.arrived <- struct{}{}:
	default:
	}
}

func (i *inbox) count() (different, all int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.got), len(i.order)
}

// wait returns when so many different tables were told about, or so many events came.
func (i *inbox) wait(t *testing.T, tables int) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		if different, _ := i.count(); different >= tables {
			return
		}
		select {
		case <-i.arrived:
		case <-deadline:
			t.Fatalf("%d of %d tables were told about", len(i.got), tables)
		}
	}
}

// TestKillLosesNoAlert: whenever the server is killed, every event is sent, and none but
// the one that was on its way is sent twice.
func TestKillLosesNoAlert(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	in := &inbox{got: map[string]int{}, arrived: make(chan struct{}, 1)}
	receiver := httptest.NewServer(in)
	t.Cleanup(receiver.Close)
	t.Setenv("CATALPA_MODE", "development") // lets alerts go to this machine
	s := start(t, data)
	a := newAPI(s, botToken(t, data))
	a.prepare(t)
	a.subscribe(t, receiver.URL)
	const tables, kills = 40, 3
	for i := range tables {
		status, answer, err := a.do(http.MethodPut, "/tables", jsonType, request(fmt.Sprint("t", i), "", 1))
		if err != nil || status/100 != 2 {
			t.Fatalf("PUT /tables: %d %s %v", status, answer, err)
		}
		if i%(tables/kills) == tables/kills-1 {
			in.wait(t, i/2) // it is busy sending
			s.kill()
			s = start(t, data)
			a = newAPI(s, a.token)
		}
	}
	in.wait(t, tables)
	s.terminate()
	s.wantCleanExit()
	if _, all := in.count(); all > tables+kills {
		t.Errorf("%d events were sent about %d tables with %d kills: %v", all, tables, kills, in.order)
	}
}

// subscribe lets an alert that is there tell about tables: a bot may change one, but
// makes none.
func (a *api) subscribe(t *testing.T, endpoint string) {
	t.Helper()
	body := `[{"op":"replace","path":"/filteringRules","value":{"resources":["table"]}},
		{"op":"add","path":"/destinations/-","value":{"category":"External","type":"Webhook","config":{"endpoint":"` + endpoint + `"}}}]`
	status, answer, err := a.do(http.MethodPatch, "/events/subscriptions/name/ActivityFeedAlert", "application/json-patch+json", body)
	if err != nil || status != http.StatusOK {
		t.Fatalf("PATCH of the alert: %d %s %v", status, answer, err)
	}
}
