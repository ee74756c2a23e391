package saml

import (
	"encoding/xml"
	"errors"
	"time"
)

// The structures below read what is used of a response, with their namespaces.

type issuer struct {
	Format string `xml:"Format,attr"`
	Value  string `xml:",chardata"`
}

type statusCode struct {
	Value string      `xml:"Value,attr"`
	Code  *statusCode `xml:"urn:oasis:names:tc:SAML:2.0:protocol StatusCode"`
}

type response struct {
	XMLName      xml.Name    `xml:"urn:oasis:names:tc:SAML:2.0:protocol Response"`
	Version      string      `xml:"Version,attr"`
	IssueInstant string      `xml:"IssueInstant,attr"`
	Destination  string      `xml:"Destination,attr"`
	InResponseTo string      `xml:"InResponseTo,attr"`
	Issuer       *issuer     `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
	StatusCode   *statusCode `xml:"urn:oasis:names:tc:SAML:2.0:protocol Status>StatusCode"`
	Message      string      `xml:"urn:oasis:names:tc:SAML:2.0:protocol Status>StatusMessage"`
}

type nameID struct {
	Format          string `xml:"Format,attr" json:"format,omitzero"`
	NameQualifier   string `xml:"NameQualifier,attr" json:"nameQualifier,omitzero"`
	SPNameQualifier string `xml:"SPNameQualifier,attr" json:"spNameQualifier,omitzero"`
	Value           string `xml:",chardata" json:"value"`
}

type confirmation struct {
	Method string `xml:"Method,attr"`
	Data   *struct {
		NotBefore    string `xml:"NotBefore,attr"`
		NotOnOrAfter string `xml:"NotOnOrAfter,attr"`
		Recipient    string `xml:"Recipient,attr"`
		InResponseTo string `xml:"InResponseTo,attr"`
	} `xml:"urn:oasis:names:tc:SAML:2.0:assertion SubjectConfirmationData"`
}

type subject struct {
	NameIDs       []nameID       `xml:"urn:oasis:names:tc:SAML:2.0:assertion NameID"`
	EncryptedIDs  []struct{}     `xml:"urn:oasis:names:tc:SAML:2.0:assertion EncryptedID"`
	Confirmations []confirmation `xml:"urn:oasis:names:tc:SAML:2.0:assertion SubjectConfirmation"`
}

type audienceRestriction struct {
	Audiences []string `xml:"urn:oasis:names:tc:SAML:2.0:assertion Audience"`
}

type condition struct {
	XMLName xml.Name
}

type conditions struct {
	NotBefore    string                `xml:"NotBefore,attr"`
	NotOnOrAfter string                `xml:"NotOnOrAfter,attr"`
	Audiences    []audienceRestriction `xml:"urn:oasis:names:tc:SAML:2.0:assertion AudienceRestriction"`
	OneTimeUse   []struct{}            `xml:"urn:oasis:names:tc:SAML:2.0:assertion OneTimeUse"`
	Proxy        []struct{}            `xml:"urn:oasis:names:tc:SAML:2.0:assertion ProxyRestriction"`
	Others       []condition           `xml:",any"`
}

type authnStatement struct {
	AuthnInstant        string `xml:"AuthnInstant,attr"`
	SessionIndex        string `xml:"SessionIndex,attr"`
	SessionNotOnOrAfter string `xml:"SessionNotOnOrAfter,attr"`
}

type attribute struct {
	Name         string   `xml:"Name,attr"`
	FriendlyName string   `xml:"FriendlyName,attr"`
	Values       []string `xml:"urn:oasis:names:tc:SAML:2.0:assertion AttributeValue"`
}

type assertion struct {
	XMLName    xml.Name         `xml:"urn:oasis:names:tc:SAML:2.0:assertion Assertion"`
	ID         string           `xml:"ID,attr"`
	Version    string           `xml:"Version,attr"`
	Issued     string           `xml:"IssueInstant,attr"`
	Issuer     *issuer          `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
	Subjects   []subject        `xml:"urn:oasis:names:tc:SAML:2.0:assertion Subject"`
	Conditions []conditions     `xml:"urn:oasis:names:tc:SAML:2.0:assertion Conditions"`
	Statements []authnStatement `xml:"urn:oasis:names:tc:SAML:2.0:assertion AuthnStatement"`
	Attributes []attribute      `xml:"urn:oasis:names:tc:SAML:2.0:assertion AttributeStatement>Attribute"`
	Encrypted  []struct{}       `xml:"urn:oasis:names:tc:SAML:2.0:assertion AttributeStatement>EncryptedAttribute"`
}

// instant reads a time of SAML, which is in UTC.
func instant(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, errors.New("a time is missing or not in the form of SAML")
	}
	return t, nil
}
