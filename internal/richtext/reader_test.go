package richtext

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	markdown "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
)

// reporter is a test of whatever kind.
type reporter interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

// wantHarmless reads a text as its readers may: as HTML, and as Markdown of two
// dialects; alone, with something put around it, and twice in a row, which is where
// trees change their shape.
func wantHarmless(t reporter, from, text string) {
	t.Helper()
	for name, page := range map[string]string{
		"HTML":             text,
		"HTML, in a cell":  "<table><tr><td>" + text + "</td></tr></table><p title='>'>",
		"Markdown":         rendered(t, text, goldmark.New(goldmark.WithRendererOptions(markdown.WithUnsafe()))),
		"Markdown of GFM":  rendered(t, text, goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(markdown.WithUnsafe()))),
		"Markdown, quoted": rendered(t, "> "+strings.ReplaceAll(text, "\n", "\n> "), goldmark.New(goldmark.WithRendererOptions(markdown.WithUnsafe()))),
	} {
		if found := activity(t, page); len(found) > 0 {
			t.Errorf("%q became %q, which as %s holds %v", from, text, name, found)
		}
	}
}

func rendered(t reporter, text string, reader goldmark.Markdown) string {
	t.Helper()
	var out bytes.Buffer
	if err := reader.Convert([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// activity lists what is active in a page, after it was parsed, written and parsed again.
func activity(t reporter, page string) []string {
	t.Helper()
	var found []string
	for range 2 {
		tree, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		for node := range tree.Descendants() {
			found = append(found, activeNode(node)...)
		}
		var written bytes.Buffer
		if err := html.Render(&written, tree); err != nil {
			t.Fatal(err)
		}
		page = written.String()
	}
	return found
}

// activeNode does not use what is tested.
func activeNode(node *html.Node) []string {
	if node.Type != html.ElementNode {
		return nil
	}
	var found []string
	switch node.Data {
	case "script", "style", "iframe", "embed", "svg", "math", "template", "noscript", "title", "textarea", "frame", "frameset", "xmp", "plaintext", "noembed", "noframes", "listing", "applet":
		found = append(found, "<"+node.Data+">")
	}
	for _, attribute := range node.Attr {
		if attribute.Val == "" {
			continue
		}
		switch {
		case slices.Contains([]string{"object", "form", "base", "link", "meta", "param"}, node.Data),
			handler.MatchString(attribute.Key) && strings.ContainsAny(attribute.Val, "(`=.;[ "),
			slices.Contains([]string{"href", "src", "action", "formaction", "background", "data", "poster"}, attribute.Key) && runs(attribute.Val):
			found = append(found, node.Data+" "+attribute.Key+"="+attribute.Val)
		}
	}
	return found
}

var (
	handler  = regexp.MustCompile(`^on[a-z]+$`)
	document = regexp.MustCompile(`(?i)^[\w.+-]+/[\w.+-]*(html|xml)`)
)

// runs tells of an address what a browser would do with it.
func runs(address string) bool {
	address = strings.TrimFunc(address, func(r rune) bool { return r <= ' ' })
	address = strings.NewReplacer("\n", "", "\r", "", "\t", "").Replace(address)
	scheme, rest, absolute := strings.Cut(address, ":")
	if !absolute {
		return false
	}
	rest, _, _ = strings.Cut(rest, ",")
	switch strings.ToLower(scheme) {
	case "javascript", "vbscript":
		return true
	case "data":
		return document.MatchString(rest)
	}
	return false
}
