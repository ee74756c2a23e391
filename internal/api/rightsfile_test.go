package api

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/registry"
)

const rightsHead = `# Who gets past the decision about rights: every route, every kind of caller.
# TestT40RightsMatrix makes all these calls. It fails for a cell that differs, for a
# route without a line and for a line without a route. CONTRIBUTING.md tells how to add
# one. Whoever changes a cell says with it: this caller may, or may not.
#
#   -   a credential is wanted        ok    it was done
#   no  the right is lacking          none  it was done, and shows nothing of what there is
#   a number is another status; the words at the end of the line say what decides there
#
# The callers: nobody has no credential; consumer has what everybody has; steward is a
# DataSteward; other is in a team that owns nothing; what is asked about is owned by
# owner and by the team of member; bare is a bot without a role, bot the ingestion bot.
#
# v1 is /api/v1. A block below "types" is about all of them: * is their collection, and
# "only" and "not" at the end name those that the line is, or is not, about. A word
# behind the path tells ways to call a route apart: what is changed, or whose it is.
# "rest" is a member without an operation of its own, "claim" names the caller as owner.
`

func compareKeys(a, b rightsKey) int {
	return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(slices.Index(methodOrder, a.method), slices.Index(methodOrder, b.method)), strings.Compare(a.variant, b.variant))
}

// rightsFamily are types whose lines agree as far as they have the same.
type rightsFamily struct {
	types []*registry.Type
	agree map[rightsKey]string
}

// writeRights is the text of the table.
func writeRights(types *registry.Registry, rows map[rightsKey]rightsRow) []byte {
	var b bytes.Buffer
	b.WriteString(rightsHead)
	var families []*rightsFamily
	special := map[rightsKey]rightsRow{}
	ofType := map[string]map[rightsKey]string{}
	for key, row := range rows {
		t := typeOfPath(types, key)
		if t == nil || row.why != "" {
			special[key] = row
			continue
		}
		if ofType[t.Name] == nil {
			ofType[t.Name] = map[rightsKey]string{}
		}
		ofType[t.Name][inCollection(key, t)] = strings.Join(row.cells, " ")
	}
	for _, t := range types.All() {
		families = addToFamily(families, t, ofType[t.Name])
	}
	for _, f := range families {
		b.WriteByte('\n')
		f.write(&b, ofType)
	}
	writeSpecial(&b, special)
	return b.Bytes()
}

// typeOfPath returns the type that a route which types share belongs to, nil for
// others.
func typeOfPath(types *registry.Registry, key rightsKey) *registry.Type {
	for _, t := range types.All() {
		if rest, ok := strings.CutPrefix(key.path, "/api"+t.Collection); ok && slices.Contains(sharedRests, rest) {
			return t
		}
	}
	return nil
}

// sharedRests are the paths below a collection that many types have.
var sharedRests = []string{
	"", "/history", "/{id}", "/name/{fqn}", "/bulk", "/async/{id}", "/restore", "/{id}/versions", "/{id}/versions/{version}",
	"/{id}/followers", "/{id}/followers/{userId}", "/{id}/vote", "/{id}/testConnectionResult", "/{id}/sampleData",
	"/documentation/csv", "/name/{fqn}/export", "/name/{fqn}/import", "/name/{fqn}/exportAsync", "/name/{fqn}/importAsync", "/{id}/assets", "/name/{fqn}/assets",
}

func inCollection(key rightsKey, t *registry.Type) rightsKey {
	key.path = "*" + strings.TrimPrefix(key.path, "/api"+t.Collection)
	return key
}

// addToFamily puts a type into the first family that it does not contradict.
func addToFamily(families []*rightsFamily, t *registry.Type, rows map[rightsKey]string) []*rightsFamily {
	for _, f := range families {
		if f.fits(rows) {
			f.add(t, rows)
			return families
		}
	}
	f := &rightsFamily{agree: map[rightsKey]string{}}
	f.add(t, rows)
	return append(families, f)
}

func (f *rightsFamily) fits(rows map[rightsKey]string) bool {
	for key, cells := range rows {
		if known, ok := f.agree[key]; ok && known != cells {
			return false
		}
	}
	return true
}

func (f *rightsFamily) add(t *registry.Type, rows map[rightsKey]string) {
	f.types = append(f.types, t)
	for key, cells := range rows {
		f.agree[key] = cells
	}
}

func (f *rightsFamily) write(b *bytes.Buffer, ofType map[string]map[rightsKey]string) {
	names := make([]string, len(f.types))
	for i, t := range f.types {
		names[i] = t.Name
	}
	writeTypes(b, names)
	keys := make([]rightsKey, 0, len(f.agree))
	for key := range f.agree {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compareKeys)
	lines := make([]rightsLine, len(keys))
	for i, key := range keys {
		var with, without []string
		for _, name := range names {
			if _, ok := ofType[name][key]; ok {
				with = append(with, name)
			} else {
				without = append(without, name)
			}
		}
		tail := ""
		switch {
		case len(without) == 0:
		case len(with) < len(without):
			tail = "  only " + strings.Join(with, " ")
		default:
			tail = "  not " + strings.Join(without, " ")
		}
		lines[i] = lineOf(key, strings.Fields(f.agree[key]), tail)
	}
	writeLines(b, lines)
}

// writeTypes names the types of a block.
func writeTypes(b *bytes.Buffer, names []string) {
	line := "types"
	for _, name := range names {
		if len(line)+1+len(name) > 110 {
			fmt.Fprintln(b, line)
			line = "types"
		}
		line += " " + name
	}
	fmt.Fprintln(b, line)
}

// rightsLine is a line before the columns are aligned.
type rightsLine struct {
	call  string
	cells []string
	tail  string
}

func lineOf(key rightsKey, cells []string, tail string) rightsLine {
	path := key.path
	if rest, ok := strings.CutPrefix(path, "/api/v1/"); ok {
		path = "v1/" + rest
	}
	return rightsLine{strings.TrimSpace(fmt.Sprintf("%-6s %s %s", key.method, path, key.variant)), cells, tail}
}

// writeLines writes lines under the names of the callers.
func writeLines(b *bytes.Buffer, lines []rightsLine) {
	width := 0
	for _, line := range lines {
		width = max(width, len(line.call))
	}
	lines = append([]rightsLine{{call: "#", cells: rightsCallers}}, lines...)
	for _, line := range lines {
		text := fmt.Sprintf("%-*s", width, line.call)
		for i, cell := range line.cells {
			text += fmt.Sprintf("  %-*s", len(rightsCallers[i]), cell)
		}
		fmt.Fprintln(b, strings.TrimRight(text+line.tail, " "))
	}
}

// writeSpecial writes what is not shared, a block for each part of the API.
func writeSpecial(b *bytes.Buffer, rows map[rightsKey]rightsRow) {
	var lines []rightsLine
	group := ""
	for _, key := range sortedKeys(rows) {
		if g := blockOf(key.path); g != group && len(lines) > 0 {
			b.WriteByte('\n')
			writeLines(b, lines)
			lines = nil
		}
		group = blockOf(key.path)
		tail := ""
		if why := rows[key].why; why != "" {
			tail = "  # " + why
		}
		lines = append(lines, lineOf(key, rows[key].cells, tail))
	}
	b.WriteByte('\n')
	writeLines(b, lines)
}

// blockOf is what the paths of a block have in common: the part of the API, or that
// they are pages.
func blockOf(path string) string {
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	if !ok {
		return ""
	}
	part, _, _ := strings.Cut(rest, "/")
	return part
}

// readRights reads the table.
func readRights(types *registry.Registry, text string) (map[rightsKey]rightsRow, error) {
	rows := map[rightsKey]rightsRow{}
	var names []string
	above := false // the line above named types
	for i, line := range strings.Split(text, "\n") {
		line, why, _ := strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) > 0 && fields[0] == "types" {
			if !above {
				names = nil
			}
			names, above = append(names, fields[1:]...), true
			continue
		}
		above = false
		if len(fields) == 0 {
			continue
		}
		if err := readLine(types, names, fields, strings.TrimSpace(why), rows); err != nil {
			return nil, fmt.Errorf("line %d of %s: %w", i+1, rightsPage, err)
		}
	}
	return rows, nil
}

// readLine reads one line, which may be about several types.
func readLine(types *registry.Registry, names, fields []string, why string, rows map[rightsKey]rightsRow) error {
	if i := slices.IndexFunc(fields, func(f string) bool { return f == "only" || f == "not" }); i >= 0 {
		listed := fields[i+1:]
		if fields[i] == "only" {
			names = listed
		} else {
			names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(listed, name) })
		}
		fields = fields[:i]
	}
	n := len(fields) - len(rightsCallers)
	if n != 2 && n != 3 {
		return fmt.Errorf("it has %d words: a method, a path, perhaps a word, and %d cells are wanted", len(fields), len(rightsCallers))
	}
	key := rightsKey{method: fields[0], path: fields[1]}
	if rest, ok := strings.CutPrefix(key.path, "v1/"); ok {
		key.path = "/api/v1/" + rest
	}
	if n == 3 {
		key.variant = fields[2]
	}
	keys := []rightsKey{key}
	if rest, ok := strings.CutPrefix(key.path, "*"); ok {
		keys = keys[:0]
		for _, name := range names {
			t, ok := types.ByName(name)
			if !ok {
				return fmt.Errorf("there is no type %s", name)
			}
			keys = append(keys, rightsKey{key.method, "/api" + t.Collection + rest, key.variant})
		}
	}
	for _, key := range keys {
		if _, ok := rows[key]; ok {
			return fmt.Errorf("%s is there twice", key)
		}
		rows[key] = rightsRow{cells: fields[n:], why: why}
	}
	return nil
}
