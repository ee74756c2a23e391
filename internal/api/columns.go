package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// columnRoutes page through the columns of wide tables, and change one column.
func (a *API) columnRoutes() []Route {
	const base = "/api/v1/columns"
	out := []Route{
		{Method: http.MethodPut, Path: base + "/name/{fqn}", Access: Authenticated, Handle: (*call).putColumn},
		{Method: http.MethodGet, Path: base + "/grid", Access: Authenticated, Handle: (*call).columnGrid},
		{Method: http.MethodGet, Path: base + "/search", Access: Authenticated, Handle: (*call).searchColumns},
		{Method: http.MethodGet, Path: base + "/export", Access: Authenticated, Handle: (*call).exportColumns},
		{Method: http.MethodPost, Path: base + "/import", Access: Authenticated, Handle: (*call).importColumns, Accepts: "text/plain", MaxBody: a.limits.MaxUpload},
		{Method: http.MethodPost, Path: base + "/import-async", Access: Authenticated, Handle: (*call).importColumnsLater, Accepts: "text/plain", MaxBody: a.limits.MaxUpload},
		{Method: http.MethodPost, Path: base + "/bulk-update-async", Access: Authenticated, Handle: (*call).updateColumnsLater},
		{Method: http.MethodPost, Path: base + "/bulk-update-preview", Access: Authenticated, Handle: (*call).previewColumns},
	}
	for _, name := range []string{"table", "dashboardDataModel"} {
		t, ok := a.engine.Registry().ByName(name)
		if !ok {
			continue
		}
		listing := func(c *call) error { return c.listColumns(t, false) }
		searching := func(c *call) error { return c.listColumns(t, true) }
		for _, one := range []string{"/{id}", "/name/{fqn}"} {
			path := "/api" + t.Collection + one + "/columns"
			out = append(out,
				Route{Method: http.MethodGet, Path: path, Access: Authenticated, Handle: listing},
				Route{Method: http.MethodGet, Path: path + "/search", Access: Authenticated, Handle: searching})
		}
	}
	return out
}

// column is a column as it is shown; what is not named here is passed on.
type column struct {
	Name        string                    `json:"name"`
	DisplayName string                    `json:"displayName,omitzero"`
	Description string                    `json:"description,omitzero"`
	FQN         string                    `json:"fullyQualifiedName,omitzero"`
	Ordinal     int                       `json:"ordinalPosition,omitzero"`
	Constraint  string                    `json:"constraint,omitzero"`
	Tags        []entity.TagLabel         `json:"tags,omitzero"`
	Extension   jsontext.Value            `json:"extension,omitzero"`
	Children    []column                  `json:"children,omitzero"`
	Rest        map[string]jsontext.Value `json:",embed"`
}

func columnsOf(ent *entity.Entity) ([]column, error) {
	var columns []column
	if raw := ent.Rest["columns"]; raw != nil {
		if err := json.Unmarshal(raw, &columns); err != nil {
			return nil, entity.Internal(err)
		}
	}
	return columns, nil
}

func (c *call) listColumns(t *registry.Type, searching bool) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	w, err := c.window("", 50, 0, 1_000_000)
	if err != nil {
		return err
	}
	view, err := c.view(t)
	if err != nil {
		return err
	}
	ent, err := c.engine.Get(c.ctx(), c.by, t, sel, view)
	if err != nil {
		return err
	}
	columns, err := columnsOf(ent)
	if err != nil {
		return err
	}
	if searching {
		columns = matching(nil, columns, strings.ToLower(c.query.Get("q")))
	}
	if err := sortColumns(columns, c.query.Get("sortBy"), c.query.Get("sortOrder")); err != nil {
		return err
	}
	return c.json(http.StatusOK, pageAt(columns, w))
}

// matching collects the columns, at any depth, whose names or description hold a
// text.
func matching(found, columns []column, q string) []column {
	for _, col := range columns {
		if strings.Contains(strings.ToLower(col.Name), q) || strings.Contains(strings.ToLower(col.DisplayName), q) ||
			strings.Contains(strings.ToLower(col.Description), q) {
			found = append(found, col)
		}
		found = matching(found, col.Children, q)
	}
	return found
}

// sortColumns orders columns; they come in the order of the table unless asked.
func sortColumns(columns []column, by, order string) error {
	sign := 1
	switch strings.ToLower(order) {
	case "", "asc":
	case "desc":
		sign = -1
	default:
		return entity.BadRequest("query param sortOrder must be one of [asc, desc]")
	}
	switch by {
	case "", "ordinalPosition":
		if by == "" && sign == 1 {
			return nil
		}
		slices.SortStableFunc(columns, func(a, b column) int { return sign * cmp.Compare(a.Ordinal, b.Ordinal) })
	case "name":
		slices.SortStableFunc(columns, func(a, b column) int { return sign * strings.Compare(a.Name, b.Name) })
	default:
		return entity.BadRequest("query param sortBy must be one of [name, ordinalPosition]")
	}
	return nil
}

// columnUpdate is the body of a change of one column.
type columnUpdate struct {
	DisplayName      *string            `json:"displayName"`
	Description      *string            `json:"description"`
	Tags             *[]entity.TagLabel `json:"tags"`
	Constraint       *string            `json:"constraint"`
	RemoveConstraint bool               `json:"removeConstraint"`
	Extension        jsontext.Value     `json:"extension"`
}

// putColumn changes one column of a table or data model.
func (c *call) putColumn() error {
	fqn, err := c.param("fqn")
	if err != nil {
		return err
	}
	t, owner, err := c.ownerOfColumn(fqn)
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if err := c.engine.Validate("api/data/updateColumn.json", body); err != nil {
		return err
	}
	var update columnUpdate
	if err := json.Unmarshal(body, &update); err != nil {
		return entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	name := entity.CanonicalFQN(fqn)
	edit := func(_ store.Tx, ent *entity.Entity) error {
		columns, err := columnsOf(ent)
		if err != nil {
			return err
		}
		col := findColumn(columns, name)
		if col == nil {
			return entity.NotFound("column", fqn)
		}
		update.apply(col)
		raw, err := json.Marshal(columns)
		if err != nil {
			return entity.Internal(err)
		}
		ent.Rest["columns"] = raw
		return nil
	}
	result, err := c.engine.Revise(c.ctx(), c.by, t, engine.ByFQN(owner), nil, engine.View{Base: c.base()}, edit)
	if err != nil {
		return err
	}
	columns, err := columnsOf(result.Entity)
	if err != nil {
		return err
	}
	col := findColumn(columns, name)
	if col == nil {
		return entity.NotFound("column", fqn)
	}
	c.w.Header().Set(ChangeHeader, result.Event)
	return c.json(http.StatusOK, col)
}

// ownerOfColumn returns what a column is part of: its name begins with that of a
// table, which has four parts, or of a data model, which has three.
func (c *call) ownerOfColumn(fqn string) (*registry.Type, string, error) {
	typ := c.query.Get("entityType")
	if typ == "" {
		typ = "table"
	}
	owner, err := ownerName(typ, fqn)
	if err != nil {
		return nil, "", err
	}
	t, err := c.entityType(typ)
	return t, owner, err
}

// ownerName returns the name of the table or data model that a column is part of.
func ownerName(typ, fqn string) (string, error) {
	parts, err := entity.SplitFQN(fqn)
	if err != nil {
		return "", err
	}
	length := 4
	switch typ {
	case "table":
	case "dashboardDataModel":
		length = 3
	default:
		return "", entity.BadRequest("entityType must be one of [table, dashboardDataModel]")
	}
	if len(parts) <= length {
		return "", entity.BadRequest("%s is not the name of a column", entity.Shorten(fqn, 200))
	}
	return strings.Join(parts[:length], "."), nil
}

func findColumn(columns []column, fqn string) *column {
	for i := range columns {
		if columns[i].FQN == fqn {
			return &columns[i]
		}
		if found := findColumn(columns[i].Children, fqn); found != nil {
			return found
		}
	}
	return nil
}

func (u *columnUpdate) apply(col *column) {
	if u.DisplayName != nil {
		col.DisplayName = *u.DisplayName
	}
	if u.Description != nil {
		col.Description = *u.Description
	}
	if u.Tags != nil {
		col.Tags = *u.Tags
	}
	if u.Constraint != nil {
		col.Constraint = *u.Constraint
	}
	if u.RemoveConstraint {
		col.Constraint = ""
	}
	if u.Extension != nil && u.Extension.Kind() != 'n' {
		col.Extension = u.Extension
	}
}
