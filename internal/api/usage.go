package api

import (
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/usage"
)

// usageRoutes keep and show how much data is used.
func (a *API) usageRoutes() []Route {
	h := usageHandler{usage.New(a.engine, nil)}
	const byID, byName = "/api/v1/usage/{entity}/{id}", "/api/v1/usage/{entity}/name/{fqn}"
	return []Route{
		{Method: http.MethodGet, Path: byID, Access: Authenticated, Handle: h.get},
		{Method: http.MethodGet, Path: byName, Access: Authenticated, Handle: h.get},
		{Method: http.MethodPost, Path: byID, Access: Authenticated, Handle: h.post},
		{Method: http.MethodPost, Path: byName, Access: Authenticated, Handle: h.post},
		{Method: http.MethodPut, Path: byID, Access: Authenticated, Handle: h.put},
		{Method: http.MethodPut, Path: byName, Access: Authenticated, Handle: h.put},
		{Method: http.MethodPost, Path: "/api/v1/usage/compute.percentile/{entity}/{date}", Access: Authenticated, Handle: h.rank},
		{Method: http.MethodPut, Path: "/api/v1/tables/{id}/joins", Access: Authenticated, Handle: h.joins},
		{Method: http.MethodPost, Path: "/api/v1/queryCostRecord", Access: Authenticated, Handle: h.recordCost},
		{Method: http.MethodGet, Path: "/api/v1/queryCostRecord/{id}", Access: Authenticated, Handle: h.cost},
	}
}

// usageHandler answers calls about usage.
type usageHandler struct{ service *usage.Service }

// used returns the entity that a path about usage names.
func (c *call) used() (string, engine.Selector, error) {
	typ, err := c.param("entity")
	if err != nil {
		return "", engine.Selector{}, err
	}
	sel, err := c.selector()
	return typ, sel, err
}

func (h usageHandler) get(c *call) error {
	typ, sel, err := c.used()
	if err != nil {
		return err
	}
	days, err := c.number("days", 1, 1, usage.MaxDays)
	if err != nil {
		return err
	}
	out, err := h.service.Usage(c.ctx(), c.by, typ, sel, c.query.Get("date"), days, c.base())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (h usageHandler) post(c *call) error { return h.record(c, false) }

func (h usageHandler) put(c *call) error { return h.record(c, true) }

func (h usageHandler) record(c *call, add bool) error {
	typ, sel, err := c.used()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if err := c.engine.Validate("type/dailyCount.json", body); err != nil {
		return err
	}
	var report usage.Report
	if err := json.Unmarshal(body, &report); err != nil {
		return entity.BadRequest("the count cannot be read: %s", wordJSON(err))
	}
	event, err := h.service.Record(c.ctx(), c.by, typ, sel, report, add)
	if err != nil {
		return err
	}
	c.w.Header().Set(ChangeHeader, entity.EventFieldsChanged)
	return c.json(http.StatusCreated, event)
}

func (h usageHandler) rank(c *call) error {
	typ, err := c.param("entity")
	if err != nil {
		return err
	}
	date, err := c.param("date")
	if err != nil {
		return err
	}
	if err := h.service.Rank(c.ctx(), c.by, typ, date); err != nil {
		return err
	}
	return c.empty(http.StatusCreated)
}

func (h usageHandler) joins(c *call) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	var joins usage.Joins
	if err := c.decode(&joins); err != nil {
		return err
	}
	if err := h.service.RecordJoins(c.ctx(), c.by, sel, joins); err != nil {
		return err
	}
	t, err := c.entityType("table")
	if err != nil {
		return err
	}
	fields, err := c.engine.ParseFields(t, "joins")
	if err != nil {
		return err
	}
	table, err := c.engine.Get(c.ctx(), c.by, t, sel, engine.View{Fields: fields, Base: c.base()})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, table)
}

func (h usageHandler) recordCost(c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	cost, err := h.service.RecordCost(c.ctx(), c.by, body, c.base())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, cost)
}

func (h usageHandler) cost(c *call) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	cost, err := h.service.Cost(c.ctx(), c.by, id, c.base())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, cost)
}
