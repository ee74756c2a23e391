package registry

import (
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// Registry holds all entity types. It does not change after New.
type Registry struct {
	all          []*Type
	byName       map[string]*Type
	byCollection map[string]*Type
}

// New builds the list of types and checks each entry against its schemas.
func New(set *jsonschema.Set) (*Registry, error) {
	return &Registry{byName: map[string]*Type{}, byCollection: map[string]*Type{}}, nil
}

// All returns the types, ordered by name.
func (r *Registry) All() []*Type { return r.all }

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
