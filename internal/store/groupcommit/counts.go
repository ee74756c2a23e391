package groupcommit

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

// CounterKey selects all entities of a type below a name, or everywhere.
type CounterKey struct{ Type, Under string }

// Counter counts live and soft-deleted entities.
type Counter struct{ Live, Deleted int }

// Plus adds.
func (c Counter) Plus(d Counter) Counter {
	return Counter{c.Live + d.Live, c.Deleted + d.Deleted}
}

// Minus subtracts.
func (c Counter) Minus(d Counter) Counter {
	return Counter{c.Live - d.Live, c.Deleted - d.Deleted}
}

// Of is the number that a query with the Include finds.
func (c Counter) Of(include store.Include) int {
	switch include {
	case store.NonDeleted:
		return c.Live
	case store.Deleted:
		return c.Deleted
	}
	return c.Live + c.Deleted
}

// Change is one entity coming or going, as counters see it. A replacement that
// renames or (un)deletes is two.
type Change struct {
	Type, FQN string
	Deleted   bool
	By        int // +1 or -1
}

func (ch Change) counter() Counter {
	if ch.Deleted {
		return Counter{Deleted: ch.By}
	}
	return Counter{Live: ch.By}
}

func (ch Change) matches(key CounterKey) bool {
	return ch.Type == key.Type && (key.Under == "" || below(ch.FQN, key.Under))
}

// below is the test that queries make with the range (under+".", under+"/").
func below(fqn, under string) bool {
	return len(fqn) > len(under)+1 && fqn[len(under)] == '.' && strings.HasPrefix(fqn, under)
}

func difference(changes []Change, key CounterKey) Counter {
	var sum Counter
	for _, ch := range changes {
		if ch.matches(key) {
			sum = sum.Plus(ch.counter())
		}
	}
	return sum
}

// commitDelta is what one commit changed.
type commitDelta struct {
	generation int64 // after the commit
	changes    []Change
}

// Counts keeps exact counters as of one generation of the database, and the
// last few commits, so that a reader on a slightly older snapshot, or on one
// that is just being committed, gets the number its own snapshot holds.
type Counts struct {
	mu         sync.Mutex
	generation int64
	counters   *simplelru.LRU[CounterKey, *Counter]
	history    []commitDelta // oldest first, the last leads to generation
	length     int           // changes in history
	pending    *commitDelta  // announced, not yet known to be committed
}

func newCounts() *Counts {
	// The only error is a size that is not positive.
	lru, _ := simplelru.NewLRU[CounterKey, *Counter](maxCounters, nil)
	return &Counts{counters: lru}
}

// reset forgets everything; the database is known to be at the generation.
func (c *Counts) reset(generation int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(generation)
}

func (c *Counts) forget(generation int64) {
	c.counters.Purge()
	c.generation, c.history, c.length, c.pending = generation, nil, 0, nil
}

// announce tells, before the commit, what it will change: readers may see the
// commit before settle is called.
func (c *Counts) announce(generation int64, changes []Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = &commitDelta{generation, changes}
}

// withdraw takes the announcement back.
func (c *Counts) withdraw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = nil
}

// settle applies the announced commit.
func (c *Counts) settle() {
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
func (c *Counts) apply(ch Change) {
	adjust := func(under string) {
		if counter, ok := c.counters.Peek(CounterKey{ch.Type, under}); ok {
			*counter = counter.Plus(ch.counter())
		}
	}
	adjust("")
	for i := 1; i < len(ch.FQN)-1; i++ {
		if ch.FQN[i] == '.' {
			adjust(ch.FQN[:i])
		}
	}
}

// Find returns the counter as the snapshot of the generation has it, plus own, what
// the caller's transaction has changed and not committed. What it does not know it
// asks read for, once, which counts own in.
func (c *Counts) Find(key CounterKey, generation int64, own Counter, read func() (Counter, error)) (Counter, error) {
	if known, ok := c.get(key, generation); ok {
		return known.Plus(own), nil
	}
	found, err := read()
	if err == nil {
		c.put(key, generation, found.Minus(own))
	}
	return found, err
}

// Difference sums what changes do to a counter.
func Difference(key CounterKey, lists ...[]Change) Counter {
	var sum Counter
	for _, changes := range lists {
		sum = sum.Plus(difference(changes, key))
	}
	return sum
}

// get returns the counter as the snapshot of the generation has it.
func (c *Counts) get(key CounterKey, generation int64) (Counter, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.counters.Get(key)
	if !ok {
		return Counter{}, false
	}
	offset, ok := c.offset(key, generation)
	if !ok {
		return Counter{}, false
	}
	return cached.Plus(offset), true
}

// put keeps a counter that was read on the snapshot of the generation.
func (c *Counts) put(key CounterKey, generation int64, value Counter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation > c.generation && c.pending == nil {
		// Another process has written; the writer will find out by itself.
		c.forget(generation)
	}
	if offset, ok := c.offset(key, generation); ok {
		value = value.Minus(offset)
		c.counters.Add(key, &value)
	}
}

// offset is what to add to a cached counter to get that of the generation.
func (c *Counts) offset(key CounterKey, generation int64) (Counter, bool) {
	if generation == c.generation {
		return Counter{}, true
	}
	if c.pending != nil && generation == c.pending.generation && generation == c.generation+1 {
		return difference(c.pending.changes, key), true
	}
	if generation > c.generation || len(c.history) == 0 || generation < c.history[0].generation-1 {
		return Counter{}, false
	}
	var since Counter
	for i := len(c.history) - 1; i >= 0 && c.history[i].generation > generation; i-- {
		since = since.Plus(difference(c.history[i].changes, key))
	}
	return Counter{}.Minus(since), true
}
