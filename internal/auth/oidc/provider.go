package oidc

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
)

// Provider is an identity provider, seen from one client. It implements
// auth.RedirectProvider, auth.Renewer and auth.LogoutReceiver and is safe for
// concurrent use.
type Provider struct {
	cfg    Config
	preset preset
	client *http.Client
	clock  func() time.Time
	log    *slog.Logger
	state  atomic.Pointer[state]
	// logouts are the ids of logout tokens seen, until they expire.
	logouts *lru.Cache[string, time.Time]
	stop    context.CancelFunc
}

// state is what is known of the provider at a time.
type state struct {
	meta *Metadata // nil until discovered
	err  error     // why not, if so
	keys *keyring  // nil until an address of keys is known
}

// maxLogouts bounds the memory of logout tokens.
const maxLogouts = 10_000

// New makes a Provider. Errors are faults of the configuration (*ConfigError): a
// provider that cannot be reached is none, see Ready. Discovery goes on in the
// background until ctx ends or Close is called. A nil clock or log means the usual.
func New(ctx context.Context, cfg Config, client *http.Client, clock func() time.Time, log *slog.Logger) (*Provider, error) {
	if client == nil {
		return nil, errors.New("oidc needs an HTTP client")
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if clock == nil {
		clock = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	own := *client
	// A redirect could lead codes, secrets and keys elsewhere.
	own.CheckRedirect = outbound.NoRedirects
	p := &Provider{cfg: cfg, preset: presetOf(cfg.Kind), client: &own, clock: clock, log: log}
	var err error
	if p.logouts, err = lru.New[string, time.Time](maxLogouts); err != nil {
		return nil, err
	}
	p.state.Store(&state{err: auth.RefuseFor(auth.CodeUpstream, errors.New("discovery has not succeeded yet")),
		keys: newKeyring(p, cfg.keyAddresses())})
	wait, err := p.begin(ctx)
	if err != nil {
		return nil, err
	}
	ctx, p.stop = context.WithCancel(ctx)
	go p.keepDiscovering(ctx, wait)
	return p, nil
}

// begin puts the first metadata in force and tells when to discover next.
func (p *Provider) begin(ctx context.Context) (time.Duration, error) {
	if p.cfg.Cached != nil {
		m := *p.cfg.Cached
		if err := p.judge(&m); err != nil {
			return 0, err
		}
		p.adopt(&m)
		return 0, nil
	}
	err := p.refresh(ctx)
	var fault *ConfigError
	if errors.As(err, &fault) {
		return 0, err
	}
	if err != nil {
		p.log.WarnContext(ctx, "the identity provider cannot be discovered, trying on", "address", p.cfg.DiscoveryURI, "error", err)
		return p.cfg.RetryAfter, nil
	}
	return metadataMaxAge, nil
}

// adopt puts metadata in force; the keys stay when their addresses do.
func (p *Provider) adopt(m *Metadata) {
	addresses := p.cfg.keyAddresses()
	if len(addresses) == 0 {
		addresses = []string{m.JWKSURI}
	}
	keys := p.state.Load().keys
	if keys == nil || !slices.Equal(keys.addresses(), addresses) {
		keys = newKeyring(p, addresses)
	}
	p.state.Store(&state{meta: m, keys: keys})
}

// Close ends the discovery in the background.
func (p *Provider) Close() { p.stop() }

// Ready returns nil when the provider is known, otherwise the refusal that calls
// are answered with.
func (p *Provider) Ready() error {
	if s := p.state.Load(); s.meta == nil {
		return s.err
	}
	return nil
}

// Metadata returns what the provider says of itself; false until it was discovered.
func (p *Provider) Metadata() (Metadata, bool) {
	s := p.state.Load()
	if s.meta == nil {
		return Metadata{}, false
	}
	return *s.meta, true
}

// metadata is what calls to the provider need.
func (p *Provider) metadata() (*Metadata, error) {
	s := p.state.Load()
	if s.meta == nil {
		return nil, s.err
	}
	return s.meta, nil
}

// Issuer returns the exact issuer: as discovered, as configured until then.
func (p *Provider) Issuer() string {
	if s := p.state.Load(); s.meta != nil {
		return s.meta.Issuer
	}
	return p.cfg.Issuer
}

// Trust returns what tokens of the provider are judged by, as known now: ask again
// after Config.OnMetadata was called.
func (p *Provider) Trust() *auth.Trust {
	t := p.trust()
	t.Audiences = append(t.Audiences, p.cfg.AcceptedAudiences...)
	t.AccessTokens = len(p.cfg.AcceptedAudiences) > 0
	return t
}

// trust is for what the provider tells this client itself: ID tokens alone.
func (p *Provider) trust() *auth.Trust {
	return &auth.Trust{
		Issuer:     p.Issuer(),
		Audiences:  []string{p.cfg.ClientID},
		Party:      p.cfg.ClientID,
		Algorithms: slices.Clone(p.cfg.Algorithms),
		Key:        p.Key,
		Known:      p.Known,
		Skew:       p.cfg.Skew,
	}
}

// Key finds the key of the provider that verifies tokens of this kid ("" for none)
// and alg. Errors are refusals: CodeKeyID, CodeJWKSDown, CodeJWKSBad.
func (p *Provider) Key(ctx context.Context, kid, alg string) (crypto.PublicKey, error) {
	s := p.state.Load()
	if s.keys == nil {
		return nil, auth.RefuseFor(auth.CodeJWKSDown, s.err)
	}
	return s.keys.key(ctx, kid, alg)
}

// Known lists the keys that are held at the moment, without asking for any.
func (p *Provider) Known() []auth.KnownKey {
	ring := p.state.Load().keys
	if ring == nil {
		return nil
	}
	var known []auth.KnownKey
	for _, s := range ring.sources {
		s.mu.Lock()
		for _, k := range s.keys {
			known = append(known, auth.KnownKey{ID: shorten(k.id), Fetched: s.fetched})
		}
		s.mu.Unlock()
	}
	return known
}

// What package auth expects of it.
var (
	_ auth.RedirectProvider = (*Provider)(nil)
	_ auth.Renewer          = (*Provider)(nil)
	_ auth.LogoutReceiver   = (*Provider)(nil)
)
