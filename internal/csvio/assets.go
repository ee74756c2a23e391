package csvio

import (
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// assetLevels are the types below a database service, from the top down, and the
// member that refers to the level above.
func assetLevels() []struct{ typ, parentMember, parentType string } {
	return []struct{ typ, parentMember, parentType string }{
		{"database", "service", "databaseService"},
		{"databaseSchema", "database", "database"},
		{"table", "databaseSchema", "databaseSchema"},
		{"storedProcedure", "databaseSchema", "databaseSchema"},
	}
}

// assetRows are the types of row in a file about what lies below a type.
func assetRows(kind string) []string {
	all := []string{"database", "databaseSchema", "table", "storedProcedure", columnRow}
	switch kind {
	case "database":
		return all[1:]
	case "databaseSchema":
		return all[2:]
	case "table":
		return all[4:]
	}
	return all
}

// assetSheet is the sheet of what lies below a database service, a database or a
// schema.
func assetSheet(kind string, recursive bool) *sheet {
	s := &sheet{
		about: "What lies below a " + describeKind(kind) + " that exists. Rows for what is not there yet create it; a row stands below the row of what holds it.",
		rows:  assetRows(kind), place: placeAsset, begin: beginAsset, aliases: assetAliases(),
		fields: []field{
			{
				name: "name", required: true, about: "Its name; of a column, the path inside its table.", examples: []string{"orders", "address.zipcode"},
				show: func(s *subject) string {
					if s.col != nil {
						return s.path
					}
					return s.ent.Name
				},
			},
			displayNameField(), descriptionField(), ownersField("owner"), tagsField(), termsField(), tiersField(), certificationField(),
		},
	}
	sourced := []string{"database", "databaseSchema", "table"}
	further := []field{
		textMember("retentionPeriod", "How long its data is kept, as an ISO 8601 duration.", "P23DT23H", sourced...),
		textMember("sourceUrl", "Where it is found in the source.", "https://example.org/tables/orders", append(sourced, "storedProcedure")...),
	}
	if kind != "databaseService" || recursive {
		s.fields = append(s.fields, further...)
	} else {
		s.extra = append(s.extra, further...)
	}
	s.fields = append(s.fields, domainsField(), extensionField())
	deep := append([]field{
		{
			name: "entityType", required: true, about: "What the row is about: " + strings.Join(s.rows, ", ") + ".", examples: []string{"table", "column"},
			show: func(s *subject) string { return s.typ },
		},
		{
			name: "fullyQualifiedName", about: "The fully qualified name. Without it the row stands directly below what the call names.",
			examples: []string{"mysql.shop.public.orders"},
			show:     func(s *subject) string { return s.fqn },
		},
	}, append(typeFields(), procedureFields()...)...)
	if recursive {
		s.fields = append(s.fields, deep...)
	} else {
		s.extra = append(s.extra, deep...)
	}
	return s
}

func describeKind(kind string) string {
	switch kind {
	case "databaseService":
		return "database service"
	case "databaseSchema":
		return "database schema"
	}
	return kind
}

// assetAliases are the names of files from before 1.12, and those of the files
// about one table.
func assetAliases() map[string]string {
	return map[string]string{
		"domain": "domains", "owners": "owner", "column.fullyQualifiedName": "fullyQualifiedName", "column.name": "name",
		"column.displayName": "displayName", "column.description": "description", "column.tags": "tags", "column.glossaryTerms": "glossaryTerms",
	}
}

// tableSheet is the sheet of the columns of one table. Its columns have names of
// their own.
func tableSheet() *sheet {
	s := assetSheet("table", true)
	s.about = "The columns of a table that exists."
	renamed := map[string]string{
		"name": "column.name", "displayName": "column.displayName", "description": "column.description",
		"tags": "column.tags", "glossaryTerms": "column.glossaryTerms",
	}
	byName := map[string]field{}
	for _, f := range s.fields {
		if name := renamed[f.name]; name != "" {
			f.name = name
		}
		byName[f.name] = f
	}
	s.fields, s.extra = nil, nil
	for _, name := range []string{
		"column.name", "column.displayName", "column.description", "column.dataTypeDisplay", "column.dataType", "column.arrayDataType",
		"column.dataLength", "column.tags", "column.glossaryTerms",
	} {
		s.fields = append(s.fields, byName[name])
	}
	for _, name := range []string{"owner", "tiers", "certification", "retentionPeriod", "sourceUrl", "domains", "extension", "entityType", "fullyQualifiedName"} {
		f := byName[name]
		f.required = false
		s.extra = append(s.extra, f)
	}
	s.aliases = map[string]string{
		"domain": "domains", "column.fullyQualifiedName": "fullyQualifiedName", "name": "column.name", "displayName": "column.displayName",
		"description": "column.description", "tags": "column.tags", "glossaryTerms": "column.glossaryTerms",
	}
	return s
}

func procedureFields() []field {
	only := []string{"storedProcedure"}
	member := func(name string) func(*subject) string {
		return func(s *subject) string { return textOf(membersOf(s.ent.Rest["storedProcedureCode"])[name]) }
	}
	set := func(name string) func(*change, string) error {
		return func(in *change, text string) error {
			code := membersOf(in.ent.Rest["storedProcedureCode"])
			if textOf(code[name]) == text {
				return nil
			}
			delete(code, name)
			if text != "" {
				code[name] = quoteJSON(text)
			}
			return in.setMember("storedProcedureCode", code)
		}
	}
	return []field{
		{name: "storedProcedure.code", about: "The text of the procedure.", types: only, show: member("code"), set: set("code")},
		{name: "storedProcedure.language", about: "The language of the procedure.", examples: []string{"SQL"}, types: only, show: member("language"), set: set("language")},
	}
}

// placeAsset reads the type and the name of a row.
func placeAsset(in *change) error {
	in.typ = in.cell("entityType")
	if in.typ == "" {
		in.typ = in.under.sheet.rows[0]
	}
	if !contains(in.under.sheet.rows, in.typ) {
		return entity.BadRequest("entityType is one of %s here, not %q", strings.Join(in.under.sheet.rows, ", "), entity.Shorten(in.typ, 60))
	}
	name, fqn := in.cell("name"), in.cell("fullyQualifiedName")
	if name == "" {
		name = in.cell("column.name")
	}
	if in.typ == columnRow {
		return in.placeColumn(name, fqn)
	}
	if fqn == "" {
		if in.typ != in.under.sheet.rows[0] {
			return entity.BadRequest("a %s needs its fullyQualifiedName", in.typ)
		}
		fqn = entity.JoinFQN(in.under.fqn, name)
	}
	in.fqn = entity.CanonicalFQN(fqn)
	parts, err := entity.SplitFQN(in.fqn)
	if err != nil {
		return err
	}
	if !entity.Under(in.fqn, in.under.fqn) {
		return entity.BadRequest("%s does not lie below %s", entity.Shorten(fqn, 300), in.under.fqn)
	}
	if want := assetDepth(in.typ); len(parts) != want {
		return entity.BadRequest("the name of a %s has %d parts, not %d: %s", in.typ, want, len(parts), entity.Shorten(fqn, 300))
	}
	if last := parts[len(parts)-1]; last != entity.QuoteName(name) {
		return entity.BadRequest("the name %s and the fullyQualifiedName %s do not agree", entity.Shorten(name, 200), entity.Shorten(fqn, 300))
	}
	return nil
}

func assetDepth(typ string) int {
	switch typ {
	case "database":
		return 2
	case "databaseSchema":
		return 3
	}
	return 4
}

// tableDepth is the number of parts in the name of a table.
const tableDepth = 4

func (in *change) placeColumn(name, fqn string) error {
	if fqn == "" {
		fqn = name
		if !entity.Under(entity.CanonicalFQN(name), in.under.fqn) {
			if in.under.kind != "table" {
				return entity.BadRequest("a column needs its fullyQualifiedName")
			}
			fqn = in.under.fqn + "." + entity.CanonicalFQN(name)
		}
	}
	parts, err := entity.SplitFQN(fqn)
	if err != nil {
		return err
	}
	in.fqn = entity.CanonicalFQN(fqn)
	if len(parts) <= tableDepth || !entity.Under(in.fqn, in.under.fqn) {
		return entity.BadRequest("%s is no column below %s", entity.Shorten(fqn, 300), in.under.fqn)
	}
	in.table = entity.CanonicalFQN(strings.Join(parts[:tableDepth], "."))
	return nil
}

// beginAsset names a new asset and hangs it below what holds it.
func beginAsset(in *change) error {
	parts, err := entity.SplitFQN(in.fqn)
	if err != nil {
		return err
	}
	in.ent.Name = entity.UnquoteName(parts[len(parts)-1])
	if in.typ == "table" {
		in.ent.Rest["columns"] = []byte("[]")
	}
	if err := in.parentRef("service", parts[0], "databaseService"); err != nil { // its schema wants the service at every level
		return err
	}
	for _, level := range assetLevels() {
		if level.typ == in.typ {
			return in.parentRef(level.parentMember, entity.ParentFQN(in.fqn), level.parentType)
		}
	}
	return nil
}
