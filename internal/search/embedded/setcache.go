package embedded

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Bounds of the cache of sets: what they hold, and how many there are.
const (
	cachedBytes = 48 << 20
	cachedSets  = 50_000
)

// setCache keeps sets of documents that were read, those used last, up to a number of
// bytes. Its sets must not be changed.
type setCache struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[string, *roaring.Bitmap]
	bytes uint64
}

func newSetCache() *setCache {
	c := &setCache{}
	// The only error is a size that is not positive.
	c.lru, _ = simplelru.NewLRU(cachedSets, func(_ string, set *roaring.Bitmap) { c.bytes -= cost(set) })
	return c
}

// cost is what a set takes in memory, about; an empty one is not for nothing.
func cost(set *roaring.Bitmap) uint64 { return set.GetSizeInBytes() + 200 }

func (c *setCache) get(key string) (*roaring.Bitmap, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lru.Get(key)
}

func (c *setCache) add(key string, set *roaring.Bitmap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lru.Remove(key)
	c.lru.Add(key, set)
	for c.bytes += cost(set); c.bytes > cachedBytes; {
		if _, _, ok := c.lru.RemoveOldest(); !ok {
			return
		}
	}
}

func (c *setCache) purge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lru.Purge()
}
