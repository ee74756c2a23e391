package api

import (
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// glossaryTermRoutes serve what glossary terms have besides other entities.
func (a *API) glossaryTermRoutes() []Route {
	const base = "/api/v1/glossaryTerms"
	return []Route{
		{Method: http.MethodPut, Path: base + "/{id}/moveAsync", Access: Authenticated, Handle: (*call).moveTerm},
	}
}

// moveTerm puts a term below another term or glossary, with all below it. It is
// done when the answer comes, which has the shape of a job that was started.
func (c *call) moveTerm() error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	body, err := c.validated("api/tests/moveGlossaryTermRequest.json")
	if err != nil {
		return err
	}
	var request struct {
		Parent *entity.Ref `json:"parent"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the request cannot be read")
	}
	if request.Parent == nil {
		return entity.BadRequest("[parent must not be null]")
	}
	t, err := c.entityType("glossaryTerm")
	if err != nil {
		return err
	}
	type op struct {
		Op    string      `json:"op"`
		Path  string      `json:"path"`
		Value *entity.Ref `json:"value,omitzero"`
	}
	var ops []op
	switch to := request.Parent.Bare(); to.Type {
	case "glossaryTerm":
		ops = []op{{Op: "add", Path: "/parent", Value: &to}}
	case "glossary":
		ops = []op{{Op: "add", Path: "/glossary", Value: &to}, {Op: "add", Path: "/parent"}}
	default:
		return entity.BadRequest("a glossary term can be moved to a glossary or a glossaryTerm, not to %q", entity.Shorten(to.Type, 60))
	}
	patch, err := encoded(ops)
	if err != nil {
		return err
	}
	result, err := c.engine.Patch(c.ctx(), c.by, t, engine.ByID(id), patch, 0, engine.View{})
	if err != nil {
		return err
	}
	return c.json(http.StatusAccepted, struct {
		Name    string    `json:"entityName"`
		Job     entity.ID `json:"jobId"`
		Message string    `json:"message"`
	}{result.Entity.FullyQualifiedName, entity.NewID(), "The term has been moved."})
}
