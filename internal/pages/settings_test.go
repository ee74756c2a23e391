package pages

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// recorded finds the actions of the audit trail in the code that writes them.
var recorded = regexp.MustCompile(`(?:Action: *|action :?= *|, action := .*, |auditKey\(ctx, by, |\.drop\(ctx, \w+, |= s\.keys\.\w+, )"([a-z]+[A-Za-z]*)"`)

// TestActionsHaveWords: what the trail records is told in words, and no words are left
// of what it does not record any more.
func TestActionsHaveWords(t *testing.T) {
	raw, err := staticFiles.ReadFile("static/actions.js")
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]string
	text := bytes.TrimSuffix(bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("export default"))), []byte(";"))
	if err := json.Unmarshal(text, &words); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../auth/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range recorded.FindAllSubmatch(code, -1) {
			found[string(match[1])] = true
		}
	}
	if len(found) < 30 {
		t.Fatalf("only %d actions were found in the code: does the pattern still fit?", len(found))
	}
	for action := range found {
		if words[action] == "" {
			t.Errorf("%s has no words", action)
		}
	}
	for action := range words {
		if !found[action] {
			t.Errorf("%s is told but never recorded", action)
		}
	}
}
