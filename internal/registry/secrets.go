package registry

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// Where the secrets are is part of the schemas: strings of format "password", the end
// of those of format "secret-uri", and in what they leave open the strings that are
// called one. The functions here say
// which schema applies where another member decides about that.

// The schemas of ingestion settings that may hold credentials, by the value of
// their member "type".
const (
	dbtSettings     = "metadataIngestion/dbtPipeline.json"
	storageSettings = "metadataIngestion/storageServiceMetadataPipeline.json"
)

// visitor is the second parameter of a SecretFinder.
type visitor = func(path, value string) (string, error)

// findSecrets gives a type whose schema tells of secrets what finds them, unless its
// entry has one of its own.
func (t *Type) findSecrets(set *jsonschema.Set) error {
	has, err := set.HasSecrets(t.Schema)
	if has && t.Hooks.Secrets == nil {
		t.Hooks.Secrets = schemaSecrets(set, t.Schema)
	}
	return err
}

// schemaSecrets finds the secrets of a document by its schema alone.
func schemaSecrets(set *jsonschema.Set, schema string) SecretFinder {
	return func(rest map[string]jsontext.Value, visit visitor) error {
		for name, value := range rest {
			if err := memberSecrets(set, schema, rest, name, value, visit); err != nil {
				return err
			}
		}
		return nil
	}
}

// memberSecrets visits one member, looked at as an object that has it alone.
func memberSecrets(set *jsonschema.Set, schema string, rest map[string]jsontext.Value, name string, value jsontext.Value, visit visitor) error {
	if kind := value.Kind(); kind != '{' && kind != '[' && kind != '"' {
		return nil
	}
	replaced, err := set.VisitMemberSecrets(schema, name, value, visit)
	if err != nil {
		return err
	}
	rest[name] = replaced
	return nil
}

// serviceSecrets finds the secrets of connection.config by the service type.
func serviceSecrets(set *jsonschema.Set, typ string) SecretFinder {
	return func(rest map[string]jsontext.Value, visit visitor) error {
		schema, err := set.ConnectionSchema(typ, textOf(rest["serviceType"]))
		if err != nil {
			return err
		}
		return editPath(rest, "connection", []string{"config"}, func(config jsontext.Value) (jsontext.Value, error) {
			return connectionSecrets(set, schema, config, below("connection.config", visit))
		})
	}
}

// pipelineSecrets finds the credentials of the sources that a pipeline reads
// files from, and the token it reports back with.
func pipelineSecrets(set *jsonschema.Set) SecretFinder {
	rest := schemaSecrets(set, "entity/services/ingestionPipelines/ingestionPipeline.json")
	return func(doc map[string]jsontext.Value, visit visitor) error {
		visit = once(visit)
		if err := rest(doc, visit); err != nil {
			return err
		}
		return editPath(doc, "sourceConfig", []string{"config"}, func(config jsontext.Value) (jsontext.Value, error) {
			return set.VisitOpenSecrets(config, below("sourceConfig.config", visit), dbtSettings, storageSettings)
		})
	}
}

// workflowSecrets finds the secrets of a connection that is to be tested.
func workflowSecrets(set *jsonschema.Set) SecretFinder {
	rest := schemaSecrets(set, "entity/automations/workflow.json")
	return func(doc map[string]jsontext.Value, visit visitor) error {
		visit = once(visit)
		if err := rest(doc, visit); err != nil {
			return err
		}
		var request struct {
			ServiceType    string `json:"serviceType"`
			ConnectionType string `json:"connectionType"`
		}
		if doc["request"].Kind() != '{' || json.Unmarshal(doc["request"], &request) != nil {
			return nil
		}
		schema, err := set.ConnectionSchema(strings.ToLower(request.ServiceType), request.ConnectionType)
		if err != nil {
			schema = "" // of a product nobody knows
		}
		return editPath(doc, "request", []string{"connection", "config"}, func(config jsontext.Value) (jsontext.Value, error) {
			return connectionSecrets(set, schema, config, below("request.connection.config", visit))
		})
	}
}

// below prefixes the paths that visit is shown.
func below(prefix string, visit visitor) jsonschema.Visit {
	return func(path, value string) (string, error) { return visit(prefix+"."+path, value) }
}

// editPath applies do to the value at the path below a member, if there is one.
func editPath(rest map[string]jsontext.Value, name string, path []string, do edit) error {
	value, ok := rest[name]
	if !ok || value.Kind() != '{' {
		return nil
	}
	for i := len(path) - 1; i >= 0; i-- {
		inner, member := do, path[i]
		do = func(object jsontext.Value) (jsontext.Value, error) { return editMember(object, member, inner) }
	}
	edited, err := do(value)
	if err != nil {
		return err
	}
	rest[name] = edited
	return nil
}

// connectionConfig returns the member config of a connection, nil if there is none.
func connectionConfig(connection jsontext.Value) (jsontext.Value, error) {
	if connection == nil {
		return nil, nil
	}
	var view struct {
		Config jsontext.Value `json:"config"`
	}
	if err := json.Unmarshal(connection, &view); err != nil {
		return nil, entity.BadRequest("connection cannot be read")
	}
	if view.Config.Kind() == 'n' {
		return nil, nil
	}
	return view.Config, nil
}
