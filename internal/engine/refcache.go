package engine

import (
	"context"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// refCacheSize bounds the cache of references: about 300 bytes each.
const refCacheSize = 50_000

// refInfo is what other entities show of an entity, and what they inherit.
type refInfo struct {
	ref         entity.Ref // full, without href
	parent      entity.ID
	style       jsontext.Value
	serviceType string
	owners      []entity.Ref // bare
	domains     []entity.Ref // bare
	reviewers   []entity.Ref // bare
	rest        map[string][]entity.Ref
	exclusive   bool // one of its children at a time may label something
	disabled    bool // must not become a label
}

// refCache keeps refInfo by id and tags by name. An entry is dropped as soon as
// a commit touches its entity; generation keeps a reader that began before the
// commit from putting the old state back.
type refCache struct {
	mu         sync.Mutex
	generation uint64
	byID       *lru.Cache[entity.ID, *refInfo]
	byKey      *lru.Cache[store.Key, entity.ID]
}

func newRefCache(size int) *refCache {
	byID, err := lru.New[entity.ID, *refInfo](size)
	if err != nil {
		panic(err) // only for a size below one
	}
	byKey, err := lru.New[store.Key, entity.ID](size / 4)
	if err != nil {
		panic(err)
	}
	return &refCache{byID: byID, byKey: byKey}
}

func (c *refCache) forget(commit store.Commit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	if commit.All {
		c.byID.Purge()
		c.byKey.Purge()
		return
	}
	for _, id := range commit.Entities {
		if info, ok := c.byID.Peek(id); ok {
			c.byKey.Remove(store.Key{Type: info.ref.Type, FQN: info.ref.FullyQualifiedName})
			c.byID.Remove(id)
		}
	}
}

// started returns the generation to pass to put for what is read from now on.
func (c *refCache) started() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.generation
}

func (c *refCache) put(generation uint64, info *refInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	c.byID.Add(info.ref.ID, info)
	c.byKey.Add(store.Key{Type: info.ref.Type, FQN: info.ref.FullyQualifiedName}, info.ref.ID)
}

func (c *refCache) get(id entity.ID) (*refInfo, bool) { return c.byID.Get(id) }

func (c *refCache) getByKey(key store.Key) (*refInfo, bool) {
	id, ok := c.byKey.Get(key)
	if !ok {
		return nil, false
	}
	return c.byID.Get(id)
}

// infoOf derives the reference of a row.
func (e *Engine) infoOf(row store.Row) (*refInfo, error) {
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return nil, err
	}
	deleted := row.Deleted
	info := &refInfo{
		ref: entity.Ref{
			ID: row.ID, Type: row.Type, Name: row.Name, FullyQualifiedName: row.FQN,
			DisplayName: ent.DisplayName, Description: ent.Description, Deleted: &deleted,
		},
		parent: row.Parent, style: ent.Rest["style"], serviceType: text(ent.Rest["serviceType"]),
		owners: ent.Owners, domains: ent.Domains, reviewers: ent.Reviewers, exclusive: flag(ent, "mutuallyExclusive"), disabled: flag(ent, "disabled"),
	}
	if row.Type == "team" {
		info.owners, info.domains = nil, nil // see surroundings.inheritance
	}
	shape := e.shapes[row.Type]
	if shape == nil {
		return info, nil
	}
	for _, rel := range shape.stored {
		if !rel.Inherit || ent.Rest[rel.Field] == nil {
			continue
		}
		refs, err := refsOf(ent.Rest[rel.Field])
		if err != nil {
			return nil, entity.Internal(err)
		}
		if info.rest == nil {
			info.rest = make(map[string][]entity.Ref)
		}
		info.rest[rel.Field] = refs
	}
	return info, nil
}

// lookup is the set of references one request works with: cached ones, and those
// read in its own snapshot.
type lookup struct {
	e          *Engine
	r          store.Reader
	generation uint64
	fill       bool // put what was read into the shared cache
	byID       map[entity.ID]*refInfo
	byKey      map[store.Key]*refInfo
	missing    map[entity.ID]bool
}

// newLookup starts a look-up on a snapshot. generation was taken before the
// snapshot began. Write transactions see what is not committed yet, so they read
// the shared cache but do not fill it; what must exist they check themselves.
func (e *Engine) newLookup(r store.Reader, generation uint64, fill bool) *lookup {
	return &lookup{
		e: e, r: r, generation: generation, fill: fill,
		byID: map[entity.ID]*refInfo{}, byKey: map[store.Key]*refInfo{}, missing: map[entity.ID]bool{},
	}
}

func (l *lookup) add(info *refInfo) {
	l.byID[info.ref.ID] = info
	l.byKey[store.Key{Type: info.ref.Type, FQN: info.ref.FullyQualifiedName}] = info
	if l.fill {
		l.e.refs.put(l.generation, info)
	}
}

// info returns a reference loaded before, nil when the entity is gone.
func (l *lookup) info(id entity.ID) *refInfo { return l.byID[id] }

// load makes the references of the ids available, in a number of statements that
// does not depend on how many there are.
func (l *lookup) load(ctx context.Context, ids []entity.ID) error {
	var want []entity.ID
	for _, id := range ids {
		if id == entity.NilID || l.missing[id] || l.byID[id] != nil {
			continue
		}
		if info, ok := l.e.refs.get(id); ok {
			l.byID[id] = info
			l.byKey[store.Key{Type: info.ref.Type, FQN: info.ref.FullyQualifiedName}] = info
			continue
		}
		l.missing[id] = true // until found; also removes duplicates
		want = append(want, id)
	}
	if len(want) == 0 {
		return nil
	}
	rows, err := l.r.Entities(ctx, want)
	if err != nil {
		return err
	}
	return l.addRows(rows)
}

func (l *lookup) addRows(rows []store.Row) error {
	for _, row := range rows {
		info, err := l.e.infoOf(row)
		if err != nil {
			return err
		}
		l.add(info)
		delete(l.missing, row.ID)
	}
	return nil
}

// loadKeys does the same by type and name.
func (l *lookup) loadKeys(ctx context.Context, keys []store.Key) error {
	var want []store.Key
	seen := map[store.Key]bool{}
	for _, key := range keys {
		if l.byKey[key] != nil || seen[key] {
			continue
		}
		if info, ok := l.e.refs.getByKey(key); ok {
			l.byID[info.ref.ID], l.byKey[key] = info, info
			continue
		}
		seen[key] = true
		want = append(want, key)
	}
	if len(want) == 0 {
		return nil
	}
	rows, err := l.r.EntitiesByFQN(ctx, want)
	if err != nil {
		return err
	}
	return l.addRows(rows)
}

// loadAncestors makes the references of the entities on the way to the root
// available: one statement a level.
func (l *lookup) loadAncestors(ctx context.Context, parents []entity.ID) error {
	for depth := 0; len(parents) > 0 && depth < maxDepth; depth++ {
		if err := l.load(ctx, parents); err != nil {
			return err
		}
		var next []entity.ID
		seen := map[entity.ID]bool{}
		for _, id := range parents {
			if info := l.byID[id]; info != nil && info.parent != entity.NilID && !seen[info.parent] {
				seen[info.parent] = true
				next = append(next, info.parent)
			}
		}
		parents = next
	}
	return nil
}

// maxDepth bounds the tree of entities.
const maxDepth = 64
