package auth

import (
	"context"
	"encoding/base64"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// fitful is a store that can be away.
type fitful struct {
	store.Store
	away atomic.Bool
}

func (s *fitful) fault() error {
	if s.away.Load() {
		return &entity.Error{Kind: entity.KindUnavailable, Message: "The catalog's files do not answer."}
	}
	return nil
}

func (s *fitful) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := s.fault(); err != nil {
		return err
	}
	return s.Store.View(ctx, fn)
}

func (s *fitful) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := s.fault(); err != nil {
		return err
	}
	return s.Store.Update(ctx, fn)
}

// TestF05StoreAway takes the store away for a minute: nobody is told that a credential
// is no good, and all are good afterwards.
func TestF05StoreAway(t *testing.T) {
	s := new(fitful)
	f := newSignOn(t, func(o *Options) { s.Store, o.Store = o.Store, s })
	bot := f.botToken().Token
	f.confidential()
	cookie := f.signedIn().Session
	access, err := f.SessionToken(f.ctx, cookie)
	must(t, err)
	_, returning := f.trip()

	plain := newFixture(t, func(o *Options) { o.Store = &fitful{Store: o.Store} })
	away := plain.store.(*fitful)
	tokens := plain.mustLogin()
	login := LoginRequest{Name: "ann", Password: base64.StdEncoding.EncodeToString([]byte(goodPassword)), Address: "192.0.2.1"}

	calls := map[string]func() error{
		"bot":           func() error { _, err := f.use(bot); return err },
		"person":        func() error { _, err := f.use(access.AccessToken); return err },
		"session":       func() error { _, err := f.SessionToken(f.ctx, cookie); return err },
		"callback":      func() error { _, err := f.FinishLogin(f.ctx, returning); return err },
		"refresh token": func() error { _, err := plain.Refresh(plain.ctx, tokens.RefreshToken); return err },
		"access token":  func() error { _, err := plain.use(tokens.AccessToken); return err },
		"password":      func() error { _, err := plain.Login(plain.ctx, login); return err },
	}
	f.clock.Advance(2 * maxAge)
	plain.clock.Advance(2 * maxAge)
	s.away.Store(true)
	away.away.Store(true)
	for range 2 {
		for name, call := range calls {
			if err := call(); entity.KindOf(err) != entity.KindUnavailable {
				t.Errorf("%s, without the store: %v", name, err)
			}
		}
		f.clock.Advance(time.Minute)
		plain.clock.Advance(time.Minute)
	}
	s.away.Store(false)
	away.away.Store(false)
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s, with the store again: %v", name, err)
		}
	}
}
