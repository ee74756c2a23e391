package server

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
)

// fault is what a proxy does to requests and answers.
type fault struct {
	name    string
	request func(*http.Request) // as it goes on to the server
	answer  func(http.Header)   // on the way back
	instead http.HandlerFunc    // in place of the server; nil to ask that

	check          string // the check of the doctor that has to name it
	status         doctor.Status
	detail, remedy string
	passes         bool // whether an administrator can ask by this proxy
}

func editCookies(edit func(string) string) func(http.Header) {
	return func(h http.Header) {
		for i, cookie := range h["Set-Cookie"] {
			h["Set-Cookie"][i] = edit(cookie)
		}
	}
}

// limited refuses requests with more headers than that, as proxies do.
func limited(most int, next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		size := len(r.RequestURI)
		for name, values := range r.Header {
			for _, value := range values {
				size += len(name) + len(value) + 4
			}
		}
		if size > most {
			http.Error(w, "<html><h1>400 Bad Request</h1>Request Header Or Cookie Too Large</html>", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	}
}

func proxyFaults() []fault {
	return []fault{
		{name: "none", passes: true, check: "way here", status: doctor.Fine, detail: "requests arrive as they were sent"},
		{
			name: "strips Authorization", request: func(r *http.Request) { r.Header.Del("Authorization") },
			check: "Authorization", status: doctor.Wrong, detail: "takes the Authorization header away", remedy: "proxy_set_header Authorization",
		},
		{
			name: "puts its own Authorization", request: func(r *http.Request) { r.SetBasicAuth("proxy", "its-own-secret") },
			check: "Authorization", status: doctor.Wrong, detail: "puts something else into the Authorization header", remedy: "no password of its own",
		},
		{
			name: "changes Host", request: func(r *http.Request) { r.Host = "backend.internal:8585" }, passes: true,
			check: "address", status: doctor.Warning, detail: "names the host backend.internal:8585, serverUrl names ", remedy: "pass the Host header on",
		},
		{
			name: "drops Secure", answer: editCookies(func(c string) string { return strings.ReplaceAll(c, "; Secure", "") }), passes: true,
			check: "cookies", status: doctor.Wrong, detail: "drops Secure from cookies", remedy: "pass Set-Cookie on as it is",
		},
		{
			name: "changes the path of cookies", answer: editCookies(func(c string) string { return strings.ReplaceAll(c, "Path=/", "Path=/catalog/") }), passes: true,
			check: "cookies", status: doctor.Wrong, detail: "changes cookies", remedy: "proxy_cookie_path",
		},
		{
			name: "takes cookies out of answers", answer: func(h http.Header) { h.Del("Set-Cookie") }, passes: true,
			check: "cookies", status: doctor.Wrong, detail: "takes cookies out of answers", remedy: "pass Set-Cookie on",
		},
		{
			name: "strips Cookie", request: func(r *http.Request) { r.Header.Del("Cookie") }, passes: true,
			check: "cookies", status: doctor.Wrong, detail: "takes the Cookie header away", remedy: "pass the Cookie header on",
		},
		{
			name: "limits headers to 4 KiB", passes: true, // those of an administrator fit
			check: "size of headers", status: doctor.Warning, detail: "of 2 KiB gets through, of 4 KiB does not (status 400)", remedy: "large_client_header_buffers 4 16k",
		},
		{
			name: "forwards for strangers", request: func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.9") }, passes: true,
			check: "trusted proxies", status: doctor.Warning, detail: "not in trustedProxies", remedy: "add the proxy's address to trustedProxies",
		},
		{
			name: "redirects", instead: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://catalog.example.com"+r.RequestURI, http.StatusMovedPermanently)
			},
			check: "way here", status: doctor.Warning, detail: "redirects to https://catalog.example.com; programs drop the Authorization header", remedy: "set oidcConfiguration.serverUrl",
		},
		{
			name: "leads elsewhere", instead: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>It works!</html>") },
			check: "way here", status: doctor.Warning, detail: "answers with status 200, and it is not this server that does", remedy: "lead all paths of that address to this server",
		},
		{
			name: "finds nobody", instead: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
			check: "way here", status: doctor.Warning, detail: "answers with status 502", remedy: "see that the server runs",
		},
	}
}

// front is a proxy whose fault can be changed.
type front struct {
	*httptest.Server
	backend atomic.Pointer[url.URL]
	fault   atomic.Pointer[fault]
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := new(front)
	f.fault.Store(&fault{})
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(f.backend.Load())
			r.Out.Host = r.In.Host
			if change := f.fault.Load().request; change != nil {
				change(r.Out)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if change := f.fault.Load().answer; change != nil {
				change(r.Header)
			}
			return nil
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	narrow := limited(4<<10, proxy)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch now := f.fault.Load(); {
		case now.instead != nil:
			now.instead(w, r)
		case now.name == "limits headers to 4 KiB":
			narrow(w, r)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

// TestF11ProxyFaults: whatever a proxy does to requests and answers, the doctor names it
// and says what to do, on the host as well as to administrators, however they come.
func TestF11ProxyFaults(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	env := map[string]string{
		"CATALPA_INITIAL_ADMIN_PASSWORD": adminPassword, "OIDC_SERVER_URL": f.URL, "AUTHENTICATION_CALLBACK_URL": f.URL + "/callback",
		"OIDC_CALLBACK": f.URL + "/callback", "FORCE_SECURE_SESSION_COOKIE": "true", // as behind a proxy that ends TLS
	}
	c := startLoudWith(t, env)
	backend, err := url.Parse(c.s.url)
	if err != nil {
		t.Fatal(err)
	}
	f.backend.Store(backend)
	c.secrets = append(c.secrets, adminPassword, "its-own-secret", "question=")
	var signedIn tokens
	c.want(http.StatusOK, "", http.MethodPost, "/users/login", login(adminPassword)).read(t, &signedIn)
	c.admin = signedIn.Access
	c.secrets = append(c.secrets, signedIn.Access, signedIn.Refresh)
	direct, behind := *c, *c
	direct.host = strings.TrimPrefix(f.URL, "http://") // as if it came by the public address
	behind.s.url = f.URL
	refused := c.refusals()

	for _, fault := range proxyFaults() {
		f.fault.Store(&fault)
		// On the host, beside the running server.
		onHost, err := Doctor(t.Context(), c.cfg, nil, fixed(c.cfg), doctor.AreaProxy)
		if err != nil {
			t.Fatal(err)
		}
		fault.named(t, "on the host", onHost)
		// An administrator who comes by another way.
		fault.named(t, "asked directly", direct.examined())
		// An administrator who comes by this proxy, if anybody gets through.
		if fault.passes {
			fault.named(t, "asked by the proxy", behind.examined())
		}
	}
	// Who comes by the proxy that strips the header reads what to look for.
	f.fault.Store(&proxyFaults()[1])
	if got := behind.call(c.admin, http.MethodGet, "/users/loggedInUser", nil); got.code != auth.CodeMissing || !strings.Contains(got.text("hint"), "a proxy in between may remove it") {
		t.Errorf("F11: without the header the answer is %d %s", got.status, got.body)
	}
	if got := c.refusals() - refused; got != 1 {
		t.Errorf("F11: %d entries of refusals, want the one: the doctor's own questions are none", got)
	}
	// A server that is stopped is no fault of a proxy.
	f.Close()
	report, err := Doctor(t.Context(), c.cfg, nil, fixed(c.cfg), doctor.AreaProxy)
	if err != nil || report.Status != doctor.Fine || !strings.Contains(report.Checks[0].Detail, "not examined") {
		t.Errorf("F11: with nobody at the address the report is %+v, %v", report, err)
	}
	c.quiet()
}

// examined asks the server for all that its doctor finds about proxies.
func (c *tester) examined() (report doctor.Report) {
	c.t.Helper()
	c.want(http.StatusOK, c.admin, http.MethodGet, "/system/security/doctor?areas=proxy", nil).read(c.t, &report)
	return report
}

// refusals counts all entries of the trail about refusals.
func (c *tester) refusals() int {
	c.t.Helper()
	var page struct {
		Data []auth.AuditEntry `json:"data"`
	}
	c.want(http.StatusOK, c.admin, http.MethodGet, "/system/security/refusals?limit=1000", nil).read(c.t, &page)
	count := 0
	for _, e := range page.Data {
		count += e.Count
	}
	return count
}

// named wants the fault in a report, and no other: a proxy that is fine in all else
// must not be suspected.
func (f fault) named(t *testing.T, how string, report doctor.Report) {
	t.Helper()
	i := slices.IndexFunc(report.Checks, func(c doctor.Check) bool { return c.Area == doctor.AreaProxy && c.Name == f.check })
	if i < 0 {
		t.Errorf("F11: a proxy that %s, %s: the doctor does not name it: %+v", f.name, how, report.Checks)
		return
	}
	got := report.Checks[i]
	if got.Status != f.status || !strings.Contains(got.Detail, f.detail) || !strings.Contains(got.Remedy, f.remedy) || (got.Code == auth.CodeProxy) != (f.status != doctor.Fine) {
		t.Errorf("F11: a proxy that %s, %s: the doctor says %+v, want %s with %q and %q", f.name, how, got, f.status, f.detail, f.remedy)
	}
	if report.Status != f.status {
		t.Errorf("F11: a proxy that %s, %s: the report is %s, want %s", f.name, how, report.Status, f.status)
	}
	named := 0
	for _, other := range report.Checks {
		if other.Name == f.check {
			named++
		}
		if other.Name != f.check && other.Status != doctor.Fine {
			t.Errorf("F11: a proxy that %s, %s: the doctor suspects more: %+v", f.name, how, other)
		}
		if strings.Contains(other.Detail, "its-own-secret") {
			t.Errorf("F11: the doctor shows a credential of the proxy: %+v", other)
		}
	}
	if named != 1 {
		t.Errorf("F11: a proxy that %s, %s: the doctor names it %d times", f.name, how, named)
	}
}
