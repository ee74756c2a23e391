package key

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
)

const (
	minBits = 2048
	maxBits = 8192
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
		return unfit(fmt.Sprintf("%d are the least: make a pair with %s", minBits, remedyNew), "the RSA key has %d bits", bits)
	case bits > maxBits:
		return unfit(fmt.Sprintf("%d are the most: make a pair with %s", maxBits, remedyNew), "the RSA key has %d bits", bits)
	case public.E < 65537 || public.E%2 == 0:
		return unfit("make a pair with "+remedyNew, "the RSA key's exponent must be odd and at least 65537")
	case Thumbprint(public) == publishedThumbprint:
		return ErrPublished
	}
	return nil
}

// Unfit is why a key file is not taken, and what mends it.
type Unfit struct{ Problem, Remedy string }

// Error is both in one line.
func (e *Unfit) Error() string { return e.Problem + "; " + e.Remedy }

func unfit(remedy, problem string, args ...any) error {
	return &Unfit{Problem: fmt.Sprintf(problem, args...), Remedy: remedy}
}

// IsPublished tells whether one of an operator's key files holds a half of the
// published pair, whatever else is wrong with the files.
func IsPublished(privateFile, publicFile string) bool {
	if data, err := readOperatorFile(privateFile, false, rules{}); err == nil {
		if _, err := ParsePrivate(data); errors.Is(err, ErrPublished) {
			return true
		}
	}
	data, err := readOperatorFile(publicFile, false, rules{})
	if err != nil {
		return false
	}
	_, err = ParsePublic(data)
	return errors.Is(err, ErrPublished)
}

// The remedies that refusals name: the commands that write what is accepted.
const (
	remedyPrivate = "openssl pkcs8 -topk8 -inform PEM -outform DER -in private_key.pem -out private_key.der -nocrypt"
	remedyPublic  = "openssl rsa -in private_key.pem -pubout -outform DER -out public_key.der"
	remedyNew     = "openssl genrsa -out private_key.pem 3072"
)

func encrypted() error {
	return unfit("write it without a passphrase: "+remedyPrivate, "the private key is encrypted")
}

// ParsePrivate reads a private RSA key: PKCS#8 or PKCS#1, DER or PEM.
func ParsePrivate(data []byte) (*rsa.PrivateKey, error) {
	der, kind, err := unwrap(data)
	if err != nil {
		return nil, err
	}
	if kind == "ENCRYPTED PRIVATE KEY" || isEncrypted(der) {
		return nil, encrypted()
	}
	if private, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return private, Check(&private.PublicKey)
	}
	if _, err := x509.ParseECPrivateKey(der); err == nil {
		return nil, notRSA("private", new(ecdsa.PrivateKey))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, unfit("write one with "+remedyPrivate, "no RSA private key in PKCS#8 or PKCS#1 form, DER or PEM")
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, notRSA("private", parsed)
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
		return nil, unfit("write one with "+remedyPublic, "no RSA public key in X.509 or PKCS#1 form, DER or PEM")
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, notRSA("public", parsed)
	}
	return public, Check(public)
}

func notRSA(half string, parsed any) error {
	kind := fmt.Sprintf("of type %T", parsed)
	switch parsed.(type) {
	case *ecdsa.PrivateKey, *ecdsa.PublicKey:
		kind = "an EC key"
	case ed25519.PrivateKey, ed25519.PublicKey:
		kind = "an Ed25519 key"
	}
	return unfit("tokens are signed with RSA: make a pair with "+remedyNew, "the %s key is %s", half, kind)
}

// isEncrypted recognises EncryptedPrivateKeyInfo (RFC 5958 §3).
func isEncrypted(der []byte) bool {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	rest, err := asn1.Unmarshal(der, &info)
	return err == nil && len(rest) == 0
}

// unwrap returns the DER inside a PEM block, or the data itself if it is no PEM.
func unwrap(data []byte) (der []byte, kind string, err error) {
	if len(data) == 0 {
		return nil, "", unfit("write the key again: "+remedyPrivate, "the file is empty")
	}
	block, rest := pem.Decode(data)
	if block != nil && block.Type == "EC PARAMETERS" { // comes before the key itself
		block, _ = pem.Decode(rest)
	}
	if block == nil {
		return data, "", nil
	}
	if block.Headers["DEK-Info"] != "" {
		return nil, "", encrypted()
	}
	return block.Bytes, block.Type, nil
}
