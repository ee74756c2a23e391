package api

import (
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// sampled are the types that keep samples of their data, with the schema of one.
var sampled = []struct{ typ, schema string }{
	{"table", "entity/data/table.json#/$defs/tableData"},
	{"file", "entity/data/table.json#/$defs/tableData"},
	{"topic", "entity/data/topic.json#/$defs/topicSampleData"},
	{"searchIndex", "entity/data/searchIndex.json#/$defs/searchIndexSampleData"},
}

// Limits of one sample.
const (
	maxSampleBody = 8 << 20
	maxSampleRows = 1000
)

// tableDataRoutes serve what is known of the data inside assets: samples,
// profiles, and how they are made.
func (a *API) tableDataRoutes() []Route {
	const tables = "/api/v1/tables"
	var routes []Route
	add := func(method, path, typ string, handle func(*call, *registry.Type) error) {
		routes = append(routes, Route{Method: method, Path: path, Access: Authenticated, Handle: a.typed(typ, handle)})
	}
	for _, s := range sampled {
		t, ok := a.engine.Registry().ByName(s.typ)
		if !ok {
			continue
		}
		base := "/api" + t.Collection + "/{id}/sampleData"
		add(http.MethodGet, base, s.typ, (*call).getSampleData)
		if s.typ != "searchIndex" { // the contract has no way to remove those
			add(http.MethodDelete, base, s.typ, (*call).deleteSampleData)
		}
		routes = append(routes, Route{Method: http.MethodPut, Path: base, Access: Authenticated, MaxBody: maxSampleBody, Handle: func(c *call) error {
			return c.putSampleData(t, s.schema)
		}})
	}
	add(http.MethodPut, tables+"/{id}/tableProfile", "table", (*call).putProfile)
	add(http.MethodGet, tables+"/{fqn}/tableProfile", "table", (*call).listTableProfiles)
	add(http.MethodGet, tables+"/{fqn}/tableProfile/latest", "table", (*call).latestProfile)
	add(http.MethodGet, tables+"/{fqn}/systemProfile", "table", (*call).listSystemProfiles)
	add(http.MethodGet, tables+"/{fqn}/columnProfile", "table", (*call).listColumnProfiles)
	add(http.MethodDelete, tables+"/{fqn}/{entityType}/{timestamp}/profile", "table", (*call).deleteProfile)
	for _, p := range profilerConfigs {
		t, ok := a.engine.Registry().ByName(p.typ)
		if !ok {
			continue
		}
		base := "/api" + t.Collection + "/{id}/" + p.field
		add(http.MethodGet, base, p.typ, func(c *call, t *registry.Type) error { return c.getProfilerConfig(t, p) })
		add(http.MethodPut, base, p.typ, func(c *call, t *registry.Type) error { return c.putProfilerConfig(t, p) })
		add(http.MethodDelete, base, p.typ, func(c *call, t *registry.Type) error { return c.deleteProfilerConfig(t, p) })
	}
	add(http.MethodPut, tables+"/{id}/dataModel", "table", (*call).putDataModel)
	add(http.MethodPut, tables+"/{id}/customMetric", "table", (*call).putCustomMetric)
	add(http.MethodDelete, tables+"/{id}/customMetric/{customMetricName}", "table", (*call).deleteCustomMetric)
	add(http.MethodDelete, tables+"/{id}/customMetric/{columnName}/{customMetricName}", "table", (*call).deleteCustomMetric)
	add(http.MethodGet, tables+"/{id}/pipelineObservability", "table", (*call).getObservability)
	add(http.MethodGet, tables+"/name/{fqn}/pipelineObservability", "table", (*call).getObservability)
	add(http.MethodPut, tables+"/{id}/pipelineObservability", "table", (*call).putObservability)
	add(http.MethodPut, tables+"/{id}/pipelineObservability/{pipelineFqn}", "table", (*call).putOneObservability)
	add(http.MethodDelete, tables+"/{id}/pipelineObservability", "table", (*call).deleteObservability)
	add(http.MethodDelete, tables+"/{id}/pipelineObservability/{pipelineFqn}", "table", (*call).deleteObservability)
	return routes
}

// sampleField is where entities show their samples.
const sampleField = "sampleData"

func (c *call) getSampleData(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	return c.shown(t, sel, sampleField)
}

func (c *call) putSampleData(t *registry.Type, schema string) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	doc, err := c.validated(schema)
	if err != nil {
		return err
	}
	err = c.beside(t, sel, sampleField, policy.EditSampleData, func(tx store.Tx, row store.Row) error {
		if err := checkSample(row, doc); err != nil {
			return err
		}
		return tx.PutRecord(c.ctx(), store.Record{Kind: engine.RecordKind(t.Name, sampleField), Owner: row.ID.String(), At: millis(), Doc: doc})
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel, sampleField)
}

// checkSample makes sure that rows fit their columns, and these the table's.
func checkSample(row store.Row, doc []byte) error {
	var sample struct {
		Columns []string `json:"columns"`
		Rows    [][]any  `json:"rows"`
	}
	if err := json.Unmarshal(doc, &sample); err != nil {
		return entity.BadRequest("the sample cannot be read")
	}
	if len(sample.Rows) > maxSampleRows {
		return entity.BadRequest("the sample has %d rows; at most %d are kept", len(sample.Rows), maxSampleRows)
	}
	for i, cells := range sample.Rows {
		if len(cells) != len(sample.Columns) {
			return entity.BadRequest("Number of columns is %d but row %d has %d sample values", len(sample.Columns), i, len(cells))
		}
	}
	if row.Type != "table" {
		return nil
	}
	known, err := columnNames(row)
	if err != nil {
		return err
	}
	for _, name := range sample.Columns {
		if !known[name] {
			return entity.BadRequest("Invalid column name %s", entity.Shorten(name, 200))
		}
	}
	return nil
}

// columnNames returns the top-level columns of a table.
func columnNames(row store.Row) (map[string]bool, error) {
	var table struct {
		Columns []struct {
			Name string `json:"name"`
		} `json:"columns"`
	}
	if err := json.Unmarshal(row.Doc, &table); err != nil {
		return nil, entity.Internal(err)
	}
	names := make(map[string]bool, len(table.Columns))
	for _, column := range table.Columns {
		names[column.Name] = true
	}
	return names, nil
}

func (c *call) deleteSampleData(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	err = c.beside(t, sel, sampleField, policy.EditSampleData, func(tx store.Tx, row store.Row) error {
		_, err := tx.DeleteRecord(c.ctx(), engine.RecordKind(t.Name, sampleField), row.ID.String(), "")
		return err
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel)
}
