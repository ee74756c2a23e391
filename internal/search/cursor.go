package search

import (
	"bytes"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// OfField tells whether the key is a field of documents, and not their score or id.
func (s Sort) OfField() bool { return s.Field != "_score" && s.Field != "_id" && s.Field != "_doc" }

// EndsWithID tells whether the last of some sort keys is the id, so that no two hits tie.
func EndsWithID(sorts []Sort) bool {
	last := sorts[len(sorts)-1].Field
	return last == "_id" || last == "_doc"
}

// Cursor takes After apart: a value for each sort key, and the id of the hit that the page
// comes after. Values for the sort keys alone leave the id out; then it is one that comes
// after every other, so that all hits that tie are skipped. Errors are of
// entity.KindBadRequest. There has to be a value and a sort key.
func (r Request) Cursor() (values []string, id entity.ID, err error) {
	values, id = slices.Clone(r.After), entity.ID(bytes.Repeat([]byte{0xff}, 16))
	if given, err := entity.ParseID(values[len(values)-1]); err == nil && (len(values) > len(r.Sort) || EndsWithID(r.Sort)) {
		id = given
		if !EndsWithID(r.Sort) {
			values = values[:len(values)-1]
		}
	}
	if extra := len(values) - len(r.Sort); extra > 0 { // commas within the first value
		values = append([]string{strings.Join(values[:extra+1], ",")}, values[extra+1:]...)
	}
	if len(values) < len(r.Sort) {
		return nil, id, entity.BadRequest("search_after needs a value for each sort field")
	}
	return values, id, nil
}
