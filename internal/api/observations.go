package api

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// observation is a collection of points in time that are no entities: they have
// an id and a time, but no name and no versions. They are grouped by the value of
// one member, and the newest of a group stay.
type observation struct {
	path   string // below /api
	method string // by which points arrive
	schema string
	series timeseries.Series
	id     string // member that holds the id
	group  string // member they are grouped by, and the query parameter
	read   func(c *call) error
	write  func(c *call, point map[string]jsontext.Value) error
}

// keptPoints is how many points of one group stay.
const keptPoints = 10_000

// agentRuns are the executions of AI applications.
func agentRuns() observation {
	return observation{
		path: "/v1/agentExecutions", method: http.MethodPost, schema: "entity/ai/agentExecution.json", id: "id", group: "agentId",
		series: timeseries.Series{Kind: "agentExecution", Keep: keptPoints},
		read:   func(c *call) error { return c.authorize("aiApplication", policy.ViewAll) },
		write:  (*call).mayReportAgent,
	}
}

// reportData are the figures that data insight is drawn from.
func reportData() observation {
	return observation{
		path: "/v1/analytics/dataInsights/data", method: http.MethodPost, schema: "analytics/reportData.json", id: "id", group: "reportDataType",
		series: timeseries.Series{Kind: "reportData", Keep: keptPoints},
		read:   func(c *call) error { return c.authorize("dataInsightChart", policy.ViewAll) },
		write: func(c *call, _ map[string]jsontext.Value) error {
			return c.authorize("dataInsightChart", policy.Create)
		},
	}
}

// pageViews are what people's browsers report of their visits.
func pageViews() observation {
	return observation{
		path: "/v1/analytics/web/events/collect", method: http.MethodPut, schema: "analytics/webAnalyticEventData.json", id: "eventId", group: "eventType",
		series: timeseries.Series{Kind: "webAnalyticEventData", Keep: keptPoints},
		read:   func(c *call) error { return c.authorize("webAnalyticEvent", policy.ViewAll) },
		write:  func(*call, map[string]jsontext.Value) error { return nil }, // whoever is signed in visits pages
	}
}

// observationRoutes serve the collections of points.
func (a *API) observationRoutes() []Route {
	agents, reports, views := agentRuns(), reportData(), pageViews()
	all := []Route{
		{Method: http.MethodDelete, Path: "/api" + agents.path + "/{agentId}/{timestamp}", Access: Authenticated, Handle: func(c *call) error { return c.deletePointsAt(agents) }},
		{Method: http.MethodDelete, Path: "/api/v1/analytics/web/events/{eventType}/{timestamp}/collect", Access: Authenticated, Handle: func(c *call) error { return c.deleteViewsBefore(views) }},
		{Method: http.MethodGet, Path: "/api" + agents.path + "/{id}", Access: Authenticated, Handle: func(c *call) error { return c.getPoint(agents) }},
		{Method: http.MethodDelete, Path: "/api" + agents.path + "/{id}", Access: Authenticated, Handle: func(c *call) error { return c.deletePoint(agents) }},
		{Method: http.MethodDelete, Path: "/api" + reports.path + "/{reportDataType}", Access: AdminOnly, Handle: func(c *call) error { return c.deletePoints(reports) }},
		{Method: http.MethodDelete, Path: "/api" + reports.path + "/{reportDataType}/{date}", Access: AdminOnly, Handle: func(c *call) error { return c.deletePointsOfDay(reports) }},
	}
	for _, o := range []observation{agents, reports, views} {
		all = append(all,
			Route{Method: http.MethodGet, Path: "/api" + o.path, Access: Authenticated, Handle: func(c *call) error { return c.listPoints(o) }},
			Route{Method: o.method, Path: "/api" + o.path, Access: Authenticated, MaxBody: 1 << 20, Handle: func(c *call) error { return c.addPoint(o) }})
	}
	return all
}

// owner is the owner of the records of a group.
func (o observation) owner(group string) entity.ID {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("catalpa/"+o.series.Kind+"/"+group))
}

// mayReportAgent lets in who may edit the agent that ran.
func (c *call) mayReportAgent(point map[string]jsontext.Value) error {
	t, err := c.entityType("aiApplication")
	if err != nil {
		return err
	}
	id, err := entity.ParseID(stringMember(point["agentId"]))
	if err != nil {
		return err
	}
	_, err = c.engine.AuthorizeEntity(c.ctx(), c.by, t, engine.ByID(id), policy.EditAll)
	return err
}

func (c *call) addPoint(o observation) error {
	body, err := c.validated(o.schema)
	if err != nil {
		return err
	}
	var point map[string]jsontext.Value
	if err := json.Unmarshal(body, &point); err != nil {
		return entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	if err := o.write(c, point); err != nil {
		return err
	}
	at := millis()
	if raw := point["timestamp"]; raw != nil {
		if err := json.Unmarshal(raw, &at); err != nil {
			return entity.BadRequest("timestamp must be a time in milliseconds since 1970")
		}
	}
	id := entity.NewID().String() // never the caller's, which might be another point's
	for name, v := range map[string]any{o.id: id, "timestamp": at} {
		if point[name], err = encoded(v); err != nil {
			return err
		}
	}
	doc, err := encoded(point)
	if err != nil {
		return err
	}
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		return o.series.Put(c.ctx(), tx, o.owner(stringMember(point[o.group])), at, id, doc)
	})
	if err != nil {
		return err
	}
	return c.raw(http.StatusOK, doc) // points are nothing created, for clients of the API
}

func (c *call) listPoints(o observation) error {
	if err := o.read(c); err != nil {
		return err
	}
	group := c.query.Get(o.group)
	if group == "" {
		return entity.BadRequest("query param %s must say whose points are wanted", o.group)
	}
	q, err := c.span(1000)
	if err != nil {
		return err
	}
	var found timeseries.Page
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		found, err = o.series.Page(c.ctx(), r, o.owner(group), q)
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, points(found))
}

func (c *call) getPoint(o observation) error {
	if err := o.read(c); err != nil {
		return err
	}
	rec, err := c.findPoint(o)
	if err != nil {
		return err
	}
	return c.raw(http.StatusOK, rec.Doc)
}

func (c *call) findPoint(o observation) (rec store.Record, err error) {
	id, err := c.id("id")
	if err != nil {
		return rec, err
	}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		rec, err = timeseries.Find(c.ctx(), r, o.series.Kind, id.String())
		return err
	})
	return rec, err
}

func (c *call) deletePoint(o observation) error {
	rec, err := c.findPoint(o)
	if err != nil {
		return err
	}
	var point map[string]jsontext.Value
	if err := json.Unmarshal(rec.Doc, &point); err != nil {
		return entity.Internal(err)
	}
	if err := o.write(c, point); err != nil {
		return err
	}
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		_, err := tx.DeleteRecord(c.ctx(), rec.Kind, rec.Owner, rec.Key)
		return err
	})
	if err != nil {
		return err
	}
	return c.raw(http.StatusOK, rec.Doc)
}

// dropPoints removes all that the query selects.
func (c *call) dropPoints(q store.RecordQuery) error {
	err := c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		_, err := tx.DeleteRecords(c.ctx(), q)
		return err
	})
	if err != nil {
		return err
	}
	return c.gone()
}

// ofGroup selects the points of the group that the path names.
func (c *call) ofGroup(o observation) (store.RecordQuery, error) {
	group, err := c.param(o.group)
	return store.RecordQuery{Kind: o.series.Kind, Owner: o.owner(group).String()}, err
}

func (c *call) deletePoints(o observation) error {
	q, err := c.ofGroup(o)
	if err != nil {
		return err
	}
	return c.dropPoints(q)
}

// deletePointsOfDay removes the points of one day, in UTC.
func (c *call) deletePointsOfDay(o observation) error {
	q, err := c.ofGroup(o)
	if err != nil {
		return err
	}
	text, err := c.param("date")
	if err != nil {
		return err
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return entity.BadRequest("%q is not a date such as 2026-01-31", entity.Shorten(text, 40))
	}
	q.From, q.To = day.UnixMilli(), day.AddDate(0, 0, 1).UnixMilli()-1
	return c.dropPoints(q)
}

// deletePointsAt removes the points of a group from one moment.
func (c *call) deletePointsAt(o observation) error {
	q, err := c.ofGroup(o)
	if err != nil {
		return err
	}
	name, err := c.param(o.group)
	if err != nil {
		return err
	}
	group, err := encoded(name)
	if err != nil {
		return err
	}
	if err := o.write(c, map[string]jsontext.Value{o.group: group}); err != nil {
		return err
	}
	at, err := c.pathTime("timestamp")
	if err != nil {
		return err
	}
	q.From, q.To = at, at
	n := 0
	if at > 0 {
		err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
			n, err = tx.DeleteRecords(c.ctx(), q)
			return err
		})
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return entity.NotFound(o.series.Kind, "of this time")
	}
	return c.gone()
}

// deleteViewsBefore removes what browsers reported of one kind before a moment.
func (c *call) deleteViewsBefore(o observation) error {
	if err := c.authorize("webAnalyticEvent", policy.Delete); err != nil {
		return err
	}
	q, err := c.ofGroup(o)
	if err != nil {
		return err
	}
	before, err := c.pathTime("timestamp")
	if err != nil {
		return err
	}
	if q.To = before - 1; q.To < 1 {
		return c.gone() // nothing is from before 1970
	}
	return c.dropPoints(q)
}
