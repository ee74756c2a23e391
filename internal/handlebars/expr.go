package handlebars

import (
	"strconv"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// scanner reads the words of an expression.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) space() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

func (s *scanner) done() bool {
	s.space()
	return s.pos >= len(s.text)
}

// expression reads what is put in: a value, or a helper with its arguments.
func (p *parser) expression(text string) (expr, error) {
	s := &scanner{text: text}
	e, err := p.words(s, 0, "")
	if err == nil && !s.done() {
		err = p.wrong("%q is not understood", entity.Shorten(text, 60))
	}
	return e, err
}

// one reads the single value of a block: a path, a literal or a helper, with or
// without parentheses.
func (p *parser) one(text string) (expr, error) {
	if strings.TrimSpace(text) == "" {
		return expr{}, p.wrong("a block says nothing about what it is about")
	}
	return p.expression(text)
}

// words reads words up to the end, or to a closing parenthesis.
func (p *parser) words(s *scanner, depth int, end string) (expr, error) {
	if depth > maxDepth {
		return expr{}, p.wrong("parentheses nest more than %d deep", maxDepth)
	}
	first, err := p.word(s, depth)
	if err != nil {
		return expr{}, err
	}
	args, named, err := p.arguments(s, depth, end)
	if err != nil {
		return expr{}, err
	}
	helper := first.kind == path && first.up == 0 && len(first.parts) == 1
	if helper && (len(args) > 0 || end != "") {
		if _, known := helpers[first.parts[0]]; known {
			return expr{kind: call, name: first.parts[0], args: args, named: named}, nil
		}
	}
	if len(args) == 0 && named == nil && (end == "" || !helper) {
		return first, nil
	}
	name := "this"
	if helper {
		name = first.parts[0]
	}
	return expr{}, p.wrong("there is no helper %q; GET /v1/notificationTemplates/helpers lists them", entity.Shorten(name, 40))
}

// arguments reads those of a helper, with a name and without.
func (p *parser) arguments(s *scanner, depth int, end string) (args []expr, named map[string]expr, err error) {
	for !s.done() && (end == "" || !strings.HasPrefix(s.text[s.pos:], end)) {
		name := s.assigned()
		value, err := p.word(s, depth)
		if err != nil {
			return nil, nil, err
		}
		if name == "" {
			args = append(args, value)
			continue
		}
		if named == nil {
			named = map[string]expr{}
		}
		named[name] = value
	}
	return args, named, nil
}

// assigned takes "name=" and returns the name.
func (s *scanner) assigned() string {
	end := s.pos
	for end < len(s.text) && isNameByte(s.text[end]) {
		end++
	}
	if end == s.pos || end >= len(s.text) || s.text[end] != '=' {
		return ""
	}
	name := s.text[s.pos:end]
	s.pos = end + 1
	return name
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '$' || c >= 0x80
}

// word reads one literal, path or parenthesised helper.
func (p *parser) word(s *scanner, depth int) (expr, error) {
	if s.done() {
		return expr{}, p.wrong("a value is missing")
	}
	switch c := s.text[s.pos]; c {
	case '"', '\'':
		end := strings.IndexByte(s.text[s.pos+1:], c)
		if end < 0 {
			return expr{}, p.wrong("a text is never closed")
		}
		text := s.text[s.pos+1 : s.pos+1+end]
		s.pos += end + 2
		return expr{kind: literal, value: text}, nil
	case '(':
		s.pos++
		e, err := p.words(s, depth+1, ")")
		if err != nil {
			return e, err
		}
		if s.done() || s.text[s.pos] != ')' {
			return e, p.wrong("a parenthesis is never closed")
		}
		s.pos++
		return e, nil
	}
	end := s.pos
	for end < len(s.text) && strings.IndexByte(" \t\r\n()=\"'|", s.text[end]) < 0 {
		if s.text[end] == '[' { // a part of a path in brackets may hold anything
			closed := strings.IndexByte(s.text[end:], ']')
			if closed < 0 {
				return expr{}, p.wrong("a bracket is never closed")
			}
			end += closed
		}
		end++
	}
	text := s.text[s.pos:end]
	if text == "" {
		return expr{}, p.wrong("%q is not understood", entity.Shorten(s.text, 60))
	}
	s.pos = end
	return p.atom(text)
}

// atom reads a literal that is one word, or a path.
func (p *parser) atom(text string) (expr, error) {
	switch text {
	case "true", "false":
		return expr{kind: literal, value: text == "true"}, nil
	case "null", "undefined":
		return expr{kind: literal}, nil
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && (text[0] == '-' || '0' <= text[0] && text[0] <= '9') {
		return expr{kind: literal, value: n}, nil
	}
	e := expr{kind: path}
	for {
		rest, ok := strings.CutPrefix(text, "../")
		if !ok {
			break
		}
		e.up++
		text = rest
	}
	if text == ".." {
		e.up++
		text = ""
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "./"), "this/")
	if text == "." || text == "this" {
		return e, nil
	}
	for text = strings.TrimPrefix(text, "this."); text != ""; {
		part, rest, err := p.part(text)
		if err != nil {
			return e, err
		}
		e.parts = append(e.parts, part)
		text = rest
	}
	return e, nil
}

// part takes the first part of a path.
func (p *parser) part(text string) (part, rest string, err error) {
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		return text[1:end], strings.TrimLeft(text[end+1:], "./"), nil
	}
	end := strings.IndexAny(text, "./")
	if end < 0 {
		end = len(text)
	}
	part = text[:end]
	if part == "" || strings.ContainsFunc(strings.TrimPrefix(part, "@"), func(r rune) bool { return r < 0x80 && !isNameByte(byte(r)) }) {
		return "", "", p.wrong("%q is no path to a value", entity.Shorten(text, 60))
	}
	rest = strings.TrimLeft(text[end:], "./")
	return part, rest, nil
}
