package policy

import (
	"regexp"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// resourceName is loose: stored policies name types that came and went.
var resourceName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// Effect says what a matching rule does.
type Effect string

// The effects.
const (
	Allow Effect = "allow"
	Deny  Effect = "deny"
)

// AllResources in a rule stands for every resource type, in any case.
const AllResources = "all"

// Rule allows or denies operations on resource types, under a condition. Its
// JSON form is that of the API.
type Rule struct {
	Name               string      `json:"name"`
	FullyQualifiedName string      `json:"fullyQualifiedName,omitzero"`
	Description        string      `json:"description,omitzero"`
	Effect             Effect      `json:"effect"`
	Operations         []Operation `json:"operations"`
	Resources          []string    `json:"resources"`
	Condition          string      `json:"condition,omitzero"`
}

// Policy is a named list of rules. Rules of a policy that is not enabled count
// for nothing.
type Policy struct {
	Name    string
	FQN     string
	Enabled bool
	Rules   []Rule
}

// Role is a named list of policies.
type Role struct {
	Name     string
	Policies []Policy
}

// Via says how a role or a policy reached somebody.
type Via string

// The ways. A policy reaches through a resource when it hangs on a team that
// owns the resource, or on one above that team.
const (
	ViaUser         Via = "user"         // a role of the user's own
	ViaTeam         Via = "team"         // a team the user is in
	ViaInherited    Via = "inherited"    // a team above one the user is in
	ViaOrganization Via = "organization" // the organization, above all teams
	ViaResource     Via = "resource"     // a team that owns the resource
)

// Source says where a grant comes from.
type Source struct {
	Via  Via    `json:"via"`
	Team string `json:"team,omitzero"` // the team the role or policy hangs on; "" for ViaUser
}

// Grant is a role with its policies, or with an empty Role the policies that
// hang on a team directly, and where they come from.
type Grant struct {
	Role     string
	Policies []Policy
	Source   Source
}

// FromEntity reads a policy entity. A policy is enabled unless its document says
// otherwise. The error is a KindBadRequest that names the policy.
func FromEntity(e *entity.Entity) (Policy, error) {
	p := Policy{Name: e.Name, FQN: e.FullyQualifiedName, Enabled: !e.IsDeleted()}
	for _, flag := range []struct {
		member string
		off    bool
	}{{"enabled", false}, {"disabled", true}} {
		raw, ok := e.Rest[flag.member]
		if !ok || raw.Kind() == 'n' {
			continue
		}
		var value bool
		if err := json.Unmarshal(raw, &value); err != nil {
			return Policy{}, entity.BadRequest("policy %s: %s must be true or false", e.Name, flag.member)
		}
		if value == flag.off {
			p.Enabled = false
		}
	}
	raw, ok := e.Rest["rules"]
	if !ok {
		return p, nil
	}
	if err := json.Unmarshal(raw, &p.Rules); err != nil {
		problem := entity.BadRequest("policy %s: its rules cannot be read", e.Name)
		problem.Cause = err
		return Policy{}, problem
	}
	return p, nil
}

// Validate tells what is wrong with a rule somebody wants to store. Names that
// the condition mentions are for the caller to look up: see Condition.Mentions.
// The error is a KindBadRequest.
func (r Rule) Validate() error {
	switch {
	case r.Name == "":
		return entity.BadRequest("a rule needs a name")
	case r.Effect != Allow && r.Effect != Deny:
		return entity.BadRequest("rule %s: effect must be allow or deny", r.Name)
	case len(r.Operations) == 0:
		return entity.BadRequest("rule %s: operations must name at least one operation", r.Name)
	case len(r.Resources) == 0:
		return entity.BadRequest("rule %s: resources must name at least one resource type", r.Name)
	}
	for _, resource := range r.Resources {
		if !resourceName.MatchString(resource) {
			return entity.BadRequest("rule %s: %q cannot be the name of a resource type", r.Name, entity.Shorten(resource, 60))
		}
	}
	if r.Condition == "" {
		return nil
	}
	if _, err := ParseCondition(r.Condition); err != nil {
		problem := entity.BadRequest("rule %s: %s", r.Name, err)
		problem.Cause = err
		return problem
	}
	return nil
}
