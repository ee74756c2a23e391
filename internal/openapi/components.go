package openapi

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// object is a JSON object that is made here.
type object = map[string]any

// components are the schemas that a document has used so far, by the name they have
// there. A schema goes in with all it refers to.
type components struct {
	set   *jsonschema.Set
	files map[string]object // parsed files, for as long as the document is made
	names map[string]string // schema, such as "type/basic.json#/$defs/uuid", to name
	made  map[string]jsontext.Value
}

func newComponents(set *jsonschema.Set) (*components, error) {
	c := &components{set: set, files: map[string]object{}, names: map[string]string{}, made: map[string]jsontext.Value{}}
	files, err := set.Names()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := set.Source(file)
		if err != nil {
			return nil, err
		}
		var parsed object
		if err := json.Unmarshal(text, &parsed); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		c.files[file] = parsed
	}
	return c, c.nameAll(files)
}

// nameAll gives every schema a name: its title, and the name of its file before it
// where titles are the same.
func (c *components) nameAll(files []string) error {
	byTitle := map[string][]string{}
	for _, file := range files {
		root := c.files[file]
		if _, ok := root["type"]; ok || root["anyOf"] != nil || root["enum"] != nil {
			byTitle[titleName(root, file)] = append(byTitle[titleName(root, file)], file)
		}
		defs, _ := root["$defs"].(object)
		for def, node := range defs {
			named, _ := node.(object)
			title := titleName(named, def)
			byTitle[title] = append(byTitle[title], file+"#/$defs/"+def)
		}
	}
	taken := map[string]string{}
	for _, title := range slices.Sorted(maps.Keys(byTitle)) {
		schemas := byTitle[title]
		slices.Sort(schemas)
		for _, schema := range schemas {
			name := title
			if len(schemas) > 1 {
				file, _, _ := strings.Cut(schema, "#")
				name = qualified(file, title)
			}
			if other, ok := taken[name]; ok {
				file, _, _ := strings.Cut(schema, "#")
				name = pascal(path.Base(path.Dir(file))) + name
				if _, ok := taken[name]; ok {
					return fmt.Errorf("%s and %s would both be called %s", schema, other, name)
				}
			}
			taken[name], c.names[schema] = schema, name
		}
	}
	return nil
}

// qualified puts the name of a file before a title, as far as it does not begin so.
func qualified(file, title string) string {
	base := pascal(strings.TrimSuffix(path.Base(file), ".json"))
	if strings.HasPrefix(title, base) {
		return pascal(path.Base(path.Dir(file))) + title
	}
	return base + title
}

func titleName(node object, fallback string) string {
	if title, _ := node["title"].(string); title != "" {
		return pascal(title)
	}
	return pascal(strings.TrimSuffix(path.Base(fallback), ".json"))
}

// pascal writes words as one: "Tag label" as TagLabel.
func pascal(text string) string {
	var b strings.Builder
	up := true
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up = true
			continue
		case up:
			r, up = unicode.ToUpper(r), false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ref returns the reference to a schema, after it and all it refers to went in.
func (c *components) ref(schema string) (object, error) {
	name, ok := c.names[schema]
	if !ok {
		return nil, fmt.Errorf("there is no schema %s", schema)
	}
	if _, ok := c.made[name]; !ok {
		c.made[name] = jsontext.Value("{}") // schemas may refer to themselves
		file, def, _ := strings.Cut(schema, "#/$defs/")
		node := c.files[file]
		if def != "" {
			node = node["$defs"].(object)[def].(object)
		}
		out, err := c.schema(file, node)
		if err != nil {
			return nil, err
		}
		if c.made[name], err = json.Marshal(out, json.Deterministic(true)); err != nil {
			return nil, err
		}
	}
	return object{"$ref": "#/components/schemas/" + name}, nil
}

// schema copies a schema with its references turned into those of the document.
func (c *components) schema(file string, node object) (object, error) {
	out := object{}
	for keyword, value := range node {
		var err error
		switch keyword {
		case "$schema", "$defs":
			continue
		case "format":
			out[keyword] = standardFormat(value)
		case "$ref":
			err = c.reference(file, value.(string), out)
		case "properties":
			members := object{}
			for name, member := range value.(object) {
				if members[name], err = c.schema(file, member.(object)); err != nil {
					return nil, err
				}
			}
			out[keyword] = members
		case "anyOf":
			var list []any
			for _, one := range value.([]any) {
				copied, err := c.schema(file, one.(object))
				if err != nil {
					return nil, err
				}
				list = append(list, copied)
			}
			out[keyword] = list
		case "items", "additionalProperties":
			out[keyword], err = c.subschema(file, value)
		case "required":
			if needed := withoutDefaults(node, value.([]any)); len(needed) > 0 {
				out[keyword] = needed
			}
		default:
			out[keyword] = value
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// subschema copies what is a schema, or else a switch.
func (c *components) subschema(file string, value any) (any, error) {
	if sub, ok := value.(object); ok {
		return c.schema(file, sub)
	}
	return value, nil
}

// standardFormat puts a URI for our own format of one that is masked behind its host.
func standardFormat(format any) any {
	if format == "secret-uri" {
		return "uri"
	}
	return format
}

func (c *components) reference(file, ref string, out object) error {
	target, fragment, found := strings.Cut(ref, "#")
	if target == "" {
		target = file
	} else {
		target = path.Join(path.Dir(file), target)
	}
	if found && fragment != "" {
		target += "#" + fragment
	}
	made, err := c.ref(target)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	out["$ref"] = made["$ref"]
	return nil
}

// withoutDefaults leaves out of required what has a default: our checker lets it be
// left out, too.
func withoutDefaults(node object, required []any) []any {
	properties, _ := node["properties"].(object)
	return slices.DeleteFunc(slices.Clone(required), func(name any) bool {
		member, _ := properties[name.(string)].(object)
		_, ok := member["default"]
		return ok
	})
}

// shape returns the schema of a body, and its media type.
func (c *components) shape(s Shape) (schema object, media string, err error) {
	kind, rest, _ := strings.Cut(string(s), ":")
	switch {
	case kind == "page":
		schema, err = c.page(Shape(rest))
	case kind == "list":
		item, _, err := c.shape(Shape(rest))
		return object{"type": "array", "items": item}, "application/json", err
	case kind == "map":
		value, _, err := c.shape(Shape(rest))
		return object{"type": "object", "additionalProperties": value}, "application/json", err
	case kind == "any" || kind == "":
		schema = object{}
	case kind == "uuid":
		schema = object{"type": "string", "format": "uuid"}
	case slices.Contains([]string{"string", "integer", "number", "boolean", "object"}, kind):
		schema = object{"type": kind}
	case strings.Contains(kind, ".json"):
		schema, err = c.ref(string(s))
	case kind == "*/*":
		return object{}, kind, nil
	case strings.Contains(kind, "/"):
		return object{"type": "string"}, kind, nil
	default:
		err = fmt.Errorf("%q is no shape", s)
	}
	return schema, "application/json", err
}

// page returns the reference to a page of something.
func (c *components) page(item Shape) (object, error) {
	of, _, err := c.shape(item)
	if err != nil {
		return nil, err
	}
	paging, err := c.ref("type/paging.json")
	if err != nil {
		return nil, err
	}
	page := object{
		"type": "object", "required": []any{"data", "paging"},
		"properties": object{"data": object{"type": "array", "items": of}, "paging": paging},
	}
	target, ok := of["$ref"].(string)
	if !ok {
		return page, nil
	}
	name := path.Base(target) + "Page"
	page["title"] = name
	if c.made[name], err = json.Marshal(page, json.Deterministic(true)); err != nil {
		return nil, err
	}
	return object{"$ref": "#/components/schemas/" + name}, nil
}
