package embedded

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Fields of the index itself. Groups of text have their own number as field;
// the paths of documents begin at firstPath.
const (
	fieldAllWords  = uint16(search.Groups)
	fieldIndex     = fieldAllWords + 1 // the document's index
	fieldDeleted   = fieldAllWords + 2 // presence: soft-deleted
	fieldBackwards = fieldAllWords + 3 // the fully qualified name, read from its end
	fieldFacts     = fieldAllWords + 4 // see search.Facts
	fieldNameWords = fieldAllWords + 5 // names and display names as their words
	fieldLength    = fieldAllWords + 6 // how many words the name has
	fieldRanked    = fieldAllWords + 7 // the numbers of search.IsRanked, in steps
	firstPath      = uint16(32)
	maxPaths       = 20_000 // custom properties must not make fields without end
)

const (
	presence = "\x00"
	overlong = "\x00\x01" // there is a value, too long to be kept and sorted by
)

// term is one entry of a document in the inverted index.
type term struct {
	field uint16
	key   string // see search.Value.Key
	label string // the value as written, when the key does not tell it
}

// termID is what makes a term one of its own.
type termID struct {
	field uint16
	key   string
}

// analysis collects the terms of one document.
type analysis struct {
	fieldOf func(path string) (uint16, bool)
	seen    map[termID]struct{}
	words   map[termID]struct{} // by group: texts repeat their words
	terms   []term
}

// usualTerms is how many terms a document tends to have.
const usualTerms = 128

// analyze returns the terms of a document.
func analyze(doc search.Document, fieldOf func(path string) (uint16, bool)) ([]term, error) {
	a := analysis{
		fieldOf: fieldOf, terms: make([]term, 0, usualTerms),
		seen: make(map[termID]struct{}, usualTerms), words: make(map[termID]struct{}, usualTerms/2),
	}
	a.add(fieldIndex, search.StringKey(doc.Index), "")
	if doc.Deleted {
		a.add(fieldDeleted, presence, "")
	}
	for _, fact := range doc.Facts {
		a.add(fieldFacts, factKey(fact), "")
	}
	err := search.WalkFields(doc.Source, a.value)
	return a.terms, err
}

// factKey keeps a fact as it is; one that is too long for a key goes by its digest.
func factKey(fact string) string {
	if len(fact) > search.MaxExact {
		digest := sha256.Sum256([]byte(fact))
		return "\x04" + string(digest[:])
	}
	return "\x03" + fact
}

func (a *analysis) add(field uint16, key, label string) {
	id := termID{field, key}
	if _, again := a.seen[id]; again {
		return
	}
	a.seen[id] = struct{}{}
	a.terms = append(a.terms, term{field: field, key: key, label: label})
}

func (a *analysis) value(path string, v search.Value) {
	field, ok := a.fieldOf(path)
	if !ok {
		return
	}
	a.add(field, presence, "")
	if v.Kind == search.Present {
		return
	}
	if len(v.Text) <= search.MaxExact && search.Indexed(path) {
		key := v.Key()
		label := ""
		if v.Kind == search.String && key[1:] != v.Text {
			label = v.Text
		}
		a.add(field, key, label)
		if path == "fullyQualifiedName" {
			a.add(fieldBackwards, backwards(key), "")
		}
	}
	if len(v.Text) > search.MaxExact {
		a.add(field, overlong, "")
	}
	if v.Kind == search.Number && search.IsRanked(path) {
		a.number(field, v.Number)
	}
	if group, _ := search.GroupOf(path); group != search.NoGroup && v.Kind == search.String {
		a.text(group, v)
	}
}

// number adds the step of a number that documents are lifted by.
func (a *analysis) number(field uint16, value float64) {
	if step, ok := search.RankedStep(value); ok {
		a.add(fieldRanked, rankedKey(field, step), "")
	}
}

// text adds the words of a text.
func (a *analysis) text(group search.Group, v search.Value) {
	if group == search.GroupName || group == search.GroupDisplayName {
		a.name(group, v.Text)
	}
	search.IndexWords(v.Text, func(word string) {
		id := termID{uint16(group), word}
		if _, again := a.words[id]; again {
			return
		}
		a.words[id] = struct{}{}
		key := "\x03" + word
		a.add(uint16(group), key, "")
		a.add(fieldAllWords, key, "")
	})
}

// name adds a name as its words, and how many it has.
func (a *analysis) name(group search.Group, text string) {
	words := search.Words(text)
	if joined := strings.Join(words, " "); len(joined) <= search.MaxExact {
		a.add(fieldNameWords, search.StringKey(joined), "")
	}
	if group == search.GroupName && len(words) < search.LongNames {
		a.add(fieldLength, lengthKey(len(words)), "")
	}
}

func lengthKey(words int) string { return "\x03" + string(rune('0'+words)) }

// rankedKey is a step of a number of documents.
func rankedKey(field uint16, step float64) string {
	return rankedPrefix(field) + search.Value{Kind: search.Number, Number: step}.Key()
}

func rankedPrefix(field uint16) string { return string([]byte{3, byte(field >> 8), byte(field)}) }

// backwards turns the bytes of a string's key round, so that an end becomes a
// beginning.
func backwards(key string) string {
	reversed := []byte(key)
	for i, j := 1, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	return string(reversed)
}

// termKey is a term as the postings table holds it.
func termKey(field uint16, key string) []byte {
	var b strings.Builder
	b.Grow(2 + len(key))
	b.WriteByte(byte(field >> 8))
	b.WriteByte(byte(field))
	b.WriteString(key)
	return []byte(b.String())
}

func splitTermKey(raw []byte) (field uint16, key string) {
	if len(raw) < 2 {
		return 0, ""
	}
	return binary.BigEndian.Uint16(raw), string(raw[2:])
}
