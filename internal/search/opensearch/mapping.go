package opensearch

import "strconv"

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
)

const (
	// maxPaths is how many paths are sorted and counted by: custom properties must not make fields without end. A path
	// has up to four fields.
	maxPaths  = 4000
	maxFields = 4*maxPaths + 100
	maxToken  = 4096 // bytes of a word with its path
)

// mapping is the body that makes an index.
func mapping(shards int) object {
	column := func(kind string) object { return object{"type": kind, "index": false} }
	terms := object{"type": "keyword", "doc_values": false, "norms": false}
	text := object{"type": "text", "analyzer": "words", "norms": false, "index_options": "positions"}
	templates := []any{}
	for field, kind := range map[string]string{fieldValues: "keyword", fieldLabels: "keyword", fieldNumbers: "double", fieldSteps: "double"} {
		templates = append(templates, object{field: object{"path_match": field + ".*", "mapping": column(kind)}})
	}
	open := object{"type": "object", "dynamic": true}
	return object{
		"settings": object{"index": object{
			"number_of_shards": shards, "auto_expand_replicas": "0-1",
			// A batch is made visible when it was written as a whole.
			"refresh_interval":           "-1",
			"mapping.total_fields.limit": strconv.Itoa(maxFields), "max_regex_length": 20_000,
			"analysis": object{
				"tokenizer": object{"words": object{"type": "whitespace", "max_token_length": maxToken}},
				"analyzer":  object{"words": object{"type": "custom", "tokenizer": "words"}},
			},
		}},
		"mappings": object{
			"_meta": object{"format": format}, "_source": object{"includes": []string{fieldSource, fieldIndex, fieldPosition}},
			"dynamic": "strict", "date_detection": false, "numeric_detection": false, "dynamic_templates": templates,
			"properties": object{
				fieldID: object{"type": "keyword"}, fieldIndex: object{"type": "keyword"}, fieldDeleted: object{"type": "boolean"},
				fieldFacts: terms, fieldTerms: terms, fieldPhrase: text, fieldText: text,
				fieldValues: open, fieldLabels: open, fieldNumbers: open, fieldSteps: open,
				fieldSource: object{"type": "object", "enabled": false}, fieldPosition: object{"type": "long", "index": false},
			},
		},
	}
}
