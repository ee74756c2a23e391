package auth

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// quota bounds how often something may be asked for. The counters are in the store,
// so that all processes on it agree and a restart forgives nothing.
type quota struct {
	key    string
	most   int
	window time.Duration
}

// quotaOwner keeps the counters of quotas apart from those of failed sign-ins.
const quotaOwner = "quota"

// take counts one use of all the quotas, unless one of them is used up.
func (s *Service) take(ctx context.Context, quotas ...quota) (bool, error) {
	free := true
	look := func(r store.Reader) error {
		for _, q := range quotas {
			used, err := s.usedOf(ctx, r, q)
			if err != nil {
				return err
			}
			free = free && used.Count < q.most
		}
		return nil
	}
	// Most of a flood ends here, without a write.
	if err := s.store.View(ctx, look); err != nil || !free {
		return false, err
	}
	err := s.store.Update(ctx, func(tx store.Tx) error {
		free = true
		if err := look(tx); err != nil || !free {
			return err
		}
		return s.count(ctx, tx, quotas)
	})
	return free && err == nil, err
}

func (s *Service) count(ctx context.Context, tx store.Tx, quotas []quota) error {
	now := s.clock()
	for _, q := range quotas {
		used, err := s.usedOf(ctx, tx, q)
		if err != nil {
			return err
		}
		if used.Count == 0 {
			used.Until = now.Add(q.window).UnixMilli()
		}
		used.Count++
		used.Last = now.UnixMilli()
		doc, err := json.Marshal(used)
		if err != nil {
			return err
		}
		if err := tx.PutRecord(ctx, store.Record{Kind: kindThrottle, Owner: quotaOwner, Key: q.key, At: used.Until, Doc: doc}); err != nil {
			return err
		}
	}
	_, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindThrottle, Any: true, To: now.UnixMilli()})
	return err
}

// usedOf reads a counter; one whose window is over counts from zero.
func (s *Service) usedOf(ctx context.Context, r store.Reader, q quota) (failures, error) {
	rec, err := r.Record(ctx, kindThrottle, quotaOwner, q.key)
	if isNotFound(err) {
		return failures{}, nil
	}
	if err != nil {
		return failures{}, err
	}
	var used failures
	if err := json.Unmarshal(rec.Doc, &used); err != nil {
		return failures{}, entity.Internal(err)
	}
	if s.clock().UnixMilli() >= used.Until {
		return failures{}, nil
	}
	return used, nil
}
