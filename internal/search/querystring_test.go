package search

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func word(text string) Query { return MultiMatch{Text: text, Operator: And} }

func TestParseQueryString(t *testing.T) {
	field := func(name, text string) Query { return Match{Field: name, Text: text, Operator: And} }
	for text, want := range map[string]Query{
		`orders`:                 word("orders"),
		`a b`:                    Bool{Must: []Query{word("a"), word("b")}},
		`a OR b`:                 Bool{Should: []Query{word("a"), word("b")}, MinShould: 1},
		`a AND NOT b`:            Bool{Must: []Query{word("a")}, MustNot: []Query{word("b")}},
		`a -b`:                   Bool{Must: []Query{word("a")}, MustNot: []Query{word("b")}},
		`-b`:                     Bool{MustNot: []Query{word("b")}},
		`(a OR b) c`:             Bool{Must: []Query{Bool{Should: []Query{word("a"), word("b")}, MinShould: 1}, word("c")}},
		`name:x`:                 field("name", "x"),
		`name:(x OR y)`:          Bool{Should: []Query{MultiMatch{Fields: []FieldBoost{{Field: "name"}}, Text: "x", Operator: And}, MultiMatch{Fields: []FieldBoost{{Field: "name"}}, Text: "y", Operator: And}}, MinShould: 1},
		`name:"x y"`:             MatchPhrase{Field: "name", Text: "x y"},
		`"x y"`:                  MultiMatch{Text: "x y", Operator: And, Phrase: true},
		`email.keyword:a-b@c.de`: field("email.keyword", "a-b@c.de"),
		`name:ord*`:              Wildcard{Field: "name", Pattern: "ord*"},
		`owners:*`:               Exists{Field: "owners"},
		`_exists_:tags`:          Exists{Field: "tags"},
		`ordr~`:                  MultiMatch{Text: "ordr", Operator: And, Fuzziness: FuzzyAuto},
		`ordr~1`:                 MultiMatch{Text: "ordr", Operator: And, Fuzziness: 1},
		`updatedAt:[5 TO *}`:     Range{Field: "updatedAt", GTE: ptr("5")},
		`updatedAt:>=5`:          Range{Field: "updatedAt", GTE: ptr("5")},
		`name:/a.*b/`:            Regexp{Field: "name", Pattern: "a.*b"},
		`a\:b`:                   word("a:b"),
		`who owns orders?`:       Bool{Must: []Query{word("who"), word("owns"), word("orders?")}},
		`http://host/x`:          word("http://host/x"),
		`x^2`:                    word("x"),
		`"unbalanced AND`:        word(`"unbalanced`),
		`(a b`:                   word(`(a b`),
		`AND`:                    MatchNone{},
		`name:[1 2]`:             word(`name:[1 2]`),
		`!!!`:                    MatchNone{},
		`svc.db."a.b" x`:         Bool{Must: []Query{word("svc.db."), MultiMatch{Text: "a.b", Operator: And, Phrase: true}, word("x")}},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := ParseQueryString(text, QueryStringOptions{Operator: And})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Query(QueryString{Text: text, Query: want}), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseQueryStringDefaults(t *testing.T) {
	for _, text := range []string{"", " ", "*", "*:*"} {
		if q, err := ParseQueryString(text, QueryStringOptions{}); err != nil || q != (MatchAll{}) {
			t.Errorf("%q: %v, %v", text, q, err)
		}
	}
	q, err := ParseQueryString("+a b", QueryStringOptions{Operator: Or})
	want := QueryString{Text: "+a b", Query: Bool{Must: []Query{word("a")}, Should: []Query{word("b")}}}
	if diff := cmp.Diff(Query(want), q); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, text := range []string{strings.Repeat("x", MaxText+1), strings.Repeat("(", 100) + "a", strings.Repeat("a ", 2000), "name:/(/"} {
		if _, err := ParseQueryString(text, QueryStringOptions{}); entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%.20s: %v, want a bad request", text, err)
		}
	}
}

func FuzzParseQueryString(f *testing.F) {
	for _, text := range []string{`a AND (b OR -c)`, `"x`, `f:[1 TO 2}`, `a\`, `/x/`, `n:>=1~2^3`, `é* 注文`, `+-!NOT`, `f:"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, op := range []Operator{Or, And} {
			q, err := ParseQueryString(text, QueryStringOptions{Operator: op, Prefix: true})
			if err != nil && entity.KindOf(err) != entity.KindBadRequest {
				t.Fatalf("%v is no bad request", err)
			}
			usable(t, q, err)
		}
	})
}

// No text takes long to read, however it is built.
func TestHostileQueryTexts(t *testing.T) {
	for _, unit := range []string{"/", "/a", `\`, `"`, "a:", "a:/", "[", "-", "NOT ", "*", "a*", "?", "~", "(a", "&& ", "é", "a~ ", `\/`, "^", "a^"} {
		text := strings.Repeat(unit, MaxText/len([]rune(unit)))
		begin := time.Now()
		q, err := ParseQueryString(text, QueryStringOptions{Operator: And, Prefix: true})
		usable(t, q, err)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%q repeated took %v", unit, took)
		}
	}
}
