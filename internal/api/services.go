package api

import (
	"net/http"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// connectionResultSchema is the schema of what a connection test found.
const connectionResultSchema = "entity/services/connections/testConnectionResult.json"

// serviceRoutes are what services have beyond other entities.
func (a *API) serviceRoutes() []Route {
	var all []Route
	for _, t := range a.engine.Registry().All() {
		if !strings.HasPrefix(t.Collection, "/v1/services/") || !strings.HasSuffix(t.Name, "Service") {
			continue
		}
		all = append(all, Route{
			Method: http.MethodPut, Path: "/api" + t.Collection + "/{id}/testConnectionResult", Access: Authenticated,
			Handle: func(c *call) error { return c.putConnectionResult(t) },
		})
	}
	return all
}

// putConnectionResult keeps what the last test of the connection found.
func (c *call) putConnectionResult(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if err := c.engine.Validate(connectionResultSchema, body); err != nil {
		return err
	}
	result, err := c.engine.Edit(c.ctx(), c.by, t, sel, []policy.Operation{policy.EditAll}, engine.View{Base: c.base()},
		func(_ store.Tx, ent *entity.Entity) error {
			ent.Rest["testConnectionResult"] = body
			return nil
		})
	if err != nil {
		return err
	}
	return c.written(result, http.StatusOK)
}
