package csvio

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// The fields that many sheets share.

func nameField(about string, examples ...string) field {
	return field{
		name: "name", required: true, about: about, examples: examples,
		show: func(s *subject) string { return s.ent.Name },
	}
}

func displayNameField() field {
	return field{
		name: "displayName", about: "The name that people read.", examples: []string{"Customer orders"},
		show: func(s *subject) string { return *s.displayName() },
		set:  func(in *change, text string) error { *in.displayName() = text; return nil },
	}
}

func descriptionField() field {
	return field{
		name: "description", about: "What it is, in Markdown.", examples: []string{"Orders, one row each."},
		show: func(s *subject) string { return *s.description() },
		set:  func(in *change, text string) error { *in.description() = text; return nil },
	}
}

// entityTypes are the rows that are no columns.
func ownedTypes() []string {
	return []string{"database", "databaseSchema", "table", "storedProcedure", "glossaryTerm", "team", "directory"}
}

func ownersField(name string) field {
	return field{
		name: name, types: ownedTypes(),
		about:    "Users and teams that own it, each as type:name, separated by semicolons.",
		examples: []string{"user:john", "team:marketing;user:jane"},
		show:     func(s *subject) string { return showPeople(s.ent.Owners) },
		set:      func(in *change, text string) error { return in.setPeople(&in.ent.Owners, text) },
	}
}

func reviewersField() field {
	return field{
		name: "reviewers", about: "Users and teams that review it, each as type:name, separated by semicolons.",
		examples: []string{"user:john;team:stewards"},
		show:     func(s *subject) string { return showPeople(s.ent.Reviewers) },
		set:      func(in *change, text string) error { return in.setPeople(&in.ent.Reviewers, text) },
	}
}

func domainsField() field {
	return field{
		name: "domains", types: ownedTypes(), about: "Fully qualified names of the domains it is in, separated by semicolons.",
		examples: []string{"Marketing", "Marketing;Finance.Payments"},
		show:     func(s *subject) string { return joinList(ownNames(s.ent.Domains)) },
		set: func(in *change, text string) error {
			var refs []entity.Ref
			for _, name := range splitList(text) {
				ref, err := in.one(name, "domain")
				if err != nil {
					return err
				}
				refs = append(refs, ref)
			}
			setRefs(&in.ent.Domains, refs)
			return nil
		},
	}
}

func extensionField() field {
	return field{
		name: "extension", types: ownedTypes(), about: "Custom properties as property:value, separated by semicolons; a value that is no plain text as JSON.",
		examples: []string{"costCenter:4711;reviewed:true"},
		show:     func(s *subject) string { return showExtension(s.ent.Extension) },
		set: func(in *change, text string) error {
			if text == showExtension(in.ent.Extension) {
				return nil
			}
			raw, err := readExtension(text)
			in.ent.Extension = raw
			return err
		},
	}
}

// ownNames returns the names of references that are not inherited.
func ownNames(refs []entity.Ref) []string {
	var names []string
	for _, ref := range refs {
		if !ref.Inherited {
			names = append(names, ref.FullyQualifiedName)
		}
	}
	return names
}

func showPeople(refs []entity.Ref) string {
	var items []string
	for _, ref := range refs {
		if !ref.Inherited {
			items = append(items, ref.Type+":"+ref.Name)
		}
	}
	return joinList(items)
}

func (in *change) setPeople(slot *[]entity.Ref, text string) error {
	var refs []entity.Ref
	for _, item := range splitList(text) {
		types := []string{"user", "team"}
		typ, name, typed := strings.Cut(item, ":")
		if typed && (typ == "user" || typ == "team") {
			types = []string{typ}
		} else {
			name = item
		}
		ref, err := in.one(strings.TrimSpace(name), types...)
		if err != nil {
			return err
		}
		refs = append(refs, ref)
	}
	setRefs(slot, refs)
	return nil
}

// setRefs replaces the references that are an entity's own, unless they are the
// same but for their order.
func setRefs(slot *[]entity.Ref, refs []entity.Ref) {
	own := map[entity.ID]bool{}
	for _, ref := range *slot {
		if !ref.Inherited {
			own[ref.ID] = true
		}
	}
	same := true
	next := map[entity.ID]bool{}
	bare := make([]entity.Ref, 0, len(refs))
	for _, ref := range refs {
		if !next[ref.ID] {
			next[ref.ID] = true
			same = same && own[ref.ID]
			bare = append(bare, ref.Bare())
		}
	}
	if !same || len(own) != len(next) {
		*slot = bare
	}
}

// The classifications whose tags have columns of their own.
const (
	tierPrefix          = "Tier."
	certificationPrefix = "Certification."
	sourceTag           = "Classification"
	sourceTerm          = "Glossary"
)

func isTier(l *entity.TagLabel) bool {
	return l.Source != sourceTerm && strings.HasPrefix(l.TagFQN, tierPrefix)
}
func isTerm(l *entity.TagLabel) bool { return l.Source == sourceTerm }
func isTag(l *entity.TagLabel) bool  { return !isTier(l) && !isTerm(l) }

func tagsField() field {
	return labelField("tags", "tag", isTag, "Fully qualified names of tags, separated by semicolons.", "PII.Sensitive;PersonalData.Personal")
}

// allTagsField is for what has no column of its own for tiers.
func allTagsField() field {
	notTerm := func(l *entity.TagLabel) bool { return !isTerm(l) }
	return labelField("tags", "tag", notTerm, "Fully qualified names of tags, separated by semicolons.", "PII.Sensitive;PersonalData.Personal")
}

func termsField() field {
	return labelField("glossaryTerms", "glossaryTerm", isTerm, "Fully qualified names of glossary terms, separated by semicolons.", "Business.Customer")
}

func tiersField() field {
	f := labelField("tiers", "tag", isTier, "The tier, as the fully qualified name of its tag.", "Tier.Tier1")
	f.types = []string{"database", "databaseSchema", "table", "storedProcedure"}
	return f
}

func labelField(name, typ string, mine func(*entity.TagLabel) bool, about, example string) field {
	return field{
		name: name, about: about, examples: []string{example},
		show: func(s *subject) string {
			var names []string
			for i := range *s.tags() {
				if label := &(*s.tags())[i]; mine(label) {
					names = append(names, label.TagFQN)
				}
			}
			return joinList(names)
		},
		set: func(in *change, text string) error { return in.setLabels(typ, mine, splitList(text)) },
	}
}

// setLabels replaces the labels of one kind. Those that stay keep their place and
// what is known of them.
func (in *change) setLabels(typ string, mine func(*entity.TagLabel) bool, names []string) error {
	source := sourceTag
	if typ == "glossaryTerm" {
		source = sourceTerm
	}
	wanted := make(map[string]bool, len(names))
	var order []string
	for _, name := range names {
		ref, err := in.one(name, typ)
		if err != nil {
			return err
		}
		label := entity.TagLabel{TagFQN: ref.FullyQualifiedName, Source: source}
		if !mine(&label) {
			return entity.BadRequest("%s belongs into another column", entity.Shorten(name, 200))
		}
		if !wanted[ref.FullyQualifiedName] {
			wanted[ref.FullyQualifiedName] = true
			order = append(order, ref.FullyQualifiedName)
		}
	}
	labels := in.tags()
	kept := slices.Clone(*labels)
	kept = slices.DeleteFunc(kept, func(l entity.TagLabel) bool {
		if !mine(&l) {
			return false
		}
		stays := wanted[l.TagFQN]
		delete(wanted, l.TagFQN)
		return !stays
	})
	for _, name := range order {
		if wanted[name] {
			kept = append(kept, entity.TagLabel{TagFQN: name, Source: source, LabelType: "Manual", State: "Confirmed"})
		}
	}
	*labels = kept
	return nil
}

// certificationLasts is how long a certification given by import holds.
const certificationLasts = 30 * 24 * time.Hour

// certification is what an asset was certified with.
type certification struct {
	TagLabel    entity.TagLabel `json:"tagLabel"`
	AppliedDate int64           `json:"appliedDate"`
	ExpiryDate  int64           `json:"expiryDate"`
}

func certificationOf(ent *entity.Entity) (certification, bool) {
	var c certification
	raw := ent.Rest["certification"]
	if raw == nil || json.Unmarshal(raw, &c) != nil {
		return c, false
	}
	return c, true
}

func certificationField() field {
	return field{
		name: "certification", types: []string{"database", "databaseSchema", "table", "storedProcedure"},
		about: "What it is certified as: the fully qualified name of a tag of the classification Certification.", examples: []string{"Certification.Gold"},
		show: func(s *subject) string {
			c, _ := certificationOf(s.ent)
			return c.TagLabel.TagFQN
		},
		set: func(in *change, text string) error {
			c, had := certificationOf(in.ent)
			switch {
			case text == "":
				delete(in.ent.Rest, "certification")
				return nil
			case had && c.TagLabel.TagFQN == text:
				return nil
			case !strings.HasPrefix(text, certificationPrefix):
				return entity.BadRequest("%s is no tag of the classification Certification", entity.Shorten(text, 200))
			}
			ref, err := in.one(text, "tag")
			if err != nil {
				return err
			}
			now := time.Now()
			return in.setMember("certification", certification{
				TagLabel:    entity.TagLabel{TagFQN: ref.FullyQualifiedName, Source: sourceTag, LabelType: "Manual", State: "Confirmed"},
				AppliedDate: now.UnixMilli(), ExpiryDate: now.Add(certificationLasts).UnixMilli(),
			})
		},
	}
}

// setMember sets a member of the type.
func (in *change) setMember(name string, v any) error {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return entity.BadRequest("%s cannot be read", name)
	}
	in.ent.Rest[name] = raw
	return nil
}

// textMember is a field for a string member of the type.
func textMember(name, about, example string, types ...string) field {
	f := field{
		name: name, about: about, types: types,
		show: func(s *subject) string { return textOf(s.ent.Rest[name]) },
		set: func(in *change, text string) error {
			if text == "" {
				delete(in.ent.Rest, name)
				return nil
			}
			return in.setMember(name, text)
		},
	}
	if example != "" {
		f.examples = []string{example}
	}
	return f
}

// flagMember is a field for a boolean member; an empty cell leaves it alone.
func flagMember(name, about string) field {
	return field{
		name: name, about: about, examples: []string{"true", "false"},
		show: func(s *subject) string {
			switch s.ent.Rest[name].Kind() {
			case 't':
				return "true"
			case 'f':
				return "false"
			}
			return ""
		},
		set: func(in *change, text string) error {
			switch strings.ToLower(text) {
			case "":
			case "true", "false":
				in.ent.Rest[name] = jsontext.Value(strings.ToLower(text))
			default:
				return entity.BadRequest("%q is neither true nor false", entity.Shorten(text, 40))
			}
			return nil
		},
	}
}

// refsMember is a field for a list of references of one type, by name.
func refsMember(header, member, typ, about, example string) field {
	return field{
		name: header, about: about, examples: []string{example},
		show: func(s *subject) string { return joinList(ownNames(refsOf(s.ent.Rest[member]))) },
		set: func(in *change, text string) error {
			var refs []entity.Ref
			for _, name := range splitList(text) {
				ref, err := in.one(name, typ)
				if err != nil {
					return err
				}
				refs = append(refs, ref)
			}
			own := refsOf(in.ent.Rest[member])
			setRefs(&own, refs)
			if len(own) == 0 {
				delete(in.ent.Rest, member)
				return nil
			}
			return in.setMember(member, own)
		},
	}
}

func refsOf(raw jsontext.Value) []entity.Ref {
	var refs []entity.Ref
	if raw.Kind() != '[' || json.Unmarshal(raw, &refs) != nil {
		return nil
	}
	return refs
}

// parentRef sets the reference to what a new entity lies below.
func (in *change) parentRef(member, fqn, typ string) error {
	refs, err := in.batch.Find(in.ctx, store.Key{Type: typ, FQN: fqn})
	if err != nil {
		return err
	}
	if len(refs) == 0 {
		return entity.NotFound(typ, fqn)
	}
	return in.setMember(member, refs[0].Bare())
}
