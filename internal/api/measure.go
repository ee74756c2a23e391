package api

import (
	"bytes"
	"math"
	"strconv"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The measure of JSON in a body, whatever a schema says. It is looked at before anything
// is decoded, since a few bytes can stand for much that has to be kept.
const (
	maxNesting = 200     // lists and objects inside each other
	maxMembers = 20_000  // of one object
	maxItems   = 200_000 // of one list
	maxDigits  = 400     // characters of one number
)

// level is a list or object that is open.
type level struct {
	object bool
	commas int
}

// ruler holds what is open at one place of a text.
type ruler struct {
	open  [maxNesting]level
	depth int
}

// checkMeasure refuses JSON that is nested too deeply, has objects or lists that are too
// long, or numbers that no client can read. What is no JSON at all is left to the decoder.
func checkMeasure(data []byte) error {
	var r ruler
	for i := 0; i < len(data) && r.depth >= 0; i++ {
		switch b := data[i]; {
		case b == '"':
			if i = endOfString(data, i); i < 0 {
				return nil
			}
		case b == '-' || '0' <= b && b <= '9':
			end := endOfNumber(data, i)
			if i > 0 && isWord(data[i-1]) || end < len(data) && isWord(data[end]) {
				return nil // an id without quotes, which may hold 1e999
			}
			if err := checkNumber(data[i:end]); err != nil {
				return err
			}
			i = end - 1
		default:
			if err := r.pass(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// pass goes over a byte that is part of no string or number.
func (r *ruler) pass(b byte) error {
	switch b {
	case '{', '[':
		if r.depth == maxNesting {
			return entity.BadRequest("the body is nested deeper than %d levels", maxNesting)
		}
		r.open[r.depth] = level{object: b == '{'}
		r.depth++
	case '}', ']':
		r.depth--
	case ',':
		if r.depth > 0 {
			return r.open[r.depth-1].longer()
		}
	}
	return nil
}

// longer counts one more item or member.
func (l *level) longer() error {
	l.commas++
	switch {
	case l.object && l.commas >= maxMembers:
		return entity.BadRequest("an object in the body has more than %d members", maxMembers)
	case l.commas >= maxItems:
		return entity.BadRequest("a list in the body has more than %d items", maxItems)
	}
	return nil
}

// endOfString returns where the string ends that begins at start, -1 if it does not.
func endOfString(data []byte, start int) int {
	for i := start + 1; i < len(data); i++ {
		next := bytes.IndexByte(data[i:], '"')
		if next < 0 {
			return -1
		}
		quote := i + next
		escapes := 0
		for quote-escapes > start+1 && data[quote-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return quote
		}
		i = quote
	}
	return -1
}

// isWord tells whether a byte is of a name or an id, so that no number of JSON is next to it.
func isWord(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func endOfNumber(data []byte, start int) int {
	end := start
	for end < len(data) && bytes.IndexByte([]byte("0123456789+-.eE"), data[end]) >= 0 {
		end++
	}
	return end
}

// checkNumber refuses what does not fit into a double, which is what JSON's numbers are
// to most clients.
func checkNumber(text []byte) error {
	if len(text) > maxDigits {
		return entity.BadRequest("the body holds a number of more than %d characters", maxDigits)
	}
	if len(text) < 300 && !bytes.ContainsAny(text, "eE") {
		return nil
	}
	if f, err := strconv.ParseFloat(string(text), 64); err != nil && math.IsInf(f, 0) {
		return entity.BadRequest("the body holds a number that is too large")
	}
	return nil
}
