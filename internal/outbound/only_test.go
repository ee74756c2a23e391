package outbound

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestT67NoOtherClient looks for outgoing calls that go past the rules. Directories and
// mail servers do not speak HTTP, and are named by the operator.
func TestT67NoOtherClient(t *testing.T) {
	calls := regexp.MustCompile(`http\.(Client\{|DefaultClient|DefaultTransport|Transport\{|Get\(|Head\(|Post\(|PostForm\()|httputil\.|net\.Dial|tls\.Dial|net\.Dialer\{`)
	allowed := []string{"auth/ldap/pool.go", "mail/sender.go", "outbound/client.go"}
	seen := 0
	for _, root := range []string{"..", "../../cmd"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "authtest" || d.Name() == "testdata"): // of tests only
				return fs.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			seen++
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, _ := strings.CutPrefix(filepath.ToSlash(path), "../")
			if found := calls.Find(text); found != nil && !slices.Contains(allowed, name) {
				t.Errorf("%s has %s: use outbound.New", name, found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 100 {
		t.Errorf("only %d files were looked at", seen)
	}
}
