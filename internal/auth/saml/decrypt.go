package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	_ "crypto/sha1" // OAEP's default digest; harmless there
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/beevik/etree"
)

// errDecrypt is all that is ever told of a failed decryption: more would be an
// oracle.
var errDecrypt = errors.New("an assertion cannot be decrypted with sp.spPrivateKey")

// dataCipher is an algorithm for content. Those in CBC mode are malleable.
type dataCipher struct {
	keyBytes  int
	malleable bool
}

func dataCipherOf(algorithm string) (dataCipher, bool) {
	switch algorithm {
	case "http://www.w3.org/2009/xmlenc11#aes128-gcm":
		return dataCipher{16, false}, true
	case "http://www.w3.org/2009/xmlenc11#aes192-gcm":
		return dataCipher{24, false}, true
	case "http://www.w3.org/2009/xmlenc11#aes256-gcm":
		return dataCipher{32, false}, true
	case nsEncrypted + "aes128-cbc":
		return dataCipher{16, true}, true
	case nsEncrypted + "aes192-cbc":
		return dataCipher{24, true}, true
	case nsEncrypted + "aes256-cbc":
		return dataCipher{32, true}, true
	}
	return dataCipher{}, false
}

// decryptAssertion returns the document inside an EncryptedAssertion. Content in CBC
// mode is decrypted only when a signature over the response covers it: otherwise
// whoever sees it could try out changes of it.
func decryptAssertion(holder *etree.Element, key *rsa.PrivateKey, covered bool) ([]byte, error) {
	data, err := onlyChild(holder, nsEncrypted, "EncryptedData")
	if err != nil {
		return nil, err
	}
	wrapped, err := wrappedKey(holder, data)
	if err != nil {
		return nil, err
	}
	how, known := dataCipherOf(encryptionMethod(data))
	if !known {
		return nil, errors.New("an assertion is encrypted with an algorithm that is not allowed; AES-GCM is")
	}
	if how.malleable && !covered {
		return nil, errors.New("an assertion is encrypted in CBC mode without a signature over the response; let the provider use AES-GCM, or sign responses")
	}
	secret, err := unwrap(wrapped, key)
	if err != nil {
		return nil, err
	}
	sealed, err := cipherValue(data)
	if err != nil || len(secret) != how.keyBytes {
		return nil, errDecrypt
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, errDecrypt
	}
	if how.malleable {
		return openCBC(block, sealed)
	}
	return openGCM(block, sealed)
}

// wrappedKey finds the one EncryptedKey, which is inside the data's KeyInfo or
// beside the data.
func wrappedKey(holder, data *etree.Element) (*etree.Element, error) {
	found := childrenOf(holder, nsEncrypted, "EncryptedKey")
	for _, info := range childrenOf(data, nsSignature, "KeyInfo") {
		found = append(found, childrenOf(info, nsEncrypted, "EncryptedKey")...)
	}
	if len(found) != 1 {
		return nil, errors.New("an encrypted assertion needs exactly one encrypted key")
	}
	return found[0], nil
}

func encryptionMethod(el *etree.Element) string {
	method, err := onlyChild(el, nsEncrypted, "EncryptionMethod")
	if err != nil {
		return ""
	}
	return method.SelectAttrValue("Algorithm", "")
}

func cipherValue(el *etree.Element) ([]byte, error) {
	data, err := onlyChild(el, nsEncrypted, "CipherData")
	if err != nil {
		return nil, err
	}
	value, err := onlyChild(data, nsEncrypted, "CipherValue")
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value.Text()), ""))
}

// unwrap decrypts the content's key with RSA-OAEP. PKCS #1 v1.5 is missing on
// purpose: it is an oracle by design.
func unwrap(wrapped *etree.Element, key *rsa.PrivateKey) ([]byte, error) {
	algorithm := encryptionMethod(wrapped)
	modern := algorithm == "http://www.w3.org/2009/xmlenc11#rsa-oaep"
	if !modern && algorithm != nsEncrypted+"rsa-oaep-mgf1p" {
		return nil, errors.New("a key is encrypted with an algorithm that is not allowed; RSA-OAEP is")
	}
	options := &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}
	for _, detail := range childrenOf(wrapped, nsEncrypted, "EncryptionMethod")[0].ChildElements() {
		hash, known := oaepHash(detail.SelectAttrValue("Algorithm", ""))
		switch {
		case detail.Tag == "DigestMethod" && known:
			options.Hash = hash
		case detail.Tag == "MGF" && known && modern:
			options.MGFHash = hash
		case detail.Tag == "KeySize":
		default:
			return nil, errors.New("a key is encrypted with parameters that are not supported")
		}
	}
	sealed, err := cipherValue(wrapped)
	if err != nil {
		return nil, errDecrypt
	}
	secret, err := key.Decrypt(nil, sealed, options)
	if err != nil {
		return nil, errDecrypt
	}
	return secret, nil
}

func oaepHash(algorithm string) (crypto.Hash, bool) {
	switch algorithm {
	case "http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2009/xmlenc11#mgf1sha1":
		return crypto.SHA1, true
	case "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2009/xmlenc11#mgf1sha256":
		return crypto.SHA256, true
	case "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2009/xmlenc11#mgf1sha384":
		return crypto.SHA384, true
	case "http://www.w3.org/2001/04/xmlenc#sha512", "http://www.w3.org/2009/xmlenc11#mgf1sha512":
		return crypto.SHA512, true
	}
	return 0, false
}

func openGCM(block cipher.Block, sealed []byte) ([]byte, error) {
	mode, err := cipher.NewGCM(block)
	if err != nil || len(sealed) < mode.NonceSize() {
		return nil, errDecrypt
	}
	plain, err := mode.Open(nil, sealed[:mode.NonceSize()], sealed[mode.NonceSize():], nil)
	if err != nil {
		return nil, errDecrypt
	}
	return plain, nil
}

func openCBC(block cipher.Block, sealed []byte) ([]byte, error) {
	size := block.BlockSize()
	if len(sealed) < 2*size || len(sealed)%size != 0 {
		return nil, errDecrypt
	}
	plain := make([]byte, len(sealed)-size)
	cipher.NewCBCDecrypter(block, sealed[:size]).CryptBlocks(plain, sealed[size:])
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > size {
		return nil, errDecrypt
	}
	return plain[:len(plain)-padding], nil
}
