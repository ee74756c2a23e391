package jsonlogic

import (
	"strconv"
	"strings"
)

// Operators that decide themselves which of their arguments are evaluated, and on
// what.

type lazyOp func(r *run, args []any, data any) (any, error)

func lazy(name string) lazyOp {
	switch name {
	case "var":
		return (*run).variable
	case "missing":
		return (*run).missing
	case "missing_some":
		return (*run).missingSome
	case "if", "?:":
		return (*run).choose
	case "and":
		return func(r *run, args []any, data any) (any, error) { return r.firstThat(args, data, false) }
	case "or":
		return func(r *run, args []any, data any) (any, error) { return r.firstThat(args, data, true) }
	case "map":
		return (*run).mapped
	case "filter":
		return (*run).filter
	case "reduce":
		return (*run).reduce
	case "all", "some", "none":
		return func(r *run, args []any, data any) (any, error) { return r.quantify(name, args, data) }
	case "isOwner":
		return func(r *run, args []any, data any) (any, error) { return r.isNamed("owners", args, data) }
	case "isReviewer":
		return func(r *run, args []any, data any) (any, error) { return r.isNamed("reviewers", args, data) }
	}
	return nil
}

// variable looks a path up in the data.
func (r *run) variable(args []any, data any) (any, error) {
	args, err := r.evalAll(args[:min(len(args), 2)], data)
	if err != nil {
		return nil, err
	}
	if found := lookUp(data, textOf(at(args, 0))); found != nil {
		return found, nil
	}
	return at(args, 1), nil
}

// lookUp follows a path such as owners.0.name; the empty one leads to the data
// itself. It gives nil where the path leads nowhere.
func lookUp(data any, path string) any {
	if path == "" {
		return data
	}
	for step := range strings.SplitSeq(path, ".") {
		switch v := data.(type) {
		case map[string]any:
			data = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			data = v[i]
		default:
			return nil
		}
	}
	return data
}

// missing lists the paths that lead to nothing.
func (r *run) missing(args []any, data any) (any, error) {
	args, err := r.evalAll(args, data)
	if err != nil {
		return nil, err
	}
	if first, ok := at(args, 0).([]any); ok && len(args) == 1 {
		args = first
	}
	return r.absent(args, data)
}

func (r *run) absent(paths []any, data any) ([]any, error) {
	out := []any{}
	for _, path := range paths {
		if err := r.budget.spend(1); err != nil {
			return nil, err
		}
		if found := lookUp(data, textOf(path)); found == nil || found == "" {
			out = append(out, path)
		}
	}
	return out, nil
}

// missingSome gives nothing when at least so many paths lead somewhere.
func (r *run) missingSome(args []any, data any) (any, error) {
	args, err := r.evalAll(args, data)
	if err != nil {
		return nil, err
	}
	paths, _ := at(args, 1).([]any)
	absent, err := r.absent(paths, data)
	if err != nil || float64(len(paths)-len(absent)) < number(at(args, 0)) {
		return absent, err
	}
	return []any{}, nil
}

// choose is if, then, else if, then, else.
func (r *run) choose(args []any, data any) (any, error) {
	for i := 0; i+1 < len(args); i += 2 {
		condition, err := r.eval(args[i], data)
		if err != nil {
			return nil, err
		}
		if Truth(condition) {
			return r.eval(args[i+1], data)
		}
	}
	if len(args)%2 == 1 {
		return r.eval(args[len(args)-1], data)
	}
	return nil, nil
}

// firstThat gives the first value with the truth, or else the last.
func (r *run) firstThat(args []any, data any, truth bool) (any, error) {
	var value any
	for _, arg := range args {
		var err error
		if value, err = r.eval(arg, data); err != nil || Truth(value) == truth {
			return value, err
		}
	}
	return value, nil
}

// list evaluates the first argument, which is to be a list; anything else is an
// empty one.
func (r *run) list(args []any, data any) ([]any, error) {
	value, err := r.eval(at(args, 0), data)
	list, _ := value.([]any)
	return list, err
}

func (r *run) mapped(args []any, data any) (any, error) {
	list, err := r.list(args, data)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(list))
	for i, item := range list {
		if out[i], err = r.eval(at(args, 1), item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *run) filter(args []any, data any) (any, error) {
	list, err := r.list(args, data)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, item := range list {
		keep, err := r.eval(at(args, 1), item)
		if err != nil {
			return nil, err
		}
		if Truth(keep) {
			out = append(out, item)
		}
	}
	return out, nil
}

func (r *run) reduce(args []any, data any) (any, error) {
	list, err := r.list(args, data)
	if err != nil {
		return nil, err
	}
	sum, err := r.eval(at(args, 2), data)
	for _, item := range list {
		if err != nil {
			return nil, err
		}
		sum, err = r.eval(at(args, 1), map[string]any{"current": item, "accumulator": sum})
	}
	return sum, err
}

// quantify tells whether all, some or none of a list fit. All of nothing do not.
func (r *run) quantify(name string, args []any, data any) (any, error) {
	list, err := r.list(args, data)
	if err != nil {
		return nil, err
	}
	for _, item := range list {
		fits, err := r.eval(at(args, 1), item)
		if err != nil {
			return nil, err
		}
		if Truth(fits) != (name == "all") {
			return name == "some", nil
		}
	}
	return name == "none" || name == "all" && len(list) > 0, nil
}

// isNamed tells whether a person is among the references of a member of the data.
func (r *run) isNamed(member string, args []any, data any) (any, error) {
	who, err := r.eval(at(args, 0), data)
	if err != nil {
		return nil, err
	}
	refs, _ := lookUp(r.root, member).([]any)
	for _, ref := range refs {
		if err := r.budget.spend(1); err != nil {
			return nil, err
		}
		if name, ok := lookUp(ref, "name").(string); ok && name == who {
			return true, nil
		}
	}
	return false, nil
}
