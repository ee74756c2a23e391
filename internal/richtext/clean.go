package richtext

import (
	"bytes"
	"strings"
)

// Clean returns a text without active content; one that has none comes back as it is.
// Clean texts stay the same.
func Clean(text string) string {
	if !strings.ContainsAny(text, marks) {
		return text
	}
	// Lines of a quotation begin with ">", which ends no tag there. Such a text is
	// judged a second time without these marks.
	active := judge(text)
	if plain := unquoted(text); plain != text {
		for n, bad := range judge(plain) {
			active[n] = active[n] || bad
		}
	}
	var out strings.Builder
	written := 0
	for n, at := 0, 0; ; n, at = n+1, at+1 {
		next := strings.IndexAny(text[at:], marks)
		if next < 0 {
			break
		}
		if at += next; active[n] {
			out.WriteString(text[written:at])
			out.WriteString(shown(text[at]))
			written = at + 1
		}
	}
	if written == 0 {
		return text
	}
	out.WriteString(text[written:])
	return out.String()
}

// marks are the characters that may begin something active, or end the name of it.
const marks = "<]"

// shown is a mark as text.
func shown(mark byte) string {
	if mark == '<' {
		return "&lt;"
	}
	return "&#93;"
}

// Suspect tells quickly whether Clean may have something to do in a text, or in one of
// the texts of a JSON document, where the marks may be escaped.
func Suspect(text []byte) bool {
	if bytes.IndexByte(text, '<') >= 0 || bytes.Contains(text, []byte(`\u00`)) {
		return true
	}
	for {
		at := bytes.IndexByte(text, ']')
		if at < 0 || at+1 == len(text) {
			return false
		}
		text = text[at+1:]
		if c := text[0]; c == '(' || c == ':' || isSpace(c) || c == '\\' {
			return true
		}
	}
}

// judge tells for each mark of the text, in order, whether it begins something active.
func judge(text string) []bool {
	s := scanner{text: text}
	var active []bool
	for at := 0; ; at++ {
		next := strings.IndexAny(text[at:], marks)
		if next < 0 {
			return active
		}
		at += next
		if text[at] == ']' {
			active = append(active, s.activeLink(at+1))
			continue
		}
		active = append(active, s.activeTag(at+1))
	}
}

// unquoted returns the text without the marks of quotations at the beginning of its
// lines.
func unquoted(text string) string {
	if !strings.ContainsAny(text, "\r\n") || !strings.Contains(text, ">") {
		return text
	}
	var out strings.Builder
	for len(text) > 0 {
		end := strings.IndexAny(text, "\r\n")
		if end < 0 {
			break
		}
		out.WriteString(text[:end+1])
		text = text[end+1:]
		rest := strings.TrimLeft(text, " \t>")
		if strings.Contains(text[:len(text)-len(rest)], ">") {
			text = rest
		}
	}
	out.WriteString(text)
	return out.String()
}

// isSpace tells what parts attributes in HTML.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' && c != '\v' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
