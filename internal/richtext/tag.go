package richtext

import (
	"html"
	"slices"
	"strings"
)

// scanner judges the tags and links of one text. A character is looked at a few times
// at most, however tags lie in each other: where one of them goes on as another one
// did, the answer is known.
type scanner struct {
	text   string
	name   int          // where the name ends that was read last
	loose  map[int]bool // by the place from which attributes were read
	strict map[int]bool
}

// always are the elements that are active whatever they hold, or that change what the
// text around them is.
var always = []string{
	"applet", "embed", "fencedframe", "frame", "frameset", "iframe", "listing", "math", "noembed", "noframes", "noscript", "plaintext",
	"script", "style", "svg", "template", "textarea", "title", "xmp",
}

// withValues are the elements that do something once an attribute of theirs has a
// value. Without one they are as likely the parameter of a generic type: List<Object>.
var withValues = []string{"base", "form", "link", "meta", "object", "param"}

// activeTag judges what may be a tag; at is behind the "<".
func (s *scanner) activeTag(at int) bool {
	closing := at < len(s.text) && s.text[at] == '/'
	if closing {
		at++
	}
	if at >= len(s.text) || !isLetter(s.text[at]) {
		return false
	}
	if s.activeAddress(at) { // <javascript:...>
		return true
	}
	if s.name < at {
		s.name = s.until(at, func(c byte) bool { return isSpace(c) || c == '/' || c == '>' })
	}
	name := ""
	if s.name-at < 100 {
		name = strings.ToLower(s.text[at:s.name])
		name = name[strings.LastIndexByte(name, ':')+1:] // of a namespace
	}
	if slices.Contains(always, name) {
		return true
	}
	if closing {
		return false
	}
	if slices.Contains(withValues, name) {
		return s.activeAttributes(s.name, &s.strict, func(string, string) bool { return true })
	}
	return s.activeAttributes(s.name, &s.loose, activeAttribute)
}

// until returns the place of the first character that stops, or the end of the text.
func (s *scanner) until(at int, stops func(byte) bool) int {
	for at < len(s.text) && !stops(s.text[at]) {
		at++
	}
	return at
}

// activeAttributes reads attributes as browsers do, up to the end of the tag or of the
// text: what is put behind the text may end the tag. known are the answers so far.
func (s *scanner) activeAttributes(at int, known *map[int]bool, bad func(name, value string) bool) bool {
	if *known == nil {
		*known = map[int]bool{}
	}
	var passed []int
	active, ok := false, false
	for {
		if active, ok = (*known)[at]; ok {
			break
		}
		passed = append(passed, at)
		if at = s.until(at, func(c byte) bool { return !isSpace(c) && c != '/' }); at >= len(s.text) || s.text[at] == '>' {
			break
		}
		var name, value string
		if name, value, at = s.attribute(at); value != "" && bad(name, value) {
			active = true
			break
		}
	}
	for _, place := range passed {
		(*known)[place] = active
	}
	return active
}

// attribute reads one attribute and returns it with the place behind it.
func (s *scanner) attribute(at int) (name, value string, end int) {
	end = s.until(at+1, func(c byte) bool { return isSpace(c) || c == '/' || c == '>' || c == '=' })
	name = strings.ToLower(s.text[at:end])
	equals := s.until(end, func(c byte) bool { return !isSpace(c) })
	if equals >= len(s.text) || s.text[equals] != '=' {
		return name, "", end
	}
	begin := s.until(equals+1, func(c byte) bool { return !isSpace(c) })
	if begin < len(s.text) && (s.text[begin] == '"' || s.text[begin] == '\'') {
		quote := s.text[begin]
		if end = s.until(begin+1, func(c byte) bool { return c == quote }); end < len(s.text) {
			return name, s.text[begin+1 : end], end + 1
		}
		return name, s.text[begin+1:] + beyond, end
	}
	if begin == len(s.text) {
		return name, beyond, begin
	}
	end = s.until(begin, func(c byte) bool { return isSpace(c) || c == '>' })
	return name, s.text[begin:end], end
}

// beyond stands for what a page has behind the text: markup.
const beyond = "</"

// words are the attributes whose values are only shown or compared.
var words = []string{"alt", "class", "content", "id", "label", "lang", "name", "placeholder", "title"}

func activeAttribute(name, value string) bool {
	switch {
	case name == "formaction", name == "srcdoc":
		return true
	case handlerName(name):
		return !oneWord(value)
	case name == "style":
		return activeStyle(value)
	case strings.HasPrefix(name, "aria-"), strings.HasPrefix(name, "data-"), slices.Contains(words, name):
		return false
	}
	return ActiveURL(value)
}

// handlerName tells whether an attribute is one of those that run their value.
func handlerName(name string) bool {
	return len(name) > 2 && name[:2] == "on" && !strings.ContainsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' })
}

// oneWord tells whether a value is a word or a number, which runs nothing: in
// "a <b AND online=1" there is no tag.
func oneWord(value string) bool {
	return !strings.ContainsFunc(html.UnescapeString(value), func(r rune) bool {
		return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && r != '_' && r != '-'
	})
}

// activeStyle finds what runs scripts or loads other styles. Escapes and comments have
// no place in the styles that editors write.
func activeStyle(value string) bool {
	plain := canonical(value)
	for _, part := range []string{`\`, "/*", "expression(", "javascript:", "vbscript:", "behavior:url", "-moz-binding", "@import"} {
		if strings.Contains(plain, part) {
			return true
		}
	}
	return false
}
