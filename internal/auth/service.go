package auth

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/auth/password"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// DefaultIssuer names the server in its tokens when nobody gives it another name.
const DefaultIssuer = "catalpa"

// Options says how to authenticate. Store, Users, Keys and Sealer are required;
// the zero value of everything else means the default.
type Options struct {
	Store  store.Store
	Users  Users // Directory if nil
	Keys   *key.Ring
	Sealer *secret.Sealer
	// Directory makes users of the people whom a provider vouches for; without one,
	// only those who are users already can sign in.
	Directory Directory
	// TestSignOn makes a SignOn of a settings document that is tried out; without one
	// there are no test logins.
	TestSignOn func(ctx context.Context, doc []byte) (*SignOn, error)
	// Route names the route of the request that a context belongs to, for the trail of
	// refusals; "" for none. It is asked for refusals only.
	Route func(ctx context.Context) string
	// Headers names the headers of such a request, never their values.
	Headers func(ctx context.Context) string
	// Address names whom such a request came from, for the trail of sign-ins.
	Address func(ctx context.Context) string
	// Observer hears of sign-ins and refusals; nil for nobody.
	Observer Observer
	// DataDir is where the first admin's password is put down; none if empty.
	DataDir string

	// Issuer is the iss of our tokens. If empty, the one of the last start on this
	// store, so that a command beside the server makes tokens it accepts.
	Issuer string
	// FirstIssuer is the iss where neither Issuer nor an earlier start says one;
	// DefaultIssuer if empty. It stays when the address of the server changes later.
	FirstIssuer string
	// Audience is the aud of our tokens; the issuer if empty.
	Audience string

	Skew            time.Duration // clocks may differ by this; default 30 s, at most 300 s
	AccessLifetime  time.Duration // of a person's access token; default 1 h
	SessionLifetime time.Duration // how long it can be refreshed; default 7 days
	MaxLoginFails   int           // before delays begin; default 3
	LoginBlock      time.Duration // the longest delay, and the window of counting; default 10 min

	AllowUnlimitedBotTokens bool
	// RotationOverlap is how long a bot's tokens go on beside a new one; at most 24 h.
	RotationOverlap time.Duration
	// RevealBotTokens keeps an encrypted copy of bot tokens, so that
	// RevealBotToken can show them again.
	RevealBotTokens bool

	// Mailer sends what people are told by mail; nil when mail is not configured.
	Mailer Mailer

	Hasher *password.Hasher // bcrypt of password.DefaultCost by default
	Clock  func() time.Time
	Log    *slog.Logger
}

// The ways of signing in, as an Observer hears of them.
const (
	WayPassword = "password"
	WayProvider = "provider" // with a browser, at an identity provider
	WayToken    = "token"    // with the token of a provider; this server only learns of it
)

// Observer counts what people come to see. Neither method may block.
type Observer interface {
	SignedIn(way string)
	// Refused hears of a refusal: whether somebody wanted to sign in, otherwise it is
	// that of a bearer token. The code may be none of Codes, when something failed.
	Refused(signIn bool, code string)
}

// nobody hears of nothing.
type nobody struct{}

func (nobody) SignedIn(string)      {}
func (nobody) Refused(bool, string) {}

// Service authenticates callers and issues credentials. It is safe for
// concurrent use.
type Service struct {
	opts     Options
	store    store.Store
	users    Users
	keys     *key.Ring
	sealer   *secret.Sealer
	hasher   *password.Hasher
	clock    func() time.Time
	log      *slog.Logger
	own      *profile
	inForce  atomic.Pointer[inForce]
	verified *lru.Cache[[32]byte, *verified]
	subjects *subjects
	turns    *turns
	arrivals *turns                       // of people through a provider
	unknown  *lru.Cache[string, struct{}] // names in claims that the log has
	renewals singleflight.Group           // at the provider, by session
	trail    *trail
	legacy   legacyUses
	writes   sync.WaitGroup // of last uses and mails, in the background
	posts    chan struct{}  // mails under way
}

// maxVerified bounds the cache of verified tokens: some 3 MB.
const maxVerified = 10_000

// maxUnknown bounds the names that were logged as unknown.
const maxUnknown = 2_000

// New makes the Service. It registers a commit hook, so call it at start.
func New(ctx context.Context, opts Options) (*Service, error) {
	if opts.Users == nil && opts.Directory != nil {
		opts.Users = opts.Directory
	}
	if opts.Store == nil || opts.Users == nil || opts.Keys == nil || opts.Sealer == nil {
		return nil, errors.New("auth needs a store, users, keys and a sealer")
	}
	if opts.Observer == nil {
		opts.Observer = nobody{}
	}
	if err := opts.complete(); err != nil {
		return nil, err
	}
	s := &Service{
		opts: opts, store: opts.Store, users: opts.Users, keys: opts.Keys, sealer: opts.Sealer,
		hasher: opts.Hasher, clock: opts.Clock, log: opts.Log, turns: newTurns(), arrivals: newTurns(),
		posts: make(chan struct{}, maxPosts),
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	var err error
	if s.verified, err = lru.New[[32]byte, *verified](maxVerified); err != nil {
		return nil, err
	}
	if s.unknown, err = lru.New[string, struct{}](maxUnknown); err != nil {
		return nil, err
	}
	if s.subjects, err = newSubjects(s.load, s.clock); err != nil {
		return nil, err
	}
	s.trail = newTrail(s.store, s.clock, s.log)
	s.trail.route, s.trail.headers, s.trail.observer = opts.Route, opts.Headers, opts.Observer
	s.own = s.ownProfile()
	s.SetSignOn(&SignOn{Provider: "basic", Basic: true})
	s.store.OnCommit(func(c store.Commit) {
		if c.All {
			s.subjects.forgetAll()
		}
		for _, id := range c.Entities {
			s.subjects.forget(id)
		}
	})
	return s, nil
}

func (o *Options) complete() error {
	setDefault(&o.Skew, 30*time.Second)
	setDefault(&o.AccessLifetime, time.Hour)
	setDefault(&o.SessionLifetime, 7*24*time.Hour)
	setDefault(&o.MaxLoginFails, 3)
	setDefault(&o.LoginBlock, 10*time.Minute)
	if o.RotationOverlap < 0 || o.RotationOverlap > 24*time.Hour {
		return errors.New("rotationOverlap must be between 0 and 24 hours")
	}
	if o.Skew < 0 || o.Skew > 5*time.Minute {
		return errors.New("maxClockSkew must be between 0 and 300 seconds")
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Hasher == nil {
		hasher, err := password.NewHasher(password.DefaultCost)
		if err != nil {
			return err
		}
		o.Hasher = hasher
	}
	return nil
}

func setDefault[T int | time.Duration](value *T, fallback T) {
	if *value == 0 {
		*value = fallback
	}
}

// Close writes what is left of the audit trail. The store must still be open.
func (s *Service) Close(ctx context.Context) error {
	s.writes.Wait()
	return s.trail.close(ctx)
}

// JWKS returns the public keys of our tokens as a JSON Web Key Set.
func (s *Service) JWKS() []byte { return s.keys.JWKS() }

// Sealer encrypts the secrets that entities hold.
func (s *Service) Sealer() *secret.Sealer { return s.sealer }

// Issuer returns the iss of our tokens.
func (s *Service) Issuer() string { return s.opts.Issuer }

// The records of this package.
const (
	kindCredential = "auth-credential" // owner: user
	kindPassword   = "auth-password"   // owner: user
	kindThrottle   = "auth-throttle"
	kindSetting    = "auth-setting"
)

// settle agrees with the store on the issuer and proves the master key.
func (s *Service) settle(ctx context.Context) error {
	const sealPlace = "auth-setting/seal"
	var issuer, seal string
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		if issuer, err = textRecord(ctx, r, "issuer"); err != nil {
			return err
		}
		seal, err = textRecord(ctx, r, "seal")
		return err
	})
	if err != nil {
		return err
	}
	if seal != "" {
		if _, err := s.sealer.Open(seal, sealPlace); err != nil {
			return errors.New("the master key does not fit this database: its stored secrets cannot be read; " +
				"put back the file " + secret.MasterFile + " that belongs to it")
		}
	}
	if s.opts.Issuer == "" {
		s.opts.Issuer = issuer
	}
	if s.opts.Issuer == "" || s.opts.Issuer != issuer || seal == "" {
		if err := s.settleOnce(ctx, sealPlace); err != nil {
			return err
		}
	}
	if s.opts.Audience == "" {
		s.opts.Audience = s.opts.Issuer
	}
	return nil
}

// settleOnce writes down what settle did not find, unless another process was quicker.
func (s *Service) settleOnce(ctx context.Context, sealPlace string) error {
	fresh, err := s.sealer.Seal("catalpa", sealPlace)
	if err != nil {
		return err
	}
	wanted := s.opts.Issuer
	err = s.store.Update(ctx, func(tx store.Tx) error {
		issuer, err := textRecord(ctx, tx, "issuer")
		if err != nil {
			return err
		}
		seal, err := textRecord(ctx, tx, "seal")
		if err != nil {
			return err
		}
		wanted = cmp.Or(s.opts.Issuer, issuer, s.opts.FirstIssuer, DefaultIssuer)
		now := s.clock().UnixMilli()
		return tx.PutRecord(ctx,
			store.Record{Kind: kindSetting, Key: "issuer", At: now, Doc: quoted(wanted)},
			store.Record{Kind: kindSetting, Key: "seal", At: now, Doc: quoted(cmp.Or(seal, fresh))})
	})
	s.opts.Issuer = wanted
	return err
}

func isNotFound(err error) bool { return err != nil && entity.KindOf(err) == entity.KindNotFound }
