package csvio

import "github.com/catalpa-metadata/catalpa/internal/entity"

// serviceSheet is the sheet of a service that holds nothing: its one row is about the
// service itself.
func serviceSheet(kind string) *sheet {
	return &sheet{
		about: "The service itself, in one row: it has nothing below it. A row about another name is refused.",
		rows:  []string{kind},
		place: func(in *change) error {
			in.typ, in.fqn = kind, in.under.fqn
			if name := entity.QuoteName(in.cell("name")); name != in.fqn {
				return entity.BadRequest("the file is about %s, not about %s", in.fqn, entity.Shorten(name, 200))
			}
			return nil
		},
		begin: func(in *change) error { return entity.NotFound(kind, in.fqn) },
		fields: []field{
			nameField("The name of the service.", "ranger"),
			displayNameField(), descriptionField(), ownersField("owner").of(kind), allTagsField(), termsField(), domainsField().of(kind),
		},
	}
}

// of says which rows have a field.
func (f field) of(types ...string) field {
	f.types = types
	return f
}
