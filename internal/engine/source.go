package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Loaded is an entity with everything the index wants to know of it.
type Loaded struct {
	Type   string
	Entity *entity.Entity
}

// Load returns the entities with the ids, whatever their types, deleted ones
// among them, with the fields that search shows and secrets masked. Ids that are
// gone are left out.
func (e *Engine) Load(ctx context.Context, ids []entity.ID) ([]Loaded, error) {
	var out []Loaded
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		rows, err := r.Entities(ctx, ids)
		if err != nil {
			return err
		}
		byType := map[string][]store.Row{}
		for _, row := range rows {
			byType[row.Type] = append(byType[row.Type], row)
		}
		l := e.newLookup(r, generation, true)
		for typ, rows := range byType {
			s := e.shapes[typ]
			if s == nil {
				continue
			}
			fields := Fields{names: map[string]bool{"followers": true, "votes": true, "owners": true, "tags": true, "usageSummary": true}}
			ents, err := e.hydrate(ctx, r, l, s.t, rows, View{Fields: fields, Include: store.All, whole: true})
			if err != nil {
				return err
			}
			for _, ent := range ents {
				out = append(out, Loaded{Type: typ, Entity: ent})
			}
		}
		return nil
	})
	return out, err
}
