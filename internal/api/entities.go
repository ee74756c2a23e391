package api

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// ChangeHeader tells a client what its write did.
const ChangeHeader = "X-OpenMetadata-Change"

// patchTypes are the media types of a JSON Patch.
const patchTypes = "application/json-patch+json"

// entityRoutes adds the routes every entity type has, as far as it has them.
func (a *API) entityRoutes(t *registry.Type) {
	base := "/api" + t.Collection
	add := func(method, path string, handle func(*call, *registry.Type) error) {
		r := Route{Method: method, Path: base + path, Access: Authenticated, of: t, Handle: func(c *call) error { return handle(c, t) }}
		if method == http.MethodPatch {
			r.Accepts = patchTypes
		}
		a.routes.add(r)
	}
	s := t.Supports
	add(http.MethodGet, "", (*call).listEntities)
	add(http.MethodGet, "/history", (*call).listHistory)
	add(http.MethodGet, "/{id}", (*call).getEntity)
	add(http.MethodGet, "/name/{fqn}", (*call).getEntity)
	if t.Create != "" && s.PostAllowed {
		add(http.MethodPost, "", (*call).createEntity)
	}
	if t.Create != "" && s.PutAllowed {
		add(http.MethodPut, "", (*call).putEntity)
	}
	if s.Bulk {
		add(http.MethodPut, "/bulk", (*call).bulkEntities)
	}
	if t.Create != "" {
		add(http.MethodPatch, "/{id}", (*call).patchEntity)
		add(http.MethodDelete, "/{id}", (*call).deleteEntity)
		add(http.MethodDelete, "/name/{fqn}", (*call).deleteEntity)
	}
	if s.PatchByName {
		add(http.MethodPatch, "/name/{fqn}", (*call).patchEntity)
	}
	if s.Async {
		add(http.MethodDelete, "/async/{id}", (*call).deleteLater)
	}
	if s.Restore {
		add(http.MethodPut, "/restore", (*call).restoreEntity)
	}
	if s.Versions {
		add(http.MethodGet, "/{id}/versions", (*call).listVersions)
		add(http.MethodGet, "/{id}/versions/{version}", (*call).getVersion)
	}
	if s.FollowersRoute {
		add(http.MethodPut, "/{id}/followers", (*call).follow)
		add(http.MethodDelete, "/{id}/followers/{userId}", (*call).unfollow)
	}
	if s.VoteRoute {
		add(http.MethodPut, "/{id}/vote", (*call).vote)
	}
}

// paging is the part of a page that leads to others.
type paging struct {
	After  string `json:"after,omitzero"`
	Before string `json:"before,omitzero"`
	Offset *int   `json:"offset,omitzero"`
	Limit  *int   `json:"limit,omitzero"`
	Total  int    `json:"total"`
}

// page is one page of anything.
type page[T any] struct {
	Data   []T    `json:"data"`
	Paging paging `json:"paging"`
}

// newPage makes a page that is never null.
func newPage[T any](data []T, total int) page[T] {
	if data == nil {
		data = []T{}
	}
	return page[T]{Data: data, Paging: paging{Total: total}}
}

// window is the part of a list that a call asks for by limit and offset.
type window struct{ limit, offset int }

// window reads the parameters limit and offset. Where an answer has several lists,
// prefix tells their parameters apart: inputLimit and inputOffset.
func (c *call) window(prefix string, missing, low, high int) (window, error) {
	names := [2]string{"limit", "offset"}
	if prefix != "" {
		names = [2]string{prefix + "Limit", prefix + "Offset"}
	}
	var w window
	var err error
	if w.limit, err = c.number(names[0], missing, low, high); err != nil {
		return w, err
	}
	w.offset, err = c.number(names[1], 0, 0, 1<<31)
	return w, err
}

// pageAt cuts a page out of a list that is all there.
func pageAt[T any](all []T, w window) page[T] {
	total := len(all)
	out := newPage(all[min(w.offset, total):min(w.offset+w.limit, total)], total)
	out.Paging.Offset, out.Paging.Limit = &w.offset, &w.limit
	return out
}

// Clients may ask for pages of a million. What they get has at most maxRows, and a
// cursor for the rest; of pages larger than largePage a few are made at a time,
// so that nobody can fill the memory by asking for many.
const (
	maxRows    = 10_000
	largePage  = 1_000
	largePages = 3
)

// enterPage waits until there is room for a page of the size and returns how to
// give the room up.
func (c *call) enterPage(limit int) (leave func(), err error) {
	if limit <= largePage {
		return func() {}, nil
	}
	select {
	case c.large <- struct{}{}:
		return func() { <-c.large }, nil
	case <-c.ctx().Done():
		return nil, entity.Errorf(entity.KindUnavailable, "the server is busy with large pages; ask for at most %d", largePage)
	}
}

func (c *call) listEntities(t *registry.Type) error {
	view, err := c.view(t)
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 10, 0, c.limits.MaxPage)
	if err != nil {
		return err
	}
	limit = min(limit, maxRows)
	query, found, err := c.filters(t)
	if err != nil {
		return err
	}
	leave, err := c.enterPage(limit)
	if err != nil {
		return err
	}
	defer leave()
	if !found {
		return c.json(http.StatusOK, newPage[*entity.Entity](nil, 0))
	}
	got, err := c.engine.List(c.ctx(), c.by, t, engine.ListRequest{
		Query: query, Limit: limit, After: c.query.Get("after"), Before: c.query.Get("before"), View: view,
	})
	if err != nil {
		return err
	}
	out := newPage(got.Items, got.Total)
	out.Paging.After, out.Paging.Before = got.After, got.Before
	return c.json(http.StatusOK, out)
}

func (c *call) getEntity(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	view, err := c.view(t)
	if err != nil {
		return err
	}
	raw, version, err := c.engine.GetJSON(c.ctx(), c.by, t, sel, view)
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", `"`+version.String()+`"`)
	return c.raw(http.StatusOK, raw)
}

func (c *call) createEntity(t *registry.Type) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	result, err := c.engine.Create(c.ctx(), c.by, t, body, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.written(result, http.StatusCreated)
}

func (c *call) putEntity(t *registry.Type) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	result, err := c.engine.Put(c.ctx(), c.by, t, body, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.saved(result)
}

// saved answers a write that may have created the entity.
func (c *call) saved(result engine.Result) error {
	if result.Created() {
		return c.written(result, http.StatusCreated)
	}
	return c.written(result, http.StatusOK)
}

// written answers a write with the entity and what happened to it.
func (c *call) written(result engine.Result, status int) error {
	raw, err := engine.Encode(result.Entity)
	if err != nil {
		return entity.Internal(err)
	}
	h := c.w.Header()
	if status == http.StatusCreated && result.Entity.Href != "" {
		h.Set("Location", result.Entity.Href)
	}
	event := result.Event
	if event == entity.EventRestored {
		event = entity.EventUpdated
	}
	h.Set(ChangeHeader, event)
	if result.Entity.Version != 0 {
		h.Set("ETag", `"`+result.Entity.Version.String()+`"`)
	}
	return c.raw(status, raw)
}

func (c *call) bulkEntities(t *registry.Type) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	result, err := c.engine.Bulk(c.ctx(), c.by, t, body, statusOf)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, result)
}

func (c *call) patchEntity(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	expect, err := c.expected()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	result, err := c.engine.Patch(c.ctx(), c.by, t, sel, body, expect, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.written(result, http.StatusOK)
}

// expected returns the version that If-Match names (RFC 9110 §13.1.1), 0 for any.
func (c *call) expected() (entity.Version, error) {
	tag := strings.TrimSpace(c.r.Header.Get("If-Match"))
	if tag == "" || tag == "*" {
		return 0, nil
	}
	return entity.ParseVersion(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`))
}

// deletion reads what is to be deleted, and how.
func (c *call) deletion(t *registry.Type) (sel engine.Selector, opts engine.DeleteOptions, err error) {
	if sel, err = c.selector(); err != nil {
		return sel, opts, err
	}
	if opts.Hard, err = c.flag("hardDelete", false); err != nil {
		return sel, opts, err
	}
	opts.Recursive, err = c.flag("recursive", false)
	if c.softDeleteImpossible(t) {
		opts.Hard = true
	}
	return sel, opts, err
}

// deleteLater starts a job that deletes.
func (c *call) deleteLater(t *registry.Type) error {
	sel, opts, err := c.deletion(t)
	if err != nil {
		return err
	}
	ent, err := c.engine.CheckDelete(c.ctx(), c.by, t, sel, opts)
	if err != nil {
		return err
	}
	d := deletionJob{Type: t.Name, ID: ent.ID, Hard: opts.Hard, Recursive: opts.Recursive, Base: c.base(), by: c.by}
	spec, err := d.spec()
	if err != nil {
		return err
	}
	say := jobAnswer{Message: "The deletion has been started.", EntityName: ent.Name, HardDelete: &opts.Hard, Recursive: &opts.Recursive}
	return c.order(http.StatusAccepted, say, job.Order{Kind: deletionKind, Spec: spec, Work: c.deletionWork(t, d)})
}

func (c *call) deleteEntity(t *registry.Type) error {
	sel, opts, err := c.deletion(t)
	if err != nil {
		return err
	}
	result, err := c.engine.Delete(c.ctx(), c.by, t, sel, opts, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.written(result, http.StatusOK)
}

// softDeleteImpossible tells that the type has no deleted state, so that every
// delete is for good.
func (c *call) softDeleteImpossible(t *registry.Type) bool { return !t.Supports.SoftDelete }

func (c *call) restoreEntity(t *registry.Type) error {
	var body struct {
		ID entity.ID `json:"id"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	result, err := c.engine.Restore(c.ctx(), c.by, t, body.ID, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.written(result, http.StatusOK)
}

// versionHistory lists the states of an entity, each as JSON inside a string.
type versionHistory struct {
	EntityType string   `json:"entityType"`
	Versions   []string `json:"versions"`
}

func (c *call) listVersions(t *registry.Type) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	ents, err := c.engine.Versions(c.ctx(), c.by, t, id, engine.View{})
	if err != nil {
		return err
	}
	out := versionHistory{EntityType: t.Name, Versions: make([]string, len(ents))}
	for i, ent := range ents {
		raw, err := engine.Encode(ent)
		if err != nil {
			return entity.Internal(err)
		}
		out.Versions[i] = string(raw)
	}
	return c.json(http.StatusOK, out)
}

func (c *call) getVersion(t *registry.Type) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	text, err := c.param("version")
	if err != nil {
		return err
	}
	number, err := entity.ParseVersion(text)
	if err != nil {
		return err
	}
	ent, err := c.engine.Version(c.ctx(), c.by, t, id, number, engine.View{})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, ent)
}

func (c *call) follow(t *registry.Type) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	user, err := entity.ParseID(unquote(body))
	if err != nil {
		return err
	}
	return c.opinion(c.engine.Follow(c.ctx(), c.by, t, id, user))
}

// unquote returns the text of a JSON string, or the bare text of a client that
// sends the id without quotes.
func unquote(body []byte) string {
	v := jsontext.Value(strings.TrimSpace(string(body)))
	if v.Kind() != '"' {
		return string(v)
	}
	out, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return string(v)
	}
	return string(out)
}

func (c *call) unfollow(t *registry.Type) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	user, err := c.id("userId")
	if err != nil {
		return err
	}
	return c.opinion(c.engine.Unfollow(c.ctx(), c.by, t, id, user))
}

func (c *call) opinion(event *engine.ChangeEvent, err error) error {
	if err != nil {
		return err
	}
	c.w.Header().Set(ChangeHeader, entity.EventFieldsChanged)
	return c.json(http.StatusOK, event)
}

func (c *call) vote(t *registry.Type) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	var body struct {
		UpdatedVoteType string `json:"updatedVoteType"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.opinion(c.engine.Vote(c.ctx(), c.by, t, id, body.UpdatedVoteType))
}
