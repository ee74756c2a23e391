package search

import (
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// indexSuffix ends the name of every index.
const indexSuffix = "_search_index"

// Catalog maps entity types to indexes, and the names clients use to sets of
// indexes. It is made once, from the types there are.
type Catalog struct {
	byType map[string]string
	byName map[string][]string
}

// special are the indexes whose names do not follow from their type's.
func special(typ string) string {
	switch typ {
	case "mlmodel":
		return "mlmodel" + indexSuffix
	case "searchIndex":
		return "search_entity" + indexSuffix
	case "entityReportData":
		return "entity_report_data_index"
	}
	return ""
}

// NewCatalog makes the catalog of the entity types.
func NewCatalog(types []string) *Catalog {
	c := &Catalog{byType: map[string]string{}, byName: map[string][]string{}}
	var all []string
	for _, typ := range types {
		index := special(typ)
		if index == "" {
			index = snake(typ) + indexSuffix
		}
		c.byType[typ] = index
		all = append(all, index)
		c.name(index, index)
		c.name(typ, index)
		c.name(strings.TrimSuffix(index, indexSuffix), index)
	}
	slices.Sort(all)
	for _, alias := range []string{"all", "all_search_index", "global", "global_search_index"} {
		c.byName[alias] = all
	}
	for alias, members := range aliases() {
		for _, typ := range members {
			if index, ok := c.byType[typ]; ok {
				c.name(alias, index)
			}
		}
	}
	if c.byName["entity_report_data_index"] == nil { // known to clients, empty here
		c.byName["entity_report_data_index"] = []string{"entity_report_data_index"}
	}
	for _, name := range []string{columnIndex, columnType, "column"} {
		c.byName[name] = []string{columnIndex}
	}
	return c
}

// aliases are the names of groups of types.
func aliases() map[string][]string {
	assets := []string{
		"table", "topic", "dashboard", "pipeline", "mlmodel", "container", "chart", "dashboardDataModel", "storedProcedure",
		"searchIndex", "apiEndpoint", "apiCollection", "database", "databaseSchema", "metric", "query", "directory", "file",
		"spreadsheet", "worksheet", "glossaryTerm", "llmModel", "aiApplication",
	}
	services := []string{
		"databaseService", "messagingService", "dashboardService", "pipelineService", "mlmodelService", "storageService",
		"metadataService", "searchService", "apiService", "driveService", "securityService", "llmService",
	}
	return map[string][]string{
		"dataAsset":            slices.Concat(assets, services),
		"service":              services,
		"service_search_index": services,
		"dataQuality":          {"testCase", "testSuite"},
	}
}

func (c *Catalog) name(name, index string) {
	if !slices.Contains(c.byName[name], index) {
		c.byName[name] = append(c.byName[name], index)
	}
}

// snake turns databaseSchema into database_schema.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 && b.Len() > 0 && name[i-1] >= 'a' {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// IndexOf returns the index of a type; ok is false for types that are not
// searched.
func (c *Catalog) IndexOf(typ string) (index string, ok bool) {
	index, ok = c.byType[typ]
	return index, ok
}

// Resolve returns the indexes that a comma-separated list of index names,
// aliases and types stands for; nil means all. An unknown name is an error of
// KindBadRequest.
func (c *Catalog) Resolve(names string) ([]string, error) {
	if len(names) > 4096 {
		return nil, entity.BadRequest("the list of indexes is too long")
	}
	var indexes []string
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if name == "all" || name == "all_search_index" || name == "*" {
			return nil, nil
		}
		members, ok := c.byName[name]
		if !ok {
			return nil, entity.BadRequest("there is no search index named %q", entity.Shorten(name, 100))
		}
		indexes = append(indexes, members...)
	}
	slices.Sort(indexes)
	indexes = slices.Compact(indexes)
	if len(indexes) > 1 && slices.Contains(indexes, columnIndex) {
		return nil, entity.BadRequest("columns are searched on their own: name no other index with %s", columnIndex)
	}
	return indexes, nil
}

// Aliases returns every index with the other names that stand for it, the types'
// and those of groups.
func (c *Catalog) Aliases() map[string][]string {
	aliases := make(map[string][]string, len(c.byType))
	for _, index := range c.byType {
		aliases[index] = []string{}
	}
	for name, members := range c.byName {
		for _, index := range members {
			if _, ok := aliases[index]; ok && name != index {
				aliases[index] = append(aliases[index], name)
			}
		}
	}
	for _, names := range aliases {
		slices.Sort(names)
	}
	return aliases
}
