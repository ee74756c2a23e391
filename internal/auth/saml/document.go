package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
	xrv "github.com/mattermost/xml-roundtrip-validator"
)

// The namespaces of the documents.
const (
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsEncrypted = "http://www.w3.org/2001/04/xmlenc#"
)

// Bounds of a document.
const (
	maxDocument   = 256 << 10
	maxDepth      = 32
	maxElements   = 5000
	maxAttributes = 64
	maxNamespaces = 100 // in scope at one place
)

// readDocument parses a document that has nothing in it which parsers disagree on,
// and returns its root.
func readDocument(raw []byte) (*etree.Element, error) {
	if len(raw) > maxDocument {
		return nil, errors.New("the document is too large")
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("the document is not UTF-8")
	}
	if err := checkTokens(raw); err != nil {
		return nil, err
	}
	if err := xrv.Validate(bytes.NewReader(raw)); err != nil {
		return nil, errors.New("the document does not survive being read and written")
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		return nil, errors.New("the document is not well-formed")
	}
	root := doc.Root()
	if root == nil {
		return nil, errors.New("the document is empty")
	}
	return root, nil
}

// checkTokens bounds the document and refuses what SAML has no use for, before
// anything is built from it.
func checkTokens(raw []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	var seen census
	for {
		begin := decoder.InputOffset()
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.New("the document is not well-formed")
		}
		if err := seen.add(token, begin); err != nil {
			return err
		}
	}
	if seen.depth != 0 || seen.roots != 1 {
		return errors.New("the document is not well-formed")
	}
	return nil
}

// census counts what a document has.
type census struct {
	depth, elements, roots int
	namespaces             []int // in scope, by depth
}

func (c *census) add(token xml.Token, begin int64) error {
	switch token := token.(type) {
	case xml.Directive:
		return errors.New("the document has a document type")
	case xml.Comment:
		return errors.New("the document has a comment")
	case xml.ProcInst:
		if token.Target != "xml" || begin != 0 {
			return errors.New("the document has a processing instruction")
		}
	case xml.StartElement:
		return c.open(token)
	case xml.EndElement:
		c.depth--
		if c.depth >= 0 {
			c.namespaces = c.namespaces[:c.depth]
		}
	case xml.CharData:
		if c.depth == 0 && len(bytes.TrimSpace(token)) > 0 {
			return errors.New("the document has text outside of its root")
		}
	}
	return nil
}

func (c *census) open(el xml.StartElement) error {
	inScope := 0
	if c.depth == 0 {
		c.roots++
	} else if c.depth > 0 {
		inScope = c.namespaces[c.depth-1]
	}
	for _, attribute := range el.Attr {
		if attribute.Name.Space == "xmlns" || attribute.Name.Local == "xmlns" {
			inScope++
		}
	}
	c.depth++
	c.elements++
	if c.depth < 1 || c.depth > maxDepth || c.elements > maxElements || c.roots > 1 || inScope > maxNamespaces {
		return errors.New("the document is nested too deeply, has too many elements or namespaces, or several roots")
	}
	c.namespaces = append(c.namespaces, inScope)
	return checkAttributes(el.Attr)
}

func checkAttributes(attributes []xml.Attr) error {
	if len(attributes) > maxAttributes {
		return errors.New("an element has too many attributes")
	}
	seen := make(map[xml.Name]bool, len(attributes))
	for _, attribute := range attributes {
		if seen[attribute.Name] {
			return errors.New("an element has an attribute twice")
		}
		seen[attribute.Name] = true
		// Libraries look for ID without minding prefixes, and some for other spellings.
		if strings.EqualFold(attribute.Name.Local, "ID") && attribute.Name.Space != "" {
			return errors.New("an id has a prefix")
		}
	}
	return nil
}

// parts are the places of a response that matter.
type parts struct {
	signature          *etree.Element // of the response; nil for none
	assertion          *etree.Element // plain; nil for none
	encrypted          *etree.Element // nil for none
	assertionSignature *etree.Element // nil for none
}

// takeApart finds the parts of a response and makes sure that they are where they
// belong and nowhere else, which is what signature wrapping cannot live with.
func takeApart(root *etree.Element) (parts, error) {
	var found parts
	if !is(root, nsProtocol, "Response") {
		return found, errors.New("the document is not a SAML response")
	}
	ids := map[string]bool{}
	err := walk(root, func(el *etree.Element) error { return found.visit(root, el, ids) })
	return found, err
}

// takeAssertion does the same for an assertion that was encrypted.
func takeAssertion(root *etree.Element) (signature *etree.Element, err error) {
	if !is(root, nsAssertion, "Assertion") {
		return nil, errors.New("what was encrypted is not an assertion")
	}
	found := parts{assertion: root}
	ids := map[string]bool{}
	err = walk(root, func(el *etree.Element) error {
		if el == root {
			return addID(el, ids)
		}
		return found.visit(nil, el, ids)
	})
	return found.assertionSignature, err
}

func (p *parts) visit(root, el *etree.Element, ids map[string]bool) error {
	if err := addID(el, ids); err != nil {
		return err
	}
	parent := el.Parent()
	switch {
	case el != root && is(el, nsProtocol, "Response"):
		return errors.New("the document has a response inside another")
	case is(el, nsAssertion, "Assertion"), is(el, nsAssertion, "EncryptedAssertion"):
		if parent != root || p.assertion != nil || p.encrypted != nil {
			return errors.New("the document has several assertions, or one where none belongs")
		}
		if el.Tag == "Assertion" {
			p.assertion = el
		} else {
			p.encrypted = el
		}
	case is(el, nsSignature, "Signature"):
		return p.addSignature(root, el)
	case is(el, nsSignature, "Object"), is(el, nsSignature, "Manifest"), is(el, nsSignature, "RetrievalMethod") && !below(el, nsEncrypted, "EncryptedData"):
		return errors.New("a signature holds or names other content")
	case is(el, nsAssertion, "NameID") && len(el.ChildElements()) > 0:
		return errors.New("a NameID has elements inside")
	}
	return nil
}

func (p *parts) addSignature(root, el *etree.Element) error {
	parent := el.Parent()
	switch {
	case root != nil && parent == root && p.signature == nil:
		p.signature = el
	case parent != nil && parent == p.assertion && p.assertionSignature == nil:
		p.assertionSignature = el
	default:
		return errors.New("the document has a signature where none belongs")
	}
	return nil
}

func addID(el *etree.Element, ids map[string]bool) error {
	for _, attribute := range el.Attr {
		if !strings.EqualFold(attribute.Key, "ID") {
			continue
		}
		if attribute.Value == "" || ids[attribute.Value] {
			return errors.New("the document has an id twice, or an empty one")
		}
		ids[attribute.Value] = true
	}
	return nil
}

// walk visits the elements in the order of the document.
func walk(el *etree.Element, visit func(*etree.Element) error) error {
	if err := visit(el); err != nil {
		return err
	}
	for _, child := range el.ChildElements() {
		if err := walk(child, visit); err != nil {
			return err
		}
	}
	return nil
}

func is(el *etree.Element, namespace, name string) bool {
	return el != nil && el.Tag == name && el.NamespaceURI() == namespace
}

func below(el *etree.Element, namespace, name string) bool {
	for parent := el.Parent(); parent != nil; parent = parent.Parent() {
		if is(parent, namespace, name) {
			return true
		}
	}
	return false
}

// childrenOf returns the children of one name.
func childrenOf(el *etree.Element, namespace, name string) []*etree.Element {
	var found []*etree.Element
	for _, child := range el.ChildElements() {
		if is(child, namespace, name) {
			found = append(found, child)
		}
	}
	return found
}

// onlyChild returns the one child of a name.
func onlyChild(el *etree.Element, namespace, name string) (*etree.Element, error) {
	found := childrenOf(el, namespace, name)
	if len(found) != 1 {
		return nil, fmt.Errorf("%s needs one %s, has %d", el.Tag, name, len(found))
	}
	return found[0], nil
}

// decode reads an element into a structure.
func decode(el *etree.Element, into any) error {
	doc := etree.NewDocumentWithRoot(el.Copy())
	raw, err := doc.WriteToBytes()
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(raw, into); err != nil {
		return errors.New("an element does not have the form that SAML gives it")
	}
	return nil
}
