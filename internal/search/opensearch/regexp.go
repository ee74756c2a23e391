package opensearch

import (
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// nothing matches no text.
const nothing = "#"

// literal writes a text so that it stands for itself in the cluster's regular expressions.
func literal(text string) string {
	var b strings.Builder
	for _, r := range text {
		writeRune(&b, r)
	}
	return b.String()
}

func writeRune(b *strings.Builder, r rune) {
	if r < 0x80 && !isPlain(byte(r)) || r == '-' {
		b.WriteByte('\\')
	}
	b.WriteRune(r)
}

// folded writes a character so that all its cases match.
func folded(b *strings.Builder, r rune) {
	cases := []rune{r}
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		cases = append(cases, other)
	}
	if len(cases) == 1 {
		writeRune(b, r)
		return
	}
	b.WriteByte('[')
	for _, c := range cases {
		writeRune(b, c)
	}
	b.WriteByte(']')
}

// glob turns a wildcard pattern into a regular expression over texts in lower case; see search.CompileWildcard.
// backward turns it round.
func glob(pattern string, backward bool) (string, error) {
	if _, err := search.CompileWildcard(pattern); err != nil {
		return "", err
	}
	var pieces []string
	one := func(r rune) {
		var b strings.Builder
		for _, lower := range strings.ToLower(string(r)) {
			folded(&b, lower)
		}
		pieces = append(pieces, b.String())
	}
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			one(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			if len(pieces) == 0 || pieces[len(pieces)-1] != ".*" {
				pieces = append(pieces, ".*")
			}
		case r == '?':
			pieces = append(pieces, ".")
		default:
			one(r)
		}
	}
	if escaped {
		pieces = append(pieces, `\\`)
	}
	if backward {
		for i, j := 0, len(pieces)-1; i < j; i, j = i+1, j-1 {
			pieces[i], pieces[j] = pieces[j], pieces[i]
		}
	}
	return strings.Join(pieces, ""), nil
}

// regular turns an expression that has to match a whole value into one of the cluster's; see search.CompileRegexp.
func regular(pattern string) (string, error) {
	if _, err := search.CompileRegexp(pattern); err != nil {
		return "", err
	}
	tree, err := syntax.Parse("(?is:"+pattern+")", syntax.Perl)
	if err != nil {
		return "", entity.BadRequest("%q is not a regular expression the search supports", entity.Shorten(pattern, 100))
	}
	var b strings.Builder
	if err := write(&b, trim(tree)); err != nil {
		return "", err
	}
	return b.String(), nil
}

// trim takes off the anchors that a match of the whole value makes superfluous.
func trim(re *syntax.Regexp) *syntax.Regexp {
	isAnchor := func(re *syntax.Regexp) bool { return re.Op == syntax.OpBeginText || re.Op == syntax.OpEndText }
	if isAnchor(re) {
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	}
	if re.Op != syntax.OpConcat {
		return re
	}
	sub := re.Sub
	for len(sub) > 0 && sub[0].Op == syntax.OpBeginText {
		sub = sub[1:]
	}
	for len(sub) > 0 && sub[len(sub)-1].Op == syntax.OpEndText {
		sub = sub[:len(sub)-1]
	}
	trimmed := *re
	trimmed.Sub = sub
	return &trimmed
}

func write(b *strings.Builder, re *syntax.Regexp) error {
	switch re.Op {
	case syntax.OpEmptyMatch:
		b.WriteString("()")
	case syntax.OpNoMatch:
		b.WriteString(nothing)
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 {
				folded(b, r)
			} else {
				writeRune(b, r)
			}
		}
	case syntax.OpCharClass:
		writeClass(b, re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('.')
	case syntax.OpCapture:
		return writeGroup(b, re.Sub[0])
	case syntax.OpConcat, syntax.OpAlternate:
		return writeList(b, re)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		return writeRepeated(b, re)
	default:
		return entity.BadRequest("the search server knows no word boundaries, and no beginnings or ends within a regular expression")
	}
	return nil
}

func writeGroup(b *strings.Builder, re *syntax.Regexp) error {
	b.WriteByte('(')
	if err := write(b, re); err != nil {
		return err
	}
	b.WriteByte(')')
	return nil
}

func writeList(b *strings.Builder, re *syntax.Regexp) error {
	if len(re.Sub) == 0 {
		b.WriteString("()")
	}
	if re.Op == syntax.OpAlternate {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i, sub := range re.Sub {
		if i > 0 && re.Op == syntax.OpAlternate {
			b.WriteByte('|')
		}
		if err := write(b, sub); err != nil {
			return err
		}
	}
	return nil
}

func writeRepeated(b *strings.Builder, re *syntax.Regexp) error {
	if err := writeGroup(b, re.Sub[0]); err != nil {
		return err
	}
	switch {
	case re.Op == syntax.OpStar:
		b.WriteByte('*')
	case re.Op == syntax.OpPlus:
		b.WriteByte('+')
	case re.Op == syntax.OpQuest:
		b.WriteByte('?')
	case re.Max < 0:
		b.WriteString("{" + strconv.Itoa(re.Min) + ",}")
	case re.Max == 0:
		b.WriteString("{0}")
	default:
		b.WriteString("{" + strconv.Itoa(re.Min) + "," + strconv.Itoa(re.Max) + "}")
	}
	return nil
}

func writeClass(b *strings.Builder, ranges []rune) {
	if len(ranges) == 0 {
		b.WriteString(nothing)
		return
	}
	b.WriteByte('[')
	for i := 0; i+1 < len(ranges); i += 2 {
		low, high := ranges[i], ranges[i+1]
		writeRune(b, outside(low))
		if high > low {
			b.WriteByte('-')
			writeRune(b, outside(high))
		}
	}
	b.WriteByte(']')
}

// outside moves a bound off the surrogates, which no text holds.
func outside(r rune) rune {
	if r >= 0xD800 && r <= 0xDFFF {
		return 0xE000
	}
	return r
}
