package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"
)

// writeAgeKeys puts pairs of keys where scripts find them: age.key and age.pub, other.key.
func writeAgeKeys(dir string) error {
	one, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	write := func(name, text string) error {
		return os.WriteFile(filepath.Join(dir, name), []byte("# made by a test\n"+text+"\n"), 0o600)
	}
	return errors.Join(write("age.key", one.String()), write("age.pub", one.Recipient().String()), write("other.key", other.String()))
}

// wantMode is the script command "mode OCTAL FILE".
func wantMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm(); got != fs.FileMode(want) {
		ts.Fatalf("%s has the mode %04o, want %s", args[1], got, args[0])
	}
}

// cutFile is the script command "truncate FILE NEW": it writes all but the last bytes.
func cutFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE NEW")
	}
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(text) < 100 {
		ts.Check(fmt.Errorf("%s is too short to be cut", args[0]))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text[:len(text)-20], 0o600))
}
