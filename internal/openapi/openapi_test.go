package openapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/schema"
)

func schemas(t *testing.T) *jsonschema.Set {
	t.Helper()
	set, err := jsonschema.Load(schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestEverySchemaHasAName writes a document that uses all schemas there are.
func TestEverySchemaHasAName(t *testing.T) {
	set := schemas(t)
	c, err := newComponents(set)
	if err != nil {
		t.Fatal(err)
	}
	for schema, name := range c.names {
		if _, err := c.ref(schema); err != nil {
			t.Errorf("%s (%s): %v", schema, name, err)
		}
	}
	if len(c.made) != len(c.names) {
		t.Errorf("%d schemas have %d names", len(c.made), len(c.names))
	}
}

func TestParse(t *testing.T) {
	got, err := Parse("PUT /v1/x/{id} op=putX in=list:a.json out=page:b.json sends=200,201 ?a ?b:integer!=10(0,99) ?c:x|y ?d:Include=non-deleted")
	if err != nil {
		t.Fatal(err)
	}
	want := Operation{
		Method: "PUT", Path: "/v1/x/{id}", ID: "putX", In: "list:a.json", Out: "page:b.json", Sends: []int{200, 201},
		Query: []Param{
			{Name: "a", Type: "string"},
			{Name: "b", Type: "integer", Required: true, Default: "10", Min: "0", Max: "99"},
			{Name: "c", Type: "string", Enum: []string{"x", "y"}},
			{Name: "d", Type: "Include", Default: "non-deleted"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{"", "GET", "GET x", "GET /x frob=1", "GET /x sends=500", "GET /x sends=x", "GET /x ?a:frob", "GET /x ??", "GET /x frob"} {
		if op, err := Parse(line); err == nil {
			t.Errorf("%q is read as %+v", line, op)
		}
	}
}

// TestWhatCannotBeDescribed: a slip in a line is an error and not a document with a hole.
func TestWhatCannotBeDescribed(t *testing.T) {
	set := schemas(t)
	for line, want := range map[string]string{
		"GET /x out=frob":                    "no shape",
		"GET /x out=type/frob.json":          "no schema",
		"GET /x out=page:type/frob.json":     "no schema",
		"PUT /x in=list:type/frob.json":      "no schema",
		"PUT /x in=type/basic.json#/$defs/x": "no schema",
	} {
		op, err := Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Write(set, Server{}, []Operation{op}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
