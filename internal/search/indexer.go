package search

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Outbox is what the indexer reads of the store: the events after a position,
// in order, and the newest position.
type Outbox interface {
	View(ctx context.Context, fn func(store.Reader) error) error
}

// Loaded is an entity with its references and tags filled in.
type Loaded struct {
	Type   string
	Entity *entity.Entity
}

// Source loads entities for indexing; ids that are gone are left out. The
// engine implements it.
type Source interface {
	Load(ctx context.Context, ids []entity.ID) ([]Loaded, error)
}
