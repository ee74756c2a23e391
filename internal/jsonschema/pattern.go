package jsonschema

import (
	"bytes"
	"fmt"
	"regexp"
)

// noDoubleColon is the one pattern with a look-ahead that the schemas use: no
// "::" anywhere and, since a dot does not match line ends, a single line.
const noDoubleColon = `^((?!::).)*$`

// matcher returns a function that tells whether a text matches, nil for the
// empty pattern. Patterns are searched for, not anchored, as JSON Schema says.
func matcher(pattern string) (func([]byte) bool, error) {
	switch pattern {
	case "":
		return nil, nil
	case noDoubleColon:
		return singleLineWithoutDoubleColon, nil
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	return compiled.Match, nil
}

func singleLineWithoutDoubleColon(text []byte) bool {
	ascii := true
	for i, b := range text {
		switch {
		case b == '\n' || b == '\r':
			return false
		case b == ':' && i+1 < len(text) && text[i+1] == ':':
			return false
		case b >= 0x80:
			ascii = false
		}
	}
	if ascii {
		return true
	}
	// The line terminators of Java's dot beyond ASCII.
	return !bytes.ContainsAny(text, "\u0085\u2028\u2029")
}
