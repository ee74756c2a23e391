package saml

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// hostile is a document that must be refused, made of the answer to a request.
type hostile struct {
	name   string
	reason string // part of the reason for the log; "" where parsers word it
	config func(*Config)
	make   func(t *testing.T, request string) []byte
}

// changed makes documents from answers with one thing wrong.
func changed(change func(*answer)) func(*testing.T, string) []byte {
	return func(_ *testing.T, request string) []byte {
		a := goodAnswer(request)
		change(&a)
		return a.raw()
	}
}

// edited makes documents that were altered after signing.
func edited(edit func(root *etree.Element)) func(*testing.T, string) []byte {
	return func(_ *testing.T, request string) []byte {
		root := goodAnswer(request).root()
		edit(root)
		return write(root)
	}
}

// editedResponse does the same where the response is signed, too.
func editedResponse(edit func(root *etree.Element)) func(*testing.T, string) []byte {
	return func(_ *testing.T, request string) []byte {
		a := goodAnswer(request)
		a.signResponse = true
		root := a.root()
		edit(root)
		return write(root)
	}
}

// texts makes documents whose text was altered after signing.
func texts(old, with string) func(*testing.T, string) []byte {
	return func(t *testing.T, request string) []byte {
		return replaced(t, goodAnswer(request).raw(), old, with)
	}
}

// evilOf is a copy for another person under another id, without a signature.
func evilOf(signed *etree.Element, id string) *etree.Element {
	evil := signed.Copy()
	evil.CreateAttr("ID", id)
	evil.FindElement(".//NameID").SetText("eve")
	if signature := evil.SelectElement("Signature"); signature != nil {
		evil.RemoveChild(signature)
	}
	return evil
}

func unsigned(el *etree.Element) *etree.Element {
	bare := el.Copy()
	bare.RemoveChild(bare.SelectElement("Signature"))
	return bare
}

// wrappings are XSW1 to XSW8 of "On Breaking SAML" (USENIX Security 2012), each also
// with the id of the original.
func wrappings() []hostile {
	var all []hostile
	for _, id := range []string{"_evil", "_assertion-1"} {
		name := func(n int) string { return fmt.Sprintf("XSW%d with id %s", n, id) }
		all = append(all,
			hostile{name: name(3), make: edited(func(root *etree.Element) {
				root.InsertChildAt(2, evilOf(root.SelectElement("Assertion"), id))
			})},
			hostile{name: name(4), make: edited(func(root *etree.Element) {
				signed := root.SelectElement("Assertion")
				evil := evilOf(signed, id)
				root.RemoveChild(signed)
				evil.AddChild(signed)
				root.AddChild(evil)
			})},
			hostile{name: name(5), make: edited(func(root *etree.Element) {
				signed := root.SelectElement("Assertion")
				bare := unsigned(signed)
				signed.CreateAttr("ID", id)
				signed.FindElement(".//NameID").SetText("eve")
				root.AddChild(bare)
			})},
			hostile{name: name(6), make: edited(func(root *etree.Element) {
				signed := root.SelectElement("Assertion")
				bare := unsigned(signed)
				signed.CreateAttr("ID", id)
				signed.FindElement(".//NameID").SetText("eve")
				signed.SelectElement("Signature").AddChild(bare)
			})},
			hostile{name: name(7), make: edited(func(root *etree.Element) {
				extensions := etree.NewElement("samlp:Extensions")
				extensions.AddChild(evilOf(root.SelectElement("Assertion"), id))
				root.InsertChildAt(1, extensions)
			})},
			hostile{name: name(8), make: edited(func(root *etree.Element) {
				signed := root.SelectElement("Assertion")
				bare := unsigned(signed)
				signed.CreateAttr("ID", id)
				signed.FindElement(".//NameID").SetText("eve")
				signed.SelectElement("Signature").CreateElement("ds:Object").AddChild(bare)
			})},
		)
	}
	for _, id := range []string{"_evil", "_response-1"} {
		name := func(n int) string { return fmt.Sprintf("XSW%d with id %s", n, id) }
		all = append(all,
			hostile{name: name(1), make: editedResponse(func(root *etree.Element) {
				original := unsigned(root)
				root.CreateAttr("ID", id)
				root.FindElement(".//NameID").SetText("eve")
				root.SelectElement("Signature").AddChild(original)
			})},
			hostile{name: name(2), make: editedResponse(func(root *etree.Element) {
				original := unsigned(root)
				root.CreateAttr("ID", id)
				root.FindElement(".//NameID").SetText("eve")
				root.InsertChildAt(1, original)
			})},
		)
	}
	return all
}

func manyNamespaces() string {
	var many strings.Builder
	for i := range 20 {
		fmt.Fprintf(&many, ` xmlns:p%d="u"`, i)
	}
	return many.String()
}

// syntax are documents that no parser should get to see in full.
func syntax() []hostile {
	prolog := func(text string) func(*testing.T, string) []byte {
		return changed(func(a *answer) { a.prolog = text })
	}
	laughs := `<!DOCTYPE r [<!ENTITY a "lol">` + strings.Repeat(`<!ENTITY b "&a;&a;&a;&a;">`, 10) + `]>`
	literal := func(raw string) func(*testing.T, string) []byte {
		return func(*testing.T, string) []byte { return []byte(raw) }
	}
	return []hostile{
		{name: "DTD", reason: "document type", make: prolog(`<!DOCTYPE Response>`)},
		{name: "external entity", reason: "document type", make: prolog(`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>`)},
		{name: "external DTD", reason: "document type", make: prolog(`<!DOCTYPE r SYSTEM "http://evil.example.com/x.dtd">`)},
		{name: "entity expansion", reason: "document type", make: prolog(laughs)},
		{name: "unknown entity", make: texts("7f3c-2201", "&admin;")},
		{name: "comment in the NameID", reason: "comment", make: texts("7f3c-2201", "7f3c<!-- -->-2201")},
		{name: "comment in front", reason: "comment", make: prolog("<!-- x -->")},
		{name: "element in the NameID", reason: "NameID", make: changed(func(a *answer) { a.nameID = "admin<b xmlns=\"\"/>.eve" })},
		{name: "processing instruction", reason: "processing instruction", make: texts("7f3c-2201", "7f3c<?x y?>-2201")},
		{name: "stylesheet", reason: "processing instruction", make: prolog(`<?xml-stylesheet href="x.xsl"?>`)},
		{name: "other encoding", make: prolog(`<?xml version="1.0" encoding="ISO-8859-1"?>`)},
		{name: "not UTF-8", reason: "UTF-8", make: texts("7f3c-2201", "\xff\xfe")},
		{name: "UTF-16", make: literal("\xfe\xff\x00<\x00a\x00/\x00>")},
		{name: "attribute twice", reason: "twice", make: texts(`Version="2.0"`, `Version="2.0" Version="2.0"`)},
		{name: "id with a prefix", reason: "prefix", make: texts(`ID="_assertion-1"`, `xml:id="_x" ID="_assertion-1"`)},
		{name: "prefix that is an attribute's", make: texts(`Version="2.0"`, `:Version="2.0"`)},
		{name: "huge", reason: "too large", make: changed(func(a *answer) { a.attributes = attributeXML("x", "", strings.Repeat("x", maxDocument)) })},
		{name: "deeply nested", reason: "nested", make: changed(func(a *answer) {
			a.attributes = attributeXML("x", "", strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100))
		})},
		{name: "many elements", reason: "elements", make: changed(func(a *answer) { a.attributes = attributeXML("x", "", strings.Repeat("<a/>", maxElements)) })},
		{name: "many attributes", reason: "attributes", make: func(t *testing.T, request string) []byte {
			var many strings.Builder
			for i := range maxAttributes + 1 {
				fmt.Fprintf(&many, ` a%d="x"`, i)
			}
			return replaced(t, goodAnswer(request).raw(), ` Version="2.0"`, many.String()+` Version="2.0"`)
		}},
		{name: "many namespaces", reason: "namespaces", make: texts("Ada Lovelace", strings.Repeat("<a"+manyNamespaces()+">", 6)+strings.Repeat("</a>", 6))},
		{name: "ends before it begins", make: literal("</a><a/>")},
		{name: "two roots", make: func(_ *testing.T, request string) []byte {
			raw := goodAnswer(request).raw()
			return append(raw, raw...)
		}},
		{name: "text behind the root", make: func(_ *testing.T, request string) []byte { return append(goodAnswer(request).raw(), "tail"...) }},
		{name: "cut off", make: func(_ *testing.T, request string) []byte {
			raw := goodAnswer(request).raw()
			return raw[:len(raw)-20]
		}},
		{name: "empty", make: literal("")},
		{name: "not XML", make: literal("SAML")},
		{name: "another document", reason: "not a SAML response", make: literal(`<a/>`)},
		{name: "response of another namespace", reason: "not a SAML response", make: texts(nsProtocol, "urn:oasis:names:tc:SAML:1.0:protocol")},
		{name: "logout response", reason: "not a SAML response", make: func(t *testing.T, request string) []byte {
			return replaced(t, goodAnswer(request).raw(), "samlp:Response", "samlp:LogoutResponse")
		}},
		{name: "deflate bomb", make: func(t *testing.T, _ string) []byte {
			var packed bytes.Buffer
			w, err := flate.NewWriter(&packed, flate.BestCompression)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(bytes.Repeat([]byte("<a>"), 1<<22)); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			return packed.Bytes()
		}},
	}
}

// signatures are documents whose signature does not vouch for them.
func signatures() []hostile {
	inSignature := func(path string, edit func(el *etree.Element)) func(*testing.T, string) []byte {
		return edited(func(root *etree.Element) { edit(root.FindElement("./Assertion/Signature" + path)) })
	}
	algorithm := func(path, uri string) func(*testing.T, string) []byte {
		return inSignature("/SignedInfo"+path, func(el *etree.Element) { el.CreateAttr("Algorithm", uri) })
	}
	return []hostile{
		{name: "unsigned", reason: "signed", make: changed(func(a *answer) { a.signAssertion = false })},
		{name: "unsigned, unsigned assertions allowed", reason: "neither", config: func(c *Config) { c.AllowUnsignedAssertions = true },
			make: changed(func(a *answer) { a.signAssertion = false })},
		{name: "only the response signed", reason: "wantAssertionsSigned", make: changed(func(a *answer) { a.signAssertion, a.signResponse = false, true })},
		{name: "response not signed though wanted", reason: "wantMessagesSigned", config: func(c *Config) { c.WantMessagesSigned = true }, make: changed(func(*answer) {})},
		{name: "wrong key", reason: "configured certificate", make: changed(func(a *answer) { a.key = wrongKey() })},
		{name: "wrong key of the response", reason: "response", make: func(_ *testing.T, request string) []byte {
			root := goodAnswer(request).root()
			signWith(root, wrongKey(), dsig.RSASHA256SignatureMethod)
			return write(root)
		}},
		{name: "wrong key, certificate of the right one in KeyInfo", reason: "configured certificate", make: func(_ *testing.T, request string) []byte {
			a := goodAnswer(request)
			a.key = identityKey{wrongKey().key, idpKey().cert}
			return a.raw()
		}},
		{name: "own key of the service provider", reason: "configured certificate", config: withKey, make: changed(func(a *answer) { a.key = spKey() })},
		{name: "SHA-1", reason: "SHA-256", make: changed(func(a *answer) { a.algorithm = dsig.RSASHA1SignatureMethod })},
		{name: "algorithm none", reason: "SHA-256", make: algorithm("/SignatureMethod", "none")},
		{name: "HMAC with the certificate", reason: "SHA-256", make: algorithm("/SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")},
		{name: "MD5 digest", reason: "SHA-256", make: algorithm("/Reference/DigestMethod", "http://www.w3.org/2001/04/xmldsig-more#md5")},
		{name: "SHA-1 digest", reason: "SHA-256", make: algorithm("/Reference/DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1")},
		{name: "XSLT transform", reason: "transforms", make: algorithm("/Reference/Transforms/Transform[2]", "http://www.w3.org/TR/1999/REC-xslt-19991116")},
		{name: "XPath transform", reason: "transforms", make: inSignature("/SignedInfo/Reference/Transforms", func(el *etree.Element) {
			el.CreateElement("ds:Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
		})},
		{name: "no transforms", make: inSignature("/SignedInfo/Reference", func(el *etree.Element) { el.RemoveChild(el.SelectElement("Transforms")) })},
		{name: "canonicalisation with comments", reason: "canonicalisation", make: algorithm("/CanonicalizationMethod", exclusive+"WithComments")},
		{name: "reference to the whole document", reason: "refers", make: inSignature("/SignedInfo/Reference", func(el *etree.Element) { el.CreateAttr("URI", "") })},
		{name: "reference to elsewhere", reason: "refers", make: inSignature("/SignedInfo/Reference", func(el *etree.Element) { el.CreateAttr("URI", "#_response-1") })},
		{name: "reference over the network", reason: "refers", make: inSignature("/SignedInfo/Reference", func(el *etree.Element) { el.CreateAttr("URI", "http://evil.example.com/") })},
		{name: "two references", reason: "reference", make: inSignature("/SignedInfo", func(el *etree.Element) { el.AddChild(el.SelectElement("Reference").Copy()) })},
		{name: "two SignedInfo", make: inSignature("", func(el *etree.Element) { el.AddChild(el.SelectElement("SignedInfo").Copy()) })},
		{name: "two SignatureValue", make: inSignature("", func(el *etree.Element) { el.AddChild(el.SelectElement("SignatureValue").Copy()) })},
		{name: "two KeyInfo", make: inSignature("", func(el *etree.Element) { el.AddChild(el.SelectElement("KeyInfo").Copy()) })},
		{name: "object in the signature", make: inSignature("", func(el *etree.Element) { el.CreateElement("ds:Object").SetText("x") })},
		{name: "two signatures", reason: "signature", make: edited(func(root *etree.Element) {
			el := root.SelectElement("Assertion")
			el.AddChild(el.SelectElement("Signature").Copy())
		})},
		{name: "signature elsewhere", reason: "signature", make: edited(func(root *etree.Element) {
			el := root.SelectElement("Assertion")
			signature := el.SelectElement("Signature")
			el.RemoveChild(signature)
			el.SelectElement("Subject").AddChild(signature)
		})},
		{name: "signature moved to the response", reason: "response", make: edited(func(root *etree.Element) {
			el := root.SelectElement("Assertion")
			signature := el.SelectElement("Signature")
			el.RemoveChild(signature)
			root.InsertChildAt(1, signature)
		})},
		{name: "empty signature", make: inSignature("", func(el *etree.Element) { el.Child = nil })},
		{name: "empty SignatureValue", make: inSignature("/SignatureValue", func(el *etree.Element) { el.SetText("") })},
		{name: "no id", make: edited(func(root *etree.Element) { root.SelectElement("Assertion").RemoveAttr("ID") })},
		{name: "changed NameID", reason: "changed", make: texts("7f3c-2201", "7f3c-2202")},
		{name: "changed attribute", reason: "changed", make: texts("DataSteward", "Admin")},
		{name: "added attribute", reason: "changed", make: edited(func(root *etree.Element) {
			root.FindElement("./Assertion/AttributeStatement").AddChild(parse(`<saml:Attribute xmlns:saml="` + nsAssertion + `" Name="Role"><saml:AttributeValue>Admin</saml:AttributeValue></saml:Attribute>`))
		})},
		{name: "response signed, assertion swapped", reason: "response", make: editedResponse(func(root *etree.Element) {
			root.RemoveChild(root.SelectElement("Assertion"))
			a := goodAnswer("_other")
			a.nameID = "eve"
			root.AddChild(parse(string(write(a.root().SelectElement("Assertion").Copy()))))
		})},
		{name: "response signed, assertion of before signing swapped", reason: "response", config: func(c *Config) { c.AllowUnsignedAssertions = true },
			make: func(_ *testing.T, request string) []byte {
				a := goodAnswer(request)
				a.signAssertion, a.signResponse = false, true
				root := a.root()
				root.FindElement(".//NameID").SetText("eve")
				return write(root)
			}},
		{name: "id twice", reason: "id twice", make: edited(func(root *etree.Element) { root.SelectElement("Status").CreateAttr("ID", "_assertion-1") })},
		{name: "id twice in another case", reason: "id twice", make: edited(func(root *etree.Element) { root.SelectElement("Status").CreateAttr("Id", "_assertion-1") })},
		{name: "expired certificate", reason: "not valid at this time", config: func(c *Config) {
			c.IDPCertificate = pemOf(certify(idpKey().key, &idpKey().key.PublicKey, noon().AddDate(-2, 0, 0), noon().AddDate(-1, 0, 0)))
		}, make: changed(func(*answer) {})},
	}
}

// contents are well signed but say the wrong thing.
func contents() []hostile {
	second := `<saml:AudienceRestriction><saml:Audience>https://other.example.com</saml:Audience></saml:AudienceRestriction>`
	cases := []struct {
		name, reason string
		change       func(*answer)
	}{
		{"expired", "expired", func(a *answer) { a.end = noon().Add(-time.Hour) }},
		{"expired confirmation", "expired", func(a *answer) { a.confirmEnd = noon().Add(-31 * time.Second) }},
		{"endless confirmation", "no end", func(a *answer) { a.confirmEnd = time.Time{} }},
		{"future", "not valid for another", func(a *answer) { a.begin = noon().Add(31 * time.Second) }},
		{"made in the future", "future", func(a *answer) { a.issued = noon().Add(time.Hour) }},
		{"made long ago", "long ago", func(a *answer) { a.issued = noon().Add(-11 * time.Minute) }},
		{"session over", "session", func(a *answer) { a.sessionEnd = noon().Add(-time.Hour).Format(time.RFC3339) }},
		{"no time at all", "time", func(a *answer) { a.sessionEnd = "soon" }},
		{"local time", "time", func(a *answer) { a.sessionEnd = "2026-11-24T20:00:00" }},
		{"wrong audience", "Audience", func(a *answer) { a.audience = "https://other.example.com" }},
		{"audience with our name in front", "Audience", func(a *answer) { a.audience = spEntity + ".evil.example.com" }},
		{"no audience", "AudienceRestriction", func(a *answer) { a.audience = "" }},
		{"second restriction to others", "Audience", func(a *answer) { a.extraConditions = second }},
		{"unknown condition", "condition", func(a *answer) { a.extraConditions = `<saml:Condition/>` }},
		{"wrong recipient", "Recipient", func(a *answer) { a.recipient = "https://other.example.com/acs" }},
		{"wrong destination", "Destination", func(a *answer) { a.destination = "https://other.example.com/acs" }},
		{"no destination", "Destination", func(a *answer) { a.destination = "" }},
		{"wrong issuer of the response", "Issuer", func(a *answer) { a.issuer = "https://evil.example.com" }},
		{"wrong issuer of the assertion", "Issuer", func(a *answer) { a.assertionIssuer = "https://evil.example.com" }},
		{"issuer with a slash more", "Issuer", func(a *answer) { a.assertionIssuer = idpEntity + "/" }},
		{"unsolicited", "not asked for", func(a *answer) { a.request, a.confirmed = "", "" }},
		{"to another request", "InResponseTo", func(a *answer) { a.request, a.confirmed = "_other", "_other" }},
		{"envelope to another request", "InResponseTo", func(a *answer) { a.request = "_other" }},
		{"confirmation to another request", "InResponseTo", func(a *answer) { a.confirmed = "_other" }},
		{"holder of key", "bearer", func(a *answer) { a.method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key" }},
		{"sender vouches", "bearer", func(a *answer) { a.method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches" }},
		{"empty NameID", "NameID", func(a *answer) { a.nameID = " " }},
		{"long NameID", "NameID", func(a *answer) { a.nameID = strings.Repeat("x", maxNameID+1) }},
		{"control characters in the NameID", "NameID", func(a *answer) { a.nameID = "admin\teve" }},
		{"transient NameID", "transient", func(a *answer) { a.nameFormat = formatTransient }},
		{"no NameID", "NameID", func(a *answer) {
			a.beforeSigning = func(el *etree.Element) {
				s := el.SelectElement("Subject")
				s.RemoveChild(s.SelectElement("NameID"))
			}
		}},
		{"two NameIDs", "NameID", func(a *answer) {
			a.beforeSigning = func(el *etree.Element) {
				s := el.SelectElement("Subject")
				s.InsertChildAt(0, s.SelectElement("NameID").Copy())
			}
		}},
		{"NameID for another service", "SPNameQualifier", func(a *answer) {
			a.beforeSigning = func(el *etree.Element) {
				el.FindElement("./Subject/NameID").CreateAttr("SPNameQualifier", "https://other.example.com")
			}
		}},
		{"two subjects", "Subject", func(a *answer) {
			a.beforeSigning = func(el *etree.Element) { el.AddChild(el.SelectElement("Subject").Copy()) }
		}},
		{"no AuthnStatement", "AuthnStatement", func(a *answer) {
			a.beforeSigning = func(el *etree.Element) { el.RemoveChild(el.SelectElement("AuthnStatement")) }
		}},
		{"no conditions", "Conditions", func(a *answer) {
			a.beforeSigning = func(el *etree.Element) { el.RemoveChild(el.SelectElement("Conditions")) }
		}},
		{"SAML 1.1", "SAML 2.0", func(a *answer) {
			a.beforeSigning = func(el *etree.Element) { el.CreateAttr("Version", "1.1") }
		}},
		{"assertion as advice", "assertions", func(a *answer) {
			a.advice = `<saml:Advice><saml:Assertion ID="_a" Version="2.0"/></saml:Advice>`
		}},
		{"encrypted attribute", "encrypted attributes", func(a *answer) { a.attributes += `<saml:EncryptedAttribute/>` }},
		{"encrypted NameID", "encrypted", func(a *answer) {
			a.beforeSigning = func(el *etree.Element) { el.SelectElement("Subject").CreateElement("saml:EncryptedID") }
		}},
	}
	all := make([]hostile, len(cases))
	for i, c := range cases {
		all[i] = hostile{name: c.name, reason: c.reason, make: changed(c.change)}
	}
	return append(all,
		hostile{name: "no assertion", reason: "no assertion", make: edited(func(root *etree.Element) { root.RemoveChild(root.SelectElement("Assertion")) })},
		hostile{name: "envelope of SAML 1.1", reason: "SAML 2.0", make: edited(func(root *etree.Element) { root.CreateAttr("Version", "1.1") })},
		hostile{name: "envelope without a time", reason: "time", make: edited(func(root *etree.Element) { root.RemoveAttr("IssueInstant") })})
}

func TestHostileDocuments(t *testing.T) {
	var all []hostile
	for _, group := range [][]hostile{wrappings(), syntax(), signatures(), contents()} {
		all = append(all, group...)
	}
	if len(all) < 100 {
		t.Fatalf("only %d documents", len(all))
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t, c.config)
			d, _ := begin(t, p)
			raw := c.make(t, d.Note)
			granted, err := p.Finish(context.Background(), d, post(d, raw))
			refusal := entity.AsError(err)
			if refusal == nil || refusal.Code != auth.CodeSAML {
				t.Fatalf("granted %+v, error %v", granted.Identity, err)
			}
			if refusal.Cause == nil || !strings.Contains(refusal.Cause.Error(), c.reason) {
				t.Errorf("the reason is %v, want one with %q", refusal.Cause, c.reason)
			}
			if granted.Identity.Subject != "" {
				t.Errorf("granted %+v", granted.Identity)
			}
		})
	}
}

func TestStatusOfFailure(t *testing.T) {
	p := newProvider(t, nil)
	for _, status := range []string{"urn:oasis:names:tc:SAML:2.0:status:Responder", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed", ""} {
		d, _ := begin(t, p)
		a := goodAnswer(d.Note)
		a.status = status
		root := a.root()
		root.RemoveChild(root.SelectElement("Assertion"))
		root.SelectElement("Status").CreateElement("samlp:StatusMessage").SetText("<script>no</script>" + strings.Repeat("x", 1000))
		_, err := p.Finish(context.Background(), d, post(d, write(root)))
		refusal := entity.AsError(err)
		if refusal == nil || refusal.Code != auth.CodeProvider {
			t.Fatalf("error %v", err)
		}
		if len(refusal.Error()) > 600 || !strings.Contains(refusal.Cause.Error(), "script") {
			t.Errorf("error %v", refusal)
		}
		if strings.Contains(refusal.Message+refusal.Hint, "script") {
			t.Error("the provider's words reach the person")
		}
	}
}

func TestReplay(t *testing.T) {
	p := newProvider(t, nil)
	d, _ := begin(t, p)
	raw := goodAnswer(d.Note).raw()
	if _, err := p.Finish(context.Background(), d, post(d, raw)); err != nil {
		t.Fatal(err)
	}
	_, err := p.Finish(context.Background(), d, post(d, raw))
	if refusal := entity.AsError(err); refusal == nil || refusal.Code != auth.CodeSAML || !strings.Contains(err.Error(), "used before") {
		t.Fatalf("error %v", err)
	}
	other, _ := begin(t, p)
	if _, err := p.Finish(context.Background(), other, post(other, raw)); entity.AsError(err) == nil {
		t.Fatal("accepted by another attempt")
	}
}

func TestHostileForms(t *testing.T) {
	p := newProvider(t, nil)
	d, _ := begin(t, p)
	good := base64.StdEncoding.EncodeToString(goodAnswer(d.Note).raw())
	cases := []struct {
		name, code string
		form       url.Values
	}{
		{"nothing", auth.CodeState, url.Values{}},
		{"no RelayState", auth.CodeState, url.Values{"SAMLResponse": {good}}},
		{"another RelayState", auth.CodeState, url.Values{"SAMLResponse": {good}, "RelayState": {"x"}}},
		{"two RelayStates", auth.CodeState, url.Values{"SAMLResponse": {good}, "RelayState": {d.State, d.State}}},
		{"no response", auth.CodeSAML, url.Values{"RelayState": {d.State}}},
		{"two responses", auth.CodeSAML, url.Values{"SAMLResponse": {good, good}, "RelayState": {d.State}}},
		{"artifact", auth.CodeSAML, url.Values{"SAMLart": {"AAQ"}, "RelayState": {d.State}}},
		{"not Base64", auth.CodeSAML, url.Values{"SAMLResponse": {"%%%"}, "RelayState": {d.State}}},
		{"too large to decode", auth.CodeSAML, url.Values{"SAMLResponse": {strings.Repeat("A", 2*maxDocument+1)}, "RelayState": {d.State}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := p.Finish(context.Background(), d, c.form)
			if refusal := entity.AsError(err); refusal == nil || refusal.Code != c.code {
				t.Fatalf("error %v", err)
			}
		})
	}
	d.Note = ""
	if _, err := p.Finish(context.Background(), d, url.Values{"SAMLResponse": {good}, "RelayState": {d.State}}); err == nil {
		t.Fatal("accepted without a request")
	}
}

// FuzzJudge changes documents at will: nothing may panic, and nobody but the signed
// person may get in.
func FuzzJudge(f *testing.F) {
	const request = "_request-1"
	p := newProvider(f, func(c *Config) { withKey(c); c.AllowUnsignedAssertions = true })
	a := goodAnswer(request)
	f.Add(a.raw())
	a.signResponse = true
	f.Add(a.raw())
	a.signResponse, a.encrypt = false, gcm().encrypt
	f.Add(a.raw())
	a.encrypt, a.signAssertion = nil, false
	f.Add(a.raw())
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		read, err := p.judge(raw, request, noon())
		if err != nil {
			if entity.AsError(err) == nil {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		granted, err := p.grant(read)
		if err != nil {
			t.Fatal(err)
		}
		if granted.Identity.Subject != "7f3c-2201" || granted.Identity.Text("email") != "ada@example.com" {
			t.Fatalf("somebody else: %+v", granted.Identity)
		}
		if !bytes.Contains(raw, []byte("Signature")) && !bytes.Contains(raw, []byte("EncryptedAssertion")) {
			t.Fatal("accepted without a signature")
		}
	})
}
