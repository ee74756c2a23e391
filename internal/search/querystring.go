package search

import (
	"strings"
	"unicode"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The query text, as Lucene has it:
//
//	query   = { [ "AND" | "OR" | "&&" | "||" ] item }
//	item    = [ "NOT" | "!" | "+" | "-" ] [ field ":" ] value [ "^" number ]
//	value   = "(" query ")" | phrase [ "~" [ number ] ] | range | regexp
//	        | word [ "~" [ number ] ]
//	phrase  = `"` characters `"`
//	range   = ( "[" | "{" ) bound "TO" bound ( "]" | "}" ) | ( ">" | ">=" | "<" | "<=" ) bound
//	regexp  = "/" characters "/"
//	word    = characters, of which * and ? are wildcards and \ takes the
//	          meaning of the next one
//
// AND binds its neighbours more tightly than OR does. People type such texts by
// hand, so a text that does not follow the grammar - a quote that is never
// closed - is searched for its words instead.

// QueryStringOptions are the defaults of a query text.
type QueryStringOptions struct {
	Fields    []FieldBoost // searched by words without a field; none means all text
	Operator  Operator     // between items with nothing between them
	Fuzziness Fuzziness    // what a bare ~ means; 0 means FuzzyAuto
	// Prefix lets words without a field also match the beginnings of words.
	Prefix bool
}

// ParseQueryString reads a query text. The error is a KindBadRequest for a text
// beyond the limits or one whose syntax is known but not supported.
func ParseQueryString(text string, o QueryStringOptions) (Query, error) {
	if len([]rune(text)) > MaxText {
		return nil, entity.BadRequest("a query text has at most %d characters", MaxText)
	}
	trimmed := strings.TrimSpace(text)
	if trimmed == "" || trimmed == "*" || trimmed == "*:*" {
		return MatchAll{}, nil
	}
	p := textParser{options: o, text: []rune(trimmed)}
	q, err := p.query(0)
	if err != nil {
		return nil, err
	}
	if p.broken || p.pos < len(p.text) {
		q = plainWords(trimmed, o)
	}
	return QueryString{Text: trimmed, Query: q}, nil
}

// plainWords searches for the words of a text that is no query.
func plainWords(text string, o QueryStringOptions) Query {
	var kept []string
	for _, word := range strings.Fields(text) {
		switch word {
		case "AND", "OR", "NOT", "&&", "||":
		default:
			kept = append(kept, word)
		}
	}
	words := strings.Join(kept, " ")
	if len(Words(words)) == 0 {
		return MatchNone{}
	}
	return MultiMatch{Fields: o.Fields, Text: words, Operator: o.Operator}
}

type textParser struct {
	options QueryStringOptions
	text    []rune
	pos     int
	broken  bool // the text does not follow the grammar
	clauses int
	begins  int // words that may be beginnings, so far
}

// item is a clause with what stands before it.
type item struct {
	query         Query
	and           bool // AND stands between this item and the one before
	or            bool // OR does
	must, negated bool // + and -
}

func (p *textParser) query(depth int) (Query, error) {
	if depth > MaxDepth {
		return nil, entity.BadRequest("a query text is nested at most %d deep", MaxDepth)
	}
	var items []item
	for {
		p.spaces()
		if p.broken || p.pos >= len(p.text) || p.text[p.pos] == ')' {
			break
		}
		next := item{}
		for p.operator(&next, len(items) > 0) {
			p.spaces()
		}
		p.sign(&next)
		if p.pos >= len(p.text) || p.text[p.pos] == ')' {
			p.broken = true
			break
		}
		if p.clauses++; p.clauses > MaxClauses {
			return nil, entity.BadRequest("a query text has at most %d clauses", MaxClauses)
		}
		q, err := p.item(depth)
		if err != nil {
			return nil, err
		}
		if q == nil {
			continue // nothing but punctuation
		}
		next.query = q
		items = append(items, next)
	}
	return p.combine(items), nil
}

func (p *textParser) spaces() {
	for p.pos < len(p.text) && unicode.IsSpace(p.text[p.pos]) {
		p.pos++
	}
}

// operator reads AND or OR.
func (p *textParser) operator(next *item, allowed bool) bool {
	switch {
	case p.word("AND") || p.word("&&"):
		next.and = true
	case p.word("OR") || p.word("||"):
		next.or = true
	default:
		return false
	}
	if !allowed {
		p.broken = true
	}
	return true
}

// word consumes the text when it stands here as a word of its own.
func (p *textParser) word(text string) bool {
	end := p.pos + len(text)
	if end > len(p.text) || string(p.text[p.pos:end]) != text {
		return false
	}
	if end < len(p.text) && !unicode.IsSpace(p.text[end]) && p.text[end] != '(' && p.text[end] != ')' {
		return false
	}
	p.pos = end
	return true
}

func (p *textParser) sign(next *item) {
	for p.pos < len(p.text) {
		switch {
		case p.word("NOT"):
			next.negated = !next.negated
			p.spaces()
		case p.text[p.pos] == '!' || p.text[p.pos] == '-':
			next.negated = !next.negated
			p.pos++
		case p.text[p.pos] == '+':
			next.must = true
			p.pos++
		default:
			return
		}
	}
}

// combine builds the clause of a list of items. With OR as default, items
// joined by nothing are optional and + and - decide; AND makes both neighbours
// required within their group.
func (p *textParser) combine(items []item) Query {
	if len(items) == 0 {
		return MatchNone{}
	}
	var groups [][]item
	for i, it := range items {
		joined := it.and || !it.or && p.options.Operator == And
		if i > 0 && joined {
			groups[len(groups)-1] = append(groups[len(groups)-1], it)
			continue
		}
		groups = append(groups, []item{it})
	}
	var q Bool
	for _, group := range groups {
		p.addGroup(&q, group)
	}
	if len(q.Must)+len(q.MustNot)+len(q.Should) == 1 && len(q.MustNot) == 0 {
		return append(q.Must, q.Should...)[0]
	}
	if len(groups) == 1 || len(q.Must) > 0 || len(q.Should) == 0 {
		return q
	}
	q.MinShould = 1
	return q
}

func (p *textParser) addGroup(q *Bool, group []item) {
	if len(group) == 1 {
		switch it := group[0]; {
		case it.negated:
			q.MustNot = append(q.MustNot, it.query)
		case it.must:
			q.Must = append(q.Must, it.query)
		default:
			q.Should = append(q.Should, it.query)
		}
		return
	}
	var all Bool
	for _, it := range group {
		if it.negated {
			all.MustNot = append(all.MustNot, it.query)
			continue
		}
		all.Must = append(all.Must, it.query)
	}
	q.Should = append(q.Should, all)
}

func (p *textParser) item(depth int) (Query, error) {
	start := p.pos
	field := p.field()
	if p.pos >= len(p.text) {
		p.broken = true
		return nil, nil
	}
	var q Query
	var err error
	switch c := p.text[p.pos]; {
	case c == '(':
		q, err = p.parentheses(field, depth)
	case c == '"':
		q = p.phrase(field)
	case c == '/' && p.regexpEnds():
		q, err = p.regexp(field)
	case c == '[' || c == '{':
		q = p.span(field)
	case (c == '<' || c == '>') && field != "":
		q = p.comparison(field)
	default:
		q = p.plain(field)
	}
	p.boost()
	if p.pos == start {
		p.pos++ // punctuation that is no part of anything
	}
	return q, err
}

// field reads "name:", with escapes. A word that is not followed by a colon and
// a value is left alone.
func (p *textParser) field() string {
	var b strings.Builder
	for i := p.pos; i < len(p.text); i++ {
		c := p.text[i]
		switch {
		case c == '\\' && i+1 < len(p.text):
			i++
			b.WriteRune(p.text[i])
		case c == ':' && b.Len() > 0:
			rest := string(p.text[i+1 : min(i+3, len(p.text))])
			if rest == "" || rest == "//" || rest[0] == ':' || unicode.IsSpace(p.text[i+1]) {
				return "" // no field: the end, an address, C++'s scopes
			}
			p.pos = i + 1
			return b.String()
		case unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("._-@#$", c):
			b.WriteRune(c)
		default:
			return ""
		}
	}
	return ""
}

func (p *textParser) parentheses(field string, depth int) (Query, error) {
	p.pos++
	saved := p.options
	if field != "" {
		p.options.Fields = []FieldBoost{{Field: field}}
		p.options.Prefix = false
	}
	q, err := p.query(depth + 1)
	p.options = saved
	if err != nil {
		return nil, err
	}
	if p.pos >= len(p.text) {
		p.broken = true
		return q, nil
	}
	p.pos++
	return q, nil
}

func (p *textParser) boost() {
	if p.pos < len(p.text) && p.text[p.pos] == '^' {
		p.pos++
		p.number()
	}
}

// number reads digits and a point.
func (p *textParser) number() string {
	start := p.pos
	for p.pos < len(p.text) && (p.text[p.pos] >= '0' && p.text[p.pos] <= '9' || p.text[p.pos] == '.') {
		p.pos++
	}
	return string(p.text[start:p.pos])
}
