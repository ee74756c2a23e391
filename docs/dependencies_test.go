package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

var (
	required = regexp.MustCompile(`(?m)^\s*([a-z0-9.]+\.[a-z]+/\S+) v\S+`)
	imported = regexp.MustCompile(`(?m)^(?:import )?\s*(?:[\w.]+ )?"([a-z0-9]+\.[a-z]+[^"\s]*)"$`)
	listed   = regexp.MustCompile(`(?m)^\| ([^|` + "`" + `]+?) \|[^|]+\|[^|]+\|$`)
)

// TestEveryDependencyHasAReason compares what the code imports, and what the user
// interface and the browser tests install, with the list: each has its line, and no line is left of another.
func TestEveryDependencyHasAReason(t *testing.T) {
	used := modules(t)
	for _, dir := range []string{"signontest", "web"} {
		raw, err := os.ReadFile(filepath.Join(root, dir, "package.json"))
		if err != nil {
			t.Fatal(err)
		}
		var manifest struct {
			Dependencies    map[string]string `json:"dependencies"`
			DevDependencies map[string]string `json:"devDependencies"`
		}
		if err := json.Unmarshal(raw, &manifest); err != nil {
			t.Fatal(err)
		}
		for _, list := range []map[string]string{manifest.Dependencies, manifest.DevDependencies} {
			for name := range list {
				used["npm "+name] = true
			}
		}
	}
	found := map[string]bool{}
	for _, match := range listed.FindAllStringSubmatch(pages(t)["docs/dependencies.md"], -1) {
		name := strings.TrimSpace(match[1])
		if name == "module" || name == "package" || strings.Trim(name, "-") == "" || strings.HasPrefix(name, "tool ") {
			continue
		}
		found[name] = true
		if !used[name] {
			t.Errorf("docs/dependencies.md lists %s, which nothing uses", name)
		}
	}
	for name := range used {
		if !found[name] {
			t.Errorf("docs/dependencies.md does not say what %s is for", name)
		}
	}
}

// modules are the required modules that code of ours imports.
func modules(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	required := required.FindAllStringSubmatch(string(raw), -1)
	used := map[string]bool{}
	sources(t, func(name, text string) {
		if strings.Contains(name, "/node_modules/") {
			return
		}
		head, _, _ := strings.Cut(text, "\nfunc ")
		for _, match := range imported.FindAllStringSubmatch(head, -1) {
			longest := ""
			for _, module := range required {
				if (match[1] == module[1] || strings.HasPrefix(match[1], module[1]+"/")) && len(module[1]) > len(longest) {
					longest = module[1]
				}
			}
			if longest != "" {
				used[longest] = true
			}
		}
	}, "internal", "cmd", "schema", "acceptance", "conformance", "crash", "bench", "signontest")
	if len(used) < 20 {
		t.Fatalf("only %d modules were found to be used", len(used))
	}
	return used
}
