package registry

import (
	"fmt"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// check compares an entry with its schemas.
func (t *Type) check(set *jsonschema.Set) []error {
	problems := t.checkRefs(set)
	plain := slices.Concat(t.Ancestors, t.Records, t.Computed, t.Expand)
	for _, f := range t.Filters {
		if f.Field != "" {
			plain = append(plain, f.Field)
		}
	}
	for _, field := range plain {
		if !set.Has(t.Schema, field) {
			problems = append(problems, t.missing("member", field, t.Schema))
		}
	}
	return problems
}

// checkRefs makes sure that the fields that hold references do so by their schema.
func (t *Type) checkRefs(set *jsonschema.Set) []error {
	var problems []error
	isRef := func(field string, many bool) bool {
		p, ok := set.Property(t.Schema, field)
		return ok && (p.Kind == jsonschema.KindRef && !many || p.Kind == jsonschema.KindRefList && many)
	}
	for _, p := range t.Parents {
		if !isRef(p.Field, false) && !isRef(p.Field, true) {
			problems = append(problems, t.missing("parent", p.Field, t.Schema))
		}
	}
	for _, rel := range t.Relations {
		if !isRef(rel.Field, rel.Many) {
			problems = append(problems, t.missing("relation", rel.Field, t.Schema))
		}
		if rel.Request != "" && !set.Has(t.Create, rel.Request) {
			problems = append(problems, t.missing("relation", rel.Request, t.Create))
		}
	}
	for _, c := range t.Children {
		if !isRef(c.Field, true) {
			problems = append(problems, t.missing("children", c.Field, t.Schema))
		}
	}
	return problems
}

func (t *Type) missing(what, field, schema string) error {
	return fmt.Errorf("type %s: %s %s is no such member of %s", t.Name, what, field, schema)
}

// checkTargets makes sure that every type an entry names exists, and that the
// other end of an inverse relation does.
func (r *Registry) checkTargets(t *Type) []error {
	var problems []error
	need := func(name string) {
		if name != "*" && r.byName[name] == nil {
			problems = append(problems, fmt.Errorf("type %s refers to %s, which is no type", t.Name, name))
		}
	}
	for _, p := range t.Parents {
		need(p.Type)
	}
	for _, c := range t.Children {
		need(c.Type)
	}
	for _, f := range t.Filters {
		for _, name := range f.Types {
			need(name)
		}
	}
	for _, rel := range t.Relations {
		for _, name := range rel.Types {
			need(name)
			if rel.Inverse && name != "*" && r.byName[name] != nil && !r.byName[name].refers(rel.Of) {
				problems = append(problems, fmt.Errorf("type %s: %s is the inverse of %s.%s, which does not exist", t.Name, rel.Field, name, rel.Of))
			}
		}
	}
	return problems
}

// refers tells whether the type keeps references in the field.
func (t *Type) refers(field string) bool {
	return slices.ContainsFunc(t.Relations, func(r Relation) bool { return r.Field == field && !r.Inverse }) ||
		slices.ContainsFunc(t.Parents, func(p ParentField) bool { return p.Field == field })
}
