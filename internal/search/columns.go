package search

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Columns are documents without being stored: a million of them would cost fifty
// times what their tables cost. They are made from the documents of tables when they
// are searched, so that they follow their table at once, show what it may show and
// take no room. What a search looks at is bounded; beyond, totals say that there is
// more.

// columnIndex is the name of the index of columns, columnType that of their type.
const (
	columnIndex = "column_search_index"
	columnType  = "tableColumn"
	tableIndex  = "table_search_index"
)

// Limits of a search for columns.
const (
	columnTables = 500    // tables it reads, the best first
	columnReads  = 25_000 // columns it looks at
	columnPage   = 250    // tables read at a time
)

// OfColumns tells whether the request is for columns.
func OfColumns(req Request) bool { return slices.Equal(req.Indexes, []string{columnIndex}) }

// tableOfColumns is what of a table's document its columns show.
type tableOfColumns struct {
	ID             jsontext.Value `json:"id"`
	Name           string         `json:"name"`
	DisplayName    string         `json:"displayName"`
	FQN            string         `json:"fullyQualifiedName"`
	TableType      jsontext.Value `json:"tableType"`
	Service        jsontext.Value `json:"service"`
	ServiceType    jsontext.Value `json:"serviceType"`
	Database       jsontext.Value `json:"database"`
	DatabaseSchema jsontext.Value `json:"databaseSchema"`
	Owners         jsontext.Value `json:"owners"`
	Domains        jsontext.Value `json:"domains"`
	DataProducts   jsontext.Value `json:"dataProducts"`
	UpdatedAt      jsontext.Value `json:"updatedAt"`
	Deleted        bool           `json:"deleted"`
	Columns        []tableColumn  `json:"columns"`

	id     entity.ID
	score  float64
	values map[string][]Value // of what all columns have
}

type tableColumn struct {
	Name        string         `json:"name"`
	DisplayName string         `json:"displayName"`
	FQN         string         `json:"fullyQualifiedName"`
	Description string         `json:"description"`
	DataType    string         `json:"dataType"`
	TypeDisplay string         `json:"dataTypeDisplay"`
	Constraint  string         `json:"constraint"`
	Ordinal     jsontext.Value `json:"ordinalPosition"`
	Tags        jsontext.Value `json:"tags"`
	Children    []tableColumn  `json:"children"`
}

// columnShared is what all columns of a table have in common, as a document.
type columnShared struct {
	EntityType     string         `json:"entityType"`
	Deleted        bool           `json:"deleted"`
	Table          tableReference `json:"table"`
	TableType      jsontext.Value `json:"tableType,omitzero"`
	Service        jsontext.Value `json:"service,omitzero"`
	ServiceType    jsontext.Value `json:"serviceType,omitzero"`
	Database       jsontext.Value `json:"database,omitzero"`
	DatabaseSchema jsontext.Value `json:"databaseSchema,omitzero"`
	Owners         jsontext.Value `json:"owners,omitzero"`
	Domains        jsontext.Value `json:"domains,omitzero"`
	DataProducts   jsontext.Value `json:"dataProducts,omitzero"`
	UpdatedAt      jsontext.Value `json:"updatedAt,omitzero"`
}

type tableReference struct {
	ID          jsontext.Value `json:"id"`
	Type        string         `json:"type"`
	Name        string         `json:"name"`
	DisplayName string         `json:"displayName,omitzero"`
	FQN         string         `json:"fullyQualifiedName"`
}

// columnDocument is the document of a column.
type columnDocument struct {
	ID            entity.ID         `json:"id"`
	Name          string            `json:"name"`
	DisplayName   string            `json:"displayName,omitzero"`
	FQN           string            `json:"fullyQualifiedName"`
	Description   string            `json:"description,omitzero"`
	DataType      string            `json:"dataType,omitzero"`
	TypeDisplay   string            `json:"dataTypeDisplay,omitzero"`
	Constraint    string            `json:"constraint,omitzero"`
	Ordinal       jsontext.Value    `json:"ordinalPosition,omitzero"`
	Tags          []entity.TagLabel `json:"tags"`
	Tier          *entity.TagLabel  `json:"tier,omitzero"`
	ClassTags     []string          `json:"classificationTags"`
	GlossaryTags  []string          `json:"glossaryTags"`
	Describedness string            `json:"descriptionStatus"`
	columnShared  `json:",inline"`
}

// columnID is the id of a column's document: the beginning of the table's id, which
// finds the table again, and a digest of the column's name.
func columnID(table entity.ID, fqn string) entity.ID {
	digest := sha256.Sum256([]byte(strings.ToLower(fqn)))
	copy(table[10:], digest[:6])
	return table
}

// columnHit is a column that matches.
type columnHit struct {
	table  *tableOfColumns
	column *tableColumn
	id     entity.ID
	score  float64
	keys   []string // by sort field
}

func readTable(hit Hit) (*tableOfColumns, error) {
	t := &tableOfColumns{id: hit.ID, score: hit.Score}
	if err := json.Unmarshal(hit.Source, t); err != nil {
		return nil, err
	}
	shared, err := json.Marshal(t.shared())
	if err != nil {
		return nil, err
	}
	t.values = map[string][]Value{}
	err = WalkFields(shared, func(path string, v Value) { t.values[path] = append(t.values[path], v) })
	return t, err
}

func (t *tableOfColumns) shared() columnShared {
	return columnShared{
		EntityType: columnType, Deleted: t.Deleted, TableType: t.TableType, Service: t.Service, ServiceType: t.ServiceType,
		Database: t.Database, DatabaseSchema: t.DatabaseSchema, Owners: t.Owners, Domains: t.Domains, DataProducts: t.DataProducts, UpdatedAt: t.UpdatedAt,
		Table: tableReference{ID: t.ID, Type: "table", Name: t.Name, DisplayName: t.DisplayName, FQN: t.FQN},
	}
}

// each visits the columns of a table, nested ones too, until visit says to stop.
func (t *tableOfColumns) each(visit func(c *tableColumn) (bool, error)) error {
	var walk func(parent string, columns []tableColumn) (bool, error)
	walk = func(parent string, columns []tableColumn) (bool, error) {
		for i := range columns {
			c := &columns[i]
			if c.FQN == "" {
				c.FQN = entity.JoinFQN(parent, c.Name)
			}
			if more, err := visit(c); err != nil || !more {
				return false, err
			}
			if more, err := walk(c.FQN, c.Children); err != nil || !more {
				return false, err
			}
		}
		return true, nil
	}
	_, err := walk(t.FQN, t.Columns)
	return err
}

// fields are the values of a column's document. Those of most columns are found
// without writing it.
func (t *tableOfColumns) fields(c *tableColumn, id entity.ID) (*Fields, error) {
	if len(c.Tags) > len("[]") {
		source, err := columnHit{table: t, column: c, id: id}.document()
		if err != nil {
			return nil, err
		}
		return ReadFields(id, source)
	}
	f := &Fields{id: id, values: make(map[string][]Value, len(t.values)+12), words: map[string]map[string]bool{}}
	maps.Copy(f.values, t.values)
	set := func(path, text string) {
		if text != "" {
			f.values[path] = []Value{{Kind: String, Text: text}}
		}
	}
	set("id", id.String())
	set("name", c.Name)
	set("displayName", c.DisplayName)
	set("fullyQualifiedName", c.FQN)
	set("description", c.Description)
	set("descriptionStatus", descriptionStatus(c.Description))
	set("dataType", c.DataType)
	set("dataTypeDisplay", c.TypeDisplay)
	set("constraint", c.Constraint)
	if len(c.Ordinal) == 0 {
		return f, nil
	}
	err := WalkFields(c.Ordinal, func(_ string, v Value) { f.values["ordinalPosition"] = []Value{v} })
	return f, err
}

// document writes the document of a hit.
func (h columnHit) document() (jsontext.Value, error) {
	c := h.column
	doc := columnDocument{
		ID: h.id, Name: c.Name, DisplayName: c.DisplayName, FQN: c.FQN, Description: c.Description, DataType: c.DataType,
		TypeDisplay: c.TypeDisplay, Constraint: c.Constraint, Ordinal: c.Ordinal, Tags: []entity.TagLabel{}, ClassTags: []string{},
		GlossaryTags: []string{}, Describedness: descriptionStatus(c.Description), columnShared: h.table.shared(),
	}
	if len(c.Tags) > 0 {
		if err := json.Unmarshal(c.Tags, &doc.Tags); err != nil {
			return nil, err
		}
	}
	for i, tag := range doc.Tags {
		if strings.HasPrefix(tag.TagFQN, "Tier.") {
			doc.Tier = &doc.Tags[i]
		}
		if tag.Source == "Glossary" {
			doc.GlossaryTags = append(doc.GlossaryTags, tag.TagFQN)
			continue
		}
		doc.ClassTags = append(doc.ClassTags, tag.TagFQN)
	}
	return json.Marshal(&doc, json.Deterministic(true))
}

// FindColumns answers a request for columns. tables answers one for tables, showing
// what the caller may see.
func FindColumns(req Request, tables func(Request) (Result, error)) (Result, error) {
	if err := CheckRequest(req); err != nil {
		return Result{}, err
	}
	s, err := newColumnSearch(req)
	if err != nil {
		return Result{}, err
	}
	result := Result{}
	candidates := Request{
		Indexes: []string{tableIndex}, Query: ofTables(req.Query), Deleted: req.Deleted, Size: columnPage,
		Filter: Bool{Filter: []Query{ofTables(req.Filter), Exists{Field: "columns"}}},
	}
	for s.read < columnReads && candidates.From < columnTables {
		page, err := tables(candidates)
		if err != nil {
			return Result{}, err
		}
		for _, hit := range page.Hits {
			if err := s.table(hit); err != nil {
				return Result{}, err
			}
		}
		candidates.From += columnPage
		result.AtLeast = page.Total > candidates.From
		if !result.AtLeast {
			break
		}
	}
	result.AtLeast = result.AtLeast || s.read >= columnReads
	result.Total = len(s.hits)
	result.Aggregations = s.aggregations()
	return result, s.page(&result)
}

// columnSearch goes through columns and keeps those that match.
type columnSearch struct {
	req          Request
	query        *Matcher // with the filter
	post         *Matcher
	words        columnWords
	read         int
	seen         map[entity.ID]bool // tables: pages of them may overlap when one is written between
	hits         []columnHit
	aggregations func() map[string]AggregationResult
	collect      func(*Fields) error
}

func newColumnSearch(req Request) (*columnSearch, error) {
	s := &columnSearch{req: req, words: wordsOfQuery(req.Query), seen: map[entity.ID]bool{}}
	var err error
	if s.query, err = NewMatcher(Bool{Filter: compact(req.Query, req.Filter)}); err != nil {
		return nil, err
	}
	if s.post, err = NewMatcher(req.PostFilter); err != nil {
		return nil, err
	}
	s.collect, s.aggregations, err = collector(req.Aggregations)
	return s, err
}

func (s *columnSearch) table(hit Hit) error {
	if s.seen[hit.ID] {
		return nil
	}
	s.seen[hit.ID] = true
	t, err := readTable(hit)
	if err != nil {
		return err
	}
	return t.each(func(c *tableColumn) (bool, error) {
		if s.read++; s.read > columnReads {
			return false, nil
		}
		return true, s.column(t, c)
	})
}

func (s *columnSearch) column(t *tableOfColumns, c *tableColumn) error {
	id := columnID(t.id, c.FQN)
	f, err := t.fields(c, id)
	if err != nil {
		return err
	}
	matched := s.query.Match(f)
	if s.query.Effort() > MaxEffort {
		return entity.BadRequest("the query's patterns look at too much; begin them with more text, or narrow the query")
	}
	if !matched {
		return nil
	}
	if err := s.collect(f); err != nil {
		return err
	}
	if !s.post.Match(f) {
		return nil
	}
	hit := columnHit{table: t, column: c, id: id, score: s.words.score(t, c)}
	for _, sort := range s.req.Sort {
		path, _ := BasePath(sort.Field)
		key := ""
		for _, v := range f.values[path] {
			if k := v.Key(); v.Kind != Present && (key == "" || (k < key) != sort.Desc) {
				key = k
			}
		}
		hit.keys = append(hit.keys, key)
	}
	s.hits = append(s.hits, hit)
	return nil
}

// page sorts what was found and adds the hits of the page to the result.
func (s *columnSearch) page(result *Result) error {
	slices.SortFunc(s.hits, s.compare)
	hits := s.hits
	if len(hits) > 0 {
		result.MaxScore = slices.MaxFunc(hits, func(a, b columnHit) int { return cmp.Compare(a.score, b.score) }).score
	}
	if after := s.req.After; len(after) > 0 {
		id, err := entity.ParseID(after[len(after)-1])
		if err != nil {
			return entity.BadRequest("search_after of columns takes the sort values of a hit, the last of which is its id")
		}
		at := slices.IndexFunc(hits, func(h columnHit) bool { return h.id == id })
		hits = hits[at+1:]
	}
	hits = hits[min(s.req.From, len(hits)):]
	marker := (*Highlighter)(nil)
	if s.req.Highlight {
		marker = NewHighlighter(s.req.Query)
	}
	for _, h := range hits[:min(s.req.Size, len(hits))] {
		source, err := h.document()
		if err != nil {
			return err
		}
		hit := Hit{ID: h.id, Index: columnIndex, Score: h.score, Source: source}
		if marker != nil {
			hit.Highlight = marker.Mark(source)
		}
		if len(s.req.Sort) > 0 {
			for i, sort := range s.req.Sort {
				if sort.Field == "_score" {
					hit.Sort = append(hit.Sort, h.score)
				} else if isID(sort.Field) {
					hit.Sort = append(hit.Sort, h.id.String())
				} else {
					hit.Sort = append(hit.Sort, KeyValue(h.keys[i]))
				}
			}
			if !isID(s.req.Sort[len(s.req.Sort)-1].Field) {
				hit.Sort = append(hit.Sort, h.id.String())
			}
		}
		if s.req.NoSource {
			hit.Source = nil
		}
		result.Hits = append(result.Hits, hit)
	}
	return nil
}

func isID(field string) bool { return field == "_id" || field == "_doc" }

// compare orders hits by the sort fields, or by score, and then by id.
func (s *columnSearch) compare(a, b columnHit) int {
	for i, sort := range s.req.Sort {
		c := 0
		switch {
		case sort.Field == "_score":
			c = cmp.Compare(a.score, b.score)
		case isID(sort.Field):
			c = slices.Compare(a.id[:], b.id[:])
		default:
			c = strings.Compare(a.keys[i], b.keys[i])
			if c != 0 && (a.keys[i] == "" || b.keys[i] == "") {
				return -c // missing comes last either way
			}
		}
		if sort.Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	if len(s.req.Sort) == 0 {
		if c := cmp.Compare(b.score, a.score); c != 0 {
			return c
		}
	}
	return slices.Compare(a.id[:], b.id[:])
}
