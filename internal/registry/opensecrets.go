package registry

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// connectionSecrets finds the secrets of a connection's settings; schema is "" when
// they may be anything.
func connectionSecrets(set *jsonschema.Set, schema string, config jsontext.Value, visit jsonschema.Visit) (jsontext.Value, error) {
	if schema == "" {
		return set.VisitOpenSecrets(config, visit)
	}
	return set.VisitSecrets(schema, config, visit)
}

// once shows visit each secret once, for finders that look at a member twice: what is
// sealed twice would be opened once.
func once(visit visitor) visitor {
	seen := map[string]bool{}
	return func(path, value string) (string, error) {
		if seen[path] {
			return value, nil
		}
		seen[path] = true
		return visit(path, value)
	}
}
