package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

// checkLDAP checks what signing in with a directory needs.
func (b *binder) checkLDAP(cfg *Config) {
	l := cfg.Authentication.LDAP
	for _, field := range []struct{ name, value, what string }{
		{"host", l.Host, "the host of the directory"},
		{"dnAdminPrincipal", l.AdminDN, "the DN of the account that may search"},
		{"dnAdminPassword", l.AdminPassword.Reveal(), "the password of that account"},
		{"userBaseDN", l.UserBaseDN, "the DN below which people are"},
		{"mailAttributeName", l.MailAttributeName, "the attribute with the email, such as mail"},
	} {
		b.require(keyLDAP+field.name, field.value, field.what)
	}
	if strings.ContainsAny(l.Host, "/ \t@") {
		b.refuse(keyLDAP+"host", "%q must be a host name without ldap:// and without a port.", clip(l.Host))
	}
	for name, dn := range map[string]string{"dnAdminPrincipal": l.AdminDN, "userBaseDN": l.UserBaseDN, "groupBaseDN": l.GroupBaseDN} {
		if dn != "" && name != "dnAdminPrincipal" && !strings.Contains(dn, "=") {
			b.refuse(keyLDAP+name, "%q is not a DN such as ou=people,dc=example,dc=com.", clip(dn))
		}
	}
	if (l.GroupAttributeName == "") != (l.GroupAttributeValue == "") {
		b.refuse(keyLDAP+"groupAttributeValue", "groupAttributeName and groupAttributeValue must be given together, or neither.")
	}
	b.checkRolesMapping(l.RolesMapping)
	b.checkDirectoryTLS(cfg)
}

func (b *binder) checkRolesMapping(mapping string) {
	var roles map[string][]string
	if mapping != "" && json.Unmarshal([]byte(mapping), &roles) != nil {
		b.refuse(keyLDAP+"authRolesMapping", `this must be a JSON object of groups and lists of roles, such as {"cn=admins,ou=groups,dc=example,dc=com": ["DataSteward"]}.`)
	}
}

func (b *binder) checkDirectoryTLS(cfg *Config) {
	l := cfg.Authentication.LDAP
	if l.SSLEnabled && l.StartTLS {
		b.refuse(keyLDAP+"startTls", "sslEnabled and startTls exclude each other.")
	}
	if !l.SSLEnabled && !l.StartTLS && !isLoopbackHost(l.Host) {
		b.guard(cfg, CodeLDAPPlain, keyLDAP+"sslEnabled", "without TLS people's passwords cross the network in clear text.", "set it to true and the port to that of ldaps, usually 636.")
	}
	switch l.TruststoreConfigType {
	case "TrustAll":
		b.guard(cfg, CodeTrustAll, keyLDAP+"truststoreConfigType", "TrustAll lets whoever is in between read the passwords.",
			"use JVMDefault, or CustomTrustStore with the certificate of the directory's authority.")
	case "CustomTrustStore":
		b.require(keyLDAP+"trustStoreConfig.customTrustManagerConfig.trustStoreFilePath", l.TrustStorePath, "the PEM file of the authorities to trust")
	case "HostName":
		b.require(keyLDAP+"trustStoreConfig.hostNameConfig.acceptableHostNames", strings.Join(l.AcceptableHostNames, ""), "the names the directory may have")
	}
	section := map[string]string{"CustomTrustStore": "customTrustManagerConfig", "JVMDefault": "jvmDefaultConfig"}[l.TruststoreConfigType]
	if section != "" && !l.VerifyHostname {
		b.report(Notice, "CFG-IGNORED", keyLDAP+"trustStoreConfig."+section+".verifyHostname", "ignored: the name in the directory's certificate is always checked; see type HostName for other names.", "")
	}
}

// checkSAML checks what signing in with SAML needs.
func (b *binder) checkSAML(cfg *Config) {
	s := cfg.Authentication.SAML
	b.require(keySAML+"idp.entityId", s.IDPEntityID, "the identity provider's entity id")
	b.require(keySAML+"idp.ssoLoginUrl", s.IDPLoginURL, "where browsers are sent to sign in")
	b.require(keySAML+"idp.idpX509Certificate", s.IDPCertificate.Reveal(), "the certificate the identity provider signs with")
	for name, address := range map[string]string{"idp.ssoLoginUrl": s.IDPLoginURL, "idp.authorityUrl": s.IDPAuthorityURL, "sp.acs": s.SPACS, "sp.callback": s.SPCallback} {
		b.checkURL(keySAML+name, address)
	}
	b.checkHTTPS(cfg, keySAML+"idp.ssoLoginUrl", s.IDPLoginURL)
	if s.IDPCertificate != "" && len(certificates(s.IDPCertificate.Reveal())) == 0 {
		b.refuse(keySAML+"idp.idpX509Certificate", "this is not an X.509 certificate, in PEM or as Base64.")
	}
	if origin(s.SPACS) != origin(cfg.Server.URL) {
		b.refuse(keySAML+"sp.acs", "this must have the same origin as the server, %s; set oidcConfiguration.serverUrl or email.openMetadataUrl to the address in people's browsers.",
			clip(cfg.Server.URL))
	}
	if isPlain(s.SPACS) && !isLoopbackURL(s.SPACS) {
		b.guard(cfg, CodeHTTP, keySAML+"sp.acs", fmt.Sprintf("%s is not https: sign-ins can be read on their way.", clip(s.SPACS)), "put a proxy that ends TLS in front and use its address.")
	}
	b.checkServiceProviderKey(s)
}

// checkServiceProviderKey checks the key that requests are signed with and
// assertions are encrypted for.
func (b *binder) checkServiceProviderKey(s SAML) {
	const certificate, key = keySAML + "sp.spX509Certificate", keySAML + "sp.spPrivateKey"
	if s.KeyStorePath != "" {
		b.report(Notice, "CFG-IGNORED", keySAML+"security.keyStoreFilePath", "ignored: Java's key stores are not read; give spX509Certificate and spPrivateKey.", "")
	}
	if s.needsKey() {
		b.require(key, s.SPPrivateKey.Reveal(), "signing and encryption need the server's own key")
		b.require(certificate, s.SPCertificate.Reveal(), "signing and encryption need the server's own certificate")
	}
	switch {
	case s.SPCertificate == "" && s.SPPrivateKey == "":
	case s.SPCertificate != "" && len(certificates(s.SPCertificate.Reveal())) == 0:
		b.refuse(certificate, "this is not an X.509 certificate, in PEM or as Base64.")
	case s.SPPrivateKey != "" && privateKey(s.SPPrivateKey.Reveal()) == nil:
		b.refuse(key, "this is not a private key, in PEM or as Base64 of PKCS#8.")
	case s.SPCertificate != "" && s.SPPrivateKey != "" && !isPair(s):
		b.refuse(key, "this is not the key of spX509Certificate.")
	}
}

// needsKey tells whether something is to be signed by, or encrypted for, this server.
func (s SAML) needsKey() bool {
	return s.SendSignedAuthRequest || s.SignSPMetadata || s.WantAssertionEncrypted || s.WantNameIDEncrypted || s.SendEncryptedNameID
}

// certificates reads PEM or the bare Base64 of one certificate, which is what
// metadata documents of SAML hold. In variables line ends may be written as \n.
func certificates(text string) []*x509.Certificate {
	var out []*x509.Certificate
	for _, der := range blocks(text) {
		if c, err := x509.ParseCertificate(der); err == nil {
			out = append(out, c)
		}
	}
	return out
}

func privateKey(text string) []byte {
	for _, der := range blocks(text) {
		if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
			return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		}
		if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
			return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
		}
	}
	return nil
}

func isPair(s SAML) bool {
	own := certificates(s.SPCertificate.Reveal())[0]
	_, err := tls.X509KeyPair(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Raw}), privateKey(s.SPPrivateKey.Reveal()))
	return err == nil
}

// blocks returns the DER content of PEM blocks or of bare Base64.
func blocks(text string) [][]byte {
	text = strings.ReplaceAll(text, `\n`, "\n")
	var out [][]byte
	rest := bytes.TrimSpace([]byte(text))
	for len(out) < maxCertificates {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		out = append(out, block.Bytes)
	}
	if len(out) == 0 {
		if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
			out = append(out, der)
		}
	}
	return out
}

// maxCertificates bounds the blocks read from one setting.
const maxCertificates = 20
