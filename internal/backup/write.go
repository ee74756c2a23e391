package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

const (
	format   = 1
	headName = "catalpa-backup.json"
	tailName = "catalpa-backup-end.json"
)

// Head says what a backup is.
type Head struct {
	Format  int       `json:"format"`
	Version string    `json:"catalpa"` // the program that made it
	Created time.Time `json:"created"`
}

// kept is a file of a backup as its last member lists it.
type kept struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// File is one to be kept: at a path, or in memory.
type File struct {
	Name string // below the data directory, with slashes
	Path string
	Data []byte
}

// Create writes a backup to a path where nothing is yet. It shows up there when it is
// complete; until then it lies beside it under another name, and whatever goes wrong
// takes it away. Only its owner can read it.
func Create(ctx context.Context, path string, head Head, files []File, key *Key) (size int64, err error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, fmt.Errorf("%s is there already; a backup never takes the place of another", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".catalpa-backup-*") // mode 0600
	if err != nil {
		return 0, err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	if err := Write(ctx, f, head, files, key); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, os.ErrExist) {
		return 0, fmt.Errorf("%s came into being meanwhile; a backup never takes the place of another", path)
	} else if err != nil { // a file system without links
		if err := os.Rename(f.Name(), path); err != nil {
			return 0, err
		}
	}
	return info.Size(), syncDir(filepath.Dir(path))
}

// Write writes a backup, encrypted if there is a key.
func Write(ctx context.Context, to io.Writer, head Head, files []File, key *Key) (err error) {
	if key != nil {
		sealed, err := age.Encrypt(to, key.recipients...)
		if err != nil {
			return fmt.Errorf("encrypting: %w", err)
		}
		return errors.Join(pack(ctx, sealed, head, files), sealed.Close())
	}
	return pack(ctx, to, head, files)
}

func pack(ctx context.Context, to io.Writer, head Head, files []File) error {
	packed, err := zstd.NewWriter(to)
	if err != nil {
		return err
	}
	return errors.Join(archive(ctx, packed, head, files), packed.Close())
}

func archive(ctx context.Context, to io.Writer, head Head, files []File) error {
	out := tar.NewWriter(to)
	head.Format = format
	if err := addJSON(out, headName, head); err != nil {
		return err
	}
	var list []kept
	for _, file := range files {
		entry, err := add(ctx, out, file)
		if err != nil {
			return err
		}
		list = append(list, entry)
	}
	if err := addJSON(out, tailName, list); err != nil {
		return err
	}
	return out.Close()
}

func addJSON(out *tar.Writer, name string, value any) error {
	doc, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(doc)), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = out.Write(doc)
	return err
}

func add(ctx context.Context, out *tar.Writer, file File) (kept, error) {
	entry := kept{Name: file.Name, Size: int64(len(file.Data))}
	digest := sha256.New()
	if file.Path == "" {
		digest.Write(file.Data)
		entry.SHA256 = hex.EncodeToString(digest.Sum(nil))
		err := out.WriteHeader(&tar.Header{Name: file.Name, Mode: 0o600, Size: entry.Size, Typeflag: tar.TypeReg})
		if err == nil {
			_, err = out.Write(file.Data)
		}
		return entry, err
	}
	f, err := os.Open(file.Path)
	if err != nil {
		return entry, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return entry, err
	}
	entry.Size = info.Size()
	if err := out.WriteHeader(&tar.Header{Name: file.Name, Mode: 0o600, Size: entry.Size, Typeflag: tar.TypeReg}); err != nil {
		return entry, err
	}
	if _, err := io.Copy(io.MultiWriter(out, digest), stoppable{ctx, f}); err != nil {
		return entry, err
	}
	entry.SHA256 = hex.EncodeToString(digest.Sum(nil))
	return entry, nil
}

// stoppable is a reader that ends with a context.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = f.Sync() // not every system can
	return f.Close()
}
