package saml

import (
	"context"
	"crypto/x509"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// directory is what the other implementation knows of service providers.
type directory struct{ described *crewjam.EntityDescriptor }

func (d directory) GetServiceProvider(*http.Request, string) (*crewjam.EntityDescriptor, error) {
	return d.described, nil
}

type signedIn struct{}

func (signedIn) GetSession(http.ResponseWriter, *http.Request, *crewjam.IdpAuthnRequest) *crewjam.Session {
	return &crewjam.Session{
		ID: "s1", Index: "index-1", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour), NameID: "ada@example.com", NameIDFormat: FormatEmail,
		UserEmail: "ada@example.com", UserCommonName: "Ada Lovelace", UserSurname: "Lovelace", UserGivenName: "Ada", Groups: []string{"stewards", "people"},
	}
}

// TestAnotherImplementation runs a whole sign-in against an identity provider that
// was not written along with this package and reads our metadata and request itself.
func TestAnotherImplementation(t *testing.T) {
	key := idpKey()
	cert := certify(key.key, &key.key.PublicKey, time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0))
	server := httptest.NewServer(nil)
	defer server.Close()
	at := func(path string) url.URL {
		address, err := url.Parse(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		return *address
	}
	provider := &crewjam.IdentityProvider{
		Key: key.key, Certificate: cert, MetadataURL: at("/metadata"), SSOURL: at("/sso"),
		SessionProvider: signedIn{}, SignatureMethod: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
	}
	entityID := provider.MetadataURL.String()
	p, err := New(Config{
		IDPEntityID: entityID, IDPLoginURL: provider.SSOURL.String(), IDPCertificate: pemOf(cert),
		SPEntityID: spEntity, ACSURL: spACS,
	}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	described := &crewjam.EntityDescriptor{}
	if err := xml.Unmarshal(p.Metadata(), described); err != nil {
		t.Fatal(err)
	}
	provider.ServiceProviderProvider = directory{described}
	server.Config.Handler = provider.Handler()

	d := auth.Departure{State: "ab12cd34.c29tZSByYW5kb20"}
	address, err := p.Start(context.Background(), &d)
	if err != nil {
		t.Fatal(err)
	}
	answered, err := server.Client().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answered.Body.Close()
	form := formOf(t, answered)
	granted, err := p.Finish(context.Background(), d, form)
	if err != nil {
		t.Fatal(err)
	}
	if granted.Identity.Subject != "ada@example.com" || granted.Identity.Text("name") != "Ada Lovelace" || granted.Session != "index-1" || granted.Identity.Issuer != entityID {
		t.Errorf("granted %+v", granted)
	}
	if _, err := p.Finish(context.Background(), d, form); err == nil {
		t.Error("accepted twice")
	}
}

// formOf reads the fields of the page that posts itself.
func formOf(t *testing.T, page *http.Response) url.Values {
	t.Helper()
	decoder := xml.NewDecoder(page.Body)
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	form := url.Values{}
	for {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		field, ok := token.(xml.StartElement)
		if !ok || !strings.EqualFold(field.Name.Local, "input") {
			continue
		}
		values := map[string]string{}
		for _, attribute := range field.Attr {
			values[attribute.Name.Local] = attribute.Value
		}
		if values["name"] != "" {
			form.Set(values["name"], values["value"])
		}
	}
	if form.Get("SAMLResponse") == "" {
		t.Fatalf("status %d without a response", page.StatusCode)
	}
	return form
}

// TestKeycloakShape is a response in the form that Keycloak gives with the defaults of
// a new client: only the document signed, its own prefixes, KeyInfo with a bare key.
func TestKeycloakShape(t *testing.T) {
	p := newProvider(t, func(c *Config) { c.WantMessagesSigned, c.AllowUnsignedAssertions = true, true })
	d, _ := begin(t, p)
	a := goodAnswer(d.Note)
	a.signAssertion = false
	assertion := strings.NewReplacer("saml:", "", "xmlns:saml", "xmlns").Replace(a.assertionXML())
	root := parse(`<samlp:Response xmlns:samlp="` + nsProtocol + `" xmlns:saml="` + nsAssertion + `" Destination="` + spACS + `" ID="ID_8c1d" InResponseTo="` + d.Note + `" IssueInstant="2026-11-24T12:00:00.123Z" Version="2.0">` +
		`<saml:Issuer>` + idpEntity + `</saml:Issuer><samlp:Status><samlp:StatusCode Value="` + statusSuccess + `"/></samlp:Status>` + assertion + `</samlp:Response>`)
	signWith(root, idpKey(), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
	info := root.FindElement("./Signature/KeyInfo")
	info.Child = nil
	info.CreateElement("ds:KeyValue").CreateElement("ds:RSAKeyValue").CreateElement("ds:Modulus").SetText("AQAB")
	granted, err := p.Finish(context.Background(), d, post(d, write(root)))
	if err != nil {
		t.Fatal(err)
	}
	if granted.Identity.Subject != "7f3c-2201" || granted.Identity.Text("email") != "ada@example.com" {
		t.Errorf("granted %+v", granted.Identity)
	}
}

var _ auth.RedirectProvider = (*Provider)(nil)

// TestCertificatesOfOtherKinds keeps keys out that no signature here could use.
func TestCertificatesOfOtherKinds(t *testing.T) {
	if err := strong(&x509.Certificate{}); err == nil {
		t.Error("accepted")
	}
}
