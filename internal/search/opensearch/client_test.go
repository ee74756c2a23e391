package opensearch

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// TestCredentialsAndCertificates: a cluster is asked with the credentials that are given, over a connection that the
// given authority vouches for; one that it does not vouch for gets to see nothing.
func TestCredentialsAndCertificates(t *testing.T) {
	var seen atomic.Pointer[string]
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Authorization")
		seen.Store(&header)
		text := `{"count":7}`
		if r.Method == http.MethodGet {
			text = `{"catalpa-1":{"aliases":{"catalpa":{}},"mappings":{"_meta":{"format":1}}}}`
		}
		_, _ = io.WriteString(w, text)
	}))
	defer server.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, c := range map[string]struct {
		opts Options
		want string
	}{
		"user":      {Options{CACert: authority, Username: "catalpa", Password: "s3cret"}, "Basic Y2F0YWxwYTpzM2NyZXQ="},
		"key":       {Options{CACert: authority, APIKey: "abc=="}, "ApiKey abc=="},
		"nobody":    {Options{CACert: authority}, ""},
		"untrusted": {Options{Username: "catalpa", Password: "s3cret"}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			seen.Store(nil)
			c.opts.Addresses = []string{server.URL}
			e, err := Open(c.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close() //nolint:errcheck // nothing is written
			n, err := e.Count(t.Context())
			if c.want == "refused" {
				if entity.KindOf(err) != entity.KindUnavailable || seen.Load() != nil || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("a cluster that nobody vouches for was asked: %v", err)
				}
				return
			}
			if err != nil || n != 7 || *seen.Load() != c.want {
				t.Errorf("%d documents, %v; the cluster saw %v, want %q", n, err, seen.Load(), c.want)
			}
		})
	}
	if _, err := Open(Options{Addresses: []string{server.URL}, CACert: []byte("no certificate")}); err == nil {
		t.Error("a file without a certificate was taken for an authority")
	}
}

// TestManySearchesOfAClusterThatHangs: those who come while a cluster gives no answer do not wait one after the other.
func TestManySearchesOfAClusterThatHangs(t *testing.T) {
	var asked atomic.Int32
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	e, err := Open(Options{Addresses: []string{server.URL}, Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close() //nolint:errcheck // nothing is written
	const searches = 40
	var group sync.WaitGroup
	for range searches {
		group.Go(func() {
			if _, err := e.Search(t.Context(), search.Request{}); entity.KindOf(err) != entity.KindUnavailable {
				t.Errorf("a search gives %v", err)
			}
		})
	}
	group.Wait()
	if n := asked.Load(); n > searches/4 {
		t.Errorf("the cluster was asked %d times for %d searches", n, searches)
	}
}
