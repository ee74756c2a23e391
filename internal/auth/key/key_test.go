package key

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return private
}

func write(t testing.TB, name string, data []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, data, mode))
	must(t, os.Chmod(path, mode)) // whatever the umask
	return path
}

func pkcs8(t testing.TB, private any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return der
}

func spki(t testing.TB, public any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	must(t, err)
	return der
}

func inPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// TestThumbprint uses the key and the result of RFC 7638, section 3.1.
func TestThumbprint(t *testing.T) {
	n, err := base64.RawURLEncoding.DecodeString("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs" +
		"tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
	must(t, err)
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	if got := Thumbprint(public); got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Error(got)
	}
}

func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	ring, err := Open(dir, Options{})
	must(t, err)
	id, private := ring.Signer()
	if id != Thumbprint(&private.PublicKey) || private.N.BitLen() != Bits {
		t.Errorf("key %s of %d bits", id, private.N.BitLen())
	}
	info, err := os.Stat(filepath.Join(dir, RingFile))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	again, err := Open(dir, Options{})
	must(t, err)
	if same, _ := again.Signer(); same != id {
		t.Error("a restart made another key")
	}
	if _, ok := ring.Public("other"); ok {
		t.Error("an unknown id has a key")
	}
}

func TestStartsAtOnceAgree(t *testing.T) {
	dir := t.TempDir()
	ids := make([]string, 3)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			ring, err := Open(dir, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i], _ = ring.Signer()
		})
	}
	wg.Wait()
	if ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("ids %v", ids)
	}
}

func TestJWKS(t *testing.T) {
	ring, err := Open(t.TempDir(), Options{})
	must(t, err)
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	must(t, json.Unmarshal(ring.JWKS(), &set))
	id, private := ring.Signer()
	if len(set.Keys) != 1 || len(set.Keys[0]) != 6 {
		t.Fatalf("%+v", set)
	}
	k := set.Keys[0]
	n, err := base64.RawURLEncoding.DecodeString(k["n"])
	must(t, err)
	if k["kid"] != id || k["kty"] != "RSA" || k["alg"] != "RS256" || k["use"] != "sig" || k["e"] != "AQAB" || new(big.Int).SetBytes(n).Cmp(private.N) != 0 {
		t.Errorf("%v", k)
	}
}

func TestRotate(t *testing.T) {
	dir := t.TempDir()
	now := time.UnixMilli(1_800_000_000_000)
	clock := func() time.Time { return now }
	ring, err := Open(dir, Options{Clock: clock})
	must(t, err)
	first, _ := ring.Signer()
	if public, ok := ring.Public(""); !ok || Thumbprint(public) != first {
		t.Error("the only key is not found without an id")
	}
	now = now.Add(time.Hour)
	fresh, err := ring.Rotate()
	must(t, err)
	if fresh.ID == first || fresh.State != Current {
		t.Errorf("%+v", fresh)
	}
	again, err := Open(dir, Options{Clock: clock})
	must(t, err)
	for _, r := range []*Ring{ring, again} {
		list := r.List()
		if len(list) != 2 || list[0].ID != fresh.ID || list[1].ID != first || list[1].State != VerifyOnly || !list[0].Created.Equal(now) {
			t.Errorf("%+v", list)
		}
		if _, ok := r.Public(first); !ok {
			t.Error("the former key is gone")
		}
		if _, ok := r.Public(""); ok {
			t.Error("one of two keys was guessed")
		}
	}
}

func TestRetire(t *testing.T) {
	ring, err := Open(t.TempDir(), Options{})
	must(t, err)
	first, _ := ring.Signer()
	fresh, err := ring.Rotate()
	must(t, err)
	if err := ring.Retire(fresh.ID); err == nil {
		t.Error("the current key was retired")
	}
	if err := ring.Retire("unknown"); err == nil {
		t.Error("an unknown key was retired")
	}
	must(t, ring.Retire(first))
	if _, ok := ring.Public(first); ok || len(ring.List()) != 1 {
		t.Error("the retired key still verifies")
	}
}

func TestOperatorKeys(t *testing.T) {
	private := newKey(t)
	kinds := map[string][]byte{
		"PKCS#8 DER": pkcs8(t, private), "PKCS#8 PEM": inPEM("PRIVATE KEY", pkcs8(t, private)),
		"PKCS#1 DER": x509.MarshalPKCS1PrivateKey(private), "PKCS#1 PEM": inPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(private)),
	}
	publics := map[string][]byte{
		"none": nil, "DER": spki(t, &private.PublicKey), "PEM": inPEM("PUBLIC KEY", spki(t, &private.PublicKey)),
		"PKCS#1": x509.MarshalPKCS1PublicKey(&private.PublicKey),
	}
	for kind, data := range kinds {
		for public, publicData := range publics {
			opts := Options{PrivateFile: write(t, "private", data, 0o640)}
			if publicData != nil {
				opts.PublicFile = write(t, "public", publicData, 0o644)
			}
			dir := t.TempDir()
			ring, err := Open(dir, opts)
			if err != nil {
				t.Errorf("%s with public %s: %v", kind, public, err)
				continue
			}
			if id, signer := ring.Signer(); id != Thumbprint(&private.PublicKey) || !signer.Equal(private) {
				t.Errorf("%s: signs with %s", kind, id)
			}
			if data, err := os.ReadFile(filepath.Join(dir, RingFile)); err != nil || bytes.Contains(data, []byte("PRIVATE")) {
				t.Errorf("%s: a key was made that nobody needs, or %v", kind, err)
			}
		}
	}
}

func TestOperatorKeyBesideOurOwn(t *testing.T) {
	dir := t.TempDir()
	ring, err := Open(dir, Options{})
	must(t, err)
	own, _ := ring.Signer()
	file := write(t, "private.der", pkcs8(t, newKey(t)), 0o600)
	ring, err = Open(dir, Options{PrivateFile: file, KeyID: "my-key"})
	must(t, err)
	if id, _ := ring.Signer(); id != "my-key" {
		t.Errorf("signs with %s", id)
	}
	if list := ring.List(); len(list) != 2 || list[1].ID != own || list[1].State != VerifyOnly || list[0].Own {
		t.Errorf("%+v", list)
	}
	if _, err := ring.Rotate(); err == nil {
		t.Error("the operator's key was rotated")
	}
	must(t, ring.Retire(own))
	ring, err = Open(dir, Options{})
	must(t, err)
	if id, _ := ring.Signer(); id == own || id == "my-key" {
		t.Errorf("after both are gone %s signs", id)
	}
}

func TestRefusedOperatorKeys(t *testing.T) {
	private := newKey(t)
	good := pkcs8(t, private)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	file := func(data []byte, mode os.FileMode) string { return write(t, "key", data, mode) }
	legacy := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES-256-CBC,00"}, Bytes: good})
	for name, c := range map[string]struct {
		opts Options
		want string
	}{
		"1024 bits":          {Options{PrivateFile: file(inPEM("RSA PRIVATE KEY", weakKey(t)), 0o600)}, "bits"},
		"EC":                 {Options{PrivateFile: file(pkcs8(t, ec), 0o600)}, "RSA"},
		"empty":              {Options{PrivateFile: file(nil, 0o600)}, "empty"},
		"garbage":            {Options{PrivateFile: file([]byte("garbage"), 0o600)}, "no RSA private key"},
		"public as private":  {Options{PrivateFile: file(spki(t, &private.PublicKey), 0o600)}, "no RSA private key"},
		"private as public":  {Options{PrivateFile: file(good, 0o600), PublicFile: file(good, 0o600)}, "no RSA public key"},
		"encrypted":          {Options{PrivateFile: file(inPEM("ENCRYPTED PRIVATE KEY", good), 0o600)}, "encrypted"},
		"encrypted, legacy":  {Options{PrivateFile: file(legacy, 0o600)}, "encrypted"},
		"world-readable":     {Options{PrivateFile: file(good, 0o644)}, "chmod"},
		"group-writable":     {Options{PrivateFile: file(good, 0o660)}, "chmod"},
		"directory":          {Options{PrivateFile: t.TempDir()}, "regular"},
		"missing":            {Options{PrivateFile: filepath.Join(t.TempDir(), "none")}, "no such file"},
		"huge":               {Options{PrivateFile: file(make([]byte, maxFileSize+1), 0o600)}, "too large"},
		"another's public":   {Options{PrivateFile: file(good, 0o600), PublicFile: file(spki(t, &newKey(t).PublicKey), 0o644)}, "does not belong"},
		"public EC":          {Options{PrivateFile: file(good, 0o600), PublicFile: file(spki(t, &ec.PublicKey), 0o644)}, "RSA"},
		"public only":        {Options{PublicFile: file(spki(t, &private.PublicKey), 0o644)}, "without a private key"},
		"published id":       {Options{PrivateFile: file(good, 0o600), KeyID: PublishedID}, "published"},
		"published id alone": {Options{KeyID: PublishedID}, "published"},
	} {
		_, err := Open(t.TempDir(), c.opts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// weakKey is made without rsa.GenerateKey, which refuses so few bits.
func weakKey(t testing.TB) []byte {
	t.Helper()
	p, err := rand.Prime(rand.Reader, 512)
	must(t, err)
	q, err := rand.Prime(rand.Reader, 512)
	must(t, err)
	one, e := big.NewInt(1), big.NewInt(65537)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(e, phi)
	if d == nil { // 65537 divides phi: one in some ten thousand
		return weakKey(t)
	}
	weak := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q}}
	return x509.MarshalPKCS1PrivateKey(weak)
}

func TestCheck(t *testing.T) {
	n := newKey(t).N
	for name, public := range map[string]*rsa.PublicKey{
		"exponent 3": {N: n, E: 3}, "even exponent": {N: n, E: 65538}, "short": {N: big.NewInt(15), E: 65537},
		"long": {N: new(big.Int).Lsh(big.NewInt(1), maxBits), E: 65537},
	} {
		if Check(public) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	must(t, Check(&rsa.PublicKey{N: n, E: 65537}))
}

// publishedModulus is of the public half of the pair that OpenMetadata ships.
const publishedModulus = "2XTHbrS8uYv-THweGDgqRciCTZJIU0NuaPUQT43V7oQgj3EFptWyRd0Q6xZjsf6O8z2zWZd0qNQbMm7qIcnSkBetkJKsoqg1qjT-GEKP09GoRQLDpkl7ACgMr6Mxge7uGmE15TFTOBUGJboI3byx-LSzg6rZXr5jdq_8IqP7_Oa" +
	"iRAsLDjefC85Db-N7IE-FsxeDWX8jlyh1bfP-cIOrh9rNZxsXJuc6lloZE0z9CIB0knh1mLsFxQfU_KBgDdL_pLBwq9Kl5nS6veTiF7gplLsr61KOVRzyoyUbV7-TPb-lX4cGEjxaMb0MuCqioZwB_qxZU6c2ZisBgMu2pazPZQ"

// TestPublishedKey builds the public half of OpenMetadata's well-known pair: it is
// refused whatever it is called.
func TestPublishedKey(t *testing.T) {
	public := publishedPublic(t)
	if _, err := ParsePublic(spki(t, public)); !errors.Is(err, ErrPublished) {
		t.Errorf("%v", err)
	}
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, data, 0o644))
		return path
	}
	published, broken := file("published.der", spki(t, public)), file("broken.der", []byte("no key"))
	if !IsPublished("", published) || !IsPublished(broken, published) {
		t.Error("the published pair is not recognised in a file")
	}
	if IsPublished("", "") || IsPublished(broken, broken) || IsPublished(dir, dir) {
		t.Error("something else is taken for the published pair")
	}
}

func TestDamagedRing(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "no JSON": "garbage", "no key": "[]", "bad key": `[{"kid":"a","state":"current","created":1,"private":"x"}]`,
	} {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, RingFile), []byte(content), 0o600))
		if _, err := Open(dir, Options{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	dir := t.TempDir()
	_, err := Open(dir, Options{})
	must(t, err)
	must(t, os.Chmod(filepath.Join(dir, RingFile), 0o644))
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(inPEM("PRIVATE KEY", []byte{0}))
	f.Add([]byte{0x30, 0x82, 0x01, 0x00})
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = ParsePrivate(data)
		_, _ = ParsePublic(data)
	})
}

func BenchmarkFirstStart(b *testing.B) {
	for b.Loop() {
		if _, err := Open(b.TempDir(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
