package saml

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The formats of a NameID that are of use here.
const (
	FormatEmail       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	FormatPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	FormatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	formatTransient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	// formatEmailOther is how the setting's default has always been written; no
	// standard knows it.
	formatEmailOther = "urn:oasis:names:tc:SAML:2.0:nameid-format:emailAddress"
	formatPrefix     = "urn:oasis:names:tc:SAML:"
)

const (
	defaultSkew = 30 * time.Second
	maxSkew     = 5 * time.Minute
	minRSABits  = 2048
)

// Config describes both sides. The comments give the name of the setting.
type Config struct {
	IDPEntityID    string // idp.entityId, compared byte for byte
	IDPLoginURL    string // idp.ssoLoginUrl, HTTP-Redirect binding
	IDPLogoutURL   string // single logout, HTTP-Redirect binding; "" for none
	IDPCertificate string // idp.idpX509Certificate: PEM (several for a change of keys) or bare Base64
	NameIDFormat   string // idp.nameId; default FormatEmail

	SPEntityID    string // sp.entityId
	ACSURL        string // sp.acs
	LogoutURL     string // where the provider answers sign-outs; "" for none
	SPCertificate string // sp.spX509Certificate
	SPPrivateKey  string // sp.spPrivateKey

	SignRequests            bool   // security.sendSignedAuthRequest
	SignMetadata            bool   // security.signSpMetadata
	WantMessagesSigned      bool   // security.wantMessagesSigned
	AllowUnsignedAssertions bool   // security.wantAssertionsSigned set to false: then the response must be signed
	WantAssertionEncrypted  bool   // security.wantAssertionEncrypted
	SendEncryptedNameID     bool   // security.sendEncryptedNameId: refused
	KeyStorePath            string // security.keyStoreFilePath: refused

	DisplayNameAttributes []string      // samlDisplayNameAttributes
	Skew                  time.Duration // clocks may differ by this; default 30 s
	Production            bool          // refuses http off this host

	// Client asks the provider's host for the time in Diagnose; nil leaves that out.
	Client *http.Client
}

// credentials are the keys of both sides, read and checked.
type credentials struct {
	trusted []*x509.Certificate // the provider's
	own     *x509.Certificate   // nil for none
	ownKey  *rsa.PrivateKey     // nil for none; signs and decrypts
}

func (c Config) withDefaults() Config {
	switch c.NameIDFormat {
	case "", formatEmailOther:
		c.NameIDFormat = FormatEmail
	}
	if c.Skew == 0 {
		c.Skew = defaultSkew
	}
	if len(c.DisplayNameAttributes) == 0 {
		c.DisplayNameAttributes = []string{"displayName", "http://schemas.microsoft.com/identity/claims/displayname", "urn:oid:2.16.840.1.113730.3.1.241", "cn", "urn:oid:2.5.4.3"}
	}
	return c
}

// check reports all that is wrong with the plain settings, each line naming one.
func (c Config) check() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.IDPEntityID == "" {
		wrong("idp.entityId: copy the entity id of the identity provider")
	}
	if c.SPEntityID == "" {
		wrong("sp.entityId: give this server's entity id, such as the address of its metadata")
	}
	for _, place := range []struct {
		setting, address string
		optional         bool
	}{
		{"idp.ssoLoginUrl", c.IDPLoginURL, false}, {"sp.acs", c.ACSURL, false},
		{"the identity provider's logout URL", c.IDPLogoutURL, true}, {"this server's logout URL", c.LogoutURL, true},
	} {
		if place.address == "" && place.optional {
			continue
		}
		if err := checkURL(place.address, c.Production); err != nil {
			wrong("%s: %w", place.setting, err)
		}
	}
	if !strings.HasPrefix(c.NameIDFormat, formatPrefix) {
		wrong("idp.nameId: must be the URN of a NameID format, such as %s", FormatPersistent)
	}
	if c.NameIDFormat == formatTransient {
		wrong("idp.nameId: a transient NameID names a person only once; use persistent or emailAddress")
	}
	if c.Skew < 0 || c.Skew > maxSkew {
		wrong("maxClockSkew: between 0 and %d seconds", int(maxSkew.Seconds()))
	}
	if c.KeyStorePath != "" {
		wrong("security.keyStoreFilePath: key stores are not read; put certificate and key as PEM into sp.spX509Certificate and sp.spPrivateKey")
	}
	if c.SendEncryptedNameID {
		wrong("security.sendEncryptedNameId: is not offered; set it to false")
	}
	return errors.Join(problems...)
}

func checkURL(text string, production bool) error {
	address, err := url.Parse(text)
	if err != nil || address.Host == "" || address.User != nil || address.Fragment != "" {
		return errors.New("must be an absolute URL without user or fragment")
	}
	switch {
	case address.Scheme == "https":
	case address.Scheme != "http":
		return errors.New("must begin with https://")
	case production && !isLoopback(address.Hostname()):
		return errors.New("must begin with https:// in production")
	}
	return nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// credentials reads the certificates and the key.
func (c Config) credentials() (credentials, error) {
	var have credentials
	var err error
	if have.trusted, err = readCertificates(c.IDPCertificate); err != nil {
		return have, fmt.Errorf("idp.idpX509Certificate: %w", err)
	}
	for _, cert := range have.trusted {
		if err := strong(cert.PublicKey); err != nil {
			return have, fmt.Errorf("idp.idpX509Certificate: %w", err)
		}
	}
	if c.SPPrivateKey == "" {
		if c.SignRequests || c.SignMetadata || c.WantAssertionEncrypted {
			return have, errors.New("sp.spPrivateKey: is needed for sendSignedAuthRequest, signSpMetadata and wantAssertionEncrypted")
		}
		return have, nil
	}
	return c.ownCredentials(have)
}

func (c Config) ownCredentials(have credentials) (credentials, error) {
	own, err := readCertificates(c.SPCertificate)
	if err != nil {
		return have, fmt.Errorf("sp.spX509Certificate: %w", err)
	}
	have.own = own[0]
	if have.ownKey, err = readKey(c.SPPrivateKey); err != nil {
		return have, fmt.Errorf("sp.spPrivateKey: %w", err)
	}
	if err := strong(have.ownKey.Public()); err != nil {
		return have, fmt.Errorf("sp.spPrivateKey: %w", err)
	}
	if !have.ownKey.PublicKey.Equal(have.own.PublicKey) {
		return have, errors.New("sp.spX509Certificate: is not the certificate of sp.spPrivateKey")
	}
	return have, nil
}

// strong refuses keys that can be broken.
func strong(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSABits {
			return fmt.Errorf("an RSA key of %d bits is too weak, at least %d are needed", key.N.BitLen(), minRSABits)
		}
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < 256 {
			return errors.New("the elliptic curve is too weak")
		}
	default:
		return errors.New("only RSA and ECDSA keys are supported")
	}
	return nil
}

// readCertificates reads PEM blocks, or one certificate in Base64 as metadata have it.
func readCertificates(text string) ([]*x509.Certificate, error) {
	text = unescapeLines(text)
	if text == "" {
		return nil, errors.New("is empty")
	}
	var found []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("holds a PEM block of type %q, not a certificate", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("is not a valid X.509 certificate")
		}
		found = append(found, cert)
	}
	if len(found) > 0 {
		return found, nil
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("is neither PEM nor Base64")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("is not a valid X.509 certificate")
	}
	return []*x509.Certificate{cert}, nil
}

// readKey reads a private RSA key in PEM or bare Base64. Other kinds cannot decrypt,
// and what signatures of theirs look like in XML is not agreed on in practice.
func readKey(text string) (*rsa.PrivateKey, error) {
	text = unescapeLines(text)
	der := []byte(nil)
	if block, rest := pem.Decode([]byte(text)); block != nil {
		if len(bytes.TrimSpace(rest)) > 0 {
			return nil, errors.New("holds more than one PEM block")
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, errors.New("is protected by a pass phrase; give it without, from a secret store")
		}
		der = block.Bytes
	} else if der, _ = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); len(der) == 0 {
		return nil, errors.New("is neither PEM nor Base64")
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if own, ok := key.(*rsa.PrivateKey); ok {
			return own, nil
		}
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("is not a private RSA key in PKCS #8 or PKCS #1 form")
}

// unescapeLines undoes the \n that environment files make of line ends.
func unescapeLines(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, `\n`, "\n"))
}
