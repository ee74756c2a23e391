package server

import (
	"net/http"
	"strings"
	"testing"
)

// TestHeadersAreBounded at 16 KiB, all of them together, and the address at 8 KiB.
func TestHeadersAreBounded(t *testing.T) {
	c := startLoud(t)
	ask := func(path string, header int) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Filler", strings.Repeat("a", header))
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	const version, around = "/api/v1/system/version", 400 // bytes of what else is sent
	for _, test := range []struct{ address, header, want int }{
		{0, 16<<10 - around, http.StatusOK}, {0, 16<<10 + 1, http.StatusRequestHeaderFieldsTooLarge}, {0, 100 << 10, http.StatusRequestHeaderFieldsTooLarge},
		{8<<10 - around, 0, http.StatusOK}, {8<<10 + 1, 0, http.StatusBadRequest},
	} {
		if got := ask(version+"?"+strings.Repeat("a", test.address), test.header); got != test.want {
			t.Errorf("%d bytes of address and %d of a header: %d, want %d", test.address, test.header, got, test.want)
		}
	}
}
