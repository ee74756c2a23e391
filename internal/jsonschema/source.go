package jsonschema

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// source is a schema as it is written. A member that is not listed here is a
// keyword we do not know and makes decoding fail.
type source struct {
	Schema               string            `json:"$schema"`
	Title                string            `json:"title"`
	Description          string            `json:"description"`
	Ref                  string            `json:"$ref"`
	Defs                 map[string]source `json:"$defs"`
	Type                 typeList          `json:"type"`
	Enum                 []jsontext.Value  `json:"enum"`
	Const                jsontext.Value    `json:"const"`
	Properties           properties        `json:"properties"`
	Required             []string          `json:"required"`
	AdditionalProperties additional        `json:"additionalProperties"`
	Items                *source           `json:"items"`
	AnyOf                []source          `json:"anyOf"`
	Format               string            `json:"format"`
	Pattern              string            `json:"pattern"`
	Default              jsontext.Value    `json:"default"`
	MinLength            *int              `json:"minLength"`
	MaxLength            *int              `json:"maxLength"`
	MinItems             *int              `json:"minItems"`
	MaxItems             *int              `json:"maxItems"`
	Minimum              *float64          `json:"minimum"`
	Maximum              *float64          `json:"maximum"`
	MultipleOf           *float64          `json:"multipleOf"`
}

func parseSource(text []byte) (*source, error) {
	var src source
	if err := json.Unmarshal(text, &src, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	return &src, nil
}

// typeList is the value of "type": one name or several.
type typeList []string

// UnmarshalJSONFrom accepts a string or a list of strings.
func (t *typeList) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '"' {
		return json.UnmarshalDecode(dec, (*[]string)(t))
	}
	var one string
	if err := json.UnmarshalDecode(dec, &one); err != nil {
		return err
	}
	*t = typeList{one}
	return nil
}

// properties keeps the order in which members are written.
type properties []property

type property struct {
	name string
	source
}

// UnmarshalJSONFrom reads an object.
func (p *properties) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return errors.Join(err, errors.New("properties must be an object"))
	}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		next := property{name: token.String()}
		if err := json.UnmarshalDecode(dec, &next.source); err != nil {
			return fmt.Errorf("%s: %w", next.name, err)
		}
		*p = append(*p, next)
	}
	_, err := dec.ReadToken()
	return err
}

// additional is the value of "additionalProperties": false or a schema.
type additional struct {
	closed bool
	schema *source
}

// UnmarshalJSONFrom accepts a boolean or a schema.
func (a *additional) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '{' {
		a.schema = new(source)
		return json.UnmarshalDecode(dec, a.schema)
	}
	var open bool
	err := json.UnmarshalDecode(dec, &open)
	a.closed = !open
	return err
}
