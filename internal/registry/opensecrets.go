package registry

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// connectionSecrets finds the secrets of a connection's settings: those that the
// schema tells of, and in the members that the schema leaves open those whose name
// tells. Connectors of one's own have nowhere else to put a password.
func connectionSecrets(set *jsonschema.Set, schema string, config jsontext.Value, visit jsonschema.Visit) (jsontext.Value, error) {
	config, err := set.VisitSecrets(schema, config, visit)
	if err != nil {
		return nil, err
	}
	for _, name := range openMembers() {
		config, err = editMember(config, name, func(value jsontext.Value) (jsontext.Value, error) {
			if value.Kind() != '{' {
				return value, nil
			}
			return namedSecrets(value, name, name, visit)
		})
		if err != nil {
			return nil, err
		}
	}
	return config, nil
}

// openMembers are the members of connections that hold whatever the driver takes.
func openMembers() []string {
	return []string{"connectionOptions", "connectionArguments", "schemaRegistryConfig", "consumerConfig"}
}

// namedSecrets visits the strings of an open object whose names are those of
// secrets, at any depth that a validated document has. The strings of a list go
// by the name of the list.
func namedSecrets(container jsontext.Value, name, path string, visit jsonschema.Visit) (jsontext.Value, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(container))
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	var out jsontext.Value
	copied := int64(0)
	list := container.Kind() == '['
	for i := 0; dec.PeekKind() != '}' && dec.PeekKind() != ']'; i++ {
		at := path + "[" + strconv.Itoa(i) + "]"
		if !list {
			token, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			name = token.String()
			at = path + "." + name
		}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		replaced, err := visitNamed(value, name, at, visit)
		if err != nil {
			return nil, err
		}
		end := dec.InputOffset()
		out = append(append(out, container[copied:end-int64(len(value))]...), replaced...)
		copied = end
	}
	return append(out, container[copied:]...), nil
}

func visitNamed(value jsontext.Value, name, path string, visit jsonschema.Visit) (jsontext.Value, error) {
	if kind := value.Kind(); kind == '{' || kind == '[' {
		return namedSecrets(value, name, path, visit)
	}
	text := textOf(value)
	if text == "" || !namesSecret(name) {
		return value, nil
	}
	replaced, err := visit(path, text)
	if err != nil || replaced == text {
		return value, err
	}
	return jsontext.AppendQuote(nil, replaced)
}

// namesSecret tells whether a driver's option of that name holds a secret, such as
// sasl.password, sslkey, apiToken or basic.auth.user.info.
func namesSecret(name string) bool {
	var plain strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' {
			plain.WriteRune(r)
		}
	}
	word := plain.String()
	for _, part := range []string{"password", "passwd", "passphrase", "secret", "token", "credential", "privatekey", "apikey", "accesskey", "sslkey", "userinfo", "jaasconfig"} {
		if strings.Contains(word, part) {
			return true
		}
	}
	return word == "pwd" || word == "pass"
}
