package crash

import (
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// acknowledged is what of a ledger was acknowledged by now: the last version of each
// table that is there.
func (l *ledger) acknowledged() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := map[string]string{}
	for name, e := range l.entries {
		if e.acked != nil {
			now[name] = string(e.acked.Version)
		}
	}
	return now
}

// since tells whether a table in this state is one that was acknowledged with a version,
// or what became of it afterwards.
func (e *entry) since(version string, got *state) bool {
	if got == nil {
		return e.gone || e.pending != nil && e.pending.gone
	}
	if e.pending != nil && e.pending.admits(got) {
		return true
	}
	from := slices.Index(e.history, version)
	return from >= 0 && slices.Contains(e.history[from:], string(got.Version))
}

// tool runs a command of the binary that must succeed.
func tool(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
		t.Fatalf("catalpa %v: %v\n%s", args, err, out)
	}
}

// TestBackupHoldsWhatWasAcknowledged is the drill: a backup is made while clients write,
// the server is killed, and what is restored elsewhere has every write that was
// acknowledged before the backup began, works with the tokens of before, and goes on.
func TestBackupHoldsWhatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	data, file, passphrase := filepath.Join(dir, "data"), filepath.Join(dir, "backup"), filepath.Join(dir, "passphrase")
	if err := os.WriteFile(passphrase, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, data)
	token := botToken(t, data)
	newAPI(s, token).prepare(t)
	l := newLedger()
	at := after(300)
	group := load(s, token, l, at, 0, rand.Uint64())
	<-at.reached
	before := l.acknowledged()
	tool(t, "backup", file, "--data-dir", data, "--passphrase-file", passphrase)
	s.kill()
	group.Wait()
	if err := os.RemoveAll(data); err != nil { // as if the machine were lost
		t.Fatal(err)
	}

	elsewhere := filepath.Join(dir, "elsewhere", "data")
	tool(t, "restore", file, "--data-dir", elsewhere, "--passphrase-file", passphrase)
	again := start(t, elsewhere)
	a := newAPI(again, token)
	tables := stored(t, a)
	if len(before) < 20 {
		t.Fatalf("only %d tables were acknowledged before the backup", len(before))
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		var got *state
		if s, ok := tables[name]; ok {
			got = &s
		}
		if e := l.entries[name]; !e.since(before[name], got) {
			t.Errorf("%s was acknowledged with version %s before the backup; restored is %v, later versions %v (gone %t, unanswered %+v)",
				name, before[name], got, e.history, e.gone, e.pending)
		}
	}
	for name := range tables {
		if l.entries[name] == nil {
			t.Errorf("%s is restored, but nobody wrote it", name)
		}
	}
	checkSearch(t, a)
	w := &writer{api: a, ledger: newLedger(), at: after(0), prefix: "again", rand: rand.New(rand.NewPCG(1, 2))}
	for range 10 {
		w.step()
	}
	if len(w.ledger.failed) > 0 || w.ledger.acked == 0 {
		t.Errorf("writing goes on with %d acknowledged, refused: %v", w.ledger.acked, w.ledger.failed)
	}
	again.terminate()
	again.wantCleanExit()
}
