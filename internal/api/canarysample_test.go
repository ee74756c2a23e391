package api

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/schema"
)

// sampler makes documents for a schema that hold a canary wherever a secret can be:
// in each member that the schema marks as one, for each alternative of a union, and in
// what the schema leaves open under names that tell. It reads the schemas as they are
// written and knows nothing of how the server finds secrets.
type sampler struct {
	t      testing.TB
	files  map[string]map[string]any
	canary func() string
	marked int // canaries where the schema itself tells of a secret
}

func newSampler(t testing.TB, canary func() string) *sampler {
	return &sampler{t: t, files: map[string]map[string]any{}, canary: canary}
}

// of returns documents for a schema file, the one with most canaries first.
func (s *sampler) of(file string) []any {
	s.t.Helper()
	all, _ := s.variants(file, s.file(file), nil)
	return all
}

// members returns values with canaries for the members of an object that can have them,
// if the schema marks any secret in it: what other types leave open is for other things.
func (s *sampler) members(file string) map[string][]any {
	s.t.Helper()
	found, before := map[string][]any{}, s.marked
	properties, _ := s.file(file)["properties"].(map[string]any)
	for name, property := range properties {
		if values, secret := s.variants(file, property.(map[string]any), nil); secret {
			found[name] = values
		}
	}
	if s.marked == before {
		return nil
	}
	return found
}

func (s *sampler) file(name string) map[string]any {
	s.t.Helper()
	if known := s.files[name]; known != nil {
		return known
	}
	text, err := schema.Files.ReadFile(name)
	check(s.t, err)
	var decoded map[string]any
	check(s.t, json.Unmarshal(text, &decoded))
	s.files[name] = decoded
	return decoded
}

// follow returns what a $ref in a file points at, and the file that is in.
func (s *sampler) follow(file, ref string) (string, map[string]any) {
	target, pointer, _ := strings.Cut(ref, "#")
	if target == "" {
		target = file
	} else {
		target = path.Join(path.Dir(file), target)
	}
	node := s.file(target)
	for step := range strings.FieldsFuncSeq(pointer, func(r rune) bool { return r == '/' }) {
		node, _ = node[step].(map[string]any)
	}
	return target, node
}

// variants returns values that the node lets pass, and whether there are canaries in
// them; without canaries one is enough. above are the references on the way.
func (s *sampler) variants(file string, node map[string]any, above []string) (values []any, secret bool) {
	if ref, ok := node["$ref"].(string); ok {
		target, inner := s.follow(file, ref)
		if key := target + ref; !slices.Contains(above, key) {
			return s.variants(target, inner, append(slices.Clone(above), key))
		}
		return []any{map[string]any{}}, false
	}
	if options, ok := node["anyOf"].([]any); ok {
		return s.alternatives(file, options, above)
	}
	if constant, ok := node["const"]; ok {
		return []any{constant}, false
	}
	if enum, ok := node["enum"].([]any); ok {
		return enum[:1], false
	}
	switch kindOf(node) {
	case "object":
		return s.objects(file, node, above)
	case "array":
		items, _ := node["items"].(map[string]any)
		inner, secret := s.variants(file, items, above)
		return []any{inner}, secret
	case "integer", "number":
		return []any{1}, false
	case "boolean":
		return []any{true}, false
	case "string":
		return s.text(node)
	}
	return []any{map[string]any{}}, false
}

func kindOf(node map[string]any) string {
	if list, ok := node["type"].([]any); ok {
		return list[0].(string)
	}
	kind, _ := node["type"].(string)
	return kind
}

func (s *sampler) text(node map[string]any) ([]any, bool) {
	switch node["format"] {
	case "password":
		s.marked++
		return []any{s.canary()}, true
	case "secret-uri":
		s.marked++
		return []any{"https://h.example/hooks/" + s.canary()}, true
	case "uri":
		return []any{"https://h.example/a"}, false
	case "email":
		return []any{"a@example.org"}, false
	case "uuid":
		return []any{anyID}, false
	}
	return []any{"something"}, false
}

// alternatives are those that hold a canary, or else the first.
func (s *sampler) alternatives(file string, options []any, above []string) (values []any, secret bool) {
	for _, option := range options {
		node := option.(map[string]any)
		if node["type"] == "null" {
			continue
		}
		found, canaries := s.variants(file, node, above)
		switch {
		case canaries && !secret:
			values, secret = found, true
		case canaries:
			values = append(values, found...)
		case values == nil:
			values = found
		}
	}
	return values, secret
}

// objects have what is required and what is secret. The first has the first value of
// each member; one more object for each value that it does not have.
func (s *sampler) objects(file string, node map[string]any, above []string) (values []any, secret bool) {
	first := map[string]any{}
	properties, _ := node["properties"].(map[string]any)
	required, _ := node["required"].([]any)
	others := map[string][]any{}
	for name, property := range properties {
		found, canaries := s.variants(file, property.(map[string]any), above)
		if !canaries && !slices.Contains(required, any(name)) {
			continue
		}
		secret = secret || canaries
		first[name], others[name] = found[0], found[1:]
	}
	if node["additionalProperties"] != false && s.fill(first, node["additionalProperties"]) {
		secret = true
	}
	values = []any{first}
	for name, list := range others {
		for _, value := range list {
			next := map[string]any{}
			for member, one := range first {
				next[member] = one
			}
			next[name] = value
			values = append(values, next)
		}
	}
	return values, secret
}

// fill adds canaries to what is left open.
func (s *sampler) fill(object map[string]any, extra any) bool {
	rule, _ := extra.(map[string]any)
	switch {
	case rule == nil:
		object["openInner"] = map[string]any{"api_token": s.canary(), "list": []any{map[string]any{"clientSecret": s.canary(), "host": "h"}}, "Authorization": "Bearer " + s.canary()}
		fallthrough
	case kindOf(rule) == "string":
		object["openPassword"] = s.canary()
		return true
	}
	return false
}
