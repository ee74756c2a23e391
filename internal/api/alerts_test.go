package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/notify"
)

// delivered is a request that a receiver got.
type delivered struct {
	method string
	target string
	header http.Header
	body   []byte
}

func (d delivered) event(t *testing.T) string {
	t.Helper()
	var event struct {
		Type string `json:"eventType"`
		FQN  string `json:"entityFullyQualifiedName"`
	}
	if err := json.Unmarshal(d.body, &event); err != nil {
		t.Fatalf("the receiver got %s: %v", d.body, err)
	}
	return event.Type + " " + event.FQN
}

// receiver is somebody who is told about changes.
type receiver struct {
	url     string
	mu      sync.Mutex
	got     []delivered
	refuse  int // answer so many requests with an error first
	changed chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{changed: make(chan struct{}, 1)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, delivered{method: req.Method, target: req.URL.RequestURI(), header: req.Header, body: body})
		if r.refuse != 0 {
			r.refuse--
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "the-secret-of-the-receiver")
		}
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// wait returns what was received once there is as much as wanted.
func (r *receiver) wait(t *testing.T, n int) []delivered {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		r.mu.Lock()
		got := slices.Clone(r.got)
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-r.changed:
		case <-deadline:
			t.Fatalf("the receiver got %d of %d requests", len(got), n)
		}
	}
}

// sending lets the harness's server send until the returned function is called.
func (h *harness) sending() (stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.api.alerts.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	h.t.Cleanup(stop)
	return stop
}

// subscription makes one with a destination and returns its id.
func (h *harness) subscription(name string, destination map[string]any, more map[string]any) string {
	h.t.Helper()
	body := map[string]any{
		"name": name, "alertType": "Notification", "trigger": map[string]any{"triggerType": "RealTime"}, "resources": []string{"table"},
		"destinations": []any{destination},
	}
	for key, value := range more {
		body[key] = value
	}
	return h.do("POST", "/events/subscriptions", body, 201).id()
}

func webhook(url string, more map[string]any) map[string]any {
	config := map[string]any{"endpoint": url}
	for key, value := range more {
		config[key] = value
	}
	return map[string]any{"category": "External", "type": "Webhook", "config": config}
}

// until asks until the answer is as wanted.
func (h *harness) until(path string, wanted func(answer) bool) answer {
	h.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		got := h.do("GET", path, nil, 200)
		if wanted(got) {
			return got
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("GET %s still answers %s", path, got.body)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func destinationID(h *harness, alert string) string {
	h.t.Helper()
	var list []struct {
		ID string `json:"id"`
	}
	h.do("GET", "/events/subscriptions/id/"+alert+"/destinations", nil, 200).into(&list)
	return list[0].ID
}

// TestAddressesOfAlertsAreNotShown: who knows the whole address of a chat's webhook may
// write there, so that nobody is shown more than the host, and an edit keeps the rest.
func TestAddressesOfAlertsAreNotShown(t *testing.T) {
	h := newHarness(t)
	to, elsewhere := newReceiver(t), newReceiver(t)
	schema := h.schema()
	const path = "/services/T0/who-knows-this-may-write"
	id := h.subscription("chat", webhook(to.url+path, nil), nil)
	consumer := h.consumer("ann")
	h.do("PATCH", "/events/subscriptions/"+id, `[{"op":"add","path":"/displayName","value":"Chat"},{"op":"add","path":"/destinations/-","value":`+
		`{"category":"External","type":"Webhook","config":{"endpoint":"`+elsewhere.url+path+`"}}}]`, 200)
	for _, url := range []string{
		"/events/subscriptions/" + id, "/events/subscriptions/name/chat", "/events/subscriptions?limit=50", "/events/subscriptions/" + id + "/versions",
		"/events/subscriptions/" + id + "/versions/0.2", "/events?entityCreated=eventsubscription&entityUpdated=eventsubscription&timestamp=0",
		"/search/query?q=chat&index=all",
	} {
		for _, who := range []caller{consumer, h.admin} {
			h.as(who, "GET", url, nil).lacks("who-knows-this")
		}
	}
	h.as(consumer, "GET", "/events/subscriptions/"+id, nil).want(200).shows("destinations.0.config.endpoint", to.url+"/"+mask)
	// The first is taken out; the other one is sent back as it is shown.
	h.do("PATCH", "/events/subscriptions/"+id, `[{"op":"remove","path":"/destinations/0"}]`, 200).shows("destinations.0.config.endpoint", elsewhere.url+"/"+mask)
	h.sending()
	h.table(schema, "orders", "id")
	if got := elsewhere.wait(t, 1); got[0].target != path {
		t.Errorf("it was sent to %s, want %s", got[0].target, path)
	}
}

func TestWebhooksAreSignedAndNoted(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	schema := h.schema()
	id := h.subscription("hooked", webhook(to.url+"/in?a=1", map[string]any{
		"secretKey": "s3cret-of-the-hook", "headers": map[string]any{"X-Team": "data"}, "queryParams": map[string]any{"b": "2"}, "httpMethod": "PUT",
	}), nil)
	h.sending()
	h.table(schema, "orders", "id")
	h.do("PUT", "/databases", map[string]any{"name": "other", "service": "shop"}, 201) // not watched
	h.table(schema, "orders", "id", "customer")
	got := to.wait(t, 2)
	for i, want := range []string{"entityCreated shop.db.public.orders", "entityUpdated shop.db.public.orders"} {
		d := got[i]
		if d.event(t) != want || d.method != http.MethodPut || d.target != "/in?a=1&b=2" || d.header.Get("X-Team") != "data" {
			t.Errorf("request %d is %s %s %s, want %s", i, d.method, d.target, d.event(t), want)
		}
		if sign := d.header.Get(notify.SignatureHeader); sign != notify.Sign("s3cret-of-the-hook", d.body) || !strings.HasPrefix(sign, "sha256=") || len(sign) != 71 {
			t.Errorf("the signature is %q", sign)
		}
	}
	record := h.until("/events/subscriptions/id/"+id+"/eventsRecord", func(a answer) bool { return string(a.member("successfulEventsCount")) == "2" })
	if string(record.member("failedEventsCount")) != "0" || string(record.member("pendingEventsCount")) != "0" || string(record.member("totalEventsCount")) != "2" {
		t.Errorf("record %s", record.body)
	}
	var sent []struct {
		Type string `json:"eventType"`
	}
	h.do("GET", "/events/subscriptions/name/hooked/listSuccessfullySentChangeEvents", nil, 200).into(&sent)
	if len(sent) != 2 || sent[0].Type != "entityUpdated" {
		t.Errorf("sent %v, want the newest first", sent)
	}
	status := h.do("GET", "/events/subscriptions/"+id+"/status/"+destinationID(h, id), nil, 200)
	if string(status.member("status")) != `"active"` || status.member("lastSuccessfulAt") == nil {
		t.Errorf("status %s", status.body)
	}
	if done := h.do("GET", "/events/subscriptions/"+id+"/processedEvents", nil, 200); strings.TrimSpace(string(done.body)) != "true" {
		t.Errorf("processedEvents %s", done.body)
	}
	for _, path := range []string{"/events/subscriptions/" + id, "/events/subscriptions/id/" + id + "/destinations"} {
		if body := h.do("GET", path, nil, 200).body; strings.Contains(string(body), "s3cret") {
			t.Errorf("GET %s shows the secret: %s", path, body)
		}
	}
}

func TestFailuresAreTriedAgainAndThenKept(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	to.refuse = 4
	schema := h.schema()
	id := h.subscription("flaky", webhook(to.url, nil), map[string]any{"retries": 2})
	h.sending()
	h.table(schema, "orders", "id")
	h.table(schema, "parcels", "id")
	// The first is tried three times and given up; the second is refused once and taken.
	got := to.wait(t, 5)
	for i, want := range []string{"orders", "orders", "orders", "parcels", "parcels"} {
		if event := got[i].event(t); !strings.HasSuffix(event, want) {
			t.Errorf("request %d is about %s, want %s", i, event, want)
		}
	}
	base := "/events/subscriptions/id/" + id
	h.until(base+"/eventsRecord", func(a answer) bool { return string(a.member("successfulEventsCount")) == "1" })
	for _, path := range []string{base + "/failedEvents", base + "/failedEvents?source=SUBSCRIBER", "/events/subscriptions/name/flaky/failedEvents", "/events/subscriptions/listAllFailedEvents"} {
		var failed []struct {
			Subscription string                    `json:"failingSubscriptionId"`
			Event        map[string]jsontext.Value `json:"changeEvent"`
			Reason       string                    `json:"reason"`
		}
		answer := h.do("GET", path, nil, 200)
		answer.into(&failed)
		if len(failed) != 1 || failed[0].Subscription != id || string(failed[0].Event["entityFullyQualifiedName"]) != `"shop.db.public.orders"` || failed[0].Reason != "The receiver answered 503." {
			t.Errorf("GET %s: %s", path, answer.body)
		}
		if strings.Contains(string(answer.body), "the-secret-of-the-receiver") {
			t.Error("an answer of the receiver is shown")
		}
	}
	if got := h.do("GET", base+"/failedEvents?source=PUBLISHER", nil, 200); strings.TrimSpace(string(got.body)) != "[]" {
		t.Errorf("failures of the server: %s", got.body)
	}
	status := h.do("GET", "/events/subscriptions/name/flaky/status/"+destinationID(h, id), nil, 200)
	if string(status.member("status")) != `"active"` || string(status.member("lastFailedStatusCode")) != "503" || status.member("lastFailedAt") == nil {
		t.Errorf("status %s", status.body)
	}
	var page struct {
		Data []struct {
			Status string `json:"status"`
		} `json:"data"`
	}
	h.do("GET", base+"/listEvents", nil, 200).into(&page)
	if len(page.Data) != 2 || page.Data[0].Status != "successful" || page.Data[1].Status != "failed" {
		t.Errorf("events %v", page.Data)
	}
	h.do("GET", base+"/listEvents?status=lost", nil, 400)
}

// TestNothingIsLostOverARestart: what happens while nobody sends is sent later, and
// what was sent is not sent again.
func TestNothingIsLostOverARestart(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	schema := h.schema()
	stop := h.sending()
	id := h.subscription("kept", webhook(to.url, nil), nil)
	h.table(schema, "t0", "id")
	h.until("/events/subscriptions/id/"+id+"/eventsRecord", func(a answer) bool { return string(a.member("successfulEventsCount")) == "1" })
	stop()
	for i := 1; i < 4; i++ {
		h.table(schema, fmt.Sprint("t", i), "id")
	}
	record := h.do("GET", "/events/subscriptions/id/"+id+"/diagnosticInfo", nil, 200)
	if string(record.member("relevantUnprocessedEventsCount")) != "3" || string(record.member("hasProcessedAllEvents")) != "false" {
		t.Errorf("diagnosis %s", record.body)
	}
	if bare := h.do("GET", "/events/subscriptions/name/kept/diagnosticInfo?listCountOnly=true", nil, 200); bare.member("relevantUnprocessedEventsList") != nil {
		t.Errorf("only counts were wanted: %s", bare.body)
	}
	h.sending()
	got := to.wait(t, 4)
	h.until("/events/subscriptions/id/"+id+"/eventsRecord", func(a answer) bool { return string(a.member("successfulEventsCount")) == "4" })
	for i, d := range got {
		if want := fmt.Sprint("entityCreated shop.db.public.t", i); d.event(t) != want {
			t.Errorf("request %d is %s, want %s", i, d.event(t), want)
		}
	}
	if n := len(to.wait(t, 4)); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
}

func TestReplayAndSkip(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	schema := h.schema()
	stop := h.sending()
	id := h.subscription("again", webhook(to.url, nil), nil)
	h.table(schema, "orders", "id")
	h.until("/events/subscriptions/id/"+id+"/eventsRecord", func(a answer) bool { return string(a.member("successfulEventsCount")) == "1" })
	var moved notify.Offset
	h.do("PUT", "/events/subscriptions/name/again/syncOffset?offset=0", nil, 200).into(&moved)
	if moved.Current != 0 {
		t.Errorf("moved to %+v", moved)
	}
	if got := to.wait(t, 2); got[1].event(t) != "entityCreated shop.db.public.orders" {
		t.Errorf("sent again: %s", got[1].event(t))
	}
	h.until("/events/subscriptions/id/"+id+"/eventsRecord", func(a answer) bool { return string(a.member("successfulEventsCount")) == "2" })
	stop()
	h.table(schema, "parcels", "id")
	h.do("PUT", "/events/subscriptions/name/again/syncOffset", nil, 200)
	h.table(schema, "returns", "id")
	h.sending()
	if got := to.wait(t, 3); got[2].event(t) != "entityCreated shop.db.public.returns" {
		t.Errorf("after skipping comes %s", got[2].event(t))
	}
	h.do("PUT", "/events/subscriptions/name/again/syncOffset?offset=x", nil, 400)
}

func TestAlertsFilter(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	schema := h.schema()
	h.table(schema, "orders", "id")
	choice := func(name, argument string, values ...string) map[string]any {
		return map[string]any{"name": name, "effect": "include", "prefixCondition": "AND", "arguments": []any{map[string]any{"name": argument, "input": values}}}
	}
	created := h.do("POST", "/events/subscriptions", map[string]any{
		"name": "narrow", "alertType": "Notification", "resources": []string{"table"}, "destinations": []any{webhook(to.url, nil)},
		"input": map[string]any{"filters": []any{
			choice("filterByFqn", "fqnList", schema+".it's", schema+".orders"), choice("filterByEventType", "eventTypeList", "entityUpdated"),
			map[string]any{"name": "filterByUpdaterIsBot", "effect": "exclude"},
		}},
	}, 201)
	if rules := string(created.member("filteringRules", "rules")); !strings.Contains(rules, `matchAnyEntityFqn({'shop.db.public.it''s', 'shop.db.public.orders'})`) {
		t.Errorf("rules %s", rules)
	}
	h.sending()
	h.table(schema, "parcels", "id")
	h.table(schema, "parcels", "id", "weight")
	h.table(schema, "orders", "id", "customer")
	if got := to.wait(t, 1); got[0].event(t) != "entityUpdated shop.db.public.orders" {
		t.Errorf("the first that passes is %s", got[0].event(t))
	}
	h.until("/events/subscriptions/name/narrow/diagnosticInfo", func(a answer) bool { return string(a.member("hasProcessedAllEvents")) == "true" })
	if n := len(to.wait(t, 1)); n != 1 {
		t.Errorf("%d events passed, want 1", n)
	}
}

// TestAlertsSeeWhatTheirAuthorSees: an alert is no way to what is hidden from who saved it.
func TestAlertsSeeWhatTheirAuthorSees(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	schema := h.schema()
	h.subscription("seeing", webhook(to.url, nil), map[string]any{"resources": []string{"table", "database"}})
	h.sending()
	h.table(schema, "shown", "id")
	to.wait(t, 1)
	owner := h.consumer("owner")
	h.do("PATCH", "/events/subscriptions/name/seeing", []map[string]any{{"op": "add", "path": "/owners", "value": []any{map[string]any{"id": owner.id, "type": "user"}}}}, 200)
	policy := h.do("POST", "/policies", `{"name":"NoTables","rules":[{"name":"deny","resources":["table"],"operations":["ViewAll"],"effect":"deny"}]}`, 201).id()
	team := h.do("POST", "/teams", `{"name":"Shut","teamType":"Group","policies":["`+policy+`"]}`, 201).id()
	h.do("PATCH", "/users/"+owner.id.String(), `[{"op":"add","path":"/teams","value":[{"id":"`+team+`","type":"team"}]}]`, 200)
	h.as(owner, "PATCH", "/events/subscriptions/name/seeing", []map[string]any{{"op": "replace", "path": "/batchSize", "value": 7}}).want(200)
	h.table(schema, "hidden", "id")
	h.do("PUT", "/databases", map[string]any{"name": "seen", "service": "shop"}, 201)
	if got := to.wait(t, 2); got[1].event(t) != "entityCreated shop.seen" {
		t.Errorf("got %s", got[1].event(t))
	}
}

func TestMessagesOfChats(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	schema := h.schema()
	h.do("PUT", "/tables", map[string]any{"name": "orders", "databaseSchema": schema, "description": "old", "columns": []any{map[string]any{"name": "id", "dataType": "INT"}}}, 201)
	for _, kind := range []string{"Slack", "MsTeams", "GChat"} {
		d := webhook(to.url+"/"+kind, nil)
		d["type"] = kind
		h.subscription(kind, d, nil)
	}
	h.sending()
	table := h.do("GET", "/tables/name/"+schema+".orders", nil, 200).id()
	h.do("PATCH", "/tables/"+table, []map[string]any{{"op": "replace", "path": "/description", "value": "<!channel> *new* & [x](http://evil)"}}, 200)
	for _, d := range to.wait(t, 3) {
		var message map[string]any
		check(t, json.Unmarshal(d.body, &message))
		text := string(d.body)
		switch d.target {
		case "/Slack":
			if message["text"] == "" || len(message["blocks"].([]any)) != 3 || strings.Contains(text, "<!channel>") || !strings.Contains(text, "|Open>") {
				t.Errorf("Slack: %s", text)
			}
		case "/MsTeams":
			card := message["attachments"].([]any)[0].(map[string]any)
			if card["contentType"] != "application/vnd.microsoft.card.adaptive" || card["content"].(map[string]any)["type"] != "AdaptiveCard" || strings.Contains(text, "](http") {
				t.Errorf("Teams: %s", text)
			}
		case "/GChat":
			card := message["cardsV2"].([]any)[0].(map[string]any)["card"].(map[string]any)
			if card["header"] == nil || strings.Contains(text, "<!channel>") {
				t.Errorf("Chat: %s", text)
			}
		}
		if !strings.Contains(text, "orders was changed by admin") || !strings.Contains(text, "http://catalog.example.org/api/v1/tables/") {
			t.Errorf("%s says %s", d.target, text)
		}
	}
}

// TestT67AlertsDoNotCallInside: neither a test message nor an event goes to an address
// that the operator has not allowed.
func TestT67AlertsDoNotCallInside(t *testing.T) {
	h := newHarness(t)
	schema := h.schema()
	for i, address := range []string{
		"https://10.0.0.1/x", "https://169.254.169.254/latest/meta-data", "https://[::ffff:127.0.0.1]/", "https://2130706433/", "https://0x7f.1/", "http://192.168.0.1/",
	} {
		var tried []struct {
			Status struct {
				Status string `json:"status"`
				Reason string `json:"reason"`
			} `json:"statusDetails"`
		}
		h.do("POST", "/events/subscriptions/testDestination", map[string]any{"destinations": []any{webhook(address, map[string]any{"secretKey": "k3y"})}}, 200).into(&tried)
		if tried[0].Status.Status != "Failed" || !strings.Contains(tried[0].Status.Reason, "does not call that address") {
			t.Errorf("%s: %+v", address, tried[0])
		}
		h.subscription(fmt.Sprint("inside", i), webhook(address, nil), nil)
	}
	for _, address := range []string{"file:///etc/passwd", "gopher://example.org/", "https://user:pass@example.org/", "https:///x", "/relative"} {
		h.do("POST", "/events/subscriptions/testDestination", map[string]any{"destinations": []any{webhook(address, nil)}}, 400)
		h.do("POST", "/events/subscriptions", map[string]any{"name": "bad", "alertType": "Notification", "destinations": []any{webhook(address, nil)}}, 400)
	}
	h.sending()
	h.table(schema, "orders", "id")
	failed := h.until("/events/subscriptions/listAllFailedEvents?source=PUBLISHER", func(a answer) bool { return strings.Count(string(a.body), "failingSubscriptionId") == 6 })
	if strings.Contains(string(failed.body), "10.0.0.1") {
		t.Errorf("the list of failures shows an address: %s", failed.body)
	}
}

func TestTestDestination(t *testing.T) {
	h := newHarness(t)
	to := newReceiver(t)
	answer := h.do("POST", "/events/subscriptions/testDestination", map[string]any{"destinations": []any{webhook(to.url, map[string]any{"secretKey": "k3y-of-test"})}}, 200)
	got := to.wait(t, 1)[0]
	if got.header.Get(notify.SignatureHeader) != notify.Sign("k3y-of-test", got.body) || strings.Contains(string(answer.body), "k3y-of-test") || !strings.Contains(string(answer.body), `"status":"Success"`) {
		t.Errorf("tested with %s: %s", got.body, answer.body)
	}
	for name, body := range map[string]any{
		"nothing": map[string]any{}, "no destination": map[string]any{"destinations": []any{}}, "a masked secret": map[string]any{"destinations": []any{webhook(to.url, map[string]any{"secretKey": "*********"})}},
		"a header of ours": map[string]any{"destinations": []any{webhook(to.url, map[string]any{"headers": map[string]any{"Host": "x"}})}},
		"a split header":   map[string]any{"destinations": []any{webhook(to.url, map[string]any{"headers": map[string]any{"X-A": "a\r\nHost: x"}})}},
		"no address":       map[string]any{"destinations": []any{map[string]any{"category": "External", "type": "Slack"}}},
		"owners by Slack":  map[string]any{"destinations": []any{map[string]any{"category": "Owners", "type": "Slack"}}},
		"no mail address":  map[string]any{"destinations": []any{map[string]any{"category": "External", "type": "Email", "config": map[string]any{"receivers": []string{"x"}}}}},
	} {
		if got := h.as(h.admin, "POST", "/events/subscriptions/testDestination", body); got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	h.as(h.consumer("reader"), "POST", "/events/subscriptions/testDestination", map[string]any{"destinations": []any{webhook(to.url, nil)}}).want(403)
	if n := len(to.wait(t, 1)); n != 1 {
		t.Errorf("%d requests went out", n)
	}
}

func TestAlertSources(t *testing.T) {
	h := newHarness(t)
	for kind, want := range map[string]string{"Notification": "filterByEventType", "Observability": "GetTableSchemaChanges"} {
		if got := h.do("GET", "/events/subscriptions/"+kind+"/resources", nil, 200); !strings.Contains(string(got.body), want) || !strings.Contains(string(got.body), `"name":"table"`) {
			t.Errorf("%s: %s", kind, got.body)
		}
	}
	h.do("GET", "/events/subscriptions/Rumour/resources", nil, 400)
}
