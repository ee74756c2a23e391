package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// subjectCacheSize bounds the callers whose rights are kept compiled.
const subjectCacheSize = 2_000

// rootTeam is the team everybody is in.
const rootTeam = "Organization"

// subjectCache keeps compiled subjects by user id. Any change to a user, team,
// role or policy that one of them rests on empties it: such changes are rare.
type subjectCache struct {
	mu         sync.Mutex
	generation uint64
	subjects   *lru.Cache[entity.ID, *policy.Subject]
	restOn     map[entity.ID]bool
}

func newSubjectCache(size int) *subjectCache {
	subjects, err := lru.New[entity.ID, *policy.Subject](size)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &subjectCache{subjects: subjects, restOn: map[entity.ID]bool{}}
}

func (c *subjectCache) forget(commit store.Commit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	touched := commit.All
	if !touched && !slices.ContainsFunc(commit.Types, decidesRights) {
		return // something that is owned by a team, say, but not the team
	}
	for i := 0; i < len(commit.Entities) && !touched; i++ {
		touched = c.restOn[commit.Entities[i]]
	}
	if touched {
		c.subjects.Purge()
		clear(c.restOn)
	}
}

// decidesRights tells the types whose entities make up a subject.
func decidesRights(typ string) bool {
	switch typ {
	case "user", "team", "role", "policy":
		return true
	}
	return false
}

func (c *subjectCache) get(id entity.ID) (*policy.Subject, uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.subjects.Get(id)
	return s, c.generation, ok
}

func (c *subjectCache) put(generation uint64, s *policy.Subject, restOn map[entity.ID]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	c.subjects.Add(s.ID, s)
	for id := range restOn {
		c.restOn[id] = true
	}
}

// Subject returns what policy needs to know of a caller.
func (e *Engine) Subject(ctx context.Context, p entity.Principal) (*policy.Subject, error) {
	if p.TokenType == "SYSTEM" {
		return &policy.Subject{Name: p.Name, Admin: true}, nil
	}
	if s, _, ok := e.subjects.get(p.UserID); ok {
		return s, nil
	}
	var s *policy.Subject
	err := e.store.View(ctx, func(r store.Reader) error {
		var err error
		s, err = e.subjectIn(ctx, r, p.UserID)
		return err
	})
	return s, err
}

// subjectIn is Subject inside a snapshot.
func (e *Engine) subjectIn(ctx context.Context, r store.Reader, user entity.ID) (*policy.Subject, error) {
	s, generation, ok := e.subjects.get(user)
	if ok {
		return s, nil
	}
	b := &subjectBuilder{e: e, r: r, docs: map[entity.ID]*entity.Entity{}, types: map[entity.ID]string{}}
	s, err := b.build(ctx, user)
	if err != nil {
		return nil, err
	}
	restOn := make(map[entity.ID]bool, len(b.docs))
	for id := range b.docs {
		restOn[id] = true
	}
	if _, passing := r.(uncommitted); !passing {
		e.subjects.put(generation, s, restOn)
	}
	return s, nil
}

// subjectBuilder gathers a user's teams, roles and policies level by level, so
// that the number of statements depends on the height of the team tree only.
type subjectBuilder struct {
	e     *Engine
	r     store.Reader
	docs  map[entity.ID]*entity.Entity
	types map[entity.ID]string
}

func (b *subjectBuilder) load(ctx context.Context, ids []entity.ID) error {
	var want []entity.ID
	seen := map[entity.ID]bool{}
	for _, id := range ids {
		if b.docs[id] == nil && !seen[id] {
			seen[id] = true
			want = append(want, id)
		}
	}
	if len(want) == 0 {
		return nil
	}
	rows, err := b.r.Entities(ctx, want)
	if err != nil {
		return err
	}
	for _, row := range rows {
		ent, err := decodeDoc(row.Doc)
		if err != nil {
			return err
		}
		if row.Deleted {
			continue
		}
		b.docs[row.ID], b.types[row.ID] = ent, row.Type
	}
	return nil
}

func (b *subjectBuilder) refs(ent *entity.Entity, field string) []entity.ID {
	refs, err := refsOf(ent.Rest[field])
	if err != nil {
		return nil
	}
	ids := make([]entity.ID, len(refs))
	for i := range refs {
		ids[i] = refs[i].ID
	}
	return ids
}

func (b *subjectBuilder) build(ctx context.Context, user entity.ID) (*policy.Subject, error) {
	if err := b.load(ctx, []entity.ID{user}); err != nil {
		return nil, err
	}
	ent := b.docs[user]
	if ent == nil {
		return nil, &entity.Error{Kind: entity.KindUnauthorized, Message: "the user of this credential does not exist any more"}
	}
	s := &policy.Subject{ID: user, Name: ent.Name, Domains: ent.Domains, Admin: flag(ent, "isAdmin"), Bot: flag(ent, "isBot")}
	teams, roles := b.refs(ent, "teams"), b.refs(ent, "roles")
	above, err := b.loadTeams(ctx, teams)
	if err != nil {
		return nil, err
	}
	if err := b.loadRights(ctx, roles, above); err != nil {
		return nil, err
	}
	b.grant(s, roles, policy.Source{Via: policy.ViaUser})
	direct := map[entity.ID]bool{}
	for _, id := range teams {
		direct[id] = true
		if team := b.docs[id]; team != nil {
			s.Teams = append(s.Teams, policy.Team{ID: id, Name: team.Name, Ancestors: b.namesAbove(id)})
		}
	}
	for _, id := range above {
		b.grantTeam(s, id, direct[id])
		s.Domains = addRefs(s.Domains, b.docs[id].Domains...)
	}
	if len(s.Teams) == 0 { // for questions about teams; nobody owns anything by it
		s.Teams = []policy.Team{{Name: rootTeam}}
	}
	return s.Compile(), nil
}

// loadRights loads the roles, those that hang on the teams, and all policies.
func (b *subjectBuilder) loadRights(ctx context.Context, roles, teams []entity.ID) error {
	all := append([]entity.ID{}, roles...)
	for _, id := range teams {
		all = append(all, b.refs(b.docs[id], "defaultRoles")...)
		all = append(all, b.refs(b.docs[id], "policies")...)
	}
	if err := b.load(ctx, all); err != nil {
		return err
	}
	var policies []entity.ID
	for _, id := range all {
		if role := b.docs[id]; role != nil && b.types[id] == "role" {
			policies = append(policies, b.refs(role, "policies")...)
		}
	}
	return b.load(ctx, policies)
}

// grantTeam adds what hangs on a team: roles, and policies of its own.
func (b *subjectBuilder) grantTeam(s *policy.Subject, id entity.ID, direct bool) {
	team := b.docs[id]
	source := policy.Source{Via: policy.ViaInherited, Team: team.Name}
	switch {
	case team.Name == rootTeam:
		source.Via = policy.ViaOrganization
	case direct:
		source.Via = policy.ViaTeam
	}
	b.grant(s, b.refs(team, "defaultRoles"), source)
	if own := b.policies(b.refs(team, "policies")); len(own) > 0 {
		s.Grants = append(s.Grants, policy.Grant{Policies: own, Source: source})
	}
}

// loadTeams loads the teams and all above them, the root team always among them,
// and returns their ids.
func (b *subjectBuilder) loadTeams(ctx context.Context, teams []entity.ID) ([]entity.ID, error) {
	root, err := b.r.EntityByFQN(ctx, store.Key{Type: "team", FQN: rootTeam})
	if err == nil {
		teams = append(append([]entity.ID{}, teams...), root.ID)
	} else if entity.KindOf(err) != entity.KindNotFound {
		return nil, err
	}
	var all []entity.ID
	seen := map[entity.ID]bool{}
	for depth := 0; len(teams) > 0 && depth < maxDepth; depth++ {
		if err := b.load(ctx, teams); err != nil {
			return nil, err
		}
		var next []entity.ID
		for _, id := range teams {
			if team := b.docs[id]; team != nil && !seen[id] {
				seen[id] = true
				all = append(all, id)
				next = append(next, b.refs(team, "parents")...)
			}
		}
		teams = next
	}
	return all, nil
}

// namesAbove returns the names of all teams above one.
func (b *subjectBuilder) namesAbove(id entity.ID) []string {
	var names []string
	seen := map[entity.ID]bool{id: true}
	next := b.refs(b.docs[id], "parents")
	for len(next) > 0 {
		var further []entity.ID
		for _, parent := range next {
			if team := b.docs[parent]; team != nil && !seen[parent] {
				seen[parent] = true
				names = append(names, team.Name)
				further = append(further, b.refs(team, "parents")...)
			}
		}
		next = further
	}
	return names
}

func (b *subjectBuilder) grant(s *policy.Subject, roles []entity.ID, source policy.Source) {
	for _, id := range roles {
		if role := b.docs[id]; role != nil {
			s.Grants = append(s.Grants, policy.Grant{Role: role.Name, Policies: b.policies(b.refs(role, "policies")), Source: source})
		}
	}
}

func (b *subjectBuilder) policies(ids []entity.ID) []policy.Policy {
	var out []policy.Policy
	for _, id := range ids {
		doc := b.docs[id]
		if doc == nil {
			continue
		}
		p, err := policy.FromEntity(doc)
		if err != nil {
			b.e.log.Warn("a stored policy cannot be read and grants nothing", "policy", doc.FullyQualifiedName, "err", err)
			continue
		}
		out = append(out, p)
	}
	return out
}

// flag returns a boolean member of Rest.
func flag(ent *entity.Entity, name string) bool {
	var v bool
	if raw := ent.Rest[name]; raw != nil {
		if err := json.Unmarshal(raw, &v); err != nil {
			return false
		}
	}
	return v
}
