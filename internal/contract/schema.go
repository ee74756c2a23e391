package contract

import (
	"fmt"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/jsonlogic"
)

// SchemaResult tells how the fields of a contract compare with those of an entity.
type SchemaResult struct {
	Passed     int      `json:"passed"`
	Failed     int      `json:"failed"`
	Total      int      `json:"total"`
	Missing    []string `json:"failedFields,omitzero"`
	Repeated   []string `json:"duplicateFields,omitzero"`
	Mismatched []string `json:"typeMismatchFields,omitzero"`
}

// CheckSchema compares. Fields that the entity lacks and fields that the contract
// names twice are failures; a type of another family is only told of, since sources
// name their types differently.
func CheckSchema(wanted, there []Column) SchemaResult {
	r := SchemaResult{Total: len(wanted)}
	types := map[string]string{}
	collect(there, types, 0)
	seen := map[string]bool{}
	for _, field := range wanted {
		if seen[field.Name] {
			if !slices.Contains(r.Repeated, field.Name) {
				r.Repeated = append(r.Repeated, field.Name)
			}
			continue
		}
		seen[field.Name] = true
		got, ok := types[field.Name]
		switch {
		case !ok:
			r.Missing = append(r.Missing, field.Name)
		case !compatible(field.DataType, got):
			r.Mismatched = append(r.Mismatched, fmt.Sprintf("%s: expected %s, got %s", field.Name, field.DataType, got))
		}
	}
	r.Failed = min(len(r.Missing)+len(r.Repeated), r.Total)
	r.Passed = r.Total - r.Failed
	return r
}

// maxDepth bounds how deep fields nest.
const maxDepth = 30

// collect gathers the types of fields by name, those of outer fields first.
func collect(fields []Column, into map[string]string, depth int) {
	if depth > maxDepth {
		return
	}
	for _, field := range fields {
		if _, ok := into[field.Name]; !ok {
			into[field.Name] = field.DataType
		}
	}
	for _, field := range fields {
		collect(field.Children, into, depth+1)
	}
}

// families are types that stand for the same kind of value.
var families = [][]string{
	{"STRING", "VARCHAR", "CHAR", "TEXT", "MEDIUMTEXT", "NTEXT", "CLOB"},
	{"INT", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT", "LONG"},
	{"DECIMAL", "NUMERIC", "NUMBER", "DOUBLE", "FLOAT", "MONEY"},
	{"DATE", "DATETIME", "TIMESTAMP", "TIMESTAMPZ", "TIME"},
	{"BINARY", "VARBINARY", "BLOB", "BYTEA", "BYTES", "LONGBLOB", "MEDIUMBLOB"},
	{"ARRAY", "MAP", "STRUCT", "JSON"},
}

func compatible(a, b string) bool {
	if a == b || a == "" || b == "" {
		return true
	}
	return slices.ContainsFunc(families, func(family []string) bool { return slices.Contains(family, a) && slices.Contains(family, b) })
}

// subjects are the types of entities that contracts can be about. Those that are true
// have fields that a contract can list.
var subjects = map[string]bool{
	"table": true, "topic": true, "apiEndpoint": true, "dashboardDataModel": true,
	"storedProcedure": false, "database": false, "databaseSchema": false, "dashboard": false, "chart": false, "pipeline": false, "searchIndex": false,
	"apiCollection": false, "mlmodel": false, "container": false, "directory": false, "file": false, "spreadsheet": false, "worksheet": false, "dataProduct": false,
}

// IsSubject tells whether contracts can be about entities of a type.
func IsSubject(typ string) bool {
	_, ok := subjects[typ]
	return ok
}

// Problems says what a contract about an entity of a type cannot demand.
func Problems(terms Terms, typ string) []string {
	if !IsSubject(typ) {
		return []string{fmt.Sprintf("a contract cannot be about a %s", typ)}
	}
	var out []string
	if len(terms.Schema) > 0 && !subjects[typ] {
		out = append(out, fmt.Sprintf("a contract about a %s cannot have a schema; those about a table, topic, apiEndpoint or dashboardDataModel can", typ))
	}
	if len(terms.Tests) > 0 && typ != "table" {
		out = append(out, fmt.Sprintf("a contract about a %s cannot have quality expectations; only tables are tested", typ))
	}
	for _, rule := range terms.Semantics {
		if _, err := jsonlogic.Parse(rule.Rule); err != nil {
			out = append(out, fmt.Sprintf("the semantics rule %q cannot be evaluated: %v", rule.Name, err))
		}
	}
	return out
}
