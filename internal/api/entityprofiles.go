package api

import (
	"crypto/sha256"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/profile"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// entityProfileRoutes are another door to the profiles of tables: one point at a
// time, with what it is about, of one table or of all.
func (a *API) entityProfileRoutes() []Route {
	const base = "/api/v1/entity/profiles"
	return []Route{
		{Method: http.MethodGet, Path: base + "/{entityType}", Access: Authenticated, Handle: profiled((*call).listAllProfiles)},
		{Method: http.MethodGet, Path: base + "/{entityType}/{fqn}", Access: Authenticated, Handle: profiled((*call).listProfiles)},
		{Method: http.MethodPost, Path: base + "/id/{entityType}/{id}", Access: Authenticated, Handle: profiled((*call).addProfile)},
		{Method: http.MethodPost, Path: base + "/name/{entityType}/{fqn}", Access: Authenticated, Handle: profiled((*call).addProfile)},
		{Method: http.MethodDelete, Path: base + "/id/{entityType}/{id}/{timestamp}", Access: Authenticated, Handle: profiled((*call).deleteEntityProfile)},
		{Method: http.MethodDelete, Path: base + "/name/{entityType}/{fqn}/{timestamp}", Access: Authenticated, Handle: profiled((*call).deleteEntityProfile)},
	}
}

// profiled hands over the type whose profiles a call is about.
func profiled(handle func(*call, *registry.Type) error) func(*call) error {
	return func(c *call) error {
		name, err := c.param("entityType")
		if err != nil {
			return err
		}
		if name != "table" {
			return entity.BadRequest("profiles are kept of tables, not of %q", entity.Shorten(name, 40))
		}
		t, err := c.entityType(name)
		if err != nil {
			return err
		}
		return handle(c, t)
	}
}

// entityProfile is one point of a series and what it is about.
type entityProfile struct {
	ID        entity.ID      `json:"id"`
	Entity    entity.Ref     `json:"entityReference"`
	Timestamp int64          `json:"timestamp"`
	Data      jsontext.Value `json:"profileData"`
	Type      string         `json:"profileType"`
}

// profileID is the id of a point: always the same for the same table, kind and time.
func profileID(rec store.Record) entity.ID {
	sum := sha256.Sum256([]byte(rec.Kind + "\x00" + rec.Owner + "\x00" + rec.Key))
	id := entity.ID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // RFC 9562: version 8, ours
	return id
}

// profileKind reads which profiles a call is about.
func (c *call) profileKind() (string, error) {
	switch kind := c.query.Get("profileType"); kind {
	case "":
		return "table", nil
	case "table", "column", "system":
		return kind, nil
	}
	return "", entity.BadRequest("query param profileType must be one of [column, system, table]")
}

// entityProfiles shows points with references to what they are about.
func (c *call) entityProfiles(points []store.Record, kind string) ([]entityProfile, error) {
	var ids []entity.ID
	known := map[string]entity.ID{}
	for _, rec := range points {
		if _, ok := known[rec.Owner]; ok {
			continue
		}
		id, err := entity.ParseID(rec.Owner)
		if err != nil {
			return nil, entity.Internal(err)
		}
		known[rec.Owner] = id
		ids = append(ids, id)
	}
	var refs map[entity.ID]entity.Ref
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		refs, err = c.engine.References(c.ctx(), r, ids, c.base())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := []entityProfile{}
	for _, rec := range points {
		if ref, ok := refs[known[rec.Owner]]; ok {
			out = append(out, entityProfile{ID: profileID(rec), Entity: ref, Timestamp: rec.At, Data: rec.Doc, Type: kind})
		}
	}
	return out, nil
}

// listAllProfiles answers points of all tables that the caller may see them of, the
// newest first.
func (c *call) listAllProfiles(t *registry.Type) error {
	kind, err := c.profileKind()
	if err != nil {
		return err
	}
	if kind == "column" {
		return entity.BadRequest("profiles of columns are listed by column: /v1/entity/profiles/table/{fqn of the column}?profileType=column")
	}
	series := tableSeries()
	if kind == "system" {
		series = systemSeries()
	}
	q, err := c.span(defaultPoints)
	if err != nil {
		return err
	}
	if err := c.seesAny(t.Name, policy.ViewDataProfile); err != nil {
		return err
	}
	offset, err := timeseries.Offset(q.After)
	if err != nil {
		return err
	}
	total := 0
	var found []store.Record
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		total, found = 0, nil
		return c.scanSeen(r, store.RecordQuery{Kind: series.Kind, Any: true, From: q.From, To: q.To}, policy.ViewDataProfile, func(rec store.Record) bool {
			if total >= offset && len(found) < q.Limit {
				found = append(found, rec)
			}
			total++
			return true
		})
	})
	if err != nil {
		return err
	}
	shown, err := c.entityProfiles(found, kind)
	if err != nil {
		return err
	}
	out := newPage(shown, total)
	if end := offset + len(found); end < total && len(found) > 0 {
		out.Paging.After = strconv.Itoa(end)
	}
	return c.json(http.StatusOK, out)
}

// listProfiles answers the points of one table, or of one of its columns.
func (c *call) listProfiles(t *registry.Type) error {
	kind, err := c.profileKind()
	if err != nil {
		return err
	}
	fqn, err := c.param("fqn")
	if err != nil {
		return err
	}
	series, path := tableSeries(), []string(nil)
	switch kind {
	case "system":
		series = systemSeries()
	case "column":
		if fqn, path, err = profile.SplitColumn(fqn); err != nil {
			return err
		}
		series = columnSeries(path)
	}
	q, err := c.span(defaultPoints)
	if err != nil {
		return err
	}
	hidden, err := c.hiddenColumns(t, engine.ByFQN(fqn), policy.ViewDataProfile)
	if err != nil {
		return err
	}
	var found timeseries.Page
	err = c.read(t, engine.ByFQN(fqn), policy.ViewDataProfile, func(r store.Reader, row store.Row) error {
		found, err = series.Page(c.ctx(), r, row.ID, q)
		return err
	})
	if err != nil {
		return err
	}
	if path != nil && hidden.Hides(path[0]) {
		for i := range found.Points {
			if found.Points[i].Doc, err = profile.Mask(found.Points[i].Doc); err != nil {
				return err
			}
		}
	}
	shown, err := c.entityProfiles(found.Points, kind)
	if err != nil {
		return err
	}
	out := newPage(shown, found.Total)
	out.Paging.After = found.After
	return c.json(http.StatusOK, out)
}

// addProfile adds one point of a table.
func (c *call) addProfile(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	body, err := c.validated("api/data/createEntityProfile.json")
	if err != nil {
		return err
	}
	var request struct {
		EntityType string         `json:"entityType"`
		Timestamp  int64          `json:"timestamp"`
		Data       jsontext.Value `json:"profileData"`
		Type       string         `json:"profileType"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the profile cannot be read")
	}
	if request.EntityType != t.Name {
		return entity.BadRequest("the path is about a %s, entityType about a %s", t.Name, entity.Shorten(request.EntityType, 40))
	}
	if request.Type == "" {
		request.Type = "table"
	}
	data, err := c.engine.ValidateBody("entity/data/table.json#/$defs/"+request.Type+"Profile", request.Data)
	if err != nil {
		return err
	}
	at, err := pointOf(data)
	if err != nil {
		return err
	}
	if request.Timestamp != 0 && request.Timestamp != at.Timestamp {
		return entity.BadRequest("timestamp and profileData.timestamp name different times")
	}
	var rec store.Record
	err = c.beside(t, sel, "profile", policy.EditDataProfile, func(tx store.Tx, row store.Row) error {
		rec = store.Record{Kind: tableSeries().Kind, Owner: row.ID.String(), Key: timeseries.Key(at.Timestamp), At: at.Timestamp, Doc: data}
		return c.storePoint(tx, row, request.Type, &rec)
	})
	if err != nil {
		return err
	}
	shown, err := c.entityProfiles([]store.Record{rec}, request.Type)
	if err != nil {
		return err
	}
	if len(shown) == 0 {
		return entity.NotFound(t.Name, sel.String())
	}
	return c.json(http.StatusCreated, shown[0])
}

// storePoint stores one point and says in rec where it is.
func (c *call) storePoint(tx store.Tx, row store.Row, kind string, rec *store.Record) error {
	at, err := pointOf(rec.Doc)
	if err != nil {
		return err
	}
	switch kind {
	case "table":
		return c.storeProfile(tx, row, profileRequest{Table: rec.Doc})
	case "system":
		rec.Kind, rec.Key = systemSeries().Kind, rec.Key+at.Operation
		return c.storeSystemProfile(tx, row, rec.Doc)
	}
	table, err := engine.Decode(row)
	if err != nil {
		return err
	}
	columns, err := profile.Columns(table)
	if err != nil {
		return err
	}
	path, err := columnPath(columns, at.Name)
	if err != nil {
		return err
	}
	rec.Kind = columnSeries(path).Kind
	return c.storeColumnProfiles(tx, row, []jsontext.Value{rec.Doc})
}

// deleteEntityProfile removes the points of one time.
func (c *call) deleteEntityProfile(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	kind, err := c.profileKind()
	if err != nil {
		return err
	}
	if kind == "column" && sel.FQN == "" {
		return entity.BadRequest("a column has no id: name it, /v1/entity/profiles/name/table/{fqn of the column}/{timestamp}?profileType=column")
	}
	at, err := c.pathTime("timestamp")
	if err != nil {
		return err
	}
	if _, err := c.removeProfile(t, sel, kind, at); err != nil {
		return err
	}
	return c.gone()
}
