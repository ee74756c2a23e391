package entity

import "strings"

// SplitAddress cuts a URL behind the sign that follows its host: what comes after may
// be a secret, as in the address of a chat's webhook. The second part is "" if nothing
// comes after, or if the text is no URL with a host.
func SplitAddress(text string) (host, rest string) {
	scheme, after, ok := strings.Cut(text, "://")
	if !ok {
		return text, ""
	}
	end := strings.IndexAny(after, "/?#") + 1
	if end <= 1 {
		return text, ""
	}
	return scheme + "://" + after[:end], after[end:]
}
