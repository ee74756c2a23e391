package csvio

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// column is a column of a table, or a part of one.
type column struct {
	Name               string                    `json:"name"`
	DisplayName        string                    `json:"displayName,omitzero"`
	Description        string                    `json:"description,omitzero"`
	FullyQualifiedName string                    `json:"fullyQualifiedName,omitzero"`
	Tags               []entity.TagLabel         `json:"tags,omitzero"`
	Children           []column                  `json:"children,omitzero"`
	Rest               map[string]jsontext.Value `json:",embed"`
}

const columnRow = "column"

func columnsOf(table *entity.Entity) ([]column, error) {
	var columns []column
	if raw := table.Rest["columns"]; raw != nil {
		if err := json.Unmarshal(raw, &columns); err != nil {
			return nil, entity.Internal(err)
		}
	}
	return columns, nil
}

// eachColumn visits columns, those that hold others first.
func eachColumn(columns []column, prefix string, visit func(c *column, fqn string) error) error {
	for i := range columns {
		fqn := entity.JoinFQN(prefix, columns[i].Name)
		if err := visit(&columns[i], fqn); err != nil {
			return err
		}
		if err := eachColumn(columns[i].Children, fqn, visit); err != nil {
			return err
		}
	}
	return nil
}

// columnTree finds columns by name while rows change them.
type columnTree struct {
	table   string // FQN
	columns []column
	byFQN   map[string]*column
}

func newColumnTree(table string, columns []column) (*columnTree, error) {
	t := &columnTree{table: table, columns: columns}
	return t, t.index()
}

// index has to be repeated whenever a column was added: the others move.
func (t *columnTree) index() error {
	t.byFQN = map[string]*column{}
	return eachColumn(t.columns, t.table, func(c *column, fqn string) error {
		t.byFQN[fqn] = c
		return nil
	})
}

// put replaces the column with the name, or adds it.
func (t *columnTree) put(fqn string, c column) error {
	if old := t.byFQN[fqn]; old != nil {
		*old = c
		return nil
	}
	list := &t.columns
	if above := entity.ParentFQN(fqn); above != t.table {
		parent := t.byFQN[above]
		if parent == nil {
			return entity.NotFound("column", above)
		}
		list = &parent.Children
	}
	grown := len(*list) == cap(*list)
	*list = append(*list, c)
	if grown {
		return t.index()
	}
	t.byFQN[fqn] = &(*list)[len(*list)-1]
	return nil
}

// columnPath is the name of a column within its table.
func columnPath(fqn, table string) string { return strings.TrimPrefix(fqn, table+".") }

// typeFields are the fields that only columns have.
func typeFields() []field {
	only := []string{columnRow}
	return []field{
		columnText("dataTypeDisplay", "The data type as people read it.", "array<int>", only),
		columnText("dataType", "The data type; a new column needs one.", "VARCHAR", only),
		columnText("arrayDataType", "The type of the items of an array.", "INT", only),
		{
			name: "column.dataLength", about: "The length of a column of type CHAR, VARCHAR or BINARY.", examples: []string{"36"}, types: only,
			show: func(s *subject) string {
				if raw := s.col.Rest["dataLength"]; raw.Kind() == '0' {
					return string(raw)
				}
				return ""
			},
			set: func(in *change, text string) error {
				if text == "" {
					return nil
				}
				n, err := strconv.ParseInt(text, 10, 64)
				if err != nil || n < 0 {
					return entity.BadRequest("%q is not a length", entity.Shorten(text, 40))
				}
				in.setPart("dataLength", jsontext.Value(strconv.FormatInt(n, 10)))
				return nil
			},
		},
	}
}

// columnText is a field for a string member of a column. What the source says of
// a column is not taken away by an empty cell.
func columnText(member, about, example string, types []string) field {
	return field{
		name: "column." + member, about: about, examples: []string{example}, types: types,
		show: func(s *subject) string { return textOf(s.col.Rest[member]) },
		set: func(in *change, text string) error {
			if text != "" {
				in.setPart(member, quoteJSON(text))
			}
			return nil
		},
	}
}

func (in *change) setPart(member string, raw jsontext.Value) {
	if in.col.Rest == nil {
		in.col.Rest = map[string]jsontext.Value{}
	}
	in.col.Rest[member] = raw
}
