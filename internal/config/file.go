package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits of a configuration file.
const (
	maxFileBytes = 1 << 20
	maxNodes     = 20000
	maxDepth     = 40
)

// document is a parsed file: its top mapping and the references cut out of it.
type document struct {
	root *yaml.Node // nil for an empty file
	refs references
}

// readFile reads at most maxFileBytes of a regular file.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be opened: %w", plainPathError(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("this is a directory, not a file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", plainPathError(err))
	}
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("the file is larger than %d bytes", maxFileBytes)
	}
	return data, nil
}

// plainPathError takes the operation and the path off an error; both are known
// to whoever reads the message.
func plainPathError(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// parseDocument turns a file's bytes into one YAML mapping. It refuses what a
// configuration never needs and an attacker may: other encodings, aliases (they
// can blow up exponentially), repeated keys, several documents.
func parseDocument(data []byte) (doc document, finding *Finding) {
	refuse := func(line int, message string) (document, *Finding) {
		return document{}, &Finding{Severity: Error, Code: "CFG-FILE", Line: line, Message: message}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return refuse(lineOfInvalid(data), "the file is not UTF-8 text.")
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return refuse(lineAt(data, i), "the file holds a NUL byte.")
	}
	if i := bytes.IndexAny(data, string(markOpen)+string(markClose)); i >= 0 {
		return refuse(lineAt(data, i), "the file holds a reserved private-use character (U+E000 or U+E001).")
	}
	text, refs := cutReferences(string(data))
	root, finding := decodeYAML(text)
	if finding != nil || root == nil {
		return document{}, finding
	}
	if root.Kind != yaml.MappingNode {
		return refuse(root.Line, "the file must hold keys and values at its top.")
	}
	return document{root: root, refs: refs}, nil
}

// decodeYAML parses one YAML document within the limits. The result is nil for
// an empty one.
func decodeYAML(text string) (*yaml.Node, *Finding) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var node yaml.Node
	if err := decoder.Decode(&node); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, &Finding{Severity: Error, Code: "CFG-FILE", Message: fmt.Sprintf("the file is not YAML: %s.", strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, &Finding{Severity: Error, Code: "CFG-FILE", Message: "the file must hold one YAML document."}
	}
	budget := maxNodes
	if finding := checkNode(&node, 0, &budget); finding != nil {
		return nil, finding
	}
	if len(node.Content) == 0 || node.Content[0].Tag == "!!null" {
		return nil, nil
	}
	return node.Content[0], nil
}

// checkNode walks the tree within its budget.
func checkNode(node *yaml.Node, depth int, budget *int) *Finding {
	*budget--
	refuse := func(format string, args ...any) *Finding {
		return &Finding{Severity: Error, Code: "CFG-FILE", Line: node.Line, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case *budget < 0:
		return refuse("the file holds more than %d values.", maxNodes)
	case depth > maxDepth:
		return refuse("the file is nested deeper than %d levels.", maxDepth)
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return refuse("YAML anchors and aliases are not accepted; write the value out.")
	}
	if node.Kind == yaml.MappingNode {
		seen := make(map[string]int, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if first, twice := seen[key.Value]; twice {
				return &Finding{Severity: Error, Code: "CFG-REPEATED-KEY", Key: key.Value, Line: key.Line,
					Message: fmt.Sprintf("the key stands here and in line %d.", first), Remedy: "remove one of them."}
			}
			seen[key.Value] = key.Line
		}
	}
	for _, child := range node.Content {
		if finding := checkNode(child, depth+1, budget); finding != nil {
			return finding
		}
	}
	return nil
}

func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

func lineOfInvalid(data []byte) int {
	for offset := 0; offset < len(data); {
		r, size := utf8.DecodeRune(data[offset:])
		if r == utf8.RuneError && size == 1 {
			return lineAt(data, offset)
		}
		offset += size
	}
	return 0
}
