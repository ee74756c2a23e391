package policy

import (
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Access is how a permission listing answers for one operation.
type Access string

// The accesses, the strongest first. The conditional ones are for a type as a
// whole, where a rule's condition depends on the resource.
const (
	AccessDeny             Access = "deny"
	AccessAllow            Access = "allow"
	AccessConditionalDeny  Access = "conditionalDeny"
	AccessConditionalAllow Access = "conditionalAllow"
	AccessNotAllow         Access = "notAllow"
)

func (a Access) strength() int {
	switch a {
	case AccessDeny:
		return 4
	case AccessAllow:
		return 3
	case AccessConditionalDeny:
		return 2
	case AccessConditionalAllow:
		return 1
	}
	return 0
}

// Permission is the answer for one operation, with the rule it rests on. The
// JSON form is that of the API.
type Permission struct {
	Operation Operation `json:"operation"`
	Access    Access    `json:"access"`
	Rule      *Rule     `json:"rule,omitzero"`
	Policy    string    `json:"policy,omitzero"`
	Role      string    `json:"role,omitzero"`
}

// ResourcePermission lists what somebody may do on a resource type.
type ResourcePermission struct {
	Resource    string       `json:"resource"`
	Permissions []Permission `json:"permissions"`
}

// PermissionsOnAll lists what the subject may do on each resource type, "all"
// first and the rest by name.
func PermissionsOnAll(s *Subject) []ResourcePermission {
	list := make([]ResourcePermission, 0, len(descriptors()))
	for _, d := range descriptors() {
		list = append(list, permissions(s, &Resource{Type: d.Name}, d, ofType))
	}
	return list
}

// PermissionsOnType lists what the subject may do on a resource type; what
// depends on the resource is conditional. The error is a KindNotFound.
func PermissionsOnType(s *Subject, typ string) (ResourcePermission, error) {
	d, ok := DescriptorOf(typ)
	if !ok {
		return ResourcePermission{}, unknownResource(typ)
	}
	return permissions(s, &Resource{Type: d.Name}, d, ofType), nil
}

// PermissionsOn lists what the subject may do on one resource: conditions are
// evaluated, and nothing is conditional. The error is a KindNotFound.
func PermissionsOn(s *Subject, r *Resource) (ResourcePermission, error) {
	d, ok := DescriptorOf(r.Type)
	if !ok {
		return ResourcePermission{}, unknownResource(r.Type)
	}
	return permissions(s, r, d, ofResource), nil
}

// PermissionsOfPolicies lists what the policies alone would give.
func PermissionsOfPolicies(policies []Policy) []ResourcePermission {
	s := &Subject{Grants: []Grant{{Policies: policies, Source: Source{Via: ViaUser}}}}
	return PermissionsOnAll(s.Compile())
}

func unknownResource(typ string) error {
	return entity.Errorf(entity.KindNotFound, "resource type %s not found", entity.Shorten(typ, 100))
}

// reading says what access a rule that reaches the type gives, "" for none.
type reading func(c *compiledRule, s *Subject, r *Resource) Access

// ofResource evaluates conditions.
func ofResource(c *compiledRule, s *Subject, r *Resource) Access {
	if !c.holds(s, r) {
		return ""
	}
	return unconditional(c)
}

// ofType takes a condition as open. One that cannot be read is not.
func ofType(c *compiledRule, _ *Subject, _ *Resource) Access {
	switch {
	case c.broken && c.rule.Effect == Allow:
		return ""
	case c.broken || c.condition == nil:
		return unconditional(c)
	case c.rule.Effect == Deny:
		return AccessConditionalDeny
	}
	return AccessConditionalAllow
}

func unconditional(c *compiledRule) Access {
	if c.rule.Effect == Deny {
		return AccessDeny
	}
	return AccessAllow
}

func permissions(s *Subject, r *Resource, d ResourceDescriptor, read reading) ResourcePermission {
	list := make([]Permission, len(d.Operations))
	for i, op := range d.Operations {
		list[i] = Permission{Operation: op, Access: AccessNotAllow}
		if s.Admin {
			list[i].Access = AccessAllow
		}
	}
	if !s.Admin {
		for _, rules := range [2]*rulesOnType{s.Rules.on(r.Type), r.Rules.on(r.Type)} {
			if rules != nil {
				strengthen(list, rules.deny, s, r, read)
				strengthen(list, rules.allow, s, r, read)
			}
		}
	}
	return ResourcePermission{Resource: d.Name, Permissions: trim(list)}
}

// strengthen lets each rule replace the weaker answers for what it covers.
func strengthen(list []Permission, rules []*compiledRule, s *Subject, r *Resource, read reading) {
	for _, c := range rules {
		access := read(c, s, r)
		if access == "" {
			continue
		}
		covers := c.covers
		if access == AccessDeny && covers.Has(ViewBasic) { // see deniedBy
			hidden := Covered(All) | setOf(Impersonate)
			if r.ID == entity.NilID {
				hidden &^= creations() // nothing is there yet that could be hidden
			}
			covers |= hidden
		}
		for i := range list {
			p := &list[i]
			if covers.Has(p.Operation) && access.strength() > p.Access.strength() {
				p.Access, p.Rule, p.Policy, p.Role = access, c.rule, c.policy, c.role
			}
		}
	}
}

// creations are the operations that ask about nothing that is there.
func creations() OperationSet {
	return SetOf(Create, BulkCreate, CreateTests, CreateIngestionPipelineAutomator)
}

// trim leaves out the single edits and views that EditAll and ViewAll answer for
// in the same way; one that differs stays, so that no refusal is lost.
func trim(list []Permission) []Permission {
	var editAll, viewAll Access
	for _, p := range list {
		switch p.Operation {
		case EditAll:
			editAll = p.Access
		case ViewAll:
			viewAll = p.Access
		}
	}
	kept := list[:0]
	for _, p := range list {
		final := p.Access == AccessAllow || p.Access == AccessDeny
		name := p.Operation.String()
		redundant := p.Operation != EditAll && p.Access == editAll && strings.HasPrefix(name, "Edit") ||
			p.Operation != ViewAll && p.Access == viewAll && strings.HasPrefix(name, "View")
		if !final || !redundant {
			kept = append(kept, p)
		}
	}
	return kept
}
