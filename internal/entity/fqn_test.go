package entity

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestQuoteName(t *testing.T) {
	for _, c := range []struct{ name, quoted string }{
		{"orders", "orders"}, {"line.items", `"line.items"`}, {`say "hi"`, `"say ""hi"""`}, {`"`, `""""`}, {".", `"."`},
		{"two words", "two words"}, {"a/b", "a/b"}, {"日本", "日本"}, {"", ""},
		// What is quoted already stays so, or is unquoted when it needs no quotes.
		{`"line.items"`, `"line.items"`}, {`"orders"`, "orders"}, {`"say ""hi"""`, `"say ""hi"""`}, {`""`, `""""""`},
		{`"a"b"`, `"""a""b"""`}, {`"a`, `"""a"`},
	} {
		if got := QuoteName(c.name); got != c.quoted {
			t.Errorf("QuoteName(%q) = %q, want %q", c.name, got, c.quoted)
		}
	}
}

func TestSplitFQN(t *testing.T) {
	for fqn, want := range map[string][]string{
		"a": {"a"}, "a.b.c": {"a", "b", "c"}, `svc."line.items"`: {"svc", `"line.items"`}, `"a.b"."c""d".e`: {`"a.b"`, `"c""d"`, "e"},
		`"""".x`: {`""""`, "x"}, "a b.c/d": {"a b", "c/d"},
	} {
		got, err := SplitFQN(fqn)
		if err != nil {
			t.Errorf("%q: %v", fqn, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", fqn, d)
		}
	}
	for fqn, problem := range map[string]string{
		"": "must not be empty", ".": "empty part at offset 0", "a.": "empty part at offset 2", ".a": "empty part at offset 0", "a..b": "empty part at offset 2",
		`a"b`: "stray quote at offset 1", `"a`: "never closed", `""`: "empty part", `"a"b`: "needs a dot at offset 3", `a."b`: "offset 2", `a.""`: "empty part",
		strings.Repeat("a", 4*MaxFQN+1): "at most",
	} {
		_, err := SplitFQN(fqn)
		if err == nil || KindOf(err) != KindBadRequest || !strings.Contains(err.Error(), problem) {
			t.Errorf("SplitFQN(%.40q): %v, want a bad request that tells of %q", fqn, err, problem)
		}
	}
}

func TestRelativesOfFQNs(t *testing.T) {
	for fqn, want := range map[string]string{"a": "", "a.b": "a", `a."b.c"`: "a", `"a.b".c.d`: `"a.b".c`, "a..b": "", "": ""} {
		if got := ParentFQN(fqn); got != want {
			t.Errorf("ParentFQN(%q) = %q, want %q", fqn, got, want)
		}
	}
	for fqn, want := range map[string]string{`"a"."b.c"`: `a."b.c"`, `a.b`: "a.b", `"a`: `"a`, `"a"`: "a"} {
		if got := CanonicalFQN(fqn); got != want {
			t.Errorf("CanonicalFQN(%q) = %q, want %q", fqn, got, want)
		}
	}
	for _, c := range []struct {
		fqn, ancestor string
		want          bool
	}{{"a.b", "a", true}, {"a.b.c", "a", true}, {"ab.c", "a", false}, {"a", "a", false}, {"a", "a.b", false}, {`a."b.c"`, "a", true}} {
		if got := Under(c.fqn, c.ancestor); got != c.want {
			t.Errorf("Under(%q, %q) = %v", c.fqn, c.ancestor, got)
		}
	}
	if got := JoinFQN("", "a.b"); got != `"a.b"` {
		t.Errorf("JoinFQN at the root is %q", got)
	}
	if got := JoinFQN("s", `x"y`); got != `s."x""y"` {
		t.Errorf("JoinFQN is %q", got)
	}
}

// anyName draws names that are not already in quotes; those are taken as quoted.
func anyName() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z."]{1,8}`), rapid.StringOfN(rapid.Rune(), 1, 12, -1), rapid.SampledFrom([]string{".", `"`, `."`, "a", "ü.", " "}),
	).Filter(func(s string) bool { return s != "" && (len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"') })
}

func TestBuiltNamesComeApartAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(anyName(), 1, 6).Draw(t, "names")
		fqn := BuildFQN(names...)
		parts, err := SplitFQN(fqn)
		if err != nil {
			t.Fatalf("%q: %v", fqn, err)
		}
		var plain []string
		for _, part := range parts {
			plain = append(plain, UnquoteName(part))
		}
		if !slices.Equal(plain, names) {
			t.Fatalf("%q became %q and came apart as %q", names, fqn, plain)
		}
		if CanonicalFQN(fqn) != fqn {
			t.Fatalf("%q is not canonical", fqn)
		}
		if joined := JoinFQN(ParentFQN(fqn), names[len(names)-1]); joined != fqn {
			t.Fatalf("parent and name make %q out of %q", joined, fqn)
		}
		if len(names) > 1 && !Under(fqn, ParentFQN(fqn)) {
			t.Fatalf("%q is not under %q", fqn, ParentFQN(fqn))
		}
	})
}

// TestDifferentNamesStayDifferent: two lists of names never share an FQN.
func TestDifferentNamesStayDifferent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(anyName(), 1, 4).Draw(t, "a")
		b := rapid.SliceOfN(anyName(), 1, 4).Draw(t, "b")
		if BuildFQN(a...) == BuildFQN(b...) && !slices.Equal(a, b) {
			t.Fatalf("%q and %q share the name %q", a, b, BuildFQN(a...))
		}
	})
}

// FuzzFQN: what splits joins to the same name again, and nothing panics.
func FuzzFQN(f *testing.F) {
	for _, seed := range []string{
		"a.b.c", `svc."line.items".id`, `"a""b"."c"`, `"`, `""`, "..", "a.", `a"b`, `"a"b`, "\x00", "ü.日本", strings.Repeat("a.", 50) + "z", `"""".""""`, "\xff.\xfe",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, fqn string) {
		_, _, _ = ParentFQN(fqn), QuoteName(fqn), UnquoteName(fqn)
		canonical := CanonicalFQN(fqn)
		if CanonicalFQN(canonical) != canonical {
			t.Errorf("%q becomes %q, which is not stable", fqn, canonical)
		}
		parts, err := SplitFQN(fqn)
		if err != nil {
			if KindOf(err) != KindBadRequest {
				t.Errorf("%q: an error of kind %d", fqn, KindOf(err))
			}
			return
		}
		if strings.Join(parts, ".") != fqn {
			t.Errorf("%q came apart as %q", fqn, parts)
		}
		again, err := SplitFQN(canonical)
		if err != nil || len(again) != len(parts) {
			t.Errorf("%q has %d parts, its canonical form %q has %d: %v", fqn, len(parts), canonical, len(again), err)
		}
	})
}
