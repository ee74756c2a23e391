package lineage

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// SearchRequest asks for the lineage around an entity in the form that the user
// interface draws.
type SearchRequest struct {
	Type           string // "" finds the type by the name
	FQN            string
	Up, Down       int
	IncludeDeleted bool
	Fields         []string // members of entities to show; empty shows all
	// Match tells which entities are asked for; nil is all of them. What lies between
	// the root and one of them stays if PreservePaths is set.
	Match         func(engine.Loaded) (bool, error)
	PreservePaths bool
	Columns       *ColumnFilter // nil is no filter
}

// SearchResult is lineage with whole entities, by name, and edges by the names
// of their ends.
type SearchResult struct {
	Nodes           map[string]Node       `json:"nodes"`
	UpstreamEdges   map[string]SearchEdge `json:"upstreamEdges"`
	DownstreamEdges map[string]SearchEdge `json:"downstreamEdges"`
}

// Node is an entity, how far from the root it is, and how many neighbours it has.
type Node struct {
	Entity    jsontext.Value `json:"entity"`
	Paging    NodePaging     `json:"paging"`
	NodeDepth int            `json:"nodeDepth"`
}

// NodePaging counts the direct neighbours of a node.
type NodePaging struct {
	EntityUpstreamCount   int `json:"entityUpstreamCount"`
	EntityDownstreamCount int `json:"entityDownstreamCount"`
}

// SearchEdge is one edge of a SearchResult.
type SearchEdge struct {
	FromEntity         EdgeEnd         `json:"fromEntity"`
	ToEntity           EdgeEnd         `json:"toEntity"`
	Pipeline           *entity.Ref     `json:"pipeline,omitzero"`
	PipelineEntityType string          `json:"pipelineEntityType,omitzero"`
	SQLQuery           string          `json:"sqlQuery,omitzero"`
	Columns            []ColumnLineage `json:"columns,omitzero"`
	Description        string          `json:"description,omitzero"`
	Source             string          `json:"source,omitzero"`
	DocID              string          `json:"docId"`
	DocUniqueID        string          `json:"docUniqueId"`
	CreatedAt          int64           `json:"createdAt,omitzero"`
	CreatedBy          string          `json:"createdBy,omitzero"`
	UpdatedAt          int64           `json:"updatedAt,omitzero"`
	UpdatedBy          string          `json:"updatedBy,omitzero"`
	AssetEdges         int64           `json:"assetEdges,omitzero"`
}

// EdgeEnd names an end of a SearchEdge.
type EdgeEnd struct {
	ID   entity.ID `json:"id"`
	Type string    `json:"type"`
	FQN  string    `json:"fullyQualifiedName"`
}

// Search returns the lineage around an entity with whole entities as nodes.
func (s *Service) Search(ctx context.Context, by entity.Principal, req SearchRequest) (SearchResult, error) {
	f, err := s.find(ctx, by, req)
	if err != nil {
		return SearchResult{}, err
	}
	return s.show(ctx, f, req.Fields, f.g.all(), f.g.upstream, f.g.downstream)
}

// show gives nodes and edges of a graph the form of the user interface.
func (s *Service) show(ctx context.Context, f *found, fields []string, nodes []entity.ID, up, down []store.Relation) (SearchResult, error) {
	loaded, err := s.load(ctx, nodes)
	if err != nil {
		return SearchResult{}, err
	}
	out := SearchResult{Nodes: make(map[string]Node, len(loaded)), UpstreamEdges: searchEdges(up, f), DownstreamEdges: searchEdges(down, f)}
	for _, l := range loaded {
		shown, err := document(l, fields)
		if err != nil {
			return SearchResult{}, err
		}
		out.Nodes[l.Entity.FullyQualifiedName] = Node{Entity: shown, NodeDepth: f.g.depth(l.Entity.ID), Paging: f.paging[l.Entity.ID]}
	}
	return out, nil
}

// found is a graph with what is known of its nodes and edges.
type found struct {
	g       *graph
	details edgeDetails
	refs    map[entity.ID]entity.Ref
	paging  map[entity.ID]NodePaging
}

// find walks the graph that a request asks for.
func (s *Service) find(ctx context.Context, by entity.Principal, req SearchRequest) (*found, error) {
	f := &found{}
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		root, err := s.root(ctx, r, by, req)
		if err != nil {
			return err
		}
		if f.g, err = walk(ctx, r, s.engine.Viewer(by), root.ID, req.Up, req.Down); err != nil {
			return err
		}
		if f.details, f.refs, err = s.resolve(ctx, r, f.g, ""); err != nil {
			return err
		}
		f.g.keep(func(id entity.ID) bool {
			ref, ok := f.refs[id]
			return ok && (req.IncludeDeleted || ref.Deleted == nil || !*ref.Deleted)
		})
		f.paging, err = neighbours(ctx, r, f.g)
		return err
	})
	if err == nil && req.Columns != nil {
		err = s.restrictColumns(ctx, f, req.Columns, req.PreservePaths)
	}
	if err == nil && req.Match != nil {
		err = s.restrict(ctx, f.g, req)
	}
	return f, err
}

// restrict leaves the nodes that the request asks for and, if it wants paths, those
// between the root and them.
func (s *Service) restrict(ctx context.Context, g *graph, req SearchRequest) error {
	loaded, err := s.load(ctx, g.nodes)
	if err != nil {
		return err
	}
	wanted := make(map[entity.ID]bool, len(loaded))
	for _, l := range loaded {
		if wanted[l.Entity.ID], err = req.Match(l); err != nil {
			return err
		}
	}
	if req.PreservePaths {
		g.addPaths(wanted)
	}
	g.keep(func(id entity.ID) bool { return wanted[id] })
	return nil
}

// addPaths adds to a set of nodes what lies between them and the root.
func (g *graph) addPaths(wanted map[entity.ID]bool) {
	// Edges come in the order of the walk: read backwards, the part of a path that is
	// further from the root comes first.
	for i := len(g.upstream) - 1; i >= 0; i-- {
		if rel := g.upstream[i]; wanted[rel.From] && g.above[rel.To] < g.above[rel.From] {
			wanted[rel.To] = true
		}
	}
	for i := len(g.downstream) - 1; i >= 0; i-- {
		if rel := g.downstream[i]; wanted[rel.To] && g.below[rel.From] < g.below[rel.To] {
			wanted[rel.From] = true
		}
	}
}

// root finds the entity in the middle. Without a type, one that has the name is
// taken, those first that lineage is mostly about.
func (s *Service) root(ctx context.Context, r store.Reader, by entity.Principal, req SearchRequest) (store.Row, error) {
	if req.Type != "" {
		return s.visible(ctx, r, by, End{Type: req.Type, Selector: engine.ByFQN(req.FQN)})
	}
	var keys []store.Key
	for _, t := range s.engine.Registry().All() {
		keys = append(keys, store.Key{Type: t.Name, FQN: entity.CanonicalFQN(req.FQN)})
	}
	rows, err := r.EntitiesByFQN(ctx, keys)
	if err != nil {
		return store.Row{}, err
	}
	if len(rows) == 0 {
		return store.Row{}, entity.NotFound("entity", req.FQN)
	}
	slices.SortFunc(rows, func(a, b store.Row) int {
		if d := rank(a.Type) - rank(b.Type); d != 0 {
			return d
		}
		return strings.Compare(a.Type, b.Type)
	})
	return s.visible(ctx, r, by, End{Type: rows[0].Type, Selector: engine.ByID(rows[0].ID)})
}

// rank orders types by how likely a name without a type means them.
func rank(typ string) int {
	for i, t := range []string{"table", "dashboardDataModel", "topic", "dashboard", "pipeline", "mlmodel", "container"} {
		if t == typ {
			return i
		}
	}
	return 100
}

// neighbours counts the edges at each node that the caller may see: two statements,
// and what the viewer needs.
func neighbours(ctx context.Context, r store.Reader, g *graph) (map[entity.ID]NodePaging, error) {
	ids := g.all()
	out := make(map[entity.ID]NodePaging, len(ids))
	down, err := r.RelationsFrom(ctx, ids, Relation)
	if err != nil {
		return nil, err
	}
	up, err := r.RelationsTo(ctx, ids, Relation)
	if err != nil {
		return nil, err
	}
	if err := g.viewer.Look(ctx, r, append(farEnds(down, target), farEnds(up, source)...)...); err != nil {
		return nil, err
	}
	for _, rel := range down {
		if g.viewer.Sees(rel.To) {
			p := out[rel.From]
			p.EntityDownstreamCount++
			out[rel.From] = p
		}
	}
	for _, rel := range up {
		if g.viewer.Sees(rel.From) {
			p := out[rel.To]
			p.EntityUpstreamCount++
			out[rel.To] = p
		}
	}
	return out, nil
}

// load reads whole entities, in batches.
func (s *Service) load(ctx context.Context, ids []entity.ID) ([]engine.Loaded, error) {
	var out []engine.Loaded
	for chunk := range slices.Chunk(ids, 500) {
		loaded, err := s.engine.Load(ctx, chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, loaded...)
	}
	return out, nil
}

// document returns an entity as the index shows it, restricted to the fields.
func document(l engine.Loaded, fields []string) (jsontext.Value, error) {
	raw, err := engine.Encode(l.Entity)
	if err != nil {
		return nil, entity.Internal(err)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, entity.Internal(err)
	}
	if len(fields) > 0 {
		keep := map[string]bool{"id": true, "name": true, "displayName": true, "fullyQualifiedName": true, "deleted": true}
		for _, field := range fields {
			keep[field] = true
		}
		for name := range members {
			if !keep[name] {
				delete(members, name)
			}
		}
	}
	members["entityType"], err = encode(l.Type)
	if err != nil {
		return nil, err
	}
	return encode(members)
}

// searchEdges gives edges the form of the user interface, by a name unique to
// the pair of ends.
func searchEdges(relations []store.Relation, f *found) map[string]SearchEdge {
	out := make(map[string]SearchEdge, len(relations))
	for _, rel := range relations {
		e := searchEdge(rel, f)
		out[e.DocUniqueID] = e
	}
	return out
}

func searchEdge(rel store.Relation, f *found) SearchEdge {
	d := f.details[[2]entity.ID{rel.From, rel.To}]
	e := between(f.refs[rel.From], f.refs[rel.To])
	e.Pipeline, e.SQLQuery, e.Columns, e.Description, e.Source = d.Pipeline, d.SQLQuery, d.ColumnsLineage, d.Description, d.Source
	e.CreatedAt, e.CreatedBy, e.UpdatedAt, e.UpdatedBy, e.AssetEdges = d.CreatedAt, d.CreatedBy, d.UpdatedAt, d.UpdatedBy, d.AssetEdges
	if d.Pipeline != nil {
		e.PipelineEntityType = d.Pipeline.Type
		e.DocUniqueID += "--->" + d.Pipeline.FullyQualifiedName
	}
	return e
}

// between is an edge with nothing but its ends.
func between(from, to entity.Ref) SearchEdge {
	return SearchEdge{
		FromEntity: EdgeEnd{ID: from.ID, Type: from.Type, FQN: from.FullyQualifiedName},
		ToEntity:   EdgeEnd{ID: to.ID, Type: to.Type, FQN: to.FullyQualifiedName},
		DocID:      from.ID.String() + "-" + to.ID.String(), DocUniqueID: from.FullyQualifiedName + "--->" + to.FullyQualifiedName,
	}
}

// PageInfo tells how many entities there are at each distance.
type PageInfo struct {
	TotalDownstreamEntities int         `json:"totalDownstreamEntities"`
	TotalUpstreamEntities   int         `json:"totalUpstreamEntities"`
	MaxDownstreamDepth      int         `json:"maxDownstreamDepth"`
	MaxUpstreamDepth        int         `json:"maxUpstreamDepth"`
	DownstreamDepthInfo     []DepthInfo `json:"downstreamDepthInfo"`
	UpstreamDepthInfo       []DepthInfo `json:"upstreamDepthInfo"`
}

// DepthInfo is the number of entities at one distance.
type DepthInfo struct {
	Depth       int `json:"depth"`
	EntityCount int `json:"entityCount"`
}

// Count returns how many entities there are at each distance; the entity in the
// middle is the one at distance 0.
func (s *Service) Count(ctx context.Context, by entity.Principal, req SearchRequest) (PageInfo, error) {
	f, err := s.find(ctx, by, req)
	if err != nil {
		return PageInfo{}, err
	}
	return f.g.pageInfo(), nil
}

func (g *graph) pageInfo() PageInfo {
	var out PageInfo
	out.UpstreamDepthInfo, out.TotalUpstreamEntities = g.depths(g.above)
	out.DownstreamDepthInfo, out.TotalDownstreamEntities = g.depths(g.below)
	out.MaxUpstreamDepth = out.UpstreamDepthInfo[len(out.UpstreamDepthInfo)-1].Depth
	out.MaxDownstreamDepth = out.DownstreamDepthInfo[len(out.DownstreamDepthInfo)-1].Depth
	return out
}

// depths counts the nodes at each distance one way.
func (g *graph) depths(distance map[entity.ID]int) ([]DepthInfo, int) {
	counts := [MaxDepth + 1]int{1}
	for _, id := range g.nodes {
		if d := distance[id]; d > 0 {
			counts[d]++
		}
	}
	var out []DepthInfo
	total := 0
	for depth, n := range counts {
		if n > 0 {
			out = append(out, DepthInfo{Depth: depth, EntityCount: n})
			total += n
		}
	}
	return out, total
}
