package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxKeys    = 100
	maxKeyID   = 200
	minRSABits = 2048
	maxRSABits = 8192 // verifying with more costs too much
	minRSAExp  = 65537
)

// key is a key of the provider that may verify.
type key struct {
	id     string
	alg    string // "" for any that fits the type
	public crypto.PublicKey
}

// parseKeys reads a JSON Web Key Set and leaves out what cannot be used. The error
// says why nothing was left; the notes, what was left out.
func parseKeys(data []byte) (keys []key, notes []string, err error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, nil, errors.New("not a JSON Web Key Set")
	}
	if len(set.Keys) > maxKeys {
		return nil, nil, fmt.Errorf("%d keys, more than %d", len(set.Keys), maxKeys)
	}
	for _, raw := range set.Keys {
		k, err := parseKey(raw)
		if err != nil {
			notes = append(notes, err.Error())
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, notes, fmt.Errorf("no usable key among %d: %s", len(set.Keys), strings.Join(notes, "; "))
	}
	return keys, notes, nil
}

func parseKey(raw jsontext.Value) (key, error) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(raw); err != nil {
		return key{}, errors.New("a key cannot be read")
	}
	if len(jwk.KeyID) > maxKeyID {
		return key{}, errors.New("a key has too long an id")
	}
	name := "key " + shorten(jwk.KeyID)
	if jwk.Use != "" && jwk.Use != "sig" {
		return key{}, fmt.Errorf("%s is not for signatures", name)
	}
	if !jwk.IsPublic() {
		return key{}, fmt.Errorf("%s is not public", name)
	}
	if err := strong(jwk.Key); err != nil {
		return key{}, fmt.Errorf("%s %w", name, err)
	}
	if jwk.Algorithm != "" && !fits(jwk.Key, jwk.Algorithm) {
		return key{}, fmt.Errorf("%s is for another algorithm", name)
	}
	return key{id: jwk.KeyID, alg: jwk.Algorithm, public: jwk.Key}, nil
}

// strong refuses keys that can be broken.
func strong(public crypto.PublicKey) error {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return fmt.Errorf("has %d bits, not %d to %d", bits, minRSABits, maxRSABits)
		}
		if k.E < minRSAExp || k.E%2 == 0 || k.N.Bit(0) == 0 {
			return errors.New("has a weak exponent or modulus")
		}
		return nil
	case *ecdsa.PublicKey:
		if curveAlgorithm(k.Curve) == "" {
			return errors.New("is on an unknown curve")
		}
		return nil
	}
	return errors.New("is of an unknown type")
}

// fits tells whether the key can verify signatures of the algorithm.
func fits(public crypto.PublicKey, alg string) bool {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return len(alg) == 5 && (alg[:2] == "RS" || alg[:2] == "PS") && (alg[2:] == "256" || alg[2:] == "384" || alg[2:] == "512")
	case *ecdsa.PublicKey:
		return curveAlgorithm(k.Curve) == alg
	}
	return false
}

func curveAlgorithm(c elliptic.Curve) string {
	switch c {
	case elliptic.P256():
		return "ES256"
	case elliptic.P384():
		return "ES384"
	case elliptic.P521():
		return "ES512"
	}
	return ""
}

// choose finds the one key of the id for the algorithm, any id when it is "". The
// flag tells whether the id is known at all.
func choose(keys []key, kid, alg string) (found crypto.PublicKey, known bool, err error) {
	for _, k := range keys {
		if kid != "" && k.id != kid {
			continue
		}
		known = true
		if !fits(k.public, alg) || k.alg != "" && k.alg != alg {
			continue
		}
		if found != nil {
			if same, ok := found.(interface{ Equal(crypto.PublicKey) bool }); ok && same.Equal(k.public) {
				continue
			}
			return nil, true, errors.New("several keys could be meant")
		}
		found = k.public
	}
	if known && found == nil {
		return nil, true, fmt.Errorf("no key of this id is for %s", shorten(alg))
	}
	return found, known, nil
}
