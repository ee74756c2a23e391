package contract

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// APIVersion is the version of the standard that exports are written in.
const APIVersion = "v3.1.0"

// Document is a contract in the Open Data Contract Standard, as far as it has a place
// in ours. What else a document says is not kept.
type Document struct {
	APIVersion  string         `json:"apiVersion" yaml:"apiVersion"`
	Kind        string         `json:"kind" yaml:"kind"`
	ID          string         `json:"id" yaml:"id"`
	Name        string         `json:"name,omitzero" yaml:"name,omitempty"`
	Version     string         `json:"version" yaml:"version"`
	Status      string         `json:"status" yaml:"status"`
	DataProduct string         `json:"dataProduct,omitzero" yaml:"dataProduct,omitempty"`
	Tags        []string       `json:"tags,omitzero" yaml:"tags,omitempty"`
	Description *Description   `json:"description,omitzero" yaml:"description,omitempty"`
	Schema      []Element      `json:"schema,omitzero" yaml:"schema,omitempty"`
	Quality     []QualityRule  `json:"quality,omitzero" yaml:"quality,omitempty"`
	Team        []Member       `json:"team,omitzero" yaml:"team,omitempty"`
	Roles       []Role         `json:"roles,omitzero" yaml:"roles,omitempty"`
	SLA         []SLAProperty  `json:"slaProperties,omitzero" yaml:"slaProperties,omitempty"`
	Created     string         `json:"contractCreatedTs,omitzero" yaml:"contractCreatedTs,omitempty"`
	Rest        jsontext.Value `json:",embed" yaml:"-"`
}

// Description says what the data is for.
type Description struct {
	Purpose     string         `json:"purpose,omitzero" yaml:"purpose,omitempty"`
	Limitations string         `json:"limitations,omitzero" yaml:"limitations,omitempty"`
	Usage       string         `json:"usage,omitzero" yaml:"usage,omitempty"`
	Rest        jsontext.Value `json:",embed" yaml:"-"`
}

// Element is an object such as a table, or a property of one.
type Element struct {
	Name           string         `json:"name" yaml:"name"`
	PhysicalName   string         `json:"physicalName,omitzero" yaml:"physicalName,omitempty"`
	LogicalType    string         `json:"logicalType,omitzero" yaml:"logicalType,omitempty"`
	PhysicalType   string         `json:"physicalType,omitzero" yaml:"physicalType,omitempty"`
	Description    string         `json:"description,omitzero" yaml:"description,omitempty"`
	PrimaryKey     bool           `json:"primaryKey,omitzero" yaml:"primaryKey,omitempty"`
	Required       bool           `json:"required,omitzero" yaml:"required,omitempty"`
	Unique         bool           `json:"unique,omitzero" yaml:"unique,omitempty"`
	Options        *TypeOptions   `json:"logicalTypeOptions,omitzero" yaml:"logicalTypeOptions,omitempty"`
	Classification string         `json:"classification,omitzero" yaml:"classification,omitempty"`
	Tags           []string       `json:"tags,omitzero" yaml:"tags,omitempty"`
	Properties     []Element      `json:"properties,omitzero" yaml:"properties,omitempty"`
	Quality        []QualityRule  `json:"quality,omitzero" yaml:"quality,omitempty"`
	Rest           jsontext.Value `json:",embed" yaml:"-"`
}

// TypeOptions narrow a logical type.
type TypeOptions struct {
	MaxLength int64          `json:"maxLength,omitzero" yaml:"maxLength,omitempty"`
	Rest      jsontext.Value `json:",embed" yaml:"-"`
}

// QualityRule is a rule about quality; it is kept as it came.
type QualityRule map[string]any

// Member is somebody who has to do with the data.
type Member struct {
	Username string         `json:"username,omitzero" yaml:"username,omitempty"`
	Name     string         `json:"name,omitzero" yaml:"name,omitempty"`
	Role     string         `json:"role,omitzero" yaml:"role,omitempty"`
	Rest     jsontext.Value `json:",embed" yaml:"-"`
}

// ownerRole is the role of members who are owners.
const ownerRole = "owner"

// IsOwner tells whether the member owns the data.
func (m Member) IsOwner() bool { return strings.EqualFold(m.Role, ownerRole) }

// Role is who gets access.
type Role struct {
	Role        string         `json:"role" yaml:"role"`
	Description string         `json:"description,omitzero" yaml:"description,omitempty"`
	Access      string         `json:"access,omitzero" yaml:"access,omitempty"`
	Approvers   []string       `json:"firstLevelApprovers,omitzero" yaml:"firstLevelApprovers,omitempty"`
	Rest        jsontext.Value `json:",embed" yaml:"-"`
}

// SLAProperty is one promise about the service.
type SLAProperty struct {
	Property string         `json:"property" yaml:"property"`
	Value    string         `json:"value" yaml:"value"`
	ValueExt string         `json:"valueExt,omitzero" yaml:"valueExt,omitempty"`
	Unit     string         `json:"unit,omitzero" yaml:"unit,omitempty"`
	Rest     jsontext.Value `json:",embed" yaml:"-"`
}

// isObject tells elements that hold properties from those that are some.
func (e Element) isObject() bool { return e.LogicalType == "object" || len(e.Properties) > 0 }

// Objects are the names of the objects that a document describes.
func (d *Document) Objects() []string {
	names := []string{}
	for _, e := range d.Schema {
		if e.isObject() && e.Name != "" {
			names = append(names, e.Name)
		}
	}
	return names
}

// object picks the properties of the object that is meant: the one with the name, or
// else the one that is called like the entity, or else the first. A document without
// objects lists the properties themselves.
func (d *Document) object(name, entityName string) ([]Element, error) {
	if !slices.ContainsFunc(d.Schema, Element.isObject) {
		return d.Schema, nil
	}
	called := func(name string) int {
		return slices.IndexFunc(d.Schema, func(e Element) bool { return e.isObject() && strings.EqualFold(e.Name, name) })
	}
	if name != "" {
		if i := called(name); i >= 0 {
			return d.Schema[i].Properties, nil
		}
		return nil, entity.BadRequest("the document has no schema object %q; it has %s", entity.Shorten(name, 100), entity.Shorten(strings.Join(d.Objects(), ", "), 300))
	}
	i := called(entityName)
	if i < 0 {
		i = slices.IndexFunc(d.Schema, Element.isObject)
	}
	return d.Schema[i].Properties, nil
}

// rules are the rules about quality of the whole document; those of an element name
// it.
func (d *Document) rules() []QualityRule {
	all := slices.Clone(d.Quality)
	var gather func(elements []Element, depth int)
	gather = func(elements []Element, depth int) {
		for _, e := range elements {
			for _, rule := range e.Quality {
				if column, _ := rule["column"].(string); column == "" {
					rule["column"] = e.Name
				}
				all = append(all, rule)
			}
			if depth < maxDepth {
				gather(e.Properties, depth+1)
			}
		}
	}
	gather(d.Schema, 0)
	return all
}

// place puts rules about quality at the elements they are about, and what is about
// none at the document.
func (d *Document) place(rules []QualityRule) {
	for _, rule := range rules {
		column, _ := rule["column"].(string)
		if e := findElement(d.Schema, column, 0); column != "" && e != nil {
			e.Quality = append(e.Quality, rule)
		} else {
			d.Quality = append(d.Quality, rule)
		}
	}
}

func findElement(elements []Element, name string, depth int) *Element {
	if depth > maxDepth {
		return nil
	}
	for i := range elements {
		if elements[i].Name == name {
			return &elements[i]
		}
		if e := findElement(elements[i].Properties, name, depth+1); e != nil {
			return e
		}
	}
	return nil
}

// logicalTypes are the logical types of our data types; what is not here is a string.
var logicalTypes = map[string]string{
	"INT": "integer", "SMALLINT": "integer", "TINYINT": "integer", "BYTEINT": "integer", "BIGINT": "long", "LONG": "long",
	"FLOAT": "float", "DOUBLE": "double", "DECIMAL": "decimal", "NUMERIC": "decimal", "NUMBER": "number", "BOOLEAN": "boolean",
	"DATE": "date", "DATETIME": "date", "TIMESTAMP": "timestamp", "TIMESTAMPZ": "timestamp", "TIME": "time",
	"ARRAY": "array", "MAP": "object", "STRUCT": "object", "JSON": "object", "NULL": "null",
	"BLOB": "bytes", "BYTEA": "bytes", "BYTES": "bytes", "BINARY": "bytes", "VARBINARY": "bytes", "LONGBLOB": "bytes", "MEDIUMBLOB": "bytes",
	"TEXT": "text", "MEDIUMTEXT": "text", "CLOB": "text", "NTEXT": "text",
}

// dataTypes are our data types of the logical types.
var dataTypes = map[string]string{
	"integer": "INT", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "decimal": "DECIMAL", "number": "NUMBER", "boolean": "BOOLEAN",
	"date": "DATE", "timestamp": "TIMESTAMP", "time": "TIME", "array": "ARRAY", "object": "STRUCT", "text": "TEXT", "bytes": "BINARY", "null": "NULL",
}

// statuses are the states of ours in words of the standard, and back.
var (
	toStatus   = map[string]string{Approved: "active", "Deprecated": "deprecated"}
	fromStatus = map[string]string{"active": Approved, "deprecated": "Deprecated", "retired": "Deprecated"}
)

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
