package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// content are the files of the tests, one of them from the disk.
func content(t *testing.T) (files []File, want map[string]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "big")
	big := strings.Repeat("all that was ordered\n", 20_000)
	must(t, os.WriteFile(path, []byte(big), 0o644))
	files = []File{{Name: "catalpa.db", Path: path}, {Name: "keys/ring.json", Data: []byte("{}")}, {Name: "empty", Data: []byte{}}}
	return files, map[string]string{"catalpa.db": big, "keys/ring.json": "{}", "empty": ""}
}

func made(t *testing.T, files []File, key *Key) []byte {
	t.Helper()
	var out bytes.Buffer
	must(t, Write(t.Context(), &out, Head{Version: "1.2.3", Created: time.Unix(1000, 0).UTC()}, files, key))
	return out.Bytes()
}

// read returns what is in a directory, and that nobody else can read it.
func read(t *testing.T, dir string, names []string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, name := range names {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		must(t, err)
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %04o", name, info.Mode().Perm())
		}
		got[name] = string(text)
	}
	return got
}

// keys are a pair of age's: one that seals alone, and one that does both.
func keys(t *testing.T) (seals, both *Key) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	must(t, err)
	file := func(text string) *Key {
		path := filepath.Join(t.TempDir(), "key")
		must(t, os.WriteFile(path, []byte("# a comment\n"+text+"\n"), 0o600))
		key, err := KeyFile(path)
		must(t, err)
		return key
	}
	return file(identity.Recipient().String()), file(identity.String())
}

func TestWhatWasPutInComesOut(t *testing.T) {
	files, want := content(t)
	seals, both := keys(t)
	for name, tc := range map[string]struct{ seal, open *Key }{"plain": {nil, nil}, "a pair": {both, both}, "a public key": {seals, both}} {
		backup := made(t, files, tc.seal)
		if tc.seal != nil && bytes.Contains(backup, []byte("ring.json")) {
			t.Errorf("%s: names show through", name)
		}
		dir := t.TempDir()
		head, names, err := Read(t.Context(), bytes.NewReader(backup), dir, tc.open)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(Head{Format: 1, Version: "1.2.3", Created: time.Unix(1000, 0).UTC()}, head); d != "" {
			t.Errorf("%s: head (-want +got):\n%s", name, d)
		}
		if d := cmp.Diff(want, read(t, dir, names)); d != "" {
			t.Errorf("%s: files (-want +got):\n%s", name, d)
		}
	}
}

func TestWhoOpensWhat(t *testing.T) {
	files, _ := content(t)
	seals, both := keys(t)
	_, other := keys(t)
	if err := seals.Opens(); !errors.Is(err, ErrOnlySeals) {
		t.Errorf("a public key opens: %v", err)
	}
	must(t, both.Opens())
	must(t, (*Key)(nil).Opens())
	for name, tc := range map[string]struct {
		backup []byte
		open   *Key
		want   error
	}{
		"no key":            {made(t, files, both), nil, ErrEncrypted},
		"another key":       {made(t, files, both), other, ErrWrongKey},
		"a key for a plain": {made(t, files, nil), both, ErrPlain},
		"text":              {[]byte("this is some text that is no backup"), nil, ErrNoBackup},
		"nothing":           {nil, nil, ErrNoBackup},
	} {
		if _, _, err := Read(t.Context(), bytes.NewReader(tc.backup), t.TempDir(), tc.open); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// TestDamageIsFound cuts a backup off at many places, turns single bits, and adds to it.
func TestDamageIsFound(t *testing.T) {
	files, want := content(t)
	_, both := keys(t)
	for _, key := range []*Key{nil, both} {
		whole := made(t, files, key)
		refused := func(what string, at int, backup []byte) {
			t.Helper()
			_, _, err := Read(t.Context(), bytes.NewReader(backup), t.TempDir(), key)
			if err == nil {
				t.Fatalf("%s at %d of %d (key %t): nothing is found", what, at, len(whole), key != nil)
			}
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNoBackup) && !errors.Is(err, ErrWrongKey) {
				t.Fatalf("%s at %d of %d: %v does not say that the backup is damaged", what, at, len(whole), err)
			}
		}
		step := max(1, len(whole)/60)
		for at := 0; at < len(whole); at += step {
			refused("cut off", at, whole[:at])
		}
		refused("cut off", len(whole)-1, whole[:len(whole)-1])
		for at := len(ageMagic); at < len(whole); at += step {
			turned := bytes.Clone(whole)
			turned[at] ^= 0x10
			dir := t.TempDir()
			_, names, err := Read(t.Context(), bytes.NewReader(turned), dir, key)
			if err == nil && key == nil { // a bit that the packing has no use for: everything came out as it was
				if d := cmp.Diff(want, read(t, dir, names)); d != "" {
					t.Fatalf("a bit turned at %d of %d changes what comes out (-want +got):\n%s", at, len(whole), d)
				}
				continue
			}
			refused("a bit turned", at, turned)
		}
		refused("added to", len(whole), append(bytes.Clone(whole), "more"...))
	}
}

// TestArchivesOfOthers: members that would lie outside of the directory, that are links, or
// that the last part does not list.
func TestArchivesOfOthers(t *testing.T) {
	head := `{"format":1,"catalpa":"x","created":"2026-01-01T00:00:00Z"}`
	type member struct {
		name, text string
		kind       byte
	}
	for name, members := range map[string][]member{
		"above":         {{headName, head, 0}, {"../evil", "x", 0}, {tailName, "[]", 0}},
		"absolute":      {{headName, head, 0}, {"/tmp/evil", "x", 0}, {tailName, "[]", 0}},
		"deep":          {{headName, head, 0}, {"a/b/c", "x", 0}, {tailName, "[]", 0}},
		"hidden":        {{headName, head, 0}, {".ssh/x", "x", 0}, {tailName, "[]", 0}},
		"a link":        {{headName, head, 0}, {"catalpa.db", "", tar.TypeSymlink}, {tailName, "[]", 0}},
		"not listed":    {{headName, head, 0}, {"catalpa.db", "x", 0}, {tailName, "[]", 0}},
		"other digest":  {{headName, head, 0}, {"catalpa.db", "x", 0}, {tailName, `[{"name":"catalpa.db","size":1,"sha256":"00"}]`, 0}},
		"twice":         {{headName, head, 0}, {"a", "x", 0}, {"a", "y", 0}, {tailName, "[]", 0}},
		"no end":        {{headName, head, 0}, {"a", "x", 0}},
		"after the end": {{headName, head, 0}, {tailName, "[]", 0}, {"a", "x", 0}},
		"no head":       {{"a", "x", 0}, {tailName, "[]", 0}},
		"newer":         {{headName, `{"format":2}`, 0}, {tailName, "[]", 0}},
		"no JSON":       {{headName, `{`, 0}, {tailName, "[]", 0}},
		"nothing":       {},
	} {
		var out bytes.Buffer
		packed, err := zstd.NewWriter(&out)
		must(t, err)
		archive := tar.NewWriter(packed)
		for _, m := range members {
			h := &tar.Header{Name: m.name, Mode: 0o777, Size: int64(len(m.text)), Typeflag: tar.TypeReg}
			if m.kind != 0 {
				h.Typeflag, h.Linkname = m.kind, "/etc/passwd"
			}
			must(t, archive.WriteHeader(h))
			_, err := archive.Write([]byte(m.text))
			must(t, err)
		}
		must(t, archive.Close())
		must(t, packed.Close())
		parent := t.TempDir()
		dir := filepath.Join(parent, "in")
		must(t, os.Mkdir(dir, 0o700))
		if _, _, err := Read(t.Context(), &out, dir, nil); err == nil {
			t.Errorf("%s: it is taken for a backup", name)
		}
		if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
			t.Errorf("%s: something was written outside of the directory: %v", name, entries)
		}
	}
}

func TestCreateLeavesNothingHalf(t *testing.T) {
	files, _ := content(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "backup")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Create(cancelled, path, Head{}, files, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup that is cancelled ends with %v", err)
	}
	if _, err := Create(t.Context(), path, Head{}, append(files, File{Name: "x", Path: filepath.Join(dir, "missing")}), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a backup of a file that is gone ends with %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	size, err := Create(t.Context(), path, Head{}, files, nil)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if info.Size() != size || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup has %d bytes and mode %04o, want %d and 0600", info.Size(), info.Mode().Perm(), size)
	}
	if _, err := Create(t.Context(), path, Head{}, files, nil); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second backup in the same place ends with %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestFilesOfKeys(t *testing.T) {
	for name, text := range map[string]string{"nothing": "", "text": "my key", "long": strings.Repeat("# x\n", 100_000)} {
		path := filepath.Join(t.TempDir(), "key")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := KeyFile(path); err == nil {
			t.Errorf("%s is taken for keys", name)
		}
		if _, err := Passphrase(path); err == nil {
			t.Errorf("%s is taken for a passphrase", name)
		}
	}
}
