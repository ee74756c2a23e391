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

// exportHeader names the columns of an export.
func exportHeader() []string {
	return []string{
		"fromEntityFQN", "fromServiceName", "fromServiceType", "fromOwners", "fromDomain",
		"toEntityFQN", "toServiceName", "toServiceType", "toOwners", "toDomain",
		"fromChildEntityFQN", "toChildEntityFQN", "pipelineName", "pipelineDisplayName", "pipelineType", "pipelineDescription",
		"pipelineOwners", "pipelineDomain", "pipelineServiceName", "pipelineServiceType",
	}
}

// Export returns the edges around an entity as the records of a table: one for the
// headers, one for each edge, and one for each column that its details speak of.
func (s *Service) Export(ctx context.Context, by entity.Principal, req SearchRequest) ([][]string, error) {
	f, err := s.find(ctx, by, req)
	if err != nil {
		return nil, err
	}
	return s.records(ctx, f, f.g.edges())
}

// ExportImpact returns the edges that lead to a page of what Impact finds, in the same
// form.
func (s *Service) ExportImpact(ctx context.Context, by entity.Principal, req ImpactRequest) ([][]string, error) {
	f, err := s.find(ctx, by, req.SearchRequest)
	if err != nil {
		return nil, err
	}
	_, up, down := f.page(req)
	return s.records(ctx, f, append(up, down...))
}

// Check tells whether the entity is there that a request is about, and the caller may
// see it.
func (s *Service) Check(ctx context.Context, by entity.Principal, req SearchRequest) error {
	return s.engine.Store().View(ctx, func(r store.Reader) error {
		_, err := s.root(ctx, r, by, req)
		return err
	})
}

func (s *Service) records(ctx context.Context, f *found, edges []store.Relation) ([][]string, error) {
	var ids []entity.ID
	for _, rel := range edges {
		ids = append(ids, rel.From, rel.To)
		if p := f.details[[2]entity.ID{rel.From, rel.To}].Pipeline; p != nil {
			ids = append(ids, p.ID)
		}
	}
	slices.SortFunc(ids, func(a, b entity.ID) int { return slices.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	loaded, err := s.load(ctx, ids)
	if err != nil {
		return nil, err
	}
	ends, pipelines := make(map[entity.ID][]string, len(loaded)), map[entity.ID][]string{}
	for _, l := range loaded {
		ends[l.Entity.ID] = exportEnd(l)
		if slices.Contains(pipelineTypes, l.Type) {
			pipelines[l.Entity.ID] = exportPipeline(l)
		}
	}
	lines := [][]string{exportHeader()}
	for _, rel := range edges {
		lines = append(lines, exportEdge(rel, f.details[[2]entity.ID{rel.From, rel.To}], ends, pipelines)...)
	}
	return lines, nil
}

// exportPipeline returns the columns about what moves the data.
func exportPipeline(l engine.Loaded) []string {
	end := exportEnd(l)
	return []string{end[0], l.Entity.DisplayName, l.Type, l.Entity.Description, end[3], end[4], end[1], end[2]}
}

// exportEnd returns the columns about one end.
func exportEnd(l engine.Loaded) []string {
	var service entity.Ref
	if raw := l.Entity.Rest["service"]; raw != nil {
		if err := json.Unmarshal(raw, &service); err != nil {
			service = entity.Ref{}
		}
	}
	var serviceType string
	if raw := l.Entity.Rest["serviceType"]; raw != nil {
		if err := json.Unmarshal(raw, &serviceType); err != nil {
			serviceType = ""
		}
	}
	return []string{l.Entity.FullyQualifiedName, service.Name, serviceType, names(l.Entity.Owners), names(l.Entity.Domains)}
}

func names(refs []entity.Ref) string {
	out := make([]string, len(refs))
	for i, ref := range refs {
		out[i] = ref.FullyQualifiedName
	}
	return strings.Join(out, ";")
}

func exportEdge(rel store.Relation, d *Details, ends, pipelines map[entity.ID][]string) [][]string {
	pipeline := make([]string, 8)
	if d.Pipeline != nil && pipelines[d.Pipeline.ID] != nil {
		pipeline = pipelines[d.Pipeline.ID]
	}
	line := func(from, to string) []string {
		out := append(append([]string{}, ends[rel.From]...), ends[rel.To]...)
		return append(append(out, from, to), pipeline...)
	}
	lines := [][]string{line("", "")}
	for _, column := range d.ColumnsLineage {
		for _, from := range column.FromColumns {
			lines = append(lines, line(from, column.ToColumn))
		}
	}
	return lines
}
