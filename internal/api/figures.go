package api

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
	"github.com/catalpa-metadata/catalpa/internal/usage"
)

// figureRoutes serve figures about the catalog: results of KPIs, units of metrics,
// reports, and what the queries of a service cost.
func (a *API) figureRoutes() []Route {
	const kpi = "/api/v1/kpi"
	return []Route{
		{Method: http.MethodPut, Path: kpi + "/{fqn}/kpiResult", Access: Authenticated, MaxBody: 1 << 20, Handle: a.typed("kpi", (*call).putKPIResult)},
		{Method: http.MethodGet, Path: kpi + "/{fqn}/kpiResult", Access: Authenticated, Handle: a.typed("kpi", (*call).listKPIResults)},
		{Method: http.MethodGet, Path: kpi + "/{fqn}/latestKpiResult", Access: Authenticated, Handle: a.typed("kpi", (*call).latestKPIResult)},
		{Method: http.MethodGet, Path: "/api/v1/metrics/customUnits", Access: Authenticated, Handle: a.typed("metric", (*call).customUnits)},
		{Method: http.MethodPost, Path: "/api/v1/reports", Access: Authenticated, MaxBody: 1 << 20, Handle: a.typed("report", func(c *call, t *registry.Type) error { return c.saveReport(t, false) })},
		{Method: http.MethodPut, Path: "/api/v1/reports", Access: Authenticated, MaxBody: 1 << 20, Handle: a.typed("report", func(c *call, t *registry.Type) error { return c.saveReport(t, true) })},
		{Method: http.MethodGet, Path: "/api/v1/queryCostRecord/service/{serviceName}", Access: Authenticated, Handle: a.typed("query", (*call).costsOfService)},
	}
}

// kpiResults are the results of a KPI, one a time.
func kpiResults() timeseries.Series { return timeseries.Series{Kind: "kpiResult", Keep: keptPoints} }

// putKPIResult keeps a result. The newest shows at the KPI.
func (c *call) putKPIResult(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	body, err := c.validated("dataInsight/kpi/basic.json#/$defs/kpiResult")
	if err != nil {
		return err
	}
	var result struct {
		Timestamp int64                     `json:"timestamp"`
		KPI       string                    `json:"kpiFqn"`
		Rest      map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(body, &result); err != nil {
		return entity.BadRequest("the result cannot be read: %s", wordJSON(err))
	}
	if result.Timestamp <= 0 {
		return entity.BadRequest("[timestamp must be a time in milliseconds since 1970]")
	}
	const shown = "kpiResult"
	err = c.beside(t, sel, shown, policy.EditAll, func(tx store.Tx, row store.Row) error {
		result.KPI = row.FQN
		doc, err := encoded(result)
		if err != nil {
			return err
		}
		if err := kpiResults().Put(c.ctx(), tx, row.ID, result.Timestamp, timeseries.Key(result.Timestamp), doc); err != nil {
			return err
		}
		latest, err := kpiResults().Latest(c.ctx(), tx, row.ID)
		if err != nil {
			return err
		}
		return tx.PutRecord(c.ctx(), store.Record{Kind: engine.RecordKind(t.Name, shown), Owner: row.ID.String(), At: latest.At, Doc: latest.Doc})
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel, shown)
}

func (c *call) listKPIResults(t *registry.Type) error {
	return c.listSeries(t, kpiResults(), policy.ViewAll)
}

func (c *call) latestKPIResult(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	var rec store.Record
	err = c.read(t, sel, policy.ViewAll, func(r store.Reader, row store.Row) error {
		rec, err = kpiResults().Latest(c.ctx(), r, row.ID)
		return err
	})
	if err != nil {
		return err
	}
	return c.raw(http.StatusOK, rec.Doc)
}

// customUnits answers the units of measurement that metrics have besides the usual.
func (c *call) customUnits(t *registry.Type) error {
	all, err := c.everyOne(t, engine.ListRequest{})
	if err != nil {
		return err
	}
	units := []string{}
	for _, metric := range all {
		if unit := stringMember(metric.Rest["customUnitOfMeasurement"]); unit != "" {
			units = append(units, unit)
		}
	}
	slices.Sort(units)
	return c.json(http.StatusOK, slices.Compact(units))
}

// saveReport creates a report from a document that looks like one, or changes it.
func (c *call) saveReport(t *registry.Type, put bool) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil {
		return entity.BadRequest("the report cannot be read: %s", wordJSON(err))
	}
	if members["id"], err = encoded(entity.NewID()); err != nil { // the server's to give
		return err
	}
	if body, err = encoded(members); err != nil {
		return err
	}
	if body, err = c.engine.ValidateBody(t.Schema, body); err != nil {
		return err
	}
	var report entity.Entity
	if err := json.Unmarshal(body, &report); err != nil {
		return entity.BadRequest("the report cannot be read: %s", wordJSON(err))
	}
	status := http.StatusOK
	err = c.engine.Together(c.ctx(), c.by, func(b *engine.Batch) error {
		event, err := b.Save(c.ctx(), t, entity.QuoteName(report.Name), func(ent *entity.Entity, created bool) error {
			if !created && !put {
				return entity.Conflict("Entity already exists")
			}
			ent.Name, ent.DisplayName, ent.Description, ent.Owners, ent.Domains = report.Name, report.DisplayName, report.Description, report.Owners, report.Domains
			for _, name := range []string{"service", "entityStatus"} {
				if value := report.Rest[name]; value != nil {
					ent.Rest[name] = value
				}
			}
			return nil
		})
		if event == entity.EventCreated {
			status = http.StatusCreated
		}
		return err
	})
	if err != nil {
		return err
	}
	ent, err := c.engine.Get(c.ctx(), c.by, t, engine.ByFQN(entity.QuoteName(report.Name)), engine.View{Fields: engine.FieldsOf("owners"), Base: c.base()})
	if err != nil {
		return err
	}
	return c.json(status, ent)
}

// The costs of the queries of a service, as clients read them.
type (
	serviceCosts struct {
		Groups []*costGroup `json:"queryGroups"`
		All    costStats    `json:"overallStats"`
	}
	costGroup struct {
		Text     string         `json:"queryText"`
		Users    []string       `json:"users"`
		Cost     float64        `json:"totalCost"`
		Count    float64        `json:"totalCount"`
		Duration float64        `json:"totalDuration"`
		Average  float64        `json:"avgDuration"`
		Details  map[string]any `json:"queryDetails"`
	}
	costStats struct {
		Total   float64 `json:"totalCost"`
		Min     float64 `json:"minCost"`
		Max     float64 `json:"maxCost"`
		Average float64 `json:"avgCost"`
		Count   float64 `json:"totalExecutionCount"`
	}
)

// maxCostGroups is how many queries an answer about costs shows.
const maxCostGroups = 100

// costsOfService answers what the queries of a service cost, the dearest first, among
// those that the caller may see.
func (c *call) costsOfService(t *registry.Type) error {
	name, err := c.param("serviceName")
	if err != nil {
		return err
	}
	if err := c.seesAny(t.Name, policy.ViewAll); err != nil {
		return err
	}
	service := entity.CanonicalFQN(name)
	var costs []usage.Cost
	rows := map[entity.ID]store.Row{}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var bad error
		err := c.scanSeen(r, store.RecordQuery{Kind: usage.CostKind, Any: true}, policy.ViewAll, func(rec store.Record) bool {
			var cost usage.Cost
			if bad = json.Unmarshal(rec.Doc, &cost); bad != nil {
				return false
			}
			costs, rows[cost.Query.ID] = append(costs, cost), store.Row{}
			return true
		})
		if err == nil && bad != nil {
			err = entity.Internal(bad)
		}
		if err != nil {
			return err
		}
		return c.fillRows(r, rows)
	})
	if err != nil {
		return err
	}
	out, err := sumCosts(costs, rows, service)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// fillRows reads the rows with these ids.
func (c *call) fillRows(r store.Reader, rows map[entity.ID]store.Row) error {
	ids := make([]entity.ID, 0, len(rows))
	for id := range rows {
		ids = append(ids, id)
	}
	for chunk := range slices.Chunk(ids, 500) {
		found, err := r.Entities(c.ctx(), chunk)
		if err != nil {
			return err
		}
		for _, row := range found {
			rows[row.ID] = row
		}
	}
	return nil
}

// sumCosts adds up the costs of the queries of a service by the text of the query.
func sumCosts(costs []usage.Cost, rows map[entity.ID]store.Row, service string) (serviceCosts, error) {
	out := serviceCosts{Groups: []*costGroup{}}
	groups := map[string]*costGroup{}
	n := 0.0
	for _, cost := range costs {
		row := rows[cost.Query.ID]
		if row.Deleted || !entity.Under(row.FQN, service) {
			continue
		}
		var query struct {
			Text   string                    `json:"query"`
			UsedBy []string                  `json:"usedBy"`
			Rest   map[string]jsontext.Value `json:",embed"`
		}
		if err := json.Unmarshal(row.Doc, &query); err != nil {
			return out, entity.Internal(err)
		}
		g := groups[query.Text]
		if g == nil {
			g = &costGroup{Text: query.Text, Users: append([]string{}, query.UsedBy...), Details: map[string]any{"query": map[string]any{"id": row.ID, "name": row.Name, "fullyQualifiedName": row.FQN}}}
			groups[query.Text], out.Groups = g, append(out.Groups, g)
		}
		g.Cost, g.Count, g.Duration = g.Cost+cost.Cost, g.Count+cost.Count, g.Duration+cost.TotalDuration
		if n == 0 {
			out.All.Min, out.All.Max = cost.Cost, cost.Cost
		}
		n++
		out.All.Total, out.All.Count = out.All.Total+cost.Cost, out.All.Count+cost.Count
		out.All.Min, out.All.Max = min(out.All.Min, cost.Cost), max(out.All.Max, cost.Cost)
	}
	if n > 0 {
		out.All.Average = out.All.Total / n
	}
	for _, g := range out.Groups {
		if g.Count > 0 {
			g.Average = g.Duration / g.Count
		}
	}
	slices.SortStableFunc(out.Groups, func(a, b *costGroup) int {
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(a.Text, b.Text))
	})
	out.Groups = out.Groups[:min(len(out.Groups), maxCostGroups)]
	return out, nil
}
