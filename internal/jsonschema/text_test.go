package jsonschema_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestVisitTexts(t *testing.T) {
	set := load(t)
	for _, test := range []struct {
		name, schema, doc, want string
	}{
		{"description", "entity/data/table.json", `{"name":"a","description":"a"}`, `{"name":"a","description":"A"}`},
		{"columns of columns", "entity/data/table.json", `{"columns":[{"name":"a","description":"a","children":[{"children":[{"description":"b"}]}]}]}`,
			`{"columns":[{"name":"a","description":"A","children":[{"children":[{"description":"B"}]}]}]}`},
		{"fields of a message", "entity/data/topic.json", `{"messageSchema":{"schemaText":"a","schemaFields":[{"description":"a"}]}}`,
			`{"messageSchema":{"schemaText":"a","schemaFields":[{"description":"A"}]}}`},
		{"alternatives", "api/feed/createSuggestion.json", `{"description":"a","entityLink":"a"}`, `{"description":"A","entityLink":"a"}`},
		{"thread", "entity/feed/thread.json", `{"message":"a","createdBy":"a","posts":[{"message":"a","from":"a"}],"task":{"suggestion":"a","type":"a"},"announcement":{"description":"a"}}`,
			`{"message":"A","createdBy":"a","posts":[{"message":"A","from":"a"}],"task":{"suggestion":"A","type":"a"},"announcement":{"description":"A"}}`},
		{"edge", "api/lineage/addLineage.json", `{"edge":{"description":"a","lineageDetails":{"description":"a","sqlQuery":"a"}}}`,
			`{"edge":{"description":"A","lineageDetails":{"description":"A","sqlQuery":"a"}}}`},
		{"incident", "api/tests/createTestCaseResolutionStatus.json", `{"testCaseResolutionStatusDetails":{"testCaseFailureReason":"a","testCaseFailureComment":"a"}}`,
			`{"testCaseResolutionStatusDetails":{"testCaseFailureReason":"a","testCaseFailureComment":"A"}}`},
		{"other kinds", "entity/data/table.json", `{"description":7,"columns":{"description":"a"}}`, `{"description":7,"columns":{"description":"a"}}`},
		{"custom values", "entity/data/table.json", `{"extension":{"description":"a"}}`, `{"extension":{"description":"a"}}`},
		{"no texts", "auth/loginRequest.json", `{"email":"a"}`, `{"email":"a"}`},
	} {
		upper := func(_, text string) (string, error) { return strings.ToUpper(text), nil }
		got, err := set.VisitTexts(test.schema, []byte(test.doc), upper)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %v %s", test.name, err, got)
		}
		var members, want map[string]jsontext.Value
		if json.Unmarshal([]byte(test.doc), &members) != nil || json.Unmarshal([]byte(test.want), &want) != nil {
			t.Fatal(test.doc)
		}
		for name, value := range members {
			if members[name], err = set.VisitMemberTexts(test.schema, name, value, upper); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff(want, members); diff != "" {
			t.Errorf("%s, by members: %s", test.name, diff)
		}
	}
	if _, err := set.VisitTexts("no/such.json", []byte(`{}`), nil); err == nil {
		t.Error("a missing schema was accepted")
	}
}

// plainDescriptions are the schemas whose descriptions nobody writes who uses the
// catalog: settings, shapes of mail, facets of other systems, steps of a test.
var plainDescriptions = []string{
	"configuration/searchSettings.json", "email/emailTemplatePlaceholder.json", "api/lineage/openlineage/openLineageFacets.json",
	"entity/services/connections/testConnectionDefinition.json",
}

// TestEveryDescriptionIsAText: what people see as Markdown has to be known as such.
func TestEveryDescriptionIsAText(t *testing.T) {
	set := load(t)
	names, err := set.Names()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range names {
		source, err := set.Source(name)
		if err != nil {
			t.Fatal(err)
		}
		var file any
		if err := json.Unmarshal(source, &file); err != nil {
			t.Fatal(err)
		}
		for _, at := range plainTexts(file, "", &seen) {
			if !slices.Contains(plainDescriptions, name) {
				t.Errorf("%s: %s/description is a string like others; let it refer to type/basic.json#/$defs/markdown", name, at)
			}
		}
	}
	if seen < 150 {
		t.Errorf("only %d descriptions were seen", seen)
	}
}

// plainTexts returns where members called description are mere strings.
func plainTexts(schema any, at string, seen *int) []string {
	var found []string
	switch schema := schema.(type) {
	case []any:
		for _, item := range schema {
			found = append(found, plainTexts(item, at, seen)...)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		if description, ok := properties["description"].(map[string]any); ok {
			*seen++
			if description["type"] != nil {
				found = append(found, at)
			}
		}
		for name, inner := range schema {
			found = append(found, plainTexts(inner, path.Join(at, name), seen)...)
		}
	}
	return found
}

func TestLinksRunNothing(t *testing.T) {
	set := load(t)
	for address, ok := range map[string]bool{
		"https://example.com/a b": true, "shop.html": true, "": true, "mailto:a@b.c": true,
		"javascript:alert(1)": false, " JavaScript:alert(1)": false, "data:text/html,x": false,
	} {
		doc, err := json.Marshal(map[string]string{"name": "n", "service": "s", "sourceUrl": address})
		if err != nil {
			t.Fatal(err)
		}
		if err := set.Validate("api/data/createDashboard.json", doc); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}
