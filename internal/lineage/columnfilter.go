package lineage

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of a column filter.
const (
	maxColumnFilter     = 8 << 10 // bytes
	maxColumnConditions = 100
)

// ColumnFilter restricts lineage to edges that are about certain columns. Of each kind
// (names, tags, glossary terms) one condition has to hold; what no condition is about
// does not matter.
type ColumnFilter struct {
	names, tags, terms []columnCondition
}

// columnCondition holds for an edge if one of the columns at its ends, on the side that
// it is about, has the value, which is in lower case.
type columnCondition struct {
	value    string
	from, to bool
}

// ParseColumnFilter reads a filter in either form that clients send: conditions
// "kind:value" between commas, where the kind is columnName (or column), fromColumn
// (from), toColumn (to), tag or glossary and a value alone means any column; or a query
// of the search engine over columns.fromColumns, columns.toColumn, columns.tags.tagFQN
// and columns.glossaryTerms.tagFQN. An empty text is no filter, nil.
func ParseColumnFilter(text string) (*ColumnFilter, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	if len(text) > maxColumnFilter {
		return nil, entity.BadRequest("columnFilter is longer than %d bytes", maxColumnFilter)
	}
	f := &ColumnFilter{}
	if strings.HasPrefix(text, "{") {
		return f, f.readQuery([]byte(text))
	}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		kind, value, named := strings.Cut(part, ":")
		if !named {
			kind, value = "column", part
		}
		if err := f.add(strings.ToLower(strings.TrimSpace(kind)), strings.TrimSpace(value)); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *ColumnFilter) add(kind, value string) error {
	if value == "" {
		return entity.BadRequest("columnFilter names no value after %q", kind+":")
	}
	if len(f.names)+len(f.tags)+len(f.terms) == maxColumnConditions {
		return entity.BadRequest("columnFilter has more than %d conditions", maxColumnConditions)
	}
	c := columnCondition{value: strings.ToLower(value), from: true, to: true}
	switch kind {
	case "columnname", "column":
		f.names = append(f.names, c)
	case "fromcolumn", "from":
		c.to = false
		f.names = append(f.names, c)
	case "tocolumn", "to":
		c.from = false
		f.names = append(f.names, c)
	case "tag", "tags":
		f.tags = append(f.tags, c)
	case "glossary":
		f.terms = append(f.terms, c)
	default:
		return entity.BadRequest("columnFilter knows no %q; it knows columnName, fromColumn, toColumn, tag and glossary", entity.Shorten(kind, 60))
	}
	return nil
}

// columnClause is a clause of the search engine's language, as far as filters use it.
type columnClause struct {
	Bool *struct {
		Must   []columnClause `json:"must"`
		Should []columnClause `json:"should"`
	} `json:"bool"`
	Wildcard map[string]jsontext.Value `json:"wildcard"`
	Term     map[string]jsontext.Value `json:"term"`
}

// readQuery reads the second form.
func (f *ColumnFilter) readQuery(text []byte) error {
	var body struct {
		Query columnClause `json:"query"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return entity.BadRequest("columnFilter is no query: %s", entity.Shorten(err.Error(), 200))
	}
	return f.readClause(body.Query, 0)
}

// maxClauseDepth is how deep clauses may lie in each other.
const maxClauseDepth = 8

func (f *ColumnFilter) readClause(c columnClause, depth int) error {
	if depth > maxClauseDepth {
		return entity.BadRequest("clauses of columnFilter lie deeper than %d in each other", maxClauseDepth)
	}
	if c.Bool != nil {
		for _, inner := range append(c.Bool.Must, c.Bool.Should...) {
			if err := f.readClause(inner, depth+1); err != nil {
				return err
			}
		}
	}
	for field, raw := range c.Wildcard {
		value, err := clauseValue(raw)
		if err != nil {
			return err
		}
		if err := f.add(clauseKind(strings.TrimSuffix(field, ".keyword")), strings.Trim(value, "*")); err != nil {
			return err
		}
	}
	for field, raw := range c.Term {
		value, err := clauseValue(raw)
		if err != nil {
			return err
		}
		if err := f.add(clauseKind(field), value); err != nil {
			return err
		}
	}
	return nil
}

// clauseKind is the kind of condition that a field stands for; one that stands for none
// stays as it is, to be refused by its name.
func clauseKind(field string) string {
	switch field {
	case "columns.fromColumns":
		return "from"
	case "columns.toColumn":
		return "to"
	case "columns.tags.tagFQN":
		return "tag"
	case "columns.glossaryTerms.tagFQN":
		return "glossary"
	}
	return field
}

// clauseValue is the value of a clause, plain or as {"value": ...}.
func clauseValue(raw jsontext.Value) (string, error) {
	var plain string
	if json.Unmarshal(raw, &plain) == nil {
		return plain, nil
	}
	var long struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(raw, &long); err != nil {
		return "", entity.BadRequest("a clause of columnFilter has no text as its value")
	}
	return long.Value, nil
}

// columnLabels are the tags and glossary terms of columns, by the column's name.
type columnLabels map[string][]entity.TagLabel

// holds tells whether an edge has columns that the filter is about.
func (f *ColumnFilter) holds(d *Details, labels columnLabels) bool {
	return len(d.ColumnsLineage) > 0 &&
		anyColumn(f.names, d, func(column, value string) bool { return strings.Contains(strings.ToLower(column), value) }) &&
		anyColumn(f.tags, d, labels.has("Classification")) && anyColumn(f.terms, d, labels.has("Glossary"))
}

// anyColumn tells whether one of the conditions holds for one of the columns.
func anyColumn(conditions []columnCondition, d *Details, fits func(column, value string) bool) bool {
	if len(conditions) == 0 {
		return true
	}
	for _, line := range d.ColumnsLineage {
		for _, c := range conditions {
			if c.to && line.ToColumn != "" && fits(line.ToColumn, c.value) {
				return true
			}
			if c.from && slices.ContainsFunc(line.FromColumns, func(from string) bool { return fits(from, c.value) }) {
				return true
			}
		}
	}
	return false
}

// has tells whether a column has a label of a source: the one of that name, or one
// below it.
func (l columnLabels) has(source string) func(column, value string) bool {
	return func(column, value string) bool {
		for _, label := range l[column] {
			name := strings.ToLower(label.TagFQN)
			if label.Source == source && (name == value || strings.HasPrefix(name, value+".")) {
				return true
			}
		}
		return false
	}
}

// collect notes the labels of everything inside an entity that has a name and labels.
func (l columnLabels) collect(raw jsontext.Value) error {
	switch raw.Kind() {
	case '[':
		var list []jsontext.Value
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
		for _, inner := range list {
			if err := l.collect(inner); err != nil {
				return err
			}
		}
	case '{':
		var part struct {
			Name     string            `json:"fullyQualifiedName"`
			Tags     []entity.TagLabel `json:"tags"`
			Children jsontext.Value    `json:"children"`
			Columns  jsontext.Value    `json:"columns"`
			Fields   jsontext.Value    `json:"schemaFields"`
		}
		if err := json.Unmarshal(raw, &part); err != nil {
			return nil //nolint:nilerr // another kind of thing: it has no columns
		}
		if part.Name != "" && len(part.Tags) > 0 {
			l[part.Name] = part.Tags
		}
		for _, inner := range []jsontext.Value{part.Children, part.Columns, part.Fields} {
			if err := l.collect(inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// restrictColumns leaves the edges whose columns the filter is about with their ends
// and, if paths are wanted, what lies between them and the root.
func (s *Service) restrictColumns(ctx context.Context, f *found, filter *ColumnFilter, paths bool) error {
	labels := columnLabels{}
	if len(filter.tags)+len(filter.terms) > 0 {
		loaded, err := s.load(ctx, f.g.all())
		if err != nil {
			return err
		}
		for _, l := range loaded {
			if err := labels.ofEntity(l); err != nil {
				return entity.Internal(err)
			}
		}
	}
	matches := func(rel store.Relation) bool {
		d := f.details[[2]entity.ID{rel.From, rel.To}]
		return d != nil && filter.holds(d, labels)
	}
	wanted := map[entity.ID]bool{}
	for _, rel := range f.g.edges() {
		if matches(rel) {
			wanted[rel.From], wanted[rel.To] = true, true
		}
	}
	if paths {
		f.g.addPaths(wanted)
	} else {
		f.g.keepEdges(matches)
	}
	f.g.keep(func(id entity.ID) bool { return wanted[id] })
	return nil
}

// ofEntity notes the labels of an entity's columns, wherever its type keeps them.
func (l columnLabels) ofEntity(loaded engine.Loaded) error {
	for _, member := range []string{"columns", "schemaFields", "dataModel", "messageSchema", "mlFeatures", "requestSchema", "responseSchema", "fields"} {
		raw := loaded.Entity.Rest[member]
		if raw == nil {
			continue
		}
		if err := l.collect(raw); err != nil {
			return err
		}
	}
	return nil
}
