package lineage

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Graph is the lineage around one entity.
type Graph struct {
	Entity          entity.Ref   `json:"entity"`
	Nodes           []entity.Ref `json:"nodes"`
	UpstreamEdges   []Edge       `json:"upstreamEdges"`
	DownstreamEdges []Edge       `json:"downstreamEdges"`
}

// Edge is one edge of a Graph.
type Edge struct {
	FromEntity entity.ID `json:"fromEntity"`
	ToEntity   entity.ID `json:"toEntity"`
	Details    *Details  `json:"lineageDetails,omitzero"`
}

// Graph returns what is up to the given numbers of edges up- and downstream of
// an entity. base is what hrefs begin with.
func (s *Service) Graph(ctx context.Context, by entity.Principal, end End, up, down int, base string) (Graph, error) {
	var out Graph
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		row, err := s.visible(ctx, r, by, end)
		if err != nil {
			return err
		}
		g, err := walk(ctx, r, s.engine.Viewer(by), row.ID, up, down)
		if err != nil {
			return err
		}
		decoded, refs, err := s.resolve(ctx, r, g, base)
		if err != nil {
			return err
		}
		out = Graph{Entity: refs[row.ID], Nodes: make([]entity.Ref, 0, len(g.nodes))}
		for _, id := range g.nodes {
			if ref, ok := refs[id]; ok {
				out.Nodes = append(out.Nodes, ref)
			}
		}
		out.UpstreamEdges = edgesOf(g.upstream, decoded)
		out.DownstreamEdges = edgesOf(g.downstream, decoded)
		return nil
	})
	return out, err
}

// visible finds an entity whose lineage the caller may see.
func (s *Service) visible(ctx context.Context, r store.Reader, by entity.Principal, end End) (store.Row, error) {
	t, ok := s.engine.Registry().ByName(end.Type)
	if !ok {
		return store.Row{}, entity.BadRequest("there is no entity type %q", entity.Shorten(end.Type, 60))
	}
	row, err := s.engine.RowFor(ctx, r, by, t, end.Selector, policy.ViewBasic)
	if err == nil && row.Deleted {
		err = entity.NotFound(end.Type, end.Selector.String())
	}
	return row, err
}

// row finds an entity without asking who may see it.
func (s *Service) row(ctx context.Context, r store.Reader, end End) (store.Row, error) {
	t, ok := s.engine.Registry().ByName(end.Type)
	if !ok {
		return store.Row{}, entity.BadRequest("there is no entity type %q", entity.Shorten(end.Type, 60))
	}
	return s.engine.Row(ctx, r, t, end.Selector)
}

// edgeDetails are decoded details by the ends of their edge.
type edgeDetails map[[2]entity.ID]*Details

// resolve decodes the details of all edges and gives the nodes, and the
// pipelines that the details name, their references in one batch.
func (s *Service) resolve(ctx context.Context, r store.Reader, g *graph, base string) (edgeDetails, map[entity.ID]entity.Ref, error) {
	decoded := edgeDetails{}
	ids := g.all()
	var pipelines []entity.Ref
	for _, rel := range g.edges() {
		d := new(Details)
		if err := decode(rel.Doc, d); err != nil {
			return nil, nil, err
		}
		decoded[[2]entity.ID{rel.From, rel.To}] = d
		if d.Pipeline != nil {
			pipelines = append(pipelines, *d.Pipeline)
		}
	}
	if err := g.viewer.Look(ctx, r, pipelines...); err != nil {
		return nil, nil, err
	}
	for _, pipeline := range pipelines {
		if g.viewer.Sees(pipeline.ID) {
			ids = append(ids, pipeline.ID)
		}
	}
	refs, err := s.engine.References(ctx, r, ids, base)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range decoded {
		d.name(refs)
	}
	return decoded, refs, nil
}

// name gives the pipeline its full reference; one that is gone is left out.
func (d *Details) name(refs map[entity.ID]entity.Ref) {
	if d.Pipeline == nil {
		return
	}
	if ref, ok := refs[d.Pipeline.ID]; ok {
		d.Pipeline = &ref
	} else {
		d.Pipeline = nil
	}
}

func edgesOf(relations []store.Relation, decoded edgeDetails) []Edge {
	out := make([]Edge, len(relations))
	for i, rel := range relations {
		out[i] = Edge{FromEntity: rel.From, ToEntity: rel.To, Details: decoded[[2]entity.ID{rel.From, rel.To}]}
	}
	return out
}

// Edge returns the details of the edge between two entities of any type. One
// that is not there is an error of entity.KindNotFound.
func (s *Service) Edge(ctx context.Context, by entity.Principal, from, to entity.ID) (Details, error) {
	var out Details
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		for _, id := range []entity.ID{from, to} {
			row, err := r.Entity(ctx, id)
			if err != nil && entity.KindOf(err) == entity.KindNotFound {
				return noEdge()
			}
			if err != nil {
				return err
			}
			t, ok := s.engine.Registry().ByName(row.Type)
			if !ok {
				return noEdge()
			}
			if _, err := s.engine.RowFor(ctx, r, by, t, engine.ByID(id), policy.ViewBasic); err != nil {
				return err
			}
		}
		var err error
		out, err = s.details(ctx, r, s.engine.Viewer(by), from, to)
		return err
	})
	return out, err
}

// details reads the details of an edge, with the full reference of its pipeline if
// the viewer sees that.
func (s *Service) details(ctx context.Context, r store.Reader, v viewer, from, to entity.ID) (Details, error) {
	var out Details
	found, err := readEdge(ctx, r, from, to)
	if err != nil {
		return out, err
	}
	if found == nil {
		return out, noEdge()
	}
	if err := decode(found.Doc, &out); err != nil || out.Pipeline == nil {
		return out, err
	}
	if err := v.Look(ctx, r, *out.Pipeline); err != nil {
		return Details{}, err
	}
	var shown []entity.ID
	if v.Sees(out.Pipeline.ID) {
		shown = append(shown, out.Pipeline.ID)
	}
	refs, err := s.engine.References(ctx, r, shown, "")
	out.name(refs)
	return out, err
}
