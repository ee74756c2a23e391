package api

import (
	"net/http"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// grants lists the roles and policies that reach a user, and the ways they take.
type grants struct {
	User      entity.Ref       `json:"user"`
	Direct    []roleGrant      `json:"directRoles"`
	Teams     []teamGrant      `json:"teamPermissions"`
	Inherited []inheritedGrant `json:"inheritedPermissions"`
	Summary   grantSummary     `json:"summary"`

	refs map[store.Key]entity.Ref
}

type roleGrant struct {
	Role     entity.Ref    `json:"role"`
	Policies []policyGrant `json:"policies"`
	Source   string        `json:"source,omitzero"`
}

type teamGrant struct {
	Team      entity.Ref    `json:"team"`
	Hierarchy []entity.Ref  `json:"teamHierarchy"` // the teams above
	Level     int           `json:"hierarchyLevel"`
	Roles     []roleGrant   `json:"rolePermissions"`
	Policies  []policyGrant `json:"directPolicies"`
}

type inheritedGrant struct {
	Type        string        `json:"permissionType"` // role or policy
	Description string        `json:"description"`
	From        entity.Ref    `json:"source"`
	Policies    []policyGrant `json:"policies"`
}

type policyGrant struct {
	Policy entity.Ref  `json:"policy"`
	Rules  []ruleGrant `json:"rules"`
}

type ruleGrant struct {
	Name       string             `json:"name"`
	Effect     policy.Effect      `json:"effect"`
	Operations []policy.Operation `json:"operations"`
	Resources  []string           `json:"resources"`
	Condition  string             `json:"condition,omitzero"`
	Matches    bool               `json:"matches"` // the policy is enabled
}

type grantSummary struct {
	Roles     int      `json:"totalRoles"`
	Policies  int      `json:"totalPolicies"`
	Rules     int      `json:"totalRules"`
	Direct    int      `json:"directRoles"`
	Inherited int      `json:"inheritedRoles"`
	Teams     int      `json:"teamCount"`
	Depth     int      `json:"maxHierarchyDepth"`
	Effective []string `json:"effectiveOperations"`
	Denied    []string `json:"deniedOperations"`
}

func (c *call) myGrants() error { return c.answerGrants("") }

func (c *call) grantsOf() error {
	name, err := c.param("username")
	if err != nil {
		return err
	}
	return c.answerGrants(name)
}

func (c *call) answerGrants(name string) error {
	user, err := c.explainable(name)
	if err != nil {
		return err
	}
	s, err := c.engine.Subject(c.ctx(), entity.Principal{UserID: user.ID, Name: user.Name})
	if err != nil {
		return err
	}
	refs, err := c.engine.NamedRefs(c.ctx(), namesOf(s))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, grantsOf(user, s, refs))
}

// namesOf are the teams, roles and policies of a subject.
func namesOf(s *policy.Subject) []store.Key {
	var keys []store.Key
	add := func(typ string, names ...string) {
		for _, name := range names {
			keys = append(keys, store.Key{Type: typ, FQN: entity.QuoteName(name)})
		}
	}
	for i := range s.Teams {
		add("team", s.Teams[i].Name)
		add("team", s.Teams[i].Ancestors...)
	}
	for _, g := range s.Grants {
		add("role", g.Role)
		add("team", g.Source.Team)
		for _, p := range g.Policies {
			add("policy", p.Name)
		}
	}
	return keys
}

// named returns the reference of what has the name.
func (g *grants) named(typ, name string) entity.Ref {
	if ref, ok := g.refs[store.Key{Type: typ, FQN: entity.QuoteName(name)}]; ok {
		return ref
	}
	return entity.Ref{Type: typ, Name: name}
}

// grantsOf sorts what reaches the subject by the way it takes.
func grantsOf(user entity.Ref, s *policy.Subject, refs map[store.Key]entity.Ref) grants {
	out := grants{User: user, Direct: []roleGrant{}, Teams: []teamGrant{}, Inherited: []inheritedGrant{}, refs: refs}
	for i := range s.Teams {
		team := teamGrant{
			Team: out.named("team", s.Teams[i].Name), Hierarchy: []entity.Ref{}, Level: len(s.Teams[i].Ancestors),
			Roles: []roleGrant{}, Policies: []policyGrant{},
		}
		for _, above := range s.Teams[i].Ancestors {
			team.Hierarchy = append(team.Hierarchy, out.named("team", above))
		}
		out.Summary.Depth = max(out.Summary.Depth, team.Level)
		out.Teams = append(out.Teams, team)
	}
	var effective, denied policy.OperationSet
	for _, g := range s.Grants {
		if s.Bot && g.Source.Via != policy.ViaUser {
			continue // bots hold only what is theirs directly
		}
		out.add(g)
		for _, p := range g.Policies {
			out.Summary.Policies++
			out.Summary.Rules += len(p.Rules)
			for _, rule := range p.Rules {
				switch {
				case !p.Enabled:
				case rule.Effect == policy.Deny:
					denied |= policy.SetOf(rule.Operations...)
				default:
					effective |= policy.SetOf(rule.Operations...)
				}
			}
		}
	}
	out.Summary.Teams = len(s.Teams)
	out.Summary.Effective, out.Summary.Denied = operationNames(effective), operationNames(denied)
	return out
}

func operationNames(set policy.OperationSet) []string {
	names := []string{}
	for op := range set.Each() {
		names = append(names, op.String())
	}
	return names
}

func (g *grants) add(from policy.Grant) {
	policies := make([]policyGrant, len(from.Policies))
	for i, p := range from.Policies {
		policies[i] = policyGrant{Policy: g.named("policy", p.Name), Rules: []ruleGrant{}}
		for _, rule := range p.Rules {
			policies[i].Rules = append(policies[i].Rules, ruleGrant{
				Name: rule.Name, Effect: rule.Effect, Operations: rule.Operations, Resources: rule.Resources, Condition: rule.Condition, Matches: p.Enabled,
			})
		}
	}
	role := roleGrant{Role: g.named("role", from.Role), Policies: policies, Source: string(from.Source.Via)}
	if from.Role != "" {
		g.Summary.Roles++
	}
	switch from.Source.Via {
	case policy.ViaUser:
		g.Summary.Direct++
		g.Direct = append(g.Direct, role)
		return
	case policy.ViaTeam:
		at := slices.IndexFunc(g.Teams, func(t teamGrant) bool { return t.Team.Name == from.Source.Team })
		if at < 0 {
			return
		}
		if from.Role == "" {
			g.Teams[at].Policies = append(g.Teams[at].Policies, policies...)
		} else {
			g.Teams[at].Roles = append(g.Teams[at].Roles, role)
		}
		return
	}
	inherited := inheritedGrant{Type: "policy", From: g.named("team", from.Source.Team), Policies: policies, Description: "policies of " + sourceWords(from.Source)}
	if from.Role != "" {
		g.Summary.Inherited++
		inherited.Type, inherited.Description = "role", "role "+from.Role+" of "+sourceWords(from.Source)
	}
	g.Inherited = append(g.Inherited, inherited)
}
