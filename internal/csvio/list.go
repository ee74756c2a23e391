package csvio

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// joinList puts several values into one cell, separated by semicolons. A value
// that could be misread stands in quotes.
func joinList(items []string) string {
	out := make([]string, len(items))
	for i, item := range items {
		if item == "" || strings.ContainsAny(item, `;"`) || item != strings.TrimSpace(item) {
			item = quote(item)
		}
		out[i] = item
	}
	return strings.Join(out, ";")
}

// JoinList puts several values into one cell, as exports do.
func JoinList(items []string) string { return joinList(items) }

// SplitList takes a cell of several values apart.
func SplitList(cell string) []string { return splitList(cell) }

// splitList takes a cell apart again. A value that begins with a quote but does
// not end in one, such as the name "a.b".c, is taken as it stands.
func splitList(cell string) []string {
	var items []string
	for cell != "" {
		cell = strings.TrimLeft(cell, " ")
		if strings.HasPrefix(cell, `"`) {
			inside, rest, ok := quotedText(cell)
			rest = strings.TrimLeft(rest, " ")
			if ok && (rest == "" || rest[0] == ';') {
				items = append(items, inside)
				cell = strings.TrimPrefix(rest, ";")
				continue
			}
		}
		end := endOfItem(cell)
		if item := strings.TrimSpace(cell[:end]); item != "" {
			items = append(items, item)
		}
		cell = strings.TrimPrefix(cell[end:], ";")
	}
	return items
}

// endOfItem finds the next semicolon outside quotes.
func endOfItem(text string) int {
	inside := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			inside = !inside
		case ';':
			if !inside {
				return i
			}
		}
	}
	if inside { // a lone quote is a character like others
		if end := strings.IndexByte(text, ';'); end >= 0 {
			return end
		}
	}
	return len(text)
}

// showExtension writes custom properties as name:value pairs. Values that are not
// plain text, and text that looks like something else, are written as JSON.
func showExtension(raw jsontext.Value) string {
	if raw.Kind() != '{' {
		return ""
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil {
		return ""
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	items := make([]string, len(names))
	for i, name := range names {
		value := string(members[name])
		if plain, ok := plainText(members[name]); ok {
			value = plain
		}
		key := name
		if strings.ContainsAny(name, `:"`) || name != strings.TrimSpace(name) {
			key = string(quoteJSON(name))
		}
		items[i] = key + ":" + value
	}
	return joinList(items)
}

// plainText returns the text of a JSON string that readValue reads as text.
func plainText(raw jsontext.Value) (string, bool) {
	if raw.Kind() != '"' {
		return "", false
	}
	text := textOf(raw)
	return text, !jsontext.Value(text).IsValid() && text == strings.TrimSpace(text) && text != ""
}

// readExtension reads what showExtension writes.
func readExtension(cell string) (jsontext.Value, error) {
	items := splitList(cell)
	if len(items) == 0 {
		return nil, nil
	}
	members := make(map[string]jsontext.Value, len(items))
	for _, item := range items {
		name, value, err := cutPair(item)
		if err != nil {
			return nil, err
		}
		if _, twice := members[name]; twice {
			return nil, entity.BadRequest("the property %q is there twice", entity.Shorten(name, 100))
		}
		members[name] = readValue(strings.TrimSpace(value))
	}
	raw, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return nil, entity.BadRequest("the custom properties cannot be read")
	}
	return raw, nil
}

func cutPair(item string) (name, value string, err error) {
	if strings.HasPrefix(item, `"`) {
		dec := jsontext.NewDecoder(strings.NewReader(item))
		if raw, err := dec.ReadValue(); err == nil && raw.Kind() == '"' {
			name = textOf(raw)
			if rest := item[dec.InputOffset():]; strings.HasPrefix(rest, ":") {
				return name, rest[1:], nil
			}
		}
	}
	name, value, ok := strings.Cut(item, ":")
	if !ok || strings.TrimSpace(name) == "" {
		return "", "", entity.BadRequest("%q is not of the form property:value", entity.Shorten(item, 100))
	}
	return strings.TrimSpace(name), value, nil
}

// readValue takes JSON as JSON and anything else as text.
func readValue(text string) jsontext.Value {
	if raw := jsontext.Value(text); raw.IsValid() {
		return raw
	}
	return quoteJSON(text)
}

func quoteJSON(text string) jsontext.Value {
	out, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return jsontext.Value(`""`)
	}
	return out
}

// textOf returns the text of a JSON string, "" for anything else.
func textOf(raw jsontext.Value) string {
	if raw.Kind() != '"' {
		return ""
	}
	out, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return ""
	}
	return string(out)
}
