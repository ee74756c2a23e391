package jsonschema

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Some objects take whatever a driver, a webhook or an application wants to have.
// People have nowhere else to put a password for those, so that the name of a member
// has to tell what is secret.

// openObject is the tree of an object without rules about its members, and of the
// lists in it.
func openObject() *secretTree { return &secretTree{open: true} }

// namedSecret is the tree of a member that is a secret by its name. The strings of a
// list go by the name of the list, those of an object by their own names.
func namedSecret() *secretTree { return &secretTree{open: true, secret: true} }

// VisitOpenSecrets is VisitSecrets for an object of which nobody knows what it is
// for: it may be one that these schemas describe, or any other.
func (s *Set) VisitOpenSecrets(doc jsontext.Value, visit Visit, schemas ...string) (jsontext.Value, error) {
	tree, err := s.openSecretsOf(schemas)
	if err != nil {
		return nil, err
	}
	return rewrite(tree, doc, "", visit)
}

func (s *Set) openSecretsOf(schemas []string) (*secretTree, error) {
	key := "open|" + strings.Join(schemas, "|")
	if found, ok := s.secrets.Load(key); ok {
		return found.(*secretTree), nil
	}
	tree := openObject()
	for _, schema := range schemas {
		known, err := s.secretsOf(schema)
		if err != nil {
			return nil, err
		}
		tree = tree.join(known)
	}
	s.secrets.Store(key, tree)
	return tree, nil
}

// leftOpen tells whether the schema allows objects with members of which it says
// nothing, or no more than that they are strings.
func (n *node) leftOpen() bool {
	if n.obj == nil || n.obj.closed {
		return false
	}
	extra := n.obj.extra
	return extra == nil || extra.node == nil || extra.node.kinds == kindString && extra.node.text == nil
}

// namesSecret tells whether a member of that name holds a secret, such as
// sasl.password, sslkey, apiToken, Authorization or basic.auth.user.info. A name that
// goes on tells of the secret, but is none: tokenUrl, passwordFile.
func namesSecret(name string) bool {
	var plain strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' {
			plain.WriteRune(r)
		}
	}
	word := plain.String()
	for _, about := range []string{"algorithm", "endpoint", "url", "uri", "keyid", "type", "name", "path", "file", "validity", "expiry", "provider"} {
		if strings.HasSuffix(word, about) {
			return false
		}
	}
	for _, part := range []string{
		"password", "passwd", "passphrase", "secret", "token", "credential", "privatekey", "apikey", "accesskey", "sslkey",
		"fernetkey", "userinfo", "jaasconfig", "authorization", "cookie",
	} {
		if strings.Contains(word, part) {
			return true
		}
	}
	return word == "pwd" || word == "pass"
}
