package api

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// ingestionRuns are the runs of an ingestion pipeline, by run id.
func ingestionRuns() timeseries.Series { return timeseries.Series{Kind: "pipelineStatus", Keep: 1000} }

const (
	runsField     = "pipelineStatuses" // the last run, in spite of the name
	runSchema     = "entity/services/ingestionPipelines/ingestionPipeline.json#/$defs/pipelineStatus"
	ingestionType = "ingestionPipeline"
)

// pipelineRoutes serve the runs of ingestion pipelines and of the pipelines that
// the catalog describes.
func (a *API) pipelineRoutes() []Route {
	const (
		base      = "/api/v1/services/ingestionPipelines"
		logs      = base + "/logs"
		pipelines = "/api/v1/pipelines"
	)
	var routes []Route
	add := func(method, path, typ string, handle func(*call, *registry.Type) error) *Route {
		routes = append(routes, Route{Method: method, Path: path, Access: Authenticated, Handle: a.typed(typ, handle)})
		return &routes[len(routes)-1]
	}
	add(http.MethodPut, base+"/{fqn}/pipelineStatus", ingestionType, (*call).putRun)
	add(http.MethodGet, base+"/{fqn}/pipelineStatus", ingestionType, (*call).listRuns)
	add(http.MethodGet, base+"/{fqn}/pipelineStatus/{runId}", ingestionType, (*call).getRun)
	add(http.MethodDelete, base+"/{id}/pipelineStatus", ingestionType, (*call).deleteRuns)
	add(http.MethodDelete, base+"/{id}/pipelineStatus/{runId}", ingestionType, (*call).deleteRun)
	add(http.MethodPost, base+"/toggleIngestion/{id}", ingestionType, (*call).toggleIngestion)

	add(http.MethodPost, base+"/deploy/{id}", ingestionType, unscheduled(policy.Deploy))
	add(http.MethodPost, base+"/trigger/{id}", ingestionType, unscheduled(policy.Trigger))
	add(http.MethodPost, base+"/kill/{id}", ingestionType, unscheduled(policy.Kill))
	add(http.MethodPost, base+"/bulk/deploy", ingestionType, unscheduled(policy.Deploy))
	add(http.MethodGet, base+"/status", ingestionType, unscheduled(policy.ViewBasic))
	add(http.MethodGet, base+"/ip", ingestionType, unscheduled(policy.ViewBasic))

	add(http.MethodPost, logs+"/{fqn}/{runId}", ingestionType, (*call).appendLog).MaxBody = maxLogBody
	add(http.MethodPost, logs+"/{fqn}/{runId}/close", ingestionType, (*call).closeLog).MaxBody = smallBody
	add(http.MethodGet, logs+"/{fqn}", ingestionType, (*call).listLogs)
	add(http.MethodGet, logs+"/{fqn}/{runId}", ingestionType, (*call).getLog)
	add(http.MethodGet, logs+"/{fqn}/stream/{runId}", ingestionType, (*call).streamLog)
	add(http.MethodGet, logs+"/{id}/last", ingestionType, (*call).lastLog)
	add(http.MethodGet, logs+"/{id}/last/download", ingestionType, (*call).downloadLog)

	add(http.MethodPut, pipelines+"/{fqn}/status", "pipeline", (*call).putExecution)
	add(http.MethodPut, pipelines+"/{fqn}/status/bulk", "pipeline", (*call).putExecutions)
	add(http.MethodGet, pipelines+"/{fqn}/status", "pipeline", (*call).listExecutions)
	add(http.MethodDelete, pipelines+"/{fqn}/status/{timestamp}", "pipeline", (*call).deleteExecution)
	return routes
}

// unscheduled says that Catalpa runs no orchestrator, to those who may ask: on the
// pipeline that the path names, or on all where it names none.
func unscheduled(op policy.Operation) func(*call, *registry.Type) error {
	return func(c *call, t *registry.Type) error {
		if err := c.mayRun(t, op); err != nil {
			return err
		}
		return entity.Errorf(entity.KindNotImplemented,
			"Catalpa does not run pipelines itself: run them with the ingestion client's command line, or from a scheduler of your own")
	}
}

func (c *call) mayRun(t *registry.Type, op policy.Operation) error {
	if chi.URLParam(c.r, "id") == "" {
		return c.authorize(t.Name, op)
	}
	sel, err := c.selector()
	if err != nil {
		return err
	}
	_, err = c.engine.AuthorizeEntity(c.ctx(), c.by, t, sel, op)
	return err
}

// run is what the rules see of a run of an ingestion pipeline.
type run struct {
	ID        string                    `json:"runId,omitzero"`
	Start     int64                     `json:"startDate,omitzero"`
	Timestamp int64                     `json:"timestamp,omitzero"`
	Rest      map[string]jsontext.Value `json:",embed"`
}

// putRun adds a run, or updates the one with its id.
func (c *call) putRun(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	body, err := c.validated(runSchema)
	if err != nil {
		return err
	}
	var r run
	if err := json.Unmarshal(body, &r); err != nil {
		return entity.BadRequest("the pipeline status cannot be read")
	}
	if len(r.ID) > entity.MaxName {
		return entity.BadRequest("the runId is longer than %d characters", entity.MaxName)
	}
	if r.ID == "" {
		r.ID = entity.NewID().String()
	}
	if r.Timestamp == 0 {
		if r.Timestamp = r.Start; r.Timestamp == 0 {
			r.Timestamp = millis()
		}
	}
	doc, err := encoded(r)
	if err != nil {
		return err
	}
	err = c.beside(t, sel, runsField, policy.EditIngestionPipelineStatus, func(tx store.Tx, row store.Row) error {
		if err := ingestionRuns().Put(c.ctx(), tx, row.ID, r.Timestamp, r.ID, doc); err != nil {
			return err
		}
		if err := c.auth.NotePipeline(c.ctx(), tx, c.by, row.ID); err != nil {
			return err
		}
		return c.showLatest(tx, row, ingestionRuns(), runsField)
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel, runsField)
}

// showLatest keeps the newest point of a series where the entity shows it.
func (c *call) showLatest(tx store.Tx, row store.Row, series timeseries.Series, field string) error {
	kind := engine.RecordKind(row.Type, field)
	latest, err := series.Latest(c.ctx(), tx, row.ID)
	if missing(err) {
		_, err = tx.DeleteRecord(c.ctx(), kind, row.ID.String(), "")
		return err
	}
	if err != nil {
		return err
	}
	return tx.PutRecord(c.ctx(), store.Record{Kind: kind, Owner: row.ID.String(), At: latest.At, Doc: latest.Doc})
}

func (c *call) listRuns(t *registry.Type) error {
	return c.listSeries(t, ingestionRuns(), policy.ViewBasic)
}

// getRun answers one run. Clients ask for theirs before they report it: that it
// is not known yet is no error, and the answer is empty.
func (c *call) getRun(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	id, err := c.param("runId")
	if err != nil {
		return err
	}
	var doc jsontext.Value
	err = c.read(t, sel, policy.ViewBasic, func(r store.Reader, row store.Row) error {
		rec, err := r.Record(c.ctx(), ingestionRuns().Kind, row.ID.String(), id)
		if missing(err) {
			return nil
		}
		doc = rec.Doc
		return err
	})
	if err != nil {
		return err
	}
	if doc == nil {
		return c.empty(http.StatusNoContent)
	}
	return c.json(http.StatusOK, doc)
}

func (c *call) deleteRuns(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	err = c.beside(t, sel, runsField, policy.EditIngestionPipelineStatus, func(tx store.Tx, row store.Row) error {
		if _, err := tx.DeleteRecords(c.ctx(), store.RecordQuery{Kind: ingestionRuns().Kind, Owner: row.ID.String()}); err != nil {
			return err
		}
		return c.showLatest(tx, row, ingestionRuns(), runsField)
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel)
}

func (c *call) deleteRun(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	id, err := c.param("runId")
	if err != nil {
		return err
	}
	err = c.beside(t, sel, runsField, policy.EditIngestionPipelineStatus, func(tx store.Tx, row store.Row) error {
		was, err := tx.DeleteRecord(c.ctx(), ingestionRuns().Kind, row.ID.String(), id)
		if err != nil {
			return err
		}
		if !was {
			return entity.NotFound("pipelineStatus", id)
		}
		return c.showLatest(tx, row, ingestionRuns(), runsField)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// toggleIngestion switches a pipeline on or off. Schedulers read the switch.
func (c *call) toggleIngestion(t *registry.Type) error {
	return c.edited(t, policy.EditAll, func(ent *entity.Entity) error {
		if string(ent.Rest["enabled"]) == "false" {
			ent.Rest["enabled"] = jsontext.Value("true")
		} else {
			ent.Rest["enabled"] = jsontext.Value("false")
		}
		return nil
	})
}

// executions are the runs that a source reports of a pipeline.
func executions() timeseries.Series {
	return timeseries.Series{Kind: "pipelineExecution", Keep: 5000}
}

const (
	executionField  = "pipelineStatus"
	executionSchema = "entity/data/pipeline.json#/$defs/pipelineStatus"
	maxExecutions   = 1000 // in one request
)

// execution is what the rules see of a run of a pipeline.
type execution struct {
	Status    string `json:"executionStatus"`
	Timestamp int64  `json:"timestamp"`
	Tasks     []struct {
		Name string `json:"name"`
	} `json:"taskStatus"`
}

func (c *call) putExecution(t *registry.Type) error {
	doc, err := c.validated(executionSchema)
	if err != nil {
		return err
	}
	return c.addExecutions(t, []jsontext.Value{doc})
}

func (c *call) putExecutions(t *registry.Type) error {
	docs, err := c.validatedList(executionSchema, maxExecutions)
	if err != nil {
		return err
	}
	return c.addExecutions(t, docs)
}

func (c *call) addExecutions(t *registry.Type, docs []jsontext.Value) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	err = c.beside(t, sel, executionField, policy.EditStatus, func(tx store.Tx, row store.Row) error {
		tasks, err := taskNames(row)
		if err != nil {
			return err
		}
		for _, doc := range docs {
			var e execution
			if err := json.Unmarshal(doc, &e); err != nil {
				return entity.BadRequest("the pipeline status cannot be read")
			}
			for _, task := range e.Tasks {
				if !tasks[task.Name] {
					return entity.BadRequest("Invalid task name %s", entity.Shorten(task.Name, 200))
				}
			}
			if err := executions().Put(c.ctx(), tx, row.ID, e.Timestamp, timeseries.Key(e.Timestamp), doc); err != nil {
				return err
			}
		}
		return c.showLatest(tx, row, executions(), executionField)
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel, executionField)
}

func taskNames(row store.Row) (map[string]bool, error) {
	var pipeline struct {
		Tasks []struct {
			Name string `json:"name"`
		} `json:"tasks"`
	}
	if err := json.Unmarshal(row.Doc, &pipeline); err != nil {
		return nil, entity.Internal(err)
	}
	names := make(map[string]bool, len(pipeline.Tasks))
	for _, task := range pipeline.Tasks {
		names[task.Name] = true
	}
	return names, nil
}

// listExecutions answers the runs of a time span, of all outcomes or of one.
func (c *call) listExecutions(t *registry.Type) error {
	status := c.query.Get("status")
	if status == "" {
		return c.listSeries(t, executions(), policy.ViewBasic)
	}
	sel, err := c.selector()
	if err != nil {
		return err
	}
	q, err := c.span(10)
	if err != nil {
		return err
	}
	var found []jsontext.Value
	err = c.read(t, sel, policy.ViewBasic, func(r store.Reader, row store.Row) error {
		rq := store.RecordQuery{Kind: executions().Kind, Owner: row.ID.String(), From: q.From, To: q.To}
		return timeseries.Scan(c.ctx(), r, rq, maxScan, nil, func(rec store.Record) bool {
			var e execution
			if json.Unmarshal(rec.Doc, &e) == nil && e.Status == status {
				found = append(found, rec.Doc)
			}
			return true
		})
	})
	if err != nil {
		return err
	}
	out, err := cutPage(c, found)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (c *call) deleteExecution(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	at, err := c.pathTime("timestamp")
	if err != nil {
		return err
	}
	err = c.beside(t, sel, executionField, policy.EditStatus, func(tx store.Tx, row store.Row) error {
		was, err := tx.DeleteRecord(c.ctx(), executions().Kind, row.ID.String(), timeseries.Key(at))
		if err != nil {
			return err
		}
		if !was {
			return entity.NotFound("pipelineStatus", timeseries.Key(at))
		}
		return c.showLatest(tx, row, executions(), executionField)
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel, executionField)
}
