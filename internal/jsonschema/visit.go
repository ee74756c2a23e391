package jsonschema

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Visit is shown the path and the value of a string and returns its replacement.
type Visit func(path, value string) (string, error)

// place is where a value stands in a document; nil where nothing is to be visited.
type place interface {
	visited(text string) int  // from where on a string here is visited; its length: not at all
	member(name string) place // of an object here
	item() place              // of a list here
}

// rewrite replaces what visit wants to replace of a value.
func rewrite(at place, doc jsontext.Value, path string, visit Visit) (jsontext.Value, error) {
	switch doc.Kind() {
	case '"':
		return replace(at, doc, path, visit)
	case '{', '[':
		return inside(at, doc, path, visit)
	}
	return doc, nil
}

func replace(at place, doc jsontext.Value, path string, visit Visit) (jsontext.Value, error) {
	text, err := jsontext.AppendUnquote(nil, doc)
	if err != nil {
		return doc, err
	}
	shown, rest := string(text), ""
	from := at.visited(shown)
	if shown, rest = shown[:from], shown[from:]; rest == "" {
		return doc, nil
	}
	replaced, err := visit(path, rest)
	if err != nil || replaced == rest {
		return doc, err
	}
	return jsontext.AppendQuote(nil, shown+replaced)
}

// inside copies an object or array, putting in what has been replaced, so that
// everything else stays as it was written.
func inside(at place, doc jsontext.Value, path string, visit Visit) (jsontext.Value, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(doc))
	open, err := dec.ReadToken()
	if err != nil {
		return nil, fmt.Errorf("read a document: %w", err)
	}
	closing := jsontext.Kind('}')
	if open.Kind() == '[' {
		closing = ']'
	}
	var out jsontext.Value
	copied := int64(0)
	for i := 0; dec.PeekKind() != closing; i++ {
		below, inner, err := next(at, dec, closing, i, path)
		if err != nil {
			return nil, fmt.Errorf("read a document: %w", err)
		}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("read a document: %w", err)
		}
		if below == nil {
			continue
		}
		replaced, err := rewrite(below, value, inner, visit)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(replaced, value) {
			end := dec.InputOffset()
			out = append(out, doc[copied:end-int64(len(value))]...)
			out = append(out, replaced...)
			copied = end
		}
	}
	if copied == 0 {
		return doc, nil
	}
	return append(out, doc[copied:]...), nil
}

// next reads a member's name, if there is one, and returns the place and
// the path of the value that follows.
func next(at place, dec *jsontext.Decoder, closing jsontext.Kind, index int, path string) (place, string, error) {
	if closing == ']' {
		return at.item(), path + "[" + strconv.Itoa(index) + "]", nil
	}
	token, err := dec.ReadToken()
	if err != nil {
		return nil, "", err
	}
	name := token.String()
	if path != "" {
		path += "."
	}
	return at.member(name), path + name, nil
}
