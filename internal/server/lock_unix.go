//go:build unix

package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// lock takes a directory for this process until release is called or the process
// ends, however it ends; with shared, for it and others that share it. A directory
// that is taken is an error of entity.KindUnavailable.
func lock(dir string, shared bool) (release func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the directory: %w", err)
	}
	how := syscall.LOCK_EX
	if shared {
		how = syscall.LOCK_SH
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = entity.Errorf(entity.KindUnavailable, "another Catalpa runs on %s: stop it first, or name another directory", dir)
		}
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}
