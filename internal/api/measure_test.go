package api

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestMeasureOfJSON(t *testing.T) {
	list := func(item string, n int) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	object := func(n int) string { return "{" + strings.Repeat(`"k":0,`, n-1) + `"k":0}` }
	nested := func(open, end string, n int) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }
	for name, test := range map[string]struct{ body, says string }{
		"nothing":                  {``, ""},
		"a word":                   {`true`, ""},
		"a string with brackets":   {`"` + strings.Repeat("[{", 500) + `"`, ""},
		"a string with quotes":     {`{"a":"\"` + strings.Repeat(`[`, 300) + `\"","b":"\\"}`, ""},
		"backslashes before quote": {`["\\\\",["\\\"` + strings.Repeat("[", 300) + `"]]`, ""},
		"digits in a string":       {`"` + strings.Repeat("9", 2*maxDigits) + `"`, ""},
		"an open string":           {`{"a":"b`, ""},
		"too many ends":            {`]]]]`, ""},
		"as deep as may be":        {nested("[", "]", maxNesting), ""},
		"too deep":                 {nested("[", "]", maxNesting+1), "nested deeper"},
		"too deep in objects":      {nested(`{"a":`, "}", maxNesting+1), "nested deeper"},
		"never closed":             {strings.Repeat("[", 1<<20), "nested deeper"},
		"deep one after the other": {list(nested("[", "]", maxNesting-1), 5), ""},
		"as many members":          {object(maxMembers), ""},
		"too many members":         {object(maxMembers + 1), "more than 20000 members"},
		"too many, further in":     {`{"a":[` + object(maxMembers+1) + `]}`, "more than 20000 members"},
		"as many items":            {list("{}", maxItems), ""},
		"too many items":           {list("{}", maxItems+1), "more than 200000 items"},
		"many lists":               {list(list("0", 100), 10_000), ""},
		"ordinary numbers":         {`[0,-1,1.5,1e10,-2.5E-300,1e-400,123456789012345678901234567890]`, ""},
		"a long number":            {`{"a":` + strings.Repeat("9", maxDigits+1) + `}`, "a number of more than 400 characters"},
		"a long fraction":          {`0.` + strings.Repeat("1", maxDigits), "a number of more than 400 characters"},
		"an exponent":              {`[1e400]`, "a number that is too large"},
		"a negative one":           {`{"a":{"b":-1E+309}}`, "a number that is too large"},
		"many digits":              {strings.Repeat("9", 350), "a number that is too large"},
		"not a number":             {`[1e+-.5.5]`, ""}, // for the decoder to say
	} {
		err := checkMeasure([]byte(test.body))
		if test.says == "" && err != nil || test.says != "" && (err == nil || entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

// FuzzMeasure: whatever is measured, nothing short is refused but for its numbers and
// its depth, and what is valid is measured like its compact form.
func FuzzMeasure(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2,{"b":"\\\"]"}]}`, `["\\"]`, `"`, `[[[`, `1e400`, `{"\\\\":"\\\\\""}`, `-`, `]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := checkMeasure(data)
		v := jsontext.Value(data).Clone()
		if v.Compact() != nil {
			return
		}
		if compact := checkMeasure(v); (compact == nil) != (err == nil) {
			t.Errorf("%q: %v, compact: %v", data, err, compact)
		}
	})
}

// Clients that follow something send the id of a user as it is: what looks like a huge
// number in it is none.
func TestAnIDIsNoNumber(t *testing.T) {
	for _, id := range []string{
		"01a22fd3-b0f0-71e4-8764-203a65b9e999", "1e999999-0000-4000-8000-000000000000", "a9e99999-0000-4000-8000-000000000000",
		"01a22fd3-9e99-7999-9e99-9e9999999999", "ae999999-0000-4000-8000-000000000000",
	} {
		if err := checkMeasure([]byte(id)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}
