package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenString
	tokenOpen
	tokenClose
	tokenComma
	tokenOpenList
	tokenCloseList
	tokenNot
	tokenAnd
	tokenOr
	tokenEqual
	tokenTrue
	tokenFalse
)

// token is a piece of a condition; text is as written, but for strings, which
// stand unquoted.
type token struct {
	kind tokenKind
	text string
	pos  int // byte offset
}

type lexer struct {
	text  string
	pos   int
	lists bool // braces stand around lists of names
}

func (l *lexer) scan() (token, error) {
	for l.pos < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.pos]) >= 0 {
		l.pos++
	}
	start := l.pos
	if start == len(l.text) {
		return token{kind: tokenEnd, pos: start}, nil
	}
	c := l.text[start]
	if kind, ok := l.punctuation(c); ok {
		return l.take(kind, 1), nil
	}
	switch {
	case c == '\'' || c == '"':
		return l.quoted(c)
	case isLetter(c):
		return l.word(), nil
	}
	for _, op := range []struct {
		text string
		kind tokenKind
	}{{"&&", tokenAnd}, {"||", tokenOr}, {"==", tokenEqual}} {
		if strings.HasPrefix(l.text[start:], op.text) {
			return l.take(op.kind, 2), nil
		}
	}
	if c == '!' && !strings.HasPrefix(l.text[start:], "!=") {
		return l.take(tokenNot, 1), nil
	}
	r, _ := utf8.DecodeRuneInString(l.text[start:])
	return token{}, l.errorAt(start, "%q has no meaning in a condition", r)
}

func (l *lexer) punctuation(c byte) (tokenKind, bool) {
	switch {
	case c == '(':
		return tokenOpen, true
	case c == ')':
		return tokenClose, true
	case c == ',':
		return tokenComma, true
	case c == '{' && l.lists:
		return tokenOpenList, true
	case c == '}' && l.lists:
		return tokenCloseList, true
	}
	return tokenEnd, false
}

func (l *lexer) take(kind tokenKind, n int) token {
	t := token{kind: kind, text: l.text[l.pos : l.pos+n], pos: l.pos}
	l.pos += n
	return t
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

// word reads a name or a keyword.
func (l *lexer) word() token {
	end := l.pos
	for end < len(l.text) && (isLetter(l.text[end]) || '0' <= l.text[end] && l.text[end] <= '9') {
		end++
	}
	kind := tokenName
	switch strings.ToLower(l.text[l.pos:end]) {
	case "and":
		kind = tokenAnd
	case "or":
		kind = tokenOr
	case "not":
		kind = tokenNot
	case "true":
		kind = tokenTrue
	case "false":
		kind = tokenFalse
	}
	return l.take(kind, end-l.pos)
}

// quoted reads a string; the quote inside is doubled.
func (l *lexer) quoted(quote byte) (token, error) {
	start := l.pos
	var b strings.Builder
	for i := start + 1; i < len(l.text); i++ {
		if l.text[i] != quote {
			b.WriteByte(l.text[i])
			continue
		}
		if i+1 < len(l.text) && l.text[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		l.pos = i + 1
		if b.Len() == 0 {
			return token{}, l.errorAt(start, "a name must not be empty")
		}
		return token{kind: tokenString, text: b.String(), pos: start}, nil
	}
	return token{}, l.errorAt(start, "the quote that opens here is never closed")
}

// errorAt reports a problem at a byte offset, counted for people in characters.
func (l *lexer) errorAt(offset int, format string, args ...any) error {
	position := utf8.RuneCountInString(l.text[:offset]) + 1
	return entity.BadRequest("condition, position %d: %s", position, fmt.Sprintf(format, args...))
}
