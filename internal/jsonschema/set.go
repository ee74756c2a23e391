package jsonschema

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// connectionsFile maps category and service type to the schema of a connection.
const connectionsFile = "connections.json"

// Set is a collection of schemas. It is safe for concurrent use. A schema is
// named by its path, such as "entity/data/table.json", or by path and
// definition, such as "entity/data/table.json#/$defs/column".
type Set struct {
	files       fs.FS
	connections map[string]map[string]string // "" for service types without settings

	compiling sync.Mutex
	nodes     sync.Map           // name -> *node, complete with all it refers to
	secrets   sync.Map           // name -> *secretTree
	texts     sync.Map           // *node -> bool, whether texts can be reached
	plain     map[plainKey]*node // guarded by compiling
	checkers  sync.Pool
}

// Load prepares the schemas of fsys. Only the table of connections is read at
// once; a schema is read when it is first used.
func Load(fsys fs.FS) (*Set, error) {
	text, err := fs.ReadFile(fsys, connectionsFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", connectionsFile, err)
	}
	set := &Set{files: fsys, plain: map[plainKey]*node{}}
	if err == nil {
		if err := json.Unmarshal(text, &set.connections); err != nil {
			return nil, fmt.Errorf("read %s: %w", connectionsFile, err)
		}
	}
	return set, nil
}

// Names returns the paths of all files, sorted.
func (s *Set) Names() ([]string, error) {
	var names []string
	err := fs.WalkDir(s.files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && path.Ext(name) == ".json" && name != connectionsFile {
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// Source returns the text of a schema file.
func (s *Set) Source(schema string) ([]byte, error) {
	file, _, _ := strings.Cut(schema, "#")
	return fs.ReadFile(s.files, file)
}

// Compile makes sure that the schemas and everything they refer to are sound.
// Compiling many at once reads shared files only once.
func (s *Set) Compile(schemas ...string) error {
	s.compiling.Lock()
	defer s.compiling.Unlock()
	_, err := s.compile(schemas)
	return err
}

// lookup returns the compiled schema, compiling it when it is first asked for.
func (s *Set) lookup(schema string) (*node, error) {
	if found, ok := s.nodes.Load(schema); ok {
		return found.(*node), nil
	}
	s.compiling.Lock()
	defer s.compiling.Unlock()
	return s.compile([]string{schema})
}

// compile returns the last of the schemas. It is called with the lock held.
func (s *Set) compile(schemas []string) (*node, error) {
	c := compiler{set: s, files: map[string]*source{}, fresh: map[string]*node{}}
	var last *node
	for _, schema := range schemas {
		var err error
		if last, err = c.named(schema); err != nil {
			return nil, entity.Internal(fmt.Errorf("schema %s: %w", schema, err))
		}
	}
	for name, made := range c.fresh {
		s.nodes.Store(name, made)
	}
	return last, nil
}
