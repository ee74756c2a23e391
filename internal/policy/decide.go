package policy

import (
	"fmt"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Decision is the answer to "may this subject do that": with the rule it rests
// on and, when refused, what is missing.
type Decision struct {
	Allowed bool
	Admin   bool // allowed because the subject is an administrator; no rule was read
	Subject string
	Type    string // of the resource

	// Effect, Rule, Policy, Role and Source name the deciding rule: the deny rule
	// that matched, or the allow rule that granted the last operation asked for.
	// All are zero for administrators and where no rule matched at all.
	Effect Effect
	Rule   string
	Policy string
	Role   string
	Source Source

	// Missing are the operations that were refused.
	Missing OperationSet

	by *compiledRule
}

// Decide tells whether the subject may do all the operations on the resource.
// Asking for none asks for ViewBasic, the least there is to ask for.
func Decide(s *Subject, r *Resource, ops ...Operation) Decision {
	want := SetOf(ops...)
	if want == 0 {
		want = setOf(ViewBasic)
	}
	d := Decision{Subject: s.Name, Type: r.Type}
	if s.Admin {
		d.Allowed, d.Admin = true, true
		return d
	}
	own, owners := s.Rules.on(r.Type), r.Rules.on(r.Type)
	for _, rules := range [2]*rulesOnType{own, owners} {
		if hit := rules.denied(s, r, deniedBy(r, want)); hit != nil {
			d.decidedBy(hit)
			if d.Missing = want & hit.covers; d.Missing == 0 {
				d.Missing = setOf(ViewBasic)
			}
			return d
		}
	}
	for _, rules := range [2]*rulesOnType{own, owners} {
		hit, left := rules.allowed(s, r, want)
		if want = left; hit != nil && want == 0 {
			d.Allowed = true
			d.decidedBy(hit)
			return d
		}
	}
	d.Missing = want
	return d
}

// deniedBy are the operations whose denial refuses what is wanted. What a rule hides
// from somebody cannot be changed by them either: the answer would show it, and
// taking a tag away would lift the rule.
func deniedBy(r *Resource, want OperationSet) OperationSet {
	if r.ID == entity.NilID {
		return want
	}
	return want | setOf(ViewBasic)
}

// Hidden tells whether a rule hides the resource from the subject, whatever others
// allow.
func Hidden(s *Subject, r *Resource) Decision {
	d := Decide(s, r, ViewBasic)
	if d.Effect != Deny {
		d = Decision{Allowed: true, Subject: s.Name, Type: r.Type}
	}
	return d
}

func (d *Decision) decidedBy(c *compiledRule) {
	d.by = c
	d.Effect, d.Rule, d.Policy, d.Role, d.Source = c.rule.Effect, c.rule.Name, c.policy, c.role, c.source
}

// Message is the sentence for a refused caller, in the shape clients know,
// followed by what to do about it; "" when allowed.
func (d Decision) Message() string {
	if d.Allowed {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Principal: CatalogPrincipal{name='%s'} operations %s not allowed. ", d.Subject, d.Missing)
	names := strings.Trim(d.Missing.String(), "[]")
	if d.Effect == Deny {
		fmt.Fprintf(&b, "Rule %s of policy %s%s forbids %s on %s; an administrator can change it.",
			d.Rule, d.Policy, d.through(), names, d.Type)
		return b.String()
	}
	noun := "permission"
	if d.Missing.Len() > 1 {
		noun = "permissions"
	}
	fmt.Fprintf(&b, "None of your roles and teams gives you the %s %s on this %s; an administrator can grant it.", noun, names, d.Type)
	return b.String()
}

func (d Decision) through() string {
	var parts []string
	if d.Role != "" {
		parts = append(parts, "role "+d.Role)
	}
	if d.Source.Team != "" {
		parts = append(parts, "team "+d.Source.Team)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// Err returns nil when allowed, else a KindForbidden error with the message.
func (d Decision) Err() error {
	if d.Allowed {
		return nil
	}
	return entity.Forbidden("%s", d.Message())
}
