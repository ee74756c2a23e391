package registry

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// columnView is what the rules on columns need to see of one.
type columnView struct {
	Name            string         `json:"name"`
	DataType        string         `json:"dataType"`
	DataLength      *int64         `json:"dataLength"`
	ArrayDataType   string         `json:"arrayDataType"`
	DataTypeDisplay string         `json:"dataTypeDisplay"`
	Constraint      string         `json:"constraint"`
	Children        jsontext.Value `json:"children"`
}

// constraintView is what the rules need to see of a table constraint.
type constraintView struct {
	ConstraintType string   `json:"constraintType"`
	Columns        []string `json:"columns"`
}

const primaryKey = "PRIMARY_KEY"

// tableHooks are the hooks of tables: columns get a type to show and have to
// agree with each other and with the constraints.
func tableHooks() Hooks {
	return Hooks{Prepare: columnHooks("columns").Prepare, Validate: validateTable}
}

// columnHooks give the columns at the path a type to show: the data type in
// lower case, unless the source says it better.
func columnHooks(path ...string) Hooks {
	return Hooks{Prepare: func(e, _ *entity.Entity) error {
		raw, ok := e.Rest[path[0]]
		if !ok {
			return nil
		}
		shown, err := showTypes(raw, path[1:])
		if err != nil {
			return entity.BadRequest("%s cannot be read", strings.Join(path, "."))
		}
		e.Rest[path[0]] = shown
		return nil
	}}
}

// showTypes completes the columns below raw and leaves everything else as it is.
func showTypes(raw jsontext.Value, path []string) (jsontext.Value, error) {
	switch {
	case len(path) > 0 && raw.Kind() == '{':
		return editMember(raw, path[0], func(inner jsontext.Value) (jsontext.Value, error) {
			return showTypes(inner, path[1:])
		})
	case len(path) == 0 && raw.Kind() == '[':
		return editItems(raw, showType)
	}
	return raw, nil
}

// showType adds dataTypeDisplay to a column that has none.
func showType(column jsontext.Value) (jsontext.Value, error) {
	var view struct {
		DataType        string `json:"dataType"`
		DataTypeDisplay string `json:"dataTypeDisplay"`
	}
	if err := json.Unmarshal(column, &view); err != nil {
		return nil, err
	}
	if view.DataTypeDisplay != "" || view.DataType == "" {
		return column, nil
	}
	display, err := jsontext.AppendQuote(nil, strings.ToLower(view.DataType))
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(column, '}')
	out := make(jsontext.Value, 0, len(column)+len(display)+20)
	out = append(out, column[:end]...)
	out = append(out, `,"dataTypeDisplay":`...)
	return append(append(out, display...), '}'), nil
}

// validateTable refuses columns and constraints that contradict each other. It
// looks only when one of them changed.
func validateTable(old, e *entity.Entity) error {
	if old != nil && bytes.Equal(old.Rest["columns"], e.Rest["columns"]) &&
		bytes.Equal(old.Rest["tableConstraints"], e.Rest["tableConstraints"]) {
		return nil
	}
	var columns []columnView
	if err := readMember(e, "columns", &columns); err != nil {
		return err
	}
	names := make(map[string]bool, len(columns))
	for i := range columns {
		if names[columns[i].Name] {
			return entity.BadRequest("Column name %s is repeated", entity.Shorten(columns[i].Name, 200))
		}
		names[columns[i].Name] = true
		if err := columns[i].complete(); err != nil {
			return err
		}
	}
	var constraints []constraintView
	if err := readMember(e, "tableConstraints", &constraints); err != nil {
		return err
	}
	return validateConstraints(columns, names, constraints)
}

// complete tells whether the column says everything its data type needs.
func (c *columnView) complete() error {
	switch c.DataType {
	case "CHAR", "VARCHAR", "BINARY", "VARBINARY":
		if c.DataLength == nil {
			return entity.BadRequest("For column data types char, varchar, binary, varbinary dataLength must not be null")
		}
	case "ARRAY":
		if c.ArrayDataType == "" {
			return entity.BadRequest("For column data type array, arrayDataType must not be null")
		}
	case "STRUCT":
		if c.Children == nil {
			return entity.BadRequest("For column data type struct, children must not be null")
		}
	}
	return nil
}

func validateConstraints(columns []columnView, names map[string]bool, constraints []constraintView) error {
	tagged := slices.ContainsFunc(columns, func(c columnView) bool { return c.Constraint == primaryKey })
	for _, constraint := range constraints {
		for _, name := range constraint.Columns {
			if !names[name] {
				return entity.BadRequest("Invalid column name found in table constraint")
			}
		}
		if tagged && constraint.ConstraintType == primaryKey {
			return entity.BadRequest("A column already tagged as a primary key and table constraint also includes primary key")
		}
	}
	return nil
}
