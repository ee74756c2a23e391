package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/config"
)

// knownKeys are the keys that do something, with their variables.
func knownKeys(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "internal", "config", "keys.txt"))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] == "#" || fields[1] == "ignored" || fields[1] == "same" {
			continue
		}
		keys[fields[0]] = strings.Join(fields[2:], " ")
	}
	if len(keys) < 100 {
		t.Fatalf("only %d keys were found", len(keys))
	}
	return keys
}

// TestConfigurationNamesEveryKey: each key that does something has a row with its
// variable, and no row is left of a key that is gone.
func TestConfigurationNamesEveryKey(t *testing.T) {
	keys := knownKeys(t)
	told := map[string]bool{}
	section := ""
	for line := range strings.Lines(pages(t)["docs/configuration.md"]) {
		if strings.HasPrefix(line, "#") {
			section = ""
			if _, name, ok := strings.Cut(line, "`"); ok {
				section = strings.TrimSuffix(strings.TrimSpace(name), "`") + "."
			}
			continue
		}
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		key := section + strings.Trim(cells[1], " `")
		variable, known := keys[key]
		if !known {
			t.Errorf("docs/configuration.md names the key %s, which does nothing", key)
			continue
		}
		told[key] = true
		if got := strings.Trim(cells[2], " `"); got != variable {
			t.Errorf("the variable of %s is %q, not %q", key, variable, got)
		}
		if strings.TrimSpace(cells[3]) == "" {
			t.Errorf("docs/configuration.md does not say what %s is", key)
		}
	}
	for key := range keys {
		if !told[key] {
			t.Errorf("docs/configuration.md does not name %s", key)
		}
	}
}

// TestExamplesAreReadable loads every example of a configuration file: each key exists
// and each value is of its kind. Only the certificate of an identity provider is left
// to the reader.
func TestExamplesAreReadable(t *testing.T) {
	secret := regexp.MustCompile(`(file|env):\S+`)
	examples := 0
	for name, text := range pages(t) {
		for _, match := range fence.FindAllStringSubmatch(text, -1) {
			block := match[2]
			if match[1] != "yaml" || !strings.Contains(block, "Configuration:\n") || strings.HasPrefix(block, " ") {
				continue
			}
			examples++
			file := filepath.Join(t.TempDir(), "catalpa.yaml")
			if err := os.WriteFile(file, []byte(secret.ReplaceAllString(block, "example")), 0o600); err != nil {
				t.Fatal(err)
			}
			_, findings, _ := config.Load(config.Options{File: file, Offline: true, LookupEnv: func(string) (string, bool) { return "", false }})
			for _, f := range findings {
				if f.Severity == config.Error && !strings.HasSuffix(f.Key, "idp.idpX509Certificate") {
					t.Errorf("an example of %s: %s", name, f)
				}
			}
		}
	}
	if examples < 8 {
		t.Errorf("only %d examples were found", examples)
	}
}
