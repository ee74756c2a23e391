//go:build unix

package key

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// lock keeps other processes from changing the ring until it is released. It is
// held for milliseconds, so whoever holds it for long has come to grief.
func lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(lockTimeout)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, f.Close())
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(errBusy, f.Close())
		}
		<-time.After(lockRetry)
	}
}
