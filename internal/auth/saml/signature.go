package saml

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

const (
	exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)

// allowed tells which algorithms count. SHA-1, MD5 and every HMAC are missing on
// purpose.
func allowed(algorithm string) bool {
	switch algorithm {
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512":
		return true
	}
	return false
}

func allowedDigest(algorithm string) bool {
	switch algorithm {
	case "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384",
		"http://www.w3.org/2001/04/xmlenc#sha512":
		return true
	}
	return false
}

// verify checks the signature that is a child of the element and covers it, and
// returns the element as it was signed.
func verify(el, signature *etree.Element, trusted []*x509.Certificate, now time.Time) (*etree.Element, error) {
	id := el.SelectAttrValue("ID", "")
	if err := checkShape(signature, id); err != nil {
		return nil, err
	}
	failed := errors.New("there is no certificate to verify with")
	for _, cert := range trusted {
		detached, err := detach(el, signature, cert)
		if err != nil {
			return nil, err
		}
		validation := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
		validation.IdAttribute, validation.Clock = "ID", dsig.NewFakeClockAt(now)
		signed, err := validation.Validate(detached)
		if err != nil {
			failed = explain(cert, now)
			continue
		}
		if signed == nil || signed.SelectAttrValue("ID", "") != id || signed.Tag != el.Tag || signed.NamespaceURI() != el.NamespaceURI() {
			return nil, errors.New("the signature covers something else")
		}
		return signed, nil
	}
	return nil, failed
}

func explain(cert *x509.Certificate, now time.Time) error {
	if now.After(cert.NotAfter) || now.Before(cert.NotBefore) {
		return errors.New("the configured certificate of the identity provider is not valid at this time")
	}
	return errors.New("a signature is not by the configured certificate of the identity provider, or the content was changed")
}

// detach copies the element with the namespaces around it. What the document says of
// the key is taken out: the library would look at it.
func detach(el, signature *etree.Element, cert *x509.Certificate) (*etree.Element, error) {
	position := slices.Index(el.ChildElements(), signature)
	if position < 0 {
		return nil, errors.New("the signature is not where it belongs")
	}
	detached := el.Copy()
	for parent := el.Parent(); parent != nil; parent = parent.Parent() {
		for _, declared := range parent.Attr {
			if isNamespace(declared) && !slices.ContainsFunc(detached.Attr, func(has etree.Attr) bool { return has.Space == declared.Space && has.Key == declared.Key }) {
				detached.Attr = append(detached.Attr, declared)
			}
		}
	}
	own := detached.ChildElements()[position]
	for _, child := range own.ChildElements() {
		switch child.Tag {
		case "KeyInfo":
			own.RemoveChild(child)
		case "SignatureValue":
			if key, ok := cert.PublicKey.(*ecdsa.PublicKey); ok {
				child.SetText(asn1Signature(child.Text(), (key.Curve.Params().BitSize+7)/8))
			} else {
				child.SetText(strings.Join(strings.Fields(child.Text()), ""))
			}
		}
	}
	return detached, nil
}

func isNamespace(attribute etree.Attr) bool {
	return attribute.Space == "xmlns" || attribute.Space == "" && attribute.Key == "xmlns"
}

// asn1Signature turns an ECDSA signature as XML has it, two numbers of fixed width,
// into the form of the standard library.
func asn1Signature(text string, width int) string {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(raw) != 2*width {
		return ""
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:width]), new(big.Int).SetBytes(raw[width:])})
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(der)
}

// checkShape holds the signature against the one form that SAML allows (Core §5.4):
// one reference, to the id of the element it is in, enveloped, exclusive
// canonicalisation without comments.
func checkShape(signature *etree.Element, id string) error {
	if id == "" {
		return errors.New("a signed element has no id")
	}
	for _, child := range signature.ChildElements() {
		if child.NamespaceURI() != nsSignature || !slices.Contains([]string{"SignedInfo", "SignatureValue", "KeyInfo"}, child.Tag) {
			return errors.New("a signature has content of its own")
		}
	}
	if len(childrenOf(signature, nsSignature, "KeyInfo")) > 1 {
		return errors.New("a signature has several KeyInfo")
	}
	if _, err := onlyChild(signature, nsSignature, "SignatureValue"); err != nil {
		return err
	}
	info, err := onlyChild(signature, nsSignature, "SignedInfo")
	if err != nil {
		return err
	}
	if len(info.ChildElements()) != 3 {
		return errors.New("a signature has not exactly one reference")
	}
	if algorithm, err := algorithmOf(info, "CanonicalizationMethod"); err != nil || algorithm != exclusive {
		return errors.New("a signature uses another canonicalisation than the exclusive one")
	}
	if algorithm, err := algorithmOf(info, "SignatureMethod"); err != nil || !allowed(algorithm) {
		return errors.New("a signature uses an algorithm that is not allowed; SHA-256 or stronger is")
	}
	reference, err := onlyChild(info, nsSignature, "Reference")
	if err != nil {
		return err
	}
	return checkReference(reference, id)
}

func checkReference(reference *etree.Element, id string) error {
	if uri := reference.SelectAttrValue("URI", ""); uri != "#"+id {
		return errors.New("a signature refers to something else than the element it is in")
	}
	if algorithm, err := algorithmOf(reference, "DigestMethod"); err != nil || !allowedDigest(algorithm) {
		return errors.New("a digest uses an algorithm that is not allowed; SHA-256 or stronger is")
	}
	if _, err := onlyChild(reference, nsSignature, "DigestValue"); err != nil {
		return err
	}
	transforms, err := onlyChild(reference, nsSignature, "Transforms")
	if err != nil {
		return err
	}
	var used []string
	for _, transform := range transforms.ChildElements() {
		used = append(used, transform.SelectAttrValue("Algorithm", ""))
	}
	if len(reference.ChildElements()) != 3 || !slices.Equal(used, []string{enveloped, exclusive}) {
		return errors.New("a signature uses other transforms than enveloped and exclusive canonicalisation")
	}
	return nil
}

func algorithmOf(parent *etree.Element, name string) (string, error) {
	method, err := onlyChild(parent, nsSignature, name)
	if err != nil {
		return "", err
	}
	return method.SelectAttrValue("Algorithm", ""), nil
}
