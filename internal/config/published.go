package config

import (
	"crypto/sha256"
	"encoding/hex"
)

// SHA-256 sums of secrets that OpenMetadata's repository and images publish.
// Sums, because nothing that looks like a secret belongs into this repository or
// the binary.
const (
	publishedFernetKey        = "fe442932b31ee75b9e676c81ce1fa69d5bb0490de9775ff78a30e22365af9f59"
	publishedKeyID            = "3405aed30d0de240be43843fa44ad704cb568925abfc5416567c5f94dfa04891"
	publishedDatabasePassword = "8a4fd3aad5d9f531d51d03d5af34e3e8e10139aae2f72c425cf9a95a9e1bfb78"
	publishedRSAModulus       = "1ab71a76c0ccd4851a58a20ab3e0140cd028a8c512168542e9cecabcc582c07f"
)

// Key files that OpenMetadata's sample configuration names.
const (
	samplePublicKeyPath  = "./conf/public_key.der"
	samplePrivateKeyPath = "./conf/private_key.der"
)

// IsPublishedFernetKey tells whether the key is the one everybody knows.
func IsPublishedFernetKey(key Secret) bool { return sum([]byte(key)) == publishedFernetKey }

// IsPublishedKeyID tells whether the id is that of the signing key everybody has.
func IsPublishedKeyID(id string) bool { return sum([]byte(id)) == publishedKeyID }

// IsPublishedRSAKey tells whether an RSA modulus (big endian, without leading
// zeros) belongs to the signing key everybody has.
func IsPublishedRSAKey(modulus []byte) bool { return sum(modulus) == publishedRSAModulus }

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}
