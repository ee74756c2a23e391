package api

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// The ports of a data product: what it is made from, and what it offers. Each is
// also the kind of the relation from the product to the asset, and the name of
// the field in change events; the document of the product does not show them.
const (
	inputPorts  = "inputPorts"
	outputPorts = "outputPorts"
)

// portRoutes show and change the ports of data products.
func (a *API) portRoutes() []Route {
	t, ok := a.engine.Registry().ByName("dataProduct")
	if !ok {
		return nil
	}
	base := "/api" + t.Collection
	var out []Route
	add := func(method, path string, handle func(*call) error) {
		out = append(out, Route{Method: method, Path: base + path, Access: Authenticated, Handle: handle})
	}
	for _, one := range []string{"/{id}", "/name/{fqn}"} {
		add(http.MethodGet, one+"/portsView", func(c *call) error { return c.viewPorts(t) })
		for _, ports := range []string{inputPorts, outputPorts} {
			add(http.MethodGet, one+"/"+ports, func(c *call) error { return c.listPorts(t, ports) })
		}
	}
	for _, one := range []string{"/{fqn}", "/name/{fqn}"} {
		for _, ports := range []string{inputPorts, outputPorts} {
			add(http.MethodPut, one+"/"+ports+"/add", func(c *call) error { return c.changePorts(t, ports, true) })
			add(http.MethodPut, one+"/"+ports+"/remove", func(c *call) error { return c.changePorts(t, ports, false) })
		}
	}
	return out
}

// portsOf reads the data product of the path and its ports that the caller may
// see, by type and name.
func (c *call) portsOf(t *registry.Type, kinds ...string) (product entity.Ref, ports map[string][]entity.Ref, err error) {
	sel, err := c.selector()
	if err != nil {
		return product, nil, err
	}
	ports = map[string][]entity.Ref{}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.liveRow(r, t, sel, policy.ViewBasic)
		if err != nil {
			return err
		}
		for _, kind := range kinds {
			if ports[kind], err = c.assetsOf(r, row, kind); err != nil {
				return err
			}
		}
		refs, err := c.engine.References(c.ctx(), r, []entity.ID{row.ID}, c.base())
		product = refs[row.ID]
		return err
	})
	return product, ports, err
}

func (c *call) listPorts(t *registry.Type, kind string) error {
	w, err := c.window("", 50, 0, 1000)
	if err != nil {
		return err
	}
	_, ports, err := c.portsOf(t, kind)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, pageAt(ports[kind], w))
}

// viewPorts answers a data product with a page of its ports on either side.
func (c *call) viewPorts(t *registry.Type) error {
	pages := map[string]page[entity.Ref]{}
	product, ports, err := c.portsOf(t, inputPorts, outputPorts)
	if err != nil {
		return err
	}
	for kind, prefix := range map[string]string{inputPorts: "input", outputPorts: "output"} {
		w, err := c.window(prefix, 50, 0, 1000)
		if err != nil {
			return err
		}
		pages[kind] = pageAt(ports[kind], w)
	}
	return c.json(http.StatusOK, struct {
		Entity entity.Ref       `json:"entity"`
		Input  page[entity.Ref] `json:"inputPorts"`
		Output page[entity.Ref] `json:"outputPorts"`
	}{product, pages[inputPorts], pages[outputPorts]})
}

// changePorts adds assets to the ports of a data product, or removes them, with
// one event of the product that names those that changed.
func (c *call) changePorts(t *registry.Type, kind string, add bool) error {
	request, err := c.assetsBody(holder{schema: "api/bulkAssets.json"})
	if err != nil {
		return err
	}
	sel, err := c.nameOrID()
	if err != nil {
		return err
	}
	dryRun := request.DryRun != nil && *request.DryRun
	var items []engine.BulkItem
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, sel, policy.OperationsForFields(kind)...)
		if err != nil {
			return err
		}
		p := portChange{c: c, tx: tx, product: row, kind: kind, add: add}
		if items, err = p.plan(request.Assets); err != nil || dryRun {
			return err
		}
		return p.apply()
	})
	if err != nil {
		return err
	}
	result := engine.SummarizeBulk(items)
	result.DryRun = dryRun
	return c.json(http.StatusOK, result)
}

// portChange changes the ports of one data product inside a transaction.
type portChange struct {
	c       *call
	tx      store.Tx
	product store.Row
	kind    string
	add     bool
	changed []entity.Ref
}

// plan finds the assets that the request names. One that is not there, or hidden
// from the caller, fails by itself.
func (p *portChange) plan(assets []jsontext.Value) ([]engine.BulkItem, error) {
	relations, err := p.tx.RelationsFrom(p.c.ctx(), []entity.ID{p.product.ID}, p.kind)
	if err != nil {
		return nil, err
	}
	have := make(map[entity.ID]bool, len(relations))
	for _, rel := range relations {
		have[rel.To] = true
	}
	items := make([]engine.BulkItem, len(assets))
	for i, asset := range assets {
		items[i] = engine.BulkItem{Request: asset, Status: http.StatusOK}
		ref, err := p.asset(asset)
		if err != nil {
			items[i].Status, items[i].Message = statusOf(err), engine.PublicMessage(err)
			continue
		}
		if have[ref.ID] != p.add {
			have[ref.ID] = p.add
			p.changed = append(p.changed, ref)
		}
	}
	return items, nil
}

func (p *portChange) asset(raw jsontext.Value) (entity.Ref, error) {
	var given refText
	if err := json.Unmarshal(raw, &given); err != nil {
		return entity.Ref{}, entity.BadRequest("the asset cannot be read")
	}
	t, err := p.c.entityType(given.Type)
	if err != nil {
		return entity.Ref{}, err
	}
	if !t.Supports.DataProducts {
		return entity.Ref{}, entity.BadRequest("%s cannot be a port of a data product", t.Name)
	}
	sel, err := given.selector()
	if err != nil {
		return entity.Ref{}, err
	}
	row, err := p.c.liveRow(p.tx, t, sel, policy.ViewBasic)
	return entity.Ref{ID: row.ID, Type: row.Type, Name: row.Name, FullyQualifiedName: row.FQN}, err
}

func (p *portChange) apply() error {
	if len(p.changed) == 0 {
		return nil
	}
	slices.SortFunc(p.changed, byTypeAndName)
	relations := make([]store.Relation, len(p.changed))
	for i, ref := range p.changed {
		relations[i] = store.Relation{From: p.product.ID, FromType: p.product.Type, To: ref.ID, ToType: ref.Type, Kind: p.kind}
	}
	raw, err := encoded(p.changed)
	if err != nil {
		return err
	}
	value, err := jsontext.AppendQuote(nil, raw)
	if err != nil {
		return entity.Internal(err)
	}
	change := entity.ChangeDescription{
		FieldsAdded: []entity.FieldChange{}, FieldsUpdated: []entity.FieldChange{}, FieldsDeleted: []entity.FieldChange{}, PreviousVersion: p.product.Version,
	}
	if p.add {
		err = p.tx.Relate(p.c.ctx(), relations...)
		change.FieldsAdded = append(change.FieldsAdded, entity.FieldChange{Name: p.kind, NewValue: value})
	} else {
		err = p.tx.Unrelate(p.c.ctx(), relations...)
		change.FieldsDeleted = append(change.FieldsDeleted, entity.FieldChange{Name: p.kind, OldValue: value})
	}
	if err != nil {
		return err
	}
	return p.c.engine.Touch(p.c.ctx(), p.tx, p.c.by, p.product, &change)
}
