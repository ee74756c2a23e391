package jsonschema

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// compiler turns sources into nodes. fresh holds what it made; the set takes it
// over once all of it is complete.
type compiler struct {
	set   *Set
	files map[string]*source
	fresh map[string]*node
}

// plainKey identifies the nodes that many places share.
type plainKey struct {
	kinds  kinds
	format string
}

// named returns the node of a schema with a name of its own. A node that is
// still being filled is returned too: schemas may be recursive.
func (c *compiler) named(name string) (*node, error) {
	name = strings.TrimSuffix(name, "#")
	if found, ok := c.set.nodes.Load(name); ok {
		return found.(*node), nil
	}
	if found, ok := c.fresh[name]; ok {
		return found, nil
	}
	file, fragment, _ := strings.Cut(name, "#")
	src, err := c.read(file)
	if err != nil {
		return nil, err
	}
	if fragment != "" {
		def, ok := src.Defs[strings.TrimPrefix(fragment, "/$defs/")]
		if !ok {
			return nil, fmt.Errorf("%s has no definition %s", file, fragment)
		}
		src = &def
	}
	n := &node{name: name}
	c.fresh[name] = n
	if err := c.fill(n, src, file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

func (c *compiler) read(file string) (*source, error) {
	if src, ok := c.files[file]; ok {
		return src, nil
	}
	text, err := fs.ReadFile(c.set.files, file)
	if err != nil {
		return nil, err
	}
	src, err := parseSource(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	c.files[file] = src
	return src, nil
}

// slot compiles a schema that stands inside another.
func (c *compiler) slot(src *source, file string) (slot, error) {
	if src.Ref != "" {
		n, err := c.named(resolve(file, src.Ref))
		return slot{node: n}, err
	}
	if len(src.AnyOf) > 0 {
		return c.union(src, file)
	}
	if key, ok := plain(src); ok {
		found := c.set.plain[key]
		if found == nil {
			found = &node{}
			if err := c.fill(found, src, file); err != nil {
				return slot{}, err
			}
			c.set.plain[key] = found
		}
		return slot{node: found, null: key.kinds == 0 || slices.Contains(src.Type, "null")}, nil
	}
	n := &node{}
	if err := c.fill(n, src, file); err != nil {
		return slot{}, err
	}
	return slot{node: n, null: len(src.Type) == 0 || slices.Contains(src.Type, "null")}, nil
}

// union compiles anyOf; the alternative "null" becomes a property of the slot.
func (c *compiler) union(src *source, file string) (slot, error) {
	var made slot
	var others []slot
	for i := range src.AnyOf {
		alternative := &src.AnyOf[i]
		if len(alternative.Type) == 1 && alternative.Type[0] == "null" {
			made.null = true
			continue
		}
		other, err := c.slot(alternative, file)
		if err != nil {
			return slot{}, err
		}
		others = append(others, other)
	}
	if len(others) == 1 {
		made.node = others[0].node
		made.null = made.null || others[0].null
		return made, nil
	}
	made.node = &node{anyOf: others}
	return made, nil
}

// resolve returns the name that ref means inside file.
func resolve(file, ref string) string {
	target, fragment, _ := strings.Cut(ref, "#")
	if target == "" {
		target = file
	} else {
		target = path.Join(path.Dir(file), target)
	}
	if fragment == "" {
		return target
	}
	return target + "#" + fragment
}

// plain tells whether the schema says nothing but type and format.
func plain(src *source) (plainKey, bool) {
	constrained := src.Enum != nil || src.Const != nil || src.Properties != nil || src.Items != nil ||
		src.AdditionalProperties != (additional{}) || src.Pattern != "" || src.MinLength != nil || src.MaxLength != nil
	counted := src.MinItems != nil || src.MaxItems != nil || src.Minimum != nil || src.Maximum != nil || src.MultipleOf != nil
	return plainKey{src.Type.kinds(), src.Format}, !constrained && !counted
}

// kinds returns the set of the kinds listed. Null is in it only when it is the
// one kind allowed; otherwise it belongs to the slot.
func (t typeList) kinds() kinds {
	var all kinds
	for _, name := range t {
		all |= kindOf(name)
	}
	if all == kindNull {
		return all
	}
	return all &^ kindNull
}

func (c *compiler) fill(n *node, src *source, file string) error {
	if src.Ref != "" {
		return errors.New("$ref is supported in members, items and alternatives only")
	}
	if len(src.AnyOf) > 0 {
		return c.fillUnion(n, src, file)
	}
	for _, name := range src.Type {
		if kindOf(name) == 0 {
			return fmt.Errorf("unknown type %q", name)
		}
	}
	n.kinds = src.Type.kinds()
	var problems []error
	if n.kinds&kindString != 0 {
		problems = append(problems, n.fillText(src))
	}
	if n.kinds&(kindInteger|kindNumber) != 0 && (src.Minimum != nil || src.Maximum != nil || src.MultipleOf != nil) {
		n.num = &numberRule{min: src.Minimum, max: src.Maximum, step: src.MultipleOf}
	}
	if n.kinds&kindArray != 0 {
		problems = append(problems, c.fillList(n, src, file))
	}
	if n.kinds&kindObject != 0 {
		problems = append(problems, c.fillObject(n, src, file))
	}
	return errors.Join(problems...)
}

// fillUnion gives a schema with a name of its own the alternatives of a union.
func (c *compiler) fillUnion(n *node, src *source, file string) error {
	made, err := c.union(src, file)
	if err != nil {
		return err
	}
	n.anyOf = []slot{made}
	if made.node.name == "" {
		n.anyOf = made.node.anyOf
	}
	return nil
}

func (n *node) fillText(src *source) error {
	rule := textRule{max: -1, pattern: src.Pattern, format: src.Format}
	if src.MinLength != nil {
		rule.min = *src.MinLength
	}
	if src.MaxLength != nil {
		rule.max = *src.MaxLength
	}
	var err error
	if rule.match, err = matcher(src.Pattern); err != nil {
		return err
	}
	if rule.check, err = formatCheck(src.Format); err != nil {
		return err
	}
	if err := rule.fillEnum(src); err != nil {
		return err
	}
	if rule.min > 0 || rule.max >= 0 || rule.match != nil || rule.format != "" || rule.enum != nil {
		n.text = &rule
	}
	return nil
}

// fillEnum takes over enum or const. Null among the values is a matter of the slot.
func (r *textRule) fillEnum(src *source) error {
	values := src.Enum
	if src.Const != nil {
		values = []jsontext.Value{src.Const}
	}
	if values == nil {
		return nil
	}
	r.enum = make(map[string]struct{}, len(values))
	for _, value := range values {
		if value.Kind() == 'n' {
			continue
		}
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return fmt.Errorf("enum: %w", err)
		}
		r.values = append(r.values, text)
		r.enum[text] = struct{}{}
	}
	return nil
}

func (c *compiler) fillList(n *node, src *source, file string) error {
	rule := listRule{max: -1}
	if src.MinItems != nil {
		rule.min = *src.MinItems
	}
	if src.MaxItems != nil {
		rule.max = *src.MaxItems
	}
	if src.Items != nil {
		var err error
		if rule.items, err = c.slot(src.Items, file); err != nil {
			return err
		}
	}
	n.list = &rule
	return nil
}

func (c *compiler) fillObject(n *node, src *source, file string) error {
	rule := objectRule{closed: src.AdditionalProperties.closed, members: make(map[string]*member, len(src.Properties))}
	if extra := src.AdditionalProperties.schema; extra != nil {
		made, err := c.slot(extra, file)
		if err != nil {
			return err
		}
		rule.extra = &made
	}
	for i := range src.Properties {
		p := &src.Properties[i]
		made, err := c.slot(&p.source, file)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		m := &member{name: p.name, slot: made, def: p.Default}
		rule.members[p.name] = m
		rule.order = append(rule.order, m)
	}
	for _, name := range src.Required {
		m := rule.members[name]
		if m == nil {
			return fmt.Errorf("required member %s is not among the properties", name)
		}
		m.required = true
		if m.def != nil {
			continue
		}
		if bits.OnesCount64(rule.required) == 64 {
			return errors.New("more than 64 required members")
		}
		m.bit = 1 << bits.OnesCount64(rule.required)
		rule.required |= m.bit
	}
	n.obj = &rule
	return nil
}
