package auth

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

// replicas returns services on the database of the fixture, each with connections
// of its own, the fixture's among them.
func (f *fixture) replicas(n int) []*Service {
	f.t.Helper()
	all := []*Service{f.Service}
	for len(all) < n {
		db, err := sqlite.Open(f.ctx, filepath.Join(f.dir, "catalpa.db"), sqlite.Options{})
		must(f.t, err)
		f.t.Cleanup(func() { _ = db.Close() })
		options := f.options
		options.Store = db
		s, err := New(f.ctx, options)
		must(f.t, err)
		all = append(all, s)
	}
	return all
}

// TestT46GuessesOnReplicas guesses for an hour, on three replicas at once, from one
// address and from many. More guesses an hour only find the throttle closed.
func TestT46GuessesOnReplicas(t *testing.T) {
	const hourly = 30
	for addresses, guesses := range map[int]int{1: 3000, 100: 1500} {
		t.Run(fmt.Sprint(addresses), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			all := f.replicas(3)
			evaluated := make([]atomic.Int64, addresses)
			together := min(addresses, 50)
			volley := together * len(all)
			for done := 0; done < guesses; done += volley {
				var wg sync.WaitGroup
				for i := range together {
					address := (done/len(all) + i) % addresses
					for _, s := range all {
						wg.Go(func() {
							switch code := guess(f, s, address); code {
							case CodeLogin:
								evaluated[address].Add(1)
							case CodeThrottled:
							default:
								t.Errorf("a guess is answered with code %q", code)
							}
						})
					}
				}
				wg.Wait()
				f.clock.Advance(time.Hour * time.Duration(volley) / time.Duration(guesses))
			}
			for address := range evaluated {
				if n := evaluated[address].Load(); n > hourly || n == 0 {
					t.Errorf("%d guesses from address %d evaluated in an hour, want at most %d", n, address, hourly)
				}
			}
			for i, s := range all {
				if _, err := s.Login(f.ctx, attemptAt(fmt.Sprint("192.0.2.", i), goodPassword)); err != nil {
					t.Errorf("the owner does not get in at replica %d: %v", i, err)
				}
			}
		})
	}
}

func attemptAt(address, plain string) LoginRequest {
	return LoginRequest{Name: "ann", Password: base64.StdEncoding.EncodeToString([]byte(plain)), Address: address}
}

func guess(f *fixture, s *Service, address int) string {
	_, err := s.Login(f.ctx, attemptAt(fmt.Sprint("203.0.113.", address), "wrong"))
	return codeOf(err)
}

// TestTryOfAProcessThatDied: the lease of its last try ends by itself.
func TestTryOfAProcessThatDied(t *testing.T) {
	f := newFixture(t)
	who := attemptOf("ann", "192.0.2.1")
	lease, blocked, err := f.hold(f.ctx, who)
	if lease == 0 || blocked || err != nil {
		t.Fatalf("a free turn gives %d, %v, %v", lease, blocked, err)
	}
	if again, _, err := f.hold(f.ctx, who); again != 0 || err != nil {
		t.Errorf("a taken turn gives %d, %v", again, err)
	}
	f.clock.Advance(tryFor)
	_, err = f.login("ann", goodPassword, "192.0.2.1")
	must(t, err)
}

// TestTurnIsGivenUp: a try that came to no judgment holds up nobody.
func TestTurnIsGivenUp(t *testing.T) {
	f := newFixture(t)
	who := attemptOf("ann", "192.0.2.1")
	leave, blocked, err := f.takeTurn(f.ctx, who)
	if blocked || err != nil {
		t.Fatal(blocked, err)
	}
	leave()
	if lease, blocked, err := f.hold(f.ctx, who); lease == 0 || blocked || err != nil {
		t.Errorf("the turn afterwards: %d, %v, %v", lease, blocked, err)
	}
}

// TestThrottleOfNetworks: somebody who has a whole network of IPv6 waits in all of it,
// and nobody beyond.
func TestThrottleOfNetworks(t *testing.T) {
	f := newFixture(t)
	for i := range 3 {
		_, err := f.login("ann", "wrong", fmt.Sprintf("2001:db8:1:2::%x", i+1))
		wantCode(t, err, CodeLogin)
	}
	for _, address := range []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:0DB8:1:2::a%eth0"} {
		_, err := f.login("ann", goodPassword, address)
		wantCode(t, err, CodeThrottled)
	}
	for _, address := range []string{"2001:db8:1:3::1", "2001:db8::1", "192.0.2.1"} {
		_, err := f.login("ann", goodPassword, address)
		must(t, err)
	}
	// The addresses of IPv4 in IPv6 share their first bits and nothing else.
	for range 3 {
		_, err := f.login("ann", "wrong", "::ffff:203.0.113.7")
		wantCode(t, err, CodeLogin)
	}
	_, err := f.login("ann", "wrong", "::ffff:203.0.113.7")
	wantCode(t, err, CodeThrottled)
	_, err = f.login("ann", goodPassword, "::ffff:203.0.113.8")
	must(t, err)
}
