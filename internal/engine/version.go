package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Versions returns all states of an entity, newest first, the current one among
// them.
func (e *Engine) Versions(ctx context.Context, by entity.Principal, t *registry.Type, id entity.ID, v View) ([]*entity.Entity, error) {
	return e.history(ctx, by, t, id, v, func(r store.Reader, row store.Row) ([]store.Row, error) {
		docs, err := r.Versions(ctx, row.ID)
		if err != nil {
			return nil, err
		}
		rows := make([]store.Row, 0, len(docs)+1)
		rows = append(rows, row)
		for _, doc := range docs {
			earlier := row
			earlier.Doc = doc
			rows = append(rows, earlier)
		}
		return rows, nil
	})
}

// Version returns one state of an entity.
func (e *Engine) Version(ctx context.Context, by entity.Principal, t *registry.Type, id entity.ID, number entity.Version, v View) (*entity.Entity, error) {
	ents, err := e.history(ctx, by, t, id, v, func(r store.Reader, row store.Row) ([]store.Row, error) {
		if row.Version != number {
			doc, err := r.Version(ctx, row.ID, number)
			if err != nil && entity.KindOf(err) == entity.KindNotFound {
				return nil, entity.NotFound(t.Name, id.String()+" version "+number.String())
			}
			if err != nil {
				return nil, err
			}
			row.Doc = doc
		}
		return []store.Row{row}, nil
	})
	if err != nil {
		return nil, err
	}
	return ents[0], nil
}

func (e *Engine) history(ctx context.Context, by entity.Principal, t *registry.Type, id entity.ID, v View,
	states func(store.Reader, store.Row) ([]store.Row, error)) ([]*entity.Entity, error) {
	v.whole, v.Include, v.reveal = true, store.All, false
	var ents []*entity.Entity
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		row, err := e.find(ctx, r, t, ByID(id))
		if err != nil {
			return err
		}
		l := e.newLookup(r, generation, true)
		current, err := decodeDoc(row.Doc)
		if err != nil {
			return err
		}
		if err := e.authorizeIn(ctx, r, l, by, t, current, row.Parent, policy.ViewBasic); err != nil {
			return err
		}
		rows, err := states(r, row)
		if err != nil {
			return err
		}
		ents, err = e.hydrate(ctx, r, l, t, rows, v)
		return err
	})
	return ents, err
}
