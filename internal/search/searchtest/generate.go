// Package searchtest is the conformance suite of search engines: what any
// implementation of search.Index has to answer, and a comparison of its answers
// with reading every document. Tests of engines import it.
//
// The package may import search and entity.
package searchtest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// vocabulary of the generated catalog: few enough words that queries meet.
func vocabulary() []string {
	return strings.Fields(`order customer invoice payment product shipment supplier account session event ledger refund
		region country currency amount status email address phone created updated total price quantity discount campaign
		visitor page click warehouse stock employee salary contract budget forecast margin channel partner subscription`)
}

// Generator makes a reproducible catalog of tables.
type Generator struct {
	rnd   *rand.Rand
	words []string
}

// NewGenerator makes a generator; the same seed makes the same catalog.
func NewGenerator(seed uint64) *Generator {
	return &Generator{rnd: rand.New(rand.NewPCG(seed, 1)), words: vocabulary()}
}

func (g *Generator) word() string { return g.words[g.rnd.IntN(len(g.words))] }

func (g *Generator) title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// name joins words in one of the ways people name things.
func (g *Generator) name() string {
	a, b := g.word(), g.word()
	switch g.rnd.IntN(5) {
	case 0:
		return a
	case 1:
		return g.title(a) + g.title(b)
	case 2:
		return fmt.Sprintf("%s_%s_%d", a, b, g.rnd.IntN(100))
	case 3:
		return strings.ToUpper(a + "_" + b)
	}
	return a + "_" + b
}

// ID returns the id of the document with the number.
func ID(n int) entity.ID {
	var id entity.ID
	binary.BigEndian.PutUint64(id[:], uint64(n)*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// Document makes the n-th table, with the number of columns.
func (g *Generator) Document(n, columns int) search.Document {
	service := fmt.Sprintf("svc_%d", g.rnd.IntN(4))
	schema := service + ".Sales.public_" + g.word()
	name := fmt.Sprintf("%s_%d", g.name(), n)
	fqn := schema + "." + name
	deleted := g.rnd.IntN(20) == 0
	source := map[string]any{
		"id": ID(n).String(), "name": name, "fullyQualifiedName": fqn, "entityType": "table", "deleted": deleted,
		"tableType":   []string{"Regular", "View", "MaterializedView", "Dynamic"}[g.rnd.IntN(4)],
		"serviceType": []string{"Mysql", "Postgres", "Snowflake"}[g.rnd.IntN(3)],
		"service":     map[string]any{"name": service, "type": "databaseService"},
		"updatedAt":   1_700_000_000_000 + int64(g.rnd.IntN(500))*86_400_000,
		"version":     float64(1+g.rnd.IntN(30)) / 10,
		"columns":     g.columns(fqn, columns),
	}
	g.optional(source)
	raw, err := json.Marshal(source, json.Deterministic(true))
	if err != nil {
		panic(err) // maps of plain values always have a JSON form
	}
	return search.Document{ID: ID(n), Index: "table_search_index", Deleted: deleted, Source: raw}
}

func (g *Generator) optional(source map[string]any) {
	if g.rnd.IntN(2) == 0 {
		source["displayName"] = g.title(g.word()) + " " + g.word()
	}
	if g.rnd.IntN(3) > 0 {
		source["description"] = fmt.Sprintf("The %s of each %s, by %s. Kept for %d days.", g.word(), g.word(), g.word(), g.rnd.IntN(90))
	}
	if g.rnd.IntN(4) == 0 {
		source["processedLineage"] = g.rnd.IntN(2) == 0
		source["schemaDefinition"] = fmt.Sprintf("CREATE VIEW v AS SELECT %s FROM %s", g.word(), g.word())
	}
	if g.rnd.IntN(3) == 0 {
		source["owners"] = []any{map[string]any{"name": g.word() + ".team", "type": "team"}}
	}
	if g.rnd.IntN(3) == 0 {
		source["tags"] = []any{
			map[string]any{"tagFQN": "PII." + g.title(g.word())},
			map[string]any{"tagFQN": fmt.Sprintf("Tier.Tier%d", 1+g.rnd.IntN(5))},
		}
	}
}

func (g *Generator) columns(fqn string, n int) []any {
	columns := make([]any, n)
	for i := range columns {
		name := fmt.Sprintf("%s_%02d", g.word(), i)
		columns[i] = map[string]any{
			"name": name, "fullyQualifiedName": fqn + "." + name, "dataType": []string{"BIGINT", "VARCHAR", "DATE"}[g.rnd.IntN(3)],
			"description": fmt.Sprintf("The %s of the %s, column %d", g.word(), g.word(), i), "dataTypeDisplay": "varchar(256)",
		}
	}
	return columns
}

// Documents makes n tables.
func (g *Generator) Documents(n, columns int) []search.Document {
	docs := make([]search.Document, n)
	for i := range docs {
		docs[i] = g.Document(i, columns)
	}
	return docs
}

// Query makes a random query that some documents match and some do not.
func (g *Generator) Query(depth int) search.Query {
	if depth > 0 && g.rnd.IntN(3) > 0 {
		var q search.Bool
		for _, list := range []*[]search.Query{&q.Must, &q.Filter, &q.Should, &q.MustNot} {
			for range g.rnd.IntN(3) {
				*list = append(*list, g.Query(depth-1))
			}
		}
		if len(q.Should) > 1 {
			q.MinShould = g.rnd.IntN(len(q.Should) + 1)
		}
		return q
	}
	return g.leaf()
}

func (g *Generator) leaf() search.Query {
	switch g.rnd.IntN(16) {
	case 0:
		return search.Term{Field: "tableType", Value: []string{"view", "Regular", "Dynamic"}[g.rnd.IntN(3)]}
	case 1:
		return search.Terms{Field: "service.name.keyword", Values: []string{"svc_1", "SVC_3"}}
	case 2:
		return search.Term{Field: "processedLineage", Value: []string{"true", "false"}[g.rnd.IntN(2)]}
	case 3:
		return search.Exists{Field: []string{"displayName", "tags", "owners", "schemaDefinition"}[g.rnd.IntN(4)]}
	case 4:
		bound := fmt.Sprint(1_700_000_000_000 + int64(g.rnd.IntN(500))*86_400_000)
		if g.rnd.IntN(2) == 0 {
			return search.Range{Field: "updatedAt", GTE: &bound}
		}
		return search.Range{Field: "updatedAt", LT: &bound}
	case 5:
		bound := g.word()
		return search.Range{Field: "name", GT: &bound}
	case 6:
		return search.Prefix{Field: "name", Value: g.word()[:2]}
	case 7:
		return search.Wildcard{Field: "fullyQualifiedName", Pattern: "*." + g.word() + "_*"}
	case 8:
		return search.Regexp{Field: "tags.tagFQN", Pattern: "pii\\." + g.word()[:1] + ".*"}
	case 9:
		return search.IDs{Values: []string{ID(g.rnd.IntN(100)).String()}}
	}
	return g.textLeaf()
}

func (g *Generator) textLeaf() search.Query {
	field := []string{"name", "displayName", "description"}[g.rnd.IntN(3)]
	text := g.word() + " " + g.word()
	switch g.rnd.IntN(6) {
	case 0:
		return search.Match{Field: field, Text: text, Operator: search.Operator(g.rnd.IntN(2))}
	case 1:
		word := g.word()
		return search.Match{Field: field, Text: word[:1] + word[2:], Fuzziness: search.FuzzyAuto}
	case 2:
		return search.MultiMatch{Text: text, Operator: search.And}
	case 3:
		return search.MultiMatch{Fields: []search.FieldBoost{{Field: "name"}, {Field: "displayName"}, {Field: "serviceType"}}, Text: g.word()[:3], Prefix: true}
	case 4:
		return search.Match{Field: "columns.name", Text: g.word()}
	}
	return search.MatchPhrase{Field: "description", Text: "the " + g.word() + " of each"}
}
