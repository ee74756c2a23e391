package api

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// typeID returns the id of a type's entity.
func (h *harness) typeID(name string) string {
	h.t.Helper()
	return h.do("GET", "/metadata/types/name/"+name, nil, 200).id()
}

// property defines a custom property of tables.
func (h *harness) property(name, kind string, config any) answer {
	h.t.Helper()
	body := map[string]any{"name": name, "description": "About " + name, "propertyType": ref("type", h.typeID(kind))}
	if config != nil {
		body["customPropertyConfig"] = map[string]any{"config": config}
	}
	return h.as(h.admin, "PUT", "/metadata/types/"+h.typeID("table"), body)
}

func TestCustomPropertyDefinitions(t *testing.T) {
	h := newHarness(t)
	none := h.do("GET", "/metadata/types/name/table?fields=customProperties", nil, 200)
	if got := string(none.member("customProperties")); got != "[]" {
		t.Errorf("customProperties = %q, want an empty list", got)
	}
	h.property("owner team", "string", nil).want(200)
	h.property("color", "enum", map[string]any{"values": []string{"red", "green"}}).want(200)
	h.property("color", "enum", map[string]any{"values": []string{"red", "green", "blue"}, "multiSelect": true}).want(200)
	var list []struct {
		Name string `json:"name"`
		Type struct {
			Name string `json:"name"`
		} `json:"propertyType"`
	}
	h.do("GET", "/metadata/types/name/table/customProperties", nil, 200).into(&list)
	if len(list) != 2 || list[1].Name != "color" || list[1].Type.Name != "enum" {
		t.Errorf("properties = %+v", list)
	}
	all := h.do("GET", "/metadata/types/customProperties", nil, 200)
	if all.member("table") == nil || all.member("topic") != nil {
		t.Errorf("all properties = %s", all.body)
	}
	fields := string(h.do("GET", "/metadata/types/fields/table", nil, 200).body)
	for _, want := range []string{`{"name":"tableType","type":"tableType"}`, `"name":"extension.color"`} {
		if !strings.Contains(fields, want) {
			t.Errorf("fields lack %s: %s", want, fields)
		}
	}
	h.do("GET", "/metadata/types/fields/nonsense", nil, 404)

	for name, tc := range map[string]struct {
		property, kind string
		config         any
		want           int
	}{
		"bad first character":     {"_hidden", "string", nil, 400},
		"empty name":              {"", "string", nil, 400},
		"too long":                {strings.Repeat("a", 257), "string", nil, 400},
		"an entity type":          {"x", "topic", nil, 400},
		"another type than ever":  {"color", "string", nil, 400},
		"a value less":            {"color", "enum", map[string]any{"values": []string{"red"}}, 400},
		"enum without values":     {"y", "enum", nil, 400},
		"enum with values twice":  {"y", "enum", map[string]any{"values": []string{"a", "a"}}, 400},
		"date without format":     {"y", "date-cp", nil, 400},
		"date with wrong format":  {"y", "date-cp", "yyyy-QQ", 400},
		"reference without types": {"y", "entityReference", nil, 400},
		"reference to nonsense":   {"y", "entityReference", []string{"nonsense"}, 400},
		"table without columns":   {"y", "table-cp", nil, 400},
		"string with settings":    {"y", "string", "yyyy", 400},
	} {
		if got := h.property(tc.property, tc.kind, tc.config); got.status != tc.want {
			t.Errorf("%s: status %d, want %d: %s", name, got.status, tc.want, got.body)
		}
	}
	body := map[string]any{"name": "z", "description": "z", "propertyType": ref("type", h.typeID("string"))}
	h.as(h.nobody, "PUT", "/metadata/types/"+h.typeID("table"), body).want(403)
	h.do("PUT", "/metadata/types/"+uuid.NewString(), body, 404)
	h.do("PUT", "/metadata/types/"+h.typeID("role"), body, 400) // roles have no extension
	h.do("PATCH", "/metadata/types/"+h.typeID("table"), `[{"op":"add","path":"/customProperties/0","value":{"name":"color","description":"x","propertyType":{"id":"`+h.typeID("string")+`","type":"type"}}}]`, 400)
}

func TestCustomPropertyValues(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a := h.table(s, "a", "id")
	person := ref("user", h.admin.id.String())
	for _, p := range []struct {
		name, kind string
		config     any
	}{
		{"text", "string", nil}, {"md", "markdown", nil}, {"sql", "sqlQuery", nil}, {"int", "integer", nil}, {"num", "number", nil},
		{"mail", "email", nil}, {"one", "enum", map[string]any{"values": []string{"a", "b"}}},
		{"many", "enum", map[string]any{"values": []string{"a", "b"}, "multiSelect": true}},
		{"day", "date-cp", "dd/MM/yyyy"}, {"moment", "dateTime-cp", "yyyy-MM-dd HH:mm:ss"}, {"clock", "time-cp", "HH:mm:ss"},
		{"stamp", "timestamp", nil}, {"span", "timeInterval", nil}, {"wait", "duration", nil}, {"link", "hyperlink-cp", nil},
		{"who", "entityReference", []string{"user"}}, {"whom", "entityReferenceList", []string{"user", "team"}},
		{"grid", "table-cp", map[string]any{"columns": []string{"k", "v"}}},
	} {
		h.property(p.name, p.kind, p.config).want(200)
	}
	for _, tc := range []struct {
		name string
		good []any
		bad  []any
	}{
		{"text", []any{"x", ""}, []any{1, true, []any{}}},
		{"md", []any{"**x**"}, []any{1}},
		{"sql", []any{"select 1"}, []any{map[string]any{}}},
		{"int", []any{1, -5, 3.0}, []any{1.5, "1"}},
		{"num", []any{1.5, -2}, []any{"1.5"}},
		{"mail", []any{"a@example.org"}, []any{"a", "a@b", 1}},
		{"one", []any{[]string{"a"}, "b"}, []any{[]string{"c"}, []string{"a", "b"}, 1}},
		{"many", []any{[]string{"a", "b"}}, []any{[]string{"a", "a"}, []any{1}}},
		{"day", []any{"31/12/2026"}, []any{"2026-12-31", "32/12/2026", 5}},
		{"moment", []any{"2026-12-31 23:59:59"}, []any{"2026-12-31"}},
		{"clock", []any{"23:59:59"}, []any{"24:00:00"}},
		{"stamp", []any{1795477537466}, []any{-1, "1795477537466", 1.5}},
		{"span", []any{map[string]any{"start": 1, "end": 2}}, []any{map[string]any{"start": 2, "end": 1}, map[string]any{"start": 1}, 1}},
		{"wait", []any{"P1DT12H", "PT0.5S"}, []any{"P", "PT", "1 day"}},
		{"link", []any{map[string]any{"url": "https://example.org/x", "displayText": "x"}}, []any{map[string]any{"url": "javascript:alert(1)"}, map[string]any{"displayText": "x"}, "https://example.org"}},
		{"who", []any{person}, []any{ref("user", h.typeID("table")), []any{person}, "admin"}},
		{"whom", []any{[]any{person}}, []any{person, []any{ref("table", a)}}},
		{"grid", []any{map[string]any{"columns": []string{"k", "v"}, "rows": []any{map[string]any{"k": "1", "v": "2"}}}}, []any{map[string]any{"rows": []any{map[string]any{"z": "1"}}}, []any{}}},
	} {
		for _, value := range tc.good {
			patch := []any{map[string]any{"op": "add", "path": "/extension", "value": map[string]any{tc.name: value}}}
			if got := h.as(h.admin, "PATCH", "/tables/"+a, patch); got.status != 200 {
				t.Errorf("%s = %v: status %d: %s", tc.name, value, got.status, got.body)
			} else if got.member("extension", tc.name) == nil {
				t.Errorf("%s = %v was not kept", tc.name, value)
			}
		}
		for _, value := range tc.bad {
			patch := []any{map[string]any{"op": "add", "path": "/extension", "value": map[string]any{tc.name: value}}}
			if got := h.as(h.admin, "PATCH", "/tables/"+a, patch); got.status != 400 && !(got.status == 404 && tc.name == "who") {
				t.Errorf("%s = %v: status %d, want a refusal: %s", tc.name, value, got.status, got.body)
			}
		}
	}
}

func TestUnknownCustomProperty(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	create := func(extension any) answer {
		return h.as(h.admin, "PUT", "/tables", map[string]any{
			"name": "a", "databaseSchema": s, "columns": []any{map[string]any{"name": "id", "dataType": "INT"}}, "extension": extension,
		})
	}
	refused := create(map[string]any{"color": "red"}).want(400)
	if got := string(refused.member("message")); got != `"Unknown custom field color"` {
		t.Errorf("message = %s", got)
	}
	h.property("color", "string", nil).want(200)
	made := create(map[string]any{"color": "red", "none": nil}).want(201)
	if got := string(made.member("extension")); got != `{"color":"red"}` {
		t.Errorf("extension = %s", got)
	}
	// A property that was removed does not stand in the way of other changes.
	h.do("PATCH", "/metadata/types/"+h.typeID("table"), `[{"op":"remove","path":"/customProperties/0"}]`, 200)
	h.do("PATCH", "/tables/"+made.id(), `[{"op":"add","path":"/description","value":"still works"}]`, 200)
	h.do("PATCH", "/tables/"+made.id(), `[{"op":"add","path":"/extension/color","value":"blue"}]`, 400)
	shown := h.do("GET", "/tables/name/"+url.PathEscape(s+".a")+"?fields=extension", nil, 200)
	if got := string(shown.member("extension", "color")); got != `"red"` {
		t.Errorf("color = %s", got)
	}
}
