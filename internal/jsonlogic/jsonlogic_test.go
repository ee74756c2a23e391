package jsonlogic_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/jsonlogic"
)

const table = `{"name":"orders","description":"","rows":12,"owners":[{"name":"ann","type":"user"},{"name":"crew","type":"team"}],
	"tags":[{"tagFQN":"PII.Sensitive","source":"Classification"},{"tagFQN":"Sales.Order","source":"Glossary"}],
	"columns":[{"name":"id","dataType":"INT"},{"name":"mail","dataType":"TEXT"}],"updatedBy":"ann"}`

func data(t testing.TB, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOperators(t *testing.T) {
	facts := data(t, table)
	for rule, want := range map[string]any{
		`{"var":"name"}`: "orders", `{"var":"owners.1.name"}`: "crew", `{"var":["none","else"]}`: "else", `{"var":"owners.9.name"}`: nil, `{"var":"name.deeper"}`: nil,
		`{"missing":["name","none"]}`: []any{"none"}, `{"missing_some":[1,["name","none"]]}`: []any{}, `{"missing_some":[2,["name","none"]]}`: []any{"none"},
		`{"if":[false,1,true,2,3]}`: 2.0, `{"if":[false,1]}`: nil, `{"?:":[0,"a","b"]}`: "b",
		`{"and":[1,"",2]}`: "", `{"or":[0,"x",{"/":[1,0]}]}`: "x", `{"!":{"var":"description"}}`: true, `{"!!":[{"var":"owners"}]}`: true, `{"!!":{"var":"owners"}}`: true, `{"!!":[[]]}`: false,
		`{"==":[1,"1"]}`: true, `{"===":[1,"1"]}`: false, `{"!=":["a","b"]}`: true, `{"!==":[1,1]}`: false, `{"==":[null,0]}`: false, `{"==":[{"var":"none"},null]}`: true, `{"==":[[1],[1]]}`: false,
		`{"<":[1,{"var":"rows"},20]}`: true, `{"<=":["b","a"]}`: false, `{">":["10",9]}`: true, `{">=":[{"var":"none"},0]}`: false, `{"<":["x",1]}`: false,
		`{"+":[1,"2",3]}`: 6.0, `{"-":[5,2]}`: 3.0, `{"-":4}`: -4.0, `{"*":[2,3]}`: 6.0, `{"/":[6,4]}`: 1.5, `{"%":[7,4]}`: 3.0, `{"min":[3,1,2]}`: 1.0, `{"max":[3,1,4]}`: 4.0,
		`{"cat":["a",1,true]}`: "a1true", `{"substr":["jsonlogic",-5,2]}`: "lo", `{"substr":["jsonlogic",1,-5]}`: "son", `{"substr":["ab",9]}`: "", `{"substr":["ab",1,1e300]}`: "b",
		`{"in":["der",{"var":"name"}]}`: true, `{"in":["x",["y","x"]]}`: true, `{"in":["x",null]}`: false, `{"merge":[1,[2,3]]}`: []any{1.0, 2.0, 3.0},
		`{"map":[{"var":"columns"},{"var":"name"}]}`: []any{"id", "mail"}, `{"length":{"filter":[{"var":"columns"},{"==":[{"var":"dataType"},"INT"]}]}}`: 1.0,
		`{"reduce":[[1,2,3],{"+":[{"var":"current"},{"var":"accumulator"}]},0]}`: 6.0,
		`{"all":[{"var":"columns"},{"!!":{"var":"name"}}]}`:                      true, `{"all":[[],true]}`: false, `{"some":[{"var":"tags"},{"==":[{"var":"tagFQN"},"PII.Sensitive"]}]}`: true, `{"none":[{"var":"tags"},{"==":[{"var":"tagFQN"},"x"]}]}`: true, `{"some":[{"var":"none"},true]}`: false,
		`{"length":{"var":"owners"}}`: 2.0, `{"length":{"var":"none"}}`: 0.0, `{"length":[{"var":"owners"}]}`: 2.0,
		`{"isOwner":{"var":"updatedBy"}}`: true, `{"isReviewer":{"var":"updatedBy"}}`: false,
		`{"multipleUsersOrSingleTeamOwnership":{"var":"owners"}}`: false, `{"multipleUsersOrSingleTeamOwnership":{"var":"none"}}`: true,
		`{"length":{"filterReferenceByType":[{"var":"owners"},"team"]}}`: 1.0, `{"length":{"filterTagsBySource":[{"var":"tags"},"Glossary"]}}`: 1.0,
		`"{\"==\":[1,1]}"`: true, `true`: true,
	} {
		parsed, err := jsonlogic.Parse(rule)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		got, err := parsed.Apply(facts, jsonlogic.NewBudget(1000))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", rule, err, diff)
		}
	}
}

func TestWhatIsNoRule(t *testing.T) {
	for rule, want := range map[string]string{
		`{`: "not valid JSON", `"x"`: "a text and not a rule", `{"log":[1]}`: `no operator "log"`, `{"and":[true,{"exec":1}]}`: `no operator "exec"`, `{"a":1,"b":2}`: "one operator, not 2", `{"or":{}}`: "one operator, not 0",
		strings.Repeat(`{"!":`, 100) + "1" + strings.Repeat("}", 100): "nests deeper", `"` + strings.Repeat("x", jsonlogic.MaxText) + `"`: "longer than",
	} {
		if _, err := jsonlogic.Parse(rule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", rule, err, want)
		}
	}
}

func TestRulesThatCostTooMuch(t *testing.T) {
	long := make([]any, 5000)
	facts := map[string]any{"list": long, "text": strings.Repeat("x", 1<<20)}
	for _, rule := range []string{
		`{"all":[{"var":"list"},{"none":[[1,2,3,4,5,6,7,8,9],{"==":[{"var":""},0]}]}]}`,
		`{"map":[{"var":"list"},{"map":[[1,2,3],{"var":""}]}]}`,
		`{"in":["y",{"cat":[{"var":"text"},{"var":"text"}]}]}`,
		`{"reduce":[{"var":"list"},{"merge":[{"var":"accumulator"},{"var":"accumulator"},1]},[1]]}`,
		`{"merge":[{"var":"list"},{"var":"list"},{"var":"list"}]}`,
	} {
		parsed, err := jsonlogic.Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Apply(facts, jsonlogic.NewBudget(10_000)); !errors.Is(err, jsonlogic.ErrBudget) {
			t.Errorf("%s: %v, want it to be stopped", rule, err)
		}
	}
	division, err := jsonlogic.Parse(`{"%":[1,0]}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := division.Apply(nil, jsonlogic.NewBudget(10)); err == nil {
		t.Error("a division by zero gave a value")
	}
}

func FuzzRule(f *testing.F) {
	f.Add(`{"and":[{"!!":{"var":"owners"}},{"some":[{"var":"tags"},{"in":["PII",{"var":"tagFQN"}]}]}]}`)
	f.Add(`{"substr":[{"cat":["ä",{"var":"name"}]},-3,{"-":1}]}`)
	f.Add(`{"reduce":[{"var":"columns"},{"+":[{"length":{"var":"current"}},{"var":"accumulator"}]},0]}`)
	facts := data(f, table)
	f.Fuzz(func(_ *testing.T, rule string) {
		if parsed, err := jsonlogic.Parse(rule); err == nil {
			_, _ = parsed.Apply(facts, jsonlogic.NewBudget(2000))
		}
	})
}
