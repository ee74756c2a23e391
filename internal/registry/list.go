package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// Registry holds all entity types. It does not change after New.
//
// Things that are recorded over time and have no name of their own are not
// entity types, although they have collections: feed threads and suggestions,
// results and incident states of test cases, query costs, instances of governance
// workflows, report data, executions of agents, and the events that the user
// interface sends about its own use.
type Registry struct {
	set          *jsonschema.Set
	all          []*Type
	byName       map[string]*Type
	byCollection map[string]*Type
}

// New builds the list of types and checks each entry against its schemas, so
// that a misspelt field stops the start instead of being ignored.
func New(set *jsonschema.Set) (*Registry, error) {
	r := &Registry{set: set, byName: map[string]*Type{}, byCollection: map[string]*Type{}}
	for _, list := range [][]*Type{
		databaseTypes(), assetTypes(), driveTypes(), serviceTypes(set), teamTypes(), governanceTypes(),
		qualityTypes(), automationTypes(set), insightTypes(), aiTypes(),
	} {
		r.all = append(r.all, list...)
	}
	slices.SortFunc(r.all, func(a, b *Type) int { return strings.Compare(a.Name, b.Name) })
	schemas := make([]string, 0, 2*len(r.all))
	for _, t := range r.all {
		schemas = append(schemas, t.Schema)
		if t.Create != "" {
			schemas = append(schemas, t.Create)
		}
	}
	if err := set.Compile(schemas...); err != nil {
		return nil, fmt.Errorf("compile the schemas of the entity types: %w", err)
	}
	var problems []error
	for _, t := range r.all {
		if r.byName[t.Name] != nil || r.byCollection[t.Collection] != nil {
			problems = append(problems, fmt.Errorf("type %s or its collection %s is listed twice", t.Name, t.Collection))
		}
		r.byName[t.Name], r.byCollection[t.Collection] = t, t
		t.Supports.describe(set, t.Schema)
		t.Nested = nestedOf(set, t)
		problems = append(problems, t.findSecrets(set))
		problems = append(problems, t.check(set)...)
	}
	for _, t := range r.all {
		problems = append(problems, r.checkTargets(t)...)
	}
	return r, errors.Join(problems...)
}

// All returns the types, ordered by name.
func (r *Registry) All() []*Type { return r.all }

// Schemas returns the schemas that the entries were checked against.
func (r *Registry) Schemas() *jsonschema.Set { return r.set }

// ByName returns the type with the name, e.g. "table".
func (r *Registry) ByName(name string) (*Type, bool) {
	t, ok := r.byName[name]
	return t, ok
}

// ByCollection returns the type with the path, e.g. "/v1/tables".
func (r *Registry) ByCollection(path string) (*Type, bool) {
	t, ok := r.byCollection[path]
	return t, ok
}

// nestedOf finds the lists of named parts in the schema. The suites of a test
// case are entities, not parts; the columns of a contract are those of the
// entity it is about and keep its names.
func nestedOf(set *jsonschema.Set, t *Type) []Nested {
	var found []Nested
	for _, parts := range set.Parts(t.Schema) {
		if t.Name == "testCase" {
			continue
		}
		found = append(found, Nested{Path: parts.Path, Children: parts.Children, FQN: parts.FQN && t.Name != "dataContract"})
	}
	return found
}
