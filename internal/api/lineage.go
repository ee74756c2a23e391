package api

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/catalpa-metadata/catalpa/internal/csvio"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
	"github.com/catalpa-metadata/catalpa/internal/lineage"
)

// lineageRoutes keep and show which data comes from which.
func (a *API) lineageRoutes() []Route {
	h := lineageHandler{lineage.New(a.engine)}
	const base = "/api/v1/lineage"
	const ends = base + "/{fromEntity}/{fromId}/{toEntity}/{toId}"
	return []Route{
		{Method: http.MethodPut, Path: base, Access: Authenticated, Handle: h.put},
		{Method: http.MethodGet, Path: base + "/{entity}/{id}", Access: Authenticated, Handle: h.graph},
		{Method: http.MethodGet, Path: base + "/{entity}/name/{fqn}", Access: Authenticated, Handle: h.graph},
		{Method: http.MethodGet, Path: base + "/getLineageEdge/{fromId}/{toId}", Access: Authenticated, Handle: h.edge},
		{Method: http.MethodPatch, Path: ends, Access: Authenticated, Handle: h.patch, Accepts: patchTypes},
		{Method: http.MethodDelete, Path: ends, Access: Authenticated, Handle: h.remove},
		{Method: http.MethodDelete, Path: base + "/{fromEntity}/name/{fromFQN}/{toEntity}/name/{toFQN}", Access: Authenticated, Handle: h.remove},
		{Method: http.MethodDelete, Path: base + "/{entity}/{id}/type/{lineageSource}", Access: Authenticated, Handle: h.removeSource},
		{Method: http.MethodGet, Path: base + "/getLineage", Access: Authenticated, Handle: h.search},
		{Method: http.MethodGet, Path: base + "/getLineage/{direction}", Access: Authenticated, Handle: h.searchDirection},
		{Method: http.MethodGet, Path: base + "/getPaginationInfo", Access: Authenticated, Handle: h.count},
		{Method: http.MethodGet, Path: base + "/export", Access: Authenticated, Handle: h.export},
		{Method: http.MethodGet, Path: base + "/exportAsync", Access: Authenticated, Handle: h.exportLater},
		{Method: http.MethodGet, Path: base + "/exportByEntityCountAsync", Access: Authenticated, Handle: h.exportImpact},
		{Method: http.MethodGet, Path: base + "/getLineageByEntityCount", Access: Authenticated, Handle: h.impact},
		{Method: http.MethodGet, Path: base + "/getDataQualityLineage", Access: Authenticated, Handle: h.failing},
		{Method: http.MethodGet, Path: base + "/getPlatformLineage", Access: Authenticated, Handle: h.platform},
	}
}

// lineageHandler answers calls about lineage.
type lineageHandler struct{ service *lineage.Service }

// lineageEdge is the answer that shows one edge.
type lineageEdge struct {
	Edge lineage.Details `json:"edge"`
}

func (h lineageHandler) put(c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	if err := h.service.Put(c.ctx(), c.by, body); err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

// depths returns how far a caller wants to see.
func (c *call) depths() (up, down int, err error) {
	if up, err = c.number("upstreamDepth", 1, 0, lineage.MaxDepth); err != nil {
		return 0, 0, err
	}
	down, err = c.number("downstreamDepth", 1, 0, lineage.MaxDepth)
	return up, down, err
}

func (h lineageHandler) graph(c *call) error {
	typ, err := c.param("entity")
	if err != nil {
		return err
	}
	sel, err := c.selector()
	if err != nil {
		return err
	}
	up, down, err := c.depths()
	if err != nil {
		return err
	}
	out, err := h.service.Graph(c.ctx(), c.by, lineage.End{Type: typ, Selector: sel}, up, down, c.base())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (h lineageHandler) edge(c *call) error {
	from, err := c.id("fromId")
	if err != nil {
		return err
	}
	to, err := c.id("toId")
	if err != nil {
		return err
	}
	details, err := h.service.Edge(c.ctx(), c.by, from, to)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, lineageEdge{details})
}

// lineageEnd returns the end that the path names by type and id or FQN.
func (c *call) lineageEnd(typeParam, idParam, fqnParam string) (lineage.End, error) {
	typ, err := c.param(typeParam)
	if err != nil {
		return lineage.End{}, err
	}
	if chi.URLParam(c.r, fqnParam) != "" {
		fqn, err := c.param(fqnParam)
		return lineage.End{Type: typ, Selector: engine.ByFQN(fqn)}, err
	}
	id, err := c.id(idParam)
	return lineage.End{Type: typ, Selector: engine.ByID(id)}, err
}

func (c *call) lineageEnds() (from, to lineage.End, err error) {
	if from, err = c.lineageEnd("fromEntity", "fromId", "fromFQN"); err != nil {
		return from, to, err
	}
	to, err = c.lineageEnd("toEntity", "toId", "toFQN")
	return from, to, err
}

func (h lineageHandler) patch(c *call) error {
	from, to, err := c.lineageEnds()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	details, err := h.service.Patch(c.ctx(), c.by, from, to, body)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, lineageEdge{details})
}

func (h lineageHandler) remove(c *call) error {
	from, to, err := c.lineageEnds()
	if err != nil {
		return err
	}
	if err := h.service.Delete(c.ctx(), c.by, from, to); err != nil {
		return err
	}
	return c.gone()
}

func (h lineageHandler) removeSource(c *call) error {
	end, err := c.lineageEnd("entity", "id", "")
	if err != nil {
		return err
	}
	source, err := c.param("lineageSource")
	if err != nil {
		return err
	}
	if err := h.service.DeleteSource(c.ctx(), c.by, end, source); err != nil {
		return err
	}
	return c.gone()
}

// lineageRequest reads the parameters of a search for lineage.
func (c *call) lineageRequest() (lineage.SearchRequest, error) {
	req := lineage.SearchRequest{FQN: c.query.Get("fqn"), Type: c.query.Get("type")}
	if req.FQN == "" {
		return req, entity.BadRequest("[query param fqn must not be null]")
	}
	var err error
	if req.Columns, err = lineage.ParseColumnFilter(c.query.Get("columnFilter")); err != nil {
		return req, err
	}
	if req.Match, err = c.queryMatch(); err != nil {
		return req, err
	}
	if req.PreservePaths, err = c.flag("preservePaths", true); err != nil {
		return req, err
	}
	if req.Up, req.Down, err = c.depths(); err != nil {
		return req, err
	}
	if req.IncludeDeleted, err = c.flag("includeDeleted", false); err != nil {
		return req, err
	}
	if fields := c.query.Get("fields"); fields != "" && fields != "*" {
		for field := range strings.SplitSeq(fields, ",") {
			req.Fields = append(req.Fields, strings.TrimSpace(field))
		}
	}
	return req, nil
}

func (h lineageHandler) search(c *call) error {
	req, err := c.lineageRequest()
	if err != nil {
		return err
	}
	out, err := h.service.Search(c.ctx(), c.by, req)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (h lineageHandler) searchDirection(c *call) error {
	direction, err := c.param("direction")
	if err != nil {
		return err
	}
	req, err := c.lineageRequest()
	if err != nil {
		return err
	}
	switch direction {
	case "Upstream":
		req.Down = 0
	case "Downstream":
		req.Up = 0
	default:
		return entity.BadRequest("the direction is Upstream or Downstream, not %q", entity.Shorten(direction, 40))
	}
	out, err := h.service.Search(c.ctx(), c.by, req)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (h lineageHandler) count(c *call) error {
	req, err := c.lineageRequest()
	if err != nil {
		return err
	}
	out, err := h.service.Count(c.ctx(), c.by, req)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (h lineageHandler) export(c *call) error {
	req, err := c.lineageRequest()
	if err != nil {
		return err
	}
	records, err := h.service.Export(c.ctx(), c.by, req)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := csvio.Records(&out, records); err != nil {
		return entity.Internal(err)
	}
	c.w.Header().Set("Content-Type", textMedia)
	return c.send(http.StatusOK, out.Bytes())
}

// exportLater starts a job that exports what export answers.
func (h lineageHandler) exportLater(c *call) error {
	req, err := c.lineageRequest()
	if err != nil {
		return err
	}
	return h.startExport(c, req, func(ctx context.Context, by entity.Principal) ([][]string, error) {
		return h.service.Export(ctx, by, req)
	})
}

// exportImpact starts a job that exports a page of what impact answers.
func (h lineageHandler) exportImpact(c *call) error {
	req, err := c.impactRequest()
	if err != nil {
		return err
	}
	return h.startExport(c, req.SearchRequest, func(ctx context.Context, by entity.Principal) ([][]string, error) {
		return h.service.ExportImpact(ctx, by, req)
	})
}

func (h lineageHandler) startExport(c *call, req lineage.SearchRequest, export func(context.Context, entity.Principal) ([][]string, error)) error {
	if err := h.service.Check(c.ctx(), c.by, req); err != nil {
		return err
	}
	by, jobs := c.by, c.jobs
	return c.begin("lineageExport", http.StatusAccepted, jobAnswer{Message: "The export has been started."}, 0, func(ctx context.Context, _ job.Progress) (job.Result, error) {
		records, err := export(ctx, by)
		if err != nil {
			return job.Result{}, err
		}
		file := &resultFile{jobs: jobs}
		err = csvio.Records(file, records)
		return job.Result{Media: textMedia, Body: file.body}, err
	})
}
