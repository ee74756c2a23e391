package search

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Matching takes time in proportion to the text and to the size of the pattern, which
// repetitions blow up: .{1000} is two thousand steps. Both are bounded, for one pattern
// and for all matching of a query.
const (
	MaxProgram = 2000      // steps of one compiled regular expression
	MaxEffort  = 256 << 20 // of a query, see Pattern.Effort
)

// Pattern is a compiled regular expression or wildcard over whole values. It ignores
// case and takes linear time.
type Pattern struct {
	re    *regexp.Regexp
	steps int
}

// MatchString tells whether the pattern matches the whole text.
func (p *Pattern) MatchString(text string) bool { return p.re.MatchString(text) }

// Effort is what matching the text costs at most: each of its bytes may be compared with
// every step of the pattern.
func (p *Pattern) Effort(text string) int { return p.steps * (len(text) + 1) }

// CompileRegexp compiles an expression that has to match a whole value.
func CompileRegexp(pattern string) (*Pattern, error) {
	if len(pattern) > MaxPattern {
		return nil, entity.BadRequest("a regular expression has at most %d characters", MaxPattern)
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, noRegexp(pattern)
	}
	steps := stepsOf(tree)
	if steps > MaxProgram {
		return nil, entity.BadRequest("the regular expression repeats too much: written out it has more than %d steps", MaxProgram)
	}
	re, err := regexp.Compile(`(?is)^(?:` + pattern + `)$`)
	if err != nil {
		return nil, noRegexp(pattern)
	}
	return &Pattern{re: re, steps: steps}, nil
}

func noRegexp(pattern string) error {
	return entity.BadRequest("%q is not a regular expression the search supports", entity.Shorten(pattern, 100))
}

// stepsOf estimates how many steps an expression compiles to, no further than it
// matters.
func stepsOf(re *syntax.Regexp) int {
	steps := 1
	if re.Op == syntax.OpLiteral {
		steps = len(re.Rune)
	}
	for _, sub := range re.Sub {
		if steps += stepsOf(sub); steps > MaxProgram {
			break
		}
	}
	if re.Op == syntax.OpRepeat {
		steps *= max(re.Max, re.Min+1, 1)
	}
	return min(steps, MaxProgram+1)
}

// CompileWildcard turns a glob into an expression over whole values. Its text is
// brought to lower case as values are: folding alone does not know every letter.
func CompileWildcard(pattern string) (*Pattern, error) {
	if len(pattern) > MaxPattern*4 {
		return nil, entity.BadRequest("a wildcard pattern has at most %d characters", MaxPattern*4)
	}
	var b strings.Builder
	b.WriteString(`(?is)^`)
	escaped, starred := false, false
	for _, r := range pattern {
		switch {
		case escaped:
			b.WriteString(regexp.QuoteMeta(strings.ToLower(string(r))))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			if !starred {
				b.WriteString(`.*`)
			}
			starred = true
			continue
		case r == '?':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(strings.ToLower(string(r))))
		}
		starred = false
	}
	if escaped {
		b.WriteString(`\\`)
	}
	b.WriteByte('$')
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, entity.BadRequest("%q is not a wildcard pattern the search supports", entity.Shorten(pattern, 100))
	}
	return &Pattern{re: re, steps: len(pattern) + 1}, nil
}
