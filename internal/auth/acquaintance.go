package auth

import (
	"context"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth/password"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindKnown records from which addresses an account has signed in: under attack,
// these need not stand in line with strangers.
const kindKnown = "auth-known"

const (
	maxKnown  = 20                  // addresses of an account
	knownLife = 90 * 24 * time.Hour // without signing in
)

// favour marks the context of a try from an address that has signed in before.
func (s *Service) favour(ctx context.Context, who attempt) (context.Context, error) {
	since := s.clock().Add(-knownLife).UnixMilli()
	err := s.store.View(ctx, func(r store.Reader) error {
		rec, err := r.Record(ctx, kindKnown, who.pair.owner, who.pair.key)
		if err == nil && rec.At >= since {
			ctx = password.Favour(ctx)
		}
		return err
	})
	if isNotFound(err) {
		err = nil
	}
	return ctx, err
}

// acquaint remembers the address of a try that succeeded.
func (s *Service) acquaint(ctx context.Context, tx store.Tx, who attempt) error {
	now := s.clock()
	owner := who.pair.owner
	rec := store.Record{Kind: kindKnown, Owner: owner, Key: who.pair.key, At: now.UnixMilli(), Doc: []byte(`{}`)}
	if err := tx.PutRecord(ctx, rec); err != nil {
		return err
	}
	if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindKnown, Owner: owner, To: now.Add(-knownLife).UnixMilli()}); err != nil {
		return err
	}
	beyond, err := tx.Records(ctx, store.RecordQuery{Kind: kindKnown, Owner: owner, Order: store.NewestFirst, Offset: maxKnown, Limit: 100})
	if err != nil {
		return err
	}
	for _, old := range beyond {
		if _, err := tx.DeleteRecord(ctx, kindKnown, owner, old.Key); err != nil {
			return err
		}
	}
	return nil
}
