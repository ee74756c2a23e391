package config

import (
	_ "embed"
	"sort"
	"strings"
)

//go:embed keys.txt
var keyTable string

// kind is the form a key's value has.
type kind string

const (
	kindString   kind = "string"
	kindSecret   kind = "secret"
	kindBool     kind = "bool"
	kindInt      kind = "int"
	kindSize     kind = "size"
	kindDuration kind = "duration"
	kindList     kind = "list"
	kindMap      kind = "map"
	kindIgnored  kind = "ignored" // OpenMetadata has it, it does nothing here
	kindSame     kind = "same"    // another spelling of a key
)

// keyInfo is one line of the key table.
type keyInfo struct {
	path string // list elements as []
	kind kind
	envs []string // environment variables that set it
	note string   // for ignored keys why, for other spellings the key meant
}

// keySet is the table, ready for look-ups.
type keySet struct {
	byPath   map[string]keyInfo
	open     map[string]keyInfo  // sections ignored with all that is below them
	children map[string][]string // names below each section, "" for the top
	ordered  []keyInfo
}

// knownKeys reads the embedded table.
func knownKeys() *keySet {
	set := &keySet{byPath: map[string]keyInfo{}, open: map[string]keyInfo{}, children: map[string][]string{}}
	for line := range strings.Lines(keyTable) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		set.add(parseKeyLine(line))
	}
	for _, names := range set.children {
		sort.Strings(names)
	}
	return set
}

func parseKeyLine(line string) keyInfo {
	path, rest, _ := strings.Cut(line, " ")
	form, rest, _ := strings.Cut(rest, " ")
	info := keyInfo{path: path, kind: kind(form)}
	switch info.kind {
	case kindIgnored, kindSame:
		info.note = rest
	default:
		info.envs = strings.Fields(rest)
	}
	return info
}

func (s *keySet) add(info keyInfo) {
	if section, ok := strings.CutSuffix(info.path, ".**"); ok {
		info.path = section
		s.open[section] = info
	} else {
		s.byPath[info.path] = info
	}
	s.ordered = append(s.ordered, info)
	path := info.path
	for path != "" {
		parent, name := "", path
		if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
			parent, name = path[:dot], path[dot+1:]
		}
		name = strings.TrimSuffix(name, "[]")
		if !contains(s.children[parent], name) {
			s.children[parent] = append(s.children[parent], name)
		}
		path = parent
	}
}

// isSection tells whether keys are known below the path.
func (s *keySet) isSection(path string) bool { return len(s.children[path]) > 0 }

// nearest returns the known key most like the unknown one: first among its
// siblings, then anywhere by its last name. It returns "" when nothing is close.
func (s *keySet) nearest(parent, name string) string {
	if best := closest(name, s.children[parent]); best != "" {
		return join(strings.ReplaceAll(parent, "[]", ""), best)
	}
	var found string
	limit := tolerance(name) + 1
	for _, info := range s.ordered {
		leaf := info.path[strings.LastIndexByte(info.path, '.')+1:]
		if d := distance(strings.ToLower(name), strings.ToLower(strings.TrimSuffix(leaf, "[]"))); d < limit {
			limit, found = d, info.path
		}
	}
	return strings.ReplaceAll(found, "[]", "")
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

func contains(names []string, name string) bool {
	for _, have := range names {
		if have == name {
			return true
		}
	}
	return false
}
