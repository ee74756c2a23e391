package secret

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// maxMasters bounds the keys in the file: each is tried on what others sealed.
const maxMasters = 32

// lookEvery is how often the file is looked at for a key that another process added,
// unless something cannot be opened.
const lookEvery = time.Second

// masterFile is the file of the master keys, a line each, the one that seals first.
type masterFile struct {
	path string

	mu     sync.Mutex
	seen   os.FileInfo // what was read last
	looked time.Time
}

// read returns the keys.
func (f *masterFile) read() ([][]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.readLocked()
}

func (f *masterFile) readLocked() ([][]byte, error) {
	// Looked at before it is read: a file that takes its place meanwhile is then seen
	// to be another.
	info, err := os.Lstat(f.path)
	if err != nil {
		return nil, err
	}
	text, err := ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	var masters [][]byte
	for line := range strings.Lines(strings.TrimSpace(string(text)) + "\n") {
		master, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
		if err != nil || len(master) != masterSize {
			// The decoder's own error would quote the key.
			return nil, fmt.Errorf("%s does not hold keys of %d bytes in base64, a line each; restore it from the backup", MasterFile, masterSize)
		}
		masters = append(masters, master)
	}
	f.seen, f.looked = info, time.Now()
	return masters, nil
}

// changed tells whether there is another file than the one that was read; it looks now
// and then only, unless it has to know now.
func (f *masterFile) changed(now bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !now && time.Since(f.looked) < lookEvery {
		return false
	}
	f.looked = time.Now()
	info, err := os.Lstat(f.path)
	return err == nil && (!os.SameFile(info, f.seen) || info.ModTime() != f.seen.ModTime() || info.Size() != f.seen.Size())
}

// add puts a line before the others and returns all keys.
func (f *masterFile) add(line string) ([][]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	masters, err := f.readLocked()
	if err != nil {
		return nil, err
	}
	if len(masters) >= maxMasters {
		return nil, fmt.Errorf("%s holds %d keys already", MasterFile, len(masters))
	}
	text := line
	for _, master := range masters {
		text += base64.StdEncoding.EncodeToString(master) + "\n"
	}
	if err := ReplaceFile(f.path, []byte(text)); err != nil {
		return nil, err
	}
	masters, err = f.readLocked()
	if err == nil && base64.StdEncoding.EncodeToString(masters[0])+"\n" != line {
		return nil, fmt.Errorf("somebody else changed %s at the same moment; look at it and try again", MasterFile)
	}
	return masters, err
}
