package saml

import (
	"encoding/base64"
	"fmt"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

const nsMetadata = "urn:oasis:names:tc:SAML:2.0:metadata"

// describe writes the metadata. It has no end of validity: operators paste it once.
func (p *Provider) describe() ([]byte, error) {
	root := etree.NewElement("md:EntityDescriptor")
	root.CreateAttr("xmlns:md", nsMetadata)
	root.CreateAttr("ID", newID())
	root.CreateAttr("entityID", p.config.SPEntityID)
	role := root.CreateElement("md:SPSSODescriptor")
	role.CreateAttr("AuthnRequestsSigned", fmt.Sprint(p.config.SignRequests))
	role.CreateAttr("WantAssertionsSigned", fmt.Sprint(!p.config.AllowUnsignedAssertions))
	role.CreateAttr("protocolSupportEnumeration", nsProtocol)
	if p.keys.own != nil {
		p.describeKey(role, "signing")
	}
	// Providers that read "encryption" encrypt, so it is there only when wanted.
	if p.config.WantAssertionEncrypted {
		key := p.describeKey(role, "encryption")
		for _, algorithm := range []string{"http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm", nsEncrypted + "rsa-oaep-mgf1p"} {
			key.CreateElement("md:EncryptionMethod").CreateAttr("Algorithm", algorithm)
		}
	}
	if p.config.LogoutURL != "" {
		logout := role.CreateElement("md:SingleLogoutService")
		logout.CreateAttr("Binding", bindingRedirect)
		logout.CreateAttr("Location", p.config.LogoutURL)
	}
	role.CreateElement("md:NameIDFormat").SetText(p.config.NameIDFormat)
	consumer := role.CreateElement("md:AssertionConsumerService")
	consumer.CreateAttr("Binding", bindingPost)
	consumer.CreateAttr("Location", p.config.ACSURL)
	consumer.CreateAttr("index", "0")
	consumer.CreateAttr("isDefault", "true")
	if p.config.SignMetadata {
		if err := p.sign(root); err != nil {
			return nil, err
		}
	}
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	doc.SetRoot(root)
	return doc.WriteToBytes()
}

func (p *Provider) describeKey(role *etree.Element, use string) *etree.Element {
	key := role.CreateElement("md:KeyDescriptor")
	key.CreateAttr("use", use)
	info := key.CreateElement("ds:KeyInfo")
	info.CreateAttr("xmlns:ds", nsSignature)
	info.CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").
		SetText(base64.StdEncoding.EncodeToString(p.keys.own.Raw))
	return key
}

// sign puts an enveloped signature in front, where the schema wants it.
func (p *Provider) sign(root *etree.Element) error {
	signing, err := dsig.NewSigningContext(p.keys.ownKey, [][]byte{p.keys.own.Raw})
	if err != nil {
		return err
	}
	signing.IdAttribute = "ID"
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := signing.SetSignatureMethod(rsaSHA256); err != nil {
		return err
	}
	signature, err := signing.ConstructSignature(root, true)
	if err != nil {
		return err
	}
	root.InsertChildAt(0, signature)
	return nil
}
