package api

import (
	"net/http"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/lineage"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// queryMatch returns what decides whether an entity fits query_filter; nil without
// one.
func (c *call) queryMatch() (func(engine.Loaded) (bool, error), error) {
	filter := c.query.Get("query_filter")
	if filter == "" {
		return nil, nil
	}
	q, err := search.ParseDSL([]byte(filter), c.clock())
	if err != nil || q == nil {
		return nil, err
	}
	m, err := search.NewMatcher(q)
	if err != nil {
		return nil, err
	}
	return func(l engine.Loaded) (bool, error) {
		doc, ok, err := c.catalog.Document(search.Loaded(l))
		if err != nil || !ok {
			return false, err
		}
		fields, err := search.ReadFields(doc.ID, doc.Source)
		if err != nil {
			return false, entity.Internal(err)
		}
		fits := m.Match(fields)
		if m.Effort() > search.MaxEffort {
			return false, entity.BadRequest("query_filter has patterns that cost too much: use simpler ones, or look at fewer levels")
		}
		return fits, nil
	}, nil
}

// impactSize is the most that one page of an impact shows.
const impactSize = 1000

// impactRequest reads which page of what lies within which distance is asked for.
func (c *call) impactRequest() (req lineage.ImpactRequest, err error) {
	if req.SearchRequest, err = c.lineageRequest(); err != nil {
		return req, err
	}
	if req.From, err = c.number("from", 0, 0, lineage.MaxNodes+1); err != nil {
		return req, err
	}
	if req.Size, err = c.number("size", 50, 1, impactSize); err != nil {
		return req, err
	}
	if req.Type == "" {
		req.Type = c.query.Get("entityType")
	}
	return req, c.impactDepth(&req.SearchRequest)
}

// impact answers a page of what lies within a distance of an entity.
func (h lineageHandler) impact(c *call) error {
	req, err := c.impactRequest()
	if err != nil {
		return err
	}
	out, err := h.service.Impact(c.ctx(), c.by, req)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// impactDepth reads which way and how far to look. Depths upstream may come with a
// minus, as answers show them.
func (c *call) impactDepth(req *lineage.SearchRequest) error {
	if c.query.Get("nodeDepth") == "" {
		return entity.BadRequest("[query param nodeDepth must not be null]")
	}
	depth, err := c.number("nodeDepth", 0, -lineage.MaxDepth, lineage.MaxDepth)
	if err != nil {
		return err
	}
	most, err := c.number("maxDepth", lineage.MaxDepth, 1, lineage.MaxDepth)
	if err != nil {
		return err
	}
	depth = min(max(depth, -depth), most)
	switch direction := c.query.Get("direction"); direction {
	case "Upstream":
		req.Up, req.Down = depth, 0
	case "Downstream":
		req.Up, req.Down = 0, depth
	default:
		return entity.BadRequest("the direction is Upstream or Downstream, not %q", entity.Shorten(direction, 40))
	}
	return nil
}

// failing answers what of the lineage above an entity fails its tests.
func (h lineageHandler) failing(c *call) error {
	req, err := c.lineageRequest()
	if err != nil {
		return err
	}
	req.Down = 0
	out, err := h.service.Failing(c.ctx(), c.by, req)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// platform answers how data flows between services, domains or data products.
func (h lineageHandler) platform(c *call) error {
	req := lineage.PlatformRequest{View: c.query.Get("view")}
	var err error
	if req.IncludeDeleted, err = c.flag("includeDeleted", false); err != nil {
		return err
	}
	if req.Match, err = c.queryMatch(); err != nil {
		return err
	}
	out, err := h.service.Platform(c.ctx(), c.by, req)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}
