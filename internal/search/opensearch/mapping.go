package opensearch

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

// format changes when documents written before lack what queries ask for; such an index is replaced by an empty one,
// and the indexer fills it.
const format = 1

// Fields of a document. Those of values and numbers have the path behind a dot.
const (
	fieldID       = "id"
	fieldIndex    = "index"
	fieldDeleted  = "deleted"
	fieldFacts    = "facts" // see search.Facts; no query of a client reaches it
	fieldTerms    = "t"     // values and words, each with its path
	fieldPhrase   = "p"     // words in their order, each with its path
	fieldText     = "pa"    // words in their order
	fieldValues   = "f"     // whole values by path, for sorting and counting
	fieldNumbers  = "n"     // numbers by path
	fieldSteps    = "r"     // numbers that documents are lifted by, in steps
	fieldLabels   = "l"     // values by path as they were written
	fieldSource   = "source"
	fieldPosition = "position"
	fieldMark     = "mark" // how far a rebuild is, see search.Resumable
)

const (
	// maxPaths is how many paths are sorted and counted by: custom properties must not make fields without end. A path
	// has up to four fields.
	maxPaths  = 4000
	maxFields = 4*maxPaths + 100
	maxToken  = 4096 // bytes of a word with its path
)

// columns are the fields that have members with the name of a path.
func columns() []string { return []string{fieldValues, fieldLabels, fieldNumbers, fieldSteps} }

// columnOf is the mapping of a member of one of them: it is read by document, never searched.
func columnOf(group string) object {
	kind := "keyword"
	if group == fieldNumbers || group == fieldSteps {
		kind = "double"
	}
	return object{"type": kind, "index": false}
}

// learn notes fields that the mapping has. The caller holds mu.
func (e *Engine) learn(fields []string) {
	for _, field := range fields {
		e.fields[field] = true
		if path, ok := strings.CutPrefix(field, fieldValues+"."); ok {
			e.paths[path] = true
		}
	}
}

// takes tells whether a path, as the name of a field, is sorted and counted by. Beyond maxPaths, new ones are not.
func (e *Engine) takes(path string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.paths[path] && len(e.paths) >= maxPaths {
		return false
	}
	e.paths[path] = true
	return true
}

// widen puts the fields of documents that are new into the mapping, all at once: left to the cluster, each new one of each
// document is a change of its state.
func (e *Engine) widen(ctx context.Context, docs []*stored) error {
	fresh := map[string]bool{}
	e.mu.Lock()
	for _, doc := range docs {
		for _, field := range doc.columns() {
			if !e.fields[field] {
				fresh[field] = true
			}
		}
	}
	e.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	groups, names := map[string]object{}, []string{}
	for field := range fresh {
		group, path, _ := strings.Cut(field, ".")
		if groups[group] == nil {
			groups[group] = object{}
		}
		groups[group][path] = columnOf(group)
		names = append(names, field)
	}
	properties := object{}
	for group, members := range groups {
		properties[group] = object{"properties": members}
	}
	if err := e.client.call(ctx, http.MethodPut, e.at("/_mapping"), nil, object{"properties": properties}, nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.learn(names)
	return nil
}

// mapping is the body that makes an index.
func mapping(shards int) object {
	terms := object{"type": "keyword", "doc_values": false, "norms": false}
	text := object{"type": "text", "analyzer": "words", "norms": false, "index_options": "positions"}
	templates := []any{}
	for _, group := range columns() {
		templates = append(templates, object{group: object{"path_match": group + ".*", "mapping": columnOf(group)}})
	}
	open := object{"type": "object", "dynamic": true}
	return object{
		"settings": object{"index": object{
			"number_of_shards": shards, "auto_expand_replicas": "0-1",
			// A batch is made visible when it was written as a whole.
			"refresh_interval":           "-1",
			"mapping.total_fields.limit": strconv.Itoa(maxFields), "max_regex_length": 20_000, "max_terms_count": 200_000,
			"analysis": object{
				"tokenizer": object{"words": object{"type": "whitespace", "max_token_length": maxToken}},
				"analyzer":  object{"words": object{"type": "custom", "tokenizer": "words"}},
			},
		}},
		"mappings": object{
			"_meta": object{"format": format}, "_source": object{"includes": []string{fieldSource, fieldIndex, fieldPosition, fieldMark}},
			"dynamic": "strict", "date_detection": false, "numeric_detection": false, "dynamic_templates": templates,
			"properties": object{
				fieldID: object{"type": "keyword"}, fieldIndex: object{"type": "keyword"}, fieldDeleted: object{"type": "boolean"},
				fieldFacts: terms, fieldTerms: terms, fieldPhrase: text, fieldText: text,
				fieldValues: open, fieldLabels: open, fieldNumbers: open, fieldSteps: open,
				fieldSource: object{"type": "object", "enabled": false}, fieldPosition: object{"type": "long", "index": false},
				fieldMark: object{"type": "object", "enabled": false},
			},
		},
	}
}
