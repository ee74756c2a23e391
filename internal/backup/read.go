package backup

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

// Errors of a backup that cannot be read.
var (
	ErrNoBackup  = errors.New("this is no backup of Catalpa")
	ErrDamaged   = errors.New("the backup is damaged or not complete")
	ErrEncrypted = errors.New("the backup is encrypted: give the passphrase or the key that it was made with")
	ErrPlain     = errors.New("the backup is not encrypted: somebody may have put it in the place of the one you mean; restore it without passphrase and key if you trust it")
	ErrWrongKey  = errors.New("the backup was encrypted with another passphrase or key")
)

// What a file begins with.
const (
	ageMagic  = "age-encryption.org/"
	zstdMagic = "\x28\xb5\x2f\xfd"
)

const (
	maxText = 1 << 20 // bytes of the first and the last member
	maxName = 200
)

// Extract reads a backup and puts its files below a directory, each with the mode 0600. It
// judges all of it before it returns; after an error what is in the directory is of no use.
func Extract(ctx context.Context, path, dir string, key *Key) (head Head, names []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return head, nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return Read(ctx, f, dir, key)
}

// Read is Extract from a stream.
func Read(ctx context.Context, from io.Reader, dir string, key *Key) (head Head, names []string, err error) {
	in := bufio.NewReader(stoppable{ctx, from})
	begin, err := in.Peek(len(ageMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return head, nil, err
	}
	var plain io.Reader = in
	switch {
	case string(begin) == ageMagic && key == nil:
		return head, nil, ErrEncrypted
	case string(begin) == ageMagic:
		if plain, err = decrypt(in, key); err != nil {
			return head, nil, err
		}
	case !strings.HasPrefix(string(begin), zstdMagic):
		return head, nil, ErrNoBackup
	case key != nil:
		return head, nil, ErrPlain
	}
	unpacked, err := zstd.NewReader(plain, zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return head, nil, damaged(ctx, err)
	}
	defer unpacked.Close()
	r := &reading{dir: dir, in: tar.NewReader(unpacked)}
	if err := r.all(); err != nil {
		return r.head, nil, damaged(ctx, err)
	}
	// The end of each layer is judged, too, and nothing may follow.
	if n, err := io.Copy(io.Discard, unpacked); err != nil || n > maxText {
		return r.head, nil, damaged(ctx, cmpErr(err, errors.New("something follows the archive")))
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return r.head, nil, damaged(ctx, cmpErr(err, errors.New("something follows the backup")))
	}
	for _, entry := range r.list {
		names = append(names, entry.Name)
	}
	return r.head, names, nil
}

func decrypt(in io.Reader, key *Key) (io.Reader, error) {
	plain, err := age.Decrypt(in, key.identities...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, ErrWrongKey
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return plain, nil
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// damaged tells what is wrong with the backup from what is wrong with its surroundings.
func damaged(ctx context.Context, err error) error {
	var here *os.PathError // a full disk, a directory that cannot be written
	if ctx.Err() != nil || errors.As(err, &here) || errors.Is(err, ErrNoBackup) || errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// reading is a backup on its way out.
type reading struct {
	dir  string
	in   *tar.Reader
	head Head
	list []kept
}

// all reads the members in their order: the first, the files, the last.
func (r *reading) all() error {
	if err := r.begin(); err != nil {
		return err
	}
	for {
		h, err := r.in.Next()
		if err != nil {
			return cmpErr(notEnd(err), errors.New("its last part is missing"))
		}
		if h.Name == tailName {
			return r.end(h)
		}
		entry, err := r.file(h)
		if err != nil {
			return err
		}
		r.list = append(r.list, entry)
	}
}

func notEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (r *reading) begin() error {
	h, err := r.in.Next()
	if err != nil {
		return cmpErr(notEnd(err), errors.New("it is empty"))
	}
	if h.Name != headName {
		return ErrNoBackup
	}
	if err := r.text(h, &r.head); err != nil {
		return err
	}
	if r.head.Format != format {
		return fmt.Errorf("%w that this version can read: its format is %d, this version reads %d", ErrNoBackup, r.head.Format, format)
	}
	return nil
}

func (r *reading) text(h *tar.Header, into any) error {
	if h.Size > maxText {
		return errors.New("a part is too long")
	}
	doc, err := io.ReadAll(io.LimitReader(r.in, maxText))
	if err != nil {
		return err
	}
	return json.Unmarshal(doc, into)
}

// end compares what was read with the list.
func (r *reading) end(h *tar.Header) error {
	var list []kept
	if err := r.text(h, &list); err != nil {
		return err
	}
	if !slices.Equal(list, r.list) {
		return errors.New("its files are not those that it lists")
	}
	if _, err := r.in.Next(); !errors.Is(err, io.EOF) {
		return cmpErr(err, errors.New("something follows its last part"))
	}
	return nil
}

// file writes one file, which must be new.
func (r *reading) file(h *tar.Header) (entry kept, err error) {
	entry = kept{Name: h.Name, Size: h.Size}
	if h.Typeflag != tar.TypeReg || !plainName(h.Name) {
		return entry, fmt.Errorf("it holds %q, which is no file of a data directory", h.Name)
	}
	path := filepath.Join(r.dir, filepath.FromSlash(h.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return entry, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return entry, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	digest := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, digest), r.in); err != nil {
		return entry, err
	}
	entry.SHA256 = hex.EncodeToString(digest.Sum(nil))
	return entry, f.Sync()
}

// plainName accepts a name, or one in one directory, of characters that mean nothing to
// any file system.
func plainName(name string) bool {
	if len(name) > maxName || strings.Count(name, "/") > 1 {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || strings.Trim(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			return false
		}
	}
	return true
}
