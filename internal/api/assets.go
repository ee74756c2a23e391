package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of calls about many assets.
const (
	maxAssets      = 10_000
	assetsParallel = 8 // changes under way at once; they share commits
)

// holder is a type that gathers assets: those that name it in a field.
type holder struct {
	typ    string
	field  string // of the asset; also the kind of relation
	limit  int    // of a page, when nobody says
	byName bool   // the path of add and remove holds a name
	dryRun bool   // unless the request says otherwise
	schema string // of the body of add and remove; "" when there is none
}

func holders() []holder {
	const bulk = "api/bulkAssets.json"
	return []holder{
		{typ: "user", field: "owners", limit: 100},
		{typ: "team", field: "owners", limit: 100, byName: true, schema: bulk},
		{typ: "domain", field: "domains", limit: 10, byName: true, schema: bulk},
		{typ: "dataProduct", field: "dataProducts", limit: 10, byName: true, schema: bulk},
		{typ: "tag", field: "tags", limit: 100, dryRun: true, schema: "api/addTagToAssetsRequest.json"},
		{typ: "glossaryTerm", field: "tags", limit: 100, dryRun: true, schema: "api/addGlossaryToAssetsRequest.json"},
	}
}

// assetRoutes show and change what belongs to a domain, a team, a tag and so on.
func (a *API) assetRoutes() []Route {
	var out []Route
	for _, h := range holders() {
		t, ok := a.engine.Registry().ByName(h.typ)
		if !ok {
			continue
		}
		base := "/api" + t.Collection
		listing := func(c *call) error { return c.listAssets(t, h) }
		out = append(out,
			Route{Method: http.MethodGet, Path: base + "/{id}/assets", Access: Authenticated, Handle: listing},
			Route{Method: http.MethodGet, Path: base + "/name/{fqn}/assets", Access: Authenticated, Handle: listing})
		if h.schema == "" {
			continue
		}
		which := "/{id}"
		if h.byName {
			which = "/{fqn}"
		}
		out = append(out,
			Route{Method: http.MethodPut, Path: base + which + "/assets/add", Access: Authenticated, Handle: func(c *call) error { return c.changeAssets(t, h, true) }},
			Route{Method: http.MethodPut, Path: base + which + "/assets/remove", Access: Authenticated, Handle: func(c *call) error { return c.changeAssets(t, h, false) }})
	}
	return out
}

// listAssets answers a page of references, ordered by type and name.
func (c *call) listAssets(t *registry.Type, h holder) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	w, err := c.window("", h.limit, 0, c.limits.MaxPage)
	if err != nil {
		return err
	}
	var found []entity.Ref
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.engine.RowFor(c.ctx(), r, c.by, t, sel, policy.ViewBasic)
		if err != nil {
			return err
		}
		if row.Deleted {
			return entity.NotFound(t.Name, sel.String())
		}
		found, err = c.assetsOf(r, row, h.field)
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, pageAt(found, w))
}

// assetsOf returns references to what names a row in a field, is not deleted and
// is visible to the caller.
func (c *call) assetsOf(r store.Reader, row store.Row, field string) ([]entity.Ref, error) {
	relations, err := r.RelationsFrom(c.ctx(), []entity.ID{row.ID}, field)
	if err != nil {
		return nil, err
	}
	ends := make([]entity.Ref, len(relations))
	for i, rel := range relations {
		ends[i] = entity.Ref{ID: rel.To, Type: rel.ToType}
	}
	viewer := c.engine.Viewer(c.by)
	if err := viewer.Look(c.ctx(), r, ends...); err != nil {
		return nil, err
	}
	ids := make([]entity.ID, 0, len(ends))
	for _, end := range ends {
		if viewer.Sees(end.ID) {
			ids = append(ids, end.ID)
		}
	}
	refs, err := c.engine.References(c.ctx(), r, ids, c.base())
	if err != nil {
		return nil, err
	}
	out := make([]entity.Ref, 0, len(refs))
	for _, ref := range refs {
		if row.Type == "domain" && ref.Type == "dataProduct" {
			continue // shown by itself, not as an asset
		}
		if ref.Deleted == nil || !*ref.Deleted {
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, byTypeAndName)
	return out, nil
}

func byTypeAndName(a, b entity.Ref) int {
	return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.FullyQualifiedName, b.FullyQualifiedName))
}

// nameOrID is selector for paths in which clients put an id where a name stands.
func (c *call) nameOrID() (engine.Selector, error) {
	sel, err := c.selector()
	if id, no := entity.ParseID(sel.FQN); err == nil && no == nil {
		sel = engine.ByID(id)
	}
	return sel, err
}

// refText is a reference as clients send it.
type refText struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	FQN  string `json:"fullyQualifiedName"`
}

func (r refText) selector() (engine.Selector, error) {
	if r.ID == "" {
		return engine.ByFQN(r.FQN), nil
	}
	id, err := entity.ParseID(r.ID)
	return engine.ByID(id), err
}

// assetsRequest is the body of add and remove.
type assetsRequest struct {
	Assets []jsontext.Value `json:"assets"`
	DryRun *bool            `json:"dryRun"`
}

// changeAssets adds assets to a holder, or removes them. Each is changed by
// itself: one that fails does not stop the others.
func (c *call) changeAssets(t *registry.Type, h holder, add bool) error {
	request, err := c.assetsBody(h)
	if err != nil {
		return err
	}
	sel, err := c.nameOrID()
	if err != nil {
		return err
	}
	held, err := c.engine.AuthorizeEntity(c.ctx(), c.by, t, sel, policy.ViewBasic)
	if err != nil {
		return err
	}
	if held.IsDeleted() {
		return entity.NotFound(t.Name, sel.String())
	}
	change := assetChange{holder: h, held: held, add: add, dryRun: h.dryRun}
	if request.DryRun != nil {
		change.dryRun = *request.DryRun
	}
	items := make([]engine.BulkItem, len(request.Assets))
	var group errgroup.Group
	group.SetLimit(assetsParallel)
	for i, asset := range request.Assets {
		group.Go(func() error {
			items[i] = engine.BulkItem{Request: asset, Status: http.StatusOK}
			if err := c.changeAsset(change, asset); err != nil {
				items[i].Status, items[i].Message = statusOf(err), engine.PublicMessage(err)
			}
			return c.ctx().Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	result := engine.SummarizeBulk(items)
	result.DryRun = change.dryRun
	return c.json(http.StatusOK, result)
}

func (c *call) assetsBody(h holder) (assetsRequest, error) {
	var request assetsRequest
	body, err := c.body()
	if err != nil {
		return request, err
	}
	if err := c.engine.Validate(h.schema, body); err != nil {
		return request, err
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return request, entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	if len(request.Assets) > maxAssets {
		return request, entity.BadRequest("at most %d assets can be changed at once", maxAssets)
	}
	return request, nil
}

// assetChange is what happens to each asset of a call.
type assetChange struct {
	holder
	held   *entity.Entity
	add    bool
	dryRun bool
}

// operations are what the caller must be allowed to do with each asset.
func (a *assetChange) operations() ([]policy.Operation, error) {
	if a.field != "tags" {
		return policy.OperationsForFields(a.field), nil
	}
	raw, err := json.Marshal([]entity.TagLabel{a.label()})
	if err != nil {
		return nil, entity.Internal(err)
	}
	value, err := jsontext.AppendQuote(nil, raw)
	if err != nil {
		return nil, entity.Internal(err)
	}
	return policy.OperationsForChange(&entity.ChangeDescription{FieldsAdded: []entity.FieldChange{{Name: "tags", NewValue: value}}}), nil
}

// label is the label that the holder, a tag or a term, is put on assets as.
func (a *assetChange) label() entity.TagLabel {
	source := "Classification"
	if a.typ == "glossaryTerm" {
		source = "Glossary"
	}
	return entity.TagLabel{TagFQN: a.held.FullyQualifiedName, Source: source, LabelType: "Manual", State: "Confirmed"}
}

// fits tells whether assets of a type can belong to the holder.
func (a *assetChange) fits(t *registry.Type) bool {
	switch a.field {
	case "owners":
		return t.Supports.Owners
	case "domains":
		return t.Supports.Domains
	case "dataProducts":
		return t.Supports.DataProducts
	}
	return t.Supports.Tags
}

// changeAsset changes one asset, or with dryRun only tells whether it could be.
func (c *call) changeAsset(change assetChange, asset jsontext.Value) error {
	var given refText
	if err := json.Unmarshal(asset, &given); err != nil {
		return entity.BadRequest("the asset cannot be read")
	}
	t, ok := c.engine.Registry().ByName(given.Type)
	if !ok {
		return entity.BadRequest("there is no entity type %q", entity.Shorten(given.Type, 60))
	}
	if !change.fits(t) {
		return entity.BadRequest("%s has no %s", t.Name, change.field)
	}
	sel, err := given.selector()
	if err != nil {
		return err
	}
	ops, err := change.operations()
	if err != nil {
		return err
	}
	if change.dryRun {
		ent, err := c.engine.AuthorizeEntity(c.ctx(), c.by, t, sel, ops...)
		if err == nil && ent.IsDeleted() {
			err = entity.NotFound(t.Name, sel.String())
		}
		return err
	}
	_, err = c.engine.Edit(c.ctx(), c.by, t, sel, ops, engine.View{}, func(_ store.Tx, ent *entity.Entity) error {
		change.apply(ent)
		return nil
	})
	return err
}

// apply puts the holder into the asset or takes it out. An asset has one domain
// at a time, and one team owns it alone; data products and tags add up.
func (a *assetChange) apply(ent *entity.Entity) {
	ref := entity.Ref{ID: a.held.ID, Type: a.typ}
	switch a.field {
	case "owners":
		ent.Owners = a.refs(ent.Owners, ref, true)
	case "domains":
		ent.Domains = a.refs(ent.Domains, ref, true)
	case "dataProducts":
		ent.DataProducts = a.refs(ent.DataProducts, ref, false)
	case "tags":
		ent.Tags = a.labels(ent.Tags)
	}
}

func (a *assetChange) refs(have []entity.Ref, ref entity.Ref, alone bool) []entity.Ref {
	same := func(r entity.Ref) bool { return r.ID == ref.ID }
	switch {
	case !a.add:
		return slices.DeleteFunc(have, same)
	case slices.ContainsFunc(have, same):
		return have
	case alone:
		return []entity.Ref{ref}
	}
	return append(have, ref)
}

func (a *assetChange) labels(have []entity.TagLabel) []entity.TagLabel {
	label := a.label()
	same := func(l entity.TagLabel) bool { return l.TagFQN == label.TagFQN && l.Source == label.Source }
	switch {
	case !a.add:
		return slices.DeleteFunc(have, same)
	case slices.ContainsFunc(have, same):
		return have
	}
	return append(have, label)
}
