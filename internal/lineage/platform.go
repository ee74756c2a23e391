package lineage

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of the lineage of the whole catalog.
const (
	maxGroups = 5_000   // services, domains or data products
	maxScan   = 200_000 // edges that are summed up
)

// PlatformRequest asks how data flows between the groups that assets are in.
type PlatformRequest struct {
	View           string // service, domain or dataProduct
	IncludeDeleted bool
	Match          func(engine.Loaded) (bool, error) // which groups are asked for; nil is all of them
}

// groupTypes are the types of the groups of a view.
func (s *Service) groupTypes(view string) ([]string, error) {
	switch view {
	case "domain", "dataProduct":
		return []string{view}, nil
	case "service":
		var types []string
		for _, t := range s.engine.Registry().All() {
			if strings.HasSuffix(t.Name, "Service") {
				types = append(types, t.Name)
			}
		}
		return types, nil
	}
	return nil, entity.BadRequest("query param view must be one of [dataProduct, domain, service]")
}

// platform is the state of one sum.
type platform struct {
	s      *Service
	types  []string
	groups map[entity.ID]engine.Loaded
	within map[entity.ID][]entity.ID // the groups that an end of an edge is in
	sums   map[[2]entity.ID]int64    // edges from one group to another
}

// Platform returns all services, domains or data products that the caller sees. An
// edge leads from one to another if there are edges between what is in them;
// AssetEdges counts those whose ends the caller sees.
func (s *Service) Platform(ctx context.Context, by entity.Principal, req PlatformRequest) (SearchResult, error) {
	out := SearchResult{Nodes: map[string]Node{}, UpstreamEdges: map[string]SearchEdge{}, DownstreamEdges: map[string]SearchEdge{}}
	types, err := s.groupTypes(req.View)
	if err != nil {
		return out, err
	}
	p := &platform{
		s: s, types: types, groups: map[entity.ID]engine.Loaded{}, within: map[entity.ID][]entity.ID{}, sums: map[[2]entity.ID]int64{},
	}
	if err := p.readGroups(ctx, by, req); err != nil || len(p.groups) == 0 {
		return out, err
	}
	if err := p.sum(ctx, by); err != nil {
		return out, err
	}
	refs := make(map[entity.ID]entity.Ref, len(p.groups))
	for id, l := range p.groups {
		refs[id] = entity.Ref{ID: id, Type: l.Type, FullyQualifiedName: l.Entity.FullyQualifiedName}
		shown, err := document(l, nil)
		if err != nil {
			return out, err
		}
		out.Nodes[l.Entity.FullyQualifiedName] = Node{Entity: shown, Paging: p.paging(id)}
	}
	for ends, n := range p.sums {
		e := between(refs[ends[0]], refs[ends[1]])
		e.AssetEdges, e.Source = n, "ChildAssets"
		out.UpstreamEdges[e.DocUniqueID] = e
	}
	return out, nil
}

func (p *platform) paging(id entity.ID) NodePaging {
	var paging NodePaging
	for ends := range p.sums {
		if ends[0] == id {
			paging.EntityDownstreamCount++
		}
		if ends[1] == id {
			paging.EntityUpstreamCount++
		}
	}
	return paging
}

// readGroups reads the groups that the caller sees and asks for.
func (p *platform) readGroups(ctx context.Context, by entity.Principal, req PlatformRequest) error {
	include := store.NonDeleted
	if req.IncludeDeleted {
		include = store.All
	}
	v := p.s.engine.Viewer(by)
	var ids []entity.ID
	err := p.s.engine.Store().View(ctx, func(r store.Reader) error {
		var refs []entity.Ref
		for _, typ := range p.types {
			rows, err := r.List(ctx, store.ListQuery{Type: typ, Include: include, Limit: maxGroups - len(refs)})
			if err != nil {
				return err
			}
			for _, row := range rows {
				refs = append(refs, entity.Ref{ID: row.ID, Type: typ})
			}
			if len(refs) >= maxGroups {
				break
			}
		}
		if err := v.Look(ctx, r, refs...); err != nil {
			return err
		}
		ids = nil
		for _, ref := range refs {
			if v.Sees(ref.ID) {
				ids = append(ids, ref.ID)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	loaded, err := p.s.load(ctx, ids)
	if err != nil {
		return err
	}
	for _, l := range loaded {
		if req.Match != nil {
			ok, err := req.Match(l)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
		}
		p.groups[l.Entity.ID] = l
	}
	return nil
}

// sum reads all edges, a thousand at a time, and adds them to those between groups.
func (p *platform) sum(ctx context.Context, by entity.Principal) error {
	v := p.s.engine.Viewer(by)
	after := store.Relation{}
	for read := 0; read < maxScan; {
		var page []store.Relation
		err := p.s.engine.Store().View(ctx, func(r store.Reader) error {
			var err error
			if page, err = r.RelationsOf(ctx, Relation, after, 1000); err != nil || len(page) == 0 {
				return err
			}
			return v.Look(ctx, r, append(farEnds(page, source), farEnds(page, target)...)...)
		})
		if err != nil || len(page) == 0 {
			return err
		}
		after, read = page[len(page)-1], read+len(page)
		page = slices.DeleteFunc(page, func(rel store.Relation) bool { return !v.Sees(rel.From) || !v.Sees(rel.To) })
		if err := p.place(ctx, page); err != nil {
			return err
		}
		for _, rel := range page {
			p.add(rel)
		}
	}
	return nil
}

func (p *platform) add(rel store.Relation) {
	for _, from := range p.within[rel.From] {
		for _, to := range p.within[rel.To] {
			if from != to {
				p.sums[[2]entity.ID{from, to}]++
			}
		}
	}
}

// place finds out which groups the ends of edges are in.
func (p *platform) place(ctx context.Context, edges []store.Relation) error {
	var want []entity.ID
	for _, rel := range edges {
		for _, id := range []entity.ID{rel.From, rel.To} {
			if _, ok := p.within[id]; !ok {
				p.within[id] = nil
				want = append(want, id)
			}
		}
	}
	loaded, err := p.s.load(ctx, want)
	if err != nil {
		return err
	}
	for _, l := range loaded {
		if l.Entity.IsDeleted() {
			continue
		}
		for _, id := range p.groupsOf(l) {
			if _, ok := p.groups[id]; ok {
				p.within[l.Entity.ID] = append(p.within[l.Entity.ID], id)
			}
		}
	}
	return nil
}

// groupsOf names the groups that an entity is in; one that is a group is in itself.
func (p *platform) groupsOf(l engine.Loaded) []entity.ID {
	if slices.Contains(p.types, l.Type) {
		return []entity.ID{l.Entity.ID}
	}
	refs := l.Entity.Domains
	switch p.types[0] {
	case "domain":
	case "dataProduct":
		refs = l.Entity.DataProducts
	default:
		var service entity.Ref
		if json.Unmarshal(l.Entity.Rest["service"], &service) != nil {
			return nil
		}
		refs = []entity.Ref{service}
	}
	ids := make([]entity.ID, len(refs))
	for i, ref := range refs {
		ids[i] = ref.ID
	}
	return ids
}
