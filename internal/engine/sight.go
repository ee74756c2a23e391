package engine

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// sightCache keeps what callers may see, by user id. An entry counts as long as
// the subject and the surroundings that it was made from are in force.
type sightCache struct{ byUser *lru.Cache[entity.ID, *sight] }

type sight struct {
	subject *policy.Subject
	around  *surroundings
	mu      sync.Mutex
	filters map[sightKey]policy.Filter
}

type sightKey struct {
	typ string
	ops policy.OperationSet
}

func newSightCache(size int) *sightCache {
	byUser, err := lru.New[entity.ID, *sight](size)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &sightCache{byUser: byUser}
}

func (c *sightCache) of(s *policy.Subject, around *surroundings) *sight {
	if got, ok := c.byUser.Get(s.ID); ok && got.subject == s && got.around == around {
		return got
	}
	made := &sight{subject: s, around: around, filters: map[sightKey]policy.Filter{}}
	c.byUser.Add(s.ID, made)
	return made
}

// Sight tells which entities of a type the caller may do the operations on:
// those on which AuthorizeEntity answers nil. Without operations it is ViewBasic.
func (e *Engine) Sight(ctx context.Context, by entity.Principal, typ string, ops ...policy.Operation) (policy.Filter, error) {
	var f policy.Filter
	err := e.store.View(ctx, func(r store.Reader) error {
		var err error
		f, err = e.sightIn(ctx, r, by, typ, ops...)
		return err
	})
	return f, err
}

// Sights is Sight for several types, in their order, from one snapshot.
func (e *Engine) Sights(ctx context.Context, by entity.Principal, types []string) ([]policy.Filter, error) {
	out := make([]policy.Filter, len(types))
	err := e.store.View(ctx, func(r store.Reader) error {
		for i, typ := range types {
			f, err := e.sightIn(ctx, r, by, typ)
			if err != nil {
				return err
			}
			out[i] = f
		}
		return nil
	})
	return out, err
}

// sightIn is Sight inside a snapshot.
func (e *Engine) sightIn(ctx context.Context, r store.Reader, by entity.Principal, typ string, ops ...policy.Operation) (policy.Filter, error) {
	if by.TokenType == "SYSTEM" {
		return policy.Filter{Kind: policy.FilterAll}, nil
	}
	s, err := e.subjectIn(ctx, r, by.UserID)
	if err != nil {
		return policy.Filter{}, err
	}
	if s.Admin {
		return policy.Filter{Kind: policy.FilterAll}, nil
	}
	around, err := e.around(ctx, r)
	if err != nil {
		return policy.Filter{}, err
	}
	if len(ops) == 0 {
		ops = []policy.Operation{policy.ViewBasic}
	}
	known := e.sights.of(s, around)
	key := sightKey{typ, policy.SetOf(ops...)}
	known.mu.Lock()
	f, ok := known.filters[key]
	known.mu.Unlock()
	if ok {
		return f, nil
	}
	surroundings := policy.Surroundings{
		Teams: around.ruled,
		Members: func(team string) []entity.ID {
			members, failed := around.membersOf(ctx, r, team)
			if failed != nil {
				err = failed
			}
			return members
		},
	}
	f = e.withoutHidden(policy.FilterFor(s, typ, surroundings, ops...), s, typ, surroundings)
	if err != nil {
		return policy.Filter{}, err
	}
	if typ == "user" && onlyViews(ops) {
		f = f.Or(policy.Fact(policy.FactID, by.UserID.String())) // everybody may see who they are
	}
	known.mu.Lock()
	known.filters[key] = f
	known.mu.Unlock()
	return f, nil
}

// Visible tells which of the entities the caller may see. Those that are gone are
// not among them.
func (e *Engine) Visible(ctx context.Context, by entity.Principal, ids []entity.ID) (map[entity.ID]bool, error) {
	v := e.Viewer(by)
	refs := make([]entity.Ref, len(ids))
	for i, id := range ids {
		refs[i].ID = id
	}
	err := e.store.View(ctx, func(r store.Reader) error { return v.Look(ctx, r, refs...) })
	return v.known, err
}

// seen keeps the rows on which the caller may do the operations.
func (e *Engine) seen(ctx context.Context, r store.Reader, l *lookup, by entity.Principal, rows []store.Row, ops ...policy.Operation) ([]store.Row, error) {
	filters := map[string]policy.Filter{}
	conditional := false
	for _, row := range rows {
		if _, known := filters[row.Type]; known {
			continue
		}
		f, err := e.sightIn(ctx, r, by, row.Type, ops...)
		if err != nil {
			return nil, err
		}
		filters[row.Type] = f
		conditional = conditional || f.Kind != policy.FilterAll && f.Kind != policy.FilterNone
	}
	var facts map[entity.ID][]string
	if conditional {
		var err error
		if facts, err = e.factsOf(ctx, l, rows); err != nil {
			return nil, err
		}
	}
	kept := make([]store.Row, 0, len(rows))
	for _, row := range rows {
		if filters[row.Type].Holds(facts[row.ID]) {
			kept = append(kept, row)
		}
	}
	return kept, nil
}

// factsOf lists what filters may ask of the rows' entities.
func (e *Engine) factsOf(ctx context.Context, l *lookup, rows []store.Row) (map[entity.ID][]string, error) {
	resources, err := e.resourcesOf(ctx, l, rows)
	if err != nil {
		return nil, err
	}
	about, err := e.aboutFacts(ctx, l, rows)
	if err != nil {
		return nil, err
	}
	out := make(map[entity.ID][]string, len(rows))
	for i := range resources {
		out[rows[i].ID] = append(policy.FactsOf(&resources[i]), about[rows[i].ID]...)
	}
	return out, nil
}

// resourcesOf gathers what the rows' entities say of themselves, in their order, but
// for the teams of their owners.
func (e *Engine) resourcesOf(ctx context.Context, l *lookup, rows []store.Row) ([]policy.Resource, error) {
	ents := make([]*entity.Entity, len(rows))
	parents := make([]entity.ID, 0, len(rows))
	for i, row := range rows {
		var err error
		if ents[i], err = decodeDoc(row.Doc); err != nil {
			return nil, err
		}
		if row.Parent != entity.NilID {
			parents = append(parents, row.Parent)
		}
	}
	if err := l.loadAncestors(ctx, parents); err != nil {
		return nil, err
	}
	resources := make([]policy.Resource, len(rows))
	var refs []entity.ID
	for i, row := range rows {
		var err error
		if resources[i], err = l.resource(row.Type, ents[i], row.Parent); err != nil {
			return nil, err
		}
		refs = append(refs, refIDs(resources[i].Owners, resources[i].Domains)...)
	}
	if err := l.load(ctx, refs); err != nil {
		return nil, err
	}
	for i := range resources {
		res := &resources[i]
		res.Owners, res.Domains = l.fullRefs(res.Owners), l.fullRefs(res.Domains)
	}
	return resources, nil
}
