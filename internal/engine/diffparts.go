package engine

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// nested compares two arrays of parts. Parts belong together when name and type
// agree; a part that is gone makes a major version.
func (d *differ) nested(old, next *entity.Entity, path []string) error {
	a, err := nestedRaw(old.Rest, path)
	if err != nil {
		return err
	}
	b, err := nestedRaw(next.Rest, path)
	if err != nil {
		return err
	}
	if string(a) == string(b) {
		return nil
	}
	n := registry.Nested{Path: path}
	from, err := nestedParts(old, n)
	if err != nil {
		return err
	}
	to, err := nestedParts(next, n)
	if err != nil {
		return err
	}
	d.parts(dotted(path), from, to, 0)
	return nil
}

func dotted(path []string) string {
	name := path[0]
	for _, p := range path[1:] {
		name += "." + p
	}
	return name
}

// partKey tells which parts of two states are the same one.
type partKey struct{ name, dataType, arrayType string }

func (p *part) key() partKey { return partKey{p.Name, p.DataType, p.ArrayDataType} }

func indexParts(parts []part) map[partKey]*part {
	index := make(map[partKey]*part, len(parts))
	for i := range parts {
		index[parts[i].key()] = &parts[i]
	}
	return index
}

func (d *differ) parts(prefix string, from, to []part, depth int) {
	if depth > maxDepth {
		return
	}
	old := indexParts(from)
	next := indexParts(to)
	var added, deleted []part
	for i := range to {
		before, ok := old[to[i].key()]
		if !ok {
			added = append(added, to[i])
			continue
		}
		d.part(prefix+"."+entity.QuoteName(to[i].Name), before, &to[i], depth)
	}
	for i := range from {
		if _, ok := next[from[i].key()]; !ok {
			deleted = append(deleted, from[i])
		}
	}
	if len(added) > 0 {
		d.added(prefix, mustEncode(added))
	}
	if len(deleted) > 0 {
		d.deleted(prefix, mustEncode(deleted))
		d.major = true
	}
}

// part compares two states of one part, member by member.
func (d *differ) part(name string, from, to *part, depth int) {
	d.text(name+".displayName", from.DisplayName, to.DisplayName)
	d.text(name+".description", from.Description, to.Description)
	d.tags(name+".tags", from.Tags, to.Tags)
	d.text(name+".constraint", from.Constraint, to.Constraint)
	d.text(name+".dataTypeDisplay", from.DataTypeDisplay, to.DataTypeDisplay)
	for _, m := range []struct {
		name     string
		from, to jsontext.Value
	}{
		{"dataLength", from.DataLength, to.DataLength}, {"precision", from.Precision, to.Precision},
		{"scale", from.Scale, to.Scale}, {"ordinalPosition", from.OrdinalPosition, to.OrdinalPosition},
	} {
		d.value(name+"."+m.name, m.from, m.to)
	}
	for _, member := range sortedNames(from.Rest, to.Rest) {
		d.value(name+"."+member, from.Rest[member], to.Rest[member])
	}
	if len(from.Children) > 0 || len(to.Children) > 0 {
		d.parts(name, from.Children, to.Children, depth+1)
	}
}
