package jsonschema_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dlclark/regexp2"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// setOf makes a set of a single file.
func setOf(t *testing.T, text string) *jsonschema.Set {
	t.Helper()
	set, err := jsonschema.Load(fstest.MapFS{"a.json": {Data: []byte(text)}, "dir/b.json": {Data: []byte(`{"type":"string"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestCompileRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown keyword", `{"type":"object","patternProperties":{}}`, "patternProperties"},
		{"unknown type", `{"type":"frob"}`, `unknown type "frob"`},
		{"unknown format", `{"type":"string","format":"frob"}`, `unknown format "frob"`},
		{"bad pattern", `{"type":"string","pattern":"("}`, "pattern"},
		{"look-ahead we do not know", `{"type":"string","pattern":"^(?!x)"}`, "pattern"},
		{"required but not described", `{"type":"object","required":["a"]}`, "required member a"},
		{"missing file", `{"type":"array","items":{"$ref":"c.json"}}`, "c.json"},
		{"missing definition", `{"type":"array","items":{"$ref":"#/$defs/x"}}`, "/$defs/x"},
		{"reference at the root", `{"$ref":"dir/b.json"}`, "$ref"},
		{"enum of numbers", `{"type":"string","enum":[1]}`, "enum"},
		{"not JSON", `{`, "EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := setOf(t, test.text).Compile("a.json")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want something about %s", err, test.want)
			}
		})
	}
}

func TestLoadRefusesABrokenTable(t *testing.T) {
	_, err := jsonschema.Load(fstest.MapFS{"connections.json": {Data: []byte(`{"database":1}`)}})
	if err == nil {
		t.Error("accepted")
	}
}

func TestRulesOfSmallSchemas(t *testing.T) {
	tests := []struct{ name, schema, doc, want string }{
		{"reference to a file", `{"type":"object","properties":{"a":{"$ref":"dir/b.json"}}}`, `{"a":1}`, "[a must be a string]"},
		{"recursion", `{"type":"object","properties":{"a":{"$ref":"#"}},"additionalProperties":false}`, `{"a":{"a":{"b":1}}}`, `[Unrecognized field "b" in a.a (1 known properties: a)]`},
		{"values of a map", `{"type":"object","additionalProperties":{"type":"integer"}}`, `{"x":"y"}`, "[x must be an integer]"},
		{"whole number", `{"type":"integer"}`, `5.0`, ""},
		{"fraction", `{"type":"integer"}`, `5.5`, "[the body must be an integer]"},
		{"beyond 64 bits", `{"type":"integer"}`, `99999999999999999999`, "[the body must be an integer]"},
		{"out of range", `{"type":"integer"}`, `1e999`, "[the body is out of range]"},
		{"minimum", `{"type":"number","minimum":1}`, `0.5`, "[the body must be greater than or equal to 1]"},
		{"maximum", `{"type":"number","maximum":1}`, `1.5`, "[the body must be less than or equal to 1]"},
		{"step", `{"type":"number","multipleOf":0.1}`, `0.3`, ""},
		{"off step", `{"type":"number","multipleOf":0.1}`, `0.35`, "[the body must be a multiple of 0.1]"},
		{"too few", `{"type":"array","minItems":2}`, `[1]`, "[the body size must be at least 2]"},
		{"too many", `{"type":"array","minItems":1,"maxItems":1}`, `[1,2]`, "[the body size must be 1]"},
		{"short text", `{"type":"string","minLength":2,"maxLength":3}`, `"ä"`, "[the body size must be between 2 and 3]"},
		{"constant", `{"type":"string","const":"a"}`, `"b"`, `[the body must be one of [a], not "b"]`},
		{"two types", `{"type":["string","boolean"]}`, `1`, "[the body must be a string or true or false]"},
		{"nothing but null", `{"type":"object","properties":{"a":{"type":"null"}}}`, `{"a":1}`, "[a must be null]"},
		{"null", `{"type":"object","properties":{"a":{"type":"null"}}}`, `{"a":null}`, ""},
		{"default stands in for a required member", `{"type":"object","properties":{"a":{"type":"string","default":"x"}},"required":["a"]}`, `{}`, ""},
		{"union at the root", `{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `true`, "[the body has none of the shapes allowed]"},
		{"union takes the best fit", `{"anyOf":[{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a","b"]},{"type":"object","properties":{"a":{"type":"integer"}}}]}`,
			`{"a":"x"}`, "[b must not be null]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, setOf(t, test.schema).Validate("a.json", []byte(test.doc)), test.want)
		})
	}
}

// TestPatternWithLookAhead compares our matcher with an engine that knows
// look-ahead and Java's idea of a dot.
func TestPatternWithLookAhead(t *testing.T) {
	const pattern = `^((?!::).)*$`
	match, err := jsonschema.Matcher(pattern)
	if err != nil {
		t.Fatal(err)
	}
	// What Java's dot leaves out, spelt for an engine whose dot leaves out \n alone.
	oracle := regexp2.MustCompile("^((?!::)[^\n\r\u0085\u2028\u2029])*\\z", regexp2.None)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab: \n\r\u0085\u2028\u2029äé😀")), 0, 12, -1).Draw(t, "text")
		want, err := oracle.MatchString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := match([]byte(text)); got != want {
			t.Fatalf("%q: got %v", text, got)
		}
	})
}

func TestFormats(t *testing.T) {
	tests := []struct {
		format     string
		good, fail []string
	}{
		{"uuid", []string{"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "6DD7029B4E5F467F9EA0C88C4935B1A6"},
			[]string{"", "6dd7029b", "6dd7029b-4e5f-467f-9ea0-c88c4935b1ag", "6dd7029b04e5f-467f-9ea0-c88c4935b1a6", "6dd7029b-4e5f-467f-9ea0c88c4935b1a600"}},
		{"email", []string{"a@b.c", "a.b+c@example.com", `"a b"@example.com`[1:2] + "@x.y", "ä@example.com"},
			[]string{"", "a", "@b", "a@", "a b@c.d", "a@b@", "<a@b.c>", "a,b@c.d"}},
		{"uri", []string{"http://x/y?z", "x", ""}, []string{"a b", "a\nb"}},
		{"date", []string{"2026-11-24"}, []string{"2026-13-01", "24.11.2026"}},
		{"time", []string{"01:02:03", "01:02:03Z", "01:02"}, []string{"25:00:00", "1"}},
		{"date-time", []string{"2026-11-24T01:02:03Z", "2026-11-24T01:02:03.123+01:00", "2026-11-24T01:02:03"}, []string{"2026-11-24", "now"}},
	}
	for _, test := range tests {
		check, err := jsonschema.FormatCheck(test.format)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range test.good {
			if !check([]byte(text)) {
				t.Errorf("%s refuses %q", test.format, text)
			}
		}
		for _, text := range test.fail {
			if check([]byte(text)) {
				t.Errorf("%s accepts %q", test.format, text)
			}
		}
	}
}

func TestSourceAndNames(t *testing.T) {
	set := setOf(t, `{"type":"string"}`)
	names, err := set.Names()
	if err != nil || strings.Join(names, " ") != "a.json dir/b.json" {
		t.Errorf("%v, %v", names, err)
	}
	text, err := set.Source("dir/b.json#/$defs/x")
	if err != nil || string(text) != `{"type":"string"}` {
		t.Errorf("%s, %v", text, err)
	}
}
