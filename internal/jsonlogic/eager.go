package jsonlogic

import (
	"errors"
	"math"
	"strings"
)

// Operators whose arguments are evaluated before them.

type eagerOp func(r *run, args []any) (any, error)

// known tells whether there is an operator of that name.
func known(name string) bool { return lazy(name) != nil || eager(name) != nil }

func eager(name string) eagerOp {
	for _, group := range []func(string) eagerOp{comparison, arithmetic, ofTexts, ofLists} {
		if op := group(name); op != nil {
			return op
		}
	}
	return nil
}

func comparison(name string) eagerOp {
	switch name {
	case "==", "!=":
		return func(r *run, args []any) (any, error) {
			same, err := r.equal(at(args, 0), at(args, 1), true)
			return same == (name == "=="), err
		}
	case "===", "!==":
		return func(r *run, args []any) (any, error) {
			same, err := r.equal(at(args, 0), at(args, 1), false)
			return same == (name == "==="), err
		}
	case "!":
		return func(_ *run, args []any) (any, error) { return !Truth(alone(args)), nil }
	case "!!":
		return func(_ *run, args []any) (any, error) { return Truth(alone(args)), nil }
	case "<", "<=", ">", ">=":
		return func(r *run, args []any) (any, error) { return r.ordered(name, args) }
	}
	return nil
}

// alone is the argument of an operator that has one. A list of arguments may itself
// be that argument: see values.
func alone(args []any) any {
	if len(args) == 1 {
		return args[0]
	}
	if len(args) == 0 {
		return nil
	}
	return args
}

// ordered compares two values, or tells whether one lies between two others.
func (r *run) ordered(name string, args []any) (any, error) {
	for i := 0; i+1 < max(2, min(len(args), 3)); i++ {
		fits, err := r.before(name, at(args, i), at(args, i+1))
		if err != nil || !fits {
			return false, err
		}
	}
	return true, nil
}

func (r *run) before(name string, a, b any) (bool, error) {
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			if err := r.budget.spend(1 + len(s)/64); err != nil {
				return false, err
			}
			return fitsOrder(name, float64(strings.Compare(s, t)), 0), nil
		}
	}
	if a == nil || b == nil {
		return false, nil // nothing is neither more nor less than something
	}
	return fitsOrder(name, number(a), number(b)), nil
}

func fitsOrder(name string, a, b float64) bool {
	switch name {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

func arithmetic(name string) eagerOp {
	switch name {
	case "+", "*", "min", "max":
		return func(_ *run, args []any) (any, error) { return fold(name, args), nil }
	case "-":
		return func(_ *run, args []any) (any, error) {
			if len(args) == 1 {
				return -number(args[0]), nil
			}
			return number(at(args, 0)) - number(at(args, 1)), nil
		}
	case "/", "%":
		return func(_ *run, args []any) (any, error) {
			a, b := number(at(args, 0)), number(at(args, 1))
			if b == 0 {
				return nil, errors.New("the rule divides by zero")
			}
			if name == "%" {
				return math.Mod(a, b), nil
			}
			return a / b, nil
		}
	}
	return nil
}

func fold(name string, args []any) any {
	if len(args) == 0 {
		if name == "*" {
			return 1.0
		}
		return nil
	}
	sum := number(args[0])
	for _, arg := range args[1:] {
		switch n := number(arg); name {
		case "+":
			sum += n
		case "*":
			sum *= n
		case "min":
			sum = min(sum, n)
		case "max":
			sum = max(sum, n)
		}
	}
	return sum
}

func ofTexts(name string) eagerOp {
	switch name {
	case "cat":
		return (*run).cat
	case "substr":
		return func(r *run, args []any) (any, error) {
			runes := []rune(textOf(at(args, 0)))
			if err := r.budget.spend(len(runes) / 64); err != nil {
				return nil, err
			}
			return string(slice(runes, args)), nil
		}
	}
	return nil
}

func (r *run) cat(args []any) (any, error) {
	var b strings.Builder
	for _, arg := range args {
		text := textOf(arg)
		if err := r.budget.spend(1 + len(text)/64); err != nil {
			return nil, err
		}
		if b.Len()+len(text) > maxMade {
			return nil, errors.New("the rule makes a text that is too long")
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// slice is a part of a text: from a place on, counted from the end when it is
// negative, and of a length, or up to a place before the end.
func slice(runes []rune, args []any) []rune {
	clamp := func(v float64) int { return int(max(-float64(len(runes)), min(v, float64(len(runes))))) }
	from := clamp(number(at(args, 1)))
	if from < 0 {
		from += len(runes)
	}
	end := len(runes)
	if length := at(args, 2); length != nil {
		if end = clamp(number(length)); end < 0 {
			end += len(runes)
		} else {
			end = min(from+end, len(runes))
		}
	}
	return runes[from:max(from, end)]
}

func ofLists(name string) eagerOp {
	switch name {
	case "in":
		return (*run).in
	case "merge":
		return (*run).merge
	case "length":
		return func(_ *run, args []any) (any, error) { return length(args), nil }
	case "multipleUsersOrSingleTeamOwnership":
		return func(_ *run, args []any) (any, error) { return fitOwners(args), nil }
	case "filterReferenceByType":
		return func(r *run, args []any) (any, error) { return r.having("type", args) }
	case "filterTagsBySource":
		return func(r *run, args []any) (any, error) { return r.having("source", args) }
	}
	return nil
}

// in tells whether a list holds a value, or a text another.
func (r *run) in(args []any) (any, error) {
	switch within := at(args, 1).(type) {
	case string:
		part, ok := at(args, 0).(string)
		if err := r.budget.spend(1 + len(within)/64); err != nil {
			return nil, err
		}
		return ok && strings.Contains(within, part), nil
	case []any:
		for _, item := range within {
			same, err := r.equal(at(args, 0), item, true)
			if err != nil || same {
				return same, err
			}
		}
	}
	return false, nil
}

// merge makes one list of several.
func (r *run) merge(args []any) (any, error) {
	out := []any{}
	for _, arg := range args {
		items := listOf(arg)
		if err := r.budget.spend(1 + len(items)); err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

// length counts the items of a list. What is there and no list counts as one.
func length(args []any) any {
	if list, ok := at(args, 0).([]any); ok && len(args) == 1 {
		return float64(len(list))
	}
	if len(args) == 1 && args[0] == nil {
		return 0.0
	}
	return float64(len(args))
}

// fitOwners tells whether owners are users only, or one team alone.
func fitOwners(args []any) bool {
	refs := args
	if list, ok := at(args, 0).([]any); ok {
		refs = list
	}
	teams, others := 0, 0
	for _, ref := range refs {
		switch {
		case ref == nil:
		case lookUp(ref, "type") == "team":
			teams++
		default:
			others++
		}
	}
	return teams == 0 || teams == 1 && others == 0
}

// having keeps the items of the first argument whose member is the second.
func (r *run) having(member string, args []any) (any, error) {
	list, _ := at(args, 0).([]any)
	if err := r.budget.spend(len(list)); err != nil {
		return nil, err
	}
	out := []any{}
	for _, item := range list {
		if want, ok := at(args, 1).(string); ok && lookUp(item, member) == want {
			out = append(out, item)
		}
	}
	return out, nil
}
