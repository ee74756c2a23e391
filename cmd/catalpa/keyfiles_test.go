package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// TestT62UnfitKeyFiles brings key files that must not be taken, by command and by
// configuration.
func TestT62UnfitKeyFiles(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/keyfiles",
		Setup: amongKeys,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitserving": waitServing, "ends": ends, "pair": pair, "unfit": unfit, "silent": silent, "trail": trail,
		},
	})
}

// pair is the script command "pair PRIVATE PUBLIC": the configuration names these key
// files from then on.
func pair(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: pair PRIVATE PUBLIC")
	}
	ts.Setenv("RSA_PRIVATE_KEY_FILE_PATH", args[0])
	ts.Setenv("RSA_PUBLIC_KEY_FILE_PATH", args[1])
}

// unfit is the script command "unfit PRIVATE PUBLIC": in each mode neither check nor
// server take the files, and the server leaves nothing behind. What it said last is in
// stderr.
func unfit(ts *testscript.TestScript, neg bool, args []string) {
	pair(ts, neg, args)
	for _, mode := range []string{"development", "production"} {
		ts.Setenv("CATALPA_MODE", mode)
		ends(ts, false, []string{"78", "catalpa", "config", "check"})
		silent(ts, false, args)
		ends(ts, false, []string{"78", "catalpa", "server", "--data-dir", "fresh", "--listen", "127.0.0.1:0"})
		silent(ts, false, args)
		if found, err := filepath.Glob(ts.MkAbs("fresh*")); err != nil || len(found) > 0 {
			ts.Fatalf("%s: the refused start left %v, %v", mode, found, err)
		}
	}
	ts.Setenv("CATALPA_MODE", "")
}

// silent is the script command "silent FILE...": nothing of these files was printed.
// Lines that every key of a kind has, and short ones, do not count.
func silent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: silent FILE...")
	}
	printed := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	for _, name := range args {
		text, err := os.ReadFile(ts.MkAbs(name))
		if err != nil { // missing on purpose, or a directory
			continue
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); len(line) >= 20 && !strings.HasPrefix(line, "-----") && strings.Contains(printed, line) {
				ts.Fatalf("a part of %s was printed", name)
			}
		}
	}
}

// trail is the script command "trail COUNT ACTION DATADIR": the audit trail has so many
// entries of the action.
func trail(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: trail COUNT ACTION DATADIR")
	}
	ctx := context.Background()
	db, err := sqlite.Open(ctx, filepath.Join(ts.MkAbs(args[2]), "catalpa.db"), sqlite.Options{})
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	count := 0
	ts.Check(db.View(ctx, func(r store.Reader) error {
		count = 0
		records, err := r.Records(ctx, store.RecordQuery{Kind: "audit"})
		for _, rec := range records {
			var entry struct {
				Action string `json:"action"`
			}
			if err := json.Unmarshal(rec.Doc, &entry); err != nil {
				return err
			}
			if entry.Action == args[1] {
				count++
			}
		}
		return err
	}))
	if fmt.Sprint(count) != args[0] {
		ts.Fatalf("the trail has %d entries of %s, want %s", count, args[1], args[0])
	}
}
