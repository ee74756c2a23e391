package sight

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Source gives the indexer the engine's entities; it implements search.Source.
type Source struct{ Engine *engine.Engine }

// Load implements search.Source.
func (s Source) Load(ctx context.Context, ids []entity.ID) ([]search.Loaded, error) {
	found, err := s.Engine.Load(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]search.Loaded, len(found))
	for i, f := range found {
		out[i] = search.Loaded(f)
	}
	return out, nil
}

// Reach implements search.Source.
func (s Source) Reach(event store.Event) search.Reach { return search.Reach(s.Engine.Reach(event)) }
