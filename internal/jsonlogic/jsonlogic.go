// Package jsonlogic evaluates rules that are written as JSON: {"==": [{"var":
// "name"}, "orders"]}. The grammar is closed: an operator that is not one of ours is
// an error, and a rule can reach nothing but the data it is given. What a rule may
// cost is bounded, because people write rules that a server runs.
//
// The package imports nothing of ours.
package jsonlogic

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// The bounds of a rule.
const (
	MaxText  = 64 << 10 // bytes of a rule
	maxDepth = 64       // how deep operators nest
	maxMade  = 1 << 20  // bytes of a text that a rule puts together
)

// Budget is how much work is left for rules. One may be shared by several rules.
type Budget struct{ left int }

// NewBudget gives rules that many steps: an operator, a value looked at, a piece of
// a text compared.
func NewBudget(steps int) *Budget { return &Budget{left: steps} }

// Left is how many steps are left.
func (b *Budget) Left() int { return max(b.left, 0) }

// ErrBudget tells that the work was more than the budget allows.
var ErrBudget = errors.New("the rule takes too much work")

func (b *Budget) spend(n int) error {
	if b.left -= n; b.left < 0 {
		return ErrBudget
	}
	return nil
}

// Rule is a rule that was read. It is safe for concurrent use.
type Rule struct{ body any }

// Parse reads a rule. A rule that is a JSON text inside a JSON string, as some
// clients send it, is taken out of the string. Operators that do not exist are errors
// here already, wherever they stand.
func Parse(text string) (Rule, error) {
	if len(text) > MaxText {
		return Rule{}, fmt.Errorf("the rule is longer than %d bytes", MaxText)
	}
	var body any
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		return Rule{}, errors.New("the rule is not valid JSON")
	}
	if text, ok := body.(string); ok {
		var inner any
		if err := json.Unmarshal([]byte(text), &inner); err != nil {
			return Rule{}, errors.New("the rule is a text and not a rule")
		}
		body = inner
	}
	return Rule{body}, check(body, 0)
}

// check refuses what no evaluation could make sense of.
func check(node any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("the rule nests deeper than %d operators", maxDepth)
	}
	var parts []any
	switch v := node.(type) {
	case []any:
		parts = v
	case map[string]any:
		if len(v) != 1 {
			return fmt.Errorf("an operation has one operator, not %d", len(v))
		}
		name, args := only(v)
		if !known(name) {
			return fmt.Errorf("there is no operator %q", shorten(name))
		}
		parts = []any{args}
	}
	for _, part := range parts {
		if err := check(part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// only returns the one member of an operation.
func only(v map[string]any) (name string, args any) {
	for name, args = range v {
		break
	}
	return name, args
}

// shorten keeps messages readable.
func shorten(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}

// Apply evaluates the rule on data as json.Unmarshal gives it: maps, slices, strings,
// float64, bool and nil.
func (r Rule) Apply(data any, budget *Budget) (any, error) {
	return (&run{budget: budget, root: data}).eval(r.body, data)
}

// run is one evaluation.
type run struct {
	budget *Budget
	root   any // the whole data, whatever part of it a step looks at
}

// eval gives the value of a node. data is what var looks at.
func (r *run) eval(node, data any) (any, error) {
	if err := r.budget.spend(1); err != nil {
		return nil, err
	}
	switch v := node.(type) {
	case []any:
		return r.evalAll(v, data)
	case map[string]any:
		name, args := only(v)
		if special := lazy(name); special != nil {
			return special(r, listOf(args), data)
		}
		values, err := r.values(args, data)
		if err != nil {
			return nil, err
		}
		return eager(name)(r, values)
	}
	return node, nil
}

// evalAll gives the values of several nodes.
func (r *run) evalAll(nodes []any, data any) ([]any, error) {
	out := make([]any, len(nodes))
	for i, node := range nodes {
		var err error
		if out[i], err = r.eval(node, data); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// values evaluates arguments. One alone that turns out to be a list is the list of
// arguments.
func (r *run) values(args, data any) ([]any, error) {
	if list, ok := args.([]any); ok {
		return r.evalAll(list, data)
	}
	value, err := r.eval(args, data)
	if err != nil {
		return nil, err
	}
	return listOf(value), nil
}

// listOf is a value as a list of arguments.
func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// at is an argument, nil where there is none.
func at(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return nil
}
