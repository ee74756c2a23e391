package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
)

// glossaryTermRoutes serve what glossary terms have besides other entities.
func (a *API) glossaryTermRoutes() []Route {
	const base = "/api/v1/glossaryTerms"
	return []Route{
		{Method: http.MethodPut, Path: base + "/{id}/moveAsync", Access: Authenticated, Handle: (*call).moveTerm},
		{Method: http.MethodPut, Path: base + "/{id}/tags/validate", Access: Authenticated, MaxBody: 1 << 20, Handle: a.typed("glossaryTerm", (*call).validateTermTags)},
		{Method: http.MethodPost, Path: base + "/createMany", Access: Authenticated, Handle: (*call).createTerms},
		{Method: http.MethodGet, Path: base + "/search", Access: Authenticated, Handle: (*call).searchTerms},
	}
}

// createTerms creates terms one after the other, so that a term may name one
// before it as its parent. One that fails does not stop the others.
func (c *call) createTerms() error {
	t, err := c.entityType("glossaryTerm")
	if err != nil {
		return err
	}
	requests, err := c.items(maxAssets)
	if err != nil {
		return err
	}
	items := make([]engine.BulkItem, len(requests))
	for i, request := range requests {
		items[i] = engine.BulkItem{Request: request, Status: http.StatusCreated}
		if _, err := c.engine.Create(c.ctx(), c.by, t, request, engine.View{}); err != nil {
			items[i].Status, items[i].Message = statusOf(err), engine.PublicMessage(err)
		}
		if err := c.ctx().Err(); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, engine.SummarizeBulk(items))
}

// searchTerms answers a page of the terms below a glossary or term whose names,
// synonyms or description hold the text.
func (c *call) searchTerms() error {
	w, err := c.window("", 50, 1, 1000)
	if err != nil {
		return err
	}
	t, err := c.entityType("glossaryTerm")
	if err != nil {
		return err
	}
	req := engine.ListRequest{}
	if req.View.Fields, err = c.engine.ParseFields(t, c.query.Get("fields")); err != nil {
		return err
	}
	if req.Query.Include, err = c.include(); err != nil {
		return err
	}
	req.View.Include = req.Query.Include
	if req.Query.Under, err = c.placeOfTerms(); err != nil {
		return err
	}
	all, err := c.everyOne(t, req)
	if err != nil {
		return err
	}
	text := strings.ToLower(strings.TrimSpace(c.query.Get("q")))
	found := slices.DeleteFunc(all, func(ent *entity.Entity) bool { return !termHolds(ent, text) })
	return c.json(http.StatusOK, pageAt(found, w))
}

// placeOfTerms returns the FQN that the terms are below, "" for all terms.
func (c *call) placeOfTerms() (string, error) {
	for _, p := range []struct{ byName, byID, typ string }{{"parentFqn", "parent", "glossaryTerm"}, {"glossaryFqn", "glossary", "glossary"}} {
		if fqn := c.query.Get(p.byName); fqn != "" {
			return entity.CanonicalFQN(fqn), nil
		}
		if text := c.query.Get(p.byID); text != "" {
			id, err := entity.ParseID(text)
			if err != nil {
				return "", err
			}
			if fqn, err := c.nameOf(id.String()); err != nil || fqn != "" {
				return fqn, err
			}
			return "", entity.NotFound(p.typ, text)
		}
	}
	return "", nil
}

// termHolds tells whether a term has the lower-case text somewhere in its words.
func termHolds(ent *entity.Entity, text string) bool {
	words := []string{ent.Name, ent.DisplayName, ent.Description}
	var synonyms []string
	if raw := ent.Rest["synonyms"]; raw != nil && json.Unmarshal(raw, &synonyms) == nil {
		words = append(words, synonyms...)
	}
	return text == "" || slices.ContainsFunc(words, func(word string) bool { return strings.Contains(strings.ToLower(word), text) })
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
	moved, err := engine.Encode(result.Entity)
	if err != nil {
		return entity.Internal(err)
	}
	done := c.jobs.Note(c.by.UserID, "moveGlossaryTerm", job.Result{Media: "application/json", Body: moved})
	return c.json(http.StatusAccepted, jobAnswer{EntityName: result.Entity.Name, Job: done, Message: "The term has been moved."})
}
