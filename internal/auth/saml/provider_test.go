package saml

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/xml"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func fixedWidth(t testing.TB, der []byte) []byte {
	t.Helper()
	var numbers struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &numbers); err != nil {
		t.Fatal(err)
	}
	return append(numbers.R.FillBytes(make([]byte, 32)), numbers.S.FillBytes(make([]byte, 32))...)
}

func TestStartAsksForAResponse(t *testing.T) {
	p := newProvider(t, nil)
	d, query := begin(t, p)
	var request crewjam.AuthnRequest
	if err := xml.Unmarshal(inflate(t, query.Get("SAMLRequest")), &request); err != nil {
		t.Fatal(err)
	}
	if request.ID != d.Note || d.Note == "" {
		t.Errorf("request id %q, note %q", request.ID, d.Note)
	}
	got := []string{request.Version, request.Destination, request.Issuer.Value, request.AssertionConsumerServiceURL, request.ProtocolBinding, *request.NameIDPolicy.Format}
	want := []string{"2.0", idpLogin, spEntity, spACS, bindingPost, FormatPersistent}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if request.ForceAuthn != nil || !request.IssueInstant.Equal(noon()) {
		t.Errorf("force %v, issued %v", request.ForceAuthn, request.IssueInstant)
	}
	if query.Get("RelayState") != d.State || query.Get("client") != "catalpa" || query.Has("Signature") {
		t.Errorf("query %v", query)
	}
	again, _ := begin(t, p)
	if again.Note == d.Note {
		t.Error("two requests have one id")
	}
	long := auth.Departure{State: strings.Repeat("x", 81)}
	if _, err := p.Start(context.Background(), &long); err == nil {
		t.Error("a RelayState of 81 bytes was sent")
	}
}

func withKey(c *Config) {
	c.SPCertificate, c.SPPrivateKey = pemOf(spKey().cert), pemOfKey(spKey().key)
}

func TestStartSignsTheRequest(t *testing.T) {
	p := newProvider(t, func(c *Config) { withKey(c); c.SignRequests = true; c.IDPLoginURL = "https://idp.example.com/sso" })
	d := auth.Departure{State: "a.b/c+d"}
	address, err := p.Start(context.Background(), &d)
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(address, "?")
	signed, encoded, _ := strings.Cut(query, "&Signature=")
	verifyRedirect(t, signed, encoded)
}

func verifyRedirect(t *testing.T, signed, encoded string) {
	t.Helper()
	text, err := url.QueryUnescape(encoded)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(signed))
	if err := rsa.VerifyPKCS1v15(&spKey().key.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
		t.Error(err)
	}
	if !strings.Contains(signed, "SigAlg="+url.QueryEscape(rsaSHA256)) {
		t.Errorf("no algorithm in %s", signed)
	}
}

func TestFinishGrants(t *testing.T) {
	p := newProvider(t, nil)
	d, _ := begin(t, p)
	granted, err := p.Finish(context.Background(), d, post(d, goodAnswer(d.Note).raw()))
	if err != nil {
		t.Fatal(err)
	}
	if granted.Identity.Issuer != idpEntity || granted.Identity.Subject != "7f3c-2201" || granted.Session != "session-9" {
		t.Errorf("granted %+v", granted)
	}
	if !granted.Expires.Equal(noon().Add(8*time.Hour)) || granted.IDToken != "" || granted.RefreshToken != "" {
		t.Errorf("granted %+v", granted)
	}
	got := map[string]string{}
	for claim, value := range granted.Identity.Claims {
		got[claim] = string(value)
	}
	want := map[string]string{
		"sub": `"7f3c-2201"`, "email": `"ada@example.com"`, "mail": `"ada@example.com"`,
		"displayName": `"Ada Lovelace"`, "name": `"Ada Lovelace"`, "Role": `["DataSteward","DataConsumer"]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// good are answers that must be accepted; each returns what the browser posts.
func TestFinishAccepts(t *testing.T) {
	unsigned := func(c *Config) { c.AllowUnsignedAssertions = true }
	cases := []struct {
		name   string
		config func(*Config)
		change func(*answer)
	}{
		{"assertion signed", nil, func(*answer) {}},
		{"both signed", nil, func(a *answer) { a.signResponse = true }},
		{"both signed and wanted", func(c *Config) { c.WantMessagesSigned = true }, func(a *answer) { a.signResponse = true }},
		{"response signed only, allowed", unsigned, func(a *answer) { a.signAssertion, a.signResponse = false, true }},
		{"SHA-512", nil, func(a *answer) { a.algorithm = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" }},
		{"XML declaration", nil, func(a *answer) { a.prolog = `<?xml version="1.0" encoding="UTF-8"?>` }},
		{"no end of the session", nil, func(a *answer) { a.sessionEnd = "" }},
		{"clock behind by less than the skew", nil, func(a *answer) { a.begin, a.issued = noon().Add(20*time.Second), noon().Add(20*time.Second) }},
		{"clock ahead by less than the skew", nil, func(a *answer) { a.end, a.confirmEnd = noon().Add(-20*time.Second), noon().Add(-20*time.Second) }},
		{"one use only", nil, func(a *answer) { a.extraConditions = "<saml:OneTimeUse/>" }},
		{"bare certificate", func(c *Config) { c.IDPCertificate = base64.StdEncoding.EncodeToString(idpKey().cert.Raw) }, func(*answer) {}},
		{"certificate with \\n of an environment file", func(c *Config) { c.IDPCertificate = strings.ReplaceAll(c.IDPCertificate, "\n", `\n`) }, func(*answer) {}},
		{"second certificate during a change", func(c *Config) { c.IDPCertificate = pemOf(wrongKey().cert) + c.IDPCertificate }, func(*answer) {}},
		{"member of many groups", nil, func(a *answer) {
			a.attributes += attributeXML("Group", "", make([]string, 800)...) + attributeXML("Role", "", make([]string, 800)...)
		}},
		{"spaces around the NameID", nil, func(a *answer) { a.nameID = "\n  7f3c-2201\n" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t, c.config)
			d, _ := begin(t, p)
			a := goodAnswer(d.Note)
			c.change(&a)
			granted, err := p.Finish(context.Background(), d, post(d, a.raw()))
			if err != nil {
				t.Fatal(err)
			}
			if granted.Identity.Subject != "7f3c-2201" {
				t.Errorf("subject %q", granted.Identity.Subject)
			}
		})
	}
}

func TestFinishAcceptsEllipticCurve(t *testing.T) {
	d, _ := begin(t, newProvider(t, nil))
	cert, raw := ecdsaAnswer(t, d.Note)
	p := newProvider(t, func(c *Config) { c.IDPCertificate = pemOf(cert) })
	if _, err := p.Finish(context.Background(), d, post(d, raw)); err != nil {
		t.Fatal(err)
	}
}

func TestEmailFromNameID(t *testing.T) {
	p := newProvider(t, func(c *Config) { c.NameIDFormat = formatEmailOther })
	d, query := begin(t, p)
	if !strings.Contains(string(inflate(t, query.Get("SAMLRequest"))), FormatEmail) {
		t.Error("the request does not name the format as the standard does")
	}
	for _, format := range []string{FormatEmail, formatEmailOther} {
		a := goodAnswer(d.Note)
		a.attributes, a.nameID, a.nameFormat, a.assertion = attributeXML("givenName", "", "Ada")+attributeXML("sn", "", "Lovelace")+attributeXML("email_verified", "", "true"), "ada@example.com", format, newID()
		granted, err := p.Finish(context.Background(), d, post(d, a.raw()))
		if err != nil {
			t.Fatal(err)
		}
		if granted.Identity.Text("email") != "ada@example.com" || granted.Identity.Text("name") != "Ada Lovelace" {
			t.Errorf("claims %s", granted.Identity.Claims)
		}
		if string(granted.Identity.Claims["email_verified"]) != "true" {
			t.Errorf("email_verified %s", granted.Identity.Claims["email_verified"])
		}
	}
}

func TestAttributesCannotRenameTheSubject(t *testing.T) {
	p := newProvider(t, nil)
	d, _ := begin(t, p)
	a := goodAnswer(d.Note)
	a.attributes += attributeXML("sub", "", "root") + attributeXML("x", "email", "eve@example.com")
	granted, err := p.Finish(context.Background(), d, post(d, a.raw()))
	if err != nil {
		t.Fatal(err)
	}
	if granted.Identity.Text("sub") != "7f3c-2201" || granted.Identity.Text("email") != "ada@example.com" {
		t.Errorf("claims %s", granted.Identity.Claims)
	}
}

func TestSignOut(t *testing.T) {
	if got := newProvider(t, nil).SignOut(`{"value":"x"}`, "s", "https://catalpa.example.com/signed-out"); got != "" {
		t.Errorf("without a logout URL: %s", got)
	}
	p := newProvider(t, func(c *Config) { withKey(c); c.IDPLogoutURL = "https://idp.example.com/slo" })
	d, _ := begin(t, p)
	granted, err := p.Finish(context.Background(), d, post(d, goodAnswer(d.Note).raw()))
	if err != nil {
		t.Fatal(err)
	}
	address := p.SignOut(granted.IDToken, granted.Session, "https://catalpa.example.com/signed-out")
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var request crewjam.LogoutRequest
	if err := xml.Unmarshal(inflate(t, parsed.Query().Get("SAMLRequest")), &request); err != nil {
		t.Fatal(err)
	}
	if request.NameID.Value != "7f3c-2201" || request.NameID.Format != FormatPersistent || request.SessionIndex.Value != "session-9" || request.Issuer.Value != spEntity {
		t.Errorf("request %+v", request)
	}
	signed, encoded, _ := strings.Cut(parsed.RawQuery, "&Signature=")
	verifyRedirect(t, signed, encoded)
	if got := p.SignOut("", "s", "/"); got != "" {
		t.Errorf("without a name: %s", got)
	}
}

func TestMetadata(t *testing.T) {
	p := newProvider(t, func(c *Config) {
		withKey(c)
		c.SignMetadata, c.SignRequests, c.WantAssertionEncrypted = true, true, true
		c.LogoutURL = "https://catalpa.example.com/api/v1/saml/logout"
	})
	var described crewjam.EntityDescriptor
	if err := xml.Unmarshal(p.Metadata(), &described); err != nil {
		t.Fatal(err)
	}
	role := described.SPSSODescriptors[0]
	if described.EntityID != spEntity || role.AssertionConsumerServices[0].Location != spACS || role.AssertionConsumerServices[0].Binding != bindingPost {
		t.Errorf("described %+v", described)
	}
	if !*role.AuthnRequestsSigned || !*role.WantAssertionsSigned || len(role.KeyDescriptors) != 2 || len(role.SingleLogoutServices) != 1 {
		t.Errorf("role %+v", role)
	}
	root, err := readDocument(p.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(root, root.ChildElements()[0], p.keys.trusted, noon()); err == nil {
		t.Error("verified by the identity provider's key")
	}
	own, err := readCertificates(pemOf(spKey().cert))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(root, root.ChildElements()[0], own, noon()); err != nil {
		t.Error(err)
	}
	if strings.Contains(string(newProvider(t, nil).Metadata()), "KeyDescriptor") {
		t.Error("a provider without a key describes one")
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	weak := weakCertificate(t)
	cases := []struct {
		name, setting string
		change        func(*Config)
	}{
		{"no entity id of the provider", "idp.entityId", func(c *Config) { c.IDPEntityID = "" }},
		{"no own entity id", "sp.entityId", func(c *Config) { c.SPEntityID = "" }},
		{"http in production", "idp.ssoLoginUrl", func(c *Config) { c.IDPLoginURL = "http://idp.example.com/sso" }},
		{"relative address", "sp.acs", func(c *Config) { c.ACSURL = "/api/v1/saml/acs" }},
		{"script address", "sp.acs", func(c *Config) { c.ACSURL = "javascript://x/%0aalert(1)" }},
		{"no certificate", "idp.idpX509Certificate", func(c *Config) { c.IDPCertificate = "" }},
		{"no PEM", "idp.idpX509Certificate", func(c *Config) { c.IDPCertificate = "???" }},
		{"key for a certificate", "idp.idpX509Certificate", func(c *Config) { c.IDPCertificate = pemOfKey(idpKey().key) }},
		{"weak key", "idp.idpX509Certificate", func(c *Config) { c.IDPCertificate = weak }},
		{"transient", "idp.nameId", func(c *Config) { c.NameIDFormat = formatTransient }},
		{"no format", "idp.nameId", func(c *Config) { c.NameIDFormat = "email" }},
		{"key store", "security.keyStoreFilePath", func(c *Config) { c.KeyStorePath = "/etc/keys.jks" }},
		{"encrypted NameID", "security.sendEncryptedNameId", func(c *Config) { c.SendEncryptedNameID = true }},
		{"signing without a key", "sp.spPrivateKey", func(c *Config) { c.SignRequests = true }},
		{"encryption without a key", "sp.spPrivateKey", func(c *Config) { c.WantAssertionEncrypted = true }},
		{"another key's certificate", "sp.spX509Certificate", func(c *Config) { withKey(c); c.SPCertificate = pemOf(idpKey().cert) }},
		{"key without a certificate", "sp.spX509Certificate", func(c *Config) { withKey(c); c.SPCertificate = "" }},
		{"broken key", "sp.spPrivateKey", func(c *Config) { withKey(c); c.SPPrivateKey = "bm90IGEga2V5" }},
		{"skew", "maxClockSkew", func(c *Config) { c.Skew = time.Hour }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conf := config()
			c.change(&conf)
			_, err := New(conf, noon, nil)
			if err == nil || !strings.Contains(err.Error(), c.setting) {
				t.Fatalf("error %v does not name %s", err, c.setting)
			}
			if conf.SPPrivateKey != "" && strings.Contains(err.Error(), conf.SPPrivateKey) {
				t.Error("the error tells the key")
			}
		})
	}
	conf := config()
	conf.ACSURL, conf.IDPLoginURL = "http://localhost:8585/api/v1/saml/acs", "http://127.0.0.1:8080/sso"
	if _, err := New(conf, noon, nil); err != nil {
		t.Errorf("http on this host: %v", err)
	}
}

func TestDiagnose(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", noon().Add(10*time.Minute).Format(http.TimeFormat))
	}))
	defer server.Close()
	ending := certify(idpKey().key, &idpKey().key.PublicKey, noon().AddDate(-1, 0, 0), noon().AddDate(0, 0, 3))
	p := newProvider(t, func(c *Config) {
		c.IDPCertificate = pemOf(ending)
		c.IDPLoginURL, c.Client = server.URL, server.Client()
		withKey(c)
	})
	failed := map[string]string{}
	for _, step := range p.Diagnose(context.Background()) {
		if !step.OK {
			failed[step.Name] = step.Detail
			if step.Remedy == "" {
				t.Errorf("%s has no remedy", step.Name)
			}
		}
	}
	want := map[string]string{
		"certificate of the identity provider": "ends on 2026-11-27",
		"identity provider and its clock":      "reached, but the clocks are 10m0s apart",
	}
	if diff := cmp.Diff(want, failed); diff != "" {
		t.Error(diff)
	}
}

func TestRefusalsTellNothing(t *testing.T) {
	p := newProvider(t, nil)
	d, _ := begin(t, p)
	a := goodAnswer(d.Note)
	a.audience = "https://other.example.com"
	_, err := p.Finish(context.Background(), d, post(d, a.raw()))
	refusal := entity.AsError(err)
	if refusal == nil || refusal.Code != auth.CodeSAML || refusal.Kind != entity.KindUnauthorized {
		t.Fatalf("error %v", err)
	}
	if refusal.Message != auth.Refuse(auth.CodeSAML).Message || !strings.Contains(refusal.Error(), "Audience") {
		t.Errorf("message %q, error %q", refusal.Message, refusal)
	}
	if strings.Contains(refusal.Error(), "ada@example.com") || strings.Contains(refusal.Error(), d.Note) {
		t.Errorf("the reason repeats the document: %v", refusal)
	}
}
