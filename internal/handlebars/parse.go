package handlebars

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Limits of templates.
const (
	MaxTemplate = 64 << 10 // bytes
	maxDepth    = 24       // blocks, and expressions, inside each other
	maxNodes    = 10_000
)

// Template is a parsed template. It is immutable and safe to share.
type Template struct{ nodes []node }

// node is a part of a template: text, a value that is put in, or a block.
type node struct {
	text  string
	value *expr
	raw   bool // not escaped
	block *block
}

type block struct {
	kind   string // if, unless, each, with
	on     expr
	names  []string // of block parameters
	body   []node
	orElse []node
}

type exprKind uint8

const (
	literal exprKind = iota
	path
	call
)

// expr is a literal, a path, or a helper with its arguments.
type expr struct {
	kind  exprKind
	value any      // of a literal
	up    int      // of a path: how often "../" stands before it
	parts []string // of a path; a first part that begins with @ is data
	name  string   // of a helper
	args  []expr
	named map[string]expr
}

// Parse reads a template. The error is a KindBadRequest that says where it is wrong.
func Parse(text string) (*Template, error) {
	if len(text) > MaxTemplate {
		return nil, entity.BadRequest("the template is longer than %d bytes", MaxTemplate)
	}
	if !utf8.ValidString(text) {
		return nil, entity.BadRequest("the template is not valid UTF-8")
	}
	p := &parser{text: text}
	nodes, end, err := p.list(0)
	if err != nil {
		return nil, err
	}
	if end != "" {
		return nil, p.wrong("{{%s}} closes nothing", end)
	}
	return &Template{nodes: nodes}, nil
}

type parser struct {
	text  string
	pos   int
	nodes int
	trim  bool // a tag asked for the space after it to go
}

func (p *parser) wrong(format string, args ...any) error {
	line := 1 + strings.Count(p.text[:min(p.pos, len(p.text))], "\n")
	return entity.BadRequest("line "+strconv.Itoa(line)+": "+format, args...)
}

// list reads nodes up to the end, or to a tag that ends or divides a block, which it
// returns.
func (p *parser) list(depth int) (out []node, end string, err error) {
	if depth > maxDepth {
		return nil, "", p.wrong("blocks nest more than %d deep", maxDepth)
	}
	for {
		if p.nodes++; p.nodes > maxNodes {
			return nil, "", p.wrong("the template has too many parts")
		}
		text, tag, found, err := p.next()
		if err != nil {
			return nil, "", err
		}
		if text != "" {
			out = append(out, node{text: text})
		}
		if !found {
			return out, "", nil
		}
		if tag.ends() {
			return out, tag.body, nil
		}
		if tag.comment {
			continue
		}
		n, err := p.node(tag, depth)
		if err != nil {
			return nil, "", err
		}
		out = append(out, n)
	}
}

// node reads the block that a tag begins, or what it puts in.
func (p *parser) node(t tag, depth int) (node, error) {
	switch t.body[:min(1, len(t.body))] {
	case "#":
		b, err := p.block(strings.TrimSpace(t.body[1:]), "", depth)
		return node{block: b}, err
	case ">", "*":
		return node{}, p.wrong("partials and decorators are not supported")
	case "&":
		t.raw, t.body = true, t.body[1:]
	}
	e, err := p.expression(t.body)
	return node{value: &e, raw: t.raw}, err
}

// tag is what stands between braces.
type tag struct {
	body    string
	raw     bool
	comment bool
}

// ends tells whether a tag ends or divides a block.
func (t *tag) ends() bool {
	return !t.comment && (strings.HasPrefix(t.body, "/") || t.body == "else" || t.body == "^" || strings.HasPrefix(t.body, "else "))
}

// closing finds what closes a tag: the first of the two ways to write it.
func closing(text, plain, trimming string) (at int, end string) {
	at, end = strings.Index(text, plain), plain
	if other := strings.Index(text, trimming); other >= 0 && (at < 0 || other < at) {
		at, end = other, trimming
	}
	return at, end
}

// next returns the text up to the next tag, and the tag.
func (p *parser) next() (text string, t tag, found bool, err error) {
	rest := p.text[p.pos:]
	open := strings.Index(rest, "{{")
	if open < 0 {
		p.pos = len(p.text)
		return p.trimmed(rest), t, false, nil
	}
	text = p.trimmed(rest[:open])
	p.pos += open
	rest = rest[open:]
	plain, trimming := "}}", "~}}"
	switch {
	case strings.HasPrefix(rest, "{{!--"), strings.HasPrefix(rest, "{{~!--"):
		t.comment, plain, trimming = true, "--}}", "--~}}"
	case strings.HasPrefix(rest, "{{{"), strings.HasPrefix(rest, "{{~{"):
		t.raw, plain, trimming = true, "}}}", "}~}}"
	}
	at, end := closing(rest, plain, trimming)
	if at < 0 {
		return "", t, false, p.wrong("{{ is never closed")
	}
	inside := rest[2:at]
	if strings.HasPrefix(inside, "~") {
		inside, text = inside[1:], strings.TrimRight(text, " \t\r\n")
	}
	if t.raw {
		inside = strings.TrimPrefix(inside, "{")
	}
	p.trim = end == trimming
	t.comment = t.comment || strings.HasPrefix(inside, "!")
	t.body = strings.TrimSpace(inside)
	p.pos += at + len(end)
	return text, t, true, nil
}

func (p *parser) trimmed(text string) string {
	if p.trim {
		p.trim = false
		return strings.TrimLeft(text, " \t\r\n")
	}
	return text
}

// block reads a block whose opening tag was read, up to the tag that closes it; closing
// is "" for that of its own kind, and that of the block around in a chain of elses.
func (p *parser) block(head, closing string, depth int) (*block, error) {
	kind, rest, _ := strings.Cut(head, " ")
	switch kind {
	case "if", "unless", "each", "with":
	default:
		return nil, p.wrong("there is no block %q; there are if, unless, each and with", entity.Shorten(kind, 40))
	}
	if closing == "" {
		closing = "/" + kind
	}
	b := &block{kind: kind}
	if names, ok := strings.CutSuffix(rest, "|"); ok {
		if at := strings.LastIndex(names, " as |"); at >= 0 {
			b.names = strings.Fields(names[at+len(" as |"):])
			rest = rest[:at]
		}
	}
	var err error
	if b.on, err = p.one(rest); err != nil {
		return nil, err
	}
	var end string
	if b.body, end, err = p.list(depth + 1); err != nil {
		return nil, err
	}
	if end == "else" || end == "^" {
		if b.orElse, end, err = p.list(depth + 1); err != nil {
			return nil, err
		}
	} else if chained, ok := strings.CutPrefix(end, "else "); ok {
		inner, err := p.block(strings.TrimSpace(chained), closing, depth+1)
		if err != nil {
			return nil, err
		}
		b.orElse, end = []node{{block: inner}}, closing
	}
	if end == closing {
		return b, nil
	}
	if end == "" {
		return nil, p.wrong("{{#%s}} is never closed", kind)
	}
	return nil, p.wrong("{{#%s}} is closed by {{%s}}", kind, entity.Shorten(end, 40))
}
