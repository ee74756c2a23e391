package search

import (
	"strconv"
	"strings"
	"unicode"
)

// maxBeginnings is how many words of a text may match the beginnings of words;
// texts with more are pasted, not typed.
const maxBeginnings = 8

// phrase reads a quoted text. A quote that is never closed breaks the text.
func (p *textParser) phrase(field string) Query {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\\' && i+1 < len(p.text):
			i++
			b.WriteRune(p.text[i])
		case c == '"':
			p.pos = i + 1
			if p.pos < len(p.text) && p.text[p.pos] == '~' { // words near each other count as a phrase
				p.pos++
				p.number()
			}
			return p.phraseQuery(field, b.String())
		default:
			b.WriteRune(c)
		}
	}
	p.broken = true
	return nil
}

func (p *textParser) phraseQuery(field, text string) Query {
	if field != "" {
		return MatchPhrase{Field: field, Text: text}
	}
	if len(Words(text)) == 0 && len(p.options.Fields) == 0 {
		return nil
	}
	return MultiMatch{Fields: p.options.Fields, Text: text, Operator: And, Phrase: true}
}

// regexpEnds tells whether a slash here begins an expression that ends, rather
// than a path.
func (p *textParser) regexpEnds() bool {
	for i := p.pos + 1; i < len(p.text); i++ {
		switch {
		case p.text[i] == '\\':
			i++
		case p.text[i] == '/':
			return i > p.pos+1 && (i+1 == len(p.text) || unicode.IsSpace(p.text[i+1]) || p.text[i+1] == ')')
		}
	}
	return false
}

func (p *textParser) regexp(field string) (Query, error) {
	end := p.pos + 1
	for p.text[end] != '/' {
		if p.text[end] == '\\' {
			end++
		}
		end++
	}
	pattern := strings.ReplaceAll(string(p.text[p.pos+1:end]), `\/`, `/`)
	p.pos = end + 1
	if _, err := CompileRegexp(pattern); err != nil {
		return nil, err
	}
	return p.perField(field, func(field string) Query { return Regexp{Field: field, Pattern: pattern} }), nil
}

// perField makes a clause of each default field, or of all text.
func (p *textParser) perField(field string, clause func(field string) Query) Query {
	if field != "" || len(p.options.Fields) == 0 {
		return clause(field)
	}
	if len(p.options.Fields) == 1 {
		return clause(p.options.Fields[0].Field)
	}
	q := Bool{MinShould: 1}
	for _, f := range p.options.Fields {
		q.Should = append(q.Should, clause(f.Field))
	}
	return q
}

// span reads [a TO b]; square brackets include the bound, braces do not.
func (p *textParser) span(field string) Query {
	open := p.text[p.pos]
	end := p.pos
	for end < len(p.text) && p.text[end] != ']' && p.text[end] != '}' {
		end++
	}
	if end == len(p.text) || field == "" {
		p.broken = true
		return nil
	}
	bounds := strings.Fields(string(p.text[p.pos+1 : end]))
	if len(bounds) != 3 || bounds[1] != "TO" {
		p.broken = true
		return nil
	}
	p.pos = end + 1
	q := Range{Field: field}
	if low := strings.Trim(bounds[0], `"`); low != "*" {
		if open == '[' {
			q.GTE = &low
		} else {
			q.GT = &low
		}
	}
	if high := strings.Trim(bounds[2], `"`); high != "*" {
		if p.text[end] == ']' {
			q.LTE = &high
		} else {
			q.LT = &high
		}
	}
	return q
}

// comparison reads >a, >=a, <a and <=a.
func (p *textParser) comparison(field string) Query {
	op := p.text[p.pos]
	p.pos++
	inclusive := p.pos < len(p.text) && p.text[p.pos] == '='
	if inclusive {
		p.pos++
	}
	bound := p.token().text
	if bound == "" {
		p.broken = true
		return nil
	}
	q := Range{Field: field}
	switch {
	case op == '>' && inclusive:
		q.GTE = &bound
	case op == '>':
		q.GT = &bound
	case inclusive:
		q.LTE = &bound
	default:
		q.LT = &bound
	}
	return q
}

// token is a word as it stands in the text.
type token struct {
	text    string // without escapes
	pattern string // as a glob
	wild    bool   // there are wildcards
	edits   string // what follows ~
	fuzzy   bool
}

func (p *textParser) token() token {
	var t token
	var text, pattern strings.Builder
	for p.pos < len(p.text) && !p.tokenEnds() {
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == '\\' && p.pos < len(p.text):
			text.WriteRune(p.text[p.pos])
			pattern.WriteRune('\\')
			pattern.WriteRune(p.text[p.pos])
			p.pos++
		case c == '~':
			t.fuzzy = true
			t.edits = p.number()
		case c == '*' || c == '?':
			t.wild = true
			fallthrough
		default:
			text.WriteRune(c)
			pattern.WriteRune(c)
		}
	}
	t.text, t.pattern = text.String(), pattern.String()
	return t
}

func (p *textParser) tokenEnds() bool {
	c := p.text[p.pos]
	return unicode.IsSpace(c) || strings.ContainsRune(`()"^[]{}`, c)
}

func (p *textParser) plain(field string) Query {
	t := p.token()
	switch {
	case t.text == "":
		return nil
	case t.text == "*" && field == "":
		return MatchAll{}
	case t.text == "*":
		return Exists{Field: field}
	case t.wild && !isQuestion(t):
		return p.perField(field, func(field string) Query { return Wildcard{Field: field, Pattern: t.pattern} })
	case field == "_exists_":
		return Exists{Field: t.text}
	}
	fuzziness := Fuzziness(0)
	if t.fuzzy {
		fuzziness = p.fuzziness(t.edits)
	}
	if field != "" {
		return Match{Field: field, Text: t.text, Operator: And, Fuzziness: fuzziness}
	}
	if len(Words(t.text)) == 0 && len(p.options.Fields) == 0 {
		return nil
	}
	q := MultiMatch{Fields: p.options.Fields, Text: t.text, Operator: And, Fuzziness: fuzziness}
	if p.options.Prefix && len([]rune(t.text)) >= 3 && p.begins < maxBeginnings {
		p.begins++
		q.Prefix = true
	}
	return q
}

// isQuestion tells a word at the end of a sentence from a pattern.
func isQuestion(t token) bool {
	return strings.HasSuffix(t.text, "?") && !strings.ContainsAny(strings.TrimRight(t.text, "?"), "*?") && strings.TrimRight(t.text, "?") != ""
}

func (p *textParser) fuzziness(edits string) Fuzziness {
	if n, err := strconv.ParseFloat(edits, 64); err == nil && n >= 1 {
		return Fuzziness(min(int(n), 2))
	}
	if p.options.Fuzziness != 0 {
		return p.options.Fuzziness
	}
	return FuzzyAuto
}
