package notify

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// leaseFor is how long one process is the one that sends without saying so again.
const leaseFor = 15 * time.Second

// lease says which process sends, and until when. Processes that share data run on one
// host and by one clock.
type lease struct {
	Holder string `json:"holder"`
	Until  int64  `json:"until"` // milliseconds since 1970
}

func readLease(ctx context.Context, r store.Reader) (lease, error) {
	var l lease
	rec, err := r.Record(ctx, leaseKind, "", "")
	if entity.KindOf(err) == entity.KindNotFound && err != nil {
		return l, nil
	}
	if err == nil && json.Unmarshal(rec.Doc, &l) != nil {
		return lease{}, nil // of an unknown form: taken over
	}
	return l, err
}

// lead takes the lease, or renews it in good time.
func (s *Service) lead(ctx context.Context) (bool, error) {
	now := s.clock().UnixMilli()
	var held lease
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		var err error
		held, err = readLease(ctx, r)
		return err
	})
	if err != nil || held.Holder != s.holder && held.Until > now {
		return false, err
	}
	if held.Holder == s.holder && held.Until > now+(2*leaseFor/3).Milliseconds() {
		return true, nil
	}
	taken := false
	err = s.engine.Store().Update(ctx, func(tx store.Tx) error {
		held, err := readLease(ctx, tx)
		if err != nil {
			return err
		}
		if taken = held.Holder == s.holder || held.Until <= now; !taken {
			return nil
		}
		doc, err := json.Marshal(lease{Holder: s.holder, Until: now + leaseFor.Milliseconds()})
		if err != nil {
			return entity.Internal(err)
		}
		return tx.PutRecord(ctx, store.Record{Kind: leaseKind, At: now, Doc: doc})
	})
	if err == nil && taken {
		s.reload() // others may have been at work
	}
	return taken, err
}

// still refuses to go on when another process has taken over.
func (s *Service) still(ctx context.Context, tx store.Tx) error {
	if !s.shared {
		return nil
	}
	held, err := readLease(ctx, tx)
	if err == nil && held.Holder != s.holder {
		err = errOvertaken
	}
	return err
}
