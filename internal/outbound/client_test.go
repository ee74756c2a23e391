package outbound

import (
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// names is a resolver: each look-up of a name takes the next of its answers, the
// last one again and again.
type names struct {
	mu      sync.Mutex
	answers map[string][]string
	asked   map[string]int
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	list := n.answers[host]
	if len(list) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if n.asked == nil {
		n.asked = make(map[string]int)
	}
	i := min(n.asked[host], len(list)-1)
	n.asked[host]++
	var addrs []netip.Addr
	for text := range strings.SplitSeq(list[i], ",") {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, nil
}

// canary is a listener that nobody may call.
func canary(t *testing.T) (server *httptest.Server, hits *atomic.Int64) {
	t.Helper()
	hits = new(atomic.Int64)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			hits.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, hits
}

func get(t *testing.T, c *http.Client, address string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestT67Refused(t *testing.T) {
	server, hits := canary(t)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	resolver := &names{answers: map[string][]string{
		"internal.example": {"10.0.0.1"}, "mixed.example": {"93.184.216.34,127.0.0.1"}, "mapped.example": {"::ffff:127.0.0.1"},
		"localhost": {"127.0.0.1"}, "localhost.localdomain": {"127.0.0.1"}, "meta.example": {"169.254.169.254"}, "v6.example": {"fd00::1"},
	}}
	client := New(Options{Resolver: resolver})
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "0.0.0.0",
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254", "168.63.129.16",
		"192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
		"[fd00::1]", "[fe80::1]", "[fe80::1%25eth0]", "[ff02::1]", "[2001::1]", "[2001:db8::1]", "[fec0::1]",
		"[::ffff:93.184.216.34]", "[::ffff:0:127.0.0.1]",
		"2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "017700000001", "127.0.0.1.",
		"0x7f.0x0.0x0.0x1", "0177.0000.00.01", "00000177.0.0.1", "0X7F.1", "127.0.1", "0", "0x0", "[0:0:0:0:0:ffff:7f00:1]", "[::FFFF:169.254.169.254]",
		"１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "ⓛocalhost",
		"internal.example", "mixed.example", "mapped.example", "meta.example", "v6.example",
	} {
		for _, scheme := range []string{"http", "https"} {
			address := fmt.Sprintf("%s://%s:%d/", scheme, host, port)
			_, err := get(t, client, address)
			if !errors.Is(err, ErrRefused) {
				t.Errorf("%s: got %v", address, err)
			}
		}
	}
	for _, address := range []string{
		"file:///etc/passwd", "gopher://127.0.0.1:70/_x", "ftp://example.com/", "http://93.184.216.34/", "https://user:pass@93.184.216.34/",
		"data:text/plain,x", "unix:///var/run/x.sock", "FILE:///etc/passwd", "dict://127.0.0.1:11211/stats", "ldap://127.0.0.1/", "jar:file:///x!/y",
		"//127.0.0.1/", "https:127.0.0.1", "https:///x", "https://[::1", "https://93.184.216.34:0x50/", "https://ex%00ample.com/", "https://a%2f@127.0.0.1/",
	} {
		if body, err := get(t, client, address); err == nil {
			t.Errorf("%s answered %q", address, body)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the canary was called %d times", n)
	}
}

func TestT67Rebinding(t *testing.T) {
	server, hits := canary(t)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resolver := &names{answers: map[string][]string{"rebind.example": {"203.0.114.1", "127.0.0.1"}}}
	d := &dialer{rules: newRules(nil, false), resolver: resolver, dial: &net.Dialer{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing leaves this machine: the address that would be dialed is what counts
	if _, err := d.DialContext(ctx, "tcp", "rebind.example:"+port); errors.Is(err, ErrRefused) || err == nil {
		t.Errorf("the first answer is public: %v", err)
	}
	if resolver.asked["rebind.example"] != 1 {
		t.Errorf("the name was resolved %d times for one connection", resolver.asked["rebind.example"])
	}
	_, err = d.DialContext(t.Context(), "tcp", "rebind.example:"+port)
	if !errors.Is(err, ErrRefused) || hits.Load() != 0 {
		t.Errorf("the second answer is this machine: %v", err)
	}
}

func TestT67Redirects(t *testing.T) {
	private, hits := canary(t)
	mux := http.NewServeMux()
	for path, target := range map[string]string{
		"/private": private.URL, "/metadata": "http://169.254.169.254/latest/meta-data/", "/file": "file:///etc/passwd", "/loop": "/loop",
		"/public": "https://example.com/", "/near": "/here",
	} {
		mux.Handle(path, http.RedirectHandler(target, http.StatusFound))
	}
	mux.HandleFunc("/here", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	// The first server is listed by name and port; the canary is on another port.
	client := New(Options{Allow: []string{server.Listener.Addr().String()}})
	for _, path := range []string{"/private", "/metadata", "/public", "/loop"} {
		if _, err := get(t, client, server.URL+path); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if _, err := get(t, client, server.URL+"/file"); err == nil {
		t.Error("a redirect to a file was followed")
	}
	if body, err := get(t, client, server.URL+"/near"); err != nil || body != "here" {
		t.Errorf("within the host: %q %v", body, err)
	}
	none := New(Options{Development: true, NoRedirects: true})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/near", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := none.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Errorf("status %d with NoRedirects", resp.StatusCode)
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the canary was called %d times", n)
	}
}

func TestT68OpenAndClosedPortsAreAlike(t *testing.T) {
	open, _ := canary(t)
	closed, _ := canary(t)
	closed.Close()
	silent := New(Options{})
	var messages []string
	for _, address := range []string{open.URL, closed.URL, strings.Replace(open.URL, "http:", "https:", 1), strings.Replace(closed.URL, "http:", "https:", 1)} {
		_, err := get(t, silent, address)
		e := entity.AsError(err)
		if e == nil {
			t.Fatalf("%s: no error for clients in %v", address, err)
		}
		messages = append(messages, fmt.Sprint(e.Kind, e.Code, e.Message, e.Hint))
	}
	for _, m := range messages[1:] {
		if m != messages[0] {
			t.Errorf("%q and %q", messages[0], m)
		}
	}
	// The same where the address may be called: refused connection, no TLS there, no such name.
	listed := New(Options{Allow: []string{"127.0.0.1", "nowhere.example"}, Resolver: &names{}})
	messages = nil
	for _, address := range []string{closed.URL, strings.Replace(open.URL, "http:", "https:", 1), "https://nowhere.example/"} {
		_, err := get(t, listed, address)
		e := entity.AsError(err)
		if e == nil {
			t.Fatalf("%s: no error for clients in %v", address, err)
		}
		if strings.Contains(e.Message+e.Hint, "refused") || strings.Contains(e.Message, "127.0.0.1") {
			t.Errorf("%s tells of the port", e.Message)
		}
		messages = append(messages, fmt.Sprint(e.Kind, e.Code, e.Message, e.Hint))
	}
	for _, m := range messages[1:] {
		if m != messages[0] {
			t.Errorf("%q and %q", messages[0], m)
		}
	}
}

func TestAllowed(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "plain") }))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secure") }))
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	u, err := url.Parse(plain.URL)
	if err != nil {
		t.Fatal(err)
	}
	resolver := &names{answers: map[string][]string{"idp.internal": {"127.0.0.1"}, "localhost": {"127.0.0.1"}, "example.com": {"127.0.0.1"}}}
	for name, c := range map[string]struct {
		allow       []string
		development bool
		address     string
		ok          bool
	}{
		"host by name":            {[]string{"IdP.internal"}, false, "http://idp.internal:" + u.Port(), true},
		"host and port":           {[]string{"idp.internal:" + u.Port()}, false, "http://idp.internal:" + u.Port(), true},
		"another port":            {[]string{"idp.internal:1"}, false, "http://idp.internal:" + u.Port(), false},
		"suffix is not the host":  {[]string{"internal"}, false, "http://idp.internal:" + u.Port(), false},
		"address":                 {[]string{"127.0.0.1"}, false, plain.URL, true},
		"network":                 {[]string{"127.0.0.0/8"}, false, plain.URL, true},
		"another network":         {[]string{"10.0.0.0/8"}, false, plain.URL, false},
		"development":             {nil, true, plain.URL, true},
		"development, localhost":  {nil, true, "http://localhost:" + u.Port(), true},
		"development, other name": {nil, true, "http://example.com:" + u.Port(), false},
		"production":              {nil, false, plain.URL, false},
		"TLS in a listed network": {[]string{"127.0.0.1"}, false, secure.URL, true},
		"TLS, name in a network":  {[]string{"127.0.0.0/8"}, false, strings.Replace(secure.URL, "127.0.0.1", "example.com", 1), true},
	} {
		t.Run(name, func(t *testing.T) {
			client := New(Options{Allow: c.allow, Development: c.development, Resolver: resolver, RootCAs: roots})
			body, err := get(t, client, c.address)
			if c.ok != (err == nil) || c.ok && body == "" {
				t.Errorf("got %q, %v", body, err)
			}
			if err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("not refused but %v", err)
			}
			client.CloseIdleConnections()
		})
	}
}

func TestSizeLimit(t *testing.T) {
	const limit = 1000
	mux := http.NewServeMux()
	send := func(n int, length bool) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if length {
				w.Header().Set("Content-Length", fmt.Sprint(n))
			}
			w.WriteHeader(http.StatusOK)
			if !length {
				w.(http.Flusher).Flush()
			}
			_, _ = io.WriteString(w, strings.Repeat("x", n))
		}
	}
	mux.HandleFunc("/full", send(limit, false))
	mux.HandleFunc("/over", send(limit+1, false))
	mux.HandleFunc("/announced", send(limit+1, true))
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(make([]byte, 1<<20))
		_ = z.Close()
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := New(Options{Development: true, MaxBytes: limit})
	if body, err := get(t, client, server.URL+"/full"); err != nil || len(body) != limit {
		t.Errorf("exactly full: %d bytes, %v", len(body), err)
	}
	for _, path := range []string{"/over", "/announced", "/bomb"} {
		body, err := get(t, client, server.URL+path)
		if !errors.Is(err, ErrTooLarge) || len(body) > limit {
			t.Errorf("%s: %d bytes, %v", path, len(body), err)
		}
	}
}

func TestTimeout(t *testing.T) {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
		}
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	client := New(Options{Development: true, Timeout: 50 * time.Millisecond})
	for _, path := range []string{"/header", "/body"} {
		_, err := get(t, client, server.URL+path)
		if entity.KindOf(err) != entity.KindUnavailable || entity.AsError(err) == nil {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	proxy, hits := canary(t)
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	if _, err := get(t, New(Options{Resolver: &names{}}), "https://example.com/"); err == nil {
		t.Error("a name that does not resolve answered")
	}
	if hits.Load() != 0 {
		t.Error("the proxy was called")
	}
}

// TestPrivateNeverPasses checks that no address of a private kind passes in any form.
func TestPrivateNeverPasses(t *testing.T) {
	r := newRules(nil, false)
	rapid.Check(t, func(t *rapid.T) {
		var b [16]byte
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
		v4 := netip.AddrFrom4([4]byte(b[:4]))
		for _, addr := range []netip.Addr{v4, netip.AddrFrom16(v4.As16()), netip.AddrFrom16(b)} {
			plain := addr.Unmap()
			inside := plain.IsLoopback() || plain.IsPrivate() || plain.IsLinkLocalUnicast() || plain.IsMulticast() || plain.IsUnspecified()
			if err := r.check(addr, false); inside && err == nil {
				t.Fatalf("%v passed", addr)
			}
		}
		if r.check(netip.AddrFrom16(v4.As16()), true) == nil {
			t.Fatalf("the mapped form of %v passed", v4)
		}
	})
}

func FuzzCheckName(f *testing.F) {
	for _, seed := range []string{"example.com", "0x7f.1", "2130706433", "localhost", "", ".", "a..b", "127.0.0.1.", "xn--bcher-kva.example", "1.example", "::", "[::1]", "a:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkName(name) != nil {
			return
		}
		if _, err := netip.ParseAddr(strings.TrimSuffix(name, ".")); err == nil {
			t.Fatalf("the address %q passes for a name", name)
		}
	})
}
