package lineage

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// ImpactRequest asks for what is within NodeDepth edges of an entity, page by page:
// Up or Down of the SearchRequest say which way.
type ImpactRequest struct {
	SearchRequest
	From, Size int
}

// Impact returns a page of what a walk meets, the nearest first, the entity itself
// before all. It is in every answer; so are the edges that lead to the page.
func (s *Service) Impact(ctx context.Context, by entity.Principal, req ImpactRequest) (SearchResult, error) {
	f, err := s.find(ctx, by, req.SearchRequest)
	if err != nil {
		return SearchResult{}, err
	}
	page, up, down := f.page(req)
	return s.show(ctx, f, req.Fields, page, up, down)
}

// page returns the entities of a page of what was found, and the edges that lead to
// them.
func (f *found) page(req ImpactRequest) (page []entity.ID, up, down []store.Relation) {
	all := f.g.all()
	from := min(req.From, len(all))
	page = all[from:min(from+req.Size, len(all))]
	shown := make(map[entity.ID]bool, len(page)+1)
	for _, id := range page {
		shown[id] = true
	}
	leading := func(relations []store.Relation, end func(store.Relation) entity.Ref) []store.Relation {
		return slices.DeleteFunc(relations, func(rel store.Relation) bool { return !shown[end(rel).ID] })
	}
	up, down = leading(f.g.upstream, source), leading(f.g.downstream, target)
	if !shown[f.g.root] {
		page = append([]entity.ID{f.g.root}, page...)
	}
	return page, up, down
}
