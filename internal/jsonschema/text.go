package jsonschema

import "github.com/go-json-experiment/json/jsontext"

// textSchema is the schema of texts that are shown as Markdown.
const textSchema = "type/basic.json#/$defs/markdown"

// VisitTexts returns doc with each text that is shown as Markdown replaced by what
// visit returns. It works as VisitSecrets does, but also follows schemas inside
// themselves: columns have columns.
func (s *Set) VisitTexts(schema string, doc jsontext.Value, visit Visit) (jsontext.Value, error) {
	n, err := s.lookup(schema)
	if err != nil {
		return nil, err
	}
	if at := s.textPlace(n); at != nil {
		return rewrite(at, doc, "", visit)
	}
	return doc, nil
}

// VisitMemberTexts is VisitTexts for one member of an object whose other members are
// not at hand.
func (s *Set) VisitMemberTexts(schema, member string, value jsontext.Value, visit Visit) (jsontext.Value, error) {
	n, err := s.lookup(schema)
	if err != nil {
		return nil, err
	}
	if at := s.textPlace(n); at != nil {
		if at = at.member(member); at != nil {
			return rewrite(at, value, member, visit)
		}
	}
	return value, nil
}

// textPlace is a place in a document, by the schemas that may describe it: all
// alternatives of a union.
type textPlace struct {
	set   *Set
	nodes []*node
}

// textPlace returns nil when there is no text in what the schemas describe.
func (s *Set) textPlace(nodes ...*node) place {
	var found []*node
	var add func(n *node)
	add = func(n *node) {
		if n == nil || !s.hasTexts(n) {
			return
		}
		found = append(found, n)
		for _, alternative := range n.anyOf {
			add(alternative.node)
		}
	}
	for _, n := range nodes {
		add(n)
	}
	if found == nil {
		return nil
	}
	return textPlace{s, found}
}

func (p textPlace) visited(text string) int {
	for _, n := range p.nodes {
		if n.name == textSchema {
			return 0
		}
	}
	return len(text)
}

func (p textPlace) member(name string) place {
	var below []*node
	for _, n := range p.nodes {
		if n.obj == nil {
			continue
		}
		if m := n.obj.members[name]; m != nil {
			below = append(below, m.slot.node)
		} else if n.obj.extra != nil {
			below = append(below, n.obj.extra.node)
		}
	}
	return p.set.textPlace(below...)
}

func (p textPlace) item() place {
	var below []*node
	for _, n := range p.nodes {
		if n.list != nil {
			below = append(below, n.list.items.node)
		}
	}
	return p.set.textPlace(below...)
}

// hasTexts tells whether a text can be reached from a schema.
func (s *Set) hasTexts(n *node) bool {
	if known, ok := s.texts.Load(n); ok {
		return known.(bool)
	}
	found := reachesText(n, map[*node]bool{})
	s.texts.Store(n, found)
	return found
}

func reachesText(n *node, passed map[*node]bool) bool {
	if n == nil || passed[n] {
		return false
	}
	passed[n] = true
	if n.name == textSchema {
		return true
	}
	if n.obj != nil {
		for _, m := range n.obj.order {
			if reachesText(m.slot.node, passed) {
				return true
			}
		}
		if n.obj.extra != nil && reachesText(n.obj.extra.node, passed) {
			return true
		}
	}
	if n.list != nil && reachesText(n.list.items.node, passed) {
		return true
	}
	for _, alternative := range n.anyOf {
		if reachesText(alternative.node, passed) {
			return true
		}
	}
	return false
}
