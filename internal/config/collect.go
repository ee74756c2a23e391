package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is what one key was given, wherever it came from.
type value struct {
	text   string
	list   []string
	dict   map[string]string
	line   int
	source string
}

// collector walks a file and gathers the values of known keys.
type collector struct {
	keys     *keySet
	expand   *expander
	values   map[string]value // by path, list elements numbered
	noticed  map[string]bool
	findings Findings
}

func (c *collector) report(f Finding) { c.findings = append(c.findings, f) }

// mapping visits the keys of a section. path has list elements numbered,
// pattern has them as [].
func (c *collector) mapping(node *yaml.Node, path, pattern string) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, val := node.Content[i], node.Content[i+1]
		name := c.expand.raw(key.Value)
		c.entry(key, val, join(path, name), join(pattern, name), pattern)
	}
}

// entry visits one key.
func (c *collector) entry(key, val *yaml.Node, path, pattern, parent string) {
	if info, ok := c.keys.open[pattern]; ok {
		c.ignored(path, key.Line, info.note)
		c.within(val, path, pattern)
		return
	}
	if info, ok := c.keys.byPath[pattern]; ok {
		c.leaf(info, val, path, key.Line)
		return
	}
	if c.keys.isSection(pattern + "[]") {
		c.sequence(val, path, pattern+"[]")
		return
	}
	if c.keys.isSection(pattern) {
		switch {
		case val.Kind == yaml.MappingNode:
			c.mapping(val, path, pattern)
		case !c.isEmpty(val):
			c.report(Finding{Severity: Error, Code: "CFG-VALUE", Key: path, Line: val.Line, Message: "this is a section and needs keys below it."})
		}
		return
	}
	finding := Finding{Severity: Error, Code: "CFG-UNKNOWN-KEY", Key: path, Line: key.Line, Message: fmt.Sprintf("unknown key %q.", c.expand.raw(key.Value))}
	if near := c.keys.nearest(parent, key.Value); near != "" {
		finding.Message = fmt.Sprintf("unknown key %q; did you mean %q?", c.expand.raw(key.Value), near)
		finding.Remedy = "correct the name or remove the line."
	}
	c.report(finding)
}

// within takes the few keys of an ignored section that are looked at all the same.
// Whatever is wrong with them does not matter.
func (c *collector) within(node *yaml.Node, path, pattern string) {
	if node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := c.expand.raw(node.Content[i].Value)
		if info, ok := c.keys.byPath[join(pattern, name)]; ok {
			before := len(c.findings)
			c.leaf(info, node.Content[i+1], join(path, name), node.Content[i].Line)
			c.findings = c.findings[:before]
		}
	}
}

// sequence visits a list of sections such as connectors.
func (c *collector) sequence(val *yaml.Node, path, pattern string) {
	if c.isEmpty(val) {
		return
	}
	if val.Kind != yaml.SequenceNode {
		c.report(Finding{Severity: Error, Code: "CFG-VALUE", Key: path, Line: val.Line, Message: "this needs a list, each element with keys below it."})
		return
	}
	for i, item := range val.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		if item.Kind != yaml.MappingNode {
			c.report(Finding{Severity: Error, Code: "CFG-VALUE", Key: at, Line: item.Line, Message: "this needs keys below it."})
			continue
		}
		c.mapping(item, at, pattern)
	}
}

// leaf takes the value of a known key.
func (c *collector) leaf(info keyInfo, val *yaml.Node, path string, line int) {
	if info.kind == kindIgnored {
		c.ignored(path, line, info.note)
		return
	}
	if info.kind == kindSame {
		target := c.keys.byPath[info.note]
		if first, twice := c.values[info.note]; twice {
			c.report(Finding{Severity: Error, Code: "CFG-REPEATED-KEY", Key: path, Line: line,
				Message: fmt.Sprintf("this is another spelling of %s, which stands in line %d.", info.note, first.line), Remedy: "remove one of them."})
			return
		}
		c.leaf(target, val, info.note, line)
		return
	}
	got := value{line: val.Line, source: fmt.Sprintf("file line %d", val.Line)}
	before := len(c.expand.missing)
	ok := true
	switch val.Kind {
	case yaml.ScalarNode:
		got.text = c.scalar(val)
	case yaml.SequenceNode:
		ok = info.kind == kindList && c.elements(val, &got)
	case yaml.MappingNode:
		ok = info.kind == kindMap && c.pairs(val, &got)
	default:
		ok = false
	}
	for _, name := range c.expand.missing[before:] {
		c.report(Finding{Severity: Error, Code: "CFG-ENV-MISSING", Key: path, Line: val.Line,
			Message: fmt.Sprintf("the environment variable %s is not set and the file gives no default.", name),
			Remedy:  fmt.Sprintf("set it, or write ${%s:-default}.", name)})
	}
	if !ok {
		c.report(Finding{Severity: Error, Code: "CFG-VALUE", Key: path, Line: val.Line, Message: fmt.Sprintf("this needs a %s.", describe(info.kind))})
		return
	}
	c.values[path] = got
}

func (c *collector) elements(node *yaml.Node, into *value) bool {
	into.list = []string{}
	for _, item := range node.Content {
		if item.Kind != yaml.ScalarNode {
			return false
		}
		if text := c.scalar(item); text != "" {
			into.list = append(into.list, text)
		}
	}
	return true
}

func (c *collector) pairs(node *yaml.Node, into *value) bool {
	into.dict = map[string]string{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i+1].Kind != yaml.ScalarNode {
			return false
		}
		into.dict[c.expand.raw(node.Content[i].Value)] = c.scalar(node.Content[i+1])
	}
	return true
}

// scalar returns the text of a scalar with its references resolved. A plain
// scalar's value may carry the quotes of a default: ${NAME:-"text"}.
func (c *collector) scalar(node *yaml.Node) string {
	if node.Tag == "!!null" {
		return ""
	}
	text := c.expand.restore(node.Value)
	if node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 && text != node.Value {
		return unquote(text)
	}
	return text
}

func (c *collector) isEmpty(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && strings.TrimSpace(c.scalar(node)) == ""
}

// ignored says once per section that OpenMetadata's key does nothing here.
func (c *collector) ignored(path string, line int, why string) {
	if c.noticed[path] {
		return
	}
	c.noticed[path] = true
	c.report(Finding{Severity: Notice, Code: "CFG-IGNORED", Key: path, Line: line, Message: "ignored: " + why + "."})
}

func unquote(text string) string {
	text = strings.TrimSpace(text)
	if len(text) < 2 || text[0] != text[len(text)-1] || text[0] != '"' && text[0] != '\'' {
		return text
	}
	return text[1 : len(text)-1]
}

func describe(k kind) string {
	switch k {
	case kindList:
		return "list of texts"
	case kindMap:
		return "set of keys and texts"
	case kindBool:
		return "single value, true or false"
	default:
		return "single value"
	}
}
