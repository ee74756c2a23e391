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
	aead cipher.AEAD
}

// OpenDir returns the Sealer of a data directory; created tells that there was no
// master key and a random one has been written.
func OpenDir(dir string) (s *Sealer, created bool, err error) {
	path := filepath.Join(dir, MasterFile)
	master, err := readMaster(path)
	if errors.Is(err, fs.ErrNotExist) {
		created, err = createMaster(path)
		if err != nil {
			return nil, false, fmt.Errorf("create the master key: %w", err)
		}
		master, err = readMaster(path)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the master key: %w", err)
	}
	s, err = New(master)
	return s, created, err
}

func readMaster(path string) ([]byte, error) {
	text, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	master, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(master) != masterSize {
		// The decoder's own error would quote the key.
		return nil, fmt.Errorf("%s does not hold %d bytes in base64; restore it from the backup", MasterFile, masterSize)
	}
	return master, nil
}

func createMaster(path string) (created bool, err error) {
	master := make([]byte, masterSize)
	_, _ = rand.Read(master) // never fails, says crypto/rand
	err = CreateFile(path, []byte(base64.StdEncoding.EncodeToString(master)+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// New makes a Sealer from a master key of 32 bytes.
func New(master []byte) (*Sealer, error) {
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
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	return &Sealer{aead: aead}, nil
}

// Seal encrypts a text. place says where the result is kept, such as the path of
// the member or the entity's id: only Open with the same place gives it back, so a
// sealed text copied elsewhere is worthless.
func (s *Sealer) Seal(plain, place string) (string, error) {
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	box := s.aead.Seal(nonce, nonce, []byte(plain), []byte(place))
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
	if err != nil || len(box) < s.aead.NonceSize()+s.aead.Overhead() {
		return "", ErrOpen
	}
	nonce, cipherText := box[:s.aead.NonceSize()], box[s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, cipherText, []byte(place))
	if err != nil {
		return "", ErrOpen
	}
	return string(plain), nil
}

// IsSealed tells whether a stored text has the form that Seal gives. It is no
// test for what a client sends: such a text may imitate the form and is to be
// sealed like any other.
func IsSealed(text string) bool { return strings.HasPrefix(text, Prefix) }
