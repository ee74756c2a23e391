package registry

import (
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/schema"
)

// TestCheckNamesTheMistake: an entry that its schema does not know is named, with
// the member, before the server starts.
func TestCheckNamesTheMistake(t *testing.T) {
	set, err := jsonschema.Load(schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	sound, _ := r.ByName("table")
	tests := []struct {
		name  string
		spoil func(*Type)
		want  string
	}{
		{"sound", func(*Type) {}, ""},
		{"parent", func(e *Type) { e.Parents = []ParentField{{Field: "frob", Type: "databaseSchema"}} }, "parent frob is no such member"},
		{"parent that is no reference", func(e *Type) { e.Parents = []ParentField{{Field: "name", Type: "databaseSchema"}} }, "parent name is no such member"},
		{"relation", func(e *Type) { e.Relations = []Relation{{Field: "frob"}} }, "relation frob is no such member"},
		{"relation to one", func(e *Type) { e.Relations = []Relation{{Field: "service", Many: true}} }, "relation service is no such member"},
		{"relation to many", func(e *Type) { e.Relations = []Relation{{Field: "owners"}} }, "relation owners is no such member"},
		{"request", func(e *Type) { e.Relations = []Relation{{Field: "owners", Many: true, Request: "frob"}} }, "relation frob is no such member"},
		{"children", func(e *Type) { e.Children = []Child{{Field: "service"}} }, "children service is no such member"},
		{"filter", func(e *Type) { e.Filters = []Filter{{Param: "p", Kind: FilterField, Field: "frob"}} }, "member frob is no such member"},
		{"expanded", func(e *Type) { e.Expand = []string{"columns", "frob"} }, "member frob is no such member"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			entry := *sound
			test.spoil(&entry)
			problems := entry.check(set)
			if test.want == "" {
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				return
			}
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), "type table: "+test.want) {
				t.Errorf("got %v, want one problem: %s", problems, test.want)
			}
		})
	}
	targets := []struct {
		name  string
		entry Type
		want  string
	}{
		{"anything", Type{Relations: []Relation{{Field: "x", Types: []string{"*", "user"}}}}, ""},
		{"parent", Type{Parents: []ParentField{{Field: "x", Type: "frob"}}}, "refers to frob, which is no type"},
		{"child", Type{Children: []Child{{Field: "x", Type: "frob"}}}, "refers to frob, which is no type"},
		{"filter", Type{Filters: []Filter{{Types: []string{"table", "frob"}}}}, "refers to frob, which is no type"},
		{"relation", Type{Relations: []Relation{{Field: "x", Types: []string{"frob"}}}}, "refers to frob, which is no type"},
		{"inverse", Type{Relations: []Relation{{Field: "x", Types: []string{"user"}, Inverse: true, Of: "teams"}}}, ""},
		{"inverse of nothing", Type{Relations: []Relation{{Field: "x", Types: []string{"user"}, Inverse: true, Of: "frob"}}},
			"x is the inverse of user.frob, which does not exist"},
	}
	for _, test := range targets {
		t.Run("target "+test.name, func(t *testing.T) {
			test.entry.Name = "mine"
			problems := r.checkTargets(&test.entry)
			if test.want == "" && len(problems) > 0 || test.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Error(), test.want)) {
				t.Errorf("got %v, want %q", problems, test.want)
			}
		})
	}
}
