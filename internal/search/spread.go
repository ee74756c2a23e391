package search

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Reach is what an event changes beyond the document of its own entity.
type Reach struct {
	Below   bool     // of everything below the entity
	Related bool     // of everything that refers to the entity, or to what is below it
	Facts   []string // of whatever has one of these facts
}

// spread indexes again what the events reach: an owner given to a service becomes
// the owner of its tables.
func (x *Indexer) spread(ctx context.Context, events []store.Event) error {
	for _, event := range events {
		reach := x.source.Reach(event)
		if reach.Below || reach.Related {
			if err := x.spreadBelow(ctx, event.EntityID, reach); err != nil {
				return err
			}
		}
		if len(reach.Facts) > 0 {
			if err := x.spreadFacts(ctx, reach.Facts); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *Indexer) spreadBelow(ctx context.Context, id entity.ID, reach Reach) error {
	var reached []entity.ID
	err := x.outbox.View(ctx, func(r store.Reader) error {
		below, err := r.Descendants(ctx, id)
		if err != nil {
			return err
		}
		if reach.Below {
			reached = append(reached, below...)
		}
		if !reach.Related {
			return nil
		}
		for chunk := range slices.Chunk(append(below, id), rebuildPage) {
			relations, err := r.RelationsFrom(ctx, chunk)
			if err != nil {
				return err
			}
			for _, rel := range relations {
				reached = append(reached, rel.To)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(reached, func(a, b entity.ID) int { return slices.Compare(a[:], b[:]) })
	for chunk := range slices.Chunk(slices.Compact(reached), rebuildPage) {
		if err := x.write(ctx, chunk, x.Position()); err != nil {
			return err
		}
	}
	return nil
}

func (x *Indexer) spreadFacts(ctx context.Context, facts []string) error {
	req := Request{Visible: Facts{Any: facts}, Sort: []Sort{{Field: "_id"}}, Size: rebuildPage, NoSource: true}
	for {
		found, err := x.index.Search(ctx, req)
		if err != nil || len(found.Hits) == 0 {
			return err
		}
		ids := make([]entity.ID, len(found.Hits))
		for i, hit := range found.Hits {
			ids[i] = hit.ID
		}
		if err := x.write(ctx, ids, x.Position()); err != nil {
			return err
		}
		req.After = []string{ids[len(ids)-1].String()}
	}
}
