package engine

import (
	"bytes"
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// renderCacheBytes bounds the memory of rendered entities.
const renderCacheBytes = 24 << 20

// renderKey names one rendering of one entity.
type renderKey struct {
	typ, sel, fields, base string
	include                store.Include
}

// rendering is an entity as JSON, what policy needs to decide who may see it,
// and the entities whose change makes it stale.
type rendering struct {
	json     []byte
	version  entity.Version
	resource *policy.Resource
	around   *surroundings // that the resource's teams were taken from
	restsOn  []entity.ID
	masked   bool // a bot may see more
}

// renderCache keeps renderings until an entity they rest on changes.
type renderCache struct {
	mu         sync.Mutex
	generation uint64
	budget     int
	used       int
	entries    *lru.Cache[renderKey, *rendering]
	users      map[entity.ID]map[renderKey]struct{}
}

func newRenderCache(budget int) *renderCache {
	c := &renderCache{budget: budget, users: map[entity.ID]map[renderKey]struct{}{}}
	entries, err := lru.NewWithEvict(1<<20, c.evicted)
	if err != nil {
		panic(err) // only for a size below one
	}
	c.entries = entries
	return c
}

// evicted keeps the books; the lock is held.
func (c *renderCache) evicted(key renderKey, r *rendering) {
	c.used -= len(r.json)
	for _, id := range r.restsOn {
		delete(c.users[id], key)
		if len(c.users[id]) == 0 {
			delete(c.users, id)
		}
	}
}

func (c *renderCache) forget(commit store.Commit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	if commit.All {
		c.entries.Purge()
		return
	}
	for _, id := range commit.Entities {
		for key := range c.users[id] {
			c.entries.Remove(key)
		}
	}
}

func (c *renderCache) get(key renderKey) (*rendering, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, _ := c.entries.Get(key)
	return r, c.generation
}

func (c *renderCache) put(generation uint64, key renderKey, r *rendering) {
	if len(r.json) > c.budget/16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	c.entries.Remove(key)
	c.entries.Add(key, r)
	c.used += len(r.json)
	for _, id := range r.restsOn {
		if c.users[id] == nil {
			c.users[id] = map[renderKey]struct{}{}
		}
		c.users[id][key] = struct{}{}
	}
	for c.used > c.budget {
		c.entries.RemoveOldest()
	}
}

// cacheable tells whether a rendering depends on nothing but the entity and what
// it refers to.
func (s *shape) cacheable(f Fields) bool {
	if f.all {
		return false
	}
	if isAbout(s.t.Name) {
		return false // whether it may be seen depends on what it is about
	}
	if len(f.names) > 0 && (s.t.Name == "user" || s.t.Name == "team") {
		return false // some fields show what comes from other teams
	}
	for name := range f.names {
		if s.computed[name] && !contains(s.t.Ancestors, name) {
			return false
		}
	}
	return true
}

// GetJSON is Get that answers the encoded entity and its version. What many ask
// for is rendered once and kept until something in it changes; whether the
// caller may see it is decided every time.
func (e *Engine) GetJSON(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, v View) ([]byte, entity.Version, error) {
	s := e.shapeOf(t)
	if !s.cacheable(v.Fields) {
		return e.getJSON(ctx, by, t, sel, v)
	}
	key := renderKey{typ: t.Name, sel: sel.String(), fields: v.Fields.key, base: v.Base, include: v.Include}
	r, generation := e.rendered.get(key)
	if r != nil && !e.teams.inForce(r.around) {
		r = nil // who owns it may be in other teams now
	}
	if r == nil {
		var err error
		if r, err = e.render(ctx, t, sel, v); err != nil {
			return nil, 0, err
		}
		e.rendered.put(generation, key, r)
	}
	if r.masked && by.IsBot {
		return e.getJSON(ctx, by, t, sel, v)
	}
	subject, err := e.Subject(ctx, by)
	if err != nil {
		return nil, 0, err
	}
	if err := decide(subject, r.resource, viewOperations(t, v.Fields)...); err != nil {
		return nil, 0, err
	}
	return r.json, r.version, nil
}

// getJSON renders for one caller.
func (e *Engine) getJSON(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, v View) ([]byte, entity.Version, error) {
	ent, err := e.Get(ctx, by, t, sel, v)
	if err != nil {
		return nil, 0, err
	}
	out, err := Encode(ent)
	return out, ent.Version, err
}

func (e *Engine) render(ctx context.Context, t *registry.Type, sel Selector, v View) (*rendering, error) {
	var out *rendering
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		row, err := e.findVisible(ctx, r, t, sel, v.Include)
		if err != nil {
			return err
		}
		l := e.newLookup(r, generation, true)
		bare, err := decodeDoc(row.Doc)
		if err != nil {
			return err
		}
		around, err := e.around(ctx, r)
		if err != nil {
			return err
		}
		resource, err := e.resourceIn(ctx, r, l, t, bare, row.Parent)
		if err != nil {
			return err
		}
		ents, err := e.hydrate(ctx, r, l, t, []store.Row{row}, v)
		if err != nil {
			return err
		}
		raw, err := Encode(ents[0])
		if err != nil {
			return entity.Internal(err)
		}
		out = &rendering{json: raw, version: ents[0].Version, resource: resource, around: around, restsOn: []entity.ID{row.ID}}
		out.masked = t.Hooks.Secrets != nil && bytes.Contains(raw, []byte(`"`+Mask+`"`))
		for id := range l.byID {
			out.restsOn = append(out.restsOn, id)
		}
		for id := range l.missing {
			out.restsOn = append(out.restsOn, id)
		}
		return nil
	})
	return out, err
}
