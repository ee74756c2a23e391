package search

import (
	"bytes"
	"html"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Tags around a found word, as clients' style sheets know them.
const (
	markStart = `<span class="text-highlighter">`
	markEnd   = `</span>`
)

// maxHighlighted is the length in bytes of text that is looked at a field.
const maxHighlighted = 10_000

// Highlighter marks the words of a query in the names and the description of
// hits. Everything else of the text is escaped for HTML.
type Highlighter struct {
	words    map[string]bool
	prefixes []string
}

// NewHighlighter collects the words of the query's text clauses.
func NewHighlighter(q Query) *Highlighter {
	h := &Highlighter{words: map[string]bool{}}
	h.collect(q)
	return h
}

func (h *Highlighter) collect(q Query) {
	switch q := q.(type) {
	case Bool:
		for _, list := range [][]Query{q.Must, q.Should} {
			for _, child := range list {
				h.collect(child)
			}
		}
	case QueryString:
		h.collect(q.Query)
	case Nested:
		h.collect(q.Query)
	case Match:
		h.text(q.Text, q.Prefix)
	case MatchPhrase:
		h.text(q.Text, q.Prefix)
	case MultiMatch:
		h.text(q.Text, q.Prefix)
	}
}

func (h *Highlighter) text(text string, prefix bool) {
	words := Words(text)
	for _, word := range words {
		h.words[word] = true
	}
	if prefix && len(words) > 0 {
		h.prefixes = append(h.prefixes, words[len(words)-1])
	}
}

func (h *Highlighter) wanted(run string) bool {
	wanted := false
	IndexWords(run, func(word string) {
		wanted = wanted || h.words[word]
		for _, prefix := range h.prefixes {
			wanted = wanted || strings.HasPrefix(word, prefix)
		}
	})
	return wanted
}

// Mark returns the marked text of each field that holds one of the words.
func (h *Highlighter) Mark(source jsontext.Value) map[string][]string {
	if len(h.words) == 0 {
		return nil
	}
	marked := map[string][]string{}
	dec := jsontext.NewDecoder(bytes.NewBuffer(source), jsontext.AllowDuplicateNames(true))
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return nil
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil
		}
		path := name.String()
		if path != "name" && path != "displayName" && path != "description" || dec.PeekKind() != '"' {
			if err := dec.SkipValue(); err != nil { // columns above all
				return nil
			}
			continue
		}
		value, err := dec.ReadToken()
		if err != nil {
			return nil
		}
		if text, found := h.mark(value.String()); found {
			marked[path] = append(marked[path], text)
		}
	}
	if dec.PeekKind() != '}' || len(marked) == 0 { // a damaged document, or nothing found
		return nil
	}
	return marked
}

func (h *Highlighter) mark(text string) (string, bool) {
	if len(text) > maxHighlighted {
		text = strings.ToValidUTF8(text[:maxHighlighted], "")
	}
	var b strings.Builder
	found, rest := false, 0
	offset := 0
	eachRun(text, func(run string) {
		start := offset + strings.Index(text[offset:], run)
		offset = start + len(run)
		if !h.wanted(run) {
			return
		}
		found = true
		b.WriteString(html.EscapeString(text[rest:start]))
		b.WriteString(markStart + html.EscapeString(run) + markEnd)
		rest = offset
	})
	b.WriteString(html.EscapeString(text[rest:]))
	return b.String(), found
}
