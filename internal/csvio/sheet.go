package csvio

import (
	"context"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// sheet says what the files about one type look like.
type sheet struct {
	about string
	// rows are the types a row may be about, those that hold others first. A row
	// that does not say is about the first.
	rows []string
	// fields are the columns of an export; extra are further ones that an import
	// understands.
	fields, extra []field
	// aliases are other spellings of headers, found in files of earlier versions.
	aliases map[string]string
	// place says what a row is about and what it is called.
	place func(in *change) error
	// begin gives a new entity what it cannot be without.
	begin func(in *change) error
}

// field is one column of a sheet.
type field struct {
	name     string
	required bool
	about    string
	examples []string
	types    []string // the rows that have it; nil for all
	show     func(s *subject) string
	set      func(in *change, text string) error // nil when place has read it
}

// header is the name of the field as files have it.
func (f *field) header() string {
	if f.required {
		return f.name + "*"
	}
	return f.name
}

func (f *field) applies(typ string) bool { return f.types == nil || slices.Contains(f.types, typ) }

// find returns the field with the header, nil when there is none.
func (s *sheet) find(header string) *field {
	name := strings.TrimSuffix(strings.TrimSpace(header), "*")
	if other, ok := s.aliases[name]; ok {
		name = other
	}
	for _, list := range [][]field{s.fields, s.extra} {
		for i := range list {
			if strings.EqualFold(list[i].name, name) {
				return &list[i]
			}
		}
	}
	return nil
}

// subject is what a row is about, as it is shown and changed: an entity, or a
// column of one.
type subject struct {
	typ string
	ent *entity.Entity // nil for a column
	col *column
	fqn string
	// path is the name of a column within its table.
	path string
}

func (s *subject) displayName() *string {
	if s.col != nil {
		return &s.col.DisplayName
	}
	return &s.ent.DisplayName
}

func (s *subject) description() *string {
	if s.col != nil {
		return &s.col.Description
	}
	return &s.ent.Description
}

func (s *subject) tags() *[]entity.TagLabel {
	if s.col != nil {
		return &s.col.Tags
	}
	return &s.ent.Tags
}

// change is one row of a file on its way into the catalog.
type change struct {
	ctx     context.Context
	batch   *engine.Batch
	by      entity.Principal
	under   *container
	cells   map[string]string // by name of the field
	created bool
	table   string // FQN of the table, of columns and test cases
	subject
}

// cell returns the text of a field, "" when the file has no such column.
func (in *change) cell(name string) string { return in.cells[name] }

// one returns the reference to an entity that must exist.
func (in *change) one(name string, types ...string) (entity.Ref, error) {
	keys := make([]store.Key, len(types))
	for i, typ := range types {
		keys[i] = store.Key{Type: typ, FQN: name}
	}
	refs, err := in.batch.Find(in.ctx, keys...)
	if err != nil {
		return entity.Ref{}, err
	}
	if len(refs) == 0 {
		return entity.Ref{}, entity.NotFound(types[0], name)
	}
	return refs[0], nil
}

// Header describes one column of a file.
type Header struct {
	Name        string   `json:"name"`
	Required    bool     `json:"required"`
	Description string   `json:"description"`
	Examples    []string `json:"examples"`
}

// Documentation describes a kind of file.
type Documentation struct {
	Summary string   `json:"summary"`
	Headers []Header `json:"headers"`
}

// Document describes the files about what lies below a type. The error for a
// type without CSV is a KindNotFound.
func Document(typ string) (Documentation, error) {
	s := sheetOf(typ, false)
	if s == nil {
		return Documentation{}, entity.NotFound("CSV documentation", typ)
	}
	doc := Documentation{Summary: s.about, Headers: make([]Header, len(s.fields))}
	for i, f := range s.fields {
		examples := f.examples
		if examples == nil {
			examples = []string{}
		}
		doc.Headers[i] = Header{Name: f.name, Required: f.required, Description: f.about, Examples: examples}
	}
	return doc, nil
}
