package opensearch

import (
	"strconv"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// stored is a document as the cluster gets it.
type stored struct {
	ID      string               `json:"id"`
	Index   string               `json:"index"`
	Deleted bool                 `json:"deleted"`
	Facts   []string             `json:"facts,omitempty"`
	Terms   []string             `json:"t"`
	Phrase  []string             `json:"p,omitempty"`
	Text    []string             `json:"pa,omitempty"`
	Values  map[string][]string  `json:"f,omitempty"`
	Labels  map[string][]string  `json:"l,omitempty"`
	Numbers map[string][]float64 `json:"n,omitempty"`
	Steps   map[string][]float64 `json:"r,omitempty"`
	Source  string               `json:"source"`
}

// analysis takes a document apart.
type analysis struct {
	doc   *stored
	seen  map[string]struct{}
	words map[string]struct{} // by path and by group: texts repeat their words
	takes func(path string) bool
}

// analyze takes a document apart. takes tells the paths, as names of fields, that are sorted and counted by.
func analyze(doc search.Document, takes func(path string) bool) (*stored, error) {
	a := analysis{takes: takes, seen: map[string]struct{}{}, words: map[string]struct{}{}, doc: &stored{
		ID: doc.ID.String(), Index: doc.Index, Deleted: doc.Deleted, Source: string(doc.Source),
		Values: map[string][]string{}, Labels: map[string][]string{}, Numbers: map[string][]float64{}, Steps: map[string][]float64{},
	}}
	for _, fact := range doc.Facts {
		a.doc.Facts = append(a.doc.Facts, factTerm(fact))
	}
	return a.doc, search.WalkFields(doc.Source, a.value)
}

// columns are the fields of a document whose members have the name of a path.
func (s *stored) columns() []string {
	var names []string
	for path := range s.Values {
		names = append(names, fieldValues+"."+path)
	}
	for path := range s.Labels {
		names = append(names, fieldLabels+"."+path)
	}
	for path := range s.Numbers {
		names = append(names, fieldNumbers+"."+path)
	}
	for path := range s.Steps {
		names = append(names, fieldSteps+"."+path)
	}
	return names
}

// term adds a term and tells whether it is new.
func (a *analysis) term(term string) bool {
	if _, again := a.seen[term]; again {
		return false
	}
	a.seen[term] = struct{}{}
	a.doc.Terms = append(a.doc.Terms, term)
	return true
}

func (a *analysis) value(path string, v search.Value) {
	a.term(presence(path))
	if v.Kind == search.Present {
		return
	}
	if len(v.Text) <= search.MaxExact {
		key := v.Key()
		if a.term(exact(path, key)) && search.Indexed(path) {
			a.column(path, key, v)
		}
		if path == "fullyQualifiedName" && v.Kind == search.String {
			a.term(pathBackwards + "=" + backwards(key[1:]))
		}
	}
	if group, kind := search.GroupOf(path); group != search.NoGroup && v.Kind == search.String {
		a.text(path, group, kind, v)
	}
}

// column adds a value to what is sorted and counted.
func (a *analysis) column(path, key string, v search.Value) {
	name := escape(path)
	if !a.takes(name) {
		return
	}
	a.doc.Values[name] = append(a.doc.Values[name], text(key))
	switch v.Kind {
	case search.String:
		if key[1:] != v.Text {
			a.doc.Labels[name] = append(a.doc.Labels[name], v.Text)
		}
	case search.Number:
		a.doc.Numbers[name] = append(a.doc.Numbers[name], v.Number)
		if step, ok := search.RankedStep(v.Number); ok && search.IsRanked(path) {
			a.doc.Steps[name] = append(a.doc.Steps[name], step)
		}
	}
}

// text adds the words of a text.
func (a *analysis) text(path string, group search.Group, kind search.FieldKind, v search.Value) {
	if words := search.Words(v.Text); len(words) > 0 {
		if group == search.GroupName || group == search.GroupDisplayName {
			a.name(group, words)
		}
		a.doc.Text = append(a.doc.Text, strings.Join(words, " "))
		if kind != search.FieldExact {
			a.doc.Phrase = append(a.doc.Phrase, inPath(path, words))
		}
	}
	groupPath := pathOfGroup(group)
	search.IndexWords(v.Text, func(w string) {
		if _, again := a.words[path+":"+w]; again {
			return
		}
		a.words[path+":"+w] = struct{}{}
		if kind != search.FieldExact {
			a.term(word(path, w))
		}
		a.term(word(groupPath, w))
		a.term(word(pathAllWords, w))
	})
}

// inPath puts the path before each word.
func inPath(path string, words []string) string {
	with := make([]string, len(words))
	for i, w := range words {
		with[i] = word(path, w)
	}
	return strings.Join(with, " ")
}

// name adds a name as its words, and how many it has.
func (a *analysis) name(group search.Group, words []string) {
	if joined := strings.Join(words, " "); len(joined) <= search.MaxExact {
		a.term(pathNameWords + "=" + joined)
	}
	if group == search.GroupName && len(words) < search.LongNames {
		a.term(pathLength + "=" + strconv.Itoa(len(words)))
	}
}
