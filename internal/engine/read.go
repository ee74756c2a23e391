package engine

import (
	"context"
	"encoding/base64"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// View says how an entity is shown.
type View struct {
	Fields  Fields
	Include store.Include
	Base    string // what hrefs begin with, e.g. "http://localhost:8585/api"; "" leaves them out
	whole   bool   // show every member of the document, as answers to writes do
	reveal  bool   // open secrets; decided by the engine
	// viewer leaves out of lists of children and the like what the caller may not
	// see; nil shows all
	viewer *Viewer
}

// Get returns one entity. An unknown name is an error of entity.KindNotFound.
func (e *Engine) Get(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, v View) (*entity.Entity, error) {
	var ent *entity.Entity
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		row, err := e.findVisible(ctx, r, t, sel, v.Include)
		if err != nil {
			return err
		}
		l := e.newLookup(r, generation, true)
		bare, err := decodeDoc(row.Doc)
		if err != nil {
			return err
		}
		if err := e.authorizeIn(ctx, r, l, by, t, bare, row.Parent, viewOperations(t, v.Fields)...); err != nil {
			return err
		}
		v.reveal = by.IsBot && e.authorizeIn(ctx, r, l, by, t, bare, row.Parent, policy.ViewAll) == nil
		v.viewer = e.Viewer(by)
		if v.asksSamples(t) && !v.Fields.all {
			if err := e.authorizeIn(ctx, r, l, by, t, bare, row.Parent, policy.ViewSampleData); err != nil {
				return err
			}
		}
		ents, err := e.hydrate(ctx, r, l, t, []store.Row{row}, v)
		if err != nil {
			return err
		}
		ent = ents[0]
		return nil
	})
	return ent, err
}

// Page is one page of a list.
type Page struct {
	Items         []*entity.Entity
	Total         int
	After, Before string // cursors; "" when there is no such page
}

// ListRequest selects a page.
type ListRequest struct {
	Query  store.ListQuery // Type is set by List; After and Before by the cursors
	Limit  int
	After  string
	Before string
	View   View
	Ops    []policy.Operation // what the caller has to be allowed besides seeing the fields
}

// cursorEncoding is safe inside URLs, where clients put cursors as they are.
var cursorEncoding = base64.RawURLEncoding

func decodeCursor(text string) (string, error) {
	if len(text) > 6*entity.MaxFQN {
		return "", entity.BadRequest("the cursor is too long")
	}
	raw, err := cursorEncoding.DecodeString(trimPadding(text))
	if err != nil || !utf8.Valid(raw) {
		return "", entity.BadRequest("%q is not a cursor that this server gave out", entity.Shorten(text, 60))
	}
	return string(raw), nil
}

func trimPadding(text string) string {
	for len(text) > 0 && text[len(text)-1] == '=' {
		text = text[:len(text)-1]
	}
	return text
}

// List returns one page of what the caller may see, in the order of names. The
// error for a bad cursor is a KindBadRequest; for somebody who can see nothing of
// the type, whatever it says, it is a KindForbidden.
func (e *Engine) List(ctx context.Context, by entity.Principal, t *registry.Type, req ListRequest) (Page, error) {
	if req.After != "" && req.Before != "" {
		return Page{}, entity.BadRequest("Only one of before or after query parameter allowed")
	}
	after, err := decodeCursor(req.After)
	if err != nil {
		return Page{}, err
	}
	before, err := decodeCursor(req.Before)
	if err != nil {
		return Page{}, err
	}
	subject, err := e.Subject(ctx, by)
	if err != nil {
		return Page{}, err
	}
	l := listing{e: e, by: by, t: t, req: req, query: req.Query, after: after, before: before, ops: append(viewOperations(t, req.View.Fields), req.Ops...)}
	l.query.Type, l.query.Include = t.Name, req.View.Include
	if l.sight, err = e.Sight(ctx, by, t.Name, l.ops...); err != nil {
		return Page{}, err
	}
	if l.sight.Kind == policy.FilterNone {
		return Page{}, policy.Decide(subject, &policy.Resource{Type: t.Name}, l.ops...).Err()
	}
	l.view = req.View
	l.view.viewer = e.Viewer(by)
	l.view.reveal = by.IsBot && policy.Decide(subject, &policy.Resource{Type: t.Name}, policy.ViewAll).Allowed
	if req.View.asksSamples(t) && !req.View.Fields.all {
		f, err := e.Sight(ctx, by, t.Name, policy.ViewSampleData)
		if err != nil {
			return Page{}, err
		}
		if f.Kind == policy.FilterNone {
			return Page{}, policy.Decide(subject, &policy.Resource{Type: t.Name}, policy.ViewSampleData).Err()
		}
	}
	return l.page(ctx)
}

// cut takes away the row that was read to see whether there is a further page,
// and sets the cursors.
func (p *Page) cut(rows []store.Row, req ListRequest) []store.Row {
	more := len(rows) > req.Limit
	if req.Before != "" {
		if more {
			rows = rows[1:]
		}
		if more {
			p.Before = cursorEncoding.EncodeToString([]byte(rows[0].FQN))
		}
		if len(rows) > 0 {
			p.After = cursorEncoding.EncodeToString([]byte(rows[len(rows)-1].FQN))
		}
		return rows
	}
	if more {
		rows = rows[:req.Limit]
		p.After = cursorEncoding.EncodeToString([]byte(rows[len(rows)-1].FQN))
	}
	if req.After != "" && len(rows) > 0 {
		p.Before = cursorEncoding.EncodeToString([]byte(rows[0].FQN))
	}
	return rows
}

// result shows the outcome of a write to whoever made it.
func (e *Engine) result(ctx context.Context, w *write, v View) (Result, error) {
	v.whole, v.Include = true, store.All
	v.reveal, v.viewer = false, e.Viewer(w.by) // answers to writes never open secrets
	row := store.Row{
		ID: w.in.ent.ID, Type: w.t.Name, Name: w.in.ent.Name, FQN: w.in.ent.FullyQualifiedName, Parent: w.parentRow.ID,
		Deleted: w.in.ent.IsDeleted(), Doc: w.doc,
	}
	if w.event == entity.EventNoChange {
		row = w.oldRow
	}
	var ent *entity.Entity
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		l := e.newLookup(r, generation, true)
		if row.Doc == nil {
			doc, err := encode(w.in.ent)
			if err != nil {
				return err
			}
			row.Doc = doc
		}
		ents, err := e.hydrate(ctx, r, l, w.t, []store.Row{row}, v)
		if err != nil {
			return err
		}
		ent = ents[0]
		return nil
	})
	if err == nil && w.event == entity.EventNoChange {
		ent.ChangeDescription = &entity.ChangeDescription{
			FieldsAdded: []entity.FieldChange{}, FieldsUpdated: []entity.FieldChange{}, FieldsDeleted: []entity.FieldChange{},
			PreviousVersion: ent.Version,
		}
	}
	return Result{Entity: ent, Event: w.event}, err
}
