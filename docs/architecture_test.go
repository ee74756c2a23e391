package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const architecturePage = "docs/architecture.md"

// enforced reads the import rules that the linter enforces: what each room may enter,
// besides itself, and what it must never import.
func enforced(t *testing.T) (may, never map[string][]string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Files []string
						Allow []string
						Deny  []struct{ Pkg string }
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	const ours = "github.com/catalpa-metadata/catalpa"
	room := func(path string) string {
		return strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(path, ours), "/"), "$"), "internal/")
	}
	may, never = map[string][]string{}, map[string][]string{}
	for _, rule := range file.Linters.Settings.Depguard.Rules {
		name := strings.TrimSuffix(strings.TrimPrefix(rule.Files[0], "**/internal/"), "/*.go")
		if name == "**" || len(rule.Allow) == 0 {
			continue // rules for all rooms
		}
		may[name] = []string{}
		for _, allowed := range rule.Allow {
			if r := room(allowed); r != name {
				may[name] = append(may[name], r)
			}
		}
		for _, denied := range rule.Deny {
			if !strings.HasPrefix(denied.Pkg, ours) {
				never[name] = append(never[name], room(denied.Pkg))
			}
		}
	}
	if len(may) < 20 {
		t.Fatalf("only %d rules were found", len(may))
	}
	return may, never
}

func names(cell string) []string {
	list := []string{}
	for name := range strings.SplitSeq(cell, ",") {
		if name = strings.TrimSpace(name); name != "" && name != "nothing" {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// TestImportTableIsTheEnforcedOne: the table says what the linter enforces.
func TestImportTableIsTheEnforcedOne(t *testing.T) {
	may, never := enforced(t)
	table := regexp.MustCompile(`(?m)^\| ([a-z/*, ]+) \| ([a-z/*, ]+) \| ([a-z/*, ]*)\|$`)
	_, section, _ := strings.Cut(pages(t)[architecturePage], "| package | may import")
	section, _, _ = strings.Cut(section, "\n\n")
	told := map[string]bool{"server": true} // enters every room; a rule of its own says that only cmd enters it
	for _, row := range table.FindAllStringSubmatch(section, -1) {
		for _, name := range names(row[1]) {
			told[name] = true
			allowed, ruled := may[name]
			if !ruled {
				t.Errorf("%s has a row for %s, which no rule is about", architecturePage, name)
				continue
			}
			slices.Sort(allowed)
			slices.Sort(never[name])
			if d := cmp.Diff(allowed, names(row[2])); d != "" {
				t.Errorf("what %s may import (-enforced +told):\n%s", name, d)
			}
			if d := cmp.Diff(append([]string{}, never[name]...), names(row[3])); d != "" {
				t.Errorf("what %s never imports (-enforced +told):\n%s", name, d)
			}
		}
	}
	for name := range may {
		if !told[name] {
			t.Errorf("%s has no row for %s", architecturePage, name)
		}
	}
}

// TestEveryRoomIsNamed: each package has its line, and no line is left of another.
func TestEveryRoomIsNamed(t *testing.T) {
	there := map[string]bool{}
	err := fs.WalkDir(os.DirFS(root), "internal", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(name, ".go") {
			there[strings.TrimPrefix(name[:strings.LastIndexByte(name, '/')], "internal/")] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, rooms, _ := strings.Cut(pages(t)[architecturePage], "\ninternal/\n")
	rooms, _, _ = strings.Cut(rooms, "\n```")
	told := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^  ([a-z/]+)/ +\S`).FindAllStringSubmatch(rooms, -1) {
		told[match[1]] = true
		if !there[match[1]] {
			t.Errorf("%s names internal/%s, which is not there", architecturePage, match[1])
		}
	}
	for name := range there {
		if !told[name] {
			t.Errorf("%s does not name internal/%s", architecturePage, name)
		}
	}
}
