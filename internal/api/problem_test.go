package api

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestFailLogsWhatIsHidden: causes get into the log, and what the client is told
// anyway does not: an attack would fill it.
func TestFailLogsWhatIsHidden(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		name   string
		err    error
		status int
		log    string // what it must hold; "" for an empty one
	}{
		{"turned away", &entity.Error{Kind: entity.KindUnavailable, Message: "Too many sign-ins at once."}, http.StatusServiceUnavailable, ""},
		{"unavailable", &entity.Error{Kind: entity.KindUnavailable, Message: "Please try again.", Cause: errors.New("disk full")}, http.StatusServiceUnavailable, "disk full"},
		{"internal", errors.New("a bug"), http.StatusInternalServerError, "a bug"},
		{"refused", entity.NotFound("table", "x"), http.StatusNotFound, ""},
	} {
		var log bytes.Buffer
		h.api.log = slog.New(slog.NewTextHandler(&log, nil))
		call, w := h.request("192.0.2.1:1")
		call.fail(c.err)
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.name, w.Code, c.status)
		}
		if told := log.String(); (c.log == "") != (told == "") || !strings.Contains(told, c.log) {
			t.Errorf("%s: the log has %q, want %q in it", c.name, told, c.log)
		}
	}
}
