package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Viewer tells which entities one caller may look at, for answers that show many:
// graphs, feeds, results. It belongs to one request.
type Viewer struct {
	e     *Engine
	by    entity.Principal
	ops   []policy.Operation
	known map[entity.ID]bool
}

// Viewer makes a viewer for operations that look; without any, for ViewBasic.
func (e *Engine) Viewer(by entity.Principal, ops ...policy.Operation) *Viewer {
	return &Viewer{e: e, by: by, ops: ops, known: map[entity.ID]bool{}}
}

// Look finds out about entities, in a number of statements that does not depend on
// how many there are. Where the type is known and decides, nothing is read; what
// is read and turns out to be gone is not seen.
func (v *Viewer) Look(ctx context.Context, r store.Reader, refs ...entity.Ref) error {
	var want []entity.ID
	for _, ref := range refs {
		if _, ok := v.known[ref.ID]; ok {
			continue
		}
		v.known[ref.ID] = false
		if ref.Type != "" {
			f, err := v.e.sightIn(ctx, r, v.by, ref.Type, v.ops...)
			if err != nil {
				return err
			}
			if f.Kind == policy.FilterAll || f.Kind == policy.FilterNone {
				v.known[ref.ID] = f.Kind == policy.FilterAll
				continue
			}
		}
		want = append(want, ref.ID)
	}
	if len(want) == 0 {
		return nil
	}
	rows, err := r.Entities(ctx, want)
	if err != nil {
		return err
	}
	seen, err := v.e.seen(ctx, r, v.e.newLookup(r, 0, false), v.by, rows, v.ops...)
	for _, row := range seen {
		v.known[row.ID] = true
	}
	return err
}

// Sees tells whether the caller may see an entity that Look was given.
func (v *Viewer) Sees(id entity.ID) bool { return v.known[id] }
