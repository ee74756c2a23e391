package engine

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestLayoutOfFormats(t *testing.T) {
	moment := time.Date(2026, time.March, 5, 7, 8, 9, 123_000_000, time.UTC)
	for format, want := range map[string]string{
		"yyyy-MM-dd":              "2026-03-05",
		"dd MMM yyyy":             "05 Mar 2026",
		"d MMMM yyyy":             "5 March 2026",
		"MM/dd/yyyy HH:mm:ss":     "03/05/2026 07:08:09",
		"yyyyDDD":                 "2026064",
		"HH:mm:ss":                "07:08:09",
		"MMM dd HH:mm:ss yyyy":    "Mar 05 07:08:09 2026",
		"yyyy-MM-dd HH:mm:ss.SSS": "2026-03-05 07:08:09.123",
	} {
		layout, err := layoutOf(format)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if got := moment.Format(layout); got != want {
			t.Errorf("%s is written %s, want %s", format, got, want)
		}
		if _, err := time.Parse(layout, want); err != nil {
			t.Errorf("%s does not read what it writes: %v", format, err)
		}
	}
	for _, format := range []string{"", "yyyy-QQ", "yyy", "2006-01-02", "yyyy'T'HH", "SSSSSSSSSS"} {
		if layout, err := layoutOf(format); err == nil {
			t.Errorf("%q became %q, want a refusal", format, layout)
		}
	}
}

// FuzzPropertyValue proves that no value of any kind breaks the checks, and that
// what is refused is the caller's mistake.
func FuzzPropertyValue(f *testing.F) {
	for _, seed := range []string{`"x"`, `1`, `1e400`, `-0`, `[]`, `["a"]`, `{"start":1,"end":2}`, `{"url":"https://a"}`, `{"columns":["a"],"rows":[{"a":"b"}]}`, `{"id":"x"}`, `null`, `true`, `"P1D"`} {
		f.Add(seed)
	}
	rules := []propertyRule{
		{kind: "string"}, {kind: "email"}, {kind: "duration"}, {kind: "integer"}, {kind: "timestamp"}, {kind: "number"},
		{kind: "enum", values: []string{"a"}}, {kind: "date-cp", layout: "2006-01-02", format: "yyyy-MM-dd"}, {kind: "timeInterval"},
		{kind: "hyperlink-cp"}, {kind: "table-cp", columns: []string{"a"}}, {kind: "entityReference", types: []string{"user"}},
		{kind: "entityReferenceList", types: []string{"user"}},
	}
	f.Fuzz(func(t *testing.T, raw string) {
		value := jsontext.Value(raw)
		if !value.IsValid() {
			return
		}
		if err := value.Compact(); err != nil {
			t.Fatal(err)
		}
		l := &lookup{byID: map[entity.ID]*refInfo{}}
		for _, rule := range rules {
			stored, err := rule.check(value, l)
			if err != nil {
				if kind := entity.KindOf(err); kind != entity.KindBadRequest && kind != entity.KindNotFound {
					t.Errorf("%s refuses %s with %v", rule.kind, raw, err)
				}
				continue
			}
			if !stored.IsValid() {
				t.Errorf("%s keeps %s, which is not JSON", rule.kind, stored)
			}
			if again, err := rule.check(stored, l); err != nil || string(again) != string(stored) {
				t.Errorf("%s refuses or changes what it kept: %s: %v", rule.kind, stored, err)
			}
		}
	})
}
