package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
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
	// tryFor is how long one try holds up others of the same account and address,
	// if the process that made it does not come back.
	tryFor = 15 * time.Second
)

// failures counts failed sign-ins of one account, one address, or both together.
type failures struct {
	Count int   `json:"count"`
	Last  int64 `json:"last"`           // milliseconds since 1970
	Until int64 `json:"until,omitzero"` // blocked until then
	Lease int64 `json:"lease,omitzero"` // until then a try is under way
}

type counter struct{ owner, key string }

// attempt names the counters of a try.
type attempt struct{ pair, account, address counter }

// attemptOf counts by what was typed, never by whether it is known: otherwise the
// delays would tell which names and emails exist, and belong together. The part
// before the @ stands for an email, so that usually both count as one.
func attemptOf(name, address string) attempt {
	owner, from := throttleOwner(name), addressDigest(address)
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

// addressDigest stands for where somebody comes from. Whoever has one address of IPv6
// usually has all of a network of 64 bits, and would never have to wait.
func addressDigest(address string) string {
	if addr, err := netip.ParseAddr(address); err == nil && addr.Is6() && !addr.Is4In6() {
		if network, err := addr.WithZone("").Prefix(64); err == nil {
			address = network.String()
		}
	}
	return keyDigest(address)
}

func keyDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

func (s *Service) blocked(ctx context.Context, a attempt) (blocked bool, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		_, blocked, err = s.standsAt(ctx, r, a)
		return err
	})
	return blocked, err
}

// standsAt reads the counter of the pair, and whether the try must wait because of it
// or of another.
func (s *Service) standsAt(ctx context.Context, r store.Reader, a attempt) (pair failures, blocked bool, err error) {
	if pair, err = s.failuresOf(ctx, r, a.pair); err != nil {
		return failures{}, false, err
	}
	account, err := s.failuresOf(ctx, r, a.account)
	if err != nil {
		return failures{}, false, err
	}
	address, err := s.failuresOf(ctx, r, a.address)
	if err != nil {
		return failures{}, false, err
	}
	now := s.clock().UnixMilli()
	return pair, now < pair.Until || now < address.Until || account.Count >= accountCeiling && pair.Count > 0, nil
}

// takeTurn waits until no other try of the same account and address is under way, in
// this process or in another one on the same store: a volley of guesses must not pass
// the throttle together. Whoever has become blocked meanwhile gets no turn.
func (s *Service) takeTurn(ctx context.Context, who attempt) (leave func(), blocked bool, err error) {
	next, err := s.turns.enter(ctx, who.pair.key+who.pair.owner)
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if leave == nil {
			next()
		}
	}()
	for {
		lease, blocked, err := s.hold(ctx, who)
		switch {
		case err != nil || blocked:
			return nil, blocked, err
		case lease != 0:
			return func() {
				s.letGo(ctx, who, lease)
				next()
			}, false, nil
		}
		select {
		case <-time.After(leasePoll):
		case <-ctx.Done():
			return nil, false, signInSlow(ctx.Err())
		}
	}
}

// hold tells the other processes of a try; no lease means that there is one already.
func (s *Service) hold(ctx context.Context, who attempt) (lease int64, blocked bool, err error) {
	err = s.store.Update(ctx, func(tx store.Tx) error {
		lease = 0
		var pair failures
		if pair, blocked, err = s.standsAt(ctx, tx, who); err != nil || blocked {
			return err
		}
		now := s.clock()
		if pair.Lease > now.UnixMilli() {
			return nil
		}
		pair.Lease = now.Add(tryFor).UnixMilli()
		lease = pair.Lease
		return s.putFailures(ctx, tx, who.pair, pair)
	})
	return lease, blocked, err
}

// letGo ends a try that was neither counted nor forgiven.
func (s *Service) letGo(ctx context.Context, who attempt, lease int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	var pair failures
	read := func(r store.Reader) (err error) {
		pair, err = s.failuresOf(ctx, r, who.pair)
		return err
	}
	err := s.store.View(ctx, read)
	if err == nil && pair.Lease == lease {
		err = s.store.Update(ctx, func(tx store.Tx) error {
			if err := read(tx); err != nil || pair.Lease != lease {
				return err
			}
			pair.Lease = 0
			return s.putFailures(ctx, tx, who.pair, pair)
		})
	}
	if err != nil {
		s.log.Warn("a sign-in holds up others for some seconds", "error", err)
	}
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
	return max(f.Last+s.opts.LoginBlock.Milliseconds(), f.Until, f.Lease)
}

func (s *Service) putFailures(ctx context.Context, tx store.Tx, c counter, f failures) error {
	doc, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return tx.PutRecord(ctx, store.Record{Kind: kindThrottle, Owner: c.owner, Key: c.key, At: s.forgotten(f), Doc: doc})
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
			f.Last, f.Lease = now.UnixMilli(), 0
			if c.free > 0 && f.Count >= c.free {
				f.Until = now.Add(s.delay(f.Count - c.free)).UnixMilli()
			}
			if err := s.putFailures(ctx, tx, c.counter, f); err != nil {
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

func signInSlow(cause error) error {
	return &entity.Error{Kind: entity.KindUnavailable, Message: "The sign-in took too long. Please try again.", Cause: cause}
}
