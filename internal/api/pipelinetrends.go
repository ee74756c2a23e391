package api

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// pipelineTrendRoutes sum up how pipelines ran, as their sources reported it.
func (a *API) pipelineTrendRoutes() []Route {
	const base = "/api/v1/pipelines"
	var routes []Route
	add := func(path string, handle func(*call, *registry.Type) error) {
		routes = append(routes, Route{Method: http.MethodGet, Path: base + path, Access: Authenticated, Handle: a.typed("pipeline", handle)})
	}
	add("/metrics", (*call).pipelineMetrics)
	add("/summary", (*call).pipelineSummaries)
	add("/executionTrend", (*call).executionTrend)
	add("/runtimeTrend", (*call).runtimeTrend)
	add("/name/{fqn}/observability", (*call).pipelineObservability)
	return routes
}

// observedPipeline is what the sums see of a pipeline.
type observedPipeline struct {
	ID          entity.ID `json:"id"`
	Name        string    `json:"name"`
	FQN         string    `json:"fullyQualifiedName"`
	ServiceType string    `json:"serviceType"`
	Schedule    string    `json:"scheduleInterval"`
	State       string    `json:"state"`
	Start       string    `json:"startDate"`
	End         string    `json:"endDate"`
	Service     struct {
		Name string `json:"name"`
	} `json:"service"`
	last *execution
}

// pipelineFilters are the parameters that select pipelines, and the fields that they
// are about.
func pipelineFilters() map[string][]string {
	return map[string][]string{
		"service":     {"service.name.keyword", "service.fullyQualifiedName.keyword"},
		"serviceType": {"serviceType.keyword"},
		"domain":      {"domains.name.keyword", "domains.fullyQualifiedName.keyword"},
		"owner":       {"owners.name.keyword", "owners.displayName.keyword"},
		"tier":        {"tier.tagFQN.keyword"},
		"pipelineFqn": {"fullyQualifiedName.keyword"},
	}
}

// maxPipelines bounds how many pipelines one sum is about.
const maxPipelines = search.MaxWindow

// pipelines finds those that the caller sees and asks for, by name, with the newest run
// of each.
func (c *call) pipelines(text string) ([]*observedPipeline, error) {
	index, _ := c.catalog.IndexOf("pipeline")
	no := false
	req := search.Request{Indexes: []string{index}, Size: maxPipelines, Deleted: &no, Sort: []search.Sort{{Field: "fullyQualifiedName"}}}
	var filters []search.Query
	for param, fields := range pipelineFilters() {
		if value := c.query.Get(param); value != "" {
			either := search.Bool{MinShould: 1}
			for _, field := range fields {
				either.Should = append(either.Should, search.Term{Field: field, Value: value})
			}
			filters = append(filters, either)
		}
	}
	if len(filters) > 0 {
		req.Filter = search.Bool{Filter: filters}
	}
	if text != "" {
		req.Query = search.MultiMatch{Fields: []search.FieldBoost{{Field: "name", Boost: 1}, {Field: "displayName", Boost: 1}}, Text: entity.Shorten(text, 200), Prefix: true}
	}
	found, err := c.find(req)
	if err != nil {
		return nil, err
	}
	all := make([]*observedPipeline, 0, len(found.Hits))
	for _, hit := range found.Hits {
		p := &observedPipeline{}
		if err := json.Unmarshal(hit.Source, p); err != nil {
			return nil, entity.Internal(err)
		}
		p.ID = hit.ID
		all = append(all, p)
	}
	return all, c.lastExecutions(all)
}

// lastExecutions reads the newest run of each pipeline and keeps to those whose newest
// run has the status that the query names.
func (c *call) lastExecutions(all []*observedPipeline) error {
	byID := make(map[string]*observedPipeline, len(all))
	owners := make([]string, len(all))
	for i, p := range all {
		owners[i] = p.ID.String()
		byID[owners[i]] = p
	}
	return c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		for part := range slices.Chunk(owners, 500) {
			found, err := r.RecordsOf(c.ctx(), engine.RecordKind("pipeline", executionField), "", part)
			if err != nil {
				return err
			}
			for _, rec := range found {
				var e execution
				if err := json.Unmarshal(rec.Doc, &e); err != nil {
					return entity.Internal(err)
				}
				byID[rec.Owner].last = &e
			}
		}
		return nil
	})
}

// withStatus keeps the pipelines whose newest run has the status that the query
// names, and is in the period that it names.
func (c *call) withStatus(all []*observedPipeline) ([]*observedPipeline, error) {
	from, to, err := c.period()
	if err != nil {
		return nil, err
	}
	status := c.query.Get("status")
	if status == "" && from == 0 && to == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(p *observedPipeline) bool {
		return p.last == nil || status != "" && p.last.Status != status || p.last.Timestamp < from || to != 0 && p.last.Timestamp > to
	}), nil
}

// period reads startTs and endTs.
func (c *call) period() (from, to int64, err error) {
	if from, err = c.timestamp("startTs"); err != nil {
		return 0, 0, err
	}
	if to, err = c.timestamp("endTs"); err != nil {
		return 0, 0, err
	}
	if to != 0 && from > to {
		return 0, 0, entity.BadRequest("query param startTs is later than endTs")
	}
	return from, to, nil
}

// servicePart is how many of the pipelines are of one service.
type servicePart struct {
	Name  string `json:"serviceName"`
	Type  string `json:"serviceType"`
	Count int    `json:"count"`
}

func (c *call) pipelineMetrics(*registry.Type) error {
	all, err := c.pipelines(c.query.Get("q"))
	if err != nil {
		return err
	}
	if all, err = c.withStatus(all); err != nil {
		return err
	}
	parts := map[string]*servicePart{}
	counts := struct {
		Total    int           `json:"totalPipelines"`
		Services int           `json:"serviceCount"`
		Active   int           `json:"activePipelines"`
		Inactive int           `json:"inactivePipelines"`
		Failed   int           `json:"failedPipelines"`
		Good     int           `json:"successfulPipelines"`
		Silent   int           `json:"pipelinesWithoutStatus"`
		Parts    []servicePart `json:"serviceBreakdown"`
		Data     bool          `json:"dataAvailable"`
	}{Total: len(all), Parts: []servicePart{}, Data: true}
	for _, p := range all {
		if p.State == "Inactive" {
			counts.Inactive++
		} else {
			counts.Active++
		}
		switch {
		case p.last == nil:
			counts.Silent++
		case p.last.Status == "Failed":
			counts.Failed++
		case p.last.Status == "Successful":
			counts.Good++
		}
		if parts[p.Service.Name] == nil {
			parts[p.Service.Name] = &servicePart{Name: p.Service.Name, Type: p.ServiceType}
		}
		parts[p.Service.Name].Count++
	}
	for _, part := range parts {
		counts.Parts = append(counts.Parts, *part)
	}
	slices.SortFunc(counts.Parts, func(a, b servicePart) int { return cmp.Compare(a.Name, b.Name) })
	counts.Services = len(counts.Parts)
	return c.json(http.StatusOK, counts)
}

// pipelineSummary is one pipeline with its newest run and the tables that it fills.
type pipelineSummary struct {
	ID          entity.ID `json:"pipelineId"`
	Name        string    `json:"pipelineName"`
	FQN         string    `json:"pipelineFqn"`
	ServiceType string    `json:"serviceType"`
	Start       int64     `json:"startTime,omitzero"`
	End         int64     `json:"endTime,omitzero"`
	LastRun     int64     `json:"lastRunTime,omitzero"`
	LastStatus  string    `json:"lastRunStatus,omitzero"`
	Schedule    string    `json:"scheduleInterval,omitzero"`
	Count       int       `json:"impactedAssetsCount"`
	Assets      []string  `json:"impactedAssets"`
}

func (c *call) pipelineSummaries(*registry.Type) error {
	all, err := c.pipelines(c.query.Get("search"))
	if err != nil {
		return err
	}
	if all, err = c.withStatus(all); err != nil {
		return err
	}
	out, err := cutPage(c, all)
	if err != nil {
		return err
	}
	tables := map[entity.ID][]string{}
	err = c.eachObserved(func(table entity.Ref, o seenOfPipeline) {
		tables[o.pipeline] = append(tables[o.pipeline], table.FullyQualifiedName)
	})
	if err != nil {
		return err
	}
	shown := make([]pipelineSummary, len(out.Data))
	for i, p := range out.Data {
		s := pipelineSummary{ID: p.ID, Name: p.Name, FQN: p.FQN, ServiceType: p.ServiceType, Schedule: p.Schedule, Start: moment(p.Start), End: moment(p.End), Assets: tables[p.ID]}
		if p.last != nil {
			s.LastRun, s.LastStatus = p.last.Timestamp, p.last.Status
		}
		if s.Assets == nil {
			s.Assets = []string{}
		}
		slices.Sort(s.Assets)
		s.Count = len(s.Assets)
		shown[i] = s
	}
	return c.json(http.StatusOK, page[pipelineSummary]{Data: shown, Paging: out.Paging})
}

// moment reads a date, in milliseconds since 1970; 0 for none.
func moment(text string) int64 {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0
	}
	return at.UnixMilli()
}

// seenOfPipeline is what a table shows of a pipeline that fills it.
type seenOfPipeline struct {
	pipeline    entity.ID
	doc         jsontext.Value
	status      string
	serviceType string
	lastRun     int64
}

// eachObserved visits what tables that the caller sees show of pipelines, the newest
// first.
func (c *call) eachObserved(visit func(table entity.Ref, o seenOfPipeline)) error {
	type found struct {
		table entity.ID
		seenOfPipeline
	}
	var all []found
	var refs map[entity.ID]entity.Ref
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		all = nil
		var ids []entity.ID
		q := store.RecordQuery{Kind: engine.RecordKind("table", observabilityField), Any: true}
		err := c.scanSeen(r, q, policy.ViewBasic, func(rec store.Record) bool {
			id, err := entity.ParseID(rec.Owner)
			if err != nil {
				return true
			}
			ids = append(ids, id)
			for _, o := range observedIn(rec.Doc) {
				all = append(all, found{id, o})
			}
			return len(all) < maxScan
		})
		if err != nil {
			return err
		}
		refs, err = c.engine.References(c.ctx(), r, ids, "")
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range all {
		if ref, ok := refs[f.table]; ok {
			visit(ref, f.seenOfPipeline)
		}
	}
	return nil
}

// observedIn reads the record of one table.
func observedIn(doc []byte) []seenOfPipeline {
	var items []jsontext.Value
	if json.Unmarshal(doc, &items) != nil {
		return nil
	}
	var out []seenOfPipeline
	for _, item := range items {
		var o struct {
			Pipeline    entity.Ref `json:"pipeline"`
			Status      string     `json:"lastRunStatus"`
			ServiceType string     `json:"serviceType"`
			LastRun     int64      `json:"lastRunTime"`
		}
		if json.Unmarshal(item, &o) == nil {
			out = append(out, seenOfPipeline{o.Pipeline.ID, item, o.Status, o.ServiceType, o.LastRun})
		}
	}
	return out
}

// observedTable is what one table shows of a pipeline.
type observedTable struct {
	ID   entity.ID        `json:"tableId"`
	FQN  string           `json:"tableFqn"`
	Data []jsontext.Value `json:"observabilityData"`
}

// observedFilter reads which tables a call about a pipeline asks for.
func (c *call) observedFilter() (func(table entity.Ref, o seenOfPipeline) bool, error) {
	from, to, err := c.period()
	status, serviceType, text := c.query.Get("status"), c.query.Get("serviceType"), c.query.Get("search")
	return func(table entity.Ref, o seenOfPipeline) bool {
		return (status == "" || o.status == status) && (serviceType == "" || o.serviceType == serviceType) &&
			o.lastRun >= from && (to == 0 || o.lastRun <= to) && (text == "" || containsFold(text, table.FullyQualifiedName))
	}, err
}

// pipelineObservability answers the tables that show a pipeline, and what they show.
func (c *call) pipelineObservability(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	var row store.Row
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err = c.liveRow(r, t, sel, policy.ViewBasic)
		return err
	})
	if err != nil {
		return err
	}
	asked, err := c.observedFilter()
	if err != nil {
		return err
	}
	tables := []observedTable{}
	err = c.eachObserved(func(table entity.Ref, o seenOfPipeline) {
		if o.pipeline != row.ID || !asked(table, o) {
			return
		}
		tables = append(tables, observedTable{ID: table.ID, FQN: table.FullyQualifiedName, Data: []jsontext.Value{o.doc}})
	})
	if err != nil {
		return err
	}
	slices.SortFunc(tables, func(a, b observedTable) int { return cmp.Compare(a.FQN, b.FQN) })
	out, err := cutPage(c, tables)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]any{"pipelineId": row.ID, "pipelineFqn": row.FQN, "tableObservabilityData": out.Data, "paging": out.Paging})
}
