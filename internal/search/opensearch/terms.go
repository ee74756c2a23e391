package opensearch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Paths that no document has, for terms of the engine itself.
const (
	pathAllWords  = "@w" // the words of all text
	pathNameWords = "@n" // names and display names as their words
	pathLength    = "@l" // how many words the name has
	pathBackwards = "@b" // the full name, read from its end
	pathNothing   = "@0" // no document has it
)

// pathOfGroup holds the words of a group of text.
func pathOfGroup(group search.Group) string { return fmt.Sprintf("@%d", group) }

// longestPath is how long a path may get before a digest stands for its end.
const longestPath = 200

// escape turns a path of a document into the name of a field: letters, digits, dashes, underscores, and a slash for each
// dot, so that a path is no path to the cluster.
func escape(path string) string {
	plain := true
	for i := range len(path) {
		plain = plain && isPlain(path[i])
	}
	if plain && len(path) <= longestPath {
		return path
	}
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case isPlain(c):
			b.WriteByte(c)
		case c == '.':
			b.WriteByte('/')
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() <= longestPath {
		return b.String()
	}
	digest := sha256.Sum256([]byte(path))
	return b.String()[:longestPath-40] + "/" + hex.EncodeToString(digest[:16])
}

func isPlain(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// text is a key as text: the kind as a letter, then the value. Texts order as keys do.
func text(key string) string {
	if key == "" {
		return ""
	}
	kind, rest := "abnst"[min(key[0], 4):min(key[0], 4)+1], key[1:]
	switch search.ValueKind(key[0]) {
	case search.Boolean:
		if rest == "" {
			return kind
		}
		return kind + string('0'+rest[0]) + rest[1:]
	case search.Number:
		digits := min(len(rest), 8)
		return kind + hex.EncodeToString([]byte(rest[:digits])) + rest[digits:]
	}
	return kind + rest
}

// key is the key that a text stands for.
func key(text string) string {
	if text == "" {
		return ""
	}
	switch text[0] {
	case 'b':
		if len(text) == 2 {
			return "\x01" + string(text[1]-'0')
		}
	case 'n':
		if raw, err := hex.DecodeString(text[1:]); err == nil {
			return "\x02" + string(raw)
		}
	case 's':
		return "\x03" + text[1:]
	}
	return ""
}

// presence is the term of a path that holds something.
func presence(path string) string { return escape(path) + "!" }

// exact is the term of a value.
func exact(path, key string) string { return escape(path) + "=" + text(key) }

// word is the term of a word.
func word(path, word string) string {
	if !strings.HasPrefix(path, "@") {
		path = escape(path)
	}
	return path + ":" + word
}

// factTerm keeps a fact as it is; a long one goes by its digest.
func factTerm(fact string) string {
	if len(fact) > 1000 || !utf8.ValidString(fact) {
		digest := sha256.Sum256([]byte(fact))
		return "#" + hex.EncodeToString(digest[:])
	}
	return "=" + fact
}

// backwards turns the characters of a text round, so that an end becomes a beginning.
func backwards(text string) string {
	runes := []rune(text)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}
