package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// writeOptions make equal entities equal bytes.
var writeOptions = json.JoinOptions(json.Deterministic(true), jsontext.AllowInvalidUTF8(false))

// readOptions accept what the store holds and what validation has let through.
var readOptions = json.JoinOptions(jsontext.AllowDuplicateNames(false))

func encode(v any) ([]byte, error) {
	out, err := json.Marshal(v, writeOptions)
	if err != nil {
		return nil, entity.Internal(err)
	}
	return out, nil
}

// decodeDoc reads a stored document.
func decodeDoc(doc []byte) (*entity.Entity, error) {
	ent := new(entity.Entity)
	if err := json.Unmarshal(doc, ent, readOptions); err != nil {
		return nil, entity.Internal(err)
	}
	return ent, nil
}

// jsonProblem words a JSON error: where it is and what is wrong, and nothing of our Go
// types.
func jsonProblem(err error) string {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case entity.AsError(err) != nil:
		return entity.AsError(err).Message
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "a member is there twice"
	case errors.As(err, &syntactic):
		return fmt.Sprintf("it is not valid JSON at byte %d", syntactic.ByteOffset)
	case errors.As(err, &semantic) && semantic.JSONPointer != "":
		return fmt.Sprintf("%s has a value of the wrong kind", entity.Shorten(string(semantic.JSONPointer), 100))
	}
	return "it is not of the form that is expected here"
}

// dropNulls removes members whose value is null, at any depth, except below
// "extension", where null is a value like others.
func dropNulls(doc []byte) ([]byte, error) {
	if !bytes.Contains(doc, []byte("null")) {
		return doc, nil
	}
	var v any
	if err := json.Unmarshal(doc, &v, readOptions); err != nil {
		return nil, entity.BadRequest("the body is not valid JSON: %s", jsonProblem(err))
	}
	return encode(withoutNulls(v))
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			switch {
			case member == nil:
				delete(v, name)
			case name == "extension":
			default:
				v[name] = withoutNulls(member)
			}
		}
	case []any:
		for i, item := range v {
			v[i] = withoutNulls(item)
		}
	}
	return v
}

// part is one element of a registry.Nested array: a column, a task, a field.
type part struct {
	Name               string                    `json:"name"`
	DisplayName        string                    `json:"displayName,omitzero"`
	DataType           string                    `json:"dataType,omitzero"`
	ArrayDataType      string                    `json:"arrayDataType,omitzero"`
	DataLength         jsontext.Value            `json:"dataLength,omitzero"`
	Precision          jsontext.Value            `json:"precision,omitzero"`
	Scale              jsontext.Value            `json:"scale,omitzero"`
	DataTypeDisplay    string                    `json:"dataTypeDisplay,omitzero"`
	Description        string                    `json:"description,omitzero"`
	FullyQualifiedName string                    `json:"fullyQualifiedName,omitzero"`
	Tags               []entity.TagLabel         `json:"tags,omitzero"`
	Constraint         string                    `json:"constraint,omitzero"`
	OrdinalPosition    jsontext.Value            `json:"ordinalPosition,omitzero"`
	Children           []part                    `json:"children,omitzero"`
	Rest               map[string]jsontext.Value `json:",embed"`
}

// nestedRaw returns the raw array at the path, nil when there is none.
func nestedRaw(rest map[string]jsontext.Value, path []string) (jsontext.Value, error) {
	raw := rest[path[0]]
	for _, name := range path[1:] {
		if raw == nil || raw.Kind() != '{' {
			return nil, nil
		}
		var members map[string]jsontext.Value
		if err := json.Unmarshal(raw, &members, readOptions); err != nil {
			return nil, entity.Internal(err)
		}
		raw = members[name]
	}
	if raw == nil || raw.Kind() != '[' {
		return nil, nil
	}
	return raw, nil
}

// setNestedRaw replaces the array at a path that nestedRaw has found.
func setNestedRaw(rest map[string]jsontext.Value, path []string, raw jsontext.Value) error {
	if len(path) == 1 {
		rest[path[0]] = raw
		return nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(rest[path[0]], &members, readOptions); err != nil {
		return entity.Internal(err)
	}
	if err := setNestedRaw(members, path[1:], raw); err != nil {
		return err
	}
	out, err := encode(members)
	rest[path[0]] = out
	return err
}

// nestedParts decodes the array of parts at the path; nil when there is none.
func nestedParts(ent *entity.Entity, n registry.Nested) ([]part, error) {
	raw, err := nestedRaw(ent.Rest, n.Path)
	if err != nil || raw == nil {
		return nil, err
	}
	var parts []part
	if err := json.Unmarshal(raw, &parts, readOptions); err != nil {
		return nil, entity.BadRequest("%s cannot be read: %s", n.Path[len(n.Path)-1], jsonProblem(err))
	}
	return parts, nil
}

// setNestedParts puts the array back.
func setNestedParts(ent *entity.Entity, n registry.Nested, parts []part) error {
	raw, err := encode(parts)
	if err != nil {
		return err
	}
	return setNestedRaw(ent.Rest, n.Path, raw)
}

// refsOf decodes a reference member of Rest: one reference or a list of them.
func refsOf(raw jsontext.Value) ([]entity.Ref, error) {
	switch {
	case raw == nil:
		return nil, nil
	case raw.Kind() == '[':
		var refs []entity.Ref
		err := json.Unmarshal(raw, &refs, readOptions)
		return refs, err
	case raw.Kind() == '{':
		var ref entity.Ref
		err := json.Unmarshal(raw, &ref, readOptions)
		return []entity.Ref{ref}, err
	}
	return nil, entity.BadRequest("a reference is an object with id and type")
}

// text returns a string member of Rest, "" when it is absent or no string.
func text(raw jsontext.Value) string {
	if raw == nil || raw.Kind() != '"' {
		return ""
	}
	out, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return ""
	}
	return string(out)
}

// quoted returns the JSON string of a text.
func quoted(s string) jsontext.Value {
	out, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		return jsontext.Value(`""`)
	}
	return out
}
