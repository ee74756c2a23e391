package handlebars

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Limits of rendering.
const (
	maxOutput = 256 << 10 // bytes
	maxSteps  = 200_000
)

// frame is a value that names are looked up in.
type frame struct {
	value any
	data  map[string]any // @index, and block parameters by their names
	up    *frame
}

type renderer struct {
	out   strings.Builder
	root  any
	steps int
	err   error
}

// Render fills a template with values as JSON has them: maps by text, lists, texts,
// numbers, booleans. The error is a KindBadRequest.
func (t *Template) Render(values map[string]any) (string, error) {
	r := &renderer{root: values}
	r.list(t.nodes, &frame{value: values})
	return r.out.String(), r.err
}

func (r *renderer) step() bool {
	if r.err != nil {
		return false
	}
	r.steps++
	if r.steps > maxSteps || r.out.Len() > maxOutput {
		r.err = entity.BadRequest("the template makes too much of this: at most %d bytes", maxOutput)
	}
	return r.err == nil
}

func (r *renderer) list(nodes []node, f *frame) {
	for i := range nodes {
		if !r.step() {
			return
		}
		n := &nodes[i]
		switch {
		case n.block != nil:
			r.block(n.block, f)
		case n.value == nil:
			r.out.WriteString(n.text)
		default:
			text := Text(r.eval(n.value, f))
			if !n.raw {
				text = html.EscapeString(text)
			}
			r.out.WriteString(text)
		}
	}
}

func (r *renderer) block(b *block, f *frame) {
	value := r.eval(&b.on, f)
	switch b.kind {
	case "if", "unless":
		if truth(value) == (b.kind == "if") {
			r.list(b.body, f)
			return
		}
		r.list(b.orElse, f)
	case "with":
		if !truth(value) {
			r.list(b.orElse, f)
			return
		}
		r.list(b.body, child(b, f, value, nil))
	case "each":
		r.each(b, f, value)
	}
}

func child(b *block, f *frame, value any, data map[string]any) *frame {
	if data == nil {
		data = map[string]any{}
	}
	for i, name := range b.names {
		switch i {
		case 0:
			data[name] = value
		case 1:
			data[name] = data["@key"]
		}
	}
	return &frame{value: value, data: data, up: f}
}

func (r *renderer) each(b *block, f *frame, value any) {
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			if !r.step() {
				return
			}
			r.list(b.body, child(b, f, item, map[string]any{"@index": i, "@key": i, "@first": i == 0, "@last": i == len(v)-1}))
		}
		if len(v) > 0 {
			return
		}
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		for i, key := range keys {
			if !r.step() {
				return
			}
			r.list(b.body, child(b, f, v[key], map[string]any{"@index": i, "@key": key, "@first": i == 0, "@last": i == len(keys)-1}))
		}
		if len(v) > 0 {
			return
		}
	}
	r.list(b.orElse, f)
}

func (r *renderer) eval(e *expr, f *frame) any {
	if !r.step() {
		return nil
	}
	switch e.kind {
	case literal:
		return e.value
	case path:
		return r.lookup(e, f)
	}
	args := make([]any, len(e.args))
	for i := range e.args {
		args[i] = r.eval(&e.args[i], f)
	}
	named := make(map[string]any, len(e.named))
	for name, value := range e.named {
		named[name] = r.eval(&value, f)
	}
	if r.err != nil {
		return nil
	}
	return helpers[e.name].do(args, named)
}

func (r *renderer) lookup(e *expr, f *frame) any {
	for range e.up {
		if f = f.up; f == nil {
			return nil
		}
	}
	if len(e.parts) == 0 {
		return f.value
	}
	first, rest := e.parts[0], e.parts[1:]
	if first == "@root" {
		return member(r.root, rest)
	}
	for at := f; at != nil; at = at.up {
		if value, ok := at.data[first]; ok {
			return member(value, rest)
		}
	}
	return member(f.value, e.parts)
}

// member goes down into a value; what is not there is nil.
func member(value any, parts []string) any {
	for _, part := range parts {
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			if part == "length" {
				value = len(v)
				continue
			}
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// truth tells whether a value counts as one.
func truth(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case float64:
		return v != 0
	case int:
		return v != 0
	case []any:
		return len(v) > 0
	}
	return true
}

// Text is a value as it is put in.
func Text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool, int:
		return fmt.Sprint(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	raw, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return ""
	}
	return string(raw)
}
