package api

import (
	"net/http"

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

// The series of a table. Those of columns have a kind of their own each, so that
// all of them belong to the table and go with it.
const (
	keepProfiles   = 1000 // points of a table; those of columns go with them
	columnsLatest  = "table.columnProfiles"
	columnKindBase = "columnProfile:"
)

func tableSeries() timeseries.Series {
	return timeseries.Series{Kind: "tableProfile", Keep: keepProfiles}
}

func systemSeries() timeseries.Series {
	return timeseries.Series{Kind: "systemProfile", Keep: keepProfiles}
}

func columnSeries(path []string) timeseries.Series {
	return timeseries.Series{Kind: columnKindBase + entity.BuildFQN(path...)}
}

// profileRequest is what the profiler sends.
type profileRequest struct {
	Table   jsontext.Value   `json:"tableProfile"`
	Columns []jsontext.Value `json:"columnProfile"`
	System  []jsontext.Value `json:"systemProfile"`
}

// point is what the rules see of one profile.
type point struct {
	Name      string `json:"name"`
	Operation string `json:"operation"`
	Timestamp int64  `json:"timestamp"`
}

func pointOf(doc jsontext.Value) (point, error) {
	var p point
	if err := json.Unmarshal(doc, &p); err != nil {
		return p, entity.BadRequest("the profile cannot be read")
	}
	return p, nil
}

func (c *call) putProfile(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	body, err := c.validated("api/data/createTableProfile.json")
	if err != nil {
		return err
	}
	var request profileRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the profile cannot be read")
	}
	err = c.beside(t, sel, "profile", policy.EditDataProfile, func(tx store.Tx, row store.Row) error {
		return c.storeProfile(tx, row, request)
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel, "profile")
}

func (c *call) storeProfile(tx store.Tx, row store.Row, request profileRequest) error {
	at, err := pointOf(request.Table)
	if err != nil {
		return err
	}
	if err := c.storeColumnProfiles(tx, row, request.Columns); err != nil {
		return err
	}
	for _, doc := range request.System {
		if err := c.storeSystemProfile(tx, row, doc); err != nil {
			return err
		}
	}
	series := tableSeries()
	series.Keep = 0
	if err := series.Put(c.ctx(), tx, row.ID, at.Timestamp, timeseries.Key(at.Timestamp), request.Table); err != nil {
		return err
	}
	gone, err := tableSeries().Trim(c.ctx(), tx, row.ID)
	if err != nil {
		return err
	}
	if gone > 0 {
		if err := c.trimColumns(tx, row, gone); err != nil {
			return err
		}
	}
	return c.setLatestProfile(tx, row.ID)
}

func (c *call) storeSystemProfile(tx store.Tx, row store.Row, doc jsontext.Value) error {
	p, err := pointOf(doc)
	if err != nil {
		return err
	}
	return systemSeries().Put(c.ctx(), tx, row.ID, p.Timestamp, timeseries.Key(p.Timestamp)+p.Operation, doc)
}

// setLatestProfile shows the newest profile on the table.
func (c *call) setLatestProfile(tx store.Tx, table entity.ID) error {
	kind := engine.RecordKind("table", "profile")
	latest, err := tableSeries().Latest(c.ctx(), tx, table)
	if missing(err) {
		_, err = tx.DeleteRecord(c.ctx(), kind, table.String(), "")
		return err
	}
	if err != nil {
		return err
	}
	return tx.PutRecord(c.ctx(), store.Record{Kind: kind, Owner: table.String(), At: latest.At, Doc: latest.Doc})
}

// storeColumnProfiles adds the profiles of columns to their series and to the
// record that holds the latest of each, so that showing them reads one record.
func (c *call) storeColumnProfiles(tx store.Tx, row store.Row, docs []jsontext.Value) error {
	if len(docs) == 0 {
		return nil
	}
	table, err := engine.Decode(row)
	if err != nil {
		return err
	}
	columns, err := profile.Columns(table)
	if err != nil {
		return err
	}
	latest, err := c.latestColumns(tx, row.ID)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		p, err := pointOf(doc)
		if err != nil {
			return err
		}
		path, err := columnPath(columns, p.Name)
		if err != nil {
			return err
		}
		if err := columnSeries(path).Put(c.ctx(), tx, row.ID, p.Timestamp, timeseries.Key(p.Timestamp), doc); err != nil {
			return err
		}
		name := entity.BuildFQN(path...)
		if old, err := pointOf(latest[name]); latest[name] == nil || err == nil && old.Timestamp <= p.Timestamp {
			latest[name] = doc
		}
	}
	return c.putLatestColumns(tx, row.ID, latest)
}

// columnPath finds the column a profile is about: a name, or for one inside
// another the names on the way to it.
func columnPath(columns []profile.Column, name string) ([]string, error) {
	if profile.Find(columns, []string{name}) != nil {
		return []string{name}, nil
	}
	parts, err := entity.SplitFQN(name)
	if err == nil {
		for i := range parts {
			parts[i] = entity.UnquoteName(parts[i])
		}
		if profile.Find(columns, parts) != nil {
			return parts, nil
		}
	}
	return nil, entity.BadRequest("Invalid column name %s", entity.Shorten(name, 200))
}

func (c *call) latestColumns(r store.Reader, table entity.ID) (map[string]jsontext.Value, error) {
	latest := map[string]jsontext.Value{}
	rec, err := r.Record(c.ctx(), columnsLatest, table.String(), "")
	if missing(err) {
		return latest, nil
	}
	if err == nil {
		err = json.Unmarshal(rec.Doc, &latest)
	}
	return latest, err
}

func (c *call) putLatestColumns(tx store.Tx, table entity.ID, latest map[string]jsontext.Value) error {
	doc, err := encoded(latest)
	if err != nil {
		return err
	}
	return tx.PutRecord(c.ctx(), store.Record{Kind: columnsLatest, Owner: table.String(), At: millis(), Doc: doc})
}

// trimColumns removes what is as old as the table profiles that went.
func (c *call) trimColumns(tx store.Tx, row store.Row, until int64) error {
	latest, err := c.latestColumns(tx, row.ID)
	if err != nil {
		return err
	}
	for name := range latest {
		q := store.RecordQuery{Kind: columnKindBase + name, Owner: row.ID.String(), To: until}
		if _, err := tx.DeleteRecords(c.ctx(), q); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) listTableProfiles(t *registry.Type) error {
	return c.listSeries(t, tableSeries(), policy.ViewDataProfile)
}

func (c *call) listSystemProfiles(t *registry.Type) error {
	return c.listSeries(t, systemSeries(), policy.ViewDataProfile)
}

// listSeries answers a page of a series of the entity in the path.
func (c *call) listSeries(t *registry.Type, series timeseries.Series, op policy.Operation) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	q, err := c.span(defaultPoints)
	if err != nil {
		return err
	}
	var found timeseries.Page
	err = c.read(t, sel, op, func(r store.Reader, row store.Row) error {
		found, err = series.Page(c.ctx(), r, row.ID, q)
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, points(found))
}

// defaultPoints is the length of a page that was not asked for.
const defaultPoints = 1000

func (c *call) listColumnProfiles(t *registry.Type) error {
	fqn, err := c.param("fqn")
	if err != nil {
		return err
	}
	table, path, err := profile.SplitColumn(fqn)
	if err != nil {
		return err
	}
	q, err := c.span(defaultPoints)
	if err != nil {
		return err
	}
	hidden, err := c.hiddenColumns(t, engine.ByFQN(table), policy.ViewDataProfile)
	if err != nil {
		return err
	}
	var found timeseries.Page
	err = c.read(t, engine.ByFQN(table), policy.ViewDataProfile, func(r store.Reader, row store.Row) error {
		ent, err := engine.Decode(row)
		if err != nil {
			return err
		}
		columns, err := profile.Columns(ent)
		if err != nil {
			return err
		}
		if profile.Find(columns, path) == nil {
			return entity.NotFound("column", fqn)
		}
		found, err = columnSeries(path).Page(c.ctx(), r, row.ID, q)
		return err
	})
	if err != nil {
		return err
	}
	if hidden.Hides(path[0]) {
		for i := range found.Points {
			if found.Points[i].Doc, err = profile.Mask(found.Points[i].Doc); err != nil {
				return err
			}
		}
	}
	return c.json(http.StatusOK, points(found))
}

// hiddenColumns tells which values of a table the caller may not see: those of
// sensitive columns, unless the caller may edit the table. op is what the caller
// needs in the first place.
func (c *call) hiddenColumns(t *registry.Type, sel engine.Selector, op policy.Operation) (engine.Sensitive, error) {
	ent, err := c.engine.AuthorizeEntity(c.ctx(), c.by, t, sel, op)
	if err != nil {
		return engine.Sensitive{}, err
	}
	_, err = c.engine.AuthorizeEntity(c.ctx(), c.by, t, sel, policy.EditAll)
	switch {
	case err == nil:
		return engine.Sensitive{}, nil
	case entity.KindOf(err) != entity.KindForbidden:
		return engine.Sensitive{}, err
	}
	return engine.SensitiveOf(t, ent)
}

// latestProfile answers the table with its newest profile and those of its
// columns.
func (c *call) latestProfile(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	withColumns, err := c.flag("includeColumnProfile", true)
	if err != nil {
		return err
	}
	ent, err := c.engine.Get(c.ctx(), c.by, t, sel, engine.View{Fields: engine.FieldsOf("profile", "tableConstraints"), Base: c.base()})
	if err != nil {
		return err
	}
	if withColumns {
		hidden, err := c.hiddenColumns(t, sel, policy.ViewDataProfile)
		if err != nil {
			return err
		}
		if err := c.showColumnProfiles(ent, hidden); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, ent)
}

func (c *call) showColumnProfiles(ent *entity.Entity, hidden engine.Sensitive) error {
	var latest map[string]jsontext.Value
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		latest, err = c.latestColumns(r, ent.ID)
		return err
	})
	if err != nil || len(latest) == 0 {
		return err
	}
	columns, err := profile.Columns(ent)
	if err != nil {
		return err
	}
	profile.Each(columns, func(column *profile.Column) {
		_, path, splitErr := profile.SplitColumn(column.FQN)
		if splitErr != nil {
			return
		}
		doc := latest[entity.BuildFQN(path...)]
		if doc != nil && hidden.Hides(path[0]) {
			if doc, err = profile.Mask(doc); err != nil {
				return
			}
		}
		column.Profile = doc
	})
	if err != nil {
		return err
	}
	return profile.SetColumns(ent, columns)
}

// deleteProfile removes the points of one time: of the table, of its system
// operations or of a column. The path's type says which.
func (c *call) deleteProfile(t *registry.Type) error {
	kind, err := c.param("entityType")
	if err != nil {
		return err
	}
	at, err := c.pathTime("timestamp")
	if err != nil {
		return err
	}
	fqn, err := c.param("fqn")
	if err != nil {
		return err
	}
	gone, err := c.removeProfile(t, engine.ByFQN(fqn), kind, at)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, jsontext.Value(gone.Doc))
}

// removeProfile removes the points of a kind and time of a table. The selector names
// a column for those of one.
func (c *call) removeProfile(t *registry.Type, sel engine.Selector, kind string, at int64) (store.Record, error) {
	series, path := tableSeries(), []string(nil)
	switch kind {
	case "table":
	case "system":
		series = systemSeries()
	case "column":
		fqn, parts, err := profile.SplitColumn(sel.FQN)
		if err != nil {
			return store.Record{}, err
		}
		sel, path, series = engine.ByFQN(fqn), parts, columnSeries(parts)
	default:
		return store.Record{}, entity.BadRequest("profiles are of a table, column or system, not of %q", entity.Shorten(kind, 40))
	}
	var gone []store.Record
	err := c.beside(t, sel, "profile", policy.EditDataProfile, func(tx store.Tx, row store.Row) error {
		q := store.RecordQuery{Kind: series.Kind, Owner: row.ID.String(), From: at, To: at, Order: store.NewestFirst}
		var err error
		if gone, err = tx.Records(c.ctx(), q); err != nil {
			return err
		}
		if len(gone) == 0 || at == 0 {
			return entity.NotFound(kind+" profile", row.FQN)
		}
		if _, err := tx.DeleteRecords(c.ctx(), q); err != nil {
			return err
		}
		if kind == "column" {
			return c.resetLatestColumn(tx, row.ID, path)
		}
		return c.setLatestProfile(tx, row.ID)
	})
	if err != nil {
		return store.Record{}, err
	}
	return gone[0], nil
}

func (c *call) resetLatestColumn(tx store.Tx, table entity.ID, path []string) error {
	latest, err := c.latestColumns(tx, table)
	if err != nil {
		return err
	}
	newest, err := columnSeries(path).Latest(c.ctx(), tx, table)
	switch {
	case missing(err):
		delete(latest, entity.BuildFQN(path...))
	case err != nil:
		return err
	default:
		latest[entity.BuildFQN(path...)] = newest.Doc
	}
	return c.putLatestColumns(tx, table, latest)
}

// profilerConfig is a member of documents that tells the profiler what to do.
type profilerConfig struct{ typ, field, schema string }

var profilerConfigs = []profilerConfig{
	{"table", "tableProfilerConfig", "entity/data/table.json#/$defs/tableProfilerConfig"},
	{"databaseSchema", "databaseSchemaProfilerConfig", "entity/data/databaseSchema.json#/$defs/databaseSchemaProfilerConfig"},
	{"database", "databaseProfilerConfig", "entity/data/database.json#/$defs/databaseProfilerConfig"},
}

func (c *call) getProfilerConfig(t *registry.Type, p profilerConfig) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	if _, err := c.engine.AuthorizeEntity(c.ctx(), c.by, t, sel, policy.ViewDataProfile); err != nil {
		return err
	}
	return c.shown(t, sel, p.field)
}

func (c *call) putProfilerConfig(t *registry.Type, p profilerConfig) error {
	config, err := c.validated(p.schema)
	if err != nil {
		return err
	}
	return c.edited(t, policy.EditDataProfile, func(ent *entity.Entity) error {
		ent.Rest[p.field] = config
		return nil
	})
}

func (c *call) deleteProfilerConfig(t *registry.Type, p profilerConfig) error {
	return c.edited(t, policy.EditDataProfile, func(ent *entity.Entity) error {
		delete(ent.Rest, p.field)
		return nil
	})
}
