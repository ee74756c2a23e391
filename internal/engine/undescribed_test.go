package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// A right to describe is no right to whatever comes along in the same write.
func TestNothingComesAlongWithAChange(t *testing.T) {
	b := tableBed(t)
	const tier = `{"tagFQN":"Tier.Tier1","source":"Classification","labelType":"Automated","state":"Suggested"}`
	const columns = `{"name":"a","dataType":"INT","tags":[` + tier + `]},{"name":"b","dataType":"STRUCT","children":[{"name":"x","dataType":"INT"},{"name":"y","dataType":"INT"}]},{"name":"c","dataType":"INT"}`
	table := b.create("table", tableRequest("orders", `"tags":[`+tier+`],`, columns)).ID
	b.create("policy", `{"name":"describe","rules":[{"name":"r","effect":"allow","operations":["ViewAll","EditDescription"],"resources":["table"]}]}`)
	b.create("role", `{"name":"describer","policies":["describe"]}`)
	org := b.get(b.admin, "team", "Organization", "").ID
	b.mustPatch(b.admin, "team", org, `[{"op":"replace","path":"/defaultRoles","value":[]},{"op":"replace","path":"/policies","value":[]}]`)
	b.create("user", `{"name":"ann","email":"ann@example.com","roles":["`+b.get(b.admin, "role", "describer", "").ID.String()+`"]}`)
	ann := b.caller("ann")
	state := func() string {
		got := b.get(b.admin, "table", "svc.db.sales.orders", "columns,tags")
		return fmt.Sprintf("%+v", got.Tags) + string(got.Rest["columns"])
	}
	before := state()
	for i, tc := range []struct {
		name, ops string
		refused   bool
	}{
		{"how a tag came about", `{"op":"replace","path":"/tags/0/labelType","value":"Manual"}`, false},
		{"that a tag is sure", `{"op":"replace","path":"/tags/0/state","value":"Confirmed"}`, false},
		{"why there is a tag", `{"op":"add","path":"/tags/0/reason","value":"because"}`, false},
		{"the same of a column", `{"op":"replace","path":"/columns/0/tags/0/state","value":"Confirmed"}`, false},
		{"a tag taken off and put on again", `{"op":"remove","path":"/tags/0"},{"op":"add","path":"/tags","value":[` + strings.Replace(tier, "Suggested", "Confirmed", 1) + `]}`, false},
		{"columns in another order", `{"op":"move","from":"/columns/2","path":"/columns/0"}`, true},
		{"inner columns in another order", `{"op":"move","from":"/columns/1/children/1","path":"/columns/1/children/0"}`, true},
		{"another name", `{"op":"copy","from":"/columns/0/name","path":"/displayName"}`, true},
		{"one column less", `{"op":"remove","path":"/columns/2"}`, true},
		{"one column more", `{"op":"add","path":"/columns/-","value":{"name":"d","dataType":"INT"}}`, true},
		{"another type", `{"op":"replace","path":"/columns/0/dataType","value":"BIGINT"}`, true},
		{"another tier", `{"op":"replace","path":"/tags/0/tagFQN","value":"Tier.Tier2"}`, true},
	} {
		_, err := b.patch(ann, "table", table, fmt.Sprintf(`[%s,{"op":"add","path":"/description","value":"new %d"}]`, tc.ops, i))
		if tc.refused {
			wantKind(t, err, entity.KindForbidden, "not allowed")
		} else if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if after := state(); after != before {
			t.Fatalf("%s came along:\n%s\n%s", tc.name, before, after)
		}
	}
	// Alone, another order makes no version; who may edit everything takes it along.
	if got := b.mustPatch(b.admin, "table", table, `[{"op":"move","from":"/columns/2","path":"/columns/0"}]`); got.Event != entity.EventNoChange {
		t.Errorf("another order is %s", got.Event)
	}
	b.mustPatch(b.admin, "table", table, `[{"op":"move","from":"/columns/2","path":"/columns/0"},{"op":"add","path":"/description","value":"by root"}]`)
	var after []struct {
		Name string         `json:"name"`
		Rest jsontext.Value `json:",embed"`
	}
	unmarshal(t, b.get(b.admin, "table", "svc.db.sales.orders", "columns").Rest["columns"], &after)
	if after[0].Name != "c" {
		t.Errorf("the first column is %s, want c", after[0].Name)
	}
}
