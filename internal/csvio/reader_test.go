package csvio

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text string
		want [][]string
	}{
		"nothing":                {"", nil},
		"only empty lines":       {"\r\n\n\r", nil},
		"two rows":               {"a,b\r\nc,d\r\n", [][]string{{"a", "b"}, {"c", "d"}}},
		"no line end at the end": {"a,b\nc,d", [][]string{{"a", "b"}, {"c", "d"}}},
		"empty cells":            {",\n,x,\n", [][]string{{"", ""}, {"", "x", ""}}},
		"empty lines between":    {"a\n\n\r\nb\n", [][]string{{"a"}, {"b"}}},
		"quotes":                 {"\"a,b\",\"say \"\"hi\"\"\"\n", [][]string{{"a,b", `say "hi"`}}},
		"line ends in quotes":    {"\"a\r\nb\",\"c\nd\",\"e\rf\"\n", [][]string{{"a\r\nb", "c\nd", "e\rf"}}},
		"empty quotes":           {`"",""`, [][]string{{"", ""}}},
		"quote inside a cell":    {`a"b,c"`, [][]string{{`a"b`, `c"`}}},
		"spaces are kept":        {" a , b ", [][]string{{" a ", " b "}}},
		"byte order mark":        {"\uFEFFname*\nx\n", [][]string{{"name*"}, {"x"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parse([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the records differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct{ text, says string }{
		"open quote":         {"a,b\n\"c,d\n", "record 2: a quote is never closed"},
		"text after a quote": {`"a"b,c`, "text follows a closing quote"},
		"invalid UTF-8":      {"a,\xff\n", "not valid UTF-8"},
		"NUL":                {"a,\x00\n", "NUL"},
		"too many cells":     {strings.Repeat(",", maxCells+1), "more than 200 cells"},
		"too long a record":  {strings.Repeat("x", maxRecord+1), "longer than"},
		"too many rows":      {strings.Repeat("a\n", maxRows+2), "more than 100000 rows"},
		"too many in all":    {strings.Repeat(strings.Repeat(",", 199)+"\n", maxFile/200+1), "more than 2000000 cells"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parse([]byte(test.text))
			if err == nil {
				t.Fatalf("%d records were read", len(got))
			}
			if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, want a bad request that says %q", err, test.says)
			}
		})
	}
}

// cellText draws texts full of what is special.
func cellText() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{`"`, ",", ";", "\r\n", "\n", "\r", "'", "=", "+", "-", "@", "\t", " ", "＝", ":", "é", "\uFEFF", "{", "1", "true", "\\"}),
		rapid.StringMatching(`[a-zA-Z0-9 .]{0,6}`),
	)
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "") })
}

func TestRecordsSurviveTheRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(2, 5).Draw(t, "width")
		records := rapid.SliceOfN(rapid.SliceOfN(cellText(), width, width), 1, 6).Draw(t, "records")
		var out strings.Builder
		w := writer{to: &out}
		for _, record := range records {
			if err := w.record(record...); err != nil {
				t.Fatal(err)
			}
		}
		got, err := parse([]byte(out.String()))
		if err != nil {
			t.Fatalf("%v in %q", err, out.String())
		}
		for _, record := range got {
			for i, cell := range record {
				if strings.IndexAny(strings.TrimLeft(cell, " \uFEFF"), "=+-@\t\r\n＝＋－＠") == 0 {
					t.Fatalf("a spreadsheet would run the cell %q", cell)
				}
				record[i] = unguard(cell)
			}
		}
		if diff := cmp.Diff(records, got); diff != "" {
			t.Fatalf("the records differ (-written +read):\n%s", diff)
		}
	})
}

func TestGuard(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", "a=b": "a=b", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx",
		"'": "'", "'quoted'": "'quoted'", "'=1": "''=1", "''-": "'''-",
		"\n=1": "'\n=1", " =1": "' =1", " a": " a", "\u00a0+1": "'\u00a0+1", "＝1": "'＝1", "＠x": "'＠x", "\uFEFF-1": "'\uFEFF-1", "' =1": "'' =1", "' a": "' a", "1-1": "1-1",
	} {
		if got := guard(text); got != want {
			t.Errorf("guard(%q) is %q, want %q", text, got, want)
		}
		if got := unguard(guard(text)); got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a,b\r\nc,d\r\n", "\"a\"\"b\",\"c\nd\"", "'=1,'+2\n", "\uFEFFname*,x\n\n", `"`, `a"b`, ",,,\n\"\",\"\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := parse(data)
		if err != nil {
			if entity.KindOf(err) != entity.KindBadRequest || !utf8.ValidString(err.Error()) {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		var out strings.Builder
		w := writer{to: &out}
		for _, record := range records {
			for i, cell := range record {
				record[i] = unguard(cell)
			}
			if len(record) == 1 && record[0] == "" {
				return // a single empty cell is an empty line
			}
			if err := w.record(record...); err != nil {
				t.Fatal(err)
			}
		}
		again, err := parse([]byte(out.String()))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v in %q", err, out.String())
		}
		for _, record := range again {
			for i, cell := range record {
				record[i] = unguard(cell)
			}
		}
		if !slices.EqualFunc(records, again, slices.Equal[[]string]) {
			t.Fatalf("%q came back as %q", records, again)
		}
	})
}
