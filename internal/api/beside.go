package api

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// What special calls share: they read and write records beside an entity, and
// answer with the entity.

// validated reads the body and checks it against a schema; nulls are dropped.
func (c *call) validated(schema string) ([]byte, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	return c.engine.ValidateBody(schema, body)
}

// items reads a body that is an array of at most limit values.
func (c *call) items(limit int) ([]jsontext.Value, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	var items []jsontext.Value
	if jsontext.Value(body).Kind() != '[' || json.Unmarshal(body, &items) != nil {
		return nil, entity.BadRequest("the body must be an array")
	}
	if len(items) > limit {
		return nil, entity.BadRequest("the array has %d items; at most %d are taken at once", len(items), limit)
	}
	return items, nil
}

// validatedList reads such an array and checks each item against a schema.
func (c *call) validatedList(schema string, limit int) ([]jsontext.Value, error) {
	items, err := c.items(limit)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		if items[i], err = c.engine.ValidateBody(schema, item); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// touched describes a change beside the document: the names of what changed,
// never the values.
func touched(row store.Row, fields ...string) *entity.ChangeDescription {
	change := &entity.ChangeDescription{
		FieldsAdded: []entity.FieldChange{}, FieldsUpdated: []entity.FieldChange{}, FieldsDeleted: []entity.FieldChange{}, PreviousVersion: row.Version,
	}
	for _, field := range fields {
		change.FieldsUpdated = append(change.FieldsUpdated, entity.FieldChange{Name: field})
	}
	return change
}

// beside changes records of an entity in one transaction and announces that the
// field changed. ops are what the caller must be allowed to do.
func (c *call) beside(t *registry.Type, sel engine.Selector, field string, op policy.Operation, change func(tx store.Tx, row store.Row) error) error {
	return c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, sel, op)
		if err != nil {
			return err
		}
		if err := change(tx, row); err != nil {
			return err
		}
		return c.engine.Touch(c.ctx(), tx, c.by, row, touched(row, field))
	})
}

// liveRow returns the row of an entity that is not deleted.
func (c *call) liveRow(r store.Reader, t *registry.Type, sel engine.Selector, ops ...policy.Operation) (store.Row, error) {
	row, err := c.engine.RowFor(c.ctx(), r, c.by, t, sel, ops...)
	if err == nil && row.Deleted {
		return store.Row{}, entity.NotFound(t.Name, sel.String())
	}
	return row, err
}

// read runs fn on a snapshot with the row of an entity the caller may see.
func (c *call) read(t *registry.Type, sel engine.Selector, op policy.Operation, fn func(r store.Reader, row store.Row) error) error {
	return c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.engine.RowFor(c.ctx(), r, c.by, t, sel, op)
		if err != nil {
			return err
		}
		return fn(r, row)
	})
}

// shown answers with an entity and the named fields.
func (c *call) shown(t *registry.Type, sel engine.Selector, fields ...string) error {
	ent, err := c.engine.Get(c.ctx(), c.by, t, sel, engine.View{Fields: engine.FieldsOf(fields...), Base: c.base()})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, ent)
}

// span reads startTs, endTs, limit and the cursor of a time series.
func (c *call) span(limit int) (timeseries.Query, error) {
	var q timeseries.Query
	var err error
	if q.From, err = c.timestamp("startTs"); err != nil {
		return q, err
	}
	if q.To, err = c.timestamp("endTs"); err != nil {
		return q, err
	}
	if q.To != 0 && q.From > q.To {
		return q, entity.BadRequest("query param startTs is later than endTs")
	}
	if q.After = c.query.Get("after"); q.After == "" {
		q.After = c.query.Get("offset")
	}
	q.Limit, err = c.number("limit", limit, 0, maxPoints)
	return q, err
}

// maxPoints bounds one page of a time series.
const maxPoints = 10_000

// pathTime returns a path parameter that is a time in milliseconds.
func (c *call) pathTime(name string) (int64, error) {
	text, err := c.param(name)
	if err != nil {
		return 0, err
	}
	var at int64
	if err := json.Unmarshal([]byte(text), &at); err != nil || at < 0 {
		return 0, entity.BadRequest("%q is not a time in milliseconds since 1970", entity.Shorten(text, 40))
	}
	return at, nil
}

// points turns records into a page of their documents.
func points(p timeseries.Page) page[jsontext.Value] {
	docs := make([]jsontext.Value, len(p.Points))
	for i, rec := range p.Points {
		docs[i] = rec.Doc
	}
	out := newPage(docs, p.Total)
	out.Paging.After = p.After
	return out
}

// encoded is a value as canonical JSON.
func encoded(v any) (jsontext.Value, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return raw, nil
}

// millis is the time now.
func millis() int64 { return time.Now().UnixMilli() }

// missing tells that an error says there is nothing with the name.
func missing(err error) bool { return err != nil && entity.KindOf(err) == entity.KindNotFound }

// typed adapts a handler for one type to the table of routes.
func (a *API) typed(name string, handle func(*call, *registry.Type) error) func(*call) error {
	return func(c *call) error {
		t, err := c.entityType(name)
		if err != nil {
			return err
		}
		return handle(c, t)
	}
}
