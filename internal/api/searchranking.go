package api

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

const (
	searchSetting       = "searchSettings"
	searchSettingSchema = "configuration/searchSettings.json"
)

// readRanking is a ranking with the settings it was read from.
type readRanking struct {
	from    jsontext.Value
	ranking *search.Ranking
}

// ranking is the one of the settings. It is read again when they have changed.
func (c *call) ranking() (*search.Ranking, error) {
	s, err := c.readSetting(searchSetting)
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return nil, nil // the default
	}
	if err != nil {
		return nil, err
	}
	if known := c.rankings.Load(); known != nil && bytes.Equal(known.from, s.Value) {
		return known.ranking, nil
	}
	read := &readRanking{from: s.Value.Clone()}
	if read.ranking, err = c.catalog.ParseRanking(s.Value); err != nil {
		// Written before rankings were checked: people still want to find things.
		c.log.WarnContext(c.ctx(), "the search settings cannot be read; ranking as usual", "error", err)
		read.ranking = search.DefaultRanking()
	}
	c.rankings.Store(read)
	return read.ranking, nil
}

// checkSetting refuses a setting that the server could not work by.
func (c *call) checkSetting(name string, value jsontext.Value) error {
	if name != searchSetting {
		return nil
	}
	clean, err := c.engine.ValidateBody(searchSettingSchema, value)
	if err != nil {
		return err
	}
	_, err = c.catalog.ParseRanking(clean)
	return err
}

// previewRequest is a search with settings to try.
type previewRequest struct {
	Query         string         `json:"query"`
	Index         string         `json:"index"`
	Settings      jsontext.Value `json:"searchSettings"`
	From          int            `json:"from"`
	Size          *int           `json:"size"`
	SortField     string         `json:"sortField"`
	SortOrder     string         `json:"sortOrder"`
	QueryFilter   string         `json:"queryFilter"`
	PostFilter    string         `json:"postFilter"`
	FetchSource   *bool          `json:"fetchSource"`
	IncludeFields []string       `json:"includeSourceFields"`
}

// previewSearch answers a search as it would be ranked by other settings. Who sees
// what stays as it is.
func (c *call) previewSearch() error {
	body, err := c.validated("api/search/previewSearchRequest.json")
	if err != nil {
		return err
	}
	var p previewRequest
	if err := json.Unmarshal(body, &p); err != nil {
		return entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	ranking, err := c.catalog.ParseRanking(p.Settings)
	if err != nil {
		return err
	}
	values := url.Values{
		"q": {p.Query}, "index": {p.Index}, "from": {strconv.Itoa(p.From)}, "sort_field": {p.SortField}, "sort_order": {p.SortOrder},
		"query_filter": {p.QueryFilter}, "post_filter": {p.PostFilter}, "include_source_fields": p.IncludeFields,
	}
	if p.Size != nil {
		values.Set("size", strconv.Itoa(*p.Size))
	}
	if p.FetchSource != nil {
		values.Set("fetch_source", strconv.FormatBool(*p.FetchSource))
	}
	parsed, err := c.catalog.QueryCall(values, time.Now())
	parsed.Request.Ranking = ranking
	return c.search(parsed, err)(search.RenderQuery)
}

// previewRoute is the one of previewSearch.
func previewRoute() Route {
	return Route{Method: http.MethodPost, Path: "/api/v1/search/preview", Access: AdminOnly, MaxBody: 1 << 20, Handle: (*call).previewSearch}
}
