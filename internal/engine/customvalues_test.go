package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// define gives tables custom properties, each written as "name kind config".
func (b *bed) define(defs ...string) {
	b.t.Helper()
	if err := b.tryDefine("table", defs...); err != nil {
		b.t.Fatalf("defining %v: %v", defs, err)
	}
}

// tryDefine replaces the custom properties of a type.
func (b *bed) tryDefine(typ string, defs ...string) error {
	b.t.Helper()
	var list []string
	for _, def := range defs {
		parts := strings.SplitN(def, " ", 3)
		config := ""
		if len(parts) == 3 {
			config = `,"customPropertyConfig":{"config":` + parts[2] + `}`
		}
		kind := b.get(b.admin, "type", parts[1], "").ID
		list = append(list, fmt.Sprintf(`{"name":%q,"description":"d","propertyType":{"id":%q,"type":"type"}%s}`, parts[0], kind, config))
	}
	_, err := b.patch(b.admin, "type", b.get(b.admin, "type", typ, "").ID, `[{"op":"add","path":"/customProperties","value":[`+strings.Join(list, ",")+`]}]`)
	return err
}

func TestDefinitionsThatAreRefused(t *testing.T) {
	b := newBed(t)
	b.define(`color enum {"values":["red","green"]}`, "note string")
	for _, tc := range []struct{ name, typ, def, part string }{
		{"another type", "table", "note integer", "the type of the custom property note is string and cannot be changed"},
		{"a value less", "table", `color enum {"values":["green"]}`, `the value "red" of the custom property color cannot be taken away`},
		{"too many columns", "table", `grid table-cp {"columns":["a","b","c","d"]}`, "customProperties[0].customPropertyConfig.config"},
		{"a column twice", "table", `grid table-cp {"columns":["a","a"]}`, "Column names must be unique."},
		{"an unnamed value", "table", `size enum {"values":["a",""]}`, "cannot have duplicates"},
		{"an unknown type", "table", `who entityReference ["usr"]`, `there is no entity type "usr"`},
		{"a type without them", "role", "note string", "role cannot have custom properties"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := b.tryDefine(tc.typ, tc.def)
			wantKind(t, err, entity.KindBadRequest, tc.part)
		})
	}
	err := b.tryDefine("table", "note string", "note string")
	wantKind(t, err, entity.KindBadRequest, "the custom property note is defined twice")
	many := make([]string, 501)
	for i := range many {
		many[i] = fmt.Sprintf("p%d string", i)
	}
	err = b.tryDefine("topic", many...)
	wantKind(t, err, entity.KindBadRequest, "at most 500 custom properties")
	if err = b.tryDefine("topic", many[:500]...); err != nil {
		t.Errorf("500 properties: %v", err)
	}
	// What was refused left the definitions as they were.
	b.define(`color enum {"values":["green","red","blue"]}`, "note string")
}

// TestHistoryOfCustomProperties: changes are told value by value.
func TestHistoryOfCustomProperties(t *testing.T) {
	b := tableBed(t)
	b.define("note string", "a.b string", "size integer", `who entityReference ["user"]`)
	table := b.create("table", tableRequest("orders", "", idColumn)).ID
	for _, step := range []struct {
		name, patch string
		want        outcome
	}{
		{"two at once", `[{"op":"add","path":"/extension","value":{"size":1,"note":"x"}}]`,
			outcome{Event: "entityUpdated", Version: "0.2", Added: []string{`extension to "[{\"note\":\"x\"},{\"size\":1}]"`}}},
		{"one changed", `[{"op":"replace","path":"/extension/size","value":2}]`,
			outcome{Event: "entityUpdated", Version: "0.3", Updated: []string{"extension.size from 1 to 2"}}},
		{"a name with a dot", `[{"op":"add","path":"/extension/a.b","value":"y"}]`,
			outcome{Event: "entityUpdated", Version: "0.4", Added: []string{`extension to "[{\"a.b\":\"y\"}]"`}}},
		{"and changed", `[{"op":"add","path":"/extension/a.b","value":"z"}]`,
			outcome{Event: "entityUpdated", Version: "0.5", Updated: []string{`extension."a.b" from "y" to "z"`}}},
		{"null is nothing", `[{"op":"add","path":"/extension/who","value":null}]`, outcome{Event: "entityNoChange", Version: "0.5"}},
		{"null takes away", `[{"op":"add","path":"/extension/size","value":null}]`,
			outcome{Event: "entityUpdated", Version: "0.6", Deleted: []string{`extension from "[{\"size\":2}]"`}}},
	} {
		wantOutcome(t, step.name, b.mustPatch(b.admin, "table", table, step.patch), step.want)
	}
	b.mustPatch(b.admin, "table", table, `[{"op":"add","path":"/extension/who","value":`+refJSON(b.plain.UserID, "user")+`}]`)
	wantOutcome(t, "null takes a reference away", b.mustPatch(b.admin, "table", table, `[{"op":"add","path":"/extension/who","value":null}]`),
		outcome{Event: "entityUpdated", Version: "0.8", Deleted: []string{`extension from "[{\"who\":{\"id\":...`}})
	if kept := b.mustPut(b.bot, "table", tableRequest("orders", "", idColumn)); kept.Event != entity.EventNoChange {
		t.Errorf("a PUT without them changed %+v", kept.Entity.ChangeDescription)
	}
	_, err := b.patch(b.admin, "table", table, `[{"op":"add","path":"/extension/who","value":{"id":"`+table.String()+`","type":"table"}}]`)
	wantKind(t, err, entity.KindBadRequest, "Custom field who has invalid value: a reference to one of [user] is expected")
	_, err = b.patch(b.admin, "table", table, `[{"op":"add","path":"/extension","value":"text"}]`)
	wantKind(t, err, entity.KindBadRequest, "extension")
	_, err = b.patch(b.admin, "table", table, `[{"op":"add","path":"/extension/nope","value":1}]`)
	wantKind(t, err, entity.KindBadRequest, "Unknown custom field nope")
}

// TestReferencesInCustomPropertiesAreNamed: who gives an id gets the name.
func TestReferencesInCustomPropertiesAreNamed(t *testing.T) {
	b := tableBed(t)
	b.define(`who entityReference ["user"]`, `all entityReferenceList ["user","team"]`)
	team := b.get(b.admin, "team", "Organization", "").ID
	b.create("table", tableRequest("orders", fmt.Sprintf(`"extension":{"who":%s,"all":[%s,%s]},`,
		refJSON(b.plain.UserID, "user"), refJSON(team, "team"), refJSON(b.admin.UserID, "user")), idColumn))
	var got struct {
		Who entity.Ref   `json:"who"`
		All []entity.Ref `json:"all"`
	}
	unmarshal(t, b.get(b.plain, "table", "svc.db.sales.orders", "extension").Extension, &got)
	if got.Who.Name != "plain" || got.Who.FullyQualifiedName != "plain" || len(got.All) != 2 || got.All[0].Name != "Organization" || got.All[1].Name != "root" {
		t.Errorf("the references came out as %+v", got)
	}
}

// TestCustomValuesAreKeptAsGiven sets values at random, by patch and by PUT, and
// compares with what was set last.
func TestCustomValuesAreKeptAsGiven(t *testing.T) {
	b := tableBed(t)
	b.define("p0 string", "p1 integer", `p2 enum {"values":["a","b"],"multiSelect":true}`)
	values := [][]string{{`"x"`, `""`, `"null"`}, {"0", "-7", "12345678901"}, {`["a"]`, `["b","a"]`, "[]"}}
	tables := 0
	rapid.Check(t, func(rt *rapid.T) {
		tables++
		name := fmt.Sprintf("t%d", tables)
		table := b.create("table", tableRequest(name, "", idColumn))
		want := map[string]string{}
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			i := rapid.IntRange(0, 2).Draw(rt, "property")
			property := fmt.Sprintf("p%d", i)
			value := rapid.SampledFrom(append([]string{"null"}, values[i]...)).Draw(rt, "value")
			if rapid.Bool().Draw(rt, "put") {
				b.mustPut(b.admin, "table", tableRequest(name, fmt.Sprintf(`"extension":{%q:%s},`, property, value), idColumn))
				clear(want)
			} else if len(want) == 0 {
				b.mustPatch(b.admin, "table", table.ID, fmt.Sprintf(`[{"op":"add","path":"/extension","value":{%q:%s}}]`, property, value))
			} else {
				b.mustPatch(b.admin, "table", table.ID, fmt.Sprintf(`[{"op":"add","path":"/extension/%s","value":%s}]`, property, value))
			}
			delete(want, property)
			if value != "null" {
				want[property] = value
			}
		}
		got := map[string]string{}
		if raw := b.get(b.plain, "table", table.FullyQualifiedName, "extension").Extension; raw != nil {
			for name, value := range rawMembers(t, raw) {
				got[name] = string(value)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Errorf("extension (-want +got):\n%s", d)
		}
	})
}
