package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Farewell ends what somebody can call with. It runs in the transaction that takes
// the account away, so that no crash in between leaves a way in, and whoever brings
// the account back does not bring back credentials that were given up with it.
type Farewell func(ctx context.Context, tx store.Tx, by entity.Principal, user entity.ID) error

// UseFarewell has it said to users who are deleted, and to those whose bot is, or
// gets another user. Without one nothing is said. Call it at start only.
func (e *Engine) UseFarewell(f Farewell) { e.farewell = f }

// dismiss says farewell to the account that goes with the old state, if one does.
func (w *write) dismiss(ctx context.Context) error {
	if w.t.Name == "user" && w.e.farewell != nil {
		return w.e.farewell(ctx, w.tx, w.by, w.old.ID)
	}
	return w.dismissUser(ctx, nil)
}

// dismissUser says farewell to the user of a bot, unless its next state, if there is
// one, has the same.
func (w *write) dismissUser(ctx context.Context, next *entity.Entity) error {
	if w.t.Name != "bot" || w.e.farewell == nil {
		return nil
	}
	former, err := refsOf(w.old.Rest["botUser"])
	if err != nil {
		return entity.Internal(err)
	}
	if next != nil {
		present, err := refsOf(next.Rest["botUser"])
		if err != nil {
			return entity.Internal(err)
		}
		former = refsMinus(former, present)
	}
	for _, ref := range former {
		if err := w.e.farewell(ctx, w.tx, w.by, ref.ID); err != nil {
			return err
		}
	}
	return nil
}
