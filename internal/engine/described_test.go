package engine_test

import (
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
)

// Clients refuse a glossary without a description; an empty one is one.
func TestRequiredDescriptionsAreShown(t *testing.T) {
	b := newBed(t)
	b.create("glossary", `{"name":"g","description":"words"}`)
	b.create("classification", `{"name":"c","description":""}`)
	for typ, name := range map[string]string{"glossary": "g", "classification": "c"} {
		id := b.get(b.admin, typ, name, "").ID
		b.mustPatch(b.admin, typ, id, `[{"op":"add","path":"/description","value":"more"}]`)
		b.mustPatch(b.admin, typ, id, `[{"op":"replace","path":"/description","value":""}]`)
		shown, err := engine.Encode(b.get(b.admin, typ, name, ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.e.Schemas().Validate(b.typ(typ).Schema, shown); err != nil {
			t.Errorf("clients cannot read the %s: %v\n%s", typ, err, shown)
		}
		got := b.mustPatch(b.admin, typ, id, `[{"op":"replace","path":"/description","value":""}]`)
		if again := b.get(b.admin, typ, name, ""); again.Version != got.Entity.Version || again.Description != "" {
			t.Errorf("no change of the %s made version %v", typ, again.Version)
		}
	}
}
