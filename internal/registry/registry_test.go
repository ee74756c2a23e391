package registry_test

import (
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/schema"
	"testing"
)

func TestNew(t *testing.T) {
	set, _ := jsonschema.Load(schema.Files)
	r, err := registry.New(set)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(r.All()))
	for _, x := range r.All() {
		if x.Nested != nil {
			t.Log(x.Name, x.Nested)
		}
	}
}
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		set, _ := jsonschema.Load(schema.Files)
		if _, err := registry.New(set); err != nil {
			b.Fatal(err)
		}
	}
}
