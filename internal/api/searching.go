package api

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// searchRoutes serve search, suggestions and aggregations.
func (a *API) searchRoutes() []Route {
	const base = "/api/v1/search"
	return []Route{
		{Method: http.MethodGet, Path: base + "/query", Access: Authenticated, Handle: func(c *call) error {
			return c.search(c.catalog.QueryCall(c.query, time.Now()))(search.RenderQuery)
		}},
		{Method: http.MethodGet, Path: base + "/fieldQuery", Access: Authenticated, Handle: func(c *call) error {
			return c.search(c.catalog.FieldCall(c.query))(search.RenderQuery)
		}},
		{Method: http.MethodGet, Path: base + "/sourceUrl", Access: Authenticated, Handle: func(c *call) error {
			return c.search(c.catalog.SourceURLCall(c.query))(search.RenderQuery)
		}},
		{Method: http.MethodGet, Path: base + "/suggest", Access: Authenticated, Handle: func(c *call) error {
			return c.search(c.catalog.SuggestCall(c.query))(func(call search.Call, result search.Result, _ time.Duration) (jsontext.Value, error) {
				return search.RenderSuggest(call, result)
			})
		}},
		{Method: http.MethodGet, Path: base + "/aggregate", Access: Authenticated, Handle: func(c *call) error {
			return c.search(c.catalog.AggregateCall(c.query, time.Now()))(search.RenderAggregate)
		}},
		{Method: http.MethodPost, Path: base + "/aggregate", Access: Authenticated, MaxBody: 1 << 20, Handle: (*call).aggregateBody},
		{Method: http.MethodGet, Path: base + "/get/{index}/doc/{id}", Access: Authenticated, Handle: (*call).document},
	}
}

// render writes the answer to a search.
type render func(search.Call, search.Result, time.Duration) (jsontext.Value, error)

// search runs a search that was read from the request and answers it.
func (c *call) search(parsed search.Call, err error) func(render) error {
	return func(write render) error {
		if err != nil {
			return err
		}
		begun := time.Now()
		result, err := c.find(parsed.Request)
		if err != nil {
			return err
		}
		out, err := write(parsed, result, time.Since(begun))
		if err != nil {
			return err
		}
		return c.raw(http.StatusOK, out)
	}
}

func (c *call) aggregateBody() error {
	body, err := c.body()
	if err != nil {
		return err
	}
	return c.search(c.catalog.AggregateBody(body, time.Now()))(search.RenderAggregate)
}

// find runs a search over what the caller may see, once the index has caught up
// with the writes before it.
func (c *call) find(req search.Request) (search.Result, error) {
	visible, err := c.visibleIndexes(req.Indexes)
	if err != nil {
		return search.Result{}, err
	}
	if len(visible) == 0 {
		return search.Result{}, nil
	}
	req.Indexes = visible
	if err := c.catchUp(); err != nil {
		return search.Result{}, err
	}
	return c.index.Search(c.ctx(), req)
}

// catchUp waits until the index has seen all writes that were acknowledged
// before this request, or the configured delay has passed: a somewhat old answer
// is better than none.
func (c *call) catchUp() error {
	var last uint64
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		last, err = r.LastSeq(c.ctx())
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx(), c.limits.SearchDelay)
	defer cancel()
	if err := c.indexer.WaitFor(ctx, last); err != nil && c.ctx().Err() != nil {
		return c.ctx().Err()
	}
	return nil
}

// visibleIndexes leaves out the indexes of types the caller may not see.
func (c *call) visibleIndexes(wanted []string) ([]string, error) {
	subject, err := c.engine.Subject(c.ctx(), c.by)
	if err != nil {
		return nil, err
	}
	among := map[string]bool{}
	for _, name := range wanted {
		among[name] = true
	}
	var out []string
	for _, t := range c.engine.Registry().All() {
		index, ok := c.catalog.IndexOf(t.Name)
		if !ok || len(wanted) > 0 && !among[index] {
			continue
		}
		if policy.Decide(subject, &policy.Resource{Type: t.Name}, policy.ViewBasic).Allowed {
			out = append(out, index)
		}
	}
	return out, nil
}

// document answers one document of the index.
func (c *call) document() error {
	name, err := c.param("index")
	if err != nil {
		return err
	}
	id, err := c.id("id")
	if err != nil {
		return err
	}
	indexes, err := c.catalog.Resolve(name)
	if err != nil {
		return err
	}
	result, err := c.find(search.Request{Indexes: indexes, Filter: search.IDs{Values: []string{id.String()}}, Size: 1})
	if err != nil {
		return err
	}
	if len(result.Hits) == 0 {
		return entity.NotFound("document", id.String())
	}
	return c.raw(http.StatusOK, result.Hits[0].Source)
}
