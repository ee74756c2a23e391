package jsonschema_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// memberSecrets is a schema with secrets in every place there can be.
const memberSecrets = `{"type":"object","properties":{
	"a":{"type":"string","format":"password"},
	"b":{"type":"object","properties":{"a":{"type":"string","format":"password"},"c":{"type":"string"}}},
	"c":{"type":"array","items":{"anyOf":[{"type":"string","format":"password"},{"$ref":"#/$defs/inner"}]}},
	"d":{"type":"string"}},
	"additionalProperties":{"type":"string","format":"password"},
	"$defs":{"inner":{"type":"object","properties":{"a":{"type":"string","format":"password"}},"additionalProperties":{"type":"string"}}}}`

func drawValue(t *rapid.T, depth int) any {
	switch rapid.IntRange(0, 6-2*min(depth/3, 1)).Draw(t, "kind") {
	case 0, 1:
		return rapid.StringN(0, 5, -1).Draw(t, "text")
	case 2:
		return rapid.IntRange(0, 9).Draw(t, "number")
	case 3:
		return nil
	case 4:
		return rapid.Bool().Draw(t, "truth")
	case 5:
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "items"))
		for i := range list {
			list[i] = drawValue(t, depth+1)
		}
		return list
	}
	object := map[string]any{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e f"}), 0, 4, rapid.ID).Draw(t, "names") {
		object[name] = drawValue(t, depth+1)
	}
	return object
}

// TestMembersHaveTheSecretsOfTheWhole: looking at a document member by member
// finds the same secrets, by the same paths, as looking at it at once.
func TestMembersHaveTheSecretsOfTheWhole(t *testing.T) {
	set := setOf(t, memberSecrets)
	rapid.Check(t, func(t *rapid.T) {
		members := map[string]jsontext.Value{}
		for _, name := range []string{"a", "b", "c", "d", "other"} {
			if !rapid.Bool().Draw(t, "has "+name) {
				continue
			}
			value, err := json.Marshal(drawValue(t, 0), json.Deterministic(true))
			if err != nil {
				t.Fatal(err)
			}
			members[name] = value
		}
		whole, err := json.Marshal(members, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		replaced, err := set.VisitSecrets("a.json", whole, func(path, value string) (string, error) {
			want = append(want, path+"="+value)
			return "*" + value, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range members {
			members[name], err = set.VisitMemberSecrets("a.json", name, value, func(path, value string) (string, error) {
				got = append(got, path+"="+value)
				return "*" + value, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		joined, err := json.Marshal(members, json.Deterministic(true))
		if err != nil || string(joined) != string(replaced) {
			t.Fatalf("member by member %s, at once %s, %v", joined, replaced, err)
		}
	})
}

func TestMembersWithoutSecrets(t *testing.T) {
	plain := setOf(t, `{"type":"object","properties":{"a":{"type":"string"}}}`)
	never := func(path, _ string) (string, error) { return "", fmt.Errorf("%s is no secret", path) }
	got, err := plain.VisitMemberSecrets("a.json", "a", jsontext.Value(`"x"`), never)
	if err != nil || string(got) != `"x"` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := plain.VisitMemberSecrets("none.json", "a", jsontext.Value(`"x"`), never); err == nil {
		t.Error("an unknown schema was accepted")
	}
	closed := setOf(t, `{"type":"object","properties":{"a":{"type":"string","format":"password"}}}`)
	got, err = closed.VisitMemberSecrets("a.json", "b", jsontext.Value(`{"a":"x"}`), never)
	if err != nil || string(got) != `{"a":"x"}` {
		t.Errorf("a member the schema does not know: %s, %v", got, err)
	}
	if _, err := closed.VisitMemberSecrets("a.json", "a", jsontext.Value(`"x"`), never); err == nil || !strings.Contains(err.Error(), "a is no secret") {
		t.Errorf("the visitor's error is lost: %v", err)
	}
}

// TestMessagesForSizesAndKinds: each limit of a schema is said in full.
func TestMessagesForSizesAndKinds(t *testing.T) {
	for _, test := range []struct{ schema, doc, want string }{
		{`{"type":"string","minLength":3}`, `"ab"`, "[the body size must be at least 3]"},
		{`{"type":"string","minLength":2,"maxLength":2}`, `"abc"`, "[the body size must be 2]"},
		{`{"type":"string","maxLength":2}`, `"abc"`, "[the body size must be between 0 and 2]"},
		{`{"type":["string","integer"]}`, `true`, "[the body must be a string or an integer]"},
		{`{"type":["boolean","array"]}`, `{}`, "[the body must be an array or true or false]"},
		{`{"type":"object","properties":{"a":{"type":"number"}}}`, `{"a":"1"}`, "[a must be a number]"},
		{`{"type":"object"}`, `{"a":"b\\\\u0000","c":"\\u00000"}`, ""},
		{`{"type":"object","additionalProperties":{"type":"integer"}}`, `{"\u0061\n":"x"}`, "[a\n must be an integer]"},
	} {
		t.Run(test.schema+test.doc, func(t *testing.T) {
			expect(t, setOf(t, test.schema).Validate("a.json", []byte(test.doc)), test.want)
		})
	}
}
