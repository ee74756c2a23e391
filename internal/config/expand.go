package config

import (
	"strconv"
	"strings"
)

// A file may refer to the environment:
//
//	reference = "${" name [ ":-" default ] "}"
//	default   = { any character of the line | reference }
//
// "$${" stands for a plain "${". A variable that is set, even to nothing, beats
// the default. References are cut out before the YAML is parsed and put back into
// the parsed scalars, so that neither a default nor a variable can change the
// structure of the file.

// The characters that stand around a reference's number while YAML is parsed.
// They are private-use and refused in files.
const (
	markOpen  = '\uE000'
	markClose = '\uE001'
)

// maxNesting bounds references inside defaults.
const maxNesting = 8

// references are the texts cut out of a file, braces included.
type references []string

// cutReferences replaces every reference in the text by a marked number.
func cutReferences(text string) (string, references) {
	var out strings.Builder
	var refs references
	for {
		start := strings.Index(text, "${")
		if start < 0 {
			out.WriteString(text)
			return out.String(), refs
		}
		end := referenceEnd(text, start)
		if end < 0 {
			out.WriteString(text[:start+2])
			text = text[start+2:]
			continue
		}
		from := start
		if start > 0 && text[start-1] == '$' {
			from--
		}
		out.WriteString(text[:from])
		out.WriteRune(markOpen)
		out.WriteString(strconv.Itoa(len(refs)))
		out.WriteRune(markClose)
		refs = append(refs, text[from:end])
		text = text[end:]
	}
}

// referenceEnd returns the offset after the brace that closes the reference at
// start, -1 when it is not closed on its line.
func referenceEnd(text string, start int) int {
	depth := 0
	for i := start; i < len(text); i++ {
		switch {
		case text[i] == '\n':
			return -1
		case text[i] == '$' && i+1 < len(text) && text[i+1] == '{':
			depth++
			i++
		case text[i] == '}':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// expander resolves references against the environment and remembers which
// variables had neither a value nor a default.
type expander struct {
	lookup  func(string) (string, bool)
	refs    references
	missing []string
	names   []string // variables that gave a value
}

// restore puts the references' values back into a parsed scalar.
func (e *expander) restore(scalar string) string {
	if !strings.ContainsRune(scalar, markOpen) {
		return scalar
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(scalar, string(markOpen))
		out.WriteString(before)
		if !found {
			return out.String()
		}
		number, after, _ := strings.Cut(rest, string(markClose))
		if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < len(e.refs) {
			out.WriteString(e.reference(e.refs[i], 0))
		}
		scalar = after
	}
}

// raw puts the references back as they stood in the file, for messages.
func (e *expander) raw(scalar string) string {
	plain := expander{refs: e.refs, lookup: func(string) (string, bool) { return "", false }}
	for i, ref := range plain.refs {
		scalar = strings.ReplaceAll(scalar, string(markOpen)+strconv.Itoa(i)+string(markClose), ref)
	}
	return scalar
}

// reference returns the value of one "${...}".
func (e *expander) reference(ref string, depth int) string {
	if strings.HasPrefix(ref, "$$") {
		return ref[1:]
	}
	name, fallback, hasDefault := strings.Cut(ref[2:len(ref)-1], ":-")
	if !isVariable(name) || depth > maxNesting {
		return ref
	}
	if value, ok := e.lookup(name); ok {
		e.names = append(e.names, name)
		return value
	}
	if !hasDefault {
		e.missing = append(e.missing, name)
		return ""
	}
	return e.text(fallback, depth+1)
}

// text resolves the references inside a default.
func (e *expander) text(text string, depth int) string {
	var out strings.Builder
	for {
		start := strings.Index(text, "${")
		if start < 0 {
			out.WriteString(text)
			return out.String()
		}
		end := referenceEnd(text, start)
		if end < 0 {
			out.WriteString(text)
			return out.String()
		}
		from := start
		if start > 0 && text[start-1] == '$' {
			from--
		}
		out.WriteString(text[:from])
		out.WriteString(e.reference(text[from:end], depth))
		text = text[end:]
	}
}

func isVariable(name string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '.' && c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}
