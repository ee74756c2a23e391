package jsonschema

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// maxProblems is how many problems a message lists; more are counted.
const maxProblems = 20

// step is one level of the path to a value.
type step struct {
	name  string
	index int
	item  bool
}

// report collects the problems of a document.
type report struct {
	path     []step
	problems []string
	total    int
}

// verbatim prints with %q in double quotes but without escapes, so that a
// pattern reads as it is written.
type verbatim string

// Format writes the text between quotes.
func (v verbatim) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, `"`+string(v)+`"`)
}

// note adds a problem of the value at the current path.
func (r *report) note(format string, args ...any) {
	if r.room() {
		r.problems = append(r.problems, r.subject(r.path)+" "+fmt.Sprintf(format, args...))
	}
}

// room counts a problem and tells whether it is to be listed.
func (r *report) room() bool {
	r.total++
	return len(r.problems) < maxProblems
}

func (r *report) missing(rule *objectRule, bits uint64) {
	for _, m := range rule.order {
		if m.bit&bits != 0 {
			r.path = append(r.path, step{name: m.name})
			r.note("must not be null")
			r.path = r.path[:len(r.path)-1]
		}
	}
}

// unknown reports the member at the end of the path.
func (r *report) unknown(rule *objectRule) {
	if !r.room() {
		return
	}
	var b strings.Builder
	last := r.path[len(r.path)-1]
	fmt.Fprintf(&b, "Unrecognized field %q", entity.Shorten(last.name, 60))
	if len(r.path) > 1 {
		b.WriteString(" in " + r.subject(r.path[:len(r.path)-1]))
	}
	fmt.Fprintf(&b, " (%d known properties: ", len(rule.order))
	for i, m := range rule.order {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(m.name)
	}
	b.WriteByte(')')
	r.problems = append(r.problems, b.String())
}

func (r *report) enum(text []byte, values []string) {
	r.note("must be one of [%s], not %q", strings.Join(values, ", "), entity.Shorten(string(text), 60))
}

func (r *report) size(least, most int) {
	switch {
	case most < 0:
		r.note("size must be at least %d", least)
	case least == most:
		r.note("size must be %d", least)
	default:
		r.note("size must be between %d and %d", least, most)
	}
}

// add takes over the problems of another report.
func (r *report) add(other *report) {
	r.total += other.total
	for _, problem := range other.problems {
		if len(r.problems) < maxProblems {
			r.problems = append(r.problems, problem)
		}
	}
}

// subject writes a path as clients write it: columns[0].name.
func (r *report) subject(path []step) string {
	if len(path) == 0 {
		return "the body"
	}
	var b strings.Builder
	for i, s := range path {
		switch {
		case s.item:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case i > 0:
			b.WriteString("." + entity.Shorten(s.name, 60))
		default:
			b.WriteString(entity.Shorten(s.name, 60))
		}
	}
	return b.String()
}

func (r *report) err() error {
	if r.total == 0 {
		return nil
	}
	message := strings.Join(r.problems, ", ")
	if more := r.total - len(r.problems); more > 0 {
		message += ", and " + strconv.Itoa(more) + " more"
	}
	return entity.BadRequest("[%s]", message)
}

// describe names kinds in a sentence.
func describe(k kinds) string {
	names := []struct {
		kind kinds
		name string
	}{
		{kindObject, "an object"}, {kindArray, "an array"}, {kindString, "a string"},
		{kindInteger, "an integer"}, {kindNumber, "a number"}, {kindBoolean, "true or false"}, {kindNull, "null"},
	}
	var found []string
	for _, n := range names {
		if k&n.kind != 0 {
			found = append(found, n.name)
		}
	}
	return strings.Join(found, " or ")
}

// syntaxError turns what the decoder says into a message for clients.
func syntaxError(err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return entity.BadRequest("The body is not valid JSON: it ends too early")
	case errors.As(err, &syntactic) && errors.Is(err, jsontext.ErrDuplicateName):
		return entity.BadRequest("The body is not valid JSON: the member %q occurs twice", entity.Shorten(string(syntactic.JSONPointer), 200))
	case errors.As(err, &syntactic):
		return entity.BadRequest("The body is not valid JSON: %s at byte %d", entity.Shorten(syntactic.Err.Error(), 200), syntactic.ByteOffset)
	}
	return &entity.Error{Kind: entity.KindBadRequest, Message: "The body is not valid JSON", Cause: err}
}
