package handlebars

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// helper is a function that templates can call. It is pure, and whatever it is given
// it answers something.
type helper struct {
	about, syntax, example string
	do                     func(args []any, named map[string]any) any
}

// maxGrown is how long a text may get by a helper.
const maxGrown = 64 << 10

func arg(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return nil
}

func number(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil
	}
	return 0, false
}

func compare(args []any, holds func(a, b float64) bool) any {
	a, okA := number(arg(args, 0))
	b, okB := number(arg(args, 1))
	return okA && okB && holds(a, b)
}

// helpers are all there are.
var helpers = map[string]helper{
	"eq": {"Tells whether two values are the same.", "(eq a b)", `{{#if (eq event.eventType "entityCreated")}}new{{/if}}`,
		func(a []any, _ map[string]any) any { return Text(arg(a, 0)) == Text(arg(a, 1)) }},
	"ne": {"Tells whether two values differ.", "(ne a b)", `{{#if (ne entity.name "x")}}…{{/if}}`,
		func(a []any, _ map[string]any) any { return Text(arg(a, 0)) != Text(arg(a, 1)) }},
	"gt": {"Tells whether a number is greater than another.", "(gt a b)", `{{#if (gt (length entity.columns) 10)}}wide{{/if}}`,
		func(a []any, _ map[string]any) any { return compare(a, func(a, b float64) bool { return a > b }) }},
	"lt": {"Tells whether a number is less than another.", "(lt a b)", `{{#if (lt (length entity.columns) 10)}}narrow{{/if}}`,
		func(a []any, _ map[string]any) any { return compare(a, func(a, b float64) bool { return a < b }) }},
	"and": {"Tells whether all values count as true.", "(and a b …)", `{{#if (and entity.owners entity.description)}}…{{/if}}`, helperAnd},
	"or":  {"Gives the first value that counts as true.", "(or a b …)", `{{or entity.displayName entity.name}}`, helperOr},
	"not": {"Turns a condition around.", "(not a)", `{{#if (not entity.owners)}}nobody's{{/if}}`,
		func(a []any, _ map[string]any) any { return !truth(arg(a, 0)) }},
	"startsWith": {"Tells whether a text begins with another.", "(startsWith text prefix)", `{{#if (startsWith entity.fullyQualifiedName "prod.")}}…{{/if}}`,
		func(a []any, _ map[string]any) any { return strings.HasPrefix(Text(arg(a, 0)), Text(arg(a, 1))) }},
	"endsWith": {"Tells whether a text ends with another.", "(endsWith text suffix)", `{{#if (endsWith change.name "tags")}}…{{/if}}`,
		func(a []any, _ map[string]any) any { return strings.HasSuffix(Text(arg(a, 0)), Text(arg(a, 1))) }},
	"contains": {"Tells whether a text or a list has something in it.", "(contains where what)", `{{#if (contains entity.description "deprecated")}}…{{/if}}`, helperContains},
	"length":   {"Counts the items of a list, or the characters of a text.", "(length value)", `{{length entity.columns}}`, helperLength},
	"limit":    {"Gives the first items of a list, or characters of a text.", "(limit value count)", `{{#each (limit entity.columns 3)}}{{name}} {{/each}}`, helperLimit},
	"joinList": {"Joins the items of a list with something between them.", "(joinList list separator)", `{{joinList (pluck entity.owners "name") ", "}}`, helperJoin},
	"split":    {"Takes a text apart.", "(split text separator)", `{{#each (split entity.fullyQualifiedName ".")}}{{this}} {{/each}}`, helperSplit},
	"pluck":    {"Gives one member of every item of a list.", "(pluck list member)", `{{joinList (pluck entity.tags "tagFQN") ", "}}`, helperPluck},
	"filter":   {"Keeps the items of a list that have these values.", "(filter list member=value)", `{{#each (filter entity.tags source="Glossary")}}{{tagFQN}}{{/each}}`, helperFilter},
	"math":     {"Calculates: + - * / %.", "(math a operator b)", `{{math @index "+" 1}}`, helperMath},
	"upper": {"Writes a text in capitals.", "(upper text)", `{{upper event.entityType}}`,
		func(a []any, _ map[string]any) any { return strings.ToUpper(Text(arg(a, 0))) }},
	"lower": {"Writes a text in small letters.", "(lower text)", `{{lower entity.name}}`,
		func(a []any, _ map[string]any) any { return strings.ToLower(Text(arg(a, 0))) }},
	"camelCaseToTitle": {"Writes a name of the API as words.", "(camelCaseToTitle name)", `{{camelCaseToTitle event.entityType}}`,
		func(a []any, _ map[string]any) any { return title(Text(arg(a, 0))) }},
	"formatDate": {"Writes a time, which is in milliseconds since 1970, in UTC.", "(formatDate time)", `{{formatDate event.timestamp}}`, helperDate},
	"hasFieldInChanges": {"Tells whether a member is among the changes of the event.", "(hasFieldInChanges event.changeDescription name)",
		`{{#if (hasFieldInChanges event.changeDescription "tags")}}…{{/if}}`, helperHasField},
	"buildEntityUrl": {"Gives the address of what changed.", "(buildEntityUrl entity)", `<a href="{{buildEntityUrl entity}}">Open</a>`,
		func(a []any, _ map[string]any) any { return member(arg(a, 0), []string{"href"}) }},
}

func helperAnd(args []any, _ map[string]any) any {
	for _, a := range args {
		if !truth(a) {
			return false
		}
	}
	return len(args) > 0
}

func helperOr(args []any, _ map[string]any) any {
	for _, a := range args {
		if truth(a) {
			return a
		}
	}
	return nil
}

func helperContains(args []any, _ map[string]any) any {
	list, ok := arg(args, 0).([]any)
	if !ok {
		return strings.Contains(Text(arg(args, 0)), Text(arg(args, 1)))
	}
	for _, item := range list {
		if Text(item) == Text(arg(args, 1)) {
			return true
		}
	}
	return false
}

func helperLength(args []any, _ map[string]any) any {
	switch v := arg(args, 0).(type) {
	case nil:
		return 0
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return utf8.RuneCountInString(Text(arg(args, 0)))
}

func helperLimit(args []any, _ map[string]any) any {
	n, ok := number(arg(args, 1))
	count := 0
	if ok && n > 0 {
		count = int(min(n, maxGrown))
	}
	if list, ok := arg(args, 0).([]any); ok {
		return list[:min(count, len(list))]
	}
	runes := []rune(Text(arg(args, 0)))
	return string(runes[:min(count, len(runes))])
}

func helperJoin(args []any, _ map[string]any) any {
	list, ok := arg(args, 0).([]any)
	if !ok {
		return Text(arg(args, 0))
	}
	separator := ", "
	if len(args) > 1 {
		separator = Text(args[1])
	}
	var b strings.Builder
	for i, item := range list {
		if i > 0 {
			b.WriteString(separator)
		}
		if b.WriteString(Text(item)); b.Len() > maxGrown {
			break
		}
	}
	return b.String()
}

func helperSplit(args []any, _ map[string]any) any {
	separator := Text(arg(args, 1))
	if separator == "" {
		return []any{Text(arg(args, 0))}
	}
	parts := strings.SplitN(Text(arg(args, 0)), separator, 1000)
	out := make([]any, len(parts))
	for i, part := range parts {
		out[i] = part
	}
	return out
}

func helperPluck(args []any, _ map[string]any) any {
	list, _ := arg(args, 0).([]any)
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = member(item, []string{Text(arg(args, 1))})
	}
	return out
}

func helperFilter(args []any, named map[string]any) any {
	list, _ := arg(args, 0).([]any)
	out := []any{}
	for _, item := range list {
		fits := true
		for name, want := range named {
			fits = fits && Text(member(item, []string{name})) == Text(want)
		}
		if fits {
			out = append(out, item)
		}
	}
	return out
}

func helperMath(args []any, _ map[string]any) any {
	a, okA := number(arg(args, 0))
	b, okB := number(arg(args, 2))
	if !okA || !okB {
		return nil
	}
	switch Text(arg(args, 1)) {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		if b != 0 {
			return a / b
		}
	case "%":
		if b != 0 {
			return math.Mod(a, b)
		}
	}
	return nil
}

func helperDate(args []any, _ map[string]any) any {
	ms, ok := number(arg(args, 0))
	if !ok || math.Abs(ms) > 1e15 {
		return nil
	}
	return time.UnixMilli(int64(ms)).UTC().Format("2006-01-02 15:04:05 UTC")
}

func helperHasField(args []any, _ map[string]any) any {
	for _, kind := range []string{"fieldsAdded", "fieldsUpdated", "fieldsDeleted"} {
		list, _ := member(arg(args, 0), []string{kind}).([]any)
		for _, change := range list {
			name, _, _ := strings.Cut(Text(member(change, []string{"name"})), ".")
			if want := Text(arg(args, 1)); name == want || Text(member(change, []string{"name"})) == want {
				return true
			}
		}
	}
	return false
}

// title writes camelCase as words: "databaseSchema" is "Database Schema".
func title(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case i == 0:
			r = unicode.ToUpper(r)
		case unicode.IsUpper(r):
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
