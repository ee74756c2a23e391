package jsonschema

import (
	"bytes"
	"fmt"
	"net/mail"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/richtext"
)

// The formats of secrets: the whole text, and what follows the host of a URI.
const (
	password  = "password"
	secretURI = "secret-uri"
)

// formatCheck returns the check of a format, nil when every text will do.
//
// Formats are checked as far as the server itself relies on them: a text that
// is merely unusual (an address without a scheme) passes.
func formatCheck(format string) (func([]byte) bool, error) {
	switch format {
	case "", password:
		return nil, nil
	case "uuid":
		return isUUID, nil
	case "email":
		return isEmail, nil
	case "uri", secretURI:
		return isURI, nil
	case "link":
		return isLink, nil
	case "date":
		return layoutCheck(time.DateOnly), nil
	case "time":
		return layoutCheck(time.TimeOnly, "15:04:05Z07:00", "15:04"), nil
	case "date-time":
		return layoutCheck(time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", time.DateTime), nil
	}
	return nil, fmt.Errorf("unknown format %q", format)
}

// isUUID accepts the canonical form, and the same without dashes.
func isUUID(text []byte) bool {
	if len(text) != 36 && len(text) != 32 {
		return false
	}
	for i, b := range text {
		dash := len(text) == 36 && (i == 8 || i == 13 || i == 18 || i == 23)
		if dash && b != '-' || !dash && !isHex(b) {
			return false
		}
	}
	return true
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

// isEmail wants one bare address with something on both sides of the @.
func isEmail(text []byte) bool {
	at := bytes.LastIndexByte(text, '@')
	if at <= 0 || at == len(text)-1 || bytes.ContainsAny(text, " \t\r\n<>") {
		return false
	}
	if simpleLocalPart(text[:at]) {
		return true
	}
	_, err := mail.ParseAddress(string(text))
	return err == nil
}

func simpleLocalPart(text []byte) bool {
	for _, b := range text {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && !bytes.ContainsRune([]byte("._-+"), rune(b)) {
			return false
		}
	}
	return true
}

// isURI refuses what cannot stand in an address: spaces and control characters.
func isURI(text []byte) bool {
	for _, b := range text {
		if b <= ' ' || b == 0x7F {
			return false
		}
	}
	return isLink(text)
}

// isLink refuses addresses that run something when people follow them.
func isLink(text []byte) bool { return !richtext.ActiveURL(string(text)) }

func layoutCheck(layouts ...string) func([]byte) bool {
	return func(text []byte) bool {
		for _, layout := range layouts {
			if _, err := time.Parse(layout, string(text)); err == nil {
				return true
			}
		}
		return false
	}
}
