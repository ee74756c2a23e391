package api

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/contract"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// contractRoutes serve what data contracts have besides other entities.
func (a *API) contractRoutes() []Route {
	const base = "/api/v1/dataContracts"
	var routes []Route
	add := func(method, path string, handle func(*call, *registry.Type) error) *Route {
		routes = append(routes, Route{Method: method, Path: path, Access: Authenticated, MaxBody: maxContract, Handle: a.typed("dataContract", handle)})
		return &routes[len(routes)-1]
	}
	add(http.MethodPost, base, (*call).createContract)
	add(http.MethodPut, base, (*call).putContract)
	add(http.MethodGet, base+"/entity", (*call).contractInForce)
	add(http.MethodGet, "/api/v1/dataProducts/{id}/dataContract", (*call).contractOfProduct)

	add(http.MethodGet, base+"/{id}/results", (*call).listContractResults)
	add(http.MethodPut, base+"/{id}/results", (*call).putContractResult)
	add(http.MethodGet, base+"/{id}/results/latest", (*call).latestContractResult)
	add(http.MethodGet, base+"/{id}/results/{resultId}", (*call).getContractResult)
	add(http.MethodDelete, base+"/{id}/results/{timestamp}", (*call).deleteContractResult)
	add(http.MethodDelete, base+"/{id}/results/before/{timestamp}", (*call).deleteContractResults)

	add(http.MethodPost, base+"/{id}/validate", (*call).validateContract)
	add(http.MethodPost, base+"/entity/validate", (*call).validateEntity)
	add(http.MethodPost, base+"/validate", (*call).validateContractRequest)
	add(http.MethodPost, base+"/validate/yaml", (*call).validateContractRequest).Accepts = yamlTypes

	for _, path := range []string{base + "/{id}/odcs", base + "/name/{fqn}/odcs"} {
		add(http.MethodGet, path, func(c *call, t *registry.Type) error { return c.exportODCS(t, false) })
		add(http.MethodGet, path+"/yaml", func(c *call, t *registry.Type) error { return c.exportODCS(t, true) })
	}
	for path, accepts := range map[string]string{"/odcs": "", "/odcs/yaml": yamlTypes} {
		add(http.MethodPost, base+path, (*call).createFromODCS).Accepts = accepts
		add(http.MethodPut, base+path, (*call).putFromODCS).Accepts = accepts
	}
	add(http.MethodPost, base+"/odcs/parse/yaml", (*call).parseODCS).Accepts = yamlTypes
	add(http.MethodPost, base+"/odcs/validate/yaml", (*call).validateODCS).Accepts = yamlTypes
	return routes
}

// maxContract bounds the body of a contract.
const maxContract = 4 << 20

// contractOf returns the contract that is about an entity; of several, the one that
// was changed last. The error is a KindNotFound when there is none.
func (c *call) contractOf(t *registry.Type, about entity.ID, fields ...string) (*entity.Entity, error) {
	var newest store.Row
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		const most = 100
		children, err := r.Children(c.ctx(), []entity.ID{about}, t.Name, most)
		if err != nil {
			return err
		}
		var ids []entity.ID
		for _, child := range children {
			if !child.Deleted {
				ids = append(ids, child.ID)
			}
		}
		rows, err := r.Entities(c.ctx(), ids)
		for _, row := range rows {
			if newest.ID == entity.NilID || row.UpdatedAt > newest.UpdatedAt || row.UpdatedAt == newest.UpdatedAt && row.FQN < newest.FQN {
				newest = row
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if newest.ID == entity.NilID {
		return nil, entity.NotFound(t.Name, "of the entity "+about.String())
	}
	return c.engine.Get(c.ctx(), c.by, t, engine.ByID(newest.ID), engine.View{Fields: engine.FieldsOf(fields...), Base: c.base()})
}

// target is the entity that the parameters entityId and entityType name.
func (c *call) target() (*registry.Type, entity.ID, error) {
	name := c.query.Get("entityType")
	if !contract.IsSubject(name) {
		return nil, entity.NilID, entity.BadRequest("query param entityType must say the type of an entity that a contract can be about, such as table; it is %q", entity.Shorten(name, 60))
	}
	id, err := entity.ParseID(c.query.Get("entityId"))
	if err != nil {
		return nil, entity.NilID, entity.BadRequest("query param entityId must be the id of the entity")
	}
	t, err := c.entityType(name)
	return t, id, err
}

// subject is what a contract is about, and what contracts say of it.
type subject struct {
	t     *registry.Type
	about *entity.Entity // whole
	mine  *entity.Entity // its own contract; nil when it has none
	force *entity.Entity // what is in force, with what the data product's contract adds
}

// subject finds the contracts for an entity that the caller may look at as a whole.
func (c *call) subject(t, of *registry.Type, id entity.ID, fields ...string) (*subject, error) {
	by := c.by
	by.IsBot = false // rules are no business of secrets
	s := &subject{t: of}
	var err error
	if s.about, err = c.engine.Get(c.ctx(), by, of, engine.ByID(id), engine.View{Fields: engine.AllFields()}); err != nil {
		return nil, err
	}
	if s.mine, err = c.contractOf(t, id, fields...); err != nil && !missing(err) {
		return nil, err
	}
	from, err := c.inheritedContract(t, s.about, fields...)
	switch {
	case err != nil:
		return nil, err
	case from == nil:
		s.force = s.mine
	case s.mine == nil:
		ref := s.about.Ref(of.Name)
		ref.Deleted = nil
		s.force, err = contract.Inherit(from, ref)
	default:
		s.force, err = contract.Merge(s.mine, from)
	}
	if err == nil && s.force == nil {
		err = entity.NotFound(t.Name, "of the entity "+id.String())
	}
	return s, err
}

// inheritedContract is the approved contract of the data product of an entity; nil
// when there is none. Of several data products none can be chosen.
func (c *call) inheritedContract(t *registry.Type, about *entity.Entity, fields ...string) (*entity.Entity, error) {
	if len(about.DataProducts) != 1 {
		return nil, nil
	}
	from, err := c.contractOf(t, about.DataProducts[0].ID, fields...)
	if missing(err) || err == nil && stringMember(from.Rest["entityStatus"]) != contract.Approved {
		return nil, nil
	}
	return from, err
}

// contractInForce answers the contract in force for an entity.
func (c *call) contractInForce(t *registry.Type) error {
	fields, err := c.contractFields(t)
	if err != nil {
		return err
	}
	of, id, err := c.target()
	if err != nil {
		return err
	}
	s, err := c.subject(t, of, id, fields...)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, s.force)
}

// contractFields are the fields of contracts that the caller asks for.
func (c *call) contractFields(t *registry.Type) ([]string, error) {
	asked, err := c.engine.ParseFields(t, c.query.Get("fields"))
	var fields []string
	for _, name := range t.Expand {
		if asked.Has(name) {
			fields = append(fields, name)
		}
	}
	return fields, err
}

// contractOfProduct answers the contract that is about a data product.
func (c *call) contractOfProduct(t *registry.Type) error {
	fields, err := c.contractFields(t)
	if err != nil {
		return err
	}
	products, err := c.entityType("dataProduct")
	if err != nil {
		return err
	}
	sel, err := c.selector()
	if err != nil {
		return err
	}
	product, err := c.engine.Get(c.ctx(), c.by, products, sel, engine.View{})
	if err != nil {
		return err
	}
	found, err := c.contractOf(t, product.ID, fields...)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, found)
}

// validateContract compares what a contract is about with what it demands.
func (c *call) validateContract(t *registry.Type) error {
	id, err := c.id("id")
	if err != nil {
		return err
	}
	var about store.Row
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.liveRow(r, t, engine.ByID(id), policy.EditAll)
		if err != nil {
			return err
		}
		about, err = r.Entity(c.ctx(), row.Parent)
		return err
	})
	if err != nil {
		return err
	}
	of, err := c.entityType(about.Type)
	if err != nil {
		return err
	}
	s, err := c.subject(t, of, about.ID)
	if err != nil {
		return err
	}
	if s.mine == nil || s.mine.ID != id { // one of several: what this one says counts
		if s.force, err = c.engine.Get(c.ctx(), c.by, t, engine.ByID(id), engine.View{}); err != nil {
			return err
		}
	}
	return c.runValidation(t, s, id, policy.EditAll)
}

// validateEntity compares an entity with the contract in force for it. An entity that
// only inherits gets a contract of its own, which says nothing but keeps the results.
func (c *call) validateEntity(t *registry.Type) error {
	of, id, err := c.target()
	if err != nil {
		return err
	}
	if _, err := c.engine.AuthorizeEntity(c.ctx(), c.by, of, engine.ByID(id), policy.EditAll); err != nil {
		return err
	}
	s, err := c.subject(t, of, id)
	if err != nil {
		return err
	}
	if s.mine == nil {
		body, err := encoded(map[string]any{"name": s.force.Name + " - " + s.about.Name, "entity": entity.Ref{ID: id, Type: of.Name}})
		if err != nil {
			return err
		}
		result, err := c.engine.Create(c.ctx(), c.by, t, body, engine.View{})
		if err != nil {
			return err
		}
		s.mine = result.Entity
	}
	return c.runValidation(t, s, s.mine.ID)
}

// runValidation validates and keeps the result at a contract. ops are what the caller
// must be allowed to do with that contract.
func (c *call) runValidation(t *registry.Type, s *subject, keep entity.ID, ops ...policy.Operation) error {
	started := time.Now()
	terms, err := contract.TermsOf(s.force)
	if err != nil {
		return err
	}
	facts, err := c.contractFacts(s, terms)
	if err != nil {
		return err
	}
	result := contract.Validate(terms, facts)
	result.ID, result.Timestamp, result.Took = entity.NewID(), millis(), time.Since(started).Milliseconds()
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, engine.ByID(keep), ops...)
		if err != nil {
			return err
		}
		result.Contract = row.FQN
		doc, err := encoded(result)
		if err != nil {
			return err
		}
		return c.keepContractResult(tx, row, doc)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, result)
}

// contractFacts gathers what the terms of a contract are compared with.
func (c *call) contractFacts(s *subject, terms contract.Terms) (contract.Facts, error) {
	facts := contract.Facts{Type: s.t.Name}
	var err error
	if facts.Entity, err = anyOf(s.about); err != nil {
		return facts, err
	}
	facts.Columns = fieldsIn(s.t, facts.Entity)
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		if facts.Results, err = c.lastOutcomes(r, terms.Tests); err != nil || terms.SLA == nil {
			return err
		}
		facts.Service, err = c.observedService(r, s, terms.SLA)
		return err
	})
	return facts, err
}

// fieldsIn are the columns or fields of an entity.
func fieldsIn(t *registry.Type, whole any) []contract.Column {
	var all []contract.Column
	for _, nested := range t.Nested {
		at := whole
		for _, name := range nested.Path {
			members, _ := at.(map[string]any)
			at = members[name]
		}
		all = append(all, columnsFrom(at, nested.Children, 0)...)
	}
	return all
}

func columnsFrom(list any, children string, depth int) []contract.Column {
	const deepest = 30
	items, _ := list.([]any)
	if depth > deepest {
		return nil
	}
	out := make([]contract.Column, 0, len(items))
	for _, item := range items {
		members, _ := item.(map[string]any)
		name, _ := members["name"].(string)
		typ, _ := members["dataType"].(string)
		column := contract.Column{Name: name, DataType: typ}
		if children != "" {
			column.Children = columnsFrom(members[children], children, depth+1)
		}
		out = append(out, column)
	}
	return out
}

// lastOutcomes are the outcomes of the last runs of tests.
func (c *call) lastOutcomes(r store.Reader, tests []entity.Ref) (map[entity.ID]string, error) {
	out := map[entity.ID]string{}
	if len(tests) == 0 {
		return out, nil
	}
	owners := make([]string, len(tests))
	for i, test := range tests {
		owners[i] = test.ID.String()
	}
	records, err := r.RecordsOf(c.ctx(), engine.LatestResultKind(), "", owners)
	if err != nil {
		return nil, err
	}
	for _, rec := range records {
		var view struct {
			Status string                    `json:"testCaseStatus"`
			Rest   map[string]jsontext.Value `json:",embed"`
		}
		if err := json.Unmarshal(rec.Doc, &view); err != nil {
			return nil, entity.Internal(err)
		}
		id, err := entity.ParseID(rec.Owner)
		if err != nil {
			return nil, entity.Internal(err)
		}
		out[id] = view.Status
	}
	return out, nil
}
