package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func testSealer(t *testing.T) *Sealer {
	t.Helper()
	s, err := New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealAndOpen(t *testing.T) {
	s := testSealer(t)
	rapid.Check(t, func(t *rapid.T) {
		plain, place, other := rapid.String().Draw(t, "plain"), rapid.String().Draw(t, "place"), rapid.String().Draw(t, "other")
		sealed, err := s.Seal(plain, place)
		if err != nil {
			t.Fatal(err)
		}
		if !IsSealed(sealed) || len(plain) > 8 && strings.Contains(sealed, plain) {
			t.Errorf("sealed %q", sealed)
		}
		if opened, err := s.Open(sealed, place); err != nil || opened != plain {
			t.Errorf("opened %q, %v", opened, err)
		}
		if _, err := s.Open(sealed, other); other != place && !errors.Is(err, ErrOpen) {
			t.Errorf("opened in another place: %v", err)
		}
	})
}

func TestEachSealingDiffers(t *testing.T) {
	s := testSealer(t)
	a, _ := s.Seal("same", "place")
	b, _ := s.Seal("same", "place")
	if a == b {
		t.Error("equal texts can be recognised")
	}
}

func TestOpenRefuses(t *testing.T) {
	s := testSealer(t)
	sealed, err := s.Seal("secret", "place")
	if err != nil {
		t.Fatal(err)
	}
	other, err := New(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(sealed, "place"); !errors.Is(err, ErrOpen) {
		t.Errorf("another key: %v", err)
	}
	for _, text := range []string{"", "secret", "sealed:v2:AAAA", "fernet:AAAA"} {
		if _, err := s.Open(text, "place"); !errors.Is(err, ErrNotSealed) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{Prefix, Prefix + "AAAA", Prefix + "!!", sealed[:len(sealed)-2], sealed + "AA"} {
		if _, err := s.Open(text, "place"); !errors.Is(err, ErrOpen) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for i := len(Prefix); i < len(sealed); i++ {
		altered := []byte(sealed)
		altered[i] ^= 1
		if opened, err := s.Open(string(altered), "place"); err == nil {
			t.Errorf("byte %d altered, opened %q", i, opened)
		}
	}
}

func TestOpenDir(t *testing.T) {
	dir := t.TempDir()
	first, created, err := OpenDir(dir)
	if err != nil || !created {
		t.Fatal(created, err)
	}
	info, err := os.Stat(filepath.Join(dir, MasterFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	sealed, err := first.Seal("x", "p")
	if err != nil {
		t.Fatal(err)
	}
	second, created, err := OpenDir(dir)
	if err != nil || created {
		t.Fatal(created, err)
	}
	if opened, err := second.Open(sealed, "p"); err != nil || opened != "x" {
		t.Errorf("after a restart: %q, %v", opened, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files left", len(files))
	}
}

func TestStartsAtOnceAgree(t *testing.T) {
	dir := t.TempDir()
	sealers := make([]*Sealer, 8)
	made := make([]bool, len(sealers))
	var wg sync.WaitGroup
	for i := range sealers {
		wg.Go(func() {
			var err error
			if sealers[i], made[i], err = OpenDir(dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	sealed, err := sealers[0].Seal("x", "p")
	if err != nil {
		t.Fatal(err)
	}
	winners := 0
	for i, s := range sealers {
		if _, err := s.Open(sealed, "p"); err != nil {
			t.Error(err)
		}
		if made[i] {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d created the key", winners)
	}
}

func TestBadMasterFiles(t *testing.T) {
	good := strings.Repeat("A", 43) + "="
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
	}{
		"empty": {"", 0o600}, "short": {"AAAA", 0o600}, "no base64": {"!!!!" + good, 0o600}, "world-readable": {good, 0o644},
		"group-readable": {good, 0o640}, "huge": {strings.Repeat("A", 2<<20), 0o600},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, MasterFile)
		if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		_, _, err := OpenDir(dir)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), good) {
			t.Errorf("%s: the error quotes the file", name)
		}
	}
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(elsewhere, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, MasterFile)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenDir(dir); err == nil {
		t.Error("a link is accepted")
	}
	if _, err := New([]byte("short")); err == nil {
		t.Error("a short key is accepted")
	}
}

func TestCreateAndReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := CreateFile(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := CreateFile(path, []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	if data, err := ReadFile(path); err != nil || string(data) != "one" {
		t.Errorf("%q, %v", data, err)
	}
	if err := ReplaceFile(path, []byte("three")); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(path); err != nil || string(data) != "three" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := ReadFile(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files left", len(files))
	}
}

// TestRotateWithOverlap: a new key seals, the former ones open, in every process that
// uses the directory, without a restart.
func TestRotateWithOverlap(t *testing.T) {
	dir := t.TempDir()
	open := func() *Sealer {
		t.Helper()
		s, _, err := OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	seal := func(s *Sealer, plain string) string {
		t.Helper()
		text, err := s.Seal(plain, "place")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	running, command := open(), open()
	texts := map[string]string{"before": seal(running, "before")}
	first, err := os.ReadFile(filepath.Join(dir, MasterFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"one", "two"} {
		if err := command.Rotate(); err != nil {
			t.Fatal(err)
		}
		texts[plain] = seal(command, plain)
	}
	file, err := os.ReadFile(filepath.Join(dir, MasterFile))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, MasterFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if lines := strings.Count(string(file), "\n"); lines != 3 || !strings.HasSuffix(string(file), string(first)) {
		t.Fatalf("%d keys in the file, want the first one last", lines)
	}
	for name, s := range map[string]*Sealer{"the running one": running, "the command": command, "one after a restart": open()} {
		for plain, text := range texts {
			if got, err := s.Open(text, "place"); err != nil || got != plain {
				t.Errorf("%s, %s: %q, %v", name, plain, got, err)
			}
		}
	}
	// The running one seals with the new key, too: the first alone cannot open that.
	after := seal(running, "after")
	old := t.TempDir()
	if err := CreateFile(filepath.Join(old, MasterFile), first); err != nil {
		t.Fatal(err)
	}
	former, _, err := OpenDir(old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := former.Open(after, "place"); !errors.Is(err, ErrOpen) {
		t.Errorf("sealed with the former key: %v", err)
	}
	if got, err := former.Open(texts["before"], "place"); err != nil || got != "before" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestNewMasterKeyIsNoticed: a process that seals and never opens takes it up as well.
func TestNewMasterKeyIsNoticed(t *testing.T) {
	dir := t.TempDir()
	running, _, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	command, _, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Rotate(); err != nil {
		t.Fatal(err)
	}
	running.file.mu.Lock()
	running.file.looked = running.file.looked.Add(-2 * lookEvery)
	running.file.mu.Unlock()
	text, err := running.Seal("x", "p")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := newest(t, command).open(boxOf(t, text), "p"); !ok {
		t.Error("the former key still seals")
	}
	// A file that is damaged meanwhile leaves the running one as it is.
	if err := ReplaceFile(filepath.Join(dir, MasterFile), []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	if _, err := running.Open(Prefix+strings.Repeat("A", 100), "p"); !errors.Is(err, ErrOpen) {
		t.Error(err)
	}
	if got, err := running.Open(text, "p"); err != nil || got != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if err := running.Rotate(); err == nil {
		t.Error("a damaged file is rotated")
	}
	given, err := New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if err := given.Rotate(); err == nil {
		t.Error("a key that is in no file is rotated")
	}
}

// newest is a Sealer with the first key of another alone.
func newest(t *testing.T, s *Sealer) *Sealer {
	t.Helper()
	one := new(Sealer)
	keys := (*s.keys.Load())[:1]
	one.keys.Store(&keys)
	return one
}

func boxOf(t *testing.T, text string) []byte {
	t.Helper()
	box, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, Prefix))
	if err != nil {
		t.Fatal(err)
	}
	return box
}
