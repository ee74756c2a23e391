package search

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// All tells whether the filter shows everything.
func (f SourceFilter) All() bool { return !f.None && len(f.Include) == 0 && len(f.Exclude) == 0 }

// Apply returns what the filter shows of a source. A path shows, or hides, all
// that is below it.
func (f SourceFilter) Apply(source jsontext.Value) (jsontext.Value, error) {
	if f.All() || len(source) == 0 {
		return source, nil
	}
	if f.None {
		return nil, nil
	}
	p := projector{filter: f, dec: jsontext.NewDecoder(bytes.NewReader(source))}
	var out bytes.Buffer
	p.enc = jsontext.NewEncoder(&out)
	if err := p.value("", len(f.Include) == 0); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

type projector struct {
	filter SourceFilter
	dec    *jsontext.Decoder
	enc    *jsontext.Encoder
}

// value copies the next value; shown tells that an included path leads here.
func (p *projector) value(path string, shown bool) error {
	switch p.dec.PeekKind() {
	case '{':
		return p.object(path, shown)
	case '[':
		return p.list(path, shown)
	}
	v, err := p.dec.ReadValue()
	if err != nil {
		return err
	}
	return p.enc.WriteValue(v)
}

func (p *projector) object(path string, shown bool) error {
	if err := p.copyToken(); err != nil {
		return err
	}
	for p.dec.PeekKind() != '}' {
		token, err := p.dec.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		child := name
		if path != "" {
			child = path + "." + name
		}
		inside := shown || matchesAny(p.filter.Include, child)
		hidden := matchesAny(p.filter.Exclude, child)
		if hidden || !inside && !(leadsToAny(p.filter.Include, child) && p.isContainer()) {
			if err := p.dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if err := p.enc.WriteToken(jsontext.String(name)); err != nil {
			return err
		}
		if err := p.value(child, inside); err != nil {
			return err
		}
	}
	return p.copyToken()
}

func (p *projector) isContainer() bool {
	kind := p.dec.PeekKind()
	return kind == '{' || kind == '['
}

func (p *projector) list(path string, shown bool) error {
	if err := p.copyToken(); err != nil {
		return err
	}
	for p.dec.PeekKind() != ']' {
		if !shown && !p.isContainer() {
			if err := p.dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if err := p.value(path, shown); err != nil {
			return err
		}
	}
	return p.copyToken()
}

func (p *projector) copyToken() error {
	token, err := p.dec.ReadToken()
	if err != nil {
		return err
	}
	return p.enc.WriteToken(token)
}

func matchesAny(patterns []string, path string) bool {
	for _, pattern := range patterns {
		if globMatch(pattern, path) {
			return true
		}
	}
	return false
}

// leadsToAny tells whether something below path may match.
func leadsToAny(patterns []string, path string) bool {
	for _, pattern := range patterns {
		if strings.HasPrefix(pattern, path+".") {
			return true
		}
		if star := strings.IndexByte(pattern, '*'); star >= 0 && strings.HasPrefix(path+".", pattern[:min(star, len(path)+1)]) {
			return true
		}
	}
	return false
}

// globMatch matches * against any characters, in time linear in the product of
// the lengths.
func globMatch(pattern, text string) bool {
	star, mark, i, j := -1, 0, 0, 0
	for j < len(text) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && pattern[i] == text[j]:
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
