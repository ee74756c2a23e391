package api

import (
	"net/http"
	"strconv"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// listHistory answers the states that entities of a type took in a period.
func (c *call) listHistory(t *registry.Type) error {
	req := engine.HistoryRequest{View: engine.View{Base: c.base()}}
	var err error
	if req.From, err = c.timestamp("startTs"); err != nil {
		return err
	}
	if req.To, err = c.timestamp("endTs"); err != nil {
		return err
	}
	if c.query.Get("startTs") == "" || c.query.Get("endTs") == "" || req.From > req.To {
		return entity.BadRequest("query params startTs and endTs must name a period, in milliseconds since 1970")
	}
	if req.Limit, err = c.number("limit", 10, 1, 1000); err != nil {
		return err
	}
	if cursor := c.query.Get("after"); cursor != "" {
		if req.After, err = strconv.ParseUint(cursor, 10, 63); err != nil {
			return entity.BadRequest("%q is not a cursor that this server gave out", entity.Shorten(cursor, 60))
		}
	}
	ents, next, err := c.engine.History(c.ctx(), c.by, t, req)
	if err != nil {
		return err
	}
	out := newPage(ents, len(ents))
	if next != 0 {
		out.Paging.After = strconv.FormatUint(next, 10)
	}
	return c.json(http.StatusOK, out)
}
