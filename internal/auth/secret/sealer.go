package secret

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"
)

// Prefix starts every sealed text of the current form.
const Prefix = "sealed:v1:"

// MasterFile is the name of the master key's file in the data directory.
const MasterFile = "master.key"

const masterSize = 32

// ErrNotSealed says that a text does not have the form Seal gives.
var ErrNotSealed = errors.New("the text is not sealed")

// ErrOpen says that a sealed text was altered, moved to another place, or sealed
// with another master key. It does not tell which.
var ErrOpen = errors.New("the sealed text cannot be opened with this master key in this place")

// Sealer encrypts and decrypts small texts. It is safe for concurrent use.
type Sealer struct {
	keys atomic.Pointer[[]cipher.AEAD] // the first seals, all open
	file *masterFile                   // nil for a key that was given
}

// OpenDir returns the Sealer of a data directory; created tells that there was no
// master key and a random one has been written. A key that another process adds to the
// file is taken up by itself.
func OpenDir(dir string) (s *Sealer, created bool, err error) {
	file := &masterFile{path: filepath.Join(dir, MasterFile)}
	masters, err := file.read()
	if errors.Is(err, fs.ErrNotExist) {
		created, err = createMaster(file.path)
		if err != nil {
			return nil, false, fmt.Errorf("create the master key: %w", err)
		}
		masters, err = file.read()
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the master key: %w", err)
	}
	s = &Sealer{file: file}
	return s, created, s.use(masters)
}

func createMaster(path string) (created bool, err error) {
	err = CreateFile(path, []byte(newMaster()))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// newMaster is the line of a fresh key.
func newMaster() string {
	master := make([]byte, masterSize)
	_, _ = rand.Read(master) // never fails, says crypto/rand
	return base64.StdEncoding.EncodeToString(master) + "\n"
}

// New makes a Sealer from a master key of 32 bytes.
func New(master []byte) (*Sealer, error) {
	s := new(Sealer)
	return s, s.use([][]byte{master})
}

// use takes master keys, the one that seals first.
func (s *Sealer) use(masters [][]byte) error {
	keys := make([]cipher.AEAD, len(masters))
	for i, master := range masters {
		var err error
		if keys[i], err = cipherOf(master); err != nil {
			return err
		}
	}
	s.keys.Store(&keys)
	return nil
}

func cipherOf(master []byte) (cipher.AEAD, error) {
	if len(master) != masterSize {
		return nil, fmt.Errorf("a master key has %d bytes, not %d", masterSize, len(master))
	}
	// The master key itself is never used as a cipher key, so that later uses
	// can have keys of their own.
	key, err := hkdf.Key(sha256.New, master, nil, "catalpa seal v1", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	// The long nonce of XChaCha20 may be random for any number of texts.
	return chacha20poly1305.NewX(key)
}

// Rotate adds a fresh master key that seals from now on. The former ones still open
// what they sealed, for as long as they are in the file.
func (s *Sealer) Rotate() error {
	if s.file == nil {
		return errors.New("the master key is not in a file")
	}
	masters, err := s.file.add(newMaster())
	if err != nil {
		return err
	}
	return s.use(masters)
}

// follow takes up what another process did to the file, and tells whether it did. A
// file that cannot be read leaves things as they are.
func (s *Sealer) follow(now bool) bool {
	if s.file == nil || !s.file.changed(now) {
		return false
	}
	masters, err := s.file.read()
	return err == nil && s.use(masters) == nil
}

// Seal encrypts a text. place says where the result is kept, such as the path of
// the member or the entity's id: only Open with the same place gives it back, so a
// sealed text copied elsewhere is worthless.
func (s *Sealer) Seal(plain, place string) (string, error) {
	s.follow(false)
	aead := (*s.keys.Load())[0]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	box := aead.Seal(nonce, nonce, []byte(plain), []byte(place))
	return Prefix + base64.RawURLEncoding.EncodeToString(box), nil
}

// Open decrypts what Seal gave for the same place. The error is ErrNotSealed or
// ErrOpen.
func (s *Sealer) Open(text, place string) (string, error) {
	encoded, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return "", ErrNotSealed
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(box) < chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead {
		return "", ErrOpen
	}
	plain, ok := s.open(box, place)
	if !ok && s.follow(true) {
		plain, ok = s.open(box, place)
	}
	if !ok {
		return "", ErrOpen
	}
	return string(plain), nil
}

func (s *Sealer) open(box []byte, place string) ([]byte, bool) {
	nonce, cipherText := box[:chacha20poly1305.NonceSizeX], box[chacha20poly1305.NonceSizeX:]
	for _, aead := range *s.keys.Load() {
		if plain, err := aead.Open(nil, nonce, cipherText, []byte(place)); err == nil {
			return plain, true
		}
	}
	return nil, false
}

// IsSealed tells whether a stored text has the form that Seal gives. It is no
// test for what a client sends: such a text may imitate the form and is to be
// sealed like any other.
func IsSealed(text string) bool { return strings.HasPrefix(text, Prefix) }
