package policy

import (
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// scimResource is the provisioning interface. Rules on all resources do not
// reach it: neither to open it by accident nor to close it to its own bot.
const scimResource = "scim"

// Ruleset is a list of grants made ready for deciding: rules sorted by resource
// type and effect, operations as sets, conditions parsed. It is immutable.
type Ruleset struct {
	rules    []*compiledRule // all of them, in order, for Explain
	byType   map[string]*rulesOnType
	other    *rulesOnType // for types that no rule names
	roles    []string
	problems []error
}

// rulesOnType are the rules that reach one resource type.
type rulesOnType struct {
	deny, allow             []*compiledRule
	denyCovers, allowCovers OperationSet
}

type compiledRule struct {
	rule      *Rule
	policy    string
	role      string
	source    Source
	covers    OperationSet
	condition *Condition // nil: none
	broken    bool       // the condition cannot be read
	enabled   bool
}

// Compile makes grants ready for deciding. A rule whose condition cannot be read
// stays on the safe side: a deny rule always applies, an allow rule never; see
// Problems.
func Compile(grants []Grant) *Ruleset {
	rs := &Ruleset{byType: map[string]*rulesOnType{}, other: &rulesOnType{}}
	for _, g := range grants {
		if g.Role != "" && !slices.Contains(rs.roles, g.Role) {
			rs.roles = append(rs.roles, g.Role)
		}
		for _, p := range g.Policies {
			for i := range p.Rules {
				rs.add(g, p, p.Rules[i])
			}
		}
	}
	for _, c := range rs.rules {
		for _, resource := range c.rule.Resources {
			if key := strings.ToLower(resource); key != AllResources && rs.byType[key] == nil {
				rs.byType[key] = &rulesOnType{}
			}
		}
	}
	// The provisioning interface always has a list of its own, so that rules on
	// all resources never stand in for it.
	if rs.byType[scimResource] == nil {
		rs.byType[scimResource] = &rulesOnType{}
	}
	for _, c := range rs.rules {
		if !c.enabled {
			continue
		}
		rs.other.add(c, "")
		for key, rules := range rs.byType {
			rules.add(c, key)
		}
	}
	return rs
}

func (rs *Ruleset) add(g Grant, p Policy, rule Rule) {
	c := &compiledRule{
		rule: &rule, policy: p.Name, role: g.Role, source: g.Source,
		covers: Covered(rule.Operations...), enabled: p.Enabled,
	}
	if rule.Effect != Deny && !slices.Contains(rule.Operations, Impersonate) {
		c.covers &^= setOf(Impersonate) // acting as somebody is never given along with all the rest
	}
	if rule.Condition != "" {
		condition, err := ParseCondition(rule.Condition)
		if err != nil {
			c.broken = true
			problem := entity.BadRequest("policy %s, rule %s: %s", p.Name, rule.Name, err)
			problem.Cause = err
			rs.problems = append(rs.problems, problem)
		}
		c.condition = condition
	}
	rs.rules = append(rs.rules, c)
}

// Problems tells which stored conditions cannot be read, for the log.
func (rs *Ruleset) Problems() []error {
	if rs == nil {
		return nil
	}
	return rs.problems
}

// Roles are the names of the roles granted, each once.
func (rs *Ruleset) Roles() []string {
	if rs == nil {
		return nil
	}
	return rs.roles
}

// on returns the rules that reach the type, without allocating.
func (rs *Ruleset) on(typ string) *rulesOnType {
	if rs == nil {
		return nil
	}
	var buf [64]byte
	if len(typ) > len(buf) {
		if rules, ok := rs.byType[strings.ToLower(typ)]; ok {
			return rules
		}
		return rs.other
	}
	for i := 0; i < len(typ); i++ {
		c := typ[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	if rules, ok := rs.byType[string(buf[:len(typ)])]; ok {
		return rules
	}
	return rs.other
}

// reaches tells whether the rule names the type, given in lower case.
func (c *compiledRule) reaches(typ string) bool {
	for _, resource := range c.rule.Resources {
		if strings.EqualFold(resource, typ) || typ != scimResource && strings.EqualFold(resource, AllResources) {
			return true
		}
	}
	return false
}

func (r *rulesOnType) add(c *compiledRule, typ string) {
	if !c.reaches(typ) {
		return
	}
	switch c.rule.Effect {
	case Deny:
		r.deny = append(r.deny, c)
		r.denyCovers |= c.covers
	case Allow:
		r.allow = append(r.allow, c)
		r.allowCovers |= c.covers
	}
}

// denied returns the first deny rule that matches one of the operations.
func (r *rulesOnType) denied(s *Subject, res *Resource, want OperationSet) *compiledRule {
	if r == nil || r.denyCovers&want == 0 {
		return nil
	}
	for _, c := range r.deny {
		if c.covers&want != 0 && c.holds(s, res) {
			return c
		}
	}
	return nil
}

// allowed returns the last rule that granted something, and what is left to be
// granted.
func (r *rulesOnType) allowed(s *Subject, res *Resource, want OperationSet) (hit *compiledRule, left OperationSet) {
	if r == nil || r.allowCovers&want == 0 {
		return nil, want
	}
	for _, c := range r.allow {
		if c.covers&want != 0 && c.holds(s, res) {
			hit, want = c, want&^c.covers
			if want == 0 {
				break
			}
		}
	}
	return hit, want
}

// holds evaluates the rule's condition.
func (c *compiledRule) holds(s *Subject, r *Resource) bool {
	if c.broken {
		return c.rule.Effect == Deny
	}
	if c.condition == nil {
		return true
	}
	f := Facts{Subject: s, Resource: r, Team: c.source.Team}
	return c.condition.Holds(&f)
}
