package api

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/pages"
)

// maxReturn bounds the address to return to.
const maxReturn = 2048

// callbackPaths are the paths of a user interface that take people back after a
// sign-in; an absolute address must have one of them.
func callbackPaths() []string { return []string{"/callback", "/auth/callback", "/silent-callback"} }

// returnTo checks where a sign-in should end: a path of this server, or one of the
// callback paths at a listed origin. Everything that some browser might read in
// another way than we do is refused.
func (s SignOnSettings) returnTo(asked []string) (string, error) {
	if len(asked) == 0 || len(asked) == 1 && asked[0] == "" {
		return defaultReturn, nil
	}
	if len(asked) == 1 && (localPath(asked[0]) || s.listed(asked[0])) {
		return asked[0], nil
	}
	return "", auth.Refuse(auth.CodeRedirect)
}

// plain tells whether a text holds nothing but printable ASCII that browsers leave
// as it is in an address.
func plain(text string) bool {
	return len(text) <= maxReturn && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\<>\"`{}|^", r)
	})
}

// localPath tells whether an address is a path of this server in every reading.
func localPath(address string) bool {
	if !plain(address) || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") {
		return false
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Opaque != "" || u.Host != "" || u.User != nil || strings.Contains(u.EscapedPath(), "//") {
		return false
	}
	return soundPath(u.EscapedPath())
}

// soundPath refuses dots that climb and escapes that could become separators, also
// by a second round of unescaping.
func soundPath(escaped string) bool {
	for range 3 {
		for segment := range strings.SplitSeq(escaped, "/") {
			plain, err := url.PathUnescape(segment)
			if err != nil || !utf8.ValidString(plain) || plain == "." || plain == ".." || strings.ContainsFunc(plain, separates) {
				return false
			}
		}
		next, err := url.PathUnescape(escaped)
		if err != nil {
			return false
		}
		if next == escaped {
			return true
		}
		escaped = next
	}
	return false
}

// separates tells of characters that some reader takes for the end of a path or of
// a segment.
func separates(r rune) bool {
	return r < ' ' || r == 0x7f || r == '/' || r == '\\' || r >= 0x80 && strings.ContainsRune("\u2044\u2215\u29f8\uff0f\uff3c\u3002\uff0e\uff61", r)
}

// listed tells whether an absolute address leads to a callback path of an origin
// that an administrator named.
func (s SignOnSettings) listed(address string) bool {
	if !plain(address) {
		return false
	}
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Opaque != "" || u.Fragment != "" || !slices.Contains(callbackPaths(), u.EscapedPath()) {
		return false
	}
	origin := pages.Origin(address)
	// Written in another way than its origin says it could be read in another way.
	if origin == "" || !strings.HasPrefix(address, origin+"/") {
		return false
	}
	if origin == pages.Origin(s.PublicURL) {
		return true
	}
	return slices.ContainsFunc(s.AllowedRedirectOrigins, func(allowed string) bool { return pages.Origin(allowed) == origin })
}

// ownAddress tells whether a checked address is on this server.
func (s SignOnSettings) ownAddress(address string) bool {
	return strings.HasPrefix(address, "/") || pages.Origin(s.PublicURL) != "" && pages.Origin(address) == pages.Origin(s.PublicURL)
}

// link makes an address that others can follow out of a path, "" if the server was
// not told where browsers reach it.
func (s SignOnSettings) link(path string) string {
	origin := pages.Origin(s.PublicURL)
	if origin == "" {
		return ""
	}
	return origin + path
}
