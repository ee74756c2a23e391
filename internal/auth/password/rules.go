package password

import (
	"crypto/rand"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The length of a password in characters.
const (
	MinLength = 8
	MaxLength = 128
)

// Check says why a password is not good enough for the user with this name and
// email: an error of entity.KindBadRequest that names every rule it breaks.
func Check(plain, name, email string) error {
	var broken []string
	if !utf8.ValidString(plain) || strings.ContainsFunc(plain, unicode.IsControl) {
		broken = append(broken, "must be text without control characters")
	}
	switch n := utf8.RuneCountInString(plain); {
	case n < MinLength:
		broken = append(broken, "must be of minimum 8 characters")
	case n > MaxLength:
		broken = append(broken, "must be of maximum 128 characters")
	}
	broken = append(broken, missingClasses(plain)...)
	if isOwn(plain, name, email) {
		broken = append(broken, "must not be the user's name or email")
	}
	if isCommon(plain) {
		broken = append(broken, "must not be one of the passwords that are tried first by everybody")
	}
	if len(broken) == 0 {
		return nil
	}
	return entity.BadRequest("Password %s", strings.Join(broken, ", "))
}

func missingClasses(plain string) []string {
	var upper, lower, digit, special bool
	for _, c := range plain {
		switch {
		case unicode.IsUpper(c):
			upper = true
		case unicode.IsLower(c):
			lower = true
		case unicode.IsDigit(c):
			digit = true
		case !unicode.IsLetter(c):
			special = true
		}
	}
	var missing []string
	for _, class := range []struct {
		has  bool
		text string
	}{
		{upper, "must have an upper case letter"},
		{lower, "must have a lower case letter"},
		{digit, "must have a digit"},
		{special, "must have a special character"},
	} {
		if !class.has {
			missing = append(missing, class.text)
		}
	}
	return missing
}

func isOwn(plain, name, email string) bool {
	local, _, _ := strings.Cut(email, "@")
	for _, own := range []string{name, email, local} {
		if own != "" && strings.EqualFold(plain, own) {
			return true
		}
	}
	return false
}

// Generate makes a random password of 24 characters that obeys the rules.
func Generate() (string, error) {
	// Letters and digits that are hard to mistake for each other.
	const upper, lower, digits = "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz", "23456789"
	sets := []string{upper, lower, digits, "-_+=.:"}
	for len(sets) < 24 {
		sets = append(sets, upper+lower+digits)
	}
	chars := make([]byte, len(sets))
	for i, set := range sets {
		c, err := random(len(set))
		if err != nil {
			return "", err
		}
		chars[i] = set[c]
	}
	for i := len(chars) - 1; i > 0; i-- {
		j, err := random(i + 1)
		if err != nil {
			return "", err
		}
		chars[i], chars[j] = chars[j], chars[i]
	}
	return string(chars), nil
}

func random(n int) (int, error) {
	v, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0, err
	}
	return int(v.Int64()), nil
}
