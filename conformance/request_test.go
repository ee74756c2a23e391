package conformance

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/schema"
)

// world knows the types there are and how to ask for new entities of them.
type world struct {
	schemas  *jsonschema.Set
	registry *registry.Registry
	files    sync.Map // schema file -> decoded
}

func newWorld(t *testing.T) *world {
	t.Helper()
	set, err := jsonschema.Load(schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	types, err := registry.New(set)
	if err != nil {
		t.Fatal(err)
	}
	return &world{schemas: set, registry: types}
}

// maker makes entities for one test. What several entities need, such as their
// common parent, it makes once.
type maker struct {
	*world
	c      *client
	prefix string // of all names, so that tests do not meet
	shared map[string]map[string]any
}

func (w *world) maker(c *client, prefix string) *maker {
	return &maker{world: w, c: c, prefix: prefix, shared: map[string]map[string]any{}}
}

func (m *maker) typ(t *testing.T, name string) *registry.Type {
	t.Helper()
	typ, ok := m.registry.ByName(name)
	if !ok {
		t.Fatalf("there is no type %s", name)
	}
	return typ
}

// need returns the one entity of the type that others refer to, made on first need.
func (m *maker) need(t *testing.T, name string) map[string]any {
	t.Helper()
	if made := m.shared[name]; made != nil {
		return made
	}
	typ := m.typ(t, name)
	got := m.c.send(t, http.MethodPost, "/api"+typ.Collection, m.request(t, typ, m.prefix+"_"+name))
	got.want(t, http.StatusCreated)
	m.shared[name] = got.object(t)
	return m.shared[name]
}

// request returns the smallest create request that the schema of the type lets pass.
func (m *maker) request(t *testing.T, typ *registry.Type, name string) map[string]any {
	t.Helper()
	out := map[string]any{"name": name}
	for member, value := range m.given(t, typ, name) {
		out[member] = value
	}
	if parent := parentOf(typ); parent != nil {
		m.refer(t, typ, out, parent.Field, parent.Field, parent.Type)
	}
	for _, rel := range typ.Relations {
		request := rel.Request
		if request == "" {
			request = rel.Field
		}
		if p, ok := m.schemas.Property(typ.Create, request); ok && p.Required && len(rel.Types) > 0 {
			m.refer(t, typ, out, request, rel.Field, rel.Types[0])
		}
	}
	for _, member := range m.schemas.Properties(typ.Create) {
		p, _ := m.schemas.Property(typ.Create, member)
		if _, there := out[member]; !there && p.Required {
			out[member] = m.member(t, typ.Create, member)
		}
	}
	return out
}

// parentOf returns the field that holds the parent a new entity needs.
func parentOf(typ *registry.Type) *registry.ParentField {
	if typ.ParentOptional && typ.Name != "dataProduct" || len(typ.Parents) == 0 {
		return nil
	}
	parent := typ.Parents[len(typ.Parents)-1]
	switch {
	case parent.Type == "*" && typ.Name == "ingestionPipeline":
		parent.Type = "databaseService"
	case parent.Type == "*":
		parent.Type = "table"
	}
	return &parent
}

// refer fills a member with a reference in the form its schema wants.
func (m *maker) refer(t *testing.T, typ *registry.Type, out map[string]any, member, field, target string) {
	t.Helper()
	if _, there := out[member]; there || !m.schemas.Has(typ.Create, member) {
		return
	}
	ent := m.need(t, target)
	ref := map[string]any{"id": ent["id"], "type": target}
	p, _ := m.schemas.Property(typ.Create, member)
	list, _ := m.schemas.Property(typ.Schema, field)
	switch {
	case p.Kind == jsonschema.KindRef:
		out[member] = ref
	case p.Kind == jsonschema.KindRefList:
		out[member] = []any{ref}
	case p.Kind == jsonschema.KindArray || list.Kind == jsonschema.KindRefList && p.Kind != jsonschema.KindString:
		out[member] = []any{ent["fullyQualifiedName"]}
	default:
		out[member] = ent["fullyQualifiedName"]
	}
}

// given returns the members whose values no schema tells.
func (m *maker) given(t *testing.T, typ *registry.Type, name string) map[string]any {
	t.Helper()
	lower := strings.ToLower(name)
	switch typ.Name {
	case "user":
		return map[string]any{"name": lower, "email": lower + "@example.com"}
	case "bot":
		user := m.c.send(t, http.MethodPut, "/api/v1/users", map[string]any{"name": lower, "email": lower + "@example.com", "isBot": true})
		return map[string]any{"botUser": user.want(t, http.StatusCreated).object(t)["name"]}
	case "team":
		return map[string]any{"teamType": "Group"}
	case "policy":
		return map[string]any{"rules": []any{map[string]any{
			"name": "see", "effect": "allow", "operations": []any{"ViewAll"}, "resources": []any{"table"},
		}}}
	case "table":
		return map[string]any{"columns": []any{
			map[string]any{"name": "id", "dataType": "BIGINT", "constraint": "PRIMARY_KEY"},
			map[string]any{"name": "place", "dataType": "STRUCT", "children": []any{map[string]any{"name": "street.name", "dataType": "STRING"}}},
		}}
	case "query":
		return map[string]any{"query": "SELECT '" + name + "'"}
	case "testCase":
		return map[string]any{"entityLink": fmt.Sprintf("<#E::table::%s>", m.need(t, "table")["fullyQualifiedName"])}
	case "document":
		return map[string]any{"fullyQualifiedName": name, "entityType": "Page", "data": map[string]any{}}
	case "workflow":
		return map[string]any{"request": map[string]any{}}
	case "kpi":
		const chart = "number_of_data_asset_with_owner_kpi"
		m.c.send(t, http.MethodPut, "/api/v1/analytics/dataInsights/charts", map[string]any{"name": chart})
		return map[string]any{"dataInsightChart": chart}
	case "app":
		definition := m.typ(t, "appMarketPlaceDefinition")
		request := m.request(t, definition, name)
		request["runtime"] = m.member(t, definition.Create, "runtime")
		m.c.send(t, http.MethodPut, "/api"+definition.Collection, request)
	case "aiApplication":
		return map[string]any{"modelConfigurations": m.member(t, typ.Create, "modelConfigurations")}
	case "mlmodel":
		return map[string]any{"algorithm": "regression"}
	}
	return nil
}

// member makes a value for a member from its schema.
func (m *maker) member(t *testing.T, file, member string) any {
	t.Helper()
	file, _, _ = strings.Cut(file, "#")
	properties, _ := m.file(t, file)["properties"].(map[string]any)
	node, _ := properties[member].(map[string]any)
	return m.value(t, file, node, 0)
}

func (w *world) file(t *testing.T, name string) map[string]any {
	t.Helper()
	if found, ok := w.files.Load(name); ok {
		return found.(map[string]any)
	}
	text, err := w.schemas.Source(name)
	if err != nil {
		t.Fatal(err)
	}
	var decoded map[string]any
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatal(err)
	}
	w.files.Store(name, decoded)
	return decoded
}

// value makes the smallest value that a node of a schema file lets pass.
func (w *world) value(t *testing.T, file string, node map[string]any, depth int) any {
	t.Helper()
	if depth > 20 {
		t.Fatalf("%s: no end of required members", file)
	}
	if ref, ok := node["$ref"].(string); ok {
		target, inner := w.follow(t, file, ref)
		return w.value(t, target, inner, depth+1)
	}
	if constant, ok := node["const"]; ok {
		return constant
	}
	if enum, ok := node["enum"].([]any); ok {
		return enum[0]
	}
	for _, word := range []string{"anyOf", "oneOf"} {
		if options, ok := node[word].([]any); ok {
			first, _ := options[0].(map[string]any)
			return w.value(t, file, first, depth+1)
		}
	}
	typ, ok := node["type"].(string)
	if list, isList := node["type"].([]any); isList {
		typ, ok = list[0].(string)
	}
	if !ok {
		return map[string]any{}
	}
	return w.typed(t, file, typ, node, depth)
}

func (w *world) typed(t *testing.T, file, typ string, node map[string]any, depth int) any {
	t.Helper()
	switch typ {
	case "object":
		out := map[string]any{}
		properties, _ := node["properties"].(map[string]any)
		required, _ := node["required"].([]any)
		for _, name := range required {
			inner, _ := properties[name.(string)].(map[string]any)
			out[name.(string)] = w.value(t, file, inner, depth+1)
		}
		return out
	case "array":
		items, _ := node["items"].(map[string]any)
		if items == nil {
			return []any{}
		}
		return []any{w.value(t, file, items, depth+1)}
	case "integer", "number":
		return 1
	case "boolean":
		return false
	}
	return text(node)
}

func text(node map[string]any) string {
	switch node["format"] {
	case "uuid":
		return "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6"
	case "date":
		return "2026-01-31"
	case "date-time":
		return "2026-01-31T10:00:00Z"
	case "uri":
		return "https://example.com/a"
	case "email":
		return "somebody@example.com"
	}
	return "something"
}

// follow returns the file and the node that a $ref in a file points at.
func (w *world) follow(t *testing.T, file, ref string) (string, map[string]any) {
	t.Helper()
	target, pointer, _ := strings.Cut(ref, "#")
	if target == "" {
		target = file
	} else {
		target = path.Join(path.Dir(file), target)
	}
	node := w.file(t, target)
	for step := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		if step == "" {
			continue
		}
		inner, ok := node[step].(map[string]any)
		if !ok {
			t.Fatalf("%s: %s points at nothing", file, ref)
		}
		node = inner
	}
	return target, node
}
