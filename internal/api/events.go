package api

import (
	"net/http"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// eventRoutes serve the change feed.
func (a *API) eventRoutes() []Route {
	return []Route{{Method: http.MethodGet, Path: "/api/v1/events", Access: Authenticated, Handle: (*call).listEvents}}
}

// eventParams maps the query parameters of the feed to event types.
var eventParams = map[string][]string{
	"entityCreated":  {entity.EventCreated},
	"entityUpdated":  {entity.EventUpdated, entity.EventFieldsChanged},
	"entityRestored": {entity.EventRestored},
	"entityDeleted":  {entity.EventDeleted, entity.EventSoftDeleted},
}

func (c *call) listEvents() error {
	var q store.EventQuery
	var err error
	if q.Since, err = c.timestamp("timestamp"); err != nil {
		return err
	}
	if q.Limit, err = c.number("limit", 1000, 1, 10_000); err != nil {
		return err
	}
	for param, types := range eventParams {
		list := c.query.Get(param)
		if list == "" {
			continue
		}
		if q.Types == nil {
			q.Types = map[string][]string{}
		}
		for _, typ := range types {
			q.Types[typ] = strings.Split(list, ",")
		}
	}
	if q.Types == nil { // all of entities; what people say is told by alerts
		q.Types = map[string][]string{}
		for _, types := range eventParams {
			for _, typ := range types {
				q.Types[typ] = []string{"*"}
			}
		}
	}
	events, err := c.engine.Changes(c.ctx(), c.by, q, c.base())
	if err != nil {
		return err
	}
	if events == nil {
		events = []engine.ChangeEvent{}
	}
	return c.json(http.StatusOK, newPage(events, len(events)))
}
