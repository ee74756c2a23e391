package richtext

import (
	"html"
	"slices"
	"strings"
)

// ActiveURL tells whether following an address, or loading it, may run a script.
func ActiveURL(address string) bool {
	scheme, rest, ok := strings.Cut(canonical(address), ":")
	if !ok {
		return false
	}
	switch scheme {
	case "javascript", "vbscript", "livescript":
		return true
	case "data":
		return activeData(rest)
	}
	return false
}

// activeData judges what a data address holds: pictures of pixels, sounds and films
// are harmless, and so is what has no media type, since it is plain text.
func activeData(rest string) bool {
	media, _, _ := strings.Cut(rest, ",")
	media, _, _ = strings.Cut(media, ";")
	kind, form, ok := strings.Cut(media, "/")
	if !ok || kind == "audio" || kind == "video" {
		return false
	}
	return kind != "image" || !slices.Contains([]string{"png", "jpeg", "jpg", "gif", "webp", "avif", "bmp", "x-icon", "vnd.microsoft.icon"}, form)
}

// canonical returns a value as browsers understand it: entities stand for characters,
// control characters and spaces for nothing, and case does not matter.
func canonical(value string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7F {
			return -1
		}
		return r
	}, strings.ToLower(html.UnescapeString(value)))
}

// activeLink judges what may be the address of a link, an image or a definition of one;
// at is behind the "]" that ends its text.
func (s *scanner) activeLink(at int) bool {
	blank := func(c byte) bool { return !isSpace(c) }
	definition := at < len(s.text) && s.text[at] == ':'
	if !definition {
		at = s.until(at, blank) // older dialects allow it
		if at >= len(s.text) || s.text[at] != '(' {
			return false
		}
	}
	at = s.until(at+1, blank)
	if at < len(s.text) && s.text[at] == '<' {
		at = s.until(at+1, blank)
	}
	return s.activeAddress(at)
}

// activeAddress judges the address that begins at a place of a Markdown text. What
// follows the colon must be there: fn[T](data: T) is no link.
func (s *scanner) activeAddress(at int) bool {
	end := s.until(at, func(c byte) bool { return !schemeCharacter(c) })
	address := withoutEscapes(s.text[at:end])
	colon := strings.IndexByte(html.UnescapeString(address), ':')
	if colon < 0 || strings.HasSuffix(html.UnescapeString(address), ":") && (end == len(s.text) || isSpace(s.text[end])) {
		return false
	}
	return ActiveURL(address)
}

// schemeCharacter tells whether a character may stand in what is looked at of an
// address: scheme and media type, with all that can hide them.
func schemeCharacter(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || strings.IndexByte("+-.:/;&#\\_*\t", c) >= 0 || c < ' ' && c != '\n' && c != '\r' || c >= 0x7F
}

// withoutEscapes takes away the backslashes that Markdown takes away.
func withoutEscapes(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && text[i+1] > ' ' && !isLetter(text[i+1]) {
			continue
		}
		out.WriteByte(text[i])
	}
	return out.String()
}
