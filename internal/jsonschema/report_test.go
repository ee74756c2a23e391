package jsonschema_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestProblemsAreCounted: a message lists the first problems and counts the rest.
func TestProblemsAreCounted(t *testing.T) {
	set := setOf(t, `{"type":"array","items":{"type":"string"}}`)
	for count, want := range map[int]string{1: "", 20: "", 21: ", and 1 more]", 500: ", and 480 more]"} {
		doc := `[` + strings.Repeat(`0,`, count-1) + `0]`
		err := set.Validate("a.json", []byte(doc))
		if err == nil {
			t.Fatalf("%d wrong items were accepted", count)
		}
		message := err.Error()
		if listed := strings.Count(message, "must be a string"); listed != min(count, 20) {
			t.Errorf("%d problems, %d listed", count, listed)
		}
		if !strings.HasSuffix(message, want) || want == "" && strings.Contains(message, "more") {
			t.Errorf("%d problems: %s", count, message)
		}
	}
}

// TestPathsNameTheValue builds nested documents with one wrong value and expects
// its path in the message.
func TestPathsNameTheValue(t *testing.T) {
	set := setOf(t, `{"anyOf":[{"type":"object","additionalProperties":{"$ref":"#"}},{"type":"array","items":{"$ref":"#"}},{"type":"string"}]}`)
	closed := setOf(t, `{"type":"object","properties":{"a":{"$ref":"#"},"b":{"type":"array","items":{"$ref":"#"}}},"additionalProperties":false}`)
	rapid.Check(t, func(t *rapid.T) {
		open, closing, path := "", "", ""
		for range rapid.IntRange(1, 12).Draw(t, "depth") {
			if rapid.Bool().Draw(t, "list") {
				before := rapid.IntRange(0, 3).Draw(t, "before")
				open += `{"b":[` + strings.Repeat(`{},`, before)
				closing = `]}` + closing
				path += fmt.Sprintf(".b[%d]", before)
			} else {
				open += `{"a":`
				closing = `}` + closing
				path += ".a"
			}
		}
		path = strings.TrimPrefix(path, ".")
		err := closed.Validate("a.json", []byte(open+`7`+closing))
		if want := "[" + path + " must be an object]"; err == nil || err.Error() != want {
			t.Fatalf("got %v, want %s", err, want)
		}
		if err := closed.Validate("a.json", []byte(open+`{}`+closing)); err != nil {
			t.Fatalf("sound document: %v", err)
		}
		if err := closed.Validate("a.json", []byte(open+`{"c":1}`+closing)); err == nil || !strings.Contains(err.Error(), `"c" in `+path+" (") {
			t.Fatalf("unknown member at %s: %v", path, err)
		}
		if err := set.Validate("a.json", []byte(open+`"x"`+closing)); err != nil {
			t.Fatalf("union: %v", err)
		}
	})
}

// TestMessagesQuoteLittle: what a caller sends does not come back at full length.
func TestMessagesQuoteLittle(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	set := setOf(t, `{"type":"object","properties":{"a":{"type":"string","enum":["b"]}},"additionalProperties":false}`)
	for _, doc := range []string{`{"` + long + `":1}`, `{"a":"` + long + `"}`, `{"a":1,"` + long + `":{"` + long + `":1}}`, `{"` + long} {
		err := set.Validate("a.json", []byte(doc))
		if err == nil || len(err.Error()) > 1000 {
			t.Errorf("got %.200v", err)
		}
	}
}

// TestStateDoesNotLeak: the checkers are pooled; a verdict must not depend on
// what was checked before.
func TestStateDoesNotLeak(t *testing.T) {
	set := load(t)
	documents := []struct{ doc, want string }{
		{table(`"name":"a","columns":[],`), ""},
		{table(`"name":"a\u0000","columns":[],`), "[name must not contain the character U+0000]"},
		{`{"name":`, "The body is not valid JSON: it ends too early"},
		{table(`"name":"a","columns":[`) + `x`, "The body is not valid JSON: …"},
		{table(`"columns":[],`), "[name must not be null]"},
		{strings.Repeat(`[`, 70), "The body is not valid JSON: it ends too early"},
		{`[]`, "[the body must be an object]"},
	}
	rapid.Check(t, func(rt *rapid.T) {
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(documents)-1), 1, 10).Draw(rt, "order") {
			err := set.Validate(createTable, []byte(documents[i].doc))
			got := ""
			if err != nil {
				got = err.Error()
			}
			prefix, open := strings.CutSuffix(documents[i].want, "…")
			if got != documents[i].want && (!open || !strings.HasPrefix(got, prefix)) {
				rt.Fatalf("%s: %s", documents[i].doc, got)
			}
		}
	})
}
