package oidc

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/authtest"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
)

const (
	callback = "http://127.0.0.1:8585/callback"
	home     = "http://127.0.0.1:8585"
)

// fakeClock is moved by hand.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *fakeClock { return &fakeClock{now: time.Now()} }

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is a provider that can be broken and this server as its client.
type fixture struct {
	*Provider
	bad   *authtest.BadProvider
	clock *fakeClock
}

func devClient(timeout time.Duration) *http.Client {
	return outbound.New(outbound.Options{Development: true, Timeout: timeout})
}

func configFor(bad *authtest.BadProvider) Config {
	return Config{
		Kind: KindCustom, Issuer: bad.Issuer(), ClientID: bad.ClientID, ClientSecret: bad.ClientSecret,
		Scope: "openid email profile offline_access", UseNonce: true, CallbackURL: callback, ServerURL: home,
		Skew: 30 * time.Second, PrincipalClaims: []string{"email", "preferred_username", "sub"},
	}
}

func setup(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{bad: authtest.NewBadProvider(t), clock: newClock()}
	f.bad.SetClock(f.clock.Now)
	f.connect(t, change...)
	return f
}

// connect makes the client anew, as a restart of the server would.
func (f *fixture) connect(t testing.TB, change ...func(*Config)) {
	t.Helper()
	cfg := configFor(f.bad)
	for _, c := range change {
		c(&cfg)
	}
	p, err := New(t.Context(), cfg, devClient(2*time.Second), f.clock.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	f.Provider = p
}

func departure() auth.Departure {
	return auth.Departure{State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text()}
}

// visit goes to the provider and returns what the browser brings back.
func visit(t testing.TB, p *Provider, d *auth.Departure) url.Values {
	t.Helper()
	address, err := p.Start(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	back, err := authtest.Visit(t.Context(), address, callback)
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Query().Get("state"); got != d.State {
		t.Fatalf("state %q came back, not %q", got, d.State)
	}
	return back.Query()
}

func signIn(t testing.TB, p *Provider) (auth.Grant, error) {
	t.Helper()
	d := departure()
	return p.Finish(t.Context(), d, visit(t, p, &d))
}

func mustSignIn(t testing.TB, p *Provider) auth.Grant {
	t.Helper()
	g, err := signIn(t, p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func codeOf(err error) string {
	if e := entity.AsError(err); e != nil {
		return e.Code
	}
	return ""
}

func wantCode(t testing.TB, err error, codes ...string) {
	t.Helper()
	if !slices.Contains(codes, codeOf(err)) {
		t.Fatalf("got %q (%v), want one of %q", codeOf(err), err, codes)
	}
}

// bearer judges a token as the API does for a public client.
func (f *fixture) bearer(ctx context.Context, token string) (auth.IDToken, error) {
	return f.Trust().VerifyIDToken(ctx, token, f.clock.Now(), auth.Expectation{})
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("%s did not happen", what)
		case <-tick.C:
		}
	}
}
