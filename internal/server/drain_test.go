package server

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStopServesWhoCameBefore sends the request of a connection after the server has
// begun to stop.
func TestStopServesWhoCameBefore(t *testing.T) {
	s := start(t, settings(t, filepath.Join(t.TempDir(), "data")), false)
	address := strings.TrimPrefix(s.url, "http://")
	dial := func() (net.Conn, error) { return (&net.Dialer{}).DialContext(t.Context(), "tcp", address) }
	early, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	status(t, s.url+"/api/v1/system/version", "") // connections are accepted in their order
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	for {
		late, err := dial()
		if err != nil {
			break // nobody listens any more
		}
		late.Close()
	}
	if _, err := fmt.Fprintf(early, "GET /api/v1/system/version HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(early), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !resp.Close {
		t.Errorf("status %d, connection closed %v", resp.StatusCode, resp.Close)
	}
	if err := <-stopped; err != nil {
		t.Errorf("the server stopped with %v", err)
	}
}

// TestStopSaysSoFirst asks, on a connection each, while the server takes its leave.
func TestStopSaysSoFirst(t *testing.T) {
	cfg := settings(t, filepath.Join(t.TempDir(), "data"))
	cfg.Server.DrainDelay = 2 * time.Second
	s := start(t, cfg, false)
	if got := status(t, s.url+"/readyz", ""); got != http.StatusOK {
		t.Fatalf("/readyz answers %d once the server serves", got)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := fresh.Do(req)
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	got := http.StatusOK
	for got == http.StatusOK {
		got = ask("/readyz")
	}
	if got != http.StatusServiceUnavailable {
		t.Errorf("/readyz went from 200 to %d, want 503 before nobody listens any more", got)
	} else if got := ask("/api/v1/system/version"); got != http.StatusOK {
		t.Errorf("a request within the delay gets %d", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("the server stopped with %v", err)
	}
}
