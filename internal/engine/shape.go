package engine

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// shape is what the engine derives from a registry entry and its schemas once,
// so that requests only look things up.
type shape struct {
	t          *registry.Type
	properties map[string]bool // members of the entity schema
	hidden     map[string]bool // members left out of reads unless asked for
	computed   map[string]bool // members the engine fills in; never stored
	relations  map[string]*registry.Relation
	stored     []*registry.Relation // relations kept in the document
	inverse    []*registry.Relation
	parents    map[string]string // parent field -> type
	creatable  map[string]bool   // members of create requests
	defaults   map[string]jsontext.Value
	required   []jsonschema.Property // members of the type that every state must have
	needs      map[string]bool       // their names
	described  bool                  // description is a required member
	lookedUp   []string              // required members that the engine computes
}

// alwaysShown are members in Expand lists that clients rely on without asking.
var alwaysShown = map[string]bool{"columns": true, "domains": true, "tasks": true, "steps": true, "rules": true, "policies": true, "teams": true, "roles": true, "sourceHash": false}

// envelopeRefs are the reference members of the envelope and the relation kinds
// they are kept under.
var envelopeRefs = []string{"owners", "domains", "dataProducts", "reviewers", "experts"}

func newShape(t *registry.Type, schemas *jsonschema.Set) *shape {
	s := &shape{
		t: t, properties: map[string]bool{}, hidden: map[string]bool{}, computed: map[string]bool{},
		relations: map[string]*registry.Relation{}, parents: map[string]string{},
		creatable: map[string]bool{}, defaults: map[string]jsontext.Value{}, needs: map[string]bool{},
	}
	s.addProperties(schemas)
	for _, name := range t.Expand {
		s.hidden[name] = !alwaysShown[name]
	}
	for _, name := range []string{"owners", "tags", "followers", "votes", "extension", "dataProducts", "reviewers", "experts"} {
		s.hidden[name] = true
	}
	for _, p := range t.Parents {
		s.parents[p.Field] = p.Type
	}
	s.addRelations()
	s.addComputed()
	for _, name := range schemas.Properties(t.Schema) {
		if p, ok := schemas.Property(t.Schema, name); ok && p.Required {
			s.require(p)
		}
	}
	return s
}

// addProperties notes the members of the entity and of create requests.
func (s *shape) addProperties(schemas *jsonschema.Set) {
	for _, name := range schemas.Properties(s.t.Schema) {
		s.properties[name] = true
		p, ok := schemas.Property(s.t.Schema, name)
		if ok && p.Default != nil && p.Default.Kind() != '[' && p.Default.Kind() != '{' {
			s.defaults[name] = p.Default
		}
	}
	if s.t.Create == "" {
		return
	}
	for _, name := range schemas.Properties(s.t.Create) {
		s.creatable[name] = true
	}
}

// addComputed notes the members that are looked up rather than stored.
func (s *shape) addComputed() {
	for _, name := range []string{"href", "followers", "votes", "incrementalChangeDescription"} {
		s.computed[name] = true
	}
	for _, c := range s.t.Children {
		s.computed[c.Field], s.hidden[c.Field] = true, true
	}
	for _, name := range s.t.Ancestors {
		if _, isParent := s.parents[name]; !isParent {
			s.computed[name] = true
		}
	}
	for _, name := range slices.Concat(s.t.Records, s.t.Computed) {
		s.computed[name], s.hidden[name] = true, true
	}
}

// showRequired shows an empty description of a type that must have one: clients refuse
// an entity without it.
func (s *shape) showRequired(ent *entity.Entity) {
	if s.described && ent.Description == "" {
		ent.Rest["description"] = jsontext.Value(`""`)
	}
}

// require notes a member that every state of the entity has.
func (s *shape) require(p jsonschema.Property) {
	delete(s.hidden, p.Name)
	switch {
	case p.Name == "description":
		s.described = true
	case s.computed[p.Name]:
		s.lookedUp = append(s.lookedUp, p.Name)
	case !envelopeMember(p.Name):
		s.required = append(s.required, p)
		s.needs[p.Name] = true
	}
}

func (s *shape) addRelations() {
	for i := range s.t.Relations {
		rel := &s.t.Relations[i]
		s.relations[rel.Field] = rel
		if rel.Inverse {
			s.inverse = append(s.inverse, rel)
			s.computed[rel.Field], s.hidden[rel.Field] = true, true
		} else {
			s.stored = append(s.stored, rel)
		}
	}
}

// canonical returns the FQN as rows of the type have it. Where the FQN is the
// name alone, clients send names with dots as they are: john.doe is one name.
func (s *shape) canonical(fqn string) string {
	if s.t.LowerFQN {
		fqn = strings.ToLower(fqn)
	}
	if s.flat() {
		return entity.QuoteName(fqn)
	}
	return entity.CanonicalFQN(fqn)
}

// flat tells whether the FQN of the type is always a single name.
func (s *shape) flat() bool { return s.t.FlatFQN || len(s.t.Parents) == 0 && s.t.FQN == nil }

// Fields is a parsed ?fields= parameter.
type Fields struct {
	all   bool
	names map[string]bool
	key   string // canonical text, for caches
}

// AllFields asks for everything an entity has.
func AllFields() Fields { return Fields{all: true, key: "*"} }

// Has tells whether the field was asked for.
func (f Fields) Has(name string) bool { return f.all || f.names[name] }

// fieldAliases are names from before 1.12 that clients still send; "" is
// accepted and means nothing.
var fieldAliases = map[string]string{"owner": "owners", "domain": "domains", "tests": "testSuite", "location": "", "profile": "", "serviceType": ""}

// ParseFields reads a ?fields= parameter for a type: names separated by commas,
// or * for all. The error for an unknown name is a KindBadRequest.
func (e *Engine) ParseFields(t *registry.Type, text string) (Fields, error) {
	if text == "" {
		return Fields{}, nil
	}
	if text == "*" {
		return AllFields(), nil
	}
	if len(text) > 4000 {
		return Fields{}, entity.BadRequest("the fields parameter is longer than 4000 characters")
	}
	s := e.shapeOf(t)
	f := Fields{names: make(map[string]bool), key: text}
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if alias, ok := fieldAliases[name]; ok && !s.properties[name] {
			name = alias
		}
		switch {
		case name == "":
		case name == "*":
			return AllFields(), nil
		case s.properties[name] || s.computed[name] || s.hidden[name]:
			f.names[name] = true
		default:
			return Fields{}, entity.BadRequest("Invalid field name %s", entity.Shorten(name, 100))
		}
	}
	return f, nil
}
