package contract_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/contract"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestSchemas(t *testing.T) {
	there := []contract.Column{{Name: "id", DataType: "BIGINT"}, {Name: "address", DataType: "STRUCT", Children: []contract.Column{{Name: "city", DataType: "TEXT"}, {Name: "id", DataType: "DATE"}}}}
	tests := []struct {
		name   string
		wanted []contract.Column
		want   contract.SchemaResult
	}{
		{"families and inner fields", []contract.Column{{Name: "id", DataType: "INT"}, {Name: "city", DataType: "VARCHAR"}, {Name: "address"}}, contract.SchemaResult{Passed: 3, Total: 3}},
		{"other type", []contract.Column{{Name: "id", DataType: "TEXT"}}, contract.SchemaResult{Passed: 1, Total: 1, Mismatched: []string{"id: expected TEXT, got BIGINT"}}},
		{"missing and repeated", []contract.Column{{Name: "a"}, {Name: "a"}, {Name: "a"}, {Name: "id"}}, contract.SchemaResult{Passed: 2, Failed: 2, Total: 4, Missing: []string{"a"}, Repeated: []string{"a"}}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, contract.CheckSchema(test.wanted, there)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestRulesShareABudget(t *testing.T) {
	long := make([]any, 2000)
	heavy := contract.Rule{Name: "r", Rule: `{"all":[{"var":"list"},{"none":[{"var":"list"},true]}]}`, Enabled: true}
	costly := contract.Rule{Name: "c", Rule: `{"none":[{"var":"list"},{"none":[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20],{"==":[1,1]}]}]}`, Enabled: true}
	terms := contract.Terms{}
	for range 500 {
		terms.Semantics = append(terms.Semantics, heavy, costly)
	}
	got := contract.Validate(terms, contract.Facts{Type: "table", Entity: map[string]any{"list": long}})
	if got.Status != contract.Failed || got.Semantics.Failed < 400 {
		t.Errorf("%s, %d failed: rules that take too much work do not count as kept", got.Status, got.Semantics.Failed)
	}
}

func TestTestsThatNeverRan(t *testing.T) {
	ran, not := entity.NewID(), entity.NewID()
	got := contract.Validate(contract.Terms{Tests: []entity.Ref{{ID: ran}, {ID: not}}}, contract.Facts{Results: map[entity.ID]string{ran: "Success"}})
	if got.Status != contract.PartialSuccess || got.Quality.Passed != 1 || got.Quality.Score != 50 {
		t.Errorf("%+v %+v", got, got.Quality)
	}
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte("a: &x [1, 2.5, true, null, 2026-01-31]\nversion: 1.0\nb: *x\n"))
	f.Add([]byte("schema:\n  - name: orders\n    properties: [{name: id, required: yes}]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := contract.FromYAML(text)
		if err != nil {
			if entity.KindOf(err) != entity.KindBadRequest {
				t.Fatalf("%v is no fault of the sender", err)
			}
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%q became %q, which is not JSON", text, out)
		}
		_, _ = contract.Normalize(out)
	})
}
