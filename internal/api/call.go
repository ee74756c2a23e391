package api

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// call is one request on its way through a handler.
type call struct {
	*API
	w     http.ResponseWriter
	r     *http.Request
	by    entity.Principal
	route *Route
	query url.Values
	limit int64 // bytes of the body
}

// ctx returns the request's context.
func (c *call) ctx() context.Context { return c.r.Context() }

// param returns a path parameter, decoded once.
func (c *call) param(name string) (string, error) {
	raw := chi.URLParam(c.r, name)
	text, err := url.PathUnescape(raw)
	if err != nil {
		return "", entity.BadRequest("the path segment %q is not properly escaped", entity.Shorten(raw, 100))
	}
	if strings.ContainsRune(text, 0) {
		return "", entity.BadRequest("the path holds a NUL character")
	}
	return text, nil
}

// id returns a path parameter that is a UUID.
func (c *call) id(name string) (entity.ID, error) {
	text, err := c.param(name)
	if err != nil {
		return entity.NilID, err
	}
	return entity.ParseID(text)
}

// selector returns the entity that the path names by {id} or by {fqn}.
func (c *call) selector() (engine.Selector, error) {
	if chi.URLParam(c.r, "fqn") != "" {
		fqn, err := c.param("fqn")
		return engine.ByFQN(fqn), err
	}
	id, err := c.id("id")
	return engine.ByID(id), err
}

// flag returns a boolean query parameter.
func (c *call) flag(name string, missing bool) (bool, error) {
	text := c.query.Get(name)
	if text == "" {
		return missing, nil
	}
	v, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return false, entity.BadRequest("query param %s must be true or false", name)
	}
	return v, nil
}

// number returns an integer query parameter between low and high.
func (c *call) number(name string, missing, low, high int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return missing, nil
	}
	v, err := strconv.Atoi(text)
	if err != nil {
		return 0, entity.BadRequest("query param %s must be a number", name)
	}
	if v < low {
		return 0, entity.BadRequest("[query param %s must be greater than or equal to %d]", name, low)
	}
	if v > high {
		return 0, entity.BadRequest("[query param %s must be less than or equal to %d]", name, high)
	}
	return v, nil
}

// timestamp returns a query parameter in milliseconds since 1970; 0 if absent.
func (c *call) timestamp(name string) (int64, error) {
	text := c.query.Get(name)
	if text == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1e15 {
		return 0, entity.BadRequest("query param %s must be a time in milliseconds since 1970", name)
	}
	return int64(f), nil
}

// include returns the parsed include parameter.
func (c *call) include() (store.Include, error) {
	switch c.query.Get("include") {
	case "", "non-deleted":
		return store.NonDeleted, nil
	case "deleted":
		return store.Deleted, nil
	case "all":
		return store.All, nil
	}
	return 0, entity.BadRequest("query param include must be one of [all, deleted, non-deleted]")
}

// view returns how the caller wants entities of a type shown.
func (c *call) view(t *registry.Type) (engine.View, error) {
	fields, err := c.engine.ParseFields(t, c.query.Get("fields"))
	if err != nil {
		return engine.View{}, err
	}
	include, err := c.include()
	return engine.View{Fields: fields, Include: include, Base: c.base()}, err
}

// base is what links begin with: the configured public address, or the one the
// client used.
func (c *call) base() string {
	if c.publicURL != "" {
		return c.publicURL + "/api"
	}
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	if strings.ContainsAny(c.r.Host, "\"<>\\ \t\r\n/") {
		return ""
	}
	return scheme + "://" + c.r.Host + "/api"
}

// entityType returns the registry's entry for a type name in a path.
func (c *call) entityType(name string) (*registry.Type, error) {
	t, ok := c.engine.Registry().ByName(name)
	if !ok {
		return nil, entity.NotFound("entity type", name)
	}
	return t, nil
}

// json answers with a status and a value.
func (c *call) json(status int, v any) error {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return entity.Internal(err)
	}
	return c.raw(status, raw)
}

// raw answers with a status and JSON text.
func (c *call) raw(status int, body []byte) error {
	c.w.Header().Set("Content-Type", "application/json")
	return c.send(status, body)
}

// send answers with a status and a body whose type is set.
func (c *call) send(status int, body []byte) error {
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodHead {
		return nil
	}
	_, err := c.w.Write(body)
	if err != nil {
		return nil // the client went away; nothing is left to answer
	}
	return nil
}

// gone answers a delete that has nothing to show. It is an object and not nothing,
// because there are clients that parse every answer.
func (c *call) gone() error { return c.raw(http.StatusOK, []byte("{}")) }

// empty answers with a status and no body. The explicit length keeps clients
// from trying to read JSON out of a chunked nothing.
func (c *call) empty(status int) error {
	if status != http.StatusNoContent {
		c.w.Header().Set("Content-Length", "0")
	}
	c.w.WriteHeader(status)
	return nil
}
