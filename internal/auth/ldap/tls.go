package ldap

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// maxTrustStore bounds the file of certificate authorities.
const maxTrustStore = 4 << 20

// tlsConfig returns how the directory's certificate is judged. The dates and, unless
// every certificate is accepted, the name are always checked.
func (c Config) tlsConfig() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.Host}
	switch c.Truststore {
	case TrustCustom:
		pool, err := readAuthorities(c.TrustStorePath)
		if err != nil {
			return nil, err
		}
		conf.RootCAs = pool
	case TrustNames:
		c.acceptNames(conf)
	case TrustAll:
		conf.InsecureSkipVerify = true
	}
	return conf, nil
}

// acceptNames has the chain checked as ever, but the name compared with the list.
func (c Config) acceptNames(conf *tls.Config) {
	names, wildcards := slices.Clone(c.AcceptedHostNames), c.AllowWildcards
	conf.InsecureSkipVerify = true // VerifyConnection does what this leaves out
	conf.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the directory sent no certificate")
		}
		leaf, between := state.PeerCertificates[0], x509.NewCertPool()
		for _, cert := range state.PeerCertificates[1:] {
			between.AddCert(cert)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: conf.RootCAs, Intermediates: between}); err != nil {
			return err
		}
		for _, name := range names {
			if certificateHas(leaf, name, wildcards) {
				return nil
			}
		}
		return errors.New("the directory's certificate is for none of acceptableHostNames")
	}
}

func certificateHas(cert *x509.Certificate, name string, wildcards bool) bool {
	if cert.VerifyHostname(name) != nil {
		return false
	}
	if wildcards {
		return true
	}
	literal := func(has string) bool { return strings.EqualFold(has, name) }
	return slices.ContainsFunc(cert.DNSNames, literal) || len(cert.IPAddresses) > 0 && !strings.Contains(name, "*") && isAddressOf(cert, name)
}

func isAddressOf(cert *x509.Certificate, name string) bool {
	for _, ip := range cert.IPAddresses {
		if ip.String() == name {
			return true
		}
	}
	return false
}

func readAuthorities(path string) (*x509.CertPool, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxTrustStore {
		return nil, errors.New("trustStoreFilePath: there is no such file that can be read, or it is too large")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New("trustStoreFilePath: the file cannot be read by this server")
	}
	if isKeyStore(content) {
		return nil, errors.New("trustStoreFilePath: this is a Java key store; export the certificate as PEM (keytool -exportcert -rfc) and name that file")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("trustStoreFilePath: the file holds no certificate in PEM form")
	}
	return pool, nil
}

// isKeyStore knows JKS and JCEKS by their magic numbers, PKCS #12 by its DER frame.
func isKeyStore(content []byte) bool {
	return bytes.HasPrefix(content, []byte{0xFE, 0xED, 0xFE, 0xED}) ||
		bytes.HasPrefix(content, []byte{0xCE, 0xCE, 0xCE, 0xCE}) ||
		bytes.HasPrefix(content, []byte{0x30, 0x82})
}
