package richtext

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pieces are what hostile and harmless texts are made of.
var pieces = []string{
	"<", ">", "</", "/", "=", "\"", "'", "`", " ", "\n", "\n> ", "\t", "\r", "[", "](", "]:", "]", ")", "(", "<!--", "-->", "<![CDATA[", "]]>", "&lt;", "&#93;", "&", "\\", "x", "a b", "```", "~~~",
	"<img ", "<a ", "<p", "<b>", "</b>", "<script", "</script>", "<style>", "<svg", "<math>", "<form", "<object", "<title>", "<noscript>", "<template>", "<iframe", "<x, ", "<b:c ", "onerror", "onclick=alert(1)",
	"onerror=", "href=", "src=", "style=", "title=\"", "javascript:", "java&Tab;script:", "java\tscript:", "&#106;avascript:", "alert(1)", "data:text/html,", "data:image/png;base64,", "expression(", "https://x/", "- ", "> ", "1. ", "# ", "| ", "|-|",
}

func hostile(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 30).Draw(t, "pieces"), "")
}

// TestCleanTextsStayClean: cleaning twice is cleaning once, and no reader finds
// anything active in what is left, in whatever it is embedded.
func TestCleanTextsStayClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := hostile(t)
		got := Clean(text)
		if again := Clean(got); again != got {
			t.Fatalf("%q became %q, and then %q", text, got, again)
		}
		if plain := strings.NewReplacer("&lt;", "<", "&#93;", "]").Replace(got); plain != strings.NewReplacer("&lt;", "<", "&#93;", "]").Replace(text) {
			t.Fatalf("%q lost something: %q", text, got)
		}
		wantHarmless(t, text, got)
	})
}

// TestWordsAreNotTouched: a text without the marks stays as it is.
func TestWordsAreNotTouched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([^<\]]|<[^A-Za-z/]|\][^(:\s])*`).Draw(t, "text")
		if got := Clean(text); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// TestLongTexts: each of these would take hours if the time grew with the square of
// the length.
func TestLongTexts(t *testing.T) {
	for _, piece := range []string{
		"<a", "<a ", "<a b=\"", "<a b='\"", "<a x=\"<b x='\" ", "<a/", "<a =", "<form a ", "</a ", "<a\n> ", "](", "] ", "]:\n", "]( <", "<javascript", "<a:a", "a<b ", "<a                ", "&Tab;", "[x](data:", "<a b=&",
	} {
		text := strings.Repeat(piece, 300_000/len(piece))
		if got := Clean(text + " onclick=alert(1)>"); len(got) < len(text) {
			t.Errorf("%q: something is lost", piece)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, text := range legitimate {
		f.Add(text)
	}
	for _, text := range attacks {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2_000 {
			return // the readers in this test are slow, not what is tested
		}
		got := Clean(text)
		if again := Clean(got); again != got {
			t.Fatalf("%q became %q, and then %q", text, got, again)
		}
		wantHarmless(t, text, got)
	})
}

func BenchmarkClean(b *testing.B) {
	for name, text := range map[string]string{
		"words":  strings.Repeat("Orders of the shop, one row an order. ", 20),
		"HTML":   strings.Repeat(`<p>Orders of the <b>shop</b>, <a href="https://example.com">see</a>. </p>`, 20),
		"attack": strings.Repeat(`<img src=x onerror=alert(1)>`, 20),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Clean(text)
			}
		})
	}
}
