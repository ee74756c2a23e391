package secret

import (
	"bytes"
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
