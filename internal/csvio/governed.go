package csvio

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// termSheet is the sheet of the terms of a glossary, or of those below a term.
func termSheet() *sheet {
	return &sheet{
		about: "The terms of a glossary that exists, each after the term it stands below.",
		rows:  []string{"glossaryTerm"}, place: placeTerm, begin: beginTerm,
		aliases: map[string]string{"owners": "owner", "status": "glossaryStatus", "domain": "domains"},
		fields: []field{
			{
				name: "parent", about: "Fully qualified name of the term it stands below; empty at the root of the glossary.", examples: []string{"Business.Customer"},
				show: func(s *subject) string {
					var ref entity.Ref
					if raw := s.ent.Rest["parent"]; raw == nil || json.Unmarshal(raw, &ref) != nil {
						return ""
					}
					return ref.FullyQualifiedName
				},
			},
			nameField("The name of the term.", "CustomerId"),
			displayNameField(), descriptionField(), synonymsField(),
			refsMember("relatedTerms", "relatedTerms", "glossaryTerm", "Fully qualified names of related terms, separated by semicolons.", "Business.Client"),
			referencesField(), allTagsField(), reviewersField(), ownersField("owner"),
			textMember("entityStatus", "Where the term stands in its review: Draft, In Review, Approved, Rejected or Deprecated.", "Approved").as("glossaryStatus"),
			styleField("color", "The colour it is shown in.", "#1f77b4"),
			styleField("iconURL", "Where its icon is found.", "https://example.org/icon.png"),
			extensionField(),
		},
		extra: []field{domainsField()},
	}
}

// as gives a field another header. An empty cell then leaves the member alone:
// what the server itself sets cannot be unset.
func (f field) as(header string) field {
	f.name = header
	set := f.set
	f.set = func(in *change, text string) error {
		if text == "" {
			return nil
		}
		return set(in, text)
	}
	return f
}

func placeTerm(in *change) error {
	parent := in.cell("parent")
	if parent == "" {
		parent = in.under.fqn
	}
	parent = entity.CanonicalFQN(parent)
	if parent != in.under.fqn && !entity.Under(parent, in.under.fqn) {
		return entity.BadRequest("the parent %s does not lie below %s", entity.Shorten(parent, 300), in.under.fqn)
	}
	in.typ, in.fqn = "glossaryTerm", entity.JoinFQN(parent, in.cell("name"))
	return nil
}

func beginTerm(in *change) error {
	in.ent.Name = in.cell("name")
	parts, err := entity.SplitFQN(in.fqn)
	if err != nil {
		return err
	}
	if err := in.parentRef("glossary", parts[0], "glossary"); err != nil {
		return err
	}
	if above := entity.ParentFQN(in.fqn); above != parts[0] {
		return in.parentRef("parent", above, "glossaryTerm")
	}
	return nil
}

func synonymsField() field {
	return field{
		name: "synonyms", about: "Other words for it, separated by semicolons.", examples: []string{"client;buyer"},
		show: func(s *subject) string { return joinList(textsOf(s.ent.Rest["synonyms"])) },
		set: func(in *change, text string) error {
			if text == joinList(textsOf(in.ent.Rest["synonyms"])) {
				return nil
			}
			items := splitList(text)
			if len(items) == 0 {
				delete(in.ent.Rest, "synonyms")
				return nil
			}
			return in.setMember("synonyms", items)
		},
	}
}

// termReference is a source outside the catalog.
type termReference struct {
	Name     string `json:"name,omitzero"`
	Endpoint string `json:"endpoint,omitzero"`
}

func referencesField() field {
	show := func(ent *entity.Entity) string {
		var refs []termReference
		if raw := ent.Rest["references"]; raw == nil || json.Unmarshal(raw, &refs) != nil {
			return ""
		}
		items := make([]string, 0, 2*len(refs))
		for _, ref := range refs {
			items = append(items, ref.Name, ref.Endpoint)
		}
		return joinList(items)
	}
	return field{
		name: "references", about: "Sources outside the catalog, as name;address, one after the other.", examples: []string{"customer;https://example.org/customer"},
		show: func(s *subject) string { return show(s.ent) },
		set: func(in *change, text string) error {
			if text == show(in.ent) {
				return nil
			}
			items := splitList(text)
			if len(items)%2 != 0 {
				return entity.BadRequest("references are pairs of a name and an address")
			}
			refs := make([]termReference, 0, len(items)/2)
			for i := 0; i < len(items); i += 2 {
				refs = append(refs, termReference{Name: items[i], Endpoint: items[i+1]})
			}
			if len(refs) == 0 {
				delete(in.ent.Rest, "references")
				return nil
			}
			return in.setMember("references", refs)
		},
	}
}

func styleField(member, about, example string) field {
	return field{
		name: member, about: about, examples: []string{example},
		show: func(s *subject) string { return textOf(membersOf(s.ent.Rest["style"])[member]) },
		set: func(in *change, text string) error {
			style := membersOf(in.ent.Rest["style"])
			if textOf(style[member]) == text {
				return nil
			}
			delete(style, member)
			if text != "" {
				style[member] = quoteJSON(text)
			}
			if len(style) == 0 {
				delete(in.ent.Rest, "style")
				return nil
			}
			return in.setMember("style", style)
		},
	}
}

// membersOf returns the members of an object, none for anything else.
func membersOf(raw jsontext.Value) map[string]jsontext.Value {
	m := map[string]jsontext.Value{}
	if raw.Kind() == '{' && json.Unmarshal(raw, &m) != nil {
		return map[string]jsontext.Value{}
	}
	return m
}

func textsOf(raw jsontext.Value) []string {
	var out []string
	if raw.Kind() != '[' || json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// directorySheet is the sheet of the directories of a drive.
func directorySheet() *sheet {
	return &sheet{
		about: "The directories of a drive that exists, each after the one that holds it.",
		rows:  []string{"directory"}, place: placeDirectory, begin: beginDirectory,
		aliases: map[string]string{"owner": "owners", "domain": "domains"},
		fields: []field{
			nameField("The name of the directory.", "Reports"),
			displayNameField(), descriptionField(), ownersField("owners"), allTagsField(), termsField(), domainsField(), extensionField(),
			{
				name: "fullyQualifiedName", about: "The fully qualified name. Without it the directory stands at the root of the drive.", examples: []string{"drive.Reports.2024"},
				show: func(s *subject) string { return s.fqn },
			},
		},
	}
}

func placeDirectory(in *change) error {
	in.typ = "directory"
	name, fqn := in.cell("name"), in.cell("fullyQualifiedName")
	if fqn == "" {
		fqn = entity.JoinFQN(in.under.fqn, name)
	}
	in.fqn = entity.CanonicalFQN(fqn)
	if !entity.Under(in.fqn, in.under.fqn) {
		return entity.BadRequest("%s does not lie below %s", entity.Shorten(fqn, 300), in.under.fqn)
	}
	if !strings.HasSuffix(in.fqn, "."+entity.QuoteName(name)) {
		return entity.BadRequest("the name %s and the fullyQualifiedName %s do not agree", entity.Shorten(name, 200), entity.Shorten(fqn, 300))
	}
	return nil
}

func beginDirectory(in *change) error {
	in.ent.Name = in.cell("name")
	parts, err := entity.SplitFQN(in.fqn)
	if err != nil {
		return err
	}
	if err := in.parentRef("service", parts[0], "driveService"); err != nil {
		return err
	}
	if above := entity.ParentFQN(in.fqn); above != parts[0] {
		return in.parentRef("parent", above, "directory")
	}
	return nil
}
