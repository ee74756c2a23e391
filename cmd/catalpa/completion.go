package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash" help:"The shell: bash."`
}

// Help is shown below the flags.
func (completionCommand) Help() string {
	return `Example:
  catalpa completion bash > /etc/bash_completion.d/catalpa`
}

// Run prints a script that completes commands and options. It is made of the command
// line itself, so it knows what this binary does.
func (c *completionCommand) Run(parsed *kong.Context, out *console) error {
	_, err := io.WriteString(out.stdout, bashCompletion(parsed.Model.Node))
	return err
}

// bashCompletion follows the words that are there to a command, and offers what may come
// after it. Where a path belongs, and where nothing of ours fits, it offers files.
func bashCompletion(root *kong.Node) string {
	var known, offers, paths []string
	seen := map[string]bool{}
	walk(root, "", func(path string, node *kong.Node) {
		if path != "" {
			known = append(known, fmt.Sprintf("%q", path))
		}
		var words []string
		for _, child := range node.Children {
			words = append(words, child.Name)
		}
		for _, flag := range flagsOf(node) {
			name := "--" + flag.Name
			words = append(words, name)
			if flag.IsBool() || seen[name] {
				continue
			}
			seen[name] = true
			paths = append(paths, name)
		}
		offers = append(offers, fmt.Sprintf("    %q) words=%q ;;", path, strings.Join(words, " ")))
	})
	return fmt.Sprintf(`_catalpa() {
  local cur=${COMP_WORDS[COMP_CWORD]} path="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${COMP_WORDS[i]}" in
    %s) path="$path ${COMP_WORDS[i]}" ;;
    esac
  done
  case "${COMP_WORDS[COMP_CWORD - 1]}" in
    %s) ;;
    *)
      case "$path" in
%s
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -o filenames -F _catalpa catalpa
`, strings.Join(known, "|"), strings.Join(paths, "|"), strings.Join(offers, "\n"))
}

// walk visits all commands; a path is " admin create", the program's own is "".
func walk(node *kong.Node, path string, visit func(path string, node *kong.Node)) {
	visit(path, node)
	for _, child := range node.Children {
		walk(child, path+" "+child.Name, visit)
	}
}

// flagsOf are the options of a command that are shown.
func flagsOf(node *kong.Node) []*kong.Flag {
	var out []*kong.Flag
	for _, flag := range node.Flags {
		if !flag.Hidden {
			out = append(out, flag)
		}
	}
	return out
}

type manCommand struct{}

// Run prints the manual page, made of the same texts as --help.
func (manCommand) Run(parsed *kong.Context, out *console) error {
	_, err := io.WriteString(out.stdout, manual(parsed.Model.Node))
	return err
}

func manual(root *kong.Node) string {
	var b strings.Builder
	line := func(text string) { fmt.Fprintln(&b, text) }
	fmt.Fprintf(&b, ".TH CATALPA 1 \"\" \"catalpa %s\"\n", roff(release()))
	line(".SH NAME\ncatalpa \\- metadata server and its tools\n.SH SYNOPSIS\n.B catalpa\nCOMMAND [OPTION...]\n.SH DESCRIPTION")
	paragraphs(&b, description)
	line(".SH COMMANDS")
	walk(root, "", func(path string, node *kong.Node) {
		if path == "" || len(node.Children) > 0 {
			return
		}
		title := "catalpa" + path
		for _, arg := range node.Positional {
			title += " " + arg.Summary()
		}
		line(".SS " + roff(title))
		paragraphs(&b, node.Help)
		for _, flag := range flagsOf(node) {
			if flag.Name == "help" {
				continue
			}
			line(".TP")
			fmt.Fprintf(&b, ".B %s\n%s\n", roff(flag.String()), roff(flag.Help))
		}
		if node.Detail != "" {
			paragraphs(&b, node.Detail)
		}
	})
	return b.String()
}

// paragraphs writes prose; what is indented stays as it is.
func paragraphs(b *strings.Builder, text string) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		fmt.Fprintln(b, ".PP")
		for row := range strings.Lines(part) {
			row = strings.TrimRight(row, "\n")
			if strings.HasPrefix(row, "  ") {
				fmt.Fprintf(b, ".br\n%s\n", roff("  "+strings.TrimSpace(row)))
				continue
			}
			fmt.Fprintln(b, roff(row))
		}
	}
}

// roff makes a text one that means nothing to the formatter.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
