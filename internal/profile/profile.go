// Package profile holds the rules about what is measured of tables: profiles of
// columns, custom metrics, and the models that tables are built from.
//
// The package may import entity.
package profile

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Column is what the rules see of a column of a table.
type Column struct {
	Name          string                    `json:"name"`
	FQN           string                    `json:"fullyQualifiedName,omitzero"`
	Tags          []entity.TagLabel         `json:"tags,omitzero"`
	Children      []Column                  `json:"children,omitzero"`
	CustomMetrics []Metric                  `json:"customMetrics,omitzero"`
	Profile       jsontext.Value            `json:"profile,omitzero"`
	Rest          map[string]jsontext.Value `json:",embed"`
}

// Columns reads the columns of a table.
func Columns(table *entity.Entity) ([]Column, error) {
	var columns []Column
	if raw := table.Rest["columns"]; raw != nil {
		if err := json.Unmarshal(raw, &columns); err != nil {
			return nil, entity.Internal(err)
		}
	}
	return columns, nil
}

// SetColumns puts the columns of a table back.
func SetColumns(table *entity.Entity, columns []Column) error {
	raw, err := json.Marshal(columns, json.Deterministic(true))
	if err != nil {
		return entity.Internal(err)
	}
	table.Rest["columns"] = raw
	return nil
}

// maxDepth bounds how deep columns nest.
const maxDepth = 30

// Find returns the column with the path below the table, e.g. address.city with
// parts quoted as in FQNs; nil when there is none.
func Find(columns []Column, path []string) *Column {
	for i := range columns {
		if len(path) > 0 && columns[i].Name == path[0] {
			if len(path) == 1 {
				return &columns[i]
			}
			return Find(columns[i].Children, path[1:])
		}
	}
	return nil
}

// Each visits the columns and those inside them.
func Each(columns []Column, visit func(*Column)) { each(columns, visit, 0) }

func each(columns []Column, visit func(*Column), depth int) {
	if depth > maxDepth {
		return
	}
	for i := range columns {
		visit(&columns[i])
		each(columns[i].Children, visit, depth+1)
	}
}

// SplitColumn takes the FQN of a column apart into that of the table and the
// path of the column. The error is a KindBadRequest.
func SplitColumn(fqn string) (table string, path []string, err error) {
	const tableParts = 4 // service, database, schema, table
	parts, err := entity.SplitFQN(fqn)
	if err != nil {
		return "", nil, err
	}
	if len(parts) <= tableParts {
		return "", nil, entity.BadRequest("%q does not name a column as service.database.schema.table.column", entity.Shorten(fqn, 200))
	}
	for i, part := range parts {
		parts[i] = entity.UnquoteName(part)
	}
	return entity.BuildFQN(parts[:tableParts]...), parts[tableParts:], nil
}

// revealing are the members of a column profile that quote the data itself.
var revealing = []string{"min", "max", "histogram", "cardinalityDistribution", "sum", "mean", "median", "firstQuartile", "thirdQuartile"}

// Mask takes out of a column profile what would show values of the column.
func Mask(doc jsontext.Value) (jsontext.Value, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(doc, &members); err != nil {
		return nil, entity.Internal(err)
	}
	for _, name := range revealing {
		delete(members, name)
	}
	out, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return out, nil
}

// ApplyModel stores the model a table is built from. The tags of the model go
// onto the table and its columns, beside those that are there; its owners only
// onto a table that has none. A model without SQL keeps what was known of it.
func ApplyModel(table *entity.Entity, model jsontext.Value) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(model, &members); err != nil {
		return entity.BadRequest("the data model cannot be read")
	}
	if err := keepSQL(members, table.Rest["dataModel"]); err != nil {
		return err
	}
	var view struct {
		Tags    []entity.TagLabel `json:"tags"`
		Owners  []entity.Ref      `json:"owners"`
		Columns []Column          `json:"columns"`
	}
	if err := json.Unmarshal(model, &view); err != nil {
		return entity.BadRequest("the data model cannot be read")
	}
	table.Tags = union(table.Tags, view.Tags)
	if len(table.Owners) == 0 {
		table.Owners = view.Owners
	}
	columns, err := Columns(table)
	if err != nil {
		return err
	}
	changed := false
	for _, from := range view.Columns {
		if to := Find(columns, []string{from.Name}); to != nil && len(from.Tags) > 0 {
			to.Tags, changed = union(to.Tags, from.Tags), true
		}
	}
	if changed {
		if err := SetColumns(table, columns); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return entity.Internal(err)
	}
	table.Rest["dataModel"] = raw
	return nil
}

func keepSQL(members map[string]jsontext.Value, old jsontext.Value) error {
	if old == nil {
		return nil
	}
	var before map[string]jsontext.Value
	if err := json.Unmarshal(old, &before); err != nil {
		return entity.Internal(err)
	}
	for _, name := range []string{"sql", "rawSql"} {
		if value := members[name]; before[name] != nil && (value == nil || bytes.Equal(value, []byte(`""`))) {
			members[name] = before[name]
		}
	}
	return nil
}

func union(have, more []entity.TagLabel) []entity.TagLabel {
	seen := make(map[string]bool, len(have))
	for _, label := range have {
		seen[label.TagFQN] = true
	}
	for _, label := range more {
		if !seen[label.TagFQN] {
			seen[label.TagFQN] = true
			have = append(have, label)
		}
	}
	return have
}
