package signon

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/oidc"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Options say what a Manager works with. All but Clock and Log are required.
type Options struct {
	Store  store.Store
	Sealer *secret.Sealer
	Auth   *auth.Service
	Users  auth.Users
	// Load reads the configuration as at the start, with what was saved on top.
	Load func(saved []byte) (*config.Config, config.Findings, error)
	// Signer returns this server's signing key, for providers that want the client to
	// prove itself by a signature (private_key_jwt).
	Signer func() (id string, key crypto.Signer)
	Clock  func() time.Time
	Log    *slog.Logger
}

// Manager keeps the sign-on settings. It is safe for concurrent use.
type Manager struct {
	opts  Options
	vault vault
	log   *slog.Logger
	clock func() time.Time

	mu      sync.Mutex // one change at a time
	refused int64      // revision of saved settings that cannot be used
	state   stateHolder
}

// state is what is in force.
type state struct {
	saved    Saved
	config   *config.Config
	findings config.Findings
	provider provider
}

type stateHolder struct {
	sync.RWMutex
	now *state
}

func (h *stateHolder) get() *state {
	h.RLock()
	defer h.RUnlock()
	return h.now
}

// swap returns the former state, nil at first.
func (h *stateHolder) swap(next *state) *state {
	h.Lock()
	defer h.Unlock()
	former := h.now
	h.now = next
	return former
}

// followEvery is how often the store is asked for settings that another process
// saved: they hold everywhere within a second.
const followEvery = 500 * time.Millisecond

// Open reads what is saved, checks it with the rest and puts it in force. Settings
// that are refused are a *config.Refused error.
func Open(ctx context.Context, opts Options) (*Manager, error) {
	m := newManager(opts)
	saved, err := m.vault.current(ctx)
	if err != nil {
		return nil, err
	}
	return m, m.enforce(ctx, saved)
}

func newManager(opts Options) *Manager {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Manager{
		opts: opts, log: opts.Log, clock: opts.Clock,
		vault: vault{store: opts.Store, sealer: opts.Sealer, clock: opts.Clock}, refused: -1,
	}
}

// enforce builds the sign-on of the settings and gives it to auth.
func (m *Manager) enforce(ctx context.Context, saved Saved) error {
	next, err := m.assemble(ctx, saved)
	if err != nil {
		return err
	}
	m.install(next)
	return nil
}

// assemble loads settings and builds their provider, without putting them in force.
func (m *Manager) assemble(ctx context.Context, saved Saved) (*state, error) {
	cfg, findings, err := m.opts.Load(saved.Document)
	if err != nil {
		return nil, err
	}
	if errs := findings.Errors(); len(errs) > 0 {
		return nil, &config.Refused{Findings: errs}
	}
	next := &state{saved: saved, config: cfg, findings: findings}
	if next.provider, err = m.build(ctx, cfg, next); err != nil {
		return nil, err
	}
	return next, nil
}

// install puts a state in force and ends the one before.
func (m *Manager) install(next *state) {
	former := m.state.swap(next)
	m.renew(next)
	if former != nil {
		former.provider.close()
	}
}

// renew gives auth the provider as it is known now, if its state is still in force.
func (m *Manager) renew(of *state) {
	m.state.RLock()
	defer m.state.RUnlock()
	if m.state.now != of {
		return
	}
	p := of.provider
	if p.fresh != nil {
		p = p.fresh()
	}
	if err := m.opts.Auth.CheckSignOn(p.signOn); err != nil {
		m.log.Error("the identity provider cannot be trusted", "error", err)
	}
	m.opts.Auth.SetSignOn(p.signOn)
}

// Ready returns nil when the provider can be asked, otherwise why not.
func (m *Manager) Ready() error {
	if ready := m.state.get().provider.ready; ready != nil {
		return ready()
	}
	return nil
}

// OIDC describes the OpenID Connect provider in force; false without one, or before
// it was discovered.
func (m *Manager) OIDC() (oidc.Metadata, bool) {
	if of := m.state.get().provider.oidc; of != nil {
		return of()
	}
	return oidc.Metadata{}, false
}

// SignOut is where a browser that nothing but its token ties to the provider in force
// signs out there, to come back to an address; "" if the provider has no such place.
func (m *Manager) SignOut(back string) string {
	if p := m.state.get().provider.test; p != nil {
		return p.SignOut("", "", back)
	}
	return ""
}

// Scope is what the OpenID Connect provider in force is asked for, without what it does
// not know; "" for other providers.
func (m *Manager) Scope() string { return m.state.get().provider.scope }

// Run follows changes that other processes save, until the context ends.
func (m *Manager) Run(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := m.Follow(ctx); err != nil && ctx.Err() == nil {
			m.log.Error("the saved security settings could not be put in force; the former ones stay", "error", err)
		}
	}
}

// Follow puts in force what another process saved since.
func (m *Manager) Follow(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	revision, err := m.vault.revision(ctx)
	if err != nil || revision == m.state.get().saved.Revision || revision == m.refused {
		return err
	}
	saved, err := m.vault.current(ctx)
	if err != nil {
		return err
	}
	if err := m.enforce(ctx, saved); err != nil {
		// Settings that cannot be used are not tried again and again.
		m.refused = saved.Revision
		return err
	}
	m.log.Info("security settings changed", "revision", saved.Revision, "by", saved.By)
	return nil
}

// Close ends what runs in the background for the provider.
func (m *Manager) Close() { m.state.get().provider.close() }

// Config returns the configuration in force. It must not be changed.
func (m *Manager) Config() *config.Config { return m.state.get().config }

// Findings returns the warnings and notices about the configuration in force.
func (m *Manager) Findings() config.Findings { return m.state.get().findings }

// Diagnose examines the provider in force step by step.
func (m *Manager) Diagnose(ctx context.Context) []Step {
	return m.state.get().provider.diagnose(ctx)
}

// SAMLMetadata describes this server to a SAML provider; nil without one.
func (m *Manager) SAMLMetadata() []byte { return m.state.get().provider.metadata }

// Settings are the security settings in force, as an administrator sees them.
type Settings struct {
	Document []byte            // in the words of the API, secrets masked
	Sources  map[string]string // where each member that is not at its default comes from
	Revision int64
	Saved    bool // something is saved over file and environment
	SavedBy  string
	SavedAt  time.Time
	Findings config.Findings
}

// Settings describes what is in force.
func (m *Manager) Settings() (Settings, error) {
	now := m.state.get()
	doc, err := config.SecurityDocument(now.config)
	if err != nil {
		return Settings{}, err
	}
	if doc, err = config.MaskDocument(doc); err != nil {
		return Settings{}, err
	}
	sources := map[string]string{}
	for key, source := range now.config.Sources {
		if strings.HasPrefix(key, "authenticationConfiguration.") || strings.HasPrefix(key, "authorizerConfiguration.") {
			sources[key] = source
		}
	}
	return Settings{
		Document: doc, Sources: sources, Revision: now.saved.Revision, Saved: now.saved.Document != nil,
		SavedBy: now.saved.By, SavedAt: now.saved.At, Findings: now.findings,
	}, nil
}

// History returns earlier settings, newest first, with secrets in clear: it is for
// the command line and for Restore.
func (m *Manager) History(ctx context.Context) ([]Saved, error) { return m.vault.history(ctx) }

func sortNewestFirst(list []Saved) {
	slices.SortFunc(list, func(a, b Saved) int { return int(b.Revision - a.Revision) })
}

// fieldErrors translates the findings that stop a configuration.
func fieldErrors(err error, findings config.Findings) []FieldError {
	var out []FieldError
	add := func(fs config.Findings) {
		for _, f := range fs {
			message := f.Message
			if f.Remedy != "" {
				message += " Remedy: " + f.Remedy
			}
			out = append(out, FieldError{Field: f.Key, Error: message, Code: f.Code})
		}
	}
	add(findings.Errors())
	var refused *config.Refused
	if len(out) == 0 && errors.As(err, &refused) {
		add(refused.Findings)
	}
	return out
}

// FieldError is what is wrong with one member of the settings.
type FieldError struct {
	Field string `json:"field"` // dotted, such as authenticationConfiguration.clientId
	Error string `json:"error"`
	Code  string `json:"code,omitzero"`
}
