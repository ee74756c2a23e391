package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/lineage"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/profile"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of the graph of foreign keys around a table.
const (
	maxKeyTables  = 1000
	maxKeyTerms   = 5000 // columns that one search asks for
	maxKeyColumns = 100_000
	keyDepth      = 3 // levels, if a call does not say
	foreignKey    = "FOREIGN_KEY"
	referredField = "tableConstraints.referredColumns.keyword"
)

// foreignKeyRoutes show which tables refer to which.
func (a *API) foreignKeyRoutes() []Route {
	const tables, schemas = "/api/v1/tables/entityRelationship", "/api/v1/databaseSchemas/entityRelationship"
	return []Route{
		{Method: http.MethodGet, Path: tables, Access: Authenticated, Handle: a.typed("table", (*call).tableKeys)},
		{Method: http.MethodGet, Path: tables + "/{direction}", Access: Authenticated, Handle: a.typed("table", (*call).tableKeys)},
		{Method: http.MethodGet, Path: schemas, Access: Authenticated, Handle: a.typed("databaseSchema", (*call).schemaKeys)},
	}
}

// keyGraph is tables and what refers to what, by name.
type keyGraph struct {
	Nodes      map[string]keyNode `json:"nodes"`
	Upstream   map[string]keyEdge `json:"upstreamEdges"`
	Downstream map[string]keyEdge `json:"downstreamEdges"`
}

func newKeyGraph() keyGraph {
	return keyGraph{Nodes: map[string]keyNode{}, Upstream: map[string]keyEdge{}, Downstream: map[string]keyEdge{}}
}

// keyNode is a table and how many others of the graph it refers to, or refer to it.
type keyNode struct {
	Entity jsontext.Value     `json:"entity"`
	Paging lineage.NodePaging `json:"paging"`
}

// keyEdge leads from the table that is referred to to the one that refers.
type keyEdge struct {
	Entity  lineage.EdgeEnd `json:"entity"`
	Related lineage.EdgeEnd `json:"relatedEntity"`
	Columns []keyColumns    `json:"columns"`
	DocID   string          `json:"docId"`
	Type    string          `json:"relationshipType,omitzero"`
}

type keyColumns struct {
	Column  string `json:"columnFQN"`
	Related string `json:"relatedColumnFQN"`
	Type    string `json:"relationshipType,omitzero"`
}

// constraint is what the rules see of a constraint of a table.
type constraint struct {
	Type     string   `json:"constraintType"`
	Columns  []string `json:"columns"`
	Referred []string `json:"referredColumns"`
	Relation string   `json:"relationshipType"`
}

// keysOf returns the foreign keys of a table, one for each table that it refers to,
// by the name of that table. A reference that names no column is left out.
func keysOf(table *entity.Entity) map[string]keyEdge {
	var constraints []constraint
	if json.Unmarshal(table.Rest["tableConstraints"], &constraints) != nil {
		return nil
	}
	keys := map[string]keyEdge{}
	for _, key := range constraints {
		if key.Type != foreignKey {
			continue
		}
		for i, column := range key.Referred {
			of, _, err := profile.SplitColumn(column)
			if err != nil || len(key.Columns) == 0 {
				continue
			}
			e := keys[of]
			e.Type = key.Relation
			e.Columns = append(e.Columns, keyColumns{
				Column: entity.CanonicalFQN(column), Type: key.Relation,
				Related: entity.JoinFQN(table.FullyQualifiedName, key.Columns[min(i, len(key.Columns)-1)]),
			})
			keys[of] = e
		}
	}
	return keys
}

// keyWalk follows foreign keys from table to table.
type keyWalk struct {
	c       *call
	deleted bool
	tables  map[string]engine.Loaded // by name
	order   []string                 // as they were found
	up      map[string]keyEdge
	down    map[string]keyEdge
}

func (c *call) newKeyWalk() (*keyWalk, error) {
	deleted, err := c.flag("includeDeleted", false)
	return &keyWalk{c: c, deleted: deleted, tables: map[string]engine.Loaded{}, up: map[string]keyEdge{}, down: map[string]keyEdge{}}, err
}

// add takes tables in and returns the names of those that are new.
func (w *keyWalk) add(loaded []engine.Loaded) []string {
	slices.SortFunc(loaded, func(a, b engine.Loaded) int {
		return strings.Compare(a.Entity.FullyQualifiedName, b.Entity.FullyQualifiedName)
	})
	var fresh []string
	for _, l := range loaded {
		name := l.Entity.FullyQualifiedName
		if _, ok := w.tables[name]; ok || len(w.tables) >= maxKeyTables || l.Entity.IsDeleted() && !w.deleted {
			continue
		}
		w.tables[name] = l
		fresh = append(fresh, name)
	}
	w.order = append(w.order, fresh...)
	return fresh
}

// referred reads the tables that some refer to, as far as the caller sees them.
func (w *keyWalk) referred(names []string) ([]engine.Loaded, error) {
	var keys []store.Key
	for _, name := range names {
		for of := range keysOf(w.tables[name].Entity) {
			keys = append(keys, store.Key{Type: "table", FQN: of})
		}
	}
	c := w.c
	viewer := c.engine.Viewer(c.by)
	var ids []entity.ID
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		rows, err := r.EntitiesByFQN(c.ctx(), keys)
		if err != nil {
			return err
		}
		refs := make([]entity.Ref, len(rows))
		for i, row := range rows {
			refs[i] = entity.Ref{ID: row.ID, Type: "table"}
		}
		if err := viewer.Look(c.ctx(), r, refs...); err != nil {
			return err
		}
		ids = nil
		for _, ref := range refs {
			if viewer.Sees(ref.ID) && len(ids) < maxKeyTables {
				ids = append(ids, ref.ID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return w.load(ids)
}

// referring finds the tables that refer to some: the index knows them.
func (w *keyWalk) referring(names []string) ([]engine.Loaded, error) {
	var columns []string
	for _, name := range names {
		own, err := profile.Columns(w.tables[name].Entity)
		if err != nil {
			return nil, err
		}
		profile.Each(own, func(column *profile.Column) { columns = append(columns, column.FQN) })
	}
	columns = columns[:min(len(columns), maxKeyColumns)]
	var ids []entity.ID
	for part := range slices.Chunk(columns, maxKeyTerms) {
		index, _ := w.c.catalog.IndexOf("table")
		req := search.Request{Indexes: []string{index}, Filter: search.Terms{Field: referredField, Values: part}, Size: maxKeyTables, NoSource: true}
		if !w.deleted {
			no := false
			req.Deleted = &no
		}
		found, err := w.c.find(req)
		if err != nil {
			return nil, err
		}
		for _, hit := range found.Hits {
			ids = append(ids, hit.ID)
		}
		if len(ids) >= maxKeyTables {
			break
		}
	}
	return w.load(ids)
}

func (w *keyWalk) load(ids []entity.ID) ([]engine.Loaded, error) {
	var out []engine.Loaded
	for part := range slices.Chunk(ids, 500) {
		loaded, err := w.c.engine.Load(w.c.ctx(), part)
		if err != nil {
			return nil, err
		}
		out = append(out, loaded...)
	}
	return out, nil
}

// link notes the keys of some tables that lead to others which are known.
func (w *keyWalk) link(edges map[string]keyEdge, tables []engine.Loaded, known map[string]engine.Loaded) {
	for _, l := range tables {
		for of, e := range keysOf(l.Entity) {
			to, ok := known[of]
			if !ok {
				continue
			}
			e.Entity, e.Related = keyEnd(to), keyEnd(l)
			e.DocID = e.Entity.ID.String() + "-" + e.Related.ID.String()
			edges[e.DocID] = e
		}
	}
}

func keyEnd(l engine.Loaded) lineage.EdgeEnd {
	return lineage.EdgeEnd{ID: l.Entity.ID, Type: l.Type, FQN: l.Entity.FullyQualifiedName}
}

// follow walks both ways from a table.
func (w *keyWalk) follow(root string, up, down int) error {
	for frontier := []string{root}; up > 0 && len(frontier) > 0; up-- {
		found, err := w.referred(frontier)
		if err != nil {
			return err
		}
		next := w.add(found)
		w.link(w.up, w.named(frontier), w.tables)
		frontier = next
	}
	for frontier := []string{root}; down > 0 && len(frontier) > 0; down-- {
		found, err := w.referring(frontier)
		if err != nil {
			return err
		}
		next := w.add(found)
		known := map[string]engine.Loaded{}
		for _, l := range w.named(frontier) {
			known[l.Entity.FullyQualifiedName] = l
		}
		found = slices.DeleteFunc(found, func(l engine.Loaded) bool { _, ok := w.tables[l.Entity.FullyQualifiedName]; return !ok })
		w.link(w.down, found, known)
		frontier = next
	}
	return nil
}

func (w *keyWalk) named(names []string) []engine.Loaded {
	out := make([]engine.Loaded, len(names))
	for i, name := range names {
		out[i] = w.tables[name]
	}
	return out
}

// graph shows the tables with the names, and the edges that wanted accepts.
func (w *keyWalk) graph(names []string, wanted func(keyEdge) bool) (keyGraph, error) {
	g := newKeyGraph()
	paging := map[string]lineage.NodePaging{}
	both := maps.Clone(w.up)
	maps.Copy(both, w.down)
	for _, e := range both {
		of, by := paging[e.Entity.FQN], paging[e.Related.FQN]
		of.EntityDownstreamCount++
		by.EntityUpstreamCount++
		if e.Entity.FQN == e.Related.FQN { // refers to itself
			by.EntityDownstreamCount = of.EntityDownstreamCount
			of = by
		}
		paging[e.Entity.FQN], paging[e.Related.FQN] = of, by
	}
	for id, e := range w.up {
		if wanted(e) {
			g.Upstream[id] = e
		}
	}
	for id, e := range w.down {
		if wanted(e) {
			g.Downstream[id] = e
		}
	}
	for _, name := range names {
		doc, ok, err := w.c.catalog.Document(search.Loaded(w.tables[name]))
		if err != nil {
			return g, err
		}
		if ok {
			g.Nodes[name] = keyNode{Entity: doc.Source, Paging: paging[name]}
		}
	}
	return g, nil
}

// keyDepths reads how far a call wants to see, and which way.
func (c *call) keyDepths() (up, down int, err error) {
	if up, err = c.number("upstreamDepth", keyDepth, 0, lineage.MaxDepth); err != nil {
		return 0, 0, err
	}
	if down, err = c.number("downstreamDepth", keyDepth, 0, lineage.MaxDepth); err != nil {
		return 0, 0, err
	}
	direction, err := c.param("direction")
	switch {
	case err != nil:
		return 0, 0, err
	case direction == "Upstream":
		down = 0
	case direction == "Downstream":
		up = 0
	case direction != "":
		return 0, 0, entity.BadRequest("the direction is Upstream or Downstream, not %q", entity.Shorten(direction, 40))
	}
	return up, down, nil
}

// keyRoot finds the entity that a call is about.
func (c *call) keyRoot(t *registry.Type) (entity.ID, string, error) {
	fqn := c.query.Get("fqn")
	if fqn == "" {
		return entity.NilID, "", entity.BadRequest("[query param fqn must not be null]")
	}
	var row store.Row
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		row, err = c.liveRow(r, t, engine.ByFQN(fqn), policy.ViewBasic)
		return err
	})
	return row.ID, row.FQN, err
}

// tableKeys answers the tables around one, a page at a time.
func (c *call) tableKeys(t *registry.Type) error {
	id, root, err := c.keyRoot(t)
	if err != nil {
		return err
	}
	up, down, err := c.keyDepths()
	if err != nil {
		return err
	}
	from, err := c.number("from", 0, 0, maxKeyTables)
	if err != nil {
		return err
	}
	size, err := c.number("size", maxKeyTables, 0, maxKeyTables)
	if err != nil {
		return err
	}
	w, err := c.newKeyWalk()
	if err != nil {
		return err
	}
	loaded, err := w.load([]entity.ID{id})
	if err != nil {
		return err
	}
	w.add(loaded)
	if err := w.follow(root, up, down); err != nil {
		return err
	}
	names, err := w.fitting(root)
	if err != nil {
		return err
	}
	names = names[min(from, len(names)):]
	names = names[:min(size, len(names))]
	shown := map[string]bool{root: true}
	for _, name := range names {
		shown[name] = true
	}
	if !slices.Contains(names, root) {
		names = append(names, root)
	}
	out, err := w.graph(names, func(e keyEdge) bool { return shown[e.Entity.FQN] && shown[e.Related.FQN] })
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// fitting lists the tables that query_filter asks for, the root always.
func (w *keyWalk) fitting(root string) ([]string, error) {
	match, err := w.c.queryMatch()
	if err != nil || match == nil {
		return w.order, err
	}
	var names []string
	for _, name := range w.order {
		ok := name == root
		if !ok {
			if ok, err = match(w.tables[name]); err != nil {
				return nil, err
			}
		}
		if ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// schemaKeys answers a page of the tables of a schema, and the keys from and to them.
func (c *call) schemaKeys(t *registry.Type) error {
	_, schema, err := c.keyRoot(t)
	if err != nil {
		return err
	}
	at, err := c.window("", 10, 0, maxKeyTables)
	if err != nil {
		return err
	}
	w, err := c.newKeyWalk()
	if err != nil {
		return err
	}
	index, _ := c.catalog.IndexOf("table")
	req := search.Request{
		Indexes: []string{index}, Size: at.limit, From: at.offset, NoSource: true, Sort: []search.Sort{{Field: "fullyQualifiedName"}},
		Filter: search.Term{Field: "databaseSchema.fullyQualifiedName.keyword", Value: schema},
	}
	if req.Query, err = search.ParseDSL([]byte(c.query.Get("query_filter")), c.clock()); err != nil {
		return err
	}
	if !w.deleted {
		no := false
		req.Deleted = &no
	}
	found, err := c.find(req)
	if err != nil {
		return err
	}
	ids := make([]entity.ID, len(found.Hits))
	for i, hit := range found.Hits {
		ids[i] = hit.ID
	}
	loaded, err := w.load(ids)
	if err != nil {
		return err
	}
	names := w.add(loaded)
	if err := w.neighbours(names); err != nil {
		return err
	}
	data, err := w.graph(names, func(keyEdge) bool { return true })
	if err != nil {
		return err
	}
	out := keyPage{Data: data, Paging: paging{Total: found.Total, Offset: &at.offset, Limit: &at.limit}}
	return c.json(http.StatusOK, out)
}

// keyPage is a page of the tables of a schema.
type keyPage struct {
	Data   keyGraph `json:"data"`
	Paging paging   `json:"paging"`
}

// neighbours finds the keys of some tables, and those that lead to them.
func (w *keyWalk) neighbours(names []string) error {
	if len(names) == 0 {
		return nil
	}
	shown := w.named(names)
	above, err := w.referred(names)
	if err != nil {
		return err
	}
	below, err := w.referring(names)
	if err != nil {
		return err
	}
	known := map[string]engine.Loaded{}
	for _, l := range shown {
		known[l.Entity.FullyQualifiedName] = l
	}
	w.link(w.down, below, known)
	for _, l := range above {
		known[l.Entity.FullyQualifiedName] = l
	}
	w.link(w.up, shown, known)
	return nil
}
