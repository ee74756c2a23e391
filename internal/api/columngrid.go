package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Limits of one page of the grid.
const (
	maxGridSize   = 1000
	gridOwners    = 2_000             // tables read for some names
	gridEffort    = 6_000             // tables read for a page
	maxGridNames  = search.MaxBuckets // names that can be paged through
	gridNameField = "columns.name.keyword"
)

// How complete what is known of a column is.
const (
	metadataMissing    = "MISSING"
	metadataIncomplete = "INCOMPLETE"
	metadataComplete   = "COMPLETE"
)

// gridRequest is what a page of the grid shows.
type gridRequest struct {
	scope               columnScope
	size                int
	after               string // the name that the page before ended with
	pattern             string // lower case
	conflicts, missing  bool
	status              string
	labels              []string // columns with any of these tags or terms
	further             []search.Query
	totalNames, columns int
}

func (c *call) gridRequest() (g gridRequest, err error) {
	if g.scope, err = c.columnScope(); err != nil {
		return g, err
	}
	if g.size, err = c.number("size", maxGridSize, 1, maxGridSize); err != nil {
		return g, err
	}
	if g.conflicts, err = c.flag("hasConflicts", false); err != nil {
		return g, err
	}
	if g.missing, err = c.flag("hasMissingMetadata", false); err != nil {
		return g, err
	}
	switch g.status = strings.ToUpper(c.query.Get("metadataStatus")); g.status {
	case "", metadataComplete, metadataIncomplete, metadataMissing:
	default:
		return g, entity.BadRequest("query param metadataStatus must be one of [COMPLETE, INCOMPLETE, MISSING]")
	}
	after, err := base64.RawURLEncoding.DecodeString(c.query.Get("cursor"))
	if err != nil {
		return g, entity.BadRequest("the cursor is none that this server gave")
	}
	g.after, g.pattern = string(after), strings.ToLower(c.query.Get("columnNamePattern"))
	g.labels = append(words(c.query.Get("tags")), words(c.query.Get("glossaryTerms"))...)
	if len(g.labels) > 0 {
		g.further = append(g.further, search.Terms{Field: "columns.tags.tagFQN", Values: g.labels})
	}
	return g, nil
}

// gridName is a name and how many tables have it.
type gridName struct {
	name string
	n    int
}

// gridNames asks the index for the names, in their order, without a look at the
// columns.
func (c *call) gridNames(g *gridRequest) ([]gridName, error) {
	req := c.ownersRequest(g.scope, g.further...)
	names := search.Aggregation{Kind: search.AggTerms, Field: gridNameField, Size: maxGridNames, ByKey: true, Asc: true}
	if g.pattern != "" {
		names.Include = ".*" + escapeRegexp(g.pattern) + ".*"
	}
	req.NoSource, req.Aggregations = true, map[string]search.Aggregation{"names": names}
	result, err := c.find(req)
	if err != nil {
		return nil, err
	}
	var out []gridName
	for _, b := range result.Aggregations["names"].Buckets {
		if name, ok := b.Key.(string); ok {
			out = append(out, gridName{name, b.Count})
			g.columns += b.Count
		}
	}
	g.totalNames = len(out)
	from := 0
	for from < len(out) && g.after != "" && strings.ToLower(out[from].name) <= g.after {
		from++
	}
	if from == maxGridNames {
		return nil, entity.BadRequest("pages go on to the name number %d; narrow what you look for with columnNamePattern, serviceName, databaseName, schemaName or domainId", maxGridNames)
	}
	return out[from:], nil
}

// escapeRegexp makes a text stand for itself in a regular expression.
func escapeRegexp(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(`.?+*|{}[]()"\#@&<>~^$`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// The grid as it is answered.
type (
	columnGrid struct {
		Columns     []*gridItem `json:"columns"`
		Unique      int         `json:"totalUniqueColumns"`
		Occurrences int         `json:"totalOccurrences"`
		Cursor      string      `json:"cursor,omitzero"`
	}
	gridItem struct {
		Name       string       `json:"columnName"`
		Total      int          `json:"totalOccurrences"`
		Variations bool         `json:"hasVariations"`
		Status     string       `json:"metadataStatus"`
		Groups     []*gridGroup `json:"groups"`
	}
	gridGroup struct {
		ID          string             `json:"groupId"`
		DisplayName string             `json:"displayName,omitzero"`
		Description string             `json:"description,omitzero"`
		Tags        []entity.TagLabel  `json:"tags,omitzero"`
		DataType    string             `json:"dataType,omitzero"`
		Status      string             `json:"metadataStatus"`
		Count       int                `json:"occurrenceCount"`
		Occurrences []columnOccurrence `json:"occurrences"`
		Children    []gridChild        `json:"children,omitzero"`
	}
	gridChild struct {
		Name        string            `json:"name"`
		FQN         string            `json:"fullyQualifiedName,omitzero"`
		DisplayName string            `json:"displayName,omitzero"`
		Description string            `json:"description,omitzero"`
		DataType    string            `json:"dataType,omitzero"`
		Tags        []entity.TagLabel `json:"tags,omitzero"`
		Children    []gridChild       `json:"children,omitzero"`
	}
)

// columnGrid answers names of columns, and below each the columns that have it,
// grouped by what is known of them. The index tells the names; tables are read for
// those of the page alone. A page may have fewer names than asked for when many tables
// have them, or when most of them are filtered away; the cursor goes on from there.
func (c *call) columnGrid() error {
	g, err := c.gridRequest()
	if err != nil {
		return err
	}
	names, err := c.gridNames(&g)
	if err != nil {
		return err
	}
	out := columnGrid{Columns: []*gridItem{}, Unique: g.totalNames, Occurrences: g.columns}
	last := ""
	for effort := 0; len(names) > 0 && len(out.Columns) < g.size && effort < gridEffort; {
		n, tables := 0, 0
		for n < len(names) && n < g.size-len(out.Columns) && (n == 0 || tables+names[n].n <= gridOwners) {
			tables += names[n].n
			n++
		}
		items, err := c.gridItems(&g, names[:n])
		if err != nil {
			return err
		}
		out.Columns = append(out.Columns, items...)
		last, names, effort = names[n-1].name, names[n:], effort+min(tables, gridOwners)
	}
	if len(names) > 0 || g.totalNames == maxGridNames && last != "" {
		out.Cursor = base64.RawURLEncoding.EncodeToString([]byte(strings.ToLower(last)))
	}
	return c.json(http.StatusOK, out)
}

// gridItems reads the columns with some names.
func (c *call) gridItems(g *gridRequest, names []gridName) ([]*gridItem, error) {
	wanted, list := map[string]int{}, make([]string, len(names))
	for i, name := range names {
		list[i] = name.name
		wanted[strings.ToLower(name.name)] = name.n
	}
	items := map[string]*gridItem{}
	groups := map[string]*gridGroup{}
	all, err := c.columnOwners(c.ownersRequest(g.scope, search.Terms{Field: gridNameField, Values: list}), gridOwners, func(owner *columnOwner) error {
		for i := range owner.Columns {
			col := &owner.Columns[i]
			if _, ok := wanted[strings.ToLower(col.Name)]; !ok {
				continue
			}
			col.FQN = entity.JoinFQN(owner.FQN, col.Name)
			item := items[col.Name]
			if item == nil {
				item = &gridItem{Name: col.Name, Status: metadataComplete}
				items[col.Name] = item
			}
			item.add(foundColumn{owner, col}, groups)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []*gridItem
	for _, item := range items {
		if !all { // the index has counted them
			item.Total = max(item.Total, wanted[strings.ToLower(item.Name)])
		}
		item.Variations = len(item.Groups) > 1
		if g.shows(item) {
			out = append(out, item)
		}
	}
	slices.SortFunc(out, func(a, b *gridItem) int {
		if d := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// shows tells whether an item is one of those asked for.
func (g *gridRequest) shows(item *gridItem) bool {
	labelled := len(g.labels) == 0 || slices.ContainsFunc(item.Groups, func(group *gridGroup) bool {
		return slices.ContainsFunc(group.Tags, func(t entity.TagLabel) bool { return slices.Contains(g.labels, t.TagFQN) })
	})
	return labelled && (!g.conflicts || item.Variations) && (!g.missing || item.Status != metadataComplete) && (g.status == "" || g.status == item.Status)
}

// add puts a column into the group of those about which the same is known.
func (item *gridItem) add(f foundColumn, groups map[string]*gridGroup) {
	col, dataType := f.col, textOf(f.col.Rest["dataType"])
	tags := make([]string, len(col.Tags))
	for i, tag := range col.Tags {
		tags[i] = tag.TagFQN
	}
	slices.Sort(tags)
	sum := sha256.Sum256([]byte(strings.Join(append([]string{col.Name, col.DisplayName, col.Description, dataType}, tags...), "\x00")))
	id := hex.EncodeToString(sum[:8])
	group := groups[id]
	if group == nil {
		group = &gridGroup{
			ID: id, DisplayName: col.DisplayName, Description: col.Description, Tags: col.Tags, DataType: dataType,
			Status: statusOfColumn(col), Children: gridChildren(col.FQN, col.Children),
		}
		groups[id], item.Groups = group, append(item.Groups, group)
		if group.Status == metadataMissing || group.Status == metadataIncomplete && item.Status == metadataComplete {
			item.Status = group.Status
		}
	}
	group.Occurrences = append(group.Occurrences, f.place())
	group.Count++
	item.Total++
}

func statusOfColumn(col *column) string {
	switch {
	case col.Description == "" && len(col.Tags) == 0:
		return metadataMissing
	case col.Description == "" || len(col.Tags) == 0:
		return metadataIncomplete
	}
	return metadataComplete
}

func gridChildren(above string, columns []column) []gridChild {
	var out []gridChild
	for _, col := range columns {
		fqn := entity.JoinFQN(above, col.Name)
		out = append(out, gridChild{
			Name: col.Name, FQN: fqn, DisplayName: col.DisplayName, Description: col.Description, DataType: textOf(col.Rest["dataType"]),
			Tags: col.Tags, Children: gridChildren(fqn, col.Children),
		})
	}
	return out
}
