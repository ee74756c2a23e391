package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
)

const sensitiveLabel = `{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}`

// TestWhatIsSensitive reads the tags of entities of several shapes.
func TestWhatIsSensitive(t *testing.T) {
	b := tableBed(t)
	b.create("messagingService", `{"name":"kafka","serviceType":"Kafka"}`)
	b.create("searchService", `{"name":"search","serviceType":"ElasticSearch"}`)
	tags := `"tags":[` + sensitiveLabel + `]`
	other := `"tags":[{"tagFQN":"PII.None","source":"Classification","labelType":"Manual","state":"Confirmed"}]`
	for _, tc := range []struct {
		name, typ, body string
		whole           bool
		hides, shows    []string
	}{
		{"nothing", "table", tableRequest("a", "", idColumn), false, nil, []string{"id"}},
		{"another tag", "table", tableRequest("b", other+",", `{"name":"id","dataType":"INT",`+other+`}`), false, nil, []string{"id"}},
		{"the table", "table", tableRequest("c", tags+",", idColumn), true, []string{"id", "anything"}, nil},
		{"a column", "table", tableRequest("d", "", idColumn+`,{"name":"mail","dataType":"INT",`+tags+`}`), false, []string{"mail"}, []string{"id"}},
		{"deep in a column", "table", tableRequest("e", "", idColumn+`,{"name":"addr","dataType":"STRUCT","children":[{"name":"geo","dataType":"STRUCT","children":[{"name":"zip","dataType":"INT",`+tags+`}]}]}`),
			false, []string{"addr"}, []string{"id", "zip"}},
		{"a schema field", "topic", `{"name":"t","service":"kafka","partitions":1,"messageSchema":{"schemaType":"Avro","schemaFields":[{"name":"rec","dataType":"RECORD","children":[{"name":"ssn","dataType":"STRING",` + tags + `}]}]}}`,
			false, []string{"rec"}, []string{"ssn"}},
		{"an index field", "searchIndex", `{"name":"i","service":"search","fields":[{"name":"f","dataType":"TEXT",` + tags + `},{"name":"g","dataType":"TEXT"}]}`, false, []string{"f"}, []string{"g"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			made := b.create(tc.typ, tc.body)
			s, err := engine.SensitiveOf(b.typ(tc.typ), made)
			if err != nil {
				t.Fatal(err)
			}
			if s.Whole != tc.whole {
				t.Errorf("whole is %v", s.Whole)
			}
			for _, part := range tc.hides {
				if !s.Hides(part) {
					t.Errorf("%s is shown", part)
				}
			}
			for _, part := range tc.shows {
				if s.Hides(part) {
					t.Errorf("%s is hidden", part)
				}
			}
		})
	}
}

// TestMaskedSamplesGiveNothingAway: no value of a sensitive column is left, and
// every other value is as it was, whatever the rows look like.
func TestMaskedSamplesGiveNothingAway(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type data struct {
			Columns  []string `json:"columns,omitzero"`
			Rows     [][]any  `json:"rows,omitzero"`
			Messages []string `json:"messages,omitzero"`
		}
		width := rapid.IntRange(1, 5).Draw(rt, "width")
		s := engine.Sensitive{Whole: rapid.IntRange(0, 5).Draw(rt, "whole") == 0, Parts: map[string]bool{}}
		var given, want data
		for i := range width {
			name := fmt.Sprintf("c%d", i)
			given.Columns = append(given.Columns, name)
			if rapid.Bool().Draw(rt, name) {
				s.Parts[name] = true
			}
		}
		want.Columns = given.Columns
		hides := s.Whole || len(s.Parts) > 0
		for range rapid.IntRange(0, 4).Draw(rt, "rows") {
			var row, masked []any
			for i := range rapid.IntRange(1, width).Draw(rt, "length") { // rows may be short
				var value any = "secret"
				if rapid.Bool().Draw(rt, "number") {
					value = 42.5
				}
				row, masked = append(row, value), append(masked, value)
				if s.Hides(given.Columns[i]) {
					masked[i] = engine.MaskedValue
				}
			}
			given.Rows, want.Rows = append(given.Rows, row), append(want.Rows, masked)
		}
		for range rapid.IntRange(0, 2).Draw(rt, "messages") {
			given.Messages, want.Messages = append(given.Messages, "secret"), append(want.Messages, "secret")
			if hides {
				want.Messages[len(want.Messages)-1] = engine.MaskedValue
			}
		}
		raw, err := json.Marshal(given)
		if err != nil {
			rt.Fatal(err)
		}
		masked, err := s.MaskSamples(raw)
		if err != nil {
			rt.Fatal(err)
		}
		var got data
		if err := json.Unmarshal(masked, &got); err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Errorf("%+v (-want +got):\n%s", s, d)
		}
		if s.Whole && strings.Contains(string(masked), "secret") {
			rt.Errorf("a value is left: %s", masked)
		}
	})
}

// What has another form than samples could hide anything.
func TestSamplesThatCannotBeReadAreNotShown(t *testing.T) {
	s := engine.Sensitive{Parts: map[string]bool{"a": true}}
	for _, raw := range []string{`{"columns":"a"}`, `{"rows":[1]}`, `[]`, `{"messages":[1]}`} {
		if got, err := s.MaskSamples([]byte(raw)); err == nil {
			t.Errorf("%s became %s", raw, got)
		}
	}
}
