package contract

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The bounds of a YAML document. References inside it are followed, so that a small
// one may stand for a large one.
const (
	maxNodes = 100_000
	maxNest  = 100
)

// FromYAML turns one YAML document into JSON. Dates stay texts, as they were written.
// Errors are of entity.KindBadRequest.
func FromYAML(text []byte) ([]byte, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); err != nil {
		return nil, entity.BadRequest("the body is not valid YAML: %s", wordYAML(err))
	}
	var buf bytes.Buffer
	w := &yamlWriter{out: jsontext.NewEncoder(&buf)}
	if err := w.write(&doc, "", 0); err != nil {
		return nil, entity.BadRequest("the YAML cannot be read: %s", wordYAML(err))
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}

// wordYAML keeps the line of an error and leaves out the library's name.
func wordYAML(err error) string {
	return entity.Shorten(strings.TrimPrefix(err.Error(), "yaml: "), 200)
}

// ToYAML writes a value as YAML.
func ToYAML(v any) ([]byte, error) {
	out, err := yaml.Marshal(v)
	if err != nil {
		return nil, entity.Internal(err)
	}
	return out, nil
}

type yamlWriter struct {
	out   *jsontext.Encoder
	nodes int
}

// write writes a node. name is the member it is the value of.
func (w *yamlWriter) write(n *yaml.Node, name string, depth int) error {
	if w.nodes++; w.nodes > maxNodes {
		return errors.New("it has too many parts")
	}
	if depth > maxNest {
		return errors.New("it nests too deep")
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return w.write(n.Content[0], name, depth+1)
	case yaml.AliasNode:
		return w.write(n.Alias, name, depth+1)
	case yaml.MappingNode:
		return w.mapping(n, depth)
	case yaml.SequenceNode:
		if err := w.out.WriteToken(jsontext.BeginArray); err != nil {
			return err
		}
		for _, item := range n.Content {
			if err := w.write(item, name, depth+1); err != nil {
				return err
			}
		}
		return w.out.WriteToken(jsontext.EndArray)
	case yaml.ScalarNode:
		return w.scalar(n, name)
	}
	return errors.New("there is nothing in it")
}

func (w *yamlWriter) mapping(n *yaml.Node, depth int) error {
	if err := w.out.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			return errors.New("line " + strconv.Itoa(key.Line) + ": a key must be a plain text")
		}
		if err := w.out.WriteToken(jsontext.String(key.Value)); err != nil {
			return errors.New("line " + strconv.Itoa(key.Line) + ": the key is there twice, or is not valid UTF-8")
		}
		if err := w.write(n.Content[i+1], key.Value, depth+1); err != nil {
			return err
		}
	}
	return w.out.WriteToken(jsontext.EndObject)
}

func (w *yamlWriter) scalar(n *yaml.Node, name string) error {
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		return w.out.WriteToken(jsontext.Null)
	case textual[name] || tag != "!!int" && tag != "!!float" && tag != "!!bool":
		return w.out.WriteToken(jsontext.String(n.Value))
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return errors.New("line " + strconv.Itoa(n.Line) + ": " + entity.Shorten(n.Value, 40) + " is no number that JSON has")
	}
	return w.out.WriteValue(raw)
}
