package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// permissionDebugRoutes tell why somebody may, or may not, do something.
func (a *API) permissionDebugRoutes() []Route {
	const base = "/api/v1/permissions"
	return []Route{
		{Method: http.MethodGet, Path: base + "/debug/evaluate", Access: Authenticated, Handle: (*call).evaluatePermission},
		{Method: http.MethodGet, Path: base + "/debug/me", Access: Authenticated, Handle: (*call).myGrants},
		{Method: http.MethodGet, Path: base + "/debug/user/{username}", Access: Authenticated, Handle: (*call).grantsOf},
		{Method: http.MethodGet, Path: base + "/view/{entityType}", Access: Authenticated, Handle: (*call).viewPermissions},
	}
}

// evaluation is one decision with every rule that was read for it.
type evaluation struct {
	User          entity.Ref       `json:"user"`
	Resource      string           `json:"resource"`
	ResourceID    string           `json:"resourceId,omitzero"`
	Operation     policy.Operation `json:"operation"`
	Allowed       bool             `json:"allowed"`
	FinalDecision string           `json:"finalDecision"` // ALLOW or DENY
	Message       string           `json:"message,omitzero"`
	Missing       []string         `json:"missing,omitzero"`
	Steps         []evaluationStep `json:"evaluationSteps"`
	Summary       evaluationSum    `json:"summary"`
}

// evaluationStep is one rule and what became of it.
type evaluationStep struct {
	Number     int                   `json:"stepNumber"`
	Policy     entity.Ref            `json:"policy"`
	Rule       string                `json:"rule"`
	Effect     string                `json:"effect"` // ALLOW or DENY
	Matched    bool                  `json:"matched"`
	Reason     string                `json:"matchReason"`
	Deciding   bool                  `json:"deciding"`
	Source     string                `json:"source"`
	From       *entity.Ref           `json:"sourceEntity,omitzero"`
	Role       *entity.Ref           `json:"role,omitzero"`
	Conditions []conditionEvaluation `json:"conditionEvaluations"`
}

// conditionEvaluation is the value of a condition, or of one question in it.
type conditionEvaluation struct {
	Condition string `json:"condition"`
	Result    bool   `json:"result"`
	Details   string `json:"evaluationDetails,omitzero"`
}

type evaluationSum struct {
	Policies int      `json:"totalPoliciesEvaluated"`
	Rules    int      `json:"totalRulesEvaluated"`
	Matching int      `json:"matchingRules"`
	Allow    int      `json:"allowRules"`
	Deny     int      `json:"denyRules"`
	Applied  []string `json:"appliedPolicies"`
	Reasons  []string `json:"reasonsForDecision"`
	Millis   int64    `json:"evaluationTimeMs"`
}

// evaluatePermission explains one decision: to administrators about anybody, to
// others about themselves.
func (c *call) evaluatePermission() error {
	begun := time.Now()
	user, err := c.explainable(c.query.Get("user"))
	if err != nil {
		return err
	}
	op, err := policy.ParseOperation(c.query.Get("operation"))
	if err != nil {
		return err
	}
	t, err := c.entityType(c.query.Get("resource"))
	if err != nil {
		return err
	}
	var sel engine.Selector
	switch id, name := c.query.Get("resourceId"), c.query.Get("resourceName"); {
	case id != "":
		if sel.ID, err = entity.ParseID(id); err != nil {
			return err
		}
	case name != "":
		sel.FQN = name
	}
	x, err := c.engine.Explain(c.ctx(), user.ID, t, sel, op)
	if err != nil {
		return err
	}
	out := evaluation{
		User: user, Resource: t.Name, Operation: op, Allowed: x.Allowed, FinalDecision: effectWord(x.Allowed), Message: x.Message,
		Steps: make([]evaluationStep, len(x.Rules)), Summary: summaryOf(x),
	}
	if sel.ID != entity.NilID {
		out.ResourceID = sel.ID.String()
	}
	for _, missing := range x.Missing {
		out.Missing = append(out.Missing, missing.String())
	}
	for i, rule := range x.Rules {
		out.Steps[i] = stepOf(i+1, rule, x.Refs)
	}
	out.Summary.Millis = time.Since(begun).Milliseconds()
	return c.json(http.StatusOK, out)
}

// explainable returns the user a question is about; "" is the caller.
func (c *call) explainable(name string) (entity.Ref, error) {
	if name == "" || name == c.by.Name {
		return c.me(), nil
	}
	if !c.by.IsAdmin {
		return entity.Ref{}, entity.Forbidden("only an administrator can see why somebody else may do something; leave user out to ask about yourself")
	}
	t, err := c.userType()
	if err != nil {
		return entity.Ref{}, err
	}
	user, err := c.engine.Get(c.ctx(), c.by, t, engine.ByFQN(name), engine.View{})
	if err != nil {
		return entity.Ref{}, err
	}
	return entity.Ref{ID: user.ID, Type: "user", Name: user.Name, FullyQualifiedName: user.FullyQualifiedName, DisplayName: user.DisplayName}, nil
}

func effectWord(allowed bool) string {
	if allowed {
		return "ALLOW"
	}
	return "DENY"
}

func stepOf(number int, rule policy.Considered, refs map[store.Key]entity.Ref) evaluationStep {
	ref := func(typ, name string) *entity.Ref {
		if name == "" {
			return nil
		}
		full, ok := refs[store.Key{Type: typ, FQN: entity.QuoteName(name)}]
		if !ok {
			full = entity.Ref{Type: typ, Name: name}
		}
		return &full
	}
	step := evaluationStep{
		Number: number, Policy: *ref("policy", rule.Policy), Rule: rule.Rule, Effect: effectWord(rule.Effect == policy.Allow),
		Matched: rule.Verdict == policy.VerdictAllowed || rule.Verdict == policy.VerdictDenied, Reason: verdictWords(rule.Verdict),
		Deciding: rule.Deciding, Source: sourceWords(rule.Source), From: ref("team", rule.Source.Team), Role: ref("role", rule.Role),
		Conditions: []conditionEvaluation{},
	}
	if rule.Condition != "" {
		step.Conditions = append(step.Conditions, conditionEvaluation{Condition: rule.Condition, Result: rule.Holds, Details: "the whole condition"})
	}
	for _, answer := range rule.Answers {
		step.Conditions = append(step.Conditions, conditionEvaluation{Condition: answer.Call, Result: answer.Value})
	}
	return step
}

func verdictWords(v policy.Verdict) string {
	switch v {
	case policy.VerdictDenied:
		return "it matches and refuses"
	case policy.VerdictAllowed:
		return "it matches and grants"
	case policy.VerdictDisabled:
		return "its policy is switched off"
	case policy.VerdictResource:
		return "it is about other kinds of resources"
	case policy.VerdictOperation:
		return "it is about other operations"
	case policy.VerdictCondition:
		return "its condition does not hold"
	}
	return "its condition cannot be read, so it grants nothing"
}

func sourceWords(s policy.Source) string {
	switch s.Via {
	case policy.ViaUser:
		return "a role of the user"
	case policy.ViaTeam:
		return "the team " + s.Team
	case policy.ViaInherited:
		return "the team " + s.Team + ", above a team of the user"
	case policy.ViaOrganization:
		return "the organization"
	}
	return "the team " + s.Team + ", which owns the resource"
}

func summaryOf(x engine.Explanation) evaluationSum {
	sum := evaluationSum{Rules: len(x.Rules), Applied: []string{}, Reasons: []string{}}
	policies := map[string]bool{}
	for _, rule := range x.Rules {
		policies[rule.Policy] = true
		switch rule.Verdict {
		case policy.VerdictAllowed:
			sum.Allow++
		case policy.VerdictDenied:
			sum.Deny++
		default:
			continue
		}
		sum.Matching++
		if !slices.Contains(sum.Applied, rule.Policy) {
			sum.Applied = append(sum.Applied, rule.Policy)
		}
		if rule.Deciding {
			sum.Reasons = append(sum.Reasons, fmt.Sprintf("rule %s of policy %s, by %s", rule.Rule, rule.Policy, sourceWords(rule.Source)))
		}
	}
	sum.Policies = len(policies)
	switch {
	case x.Beyond != "":
		sum.Reasons = []string{x.Beyond}
	case x.Admin:
		sum.Reasons = []string{"the user is an administrator, who may do everything"}
	case len(sum.Reasons) == 0:
		sum.Reasons = []string{"no rule grants it, and what is not granted is refused"}
	}
	return sum
}

// viewPermissions tells which operation each field of a type asks for.
func (c *call) viewPermissions() error {
	name, err := c.param("entityType")
	if err != nil {
		return err
	}
	t, err := c.entityType(name)
	if err != nil {
		return err
	}
	out := map[string]policy.Operation{}
	for _, field := range t.Expand {
		out[strings.TrimSpace(field)] = policy.OperationForView(t.Name, field)
	}
	return c.json(http.StatusOK, out)
}
