package policy

import (
	"strings"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// ParseCondition reads a condition; the grammar stands in the package comment.
// The error is a KindBadRequest that says what is wrong and where, counting
// characters from 1.
func ParseCondition(text string) (*Condition, error) {
	root, err := parse(text, false)
	if err != nil {
		return nil, err
	}
	return &Condition{root: root}, nil
}

// ParseFilter reads the condition of an alert's filter. Alerts have functions of their
// own, whose arguments may be lists in braces; every name of a question will do here,
// and package alert answers those it knows. The language is as closed as that of
// policies, and has the same limits.
func ParseFilter(text string) (*Condition, error) {
	root, err := parse(text, true)
	if err != nil {
		return nil, err
	}
	return &Condition{root: root}, nil
}

func parse(text string, filter bool) (Expr, error) {
	if len(text) > MaxConditionLength {
		return Expr{}, entity.BadRequest("a condition has at most %d characters, this one has %d", MaxConditionLength, len(text))
	}
	if !utf8.ValidString(text) {
		return Expr{}, entity.BadRequest("a condition must be valid UTF-8 text")
	}
	p := parser{lexer: lexer{text: text, lists: filter}, filter: filter}
	if err := p.next(); err != nil {
		return Expr{}, err
	}
	if p.token.kind == tokenEnd {
		return Expr{}, entity.BadRequest("the condition is empty")
	}
	root, err := p.or()
	if err != nil {
		return Expr{}, err
	}
	if p.token.kind != tokenEnd {
		return Expr{}, p.unexpected("an operator or the end")
	}
	return root, nil
}

type parser struct {
	lexer
	token  token
	depth  int
	filter bool // the condition of an alert's filter
}

func (p *parser) next() (err error) {
	p.token, err = p.scan()
	return err
}

func (p *parser) or() (Expr, error)  { return p.list(Or, tokenOr, p.and) }
func (p *parser) and() (Expr, error) { return p.list(And, tokenAnd, p.equal) }

// list reads operands with one operator between them. Operands of the same kind
// are merged, so that the tree does not depend on redundant parentheses.
func (p *parser) list(kind ExprKind, operator tokenKind, operand func() (Expr, error)) (Expr, error) {
	first, err := operand()
	if err != nil || p.token.kind != operator {
		return first, err
	}
	all := Expr{Kind: kind}
	all.take(first)
	for p.token.kind == operator {
		if err := p.next(); err != nil {
			return Expr{}, err
		}
		more, err := operand()
		if err != nil {
			return Expr{}, err
		}
		all.take(more)
	}
	return all, nil
}

func (e *Expr) take(operand Expr) {
	if operand.Kind == e.Kind {
		e.Operands = append(e.Operands, operand.Operands...)
		return
	}
	e.Operands = append(e.Operands, operand)
}

func (p *parser) equal() (Expr, error) {
	left, err := p.unary()
	if err != nil || p.token.kind != tokenEqual {
		return left, err
	}
	if err := p.next(); err != nil {
		return Expr{}, err
	}
	switch p.token.kind {
	case tokenTrue:
		return left, p.next()
	case tokenFalse:
		return negate(left), p.next()
	}
	return Expr{}, p.unexpected("true or false")
}

// negate undoes a negation rather than stacking another one on it.
func negate(e Expr) Expr {
	if e.Kind == Not {
		return e.Operands[0]
	}
	return Expr{Kind: Not, Operands: []Expr{e}}
}

// unary counts negations rather than recursing into them: only parentheses nest.
func (p *parser) unary() (Expr, error) {
	negative := false
	for p.token.kind == tokenNot {
		negative = !negative
		if err := p.next(); err != nil {
			return Expr{}, err
		}
	}
	e, err := p.primary()
	if err == nil && negative {
		e = negate(e)
	}
	return e, err
}

func (p *parser) primary() (Expr, error) {
	switch p.token.kind {
	case tokenOpen:
		return p.group()
	case tokenName:
		return p.call()
	}
	return Expr{}, p.unexpected("a function")
}

func (p *parser) group() (Expr, error) {
	if p.depth++; p.depth > MaxConditionDepth {
		return Expr{}, p.errorAt(p.token.pos, "parentheses nest at most %d deep", MaxConditionDepth)
	}
	if err := p.next(); err != nil {
		return Expr{}, err
	}
	inner, err := p.or()
	if err != nil {
		return Expr{}, err
	}
	if p.token.kind != tokenClose {
		return Expr{}, p.unexpected("a closing parenthesis")
	}
	p.depth--
	return inner, p.next()
}

func (p *parser) call() (Expr, error) {
	name := p.token
	fn := Function(name.text)
	if p.filter && !asks(name.text) {
		return Expr{}, p.errorAt(name.pos, "%s is not a function of alerts", entity.Shorten(name.text, 60))
	}
	if !p.filter && !fn.known() {
		return Expr{}, p.unknown(name)
	}
	if err := p.next(); err != nil {
		return Expr{}, err
	}
	if p.token.kind != tokenOpen {
		return Expr{}, p.errorAt(name.pos, "a function needs parentheses: write %s()", fn)
	}
	if err := p.next(); err != nil {
		return Expr{}, err
	}
	args, err := p.arguments()
	if err != nil {
		return Expr{}, err
	}
	if takes := fn.argument(); p.filter {
		return Expr{Kind: Call, Function: fn, Args: args}, nil
	} else if takes == "" && len(args) > 0 {
		return Expr{}, p.errorAt(name.pos, "%s takes no arguments", fn)
	} else if takes != "" && len(args) == 0 {
		return Expr{}, p.errorAt(name.pos, "%s needs at least one name of a %s", fn, takes)
	}
	return Expr{Kind: Call, Function: fn, Args: args}, nil
}

// asks tells whether a name is one of a question about an event, as all functions of
// alerts are: matchAnySource, filterByEventType, isBot, getTestCaseStatus...
func asks(name string) bool {
	for _, verb := range []string{"match", "filter", "is", "get"} {
		if rest, ok := strings.CutPrefix(name, verb); ok && rest != "" && 'A' <= rest[0] && rest[0] <= 'Z' {
			return true
		}
	}
	return false
}

// arguments reads up to and including the closing parenthesis.
func (p *parser) arguments() ([]string, error) {
	return p.names(tokenClose, "a comma or a closing parenthesis")
}

// names reads names in quotes and, in filters, lists of them, up to and including
// what closes them.
func (p *parser) names(end tokenKind, next string) ([]string, error) {
	var args []string
	if p.token.kind == end {
		return nil, p.next()
	}
	for {
		list, err := p.name(end)
		if err != nil {
			return nil, err
		}
		args = append(args, list...)
		switch p.token.kind {
		case end:
			return args, p.next()
		case tokenComma:
			if err := p.next(); err != nil {
				return nil, err
			}
		default:
			return nil, p.unexpected(next)
		}
	}
}

// name reads one name, or a list of names where one may stand: not inside another.
func (p *parser) name(end tokenKind) ([]string, error) {
	text := p.token.text
	switch {
	case p.token.kind == tokenString:
		return []string{text}, p.next()
	case p.token.kind == tokenOpenList && end == tokenClose:
		if err := p.next(); err != nil {
			return nil, err
		}
		return p.names(tokenCloseList, "a comma or a closing brace")
	}
	return nil, p.unexpected("a name in quotes")
}

func (p *parser) unknown(name token) error {
	known := make([]string, 0, 11)
	for _, fn := range Functions() {
		if strings.EqualFold(string(fn.Name), name.text) {
			return p.errorAt(name.pos, "%s is not a function; did you mean %s?", name.text, fn.Name)
		}
		known = append(known, string(fn.Name))
	}
	return p.errorAt(name.pos, "%s is not a function; the functions are %s", entity.Shorten(name.text, 60), strings.Join(known, ", "))
}

func (p *parser) unexpected(wanted string) error {
	if p.token.kind == tokenEnd {
		return p.errorAt(p.token.pos, "the condition ends where %s is expected", wanted)
	}
	return p.errorAt(p.token.pos, "%q stands where %s is expected", entity.Shorten(p.token.text, 60), wanted)
}
