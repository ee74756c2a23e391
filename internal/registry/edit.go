package registry

import (
	"bytes"

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
	return rewrite(object, '}', func(dec *jsontext.Decoder) (bool, error) {
		token, err := dec.ReadToken()
		return err == nil && token.String() == name, err
	}, do)
}

// editItems applies do to each item of an array.
func editItems(array jsontext.Value, do edit) (jsontext.Value, error) {
	return rewrite(array, ']', func(*jsontext.Decoder) (bool, error) { return true, nil }, do)
}

// rewrite walks an object or array; wanted reads what stands before a value and
// tells whether do is to see the value.
func rewrite(doc jsontext.Value, closing jsontext.Kind, wanted func(*jsontext.Decoder) (bool, error), do edit) (jsontext.Value, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(doc))
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	var out jsontext.Value
	copied := int64(0)
	for dec.PeekKind() != closing {
		take, err := wanted(dec)
		if err != nil {
			return nil, err
		}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if !take {
			continue
		}
		replaced, err := do(value)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(replaced, value) {
			end := dec.InputOffset()
			out = append(append(out, doc[copied:end-int64(len(value))]...), replaced...)
			copied = end
		}
	}
	if copied == 0 {
		return doc, nil
	}
	return append(out, doc[copied:]...), nil
}
