package password

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"

	"github.com/trustelem/zxcvbn/frequency"
)

// stems are the words that common passwords grow from by capitals, digits and
// signs; a list of words beats a list of passwords, since the other rules force
// everybody into the same few decorations of them.
//
//go:embed stems.txt
var stems string

// listedCount is how many of the most common passwords are refused.
const listedCount = 10_000

// listed are the passwords that leaked most often, in lower case, the most common
// first: the list that zxcvbn estimates the strength of passwords by.
func listed() []string { return frequency.FrequencyLists["passwords"][:listedCount] }

// minStem is the shortest word that makes a password common by itself.
const minStem = 4

// common holds the stems, the listed passwords, and the words that those grow from.
var common = sync.OnceValue(func() map[string]struct{} {
	words := make(map[string]struct{}, 2*listedCount)
	for line := range strings.Lines(stems) {
		words[strings.TrimSpace(line)] = struct{}{}
	}
	for _, word := range listed() {
		words[word] = struct{}{}
		for _, core := range coresOf(word) {
			if len(core) >= minStem {
				words[core] = struct{}{}
			}
		}
	}
	return words
})

// leet undoes the usual replacements of letters.
var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "i")

// coresOf takes the decoration off a password in lower case, in the ways that people
// put it on.
func coresOf(lower string) []string {
	decoration := func(c rune) bool { return !unicode.IsLetter(c) }
	sign := func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }
	return []string{
		strings.TrimFunc(lower, sign),
		strings.TrimFunc(lower, decoration),
		strings.TrimFunc(leet.Replace(strings.TrimRightFunc(lower, decoration)), decoration),
		strings.TrimFunc(leet.Replace(lower), decoration),
	}
}

// isCommon tells whether the password is a common one, or a common word with
// decoration around it.
func isCommon(plain string) bool {
	words := common()
	for _, core := range coresOf(strings.ToLower(plain)) {
		if _, ok := words[core]; ok {
			return true
		}
	}
	return false
}
