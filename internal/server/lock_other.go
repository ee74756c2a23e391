//go:build !unix

package server

import (
	"fmt"
	"os"
	"path/filepath"
)

// lock opens the lock file. Where there is no flock, nothing keeps a second
// server off the directory but the operator.
func lock(dir string, _ bool) (release func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the directory: %w", err)
	}
	return f.Close, nil
}
