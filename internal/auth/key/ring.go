package key

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
)

const (
	// DefaultTokenLife is the longest life of a token in the words of the API.
	DefaultTokenLife = 90 * 24 * time.Hour
	// Lead is how long a key is published before it signs, so that whoever keeps the
	// key set has it by then.
	Lead = time.Hour

	lookEvery   = 500 * time.Millisecond // between two looks at the file
	lookAgain   = 10 * time.Second       // after a look that failed
	lockTimeout = 10 * time.Second
	lockRetry   = 5 * time.Millisecond
)

var errBusy = errors.New("another process is changing the signing keys and does not come to an end")

// Options names the operator's own keys, if any.
type Options struct {
	PrivateFile string // PKCS#8 or PKCS#1, DER or PEM
	PublicFile  string // its public half; optional
	KeyID       string // RFC 7638 thumbprint when empty
	// OpenToOthers takes a private key file that others can read.
	OpenToOthers bool
	// TokenLife is the longest life of the tokens signed here, those without an end
	// aside; DefaultTokenLife when zero. A key that signs no more verifies for so long.
	TokenLife time.Duration
	Clock     func() time.Time
	Log       *slog.Logger
}

// Info describes a key without its secret.
type Info struct {
	ID       string
	State    string
	Bits     int
	Created  time.Time // zero for the operator's key of the configuration
	Due      time.Time // when a next key becomes the current one
	Until    time.Time // end of a verify-only key; zero for when it is retired
	Own      bool      // kept in the ring's file rather than in the operator's
	Imported bool      // brought by the operator rather than made here
	Endless  bool      // it signed a token that never expires
	Issuer   string    // whose tokens a foreign key verifies; empty for this server's own
}

// Retired is what is remembered of a key that does not count any more.
type Retired struct {
	ID         string
	Thumbprint string
	At         time.Time
	Reason     string
	Issuer     string // of a foreign key
}

// Ring holds the keys. It is safe for concurrent use.
type Ring struct {
	path    string
	clock   func() time.Time
	log     *slog.Logger
	life    time.Duration
	brought *entry // the operator's, which signs when there is one

	mu      sync.Mutex // of whoever reads or changes the file
	current atomic.Pointer[snapshot]
	opened  time.Time
	lookAt  atomic.Int64 // nanoseconds after opened
	failed  atomic.Bool  // the last look
}

// snapshot is the ring as of one look at its file. It is never changed.
type snapshot struct {
	content *content
	info    fs.FileInfo
	turn    int64 // when something becomes due, in milliseconds since 1970; 0 for never
	entries map[string]*entry
	foreign map[string]*entry // keys of another issuer
	retired map[string]Retired
	signer  *entry
	jwks    []byte
}

type entry struct {
	Info
	private *rsa.PrivateKey
	public  *rsa.PublicKey
	until   int64
}

// Open returns the ring of a directory, which is made with mode 0700 if missing.
// Without an operator's key and without one on file it makes a pair.
func Open(dir string, opts Options) (*Ring, error) {
	r := &Ring{path: filepath.Join(dir, RingFile), clock: opts.Clock, log: opts.Log, life: opts.TokenLife, opened: time.Now()}
	if r.clock == nil {
		r.clock = time.Now
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.life == 0 {
		r.life = DefaultTokenLife
	}
	if opts.KeyID == PublishedID {
		return nil, fmt.Errorf("key id %s: %w", PublishedID, ErrPublished)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if opts.PrivateFile != "" {
		private, err := readPair(opts.PrivateFile, opts.PublicFile, rules{openToOthers: opts.OpenToOthers})
		if err != nil {
			return nil, err
		}
		id := opts.KeyID
		if id == "" {
			id = Thumbprint(&private.PublicKey)
		}
		r.brought = &entry{Info: Info{ID: id, State: Current, Bits: private.N.BitLen()}, private: private, public: &private.PublicKey}
	} else if opts.PublicFile != "" {
		return nil, errors.New("a public key file is set without a private key file; tokens could not be signed")
	}
	if err := r.create(); err != nil {
		return nil, fmt.Errorf("create the signing key: %w", err)
	}
	return r, r.change(r.arrive)
}

// CheckFiles says why the operator's key files would not be taken, without taking
// them.
func (o Options) CheckFiles() error {
	if o.PrivateFile == "" {
		return nil
	}
	_, err := readPair(o.PrivateFile, o.PublicFile, rules{openToOthers: o.OpenToOthers})
	return err
}

// readPair reads the operator's private key, and its public half when there is a
// file for it.
func readPair(privateFile, publicFile string, r rules) (*rsa.PrivateKey, error) {
	data, err := readOperatorFile(privateFile, true, r)
	if err != nil {
		return nil, fmt.Errorf("private key file: %w", err)
	}
	private, err := ParsePrivate(data)
	if err != nil {
		return nil, fmt.Errorf("private key file: %w", err)
	}
	if publicFile == "" {
		return private, nil
	}
	public, err := readPublic(publicFile, r)
	if err != nil {
		return nil, err
	}
	if !public.Equal(&private.PublicKey) {
		return nil, unfit("write it again with "+remedyPublic, "the public key file does not belong to the private key file")
	}
	return private, nil
}

func readPublic(file string, r rules) (*rsa.PublicKey, error) {
	data, err := readOperatorFile(file, false, r)
	if err != nil {
		return nil, fmt.Errorf("public key file: %w", err)
	}
	public, err := ParsePublic(data)
	if err != nil {
		return nil, fmt.Errorf("public key file: %w", err)
	}
	return public, nil
}

// create makes the file with a first key, unless there is one or none is needed.
// The key is made without a lock: of several processes the quickest wins.
func (r *Ring) create() error {
	if r.brought != nil {
		return nil
	}
	if _, err := os.Lstat(r.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	first, err := generate(r.clock())
	if err != nil {
		return err
	}
	data, err := (&content{Keys: []kept{first}}).encode()
	if err != nil {
		return err
	}
	if err := secret.CreateFile(r.path, data); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// arrive takes note of the operator's key, or makes a key when the operator's has
// been taken away.
func (r *Ring) arrive(c *content) error {
	if r.brought != nil {
		known := func(g gone) bool { return g.ID == r.brought.ID }
		if !slices.ContainsFunc(c.Brought, known) && len(c.Brought) < maxRetired {
			c.Brought = append(c.Brought, gone{ID: r.brought.ID, Thumbprint: Thumbprint(r.brought.public), At: r.clock().UnixMilli()})
		}
		return nil
	}
	if c.find(func(k kept) bool { return k.State == Current }) >= 0 {
		return nil
	}
	fresh, err := generate(r.clock())
	if err != nil {
		return err
	}
	c.Keys = append([]kept{fresh}, c.Keys...)
	return nil
}

// index builds what readers use.
func (r *Ring) index(c *content, info fs.FileInfo) (*snapshot, error) {
	s := &snapshot{
		content: c, info: info, turn: c.turn(),
		entries: make(map[string]*entry, len(c.Keys)+1), foreign: make(map[string]*entry), retired: make(map[string]Retired),
	}
	for _, k := range c.Keys {
		e, err := k.entry()
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		if e.State == Current && r.brought != nil {
			e.State = VerifyOnly
		}
		if e.Issuer != "" {
			s.foreign[e.ID] = e
			continue
		}
		if e.State == Current {
			s.signer = e
		}
		s.entries[e.ID] = e
	}
	if r.brought != nil {
		s.signer = r.brought
		s.entries[s.signer.ID] = s.signer
	}
	if s.signer == nil {
		return nil, fmt.Errorf("%s has no current key; restore it from the backup, or remove it to get a new key (all tokens end then)", RingFile)
	}
	for _, g := range c.Brought {
		s.retired[g.ID] = Retired{ID: g.ID, Thumbprint: g.Thumbprint, At: time.UnixMilli(g.At), Reason: ReasonReplaced}
	}
	for _, g := range c.Retired {
		s.retired[g.ID] = Retired{ID: g.ID, Thumbprint: g.Thumbprint, At: time.UnixMilli(g.At), Reason: g.Reason, Issuer: g.Issuer}
	}
	for id := range s.retired {
		if s.entries[id] != nil || s.foreign[id] != nil {
			delete(s.retired, id)
		}
	}
	var err error
	s.jwks, err = document(s.entries)
	return s, err
}

func (k kept) entry() (*entry, error) {
	e := &entry{
		Info:  Info{ID: k.ID, State: k.State, Created: time.UnixMilli(k.Created), Own: true, Imported: k.Imported, Endless: k.Endless, Issuer: k.Issuer},
		until: k.Until,
	}
	if k.Due != 0 {
		e.Due = time.UnixMilli(k.Due)
	}
	if k.Until != 0 {
		e.Until = time.UnixMilli(k.Until)
	}
	var err error
	if k.Private != "" {
		if e.private, err = ParsePrivate([]byte(k.Private)); err != nil {
			return nil, err
		}
		e.public = &e.private.PublicKey
	} else if e.public, err = ParsePublic([]byte(k.Public)); err != nil {
		return nil, err
	}
	if e.private == nil && k.State != VerifyOnly {
		return nil, errors.New("its private half is missing")
	}
	e.Bits = e.public.N.BitLen()
	return e, nil
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

// document is what others may trust for tokens of this server: keys of another
// issuer are not in it.
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

// sorted puts the current key first, then the next one, then the younger before the
// older.
func sorted(entries map[string]*entry) []*entry {
	rank := func(e *entry) int { return slices.Index([]string{Current, Next, VerifyOnly}, e.State) }
	list := make([]*entry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *entry) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return b.Created.Compare(a.Created)
	})
	return list
}
