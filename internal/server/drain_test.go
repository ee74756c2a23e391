package server

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
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
