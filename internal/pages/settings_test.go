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

// TestFormAsksForKeysThatExist: the form that changes how people sign in sends members
// that the server knows, with choices that it takes.
func TestFormAsksForKeysThatExist(t *testing.T) {
	table, err := os.ReadFile("../config/keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	script, err := staticFiles.ReadFile("static/fields.js")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{
		"A": "authenticationConfiguration.", "O": "authenticationConfiguration.oidcConfiguration.", "L": "authenticationConfiguration.ldapConfiguration.",
		"S": "authenticationConfiguration.samlConfiguration.", "Z": "authorizerConfiguration.",
	}
	found := regexp.MustCompile(`field\(.\$\{([AOLSZ])\}([A-Za-z0-9.]+)`).FindAllStringSubmatch(string(script), -1)
	if len(found) < 50 {
		t.Fatalf("only %d fields were found", len(found))
	}
	for _, match := range found {
		if path := sections[match[1]] + match[2]; !strings.Contains(string(table), "\n"+path+" ") {
			t.Errorf("the form asks for %s, which is no setting", path)
		}
	}
}
