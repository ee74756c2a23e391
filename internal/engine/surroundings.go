package engine

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// surroundings is the tree of teams as rules see it: who is below a team, and
// which policies hang on teams. They reach what the team owns, whoever asks. The
// root team is left out there: its policies reach everybody already.
type surroundings struct {
	names map[entity.ID]string   // of teams that are not deleted
	above map[entity.ID][]string // names of all teams above
	rules map[string]*policy.Ruleset
	grant map[string]policy.Grant
	ruled []policy.TeamRules // the teams with rules, in a fixed order
	tree  map[entity.ID]*teamNode
	root  entity.ID

	mu      sync.Mutex
	members map[string][]entity.ID     // by team, as far as asked for
	joint   map[string]*policy.Ruleset // by the names of several teams
}

// surroundingsCache keeps the surroundings until a user, team or policy changes.
type surroundingsCache struct {
	mu         sync.Mutex
	generation uint64
	current    *surroundings
}

func (c *surroundingsCache) forget(commit store.Commit) {
	if !commit.All && !slices.ContainsFunc(commit.Types, func(typ string) bool { return typ == "user" || typ == "team" || typ == "policy" }) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	c.current = nil
}

func (c *surroundingsCache) get() (*surroundings, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, c.generation
}

func (c *surroundingsCache) put(generation uint64, s *surroundings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation == c.generation {
		c.current = s
	}
}

// inForce tells whether nothing has changed since the surroundings were made.
func (c *surroundingsCache) inForce(s *surroundings) bool {
	current, _ := c.get()
	return current != nil && current == s
}

// maxTeams bounds the tree of teams that is held in memory.
const maxTeams = 100_000

// maxUsers bounds the list of everybody.
const maxUsers = 1_000_000

// around returns the surroundings within a snapshot.
func (e *Engine) around(ctx context.Context, r store.Reader) (*surroundings, error) {
	_, draft := r.(uncommitted)
	_, transaction := r.(store.Tx)
	s, generation := e.teams.get()
	if s != nil && !draft {
		return s, nil
	}
	rows, err := r.List(ctx, store.ListQuery{Type: "team", Limit: maxTeams})
	if err != nil {
		return nil, err
	}
	b := &subjectBuilder{e: e, r: r, docs: map[entity.ID]*entity.Entity{}, types: map[entity.ID]string{}}
	s = &surroundings{
		names: make(map[entity.ID]string, len(rows)), above: make(map[entity.ID][]string, len(rows)),
		rules: map[string]*policy.Ruleset{}, grant: map[string]policy.Grant{},
		members: map[string][]entity.ID{}, joint: map[string]*policy.Ruleset{}, tree: make(map[entity.ID]*teamNode, len(rows)),
	}
	var policies []entity.ID
	for _, row := range rows {
		doc, err := decodeDoc(row.Doc)
		if err != nil {
			return nil, err
		}
		b.docs[row.ID], b.types[row.ID] = doc, row.Type
		s.names[row.ID] = row.Name
		s.tree[row.ID] = &teamNode{parents: b.refs(doc, "parents"), roles: b.refs(doc, "defaultRoles"), domains: doc.Domains, persona: b.refs(doc, "defaultPersona")}
		if row.Name == rootTeam {
			s.root = row.ID
		}
		policies = append(policies, b.refs(doc, "policies")...)
	}
	for id := range s.names {
		s.above[id] = b.namesAbove(id)
	}
	if err := b.load(ctx, policies); err != nil {
		return nil, err
	}
	for id, name := range s.names {
		if own := b.policies(b.refs(b.docs[id], "policies")); len(own) > 0 && name != rootTeam {
			g := policy.Grant{Policies: own, Source: policy.Source{Via: policy.ViaResource, Team: name}}
			s.grant[name], s.rules[name] = g, policy.Compile([]policy.Grant{g})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.rules)) {
		s.ruled = append(s.ruled, policy.TeamRules{Team: name, Below: s.below(name), Rules: s.rules[name]})
	}
	if !draft && !transaction {
		e.teams.put(generation, s)
	}
	return s, nil
}

// under lists the teams that a team is, or is below.
func (s *surroundings) under(team entity.ID) []string {
	name, ok := s.names[team]
	if !ok {
		return nil
	}
	return append([]string{name}, s.above[team]...)
}

// owning lists the teams among the owners, and all above them.
func (s *surroundings) owning(owners []entity.Ref) []string {
	var names []string
	for _, owner := range owners {
		if owner.Type == "team" {
			names = append(names, s.under(owner.ID)...)
		}
	}
	return names
}

// below lists a team and all teams below it.
func (s *surroundings) below(team string) []entity.ID {
	var ids []entity.ID
	for id := range s.names {
		if slices.Contains(s.under(id), team) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b entity.ID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// childrenOf lists the teams right below one.
func (s *surroundings) childrenOf(team entity.ID) []entity.ID {
	var ids []entity.ID
	for id, node := range s.tree {
		if slices.Contains(node.parents, team) {
			ids = append(ids, id)
		}
	}
	return ids
}

// rulesOf are the policies that hang on the teams named, nil when there are none.
func (s *surroundings) rulesOf(teams []string) *policy.Ruleset {
	var with []string
	for _, name := range teams {
		if s.rules[name] != nil && !slices.Contains(with, name) {
			with = append(with, name)
		}
	}
	switch len(with) {
	case 0:
		return nil
	case 1:
		return s.rules[with[0]]
	}
	slices.Sort(with)
	key := strings.Join(with, "\x00")
	s.mu.Lock()
	defer s.mu.Unlock()
	joint := s.joint[key]
	if joint == nil {
		grants := make([]policy.Grant, len(with))
		for i, name := range with {
			grants[i] = s.grant[name]
		}
		joint = policy.Compile(grants)
		s.joint[key] = joint
	}
	return joint
}

// membersOf returns a team, the teams below it and the users in any of them who
// are not deleted. Everybody is in the root team.
func (s *surroundings) membersOf(ctx context.Context, r store.Reader, team string) ([]entity.ID, error) {
	s.mu.Lock()
	ids, known := s.members[team]
	s.mu.Unlock()
	if known {
		return ids, nil
	}
	ids = s.below(team)
	if team == rootTeam {
		everybody, err := r.List(ctx, store.ListQuery{Type: "user", Limit: maxUsers})
		if err != nil {
			return nil, err
		}
		for _, row := range everybody {
			ids = append(ids, row.ID)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.members[team] = ids
		return ids, nil
	}
	var users []entity.ID
	for chunk := range slices.Chunk(ids, batchSize) {
		relations, err := r.RelationsFrom(ctx, chunk, "teams")
		if err != nil {
			return nil, err
		}
		for _, rel := range relations {
			if rel.ToType == "user" {
				users = append(users, rel.To)
			}
		}
	}
	slices.SortFunc(users, func(a, b entity.ID) int { return slices.Compare(a[:], b[:]) })
	for chunk := range slices.Chunk(slices.Compact(users), batchSize) {
		rows, err := r.Entities(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if !row.Deleted {
				ids = append(ids, row.ID)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[team] = ids
	return ids, nil
}
