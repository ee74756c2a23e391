package saml

import (
	"sync"
	"time"
)

// maxRemembered bounds the cache of used assertions.
const maxRemembered = 50_000

// replays remember the assertions that were accepted, as long as they could be
// presented again. It is the second line: the first is that an attempt to sign in is
// used up with the first answer, on all replicas.
type replays struct {
	mu   sync.Mutex
	used map[string]time.Time
	next time.Time // when to sweep
}

// use notes an assertion; false means that it was used before.
func (r *replays) use(id string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if until, ok := r.used[id]; ok && now.Before(until) {
		return false
	}
	if r.used == nil {
		r.used = map[string]time.Time{}
	}
	if now.After(r.next) || len(r.used) >= maxRemembered {
		r.sweep(now)
	}
	// checkAge refuses the assertion after that.
	r.used[id] = now.Add(maxAge + 2*maxSkew)
	return true
}

func (r *replays) sweep(now time.Time) {
	r.next = now.Add(time.Minute)
	for id, until := range r.used {
		if !now.Before(until) || len(r.used) >= maxRemembered {
			delete(r.used, id)
		}
	}
}
