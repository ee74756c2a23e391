package authtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Visit does what a browser does at a provider that asks no questions: it follows
// redirects from address until one leads to a place that begins with until, and
// returns that address without going there.
func Visit(ctx context.Context, address, until string) (*url.URL, error) {
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for range 10 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
		next, err := resp.Location()
		if err != nil {
			return nil, fmt.Errorf("%s answers with status %d, not a redirect", req.URL.Path, resp.StatusCode)
		}
		if strings.HasPrefix(next.String(), until) {
			return next, nil
		}
		address = next.String()
	}
	return nil, errors.New("too many redirects")
}
