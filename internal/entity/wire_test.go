package entity

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// membersOf returns the JSON members of a struct.
func membersOf(v any) []string {
	var names []string
	for field := range reflect.TypeOf(v).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestMembersAreThoseClientsKnow: clients refuse members they do not know, so each
// of these lists is closed.
func TestMembersAreThoseClientsKnow(t *testing.T) {
	for what, c := range map[string]struct {
		v     any
		known string
	}{
		"reference":          {Ref{}, "id type name fullyQualifiedName description displayName deleted inherited href"},
		"tag label":          {TagLabel{}, "tagFQN name displayName description style source labelType state href reason appliedAt appliedBy metadata"},
		"change description": {ChangeDescription{}, "fieldsAdded fieldsUpdated fieldsDeleted previousVersion changeSummary"},
		"field change":       {FieldChange{}, "name oldValue newValue"},
		"votes":              {Votes{}, "upVotes downVotes upVoters downVoters"},
	} {
		known := strings.Fields(c.known)
		slices.Sort(known)
		if d := cmp.Diff(known, membersOf(c.v)); d != "" {
			t.Errorf("%s (-known to clients +ours):\n%s", what, d)
		}
	}
}

func TestWhatIsEmptyStaysAway(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{Ref{Type: "user"}, `{"id":"00000000-0000-0000-0000-000000000000","type":"user"}`},
		{TagLabel{TagFQN: "a.b", Source: "Classification", LabelType: "Manual", State: "Confirmed"}, `{"tagFQN":"a.b","source":"Classification","labelType":"Manual","state":"Confirmed"}`},
		{ChangeDescription{FieldsAdded: []FieldChange{}, FieldsUpdated: []FieldChange{}, FieldsDeleted: []FieldChange{}}, `{"fieldsAdded":[],"fieldsUpdated":[],"fieldsDeleted":[]}`},
		{FieldChange{Name: "deleted", OldValue: jsontext.Value("false"), NewValue: jsontext.Value("true")}, `{"name":"deleted","oldValue":false,"newValue":true}`},
		{Votes{}, `{"upVotes":0,"downVotes":0}`},
		{Link{Type: "user", FQN: "ann"}.String(), `"<#E::user::ann>"`},
	} {
		got, err := json.Marshal(c.v, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
