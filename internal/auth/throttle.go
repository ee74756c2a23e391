package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const (
	// accountCeiling is the number of failures at an account, from everywhere,
	// after which an address gets one try instead of several. An address that has
	// not failed always gets that one: nobody can lock the owner out.
	accountCeiling = 100
	// addressCeiling is the number of failures of an address, at any accounts,
	// before it has to wait.
	addressCeiling = 50
	// firstDelay is the share of Options.LoginBlock that the first delay takes;
	// each further failure doubles it.
	firstDelay = 20
)

// failures counts failed sign-ins of one account, one address, or both together.
type failures struct {
	Count int   `json:"count"`
	Last  int64 `json:"last"`           // milliseconds since 1970
	Until int64 `json:"until,omitzero"` // blocked until then
}

type counter struct{ owner, key string }

// attempt names the counters of a try.
type attempt struct{ pair, account, address counter }

// attemptOf counts by what was typed, never by whether it is known: otherwise the
// delays would tell which names and emails exist, and belong together. The part
// before the @ stands for an email, so that usually both count as one.
func attemptOf(name, address string) attempt {
	owner, from := throttleOwner(name), keyDigest(address)
	return attempt{
		pair:    counter{owner, "address/" + from},
		account: counter{owner, "all"},
		address: counter{"", from},
	}
}

func throttleOwner(name string) string {
	local, _, _ := strings.Cut(strings.ToLower(name), "@")
	return "name/" + keyDigest(local)
}

// forgive removes the counters of a user from all addresses.
func forgive(ctx context.Context, tx store.Tx, user User) error {
	for _, name := range []string{user.Name, user.Email} {
		if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindThrottle, Owner: throttleOwner(name)}); err != nil {
			return err
		}
	}
	return nil
}

func keyDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

func (s *Service) blocked(ctx context.Context, a attempt) (bool, error) {
	blocked := false
	err := s.store.View(ctx, func(r store.Reader) error {
		pair, err := s.failuresOf(ctx, r, a.pair)
		if err != nil {
			return err
		}
		account, err := s.failuresOf(ctx, r, a.account)
		if err != nil {
			return err
		}
		address, err := s.failuresOf(ctx, r, a.address)
		if err != nil {
			return err
		}
		now := s.clock().UnixMilli()
		blocked = now < pair.Until || now < address.Until || account.Count >= accountCeiling && pair.Count > 0
		return nil
	})
	return blocked, err
}

// failuresOf reads a counter; what lies further back than the window is forgotten.
func (s *Service) failuresOf(ctx context.Context, r store.Reader, c counter) (failures, error) {
	rec, err := r.Record(ctx, kindThrottle, c.owner, c.key)
	if isNotFound(err) {
		return failures{}, nil
	}
	if err != nil {
		return failures{}, err
	}
	var f failures
	if err := json.Unmarshal(rec.Doc, &f); err != nil {
		return failures{}, entity.Internal(err)
	}
	if s.clock().UnixMilli() >= s.forgotten(f) {
		return failures{}, nil
	}
	return f, nil
}

func (s *Service) forgotten(f failures) int64 {
	return max(f.Last+s.opts.LoginBlock.Milliseconds(), f.Until)
}

func (s *Service) countFailure(ctx context.Context, a attempt) error {
	return s.store.Update(ctx, func(tx store.Tx) error {
		now := s.clock()
		for _, c := range []struct {
			counter
			free int // failures before delays begin; 0 for no delays
		}{
			{a.pair, s.opts.MaxLoginFails}, {a.account, 0}, {a.address, addressCeiling},
		} {
			f, err := s.failuresOf(ctx, tx, c.counter)
			if err != nil {
				return err
			}
			f.Count++
			f.Last = now.UnixMilli()
			if c.free > 0 && f.Count >= c.free {
				f.Until = now.Add(s.delay(f.Count - c.free)).UnixMilli()
			}
			doc, err := json.Marshal(f)
			if err != nil {
				return err
			}
			rec := store.Record{Kind: kindThrottle, Owner: c.owner, Key: c.key, At: s.forgotten(f), Doc: doc}
			if err := tx.PutRecord(ctx, rec); err != nil {
				return err
			}
		}
		_, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindThrottle, Any: true, To: now.UnixMilli()})
		return err
	})
}

func (s *Service) delay(beyond int) time.Duration {
	delay := s.opts.LoginBlock / firstDelay
	for range min(beyond, 30) {
		if delay *= 2; delay >= s.opts.LoginBlock {
			return s.opts.LoginBlock
		}
	}
	return delay
}

// turns lets callers with the same key go one after the other.
type turns struct {
	seed  maphash.Seed
	slots []chan struct{}
}

func newTurns() turns {
	t := turns{seed: maphash.MakeSeed(), slots: make([]chan struct{}, 64)}
	for i := range t.slots {
		t.slots[i] = make(chan struct{}, 1)
	}
	return t
}

// enter waits for the turn and returns how to give it up.
func (t turns) enter(ctx context.Context, key string) (leave func(), err error) {
	slot := t.slots[maphash.String(t.seed, key)%uint64(len(t.slots))]
	select {
	case slot <- struct{}{}:
		return func() { <-slot }, nil
	case <-ctx.Done():
		return nil, &entity.Error{Kind: entity.KindUnavailable, Message: "The sign-in took too long. Please try again.", Cause: ctx.Err()}
	}
}
