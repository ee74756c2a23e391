package saml

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"hash"
	"testing"
	"time"

	"github.com/beevik/etree"
)

// weakCertificate has a key of 1024 bits, whose signature nobody checks here.
func weakCertificate(t *testing.T) string {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf(certify(key, &key.PublicKey, noon().AddDate(-1, 0, 0), noon().AddDate(1, 0, 0)))
}

// encryption says how a test encrypts.
type encryption struct {
	content, transport, digest, mgf string
	keyBytes                        int
	beside                          bool // EncryptedKey beside EncryptedData
	to                              *x509.Certificate
}

func gcm() encryption {
	return encryption{content: "http://www.w3.org/2009/xmlenc11#aes256-gcm", transport: nsEncrypted + "rsa-oaep-mgf1p", keyBytes: 32, to: spKey().cert}
}

func cbc() encryption {
	return encryption{content: nsEncrypted + "aes128-cbc", transport: nsEncrypted + "rsa-oaep-mgf1p", keyBytes: 16, to: spKey().cert}
}

func (e encryption) encrypt(assertion *etree.Element) *etree.Element {
	secret := make([]byte, e.keyBytes)
	if _, err := rand.Read(secret); err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err)
	}
	data := fmt.Sprintf(`<xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData>`, base64.StdEncoding.EncodeToString(e.seal(block, write(assertion))))
	key := fmt.Sprintf(`<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm=%q>%s</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>`,
		e.transport, e.parameters(), base64.StdEncoding.EncodeToString(e.wrap(secret)))
	info, beside := `<ds:KeyInfo>`+key+`</ds:KeyInfo>`, ""
	if e.beside {
		info, beside = `<ds:KeyInfo><ds:RetrievalMethod URI="#k"/></ds:KeyInfo>`, key
	}
	return parse(`<saml:EncryptedAssertion xmlns:saml="` + nsAssertion + `" xmlns:xenc="` + nsEncrypted + `" xmlns:ds="` + nsSignature + `">` +
		`<xenc:EncryptedData><xenc:EncryptionMethod Algorithm="` + e.content + `"/>` + info + data + `</xenc:EncryptedData>` + beside + `</saml:EncryptedAssertion>`)
}

func (e encryption) parameters() string {
	out := ""
	if e.digest != "" {
		out += fmt.Sprintf(`<ds:DigestMethod Algorithm=%q/>`, e.digest)
	}
	if e.mgf != "" {
		out += fmt.Sprintf(`<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm=%q/>`, e.mgf)
	}
	return out
}

func (e encryption) wrap(secret []byte) []byte {
	public := e.to.PublicKey.(*rsa.PublicKey)
	if e.transport == nsEncrypted+"rsa-1_5" {
		sealed, err := rsa.EncryptPKCS1v15(rand.Reader, public, secret) //nolint:staticcheck // what must be refused
		if err != nil {
			panic(err)
		}
		return sealed
	}
	options := rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}
	hashes := map[crypto.Hash]func() hash.Hash{crypto.SHA1: sha1.New, crypto.SHA256: sha256.New}
	if e.digest != "" {
		options.Hash = crypto.SHA256
	}
	if e.mgf != "" {
		options.MGFHash = crypto.SHA256
	}
	if options.Hash != options.MGFHash {
		sealed, err := rsa.EncryptOAEPWithOptions(rand.Reader, public, secret, &options)
		if err != nil {
			panic(err)
		}
		return sealed
	}
	sealed, err := rsa.EncryptOAEP(hashes[options.Hash](), rand.Reader, public, secret, nil)
	if err != nil {
		panic(err)
	}
	return sealed
}

func (e encryption) seal(block cipher.Block, plain []byte) []byte {
	if e.content[len(e.content)-3:] == "cbc" {
		padding := 16 - len(plain)%16
		padded := append(plain, make([]byte, padding)...)
		padded[len(padded)-1] = byte(padding)
		sealed := make([]byte, 16+len(padded))
		if _, err := rand.Read(sealed[:16]); err != nil {
			panic(err)
		}
		cipher.NewCBCEncrypter(block, sealed[:16]).CryptBlocks(sealed[16:], padded)
		return sealed
	}
	mode, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return mode.Seal(nil, nil, plain, nil)
}

func TestEncryptedAssertions(t *testing.T) {
	wanted := func(c *Config) { withKey(c); c.WantAssertionEncrypted = true }
	modern := gcm()
	modern.transport, modern.digest, modern.mgf = "http://www.w3.org/2009/xmlenc11#rsa-oaep", "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2009/xmlenc11#mgf1sha256"
	mixed := gcm()
	mixed.digest = "http://www.w3.org/2001/04/xmlenc#sha256"
	beside := gcm()
	beside.beside = true
	old := gcm()
	old.transport = nsEncrypted + "rsa-1_5"
	foreign := gcm()
	foreign.to = idpKey().cert
	short := gcm()
	short.keyBytes = 16
	triple := gcm()
	triple.content = nsEncrypted + "tripledes-gcm"
	cases := []struct {
		name   string
		ok     bool
		config func(*Config)
		change func(*answer)
	}{
		{"AES-GCM", true, wanted, func(a *answer) { a.encrypt = gcm().encrypt }},
		{"not wanted but possible", true, withKey, func(a *answer) { a.encrypt = gcm().encrypt }},
		{"OAEP with SHA-256", true, wanted, func(a *answer) { a.encrypt = modern.encrypt }},
		{"OAEP with two digests", true, wanted, func(a *answer) { a.encrypt = mixed.encrypt }},
		{"key beside the data", true, wanted, func(a *answer) { a.encrypt = beside.encrypt }},
		{"CBC in a signed response", true, wanted, func(a *answer) { a.encrypt, a.signResponse = cbc().encrypt, true }},
		{"only the response signed, allowed", true, func(c *Config) { wanted(c); c.AllowUnsignedAssertions = true },
			func(a *answer) { a.encrypt, a.signResponse, a.signAssertion = gcm().encrypt, true, false }},

		{"CBC in an unsigned response", false, wanted, func(a *answer) { a.encrypt = cbc().encrypt }},
		{"plain although encryption is wanted", false, wanted, func(*answer) {}},
		{"no key to decrypt", false, nil, func(a *answer) { a.encrypt = gcm().encrypt }},
		{"encrypted but unsigned", false, wanted, func(a *answer) { a.encrypt, a.signAssertion = gcm().encrypt, false }},
		{"encrypted but unsigned, unsigned allowed", false, func(c *Config) { wanted(c); c.AllowUnsignedAssertions = true },
			func(a *answer) { a.encrypt, a.signAssertion = gcm().encrypt, false }},
		{"encrypted, signed by somebody", false, wanted, func(a *answer) { a.encrypt, a.key = gcm().encrypt, wrongKey() }},
		{"PKCS #1 v1.5", false, wanted, func(a *answer) { a.encrypt = old.encrypt }},
		{"for another key", false, wanted, func(a *answer) { a.encrypt = foreign.encrypt }},
		{"key of the wrong length", false, wanted, func(a *answer) { a.encrypt = short.encrypt }},
		{"unknown algorithm", false, wanted, func(a *answer) { a.encrypt = triple.encrypt }},
		{"changed content", false, wanted, func(a *answer) {
			a.encrypt = func(el *etree.Element) *etree.Element {
				holder := gcm().encrypt(el)
				value := holder.FindElement("./EncryptedData/CipherData/CipherValue")
				text := []byte(value.Text())
				text[40] ^= 1
				value.SetText(string(text))
				return holder
			}
		}},
		{"something else inside", false, wanted, func(a *answer) {
			a.encrypt = func(*etree.Element) *etree.Element { return gcm().encrypt(parse("<a/>")) }
		}},
		{"two assertions inside", false, wanted, func(a *answer) {
			a.encrypt = func(el *etree.Element) *etree.Element {
				outer := el.Copy()
				outer.CreateAttr("ID", "_other")
				outer.AddChild(el)
				return gcm().encrypt(outer)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t, c.config)
			d, _ := begin(t, p)
			a := goodAnswer(d.Note)
			c.change(&a)
			granted, err := p.Finish(context.Background(), d, post(d, a.raw()))
			if c.ok && (err != nil || granted.Identity.Subject != "7f3c-2201") {
				t.Fatalf("granted %+v, error %v", granted, err)
			}
			if !c.ok && err == nil {
				t.Fatal("accepted")
			}
		})
	}
}

func TestReadKeyForms(t *testing.T) {
	key := spKey().key
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA " + "PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	bare := base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PrivateKey(key))
	for _, text := range []string{pemOfKey(key), pkcs1, bare} {
		got, err := readKey(text)
		if err != nil || !got.Equal(key) {
			t.Errorf("error %v", err)
		}
	}
	locked := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED " + "PRIVATE KEY", Bytes: []byte{1}}))
	for _, text := range []string{locked, pemOfKey(key) + pemOfKey(key), "", "AAAA"} {
		if _, err := readKey(text); err == nil {
			t.Error("accepted")
		}
	}
}

func TestReplaysAreBounded(t *testing.T) {
	var r replays
	now := noon()
	if !r.use("a", now) || r.use("a", now) || r.use("a", now.Add(maxAge)) {
		t.Error("a second use was allowed, or the first was not")
	}
	for i := range maxRemembered + 10 {
		r.use(fmt.Sprint(i), now)
	}
	if len(r.used) > maxRemembered {
		t.Errorf("%d remembered", len(r.used))
	}
	later := now.Add(time.Hour)
	r.use("b", later)
	if len(r.used) != 1 {
		t.Errorf("%d remembered after their time", len(r.used))
	}
}
