package key

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
)

const (
	minBits     = 2048
	maxBits     = 8192
	maxFileSize = 64 << 10
)

// PublishedID is the key id of the pair that OpenMetadata ships with its source:
// its private half is public knowledge.
const PublishedID = "Gb389a-9f76-gdjs-a92j-0242bk94356"

// publishedThumbprint recognises that pair under any other id.
const publishedThumbprint = "Db0dhKG2UYMwVssQYb4_2XxUSyB2gmaXm-nOhX2Hvug"

// ErrPublished refuses OpenMetadata's published key pair.
var ErrPublished = errors.New("this is the key pair published with OpenMetadata, which anybody can sign with; " +
	"remove the setting to let the server make its own, or create a new pair with openssl")

// Thumbprint is the RFC 7638 thumbprint of a public key, used as its id.
func Thumbprint(public *rsa.PublicKey) string {
	// The members in this order, without white space, are what the RFC demands.
	sum := sha256.Sum256([]byte(`{"e":"` + encodeInt(big.NewInt(int64(public.E))) + `","kty":"RSA","n":"` + encodeInt(public.N) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func encodeInt(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// Check says why a public key is not fit for signing tokens.
func Check(public *rsa.PublicKey) error {
	switch bits := public.N.BitLen(); {
	case bits < minBits:
		return fmt.Errorf("the RSA key has %d bits; %d are the least, e.g. openssl genrsa -out private_key.pem 3072", bits, minBits)
	case bits > maxBits:
		return fmt.Errorf("the RSA key has %d bits; %d are the most", bits, maxBits)
	case public.E < 65537 || public.E%2 == 0:
		return errors.New("the RSA key's exponent must be odd and at least 65537")
	case Thumbprint(public) == publishedThumbprint:
		return ErrPublished
	}
	return nil
}

// ParsePrivate reads a private RSA key: PKCS#8 or PKCS#1, DER or PEM.
func ParsePrivate(data []byte) (*rsa.PrivateKey, error) {
	der, kind, err := unwrap(data)
	if err != nil {
		return nil, err
	}
	if kind == "ENCRYPTED PRIVATE KEY" {
		return nil, errors.New("the private key is encrypted; write it without a passphrase: openssl pkcs8 -topk8 -nocrypt")
	}
	if private, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return private, Check(&private.PublicKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("no RSA private key in PKCS#8 or PKCS#1 form, DER or PEM")
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the private key is of type %T; an RSA key is needed", parsed)
	}
	return private, Check(&private.PublicKey)
}

// ParsePublic reads a public RSA key: SubjectPublicKeyInfo or PKCS#1, DER or PEM.
func ParsePublic(data []byte) (*rsa.PublicKey, error) {
	der, _, err := unwrap(data)
	if err != nil {
		return nil, err
	}
	if public, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return public, Check(public)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("no RSA public key in X.509 or PKCS#1 form, DER or PEM")
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the public key is of type %T; an RSA key is needed", parsed)
	}
	return public, Check(public)
}

// unwrap returns the DER inside a PEM block, or the data itself if it is no PEM.
func unwrap(data []byte) (der []byte, kind string, err error) {
	if len(data) == 0 {
		return nil, "", errors.New("the file is empty")
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return data, "", nil
	}
	if block.Headers["DEK-Info"] != "" {
		return nil, "", errors.New("the private key is encrypted; write it without a passphrase: openssl rsa -in FILE -out FILE")
	}
	return block.Bytes, block.Type, nil
}

// readOperatorFile reads a key file the operator named. Links are followed, since
// orchestrators mount secrets that way; what they lead to is checked.
func readOperatorFile(path string, private bool) ([]byte, error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	if mode := info.Mode().Perm(); private && mode&0o037 != 0 {
		return nil, fmt.Errorf("%s may be read or changed by others (mode %04o); run chmod 640 or chmod 600 on it", name, mode)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("%s is too large for a key", name)
	}
	return data, nil
}
