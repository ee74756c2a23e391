package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/sight"
)

// searchRoutes serve search, suggestions and aggregations.
func (a *API) searchRoutes() []Route {
	const base = "/api/v1/search"
	return []Route{
		{Method: http.MethodGet, Path: base + "/query", Access: Authenticated, Handle: func(c *call) error {
			tree, err := c.flag("getHierarchy", false)
			if err != nil {
				return err
			}
			if tree {
				return c.searchTree()
			}
			return c.search(c.catalog.QueryCall(c.query, time.Now()))(search.RenderQuery)
		}},
		{Method: http.MethodGet, Path: base + "/nlq/query", Access: Authenticated, Handle: func(c *call) error {
			// What answers is no language model, which the answer does not hide.
			c.w.Header().Set("Warning", `199 - "no language model is configured: the words of the question were searched"`)
			return c.search(c.catalog.NLQCall(c.query, time.Now()))(search.RenderQuery)
		}},
		{Method: http.MethodGet, Path: base + "/entityTypeCounts", Access: Authenticated, Handle: func(c *call) error {
			return c.search(c.catalog.CountsCall(c.query, time.Now()))(search.RenderQuery)
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
		result, err := c.findCall(parsed)
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

// maxTree is how many entities, and how many above them, one tree shows.
const maxTree = 1000

// searchTree answers what a query finds as trees, with what is above each hit.
func (c *call) searchTree() error {
	parsed, err := c.catalog.TreeCall(c.query, time.Now())
	if err != nil {
		return err
	}
	result, err := c.find(parsed.Request)
	if err != nil {
		return err
	}
	above, err := search.AncestorNames(result.Hits)
	if err != nil {
		return err
	}
	hits := result.Hits
	if len(above) > 0 {
		if len(above) > maxTree {
			return entity.BadRequest("what is found lies below more than %d others; narrow the query or ask for fewer with size", maxTree)
		}
		parents, err := c.find(search.Request{
			Indexes: c.catalog.TreeIndexes(parsed.Request.Indexes), Deleted: parsed.Request.Deleted, Size: len(above),
			Filter: search.Terms{Field: "fullyQualifiedName", Values: above},
		})
		if err != nil {
			return err
		}
		hits = append(hits, parents.Hits...)
	}
	out, err := search.RenderHierarchy(hits)
	if err != nil {
		return err
	}
	return c.raw(http.StatusOK, out)
}

// findCall runs a search, and its wider readings as long as nothing is found.
func (c *call) findCall(parsed search.Call) (search.Result, error) {
	req := parsed.Request
	if req.Ranking == nil && req.Size > 0 {
		var err error
		if req.Ranking, err = c.ranking(); err != nil {
			return search.Result{}, err
		}
	}
	result, err := c.find(req)
	for _, wider := range parsed.Relaxed {
		if err != nil || result.Total > 0 {
			break
		}
		req.Query = wider
		result, err = c.find(req)
	}
	return result, err
}

func (c *call) aggregateBody() error {
	body, err := c.body()
	if err != nil {
		return err
	}
	return c.search(c.catalog.AggregateBody(body, time.Now()))(search.RenderAggregate)
}

// find runs a search over what the caller may see, once the index has caught up
// with the writes before it. Where it has not, what it found is looked at again in
// the store: the index may not know yet that something is hidden now.
func (c *call) find(req search.Request) (search.Result, error) {
	if search.OfColumns(req) {
		return search.FindColumns(req, c.find)
	}
	indexes, visible, err := c.sight(req.Indexes)
	if err != nil || len(indexes) == 0 {
		return search.Result{}, err
	}
	if req.Indexes, req.Visible = indexes, visible; visible != nil {
		req.Indexes = nil // the query names them
	}
	exact, err := c.indexer.CatchUp(c.ctx(), c.limits.SearchDelay)
	if err != nil {
		return search.Result{}, err
	}
	result, err := c.index.Search(c.ctx(), req)
	if err != nil || exact || req.Visible == nil || len(result.Hits) == 0 {
		return result, err
	}
	ids := make([]entity.ID, len(result.Hits))
	for i, hit := range result.Hits {
		ids[i] = hit.ID
	}
	seen, err := c.engine.Visible(c.ctx(), c.by, ids)
	result.Hits = slices.DeleteFunc(result.Hits, func(hit search.Hit) bool { return !seen[hit.ID] })
	return result, err
}

// sight tells which of the indexes hold anything for the caller, and what of them.
func (c *call) sight(wanted []string) ([]string, search.Query, error) {
	among := map[string]bool{}
	for _, name := range wanted {
		among[name] = true
	}
	var types, indexes []string
	for _, t := range c.engine.Registry().All() {
		index, ok := c.catalog.IndexOf(t.Name)
		if ok && (len(wanted) == 0 || among[index]) {
			types, indexes = append(types, t.Name), append(indexes, index)
		}
	}
	filters, err := c.engine.Sights(c.ctx(), c.by, types)
	if err != nil {
		return nil, nil, err
	}
	names, visible := sight.ByIndex(indexes, filters)
	if visible == nil {
		return names, nil, nil
	}
	controlled, err := c.searchControlled()
	if !controlled {
		visible = nil
	}
	return names, visible, err
}

// searchControlled tells whether searches show only what the caller may see of a
// type, which an administrator can switch off in the search settings.
func (c *call) searchControlled() (bool, error) {
	s, err := c.readSetting("searchSettings")
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	var settings struct {
		Global struct {
			Control *bool `json:"enableAccessControl"`
		} `json:"globalSettings"`
	}
	if err := json.Unmarshal(s.Value, &settings); err != nil {
		return true, entity.Internal(err)
	}
	return settings.Global.Control == nil || *settings.Global.Control, nil
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
