package search

// Query is a node of the query tree. The set of nodes is closed: engines switch
// over it, and Matches says what each one means.
//
// Field names are paths into _source, joined with dots and passing through
// arrays. A trailing ".keyword" or ".raw" asks for the whole value; ".ngram"
// and other analysis sub-fields stand for the path itself. Comparison ignores
// case.
type Query interface{ query() }

// Bool combines clauses as Elasticsearch does.
type Bool struct {
	Must, Filter, Should, MustNot []Query
	// MinShould is how many of Should have to match; 0 means one when there is
	// neither Must nor Filter, and none otherwise.
	MinShould int
}

// Term wants a value equal to Value; on a text-only field, a word equal to it.
type Term struct{ Field, Value string }

// Terms wants a value equal to any of Values.
type Terms struct {
	Field  string
	Values []string
}

// Operator says whether one word of a text or all of them have to match.
type Operator int

// The operators.
const (
	Or Operator = iota
	And
)

// Fuzziness is the number of edits tolerated in a word.
type Fuzziness int

// FuzzyAuto allows no edit in words of up to 2 characters, one up to 5, and two
// beyond.
const FuzzyAuto Fuzziness = -1

// Match compares the words of Text with those of a field.
type Match struct {
	Field     string
	Text      string
	Operator  Operator
	Fuzziness Fuzziness
	Prefix    bool // the last word may be the beginning of a word
}

// MatchPhrase wants the words of Text next to each other.
type MatchPhrase struct {
	Field  string
	Text   string
	Prefix bool // the last word may be the beginning of a word
}

// FieldBoost is a field with its weight in the score; a weight of 0 is 1.
type FieldBoost struct {
	Field string
	Boost float64
}

// MultiMatch looks for each word of Text in any of the fields; no fields means
// all text. A phrase wants its words next to each other in one field.
type MultiMatch struct {
	Fields    []FieldBoost
	Text      string
	Operator  Operator
	Fuzziness Fuzziness
	Prefix    bool
	Phrase    bool
}

// QueryString is a parsed query text. Text is what the person typed, for
// ranking names that equal or begin with it.
type QueryString struct {
	Text  string
	Query Query
}

// Prefix wants a value or word that begins with Value.
type Prefix struct{ Field, Value string }

// Wildcard wants a value or word that matches the glob: * any characters, ? one,
// \ the next character itself. An empty Field stands for all words and for the
// names as a whole.
type Wildcard struct{ Field, Pattern string }

// Regexp wants a value or word that matches the whole expression; CompileRegexp
// reads it.
type Regexp struct{ Field, Pattern string }

// Exists wants the field to hold something.
type Exists struct{ Field string }

// Range wants a value within bounds; a nil bound is open. Numbers compare as
// numbers, text as text.
type Range struct {
	Field            string
	GT, GTE, LT, LTE *string
}

// IDs wants one of the documents.
type IDs struct{ Values []string }

// Facts wants the document to have one of the facts, compared byte by byte. It
// stands in Request.Visible only.
type Facts struct{ Any []string }

// MatchAll matches every document.
type MatchAll struct{}

// MatchNone matches no document.
type MatchNone struct{}

// Nested evaluates Query as if the parts below Path were members of the
// document: parts are not told apart.
type Nested struct {
	Path  string
	Query Query
}

func (Bool) query()        {}
func (Term) query()        {}
func (Terms) query()       {}
func (Match) query()       {}
func (MatchPhrase) query() {}
func (MultiMatch) query()  {}
func (QueryString) query() {}
func (Prefix) query()      {}
func (Wildcard) query()    {}
func (Regexp) query()      {}
func (Exists) query()      {}
func (Range) query()       {}
func (IDs) query()         {}
func (Facts) query()       {}
func (MatchAll) query()    {}
func (MatchNone) query()   {}
func (Nested) query()      {}
