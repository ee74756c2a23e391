package search

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"customer_order.ID":  {"customer", "order", "id"},
		"HTTPServer2":        {"http", "server", "2"},
		"OrderItems":         {"order", "item"},
		"categories boxes":   {"category", "box"},
		"caches cache":       {"cach", "cach"},
		"batches batch":      {"batch", "batch"},
		"address status":     {"address", "status"},
		"addresses bus":      {"address", "bus"},
		"Straße Łódź Tromsø": {"strass", "lodz", "tromso"},
		"Café Ünïcode":       {"cafe", "unicode"},
		"注文table":            {"注", "文", "table"},
		"t04_000024":         {"t", "04", "000024"},
		"--":                 nil,
	} {
		if got := Words(text); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	var indexed []string
	IndexWords("OrderItems x", func(word string) { indexed = append(indexed, word) })
	if !slices.Equal(indexed, []string{"order", "item", "items", "orderitems", "orderitem", "x"}) {
		t.Errorf("indexed %q", indexed)
	}
}

// What a query looks for is always in the index of the same text.
func TestWordsAreIndexed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		indexed := map[string]bool{}
		IndexWords(text, func(word string) { indexed[word] = true })
		for _, word := range Words(text) {
			if word == "" || len(word) > maxWord || !indexed[word] {
				t.Fatalf("%q is not indexed", word)
			}
		}
	})
}

func TestWithinEdits(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		edits int
		want  bool
	}{
		{"order", "order", 0, true}, {"order", "ordre", 1, true}, {"order", "orders", 1, true}, {"order", "oder", 1, true},
		{"order", "border", 2, false}, {"customer", "costumers", 2, false}, {"customer", "costumer", 2, true}, {"customer", "cstmr", 2, false}, {"a", "", 1, false},
	} {
		if got := WithinEdits(c.a, c.b, c.edits); got != c.want {
			t.Errorf("%s, %s within %d: %t", c.a, c.b, c.edits, got)
		}
	}
}

// Keys order as the values do.
func TestKeysKeepTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(-1e15, 1e15).Draw(t, "a"), rapid.Float64Range(-1e15, 1e15).Draw(t, "b")
		x, y := Value{Kind: Number, Number: a}.Key(), Value{Kind: Number, Number: b}.Key()
		if (a < b) != (x < y) || KeyValue(x) != a {
			t.Fatalf("%g and %g: %q and %q", a, b, x, y)
		}
	})
}
