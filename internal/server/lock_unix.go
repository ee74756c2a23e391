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

// lock takes the data directory for this process until release is called or the
// process ends, however it ends. A directory that is taken is an error of
// entity.KindUnavailable.
func lock(dataDir string) (release func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dataDir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = entity.Errorf(entity.KindUnavailable, "another Catalpa runs on %s: stop it first, or name another directory", dataDir)
		}
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}
