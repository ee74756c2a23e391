package lineage

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// FailingResult is what of the lineage above an entity fails its tests, and the
// edges along which that reaches the entity.
type FailingResult struct {
	Nodes []jsontext.Value `json:"nodes"`
	Edges []SearchEdge     `json:"edges"`
}

// Failing returns the entities up to the given number of edges upstream, the entity
// itself among them, that have a test whose newest result is a failure.
func (s *Service) Failing(ctx context.Context, by entity.Principal, req SearchRequest) (FailingResult, error) {
	out := FailingResult{Nodes: []jsontext.Value{}, Edges: []SearchEdge{}}
	f, err := s.find(ctx, by, req)
	if err != nil {
		return out, err
	}
	var failing map[entity.ID]bool
	err = s.engine.Store().View(ctx, func(r store.Reader) error {
		failing, err = s.failing(ctx, r, by, f.g.all())
		return err
	})
	if err != nil {
		return out, err
	}
	var ids []entity.ID
	reached := map[entity.ID]bool{}
	for _, id := range f.g.all() {
		if failing[id] {
			ids = append(ids, id)
			reached[id] = true
		}
	}
	loaded, err := s.load(ctx, ids)
	if err != nil {
		return out, err
	}
	for _, l := range loaded {
		shown, err := document(l, req.Fields)
		if err != nil {
			return out, err
		}
		out.Nodes = append(out.Nodes, shown)
	}
	for _, rel := range flow(f.g.upstream, reached) {
		out.Edges = append(out.Edges, searchEdge(rel, f))
	}
	return out, nil
}

// flow returns the edges that can be reached from a set of nodes going downstream.
func flow(edges []store.Relation, reached map[entity.ID]bool) []store.Relation {
	from := map[entity.ID][]store.Relation{}
	for _, rel := range edges {
		from[rel.From] = append(from[rel.From], rel)
	}
	var frontier []entity.ID
	for id := range reached {
		frontier = append(frontier, id)
	}
	taken := map[[2]entity.ID]bool{}
	for len(frontier) > 0 {
		id := frontier[len(frontier)-1]
		frontier = frontier[:len(frontier)-1]
		for _, rel := range from[id] {
			taken[[2]entity.ID{rel.From, rel.To}] = true
			if !reached[rel.To] {
				reached[rel.To] = true
				frontier = append(frontier, rel.To)
			}
		}
	}
	var out []store.Relation
	for _, rel := range edges {
		if taken[[2]entity.ID{rel.From, rel.To}] {
			out = append(out, rel)
		}
	}
	return out
}

// maxTests bounds how many tests of the entities of one answer are looked at.
const maxTests = 100_000

// failing tells which of the tables have a failing test that the caller may see: in a
// number of statements that grows with their hundreds only.
func (s *Service) failing(ctx context.Context, r store.Reader, by entity.Principal, tables []entity.ID) (map[entity.ID]bool, error) {
	suites, err := r.Children(ctx, tables, "testSuite", maxTests)
	if err != nil {
		return nil, err
	}
	tableOf := make(map[entity.ID]entity.ID, len(suites))
	ids := make([]entity.ID, 0, len(suites))
	for _, suite := range suites {
		if !suite.Deleted {
			tableOf[suite.ID] = suite.Parent
			ids = append(ids, suite.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	cases, err := r.Children(ctx, ids, "testCase", maxTests)
	if err != nil {
		return nil, err
	}
	owner := make(map[string]entity.ID, len(cases))
	refs := make([]entity.Ref, 0, len(cases))
	for _, test := range cases {
		if !test.Deleted {
			owner[test.ID.String()] = tableOf[test.Parent]
			refs = append(refs, entity.Ref{ID: test.ID, Type: "testCase"})
		}
	}
	v := s.engine.Viewer(by, policy.ViewTests)
	if err := v.Look(ctx, r, refs...); err != nil {
		return nil, err
	}
	var seen []string
	for _, ref := range refs {
		if v.Sees(ref.ID) {
			seen = append(seen, ref.ID.String())
		}
	}
	latest, err := r.RecordsOf(ctx, engine.LatestResultKind(), "", seen)
	if err != nil {
		return nil, err
	}
	out := map[entity.ID]bool{}
	for _, rec := range latest {
		var result struct {
			Status string `json:"testCaseStatus"`
		}
		if err := json.Unmarshal(rec.Doc, &result); err != nil {
			return nil, entity.Internal(err)
		}
		if result.Status == "Failed" {
			out[owner[rec.Owner]] = true
		}
	}
	return out, nil
}
