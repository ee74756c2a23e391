//go:build signon

package pages

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestScripts runs the tests of the scripts, which need Node, and has it read every
// script.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("static/*.js")
	if err != nil || len(scripts) < 10 {
		t.Fatalf("%d scripts found: %v", len(scripts), err)
	}
	for _, script := range scripts {
		if out, err := exec.CommandContext(t.Context(), "node", "--check", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "node", "--test", "scripttest/").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
