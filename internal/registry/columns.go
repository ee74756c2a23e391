package registry

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// columnView is what the rules on columns need to see of one.
type columnView struct {
	name       string
	dataType   string
	constraint string
	shown      bool // has a type to show
	length     bool // has a dataLength
	array      bool // has an arrayDataType
	children   bool
	end        int64 // offset of the closing brace
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
		return showColumnTypes(raw)
	}
	return raw, nil
}

// showColumnTypes adds dataTypeDisplay to the columns that have none.
func showColumnTypes(raw jsontext.Value) (jsontext.Value, error) {
	columns, err := readColumns(raw)
	if err != nil {
		return nil, err
	}
	var out jsontext.Value
	copied := int64(0)
	for i := range columns {
		c := &columns[i]
		if c.shown || c.dataType == "" {
			continue
		}
		if out == nil {
			out = make(jsontext.Value, 0, len(raw)+40*len(columns))
		}
		out = append(append(out, raw[copied:c.end]...), `,"dataTypeDisplay":`...)
		if out, err = jsontext.AppendQuote(out, strings.ToLower(c.dataType)); err != nil {
			return nil, err
		}
		copied = c.end
	}
	if out == nil {
		return raw, nil
	}
	return append(out, raw[copied:]...), nil
}

// readColumns looks at the top level of each column in one pass; tables are
// written often enough for this to matter.
func readColumns(raw jsontext.Value) ([]columnView, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw))
	if err := expectToken(dec, '['); err != nil {
		return nil, err
	}
	columns := make([]columnView, 0, bytes.Count(raw, []byte(`"dataType"`)))
	for dec.PeekKind() != ']' {
		if err := expectToken(dec, '{'); err != nil {
			return nil, err
		}
		var c columnView
		for dec.PeekKind() != '}' {
			name, err := dec.ReadValue()
			if err != nil {
				return nil, err
			}
			member := columnMember(name) // name is gone after the next read
			value, err := dec.ReadValue()
			if err != nil {
				return nil, err
			}
			c.set(member, value)
		}
		if err := expectToken(dec, '}'); err != nil {
			return nil, err
		}
		c.end = dec.InputOffset() - 1
		columns = append(columns, c)
	}
	return columns, nil
}

// columnMember returns the name of a member that the rules look at, "" for the
// others. The comparison does not copy the name.
func columnMember(quoted []byte) string {
	for _, name := range [...]string{"name", "dataType", "dataTypeDisplay", "dataLength", "constraint", "children", "arrayDataType"} {
		if len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name {
			return name
		}
	}
	return ""
}

func (c *columnView) set(member string, value jsontext.Value) {
	present := value.Kind() != 'n' && string(value) != `""`
	switch member {
	case "name":
		c.name = textOf(value)
	case "dataType":
		c.dataType = textOf(value)
	case "constraint":
		c.constraint = textOf(value)
	case "dataTypeDisplay":
		c.shown = present
	case "dataLength":
		c.length = present
	case "arrayDataType":
		c.array = present
	case "children":
		c.children = present
	}
}

func expectToken(dec *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := dec.ReadToken()
	if err == nil && token.Kind() != kind {
		err = errors.New("unexpected kind of value")
	}
	return err
}

// validateTable refuses columns and constraints that contradict each other. It
// looks only when one of them changed.
func validateTable(old, e *entity.Entity) error {
	if old != nil && bytes.Equal(old.Rest["columns"], e.Rest["columns"]) &&
		bytes.Equal(old.Rest["tableConstraints"], e.Rest["tableConstraints"]) {
		return nil
	}
	var columns []columnView
	if raw := e.Rest["columns"]; raw != nil {
		var err error
		if columns, err = readColumns(raw); err != nil {
			return entity.BadRequest("columns cannot be read")
		}
	}
	names := make(map[string]bool, len(columns))
	for i := range columns {
		if names[columns[i].name] {
			return entity.BadRequest("Column name %s is repeated", entity.Shorten(columns[i].name, 200))
		}
		names[columns[i].name] = true
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
	switch c.dataType {
	case "CHAR", "VARCHAR", "BINARY", "VARBINARY":
		if !c.length {
			return entity.BadRequest("For column data types char, varchar, binary, varbinary dataLength must not be null")
		}
	case "ARRAY":
		if !c.array {
			return entity.BadRequest("For column data type array, arrayDataType must not be null")
		}
	case "STRUCT":
		if !c.children {
			return entity.BadRequest("For column data type struct, children must not be null")
		}
	}
	return nil
}

func validateConstraints(columns []columnView, names map[string]bool, constraints []constraintView) error {
	tagged := slices.ContainsFunc(columns, func(c columnView) bool { return c.constraint == primaryKey })
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
