package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Limits of one look for columns over the catalog. Beyond them the call is refused
// with words: half of the columns would look like all of them.
const (
	maxColumnOwners  = search.MaxWindow // tables and data models read
	maxColumnTargets = 20_000           // columns found
	columnOwnerPage  = 500
)

// columnScope says where columns are looked for.
type columnScope struct {
	types                     []string // of what holds them
	service, database, schema string   // names
	domain                    string   // id
	serviceTypes              []string
}

// columnTypes are the types whose columns can be looked for.
func columnTypes() []string { return []string{"table", "dashboardDataModel"} }

// columnScope reads the parameters that say where to look.
func (c *call) columnScope() (columnScope, error) {
	s := columnScope{service: c.query.Get("serviceName"), database: c.query.Get("databaseName"), schema: c.query.Get("schemaName"), serviceTypes: words(c.query.Get("serviceTypes"))}
	return s, s.restrict(words(c.query.Get("entityTypes")), c.query.Get("domainId"))
}

// restrict takes over which types and which domain are asked for.
func (s *columnScope) restrict(types []string, domain string) error {
	if len(types) == 0 {
		types = columnTypes()
	}
	for _, typ := range types {
		if !slices.Contains(columnTypes(), typ) {
			return entity.BadRequest("%q has no columns that can be looked for; entityTypes are %s", entity.Shorten(typ, 60), strings.Join(columnTypes(), ", "))
		}
	}
	s.types = types
	if domain != "" {
		id, err := entity.ParseID(domain)
		if err != nil {
			return err
		}
		s.domain = id.String()
	}
	return nil
}

// words takes a list apart at its commas.
func words(text string) []string {
	var out []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// request is a search for what may hold such columns.
func (c *call) ownersRequest(s columnScope, further ...search.Query) search.Request {
	all := append([]search.Query{search.Exists{Field: "columns"}}, further...)
	for field, value := range map[string]string{"service.name": s.service, "database.name": s.database, "databaseSchema.name": s.schema, "domains.id": s.domain} {
		if value != "" {
			all = append(all, search.Term{Field: field + ".keyword", Value: value})
		}
	}
	if len(s.serviceTypes) > 0 {
		all = append(all, search.Terms{Field: "serviceType.keyword", Values: s.serviceTypes})
	}
	req := search.Request{Filter: search.Bool{Filter: all}, Deleted: new(bool)}
	for _, typ := range s.types {
		if index, ok := c.catalog.IndexOf(typ); ok {
			req.Indexes = append(req.Indexes, index)
		}
	}
	return req
}

// columnOwner is what of a document its columns need.
type columnOwner struct {
	Type        string     `json:"-"`
	FQN         string     `json:"fullyQualifiedName"`
	DisplayName string     `json:"displayName"`
	Service     entity.Ref `json:"service"`
	Database    entity.Ref `json:"database"`
	Schema      entity.Ref `json:"databaseSchema"`
	Columns     []column   `json:"columns"`
}

// columnOwners visits what a search finds, as far as the caller may see it, at most
// limit of them, and tells whether these were all.
func (c *call) columnOwners(req search.Request, limit int, visit func(*columnOwner) error) (all bool, err error) {
	seen := map[entity.ID]bool{} // pages overlap when something is written between them
	for req.Size = min(columnOwnerPage, limit); req.From < limit; req.From += req.Size {
		page, err := c.find(req)
		if err != nil {
			return false, err
		}
		for _, hit := range page.Hits {
			if seen[hit.ID] {
				continue
			}
			seen[hit.ID] = true
			var owner columnOwner
			if err := json.Unmarshal(hit.Source, &owner); err != nil {
				return false, entity.Internal(err)
			}
			owner.Type = columnTypes()[0]
			if index, _ := c.catalog.IndexOf(owner.Type); hit.Index != index {
				owner.Type = columnTypes()[1]
			}
			if err := visit(&owner); err != nil {
				return false, err
			}
		}
		if page.Total <= req.From+req.Size {
			return true, nil
		}
	}
	return false, nil
}

// deepColumns visits columns, those that hold others first.
func deepColumns(above string, columns []column, visit func(*column) error) error {
	for i := range columns {
		col := &columns[i]
		col.FQN = entity.JoinFQN(above, col.Name)
		if err := visit(col); err != nil {
			return err
		}
		if err := deepColumns(col.FQN, col.Children, visit); err != nil {
			return err
		}
	}
	return nil
}

// withColumn wants columns with one of the names, as far as the index tells.
func withColumn(names []string) search.Query {
	any := search.Bool{MinShould: 1}
	for depth, above := 0, "columns."; depth < 6; depth, above = depth+1, above+"children." {
		any.Should = append(any.Should, search.Terms{Field: above + "name.keyword", Values: names})
	}
	return any
}

// foundColumn is a column with what holds it.
type foundColumn struct {
	owner *columnOwner
	col   *column
}

// findColumns returns the columns with these names, or all when there are none, in no
// particular order.
func (c *call) findColumns(s columnScope, names []string) ([]foundColumn, error) {
	req := c.ownersRequest(s)
	wanted := make(map[string]bool, len(names))
	if len(names) > 0 {
		req = c.ownersRequest(s, withColumn(names))
		for _, name := range names {
			wanted[name] = true
		}
	}
	var out []foundColumn
	all, err := c.columnOwners(req, maxColumnOwners, func(owner *columnOwner) error {
		return deepColumns(owner.FQN, owner.Columns, func(col *column) error {
			if len(names) == 0 || wanted[col.Name] {
				out = append(out, foundColumn{owner, col})
			}
			if len(out) > maxColumnTargets {
				return tooManyColumns()
			}
			return nil
		})
	})
	if err == nil && !all {
		err = tooManyColumns()
	}
	return out, err
}

func tooManyColumns() error {
	return entity.BadRequest("there are more than %d such columns, or more than %d tables to look at; narrow it with columnName, serviceName, databaseName, schemaName or domainId", maxColumnTargets, maxColumnOwners)
}

// later is the call as it goes on in the background: without a client to answer.
func (c *call) later(ctx context.Context) *call {
	later := *c
	later.r, later.w = c.r.Clone(ctx), nil
	return &later
}

// columnOccurrence is a column as searches show it.
type columnOccurrence struct {
	FQN               string            `json:"columnFQN"`
	EntityType        string            `json:"entityType"`
	EntityFQN         string            `json:"entityFQN"`
	EntityDisplayName string            `json:"entityDisplayName,omitzero"`
	ServiceName       string            `json:"serviceName,omitzero"`
	DatabaseName      string            `json:"databaseName,omitzero"`
	SchemaName        string            `json:"schemaName,omitzero"`
	DisplayName       string            `json:"displayName,omitzero"`
	Description       string            `json:"description,omitzero"`
	Tags              []entity.TagLabel `json:"tags,omitzero"`
	DataType          string            `json:"dataType,omitzero"`
}

// place is where a column lies.
func (f foundColumn) place() columnOccurrence {
	return columnOccurrence{
		FQN: f.col.FQN, EntityType: f.owner.Type, EntityFQN: f.owner.FQN, EntityDisplayName: f.owner.DisplayName,
		ServiceName: f.owner.Service.Name, DatabaseName: f.owner.Database.Name, SchemaName: f.owner.Schema.Name,
	}
}

func (f foundColumn) occurrence() columnOccurrence {
	o := f.place()
	o.DisplayName, o.Description, o.Tags, o.DataType = f.col.DisplayName, f.col.Description, f.col.Tags, textOf(f.col.Rest["dataType"])
	return o
}

// groupedColumns are the columns with one name.
type groupedColumns struct {
	Name        string             `json:"columnName"`
	Occurrences []columnOccurrence `json:"occurrences"`
	Total       int                `json:"totalCount"`
}

// searchColumns answers the columns with a name, by what they are in.
func (c *call) searchColumns() error {
	scope, err := c.columnScope()
	if err != nil {
		return err
	}
	var names []string
	if name := c.query.Get("columnName"); name != "" {
		names = []string{name}
	}
	found, err := c.findColumns(scope, names)
	if err != nil {
		return err
	}
	byName := map[string]*groupedColumns{}
	out := []*groupedColumns{}
	for _, f := range found {
		g := byName[f.col.Name]
		if g == nil {
			g = &groupedColumns{Name: f.col.Name}
			byName[f.col.Name], out = g, append(out, g)
		}
		g.Occurrences = append(g.Occurrences, f.occurrence())
		g.Total++
	}
	slices.SortFunc(out, func(a, b *groupedColumns) int { return strings.Compare(a.Name, b.Name) })
	for _, g := range out {
		slices.SortFunc(g.Occurrences, func(a, b columnOccurrence) int { return strings.Compare(a.FQN, b.FQN) })
	}
	return c.json(http.StatusOK, out)
}

// textOf returns the text of a JSON string, "" for anything else.
func textOf(raw jsontext.Value) string {
	var text string
	if raw.Kind() != '"' || json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}
