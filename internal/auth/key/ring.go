package key

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
)

// The states of a key.
const (
	Current    = "current"     // signs and verifies
	VerifyOnly = "verify-only" // verifies what it signed earlier
)

// Bits is the size of the keys made here. Making one takes about 0.2 s on
// average; verifying costs so little that the size does not matter there.
const Bits = 3072

const ringFile = "signing-keys.json"

// Options names the operator's own keys, if any.
type Options struct {
	PrivateFile string // PKCS#8 or PKCS#1, DER or PEM
	PublicFile  string // its public half; optional
	KeyID       string // RFC 7638 thumbprint when empty
	Clock       func() time.Time
}

// Info describes a key without its secret.
type Info struct {
	ID      string
	State   string
	Bits    int
	Created time.Time // zero for the operator's key
	Own     bool      // made here rather than brought by the operator
}

// Ring holds the keys. It is safe for concurrent use.
type Ring struct {
	path  string
	clock func() time.Time

	mu      sync.RWMutex
	kept    []kept // those of the file, the current one first
	brought *entry // the operator's, which signs when there is one
	entries map[string]*entry
	signer  *entry
	jwks    []byte
}

// kept is a key in the file of the data directory.
type kept struct {
	ID      string `json:"kid"`
	State   string `json:"state"`
	Created int64  `json:"created"` // milliseconds since 1970
	Private string `json:"private"` // PKCS#8 in PEM
}

type entry struct {
	Info
	private *rsa.PrivateKey
	public  *rsa.PublicKey
}

// Open returns the ring of a directory, which is made with mode 0700 if missing.
// Without an operator's key and without one on file it makes a pair.
func Open(dir string, opts Options) (*Ring, error) {
	r := &Ring{path: filepath.Join(dir, ringFile), clock: opts.Clock}
	if r.clock == nil {
		r.clock = time.Now
	}
	if opts.KeyID == PublishedID {
		return nil, fmt.Errorf("key id %s: %w", PublishedID, ErrPublished)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if opts.PrivateFile != "" {
		brought, err := readPair(opts)
		if err != nil {
			return nil, err
		}
		r.brought = brought
	} else if opts.PublicFile != "" {
		return nil, errors.New("a public key file is set without a private key file; tokens could not be signed")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r, r.load()
}

func readPair(opts Options) (*entry, error) {
	data, err := readOperatorFile(opts.PrivateFile, true)
	if err != nil {
		return nil, fmt.Errorf("private key file: %w", err)
	}
	private, err := ParsePrivate(data)
	if err != nil {
		return nil, fmt.Errorf("private key file: %w", err)
	}
	if opts.PublicFile != "" {
		data, err := readOperatorFile(opts.PublicFile, false)
		if err != nil {
			return nil, fmt.Errorf("public key file: %w", err)
		}
		public, err := ParsePublic(data)
		if err != nil {
			return nil, fmt.Errorf("public key file: %w", err)
		}
		if !public.Equal(&private.PublicKey) {
			return nil, errors.New("the public key file does not belong to the private key file; " +
				"write it again with openssl rsa -in private_key.pem -pubout -outform DER -out public_key.der")
		}
	}
	id := opts.KeyID
	if id == "" {
		id = Thumbprint(&private.PublicKey)
	}
	return &entry{Info: Info{ID: id, State: Current, Bits: private.N.BitLen()}, private: private, public: &private.PublicKey}, nil
}

// load reads the file, making it first when a key of our own is needed.
func (r *Ring) load() error {
	data, err := secret.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		if r.brought != nil {
			return r.index(nil)
		}
		if err := r.create(); err != nil {
			return fmt.Errorf("create the signing key: %w", err)
		}
		data, err = secret.ReadFile(r.path)
	}
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	var keys []kept
	if err := json.Unmarshal(data, &keys); err != nil || len(keys) == 0 {
		// The decoder's error could quote the key.
		return fmt.Errorf("%s is damaged; restore it from the backup, or remove it to get a new key (all tokens end then)", ringFile)
	}
	if r.brought == nil && !slices.ContainsFunc(keys, func(k kept) bool { return k.State == Current }) {
		// The operator's key signed before and has been taken away since.
		fresh, err := r.generate()
		if err != nil {
			return err
		}
		return r.save(append([]kept{fresh}, keys...))
	}
	return r.index(keys)
}

func (r *Ring) create() error {
	first, err := r.generate()
	if err != nil {
		return err
	}
	data, err := json.Marshal([]kept{first}, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if err := secret.CreateFile(r.path, data); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (r *Ring) generate() (kept, error) {
	private, err := rsa.GenerateKey(rand.Reader, Bits)
	if err != nil {
		return kept{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return kept{}, err
	}
	return kept{
		ID:      Thumbprint(&private.PublicKey),
		State:   Current,
		Created: r.clock().UnixMilli(),
		Private: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}, nil
}

// index builds what readers use. The caller holds the lock.
func (r *Ring) index(keys []kept) error {
	entries := make(map[string]*entry, len(keys)+1)
	var signer *entry
	for _, k := range keys {
		private, err := ParsePrivate([]byte(k.Private))
		if err != nil {
			return fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		e := &entry{
			Info:    Info{ID: k.ID, State: k.State, Bits: private.N.BitLen(), Created: time.UnixMilli(k.Created), Own: true},
			private: private, public: &private.PublicKey,
		}
		if e.State == Current && r.brought != nil {
			e.State = VerifyOnly
		}
		if e.State == Current {
			signer = e
		}
		entries[e.ID] = e
	}
	if r.brought != nil {
		signer = r.brought
		entries[signer.ID] = signer
	}
	if signer == nil {
		return fmt.Errorf("%s has no current key", ringFile)
	}
	document, err := document(entries)
	if err != nil {
		return err
	}
	r.kept, r.entries, r.signer, r.jwks = keys, entries, signer, document
	return nil
}

// jwk is a public key as in RFC 7517.
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
}

func document(entries map[string]*entry) ([]byte, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	for _, e := range sorted(entries) {
		set.Keys = append(set.Keys, jwk{
			Type: "RSA", ID: e.ID, Modulus: encodeInt(e.public.N), Exponent: encodeInt(big.NewInt(int64(e.public.E))),
			Algorithm: "RS256", Use: "sig",
		})
	}
	return json.Marshal(set)
}

// sorted puts the current key first, then the younger before the older.
func sorted(entries map[string]*entry) []*entry {
	list := make([]*entry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *entry) int {
		if (a.State == Current) != (b.State == Current) {
			if a.State == Current {
				return -1
			}
			return 1
		}
		return b.Created.Compare(a.Created)
	})
	return list
}

// Signer returns the current key and its id.
func (r *Ring) Signer() (id string, private *rsa.PrivateKey) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.signer.ID, r.signer.private
}

// Public returns the public key with the id. An empty id finds the only key, if
// there is just one.
func (r *Ring) Public(id string) (*rsa.PublicKey, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if id == "" && len(r.entries) == 1 {
		return r.signer.public, true
	}
	e, ok := r.entries[id]
	if !ok {
		return nil, false
	}
	return e.public, true
}

// JWKS returns the public keys as a JSON Web Key Set. The caller must not change
// the bytes.
func (r *Ring) JWKS() []byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.jwks
}

// List describes the keys, the current one first.
func (r *Ring) List() []Info {
	r.mu.RLock()
	defer r.mu.RUnlock()
	infos := make([]Info, 0, len(r.entries))
	for _, e := range sorted(r.entries) {
		infos = append(infos, e.Info)
	}
	return infos
}

// Rotate makes a new current key; the former one only verifies from now on.
func (r *Ring) Rotate() (Info, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.brought != nil {
		return Info{}, errors.New("the signing key comes from the operator's files; replace those instead")
	}
	fresh, err := r.generate()
	if err != nil {
		return Info{}, err
	}
	keys := []kept{fresh}
	for _, k := range r.kept {
		k.State = VerifyOnly
		keys = append(keys, k)
	}
	if err := r.save(keys); err != nil {
		return Info{}, err
	}
	return r.signer.Info, nil
}

// Retire removes a key that only verifies; whatever it signed is refused then.
func (r *Ring) Retire(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.signer.ID == id {
		return errors.New("the current key cannot be retired; rotate first")
	}
	keys := slices.DeleteFunc(slices.Clone(r.kept), func(k kept) bool { return k.ID == id })
	if len(keys) == len(r.kept) {
		return fmt.Errorf("there is no key %q", id)
	}
	if len(keys) == 0 {
		// Only the operator's key is left: an absent file says the same.
		if err := os.Remove(r.path); err != nil {
			return err
		}
		return r.index(nil)
	}
	return r.save(keys)
}

// save writes the file and then takes the keys into use. The caller holds the lock.
func (r *Ring) save(keys []kept) error {
	data, err := json.Marshal(keys, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if err := secret.ReplaceFile(r.path, data); err != nil {
		return err
	}
	return r.index(keys)
}
