package search

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// treeNode is an entity with what lies below it, as far as it was asked for.
type treeNode struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	DisplayName string      `json:"displayName,omitzero"`
	Description string      `json:"description,omitzero"`
	FQN         string      `json:"fullyQualifiedName"`
	Type        string      `json:"entityType,omitzero"`
	Children    []*treeNode `json:"children"`
}

// TreeFields are what a hierarchy shows of a document.
func TreeFields() SourceFilter {
	return SourceFilter{Include: []string{"id", "name", "displayName", "description", "fullyQualifiedName", "entityType"}}
}

// AncestorNames lists the full names that the hits lie below, without the hits'.
func AncestorNames(hits []Hit) ([]string, error) {
	own, above := map[string]bool{}, map[string]bool{}
	for _, hit := range hits {
		var n treeNode
		if err := json.Unmarshal(hit.Source, &n); err != nil {
			return nil, err
		}
		own[n.FQN] = true
		for parent := entity.ParentFQN(n.FQN); parent != ""; parent = entity.ParentFQN(parent) {
			above[parent] = true
		}
	}
	var names []string
	for name := range above {
		if !own[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// RenderHierarchy writes hits as trees: each below the nearest of the others that
// its full name continues.
func RenderHierarchy(hits []Hit) (jsontext.Value, error) {
	nodes := map[string]*treeNode{}
	var names []string
	for _, hit := range hits {
		source, err := TreeFields().Apply(hit.Source)
		if err != nil {
			return nil, err
		}
		n := &treeNode{Children: []*treeNode{}}
		if err := json.Unmarshal(source, n); err != nil {
			return nil, err
		}
		if nodes[n.FQN] == nil {
			names = append(names, n.FQN)
		}
		nodes[n.FQN] = n
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	roots := []*treeNode{}
	for _, name := range names {
		parent := entity.ParentFQN(name)
		for parent != "" && nodes[parent] == nil {
			parent = entity.ParentFQN(parent)
		}
		if parent == "" {
			roots = append(roots, nodes[name])
			continue
		}
		above := nodes[parent]
		above.Children = append(above.Children, nodes[name])
	}
	return json.Marshal(roots)
}

// TreeCall reads the parameters of GET /search/query with getHierarchy: of types that
// are above others of their own.
func (c *Catalog) TreeCall(values url.Values, now time.Time) (Call, error) {
	call, err := c.QueryCall(values, now)
	if err != nil {
		return call, err
	}
	trees := c.trees()
	for _, index := range call.Request.Indexes {
		if !slices.Contains(trees, index) {
			return call, entity.BadRequest("getHierarchy is for %s; %s has none", strings.Join(trees, ", "), index)
		}
	}
	if len(call.Request.Indexes) == 0 {
		return call, entity.BadRequest("getHierarchy is for one of %s; name it with index", strings.Join(trees, ", "))
	}
	call.Request.Aggregations, call.Request.Highlight, call.Request.NoSource = nil, false, false
	return call, nil
}

func (c *Catalog) trees() []string {
	var indexes []string
	for _, typ := range []string{"domain", "glossary", "glossaryTerm", "tag", "classification", "team"} {
		if index, ok := c.IndexOf(typ); ok {
			indexes = append(indexes, index)
		}
	}
	return indexes
}

// TreeIndexes returns the indexes that what is above documents of these lies in:
// terms lie in glossaries, and tags in classifications.
func (c *Catalog) TreeIndexes(indexes []string) []string {
	all := slices.Clone(indexes)
	for below, above := range map[string]string{"glossaryTerm": "glossary", "tag": "classification"} {
		low, _ := c.IndexOf(below)
		high, ok := c.IndexOf(above)
		if ok && slices.Contains(indexes, low) {
			all = append(all, high)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
