package search

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Group is a kind of text that has a weight of its own in the ranking.
type Group int

// The groups of text, and NoGroup for what is no text.
const (
	NoGroup Group = iota
	GroupName
	GroupDisplayName
	GroupFQN
	GroupPartNames        // columns, tasks, schema fields
	GroupDescription      // of the entity
	GroupPartDescriptions // of columns and the like
	GroupOther            // tags, owners, SQL, custom properties
	Groups                // how many there are
)

// FieldKind says what of a field can be compared.
type FieldKind int

// The kinds of field.
const (
	FieldExact     FieldKind = iota // whole values only
	FieldNamed                      // whole values and words
	FieldWordsOnly                  // words only
)

// MaxExact is the length in bytes up to which an index keeps a whole value.
const MaxExact = 3100

// isPartRoot tells the members that hold named parts of an entity.
func isPartRoot(member string) bool {
	switch member {
	case "columns", "tasks", "messageSchema", "schemaFields", "fields", "requestSchema", "responseSchema",
		"mlFeatures", "dataModel":
		return true
	}
	return false
}

// otherText tells further members with text worth finding.
func otherText(path string) (FieldKind, bool) {
	switch path {
	case "tags.tagFQN", "owners.name", "domains.name", "dataProducts.name", "email":
		return FieldExact, true
	case "owners.displayName", "domains.displayName", "dataProducts.displayName", "service.displayName", "synonyms":
		return FieldNamed, true
	case "schemaDefinition", "query", "storedProcedureCode.code":
		return FieldWordsOnly, true
	}
	return FieldExact, false
}

// BasePath strips an analysis sub-field off a field name; whole tells that
// whole values were asked for.
func BasePath(field string) (path string, whole bool) {
	dot := strings.LastIndexByte(field, '.')
	if dot < 0 {
		return field, false
	}
	switch field[dot+1:] {
	case "keyword", "raw":
		return field[:dot], true
	case "ngram", "compound", "stemmed", "standard":
		return field[:dot], false
	}
	return field, false
}

// GroupOf returns the group of text a path belongs to, and its kind.
func GroupOf(path string) (Group, FieldKind) {
	switch path {
	case "name":
		return GroupName, FieldNamed
	case "displayName":
		return GroupDisplayName, FieldNamed
	case "fullyQualifiedName":
		return GroupFQN, FieldExact
	case "description":
		return GroupDescription, FieldWordsOnly
	case "columnNames":
		return GroupPartNames, FieldNamed
	}
	if kind, ok := otherText(path); ok {
		return GroupOther, kind
	}
	root, rest, nested := strings.Cut(path, ".")
	if !nested {
		return NoGroup, FieldExact
	}
	if root == "extension" {
		return GroupOther, FieldNamed
	}
	if !isPartRoot(root) {
		return NoGroup, FieldExact
	}
	if strings.HasSuffix(rest, "tags.tagFQN") {
		return GroupOther, FieldExact
	}
	if strings.Contains(rest, "tags.") {
		return NoGroup, FieldExact
	}
	switch rest[strings.LastIndexByte(rest, '.')+1:] {
	case "name", "displayName":
		return GroupPartNames, FieldNamed
	case "description":
		return GroupPartDescriptions, FieldWordsOnly
	}
	return NoGroup, FieldExact
}

// isUnindexed tells members whose values are long, repeated or meaningless to a
// search; they are compared by reading the documents.
func isUnindexed(member string) bool {
	switch member {
	case "href", "description", "schemaDefinition", "query", "code", "changeDescription",
		"incrementalChangeDescription", "style", "sql", "rawSql":
		return true
	}
	return false
}

// Indexed tells whether an index keeps the exact values of the path. Others
// have to be compared by reading documents.
func Indexed(path string) bool {
	root, rest, nested := strings.Cut(path, ".")
	if isUnindexed(root) {
		return false
	}
	if !nested {
		return true
	}
	if isPartRoot(root) {
		last := rest[strings.LastIndexByte(rest, '.')+1:]
		switch last {
		case "name", "displayName", "dataType", "constraint", "taskType", "schemaType":
			return !strings.Contains(rest, "tags.")
		case "tagFQN":
			return true
		}
		return false
	}
	return !isUnindexed(path[strings.LastIndexByte(path, '.')+1:])
}

// Value is a scalar of a document. The zero kind stands for an object or list
// that holds something.
type Value struct {
	Kind   ValueKind
	Text   string // of strings, numbers and booleans, as in the document
	Number float64
}

// ValueKind tells the kinds of scalar apart; they order booleans before numbers
// before strings.
type ValueKind byte

// The kinds of value.
const (
	Present ValueKind = iota
	Boolean
	Number
	String
)

// Key returns the comparable form: equal values have equal keys, and keys
// order as values do. Strings lose their case.
func (v Value) Key() string {
	switch v.Kind {
	case Boolean:
		if v.Text == "true" {
			return "\x01\x01"
		}
		return "\x01\x00"
	case Number:
		return numberKey(v.Number)
	case String:
		return "\x03" + strings.ToLower(v.Text)
	}
	return "\x00"
}

func numberKey(f float64) string {
	bits := math.Float64bits(f + 0) // -0 becomes 0
	if f < 0 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	key := [9]byte{0: byte(Number)}
	binary.BigEndian.PutUint64(key[1:], bits)
	return string(key[:])
}

// StringKey returns the key of a string.
func StringKey(text string) string { return "\x03" + strings.ToLower(text) }

// KeyValue returns the value of a key: a string in lower case, a float64 or a bool.
func KeyValue(key string) any {
	if key == "" {
		return nil
	}
	switch ValueKind(key[0]) {
	case Boolean:
		return key == "\x01\x01"
	case Number:
		bits := binary.BigEndian.Uint64([]byte(key[1:9]))
		if bits>>63 == 1 {
			return math.Float64frombits(bits &^ (1 << 63))
		}
		return math.Float64frombits(^bits)
	case String:
		return key[1:]
	}
	return nil
}

// TermKeys returns the keys a query's text stands for: a string, and a number
// or boolean when it reads like one.
func TermKeys(text string) []string {
	keys := []string{StringKey(text)}
	if f, ok := parseNumber(text); ok {
		keys = append(keys, numberKey(f))
	}
	if lower := strings.ToLower(text); lower == "true" || lower == "false" {
		keys = append(keys, Value{Kind: Boolean, Text: lower}.Key())
	}
	return keys
}

// NumberKeyOf returns the key of text as a number.
func NumberKeyOf(text string) (string, bool) {
	f, ok := parseNumber(text)
	if !ok {
		return "", false
	}
	return numberKey(f), true
}

func parseNumber(text string) (float64, bool) {
	if text == "" || len(text) > 40 || strings.IndexByte("+-.0123456789", text[0]) < 0 {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, false
	}
	return f, true
}

// WalkFields visits every scalar of a document with its path, in the order of
// the document, and every object and list that is not empty as Present.
func WalkFields(source jsontext.Value, visit func(path string, v Value)) error {
	// The document is one of our own making: no name is twice in it. From a Buffer it is
	// read in place.
	dec := jsontext.NewDecoder(bytes.NewBuffer(source), jsontext.AllowDuplicateNames(true))
	w := walker{dec: dec, visit: visit, paths: map[string]string{}}
	return w.value(nil)
}

type walker struct {
	dec   *jsontext.Decoder
	visit func(path string, v Value)
	paths map[string]string // one string a path, however often it occurs
}

func (w *walker) intern(path []byte) string {
	if s, ok := w.paths[string(path)]; ok {
		return s
	}
	s := string(path)
	w.paths[s] = s
	return s
}

func (w *walker) value(path []byte) error {
	token, err := w.dec.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case '{':
		return w.object(path)
	case '[':
		return w.list(path)
	case '"':
		w.visit(w.intern(path), Value{Kind: String, Text: token.String()})
	case '0':
		text := token.String()
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil // beyond what a number can hold: not comparable
		}
		w.visit(w.intern(path), Value{Kind: Number, Text: text, Number: number})
	case 't', 'f':
		w.visit(w.intern(path), Value{Kind: Boolean, Text: token.String()})
	}
	return nil
}

func (w *walker) object(path []byte) error {
	if w.dec.PeekKind() != '}' && len(path) > 0 {
		w.visit(w.intern(path), Value{})
	}
	for w.dec.PeekKind() != '}' {
		name, err := w.dec.ReadToken()
		if err != nil {
			return err
		}
		child := path
		if len(path) > 0 {
			child = append(child, '.')
		}
		if err := w.value(append(child, name.String()...)); err != nil {
			return err
		}
	}
	_, err := w.dec.ReadToken()
	return err
}

func (w *walker) list(path []byte) error {
	for w.dec.PeekKind() != ']' {
		if err := w.value(path); err != nil {
			return err
		}
	}
	_, err := w.dec.ReadToken()
	return err
}
