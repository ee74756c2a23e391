package policy

// Verdict says what became of a rule that was considered.
type Verdict string

// The verdicts.
const (
	VerdictDenied    Verdict = "denied"          // it matched and refuses
	VerdictAllowed   Verdict = "allowed"         // it matched and grants
	VerdictDisabled  Verdict = "policyDisabled"  // its policy is switched off
	VerdictResource  Verdict = "otherResource"   // it is about other resource types
	VerdictOperation Verdict = "otherOperation"  // it is about other operations
	VerdictCondition Verdict = "conditionFalse"  // its condition does not hold
	VerdictBroken    Verdict = "conditionBroken" // an allow rule whose condition cannot be read
)

// Answer is the value of one function call in a condition.
type Answer struct {
	Call  string `json:"call"`
	Value bool   `json:"value"`
}

// Considered is one rule that was read for a decision.
type Considered struct {
	Rule       string      `json:"rule"`
	Policy     string      `json:"policy"`
	Role       string      `json:"role,omitzero"`
	Source     Source      `json:"source"`
	Effect     Effect      `json:"effect"`
	Operations []Operation `json:"operations,omitzero"` // those asked for that the rule covers
	Condition  string      `json:"condition,omitzero"`
	Holds      bool        `json:"holds"` // the condition's value; true without one
	Answers    []Answer    `json:"answers,omitzero"`
	Verdict    Verdict     `json:"verdict"`
	Deciding   bool        `json:"deciding,omitzero"`
}

// Explanation is a decision with everything it was made from.
type Explanation struct {
	Decision Decision     `json:"-"`
	Allowed  bool         `json:"allowed"`
	Admin    bool         `json:"admin,omitzero"`
	Missing  []Operation  `json:"missing,omitzero"`
	Message  string       `json:"message,omitzero"`
	Rules    []Considered `json:"rules"`
}

// Explain decides as Decide does and lists every rule that reached the subject
// or hangs on the teams that own the resource, with what became of it. For an
// administrator the list tells what the rules alone would say.
func Explain(s *Subject, r *Resource, ops ...Operation) Explanation {
	d := Decide(s, r, ops...)
	want := SetOf(ops...)
	if want == 0 {
		want = setOf(ViewBasic)
	}
	e := Explanation{Decision: d, Allowed: d.Allowed, Admin: d.Admin, Missing: d.Missing.List(), Message: d.Message(), Rules: []Considered{}}
	for _, rules := range [2]*Ruleset{s.Rules, r.Rules} {
		if rules == nil {
			continue
		}
		for _, c := range rules.rules {
			e.Rules = append(e.Rules, c.consider(s, r, want, &d))
		}
	}
	return e
}

func (c *compiledRule) consider(s *Subject, r *Resource, want OperationSet, d *Decision) Considered {
	if c.rule.Effect == Deny {
		want = deniedBy(r, want)
	}
	out := Considered{
		Rule: c.rule.Name, Policy: c.policy, Role: c.role, Source: c.source, Effect: c.rule.Effect,
		Operations: (want & c.covers).List(), Condition: c.rule.Condition, Holds: c.holds(s, r),
	}
	if c.condition != nil {
		f := Facts{Subject: s, Resource: r, Team: c.source.Team}
		c.condition.root.calls(func(call *Expr) {
			out.Answers = append(out.Answers, Answer{Call: call.String(), Value: call.holds(&f)})
		})
	}
	out.Verdict = c.verdict(r, want, out.Holds)
	out.Deciding = d.by == c
	return out
}

func (c *compiledRule) verdict(r *Resource, want OperationSet, holds bool) Verdict {
	switch {
	case !c.enabled:
		return VerdictDisabled
	case !c.reaches(r.Type):
		return VerdictResource
	case c.covers&want == 0:
		return VerdictOperation
	case c.broken && !holds:
		return VerdictBroken
	case !holds:
		return VerdictCondition
	case c.rule.Effect == Deny:
		return VerdictDenied
	}
	return VerdictAllowed
}
