package api

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// watchLog opens the stream of a log and returns what reads its next event, and the
// status and the media type it was answered with.
func (h *harness) watchLog(who caller, path, last string) (next func() string, status int, media string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/api/v1"+path, nil)
	check(h.t, err)
	req.Header.Set("Authorization", "Bearer "+who.token)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	answered, err := http.DefaultClient.Do(req)
	check(h.t, err)
	h.t.Cleanup(func() { _ = answered.Body.Close() })
	lines := bufio.NewScanner(answered.Body)
	return func() string {
		var event []string
		for lines.Scan() && lines.Text() != "" {
			event = append(event, lines.Text())
		}
		return strings.Join(event, "|")
	}, answered.StatusCode, answered.Header.Get("Content-Type")
}

func TestLogsAreStreamed(t *testing.T) {
	h := newHarness(t)
	h.ingestion()
	bot := h.bot()
	const logs = ingestions + "/logs/shop.nightly"
	h.as(bot, "POST", logs+"/run-1", batch(t, "one\ntwo\n", false)).want(200)
	next, status, media := h.watchLog(h.admin, logs+"/stream/run-1", "")
	if status != http.StatusOK || !strings.HasPrefix(media, "text/event-stream") {
		t.Fatalf("%d %s", status, media)
	}
	first := next()
	h.as(bot, "POST", logs+"/run-1", batch(t, "three", true)).want(200)
	second := next()
	h.as(bot, "POST", logs+"/run-1/close", map[string]any{"connectorId": "host-1", "timestamp": 1}).want(200)
	want := []string{"id: 000000000000000|data: one|data: two", "id: 000000000000001|data: three", "event: end|data: the log is complete", ""}
	if diff := cmp.Diff(want, []string{first, second, next(), next()}); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	// Who comes back goes on where it was.
	again, _, _ := h.watchLog(h.admin, logs+"/stream/run-1", "000000000000000")
	if diff := cmp.Diff(want[1:], []string{again(), again(), again()}); diff != "" {
		t.Errorf("events after the first (-want +got):\n%s", diff)
	}
	for name, tc := range map[string]struct {
		who        caller
		path, last string
		want       int
	}{
		"no such run":    {h.admin, "/stream/none", "", 404},
		"not an event":   {h.admin, "/stream/run-1", "x", 400},
		"no right to it": {h.botCaller(t, "bare"), "/stream/run-1", "", 403},
	} {
		if _, got, _ := h.watchLog(tc.who, logs+tc.path, tc.last); got != tc.want {
			t.Errorf("%s answers %d, want %d", name, got, tc.want)
		}
	}
}

func TestFewLogsAreStreamedAtATime(t *testing.T) {
	h := newHarness(t)
	h.ingestion()
	const logs = ingestions + "/logs/shop.nightly"
	h.as(h.bot(), "POST", logs+"/run-1", batch(t, "one\n", false)).want(200)
	for range maxStreams {
		h.api.streams <- struct{}{}
	}
	h.do("GET", logs+"/stream/run-1", nil, 503)
	<-h.api.streams
	if _, got, _ := h.watchLog(h.admin, logs+"/stream/run-1", ""); got != http.StatusOK {
		t.Errorf("with room there is %d", got)
	}
}
