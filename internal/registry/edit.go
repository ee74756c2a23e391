package registry

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// edit returns a value that takes the place of another.
type edit func(jsontext.Value) (jsontext.Value, error)

// readMember decodes a member of the type into v; an absent one leaves v alone.
func readMember(e *entity.Entity, name string, v any) error {
	raw := e.Rest[name]
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return entity.BadRequest("%s cannot be read", name)
	}
	return nil
}

// textMember returns a member that is a string, "" for any other.
func textMember(e *entity.Entity, name string) string { return textOf(e.Rest[name]) }

// textOf returns the text of a JSON string, "" for anything else.
func textOf(raw jsontext.Value) string {
	if raw.Kind() != '"' {
		return ""
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return ""
	}
	return string(text)
}

// setText sets a member to a string.
func setText(e *entity.Entity, name, text string) error {
	raw, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return entity.BadRequest("%s is not valid UTF-8", name)
	}
	if e.Rest == nil {
		e.Rest = map[string]jsontext.Value{}
	}
	e.Rest[name] = raw
	return nil
}

// editMember applies do to one member of an object, if it is there, and copies
// the rest unread.
func editMember(object jsontext.Value, name string, do edit) (jsontext.Value, error) {
	if object.Kind() != '{' {
		return object, nil
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(object))
	if err := expectToken(dec, '{'); err != nil {
		return nil, err
	}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		found := token.String() == name
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		end := dec.InputOffset()
		start := end - int64(len(value))
		replaced, err := do(value)
		if err != nil || bytes.Equal(replaced, value) {
			return object, err
		}
		return slices.Concat(object[:start], replaced, object[end:]), nil
	}
	return object, nil
}
