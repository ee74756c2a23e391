package policy

import (
	"strings"
)

// Limits of a condition.
const (
	MaxConditionLength = 2000 // bytes
	MaxConditionDepth  = 20   // parentheses inside each other
)

// Condition is a parsed condition. It is immutable and safe to share.
type Condition struct {
	root Expr
}

// ExprKind says what a node of a condition is.
type ExprKind uint8

// The kinds of nodes.
const (
	Call ExprKind = iota // a function with its arguments
	Not                  // one operand
	And                  // two operands or more
	Or                   // two operands or more
)

// Expr is a node of a parsed condition. "== true" leaves no trace in the tree,
// "== false" is a Not.
type Expr struct {
	Kind     ExprKind
	Function Function // of a Call
	Args     []string // of a Call
	Operands []Expr   // of Not, And and Or
}

// Root returns the top of the tree, for those who translate conditions into
// something else. It must not be changed.
func (c *Condition) Root() *Expr { return &c.root }

// Holds evaluates the condition. It allocates nothing.
func (c *Condition) Holds(f *Facts) bool { return c.root.holds(f) }

func (e *Expr) holds(f *Facts) bool {
	switch e.Kind {
	case Not:
		return !e.Operands[0].holds(f)
	case And:
		for i := range e.Operands {
			if !e.Operands[i].holds(f) {
				return false
			}
		}
		return true
	case Or:
		for i := range e.Operands {
			if e.Operands[i].holds(f) {
				return true
			}
		}
		return false
	}
	return e.Function.evaluate(e.Args, f)
}

// String writes the condition in its canonical spelling; reading that again
// gives the same tree.
func (c *Condition) String() string { return c.root.String() }

// String writes the node in its canonical spelling.
func (e *Expr) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *Expr) write(b *strings.Builder) {
	switch e.Kind {
	case Not:
		b.WriteByte('!')
		e.Operands[0].writeInside(b, Not)
	case And, Or:
		sep := " && "
		if e.Kind == Or {
			sep = " || "
		}
		for i := range e.Operands {
			if i > 0 {
				b.WriteString(sep)
			}
			e.Operands[i].writeInside(b, e.Kind)
		}
	default:
		b.WriteString(string(e.Function))
		b.WriteByte('(')
		for i, arg := range e.Args {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString("'" + strings.ReplaceAll(arg, "'", "''") + "'")
		}
		b.WriteByte(')')
	}
}

// writeInside puts parentheses around a list that would read otherwise inside
// its parent: and binds more tightly than or.
func (e *Expr) writeInside(b *strings.Builder, parent ExprKind) {
	if e.Kind == Or || e.Kind == And && parent == Not {
		b.WriteByte('(')
		e.write(b)
		b.WriteByte(')')
		return
	}
	e.write(b)
}

// Mention is a name a condition refers to; whoever stores the condition checks
// that it exists.
type Mention struct {
	Type string // role, team or tag; a tag may be a glossary term as well
	Name string
}

// Mentions lists the names the condition refers to, in order.
func (c *Condition) Mentions() []Mention {
	var list []Mention
	c.root.calls(func(e *Expr) {
		for _, arg := range e.Args {
			list = append(list, Mention{Type: e.Function.argument(), Name: arg})
		}
	})
	return list
}

// calls visits the function calls from left to right.
func (e *Expr) calls(visit func(*Expr)) {
	if e.Kind == Call {
		visit(e)
	}
	for i := range e.Operands {
		e.Operands[i].calls(visit)
	}
}

// RenameTags returns a condition in which every tag and certification that it asks
// for has the name that rename returns; all else stays as written. A text that is
// no condition is returned as it is.
func RenameTags(condition string, rename func(string) string) string {
	if _, err := ParseCondition(condition); err != nil {
		return condition
	}
	var out strings.Builder
	l := lexer{text: condition}
	tags, written := false, 0
	for {
		t, err := l.scan()
		if err != nil || t.kind == tokenEnd {
			out.WriteString(condition[written:])
			return out.String()
		}
		switch t.kind {
		case tokenName:
			f := Function(t.text)
			tags = f == FuncMatchAnyTag || f == FuncMatchAllTags || f == FuncMatchAnyCertification
		case tokenString:
			next := t.text
			if tags {
				next = rename(t.text)
			}
			if next != t.text {
				out.WriteString(condition[written:t.pos])
				out.WriteString("'" + strings.ReplaceAll(next, "'", "''") + "'")
				written = l.pos
			}
		}
	}
}
