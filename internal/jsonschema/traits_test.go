package jsonschema_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

const tableSchema = "entity/data/table.json"

func TestProperties(t *testing.T) {
	set := load(t)
	got := set.Properties(tableSchema)
	if want := []string{"id", "name", "displayName", "fullyQualifiedName"}; !slices.Equal(got[:4], want) {
		t.Errorf("got %v", got[:4])
	}
	for _, test := range []struct {
		schema, property string
		want             bool
	}{
		{tableSchema, "columns", true}, {tableSchema, "frob", false}, {"no/such.json", "id", false},
		{"type/basic.json#/$defs/entityName", "id", false},
	} {
		if got := set.Has(test.schema, test.property); got != test.want {
			t.Errorf("Has(%s, %s) = %v", test.schema, test.property, got)
		}
	}
	if got := set.Properties("no/such.json"); got != nil {
		t.Errorf("properties of nothing: %v", got)
	}
}

func TestProperty(t *testing.T) {
	set := load(t)
	const ref, tag = "type/entityReference.json", "type/tagLabel.json"
	tests := []struct {
		schema, name string
		kind         jsonschema.Kind
		refers       string
		required     bool
	}{
		{tableSchema, "databaseSchema", jsonschema.KindRef, ref, false},
		{tableSchema, "owners", jsonschema.KindRefList, ref, false},
		{"tests/testSuite.json", "tests", jsonschema.KindRefList, ref, false},
		{tableSchema, "tags", jsonschema.KindTags, tag, false},
		{tableSchema, "columns", jsonschema.KindArray, "entity/data/table.json#/$defs/column", true},
		{tableSchema, "dataModel", jsonschema.KindObject, "entity/data/table.json#/$defs/dataModel", false},
		{tableSchema, "name", jsonschema.KindString, "type/basic.json#/$defs/entityName", true},
		{tableSchema, "updatedAt", jsonschema.KindNumber, "type/basic.json#/$defs/timestamp", false},
		{tableSchema, "deleted", jsonschema.KindBoolean, "", false},
		{tableSchema, "extension", jsonschema.KindAny, "", false},
		{"api/teams/createTeam.json", "users", jsonschema.KindArray, "type/basic.json#/$defs/uuid", false},
	}
	for _, test := range tests {
		got, ok := set.Property(test.schema, test.name)
		if !ok || got.Kind != test.kind || got.Schema != test.refers || got.Required != test.required {
			t.Errorf("%s.%s: %+v", test.schema, test.name, got)
		}
	}
	if _, ok := set.Property(tableSchema, "frob"); ok {
		t.Error("found a property that is not there")
	}
}

func TestPropertyDefaultsAndEnums(t *testing.T) {
	set := load(t)
	status, _ := set.Property(tableSchema, "entityStatus")
	if string(status.Default) != `"Unprocessed"` || !slices.Contains(status.Enum, "Approved") {
		t.Errorf("%+v", status)
	}
	name, _ := set.Property(tableSchema, "name")
	if name.Default != nil || name.Enum != nil {
		t.Errorf("%+v", name)
	}
}

func TestParts(t *testing.T) {
	set := load(t)
	tests := []struct {
		schema string
		want   []jsonschema.Parts
	}{
		{tableSchema, []jsonschema.Parts{
			{Path: []string{"columns"}, Children: "children", FQN: true},
			{Path: []string{"dataModel", "columns"}, Children: "children", FQN: true},
		}},
		{"entity/data/topic.json", []jsonschema.Parts{{Path: []string{"messageSchema", "schemaFields"}, Children: "children", FQN: true}}},
		{"entity/data/pipeline.json", []jsonschema.Parts{{Path: []string{"tasks"}, FQN: true}}},
		{"entity/data/dashboard.json", nil},
		{"no/such.json", nil},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, set.Parts(test.schema)); diff != "" {
			t.Errorf("%s: %s", test.schema, diff)
		}
	}
}

// TestConcurrentUse compiles from many goroutines at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	set := load(t)
	names, err := set.Names()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range names {
				if err := set.Compile(names[(i*61+j)%len(names)]); err != nil {
					t.Error(err)
				}
			}
			if err := set.Validate(createTable, wideTable(3)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
