package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func model(t *testing.T) *kong.Node {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Name("catalpa"))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Node
}

// offered is what bash offers after some words, the last of which is being typed.
func offered(t *testing.T, script string, words ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", append([]string{"-c", script + `
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _catalpa; echo "${COMPREPLY[*]}"`, "bash"}, words...)...)
	cmd.Dir = t.TempDir()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("bash with the script: %v %s", err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

func TestBashCompletesCommands(t *testing.T) {
	script := bashCompletion(model(t))
	for typed, want := range map[string]string{
		"catalpa back":                        "backup",
		"catalpa bot ":                        "token",
		"catalpa bot token --exp":             "--expiry",
		"catalpa restore f --pass":            "--passphrase-file",
		"catalpa backup --data-dir bot --key": "--key-file",
		"catalpa server --data-dir serv":      "",
		"catalpa nonsense --samp":             "",
	} {
		if got := offered(t, script, strings.Split(typed, " ")...); got != want && !strings.HasPrefix(got, want+" ") {
			t.Errorf("after %q bash offers %q, want %q", typed, got, want)
		}
	}
	all := offered(t, script, "catalpa", "")
	for _, child := range model(t).Children {
		if !strings.Contains(" "+all+" ", " "+child.Name+" ") {
			t.Errorf("bash does not offer %s", child.Name)
		}
	}
}

func TestManualHasEveryCommandAndOption(t *testing.T) {
	page := manual(model(t))
	walk(model(t), "", func(path string, node *kong.Node) {
		if path == "" || len(node.Children) > 0 {
			return
		}
		_, section, found := strings.Cut(page, "\n.SS "+roff("catalpa"+path))
		if !found {
			t.Errorf("the manual has nothing of catalpa%s", path)
			return
		}
		section, _, _ = strings.Cut(section, "\n.SS ")
		for _, flag := range flagsOf(node) {
			if flag.Name != "help" && !strings.Contains(section, roff("--"+flag.Name)) {
				t.Errorf("the manual of catalpa%s lacks --%s", path, flag.Name)
			}
		}
	})
	for line := range strings.Lines(page) {
		if macro, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(macro, ".") && !strings.Contains(" .TH .SH .SS .PP .TP .B .br ", " "+macro+" ") {
			t.Errorf("a line of a text is taken for a macro: %s", line)
		}
	}
}
