package lineage

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestColumnFilters(t *testing.T) {
	b := newBed(t)
	b.schema()
	b.make("classification", "PII", `{"name":"PII","description":"personal"}`)
	b.make("tag", "PII.Email", `{"name":"Email","classification":"PII","description":"an address"}`)
	b.make("glossary", "Words", `{"name":"Words","description":"words"}`)
	b.make("glossaryTerm", "Words.Buyer", `{"name":"Buyer","glossary":"Words","description":"who buys"}`)
	const id, price = `{"name":"customer_id","dataType":"INT"}`, `{"name":"price","dataType":"INT"}`
	raw := b.table("raw", id, price, `{"name":"mail","dataType":"VARCHAR","dataLength":9,"tags":[{"tagFQN":"PII.Email","source":"Classification","labelType":"Manual","state":"Confirmed"}]}`)
	clean := b.table("clean", id, price)
	report := b.table("report", `{"name":"buyer","dataType":"INT","tags":[{"tagFQN":"Words.Buyer","source":"Glossary","labelType":"Manual","state":"Confirmed"}]}`)
	other := b.table("other", price)
	line := func(to string, from ...string) map[string]any {
		for i := range from {
			from[i] = "shop.db.s." + from[i]
		}
		return map[string]any{"fromColumns": from, "toColumn": "shop.db.s." + to}
	}
	details := func(lines ...map[string]any) map[string]any { return map[string]any{"columnsLineage": lines} }
	b.link(raw, clean, details(line("clean.customer_id", "raw.customer_id", "raw.mail"), line("clean.price", "raw.price")))
	b.link(clean, report, details(line("report.buyer", "clean.customer_id")))
	b.link(clean, other, nil)

	for _, c := range []struct {
		filter  string
		bare    bool // without what lies between
		nodes   string
		edges   int
		comment string
	}{
		{"", false, "clean other raw report", 3, "no filter"},
		{"columnName:price", false, "clean raw", 1, "a column at either end"},
		{"PRICE", false, "clean raw", 1, "a value alone, whatever its case"},
		{"column:customer_id", false, "clean raw report", 2, "columns of two edges; edges without columns go"},
		{"toColumn:report.buyer", false, "clean raw report", 2, "what lies between stays"},
		{"toColumn:report.buyer", true, "clean raw report", 1, "the root always stays, edges between do not"},
		{"fromColumn:buyer", false, "raw", 0, "the other side"},
		{"tag:pii", false, "clean raw", 1, "a tag below the one named"},
		{"tag:PII.Emai", false, "raw", 0, "no part of a tag's name"},
		{"glossary:Words.Buyer", false, "clean raw report", 2, "a term"},
		{"tag:Words.Buyer", false, "raw", 0, "a term is no tag"},
		{"column:price, column:buyer", false, "clean raw report", 2, "or within a kind"},
		{"column:price,tag:PII.Email", false, "clean raw", 1, "and across kinds"},
		{"column:buyer,tag:PII.Email", false, "raw", 0, "no edge has both"},
		{`{"query":{"bool":{"must":[{"bool":{"should":[{"wildcard":{"columns.fromColumns.keyword":"*buyer*"}},{"wildcard":{"columns.toColumn":{"value":"*buyer*"}}}]}}]}}}`,
			false, "clean raw report", 2, "a query for a name"},
		{`{"query":{"bool":{"must":[{"term":{"columns.tags.tagFQN":"PII.Email"}}]}}}`, false, "clean raw", 1, "a query for a tag"},
		{`{"query":{"bool":{"must":[{"term":{"columns.glossaryTerms.tagFQN":"Words"}}]}}}`, false, "clean raw report", 2, "a query for a glossary"},
	} {
		filter, err := ParseColumnFilter(c.filter)
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		got, err := b.s.Search(t.Context(), b.by, SearchRequest{Type: "table", FQN: "shop.db.s.raw", Down: 3, Columns: filter, PreservePaths: !c.bare})
		if err != nil {
			t.Fatal(err)
		}
		names := slices.Sorted(maps.Keys(got.Nodes))
		for i := range names {
			names[i] = strings.TrimPrefix(names[i], "shop.db.s.")
		}
		if diff := cmp.Diff(c.nodes, strings.Join(names, " ")); diff != "" || len(got.DownstreamEdges) != c.edges {
			t.Errorf("%s (%s): %d edges, want %d; nodes (-want +got):\n%s", c.filter, c.comment, len(got.DownstreamEdges), c.edges, diff)
		}
	}
}

func TestColumnFiltersThatAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"frob:x":                             `knows no "frob"`,
		"tag:":                               "names no value",
		strings.Repeat("a,", 101):            "more than 100 conditions",
		strings.Repeat("a", 9000):            "longer than",
		"{":                                  "no query",
		`{"query":{"wildcard":{"x":"*y*"}}}`: `knows no "x"`,
		`{"query":{"term":{"columns.tags.tagFQN":7}}}`:                                          "no text",
		`{"query":` + strings.Repeat(`{"bool":{"must":[`, 20) + strings.Repeat(`]}}`, 20) + `}`: "deeper than",
	} {
		_, err := ParseColumnFilter(text)
		wantError(t, err, entity.KindBadRequest, says)
	}
}
