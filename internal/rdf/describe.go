package rdf

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// classes are what types are in vocabularies that others know too.
var classes = map[string]string{
	"table": dcat + "Dataset", "topic": dcat + "Dataset", "container": dcat + "Dataset", "file": dcat + "Dataset", "worksheet": dcat + "Dataset",
	"database": dcat + "Catalog", "dashboard": dcat + "DataService", "pipeline": prov + "Activity",
	"user": foaf + "Person", "team": foaf + "Group", "role": foaf + "Group", "bot": foaf + "Agent",
	"glossaryTerm": skos + "Concept", "tag": skos + "Concept", "glossary": skos + "ConceptScheme", "classification": skos + "ConceptScheme",
	"domain": skos + "Collection",
}

// predicates are the members with a predicate that is not om: and their name.
var predicates = map[string]string{
	"name": rdfs + "label", "displayName": skos + "prefLabel", "description": dct + "description", "version": dct + "hasVersion",
	"updatedAt": dct + "modified", "updatedBy": dct + "contributor", "href": rdfs + "seeAlso", "sourceUrl": dct + "source", "provider": dct + "publisher",
	"deleted": om + "isDeleted", "disabled": om + "isDisabled",
	"owners": om + "hasOwner", "experts": om + "hasExpert", "reviewers": om + "hasReviewer", "followers": om + "hasFollower", "tags": om + "hasTag",
	"domains": om + "belongsToDomain", "dataProducts": om + "hasDataProduct", "columns": om + "hasColumn", "children": om + "hasChild",
	"synonyms": skos + "altLabel", "glossary": skos + "inScheme", "classification": skos + "inScheme",
}

// termPredicates are the members of glossary terms and tags that say more than elsewhere.
var termPredicates = map[string]string{"parent": skos + "broader", "children": skos + "narrower", "relatedTerms": skos + "related"}

// silent are members that say nothing about the entity: its identity, which is the
// subject, and how it came to be.
var silent = []string{"id", "changeDescription", "incrementalChangeDescription", "votes", "impersonatedBy"}

// predicateOf returns the predicate of a member; "" for one that cannot be said.
func predicateOf(typ, member string) string {
	if typ == "glossaryTerm" || typ == "tag" {
		if p, ok := termPredicates[member]; ok {
			return p
		}
	}
	if p, ok := predicates[member]; ok {
		return p
	}
	if !isName(member) {
		return ""
	}
	return om + member
}

// maxParts is how many parts of an entity are described, at any depth.
const maxParts = 20_000

// describer turns the members of one entity into statements.
type describer struct {
	g     *Graph
	typ   string
	tags  map[store.Key]entity.Ref
	parts int
}

// Describe says what the document of an entity says. Labels name tags and terms by
// their full names; refs has who they are.
func Describe(typ string, id entity.ID, doc []byte, refs map[store.Key]entity.Ref) (*Graph, error) {
	root := IRI(entity.Ref{Type: typ, ID: id})
	d := describer{g: &Graph{root: root}, typ: typ, tags: refs}
	d.g.link(root, typePredicate, ClassIRI(typ))
	if class, ok := classes[typ]; ok {
		d.g.link(root, typePredicate, class)
	}
	if err := d.object(root, doc); err != nil {
		return nil, err
	}
	return d.g, nil
}

// Labels lists the tags and terms that a document names, at any depth.
func Labels(doc []byte) ([]store.Key, error) {
	var keys []store.Key
	seen := map[store.Key]bool{}
	var walk func(raw jsontext.Value) error
	walk = func(raw jsontext.Value) error {
		switch raw.Kind() {
		case '[':
			var list []jsontext.Value
			if err := json.Unmarshal(raw, &list); err != nil {
				return entity.Internal(err)
			}
			for _, item := range list {
				if err := walk(item); err != nil {
					return err
				}
			}
		case '{':
			if label, ok := labelOf(raw); ok {
				key := store.Key{Type: label.EntityType(), FQN: label.TagFQN}
				if !seen[key] {
					seen[key] = true
					keys = append(keys, key)
				}
				return nil
			}
			var members map[string]jsontext.Value
			if err := json.Unmarshal(raw, &members); err != nil {
				return entity.Internal(err)
			}
			for _, member := range members {
				if kind := member.Kind(); kind == '[' || kind == '{' {
					if err := walk(member); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	if !bytes.Contains(doc, []byte(`"tagFQN"`)) {
		return nil, nil
	}
	err := walk(doc)
	return keys, err
}

// object says the members of an object about a subject, in the order of their names.
func (d *describer) object(about string, raw jsontext.Value) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil {
		return entity.Internal(err)
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	var parts []string
	for _, name := range names {
		if slices.Contains(silent, name) || predicateOf(d.typ, name) == "" {
			continue
		}
		if isParts(members[name]) {
			parts = append(parts, name) // after the rest, so that a subject stays together
			continue
		}
		if err := d.member(about, name, members[name]); err != nil {
			return err
		}
	}
	return d.allParts(about, parts, members)
}

// allParts links the parts of a subject and describes each.
func (d *describer) allParts(about string, fields []string, members map[string]jsontext.Value) error {
	type piece struct {
		iri string
		raw jsontext.Value
	}
	var pieces []piece
	for _, field := range fields {
		var list []jsontext.Value
		if err := json.Unmarshal(members[field], &list); err != nil {
			return entity.Internal(err)
		}
		for _, raw := range list {
			if d.parts++; d.parts > maxParts {
				return entity.BadRequest("the entity has more than %d parts: more than is told as RDF", maxParts)
			}
			iri := partIRI(about, field, nameOf(raw))
			d.g.link(about, predicateOf(d.typ, field), iri)
			pieces = append(pieces, piece{iri, raw})
		}
	}
	for _, p := range pieces {
		if err := d.object(p.iri, p.raw); err != nil {
			return err
		}
	}
	return nil
}

// partIRI names a part of an entity: a column, a task.
func partIRI(of, field, name string) string {
	sep := "#"
	if strings.Contains(of, "#") {
		sep = "/"
	}
	return of + sep + field + "/" + url.PathEscape(name)
}

// member says one member, each item of a list by itself.
func (d *describer) member(about, name string, raw jsontext.Value) error {
	if raw.Kind() != '[' {
		return d.value(about, name, raw)
	}
	var list []jsontext.Value
	if err := json.Unmarshal(raw, &list); err != nil {
		return entity.Internal(err)
	}
	for _, item := range list {
		if err := d.value(about, name, item); err != nil {
			return err
		}
	}
	return nil
}

func (d *describer) value(about, name string, raw jsontext.Value) error {
	predicate := predicateOf(d.typ, name)
	switch raw.Kind() {
	case '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return entity.Internal(err)
		}
		if iri, ok := webAddress(text); ok && (name == "href" || name == "sourceUrl") {
			d.g.link(about, predicate, iri)
			return nil
		}
		d.g.say(about, predicate, text, "")
	case 't', 'f':
		d.g.say(about, predicate, string(raw), xsd+"boolean")
	case '0':
		d.number(about, name, raw)
	case '{':
		return d.thing(about, predicate, raw)
	case '[':
		return d.asJSON(about, predicate, raw)
	}
	return nil
}

func (d *describer) number(about, name string, raw jsontext.Value) {
	text := string(raw)
	datatype := xsd + "integer"
	if strings.ContainsAny(text, "eE") {
		datatype = xsd + "double"
	} else if strings.Contains(text, ".") || name == "version" {
		datatype = xsd + "decimal"
	}
	var ms int64
	if name == "updatedAt" && json.Unmarshal(raw, &ms) == nil {
		text, datatype = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"), xsd+"dateTime"
	}
	d.g.say(about, predicateOf(d.typ, name), text, datatype)
}

// thing says an object: a label, a reference, or else its JSON.
func (d *describer) thing(about, predicate string, raw jsontext.Value) error {
	if label, ok := labelOf(raw); ok {
		if ref, ok := d.tags[store.Key{Type: label.EntityType(), FQN: label.TagFQN}]; ok {
			if ref.Type == "glossaryTerm" {
				predicate = om + "hasGlossaryTerm"
			}
			d.g.link(about, predicate, IRI(ref))
			return nil
		}
		d.g.say(about, predicate, label.TagFQN, "")
		return nil
	}
	if ref, ok := refOf(raw); ok {
		d.g.link(about, predicate, IRI(ref))
		return nil
	}
	return d.asJSON(about, predicate, raw)
}

func (d *describer) asJSON(about, predicate string, raw jsontext.Value) error {
	canonical := slices.Clone(raw)
	if err := canonical.Canonicalize(); err != nil {
		return entity.Internal(err)
	}
	d.g.say(about, predicate, string(canonical), jsonDatatype)
	return nil
}

// refOf reads a reference to an entity.
func refOf(raw jsontext.Value) (entity.Ref, bool) {
	var ref entity.Ref
	err := json.Unmarshal(raw, &ref)
	return ref, err == nil && ref.ID != entity.NilID && isName(ref.Type)
}

func labelOf(raw jsontext.Value) (entity.TagLabel, bool) {
	var label entity.TagLabel
	err := json.Unmarshal(raw, &label)
	return label, err == nil && label.TagFQN != ""
}

// isParts tells whether a member is a list of named things that are no entities.
func isParts(raw jsontext.Value) bool {
	if raw.Kind() != '[' {
		return false
	}
	var list []struct {
		ID     jsontext.Value `json:"id"`
		Name   string         `json:"name"`
		TagFQN string         `json:"tagFQN"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return false
	}
	for _, item := range list {
		if item.ID != nil || item.Name == "" || item.TagFQN != "" {
			return false
		}
	}
	return len(list) > 0
}

func nameOf(raw jsontext.Value) string {
	var part struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(raw, &part) // isParts has looked
	return part.Name
}

// webAddress returns text as an IRI if it is an address of the web.
func webAddress(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(u.Host, "<>\"{}|^`\\") {
		return "", false
	}
	u.Fragment, u.RawFragment = "", ""
	u.RawQuery = url.PathEscape(u.RawQuery)
	u.RawQuery = strings.NewReplacer("%3D", "=", "%26", "&", "%25", "%").Replace(u.RawQuery)
	return u.String(), true
}
