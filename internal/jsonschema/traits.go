package jsonschema

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// The schemas whose meaning the server knows.
const (
	refSchema     = "type/entityReference.json"
	refListSchema = "type/entityReferenceList.json"
	tagSchema     = "type/tagLabel.json"
)

// Kind classifies a member of an object.
type Kind int

// The kinds of member.
const (
	KindAny     Kind = iota // anything, or one of several shapes
	KindString              // includes enums, dates and UUIDs
	KindNumber              // includes integers and timestamps
	KindBoolean             //
	KindObject              //
	KindArray               // of anything but references and tag labels
	KindRef                 // a reference to an entity
	KindRefList             // a list of references
	KindTags                // a list of tag labels
)

// Property describes one member of an object.
type Property struct {
	Name     string
	Kind     Kind
	Schema   string         // name of the schema of the member, or of its items; "" when it is written in place
	Required bool           // must be there and not null
	Default  jsontext.Value // nil when there is none
	Enum     []string       // the values allowed; nil when it is no enum
}

// Properties returns the names of an object's members in the order of its
// schema, nil if there is no such schema.
func (s *Set) Properties(schema string) []string {
	obj := s.object(schema)
	if obj == nil {
		return nil
	}
	names := make([]string, len(obj.order))
	for i, m := range obj.order {
		names[i] = m.name
	}
	return names
}

// Has tells whether the object has the member.
func (s *Set) Has(schema, property string) bool {
	obj := s.object(schema)
	return obj != nil && obj.members[property] != nil
}

// Property returns what the schema says of a member.
func (s *Set) Property(schema, property string) (Property, bool) {
	obj := s.object(schema)
	if obj == nil || obj.members[property] == nil {
		return Property{}, false
	}
	m := obj.members[property]
	found := Property{Name: m.name, Required: m.required, Default: slices.Clone(m.def)}
	if n := m.slot.node; n != nil {
		found.Kind, found.Schema = n.kind()
		if n.text != nil {
			found.Enum = slices.Clone(n.text.values)
		}
	}
	return found, true
}

// object returns the rule of a schema that describes an object, else nil.
func (s *Set) object(schema string) *objectRule {
	n, err := s.lookup(schema)
	if err != nil {
		return nil
	}
	return n.obj
}

// kind returns the kind of a member with this schema, and the schema's name.
func (n *node) kind() (Kind, string) {
	switch {
	case n.name == refSchema:
		return KindRef, n.name
	case n.name == refListSchema:
		return KindRefList, refSchema
	case n.kinds == kindArray:
		return n.arrayKind()
	case n.kinds == kindObject:
		return KindObject, n.name
	case n.kinds == kindBoolean:
		return KindBoolean, n.name
	case n.kinds == kindString:
		return KindString, n.name
	case n.kinds != 0 && n.kinds&^(kindNumber|kindInteger) == 0:
		return KindNumber, n.name
	}
	return KindAny, n.name
}

func (n *node) arrayKind() (Kind, string) {
	items := n.list.items.node
	switch {
	case items == nil:
		return KindArray, ""
	case items.name == refSchema:
		return KindRefList, items.name
	case items.name == tagSchema:
		return KindTags, items.name
	}
	return KindArray, items.name
}

// Parts is the path to a list of named parts that carry tags: columns, tasks.
type Parts struct {
	Path     []string
	Children string // member of a part that holds parts of the same kind; "" when flat
	FQN      bool   // parts have a member fullyQualifiedName
}

// partsDepth bounds how many objects lie around a list of parts.
const partsDepth = 3

// Parts returns the lists of named, tagged parts below an object, in the order
// of its schema.
func (s *Set) Parts(schema string) []Parts {
	obj := s.object(schema)
	if obj == nil {
		return nil
	}
	return obj.parts(nil)
}

func (o *objectRule) parts(at []string) []Parts {
	var found []Parts
	for _, m := range o.order {
		n := m.slot.node
		if n == nil || n.name == refSchema {
			continue
		}
		here := append(slices.Clone(at), m.name)
		if n.kinds == kindObject && n.obj != nil && len(here) < partsDepth {
			found = append(found, n.obj.parts(here)...)
		}
		if part := n.part(); part != nil {
			_, fqn := part.obj.members["fullyQualifiedName"]
			found = append(found, Parts{Path: here, Children: part.children(), FQN: fqn})
		}
	}
	return found
}

// part returns the schema of the items of a list when they are named and tagged.
func (n *node) part() *node {
	if n.kinds != kindArray || n.list.items.node == nil {
		return nil
	}
	items := n.list.items.node
	if items.obj == nil || items.name == refSchema || items.name == tagSchema {
		return nil
	}
	tags := items.obj.members["tags"]
	if tags == nil || items.obj.members["name"] == nil || tags.slot.node == nil {
		return nil
	}
	if kind, _ := tags.slot.node.kind(); kind != KindTags {
		return nil
	}
	return items
}

// children returns the member that holds a list of nodes like n itself.
func (n *node) children() string {
	for _, m := range n.obj.order {
		if inner := m.slot.node; inner != nil && inner.kinds == kindArray && inner.list.items.node == n {
			return m.name
		}
	}
	return ""
}
