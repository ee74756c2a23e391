package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of the saved form.
const (
	maxSavedBytes = 1 << 20
	maxSavedItems = 1000 // elements of one list or map
)

// sourceSaved is what Sources says of a saved value.
const sourceSaved = "saved form"

// savedSections are the parts of the configuration that can be saved.
func savedSections() []string {
	return []string{"authenticationConfiguration", "authorizerConfiguration"}
}

// savable tells whether a key may stand in the saved form. The first password is
// of use at the first start only and has no place there.
func savable(path string) bool {
	section, _, _ := strings.Cut(path, ".")
	return contains(savedSections(), section) && path != keyInitialPassword
}

// errNotJSON means that the rest of the document cannot be read.
var errNotJSON = errors.New("not JSON")

// saved lets the saved form override file and environment.
func (c *collector) saved(doc []byte) {
	if len(bytes.TrimSpace(doc)) == 0 {
		return
	}
	if len(doc) > maxSavedBytes {
		c.refuseSaved("", "CFG-SAVED", fmt.Sprintf("the saved form is larger than %d bytes.", maxSavedBytes))
		return
	}
	dec := jsontext.NewDecoder(bytes.NewReader(doc))
	if dec.PeekKind() != '{' {
		c.refuseSaved("", "CFG-SAVED", "the saved form must be a JSON object.")
		return
	}
	if err := c.savedObject(dec, ""); err != nil {
		c.refuseSaved("", "CFG-SAVED", "the saved form is not JSON, names a member twice, or breaks off.")
		return
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		c.refuseSaved("", "CFG-SAVED", "something stands behind the saved form.")
	}
}

func (c *collector) refuseSaved(key, code, message string) {
	c.report(Finding{Severity: Error, Code: code, Key: key, Source: sourceSaved, Message: message})
}

// savedObject reads a section. Its depth is bounded by the key table, because only
// known sections are entered.
func (c *collector) savedObject(dec *jsontext.Decoder, path string) error {
	if _, err := dec.ReadToken(); err != nil {
		return errNotJSON
	}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return errNotJSON
		}
		if err := c.savedMember(dec, path, token.String()); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return errNotJSON
	}
	return nil
}

// savedMember reads one member of a section.
func (c *collector) savedMember(dec *jsontext.Decoder, parent, name string) error {
	path := join(parent, name)
	info, known := c.keys.byPath[path]
	switch {
	case strings.ContainsAny(name, ".[]"): // would be taken for a path
	case parent == "" && !contains(savedSections(), name), known && !savable(path):
		if known || c.keys.isSection(path) {
			c.refuseSaved(path, "CFG-SAVED", "this cannot be saved; it belongs into the configuration file or the environment.")
			return skip(dec)
		}
	case known:
		return c.savedLeaf(dec, info)
	case c.keys.isSection(path):
		return c.savedSection(dec, path)
	}
	c.unknownSaved(parent, name)
	return skip(dec)
}

func (c *collector) unknownSaved(parent, name string) {
	finding := Finding{Severity: Error, Code: "CFG-UNKNOWN-KEY", Key: join(parent, clip(name)), Source: sourceSaved,
		Message: fmt.Sprintf("unknown key %q.", clip(name))}
	if near := c.keys.nearest(parent, name); near != "" {
		finding.Message = fmt.Sprintf("unknown key %q; did you mean %q?", clip(name), near)
		finding.Remedy = "correct the name or remove the member."
	}
	c.report(finding)
}

func (c *collector) savedSection(dec *jsontext.Decoder, path string) error {
	switch dec.PeekKind() {
	case '{':
		return c.savedObject(dec, path)
	case 'n':
	default:
		c.refuseSaved(path, "CFG-VALUE", "this is a section and needs keys below it.")
	}
	return skip(dec)
}

// savedLeaf reads the value of a known key; null leaves it to file and environment.
func (c *collector) savedLeaf(dec *jsontext.Decoder, info keyInfo) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return errNotJSON
	}
	if raw.Kind() == 'n' || info.kind == kindIgnored {
		return nil
	}
	got := value{source: sourceSaved}
	ok := false
	switch info.kind {
	case kindList:
		got.list, ok = savedList(raw)
	case kindMap:
		got.dict, ok = savedMap(raw)
	default:
		got.text, ok = savedScalar(raw, info.kind)
	}
	if !ok {
		c.refuseSaved(info.path, "CFG-VALUE", fmt.Sprintf("this needs a %s.", describe(info.kind)))
		return nil
	}
	if info.kind == kindSecret && got.text == Masked {
		c.refuseSaved(info.path, "CFG-MASKED", "this is the mask of a secret, not the secret.")
		return nil
	}
	if info.kind == kindSecret && (strings.HasPrefix(got.text, "file:") || strings.HasPrefix(got.text, "env:")) {
		// Who may save settings must not thereby read the host's files and variables.
		c.refuseSaved(info.path, "CFG-SAVED", "references to files and variables are followed in the configuration file and the environment only.")
		return nil
	}
	c.values[info.path] = got
	return nil
}

// savedScalar takes the JSON forms that fit the kind. Texts are taken for numbers
// and truth values too, because OpenMetadata's clients send some of them so.
func savedScalar(raw jsontext.Value, k kind) (string, bool) {
	switch raw.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, raw)
		return string(text), err == nil
	case '0':
		return string(raw), k == kindInt || k == kindDuration || k == kindSize
	case 't', 'f':
		return string(raw), k == kindBool
	}
	return "", false
}

func savedList(raw jsontext.Value) ([]string, bool) {
	if raw.Kind() != '[' {
		return nil, false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	list := []string{}
	for dec.PeekKind() != ']' {
		item, err := dec.ReadToken()
		if err != nil || item.Kind() != '"' || len(list) == maxSavedItems {
			return nil, false
		}
		if text := item.String(); text != "" {
			list = append(list, text)
		}
	}
	return list, true
}

// savedMap takes texts, numbers and truth values as values.
func savedMap(raw jsontext.Value) (map[string]string, bool) {
	if raw.Kind() != '{' {
		return nil, false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	dict := map[string]string{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil || len(dict) == maxSavedItems {
			return nil, false
		}
		key := name.String()
		item, err := dec.ReadToken()
		if err != nil || !strings.ContainsRune(`"0tf`, rune(item.Kind())) {
			return nil, false
		}
		dict[key] = item.String()
	}
	return dict, true
}

func skip(dec *jsontext.Decoder) error {
	if dec.SkipValue() != nil {
		return errNotJSON
	}
	return nil
}
