package saml

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

const (
	idpEntity = "https://idp.example.com/realms/catalpa"
	idpLogin  = "https://idp.example.com/sso?client=catalpa"
	spEntity  = "https://catalpa.example.com/api/v1/saml/metadata"
	spACS     = "https://catalpa.example.com/api/v1/saml/acs"
)

// noon is the time on all clocks of these tests.
func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// identityKey is a key pair with a certificate.
type identityKey struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

// keyPairs are made once: RSA keys are slow to make.
var keyPairs = sync.OnceValue(func() [3]identityKey { //nolint:gochecknoglobals // made once for all tests
	var made [3]identityKey
	for i := range made {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		made[i] = identityKey{key, certify(key, &key.PublicKey, noon().AddDate(-1, 0, 0), noon().AddDate(1, 0, 0))}
	}
	return made
})

func idpKey() identityKey   { return keyPairs()[0] }
func spKey() identityKey    { return keyPairs()[1] }
func wrongKey() identityKey { return keyPairs()[2] }

func certify(key any, public any, begin, end time.Time) *x509.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: begin, NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

func pemOf(cert *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

func pemOfKey(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func config() Config {
	return Config{
		IDPEntityID: idpEntity, IDPLoginURL: idpLogin, IDPCertificate: pemOf(idpKey().cert),
		NameIDFormat: FormatPersistent, SPEntityID: spEntity,
		ACSURL: spACS, Production: true,
	}
}

func newProvider(t testing.TB, change func(*Config)) *Provider {
	t.Helper()
	c := config()
	if change != nil {
		change(&c)
	}
	p, err := New(c, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// answer is a response that the identity provider of these tests would give.
type answer struct {
	request, destination, issuer, status      string
	recipient, audience, confirmed, assertion string
	assertionIssuer, nameID, nameFormat       string
	issued, begin, end, confirmEnd            time.Time
	session, sessionEnd                       string
	attributes, extraConditions, advice       string
	method                                    string
	key                                       identityKey
	signAssertion, signResponse               bool
	algorithm                                 string
	beforeSigning                             func(assertion *etree.Element)
	encrypt                                   func(assertion *etree.Element) *etree.Element
	prolog                                    string
}

func goodAnswer(request string) answer {
	return answer{
		request: request, destination: spACS, issuer: idpEntity, status: statusSuccess,
		recipient: spACS, audience: spEntity, confirmed: request, assertion: "_assertion-1", assertionIssuer: idpEntity,
		nameID: "7f3c-2201", nameFormat: FormatPersistent,
		issued: noon(), begin: noon().Add(-time.Minute), end: noon().Add(5 * time.Minute), confirmEnd: noon().Add(5 * time.Minute),
		session: "session-9", sessionEnd: noon().Add(8 * time.Hour).Format(time.RFC3339), method: bearer,
		attributes: attributeXML("email", "mail", "ada@example.com") + attributeXML("displayName", "", "Ada Lovelace") +
			attributeXML("Role", "", "DataSteward") + attributeXML("Role", "", "DataConsumer"),
		key: idpKey(), signAssertion: true, algorithm: dsig.RSASHA256SignatureMethod,
	}
}

func attributeXML(name, friendly string, values ...string) string {
	out := fmt.Sprintf(`<saml:Attribute Name=%q NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"`, name)
	if friendly != "" {
		out += fmt.Sprintf(` FriendlyName=%q`, friendly)
	}
	out += ">"
	for _, value := range values {
		out += `<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string">` + value + `</saml:AttributeValue>`
	}
	return out + "</saml:Attribute>"
}

func (a answer) assertionXML() string {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	confirmEnd := ""
	if !a.confirmEnd.IsZero() {
		confirmEnd = ` NotOnOrAfter="` + at(a.confirmEnd) + `"`
	}
	sessionEnd := ""
	if a.sessionEnd != "" {
		sessionEnd = ` SessionNotOnOrAfter="` + a.sessionEnd + `"`
	}
	audience := ""
	if a.audience != "" {
		audience = `<saml:AudienceRestriction><saml:Audience>` + a.audience + `</saml:Audience></saml:AudienceRestriction>`
	}
	return `<saml:Assertion xmlns:saml="` + nsAssertion + `" ID="` + a.assertion + `" IssueInstant="` + at(a.issued) + `" Version="2.0">` +
		`<saml:Issuer>` + a.assertionIssuer + `</saml:Issuer>` + a.advice +
		`<saml:Subject><saml:NameID Format="` + a.nameFormat + `">` + a.nameID + `</saml:NameID>` +
		`<saml:SubjectConfirmation Method="` + a.method + `"><saml:SubjectConfirmationData InResponseTo="` + a.confirmed + `" Recipient="` + a.recipient + `"` + confirmEnd + `/></saml:SubjectConfirmation></saml:Subject>` +
		`<saml:Conditions NotBefore="` + at(a.begin) + `" NotOnOrAfter="` + at(a.end) + `">` + audience + a.extraConditions + `</saml:Conditions>` +
		`<saml:AuthnStatement AuthnInstant="` + at(a.issued) + `" SessionIndex="` + a.session + `"` + sessionEnd + `><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
		`<saml:AttributeStatement>` + a.attributes + `</saml:AttributeStatement></saml:Assertion>`
}

// root builds and signs the document.
func (a answer) root() *etree.Element {
	el := parse(a.assertionXML())
	if a.beforeSigning != nil {
		a.beforeSigning(el)
	}
	if a.signAssertion {
		signWith(el, a.key, a.algorithm)
	}
	if a.encrypt != nil {
		el = a.encrypt(el)
	}
	root := parse(`<samlp:Response xmlns:samlp="` + nsProtocol + `" xmlns:saml="` + nsAssertion + `" ID="_response-1" Version="2.0" IssueInstant="` +
		a.issued.UTC().Format("2006-01-02T15:04:05.000Z") + `" Destination="` + a.destination + `" InResponseTo="` + a.request + `">` +
		`<saml:Issuer>` + a.issuer + `</saml:Issuer><samlp:Status><samlp:StatusCode Value="` + a.status + `"/></samlp:Status></samlp:Response>`)
	root.AddChild(el)
	if a.signResponse {
		signWith(root, a.key, a.algorithm)
	}
	return root
}

func (a answer) raw() []byte { return append([]byte(a.prolog), write(a.root())...) }

// signWith signs an element and puts the signature behind its Issuer.
func signWith(el *etree.Element, by identityKey, algorithm string) {
	signing, err := dsig.NewSigningContext(by.key, [][]byte{by.cert.Raw})
	if err != nil {
		panic(err)
	}
	signing.IdAttribute, signing.Canonicalizer = "ID", dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := signing.SetSignatureMethod(algorithm); err != nil {
		panic(err)
	}
	signature, err := signing.ConstructSignature(el, true)
	if err != nil {
		panic(err)
	}
	el.InsertChildAt(1, signature)
}

func parse(text string) *etree.Element {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		panic(err)
	}
	return doc.Root()
}

func write(root *etree.Element) []byte {
	raw, err := etree.NewDocumentWithRoot(root).WriteToBytes()
	if err != nil {
		panic(err)
	}
	return raw
}

// begin starts an attempt and returns it with the request that the browser carries.
func begin(t testing.TB, p *Provider) (auth.Departure, url.Values) {
	t.Helper()
	d := auth.Departure{State: "ab12cd34.c29tZSByYW5kb20gc3RhdGUgb2YgMjU2IGJpdHM"}
	address, err := p.Start(context.Background(), &d)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return d, parsed.Query()
}

func post(d auth.Departure, raw []byte) url.Values {
	return url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(raw)}, "RelayState": {d.State}}
}

func inflate(t testing.TB, packed string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		t.Fatal(err)
	}
	document, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// ecdsaAnswer signs an assertion with an elliptic curve in the form that XML has.
func ecdsaAnswer(t testing.TB, request string) (*x509.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := certify(key, &key.PublicKey, noon().AddDate(-1, 0, 0), noon().AddDate(1, 0, 0))
	a := goodAnswer(request)
	a.signAssertion = false
	root := a.root()
	el := root.SelectElement("Assertion")
	signing, err := dsig.NewSigningContext(key, [][]byte{cert.Raw})
	if err != nil {
		t.Fatal(err)
	}
	signing.IdAttribute, signing.Canonicalizer = "ID", dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signature, err := signing.ConstructSignature(el, true)
	if err != nil {
		t.Fatal(err)
	}
	value := signature.SelectElement("SignatureValue")
	der, err := base64.StdEncoding.DecodeString(value.Text())
	if err != nil {
		t.Fatal(err)
	}
	value.SetText(base64.StdEncoding.EncodeToString(fixedWidth(t, der)))
	el.InsertChildAt(1, signature)
	return cert, write(root)
}

// replaced changes a text that must be there.
func replaced(t testing.TB, raw []byte, old, with string) []byte {
	t.Helper()
	if !strings.Contains(string(raw), old) {
		t.Fatalf("the document has no %q", old)
	}
	return []byte(strings.ReplaceAll(string(raw), old, with))
}
