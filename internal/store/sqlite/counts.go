package sqlite

import (
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Bounds of the count cache.
const (
	maxCounters   = 4096 // cached (type, under) pairs
	maxHistory    = 64   // commits that can be undone for older snapshots
	maxHistoryLen = 8192 // changes in all of them
)

// counterKey selects all entities of a type below a name, or everywhere.
type counterKey struct{ typ, under string }

// counter counts live and soft-deleted entities.
type counter struct{ live, deleted int }

func (c counter) plus(d counter) counter {
	return counter{c.live + d.live, c.deleted + d.deleted}
}

func (c counter) minus(d counter) counter {
	return counter{c.live - d.live, c.deleted - d.deleted}
}

func (c counter) of(include store.Include) int {
	switch include {
	case store.NonDeleted:
		return c.live
	case store.Deleted:
		return c.deleted
	}
	return c.live + c.deleted
}

// change is one entity coming or going, as counters see it. A replacement that
// renames or (un)deletes is two.
type change struct {
	typ, fqn string
	deleted  bool
	by       int // +1 or -1
}

func (ch change) counter() counter {
	if ch.deleted {
		return counter{deleted: ch.by}
	}
	return counter{live: ch.by}
}

func (ch change) matches(key counterKey) bool {
	return ch.typ == key.typ && (key.under == "" || below(ch.fqn, key.under))
}

// below is the test that queries make with the range (under+".", under+"/").
func below(fqn, under string) bool {
	return len(fqn) > len(under)+1 && fqn[len(under)] == '.' && strings.HasPrefix(fqn, under)
}

func difference(changes []change, key counterKey) counter {
	var sum counter
	for _, ch := range changes {
		if ch.matches(key) {
			sum = sum.plus(ch.counter())
		}
	}
	return sum
}

// commitDelta is what one commit changed.
type commitDelta struct {
	generation int64 // after the commit
	changes    []change
}

// counts keeps exact counters as of one generation of the database, and the
// last few commits, so that a reader on a slightly older snapshot, or on one
// that is just being committed, gets the number its own snapshot holds.
type counts struct {
	mu         sync.Mutex
	generation int64
	counters   *simplelru.LRU[counterKey, *counter]
	history    []commitDelta // oldest first, the last leads to generation
	length     int           // changes in history
	pending    *commitDelta  // announced, not yet known to be committed
}

func newCounts() *counts {
	// The only error is a size that is not positive.
	lru, _ := simplelru.NewLRU[counterKey, *counter](maxCounters, nil)
	return &counts{counters: lru}
}

// reset forgets everything; the database is known to be at the generation.
func (c *counts) reset(generation int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(generation)
}

func (c *counts) forget(generation int64) {
	c.counters.Purge()
	c.generation, c.history, c.length, c.pending = generation, nil, 0, nil
}

// announce tells, before the commit, what it will change: readers may see the
// commit before settle is called.
func (c *counts) announce(generation int64, changes []change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = &commitDelta{generation, changes}
}

// withdraw takes the announcement back.
func (c *counts) withdraw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = nil
}

// settle applies the announced commit.
func (c *counts) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	delta := *c.pending
	c.pending = nil
	if delta.generation != c.generation+1 {
		c.forget(delta.generation)
		return
	}
	for _, ch := range delta.changes {
		c.apply(ch)
	}
	c.generation = delta.generation
	c.history = append(c.history, delta)
	c.length += len(delta.changes)
	for len(c.history) > maxHistory || c.length > maxHistoryLen {
		c.length -= len(c.history[0].changes)
		c.history[0].changes = nil
		c.history = c.history[1:]
	}
}

// apply adjusts the counters of all the names above the entity, whose number
// is that of the dots in its name.
func (c *counts) apply(ch change) {
	adjust := func(under string) {
		if counter, ok := c.counters.Peek(counterKey{ch.typ, under}); ok {
			*counter = counter.plus(ch.counter())
		}
	}
	adjust("")
	for i := 1; i < len(ch.fqn)-1; i++ {
		if ch.fqn[i] == '.' {
			adjust(ch.fqn[:i])
		}
	}
}

// get returns the counter as the snapshot of the generation has it.
func (c *counts) get(key counterKey, generation int64) (counter, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.counters.Get(key)
	if !ok {
		return counter{}, false
	}
	offset, ok := c.offset(key, generation)
	if !ok {
		return counter{}, false
	}
	return cached.plus(offset), true
}

// put keeps a counter that was read on the snapshot of the generation.
func (c *counts) put(key counterKey, generation int64, value counter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation > c.generation && c.pending == nil {
		// Another process has written; the writer will find out by itself.
		c.forget(generation)
	}
	if offset, ok := c.offset(key, generation); ok {
		value = value.minus(offset)
		c.counters.Add(key, &value)
	}
}

// offset is what to add to a cached counter to get that of the generation.
func (c *counts) offset(key counterKey, generation int64) (counter, bool) {
	if generation == c.generation {
		return counter{}, true
	}
	if c.pending != nil && generation == c.pending.generation && generation == c.generation+1 {
		return difference(c.pending.changes, key), true
	}
	if generation > c.generation || len(c.history) == 0 || generation < c.history[0].generation-1 {
		return counter{}, false
	}
	var since counter
	for i := len(c.history) - 1; i >= 0 && c.history[i].generation > generation; i-- {
		since = since.plus(difference(c.history[i].changes, key))
	}
	return counter{}.minus(since), true
}
