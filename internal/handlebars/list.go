package handlebars

import (
	"maps"
	"slices"
	"strings"
)

// Helper describes a helper, in the shape of the API.
type Helper struct {
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Cursor      int     `json:"cursorOffset"` // where an editor puts the cursor in the first usage
	Usages      []Usage `json:"usages"`
}

// Usage is a way to write a helper.
type Usage struct {
	Syntax  string `json:"syntax"`
	Example string `json:"example"`
}

// Helpers lists the blocks and helpers, by name.
func Helpers() []Helper {
	all := map[string]Helper{}
	add := func(name, about, syntax, example string) {
		all[name] = Helper{Name: name, Description: about, Cursor: strings.IndexByte(syntax, ' ') + 1, Usages: []Usage{{Syntax: syntax, Example: example}}}
	}
	add("if", "Shows something when a value counts as true.", "{{#if value}}…{{else}}…{{/if}}", "{{#if entity.owners}}owned{{else}}nobody's{{/if}}")
	add("unless", "Shows something when a value does not count as true.", "{{#unless value}}…{{/unless}}", "{{#unless entity.owners}}nobody's{{/unless}}")
	add("each", "Repeats something for every item; this is the item, @index its number, @key its name.", "{{#each list}}…{{else}}…{{/each}}", "{{#each entity.columns}}{{name}} {{/each}}")
	add("with", "Looks into a value.", "{{#with value}}…{{/with}}", "{{#with entity.owners.[0]}}{{name}}{{/with}}")
	for name, h := range helpers {
		add(name, h.about, "{{"+strings.Trim(h.syntax, "()")+"}}", h.example)
	}
	out := make([]Helper, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[name])
	}
	return out
}
