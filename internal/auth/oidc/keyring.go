package oidc

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
)

const (
	fetchEvery = 30 * time.Second // at most, per address
	freshFor   = 15 * time.Minute // then keys are fetched in the background
	usableFor  = 24 * time.Hour   // without a successful fetch
	maxUnknown = 1_000            // ids remembered as unknown
	unknownFor = 2 * time.Minute  // a key may be used before it is published everywhere
)

// keyring finds the provider's keys by id. Tokens of known keys never wait for the
// network, and made-up ids cannot make this server flood the provider.
type keyring struct {
	p       *Provider
	sources []*source
	unknown *lru.Cache[string, time.Time] // kid -> when a fresh set was without it
}

// source is the key set at one address.
type source struct {
	p       *Provider
	address string

	mu        sync.Mutex
	keys      []key
	notes     []string
	fetched   time.Time     // last success
	attempted time.Time     // last try
	failure   error         // of the last try; a refusal
	flight    chan struct{} // closed when the fetch under way ends; nil for none
}

func newKeyring(p *Provider, addresses []string) *keyring {
	if len(addresses) == 0 {
		return nil
	}
	unknown, err := lru.New[string, time.Time](maxUnknown)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	r := &keyring{p: p, unknown: unknown}
	for _, address := range addresses {
		r.sources = append(r.sources, &source{p: p, address: address})
	}
	return r
}

func (r *keyring) addresses() []string {
	addresses := make([]string, len(r.sources))
	for i, s := range r.sources {
		addresses[i] = s.address
	}
	return addresses
}

// key finds the key in what is at hand, then once more in fresh sets.
func (r *keyring) key(ctx context.Context, kid, alg string) (crypto.PublicKey, error) {
	if len(kid) > maxKeyID {
		return nil, auth.RefuseFor(auth.CodeKeyID, errors.New("the id is too long"))
	}
	keys, complete := r.held()
	if len(keys) > 0 && (complete || kid != "") {
		public, known, err := choose(keys, kid, alg)
		if known {
			return public, refuseKey(err)
		}
		if at, ok := r.unknown.Get(kid); ok && r.p.clock().Sub(at) < unknownFor {
			return nil, r.missing()
		}
	}
	asked, err := r.fetch(ctx)
	if err != nil {
		return nil, err
	}
	keys, _ = r.held()
	public, known, err := choose(keys, kid, alg)
	if known {
		return public, refuseKey(err)
	}
	// Sets that were had before this id came up prove nothing about a new key.
	if asked && kid != "" && r.failed() == nil {
		r.unknown.Add(kid, r.p.clock())
	}
	return nil, r.missing()
}

func refuseKey(err error) error {
	if err != nil {
		return auth.RefuseFor(auth.CodeKeyID, err)
	}
	return nil
}

// held are the keys at hand, of all addresses; complete when each gave some.
func (r *keyring) held() (keys []key, complete bool) {
	complete = true
	for _, s := range r.sources {
		of := s.held()
		complete = complete && len(of) > 0
		keys = append(keys, of...)
	}
	return keys, complete
}

// missing is the refusal of an id that is in no set: one that cannot be fetched
// now may hold it.
func (r *keyring) missing() error {
	if err := r.failed(); err != nil {
		return err
	}
	return auth.RefuseFor(auth.CodeKeyID, errors.New("no key set of the provider has this id"))
}

// failed is the refusal of the first address whose last try failed.
func (r *keyring) failed() error {
	for _, s := range r.sources {
		if err := s.failed(); err != nil {
			return err
		}
	}
	return nil
}

// fetch gets all sets that may be fetched now and waits for them. It tells whether
// all were asked for here and now.
func (r *keyring) fetch(ctx context.Context) (all bool, err error) {
	all = true
	for _, s := range r.sources {
		began := s.start(ctx)
		all = all && began
	}
	for _, s := range r.sources {
		if err := s.wait(ctx); err != nil {
			return false, auth.RefuseFor(auth.CodeJWKSDown, fmt.Errorf("gave up waiting for the keys: %w", err))
		}
	}
	return all, nil
}

// held returns the keys while they may be used; those that grow old are fetched
// anew without anybody waiting, so that withdrawn keys disappear.
func (s *source) held() []key {
	now := s.p.clock()
	s.mu.Lock()
	keys, age := s.keys, now.Sub(s.fetched)
	if age >= usableFor {
		s.keys, keys = nil, nil
	}
	s.mu.Unlock()
	if len(keys) > 0 && age >= freshFor {
		s.start(context.Background())
	}
	return keys
}

// failed returns the refusal of the last try. Once keys were had, a set that turns
// into nonsense is an outage like any other.
func (s *source) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil && len(s.keys) > 0 {
		return auth.RefuseFor(auth.CodeJWKSDown, s.failure)
	}
	return s.failure
}

// start begins a fetch unless one is under way or the last began too short ago.
func (s *source) start(ctx context.Context) bool {
	now := s.p.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	// A clock that was set back must not put fetching off.
	if ago := now.Sub(s.attempted); s.flight != nil || !s.attempted.IsZero() && ago >= 0 && ago < fetchEvery {
		return false
	}
	s.attempted = now
	s.flight = make(chan struct{})
	// Others wait for it, too: it must not end with the request that began it.
	go s.fetch(context.WithoutCancel(ctx), s.flight)
	return true
}

// wait waits for the fetch under way, if any.
func (s *source) wait(ctx context.Context) error {
	s.mu.Lock()
	flight := s.flight
	s.mu.Unlock()
	if flight == nil {
		return nil
	}
	select {
	case <-flight:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *source) fetch(ctx context.Context, flight chan struct{}) {
	keys, notes, err := s.load(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure, s.flight = err, nil
	if err == nil {
		s.keys, s.notes, s.fetched = keys, notes, s.p.clock()
	}
	close(flight)
	if err != nil {
		s.p.log.WarnContext(ctx, "the keys of the identity provider cannot be had", "address", s.address, "error", err)
	}
}

func (s *source) load(ctx context.Context) (keys []key, notes []string, err error) {
	a, err := s.p.get(ctx, s.address, keysTimeout)
	if errors.Is(err, errTooLarge) || errors.Is(err, outbound.ErrTooLarge) {
		return nil, nil, auth.RefuseFor(auth.CodeJWKSBad, err)
	}
	if err != nil {
		return nil, nil, auth.RefuseFor(auth.CodeJWKSDown, err)
	}
	keys, notes, err = parseKeys(a.body)
	if err != nil {
		return nil, nil, auth.RefuseFor(auth.CodeJWKSBad, err)
	}
	return keys, notes, nil
}
