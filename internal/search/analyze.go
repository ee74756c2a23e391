package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord is the length in bytes at which words are cut, in the index and in
// queries alike.
const maxWord = 64

// Words splits text into the words that queries and phrases compare: runs of
// letters and digits, divided where camelCase or the kind of character changes,
// lower-cased, without diacritics and without the ending of an English plural.
// Each Chinese, Japanese or Korean character is a word of its own.
func Words(text string) []string {
	var words []string
	eachRun(fold(text), func(run string) {
		eachPart(run, func(part string) { words = append(words, cutWord(singular(part))) })
	})
	return words
}

// IndexWords calls yield with the words of Words, with plurals as they are written
// and, for each run that was divided, with the undivided run, so that "orderitems"
// finds OrderItems.
func IndexWords(text string, yield func(word string)) {
	eachRun(fold(text), func(run string) {
		parts := 0
		eachPart(run, func(part string) {
			parts++
			one := singular(part)
			yield(cutWord(one))
			if one != part {
				yield(cutWord(part))
			}
		})
		if parts > 1 && !isIdeographic(firstRune(run)) {
			whole := strings.ToLower(run)
			yield(cutWord(whole))
			if one := singular(whole); one != whole {
				yield(cutWord(one))
			}
		}
	})
}

// singular takes the ending of an English plural off. Words and index lose it alike,
// so that a word that is none only looks odd.
func singular(word string) string {
	n := len(word)
	if n < 4 {
		return word
	}
	if word[n-1] == 's' && !strings.Contains("sui", word[n-2:n-1]) { // not class, status, analysis
		if strings.HasSuffix(word, "ies") && n > 4 {
			return word[:n-3] + "y"
		}
		word = word[:n-1]
	}
	for _, end := range []string{"che", "she", "sse", "xe"} { // batches as batch, and so caches as cache
		if strings.HasSuffix(word, end) {
			return word[:len(word)-1]
		}
	}
	return word
}

// unfolded are letters that Unicode does not take for another with a diacritic.
var unfolded = strings.NewReplacer("ß", "ss", "ẞ", "SS", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L",
	"đ", "d", "Đ", "D", "ð", "d", "Ð", "D", "þ", "th", "Þ", "Th", "ı", "i")

// fold takes diacritics off and leaves case alone.
func fold(text string) string {
	if isASCII(text) {
		return text
	}
	text = norm.NFKD.String(unfolded.Replace(strings.ToValidUTF8(text, " ")))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, text)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func firstRune(text string) rune {
	r, _ := utf8.DecodeRuneInString(text)
	return r
}

func isIdeographic(r rune) bool {
	return r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// eachRun visits the runs of letters and digits.
func eachRun(text string, visit func(run string)) {
	start := -1
	for i, r := range text {
		word := unicode.IsLetter(r) || unicode.IsDigit(r)
		switch {
		case word && start < 0:
			start = i
		case !word && start >= 0:
			visit(text[start:i])
			start = -1
		}
	}
	if start >= 0 {
		visit(text[start:])
	}
}

type charClass int

const (
	classLower charClass = iota
	classUpper
	classDigit
	classIdeograph
)

func classOf(r rune) charClass {
	switch {
	case isIdeographic(r):
		return classIdeograph
	case unicode.IsDigit(r):
		return classDigit
	case unicode.IsUpper(r):
		return classUpper
	}
	return classLower
}

// eachPart visits the parts of a run: HTTPServer2 is http, server, 2.
func eachPart(run string, visit func(part string)) {
	start, previousStart := 0, 0
	previous := classOf(firstRune(run))
	for i, r := range run {
		if i == 0 {
			continue
		}
		class := classOf(r)
		cut := -1
		switch {
		case class == classIdeograph || previous == classIdeograph:
			cut = i
		case class == previous:
		case previous == classUpper && class == classLower:
			cut = previousStart
		default:
			cut = i
		}
		if cut > start {
			visit(strings.ToLower(run[start:cut]))
			start = cut
		}
		previous, previousStart = class, i
	}
	visit(strings.ToLower(run[start:]))
}

func cutWord(word string) string {
	if len(word) <= maxWord {
		return word
	}
	end := maxWord
	for end > 0 && !utf8.RuneStart(word[end]) {
		end--
	}
	return word[:end]
}

// Edits resolves FuzzyAuto for a word.
func (f Fuzziness) Edits(word string) int {
	if f != FuzzyAuto {
		return min(int(f), 2)
	}
	if word != "" && classOf(firstRune(word)) == classDigit {
		return 0 // another number is no typing error
	}
	switch n := utf8.RuneCountInString(word); {
	case n <= 2:
		return 0
	case n <= 5:
		return 1
	}
	return 2
}

// WithinEdits tells whether word can be made from wanted with at most the given
// number of insertions, deletions, replacements and swaps of neighbours. The
// first character has to agree, so that an index can narrow its dictionary.
func WithinEdits(wanted, word string, edits int) bool {
	if wanted == word {
		return true
	}
	if edits <= 0 || wanted == "" || word == "" || firstRune(wanted) != firstRune(word) {
		return false
	}
	a, b := []rune(wanted), []rune(word)
	if diff := len(a) - len(b); diff > edits || -diff > edits {
		return false
	}
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		best := i
		for j := 1; j <= len(b); j++ {
			current[j] = editCost(a, b, i, j, before, previous, current)
			best = min(best, current[j])
		}
		if best > edits {
			return false
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)] <= edits
}

func editCost(a, b []rune, i, j int, before, previous, current []int) int {
	replace := previous[j-1]
	if a[i-1] != b[j-1] {
		replace++
	}
	cost := min(replace, previous[j]+1, current[j-1]+1)
	if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
		cost = min(cost, before[j-2]+1)
	}
	return cost
}
