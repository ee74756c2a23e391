package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
)

// kills is how often TestKillLosesNothing kills the server.
var kills = flag.Int("kills", 20, "how often the server is killed under load")

const (
	rounds  = 40 // on one data directory at most, so that a search can show all its tables
	writers = 6
)

// load lets clients write until the server is gone. at ticks when a request is
// sent and when its answer has been read.
func load(s *server, token string, l *ledger, at *moment, round int, seed uint64) *sync.WaitGroup {
	group := new(sync.WaitGroup)
	for i := range writers {
		w := &writer{
			api: newAPI(s, token), ledger: l, at: at, prefix: fmt.Sprintf("r%02d_w%d", round, i),
			rand: rand.New(rand.NewPCG(seed, uint64(i))),
		}
		group.Go(w.run)
	}
	return group
}

func TestKillLosesNothing(t *testing.T) {
	for left := *kills; left > 0; left -= rounds {
		killUnderLoad(t, min(left, rounds))
	}
}

func killUnderLoad(t *testing.T, rounds int) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data)
	token := botToken(t, data)
	newAPI(s, token).prepare(t)
	l := newLedger()
	for round := range rounds {
		seed := rand.Uint64()
		at := after(2 + rand.IntN(200))
		group := load(s, token, l, at, round, seed)
		<-at.reached
		s.kill()
		group.Wait()
		if round%4 == 3 { // once more, while it opens its files or catches up
			again, ready := begin(t, data)
			if round%8 == 7 {
				<-ready
			}
			again.kill()
		}
		s = start(t, data)
		a := newAPI(s, token)
		l.check(t, a)
		checkSearch(t, a)
		if t.Failed() {
			t.Fatalf("in round %d with seed %d", round, seed)
		}
	}
	t.Logf("%d acknowledged writes to %d tables", l.acked, len(l.entries))
	s.terminate()
	s.wantCleanExit()
}

// TestKillAtFirstStart kills the server while it brings its directory into
// being: at each start a later file is there when it happens.
func TestKillAtFirstStart(t *testing.T) {
	for _, file := range []string{"catalpa.db", "catalpa.db-wal", "keys/signing-keys.json", "search.db", "ingestion-bot.jwt"} {
		t.Run(file, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			s, ready := begin(t, data)
			appeared(t, filepath.Join(data, file), ready)
			s.kill()
			s = start(t, data)
			token := botToken(t, data)
			a := newAPI(s, token)
			a.prepare(t)
			l := newLedger()
			w := &writer{api: a, ledger: l, at: after(0), prefix: "t", rand: rand.New(rand.NewPCG(1, 2))}
			for range 10 {
				w.step()
			}
			l.check(t, a)
			checkSearch(t, a)
			s.terminate()
			s.wantCleanExit()
		})
	}
}

func TestTerminateUnderLoadLosesNothing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data)
	token := botToken(t, data)
	newAPI(s, token).prepare(t)
	l := newLedger()
	for round := range 3 {
		at := after(50 + rand.IntN(200))
		group := load(s, token, l, at, round, rand.Uint64())
		<-at.reached
		s.terminate()
		group.Wait()
		s.wantCleanExit()
		s = start(t, data)
		a := newAPI(s, token)
		l.check(t, a)
		checkSearch(t, a)
	}
	s.terminate()
	s.wantCleanExit()
}
