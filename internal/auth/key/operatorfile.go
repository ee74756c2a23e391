package key

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

const maxFileSize = 64 << 10

// rules say what a key file of the operator may be besides a plain, private file.
type rules struct {
	// noLinks refuses symbolic links. Otherwise they are followed as long as they stay
	// below the directory they lie in: orchestrators mount secrets that way.
	noLinks bool
	// openToOthers takes a private key that others can read, as the operator wants.
	openToOthers bool
}

// readOperatorFile reads a key file the operator named. A private key must not be
// open to others, and nobody may put another file in its place by a link.
func readOperatorFile(path string, private bool, r rules) ([]byte, error) {
	name := filepath.Base(path)
	path, err := resolve(path, r)
	if err != nil {
		return nil, err
	}
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	// Looked at before opening, which would wait for the other end of a pipe.
	if !before.Mode().IsRegular() {
		return nil, unfit("name the file that holds the key", "%s is not a regular file", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(before, info) {
		return nil, unfit("try again", "%s was replaced while it was read", name)
	}
	if mode := info.Mode().Perm(); private && !r.openToOthers && mode&0o037 != 0 {
		return nil, unfit("run chmod 640 or chmod 600 on it", "%s may be read or changed by others (mode %04o)", name, mode)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFileSize {
		return nil, unfit("name the file that holds the key", "%s is too large for a key", name)
	}
	return data, nil
}

// resolve follows the links that are allowed.
func resolve(path string, r rules) (string, error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		return path, err
	}
	name := filepath.Base(path)
	if r.noLinks {
		return "", unfit("name the file itself, or copy it: cp -L FILE COPY && chmod 600 COPY", "%s is a symbolic link", name)
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if inside, err := filepath.Rel(dir, target); err != nil || inside == ".." || strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		return "", unfit("name the file itself, or copy it there with mode 600", "%s is a symbolic link out of its directory", name)
	}
	return target, nil
}
