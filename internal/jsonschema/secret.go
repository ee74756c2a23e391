package jsonschema

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// secretTree tells where below a value the secret strings are: the strings whose
// schema has the format "password", and in objects that the schema leaves open those
// whose name tells. Of a string with the format "secret-uri" what follows the host is
// secret: who knows the whole address of a chat's webhook may write there. It joins all alternatives of a union, so that a secret is found
// whichever alternative a document was written for.
type secretTree struct {
	secret  bool
	address bool                   // secret behind its host
	open    bool                   // see opensecret.go
	members map[string]*secretTree // nil for a member that is known to hold none
	extra   *secretTree            // of members that are not listed
	items   *secretTree
}

// VisitSecrets returns doc with each secret string replaced by what visit
// returns. The path of a member, such as "authType.password", is the same each
// time; empty strings and documents that are no JSON are left alone.
func (s *Set) VisitSecrets(schema string, doc jsontext.Value, visit Visit) (jsontext.Value, error) {
	tree, err := s.secretsOf(schema)
	if err != nil || tree == nil {
		return doc, err
	}
	return rewrite(tree, doc, "", visit)
}

// VisitMemberSecrets is VisitSecrets for one member of an object whose other
// members are not at hand. Paths begin with the member's name.
func (s *Set) VisitMemberSecrets(schema, member string, value jsontext.Value, visit Visit) (jsontext.Value, error) {
	tree, err := s.secretsOf(schema)
	if err != nil || tree == nil {
		return value, err
	}
	below := tree.below(member)
	if below == nil {
		return value, nil
	}
	return rewrite(below, value, member, visit)
}

// HasSecrets tells whether the schema says of any member that it is a secret.
func (s *Set) HasSecrets(schema string) (bool, error) {
	tree, err := s.secretsOf(schema)
	return tree.declares(), err
}

// declares tells whether the schema itself marks a secret, not the name alone.
func (t *secretTree) declares() bool {
	if t == nil {
		return false
	}
	for _, below := range t.members {
		if below.declares() {
			return true
		}
	}
	return t.secret || t.address || t.extra.declares() || t.items.declares()
}

func (s *Set) secretsOf(schema string) (*secretTree, error) {
	if found, ok := s.secrets.Load(schema); ok {
		return found.(*secretTree), nil
	}
	n, err := s.lookup(schema)
	if err != nil {
		return nil, err
	}
	tree := secretsBelow(n, map[*node]bool{})
	s.secrets.Store(schema, tree)
	return tree, nil
}

// secretsBelow returns nil when there are none. A schema inside itself is not
// followed: no connection nests a secret in its own kind.
func secretsBelow(n *node, above map[*node]bool) *secretTree {
	if n == nil || above[n] {
		return nil
	}
	if n.text != nil && n.text.secret() {
		return &secretTree{secret: n.text.format == password, address: n.text.format == secretURI}
	}
	above[n] = true
	defer delete(above, n)
	var tree *secretTree
	if n.leftOpen() {
		tree = tree.join(openObject())
	}
	if n.obj != nil {
		for _, m := range n.obj.order {
			if below := secretsBelow(m.slot.node, above); below != nil || n.leftOpen() {
				tree = tree.join(&secretTree{members: map[string]*secretTree{m.name: below}})
			}
		}
		if n.obj.extra != nil {
			if below := secretsBelow(n.obj.extra.node, above); below != nil {
				tree = tree.join(&secretTree{extra: below})
			}
		}
	}
	if n.list != nil {
		if below := secretsBelow(n.list.items.node, above); below != nil {
			tree = tree.join(&secretTree{items: below})
		}
	}
	for _, alternative := range n.anyOf {
		tree = tree.join(secretsBelow(alternative.node, above))
	}
	return tree
}

// join returns a tree that finds what either finds.
func (t *secretTree) join(other *secretTree) *secretTree {
	switch {
	case t == nil:
		return other
	case other == nil:
		return t
	}
	joined := &secretTree{
		secret:  t.secret || other.secret,
		address: t.address || other.address,
		open:    t.open || other.open,
		members: map[string]*secretTree{},
		extra:   t.extra.join(other.extra),
		items:   t.items.join(other.items),
	}
	for name, below := range t.members {
		joined.members[name] = below
	}
	for name, below := range other.members {
		joined.members[name] = joined.members[name].join(below)
	}
	return joined
}

func (t *secretTree) visited(text string) int {
	switch {
	case t.secret:
		return 0
	case t.address:
		host, _ := entity.SplitAddress(text)
		return len(host)
	}
	return len(text)
}

func (t *secretTree) member(name string) place {
	if below := t.below(name); below != nil {
		return below
	}
	return nil
}

func (t *secretTree) item() place {
	if below := t.each(); below != nil {
		return below
	}
	return nil
}

// below returns the tree of a member, nil when there is no secret in it.
func (t *secretTree) below(name string) *secretTree {
	if listed, ok := t.members[name]; ok {
		return listed
	}
	switch {
	case t.extra != nil || !t.open:
		return t.extra
	case namesSecret(name):
		return namedSecret()
	}
	return openObject()
}

// each returns the tree of the items of a list, nil when there is no secret in them.
func (t *secretTree) each() *secretTree {
	if t.items == nil && t.open {
		return t
	}
	return t.items
}
