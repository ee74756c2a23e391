package openapi

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// apiRoot is what the paths of the API begin with; the document leaves it to its
// server, as clients of the API expect.
const apiRoot = "/api"

// problem is the schema of every error.
const problem = "answer/problem.json"

// Server is what a document says about the server as a whole.
type Server struct {
	Version string
	Cookie  string // name of the cookie of sessions
}

// Write returns the document that describes the operations, as JSON. The same
// operations give the same text.
func Write(set *jsonschema.Set, server Server, operations []Operation) ([]byte, error) {
	c, err := newComponents(set)
	if err != nil {
		return nil, err
	}
	w := &writer{components: c, paths: map[string]object{}, spelled: map[string]string{}, ids: map[string]bool{}, tags: map[string]bool{}}
	for _, op := range operations {
		if err := w.add(op); err != nil {
			return nil, fmt.Errorf("%s %s: %w", op.Method, op.Path, err)
		}
	}
	refused, err := c.ref(problem)
	if err != nil {
		return nil, err
	}
	var tags []any
	for tag := range w.tags {
		tags = append(tags, tag)
	}
	slices.SortFunc(tags, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	for i, tag := range tags {
		tags[i] = object{"name": tag}
	}
	doc := document{
		OpenAPI: "3.1.0",
		Info:    object{"title": "Catalpa", "version": server.Version, "description": "The metadata API of this server."},
		Servers: []any{object{"url": apiRoot}},
		Tags:    tags, Paths: w.paths, Security: []any{object{"bearer": []any{}}},
		Components: object{
			"schemas": c.made,
			"responses": object{"Problem": object{
				"description": "The request was not done; the message says why.",
				"content":     object{"application/json": object{"schema": refused}},
			}},
			"securitySchemes": object{
				"bearer":  object{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
				"session": object{"type": "apiKey", "in": "cookie", "name": server.Cookie},
			},
		},
	}
	return json.Marshal(doc, json.Deterministic(true))
}

type document struct {
	OpenAPI    string            `json:"openapi"`
	Info       object            `json:"info"`
	Servers    []any             `json:"servers"`
	Tags       []any             `json:"tags"`
	Security   []any             `json:"security"`
	Paths      map[string]object `json:"paths"`
	Components object            `json:"components"`
}

type writer struct {
	*components
	paths   map[string]object
	spelled map[string]string // path without the names of its parameters, to path
	ids     map[string]bool
	tags    map[string]bool
}

var pathParam = regexp.MustCompile(`\{([^}]+)\}`)

// add describes one operation.
func (w *writer) add(op Operation) error {
	route, inAPI := strings.CutPrefix(op.Path, apiRoot)
	// Two templates that differ in the names of parameters alone are one path.
	key := pathParam.ReplaceAllString(route, "{}")
	if first, ok := w.spelled[key]; ok {
		route = first
	}
	w.spelled[key] = route
	item := w.paths[route]
	if item == nil {
		item = object{}
		w.paths[route] = item
		if !inAPI {
			item["servers"] = []any{object{"url": "/"}}
		}
	}
	tag := tagOf(op.Path)
	w.tags[tag] = true
	out := object{"tags": []any{tag}, "operationId": w.id(op, tag)}
	if op.Note != "" {
		out["description"] = op.Note
	}
	switch op.Security {
	case Nothing:
		out["security"] = []any{}
	case Session:
		out["security"] = []any{object{"session": []any{}}}
	}
	if params := w.params(route, op.Query); len(params) > 0 {
		out["parameters"] = params
	}
	if op.In != "" {
		body, err := w.body(op)
		if err != nil {
			return err
		}
		out["requestBody"] = body
	}
	answers, err := w.answers(op)
	if err != nil {
		return err
	}
	out["responses"] = answers
	item[strings.ToLower(op.Method)] = out
	return nil
}

// id returns the operation's id, made out of method and path where it has none that is
// its own.
func (w *writer) id(op Operation, tag string) string {
	id := op.ID
	if id == "" || w.ids[id] {
		id = strings.ToLower(op.Method) + pascal(tag)
		_, rest, _ := strings.Cut(op.Path, "/"+tag)
		id += pascal(rest)
	}
	for n := 2; w.ids[id]; n++ {
		id = strings.TrimRight(id, "0123456789") + strconv.Itoa(n)
	}
	w.ids[id] = true
	return id
}

// tagOf names the part of the API that a path belongs to.
func tagOf(route string) string {
	segments := strings.Split(strings.TrimPrefix(strings.TrimPrefix(route, apiRoot+"/v1"), "/"), "/")
	grouped := []string{"services", "dataQuality", "analytics", "governance", "drives", "metadata", "automations", "dashboard"}
	if len(segments) > 1 && slices.Contains(grouped, segments[0]) && !strings.HasPrefix(segments[1], "{") {
		return segments[1]
	}
	if !strings.HasPrefix(route, apiRoot+"/") {
		return "pages"
	}
	return segments[0]
}

func (w *writer) params(route string, query []Param) []any {
	var out []any
	for _, m := range pathParam.FindAllStringSubmatch(route, -1) {
		schema := object{"type": "string"}
		if m[1] == "id" {
			schema["format"] = "uuid"
		}
		out = append(out, object{"name": m[1], "in": "path", "required": true, "schema": schema})
	}
	for _, p := range query {
		param := object{"name": p.Name, "in": "query", "schema": p.schema()}
		if p.Required {
			param["required"] = true
		}
		if p.Note != "" {
			param["description"] = p.Note
		}
		out = append(out, param)
	}
	return out
}

func (p Param) schema() object {
	kind, list := strings.CutPrefix(p.Type, "list:")
	schema := object{"type": kind}
	switch kind {
	case "Include":
		schema = object{"type": "string", "enum": []any{"all", "deleted", "non-deleted"}}
	case "uuid":
		schema = object{"type": "string", "format": "uuid"}
	case "integer":
		schema["format"] = "int64"
	}
	if p.Enum != nil {
		schema["enum"] = p.Enum
	}
	number := kind == "integer" || kind == "number"
	for keyword, text := range map[string]string{"default": p.Default, "minimum": p.Min, "maximum": p.Max} {
		switch {
		case text == "":
		case number || kind == "boolean":
			schema[keyword] = jsontext.Value(text)
		default:
			schema[keyword] = text
		}
	}
	if list {
		return object{"type": "array", "items": schema}
	}
	return schema
}

func (w *writer) body(op Operation) (object, error) {
	schema, media, err := w.shape(op.In)
	if err != nil {
		return nil, err
	}
	accepts := op.Accepts
	if len(accepts) == 0 {
		accepts = []string{media}
	}
	content := object{}
	for _, media := range accepts {
		content[media] = object{"schema": schema}
	}
	return object{"required": true, "content": content}, nil
}

// answers describes what success sends; all else is an error of one shape.
func (w *writer) answers(op Operation) (object, error) {
	out := object{"default": object{"$ref": "#/components/responses/Problem"}}
	for _, status := range op.Successes() {
		if Refuses(status) {
			out[strconv.Itoa(status)] = out["default"]
			continue
		}
		answer := object{"description": http.StatusText(status)}
		if op.Out != "none" && status != http.StatusNoContent && status < 300 {
			schema, media, err := w.shape(op.Out)
			if err != nil {
				return nil, err
			}
			answer["content"] = object{media: object{"schema": schema}}
		}
		out[strconv.Itoa(status)] = answer
	}
	return out, nil
}
