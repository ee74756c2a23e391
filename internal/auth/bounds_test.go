package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// TestDelaysGrowToTheirBound: each failure waits at least as long as the one
// before, none longer than the block that is configured, however many there are.
func TestDelaysGrowToTheirBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block := time.Duration(rapid.Int64Range(int64(time.Second), int64(24*time.Hour)).Draw(t, "block"))
		s := &Service{opts: Options{LoginBlock: block}}
		failures := rapid.IntRange(0, 1_000_000).Draw(t, "failures")
		now, next := s.delay(failures), s.delay(failures+1)
		if now <= 0 || next < now || next > block {
			t.Fatalf("block %v: %v after %d failures, %v after one more", block, now, failures, next)
		}
		if s.delay(failures+10) != block {
			t.Fatalf("block %v: ten failures later the delay is %v", block, s.delay(failures+10))
		}
	})
}

// TestSpellingsOfANameCountTogether: upper case and the domain of an email give
// no further tries.
func TestSpellingsOfANameCountTogether(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"ann", "ANN", "Ann@example.org"} {
		_, err := f.login(name, "wrong", "203.0.113.7")
		wantCode(t, err, CodeLogin)
	}
	for _, name := range []string{"aNN", "ann@elsewhere.example", "ann@"} {
		_, err := f.login(name, goodPassword, "203.0.113.7")
		wantCode(t, err, CodeThrottled)
	}
	if _, err := f.login("bob", "wrong", "203.0.113.7"); codeOf(err) != CodeLogin {
		t.Errorf("another name waits too: %v", err)
	}
}

// TestResetForgivesFailures: who gets a new password is not kept waiting by the
// tries with the forgotten one.
func TestResetForgivesFailures(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		_, err := f.login("ann", "wrong", "192.0.2.1")
		wantCode(t, err, CodeLogin)
	}
	_, err := f.login("ann", goodPassword, "192.0.2.1")
	wantCode(t, err, CodeThrottled)
	must(t, f.SetPassword(f.ctx, entity.System(), f.ann.ID, nextPassword, false))
	_, err = f.login("ann", nextPassword, "192.0.2.1")
	must(t, err)
}

// TestDamagedCounterIsNoWayIn: a record that cannot be read refuses, and the
// message tells nothing of the store.
func TestDamagedCounterIsNoWayIn(t *testing.T) {
	f := newFixture(t)
	a := attemptOf("ann", "192.0.2.1")
	must(t, f.db.Update(f.ctx, func(tx store.Tx) error {
		return tx.PutRecord(f.ctx, store.Record{Kind: kindThrottle, Owner: a.pair.owner, Key: a.pair.key, At: f.clock.Now().UnixMilli(), Doc: []byte(`{"count":"x"}`)})
	}))
	_, err := f.login("ann", goodPassword, "192.0.2.1")
	var public *entity.Error
	if !errors.As(err, &public) || public.Kind != entity.KindInternal {
		t.Fatalf("got %v, want KindInternal", err)
	}
	if strings.Contains(public.Message, "count") || strings.Contains(public.Message, "throttle") {
		t.Errorf("message %q", public.Message)
	}
}

func TestTurnsEndWithTheCaller(t *testing.T) {
	all := newTurns()
	leave, err := all.enter(t.Context(), "ann")
	must(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := all.enter(gone, "ann"); entity.KindOf(err) != entity.KindUnavailable {
		t.Errorf("got %v, want KindUnavailable", err)
	}
	leave()
	again, err := all.enter(t.Context(), "ann")
	must(t, err)
	again()
}

// TestListsOfTheTrailAreBounded: whatever is asked for, an answer has between one
// and a thousand entries, the newest first.
func TestListsOfTheTrailAreBounded(t *testing.T) {
	f := newFixture(t)
	f.clock.Advance(time.Minute)
	const more = 1100
	must(t, f.db.Update(f.ctx, func(tx store.Tx) error {
		for i := range more {
			e := AuditEntry{Action: fmt.Sprint("a", i), At: f.clock.Now().Add(time.Duration(i) * time.Second).UnixMilli()}
			rec, err := e.record(kindAudit)
			if err != nil {
				return err
			}
			if err := tx.PutRecord(f.ctx, rec); err != nil {
				return err
			}
		}
		return nil
	}))
	for limit, want := range map[int]int{-5: 1, 0: 1, 1: 1, 17: 17, 1000: 1000, 5000: 1000} {
		entries, err := f.Audit(f.ctx, limit)
		must(t, err)
		if len(entries) != want || entries[0].Action != fmt.Sprint("a", more-1) {
			t.Errorf("limit %d: %d entries, the first %+v", limit, len(entries), entries[0])
		}
		if !slices.IsSortedFunc(entries, func(a, b AuditEntry) int { return int(b.At - a.At) }) {
			t.Errorf("limit %d: not the newest first", limit)
		}
	}
}

// TestTrailShortensWhatIsForged: issuer and key id come from whoever sent the
// token; an entry stays small.
func TestTrailShortensWhatIsForged(t *testing.T) {
	f := newFixture(t)
	long := strings.Repeat("x", 100_000)
	f.trail.refusal(f.ctx, Refuse(CodeKeyID), &parsed{header: header{KeyID: long}, claims: claims{Issuer: long, Subject: long}})
	entries, err := f.Refusals(f.ctx, 1)
	must(t, err)
	if e := entries[0]; len(e.Issuer) > 110 || len(e.KeyID) > 70 || len(e.Subject) > 20 || e.Issuer == "" || e.KeyID == "" || e.Subject == "" {
		t.Errorf("an entry of %d, %d and %d bytes", len(e.Issuer), len(e.KeyID), len(e.Subject))
	}
}
