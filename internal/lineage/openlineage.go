package lineage

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// openLineageSource is what edges from OpenLineage events say they come from.
const openLineageSource = "OpenLineage"

// Limits of one call.
const (
	MaxRunEvents = 1000   // events of a batch
	maxRunEdges  = 10_000 // edges of one event
)

// OpenLineageSettings say what becomes of OpenLineage events.
type OpenLineageSettings struct {
	Enabled         bool              `json:"enabled"`
	AutoCreate      bool              `json:"autoCreateEntities"` // pipelines, and their service
	EventTypes      []string          `json:"eventTypeFilter"`    // those that count; none means COMPLETE
	PipelineService string            `json:"defaultPipelineService"`
	Services        map[string]string `json:"namespaceToServiceMapping"` // service by namespace of datasets
}

// counts tells whether events of a type are taken up.
func (s *OpenLineageSettings) counts(eventType string) bool {
	if len(s.EventTypes) == 0 {
		return eventType == "COMPLETE"
	}
	return slices.Contains(s.EventTypes, eventType)
}

// RunEvent is what Catalpa reads of an OpenLineage run event: which job read and
// wrote which datasets. The specification is that of openlineage.io, version 2.
type RunEvent struct {
	Type string `json:"eventType"`
	Job  struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
		Facets    struct {
			SQL struct {
				Query string `json:"query"`
			} `json:"sql"`
		} `json:"facets"`
	} `json:"job"`
	Inputs  []Dataset `json:"inputs"`
	Outputs []Dataset `json:"outputs"`
}

// Dataset is a dataset as jobs call it.
type Dataset struct {
	datasetName
	Facets struct {
		Symlinks struct {
			Identifiers []datasetName `json:"identifiers"`
		} `json:"symlinks"`
		Columns struct {
			Fields map[string]struct {
				Inputs []struct {
					datasetName
					Field string `json:"field"`
				} `json:"inputFields"`
			} `json:"fields"`
		} `json:"columnLineage"`
	} `json:"facets"`
}

// RunOutcome is what became of one event.
type RunOutcome struct {
	Skipped bool    // its type does not count
	Edges   int     // how many edges are as the event says
	Errs    []error // what of it could not be taken up
}

// Observe takes up one event: each input is upstream of each output, by way of the
// job's pipeline. A job that only reads or only writes is joined to its pipeline.
// What cannot be found, or may not be changed by the caller, is told in the
// outcome and keeps nothing else back; the error is for failures of the server.
func (s *Service) Observe(ctx context.Context, by entity.Principal, settings OpenLineageSettings, event RunEvent) (RunOutcome, error) {
	if !settings.counts(event.Type) {
		return RunOutcome{Skipped: true}, nil
	}
	o := observation{s: s, by: by, settings: settings, event: event, known: map[datasetName]*asset{}}
	if err := o.run(ctx); err != nil {
		return RunOutcome{}, err
	}
	return o.outcome, nil
}

// observation is one event on its way to edges.
type observation struct {
	s        *Service
	by       entity.Principal
	settings OpenLineageSettings
	event    RunEvent
	known    map[datasetName]*asset
	pipeline *entity.Ref
	outcome  RunOutcome
}

// fail notes an error of the event; one of the server ends the call.
func (o *observation) fail(err error) error {
	switch entity.KindOf(err) {
	case entity.KindInternal, entity.KindUnavailable:
		return err
	}
	o.outcome.Errs = append(o.outcome.Errs, err)
	return nil
}

func (o *observation) run(ctx context.Context) error {
	if len(o.event.Inputs)*len(o.event.Outputs) > maxRunEdges {
		return o.fail(entity.BadRequest("the event has more than %d pairs of inputs and outputs", maxRunEdges))
	}
	inputs, err := o.assets(ctx, o.event.Inputs)
	if err != nil {
		return err
	}
	outputs, err := o.assets(ctx, o.event.Outputs)
	if err != nil {
		return err
	}
	if len(inputs)+len(outputs) == 0 {
		return nil
	}
	if err := o.findPipeline(ctx); err != nil {
		if err := o.fail(err); err != nil {
			return err
		}
	}
	switch {
	case len(o.event.Outputs) == 0:
		return o.joinPipeline(ctx, inputs, true)
	case len(o.event.Inputs) == 0:
		return o.joinPipeline(ctx, outputs, false)
	}
	for _, output := range outputs {
		for _, input := range inputs {
			details := Details{
				Source: openLineageSource, SQLQuery: o.event.Job.Facets.SQL.Query, Pipeline: o.pipeline, ColumnsLineage: o.columns(input, output),
			}
			if err := o.join(ctx, input.ref, output.ref, details); err != nil {
				return err
			}
		}
	}
	return nil
}

// assets finds the datasets that are in the catalog.
func (o *observation) assets(ctx context.Context, datasets []Dataset) ([]*asset, error) {
	var out []*asset
	for i := range datasets {
		found, err := o.find(ctx, &datasets[i])
		if err != nil {
			if err := o.fail(err); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, found)
	}
	return out, nil
}

// joinPipeline draws edges between datasets and the pipeline itself.
func (o *observation) joinPipeline(ctx context.Context, assets []*asset, reads bool) error {
	if o.pipeline == nil {
		return nil
	}
	for _, a := range assets {
		from, to := *o.pipeline, a.ref
		if reads {
			from, to = a.ref, *o.pipeline
		}
		if err := o.join(ctx, from, to, Details{Source: openLineageSource, SQLQuery: o.event.Job.Facets.SQL.Query}); err != nil {
			return err
		}
	}
	return nil
}

func (o *observation) join(ctx context.Context, from, to entity.Ref, details Details) error {
	if from.ID == to.ID {
		return nil // a job that changes a table in place
	}
	body, err := encode(map[string]any{"edge": map[string]any{"fromEntity": from.Bare(), "toEntity": to.Bare(), "lineageDetails": details}})
	if err != nil {
		return err
	}
	if err := o.s.Put(ctx, o.by, body); err != nil {
		return o.fail(err)
	}
	o.outcome.Edges++
	return nil
}

// columns translates the column lineage of an output as far as it comes from one
// input. Columns that the catalog does not know are left out.
func (o *observation) columns(input, output *asset) []ColumnLineage {
	var out []ColumnLineage
	for column, field := range output.dataset.Facets.Columns.Fields {
		line := ColumnLineage{ToColumn: output.columns[strings.ToLower(column)]}
		for _, in := range field.Inputs {
			if o.known[in.datasetName] != input {
				continue
			}
			if from := input.columns[strings.ToLower(in.Field)]; from != "" && !slices.Contains(line.FromColumns, from) {
				line.FromColumns = append(line.FromColumns, from)
			}
		}
		if line.ToColumn != "" && len(line.FromColumns) > 0 {
			slices.Sort(line.FromColumns)
			out = append(out, line)
		}
	}
	slices.SortFunc(out, func(a, b ColumnLineage) int { return strings.Compare(a.ToColumn, b.ToColumn) })
	return out
}

// findPipeline finds the pipeline that stands for the job, and makes it where the
// settings say so.
func (o *observation) findPipeline(ctx context.Context) error {
	service := o.settings.PipelineService
	if service == "" {
		service = "openlineage"
	}
	name := o.event.Job.Namespace + "-" + o.event.Job.Name
	pipelines, ok := o.s.engine.Registry().ByName("pipeline")
	services, also := o.s.engine.Registry().ByName("pipelineService")
	if !ok || !also {
		return nil
	}
	fqn := entity.BuildFQN(service, name)
	found, err := o.s.engine.Get(ctx, o.by, pipelines, engine.ByFQN(fqn), engine.View{})
	if err != nil && entity.KindOf(err) == entity.KindNotFound && o.settings.AutoCreate {
		if _, err := o.s.engine.Get(ctx, o.by, services, engine.ByFQN(entity.QuoteName(service)), engine.View{}); err != nil {
			if err := o.put(ctx, "pipelineService", map[string]any{"name": service, "serviceType": openLineageSource}, nil); err != nil {
				return err
			}
		}
		var made entity.Entity
		err = o.put(ctx, "pipeline", map[string]any{"name": name, "displayName": o.event.Job.Name, "service": entity.QuoteName(service)}, &made)
		found = &made
	}
	switch {
	case err == nil:
		o.pipeline = &entity.Ref{ID: found.ID, Type: "pipeline"}
		return nil
	case entity.KindOf(err) == entity.KindNotFound:
		return nil // edges do without
	}
	return err
}

// put creates or updates an entity of a type and returns it in made.
func (o *observation) put(ctx context.Context, typ string, request map[string]any, made *entity.Entity) error {
	t, _ := o.s.engine.Registry().ByName(typ)
	body, err := json.Marshal(request, json.Deterministic(true))
	if err != nil {
		return entity.Internal(err)
	}
	result, err := o.s.engine.Put(ctx, o.by, t, body, engine.View{})
	if err == nil && made != nil {
		*made = *result.Entity
	}
	return err
}
