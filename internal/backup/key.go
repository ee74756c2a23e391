package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
)

// Key encrypts backups, decrypts them, or both.
type Key struct {
	recipients []age.Recipient
	identities []age.Identity
}

// minPassphrase is how many bytes a passphrase has at least: whoever gets hold of a backup
// can try as many as they like.
const minPassphrase = 12

// maxKeyFile bounds what is read of a file with a passphrase or a key.
const maxKeyFile = 64 << 10

// Passphrase makes a key of the first line of a file.
func Passphrase(path string) (*Key, error) {
	text, err := readSome(path)
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	if len(line) < minPassphrase {
		return nil, fmt.Errorf("the first line of %s is to be a passphrase of at least %d characters", path, minPassphrase)
	}
	seals, err := age.NewScryptRecipient(line)
	if err != nil {
		return nil, err
	}
	opens, err := age.NewScryptIdentity(line)
	if err != nil {
		return nil, err
	}
	return &Key{recipients: []age.Recipient{seals}, identities: []age.Identity{opens}}, nil
}

// KeyFile reads a file of age's: identities (AGE-SECRET-KEY-...), with which backups can
// be made and restored, or recipients (age1...), with which they can only be made.
func KeyFile(path string) (*Key, error) {
	text, err := readSome(path)
	if err != nil {
		return nil, err
	}
	if recipients, err := age.ParseRecipients(bytes.NewReader(text)); err == nil {
		return &Key{recipients: recipients}, nil
	}
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s holds no keys of age: lines that begin with AGE-SECRET-KEY- or with age1, as age-keygen makes them", path)
	}
	key := &Key{identities: identities}
	for _, identity := range identities {
		switch identity := identity.(type) {
		case *age.X25519Identity:
			key.recipients = append(key.recipients, identity.Recipient())
		case *age.HybridIdentity:
			key.recipients = append(key.recipients, identity.Recipient())
		default:
			return nil, fmt.Errorf("%s holds a key of a kind that is not known here", path)
		}
	}
	return key, nil
}

// ErrOnlySeals is a key that cannot open anything.
var ErrOnlySeals = errors.New("the file holds only public keys (age1...), which make backups but cannot open them; give the one with AGE-SECRET-KEY-")

// Opens is an error unless backups can be restored with the key. No key opens those that
// are not encrypted.
func (k *Key) Opens() error {
	if k != nil && len(k.identities) == 0 {
		return ErrOnlySeals
	}
	return nil
}

func readSome(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%s is too long to hold a passphrase or keys", path)
	}
	return text, err
}
