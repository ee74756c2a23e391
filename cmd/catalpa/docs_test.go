package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// written are the places where texts name a command: code in pages, and remedies.
var (
	inPages   = regexp.MustCompile("(?m)(?:`|^[ $(]*|bin/|=\\$\\()catalpa ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)((?: [^`\n#|]*)?)")
	inSources = regexp.MustCompile("[ (\"`]catalpa ([a-z][a-z-]*(?: [a-z][a-z-]+)*)((?: %?[A-Za-z]+| --[a-z][a-z-]*)*)")
	// noCommand are texts that begin like one: names of keys that are derived, and prose.
	noCommand = regexp.MustCompile(`^(?:seal|password|is the metadata server)\b`)
	option    = regexp.MustCompile(`(?:^| )--([a-z][a-z-]*)`)
)

// TestTextsNameCommandsThatExist: a remedy that cannot be typed is none. It looks at
// the documentation and at the sentences of the program itself.
func TestTextsNameCommandsThatExist(t *testing.T) {
	var cli commands
	parser, err := kong.New(&cli)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	look := func(file string, pattern *regexp.Regexp) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range pattern.FindAllStringSubmatch(string(text), -1) {
			if noCommand.MatchString(match[1]) {
				continue
			}
			seen++
			node, rest := follow(parser.Model.Node, strings.Fields(match[1]))
			if node == parser.Model.Node || len(rest) > 0 && len(node.Children) > 0 && !slices.ContainsFunc(node.Children, func(n *kong.Node) bool { return n == node.DefaultCmd }) {
				t.Errorf("%s: there is no command %q", file, "catalpa "+match[1])
				continue
			}
			if len(match) < 3 {
				continue
			}
			for _, flag := range option.FindAllStringSubmatch(match[2], -1) {
				if !slices.ContainsFunc(slices.Concat(node.AllFlags(false)...), func(f *kong.Flag) bool { return f.Name == flag[1] }) {
					t.Errorf("%s: %q has no option --%s", file, "catalpa "+match[1], flag[1])
				}
			}
		}
	}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			look(file, inPages)
		}
	}
	for _, pattern := range []string{"*.go", "../../internal/*/*.go", "../../internal/auth/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				look(file, inSources)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d commands were found", seen)
	}
}

// follow goes down the commands as far as the words lead.
func follow(node *kong.Node, words []string) (*kong.Node, []string) {
	for len(words) > 0 {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == words[0] })
		if i < 0 {
			break
		}
		node, words = node.Children[i], words[1:]
	}
	return node, words
}
