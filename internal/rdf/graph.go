// Package rdf says what the catalog knows as RDF: an entity as triples, written as
// JSON-LD, Turtle, RDF/XML or N-Triples, and the graph around an entity.
//
// The package may import entity, registry, store, policy and engine; never net/http.
package rdf

import (
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The vocabularies that triples are made of. om is OpenMetadata's.
const (
	om   = "https://open-metadata.org/ontology/"
	dcat = "http://www.w3.org/ns/dcat#"
	dct  = "http://purl.org/dc/terms/"
	foaf = "http://xmlns.com/foaf/0.1/"
	prov = "http://www.w3.org/ns/prov#"
	rdfs = "http://www.w3.org/2000/01/rdf-schema#"
	skos = "http://www.w3.org/2004/02/skos/core#"
	xsd  = "http://www.w3.org/2001/XMLSchema#"
	syn  = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

	typePredicate = syn + "type"
	jsonDatatype  = syn + "JSON"
)

// prefixes are the short names of the vocabularies, in the order they are declared.
var prefixes = []struct{ name, iri string }{
	{"om", om}, {"dcat", dcat}, {"dct", dct}, {"foaf", foaf}, {"prov", prov}, {"rdf", syn}, {"rdfs", rdfs}, {"skos", skos}, {"xsd", xsd},
}

// compact writes an IRI of a known vocabulary with its prefix.
func compact(iri string) (prefix, local string, ok bool) {
	for _, p := range prefixes {
		if local, ok = strings.CutPrefix(iri, p.iri); ok && isName(local) {
			return p.name, local, true
		}
	}
	return "", "", false
}

// isName tells whether text can be the local part of a name in every form.
func isName(text string) bool {
	for i, r := range text {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return text != ""
}

// term is the object of a triple: an IRI, or a literal with a datatype ("" for text).
type term struct {
	iri      string
	value    string
	datatype string
}

// triple is one statement.
type triple struct {
	subject, predicate string
	object             term
}

// Graph is a set of statements about one entity and its parts. Those about one
// subject stand together.
type Graph struct {
	root    string
	triples []triple
}

func (g *Graph) link(subject, predicate, object string) {
	g.triples = append(g.triples, triple{subject, predicate, term{iri: object}})
}

func (g *Graph) say(subject, predicate, value, datatype string) {
	g.triples = append(g.triples, triple{subject, predicate, term{value: value, datatype: datatype}})
}

// subject is all that is said about one thing.
type subject struct {
	iri        string
	predicates []string // in the order they come
	objects    map[string][]term
}

// subjects groups the statements, the entity itself first.
func (g *Graph) subjects() []*subject {
	var out []*subject
	byIRI := map[string]*subject{}
	for _, t := range g.triples {
		s := byIRI[t.subject]
		if s == nil {
			s = &subject{iri: t.subject, objects: map[string][]term{}}
			byIRI[t.subject] = s
			out = append(out, s)
		}
		if s.objects[t.predicate] == nil {
			s.predicates = append(s.predicates, t.predicate)
		}
		s.objects[t.predicate] = append(s.objects[t.predicate], t.object)
	}
	return out
}

// IRI names an entity.
func IRI(ref entity.Ref) string {
	return "https://open-metadata.org/entity/" + ref.Type + "/" + ref.ID.String()
}

// ClassIRI names the class of all entities of a type.
func ClassIRI(typ string) string {
	if typ == "" {
		return om + "Entity"
	}
	return om + strings.ToUpper(typ[:1]) + typ[1:]
}
