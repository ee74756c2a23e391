package jsonlogic

import (
	"math"
	"strconv"
	"strings"
)

// Truth tells whether a value counts as true: everything but null, false, zero, the
// empty text and the empty list.
func Truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	}
	return true
}

// number is a value as a number; NaN, which fits no comparison, where it is none.
func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	case nil:
		return 0
	case string:
		text := strings.TrimSpace(v)
		if text == "" {
			return 0
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	}
	return math.NaN()
}

// textOf is a value as a text.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// equal compares two values. Loosely, a text and a number are the same when the text
// says that number. Lists and objects are equal to nothing.
func (r *run) equal(a, b any, loose bool) (bool, error) {
	if s, ok := a.(string); ok {
		if err := r.budget.spend(1 + len(s)/64); err != nil {
			return false, err
		}
	} else if err := r.budget.spend(1); err != nil {
		return false, err
	}
	if !scalar(a) || !scalar(b) {
		return false, nil
	}
	if a == b {
		return true, nil
	}
	_, aText := a.(string)
	_, bText := b.(string)
	if !loose || a == nil || b == nil || aText && bText {
		return false, nil
	}
	return number(a) == number(b), nil
}

func scalar(v any) bool {
	switch v.(type) {
	case nil, bool, float64, string:
		return true
	}
	return false
}
