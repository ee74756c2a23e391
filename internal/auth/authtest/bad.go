package authtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// BadProvider is an identity provider that behaves well until told otherwise.
// Whoever comes to its authorization endpoint is signed in as the user at once.
// All methods are safe for concurrent use.
type BadProvider struct {
	ClientID     string // of the one client: "catalpa"
	ClientSecret string // of it; see Public

	server   *httptest.Server
	attacker *httptest.Server
	foreign  func() *rsa.PrivateKey // of the attacker, made when needed
	elliptic *ecdsa.PrivateKey

	mu        sync.Mutex
	now       func() time.Time
	lifetime  time.Duration // of ID tokens
	slash     bool
	public    bool
	clientKey crypto.PublicKey
	faults    map[Fault]bool
	user      map[string]any // claims of the ID token, of userinfo, too
	userinfo  map[string]any // of userinfo only
	keys      []signingKey   // the first signs
	extra     []map[string]any
	bare      bool // keys without kid
	hits      map[string]int
	codes     map[string]*request
	refresh   map[string]*request
	access    map[string]bool
	revoked   []string
	closing   chan struct{}
}

type signingKey struct {
	id      string
	private crypto.Signer
}

// request is what an authorization request asked for.
type request struct {
	redirect, nonce, challenge string
	used                       bool
}

// NewBadProvider starts a provider that ends with the test.
func NewBadProvider(t testing.TB) *BadProvider {
	t.Helper()
	p := &BadProvider{
		ClientID: "catalpa", ClientSecret: "s3cret/with:odd+characters-" + rand.Text(),
		now: time.Now, lifetime: time.Hour, faults: map[Fault]bool{}, hits: map[string]int{},
		codes: map[string]*request{}, refresh: map[string]*request{}, access: map[string]bool{}, closing: make(chan struct{}),
		user: map[string]any{"sub": "alice-1", "email": "alice@example.com", "email_verified": true,
			"preferred_username": "alice", "name": "Alice Example"},
		userinfo: map[string]any{},
	}
	p.foreign = sync.OnceValue(newRSA)
	var err error
	if p.elliptic, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	p.Rotate(false)
	p.server = httptest.NewServer(p.count(p.routes()))
	p.attacker = httptest.NewServer(p.count(http.NotFoundHandler()))
	t.Cleanup(func() {
		close(p.closing)
		p.server.Close()
		p.attacker.Close()
	})
	return p
}

// Issuer returns the issuer, which is also the address.
func (p *BadProvider) Issuer() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.issuer()
}

func (p *BadProvider) issuer() string {
	if p.slash {
		return p.server.URL + "/"
	}
	return p.server.URL
}

// JWKS returns the address of the keys.
func (p *BadProvider) JWKS() string { return p.server.URL + "/jwks" }

// AttackerURL returns the address of a listener that nobody should call.
func (p *BadProvider) AttackerURL() string { return p.attacker.URL }

// AttackerHits tells how often that listener was called.
func (p *BadProvider) AttackerHits() int { return p.Hits(p.attacker.Listener.Addr().String()) }

// Hits tells how often a path was called, such as "/jwks" or "/token".
func (p *BadProvider) Hits(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[path]
}

// Break turns faults on, besides those that are on.
func (p *BadProvider) Break(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range faults {
		p.faults[f] = true
	}
}

// Heal turns all faults off.
func (p *BadProvider) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.faults)
}

func (p *BadProvider) broken(f Fault) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults[f]
}

func (p *BadProvider) faultsOn() []Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.faults))
}

// SetUser replaces the claims of whoever signs in.
func (p *BadProvider) SetUser(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.user = maps.Clone(claims)
}

// SetUserinfo adds claims that only userinfo gives.
func (p *BadProvider) SetUserinfo(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.userinfo = maps.Clone(claims)
}

// SetClock replaces the clock.
func (p *BadProvider) SetClock(now func() time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
}

func (p *BadProvider) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now()
}

// SetLifetime sets how long ID tokens live; an hour otherwise.
func (p *BadProvider) SetLifetime(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lifetime = d
}

// EndInSlash gives the issuer a slash at its end, as Auth0 has.
func (p *BadProvider) EndInSlash() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slash = true
}

// Public makes the client one without a secret.
func (p *BadProvider) Public() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.public = true
}

// SetClientKey lets the client prove itself with private_key_jwt.
func (p *BadProvider) SetClientKey(public crypto.PublicKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clientKey = public
}

// Rotate makes a new key that signs from now on and returns its id. With overlap the
// old ones stay published.
func (p *BadProvider) Rotate(overlap bool) string {
	return p.Sign(newRSA(), overlap)
}

func newRSA() *rsa.PrivateKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return private
}

// Sign is Rotate with a given RSA or ECDSA key.
func (p *BadProvider) Sign(private crypto.Signer, overlap bool) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := signingKey{id: "key-" + rand.Text(), private: private}
	if !overlap {
		p.keys = nil
	}
	p.keys = slices.Insert(p.keys, 0, k)
	return k.id
}

// Swap puts another key under the present id.
func (p *BadProvider) Swap() {
	private := newRSA()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[0].private = private
}

// Publish adds an entry to the key set as it is.
func (p *BadProvider) Publish(jwk map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.extra = append(p.extra, jwk)
}

// PublishKey adds a public key; use may be "".
func (p *BadProvider) PublishKey(public crypto.PublicKey, kid, use string) {
	p.Publish(publicKey(public, kid, use))
}

// HideKeyIDs leaves kid out of keys and tokens.
func (p *BadProvider) HideKeyIDs() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bare = true
}

func (p *BadProvider) signer() (crypto.Signer, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bare {
		return p.keys[0].private, ""
	}
	return p.keys[0].private, p.keys[0].id
}

// Revoked returns the refresh tokens that were revoked.
func (p *BadProvider) Revoked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.revoked)
}

// count notes calls by path; those to the attacker by address.
func (p *BadProvider) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.hits[r.URL.Path]++
		if p.attacker != nil && r.Host == p.attacker.Listener.Addr().String() {
			p.hits[r.Host]++
		}
		w.Header().Set("Date", p.now().UTC().Format(http.TimeFormat))
		p.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// hang waits until the caller gives up or the test ends.
func (p *BadProvider) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-p.closing:
	}
}

// huge sends 50 MB, unless the caller hangs up.
func (p *BadProvider) huge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(50<<20))
	block := []byte(`{"padding":"`)
	block = append(block, make([]byte, 1<<20-len(block))...)
	for range 50 {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}
