package api

import (
	"net/http"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// hierarchyRoutes serve trees of domains, and how many assets each holder has.
func (a *API) hierarchyRoutes() []Route {
	var out []Route
	for typ, field := range map[string]string{
		"domain": "domains.id", "dataProduct": "dataProducts.id", "team": "owners.id",
		"tag": "tags.tagFQN", "glossaryTerm": "tags.tagFQN",
	} {
		if t, ok := a.engine.Registry().ByName(typ); ok {
			out = append(out, Route{Method: http.MethodGet, Path: "/api" + t.Collection + "/assets/counts", Access: Authenticated, Handle: func(c *call) error { return c.countAssets(t, field) }})
		}
	}
	if t, ok := a.engine.Registry().ByName("domain"); ok {
		out = append(out, Route{Method: http.MethodGet, Path: "/api" + t.Collection + "/hierarchy", Access: Authenticated, Handle: func(c *call) error { return c.listHierarchy(t) }})
	}
	if t, ok := a.engine.Registry().ByName("container"); ok {
		out = append(out, Route{Method: http.MethodGet, Path: "/api" + t.Collection + "/name/{fqn}/children", Access: Authenticated, Handle: func(c *call) error { return c.listChildren(t) }})
	}
	for _, typ := range []string{"directory", "file"} {
		if t, ok := a.engine.Registry().ByName(typ); ok {
			out = append(out, Route{Method: http.MethodPut, Path: "/api" + t.Collection + "/{id}/restore", Access: Authenticated, Handle: func(c *call) error { return c.restoreByPath(t) }})
		}
	}
	return out
}

// listChildren answers a page of references to what is directly below an entity
// of the same type.
func (c *call) listChildren(t *registry.Type) error {
	w, err := c.window("", 10, 0, c.limits.MaxPage)
	if err != nil {
		return err
	}
	sel, err := c.selector()
	if err != nil {
		return err
	}
	above, err := c.engine.AuthorizeEntity(c.ctx(), c.by, t, sel, policy.ViewBasic)
	if err != nil {
		return err
	}
	all, err := c.everyOne(t, engine.ListRequest{Query: store.ListQuery{Parent: above.ID}})
	if err != nil {
		return err
	}
	refs := make([]entity.Ref, len(all))
	for i, ent := range all {
		refs[i] = entity.Ref{
			ID: ent.ID, Type: t.Name, Name: ent.Name, FullyQualifiedName: ent.FullyQualifiedName, DisplayName: ent.DisplayName, Description: ent.Description, Deleted: ent.Deleted, Href: ent.Href,
		}
	}
	return c.json(http.StatusOK, pageAt(refs, w))
}

// restoreByPath brings back an entity that the path names.
func (c *call) restoreByPath(t *registry.Type) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	result, err := c.engine.Restore(c.ctx(), c.by, t, id, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.written(result, http.StatusOK)
}

// countAssets answers how many assets that the caller may see each holder has, by
// name; holders without any are left out. A field of ids tells a team from a user
// of the same name.
func (c *call) countAssets(t *registry.Type, field string) error {
	if err := c.seesAny(t.Name, policy.ViewBasic); err != nil {
		return err
	}
	result, err := c.find(search.Request{
		NoSource:     true,
		Deleted:      new(bool),
		Aggregations: map[string]search.Aggregation{"holders": {Kind: search.AggTerms, Field: field, Size: search.MaxBuckets}},
	})
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, bucket := range result.Aggregations["holders"].Buckets {
		if name, ok := bucket.Key.(string); ok {
			counts[name] = bucket.Count
		}
	}
	all, err := c.everyOne(t, engine.ListRequest{})
	if err != nil {
		return err
	}
	out := map[string]int{}
	for _, ent := range all {
		if n := counts[ent.FullyQualifiedName] + counts[ent.ID.String()]; n > 0 {
			out[ent.FullyQualifiedName] = n
		}
	}
	return c.json(http.StatusOK, out)
}

// everyOne lists what the caller may see of a type, of which there are few; at
// most maxRows.
func (c *call) everyOne(t *registry.Type, req engine.ListRequest) ([]*entity.Entity, error) {
	req.Limit, req.View.Base = largePage, c.base()
	var all []*entity.Entity
	for {
		page, err := c.engine.List(c.ctx(), c.by, t, req)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if req.After = page.After; req.After == "" || len(all) >= maxRows {
			return all, nil
		}
	}
}

// branch is an entity with those below it.
type branch struct {
	ID          entity.ID `json:"id"`
	Name        string    `json:"name"`
	DisplayName string    `json:"displayName,omitzero"`
	FQN         string    `json:"fullyQualifiedName"`
	Description string    `json:"description"`
	Href        string    `json:"href,omitzero"`
	Children    []*branch `json:"children"`
}

// listHierarchy answers a page of trees. An entity whose parent the caller cannot
// see stands at the top.
func (c *call) listHierarchy(t *registry.Type) error {
	w, err := c.window("", 10, 0, c.limits.MaxPage)
	if err != nil {
		return err
	}
	all, err := c.everyOne(t, engine.ListRequest{})
	if err != nil {
		return err
	}
	top := entity.CanonicalFQN(c.query.Get("directChildrenOf"))
	byName := make(map[string]*branch, len(all))
	for _, ent := range all {
		byName[ent.FullyQualifiedName] = &branch{
			ID: ent.ID, Name: ent.Name, DisplayName: ent.DisplayName, FQN: ent.FullyQualifiedName, Description: ent.Description, Href: ent.Href, Children: []*branch{},
		}
	}
	var roots []*branch
	for _, ent := range all { // in the order of names
		self, parent := byName[ent.FullyQualifiedName], entity.ParentFQN(ent.FullyQualifiedName)
		above := byName[parent]
		if above != nil {
			above.Children = append(above.Children, self)
		}
		if top == "" && above == nil || top != "" && parent == top {
			roots = append(roots, self)
		}
	}
	return c.json(http.StatusOK, pageAt(roots, w))
}
