package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Ensure creates what is missing, in one transaction, and leaves alone whatever
// has its name already, deleted or not. The bodies are create requests, or with
// whole set entity documents, which may have members that requests have not.
func (e *Engine) Ensure(ctx context.Context, t *registry.Type, bodies [][]byte, whole bool) (int, error) {
	s := e.shapeOf(t)
	for _, body := range bodies {
		if whole || t.Create == "" {
			continue
		}
		if err := e.schemas.Validate(t.Create, body); err != nil {
			return 0, err
		}
	}
	created := 0
	err := e.store.Update(ctx, func(tx store.Tx) error {
		created = 0
		look := e.newLookup(tx, 0, false)
		for _, body := range bodies {
			in, err := s.parse(body)
			if err != nil {
				return err
			}
			w := &write{e: e, s: s, t: t, by: entity.System(), method: methodInternal, in: in, tx: tx, look: look}
			made, err := w.ensure(ctx)
			if err != nil {
				return err
			}
			if made {
				created++
			}
		}
		return nil
	})
	return created, err
}

func (w *write) ensure(ctx context.Context) (bool, error) {
	if err := w.complete(ctx); err != nil {
		return false, err
	}
	if err := w.place(ctx); err != nil {
		return false, err
	}
	_, err := w.tx.EntityByFQN(ctx, store.Key{Type: w.t.Name, FQN: w.in.ent.FullyQualifiedName})
	if err == nil {
		return false, nil
	}
	if entity.KindOf(err) != entity.KindNotFound {
		return false, err
	}
	return true, w.create(ctx)
}
