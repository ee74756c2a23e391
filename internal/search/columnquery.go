package search

import (
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// ofTables turns a query of columns into one that all tables match that may hold
// such columns; the columns themselves are compared afterwards. What it cannot tell
// by the table matches every table.
func ofTables(q Query) Query {
	switch q := q.(type) {
	case Bool:
		return boolOfTables(q)
	case QueryString:
		return ofTables(q.Query)
	case Nested:
		return ofTables(q.Query)
	case Match:
		if path, whole := comparesWhole(q.Field); whole {
			return valueOfTables(path, []string{q.Text})
		}
		return MultiMatch{Text: q.Text, Operator: q.Operator, Fuzziness: q.Fuzziness, Prefix: q.Prefix}
	case MatchPhrase:
		if path, whole := comparesWhole(q.Field); whole {
			return valueOfTables(path, []string{q.Text})
		}
		return MultiMatch{Text: q.Text, Operator: And, Prefix: q.Prefix}
	case MultiMatch:
		return multiOfTables(q)
	case Term:
		return valueOfTables(basePathOf(q.Field), []string{q.Value})
	case Terms:
		return valueOfTables(basePathOf(q.Field), q.Values)
	case Prefix:
		return prefixOfTables(q)
	case IDs:
		return idsOfTables(q.Values)
	case MatchNone:
		return q
	}
	return MatchAll{}
}

func basePathOf(field string) string {
	path, _ := BasePath(field)
	return path
}

func boolOfTables(q Bool) Query {
	all := Bool{}
	for _, child := range q.Must {
		all.Must = append(all.Must, ofTables(child))
	}
	for _, child := range q.Filter {
		all.Filter = append(all.Filter, ofTables(child))
	}
	if q.ShouldNeeded() == 0 && len(all.Must)+len(all.Filter) == 0 {
		all.Filter = append(all.Filter, MatchAll{}) // nothing of Should is needed
	}
	for _, child := range q.Should {
		all.Should = append(all.Should, ofTables(child))
	}
	all.MinShould = min(q.ShouldNeeded(), 1) // several columns may share what one needs
	if len(all.Must)+len(all.Filter)+len(all.Should) == 0 {
		return MatchAll{}
	}
	return all
}

// multiOfTables looks for the words anywhere in the table. Whole values are among
// the fields only where one of them has to be compared exactly.
func multiOfTables(q MultiMatch) Query {
	for _, field := range q.Fields {
		if _, whole := comparesWhole(field.Field); whole {
			return MatchAll{}
		}
	}
	operator := q.Operator
	if q.Phrase {
		operator = And
	}
	return MultiMatch{Text: q.Text, Operator: operator, Fuzziness: q.Fuzziness, Prefix: q.Prefix}
}

// columnDepth is how deep nested columns are found by whole values of theirs.
const columnDepth = 6

// valueOfTables finds tables by a value of their columns, or of what columns have
// from their table.
func valueOfTables(path string, values []string) Query {
	switch path {
	case "name", "displayName", "dataType", "constraint", "tags.tagFQN", "tier.tagFQN", "classificationTags", "glossaryTags":
		switch path {
		case "tier.tagFQN", "classificationTags", "glossaryTags":
			path = "tags.tagFQN"
		}
		any := Bool{MinShould: 1}
		for depth, above := 0, "columns."; depth < columnDepth; depth, above = depth+1, above+"children." {
			any.Should = append(any.Should, Terms{Field: above + path + ".keyword", Values: values})
		}
		return any
	case "fullyQualifiedName":
		var names []string
		for _, value := range values {
			for parent := entity.ParentFQN(value); parent != ""; parent = entity.ParentFQN(parent) {
				names = append(names, parent)
			}
		}
		return Terms{Field: path, Values: names}
	case "_id", "id":
		return idsOfTables(values)
	}
	if ofTable, ok := strings.CutPrefix(path, "table."); ok {
		return Terms{Field: ofTable + ".keyword", Values: values}
	}
	switch root, _, _ := strings.Cut(path, "."); root {
	case "service", "serviceType", "database", "databaseSchema", "owners", "domains", "dataProducts", "tableType":
		return Terms{Field: path + ".keyword", Values: values}
	}
	return MatchAll{}
}

// prefixOfTables finds tables by the beginning of a column's full name: it may lie
// within the table's, or go beyond it.
func prefixOfTables(q Prefix) Query {
	if basePathOf(q.Field) != "fullyQualifiedName" {
		return MatchAll{}
	}
	var names []string
	for i, r := range q.Value {
		if r == '.' {
			names = append(names, q.Value[:i])
		}
	}
	return Bool{MinShould: 1, Should: []Query{Prefix{Field: "fullyQualifiedName", Value: q.Value}, Terms{Field: "fullyQualifiedName", Values: names}}}
}

// idsOfTables finds the tables that columns' ids begin with.
func idsOfTables(values []string) Query {
	any := Bool{MinShould: 1}
	for _, value := range values {
		if id, err := entity.ParseID(value); err == nil {
			any.Should = append(any.Should, Prefix{Field: "id", Value: id.String()[:24]})
		}
	}
	if len(any.Should) == 0 {
		return MatchNone{}
	}
	return any
}

// columnWords are the words that columns are ranked by.
type columnWords struct {
	text  string
	words []string
	last  bool // the last word may be the beginning of one
}

func wordsOfQuery(q Query) columnWords {
	var w columnWords
	var visit func(q Query)
	visit = func(q Query) {
		switch q := q.(type) {
		case Bool:
			for _, child := range q.Must {
				visit(child)
			}
			for _, child := range q.Should {
				visit(child)
			}
		case QueryString:
			w.text = q.Text
			visit(q.Query)
		case Nested:
			visit(q.Query)
		case Match:
			w.add(q.Text, q.Prefix)
		case MatchPhrase:
			w.add(q.Text, q.Prefix)
		case MultiMatch:
			w.add(q.Text, q.Prefix)
		}
	}
	visit(q)
	return w
}

func (w *columnWords) add(text string, prefix bool) {
	if w.text == "" {
		w.text = text
	}
	w.words = append(w.words, Words(text)...)
	w.last = w.last || prefix
}

// score ranks columns as the engine ranks entities: the exact name first, then its
// beginning, then words by where they stand; better tables first among equals.
func (w columnWords) score(t *tableOfColumns, c *tableColumn) float64 {
	if len(w.words) == 0 {
		return 1
	}
	score := t.score / 1e6
	switch text := strings.ToLower(strings.TrimSpace(w.text)); {
	case strings.EqualFold(c.FQN, text):
		score += 3000
	case strings.EqualFold(c.Name, text):
		score += 2000
	case strings.EqualFold(c.DisplayName, text):
		score += 1500
	case strings.HasPrefix(strings.ToLower(c.Name), text):
		score += 300
	}
	for text, weight := range map[string]float64{c.Name: 10, c.DisplayName: 8, c.Description: 1.5, t.Name: 2} {
		score += weight * w.share(text)
	}
	return score
}

// share is how much of the query's words a text has.
func (w columnWords) share(text string) float64 {
	if text == "" {
		return 0
	}
	there := map[string]bool{}
	IndexWords(text, func(word string) { there[word] = true })
	found := 0.0
	for i, word := range w.words {
		switch {
		case there[word]:
			found++
		case w.last && i == len(w.words)-1:
			for other := range there {
				if strings.HasPrefix(other, word) {
					found += 0.4
					break
				}
			}
		}
	}
	return found / float64(len(there)+len(w.words))
}
