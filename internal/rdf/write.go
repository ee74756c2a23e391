package rdf

import (
	"bytes"
	"encoding/xml"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The media types of the forms.
const (
	JSONLD   = "application/ld+json"
	Turtle   = "text/turtle"
	XML      = "application/rdf+xml"
	NTriples = "application/n-triples"
)

// FormatOf returns the media type that a format parameter asks for: jsonld without one.
func FormatOf(name string) (string, error) {
	switch strings.ToLower(name) {
	case "", "jsonld", "json-ld":
		return JSONLD, nil
	case "turtle", "ttl":
		return Turtle, nil
	case "rdfxml", "xml":
		return XML, nil
	case "ntriples", "nt":
		return NTriples, nil
	}
	return "", entity.BadRequest("the format is one of [jsonld, turtle, rdfxml, ntriples], not %q", entity.Shorten(name, 40))
}

// Write encodes the graph as one of the media types.
func (g *Graph) Write(media string) ([]byte, error) {
	switch media {
	case Turtle:
		return g.turtle(), nil
	case XML:
		return g.xml(), nil
	case NTriples:
		return g.nTriples(), nil
	}
	return g.jsonLD()
}

// escapes are what literals of N-Triples and Turtle may not hold as it is.
var escapes = strings.NewReplacer("\\", `\\`, "\"", `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\b", `\b`, "\f", `\f`, "\x00", `\u0000`)

// text writes a term; name writes IRIs.
func (t term) text(name func(string) string) string {
	if t.iri != "" {
		return name(t.iri)
	}
	quoted := `"` + escapes.Replace(t.value) + `"`
	if t.datatype != "" {
		quoted += "^^" + name(t.datatype)
	}
	return quoted
}

func bracketed(iri string) string { return "<" + iri + ">" }

func prefixed(iri string) string {
	if prefix, local, ok := compact(iri); ok {
		return prefix + ":" + local
	}
	return bracketed(iri)
}

func (g *Graph) nTriples() []byte {
	var out bytes.Buffer
	for _, t := range g.triples {
		out.WriteString(bracketed(t.subject) + " " + bracketed(t.predicate) + " " + t.object.text(bracketed) + " .\n")
	}
	return out.Bytes()
}

func (g *Graph) turtle() []byte {
	var out bytes.Buffer
	for _, p := range prefixes {
		out.WriteString("@prefix " + p.name + ": <" + p.iri + "> .\n")
	}
	for _, s := range g.subjects() {
		out.WriteString("\n" + bracketed(s.iri))
		for i, predicate := range s.predicates {
			if i > 0 {
				out.WriteString(" ;\n   ")
			}
			name := prefixed(predicate)
			if predicate == typePredicate {
				name = "a"
			}
			out.WriteString(" " + name)
			for j, object := range s.objects[predicate] {
				if j > 0 {
					out.WriteString(",")
				}
				out.WriteString(" " + object.text(prefixed))
			}
		}
		out.WriteString(" .\n")
	}
	return out.Bytes()
}

func (g *Graph) xml() []byte {
	var out bytes.Buffer
	quoted := func(text string) string {
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(text)) // a buffer takes all
		return b.String()
	}
	out.WriteString(xml.Header + "<rdf:RDF")
	for _, p := range prefixes {
		out.WriteString("\n  xmlns:" + p.name + `="` + p.iri + `"`)
	}
	out.WriteString(">\n")
	for _, s := range g.subjects() {
		out.WriteString(`  <rdf:Description rdf:about="` + quoted(s.iri) + "\">\n")
		for _, predicate := range s.predicates {
			name := prefixed(predicate)
			for _, o := range s.objects[predicate] {
				switch {
				case o.iri != "":
					out.WriteString("    <" + name + ` rdf:resource="` + quoted(o.iri) + "\"/>\n")
				case o.datatype != "":
					out.WriteString("    <" + name + ` rdf:datatype="` + quoted(o.datatype) + `">` + quoted(o.value) + "</" + name + ">\n")
				default:
					out.WriteString("    <" + name + ">" + quoted(o.value) + "</" + name + ">\n")
				}
			}
		}
		out.WriteString("  </rdf:Description>\n")
	}
	out.WriteString("</rdf:RDF>\n")
	return out.Bytes()
}

// jsonLD writes one object, with its parts inside.
func (g *Graph) jsonLD() ([]byte, error) {
	context := map[string]string{}
	for _, p := range prefixes {
		context[p.name] = p.iri
	}
	byIRI := map[string]*subject{}
	for _, s := range g.subjects() {
		byIRI[s.iri] = s
	}
	node := node(byIRI, g.root)
	node["@context"] = context
	out, err := json.Marshal(node, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return out, nil
}

// node writes what is said about one subject, the first time it comes.
func node(rest map[string]*subject, iri string) map[string]any {
	out := map[string]any{"@id": iri}
	s := rest[iri]
	if s == nil {
		return out
	}
	delete(rest, iri)
	for _, predicate := range s.predicates {
		values := make([]any, 0, len(s.objects[predicate]))
		for _, o := range s.objects[predicate] {
			values = append(values, ldValue(rest, predicate, o))
		}
		name := prefixed(predicate)
		if predicate == typePredicate {
			name = "@type"
		}
		if len(values) == 1 {
			out[name] = values[0]
		} else {
			out[name] = values
		}
	}
	return out
}

func ldValue(rest map[string]*subject, predicate string, o term) any {
	switch {
	case predicate == typePredicate:
		return prefixed(o.iri)
	case o.iri != "":
		return node(rest, o.iri)
	case o.datatype == jsonDatatype:
		return map[string]any{"@type": "@json", "@value": jsontext.Value(o.value)}
	case o.datatype == xsd+"boolean":
		return o.value == "true"
	case o.datatype != "":
		return map[string]any{"@type": prefixed(o.datatype), "@value": o.value}
	}
	return o.value
}
