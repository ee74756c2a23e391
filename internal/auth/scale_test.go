package auth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// made is the n-th made-up session of a user: all its parts follow from the number.
func made(user entity.ID, n int) refreshToken {
	part := func(what byte) [32]byte {
		return sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(n)), what))
	}
	id, family := part(1), part(2)
	return refreshToken{user: user, session: [16]byte(id[:16]), family: [16]byte(family[:16]), secret: part(3)}
}

// crowd opens sessions of strangers, a hundred each, besides those that are there.
func (f *fixture) crowd(from, to int) {
	f.t.Helper()
	now := f.Service.clock()
	const step = 1000
	for ; from < to; from += step {
		must(f.t, f.db.Update(f.ctx, func(tx store.Tx) error {
			for n := from; n < min(from+step, to); n++ {
				stranger := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n/100)))
				if err := f.open(tx, made(entity.ID(stranger[:16]), n), now); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// open writes the record of a made-up session.
func (f *fixture) open(tx store.Tx, t refreshToken, now time.Time) error {
	return putCredential(f.ctx, tx, t.user, t.key(), &credential{
		Hash: hashOf(t.secret[:]), Family: hashOf(t.family[:]), Created: now.UnixMilli(),
		Expires: now.Add(f.opts.SessionLifetime).UnixMilli(), Mark: f.inForce.Load().mark,
	})
}

// statements counts those of a call.
func (f *fixture) statements(call func(context.Context) error) int64 {
	f.t.Helper()
	ctx, counted := store.WithStatements(f.ctx)
	must(f.t, call(ctx))
	return counted.Count()
}

// TestL03RefreshAmongManySessions: renewing a session costs no more statements when
// strangers have many. That none of them walks through the others' records is held by
// TestRecordPlans of the store; BenchmarkL03Refresh and `make bench` measure the time.
func TestL03RefreshAmongManySessions(t *testing.T) {
	f := newFixture(t)
	refresh := func() int64 {
		text := f.mustLogin().RefreshToken
		return f.statements(func(ctx context.Context) error {
			_, err := f.Refresh(ctx, text)
			return err
		})
	}
	refresh() // warms the database's own caches
	alone := refresh()
	f.crowd(0, 1000)
	if among := refresh(); among != alone || alone == 0 {
		t.Errorf("L03: a refresh runs %d statements alone and %d among 1,000 sessions of strangers", alone, among)
	}
	// Whoever is in the crowd can refresh, too.
	stranger := made(f.ann.ID, 0)
	must(t, f.db.Update(f.ctx, func(tx store.Tx) error { return f.open(tx, stranger, f.clock.Now()) }))
	if _, err := f.Refresh(f.ctx, stranger.String()); err != nil {
		t.Errorf("L03: a made-up session cannot be refreshed: %v", err)
	}
}

// BenchmarkL03Refresh is L03 in this process: one refresh, alone and among the sessions
// of strangers. Most of it is the signature of the new token.
func BenchmarkL03Refresh(b *testing.B) {
	for _, others := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			f := newFixture(b, func(o *Options) { o.Clock = time.Now })
			f.crowd(0, others)
			text := f.mustLogin().RefreshToken
			b.ReportAllocs()
			for b.Loop() {
				tokens, err := f.Refresh(f.ctx, text)
				must(b, err)
				text = tokens.RefreshToken
			}
		})
	}
}

// viewedStore counts the snapshots that are read.
type viewedStore struct {
	store.Store
	views atomic.Int64
}

func (s *viewedStore) View(ctx context.Context, fn func(store.Reader) error) error {
	s.views.Add(1)
	return s.Store.View(ctx, fn)
}

// TestL04ThousandBots: whether a token still counts is looked up once a bot and maxAge,
// not once a call, and not more for many bots than for one.
func TestL04ThousandBots(t *testing.T) {
	const bots, calls = 60, 20
	counted := &viewedStore{}
	f := newFixture(t, func(o *Options) {
		counted.Store = o.Store
		o.Store = counted
	})
	tokens := make([]string, bots)
	for i := range tokens {
		name := fmt.Sprintf("bot-%d", i)
		bot := User{ID: entity.NewID(), Name: name, Email: name + "@example.org", IsBot: true}
		f.users.byID[bot.ID] = bot
		issued, err := f.AddBotToken(f.ctx, entity.System(), bot.ID, ExpireOneHour)
		must(t, err)
		tokens[i] = issued.Token
	}
	round := func(tokens []string, calls int) int64 {
		before := counted.views.Load()
		for range calls {
			for _, token := range tokens {
				if _, err := f.use(token); err != nil {
					t.Fatal(err)
				}
			}
		}
		f.writes.Wait() // notes of the first use
		return counted.views.Load() - before
	}
	round(tokens, 1)
	for n := range 3 {
		f.clock.Advance(maxAge)
		one := round(tokens[:1], calls)
		f.clock.Advance(maxAge)
		all := round(tokens, calls)
		if one != 1 || all != bots {
			t.Errorf("L04, second %d: %d calls of a bot look it up %d times, %d calls each of %d bots %d times; want once a bot", n, calls, one, calls, bots, all)
		}
		if again := round(tokens, calls); again != 0 {
			t.Errorf("L04, second %d: %d look-ups of what is known", n, again)
		}
	}
}
